//! What the guards say of a session (section G of the timeline), worked out a second time: quiet hours by looking at every minute,
//! budgets from what was heard.

use loa_protocol::bulletin::Class;
use loa_protocol::receipt::Reason;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Guards;

use super::almanac::Almanac;
use super::facts::{self, Facts};
use super::loudspeaker::Key;
use super::{DAY, MINUTE, SECOND};

/// How long before quiet hours a session is over.
const MARGIN_MS: i64 = 2 * SECOND;
/// What is closer than that to a guard's bound is decided by milliseconds.
const CLOSE_MS: i64 = 3 * SECOND;

/// A session that would begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    pub(super) class: Class,
    pub(super) length_ms: i64,
    pub(super) sound_ms: i64,
    pub(super) is_taken_up: bool,
}

/// A start of which the model itself knows what was heard, if anything was.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) key: Key,
    pub(super) heard: Option<Heard>,
}

/// What was heard of a start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    pub(super) class: Class,
    pub(super) started: UnixMs,
    pub(super) sound_ms: i64,
}

/// What the guards say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    Now,
    NotBefore(UnixMs),
    Never(Reason),
}

/// All guards of a node in a time without disturbance, and what was heard before.
pub(super) struct Watchman<'a> {
    pub(super) guards: Vec<&'a Guards>,
    pub(super) almanac: &'a Almanac,
    pub(super) facts: &'a Facts,
}

impl Watchman<'_> {
    /// G2.
    pub(super) fn is_too_long(&self, session: &Session) -> bool {
        let longest = self.guards.iter().filter_map(|guards| guards.longest_session_ms).min();
        longest.is_some_and(|longest| session.length_ms > i64::from(longest))
    }

    /// What they say of a session at an instant (G8), and whether milliseconds decide. `known`: the starts of which the model knows
    /// itself what was heard, so that no receipt is to be asked.
    pub(super) fn judge(
        &self,
        session: &Session,
        at: UnixMs,
        limit: UnixMs,
        known: &[Known],
    ) -> (Judged, bool) {
        if self.is_too_long(session) {
            return (Judged::Never(Reason::TooLong), false);
        }
        if session.class == Class::Emergency || self.guards.is_empty() {
            return (Judged::Now, false);
        }
        let (mut begin, mut first, mut is_close) = (at, None, false);
        loop {
            let quiet = self.quiet(session, begin, &mut is_close);
            let forbidden = quiet.or_else(|| self.spent(session, begin, at, known, &mut is_close));
            let Some((reason, over)) = forbidden else { break };
            let reason = *first.get_or_insert(reason);
            begin = over;
            is_close |= begin.0.abs_diff(limit.0) < CLOSE_MS.unsigned_abs();
            if begin > limit {
                return (Judged::Never(reason), is_close);
            }
        }
        (if begin == at { Judged::Now } else { Judged::NotBefore(begin) }, is_close)
    }

    /// G3: the quiet hours that a session would touch, and their end.
    fn quiet(&self, session: &Session, begin: UnixMs, is_close: &mut bool) -> Option<(Reason, UnixMs)> {
        let over = begin + session.length_ms + MARGIN_MS;
        for guards in self.guards.iter().filter(|guards| !guards.quiet_hours.is_empty()) {
            let days = begin.0.div_euclid(DAY)..=(over + CLOSE_MS).0.div_euclid(DAY) + 1;
            let all = days.flat_map(|day| self.almanac.quiet(&guards.quiet_hours, day).to_vec());
            // Over midnight by UTC they go on.
            let mut ranges: Vec<(UnixMs, UnixMs)> = Vec::new();
            for (from, until) in all {
                match ranges.last_mut().filter(|(_, last)| *last == from) {
                    Some((_, last)) => *last = until,
                    None => ranges.push((from, until)),
                }
            }
            *is_close |= ranges.iter().any(|(from, _)| from.0.abs_diff(over.0) < CLOSE_MS.unsigned_abs());
            if let Some((_, until)) = ranges.into_iter().find(|(from, until)| *from < over && begin < *until)
            {
                return Some((Reason::QuietHours, until));
            }
        }
        None
    }

    /// G4 and G5: the budget of a day that is spent, and the day's end.
    fn spent(
        &self,
        session: &Session,
        begin: UnixMs,
        now: UnixMs,
        known: &[Known],
        is_close: &mut bool,
    ) -> Option<(Reason, UnixMs)> {
        let has = |g: &&Guards| {
            g.normal_minutes_a_day.is_some()
                || g.priority_minutes_a_day.is_some()
                || g.sessions_a_day.is_some()
        };
        if !self.guards.iter().any(has) {
            return None;
        }
        let (today, end) = self.almanac.date(begin);
        let is_today =
            |at: UnixMs| at.0.abs_diff(begin.0) < 2 * DAY.unsigned_abs() && self.almanac.date(at).0 == today;
        let (mut spent_ms, mut sessions) = (0, 0);
        let mut count = |class: Class, sound_ms: i64| {
            spent_ms += if class == session.class { sound_ms } else { 0 };
            sessions += u32::from(class < Class::Emergency);
        };
        for heard in known.iter().filter_map(|known| known.heard).filter(|heard| is_today(heard.started)) {
            *is_close |= end.0.abs_diff(heard.started.0) < CLOSE_MS.unsigned_abs();
            count(heard.class, heard.sound_ms);
        }
        // By its record a session may be still to come that a clock dated which was ahead.
        let is_earlier = |past: &&facts::Session| past.started.min(past.told) < now && is_today(past.started);
        let earlier = self.facts.sessions.iter().filter(is_earlier);
        for past in earlier.filter(|past| known.iter().all(|known| known.key != past.key)) {
            *is_close |= !past.is_exact;
            count(past.class, past.sound_ms);
        }
        for guards in &self.guards {
            let minutes = match session.class {
                Class::Normal => guards.normal_minutes_a_day,
                Class::Priority => guards.priority_minutes_a_day,
                Class::Emergency => None,
            };
            let over_ms = minutes.map(|minutes| spent_ms + session.sound_ms - i64::from(minutes) * MINUTE);
            *is_close |= over_ms.is_some_and(|over_ms| over_ms.abs() < CLOSE_MS);
            if over_ms.is_some_and(|over_ms| over_ms > 0) {
                return Some((Reason::MinutesSpent, end));
            }
        }
        let allowed = self.guards.iter().filter_map(|guards| guards.sessions_a_day).min();
        let is_over = !session.is_taken_up && allowed.is_some_and(|allowed| sessions >= u32::from(allowed));
        is_over.then_some((Reason::SessionsSpent, end))
    }
}
