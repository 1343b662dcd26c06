//! Which occurrences have ended, so that none sounds twice: not after a reboot, not when the clock goes back, and not
//! when an item is revised after it sounded (rule W2).

use std::collections::BTreeMap;

use loa_protocol::ids::ItemId;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Aired;

use crate::LEDGER_MAX;
use crate::input::LedgerEntry;

/// How an occurrence ended.
#[derive(Debug)]
struct Ended {
    sounded: bool,
    /// What of it counts towards the budgets.
    aired: Option<Aired>,
}

/// The ended occurrences, at most the newest [`LEDGER_MAX`]. Age alone forgets none: a clock that was far ahead would
/// empty the ledger, and what sounded would sound again.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// By nominal start, item and revision.
    ended: BTreeMap<(UnixMs, ItemId, u32), Ended>,
    /// Entries up to here were given up for room; everything up to here counts as ended.
    floor: Option<UnixMs>,
}

impl Ledger {
    pub(crate) fn restore(entries: Vec<LedgerEntry>) -> Self {
        let mut ledger = Self::default();
        let is_full = entries.len() >= LEDGER_MAX;
        for entry in entries {
            ledger.put(entry);
        }
        if is_full {
            ledger.floor = ledger.ended.first_key_value().map(|((nominal, ..), _)| *nominal);
        }
        ledger.keep_within_room();
        ledger
    }

    /// Whether nothing may sound for this planned start (rule W2): it has ended in this revision, or any other sounded for it.
    pub(crate) fn has_ended(&self, nominal: UnixMs, item: &ItemId, revision: u32) -> bool {
        let revisions = (nominal, item.clone(), 0)..=(nominal, item.clone(), u32::MAX);
        let ends_it =
            |((.., ended), how): (&(UnixMs, ItemId, u32), &Ended)| how.sounded || *ended == revision;
        self.floor.is_some_and(|floor| nominal <= floor) || self.ended.range(revisions).any(ends_it)
    }

    /// No occurrence at or before this instant is considered.
    pub(crate) fn floor(&self) -> Option<UnixMs> {
        self.floor
    }

    pub(crate) fn insert(&mut self, entry: LedgerEntry) {
        self.put(entry);
        self.keep_within_room();
    }

    /// Forgets what ended without a sound although its nominal start is still to come: the clock was ahead when it was
    /// called missed. Returns whether there was any.
    pub(crate) fn forget_coming(&mut self, now: UnixMs) -> bool {
        let is_to_come =
            |(nominal, ..): &(UnixMs, ItemId, u32), ended: &mut Ended| *nominal > now && !ended.sounded;
        self.ended.extract_if(.., is_to_come).count() > 0
    }

    /// What counts towards budgets of the occurrences planned at or after this instant.
    pub(crate) fn aired_since(&self, since: UnixMs) -> impl Iterator<Item = Aired> + '_ {
        let recent = self.ended.iter().rev().take_while(move |((nominal, ..), _)| *nominal >= since);
        recent.filter_map(|(_, ended)| ended.aired)
    }

    fn put(&mut self, entry: LedgerEntry) {
        let LedgerEntry { nominal, item, revision, sounded, aired } = entry;
        let ended = self.ended.entry((nominal, item, revision)).or_insert(Ended { sounded, aired });
        ended.sounded |= sounded;
        ended.aired = ended.aired.or(aired);
    }

    fn keep_within_room(&mut self) {
        while self.ended.len() > LEDGER_MAX {
            let given_up = self.ended.pop_first().map(|((nominal, ..), _)| nominal);
            self.floor = self.floor.max(given_up);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(nominal: usize, revision: u32, sounded: bool) -> LedgerEntry {
        LedgerEntry { nominal: UnixMs(nominal as i64), item: item(), revision, sounded, aired: None }
    }

    fn item() -> ItemId {
        ItemId::new("i").unwrap()
    }

    #[test]
    fn what_was_given_up_for_room_counts_as_ended() {
        let mut ledger = Ledger::restore((1..LEDGER_MAX).map(|n| entry(n, 1, true)).collect());
        assert!(!ledger.has_ended(UnixMs(0), &item(), 1));
        for n in LEDGER_MAX..LEDGER_MAX + 3 {
            ledger.insert(entry(n, 1, true));
        }
        assert_eq!(ledger.ended.len(), LEDGER_MAX);
        assert_eq!(ledger.floor(), Some(UnixMs(2)));
        assert!(ledger.has_ended(UnixMs(0), &item(), 1) && ledger.has_ended(UnixMs(2), &item(), 1));
        assert!(!ledger.has_ended(UnixMs(LEDGER_MAX as i64 + 3), &item(), 1));
    }

    #[test]
    fn another_revision_may_sound_only_where_none_did() {
        let ledger = Ledger::restore(vec![entry(5, 1, true), entry(6, 2, false)]);
        assert!(ledger.has_ended(UnixMs(5), &item(), 2));
        assert!(ledger.has_ended(UnixMs(6), &item(), 2));
        // A wider area may plan an item of this name too, in a lower revision; and a controller may be restored.
        assert!(!ledger.has_ended(UnixMs(6), &item(), 1) && !ledger.has_ended(UnixMs(6), &item(), 3));
    }

    #[test]
    fn a_clock_far_ahead_forgets_nothing_that_sounded() {
        let mut ledger = Ledger::default();
        ledger.insert(entry(1, 1, true));
        ledger.insert(entry(2, 1, false));
        ledger.insert(entry(30 * 365 * 24 * 3600 * 1000, 1, false));
        assert!(ledger.has_ended(UnixMs(1), &item(), 2));
        assert!(
            ledger.forget_coming(UnixMs(2)),
            "what a clock that was ahead called missed is still to come"
        );
        assert!(!ledger.forget_coming(UnixMs(2)));
        assert_eq!(ledger.ended.len(), 2);
        ledger.forget_coming(UnixMs(0));
        assert_eq!(ledger.ended.len(), 1, "what sounded does not sound again, whatever the clock says");
    }
}
