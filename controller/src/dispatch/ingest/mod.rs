//! What nodes report, into the database.
//!
//! Reports are taken in batches, each batch in one transaction (`keep.rs`). Receipts are acknowledged to the node after the commit:
//! a node deletes what it was acknowledged. When the database fails the batch is tried again; meanwhile the channel
//! fills, and the broker slows the senders down. Nothing is lost, and what comes twice changes nothing.
//!
//! A commit costs the disk a sync whatever is in it. So there are at most so many in a second (`COMMIT_EVERY`): what comes after a
//! pause is stored at once, and under load batches grow.
//!
//! **Invariants.**
//! - Only an enrolled node is believed. An external broker may let in whom staff revoked, or whom nobody knows here; what
//!   they say is counted and dropped. That a revoked node is gone is believed: its will may come after the revocation.
//! - The ingest waits for the database alone, never for the link; see [`super::acks`].
//! - What a broker had kept from before says nothing about when: it is dated with the last instant at which the node was
//!   heard, so that a reconnection of the controller makes nobody look alive.

mod answers;
mod keep;
mod report;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use loa_protocol::ids::NodeId;
use loa_protocol::receipt::ReceiptAck;
use loa_protocol::report::{AppliedPlan, Event, EventKind, State};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::keep::keep;
use self::report::{Message, Report, Reported, read};
use super::acks::Ack;
use super::proof::Sent;
use super::transfer::Asked;
use crate::broker::Incoming;
use crate::live::{Change, Changes};
use crate::metrics::IngestMeters;
use crate::store::Store;

/// Most reports in one transaction. With 20 receipts each it takes about a third of a second, for which staff who change
/// something wait.
const BATCH: usize = 1024;
/// From one commit to the next, at least, unless a batch is full.
const COMMIT_EVERY: Duration = Duration::from_millis(50);
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
    /// Measures.
    pub metrics: IngestMeters,
}

/// Runs until the token is cancelled or nobody can report any more.
pub async fn run(mut settings: Settings, stop: CancellationToken) {
    let mut reported = Vec::with_capacity(BATCH);
    let mut strangers = BTreeSet::new();
    let mut next_commit = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            more = gather(&mut settings, &mut reported, next_commit) => if !more { return },
        }
        next_commit = Instant::now() + COMMIT_EVERY;
        let standing = loop {
            let begun = Instant::now();
            let error = match keep(&settings.store, &reported).await {
                Ok(standing) => {
                    settings.metrics.committed(reported.len(), begun.elapsed());
                    break standing;
                }
                Err(error) => anyhow::Error::new(error),
            };
            settings.metrics.failed();
            tracing::error!(error = format!("{error:#}"), "reports could not be stored; tried again soon");
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(RETRY_AFTER) => {}
            }
        };
        let mut is_alert_answered = false;
        for reported in reported.drain(..) {
            if reported.is_believed(&standing) {
                is_alert_answered |= matches!(reported.report, Report::Answer(_));
                settings.metrics.kept(reported.report.kind());
                hand_on(&settings, reported);
                continue;
            }
            settings.refused.fetch_add(1, Ordering::Relaxed);
            if strangers.len() < STRANGERS_MAX && strangers.insert(reported.node.clone()) {
                tracing::warn!(
                    node = %reported.node,
                    "a node that is not enrolled reports; it is not believed, and further reports are only counted. The broker should not let it in"
                );
            }
        }
        if is_alert_answered {
            settings.changes.tell(Change::Alert);
        }
    }
}

/// Takes reports that have come, and those that come until `until`, as many as fit; waits for the first. What concerns the transfer
/// is handed on at once and in its order: it stores nothing of it. `false`: nothing can come any more.
async fn gather(settings: &mut Settings, reported: &mut Vec<Reported>, until: Instant) -> bool {
    let mut came = Vec::with_capacity(BATCH);
    let end = sleep_until(until);
    tokio::pin!(end);
    loop {
        let room = BATCH - reported.len();
        if room == 0 {
            return true;
        }
        tokio::select! {
            // What has come already is taken first, however late it is.
            biased;
            count = settings.incoming.recv_many(&mut came, room) => if count == 0 {
                return !reported.is_empty();
            },
            () = &mut end, if !reported.is_empty() => return true,
        }
        for incoming in came.drain(..) {
            match read(incoming) {
                Some(Message::Want(node, want)) => ask(settings, Asked::Want(node, want)),
                Some(Message::Report(report)) => {
                    if matches!(&report.report, Report::Presence(word) if !word.online) {
                        ask(settings, Asked::Gone(report.node.clone()));
                    }
                    reported.push(report);
                }
                None => {}
            }
        }
    }
}

fn ask(settings: &Settings, asked: Asked) {
    if settings.asked.try_send(asked).is_err() {
        tracing::debug!("the transfer is busy; nodes ask again, and it finds out that one is gone");
    }
}

/// After the commit: acknowledge, and tell those who wait for it.
fn hand_on(settings: &Settings, Reported { node, report, .. }: Reported) {
    match report {
        Report::Receipts(Sent { batch, .. }) => {
            let ack = ReceiptAck { numbers: batch.receipts.iter().map(|r| r.number).collect() };
            if settings.acks.try_send((node.clone(), ack)).is_err() {
                tracing::debug!(%node, "the link is busy; the node sends its receipts again");
            }
            settings.metrics.kept_receipts(batch.receipts.len());
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
        Report::Presence(_) | Report::Health(_) => settings.changes.tell(Change::Node(node)),
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

#[cfg(test)]
mod tests;
