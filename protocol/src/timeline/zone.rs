//! Local wall-clock time to instants, by the policy in the [timeline](super)'s documentation.

use chrono::{LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::time::UnixMs;

/// Longest gap that is searched: no zone ever skipped more than a day.
const GAP_MAX_MINUTES: i64 = 26 * 60;

/// The instant of a wall time: the first of two, or the end of the gap in which it lies.
pub(super) fn instant_of(zone: Tz, wall: NaiveDateTime) -> Option<UnixMs> {
    match zone.from_local_datetime(&wall) {
        LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => Some(instant.to_utc().into()),
        LocalResult::None => end_of_gap(zone, wall),
    }
}

/// Gaps end on whole minutes of wall time since 1972, and whatever lies before never matters to a schedule.
fn end_of_gap(zone: Tz, wall: NaiveDateTime) -> Option<UnixMs> {
    (1..=GAP_MAX_MINUTES).find_map(|minutes| {
        let later = wall.checked_add_signed(TimeDelta::minutes(minutes))?;
        zone.from_local_datetime(&later).earliest().map(|instant| instant.to_utc().into())
    })
}

/// The wall time at an instant, `None` outside the years that the calendar library knows.
pub(super) fn wall_of(zone: Tz, instant: UnixMs) -> Option<NaiveDateTime> {
    let utc = instant.to_utc()?.naive_utc();
    utc.checked_add_offset(zone.offset_from_utc_datetime(&utc).fix())
}
