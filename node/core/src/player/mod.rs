//! What sounds, and when: one sound at a time.
//!
//! ```text
//! Agenda ── admit ─> waiting ── begin ─> session ── end ─> Ended (a receipt)
//!                      │  ^                │
//!                      │  └─ not started (device, disk): tried again
//!                      └─ limit passed, withdrawn ───────> Ended (a receipt)
//! ```
//!
//! # Rules
//! - An occurrence comes into `waiting` a little before its nominal start, so that the amplifier is warm in time.
//! - Of those that could start, [`Occurrence::precedence`] says which goes first. What waits starts later, up to
//!   `start_within_ms` after its nominal start, or is missed.
//! - An emergency that is due and could start stops a lower class that sounds; that one is [`Reason::Yielded`]. Nothing
//!   else cuts what sounds: other classes never cut one another, nor does an emergency another.
//! - An occurrence waits for the audio of all the village's languages. Shortly before its limit it starts with those
//!   that are there.
//! - While the clock is [`ClockTrust::Unknown`] nothing starts. A limit that passes meanwhile has passed: the wall clock
//!   is floored, so it may be behind the truth, but not ahead.
//! - A limit that passed before this boot is [`Reason::TooLate`], whatever else was lacking.
//!
//! **Invariants.** An [`Action::RecordIntent`] comes before the first [`Action::Play`] of an occurrence, and every
//! intent ends in a receipt. Between an `Action::Play` and its end there is no other.

mod amplifier;
mod due;
mod session;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use loa_protocol::bulletin::{Class, Language};
use loa_protocol::ids::{ItemId, ObjectHash};
use loa_protocol::plan::Item;
use loa_protocol::receipt::{Outcome, Reason, Sound};
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Occurrence;

use self::amplifier::Amplifier;
use self::due::Due;
pub(crate) use self::due::spoken;
use self::session::{Session, Step};
use crate::action::Action;
use crate::agenda::Agenda;
use crate::cache::Cache;
use crate::deadline::{At, Deadlines};
use crate::documents::Documents;
use crate::input::{Intent, Now, Settings, SpeakerEvent, SpeakerFailure};

/// How long before its nominal start a sound is ordered: enough to open the file and fill the decoder's ring.
pub(crate) const PLAY_LEAD_MS: i64 = 1_500;
/// How long before that the amplifier's warm-up ends.
const WARM_MARGIN_MS: i64 = 1_500;
/// How long after a start failed an occurrence is tried again.
const RETRY_MS: u64 = 5_000;

/// What the player sees of the rest of the core.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) now: Now,
    pub(crate) boot_wall: UnixMs,
    pub(crate) clock: ClockTrust,
    pub(crate) settings: &'a Settings,
    /// The village's languages; empty while no document says.
    pub(crate) languages: &'a [Language],
    pub(crate) cache: &'a Cache,
    pub(crate) documents: &'a Documents,
}

/// An occurrence that has come to its end.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) intent: Intent,
    pub(crate) outcome: Outcome,
    pub(crate) sound: Option<Sound>,
}

#[derive(Debug, Default)]
pub(crate) struct Player {
    /// Bounded by the items in force: an occurrence comes near only once, and those past their limit leave at once.
    waiting: BTreeMap<(UnixMs, ItemId), Due>,
    session: Option<Session>,
    amplifier: Amplifier,
    /// How many sounds were ordered since boot.
    tokens: u64,
    is_closing: bool,
}

/// How long before its nominal start an occurrence comes into `waiting`.
pub(crate) fn admit_lead_ms(settings: &Settings) -> i64 {
    i64::from(settings.amplifier_warm_up_ms) + WARM_MARGIN_MS + PLAY_LEAD_MS
}

impl Player {
    /// Takes an occurrence that has come near.
    pub(crate) fn admit(&mut self, occurrence: Occurrence, item: Arc<Item>) {
        let due = Due::new(occurrence, item);
        let is_sounding = self.session.as_ref().is_some_and(|s| s.due.occurrence.id == occurrence.id);
        if !is_sounding {
            self.waiting.entry(due.key()).or_insert(due);
        }
    }

    /// Stops and drops what is no longer in force. What was not due yet leaves without a word.
    pub(crate) fn withdraw(
        &mut self,
        agenda: &Agenda,
        now: Now,
        actions: &mut VecDeque<Action>,
    ) -> Vec<Ended> {
        if let Some(session) = self.session.as_mut().filter(|s| !agenda.has(&s.due.item)) {
            session.stop(Reason::Withdrawn, now, actions);
        }
        let gone = |_: &(UnixMs, ItemId), due: &mut Due| !agenda.has(&due.item);
        let withdrawn = self.waiting.extract_if(.., gone);
        let was_due = |due: &Due| due.has_intent || due.occurrence.nominal <= now.wall;
        withdrawn.filter(|(_, due)| was_due(due)).map(|(_, due)| missed(&due, Reason::Withdrawn)).collect()
    }

    /// Ends what can no longer start.
    pub(crate) fn expire(&mut self, scene: &Scene<'_>) -> Vec<Ended> {
        let now = scene.now.wall;
        let has_no_track = |due: &Due| {
            scene.clock != ClockTrust::Unknown
                && due.occurrence.nominal <= now
                && !scene.languages.is_empty()
                && spoken(&due.item, scene.languages).is_empty()
        };
        let is_over = |_: &(UnixMs, ItemId), due: &mut Due| due.limit() < now || has_no_track(due);
        let over = self.waiting.extract_if(.., is_over);
        over.map(|(_, due)| missed(&due, due.missed_reason(scene))).collect()
    }

    /// Begins what is to sound, and looks after the amplifier.
    pub(crate) fn begin(&mut self, scene: &Scene<'_>, actions: &mut VecDeque<Action>) {
        if self.session.is_none() {
            if self.is_closing || scene.clock == ClockTrust::Unknown {
                self.amplifier.rest(scene.settings, scene.now, actions);
            } else {
                self.begin_next(scene, actions);
            }
        }
        let Some(session) = &self.session else { return };
        let may_cut = !self.is_closing && scene.clock != ClockTrust::Unknown;
        let is_cut =
            may_cut && session.due.occurrence.class < Class::Emergency && self.emergency_is_due(scene);
        let Some(session) = &mut self.session else { return };
        if is_cut {
            session.stop(Reason::Yielded, scene.now, actions);
        }
        let sounding = session.due.occurrence.precedence();
        for due in self.waiting.values_mut() {
            let waits = due.occurrence.nominal <= scene.now.wall;
            due.yielded |= waits && due.occurrence.precedence() < sounding;
        }
    }

    fn emergency_is_due(&self, scene: &Scene<'_>) -> bool {
        self.waiting.values().any(|due| {
            let Occurrence { class, nominal, .. } = due.occurrence;
            class == Class::Emergency && nominal <= scene.now.wall && self.could_start(due, scene)
        })
    }

    /// When it would start if it were ordered now.
    fn start_at(&self, due: &Due, scene: &Scene<'_>) -> UnixMs {
        let earliest = scene.now.wall + self.amplifier.warm_up_left_ms(scene.settings, scene.now);
        due.occurrence.nominal.max(earliest)
    }

    fn could_start(&self, due: &Due, scene: &Scene<'_>) -> bool {
        // It came near by a clock that was ahead and has gone back.
        let is_near = due.occurrence.nominal <= scene.now.wall + admit_lead_ms(scene.settings);
        is_near
            && due.retry_at_ms.is_none_or(|until| until <= scene.now.monotonic_ms)
            && self.start_at(due, scene) <= due.limit()
            && due.tracks(scene).is_some()
    }

    fn begin_next(&mut self, scene: &Scene<'_>, actions: &mut VecDeque<Action>) {
        let Scene { now, settings, .. } = *scene;
        let could_start = self.waiting.values().filter(|due| self.could_start(due, scene));
        let best = could_start.max_by_key(|due| due.occurrence.precedence());
        let Some(best) = best else {
            self.amplifier.rest(settings, now, actions);
            return;
        };
        let (key, nominal, tracks) = (best.key(), best.occurrence.nominal, best.tracks(scene));
        self.amplifier.prepare(nominal, settings, now, actions);
        if nominal - PLAY_LEAD_MS > now.wall {
            return;
        }
        let Some((mut due, tracks)) = self.waiting.remove(&key).zip(tracks) else { return };
        let start_at = self.start_at(&due, scene);
        if !std::mem::replace(&mut due.has_intent, true) {
            actions.push_back(Action::RecordIntent(due.intent(None)));
        }
        self.session = Some(Session::begin(due, tracks, &mut self.tokens, start_at, now, actions));
    }

    pub(crate) fn handle_speaker(
        &mut self,
        event: SpeakerEvent,
        now: Now,
        actions: &mut VecDeque<Action>,
    ) -> Option<Ended> {
        let step = self.session.as_mut()?.handle(event, &mut self.tokens, now, actions);
        self.follow(step, now, actions)
    }

    /// Does what the watchdog of a sound demands.
    pub(crate) fn handle_timeout(&mut self, now: Now, actions: &mut VecDeque<Action>) -> Option<Ended> {
        let step = self.session.as_mut()?.handle_timeout(now, actions);
        self.follow(step, now, actions)
    }

    fn follow(&mut self, step: Step, now: Now, actions: &mut VecDeque<Action>) -> Option<Ended> {
        match step {
            Step::Continues => None,
            Step::Began => {
                let session = self.session.as_ref()?;
                actions.push_back(Action::RecordIntent(session.due.intent(session.started)));
                None
            }
            Step::Unstarted(kind) => {
                let Session { mut due, .. } = self.session.take()?;
                let retry_at_ms = now.monotonic_ms.saturating_add(RETRY_MS);
                (due.device_failed, due.retry_at_ms) = match kind {
                    SpeakerFailure::Device | SpeakerFailure::Unreadable | SpeakerFailure::Audio => {
                        (true, Some(retry_at_ms))
                    }
                    SpeakerFailure::Unrecorded => (false, Some(retry_at_ms)),
                    // Its limit has passed, so it is missed at once.
                    SpeakerFailure::Late => (false, None),
                };
                self.waiting.insert(due.key(), due);
                None
            }
            Step::Ended(outcome, sound) => {
                let Session { due, .. } = self.session.take()?;
                if sound.is_some() {
                    // Another revision does not sound again for the same start.
                    self.waiting.remove(&due.key());
                }
                Some(Ended { intent: due.intent(sound.map(|s| s.started)), outcome, sound })
            }
        }
    }

    /// The program ends: stops what sounds, begins nothing.
    pub(crate) fn close(&mut self, now: Now, actions: &mut VecDeque<Action>) {
        self.is_closing = true;
        if let Some(session) = &mut self.session {
            session.stop(Reason::Interrupted, now, actions);
        }
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.session.is_none()
    }

    /// The items that are near or late, with their nominal starts.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (UnixMs, &Arc<Item>)> {
        self.waiting.values().map(|due| (due.occurrence.nominal, &due.item))
    }

    /// The objects that sound or are about to.
    pub(crate) fn sounding(&self) -> impl Iterator<Item = ObjectHash> + '_ {
        self.session.iter().flat_map(Session::objects)
    }

    /// `scene` is as the player last saw it: what fell due between then and now is a deadline that has passed.
    pub(crate) fn deadlines(&self, scene: &Scene<'_>, deadlines: &mut Deadlines) {
        let now = scene.now;
        let mut wall = |at: UnixMs, reason| {
            if at > now.wall {
                deadlines.add(At::Wall(at), reason);
            }
        };
        for due in self.waiting.values() {
            let nominal = due.occurrence.nominal;
            wall(nominal - admit_lead_ms(scene.settings), "an occurrence comes near again");
            wall(nominal - PLAY_LEAD_MS, "a sound must be ordered");
            wall(nominal, "an occurrence is due");
            wall(due.last_call(scene), "start with the languages that are there");
            wall(due.limit() + 1, "an occurrence can no longer start");
        }
        for due in self.waiting.values() {
            if let Some(until) = due.retry_at_ms.filter(|until| *until > now.monotonic_ms) {
                deadlines.add(At::Monotonic(until), "try a sound again");
            }
        }
        if let Some(session) = &self.session {
            deadlines.add(At::Monotonic(session.watchdog_ms()), "a sound should have begun or ended");
        }
        self.amplifier.deadlines(deadlines);
    }
}

fn missed(due: &Due, reason: Reason) -> Ended {
    Ended { intent: due.intent(None), outcome: Outcome::Missed(reason), sound: None }
}
