//! What the broker was given, and what a node's word means beside it. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use loa_protocol::area::AreaPath;
use loa_protocol::envelope::Applied;
use loa_protocol::ids::{AreaId, Digest, NodeId};
use loa_protocol::plan::Epoch;
use loa_protocol::report::State;
use loa_protocol::time::UnixMs;

use crate::dispatch::epoch::is_plausible;
use crate::store::plans::{PlanAudience, PlanHead};

/// A document is sent again, because a node lacks it, no sooner than this after it was last sent.
const AGAIN_AFTER: Duration = Duration::from_secs(20);
/// Each time that this did not help, it takes twice as long; never longer than this, the time within which nodes report by
/// themselves. One board that never keeps the key set must not have it sent to ten thousand others for ever.
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(15 * 60);
/// One node's word makes everybody's document be signed again no more often than this.
const RAISE_AGAIN: Duration = Duration::from_secs(60);

/// A document as it was last published on this connection.
#[derive(Debug, Clone, Copy)]
struct Sent {
    epoch: Epoch,
    digest: Digest,
    at: Instant,
    /// How often it was sent again because a node lacked it.
    repeats: u32,
}

impl Sent {
    /// When it may be sent again.
    fn again(&self) -> Instant {
        let factor = 1_u32.checked_shl(self.repeats).unwrap_or(u32::MAX);
        self.at + AGAIN_AFTER.saturating_mul(factor).min(AGAIN_AFTER_MAX)
    }
}

/// How what a node has applied differs from what it should have. Nothing in it: it does not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Documents of which it has an older one or none.
    pub(super) lacks: Vec<PlanAudience>,
    /// Documents of which it has a newer one than ours, with its epoch: this database was restored.
    pub(super) newer: Vec<(PlanAudience, Epoch)>,
}

/// What was sent, and what was seen.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Where enrolled nodes stand.
    paths: BTreeMap<NodeId, AreaPath>,
    /// What was published on the connection that stands.
    sent: BTreeMap<PlanAudience, Sent>,
    /// The highest plausible epoch that a node reported above our own.
    seen: BTreeMap<PlanAudience, Epoch>,
    /// When a report last raised an audience's epoch.
    raised: BTreeMap<PlanAudience, Instant>,
    /// The audiences for which something was ever signed.
    signed: BTreeSet<PlanAudience>,
}

impl Standing {
    /// Where enrolled nodes stand, and for whom something was ever signed, as a pass found it.
    pub(super) fn stand(&mut self, paths: BTreeMap<NodeId, AreaPath>, signed: BTreeSet<PlanAudience>) {
        (self.paths, self.signed) = (paths, signed);
    }

    /// Whether a node is enrolled.
    pub(super) fn knows(&self, node: &NodeId) -> bool {
        self.paths.contains_key(node)
    }

    /// A new connection: the broker may have forgotten everything.
    pub(super) fn forget_connection(&mut self) {
        self.sent.clear();
    }

    /// Whether this connection carried the document.
    pub(super) fn has_carried(&self, audience: &PlanAudience, digest: Digest) -> bool {
        self.sent.get(audience).is_some_and(|sent| sent.digest == digest)
    }

    /// The document was published.
    pub(super) fn carry(&mut self, head: &PlanHead, now: Instant) {
        let digest = Digest(head.digest);
        let before = self.sent.get(&head.audience).filter(|sent| sent.digest == digest);
        let repeats = before.map_or(0, |sent| sent.repeats.saturating_add(1));
        self.sent.insert(head.audience.clone(), Sent { epoch: head.epoch, digest, at: now, repeats });
    }

    /// Whether a document that a node lacks may be sent again.
    pub(super) fn may_repeat(&self, audience: &PlanAudience, now: Instant) -> bool {
        self.sent.get(audience).is_some_and(|sent| now >= sent.again())
    }

    /// The areas of whose plan a node has something newer.
    pub(super) fn areas_seen(&self) -> impl Iterator<Item = &AreaId> {
        self.seen.keys().filter_map(PlanAudience::area)
    }

    /// The highest plausible epoch that a node reported for the audience; 0 for none.
    pub(super) fn seen(&self, audience: &PlanAudience) -> Epoch {
        self.seen.get(audience).copied().unwrap_or(0)
    }

    /// Compares what a node has applied with what it should have.
    pub(super) fn compare(&self, node: &NodeId, state: &State) -> Difference {
        let mut difference = Difference::default();
        let plan =
            |area: &AreaId| state.plans.iter().find(|plan| plan.area == *area).map(|plan| plan.applied);
        let own = PlanAudience::Node(node.clone());
        let mut compare = |audience: PlanAudience, applied: Option<Applied>| {
            match (self.sent.get(&audience), applied) {
                (Some(sent), Some(applied)) if applied.digest == sent.digest => {}
                // Of the key set only what is above ours: nobody here can sign above it.
                (Some(sent), Some(applied))
                    if applied.sequence > sent.epoch
                        || (applied.sequence == sent.epoch && audience != PlanAudience::Keys) =>
                {
                    difference.newer.push((audience, applied.sequence));
                }
                (Some(_), _) => difference.lacks.push(audience),
                // A plan that this database knows nothing of: it was restored from before the plan was made.
                (None, Some(applied))
                    if audience != PlanAudience::Keys && !self.signed.contains(&audience) =>
                {
                    difference.newer.push((audience, applied.sequence));
                }
                (None, _) => {}
            }
        };
        compare(PlanAudience::Keys, state.keys);
        compare(own, state.desired);
        for area in self.paths.get(node).map(AreaPath::areas).unwrap_or_default() {
            compare(PlanAudience::Area(area.clone()), plan(area));
        }
        difference
    }

    /// Takes a node's word that there is a newer document than ours, to sign above it. `false`: the word is not taken, or the document
    /// is the key set, above which only the root signs. Ours would be refused by the node each time it is sent.
    pub(super) fn raise(
        &mut self,
        node: &NodeId,
        audience: PlanAudience,
        epoch: Epoch,
        wall: UnixMs,
        now: Instant,
    ) -> bool {
        if !is_plausible(epoch, wall) {
            tracing::error!(%node, %audience, epoch, "a node claims an impossible document; it is not believed");
            return false;
        }
        if self.raised.get(&audience).is_some_and(|at| now.duration_since(*at) < RAISE_AGAIN) {
            return false;
        }
        self.raised.insert(audience.clone(), now);
        if audience == PlanAudience::Keys {
            tracing::error!(
                %node, version = epoch,
                "a node has a newer key set than this controller: were its keys restored from an older backup? Put the newest key set back"
            );
            return false;
        }
        tracing::warn!(%node, %audience, epoch, "a node has a newer document than this database: was it restored?");
        self.seen.insert(audience, epoch);
        true
    }
}

#[cfg(test)]
mod tests {
    use loa_protocol::ids::BootId;
    use loa_protocol::report::{AppliedPlan, ClockTrust, StorageState};

    use super::*;

    const NOW: UnixMs = UnixMs(1_795_309_200_000);
    const EPOCH: Epoch = 1_795_309_200_000;
    /// The version of the key set.
    const KEYS: Epoch = 4;

    fn node() -> NodeId {
        NodeId::new("cum-1").unwrap()
    }

    fn area() -> AreaId {
        AreaId::new("xa").unwrap()
    }

    fn own() -> PlanAudience {
        PlanAudience::Node(node())
    }

    fn plan() -> PlanAudience {
        PlanAudience::Area(area())
    }

    fn head(audience: PlanAudience, epoch: Epoch) -> PlanHead {
        let digest = Digest::of(&epoch.to_be_bytes()).0;
        PlanHead { audience, epoch, digest, content_digest: [0; 32], expires: NOW + 86_400_000 }
    }

    fn applied(epoch: Epoch) -> Option<Applied> {
        Some(Applied { sequence: epoch, digest: Digest::of(&epoch.to_be_bytes()) })
    }

    fn state(keys: Option<Applied>, desired: Option<Applied>, plan: Option<Applied>) -> State {
        State {
            boot: BootId([1; 8]),
            firmware: "0.1.0".to_owned(),
            keys,
            desired,
            plans: plan.into_iter().map(|applied| AppliedPlan { area: area(), applied }).collect(),
            objects_ready: 0,
            fetching: Vec::new(),
            clock: ClockTrust::Trusted,
            storage: StorageState::Good,
            volume_percent: None,
            orders: Vec::new(),
            own_guards: None,
            alerts: Vec::new(),
        }
    }

    /// The three documents of one node, sent at `now`.
    fn standing(now: Instant) -> Standing {
        let mut standing = Standing::default();
        let audiences = [PlanAudience::Keys, own(), plan()];
        let paths = BTreeMap::from([(node(), AreaPath::new(vec![area()]).unwrap())]);
        standing.stand(paths, BTreeSet::from(audiences.clone()));
        for (audience, epoch) in audiences.into_iter().zip([KEYS, EPOCH, EPOCH]) {
            standing.carry(&head(audience, epoch), now);
        }
        standing
    }

    #[test]
    fn each_document_is_compared_for_itself() {
        let standing = standing(Instant::now());
        let compare = |keys, desired, plan| standing.compare(&node(), &state(keys, desired, plan));
        let lacks = |lacks: &[PlanAudience]| Difference { lacks: lacks.to_vec(), newer: Vec::new() };
        let newer = |newer: &[(PlanAudience, Epoch)]| Difference { lacks: Vec::new(), newer: newer.to_vec() };
        let (keys, good) = (applied(KEYS), applied(EPOCH));
        assert_eq!(compare(keys, good, good), Difference::default());
        assert_eq!(compare(None, None, None), lacks(&[PlanAudience::Keys, own(), plan()]));
        assert_eq!(compare(keys, applied(EPOCH - 1), good), lacks(&[own()]));
        assert_eq!(compare(keys, good, applied(EPOCH + 9)), newer(&[(plan(), EPOCH + 9)]));
        assert_eq!(compare(applied(KEYS - 1), good, good), lacks(&[PlanAudience::Keys]));
        assert_eq!(compare(applied(KEYS + 1), good, good), newer(&[(PlanAudience::Keys, KEYS + 1)]));
    }

    #[test]
    fn a_document_that_this_database_never_signed_is_newer_and_one_not_yet_sent_is_no_matter() {
        let mut standing = Standing::default();
        standing
            .stand(BTreeMap::from([(node(), AreaPath::new(vec![area()]).unwrap())]), BTreeSet::from([own()]));
        let difference = standing.compare(&node(), &state(None, applied(5), applied(6)));
        assert_eq!(difference, Difference { lacks: Vec::new(), newer: vec![(plan(), 6)] });
    }

    #[test]
    fn what_a_node_never_keeps_is_sent_again_ever_more_rarely() {
        let mut now = Instant::now();
        let mut standing = standing(now);
        let mut waits_s = Vec::new();
        for _ in 0..8 {
            let sent = now;
            while !standing.may_repeat(&own(), now) {
                now += Duration::from_secs(1);
            }
            waits_s.push(now.duration_since(sent).as_secs());
            standing.carry(&head(own(), EPOCH), now);
        }
        assert_eq!(waits_s, [20, 40, 80, 160, 320, 640, 900, 900]);
        standing.carry(&head(own(), EPOCH + 1), now);
        assert!(standing.may_repeat(&own(), now + AGAIN_AFTER), "a new document begins anew");
        standing.forget_connection();
        assert!(!standing.may_repeat(&own(), now + AGAIN_AFTER_MAX), "the pass sends it");
    }

    #[test]
    fn one_nodes_word_raises_an_epoch_once_a_minute_and_never_beyond_belief() {
        let now = Instant::now();
        let mut standing = standing(now);
        let day = 86_400_000;
        assert!(!standing.raise(&node(), plan(), EPOCH + 2 * day, NOW, now));
        assert_eq!(standing.seen(&plan()), 0);
        assert!(standing.raise(&node(), plan(), EPOCH + 5, NOW, now));
        assert!(!standing.raise(
            &node(),
            plan(),
            EPOCH + 6,
            NOW,
            now + RAISE_AGAIN - Duration::from_millis(1)
        ));
        assert_eq!(standing.seen(&plan()), EPOCH + 5);
        assert!(standing.raise(&node(), plan(), EPOCH + 7, NOW, now + RAISE_AGAIN));
        assert_eq!(standing.areas_seen().collect::<Vec<_>>(), [&area()]);
        // Above the key set only the root signs.
        assert!(!standing.raise(&node(), PlanAudience::Keys, KEYS + 1, NOW, now));
        assert_eq!(standing.seen(&PlanAudience::Keys), 0);
    }
}
