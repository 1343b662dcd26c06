//! Which occurrences have ended, so that none sounds twice: not after a reboot, not when the clock goes back, and not
//! when an item is revised after it sounded.

use std::collections::BTreeMap;

use loa_protocol::ids::ItemId;
use loa_protocol::time::UnixMs;

use crate::input::LedgerEntry;
use crate::{LEDGER_DAYS, LEDGER_MAX};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// How the occurrences of an item at one nominal start ended.
#[derive(Debug)]
struct Ended {
    /// The highest revision that ended.
    revision: u32,
    /// Whether any revision sounded.
    sounded: bool,
}

/// The ended occurrences of the last [`LEDGER_DAYS`] days, at most [`LEDGER_MAX`].
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    ended: BTreeMap<(UnixMs, ItemId), Ended>,
    /// Entries up to here were given up for room; everything up to here counts as ended.
    floor: Option<UnixMs>,
}

impl Ledger {
    pub(crate) fn restore(entries: Vec<LedgerEntry>) -> Self {
        let mut ledger = Self::default();
        let is_full = entries.len() >= LEDGER_MAX;
        for LedgerEntry { nominal, item, revision, sounded } in entries {
            ledger.put(nominal, item, revision, sounded);
        }
        if is_full {
            ledger.floor = ledger.ended.first_key_value().map(|((nominal, _), _)| *nominal);
        }
        ledger.keep_within_room();
        ledger
    }

    /// Whether nothing may sound for this planned start: it has ended, in this revision or a later one, or another
    /// revision sounded for it.
    pub(crate) fn has_ended(&self, nominal: UnixMs, item: &ItemId, revision: u32) -> bool {
        let ended = self.ended.get(&(nominal, item.clone()));
        self.floor.is_some_and(|floor| nominal <= floor)
            || ended.is_some_and(|ended| ended.sounded || revision <= ended.revision)
    }

    /// No occurrence at or before this instant is considered.
    pub(crate) fn floor(&self) -> Option<UnixMs> {
        self.floor
    }

    pub(crate) fn insert(&mut self, entry: LedgerEntry, now: UnixMs) {
        let LedgerEntry { nominal, item, revision, sounded } = entry;
        self.put(nominal, item, revision, sounded);
        let oldest = now - i64::from(LEDGER_DAYS) * DAY_MS;
        while self.ended.first_key_value().is_some_and(|((nominal, _), _)| *nominal < oldest) {
            self.ended.pop_first();
        }
        self.keep_within_room();
    }

    fn put(&mut self, nominal: UnixMs, item: ItemId, revision: u32, sounded: bool) {
        let ended = self.ended.entry((nominal, item)).or_insert(Ended { revision, sounded });
        ended.revision = ended.revision.max(revision);
        ended.sounded |= sounded;
    }

    fn keep_within_room(&mut self) {
        while self.ended.len() > LEDGER_MAX {
            let given_up = self.ended.pop_first().map(|((nominal, _), _)| nominal);
            self.floor = self.floor.max(given_up);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(nominal: usize, revision: u32, sounded: bool) -> LedgerEntry {
        LedgerEntry { nominal: UnixMs(nominal as i64), item: item(), revision, sounded }
    }

    fn item() -> ItemId {
        ItemId::new("i").unwrap()
    }

    #[test]
    fn what_was_given_up_for_room_counts_as_ended() {
        let mut ledger = Ledger::restore((1..LEDGER_MAX).map(|n| entry(n, 1, true)).collect());
        assert!(!ledger.has_ended(UnixMs(0), &item(), 1));
        for n in LEDGER_MAX..LEDGER_MAX + 3 {
            ledger.insert(entry(n, 1, true), UnixMs(0));
        }
        assert_eq!(ledger.ended.len(), LEDGER_MAX);
        assert_eq!(ledger.floor(), Some(UnixMs(2)));
        assert!(ledger.has_ended(UnixMs(0), &item(), 1) && ledger.has_ended(UnixMs(2), &item(), 1));
        assert!(!ledger.has_ended(UnixMs(LEDGER_MAX as i64 + 3), &item(), 1));
    }

    #[test]
    fn a_later_revision_may_sound_only_where_no_other_did() {
        let ledger = Ledger::restore(vec![entry(5, 1, true), entry(6, 2, false)]);
        assert!(ledger.has_ended(UnixMs(5), &item(), 2));
        assert!(ledger.has_ended(UnixMs(6), &item(), 1) && ledger.has_ended(UnixMs(6), &item(), 2));
        assert!(!ledger.has_ended(UnixMs(6), &item(), 3));
    }

    #[test]
    fn old_entries_are_forgotten() {
        let mut ledger = Ledger::default();
        ledger.insert(entry(0, 1, true), UnixMs(0));
        let later = 9 * DAY_MS;
        ledger.insert(entry(later as usize, 1, true), UnixMs(later));
        assert_eq!(ledger.ended.len(), 1);
    }
}
