//! What must hold at every step, whatever happens: each rule a function, which says what broke it.
//!
//! The rules are those of issue and protocol, not of the code: none of them asks the core.

use std::collections::BTreeMap;
use std::sync::Arc;

use loa_node::clock::trust::ERROR_MAX_MS;
use loa_node_core::{Intent, Slot, StoredDocument};
use loa_protocol::bulletin::Class;
use loa_protocol::envelope::Applied;
use loa_protocol::ids::{ItemId, ObjectHash, OccurrenceId};
use loa_protocol::plan::Item;
use loa_protocol::receipt::{Outcome, Reason, Receipt};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{AfterInterruption, Guards};

use super::almanac::Almanac;
use super::facts::{Books, Facts};
use super::office::{File, Publication};
use super::speaker::Speaker;
use super::{DAY, MINUTE, SECOND};

/// By how much a start may be later than the item allows: what the speaker needs.
const START_SLACK_MS: i64 = 600;
/// By how much a start may be earlier: a board is not exact to the sample.
const EARLY_MS: i64 = 2;
/// How long the amplifier warms up, as the simulated boards have it.
pub(crate) const WARM_UP_MS: i64 = 2_000;
/// An emergency is heard so soon after the node has its plan, its audio, and its instant has come.
pub(crate) const EMERGENCY_BOUND_MS: i64 = WARM_UP_MS + 2 * SECOND;
/// The same of one of which tracks are lacking, when something of it is there (timeline, N3).
pub(crate) const LACKING_BOUND_MS: i64 = EMERGENCY_BOUND_MS + 20 * SECOND;
/// A connected node has applied an emergency's plan by then, where nothing was lost or late on its way.
pub(crate) const TELLING_BOUND_MS: i64 = 3 * SECOND;
/// A node that was away has applied by then, from its subscription on, the alerts that it finds at the broker.
pub(crate) const FINDING_BOUND_MS: i64 = 5 * SECOND;

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: &'static str,
    /// When, in true time.
    pub at: UnixMs,
    /// What happened.
    pub what: String,
}

/// What a rule says: the text tells what broke it.
pub(crate) type Verdict = Result<(), String>;

pub(crate) fn require(holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(what()) }
}

/// Protocol 4: a node takes what the controller published, as long as it is valid, on its own topic.
pub(crate) fn nothing_forged_is_applied<'a>(
    file: &'a File<'_>,
    slot: &Slot,
    document: &StoredDocument,
    now: UnixMs,
) -> Result<&'a Arc<Publication>, String> {
    let publication = file
        .published(&document.applied.digest)
        .ok_or_else(|| format!("{slot:?} was applied, and the controller never published it"))?;
    require(publication.slot == *slot, || format!("{:?} was applied as {slot:?}", publication.slot))?;
    require(*publication.envelope == *document.envelope, || format!("{slot:?} was changed on its way"))?;
    // Of an order that names a boot the clock says nothing: see below.
    let is_order = publication.document.order().is_some();
    require(is_order || now < publication.expires, || {
        format!("{slot:?} was applied at {now}, and expired {}", publication.expires)
    })?;
    Ok(publication)
}

/// Protocol 4: the sequence of what is applied only rises, over every boot.
pub(crate) fn epochs_never_go_back(last: &mut BTreeMap<Slot, Applied>, slot: &Slot, new: Applied) -> Verdict {
    let before = last.insert(slot.clone(), new);
    let is_fine = before.is_none_or(|before| before.sequence < new.sequence || before == new);
    require(is_fine, || format!("{slot:?} went from {before:?} to {new:?}"))
}

/// Invariant: at most one sound at a time, under an amplifier that is warm.
pub(crate) fn the_amplifier_is_warm(speaker: &Speaker, t: i64) -> Verdict {
    let warm_for = speaker.amplifier_on.map(|on| t - on);
    let is_late = speaker.is_amplifier_late;
    require(warm_for.is_some_and(|warm| warm >= WARM_UP_MS || is_late), || {
        format!("a sound begins with an amplifier that has been on for {warm_for:?} ms")
    })
}

/// Protocol 6: only an object whose whole hash fits is ever played.
pub(crate) fn only_whole_objects_sound(is_whole: bool, object: &ObjectHash) -> Verdict {
    require(is_whole, || format!("{object} was ordered, and it is not whole on the disk"))
}

/// Protocol 4.6: what sounds from the memory came with alerts in force, and is what its hash names.
pub(crate) fn only_what_came_with_alerts_sounds(books: &Books, object: &ObjectHash, bytes: &[u8]) -> Verdict {
    require(books.inline_since(object).is_some(), || {
        format!("{object} was ordered from the memory, and no alerts in force brought it")
    })?;
    require(ObjectHash::of(bytes) == *object, || format!("{object} was ordered with other bytes"))
}

/// Protocol 4 and 5: what sounds is an item of a plan in force, with the objects that it names for the village.
pub(crate) fn only_what_is_planned_sounds(
    books: &Books,
    almanac: &Almanac,
    intent: &Intent,
    object: &ObjectHash,
) -> Verdict {
    let planned = books.in_force(&intent.item).filter(|planned| planned.item.revision == intent.revision);
    let Some(planned) = planned else {
        return Err(format!(
            "{} revision {} sounds, and no plan in force has it",
            intent.item, intent.revision
        ));
    };
    require(intent.nominal < planned.expires, || format!("{} sounds after its plan expired", intent.item))?;
    let valid = planned.item.valid_from.is_none_or(|from| from <= intent.nominal)
        && planned.item.valid_until.is_none_or(|until| intent.nominal < until);
    require(valid, || format!("{} sounds outside its validity", intent.item))?;
    require(!almanac.is_excluded(&planned, intent.nominal), || {
        format!("{} of {} sounds on a day that is excluded", intent.item, intent.nominal)
    })?;
    require(books.sounds(planned.item).contains(object), || {
        format!("{} sounds with {object}, which is not its track", intent.item)
    })
}

/// How late a start may be: what the item allows, and what is taken up again by as much as its whole session lasts (timeline, I3).
fn late_at_most_ms(books: &Books, intent: &Intent, is_taken_up: bool) -> Option<i64> {
    let item = books.item(&intent.item)?;
    Some(i64::from(item.start_within_ms) + if is_taken_up { books.session_ms(item) } else { 0 })
}

/// Protocol 5: a start is not early, and not later than the item allows.
pub(crate) fn a_start_is_within_its_tolerance(
    books: &Books,
    intent: &Intent,
    is_taken_up: bool,
    wall: UnixMs,
) -> Verdict {
    let Some(within_ms) = late_at_most_ms(books, intent, is_taken_up) else { return Ok(()) };
    let late_ms = wall.since(intent.nominal);
    let most_ms = within_ms + START_SLACK_MS;
    require((-EARLY_MS..=most_ms).contains(&late_ms), || {
        format!("{} of {} starts {late_ms} ms late, {most_ms} ms are allowed", intent.item, intent.nominal)
    })
}

/// Issue 4: a clock that is wrong by hours makes nothing sound. By the true time, too, a start is within its tolerance, give
/// or take what a clock that counts may be wrong.
pub(crate) fn the_clock_is_right_when_it_sounds(
    books: &Books,
    intent: &Intent,
    is_taken_up: bool,
    t: i64,
) -> Verdict {
    let within_ms = late_at_most_ms(books, intent, is_taken_up).unwrap_or(0);
    let error_ms = 2 * ERROR_MAX_MS.cast_signed() + 2 * SECOND;
    let late_ms = t - intent.nominal.0;
    require((-error_ms..=within_ms + error_ms).contains(&late_ms), || {
        format!("{} of {} sounds, by the true time, {late_ms} ms late", intent.item, intent.nominal)
    })
}

/// Timeline, W2, I2 and I3: a start sounds once, in whatever revision; taken up again at most once, where its item wants that. `sounded`
/// tells of what had a record when the power last went (R2).
pub(crate) fn nothing_sounds_twice(
    sounded: &mut BTreeMap<(ItemId, UnixMs), (u32, u32)>,
    books: &Books,
    intent: &Intent,
) -> Verdict {
    let key = (intent.item.clone(), intent.nominal);
    let (revision, times) = sounded.get(&key).copied().unwrap_or((intent.revision, 0));
    sounded.insert(key, (revision, times + 1));
    let policy = books.item(&intent.item).map(|planned| planned.rules.after_interruption);
    let is_taken_up = times == 1
        && revision == intent.revision
        && policy.is_some_and(|policy| policy != AfterInterruption::Drop);
    require(times == 0 || is_taken_up, || format!("{} of {} sounds again", intent.item, intent.nominal))
}

/// Timeline, R2: what is no emergency begins, also where it is taken up again, only with its intent on the disk.
pub(crate) fn a_session_begins_with_its_record(on_disk: Option<&Intent>, intent: &Intent) -> Verdict {
    let is_taken_up = intent.progress.is_taken_up;
    let is_there = on_disk.is_some_and(|on_disk| on_disk.progress.is_taken_up == is_taken_up);
    require(intent.class == Class::Emergency || is_there, || {
        format!("{} of {} sounds, and the disk has {on_disk:?}", intent.item, intent.nominal)
    })
}

/// Protocol 7: numbers from 1 without a hole, in the order in which they are written, and each names the one before it.
pub(crate) fn receipts_form_a_chain(written: &[Receipt], new: &Receipt) -> Verdict {
    let next = written.last().map_or(1, |last| last.number + 1);
    require(new.number == next, || format!("receipt {} follows receipt {}", new.number, next - 1))?;
    let before = written.last().map(Receipt::digest);
    require(new.previous == before, || {
        format!("receipt {} names {:?}, not {before:?}", new.number, new.previous)
    })
}

/// Protocol 7: one receipt for each occurrence; a second only where the first said that nothing sounded, by a clock that
/// went back since: it had been ahead.
pub(crate) fn one_receipt_for_each_occurrence(
    ended: &mut BTreeMap<OccurrenceId, (bool, u64)>,
    new: &Receipt,
    steps_back: u64,
) -> Verdict {
    let sounded = new.sound.is_some();
    let before = ended.insert(new.occurrence, (sounded, steps_back));
    require(before.is_none_or(|(sounded, back_then)| !sounded && back_then < steps_back), || {
        format!("a second receipt: {} of {}, {:?}", new.item, new.nominal, new.outcome)
    })
}

/// Issue 4 and timeline, C: classes other than emergencies never cut one another, and emergencies by their severity.
pub(crate) fn only_emergencies_cut(books: &Books, new: &Receipt) -> Verdict {
    if new.outcome != Outcome::Partial(Reason::Yielded) {
        return Ok(());
    }
    let items = books.items();
    // C2: an emergency only by one that is more severe.
    let own = items.iter().find(|planned| planned.item.id == new.item).map(|planned| planned.item);
    let own = own.filter(|item| item.class == Class::Emergency).map(|item| item.rules.severity);
    let cuts = |other: &Item| {
        other.class == Class::Emergency && own.is_none_or(|severity| other.rules.severity > severity)
    };
    require(items.iter().any(|planned| cuts(planned.item)), || {
        format!("{} was cut, and there is no emergency that may", new.item)
    })
}

/// Timeline, G3: nothing but an emergency begins in quiet hours.
pub(crate) fn nothing_begins_in_quiet_hours(
    books: &Books,
    almanac: &Almanac,
    class: Class,
    wall: UnixMs,
) -> Verdict {
    let is_quiet = |guards: &Guards| {
        let today = almanac.quiet(&guards.quiet_hours, wall.0.div_euclid(DAY));
        // A clock that drifts is a little ahead of what it was when the sound was ordered.
        today.iter().any(|(from, until)| *from <= wall && wall + EARLY_MS < *until)
    };
    require(class == Class::Emergency || !books.guards().any(is_quiet), || {
        format!("a sound of class {class:?} begins at {wall}, in quiet hours")
    })
}

/// Timeline, G4 and G5: what begins has a place in the day's budgets, given what was surely heard on that day.
pub(crate) fn nothing_begins_over_budget(
    facts: &Facts,
    almanac: &Almanac,
    intent: &Intent,
    wall: UnixMs,
) -> Verdict {
    let is_budget = |guards: &Guards| {
        let minutes = guards.normal_minutes_a_day.or(guards.priority_minutes_a_day);
        minutes.or(guards.sessions_a_day).is_some()
    };
    let is_exempt = intent.class == Class::Emergency || intent.progress.is_taken_up;
    if is_exempt || !facts.books.guards().any(is_budget) {
        return Ok(());
    }
    // What was to begin with the day may be heard a moment before it.
    let (today, _) = almanac.date(wall + EARLY_MS);
    let heard = facts.sessions.iter().rev().filter(|s| {
        s.started.0.abs_diff(wall.0) < 2 * DAY.unsigned_abs() && almanac.date(s.started).0 == today
    });
    let heard: Vec<_> = heard.collect();
    let own_ms: i64 = facts.books.item(&intent.item).map_or(0, |planned| {
        let whole = facts.books.heard(planned).into_iter().filter(|object| facts.is_whole(object));
        whole.filter_map(|object| facts.books.length_ms(&object)).sum()
    });
    for guards in facts.books.guards() {
        let minutes = match intent.class {
            Class::Normal => guards.normal_minutes_a_day,
            Class::Priority => guards.priority_minutes_a_day,
            Class::Emergency => None,
        };
        let of_class = heard.iter().filter(|session| session.class == intent.class);
        let spent_ms = of_class.map(|session| session.sound_ms).sum::<i64>() + own_ms;
        require(minutes.is_none_or(|minutes| spent_ms <= i64::from(minutes) * MINUTE), || {
            format!("{} begins at {wall}: {spent_ms} ms of its class on that day", intent.item)
        })?;
        let sessions = heard.iter().filter(|session| session.class < Class::Emergency).count();
        require(guards.sessions_a_day.is_none_or(|allowed| sessions < usize::from(allowed)), || {
            format!("{} begins at {wall}, after {sessions} sessions on that day", intent.item)
        })?;
    }
    Ok(())
}

/// Timeline, G6: it is as loud as the node's document says, and no louder than the lowest ceiling.
pub(crate) fn the_volume_is_under_its_ceiling(books: &Books, volume_percent: u8) -> Verdict {
    let ceiling = books.guards().filter_map(|guards| guards.volume_ceiling_percent).min().unwrap_or(100);
    let should = books.volume_percent().map(|own| own.min(ceiling));
    require(should == Some(volume_percent), || {
        format!("the volume is set to {volume_percent} percent, and should be {should:?}")
    })
}

/// Issue 4: the cache stays within its quota.
pub(crate) fn the_cache_stays_within_quota(used_bytes: u64, quota_bytes: u64) -> Verdict {
    require(used_bytes <= quota_bytes, || format!("{used_bytes} bytes in a cache of {quota_bytes}"))
}

/// Issue 4: an emergency reaches sound within its bound on every node that has its plan and its audio.
pub(crate) fn an_emergency_is_heard(
    sounded: &BTreeMap<(ItemId, UnixMs), (u32, u32)>,
    item: &ItemId,
    nominal: UnixMs,
) -> Verdict {
    require(sounded.contains_key(&(item.clone(), nominal)), || {
        format!("the emergency {item} of {nominal} is not heard although nothing hinders it")
    })
}
