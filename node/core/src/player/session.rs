//! One occurrence while it sounds: its parts, one after the other.
//!
//! ```text
//!           Play            Started           Finished, more parts: Play
//! begin ─> Ordered ───────> Sounding ────────────────────────────────────> Ordered …
//!             │ │              │ └ Finished, Failed: end
//!             │ └ Failed ──────┤
//!             └ stop, watchdog ┴─> Stopping ── Stopped, or nothing for 5 s ─> end
//! ```
//!
//! **Invariant.** It ends, whatever the speaker does: each phase has a watchdog on the monotonic clock. An emergency of which nothing
//! was heard then waits and tries again, for as long as its limit allows; anything else ends as missed, for a card that says nothing may have
//! been heard.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use loa_protocol::bulletin::{Class, Language};
use loa_protocol::ids::{ObjectHash, OccurrenceId};
use loa_protocol::receipt::{Outcome, Reason};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{AfterInterruption, Part, SessionPlan, objects_heard};

use super::Ended;
use super::due::{Begun, Due, sounds_as};
use crate::action::{Action, InlineSound};
use crate::agenda::Agenda;
use crate::input::{Now, Progress, SpeakerEvent, SpeakerFailure, Token};

/// By how much a start may be later than the item allows: what the speaker needs, and no more.
const START_SLACK_MS: i64 = 500;
/// How long after its instant a sound may begin before the speaker counts as failed.
const START_PATIENCE_MS: u64 = 10_000;
/// How long after its length a sound may end before the speaker counts as failed.
const END_PATIENCE_MS: u64 = 30_000;
/// How long a stop may take.
const STOP_PATIENCE_MS: u64 = 5_000;
/// How long an emergency waits for the speaker to begin, and to stop: a card that hangs is given up and opened anew, and the
/// emergency tries again.
const EMERGENCY_PATIENCE_MS: u64 = 3_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Ordered { start_at: UnixMs },
    Sounding,
    Stopping,
}

/// Why it is stopped, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) reason: Reason,
    pub(super) winner: Option<OccurrenceId>,
}

impl Stop {
    /// Whether the item's policy decides what happens then (section I of the timeline).
    fn interrupts(self) -> bool {
        matches!(self.reason, Reason::Yielded | Reason::Interrupted)
    }
}

/// What became of a session.
#[derive(Debug)]
pub(super) enum Step {
    /// It goes on.
    Continues,
    /// It got further: the intent says so from here on.
    Advanced,
    /// The same, for its occurrence is heard for the first time, at this instant.
    Begun(UnixMs),
    /// Nothing sounded, so the occurrence waits as it did before; the failure says why, unless it had to yield.
    Unstarted(Option<SpeakerFailure>),
    /// It is over.
    Over,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) due: Due,
    /// What the occurrence had behind it before this session.
    before: Option<Begun>,
    current: Part,
    left: VecDeque<Part>,
    /// Its objects that came with alerts. Its own, whatever becomes of the document.
    inline: BTreeMap<ObjectHash, InlineSound>,
    token: Token,
    phase: Phase,
    watchdog_ms: u64,
    /// When the first sample left, if one did.
    heard: Option<UnixMs>,
    played_ms: u32,
    defect: Option<Reason>,
    stopping: Option<Stop>,
}

impl Session {
    /// Records the intent and orders the first part. `None` when nothing of the plan is left.
    pub(super) fn begin(
        mut due: Due,
        plan: &SessionPlan,
        inline: impl Fn(&ObjectHash) -> Option<InlineSound>,
        next_token: &mut u64,
        (start_at, latest): (UnixMs, UnixMs),
        now: Now,
        actions: &mut VecDeque<Action>,
    ) -> Option<Self> {
        let mut left: VecDeque<Part> = plan.left(due.next_part()).copied().collect();
        let first = left.pop_front()?;
        let before = due.begun;
        let planned_ms = u32::try_from(plan.sound_ms(first.number)).unwrap_or(u32::MAX);
        let mut begun = before.unwrap_or_default();
        let charged_ms = if due.interrupted().is_some() { begun.progress.planned_ms } else { 0 };
        begun.progress = Progress {
            planned_ms: planned_ms.saturating_add(charged_ms),
            interrupted: None,
            is_taken_up: begun.progress.is_taken_up || due.interrupted().is_some(),
            defect: plan.is_lacking.then_some(Reason::AudioIncomplete).or(begun.progress.defect),
            ..begun.progress
        };
        if due.begun.replace(begun) != Some(begun) {
            actions.push_back(Action::RecordIntent(due.intent()));
        }
        let inline =
            plan.parts.iter().filter_map(|part| Some((part.object, inline(&part.object)?))).collect();
        let mut session = Self {
            due,
            before,
            current: first,
            left,
            inline,
            token: Token(0),
            phase: Phase::Sounding,
            watchdog_ms: 0,
            heard: None,
            played_ms: 0,
            defect: begun.progress.defect,
            stopping: None,
        };
        session.order(first, next_token, (start_at, latest + START_SLACK_MS), now, actions);
        Some(session)
    }

    fn order(
        &mut self,
        part: Part,
        next_token: &mut u64,
        (start_at, latest): (UnixMs, UnixMs),
        now: Now,
        actions: &mut VecDeque<Action>,
    ) {
        let until_start = u64::try_from(start_at.since(now.wall)).unwrap_or(0);
        let token = Token(*next_token);
        *next_token += 1;
        self.current = part;
        self.token = token;
        self.phase = Phase::Ordered { start_at };
        let patience_ms = self.patience_ms(START_PATIENCE_MS);
        self.watchdog_ms = now.monotonic_ms.saturating_add(until_start).saturating_add(patience_ms);
        let (object, inline) = (part.object, self.inline.get(&part.object).cloned());
        // Rule R2. What was heard of this session is known at the next boot: its intents were on the disk, or it is an emergency.
        let is_recorded = self.heard.is_some() || self.due.item.class == Class::Emergency;
        let record_of = (!is_recorded).then_some(self.due.occurrence.id);
        actions.push_back(Action::Play { token, record_of, object, inline, start_at, latest });
    }

    fn patience_ms(&self, usual_ms: u64) -> u64 {
        let is_emergency = self.due.item.class == Class::Emergency;
        if is_emergency { usual_ms.min(EMERGENCY_PATIENCE_MS) } else { usual_ms }
    }

    /// Takes its item as the documents have it now (rule D4): it is stopped where they have it no longer, or with other sounds, and
    /// goes on without what the village no longer hears (rule N2).
    pub(super) fn follow(
        &mut self,
        agenda: &Agenda,
        languages: &[Language],
        now: Now,
        actions: &mut VecDeque<Action>,
    ) {
        let ordered = Arc::clone(&self.due.item);
        if !(self.due.follow(agenda) && sounds_as(&self.due.item, &ordered)) {
            self.stop(Stop { reason: Reason::Withdrawn, winner: None }, now, actions);
            return;
        }
        if languages.is_empty() {
            return;
        }
        let heard = objects_heard(&self.due.item, languages);
        self.left.retain(|part| heard.contains(&part.object));
        if matches!(self.phase, Phase::Ordered { .. }) && !heard.contains(&self.current.object) {
            // Nothing was heard of it yet: it begins anew, in the languages of now.
            let reason = if self.heard.is_none() { Reason::Yielded } else { Reason::Withdrawn };
            self.stop(Stop { reason, winner: None }, now, actions);
        }
    }

    /// Passes over the parts to come that need an object which is not whole any more.
    pub(super) fn lose(&mut self, object: &ObjectHash) {
        if self.inline.contains_key(object) {
            return;
        }
        if self.left.iter().any(|part| part.object == *object && !part.is_chime) {
            self.defect = Some(Reason::AudioBroken);
        }
        self.left.retain(|part| part.object != *object);
    }

    /// The objects that it still needs.
    pub(super) fn objects(&self) -> impl Iterator<Item = ObjectHash> + '_ {
        std::iter::once(self.current.object).chain(self.left.iter().map(|part| part.object))
    }

    /// Whether something of it is heard, was heard, or should be.
    pub(super) fn is_on(&self, now: UnixMs) -> bool {
        let is_ahead = matches!(self.phase, Phase::Ordered { start_at } if start_at > now);
        self.heard.is_some() || !is_ahead
    }

    pub(super) fn watchdog_ms(&self) -> u64 {
        self.watchdog_ms
    }

    /// Stops it. A reason after which it is not taken up again replaces one after which it might be.
    pub(super) fn stop(&mut self, stop: Stop, now: Now, actions: &mut VecDeque<Action>) {
        if let Some(stopping) = &mut self.stopping {
            if stopping.interrupts() && !stop.interrupts() {
                *stopping = stop;
            }
            return;
        }
        self.stopping = Some(stop);
        self.phase = Phase::Stopping;
        self.watchdog_ms = now.monotonic_ms.saturating_add(self.patience_ms(STOP_PATIENCE_MS));
        actions.push_back(Action::StopSound { token: self.token });
    }

    /// Does what the watchdog demands.
    pub(super) fn handle_timeout(&mut self, now: Now, actions: &mut VecDeque<Action>) -> Step {
        if now.monotonic_ms < self.watchdog_ms {
            return Step::Continues;
        }
        match self.phase {
            Phase::Ordered { .. } | Phase::Sounding => {
                self.stop(Stop { reason: Reason::SpeakerFailed, winner: None }, now, actions);
                Step::Continues
            }
            Phase::Stopping => self.over(),
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
                // A stop that came after a part's last sample took nothing of it away.
                match self.left.front() {
                    Some(next) if self.stopping.is_some() => self.current = *next,
                    Some(_) => {}
                    None => self.stopping = None,
                }
                self.go_on(next_token, now, actions)
            }
            SpeakerEvent::Stopped { token, played_ms } if token == self.token => {
                self.count(played_ms);
                // Nobody here asked for it: the shell is ending.
                self.stopping.get_or_insert(Stop { reason: Reason::Interrupted, winner: None });
                self.over()
            }
            SpeakerEvent::Failed { token, kind, played_ms } if token == self.token => {
                self.count(played_ms);
                self.failed(kind, next_token, now, actions)
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
        let is_first = self.heard.is_none();
        self.heard.get_or_insert(at);
        let begun = self.due.begun.get_or_insert_default();
        let is_first_of_all = begun.started.is_none();
        begun.started.get_or_insert(at);
        // After a power cut it goes on from here; where it would not, the disk is spared.
        let goes_on = self.due.item.rules.after_interruption == AfterInterruption::Resume;
        let is_further = goes_on && begun.progress.part != self.current.number;
        if is_further {
            begun.progress.part = self.current.number;
        }
        match (is_first_of_all, is_first || is_further) {
            (true, _) => Step::Begun(at),
            (false, true) => Step::Advanced,
            (false, false) => Step::Continues,
        }
    }

    fn count(&mut self, played_ms: u32) {
        if played_ms > 0 && self.heard.is_none() {
            // The word of the start was lost: the planned instant is the best that is known.
            let at = match self.phase {
                Phase::Ordered { start_at } => start_at,
                Phase::Sounding | Phase::Stopping => self.due.occurrence.nominal,
            };
            self.heard = Some(at);
            self.due.begun.get_or_insert_default().started.get_or_insert(at);
        }
        self.played_ms = self.played_ms.saturating_add(played_ms);
    }

    fn failed(
        &mut self,
        kind: SpeakerFailure,
        next_token: &mut u64,
        now: Now,
        actions: &mut VecDeque<Action>,
    ) -> Step {
        let could_retry = self.heard.is_none() && self.stopping.is_none();
        match kind {
            SpeakerFailure::Audio => self.pass_over(Reason::AudioBroken, next_token, now, actions),
            SpeakerFailure::Device
            | SpeakerFailure::Unreadable
            | SpeakerFailure::Late
            | SpeakerFailure::Unrecorded
                if could_retry =>
            {
                Step::Unstarted(Some(kind))
            }
            SpeakerFailure::Late | SpeakerFailure::Unrecorded => {
                self.pass_over(Reason::TooLate, next_token, now, actions)
            }
            SpeakerFailure::Unreadable => self.pass_over(Reason::AudioBroken, next_token, now, actions),
            SpeakerFailure::Device => {
                self.defect = Some(Reason::SpeakerFailed);
                self.over()
            }
        }
    }

    /// The session goes on without the current part (rule N4).
    fn pass_over(
        &mut self,
        reason: Reason,
        next_token: &mut u64,
        now: Now,
        actions: &mut VecDeque<Action>,
    ) -> Step {
        if !self.current.is_chime {
            self.defect = Some(reason);
        }
        self.go_on(next_token, now, actions)
    }

    fn go_on(&mut self, next_token: &mut u64, now: Now, actions: &mut VecDeque<Action>) -> Step {
        if self.stopping.is_some() {
            return self.over();
        }
        let Some(next) = self.left.pop_front() else { return Step::Over };
        let start_at = now.wall + i64::from(next.pause_before_ms);
        // What has begun goes on, late or not: only the watchdog bounds it.
        let latest = start_at + START_PATIENCE_MS.cast_signed();
        self.order(next, next_token, (start_at, latest), now, actions);
        Step::Continues
    }

    /// It ends here, unless nothing was heard and it has yielded, or is an emergency whose speaker hangs: then it has not begun.
    fn over(&self) -> Step {
        if self.heard.is_some() {
            return Step::Over;
        }
        match self.stopping.map(|stop| stop.reason) {
            Some(Reason::Yielded) => Step::Unstarted(None),
            Some(Reason::SpeakerFailed) if self.due.item.class == Class::Emergency => {
                Step::Unstarted(Some(SpeakerFailure::Device))
            }
            Some(_) | None => Step::Over,
        }
    }

    /// The occurrence as it was before the session.
    pub(super) fn unstarted(mut self) -> Due {
        // The intent stays in the store, and with it the duty to write a receipt.
        if self.before.is_some() {
            self.due.begun = self.before;
        }
        self.due
    }

    /// How it ended; or the occurrence, where it was interrupted and its policy wants it to sound again.
    pub(super) fn finish(self) -> Result<Ended, Box<Due>> {
        let Self { mut due, before, current, played_ms, defect, stopping, .. } = self;
        // What was planned has sounded or not: it is known, but for what the power cut off before this session.
        let cut_off = before.filter(|before| before.progress.interrupted.is_some());
        let begun = due.begun.get_or_insert_default();
        let progress = &mut begun.progress;
        progress.played_ms = progress.played_ms.saturating_add(played_ms);
        progress.planned_ms = cut_off.map_or(0, |before| before.progress.planned_ms);
        progress.defect = defect;
        let started = begun.started;
        let policy = due.item.rules.after_interruption;
        if let Some(stop) = stopping.filter(|stop| stop.interrupts()) {
            progress.cut_by = stop.winner.or(progress.cut_by);
            if policy != AfterInterruption::Drop && !progress.is_taken_up {
                progress.interrupted = Some(stop.reason);
                let is_resumed = policy == AfterInterruption::Resume;
                progress.part = if is_resumed { current.number } else { 0 };
                progress.defect = defect.filter(|_| is_resumed);
                return Err(Box::new(due));
            }
        }
        let winner = stopping.and_then(|stop| stop.winner).or(progress.cut_by);
        let reason = stopping.map(|stop| stop.reason).or(defect);
        let outcome = match (reason, started) {
            (None, Some(_)) => Outcome::Played,
            (None, None) => Outcome::Missed(Reason::SpeakerFailed),
            (Some(reason), Some(_)) => Outcome::Partial(reason),
            (Some(reason), None) => Outcome::Missed(reason),
        };
        Ok(due.over(outcome, winner))
    }
}
