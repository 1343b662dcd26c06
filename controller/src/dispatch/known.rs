//! What the controller knows of a node besides its documents, as far as it decides what will sound: the guards of its board, and
//! what its receipts say of the present day. Pure.
//!
//! **Budgets count what was heard.** An occurrence with a receipt counts as its receipt says. One without counts as planned, as long as
//! its node may still have it: a board that was heard from after the occurrence must have been over has nothing more to tell of it.
//!
//! Boards of which the same is known are foreseen together. So instants are told no more exactly than the rules look at them: what
//! sounded long ago by the local day on which it began, what sounded just now by the second.

use std::collections::BTreeMap;

use chrono::NaiveTime;
use chrono_tz::Tz;
use loa_protocol::bulletin::Class;
use loa_protocol::ids::{ItemId, OccurrenceId};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{OwnGuards, Past, Sounded};

/// How long what sounded may still matter to what waits for its turn.
const RECENT_MS: i64 = 3600 * 1000;
/// How long after an occurrence a node that is connected has told of it: receipts come within a minute.
const TOLD_WITHIN_MS: i64 = 2 * 60 * 1000;

/// What is known of a node besides its documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The guards of its board.
    pub own_guards: Option<OwnGuards>,
    /// What its receipts say of the present day, in any order.
    pub past: Vec<Past>,
    /// When it was last heard from, or enrolled.
    pub heard: Option<UnixMs>,
}

/// An occurrence that is planned before the present, as documents have it.
#[derive(Clone, Debug)]
pub(super) struct Earlier {
    pub(super) item: ItemId,
    pub(super) nominal: UnixMs,
    pub(super) occurrence: OccurrenceId,
    pub(super) class: Class,
    /// How long its session sounds, pauses not counted, in milliseconds.
    pub(super) sound_ms: i64,
    /// When it is over at the latest, whatever interrupts it.
    pub(super) over: UnixMs,
}

impl Known {
    /// What is over on the node, by item and planned start. `zones` are those in whose days somebody counts; none: nobody counts.
    pub(super) fn past(&self, earlier: &[Earlier], zones: &[Tz], now: UnixMs) -> Vec<Past> {
        let mut past: BTreeMap<(&ItemId, UnixMs), Past> = BTreeMap::new();
        let silent =
            |earlier: &&Earlier| self.heard.is_some_and(|heard| earlier.over + TOLD_WITHIN_MS <= heard);
        for Earlier { item, nominal, occurrence, class, .. } in earlier.iter().filter(silent) {
            let unheard = Past {
                item: item.clone(),
                nominal: *nominal,
                occurrence: *occurrence,
                class: *class,
                sounded: None,
            };
            past.insert((item, *nominal), unheard);
        }
        for told in &self.past {
            let planned = earlier.iter().find(|earlier| earlier.occurrence == told.occurrence);
            let sounded = told.sounded.map(|sounded| {
                // It was on when the power went: how long it sounded, nobody knows (rule G4).
                let sound_ms = match (sounded.sound_ms, planned) {
                    (0, Some(planned)) => planned.sound_ms,
                    (sound_ms, _) => sound_ms,
                };
                rounded(Sounded { sound_ms, ..sounded }, zones, now)
            });
            past.insert((&told.item, told.nominal), Past { sounded, ..told.clone() });
        }
        past.into_values().collect()
    }
}

/// The same, as far as rules look at it.
fn rounded(Sounded { from, until, sound_ms }: Sounded, zones: &[Tz], now: UnixMs) -> Sounded {
    let sound_ms = if zones.is_empty() { 0 } else { sound_ms };
    if until + RECENT_MS >= now {
        let second = |at: UnixMs| UnixMs::from_seconds((at + 500).seconds());
        return Sounded { from: second(from), until: second(until), sound_ms };
    }
    // No day begins anywhere between this instant and its own.
    let day = zones.iter().map(|zone| day_start(*zone, from)).max().unwrap_or(UnixMs(0));
    Sounded { from: day, until: day, sound_ms }
}

/// The beginning of the local day of an instant.
pub(super) fn day_start(zone: Tz, at: UnixMs) -> UnixMs {
    let midnight = at.to_utc().and_then(|at| {
        let today = at.with_timezone(&zone).date_naive();
        today.and_time(NaiveTime::MIN).and_local_timezone(zone).earliest()
    });
    midnight.map_or(at, |midnight| midnight.to_utc().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_410_000_000);
    const HOUR: i64 = 3_600_000;

    fn earlier(item: &str, nominal: UnixMs) -> Earlier {
        Earlier {
            item: ItemId::new(item).unwrap(),
            nominal,
            occurrence: OccurrenceId([item.len() as u8; 16]),
            class: Class::Normal,
            sound_ms: 60_000,
            over: nominal + 60_000,
        }
    }

    fn told(of: &Earlier, sounded: Option<Sounded>) -> Past {
        let Earlier { item, nominal, occurrence, class, .. } = of.clone();
        Past { item, nominal, occurrence, class, sounded }
    }

    #[test]
    fn what_has_no_receipt_counts_as_planned_until_its_node_was_heard_from() {
        let planned = [earlier("a", NOW - HOUR)];
        let past = |heard: i64| {
            let known = Known { heard: Some(NOW - HOUR + heard), ..Known::default() };
            known.past(&planned, &[Tz::UTC], NOW)
        };
        assert_eq!(past(60_000 + TOLD_WITHIN_MS - 1), []);
        assert_eq!(past(60_000 + TOLD_WITHIN_MS), [told(&planned[0], None)]);
        assert_eq!(Known::default().past(&planned, &[Tz::UTC], NOW), [], "never heard from");
    }

    #[test]
    fn receipts_count_by_their_day_and_a_power_cut_by_the_planned_length() {
        let planned = [earlier("a", NOW - 3 * HOUR), earlier("bb", NOW - 60_000)];
        let sounded = |of: usize, late_ms: i64, sound_ms: i64| {
            let from = planned[of].nominal + late_ms;
            Some(Sounded { from, until: from + 60_020, sound_ms })
        };
        let of = |late_ms: i64, sound_ms: i64| {
            let past = vec![
                told(&planned[1], sounded(1, late_ms, sound_ms)),
                told(&planned[0], sounded(0, late_ms, sound_ms)),
            ];
            let known = Known { past, heard: Some(NOW), ..Known::default() };
            known.past(&planned, &[chrono_tz::Asia::Ho_Chi_Minh], NOW)
        };
        let past = of(7, 0);
        assert_eq!(past, of(-4, 0), "boards a few milliseconds apart are alike");
        let day = day_start(chrono_tz::Asia::Ho_Chi_Minh, planned[0].nominal);
        assert_eq!(past[0].sounded, Some(Sounded { from: day, until: day, sound_ms: 60_000 }));
        let nominal = planned[1].nominal;
        let recent = Sounded { from: nominal, until: nominal + 60_000, sound_ms: 60_000 };
        assert_eq!(past[1].sounded, Some(recent));
        assert_eq!(of(0, 900)[0].sounded.unwrap().sound_ms, 900);
    }
}
