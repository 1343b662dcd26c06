//! What a node plays, worked out a second time: slowly, minute by minute, from the protocol's text and not from its code.
//!
//! The model knows what is seen from outside ([`Facts`]): the documents that the node held, since when audio was whole, and
//! in which times nothing disturbed it. It predicts:
//!
//! - in a time without disturbance, each start, its instant and its outcome: the queue of a single loudspeaker in which
//!   the higher class goes first, then the wider area, then the earlier start, then the smaller id, and emergencies cut what is lower;
//! - for every other due occurrence, that there is a receipt, once there was time to write one.
//!
//! It is silent about what it cannot say simply: clusters of occurrences into which trouble fell, whose audio was not all
//! there, of which no receipt need be written because the clock was far wrong, or whose instants lie so close together that milliseconds decide.

use std::collections::{BTreeMap, BTreeSet};

use loa_protocol::bulletin::Class;
use loa_protocol::ids::{ItemId, ObjectHash};
use loa_protocol::plan::Item;
use loa_protocol::receipt::{Outcome, Receipt};
use loa_protocol::time::UnixMs;
use sha2::{Digest as _, Sha256};

use super::almanac::Almanac;
use super::facts::{Calm, Facts, InForce};
use super::{DAY, MINUTE, SECOND};

/// So long after a disturbance the model does not predict instants.
const AFTERMATH_MS: i64 = 12 * MINUTE;
/// So long it takes at most until a receipt is written.
const WRITING_MS: i64 = 2 * MINUTE;
/// Instants closer than that are decided by milliseconds.
const CLOSE_MS: i64 = 8 * SECOND;
/// By how much a start may differ from the prediction.
const START_ERROR_MS: i64 = 900;
/// Silence between two tracks.
const PAUSE_MS: i64 = 1_000;
/// For how long back missed occurrences are sure to be reported.
const LOOK_BACK_MS: i64 = 6 * DAY;

type Key = (ItemId, u32, UnixMs);

/// Whether a node did what the model predicts; gives the number of starts and misses that were predicted and came true.
pub(crate) fn agree(facts: &Facts, almanac: &Almanac) -> Result<u64, String> {
    let mut receipts: BTreeMap<Key, &Receipt> = BTreeMap::new();
    for receipt in &facts.receipts {
        receipts.insert((receipt.item.clone(), receipt.revision, receipt.nominal), receipt);
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

/// One due start.
#[derive(Clone, Debug)]
struct Due {
    key: Key,
    class: Class,
    /// The place of its document: the widest area's first.
    place: usize,
    /// The protocol's name of the occurrence.
    id: [u8; 16],
    limit: UnixMs,
    /// How long it sounds; `None` where no track is for the village.
    length_ms: Option<i64>,
    /// Its audio was all there in time.
    is_whole: bool,
}

impl Due {
    fn nominal(&self) -> UnixMs {
        self.key.2
    }

    fn goes_before(&self, other: &Self) -> bool {
        let rank = |due: &Self| (std::cmp::Reverse(due.class), due.place, due.nominal(), due.id);
        rank(self) < rank(other)
    }
}

/// What the model says of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Played(UnixMs),
    Cut(UnixMs),
    Missed,
}

struct Model<'a> {
    facts: &'a Facts,
    calm: &'a Calm,
    almanac: &'a Almanac,
    receipts: &'a BTreeMap<Key, &'a Receipt>,
    /// Of which starts there is a receipt, in whatever revision.
    told: &'a BTreeSet<(ItemId, UnixMs)>,
}

impl Model<'_> {
    /// All due starts with a nominal start after `from`, up to and including `to`, in order of time.
    fn due(&self, from: UnixMs, to: UnixMs) -> Vec<Due> {
        let mut all = Vec::new();
        for planned in self.calm.books.items() {
            let item = planned.item;
            for nominal in self.almanac.starts(item, from, to) {
                if is_valid(&planned, nominal) {
                    all.push(self.due_start(&planned, nominal));
                }
            }
        }
        all.sort_by_key(|due| (due.nominal(), due.id));
        all
    }

    fn due_start(&self, planned: &InForce<'_>, nominal: UnixMs) -> Due {
        let item = planned.item;
        let heard: Vec<ObjectHash> = self.calm.books.heard(item);
        let lengths: Option<Vec<i64>> =
            heard.iter().map(|object| self.calm.books.length_ms(object)).collect();
        let length = lengths.filter(|lengths| !lengths.is_empty());
        let in_time = |object| self.calm.whole.get(object).is_some_and(|since| *since + CLOSE_MS < nominal);
        Due {
            key: (item.id.clone(), item.revision, nominal),
            class: item.class,
            place: planned.place,
            id: occurrence(item, nominal),
            limit: nominal + i64::from(item.start_within_ms),
            length_ms: length.map(|all| all.iter().sum::<i64>() + PAUSE_MS * (all.len() as i64 - 1)),
            is_whole: heard.iter().all(in_time),
        }
    }

    /// Follows the loudspeaker through the time, from one instant at which something happens to the next.
    fn plays(&self) -> Result<u64, String> {
        let (from, to) = (self.calm.from, self.calm.to - CLOSE_MS);
        let longest_ms = i64::from(loa_protocol::plan::START_WITHIN_MAX_MS);
        let back = UnixMs(from.0 - longest_ms);
        // What may still wait from before: nothing is said until that is over.
        let earlier = self.due(back, from);
        let mut doubt_until = from + AFTERMATH_MS;
        for due in earlier.iter().filter(|due| due.limit >= from && !self.ended_before(due, from)) {
            doubt_until = doubt_until.max(due.limit + AFTERMATH_MS);
        }
        let coming = self.due(from, to);
        let mut queue = Queue::new(doubt_until);
        let mut index = 0;
        let mut predicted = 0;
        loop {
            let next = coming.get(index).map(Due::nominal);
            let end = queue.sounding.as_ref().map(|(_, _, end)| *end);
            let Some(at) = [next, end].into_iter().flatten().min().filter(|at| *at < to) else { break };
            queue.come_to(at);
            if end == Some(at) {
                queue.finish();
            }
            while let Some(due) = coming.get(index).filter(|due| due.nominal() == at) {
                queue.arrive(due.clone());
                index += 1;
            }
            queue.choose(at);
            for (due, said) in queue.take_sure(at) {
                self.compare(&due, said)?;
                predicted += 1;
            }
        }
        Ok(predicted)
    }

    fn ended_before(&self, due: &Due, at: UnixMs) -> bool {
        self.receipts.get(&due.key).is_some_and(|receipt| receipt.written < at)
    }

    fn compare(&self, due: &Due, said: Said) -> Result<(), String> {
        let (item, revision, nominal) = &due.key;
        let receipt = self.receipts.get(&due.key);
        let got = receipt.map(|receipt| (receipt.outcome, receipt.sound));
        let near = |predicted: UnixMs| {
            let sound = receipt.and_then(|receipt| receipt.sound);
            sound.is_some_and(|sound| sound.started.0.abs_diff(predicted.0) <= START_ERROR_MS.unsigned_abs())
        };
        let is_so = match (said, receipt.map(|receipt| receipt.outcome)) {
            (Said::Played(at), Some(Outcome::Played)) | (Said::Cut(at), Some(Outcome::Partial(_))) => {
                near(at)
            }
            (Said::Missed, Some(Outcome::Missed(_))) => true,
            (Said::Played(_) | Said::Cut(_) | Said::Missed, _) => false,
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
            let Some(since) = calm.since.get(&(item.id.clone(), item.revision)) else { continue };
            // What could have been told earlier was looked at earlier.
            let from = (*since + WRITING_MS)
                .max(oldest)
                .max(UnixMs(told_until.0.saturating_sub(within + WRITING_MS)));
            for nominal in self.almanac.starts(item, from, written_by - within) {
                let has_it = self.told.contains(&(item.id.clone(), nominal));
                // A clock that was set far forward leaves some without (protocol, 7), and what comes then is judged by it.
                let until = nominal + within + WRITING_MS;
                let is_sure = !self.facts.was_clock_wrong(nominal - WRITING_MS, until);
                if is_sure && is_valid(&planned, nominal) && !has_it {
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

/// One loudspeaker and what waits for it.
struct Queue {
    waiting: Vec<Due>,
    /// What sounds, since when, until when.
    sounding: Option<(Due, UnixMs, UnixMs)>,
    /// What is said of the starts since the loudspeaker last was idle.
    said: Vec<(Due, Said)>,
    doubt_until: UnixMs,
    is_doubtful: bool,
    last: UnixMs,
}

impl Queue {
    fn new(doubt_until: UnixMs) -> Self {
        Self {
            waiting: Vec::new(),
            sounding: None,
            said: Vec::new(),
            doubt_until,
            is_doubtful: false,
            last: UnixMs(i64::MIN / 2),
        }
    }

    fn come_to(&mut self, at: UnixMs) {
        self.is_doubtful |= at < self.doubt_until || at.since(self.last) < CLOSE_MS && at != self.last;
        self.last = at;
    }

    fn finish(&mut self) {
        if let Some((due, started, _)) = self.sounding.take() {
            self.said.push((due, Said::Played(started)));
        }
    }

    fn arrive(&mut self, due: Due) {
        if due.length_ms.is_none() {
            self.said.push((due, Said::Missed));
            return;
        }
        if !due.is_whole {
            // It may wait for its audio as long as it is allowed to, or be fetched meanwhile.
            self.is_doubtful = true;
            self.doubt_until = self.doubt_until.max(due.limit + AFTERMATH_MS);
        }
        self.waiting.push(due);
    }

    fn choose(&mut self, at: UnixMs) {
        let (alive, over): (Vec<Due>, Vec<Due>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|due| due.limit >= at);
        self.waiting = alive;
        self.is_doubtful |=
            over.iter().chain(&self.waiting).any(|due| due.limit.0.abs_diff(at.0) < CLOSE_MS.unsigned_abs());
        self.said.extend(over.into_iter().map(|due| (due, Said::Missed)));
        let best = (0..self.waiting.len())
            .reduce(|a, b| if self.waiting[b].goes_before(&self.waiting[a]) { b } else { a });
        let Some(best) = best else { return };
        if let Some((sounding, started, _)) = &self.sounding {
            let cuts = self.waiting[best].class == Class::Emergency && sounding.class < Class::Emergency;
            if !cuts {
                return;
            }
            let cut = (sounding.clone(), Said::Cut(*started));
            self.said.push(cut);
        }
        let due = self.waiting.remove(best);
        let end = at + due.length_ms.unwrap_or(0);
        self.sounding = Some((due, at, end));
    }

    /// What is sure, once the loudspeaker is idle again.
    fn take_sure(&mut self, at: UnixMs) -> Vec<(Due, Said)> {
        if self.sounding.is_some() || !self.waiting.is_empty() {
            return Vec::new();
        }
        let said = std::mem::take(&mut self.said);
        let was_doubtful = std::mem::replace(&mut self.is_doubtful, at < self.doubt_until);
        if was_doubtful { Vec::new() } else { said }
    }
}

/// The first 16 bytes of SHA-256 over what section 5 of the protocol names.
fn occurrence(item: &Item, nominal: UnixMs) -> [u8; 16] {
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
    all.into_iter().find(|nominal| is_valid(planned, *nominal))
}

/// Whether a start counts: within the validity of its item and of its document.
fn is_valid(planned: &InForce<'_>, nominal: UnixMs) -> bool {
    planned.item.valid_from.is_none_or(|valid| valid <= nominal)
        && planned.item.valid_until.is_none_or(|until| nominal < until)
        && nominal < planned.expires
}
