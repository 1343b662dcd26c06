//! The way out: one link to the broker, embedded or not, and what comes of it.

use std::time::Duration;

use loa_link::{LinkEvent, LinkHandle, Publication, PublishRefused};
use loa_protocol::topic::Topic;
use tokio::sync::{mpsc, watch};

use crate::broker::Incoming;
use crate::services::Clock;

/// How long to wait when the link's queue is full.
const QUEUE_WAIT: Duration = Duration::from_millis(20);

/// What became of an offered publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offered {
    /// The link has it.
    Taken,
    /// It can never be sent; the reason was logged.
    Unsendable,
    /// No connection stands.
    NotConnected,
}

/// Offers a publication until the link takes it; waits while its queue is full.
pub(super) async fn offer(link: &LinkHandle, publication: Publication) -> Offered {
    loop {
        match link.try_publish(publication.clone()) {
            Ok(()) => return Offered::Taken,
            Err(PublishRefused::QueueFull) => tokio::time::sleep(QUEUE_WAIT).await,
            Err(PublishRefused::NotConnected) => return Offered::NotConnected,
            Err(error @ (PublishRefused::TooLarge { .. } | PublishRefused::InvalidTopic)) => {
                tracing::error!(topic = publication.topic, %error, "a message cannot be sent");
                return Offered::Unsendable;
            }
        }
    }
}

/// Takes the link's events: announces each new connection, and hands on what nodes report through an external broker.
/// When `incoming` is full the link stops reading, and the broker holds the rest. Ends with the link.
pub async fn pump(
    mut events: mpsc::Receiver<LinkEvent>,
    connection: watch::Sender<u64>,
    incoming: mpsc::Sender<Incoming>,
    clock: Clock,
) {
    while let Some(event) = events.recv().await {
        match event {
            LinkEvent::Connected { conn_seq, .. } => {
                tracing::info!(conn_seq, "connected to the broker");
                connection.send_replace(conn_seq);
            }
            LinkEvent::Disconnected { reason, retry_in, .. } => {
                let reason = anyhow::Error::new(reason);
                tracing::warn!(reason = format!("{reason:#}"), ?retry_in, "no connection to the broker");
            }
            LinkEvent::Message(message) => {
                let Ok(topic) = message.topic.parse::<Topic>() else {
                    tracing::debug!(topic = message.topic, "a message on a topic that is not ours");
                    continue;
                };
                let Some(node_id) = topic.kind.reporter().cloned() else { continue };
                let report = Incoming {
                    node_id,
                    topic: message.topic,
                    payload: message.payload,
                    retain: message.retain,
                    received_at: clock.now(),
                };
                if incoming.send(report).await.is_err() {
                    return;
                }
            }
            LinkEvent::Subscribed { refused, .. } => {
                for filter in refused {
                    tracing::error!(filter = filter.filter, reason = ?filter.reason, "the broker refuses a subscription; check its access list");
                }
            }
            LinkEvent::Rejected { reason, .. } => {
                tracing::error!(
                    ?reason,
                    "the broker refuses a publication; check its access list and limits"
                );
            }
            LinkEvent::Acked { .. } => {}
        }
    }
}
