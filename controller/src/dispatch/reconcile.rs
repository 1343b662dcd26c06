//! Keeps what the broker holds equal to what staff decided.
//!
//! One pass: read what is desired, compile, sign what changed, store it, publish what this connection has not yet
//! carried. Passes come on a nudge, on every new connection (a broker may have forgotten everything), when a node
//! reports something else than it should have, and once a minute.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use loa_link::{LinkHandle, Publication, Qos};
use loa_protocol::area::AreaPath;
use loa_protocol::envelope::{Applied, Signed};
use loa_protocol::ids::{AreaId, Digest, ItemId, NodeId};
use loa_protocol::plan::{AreaPlan, Epoch, NodeDocument};
use loa_protocol::report::State;
use loa_protocol::time::UnixMs;
use loa_protocol::topic::{Topic, TopicKind};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::compile::{Compiled, compile, content_digest};
use super::epoch::{LastSigned, is_plausible, next_epoch, validity};
use super::manifests::Manifests;
use super::offers::Offers;
use super::outlet::{Offered, offer};
use super::{DispatchError, desired};
use crate::services::{Clock, Nudge, PlanProblem, PlanProblems};
use crate::store::plans::{PlanAudience, PlanRecord};
use crate::store::{Store, plans};
use crate::trust::Trust;

/// How often a pass comes by itself.
const PERIOD: Duration = Duration::from_secs(60);
/// A document is sent again, because a node lacks it, no sooner than this after it was last sent.
const AGAIN_AFTER_MS: i64 = 20_000;
/// One node's word makes everybody's document be signed again no more often than this.
const RAISE_AGAIN_MS: i64 = 60_000;
/// Block size of every manifest; see `docs/protocol.md`.
pub(super) const BLOCK_SIZE_BYTES: u32 = 16 * 1024;

/// What the reconciler needs.
pub struct Settings {
    /// The database.
    pub store: Store,
    /// The manifests of the audio objects.
    pub manifests: Manifests,
    /// The keys.
    pub trust: Arc<Trust>,
    /// The way to the broker.
    pub link: LinkHandle,
    /// Number of the connection that stands; changes with each new one.
    pub connection: watch::Receiver<u64>,
    /// Told which objects may be fetched.
    pub offers: Arc<Offers>,
    /// Told what does not get to nodes.
    pub problems: PlanProblems,
    /// Zone of areas that name none.
    pub zone: chrono_tz::Tz,
    /// How often nodes report their health, in seconds.
    pub health_interval_s: u32,
    /// Something that plans are made of has changed.
    pub nudge: Nudge,
    /// The time.
    pub clock: Clock,
    /// What nodes report to have applied.
    pub reported: mpsc::Receiver<(NodeId, State)>,
}

/// A document as it was last published on this connection.
#[derive(Clone, Copy)]
struct Sent {
    epoch: Epoch,
    digest: Digest,
    at: UnixMs,
}

/// The reconciler's task.
pub struct Reconciler {
    settings: Settings,
    paths: BTreeMap<NodeId, AreaPath>,
    /// What was published on the connection that stands.
    sent: BTreeMap<PlanAudience, Sent>,
    /// The highest plausible epoch that a node reported above our own.
    seen: BTreeMap<PlanAudience, Epoch>,
    /// When a report last raised an audience's epoch.
    raised: BTreeMap<PlanAudience, UnixMs>,
    /// The audiences for which something was ever signed.
    signed: BTreeSet<PlanAudience>,
}

impl Reconciler {
    /// A reconciler that has done nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            paths: BTreeMap::new(),
            sent: BTreeMap::new(),
            seen: BTreeMap::new(),
            raised: BTreeMap::new(),
            signed: BTreeSet::new(),
        }
    }

    /// Runs until the token is cancelled.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.pass().await {
                let error = anyhow::Error::new(error);
                tracing::error!(
                    error = format!("{error:#}"),
                    "plans could not be brought up to date; tried again soon"
                );
            }
            tokio::select! {
                () = stop.cancelled() => return,
                more = self.reason_for_a_pass() => if !more { return },
            }
        }
    }

    /// Waits until a pass has something to do. `false`: there is no link any more.
    async fn reason_for_a_pass(&mut self) -> bool {
        let period = tokio::time::sleep(PERIOD);
        tokio::pin!(period);
        loop {
            tokio::select! {
                () = self.settings.nudge.woken() => return true,
                () = &mut period => return true,
                changed = self.settings.connection.changed() => {
                    self.sent.clear();
                    return changed.is_ok();
                }
                Some((node, state)) = self.settings.reported.recv() => if self.differs(&node, &state) {
                    return true;
                },
            }
        }
    }

    async fn pass(&mut self) -> Result<(), DispatchError> {
        let now = self.settings.clock.now();
        let desired = desired::read(&self.settings.store, self.settings.zone, now).await?;
        let objects = desired.objects(now);
        self.settings.manifests.keep_only(&objects);
        let manifests = self.settings.manifests.of(&objects).await?;
        self.paths = desired.nodes.iter().map(|node| (node.id.clone(), node.path.clone())).collect();

        let mut tx = self.settings.store.read().await?;
        let stored: BTreeMap<PlanAudience, PlanRecord> =
            plans::list(&mut tx).await?.into_iter().map(|plan| (plan.audience.clone(), plan)).collect();
        drop(tx);
        self.signed = stored.keys().cloned().collect();
        // With areas whose plan this database has forgotten: they need an empty one above it.
        let known: BTreeSet<AreaId> = stored
            .keys()
            .chain(self.seen.keys())
            .filter_map(|audience| match audience {
                PlanAudience::Area(area) => Some(area.clone()),
                PlanAudience::Node(_) | PlanAudience::Keys => None,
            })
            .collect();

        let compiled = compile(&desired, &manifests, &known, self.settings.health_interval_s, now);
        for item in &compiled.without_audio {
            tracing::warn!(%item, "a scheduled bulletin has no audio in the store and is left out of the plans");
        }
        for (audience, item) in &compiled.over_size {
            tracing::error!(audience, %item, "a plan is as large as nodes take; this item is left out, cancel some others");
        }
        self.settings.problems.replace(problems(&compiled));
        for (audience, rule) in &compiled.refused {
            tracing::error!(audience, %rule, "a plan breaks a limit of the protocol; the last one stays in force");
        }
        self.settings.offers.replace(&compiled);
        let mut signed = self.sign(compiled, &stored, now);
        if !signed.is_empty() {
            let mut tx = self.settings.store.write().await?;
            let mut kept = Vec::with_capacity(signed.len());
            for record in signed {
                if plans::put(&mut tx, &record).await? {
                    kept.push(record);
                } else {
                    tracing::error!(audience = %record.audience, "another controller signs for this database; stop one of them");
                }
            }
            tx.commit().await?;
            tracing::info!(documents = kept.len(), "signed");
            signed = kept;
        }

        let mut all = stored;
        all.extend(signed.into_iter().map(|record| (record.audience.clone(), record)));
        // A node that was revoked keeps its record for its epoch, but nothing is sent to it.
        all.retain(|audience, _| match audience {
            PlanAudience::Node(node) => self.paths.contains_key(node),
            PlanAudience::Area(_) | PlanAudience::Keys => true,
        });
        self.publish(all.into_values(), now).await;
        Ok(())
    }

    fn sign(
        &self,
        compiled: Compiled,
        stored: &BTreeMap<PlanAudience, PlanRecord>,
        now: UnixMs,
    ) -> Vec<PlanRecord> {
        let mut signed = Vec::new();
        for plan in compiled.plans {
            let audience = PlanAudience::Area(plan.area.clone());
            let with_epoch = |epoch| AreaPlan { epoch, ..plan.clone() };
            signed.extend(self.sign_one(audience, &plan, with_epoch, stored, now));
        }
        for document in compiled.nodes {
            let audience = PlanAudience::Node(document.node.clone());
            let with_epoch = |epoch| NodeDocument { epoch, ..document.clone() };
            signed.extend(self.sign_one(audience, &document, with_epoch, stored, now));
        }
        signed
    }

    fn sign_one<T: Signed>(
        &self,
        audience: PlanAudience,
        content: &T,
        with_epoch: impl FnOnce(Epoch) -> T,
        stored: &BTreeMap<PlanAudience, PlanRecord>,
        now: UnixMs,
    ) -> Option<PlanRecord> {
        let content_digest = content_digest(content);
        let last = stored.get(&audience).map(|record| LastSigned {
            epoch: record.epoch,
            content: record.content_digest,
            expires: record.expires,
        });
        let seen = self.seen.get(&audience).copied().unwrap_or(0);
        let epoch = next_epoch(content_digest, last, seen, now)?;
        let validity = validity(now);
        let envelope = self.settings.trust.seal(&with_epoch(epoch), validity);
        Some(PlanRecord {
            audience,
            epoch,
            digest: Digest::of(&envelope).0,
            content_digest,
            envelope,
            expires: UnixMs::from_seconds(validity.expires_s),
            updated: now,
        })
    }

    /// Publishes what this connection has not carried. Ends early when the connection ends; the next one starts anew.
    async fn publish(&mut self, records: impl Iterator<Item = PlanRecord>, now: UnixMs) {
        let tenant = self.settings.trust.tenant().clone();
        let keys = self.settings.trust.key_set().to_vec();
        let keys = PlanRecord {
            audience: PlanAudience::Keys,
            epoch: 0,
            digest: Digest::of(&keys).0,
            content_digest: [0; 32],
            envelope: keys,
            expires: UnixMs(i64::MAX),
            updated: now,
        };
        for record in std::iter::once(keys).chain(records) {
            let digest = Digest(record.digest);
            if self.sent.get(&record.audience).is_some_and(|sent| sent.digest == digest) {
                continue;
            }
            let topic = Topic::new(
                &tenant,
                match &record.audience {
                    PlanAudience::Keys => TopicKind::Keys,
                    PlanAudience::Area(area) => TopicKind::Plan(area.clone()),
                    PlanAudience::Node(node) => TopicKind::Desired(node.clone()),
                },
            );
            let publication = Publication {
                qos: Qos::AtLeastOnce,
                retain: true,
                ..Publication::new(topic.to_string(), record.envelope, 0)
            };
            if offer(&self.settings.link, publication).await == Offered::NotConnected {
                return;
            }
            // What cannot be sent at all was logged; trying it again each minute would not help.
            self.sent.insert(record.audience, Sent { epoch: record.epoch, digest, at: now });
        }
    }

    /// Compares what a node has applied with what it should have. `true`: something must be sent again.
    fn differs(&mut self, node: &NodeId, state: &State) -> bool {
        let now = self.settings.clock.now();
        let applied = |area: &AreaId| state.plans.iter().find(|p| p.area == *area).map(|p| p.applied);
        let mut pairs =
            vec![(PlanAudience::Keys, state.keys), (PlanAudience::Node(node.clone()), state.desired)];
        for area in self.paths.get(node).map(AreaPath::areas).unwrap_or_default() {
            pairs.push((PlanAudience::Area(area.clone()), applied(area)));
        }
        let mut differs = false;
        for (audience, applied) in pairs {
            match (self.sent.get(&audience).copied(), applied) {
                (Some(sent), Some(Applied { digest, .. })) if digest == sent.digest => {}
                (Some(sent), Some(Applied { sequence, .. }))
                    if sequence >= sent.epoch && audience != PlanAudience::Keys =>
                {
                    differs |= self.raise(node, audience, sequence, now);
                }
                (Some(sent), _) if now.since(sent.at) >= AGAIN_AFTER_MS => {
                    tracing::info!(%node, %audience, "a node lacks its document; sent again");
                    self.sent.remove(&audience);
                    differs = true;
                }
                // A plan that this database knows nothing of: it was restored from before the plan was made.
                (None, Some(Applied { sequence, .. })) if !self.signed.contains(&audience) => {
                    differs |= audience != PlanAudience::Keys && self.raise(node, audience, sequence, now);
                }
                (Some(_) | None, _) => {}
            }
        }
        differs
    }

    /// Takes a node's word that there is a newer document than ours, to sign above it. `false`: the word is not taken.
    fn raise(&mut self, node: &NodeId, audience: PlanAudience, sequence: Epoch, now: UnixMs) -> bool {
        if !is_plausible(sequence, now) {
            tracing::error!(%node, %audience, sequence, "a node claims an impossible document; it is not believed");
            return false;
        }
        if self.raised.get(&audience).is_some_and(|at| now.since(*at) < RAISE_AGAIN_MS) {
            return false;
        }
        tracing::warn!(%node, %audience, sequence, "a node has a newer document than this database: was it restored?");
        self.raised.insert(audience.clone(), now);
        self.seen.insert(audience, sequence);
        true
    }
}

/// What staff are told of a pass.
fn problems(compiled: &Compiled) -> BTreeMap<ItemId, PlanProblem> {
    let mut targets: BTreeMap<&ItemId, usize> = BTreeMap::new();
    for (_, item) in &compiled.over_size {
        *targets.entry(item).or_default() += 1;
    }
    let full = targets.into_iter().map(|(item, targets)| (item.clone(), PlanProblem::PlanFull { targets }));
    full.chain(compiled.without_audio.iter().map(|item| (item.clone(), PlanProblem::SoundMissing))).collect()
}
