//! What nodes report, into the database.
//!
//! Reports are taken in batches, each batch in one transaction. Receipts are acknowledged to the node after the commit:
//! a node deletes what it was acknowledged. When the database fails the batch is tried again; meanwhile the channel
//! fills, and the broker slows the senders down. Nothing is lost, and what comes twice changes nothing.
//!
//! **Invariants.**
//! - Only an enrolled node is believed. An external broker may let in whom staff revoked, or whom nobody knows here; what
//!   they say is counted and dropped. That a revoked node is gone is believed: its will may come after the revocation.
//! - The ingest waits for the database alone, never for the link; see [`super::acks`].
//! - What a broker had kept from before says nothing about when: it is dated with the last instant at which the node was
//!   heard, so that a reconnection of the controller makes nobody look alive.

mod answers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use loa_protocol::alert::AlertAnswer;
use loa_protocol::ids::{Digest, NodeId};
use loa_protocol::receipt::{ReceiptAck, ReceiptBatch, receipt_digests};
use loa_protocol::report::{AppliedPlan, Event, EventKind, Health, Presence, State};
use loa_protocol::time::UnixMs;
use loa_protocol::topic::{Topic, TopicKind};
use loa_protocol::transfer::Want;
use loa_protocol::wire::{Wire, WireError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::acks::Ack;
use super::transfer::Asked;
use super::{DispatchError, proof};
use crate::broker::Incoming;
use crate::domain::node::NodeState;
use crate::live::{Change, Changes};
use crate::store::{Connection, Store, live_orders, node_events, nodes, presence, reports};

/// Most reports in one transaction.
const BATCH: usize = 256;
/// Most strangers whose first refusal is logged; those after them are only counted.
const STRANGERS_MAX: usize = 256;
/// How long to wait before a batch that failed is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// What the ingest needs.
pub struct Settings {
    /// The database.
    pub store: Store,
    /// What nodes published.
    pub incoming: mpsc::Receiver<Incoming>,
    /// Acknowledgements go to their own task. Full: dropped, and the node sends its receipts again.
    pub acks: mpsc::Sender<Ack>,
    /// Wants, and who is gone, go to the transfer. Full: dropped; a node asks again, and one that is gone is forgotten in time.
    pub asked: mpsc::Sender<Asked>,
    /// States go to the reconciler. Full: dropped, for nodes report again.
    pub reported: mpsc::Sender<(NodeId, State)>,
    /// The emergencies that nodes have applied go to their sender. Full: dropped, for nodes report again.
    pub alerts_reported: mpsc::Sender<(NodeId, Vec<AppliedPlan>)>,
    /// Tells the pages what changed.
    pub changes: Changes,
    /// Counts the reports of nodes that are not enrolled.
    pub refused: Arc<AtomicU64>,
}

enum Report {
    Presence(Presence),
    State(State),
    Want(Want),
    /// With the digests of the receipts as they were sent.
    Receipts(ReceiptBatch, Vec<Digest>),
    Health(Health),
    Event(Event),
    Answer(AlertAnswer),
}

struct Reported {
    node: NodeId,
    at: UnixMs,
    replayed: bool,
    report: Report,
}

/// Who of those that report in a batch is believed.
type Standing = BTreeMap<NodeId, Option<NodeState>>;

/// Runs until the token is cancelled or nobody can report any more.
pub async fn run(mut settings: Settings, stop: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut strangers = BTreeSet::new();
    loop {
        batch.clear();
        tokio::select! {
            () = stop.cancelled() => return,
            count = settings.incoming.recv_many(&mut batch, BATCH) => if count == 0 { return },
        }
        let mut reported: Vec<Reported> = batch.drain(..).filter_map(read).collect();
        let standing = loop {
            let error = match keep(&settings.store, &reported).await {
                Ok(standing) => break standing,
                Err(error) => anyhow::Error::new(error),
            };
            tracing::error!(error = format!("{error:#}"), "reports could not be stored; tried again soon");
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(RETRY_AFTER) => {}
            }
        };
        reported.retain(|reported| {
            let believed = reported.is_believed(&standing);
            if !believed {
                settings.refused.fetch_add(1, Ordering::Relaxed);
                if strangers.len() < STRANGERS_MAX && strangers.insert(reported.node.clone()) {
                    tracing::warn!(
                        node = %reported.node,
                        "a node that is not enrolled reports; it is not believed, and further reports are only counted. The broker should not let it in"
                    );
                }
            }
            believed
        });
        if reported.iter().any(|reported| matches!(reported.report, Report::Answer(_))) {
            settings.changes.tell(Change::Alert);
        }
        for reported in reported {
            hand_on(&settings, reported);
        }
    }
}

fn read(incoming: Incoming) -> Option<Reported> {
    let Incoming { node_id: node, topic, payload, received_at: at, replayed } = incoming;
    match decode(&topic, &payload) {
        Ok(report) => report.map(|report| Reported { node, at, replayed, report }),
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
        TopicKind::Receipt(_) => {
            Some(Report::Receipts(ReceiptBatch::from_cbor(payload)?, receipt_digests(payload)?))
        }
        TopicKind::Health(_) => Some(Report::Health(Health::from_cbor(payload)?)),
        TopicKind::Event(_) => Some(Report::Event(Event::from_cbor(payload)?)),
        TopicKind::Answer(_) => Some(Report::Answer(AlertAnswer::from_cbor(payload)?)),
        TopicKind::Keys
        | TopicKind::Plan(_)
        | TopicKind::Alert(_)
        | TopicKind::Command(_)
        | TopicKind::Desired(_)
        | TopicKind::Ack(_)
        | TopicKind::Blocks(_)
        | TopicKind::Wave(..)
        | TopicKind::TimeRequest(_)
        | TopicKind::TimeAnswer(_) => None,
    })
}

impl Reported {
    fn is_believed(&self, standing: &Standing) -> bool {
        // The transfer serves those alone to whom something is offered, which are enrolled nodes.
        if matches!(self.report, Report::Want(_)) {
            return true;
        }
        match standing.get(&self.node).copied().flatten() {
            Some(NodeState::Enrolled) => true,
            Some(NodeState::Revoked) => {
                matches!(&self.report, Report::Presence(word) if !word.online)
            }
            Some(NodeState::Pending) | None => false,
        }
    }
}

/// Stores what is believed of a batch, in one transaction, and answers where those who report stand.
async fn keep(store: &Store, reported: &[Reported]) -> Result<Standing, DispatchError> {
    let mut standing = Standing::new();
    if reported.iter().all(|r| matches!(r.report, Report::Want(_))) {
        return Ok(standing);
    }
    let mut tx = store.append().await?;
    for Reported { node, .. } in reported {
        if !standing.contains_key(node) {
            let state = nodes::state(&mut tx, node).await?;
            standing.insert(node.clone(), state);
        }
    }
    for reported in reported.iter().filter(|reported| reported.is_believed(&standing)) {
        keep_one(&mut tx, reported).await?;
    }
    answers::keep(&mut tx, reported.iter().filter(|reported| reported.is_believed(&standing))).await?;
    tx.commit().await?;
    Ok(standing)
}

async fn keep_one(c: &mut Connection, reported: &Reported) -> Result<(), DispatchError> {
    let Reported { node, at, replayed, report } = reported;
    let at = &match replayed {
        true => reports::last_heard(c, node).await?.unwrap_or(*at),
        false => *at,
    };
    match report {
        Report::Presence(word) => {
            presence::put(c, node, word, *at).await?;
        }
        Report::State(state) => {
            reports::put_state(c, node, state, *at).await?;
            live_orders::note_applied(c, node, &state.orders, *at).await?;
        }
        Report::Health(health) => reports::put_health(c, node, health, *at).await?,
        Report::Receipts(batch, digests) => proof::keep(c, node, batch, digests, *at).await?,
        // Answers are kept together.
        Report::Want(_) | Report::Answer(_) => {}
        Report::Event(event) => {
            node_events::insert(c, node, event, *at).await?;
            reports::touch(c, node, *at).await?;
        }
    }
    Ok(())
}

/// After the commit: acknowledge, and tell those who wait for it.
fn hand_on(settings: &Settings, Reported { node, report, .. }: Reported) {
    match report {
        Report::Receipts(batch, _) => {
            let ack = ReceiptAck { numbers: batch.receipts.iter().map(|r| r.number).collect() };
            if settings.acks.try_send((node.clone(), ack)).is_err() {
                tracing::debug!(%node, "the link is busy; the node sends its receipts again");
            }
            for receipt in batch.receipts {
                settings.changes.tell(Change::Receipt {
                    node: node.clone(),
                    bulletin: receipt.bulletin,
                    occurrence: receipt.occurrence,
                });
            }
        }
        // Told once for the batch.
        Report::Answer(_) => {}
        Report::State(state) => {
            if settings.alerts_reported.try_send((node.clone(), state.alerts.clone())).is_err() {
                tracing::debug!(%node, "the sender of emergencies is busy; this state is compared at the next report");
            }
            if settings.reported.try_send((node.clone(), state)).is_err() {
                tracing::debug!(%node, "the reconciler is busy; this state is compared at the next report");
            }
            settings.changes.tell(Change::Node(node));
            settings.changes.tell(Change::Order);
        }
        Report::Want(want) => {
            if settings.asked.try_send(Asked::Want(node.clone(), want)).is_err() {
                tracing::debug!(%node, "the transfer is busy; the node asks again");
            }
        }
        Report::Presence(word) => {
            if !word.online && settings.asked.try_send(Asked::Gone(node.clone())).is_err() {
                tracing::debug!(%node, "the transfer is busy; it finds out that the node is gone");
            }
            settings.changes.tell(Change::Node(node));
        }
        Report::Health(_) => settings.changes.tell(Change::Node(node)),
        Report::Event(event) => {
            log(&node, &event);
            settings.changes.tell(Change::Node(node));
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
