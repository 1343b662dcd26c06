//! The documents of everybody: compiled, signed and kept, and compared with what nodes report. What is to be published is decided
//! here; nothing is published.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use loa_protocol::area::AreaPath;
use loa_protocol::envelope::Signed;
use loa_protocol::ids::{AreaId, Digest, ItemId, NodeId};
use loa_protocol::plan::{AreaPlan, Epoch, NodeDocument};
use loa_protocol::report::State;
use loa_protocol::time::UnixMs;

use super::doubts::Doubts;
use super::standing::{Difference, Standing};
use crate::dispatch::compile::{Compiled, compile, content_digest};
use crate::dispatch::epoch::{LastSigned, next_epoch, validity};
use crate::dispatch::manifests::Manifests;
use crate::dispatch::offers::Offers;
use crate::dispatch::{DispatchError, desired};
use crate::services::{PlanProblem, PlanProblems};
use crate::store::plans::{self, PlanAudience, PlanHead, PlanRecord};
use crate::store::{Store, reports};
use crate::trust::Trust;

/// How many nodes that lack something are looked at in one go.
const LOOKED_AT_ONCE: usize = 256;

/// What documents are made of, and who is told of them.
pub struct Sources {
    /// The database.
    pub store: Store,
    /// The manifests of the audio objects.
    pub manifests: Manifests,
    /// The keys.
    pub trust: Arc<Trust>,
    /// Told which objects may be fetched.
    pub offers: Arc<Offers>,
    /// Told what does not get to nodes.
    pub problems: PlanProblems,
    /// Zone of areas that name none.
    pub zone: chrono_tz::Tz,
    /// How often nodes report their health, in seconds.
    pub health_interval_s: u32,
}

/// What a pass did.
pub(super) struct Passed {
    /// How many documents were signed.
    pub(super) signed: usize,
    /// The documents that the connection has not carried.
    pub(super) unsent: Vec<PlanAudience>,
}

/// See the module.
pub(super) struct Documents {
    sources: Sources,
    standing: Standing,
    doubts: Doubts,
}

impl Documents {
    /// Nothing is known of any document yet.
    pub(super) fn new(sources: Sources) -> Self {
        Self { sources, standing: Standing::default(), doubts: Doubts::default() }
    }

    /// Brings all documents up to date with what is desired.
    pub(super) async fn pass(&mut self, wall: UnixMs) -> Result<Passed, DispatchError> {
        let Sources { store, manifests, offers, problems, zone, health_interval_s, .. } = &self.sources;
        let desired = desired::read(store, *zone, wall).await?;
        let objects = desired.objects(wall);
        manifests.keep_only(&objects);
        let manifests = manifests.of(&objects).await?;
        let mut tx = store.read().await?;
        let mut heads: BTreeMap<PlanAudience, PlanHead> =
            plans::heads(&mut tx).await?.into_iter().map(|head| (head.audience.clone(), head)).collect();
        drop(tx);

        // With areas whose plan this database has forgotten: they need an empty one above it.
        let known: BTreeSet<AreaId> =
            heads.keys().filter_map(PlanAudience::area).chain(self.standing.areas_seen()).cloned().collect();
        let compiled = compile(&desired, &manifests, &known, *health_interval_s, wall);
        tell(&compiled);
        problems.replace(found(&compiled));
        offers.replace(&compiled);
        let paths: BTreeMap<NodeId, AreaPath> =
            desired.nodes.into_iter().map(|node| (node.id, node.path)).collect();
        self.standing.stand(paths, heads.keys().cloned().collect());

        let signed = self.sign(compiled, &heads, wall);
        let mut kept = 0;
        if !signed.is_empty() {
            let mut tx = self.sources.store.write().await?;
            for record in signed {
                if plans::put(&mut tx, &record).await? {
                    let head = PlanHead::of(&record);
                    heads.insert(record.audience, head);
                    kept += 1;
                } else {
                    tracing::error!(audience = %record.audience, "another controller signs for this database; stop one of them");
                }
            }
            tx.commit().await?;
            tracing::info!(documents = kept, "signed");
        }
        Ok(Passed { signed: kept, unsent: self.not_carried(&heads, wall) })
    }

    /// The key set, and what else the connection has not carried. A node that was revoked keeps its record for its epoch, but nothing
    /// is sent to it.
    fn not_carried(&self, heads: &BTreeMap<PlanAudience, PlanHead>, wall: UnixMs) -> Vec<PlanAudience> {
        let keys = PlanHead::of(&self.keys(wall));
        let all = std::iter::once(&keys).chain(heads.values()).filter(|head| match &head.audience {
            PlanAudience::Node(node) => self.standing.knows(node),
            PlanAudience::Area(_) | PlanAudience::Keys => true,
        });
        let fresh = all.filter(|head| !self.standing.has_carried(&head.audience, Digest(head.digest)));
        fresh.map(|head| head.audience.clone()).collect()
    }

    /// The documents themselves, those that there are, the key set first.
    pub(super) async fn records(
        &self,
        audiences: &[PlanAudience],
        wall: UnixMs,
    ) -> Result<Vec<PlanRecord>, DispatchError> {
        let mut tx = self.sources.store.read().await?;
        let kept = plans::of(&mut tx, audiences).await?;
        let keys = audiences.contains(&PlanAudience::Keys).then(|| self.keys(wall));
        Ok(keys.into_iter().chain(kept).collect())
    }

    fn keys(&self, wall: UnixMs) -> PlanRecord {
        let envelope = self.sources.trust.key_set().to_vec();
        PlanRecord {
            audience: PlanAudience::Keys,
            epoch: self.sources.trust.key_set_version(),
            digest: Digest::of(&envelope).0,
            content_digest: [0; 32],
            envelope,
            expires: UnixMs(i64::MAX),
            updated: wall,
        }
    }

    /// The document was published.
    pub(super) fn carry(&mut self, record: &PlanRecord, now: Instant) {
        self.standing.carry(&PlanHead::of(record), now);
    }

    /// A new connection: the broker may have forgotten everything.
    pub(super) fn forget_connection(&mut self) {
        self.standing.forget_connection();
    }

    /// Compares what a node has applied with what it should have. `true`: a document must be signed again.
    pub(super) fn hear(&mut self, node: &NodeId, state: &State, wall: UnixMs, now: Instant) -> bool {
        let Difference { lacks, newer } = self.standing.compare(node, state);
        if lacks.is_empty() {
            self.doubts.clear(node);
        } else if self.standing.knows(node) {
            self.doubts.note(node, now);
        }
        let mut is_raised = false;
        for (audience, epoch) in newer {
            is_raised |= self.standing.raise(node, audience, epoch, wall, now);
        }
        is_raised
    }

    /// When [`Self::lacking`] has something to look at.
    pub(super) fn next_look(&self) -> Option<Instant> {
        self.doubts.next()
    }

    /// The documents that nodes still lack, by their last word, and that may be sent again. It costs these nodes alone.
    pub(super) async fn lacking(&mut self, now: Instant) -> Result<Vec<PlanAudience>, DispatchError> {
        let nodes = self.doubts.take_due(now, LOOKED_AT_ONCE);
        let mut lacking = BTreeSet::new();
        let mut tx = self.sources.store.read().await?;
        for node in &nodes {
            let Some((state, _)) = reports::state(&mut tx, node).await? else { continue };
            for audience in self.standing.compare(node, &state).lacks {
                if self.standing.may_repeat(&audience, now) {
                    tracing::info!(%node, %audience, "a node lacks its document; sent again");
                    lacking.insert(audience);
                }
            }
        }
        Ok(lacking.into_iter().collect())
    }

    fn sign(
        &self,
        compiled: Compiled,
        heads: &BTreeMap<PlanAudience, PlanHead>,
        wall: UnixMs,
    ) -> Vec<PlanRecord> {
        let mut signed = Vec::new();
        for plan in compiled.plans {
            let audience = PlanAudience::Area(plan.area.clone());
            let with_epoch = |epoch| AreaPlan { epoch, ..plan.clone() };
            signed.extend(self.sign_one(audience, &plan, with_epoch, heads, wall));
        }
        for document in compiled.nodes {
            let audience = PlanAudience::Node(document.node.clone());
            let with_epoch = |epoch| NodeDocument { epoch, ..document.clone() };
            signed.extend(self.sign_one(audience, &document, with_epoch, heads, wall));
        }
        signed
    }

    fn sign_one<T: Signed>(
        &self,
        audience: PlanAudience,
        content: &T,
        with_epoch: impl FnOnce(Epoch) -> T,
        heads: &BTreeMap<PlanAudience, PlanHead>,
        wall: UnixMs,
    ) -> Option<PlanRecord> {
        let content_digest = content_digest(content);
        let last = heads.get(&audience).map(|head| LastSigned {
            epoch: head.epoch,
            content: head.content_digest,
            expires: head.expires,
        });
        let epoch = next_epoch(content_digest, last, self.standing.seen(&audience), wall)?;
        let validity = validity(wall);
        let envelope = self.sources.trust.seal(&with_epoch(epoch), validity);
        Some(PlanRecord {
            audience,
            epoch,
            digest: Digest::of(&envelope).0,
            content_digest,
            envelope,
            expires: UnixMs::from_seconds(validity.expires_s),
            updated: wall,
        })
    }
}

/// What whoever runs the controller is told of a pass.
fn tell(compiled: &Compiled) {
    for item in &compiled.without_audio {
        tracing::warn!(%item, "a scheduled bulletin has no audio in the store and is left out of the plans");
    }
    for (audience, item) in &compiled.over_size {
        tracing::error!(audience, %item, "a plan is as large as nodes take; this item is left out, cancel some others");
    }
    for (audience, rule) in &compiled.refused {
        tracing::error!(audience, %rule, "a plan breaks a limit of the protocol; the last one stays in force");
    }
}

/// What staff are told of a pass.
fn found(compiled: &Compiled) -> BTreeMap<ItemId, PlanProblem> {
    let mut targets: BTreeMap<&ItemId, usize> = BTreeMap::new();
    for (_, item) in &compiled.over_size {
        *targets.entry(item).or_default() += 1;
    }
    let full = targets.into_iter().map(|(item, targets)| (item.clone(), PlanProblem::PlanFull { targets }));
    full.chain(compiled.without_audio.iter().map(|item| (item.clone(), PlanProblem::SoundMissing))).collect()
}
