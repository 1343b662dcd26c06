//! What staff scheduled, turned into the documents that nodes obey. Pure: rows and manifests in, documents out.
//!
//! The documents of one content are the same bytes on every run (items ascend by id, objects by hash, epoch 0), so that
//! a digest tells whether anything has to be signed again.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::{Category, Class, Language};
use loa_protocol::ids::{AreaId, BulletinId, ItemId, NodeId, ObjectHash};
use loa_protocol::plan::{AreaPlan, Item, NodeDocument, Program, Track, Zone};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Start;
use loa_protocol::transfer::Manifest;
use loa_protocol::wire::{Wire, WireError};

/// How long an item that is over stays in plans, so that a node which was away still reports what it missed.
pub const OVER_KEPT_MS: i64 = 24 * 3600 * 1000;

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
    /// The sounds, in the order of the bulletin's tracks.
    pub tracks: Vec<Track>,
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
}

/// Everything that plans are made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// What is to sound.
    pub items: Vec<DesiredItem>,
    /// The zone of every area.
    pub areas: BTreeMap<AreaId, Tz>,
    /// The nodes.
    pub nodes: Vec<DesiredNode>,
}

impl Desired {
    /// The objects that the items still name at `now`.
    pub fn objects(&self, now: UnixMs) -> BTreeSet<ObjectHash> {
        let live = self.items.iter().filter(|item| !item.is_over(now));
        live.flat_map(|item| item.tracks.iter().map(|track| track.object)).collect()
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

    fn to_item(&self) -> Item {
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
        }
    }
}

/// The documents, their epochs still 0.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// The plans of the areas in which something sounds, and of `known` ones in which nothing does any more.
    pub plans: Vec<AreaPlan>,
    /// A document for every node.
    pub nodes: Vec<NodeDocument>,
    /// Items left out, because a manifest is missing.
    pub without_audio: Vec<ItemId>,
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
    let mut by_area: BTreeMap<&AreaId, Vec<&DesiredItem>> = known.iter().map(|area| (area, vec![])).collect();
    let mut by_node: BTreeMap<&NodeId, Vec<&DesiredItem>> = BTreeMap::new();
    for item in desired.items.iter().filter(|item| !item.is_over(now)) {
        if !item.tracks.iter().all(|track| manifests.contains_key(&track.object)) {
            compiled.without_audio.push(item.id.clone());
            continue;
        }
        for area in item.areas.iter().filter(|area| desired.areas.contains_key(area)) {
            by_area.entry(area).or_default().push(item);
        }
        for node in &item.nodes {
            by_node.entry(node).or_default().push(item);
        }
    }
    for (area, items) in by_area {
        // An area that was deleted has no zone; its plan is empty, and any zone serves.
        let zone = desired.areas.get(area).copied().unwrap_or(Tz::UTC);
        let program = program(&items, manifests);
        let plan = AreaPlan { area: area.clone(), epoch: 0, zone: Zone(zone), program };
        match plan.check() {
            Ok(()) => compiled.plans.push(plan),
            Err(error) => compiled.refused.push((format!("a:{area}"), error)),
        }
    }
    for node in &desired.nodes {
        let document = NodeDocument {
            node: node.id.clone(),
            epoch: 0,
            path: node.path.clone(),
            zone: Zone(node.zone),
            languages: node.languages.clone(),
            volume_percent: node.volume_percent,
            health_interval_s,
            program: program(by_node.get(&node.id).map_or(&[], Vec::as_slice), manifests),
        };
        match document.check() {
            Ok(()) => compiled.nodes.push(document),
            Err(error) => compiled.refused.push((format!("n:{}", node.id), error)),
        }
    }
    compiled
}

fn program(items: &[&DesiredItem], manifests: &BTreeMap<ObjectHash, Manifest>) -> Program {
    let items: BTreeMap<&ItemId, &DesiredItem> = items.iter().map(|item| (&item.id, *item)).collect();
    let objects: BTreeSet<ObjectHash> =
        items.values().flat_map(|i| i.tracks.iter().map(|t| t.object)).collect();
    Program {
        items: items.into_values().map(DesiredItem::to_item).collect(),
        objects: objects.iter().filter_map(|object| manifests.get(object).cloned()).collect(),
    }
}

/// SHA-256 of a document's content, its epoch 0: equal contents need no new signature.
pub type ContentDigest = [u8; 32];

/// The digest of a document's content.
pub fn content_digest<T: Wire>(document: &T) -> ContentDigest {
    ObjectHash::of(&document.to_cbor()).0
}

#[cfg(test)]
mod tests {
    use loa_protocol::transfer::Codec;

    use super::*;

    const NOW: UnixMs = UnixMs(1_795_132_800_000);

    fn area(id: &str) -> AreaId {
        AreaId::new(id).unwrap()
    }

    fn manifest(seed: u8) -> Manifest {
        Manifest::of(&[seed; 100], 16 * 1024, Codec::OggOpus, 1000).unwrap()
    }

    fn item(id: &str, object: u8, areas: &[&str], nodes: &[&str]) -> DesiredItem {
        DesiredItem {
            id: ItemId::new(id).unwrap(),
            bulletin: BulletinId::new("b").unwrap(),
            revision: 1,
            title: "Lịch tiêm chủng".to_owned(),
            class: Class::Normal,
            category: Category::Health,
            start: Start::At(NOW + 60_000),
            valid_from: None,
            valid_until: None,
            start_within_ms: 60_000,
            tracks: vec![Track { language: Language::vietnamese(), object: manifest(object).object }],
            areas: areas.iter().map(|a| area(a)).collect(),
            nodes: nodes.iter().map(|n| NodeId::new(*n).unwrap()).collect(),
        }
    }

    fn desired(items: Vec<DesiredItem>) -> Desired {
        let node = |id: &str, village: &str| DesiredNode {
            id: NodeId::new(id).unwrap(),
            path: AreaPath::new(vec![area("xa"), area(village)]).unwrap(),
            zone: Tz::Asia__Ho_Chi_Minh,
            languages: vec![Language::vietnamese()],
            volume_percent: 80,
        };
        Desired {
            items,
            areas: ["xa", "thon-1", "thon-2"].map(|a| (area(a), Tz::Asia__Ho_Chi_Minh)).into(),
            nodes: vec![node("n1", "thon-1"), node("n2", "thon-2")],
        }
    }

    fn manifests() -> BTreeMap<ObjectHash, Manifest> {
        (1..=3).map(|seed| (manifest(seed).object, manifest(seed))).collect()
    }

    fn compile_at(desired: &Desired, known: &[&str], now: UnixMs) -> Compiled {
        compile(desired, &manifests(), &known.iter().map(|a| area(a)).collect(), 60, now)
    }

    #[test]
    fn an_item_is_in_the_plans_of_its_targets_alone() {
        let made = compile_at(
            &desired(vec![item("s2", 2, &["xa"], &["n2"]), item("s1", 1, &["xa", "thon-1"], &[])]),
            &[],
            NOW,
        );
        let ids = |program: &Program| program.items.iter().map(|i| i.id.to_string()).collect::<Vec<_>>();
        let plans: Vec<_> = made.plans.iter().map(|p| (p.area.to_string(), ids(&p.program))).collect();
        assert_eq!(
            plans,
            [
                ("thon-1".to_owned(), vec!["s1".to_owned()]),
                ("xa".to_owned(), vec!["s1".to_owned(), "s2".to_owned()])
            ]
        );
        assert_eq!(ids(&made.nodes[1].program), ["s2"]);
        assert!(made.nodes[0].program.items.is_empty());
        assert!(made.plans.iter().all(|p| p.check().is_ok()));
    }

    #[test]
    fn an_area_that_had_a_plan_gets_an_empty_one() {
        let made = compile_at(&desired(vec![]), &["thon-1"], NOW);
        assert_eq!(made.plans.len(), 1);
        assert!(made.plans[0].program.items.is_empty());
    }

    #[test]
    fn items_without_audio_wait_and_items_that_are_over_go() {
        let made = compile_at(&desired(vec![item("s1", 9, &["xa"], &[])]), &[], NOW);
        assert_eq!(made.without_audio.len(), 1);
        assert!(made.plans.is_empty());
        let over = NOW + 60_000 + 60_000 + OVER_KEPT_MS;
        let soon = desired(vec![item("s1", 1, &["xa"], &[])]);
        assert_eq!(compile_at(&soon, &["xa"], over).plans[0].program.items.len(), 1);
        assert_eq!(compile_at(&soon, &["xa"], over + 1).plans[0].program.items.len(), 0);
        assert!(soon.objects(over + 1).is_empty());
    }

    #[test]
    fn the_order_of_rows_does_not_change_the_bytes() {
        let (a, b) = (item("s1", 1, &["xa"], &[]), item("s2", 2, &["xa"], &[]));
        let one = compile_at(&desired(vec![a.clone(), b.clone()]), &[], NOW);
        let other = compile_at(&desired(vec![b, a]), &[], NOW);
        assert_eq!(content_digest(&one.plans[0]), content_digest(&other.plans[0]));
    }

    #[test]
    fn a_document_over_the_limits_is_refused_and_the_others_are_made() {
        let mut long = item("s1", 1, &["xa"], &[]);
        long.title = "á".repeat(300);
        let made = compile_at(&desired(vec![long, item("s2", 2, &["thon-2"], &[])]), &[], NOW);
        assert_eq!(made.refused[0].0, "a:xa");
        assert_eq!(made.plans.len(), 1);
    }
}
