//! Keeps what the broker holds equal to what staff decided.
//!
//! One pass: read what is desired, compile, sign what changed, store it, publish what this connection has not yet
//! carried. It costs what there is, so passes come only on a nudge, on every new connection (a broker may have forgotten
//! everything), when a node reports something newer than this database knows, and once a minute. A node that lacks what it should have
//! costs itself alone: its document is read and sent again.

mod documents;
mod doubts;
mod standing;
#[cfg(test)]
mod tests;

use std::time::Duration;

use loa_link::{LinkHandle, Publication, Qos};
use loa_protocol::ids::NodeId;
use loa_protocol::report::State;
use loa_protocol::topic::{Topic, TopicKind};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

pub use self::documents::Sources;
use self::documents::{Documents, Passed};
use super::DispatchError;
use super::outlet::{Offered, offer};
use crate::metrics::PlanMeters;
use crate::services::{Clock, Nudge};
use crate::store::plans::PlanAudience;

/// How often a pass comes by itself.
const PERIOD: Duration = Duration::from_secs(60);
/// A pass for which nodes alone gave the reason comes no sooner than this after the last one: a database that was restored hears of it
/// from every node.
const REPORTED_AFTER: Duration = Duration::from_secs(10);
/// How many documents are read at once to be published.
const READ_AT_ONCE: usize = 256;
/// Block size of every manifest; see `docs/protocol.md`.
pub(super) const BLOCK_SIZE_BYTES: u32 = 16 * 1024;

/// What the reconciler needs.
pub struct Settings {
    /// What documents are made of.
    pub sources: Sources,
    /// The way to the broker.
    pub link: LinkHandle,
    /// Number of the connection that stands; changes with each new one.
    pub connection: watch::Receiver<u64>,
    /// Something that plans are made of has changed.
    pub nudge: Nudge,
    /// Measures.
    pub metrics: PlanMeters,
    /// The time.
    pub clock: Clock,
    /// What nodes report to have applied.
    pub reported: mpsc::Receiver<(NodeId, State)>,
}

/// The reconciler's task.
pub struct Reconciler {
    documents: Documents,
    tenant: loa_protocol::ids::TenantId,
    link: LinkHandle,
    connection: watch::Receiver<u64>,
    nudge: Nudge,
    metrics: PlanMeters,
    clock: Clock,
    reported: mpsc::Receiver<(NodeId, State)>,
}

impl Reconciler {
    /// A reconciler that has done nothing yet.
    pub fn new(settings: Settings) -> Self {
        let Settings { sources, link, connection, nudge, metrics, clock, reported } = settings;
        let tenant = sources.trust.tenant().clone();
        Self { documents: Documents::new(sources), tenant, link, connection, nudge, metrics, clock, reported }
    }

    /// Runs until the token is cancelled.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let begun = Instant::now();
            let passed = self.pass().await;
            self.metrics.passed(passed.is_ok(), self.clock.now(), begun.elapsed());
            if let Err(error) = passed {
                let error = format!("{:#}", anyhow::Error::new(error));
                tracing::error!(error, "plans could not be brought up to date; tried again soon");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                more = self.until_the_next_pass() => if !more { return },
            }
        }
    }

    /// Waits until a pass has something to do, and sends again what single nodes lack. `false`: there is no link any more.
    async fn until_the_next_pass(&mut self) -> bool {
        let passed = Instant::now();
        let mut is_reported = false;
        loop {
            let pass_at = passed + if is_reported { REPORTED_AFTER } else { PERIOD };
            let look_at = self.documents.next_look().map(Instant::from_std);
            tokio::select! {
                () = self.nudge.woken() => return true,
                changed = self.connection.changed() => {
                    self.documents.forget_connection();
                    return changed.is_ok();
                }
                () = sleep_until(pass_at) => return true,
                () = sleep_until(look_at.unwrap_or(pass_at)), if look_at.is_some() => self.send_again().await,
                Some((node, state)) = self.reported.recv() => {
                    let (wall, now) = (self.clock.now(), Instant::now().into_std());
                    is_reported |= self.documents.hear(&node, &state, wall, now);
                }
            }
        }
    }

    async fn pass(&mut self) -> Result<(), DispatchError> {
        let Passed { signed, unsent } = self.documents.pass(self.clock.now()).await?;
        self.metrics.signed(signed);
        self.publish(&unsent).await
    }

    async fn send_again(&mut self) {
        let sent = match self.documents.lacking(Instant::now().into_std()).await {
            Ok(audiences) => {
                self.metrics.repeated(audiences.len());
                self.publish(&audiences).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            let error = format!("{:#}", anyhow::Error::new(error));
            tracing::error!(error, "what nodes lack could not be sent again; they say it again");
        }
    }

    /// Publishes documents. Ends early when the connection ends; the next one starts anew.
    async fn publish(&mut self, audiences: &[PlanAudience]) -> Result<(), DispatchError> {
        for audiences in audiences.chunks(READ_AT_ONCE) {
            for record in self.documents.records(audiences, self.clock.now()).await? {
                let kind = match &record.audience {
                    PlanAudience::Keys => TopicKind::Keys,
                    PlanAudience::Area(area) => TopicKind::Plan(area.clone()),
                    PlanAudience::Node(node) => TopicKind::Desired(node.clone()),
                };
                let topic = Topic::new(&self.tenant, kind);
                let publication = Publication {
                    qos: Qos::AtLeastOnce,
                    retain: true,
                    ..Publication::new(topic.to_string(), record.envelope.clone(), 0)
                };
                if offer(&self.link, publication).await == Offered::NotConnected {
                    return Ok(());
                }
                self.metrics.published();
                // What cannot be sent at all was logged; trying it again each minute would not help.
                self.documents.carry(&record, Instant::now().into_std());
            }
        }
        Ok(())
    }
}
