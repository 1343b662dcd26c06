//! What staff scheduled, turned into the documents that nodes obey. Pure: rows and manifests in, documents out.
//!
//! The documents of one content are the same bytes on every run (items ascend by id, objects by hash, epoch 0), so that
//! a digest tells whether anything has to be signed again.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::{Category, Class, Language};
use loa_protocol::ids::{AreaId, BulletinId, CalendarId, ItemId, NodeId, ObjectHash};
use loa_protocol::plan::{AreaPlan, ITEMS_MAX, Item, NodeDocument, PREPARED_MAX, Program, Track, Zone};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{CALENDARS_MAX, Calendar, ItemRules, Start};
use loa_protocol::transfer::Manifest;
use loa_protocol::wire::{MESSAGE_MAX_BYTES, Wire, WireError};

use crate::domain::area_rules::AreaRules;
use crate::domain::node::LineClass;

/// How long an item that is over stays in plans, so that a node which was away still reports what it missed.
pub const OVER_KEPT_MS: i64 = 24 * 3600 * 1000;

/// What a document needs besides its items and manifests: names, path, languages, and the envelope round it.
const FRAME_BYTES: usize = 4 * 1024;

/// What the manifests of prepared sounds take of a plan at most, so that there is room for what is planned.
const PREPARED_BYTES: usize = 64 * 1024;

/// An approved bulletin with a schedule, its tracks made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredItem {
    /// The schedule.
    pub id: ItemId,
    /// The bulletin.
    pub bulletin: BulletinId,
    /// The bulletin's approved revision.
    pub revision: u32,
    /// The bulletin's title.
    pub title: String,
    /// The bulletin's class.
    pub class: Class,
    /// The bulletin's category.
    pub category: Category,
    /// When it starts.
    pub start: Start,
    /// No start before.
    pub valid_from: Option<UnixMs>,
    /// No start at or after.
    pub valid_until: Option<UnixMs>,
    /// How late a start may be.
    pub start_within_ms: u32,
    /// How it sounds, beyond that.
    pub rules: ItemRules,
    /// The sounds, in the order of the bulletin's tracks.
    pub tracks: Vec<Track>,
    /// The area on whose behalf the bulletin was approved. It sounds nowhere else, wherever its targets stand by now.
    pub reach: AreaPath,
    /// Areas that hear it.
    pub areas: Vec<AreaId>,
    /// Single nodes that hear it besides.
    pub nodes: Vec<NodeId>,
}

/// An enrolled node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredNode {
    /// The node.
    pub id: NodeId,
    /// Where it stands.
    pub path: AreaPath,
    /// The zone of its area.
    pub zone: Tz,
    /// The languages of its village, first spoken first.
    pub languages: Vec<Language>,
    /// Loudness of its horn.
    pub volume_percent: u8,
    /// What its line carries.
    pub line: LineClass,
}

/// An area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredArea {
    /// Where it lies, itself included.
    pub path: AreaPath,
    /// Its zone.
    pub zone: Tz,
    /// What it states beyond that.
    pub rules: AreaRules,
}

/// Everything that plans are made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// What is to sound.
    pub items: Vec<DesiredItem>,
    /// Every area.
    pub areas: BTreeMap<AreaId, DesiredArea>,
    /// The nodes.
    pub nodes: Vec<DesiredNode>,
    /// The calendars that items name.
    pub calendars: BTreeMap<CalendarId, Calendar>,
    /// The sounds of prepared templates, by the area in whose name each is.
    pub prepared: BTreeMap<AreaId, BTreeSet<ObjectHash>>,
}

impl Desired {
    /// The objects that the items still name at `now`, and those that are prepared.
    pub fn objects(&self, now: UnixMs) -> BTreeSet<ObjectHash> {
        let live = self.items.iter().filter(|item| !item.is_over(now));
        let named = live.flat_map(|item| item.tracks.iter().map(|track| track.object));
        named.chain(self.prepared.values().flatten().copied()).collect()
    }
}

impl DesiredItem {
    /// Whether no node has anything to do or to report for it any more.
    fn is_over(&self, now: UnixMs) -> bool {
        let by_start = match &self.start {
            Start::At(instant) => Some(*instant + i64::from(self.start_within_ms)),
            Start::Cron(_) => None,
        };
        let last = [by_start, self.valid_until].into_iter().flatten().min();
        last.is_some_and(|last| last + OVER_KEPT_MS < now)
    }

    /// Whether its approval holds at a place.
    fn reaches(&self, place: &AreaPath) -> bool {
        place.areas().starts_with(self.reach.areas())
    }

    /// The item of plans.
    pub(crate) fn to_item(&self) -> Item {
        Item {
            id: self.id.clone(),
            revision: self.revision,
            bulletin: self.bulletin.clone(),
            title: self.title.clone(),
            class: self.class,
            category: self.category,
            start: self.start.clone(),
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            start_within_ms: self.start_within_ms,
            tracks: self.tracks.clone(),
            rules: self.rules.clone(),
            status: Default::default(),
        }
    }
}

/// The documents, their epochs still 0.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// The plans of the areas in which something sounds or which have rules, and of `known` ones in which nothing does any
    /// more.
    pub plans: Vec<AreaPlan>,
    /// A document for every node.
    pub nodes: Vec<NodeDocument>,
    /// Items left out, because a manifest is missing.
    pub without_audio: Vec<ItemId>,
    /// Items left out of a document because it would be larger than nodes take, by audience.
    pub over_size: Vec<(String, ItemId)>,
    /// Documents that break a limit of the protocol, by audience, with the rule. The last good one stays in force.
    pub refused: Vec<(String, WireError)>,
}

/// Compiles all documents. `known` are the areas that have had a plan: they need an empty one when nothing is left.
pub fn compile(
    desired: &Desired,
    manifests: &BTreeMap<ObjectHash, Manifest>,
    known: &BTreeSet<AreaId>,
    health_interval_s: u32,
    now: UnixMs,
) -> Compiled {
    let mut compiled = Compiled::default();
    let with_rules = desired.areas.iter().filter(|(_, area)| area.rules.is_in_plans()).map(|(id, _)| id);
    let mut by_area: BTreeMap<&AreaId, Vec<&DesiredItem>> =
        known.iter().chain(with_rules).chain(desired.prepared.keys()).map(|area| (area, vec![])).collect();
    let mut by_node: BTreeMap<&NodeId, Vec<&DesiredItem>> = BTreeMap::new();
    for item in desired.items.iter().filter(|item| !item.is_over(now)) {
        if !item.tracks.iter().all(|track| manifests.contains_key(&track.object)) {
            compiled.without_audio.push(item.id.clone());
            continue;
        }
        // A target that was moved out of the approver's area since hears nothing more of it.
        let within = |area: &&AreaId| desired.areas.get(area).is_some_and(|a| item.reaches(&a.path));
        for area in item.areas.iter().filter(within) {
            by_area.entry(area).or_default().push(item);
        }
        for node in &item.nodes {
            by_node.entry(node).or_default().push(item);
        }
    }
    for (area, items) in by_area {
        // An area that was removed has no zone; its plan is empty, and any zone serves.
        let (zone, rules) = match desired.areas.get(area) {
            Some(area) => (area.zone, area.rules.clone()),
            None => (Tz::UTC, AreaRules::default()),
        };
        let audience = format!("a:{area}");
        let prepared = prepared(desired.prepared.get(area), manifests);
        let room = MESSAGE_MAX_BYTES - FRAME_BYTES - prepared.iter().map(encoded_bytes).sum::<usize>();
        let program =
            program(&items, manifests, &desired.calendars, room, &audience, &mut compiled.over_size);
        let plan = AreaPlan {
            area: area.clone(),
            epoch: 0,
            zone: Zone(zone),
            program,
            guards: rules.guards,
            own_priority_first: rules.own_priority_first,
            prepared,
        };
        match plan.check() {
            Ok(()) => compiled.plans.push(plan),
            Err(error) => compiled.refused.push((audience, error)),
        }
    }
    for node in &desired.nodes {
        let within = |item: &&DesiredItem| item.reaches(&node.path);
        let items: Vec<&DesiredItem> =
            by_node.get(&node.id).map_or(&[][..], Vec::as_slice).iter().copied().filter(within).collect();
        let audience = format!("n:{}", node.id);
        let document = NodeDocument {
            node: node.id.clone(),
            epoch: 0,
            path: node.path.clone(),
            zone: Zone(node.zone),
            languages: node.languages.clone(),
            volume_percent: node.volume_percent,
            health_interval_s,
            program: program(
                &items,
                manifests,
                &desired.calendars,
                MESSAGE_MAX_BYTES - FRAME_BYTES,
                &audience,
                &mut compiled.over_size,
            ),
            guards: Default::default(),
            line_kbit_s: node.line.kbit_s(),
        };
        match document.check() {
            Ok(()) => compiled.nodes.push(document),
            Err(error) => compiled.refused.push((audience, error)),
        }
    }
    compiled
}

/// The manifests of an area's prepared sounds: the first that fit.
fn prepared(
    objects: Option<&BTreeSet<ObjectHash>>,
    manifests: &BTreeMap<ObjectHash, Manifest>,
) -> Vec<Manifest> {
    let mut room = PREPARED_BYTES;
    let found = objects.into_iter().flatten().filter_map(|object| manifests.get(object));
    let fitting = found.take_while(|manifest| {
        let bytes = encoded_bytes(*manifest);
        room = room.saturating_sub(bytes);
        room > 0
    });
    fitting.take(PREPARED_MAX).cloned().collect()
}

/// The items that fit into one message, with their manifests and calendars. What is taken away (a cancelled item) must always take
/// effect, so a document that grew too large loses its least pressing items rather than staying as it was: those of the
/// lowest class, and of these the single starts that come last.
fn program(
    items: &[&DesiredItem],
    manifests: &BTreeMap<ObjectHash, Manifest>,
    calendars: &BTreeMap<CalendarId, Calendar>,
    mut room: usize,
    audience: &str,
    over_size: &mut Vec<(String, ItemId)>,
) -> Program {
    let once: BTreeMap<&ItemId, &DesiredItem> = items.iter().map(|item| (&item.id, *item)).collect();
    let mut by_weight: Vec<&DesiredItem> = once.into_values().collect();
    by_weight.sort_by_key(|item| (Reverse(item.class), single_start(item), item.id.clone()));
    let (mut kept, mut objects, mut named) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for item in by_weight {
        let fresh: BTreeMap<ObjectHash, &Manifest> = item
            .tracks
            .iter()
            .filter(|track| !objects.contains_key(&track.object))
            .filter_map(|track| Some((track.object, manifests.get(&track.object)?)))
            .collect();
        let wire = item.to_item();
        let days: BTreeMap<&CalendarId, &Calendar> = wire
            .rules
            .excluded_calendars
            .iter()
            .filter(|id| !named.contains_key(id))
            .filter_map(|id| calendars.get_key_value(id))
            .collect();
        let bytes = encoded_bytes(&wire)
            + fresh.values().map(|manifest| encoded_bytes(*manifest)).sum::<usize>()
            + days.values().map(|calendar| encoded_bytes(*calendar)).sum::<usize>();
        let is_full = kept.len() == ITEMS_MAX || named.len() + days.len() > CALENDARS_MAX;
        if bytes > room || is_full {
            over_size.push((audience.to_owned(), item.id.clone()));
            continue;
        }
        room -= bytes;
        kept.push(wire);
        objects.extend(fresh);
        named.extend(days);
    }
    kept.sort_by(|a, b| a.id.cmp(&b.id));
    Program {
        items: kept,
        objects: objects.into_values().cloned().collect(),
        calendars: named.into_values().cloned().collect(),
    }
}

/// Repeating items count as the soonest.
fn single_start(item: &DesiredItem) -> UnixMs {
    match &item.start {
        Start::At(instant) => *instant,
        Start::Cron(_) => UnixMs(i64::MIN),
    }
}

fn encoded_bytes<T: minicbor::Encode<()>>(value: &T) -> usize {
    // A Vec accepts every write.
    minicbor::to_vec(value).map_or(usize::MAX, |bytes| bytes.len())
}

/// SHA-256 of a document's content, its epoch 0: equal contents need no new signature.
pub type ContentDigest = [u8; 32];

/// The digest of a document's content.
pub fn content_digest<T: Wire>(document: &T) -> ContentDigest {
    ObjectHash::of(&document.to_cbor()).0
}
