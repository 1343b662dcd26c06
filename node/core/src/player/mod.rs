//! What sounds, and when: one sound at a time.
//!
//! ```text
//! Agenda ── admit ─> waiting ── begin ─> session ── end ─> Ended (a receipt)
//!                      │  ^                │
//!                      │  ├─ not started (device, disk, yielded): tried again
//!                      │  └─ interrupted, and its policy wants it to sound again
//!                      └─ limit passed, guarded, superseded, withdrawn ───────> Ended (a receipt)
//! ```
//!
//! The rules are those of the [`timeline`](loa_protocol::timeline); their numbers stand where they are held. What is the board's
//! own: an occurrence comes into `waiting` a little before its nominal start, so that the amplifier is warm in time, and a sound is
//! ordered [`ORDER_AHEAD_MS`] ahead.
//!
//! **Invariants.** An [`Action::RecordIntent`] comes before the first [`Action::Play`] of each session, and every
//! intent ends in a receipt. Between an `Action::Play` and its end there is no other.

mod amplifier;
mod due;
mod judge;
mod session;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use loa_protocol::bulletin::{Class, Language};
use loa_protocol::command::Order;
use loa_protocol::ids::{ItemId, ObjectHash, OccurrenceId};
use loa_protocol::plan::Item;
use loa_protocol::receipt::{Outcome, Reason, Sound};
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Aired, NEAR_MS, ORDER_AHEAD_MS, Occurrence, Watch};

use self::amplifier::Amplifier;
use self::due::{Begun, Due};
use self::session::{Session, Step, Stop};
use crate::action::Action;
use crate::agenda::Agenda;
use crate::cache::Cache;
use crate::deadline::{At, Deadlines};
use crate::documents::Documents;
use crate::input::{Intent, Now, Settings, SpeakerEvent, SpeakerFailure};
use crate::ledger::Ledger;

/// How long before that the amplifier's warm-up ends.
const WARM_MARGIN_MS: i64 = 1_500;
/// How long after a start failed an occurrence is tried again.
const RETRY_MS: u64 = 5_000;
/// The same for an emergency: while the amplifier is still warm.
const EMERGENCY_RETRY_MS: u64 = 2_000;

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
    /// The guards of the documents in force.
    pub(crate) watch: &'a Watch,
    pub(crate) ledger: &'a Ledger,
}

impl Scene<'_> {
    /// Whether an object can sound: it is whole in the cache, or came with alerts.
    pub(crate) fn has(&self, object: &ObjectHash) -> bool {
        self.cache.is_whole(object) || self.documents.has_inline(object)
    }
}

/// An occurrence that has come to its end.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) intent: Intent,
    pub(crate) outcome: Outcome,
    pub(crate) sound: Option<Sound>,
    /// Who sounded instead of it, or cut it.
    pub(crate) winner: Option<OccurrenceId>,
    /// What counts towards the budgets.
    pub(crate) aired: Option<Aired>,
}

#[derive(Debug, Default)]
pub(crate) struct Player {
    /// Bounded by the items in force: an occurrence comes near only once, and those past their limit leave at once.
    waiting: BTreeMap<(UnixMs, ItemId), Due>,
    session: Option<Session>,
    amplifier: Amplifier,
    /// How many sounds were ordered since boot.
    tokens: u64,
    /// Of which the first sample was just heard.
    begun: Option<(ItemId, u32, UnixMs)>,
    is_closing: bool,
}

/// How long before its nominal start an occurrence comes into `waiting`.
pub(crate) fn admit_lead_ms(settings: &Settings) -> i64 {
    NEAR_MS.max(i64::from(settings.amplifier_warm_up_ms) + WARM_MARGIN_MS + ORDER_AHEAD_MS)
}

impl Player {
    /// Takes an occurrence that has come near.
    pub(crate) fn admit(&mut self, occurrence: Occurrence, item: Arc<Item>, now: Now) {
        let due = Due::new(occurrence, item, now);
        let is_sounding = self.session.as_ref().is_some_and(|s| s.due.occurrence.id == occurrence.id);
        if !is_sounding {
            self.waiting.entry(due.key()).or_insert(due);
        }
    }

    /// Takes what was on, or waited to be taken up again, when the power went (rule I2). Gives it back as ended where it does not
    /// sound again: `item` is `None` where no document in force has it in this revision.
    pub(crate) fn restore(
        &mut self,
        intent: Intent,
        item: Option<(Occurrence, Arc<Item>)>,
        now: Now,
    ) -> Option<Ended> {
        let begun = Begun::after_power_cut(&intent);
        let Some((occurrence, item)) = item else { return Some(begun.end(intent)) };
        let Some(taken_up) = begun.take_up(&item) else { return Some(begun.end(intent)) };
        let due = Due { begun: Some(taken_up), ..Due::new(occurrence, item, now) };
        self.waiting.insert(due.key(), due);
        None
    }

    /// Follows the items as the documents have them now (rule D4): what waits is as its item is now; what is no longer in force is
    /// stopped or dropped. What was not due yet leaves without a word.
    pub(crate) fn follow_items(
        &mut self,
        agenda: &Agenda,
        languages: &[Language],
        now: Now,
        actions: &mut VecDeque<Action>,
    ) -> Vec<Ended> {
        if let Some(session) = &mut self.session {
            session.follow(agenda, languages, now, actions);
        }
        let gone = |_: &(UnixMs, ItemId), due: &mut Due| {
            let has_start = due.has_sounded() || agenda.starts_at(&due.item.id, due.occurrence.nominal);
            !has_start || !due.follow(agenda)
        };
        let withdrawn = self.waiting.extract_if(.., gone);
        let was_due = |due: &Due| due.begun.is_some() || due.occurrence.nominal <= now.wall;
        withdrawn.filter(|(_, due)| was_due(due)).map(|(_, due)| due.end(Reason::Withdrawn, None)).collect()
    }

    /// Ends what an order ends, of what sounds and of what is due and waits.
    pub(crate) fn obey(&mut self, order: &Order, now: Now, actions: &mut VecDeque<Action>) -> Vec<Ended> {
        let ends = |due: &Due| order.ends(&due.occurrence.id, &due.item.bulletin, due.occurrence.class);
        if let Some(session) = self.session.as_mut().filter(|session| ends(&session.due)) {
            session.stop(Stop { reason: Reason::Stopped, winner: None }, now, actions);
        }
        let is_over = |_: &(UnixMs, ItemId), due: &mut Due| {
            ends(due) && (due.begun.is_some() || due.occurrence.nominal <= now.wall)
        };
        let over = self.waiting.extract_if(.., is_over);
        over.map(|(_, due)| due.end(Reason::Stopped, None)).collect()
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
        let Some(stop) = self.session.as_ref().map(|session| self.must_stop(session, scene)) else { return };
        if let Some((session, stop)) = self.session.as_mut().zip(stop) {
            session.stop(stop, scene.now, actions);
        }
    }

    /// Rule T3: who is on while others are due. It comes before whatever may end the session, or what waits.
    fn note_winner(&mut self, now: Now) {
        let Some(session) = &self.session else { return };
        let sounding = session.due.occurrence;
        for due in self.waiting.values_mut().filter(|due| due.occurrence.nominal <= now.wall) {
            due.winner = Some(sounding.id);
            due.yielded |= due.occurrence.precedence() < sounding.precedence();
        }
    }

    fn begin_next(&mut self, scene: &Scene<'_>, actions: &mut VecDeque<Action>) {
        let Scene { now, settings, .. } = *scene;
        let could_start = self.waiting.values().filter(|due| self.could_start(due, scene));
        let best = could_start.max_by_key(|due| due.occurrence.precedence());
        let Some(best) = best else {
            self.amplifier.rest(settings, now, actions);
            return;
        };
        let (key, begin_at, plan) = (best.key(), best.begin_at(), best.plan(scene));
        self.amplifier.prepare(begin_at, settings, now, actions);
        if begin_at - ORDER_AHEAD_MS > now.wall {
            return;
        }
        let Some((due, plan)) = self.waiting.remove(&key).zip(plan) else { return };
        let start = (self.start_at(&due, scene), due.latest(scene));
        let inline = |object: &ObjectHash| scene.documents.inline(object);
        self.session = Session::begin(due, &plan, inline, &mut self.tokens, start, now, actions);
    }

    /// Item, revision and instant, where the first sample of an occurrence was heard since this was last asked.
    pub(crate) fn take_begun(&mut self) -> Option<(ItemId, u32, UnixMs)> {
        self.begun.take()
    }

    pub(crate) fn handle_speaker(
        &mut self,
        event: SpeakerEvent,
        now: Now,
        actions: &mut VecDeque<Action>,
    ) -> Option<Ended> {
        self.note_winner(now);
        let step = self.session.as_mut()?.handle(event, &mut self.tokens, now, actions);
        self.follow(step, now, actions)
    }

    /// An object is not whole any more: what sounds goes on without the parts to come that need it (rule N4).
    pub(crate) fn lose(&mut self, object: &ObjectHash) {
        if let Some(session) = &mut self.session {
            session.lose(object);
        }
    }

    /// Does what the watchdog of a sound demands.
    pub(crate) fn handle_timeout(&mut self, now: Now, actions: &mut VecDeque<Action>) -> Option<Ended> {
        self.note_winner(now);
        let step = self.session.as_mut()?.handle_timeout(now, actions);
        self.follow(step, now, actions)
    }

    fn follow(&mut self, step: Step, now: Now, actions: &mut VecDeque<Action>) -> Option<Ended> {
        match step {
            Step::Continues => None,
            Step::Advanced => {
                actions.push_back(Action::RecordIntent(self.session.as_ref()?.due.intent()));
                None
            }
            Step::Begun(started) => {
                let due = &self.session.as_ref()?.due;
                actions.push_back(Action::RecordIntent(due.intent()));
                self.begun = Some((due.item.id.clone(), due.item.revision, started));
                None
            }
            Step::Unstarted(failure) => {
                let session = self.session.take()?;
                let recorded = session.due.begun;
                let mut due = session.unstarted();
                if due.begun != recorded {
                    actions.push_back(Action::RecordIntent(due.intent()));
                }
                let is_emergency = due.occurrence.class == Class::Emergency;
                let retry_ms = if is_emergency { EMERGENCY_RETRY_MS } else { RETRY_MS };
                let retry_at_ms = now.monotonic_ms.saturating_add(retry_ms);
                (due.device_failed, due.retry_at_ms) = match failure {
                    Some(SpeakerFailure::Device | SpeakerFailure::Unreadable | SpeakerFailure::Audio) => {
                        (true, Some(retry_at_ms))
                    }
                    Some(SpeakerFailure::Unrecorded) => (false, Some(retry_at_ms)),
                    // It yielded; or its limit has passed, so it is missed at once.
                    None | Some(SpeakerFailure::Late) => (false, None),
                };
                self.waiting.insert(due.key(), due);
                None
            }
            Step::Over => match self.session.take()?.finish() {
                Ok(ended) => {
                    if ended.sound.is_some() {
                        // Another revision does not sound again for the same start.
                        self.waiting.remove(&(ended.intent.nominal, ended.intent.item.clone()));
                    }
                    Some(ended)
                }
                Err(due) => {
                    actions.push_back(Action::RecordIntent(due.intent()));
                    // A program that ends leaves it to the next boot.
                    if !self.is_closing {
                        self.waiting.insert(due.key(), *due);
                    }
                    None
                }
            },
        }
    }

    /// The program ends: stops what sounds, begins nothing.
    pub(crate) fn close(&mut self, now: Now, actions: &mut VecDeque<Action>) {
        self.is_closing = true;
        if let Some(session) = &mut self.session {
            session.stop(Stop { reason: Reason::Interrupted, winner: None }, now, actions);
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
            let begin_at = due.begin_at();
            wall(begin_at - admit_lead_ms(scene.settings), "an occurrence comes near again");
            wall(begin_at - ORDER_AHEAD_MS, "a sound must be ordered");
            wall(due.occurrence.nominal, "an occurrence is due");
            wall(due.last_call(scene), "start with the languages that are there");
            wall(due.latest(scene) + 1, "an occurrence can no longer start");
        }
        if let Some(quiet) = self.session.as_ref().and_then(|session| judge::quiet_ahead(session, scene)) {
            wall(quiet, "quiet hours begin");
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
