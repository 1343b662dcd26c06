//! Serves what nodes want: blocks at QoS 0, the earliest deadline first.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use loa_link::{LinkHandle, Publication, Qos};
use loa_protocol::ids::{NodeId, ObjectHash, TenantId};
use loa_protocol::topic::{Topic, TopicKind};
use loa_protocol::transfer::{Block, Want};
use loa_protocol::wire::Wire;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::DispatchError;
use super::offers::Offers;
use super::outlet::{Offered, offer};
use super::reconcile::BLOCK_SIZE_BYTES;
use super::wants::{NextBlock, Wants};
use crate::store::blobs::BlobStore;

/// Objects kept in memory: those being served are few, for a plan goes to many nodes at once.
const KEPT_OBJECTS: usize = 8;

/// What the transfer needs.
pub struct Settings {
    /// The audio objects.
    pub blobs: BlobStore,
    /// The installation.
    pub tenant: TenantId,
    /// The way to the nodes.
    pub link: LinkHandle,
    /// What nodes want.
    pub wants: mpsc::Receiver<(NodeId, Want)>,
    /// What they may have.
    pub offers: Arc<Offers>,
}

/// The transfer's task.
pub struct Transfer {
    settings: Settings,
    open: Wants,
    /// The last objects that were read, the latest at the back.
    kept: VecDeque<(ObjectHash, Bytes)>,
}

impl Transfer {
    /// A transfer with nothing to do.
    pub fn new(settings: Settings) -> Self {
        Self { settings, open: Wants::default(), kept: VecDeque::new() }
    }

    /// Runs until the token is cancelled or nobody can want anything any more.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            if self.open.is_empty() {
                tokio::select! {
                    () = stop.cancelled() => return,
                    want = self.settings.wants.recv() => match want {
                        Some((node, want)) => self.take(node, &want),
                        None => return,
                    },
                }
            }
            // What came meanwhile may be more urgent than what is open.
            while let Ok((node, want)) = self.settings.wants.try_recv() {
                self.take(node, &want);
            }
            if stop.is_cancelled() {
                return;
            }
            if let Some(next) = self.open.take_next()
                && let Err(error) = self.send(next).await
            {
                let error = anyhow::Error::new(error);
                tracing::error!(error = format!("{error:#}"), "a block could not be read");
            }
        }
    }

    fn take(&mut self, node: NodeId, want: &Want) {
        if !self.settings.offers.allow(&node, &want.object) {
            // A plan may have changed since it asked; a node that keeps on asking is worth a look.
            tracing::debug!(%node, object = %want.object, "a node wants what its plans do not name");
            return;
        }
        self.open.put(node, want);
    }

    async fn send(&mut self, next: NextBlock) -> Result<(), DispatchError> {
        let NextBlock { node, object, index } = next;
        let Some(bytes) = self.read(object).await? else {
            tracing::error!(%object, "audio that plans name is missing on the disk");
            return Ok(());
        };
        let size = BLOCK_SIZE_BYTES as usize;
        let from = (index as usize).saturating_mul(size);
        let Some(block) =
            bytes.get(from..bytes.len().min(from.saturating_add(size))).filter(|b| !b.is_empty())
        else {
            tracing::debug!(%node, %object, index, "a node wants a block past the end");
            return Ok(());
        };
        let block = Block { object, index, bytes: block.to_vec() };
        let topic = Topic::new(&self.settings.tenant, TopicKind::Blocks(node));
        let publication =
            Publication { qos: Qos::AtMostOnce, ..Publication::new(topic.to_string(), block.to_cbor(), 0) };
        if offer(&self.settings.link, publication).await == Offered::NotConnected {
            // Every node will ask again, and only then is it known who is still there.
            self.open = Wants::default();
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
