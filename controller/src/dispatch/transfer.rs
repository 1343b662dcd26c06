//! Sends nodes the audio that they want, at QoS 0, over a connection of its own: what is urgent waits behind no audio. What goes
//! when, and to whom, is decided by [`super::bulk`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use loa_link::{LinkEvent, LinkHandle, Publication, Qos};
use loa_protocol::ids::{NodeId, ObjectHash, TenantId};
use loa_protocol::topic::{Topic, TopicKind};
use loa_protocol::transfer::{Block, Want};
use loa_protocol::wire::Wire;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::DispatchError;
use super::bulk::{Bulk, Next, Sending, Taken, To};
use super::offers::Offers;
use super::outlet::{Offered, offer};
use super::reconcile::BLOCK_SIZE_BYTES;
use crate::services::{Clock, Deliveries};
use crate::store::blobs::BlobStore;

/// Objects kept in memory: those being served are few, for a plan goes to many nodes at once.
const KEPT_OBJECTS: usize = 8;
/// How often it is looked at who asks for the same for ever.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What a node has to say to the transfer.
#[derive(Debug)]
pub enum Asked {
    /// It wants blocks.
    Want(NodeId, Want),
    /// It is gone.
    Gone(NodeId),
}

/// What the transfer needs.
pub struct Settings {
    /// The audio objects.
    pub blobs: BlobStore,
    /// The installation.
    pub tenant: TenantId,
    /// The way to the nodes.
    pub link: LinkHandle,
    /// What nodes want.
    pub asked: mpsc::Receiver<Asked>,
    /// What they may have.
    pub offers: Arc<Offers>,
    /// What goes to all nodes together, in bytes a second at most; `None`: as much as the machine can.
    pub total_bytes_s: Option<u64>,
    /// Told what was sent.
    pub deliveries: Deliveries,
    /// The time, by which deadlines are.
    pub clock: Clock,
}

/// The transfer's task.
pub struct Transfer {
    settings: Settings,
    bulk: Bulk,
    began: Instant,
    /// Revision of the offers by which what is wanted was last looked through.
    offered: u64,
    looked: Instant,
    /// The last objects that were read, the latest at the back.
    kept: VecDeque<(ObjectHash, Bytes)>,
}

impl Transfer {
    /// A transfer with nothing to do.
    pub fn new(settings: Settings) -> Self {
        let (bulk, now) = (Bulk::new(settings.total_bytes_s), Instant::now());
        Self { settings, bulk, began: now, offered: 0, looked: now, kept: VecDeque::new() }
    }

    /// Runs until the token is cancelled or nobody can want anything any more.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            // What came meanwhile may be more urgent than what is open.
            while let Ok(asked) = self.settings.asked.try_recv() {
                self.take(asked);
            }
            if stop.is_cancelled() {
                return;
            }
            self.look();
            let until = match self.bulk.next(self.now_us()) {
                Next::Send(sending) => {
                    if let Err(error) = self.send(sending).await {
                        let error = anyhow::Error::new(error);
                        tracing::error!(error = format!("{error:#}"), "a block could not be read");
                    }
                    continue;
                }
                Next::WaitUntil { at_us } => self.began + Duration::from_micros(at_us),
                // Only who asks for ever is looked at then.
                Next::Idle => Instant::now() + LOOK_EVERY,
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(until) => {}
                asked = self.settings.asked.recv() => match asked {
                    Some(asked) => self.take(asked),
                    None => return,
                },
            }
        }
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn take(&mut self, asked: Asked) {
        let (node, want) = match asked {
            Asked::Want(node, want) => (node, want),
            Asked::Gone(node) => return self.bulk.gone(&node),
        };
        let deliveries = &self.settings.deliveries;
        let Some(facts) = self.settings.offers.facts(&node, &want.object) else {
            // A plan may have changed since it asked; a node that keeps on asking is worth a look.
            tracing::debug!(%node, object = %want.object, "a node wants what its plans do not name");
            deliveries.count_refused();
            return;
        };
        let now_us = self.now_us();
        match self.bulk.want(&node, &want, facts, self.settings.clock.now(), now_us) {
            Taken::Yes => {}
            Taken::Nothing => {
                tracing::debug!(%node, object = %want.object, "a node wants blocks that no object has");
                deliveries.count_refused();
            }
            Taken::Slowed => deliveries.count_slowed(),
        }
    }

    /// Follows what is offered, and tells who asks for the same for ever.
    fn look(&mut self) {
        let revision = self.settings.offers.revision();
        if revision != self.offered {
            self.offered = revision;
            let offers = &self.settings.offers;
            self.bulk.retain(|node, object| offers.allow(node, object));
        }
        if self.looked.elapsed() >= LOOK_EVERY {
            self.looked = Instant::now();
            self.settings.deliveries.set_waves(self.bulk.waves());
            self.settings.deliveries.replace_stuck(self.bulk.stuck());
        }
    }

    async fn send(&mut self, sending: Sending) -> Result<(), DispatchError> {
        let Sending { to, object, index } = sending;
        let Some(bytes) = self.read(object).await? else {
            tracing::error!(%object, "audio that plans name is missing on the disk");
            return Ok(());
        };
        let size = BLOCK_SIZE_BYTES as usize;
        let from = (index as usize).saturating_mul(size);
        let Some(block) =
            bytes.get(from..bytes.len().min(from.saturating_add(size))).filter(|b| !b.is_empty())
        else {
            tracing::debug!(?to, %object, index, "a node wants a block past the end");
            return Ok(());
        };
        let length = block.len() as u64;
        let block = Block { object, index, bytes: block.to_vec() };
        let (topic, audience, wasted) = match to {
            To::Node(node) => (TopicKind::Blocks(node), 1, 0),
            To::Area { area, audience, wasted } => (TopicKind::wave(area, &object), audience, wasted),
        };
        let by_wave = matches!(topic, TopicKind::Wave(..));
        let topic = Topic::new(&self.settings.tenant, topic).to_string();
        let publication = Publication { qos: Qos::AtMostOnce, ..Publication::new(topic, block.to_cbor(), 0) };
        match offer(&self.settings.link, publication).await {
            Offered::Taken => self.settings.deliveries.count_sent(by_wave, length, audience, wasted),
            Offered::Unsendable => {}
            // Every node will ask again, and only then is it known who is still there.
            Offered::NotConnected => self.bulk.clear(),
        }
        Ok(())
    }

    async fn read(&mut self, object: ObjectHash) -> Result<Option<Bytes>, DispatchError> {
        if let Some(at) = self.kept.iter().position(|(kept, _)| *kept == object) {
            let kept = self.kept.remove(at);
            self.kept.extend(kept);
        } else {
            let Some(bytes) = self.settings.blobs.read(&object).await? else { return Ok(None) };
            if self.kept.len() == KEPT_OBJECTS {
                self.kept.pop_front();
            }
            self.kept.push_back((object, bytes.into()));
        }
        Ok(self.kept.back().map(|(_, bytes)| bytes.clone()))
    }
}

/// Takes the events of the transfer's link, of which nothing follows but a line in the log.
pub async fn watch(mut events: mpsc::Receiver<LinkEvent>) {
    while let Some(event) = events.recv().await {
        match event {
            LinkEvent::Disconnected { reason, retry_in, .. } => {
                let reason = anyhow::Error::new(reason);
                tracing::warn!(
                    reason = format!("{reason:#}"),
                    ?retry_in,
                    "no connection to the broker for audio"
                );
            }
            LinkEvent::Rejected { reason, .. } => {
                tracing::error!(?reason, "the broker refuses audio; check its access list and limits");
            }
            LinkEvent::Connected { .. }
            | LinkEvent::Message(_)
            | LinkEvent::Subscribed { .. }
            | LinkEvent::Acked { .. } => {}
        }
    }
}
