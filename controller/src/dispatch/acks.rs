//! Acknowledgements of receipts, on their way to the nodes.
//!
//! They have a task of their own. Through an external broker reports come and acknowledgements go over one connection:
//! if whoever takes the reports waited for room in the link's queue, the link would wait for them to take reports before
//! it reads the broker's answers that make this room, and neither would ever go on.

use loa_link::{LinkHandle, Publication};
use loa_protocol::ids::{NodeId, TenantId};
use loa_protocol::receipt::ReceiptAck;
use loa_protocol::topic::{Topic, TopicKind};
use loa_protocol::wire::Wire as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::outlet::offer;

/// Acknowledgements that wait for the link: one for each node of a large installation, for after a power cut all of them report
/// at once, and a node whose acknowledgement is lost sends all its receipts again. About 5 MB at most. Full: one is dropped; its
/// node sends the receipts again after 20 s, and is acknowledged again.
pub const CAPACITY: usize = 16_384;

/// An acknowledgement for a node.
pub type Ack = (NodeId, ReceiptAck);

/// Sends acknowledgements until the token is cancelled or none can come any more. One that finds no connection is lost,
/// as one in a full queue is.
pub async fn run(tenant: TenantId, link: LinkHandle, mut acks: mpsc::Receiver<Ack>, stop: CancellationToken) {
    loop {
        let (node, ack) = tokio::select! {
            () = stop.cancelled() => return,
            ack = acks.recv() => match ack {
                Some(ack) => ack,
                None => return,
            },
        };
        let topic = Topic::new(&tenant, TopicKind::Ack(node));
        tokio::select! {
            () = stop.cancelled() => return,
            _settled = offer(&link, Publication::new(topic.to_string(), ack.to_cbor(), 0)) => {}
        }
    }
}
