//! What is known of a node from outside: which documents it holds, what it has cached, when it was undisturbed, and what it
//! reported. The reference model predicts from this, and from nothing that the core thinks.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use loa_node::clock::trust::ERROR_MAX_MS;
use loa_node_core::Slot;
use loa_protocol::alert::INLINE_MAX_BYTES;
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::{Class, Language};
use loa_protocol::ids::{AreaId, ItemId, ObjectHash};
use loa_protocol::plan::{Item, Program};
use loa_protocol::receipt::Receipt;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Guards;

use super::office::{Document, Publication};

/// Silence between two parts of a session.
const PAUSE_MS: i64 = 1_000;

/// The documents that a node holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    pub(crate) held: BTreeMap<Slot, Arc<Publication>>,
    /// What the board's own configuration forbids, whatever they say.
    pub(crate) own_guards: Option<Arc<Guards>>,
    /// What came with the alerts of each area since the boot, and is still named there: since when, and how many bytes.
    inline: BTreeMap<AreaId, BTreeMap<ObjectHash, (UnixMs, usize)>>,
}

/// An item that is in force on a node, by the rules of the protocol's sections 4 and 5.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InForce<'a> {
    pub(crate) item: &'a Item,
    /// Its document.
    pub(crate) slot: &'a Slot,
    /// What is in its document besides.
    pub(crate) program: &'a Program,
    /// How many of the node's documents go before its own, as far as that decides (timeline, O2).
    pub(crate) rank: usize,
    pub(crate) expires: UnixMs,
}

impl Books {
    fn node(&self) -> Option<&loa_protocol::plan::NodeDocument> {
        match self.held.get(&Slot::Node).map(|publication| &publication.document) {
            Some(Document::Node(node)) => Some(node),
            Some(Document::Keys(_) | Document::Plan(_) | Document::Order(_) | Document::Alerts(_)) | None => {
                None
            }
        }
    }

    pub(crate) fn path(&self) -> Option<&AreaPath> {
        self.node().map(|node| &node.path)
    }

    /// What the village speaks.
    pub(crate) fn languages(&self) -> &[Language] {
        self.node().map_or(&[], |node| &node.languages)
    }

    /// How loud the node's own document wants it.
    pub(crate) fn volume_percent(&self) -> Option<u8> {
        self.node().map(|node| node.volume_percent)
    }

    pub(crate) fn knows_key_of(&self, publication: &Publication) -> bool {
        match self.held.get(&Slot::Keys).map(|keys| &keys.document) {
            Some(Document::Keys(ids)) => ids.contains(&publication.key),
            Some(Document::Plan(_) | Document::Node(_) | Document::Order(_) | Document::Alerts(_)) | None => {
                false
            }
        }
    }

    /// The programs in force: the alerts, the plans, of either the widest area's first, the node's own (timeline, D1).
    pub(crate) fn programs(&self) -> Vec<(&Arc<Publication>, &Program)> {
        let Some(path) = self.path() else { return Vec::new() };
        let of = |slot: fn(AreaId) -> Slot| {
            path.areas().iter().filter_map(move |area| self.held.get(&slot(area.clone())))
        };
        let all = of(Slot::Alert).chain(of(Slot::Plan)).chain(self.held.get(&Slot::Node));
        let all = all.filter(|publication| self.knows_key_of(publication));
        all.filter_map(|publication| Some((publication, publication.document.program()?))).collect()
    }

    /// The items in force: of several with one id, the widest area's.
    pub(crate) fn items(&self) -> Vec<InForce<'_>> {
        let mut seen = BTreeSet::new();
        let mut items = Vec::new();
        let programs = self.programs();
        // The area of a document is its place, whether it is a plan or has alerts; the node's own comes behind all of them.
        let areas = self.path().map_or(&[][..], AreaPath::areas);
        let place = |slot: &Slot| match slot {
            Slot::Plan(area) | Slot::Alert(area) => areas.iter().position(|other| other == area),
            Slot::Keys | Slot::Node | Slot::Command(_) => None,
        };
        let place = |slot: &Slot| place(slot).unwrap_or(areas.len());
        let is_own_first = |at: &usize| {
            programs.iter().any(|(p, _)| place(&p.slot) == *at && p.document.own_priority_first())
        };
        // Among priority items: those that go before all wider ones, the narrowest first; then the others, the widest first.
        let all = || 0..=areas.len();
        let own_first: Vec<usize> =
            all().rev().filter(is_own_first).chain(all().filter(|at| !is_own_first(at))).collect();
        for (publication, program) in &programs {
            let place = place(&publication.slot);
            let among_priority = own_first.iter().position(|other| *other == place).unwrap_or(place);
            for item in &program.items {
                if seen.insert(&item.id) {
                    let rank = if item.class == Class::Priority { among_priority } else { place };
                    let (slot, expires) = (&publication.slot, publication.expires);
                    items.push(InForce { item, slot, program, rank, expires });
                }
            }
        }
        items
    }

    /// The guards that hold on the node.
    pub(crate) fn guards(&self) -> impl Iterator<Item = &Guards> {
        let all = self.programs().into_iter().filter_map(|(publication, _)| {
            // Of a publication that is held as long as the books are.
            self.held.get(&publication.slot)?.document.guards()
        });
        all.collect::<Vec<_>>().into_iter().chain(self.own_guards.as_deref())
    }

    /// Everything that may be heard of an item: its tracks for the village, and its chimes.
    pub(crate) fn sounds(&self, item: &Item) -> Vec<ObjectHash> {
        let mut sounds = self.heard(item);
        if !sounds.is_empty() {
            sounds.extend(item.rules.chimes());
        }
        sounds
    }

    /// The item in force of this id, with its place.
    pub(crate) fn in_force(&self, id: &ItemId) -> Option<InForce<'_>> {
        self.items().into_iter().find(|in_force| in_force.item.id == *id)
    }

    /// The item in force of this id.
    pub(crate) fn item(&self, id: &ItemId) -> Option<&Item> {
        self.programs().into_iter().find_map(|(_, program)| program.items.iter().find(|item| item.id == *id))
    }

    /// Since when an object is there because it came with alerts in force.
    pub(crate) fn inline_since(&self, object: &ObjectHash) -> Option<UnixMs> {
        self.inline.values().filter_map(|came| came.get(object)).map(|(since, _)| *since).min()
    }

    /// What a document brings, and what of those before it is kept because it still names it, as much as it may bring itself
    /// (protocol, 4.6).
    fn keep_inline(&mut self, slot: &Slot, publication: Option<&Publication>, wall: UnixMs) {
        let Slot::Alert(area) = slot else { return };
        let before = self.inline.remove(area).unwrap_or_default();
        let Some(alerts) = publication.and_then(|publication| publication.document.alerts()) else { return };
        let brings = |(object, bytes): (&ObjectHash, &usize)| (*object, (wall, *bytes));
        let mut all: BTreeMap<_, _> = alerts.inline.iter().map(brings).collect();
        let mut left = INLINE_MAX_BYTES;
        for (object, (since, bytes)) in before {
            let is_named = alerts.program.manifest(&object).is_some();
            if is_named && all.contains_key(&object) {
                all.insert(object, (since, bytes));
            } else if is_named && bytes <= left {
                left -= bytes;
                all.insert(object, (since, bytes));
            }
        }
        self.inline.insert(area.clone(), all);
    }

    /// What a village hears of an item: for each of its languages, the track, in its order.
    pub(crate) fn heard(&self, item: &Item) -> Vec<ObjectHash> {
        heard(item, self.languages())
    }

    /// How long a whole session of an item lasts at most, pauses and chimes included.
    pub(crate) fn session_ms(&self, item: &Item) -> i64 {
        let length = |object: &ObjectHash| self.length_ms(object).unwrap_or(0) + PAUSE_MS;
        let round: i64 = self.heard(item).iter().map(length).sum();
        let chimes: i64 = item.rules.chimes().map(length).sum();
        let (rounds, gap_ms) =
            item.rules.repeats.map_or((1, 0), |r| (i64::from(r.rounds), i64::from(r.gap_ms)));
        chimes + rounds * (round + gap_ms)
    }

    /// What is to be there for emergencies to come, with its size in bytes.
    pub(crate) fn prepared(&self) -> impl Iterator<Item = (ObjectHash, u64)> {
        let plans = self.programs().into_iter().filter_map(|(publication, _)| match &publication.document {
            Document::Plan(plan) => Some(&plan.prepared),
            Document::Keys(_) | Document::Node(_) | Document::Order(_) | Document::Alerts(_) => None,
        });
        plans.flatten().map(|manifest| (manifest.object, u64::from(manifest.size_bytes)))
    }

    /// How long an object sounds, in milliseconds.
    pub(crate) fn length_ms(&self, object: &ObjectHash) -> Option<i64> {
        let manifest = self.programs().into_iter().find_map(|(_, program)| program.manifest(object))?;
        Some(i64::from(manifest.duration_ms))
    }
}

/// The tracks of an item in these languages, in their order; where there is none of them, the Vietnamese one.
fn heard(item: &Item, languages: &[Language]) -> Vec<ObjectHash> {
    let track = |tag: &str| item.tracks.iter().find(|track| track.language.as_str() == tag);
    let own: Vec<ObjectHash> =
        languages.iter().filter_map(|language| track(language.as_str())).map(|track| track.object).collect();
    let is_known = !languages.is_empty();
    if own.is_empty() && is_known { track("vi").map(|track| track.object).into_iter().collect() } else { own }
}

/// Since when items have been in force, by item, revision and document: what another document has under the same name starts
/// otherwise, and what it would have started before it was in force was nobody's (timeline, W1 and D2).
pub(crate) type Since = BTreeMap<(ItemId, u32, Slot), UnixMs>;

/// A time in which nothing disturbed a node: it had power, a clock that counts, a speaker that works, and the same
/// documents. By the node's wall clock, which ran evenly in it.
#[derive(Debug)]
pub(crate) struct Calm {
    pub(crate) from: UnixMs,
    pub(crate) to: UnixMs,
    pub(crate) books: Books,
    /// Since when each object was whole.
    pub(crate) whole: BTreeMap<ObjectHash, UnixMs>,
    /// Since when each item has been in force.
    pub(crate) since: Since,
    /// Which of the receipts were written in it.
    pub(crate) receipts: Range<usize>,
}

impl Calm {
    /// Since when an object can sound.
    pub(crate) fn whole_since(&self, object: &ObjectHash) -> Option<UnixMs> {
        let on_disk = self.whole.get(object).copied();
        on_disk.into_iter().chain(self.books.inline_since(object)).min()
    }
}

/// What a node did, seen from outside.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) books: Books,
    pub(crate) calms: Vec<Calm>,
    /// Since when nothing disturbs it, and how many receipts there were then.
    calm_from: Option<(UnixMs, usize)>,
    whole: BTreeMap<ObjectHash, UnixMs>,
    since: Since,
    /// From when until when, in true time, the clock was wrong by more than one that counts may be.
    clock_wrong: Vec<(UnixMs, UnixMs)>,
    /// The receipts that became durable, in their order.
    pub(crate) receipts: Vec<Receipt>,
    /// What was heard, and counts towards the budgets of a day.
    pub(crate) sessions: Vec<Session>,
}

/// A session that was heard, once its receipt tells of it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) key: (ItemId, u32, UnixMs),
    pub(crate) class: Class,
    pub(crate) started: UnixMs,
    pub(crate) sound_ms: i64,
    /// When its receipt was written, in true time.
    pub(crate) told: UnixMs,
    /// When it began and how long it was heard is known: neither power nor device failed in it, and no clock that was ahead dated it.
    pub(crate) is_exact: bool,
}

impl Facts {
    /// Of a board that was just enrolled, with guards of its own or without.
    pub(crate) fn of_board(own_guards: Option<Guards>) -> Self {
        let books = Books { own_guards: own_guards.map(Arc::new), ..Books::default() };
        Self { books, ..Self::default() }
    }

    /// What the clock says at a true instant.
    pub(crate) fn read_clock(&mut self, t: i64, wall: UnixMs, was_wrong: bool) -> bool {
        let is_wrong = wall.0.abs_diff(t) > 2 * ERROR_MAX_MS;
        match self.clock_wrong.last_mut().filter(|_| was_wrong) {
            Some((_, until)) => *until = UnixMs(t),
            None if is_wrong => self.clock_wrong.push((UnixMs(t), UnixMs(t))),
            None => {}
        }
        is_wrong
    }

    /// Whether the clock was wrong at some time between these true instants.
    pub(crate) fn was_clock_wrong(&self, from: UnixMs, until: UnixMs) -> bool {
        self.clock_wrong.iter().any(|(begin, end)| *begin <= until && from <= *end)
    }

    /// Something disturbs the node, or might.
    pub(crate) fn disturb(&mut self, wall: UnixMs) {
        let Some((from, written)) = self.calm_from.take() else { return };
        if from < wall {
            let receipts = written..self.receipts.len();
            let (books, whole, since) = (self.books.clone(), self.whole.clone(), self.since.clone());
            self.calms.push(Calm { from, to: wall, books, whole, since, receipts });
        }
    }

    /// Nothing disturbs it from here on.
    pub(crate) fn calm_down(&mut self, wall: UnixMs) {
        let written = self.receipts.len();
        self.calm_from.get_or_insert((wall, written));
    }

    /// Its clock is right. What came into force by one that was ahead has been in force from now on at the latest.
    pub(crate) fn clock_is_right(&mut self, wall: UnixMs) {
        self.since.values_mut().for_each(|since| *since = (*since).min(wall));
    }

    /// It holds another document in a slot, or none. Disturb it before.
    pub(crate) fn hold(&mut self, slot: Slot, publication: Option<Arc<Publication>>, wall: UnixMs) {
        let before = self.books.clone();
        self.books.keep_inline(&slot, publication.as_deref(), wall);
        match publication {
            Some(publication) => self.books.held.insert(slot, publication),
            None => self.books.held.remove(&slot),
        };
        let mut since = Since::new();
        for InForce { item, slot, .. } in self.books.items() {
            let key = (item.id.clone(), item.revision, slot.clone());
            // What had this name before and was another item is not this one.
            let is_same = before.item(&item.id).is_some_and(|known| known == item);
            let at = self.since.get(&key).copied().filter(|_| is_same).unwrap_or(wall);
            since.insert(key, at);
        }
        self.since = since;
    }

    pub(crate) fn is_whole(&self, object: &ObjectHash) -> bool {
        self.whole_since(object).is_some()
    }

    /// Since when it can sound: it is whole on the disk, or came with alerts.
    pub(crate) fn whole_since(&self, object: &ObjectHash) -> Option<UnixMs> {
        let on_disk = self.whole.get(object).copied();
        on_disk.into_iter().chain(self.books.inline_since(object)).min()
    }

    pub(crate) fn became_whole(&mut self, object: ObjectHash, wall: UnixMs) {
        self.whole.entry(object).or_insert(wall);
    }

    /// An object is gone. Returns whether that disturbs: what is in force names it.
    pub(crate) fn is_gone(&mut self, object: &ObjectHash, wall: UnixMs) {
        if self.whole.contains_key(object) {
            self.disturb(wall);
            self.whole.remove(object);
        }
    }

    /// After a boot: what is on the disk is what there is.
    pub(crate) fn found(&mut self, objects: impl Iterator<Item = ObjectHash>, wall: UnixMs) {
        self.whole = objects.map(|object| (object, wall)).collect();
        // What came with alerts was in the memory, and comes back with the documents that are stored.
        self.books.inline.clear();
    }
}
