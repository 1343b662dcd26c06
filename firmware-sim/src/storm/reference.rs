//! What a node plays, worked out a second time: slowly, minute by minute, from the protocol's text and not from its code.
//!
//! The model knows what is seen from outside ([`Facts`]): the documents that the node held, since when audio was whole, what was
//! heard, and in which times nothing disturbed it. It predicts:
//!
//! - in a time without disturbance, each start, its instant, how long it is heard and its outcome, by following a single
//!   [`loudspeaker`](super::loudspeaker) from event to event;
//! - for every other due occurrence, that there is a receipt, once there was time to write one.
//!
//! It is silent about what it cannot say simply: clusters of occurrences into which trouble fell, whose audio was not all
//! there, of which no receipt need be written because the clock was far wrong, on whose day something was heard of which nobody knows
//! how long, or whose instants lie so close together that milliseconds decide.

use std::collections::{BTreeMap, BTreeSet};

use loa_protocol::ids::{ItemId, ObjectHash};
use loa_protocol::plan::Item;
use loa_protocol::receipt::{Outcome, Receipt};
use loa_protocol::time::UnixMs;
use sha2::{Digest as _, Sha256};

use super::almanac::Almanac;
use super::facts::{Calm, Facts, InForce};
use super::loudspeaker::{AFTERMATH_MS, CLOSE_MS, Due, Key, Loudspeaker, Part, Said};
use super::watchman::Watchman;
use super::{DAY, HOUR, MINUTE};

/// So long it takes at most until a receipt is written.
const WRITING_MS: i64 = 2 * MINUTE;
/// By how much an instant and a length may differ from the prediction.
const ERROR_MS: i64 = 900;
/// No session is longer.
const LONGEST_MS: i64 = HOUR;
/// Silence between two tracks.
const PAUSE_MS: i64 = 1_000;
/// For how long back missed occurrences are sure to be reported.
const LOOK_BACK_MS: i64 = 6 * DAY;

/// Whether a node did what the model predicts; gives the number of starts and misses that were predicted and came true.
pub(crate) fn agree(facts: &Facts, almanac: &Almanac) -> Result<u64, String> {
    let mut receipts: BTreeMap<Key, Vec<(usize, &Receipt)>> = BTreeMap::new();
    for (place, receipt) in facts.receipts.iter().enumerate() {
        let key = (receipt.item.clone(), receipt.revision, receipt.nominal);
        receipts.entry(key).or_default().push((place, receipt));
    }
    let told = facts.receipts.iter().map(|receipt| (receipt.item.clone(), receipt.nominal)).collect();
    let mut predicted = 0;
    let mut told_until = UnixMs(i64::MIN);
    for calm in &facts.calms {
        let model = Model { facts, calm, almanac, receipts: &receipts, told: &told };
        predicted += model.plays()?;
        if calm.to.since(calm.from) > 2 * WRITING_MS {
            model.everything_due_has_a_receipt(told_until)?;
            told_until = told_until.max(calm.to);
        }
    }
    Ok(predicted)
}

struct Model<'a> {
    facts: &'a Facts,
    calm: &'a Calm,
    almanac: &'a Almanac,
    /// With its place among all. More than one where a clock that was ahead had called it missed (protocol, 7).
    receipts: &'a BTreeMap<Key, Vec<(usize, &'a Receipt)>>,
    /// Of which starts there is a receipt, in whatever revision.
    told: &'a BTreeSet<(ItemId, UnixMs)>,
}

impl Model<'_> {
    /// All due starts with a nominal start after `from`, up to and including `to`, in order of time.
    fn due(&self, from: UnixMs, to: UnixMs) -> Vec<Due<'_>> {
        let mut all = Vec::new();
        for planned in self.calm.books.items() {
            for nominal in self.almanac.starts(planned.item, from, to) {
                if is_valid(&planned, self.almanac, nominal) {
                    all.push(self.due_start(&planned, nominal));
                }
            }
        }
        all.sort_by_key(|due| (due.nominal(), due.id));
        all
    }

    fn due_start<'a>(&'a self, planned: &InForce<'a>, nominal: UnixMs) -> Due<'a> {
        let InForce { item, rank, .. } = *planned;
        let mut due = Due::new(item, nominal, rank, occurrence(item, nominal));
        due.parts = self.parts(item);
        let in_time = |object| self.calm.whole_since(object).is_some_and(|since| since + CLOSE_MS < nominal);
        due.is_whole = self.calm.books.sounds(item).iter().all(in_time);
        due
    }

    /// N1: chime, the tracks round by round, chime.
    fn parts(&self, item: &Item) -> Vec<Part> {
        let length = |object: &ObjectHash| self.calm.books.length_ms(object);
        let tracks: Option<Vec<i64>> = self.calm.books.heard(item).iter().map(length).collect();
        let Some(tracks) = tracks.filter(|tracks| !tracks.is_empty()) else { return Vec::new() };
        let part = |pause_ms, sound_ms| Part { pause_ms, sound_ms };
        let chime = |object: Option<ObjectHash>| {
            object.and_then(|object| length(&object)).map(|sound_ms| part(PAUSE_MS, sound_ms))
        };
        let mut parts: Vec<Part> = chime(item.rules.chime_before).into_iter().collect();
        let (rounds, gap_ms) = item.rules.repeats.map_or((1, 0), |r| (r.rounds, i64::from(r.gap_ms)));
        for round in 0..rounds {
            for (place, sound_ms) in tracks.iter().enumerate() {
                let pause_ms = if round > 0 && place == 0 { gap_ms } else { PAUSE_MS };
                parts.push(part(pause_ms, *sound_ms));
            }
        }
        parts.extend(chime(item.rules.chime_after));
        parts
    }

    /// Follows the loudspeaker through the time, from one instant at which something happens to the next.
    fn plays(&self) -> Result<u64, String> {
        let (from, to) = (self.calm.from, self.calm.to - CLOSE_MS);
        if to.since(from) < AFTERMATH_MS {
            return Ok(0);
        }
        let longest_ms = i64::from(loa_protocol::plan::START_WITHIN_MAX_MS) + LONGEST_MS;
        let back = UnixMs(from.0 - longest_ms);
        // What may still wait from before: nothing is said until that is over.
        let mut doubt_until = from + AFTERMATH_MS;
        for planned in self.calm.books.items() {
            let within = i64::from(planned.item.start_within_ms);
            let oldest = UnixMs(back.0.max(from.0 - within - LONGEST_MS - 1));
            for nominal in self.almanac.starts(planned.item, oldest, from) {
                let is_due = is_valid(&planned, self.almanac, nominal);
                if !is_due || self.ended_before(planned.item, nominal, from) {
                    continue;
                }
                let parts = self.parts(planned.item);
                let whole_ms: i64 = parts.iter().map(|part| part.pause_ms + part.sound_ms).sum();
                let over = nominal + within + whole_ms;
                if over >= from {
                    doubt_until = doubt_until.max(over + AFTERMATH_MS);
                }
            }
        }
        let guards = self.calm.books.guards().collect();
        let watchman = Watchman { guards, almanac: self.almanac, facts: self.facts };
        let mut loudspeaker = Loudspeaker::new(watchman, doubt_until);
        let mut coming = self.due(from, to).into_iter().peekable();
        let mut predicted = 0;
        loop {
            let next = coming.peek().map(Due::nominal);
            let Some(at) = [next, loudspeaker.next()].into_iter().flatten().min().filter(|at| *at < to)
            else {
                return Ok(predicted);
            };
            loudspeaker.come_to(at, std::iter::from_fn(|| coming.next_if(|due| due.nominal() == at)));
            for (due, said) in loudspeaker.take_sure(at) {
                self.compare(&due, said)?;
                predicted += 1;
            }
        }
    }

    fn ended_before(&self, item: &Item, nominal: UnixMs, at: UnixMs) -> bool {
        let key = (item.id.clone(), item.revision, nominal);
        self.receipts.get(&key).is_some_and(|all| all.iter().all(|(_, receipt)| receipt.written < at))
    }

    fn compare(&self, due: &Due<'_>, said: Said) -> Result<(), String> {
        let (item, revision, nominal) = &due.key;
        let all = self.receipts.get(&due.key).map_or(&[][..], Vec::as_slice);
        let is_of_the_time = |(place, _): &&(usize, &Receipt)| self.calm.receipts.contains(place);
        let receipt = all.iter().find(is_of_the_time).or(all.last()).map(|(_, receipt)| receipt);
        let got = receipt.map(|receipt| (receipt.outcome, receipt.sound));
        let is_heard = |from: UnixMs, for_ms: i64| {
            receipt.and_then(|receipt| receipt.sound).is_some_and(|sound| {
                let is_near = |a: i64, b: i64| a.abs_diff(b) <= ERROR_MS.unsigned_abs();
                is_near(sound.started.0, from.0) && is_near(i64::from(sound.played_ms), for_ms)
            })
        };
        let is_so = match (said, receipt.map(|receipt| receipt.outcome)) {
            (Said::Played(at, for_ms), Some(Outcome::Played)) => is_heard(at, for_ms),
            (Said::Cut(at, for_ms, reason), Some(Outcome::Partial(told))) => {
                told == reason && is_heard(at, for_ms)
            }
            (Said::Missed(reason), Some(Outcome::Missed(told))) => reason.is_none_or(|reason| reason == told),
            (Said::Played(..) | Said::Cut(..) | Said::Missed(_), _) => false,
        };
        if is_so {
            Ok(())
        } else {
            Err(format!("{item} revision {revision} of {nominal}: the model says {said:?}, the node {got:?}"))
        }
    }

    /// Whatever disturbed the node: what was due while it knew of it has a receipt, once it had time to write it.
    fn everything_due_has_a_receipt(&self, told_until: UnixMs) -> Result<(), String> {
        let calm = self.calm;
        let written_by = calm.to - WRITING_MS;
        let oldest = UnixMs(calm.from.0.saturating_sub(LOOK_BACK_MS));
        for planned in calm.books.items() {
            let item = planned.item;
            let within = i64::from(item.start_within_ms);
            let key = (item.id.clone(), item.revision, planned.slot.clone());
            let Some(since) = calm.since.get(&key) else { continue };
            let session_ms = calm.books.session_ms(item);
            // What could have been told earlier was looked at earlier.
            let from = (*since + WRITING_MS)
                .max(oldest)
                .max(UnixMs(told_until.0.saturating_sub(within + session_ms + WRITING_MS)));
            // The receipt comes after the last sample, and a run may end in the midst of a session.
            let until = written_by - within - session_ms;
            for nominal in self.almanac.starts(item, from, until) {
                let has_it = self.told.contains(&(item.id.clone(), nominal));
                // A clock that was set far forward leaves some without (protocol, 7), and what comes then is judged by it.
                let told_by = nominal + within + WRITING_MS;
                let is_sure = !self.facts.was_clock_wrong(nominal - WRITING_MS, told_by);
                if is_sure && is_valid(&planned, self.almanac, nominal) && !has_it {
                    return Err(format!(
                        "{} revision {} of {nominal} has no receipt",
                        item.id, item.revision
                    ));
                }
            }
        }
        Ok(())
    }
}

/// The first 16 bytes of SHA-256 over what section 5 of the protocol names.
pub(crate) fn occurrence(item: &Item, nominal: UnixMs) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(b"loa-occurrence-1\0");
    hash.update(item.id.as_str());
    hash.update([0]);
    hash.update(item.revision.to_be_bytes());
    hash.update(nominal.0.to_be_bytes());
    let whole: [u8; 32] = hash.finalize().into();
    let mut id = [0; 16];
    id.copy_from_slice(&whole[..16]);
    id
}

/// The next start of an item after an instant, up to two days on.
pub(crate) fn next_start(planned: &InForce<'_>, almanac: &Almanac, after: UnixMs) -> Option<UnixMs> {
    let all = almanac.starts(planned.item, after, after + 2 * DAY);
    all.into_iter().find(|nominal| is_valid(planned, almanac, *nominal))
}

/// Whether a start counts: within the validity of its item and of its document, on a day that is not excluded.
fn is_valid(planned: &InForce<'_>, almanac: &Almanac, nominal: UnixMs) -> bool {
    planned.item.valid_from.is_none_or(|valid| valid <= nominal)
        && planned.item.valid_until.is_none_or(|until| nominal < until)
        && nominal < planned.expires
        && !almanac.is_excluded(planned, nominal)
}
