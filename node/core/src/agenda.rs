//! Which occurrences come next, found one after the other.
//!
//! Each item has a cursor: its next occurrence. A sorted index of the cursors gives the earliest; taking it moves only
//! that item's cursor on. Nothing is searched at a tick.
//!
//! # Which occurrences are this node's
//! An occurrence is this node's when it could still start (`nominal + start_within_ms`) at the instant at which its item
//! was first applied, its nominal start lies less than [`LOOK_BACK_DAYS`] days back, and the document was valid
//! at its nominal start. So a plan that comes three seconds late still sounds, a plan that comes a day late neither
//! sounds nor counts as missed, and what passed while the power was off is reported as missed. A document that
//! is applied again or in a later version does not begin anew: whatever ended before is in the ledger.
//!
//! # What bounds a catch-up
//! After a long time without power, or when the clock is set forward, an item yields at most [`LATE_RUN_MAX`]
//! occurrences in a row that can no longer start; the cursor then skips to what can. The skipped ones get no receipt.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use loa_protocol::ids::{AreaId, ItemId};
use loa_protocol::plan::Item;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Authority, Occurrence, Timetable};

use crate::deadline::{At, Deadlines};
use crate::documents::Held;
use crate::ledger::Ledger;

/// For how many days back missed occurrences are reported.
pub(crate) const LOOK_BACK_DAYS: i64 = 7;
/// Most occurrences of one item in a row that can no longer start.
pub(crate) const LATE_RUN_MAX: u32 = 200;

const LOOK_BACK_MS: i64 = LOOK_BACK_DAYS * 24 * 3600 * 1000;

/// An item that is in force.
#[derive(Clone, Debug)]
struct Entry {
    item: Arc<Item>,
    /// The area whose plan or alerts have it; `None` for the node's own document.
    area: Option<AreaId>,
    timetable: Timetable,
    authority: Authority,
    applied_at: UnixMs,
    next: Option<Occurrence>,
    late_run: u32,
}

impl Entry {
    /// The latest instant before which nothing is this node's.
    fn begin(&self, now: UnixMs, ledger: &Ledger) -> UnixMs {
        // An instant of application in the future is the mark of a clock that was wrong then.
        let could_start = self.applied_at.min(now) - i64::from(self.item.start_within_ms) - 1;
        let begin = could_start.max(now - LOOK_BACK_MS);
        ledger.floor().map_or(begin, |floor| begin.max(floor))
    }

    fn seek(&mut self, after: UnixMs) {
        let nominal = self.timetable.next_after(after);
        self.next = nominal.map(|nominal| Occurrence::new(&self.item, self.authority, nominal));
    }

    /// Whether the other entry has the same occurrences.
    fn repeats(&self, other: &Self) -> bool {
        let is_same = self.area == other.area && self.authority == other.authority;
        is_same && self.timetable == other.timetable && *self.item == *other.item
    }
}

/// The items in force, each with its next occurrence.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    entries: BTreeMap<ItemId, Entry>,
    next: BTreeSet<(UnixMs, ItemId)>,
}

impl Agenda {
    /// Takes the items of these documents, the widest area's first, in place of the previous ones. An item that several
    /// documents hold counts once, as the first has it, whatever its revision: else whoever plans for a village could put
    /// something else in place of what the province plans. With each document comes its area and the place of that on the path, and
    /// `own_priority_first` says of each area there whether its plan has that (see [`Authority::new`]).
    pub(crate) fn replace<'a>(
        &mut self,
        programs: impl Iterator<Item = (Option<(usize, &'a AreaId)>, &'a Held)>,
        own_priority_first: &[bool],
        now: UnixMs,
        ledger: &Ledger,
    ) {
        let mut entries: BTreeMap<ItemId, Entry> = BTreeMap::new();
        for (placed, held) in programs {
            let (place, area) = placed.unzip();
            for item in &held.items {
                if entries.contains_key(&item.id) {
                    continue;
                }
                let entry = Entry {
                    item: Arc::clone(item),
                    area: area.cloned(),
                    timetable: Timetable::new(item, held.zone, &held.calendars).until(held.expires),
                    authority: Authority::new(item.class, place, own_priority_first),
                    applied_at: held.applied_at,
                    next: None,
                    late_run: 0,
                };
                entries.insert(item.id.clone(), entry);
            }
        }
        for (id, entry) in &mut entries {
            // W1 counts from the first time: a later version that still has the item may be applied by a clock that is ahead.
            // What another document had under this name, or this one before, started at other times.
            let is_same = |known: &&Entry| known.area == entry.area && *known.item == *entry.item;
            if let Some(known) = self.entries.get(id).filter(is_same) {
                entry.applied_at = entry.applied_at.min(known.applied_at);
            }
            match self.entries.get(id).filter(|known| known.repeats(entry)) {
                Some(known) => *entry = known.clone(),
                None => entry.seek(entry.begin(now, ledger)),
            }
        }
        self.entries = entries;
        self.index();
    }

    /// Looks again from the beginning: the clock went back, and cursors may lie behind occurrences that come again.
    /// Those that have ended are in the ledger.
    pub(crate) fn rewind(&mut self, now: UnixMs, ledger: &Ledger) {
        for entry in self.entries.values_mut() {
            entry.seek(entry.begin(now, ledger));
            entry.late_run = 0;
        }
        self.index();
    }

    /// Skips what can no longer start: there is too much of it.
    pub(crate) fn skip_late(&mut self, now: UnixMs) {
        for entry in self.entries.values_mut() {
            let could_start = now - i64::from(entry.item.start_within_ms);
            if entry.next.is_some_and(|next| next.nominal < could_start) {
                entry.seek(could_start - 1);
            }
        }
        self.index();
    }

    fn index(&mut self) {
        let next = |(id, entry): (&ItemId, &Entry)| entry.next.map(|o| (o.nominal, id.clone()));
        self.next = self.entries.iter().filter_map(next).collect();
    }

    /// The earliest occurrence up to `until`, and moves on.
    pub(crate) fn take(
        &mut self,
        until: UnixMs,
        now: UnixMs,
        ledger: &Ledger,
    ) -> Option<(Occurrence, Arc<Item>)> {
        while self.next.first().is_some_and(|(nominal, _)| *nominal <= until) {
            let (nominal, id) = self.next.pop_first()?;
            let Some(entry) = self.entries.get_mut(&id) else { continue };
            let Some(occurrence) = entry.next else { continue };
            let within = i64::from(entry.item.start_within_ms);
            let is_late = nominal + within < now;
            entry.late_run = if is_late { entry.late_run + 1 } else { 0 };
            let is_given_up = is_late && (nominal < now - LOOK_BACK_MS || entry.late_run > LATE_RUN_MAX);
            match (is_given_up, entry.late_run > LATE_RUN_MAX) {
                (true, true) => entry.seek(now - within - 1),
                (true, false) => {
                    entry.late_run = 0;
                    entry.seek(entry.begin(now, ledger).max(nominal));
                }
                (false, _) => entry.seek(nominal),
            }
            if let Some(next) = entry.next {
                self.next.insert((next.nominal, id.clone()));
            }
            if !is_given_up && !ledger.has_ended(nominal, &id, entry.item.revision) {
                return Some((occurrence, Arc::clone(&entry.item)));
            }
        }
        None
    }

    /// The item of this id as the documents have it now, if they have it in this revision, and what it is an occurrence of at this
    /// nominal start.
    pub(crate) fn find(
        &self,
        id: &ItemId,
        revision: u32,
        nominal: UnixMs,
    ) -> Option<(Occurrence, Arc<Item>)> {
        let entry = self.entries.get(id).filter(|entry| entry.item.revision == revision)?;
        let occurrence = Occurrence::new(&entry.item, entry.authority, nominal);
        Some((occurrence, Arc::clone(&entry.item)))
    }

    /// Whether the item of this id starts at this instant, as the documents have it now.
    pub(crate) fn starts_at(&self, id: &ItemId, nominal: UnixMs) -> bool {
        self.entries.get(id).is_some_and(|entry| entry.timetable.next_after(nominal - 1) == Some(nominal))
    }

    /// The items that occur again, with their next nominal start.
    pub(crate) fn upcoming(&self) -> impl Iterator<Item = (UnixMs, &Arc<Item>)> {
        self.entries.values().filter_map(|entry| Some((entry.next?.nominal, &entry.item)))
    }

    /// When the next occurrence must be taken, which is `lead_ms` before its nominal start.
    pub(crate) fn deadlines(&self, lead_ms: i64, deadlines: &mut Deadlines) {
        if let Some((nominal, _)) = self.next.first() {
            deadlines.add(At::Wall(*nominal - lead_ms), "the next occurrence comes near");
        }
    }
}
