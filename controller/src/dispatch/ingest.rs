//! What nodes report, into the database.
//!
//! Reports are taken in batches, each batch in one transaction. Receipts are acknowledged to the node after the commit:
//! a node deletes what it was acknowledged. When the database fails the batch is tried again; meanwhile the channel
//! fills, and the broker slows the senders down. Nothing is lost, and what comes twice changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use loa_link::{LinkHandle, Publication};
use loa_protocol::ids::{NodeId, TenantId};
use loa_protocol::receipt::{ReceiptAck, ReceiptBatch};
use loa_protocol::report::{Event, EventKind, Health, Presence, State};
use loa_protocol::time::UnixMs;
use loa_protocol::topic::{Topic, TopicKind};
use loa_protocol::transfer::Want;
use loa_protocol::wire::{Wire, WireError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::DispatchError;
use super::outlet::offer;
use crate::broker::Incoming;
use crate::live::{Change, Changes};
use crate::store::{Connection, Store, nodes, presence, receipts, reports};

/// Most reports in one transaction.
const BATCH: usize = 256;
/// How long to wait before a batch that failed is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// What the ingest needs.
pub struct Settings {
    /// The database.
    pub store: Store,
    /// The installation.
    pub tenant: TenantId,
    /// The way back to the nodes, for acknowledgements.
    pub link: LinkHandle,
    /// What nodes published.
    pub incoming: mpsc::Receiver<Incoming>,
    /// Wants go to the transfer. Full: the want is dropped, and its node asks again.
    pub wants: mpsc::Sender<(NodeId, Want)>,
    /// States go to the reconciler. Full: dropped, for nodes report again.
    pub reported: mpsc::Sender<(NodeId, State)>,
    /// Tells the pages what changed.
    pub changes: Changes,
}

enum Report {
    Presence(Presence),
    State(State),
    Want(Want),
    Receipts(ReceiptBatch),
    Health(Health),
    Event(Event),
}

struct Reported {
    node: NodeId,
    at: UnixMs,
    report: Report,
}

/// Runs until the token is cancelled or nobody can report any more.
pub async fn run(mut settings: Settings, stop: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        batch.clear();
        tokio::select! {
            () = stop.cancelled() => return,
            count = settings.incoming.recv_many(&mut batch, BATCH) => if count == 0 { return },
        }
        let reported: Vec<Reported> = batch.drain(..).filter_map(read).collect();
        while let Err(error) = keep(&settings.store, &reported).await {
            let error = anyhow::Error::new(error);
            tracing::error!(error = format!("{error:#}"), "reports could not be stored; tried again soon");
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(RETRY_AFTER) => {}
            }
        }
        hand_on(&settings, reported).await;
    }
}

fn read(incoming: Incoming) -> Option<Reported> {
    let Incoming { node_id: node, topic, payload, received_at: at, .. } = incoming;
    match decode(&topic, &payload) {
        Ok(report) => report.map(|report| Reported { node, at, report }),
        Err(error) => {
            tracing::warn!(%node, topic, %error, "a node sent something that cannot be read");
            None
        }
    }
}

fn decode(topic: &str, payload: &[u8]) -> Result<Option<Report>, WireError> {
    let Ok(topic) = topic.parse::<Topic>() else { return Ok(None) };
    // A node clears what is retained for it with an empty message.
    if payload.is_empty() {
        return Ok(None);
    }
    Ok(match topic.kind {
        TopicKind::Presence(_) => Some(Report::Presence(Presence::from_cbor(payload)?)),
        TopicKind::State(_) => Some(Report::State(State::from_cbor(payload)?)),
        TopicKind::Want(_) => Some(Report::Want(Want::from_cbor(payload)?)),
        TopicKind::Receipt(_) => Some(Report::Receipts(ReceiptBatch::from_cbor(payload)?)),
        TopicKind::Health(_) => Some(Report::Health(Health::from_cbor(payload)?)),
        TopicKind::Event(_) => Some(Report::Event(Event::from_cbor(payload)?)),
        TopicKind::Keys
        | TopicKind::Plan(_)
        | TopicKind::Desired(_)
        | TopicKind::Ack(_)
        | TopicKind::Blocks(_)
        | TopicKind::Wave(..) => None,
    })
}

/// Stores a batch in one transaction.
async fn keep(store: &Store, reported: &[Reported]) -> Result<(), DispatchError> {
    if reported.iter().all(|r| matches!(r.report, Report::Want(_))) {
        return Ok(());
    }
    let mut tx = store.write().await?;
    let mut known: BTreeMap<&NodeId, bool> = BTreeMap::new();
    for reported in reported {
        // A node that was deleted has no rows to hang its reports on.
        let exists = match known.get(&reported.node) {
            Some(exists) => *exists,
            None => {
                let exists = nodes::exists(&mut tx, reported.node.as_str()).await?;
                known.insert(&reported.node, exists);
                exists
            }
        };
        if exists {
            keep_one(&mut tx, reported).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn keep_one(c: &mut Connection, reported: &Reported) -> Result<(), DispatchError> {
    let Reported { node, at, report } = reported;
    match report {
        Report::Presence(word) => {
            presence::put(c, node, word, *at).await?;
        }
        Report::State(state) => reports::put_state(c, node, state, *at).await?,
        Report::Health(health) => reports::put_health(c, node, health, *at).await?,
        Report::Receipts(batch) => {
            receipts::insert(c, node, &batch.receipts, *at).await?;
        }
        Report::Want(_) => {}
        Report::Event(_) => reports::touch(c, node, *at).await?,
    }
    Ok(())
}

/// After the commit: acknowledge, and tell those who wait for it.
async fn hand_on(settings: &Settings, reported: Vec<Reported>) {
    for Reported { node, report, .. } in reported {
        match report {
            Report::Receipts(batch) => {
                let ack = ReceiptAck { numbers: batch.receipts.iter().map(|r| r.number).collect() };
                let topic = Topic::new(&settings.tenant, TopicKind::Ack(node.clone()));
                // Lost on the way, the node sends its receipts again and is acknowledged again.
                offer(&settings.link, Publication::new(topic.to_string(), ack.to_cbor(), 0)).await;
                for receipt in batch.receipts {
                    settings.changes.tell(Change::Receipt {
                        node: node.clone(),
                        bulletin: receipt.bulletin,
                        occurrence: receipt.occurrence,
                    });
                }
            }
            Report::State(state) => {
                if settings.reported.try_send((node.clone(), state)).is_err() {
                    tracing::debug!(%node, "the reconciler is busy; this state is compared at the next report");
                }
                settings.changes.tell(Change::Node(node));
            }
            Report::Want(want) => {
                if settings.wants.try_send((node.clone(), want)).is_err() {
                    tracing::debug!(%node, "the transfer is busy; the node asks again");
                }
            }
            Report::Presence(_) | Report::Health(_) => settings.changes.tell(Change::Node(node)),
            Report::Event(event) => log(&node, &event),
        }
    }
}

fn log(node: &NodeId, event: &Event) {
    match &event.kind {
        EventKind::DocumentRefused { topic, refusal } => {
            tracing::warn!(%node, topic, %refusal, "a node refused a signed document");
        }
        EventKind::BlockRefused { object, index } => {
            tracing::warn!(%node, %object, index, "a node got a block whose hash is wrong");
        }
        EventKind::ObjectCorrupt { object } => {
            tracing::warn!(%node, %object, "audio in a node's cache had changed; it fetches it anew");
        }
    }
}
