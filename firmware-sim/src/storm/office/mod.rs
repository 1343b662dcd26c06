//! The controller that is not there: what it signs and publishes over the days of a run, real signatures included.
//!
//! Staff add, revise and withdraw bulletins, send emergencies, move nodes and change their languages; keys are rotated;
//! documents are renewed; the controller is killed, and restored from older backups, after which it knows neither what was
//! planned nor which epochs were used since. All of that follows from the seed alone, not from what nodes do, so that each
//! node can be run for itself. What depends on a node (acknowledgements, blocks, sending again what differs) is in
//! [`desk`](super::desk).

mod alarms;
mod calendars;
pub(crate) mod drafts;
pub(crate) mod names;
mod orders;
mod ring;
mod shelf;
mod warden;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono_tz::Tz;
use loa_node_core::{Identity, Slot};
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Class;
use loa_protocol::command::Command;
use loa_protocol::envelope::{Applied, seal_key_set};
use loa_protocol::ids::{Digest, KeyId, ObjectHash};
use loa_protocol::keys::KeyEntry;
use loa_protocol::plan::{AreaPlan, NodeDocument, Program};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Guards;

use self::alarms::Tower;
use self::drafts::Object;
pub(crate) use self::ring::Ring;
use self::shelf::{Reader, Shelf};
use self::warden::Warden;
use super::almanac::Almanac;
use super::fault::{Fault, Faults};
use super::{DAY, HOUR, MINUTE, SECOND};
use crate::rng::Rng;

/// Documents are renewed for so long after everything was put right; what comes later would not arrive before a run ends.
const RENEWALS_MS: i64 = 6 * HOUR;

/// A signed document, as it was published.
#[derive(Debug)]
pub(crate) struct Publication {
    /// When, in true time.
    pub(crate) at: i64,
    pub(crate) slot: Slot,
    pub(crate) applied: Applied,
    pub(crate) envelope: Arc<[u8]>,
    pub(crate) document: Document,
    /// Who signed it.
    pub(crate) key: KeyId,
    pub(crate) not_before: UnixMs,
    pub(crate) expires: UnixMs,
}

/// What is in the envelope.
#[derive(Clone, Debug)]
pub(crate) enum Document {
    /// The ids of the keys; working one out takes a point of the curve.
    Keys(Arc<BTreeSet<KeyId>>),
    Plan(Arc<AreaPlan>),
    Node(Arc<NodeDocument>),
    Alerts(Arc<Alerts>),
    /// For the moment; neither retained nor kept.
    Order(Arc<Command>),
}

/// The alerts of an area.
#[derive(Debug)]
pub(crate) struct Alerts {
    /// The items as they may start: none at the instant at which the document expires, or later (protocol, 4.6).
    pub(crate) program: Program,
    /// What it brings, with its length in bytes.
    pub(crate) inline: BTreeMap<ObjectHash, usize>,
}

impl Document {
    pub(crate) fn program(&self) -> Option<&Program> {
        match self {
            Self::Keys(_) | Self::Order(_) => None,
            Self::Plan(plan) => Some(&plan.program),
            Self::Node(node) => Some(&node.program),
            Self::Alerts(alerts) => Some(&alerts.program),
        }
    }

    pub(crate) fn alerts(&self) -> Option<&Alerts> {
        match self {
            Self::Alerts(alerts) => Some(alerts),
            Self::Keys(_) | Self::Order(_) | Self::Plan(_) | Self::Node(_) => None,
        }
    }

    /// Whether it says what is to sound at once, or that nothing is any more.
    pub(crate) fn is_urgent(&self) -> bool {
        let has_emergency = |program: &Program| program.classes().contains(&Class::Emergency);
        self.alerts().is_some() || self.program().is_some_and(has_emergency)
    }

    pub(crate) fn guards(&self) -> Option<&Guards> {
        match self {
            Self::Keys(_) | Self::Order(_) | Self::Alerts(_) => None,
            Self::Plan(plan) => Some(&plan.guards),
            Self::Node(node) => Some(&node.guards),
        }
    }

    pub(crate) fn order(&self) -> Option<&Command> {
        match self {
            Self::Order(command) => Some(command),
            Self::Keys(_) | Self::Plan(_) | Self::Node(_) | Self::Alerts(_) => None,
        }
    }

    /// Whether an area's own priority items go before those of all wider areas.
    pub(crate) fn own_priority_first(&self) -> bool {
        match self {
            Self::Plan(plan) => plan.own_priority_first,
            Self::Keys(_) | Self::Node(_) | Self::Order(_) | Self::Alerts(_) => false,
        }
    }
}

/// The controller is away.
#[derive(Clone, Copy, Debug)]
struct Outage {
    from: i64,
    until: i64,
}

/// The controller is restored from a backup.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restore {
    pub(crate) at: i64,
    /// When the backup was made.
    pub(crate) back_to: i64,
}

/// What all documents of a run have in common.
#[derive(Debug)]
pub(crate) struct Frame {
    seed: u64,
    kinds: Faults,
    pub(crate) begin: i64,
    /// When everything is healed and staff go home.
    pub(crate) end: i64,
    pub(crate) zone: Tz,
    pub(crate) ring: Ring,
    /// How long a document is valid.
    validity_ms: i64,
    outages: Vec<Outage>,
    pub(crate) restores: Vec<Restore>,
    /// The controller's clock is ahead by so much.
    offset_ms: i64,
    /// And by so much more in between.
    leap: Option<(Outage, i64)>,
}

impl Frame {
    pub(crate) fn new(seed: u64, days: u32, faults: &Faults) -> Self {
        let mut rng = Rng::of(seed, "frame");
        // A plain zone, and two nights on which clocks are changed.
        let (zone, begin) = match rng.below(4) {
            0 | 1 => (chrono_tz::Asia::Ho_Chi_Minh, 1_795_392_000_000),
            2 => (chrono_tz::Europe::Berlin, 1_774_656_000_000),
            _ => (chrono_tz::Europe::Berlin, 1_792_800_000_000),
        };
        let end = begin + i64::from(days) * DAY;
        let validity_ms = if rng.percent(70) { 45 * DAY } else { rng.range(30, 80) * HOUR };
        let mut frame = Self {
            seed,
            kinds: faults.clone(),
            begin,
            end,
            zone,
            ring: Ring::new(seed, begin, end - 2 * HOUR),
            validity_ms,
            outages: Vec::new(),
            restores: Vec::new(),
            offset_ms: rng.range(-30 * SECOND, 200 * SECOND),
            leap: None,
        };
        if faults.has(Fault::Office) {
            frame.trouble();
        }
        frame
    }

    fn trouble(&mut self) {
        let mut rng = self.rng("controller trouble");
        let mut at = self.begin + rng.gap_ms(DAY);
        while at < self.end - HOUR {
            let until = at + rng.range(5 * SECOND, 20 * MINUTE);
            self.outages.push(Outage { from: at, until });
            if rng.percent(40) {
                self.restores.push(Restore { at: until, back_to: at - rng.gap_ms(12 * HOUR) });
            }
            at = until + rng.gap_ms(30 * HOUR);
        }
        if rng.percent(30) {
            let from = self.begin + rng.gap_ms(DAY);
            let leap = Outage { from, until: from + rng.gap_ms(HOUR) };
            self.leap = Some((leap, rng.range(10 * MINUTE, 3 * HOUR)));
        }
    }

    pub(crate) fn has(&self, kind: Fault) -> bool {
        self.kinds.has(kind)
    }

    fn has_orders(&self) -> bool {
        self.has(Fault::Orders) || self.has(Fault::NamedOrders)
    }

    pub(crate) fn rng(&self, purpose: &str) -> Rng {
        Rng::of(self.seed, purpose)
    }

    pub(crate) fn is_down(&self, at: i64) -> bool {
        self.outages.iter().any(|outage| outage.from <= at && at < outage.until)
    }

    /// The guards that a board has of its own, which no document states.
    pub(crate) fn guards_of_board(&self, index: usize) -> Option<Guards> {
        let mut warden = Warden::new(self.rng(&format!("board's own guards of {index}")));
        let (guards, _) = warden.draw();
        Some(guards).filter(|guards| self.has(Fault::Board) && !guards.is_empty())
    }

    /// When the controller gets to what is to be done at an instant.
    pub(crate) fn when_up(&self, at: i64) -> i64 {
        let outage = self.outages.iter().find(|outage| outage.from <= at && at < outage.until);
        outage.map_or(at, |outage| outage.until)
    }

    /// By how much the controller's clock is ahead.
    pub(crate) fn ahead_ms(&self, at: i64) -> i64 {
        let leap = self.leap.filter(|(when, _)| when.from <= at && at < when.until);
        self.offset_ms + leap.map_or(0, |(_, by)| by)
    }
}

/// What the controller does in a run: the part that is the same for all nodes.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) frame: Frame,
    pub(crate) almanac: Almanac,
    pub(crate) keys: Vec<Arc<Publication>>,
    plans: BTreeMap<Slot, Vec<Arc<Publication>>>,
    objects: BTreeMap<ObjectHash, Object>,
}

impl History {
    /// For the nodes from `first` up to, but not including, `until`.
    pub(crate) fn new(frame: Frame, first: usize, until: usize) -> Self {
        let (keys, almanac) = (key_sets(&frame), Almanac::new(frame.zone));
        let mut history = Self { keys, almanac, frame, plans: BTreeMap::new(), objects: BTreeMap::new() };
        history.follow(Reader::Area { area: names::province(), commune: None });
        let communes = names::place(first).0..=names::place(until.saturating_sub(1)).0;
        for commune in communes {
            history.follow(Reader::Area { area: names::commune(commune), commune: Some(commune) });
            for village in 0..2 {
                let area = names::village(commune, village);
                history.follow(Reader::Area { area, commune: Some(commune) });
            }
        }
        history
    }

    fn follow(&mut self, reader: Reader) {
        let (published, drafts) = Shelf::new(&self.frame, reader).through_time();
        self.objects.extend(drafts.objects);
        let Some(first) = published.first() else { return };
        let slot = first.slot.clone();
        if let Slot::Plan(area) = &slot
            && self.frame.has_orders()
        {
            let orders = orders::orders((&self.frame, &self.almanac), Ok(area), &published);
            self.plans.insert(Slot::Command(Some(area.clone())), orders);
        }
        if let Slot::Plan(area) = &slot
            && self.frame.has(Fault::Alerts)
        {
            let (alerts, objects) = Tower::new(&self.frame, area).through_time();
            self.objects.extend(objects);
            self.plans.insert(Slot::Alert(area.clone()), alerts);
        }
        self.plans.insert(slot, published);
    }

    /// What this node is told, and who it is.
    pub(crate) fn file_of(&self, index: usize) -> File<'_> {
        let (own, drafts) = Shelf::new(&self.frame, Reader::Node { index }).through_time();
        let (commune, village) = names::place(index);
        let mut publications: BTreeMap<Slot, Vec<Arc<Publication>>> = BTreeMap::new();
        publications.insert(Slot::Keys, self.keys.clone());
        if self.frame.has_orders() {
            let node = names::node(index);
            let orders = orders::orders((&self.frame, &self.almanac), Err(&node), &own);
            publications.insert(Slot::Command(None), orders);
        }
        publications.insert(Slot::Node, own);
        for area in [
            names::province(),
            names::commune(commune),
            names::village(commune, 0),
            names::village(commune, 1),
        ] {
            for slot in [Slot::Plan(area.clone()), Slot::Command(Some(area.clone())), Slot::Alert(area)] {
                if let Some(published) = self.plans.get(&slot) {
                    publications.insert(slot, published.clone());
                }
            }
        }
        let by_digest = publications.values().flatten().map(|p| (p.applied.digest, Arc::clone(p))).collect();
        let is_placed = !self.frame.rng(&format!("enrolment {index}")).percent(10);
        let path = if is_placed { names::path(commune, village) } else { AreaPath::unplaced() };
        let identity = Identity {
            tenant: names::tenant(),
            node: names::node(index),
            path,
            root: self.frame.ring.root_public(),
        };
        File { history: self, index, identity, publications, by_digest, own_objects: drafts.objects }
    }
}

/// The controller's file of one node.
#[derive(Debug)]
pub(crate) struct File<'a> {
    pub(crate) history: &'a History,
    pub(crate) index: usize,
    pub(crate) identity: Identity,
    /// Of each document that may be for the node, what was published, in order.
    pub(crate) publications: BTreeMap<Slot, Vec<Arc<Publication>>>,
    by_digest: BTreeMap<Digest, Arc<Publication>>,
    own_objects: BTreeMap<ObjectHash, Object>,
}

impl File<'_> {
    /// What the controller published with this digest; `None` if it did not.
    pub(crate) fn published(&self, digest: &Digest) -> Option<&Arc<Publication>> {
        self.by_digest.get(digest)
    }

    /// What is published of a document at an instant.
    pub(crate) fn current(&self, slot: &Slot, at: i64) -> Option<&Arc<Publication>> {
        let published = self.publications.get(slot)?;
        // Delayed ones may overtake: the last that was given out counts.
        published.iter().filter(|p| p.at <= at).max_by_key(|p| p.at)
    }

    pub(crate) fn object(&self, object: &ObjectHash) -> Option<&Object> {
        self.own_objects.get(object).or_else(|| self.history.objects.get(object))
    }
}

fn key_sets(frame: &Frame) -> Vec<Arc<Publication>> {
    let changes = frame.ring.set_changes();
    // Renewed as documents are; the epochs of key sets are clock times as well.
    let renewals =
        (1..).map(|n| frame.begin + n * frame.validity_ms / 3).take_while(|at| *at < frame.end + RENEWALS_MS);
    let mut times: Vec<i64> = changes.into_iter().chain(renewals).map(|at| frame.when_up(at)).collect();
    times.push(frame.begin - 2 * HOUR);
    times.sort_unstable();
    times.dedup();
    let mut version = 0;
    let publish = |at: i64| {
        let clock_ms = at + frame.ahead_ms(at);
        version = (version + 1).max(u64::try_from(clock_ms).unwrap_or(0));
        let set = frame.ring.key_set(at, version);
        let validity = frame.validity(clock_ms);
        let envelope = seal_key_set(&set, &names::tenant(), validity, frame.ring.root());
        Arc::new(Publication {
            at,
            slot: Slot::Keys,
            applied: Applied { sequence: version, digest: Digest::of(&envelope) },
            envelope: envelope.into(),
            document: Document::Keys(Arc::new(set.keys.iter().filter_map(KeyEntry::id).collect())),
            key: KeyId::of(&frame.ring.root_public()),
            not_before: UnixMs::from_seconds(validity.not_before_s),
            expires: UnixMs::from_seconds(validity.expires_s),
        })
    };
    times.into_iter().map(publish).collect()
}
