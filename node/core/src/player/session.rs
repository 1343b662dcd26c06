//! One occurrence while it sounds: its tracks, one after the other.
//!
//! ```text
//!           Play            Started           Finished, more tracks: Play
//! begin ─> Ordered ───────> Sounding ────────────────────────────────────> Ordered …
//!             │ │              │ └ Finished, Failed: end
//!             │ └ Failed ──────┤
//!             └ stop, watchdog ┴─> Stopping ── Stopped, or nothing for 5 s ─> end
//! ```
//!
//! **Invariant.** It ends, whatever the speaker does: each phase has a watchdog on the monotonic clock.

use std::collections::VecDeque;

use loa_protocol::ids::ObjectHash;
use loa_protocol::receipt::{Outcome, Reason, Sound};
use loa_protocol::time::UnixMs;

use super::due::Due;
use crate::action::Action;
use crate::input::{Now, SpeakerEvent, SpeakerFailure, Token};

/// Silence between two tracks: the next language is heard as a beginning, and the echo of the last word has died.
const PAUSE_MS: i64 = 1_000;
/// By how much a start may be later than the item allows: what the speaker needs, and no more.
const START_SLACK_MS: i64 = 500;
/// How long after its instant a sound may begin before the speaker counts as failed.
const START_PATIENCE_MS: u64 = 10_000;
/// How long after its length a sound may end before the speaker counts as failed.
const END_PATIENCE_MS: u64 = 30_000;
/// How long a stop may take.
const STOP_PATIENCE_MS: u64 = 5_000;

/// One language's sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sounding {
    pub(super) object: ObjectHash,
    pub(super) duration_ms: u32,
}

/// What a session plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tracks {
    pub(super) first: Sounding,
    pub(super) left: VecDeque<Sounding>,
    /// Why some of the node's languages are missing, if some are.
    pub(super) defect: Option<Reason>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Ordered { start_at: UnixMs },
    Sounding,
    Stopping,
}

/// What became of a session.
#[derive(Debug)]
pub(super) enum Step {
    /// It goes on.
    Continues,
    /// The first sample left: the intent says so from here on.
    Began,
    /// It failed so before anything sounded: the occurrence may be tried again.
    Unstarted(SpeakerFailure),
    /// It is over.
    Ended(Outcome, Option<Sound>),
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) due: Due,
    current: Sounding,
    left: VecDeque<Sounding>,
    token: Token,
    phase: Phase,
    watchdog_ms: u64,
    pub(super) started: Option<UnixMs>,
    played_ms: u32,
    /// Why it will not have sounded wholly.
    defect: Option<Reason>,
    stopping: Option<Reason>,
}

impl Session {
    /// Orders the first track.
    pub(super) fn begin(
        due: Due,
        tracks: Tracks,
        next_token: &mut u64,
        start_at: UnixMs,
        now: Now,
        actions: &mut VecDeque<Action>,
    ) -> Self {
        let Tracks { first, left, defect } = tracks;
        let mut session = Self {
            due,
            current: first,
            left,
            token: Token(0),
            phase: Phase::Sounding,
            watchdog_ms: 0,
            started: None,
            played_ms: 0,
            defect,
            stopping: None,
        };
        let latest = session.due.limit() + START_SLACK_MS;
        session.order(first, next_token, start_at, latest, now, actions);
        session
    }

    fn order(
        &mut self,
        sound: Sounding,
        next_token: &mut u64,
        start_at: UnixMs,
        latest: UnixMs,
        now: Now,
        actions: &mut VecDeque<Action>,
    ) {
        let until_start = u64::try_from(start_at.since(now.wall)).unwrap_or(0);
        let token = Token(*next_token);
        *next_token += 1;
        self.current = sound;
        self.token = token;
        self.phase = Phase::Ordered { start_at };
        self.watchdog_ms = now.monotonic_ms.saturating_add(until_start).saturating_add(START_PATIENCE_MS);
        actions.push_back(Action::Play { token, object: sound.object, start_at, latest });
    }

    /// The objects that it still needs.
    pub(super) fn objects(&self) -> impl Iterator<Item = ObjectHash> + '_ {
        std::iter::once(self.current.object).chain(self.left.iter().map(|sound| sound.object))
    }

    pub(super) fn watchdog_ms(&self) -> u64 {
        self.watchdog_ms
    }

    /// Stops it, for this reason.
    pub(super) fn stop(&mut self, reason: Reason, now: Now, actions: &mut VecDeque<Action>) {
        if self.stopping.is_some() {
            return;
        }
        self.stopping = Some(reason);
        self.phase = Phase::Stopping;
        self.watchdog_ms = now.monotonic_ms.saturating_add(STOP_PATIENCE_MS);
        actions.push_back(Action::StopSound { token: self.token });
    }

    /// Does what the watchdog demands.
    pub(super) fn handle_timeout(&mut self, now: Now, actions: &mut VecDeque<Action>) -> Step {
        if now.monotonic_ms < self.watchdog_ms {
            return Step::Continues;
        }
        match self.phase {
            Phase::Ordered { .. } | Phase::Sounding => {
                self.stop(Reason::SpeakerFailed, now, actions);
                Step::Continues
            }
            Phase::Stopping => self.end(),
        }
    }

    pub(super) fn handle(
        &mut self,
        event: SpeakerEvent,
        next_token: &mut u64,
        now: Now,
        actions: &mut VecDeque<Action>,
    ) -> Step {
        match event {
            SpeakerEvent::Started { token, at, .. } if token == self.token => self.begun(at, now),
            SpeakerEvent::Finished { token, played_ms } if token == self.token => {
                self.count(played_ms);
                if self.left.is_empty() {
                    // A stop that came after the last sample took nothing away.
                    self.stopping = None;
                }
                self.go_on(next_token, now, actions)
            }
            SpeakerEvent::Stopped { token, played_ms } if token == self.token => {
                self.count(played_ms);
                // Nobody here asked for it: the shell is ending.
                self.stopping.get_or_insert(Reason::Interrupted);
                self.end()
            }
            SpeakerEvent::Failed { token, kind, played_ms } if token == self.token => {
                self.count(played_ms);
                match kind {
                    SpeakerFailure::Audio => {
                        self.defect = Some(Reason::AudioBroken);
                        self.go_on(next_token, now, actions)
                    }
                    SpeakerFailure::Device
                    | SpeakerFailure::Unreadable
                    | SpeakerFailure::Late
                    | SpeakerFailure::Unrecorded
                        if self.started.is_none() && self.stopping.is_none() =>
                    {
                        Step::Unstarted(kind)
                    }
                    SpeakerFailure::Late | SpeakerFailure::Unrecorded => {
                        self.defect = Some(Reason::TooLate);
                        self.go_on(next_token, now, actions)
                    }
                    SpeakerFailure::Unreadable => {
                        self.defect = Some(Reason::AudioBroken);
                        self.go_on(next_token, now, actions)
                    }
                    SpeakerFailure::Device => {
                        self.defect = Some(Reason::SpeakerFailed);
                        self.end()
                    }
                }
            }
            SpeakerEvent::Started { .. }
            | SpeakerEvent::Finished { .. }
            | SpeakerEvent::Stopped { .. }
            | SpeakerEvent::Failed { .. } => Step::Continues,
        }
    }

    fn begun(&mut self, at: UnixMs, now: Now) -> Step {
        if matches!(self.phase, Phase::Ordered { .. }) {
            self.phase = Phase::Sounding;
            let length = u64::from(self.current.duration_ms).saturating_add(END_PATIENCE_MS);
            self.watchdog_ms = now.monotonic_ms.saturating_add(length);
        }
        if self.started.is_some() {
            return Step::Continues;
        }
        self.started = Some(at);
        Step::Began
    }

    fn count(&mut self, played_ms: u32) {
        if played_ms > 0 && self.started.is_none() {
            // The word of the start was lost: the planned instant is the best that is known.
            self.started = match self.phase {
                Phase::Ordered { start_at } => Some(start_at),
                Phase::Sounding | Phase::Stopping => Some(self.due.occurrence.nominal),
            };
        }
        self.played_ms = self.played_ms.saturating_add(played_ms);
    }

    fn go_on(&mut self, next_token: &mut u64, now: Now, actions: &mut VecDeque<Action>) -> Step {
        if self.stopping.is_some() {
            return self.end();
        }
        let Some(next) = self.left.pop_front() else { return self.end() };
        let start_at = now.wall + PAUSE_MS;
        // What has begun goes on, late or not: only the watchdog bounds it.
        self.order(next, next_token, start_at, start_at + START_PATIENCE_MS.cast_signed(), now, actions);
        Step::Continues
    }

    fn end(&self) -> Step {
        let sound = self.started.map(|started| Sound { started, played_ms: self.played_ms });
        let outcome = match (self.stopping.or(self.defect), sound) {
            (None, Some(_)) => Outcome::Played,
            (None, None) => Outcome::Missed(Reason::SpeakerFailed),
            (Some(reason), Some(_)) => Outcome::Partial(reason),
            (Some(reason), None) => Outcome::Missed(reason),
        };
        Step::Ended(outcome, sound)
    }
}
