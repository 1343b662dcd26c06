//! Orders that silence, on their way to the nodes.
//!
//! An order is signed once and sent again, as the same bytes, until it is over: the broker keeps nothing for a node that is
//! just coming back, and a node that has obeyed takes the same bytes for what they are. What could not be sent in its minute
//! is never sent.

use std::sync::Arc;
use std::time::Duration;

use loa_link::{LinkHandle, Publication};
use loa_protocol::command::{Addressee, Command};
use loa_protocol::envelope::Validity;
use loa_protocol::time::UnixMs;
use loa_protocol::topic::{Topic, TopicKind};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::DispatchError;
use super::outlet::{Offered, offer};
use crate::live::{Change, Changes};
use crate::services::{Clock, Nudge};
use crate::store::Store;
use crate::store::live_orders::{self, OrderMessage};
use crate::trust::Trust;

/// How often an order that is not over is sent.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// How far a node's clock may be behind: as far as a clock may have drifted that still counts.
const BACKDATED_S: i64 = 300;

/// What the sender needs.
pub struct Settings {
    /// The database.
    pub store: Store,
    /// The keys.
    pub trust: Arc<Trust>,
    /// The way to the broker.
    pub link: LinkHandle,
    /// Number of the connection that stands; changes with each new one.
    pub connection: watch::Receiver<u64>,
    /// An order was given.
    pub nudge: Nudge,
    /// Tells the pages what went out.
    pub changes: Changes,
    /// The time.
    pub clock: Clock,
}

/// Runs until the token is cancelled.
pub async fn run(mut settings: Settings, stop: CancellationToken) {
    loop {
        let live = match settings.pass().await {
            Ok(live) => live,
            Err(error) => {
                let error = format!("{:#}", anyhow::Error::new(error));
                tracing::error!(error, "an order could not be sent; tried again in {AGAIN_AFTER:?}");
                true
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = settings.nudge.woken() => {}
            () = tokio::time::sleep(AGAIN_AFTER), if live => {}
            changed = settings.connection.changed() => if changed.is_err() { return },
        }
    }
}

impl Settings {
    /// Sends what is not over. Gives whether there is anything of the kind.
    async fn pass(&self) -> Result<bool, DispatchError> {
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        let messages = live_orders::live(&mut tx, now).await?;
        drop(tx);
        for message in &messages {
            let envelope = match &message.envelope {
                Some(envelope) => envelope.clone(),
                None => self.sign(message).await?,
            };
            let publication = Publication {
                expiry: Some(Duration::from_millis(u64::try_from(message.expires.since(now)).unwrap_or(0))),
                ..Publication::new(self.topic(message).to_string(), envelope, 0)
            };
            match offer(&self.link, publication).await {
                Offered::Taken => {
                    let mut tx = self.store.write().await?;
                    let first = live_orders::set_sent(&mut tx, message, self.clock.now()).await?;
                    tx.commit().await?;
                    if first {
                        self.changes.tell(Change::Order);
                    }
                }
                // The next connection begins with it; what can never be sent was logged.
                Offered::NotConnected => break,
                Offered::Unsendable => {}
            }
        }
        Ok(!messages.is_empty())
    }

    async fn sign(&self, message: &OrderMessage) -> Result<Vec<u8>, DispatchError> {
        let command = Command {
            to: message.to.clone(),
            epoch: message.epoch,
            order: message.kind.to_order(),
            boot: message.boot,
        };
        let envelope = self.trust.seal(&command, validity(message.given, message.expires));
        let mut tx = self.store.write().await?;
        live_orders::set_envelope(&mut tx, message, &envelope).await?;
        tx.commit().await?;
        Ok(envelope)
    }

    fn topic(&self, message: &OrderMessage) -> Topic {
        let kind = match &message.to {
            Addressee::Area(area) => TopicKind::Alert(area.clone()),
            Addressee::Node(node) => TopicKind::Command(node.clone()),
        };
        Topic::new(self.trust.tenant(), kind)
    }
}

fn validity(given: UnixMs, expires: UnixMs) -> Validity {
    Validity {
        issued_at_s: given.seconds(),
        not_before_s: given.seconds() - BACKDATED_S,
        expires_s: expires.seconds(),
    }
}
