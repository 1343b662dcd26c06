//! An occurrence that has come near, until it sounds or is missed. One that was interrupted comes back here.

use std::sync::Arc;

use loa_protocol::ids::{ItemId, OccurrenceId};
use loa_protocol::plan::Item;
use loa_protocol::receipt::{Outcome, Reason, Sound};
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{
    AfterInterruption, Aired, Candidate, ORDER_AHEAD_MS, Occurrence, SessionPlan, last_call, objects_heard,
};

use super::{Ended, Scene};
use crate::agenda::Agenda;
use crate::input::{Intent, Now, Progress};

/// What the guards have against it for the time being (rule G8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) reason: Reason,
    pub(super) until: UnixMs,
}

#[derive(Clone, Debug)]
pub(super) struct Due {
    pub(super) occurrence: Occurrence,
    pub(super) item: Arc<Item>,
    /// Since when it is known in this boot, on the monotonic clock: one that is set neither shortens nor lengthens a wait.
    pub(super) known_since_ms: u64,
    /// What is in the store of it; if anything is, it must end in a receipt, whatever happens.
    pub(super) begun: Option<Begun>,
    /// Another session was on while it was due: the last such.
    pub(super) winner: Option<OccurrenceId>,
    /// One that goes before it sounded while it was due.
    pub(super) yielded: bool,
    pub(super) held: Option<Held>,
    /// The device failed when it was last tried.
    pub(super) device_failed: bool,
    /// Not tried again before this instant of the monotonic clock.
    pub(super) retry_at_ms: Option<u64>,
}

/// What an occurrence has behind it whose intent is in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Begun {
    /// When its first sample left, if one did.
    pub(super) started: Option<UnixMs>,
    pub(super) progress: Progress,
}

impl Begun {
    /// What the store tells after a power cut. What was on then was interrupted by it.
    pub(super) fn after_power_cut(intent: &Intent) -> Self {
        Self { started: intent.started, progress: intent.progress }
    }

    /// Takes it up again, if that is what its item wants and there is a time left for it (rules I2 to I4).
    pub(super) fn take_up(mut self, item: &Item) -> Option<Self> {
        if self.progress.interrupted.is_some() {
            return Some(self);
        }
        match item.rules.after_interruption {
            AfterInterruption::Resume | AfterInterruption::Restart if self.progress.is_taken_up => {
                return None;
            }
            AfterInterruption::Drop => return None,
            AfterInterruption::Resume => {}
            AfterInterruption::Restart => (self.progress.part, self.progress.defect) = (0, None),
        }
        self.progress.interrupted = Some(Reason::Interrupted);
        Some(self)
    }

    /// It ends, as the power cut left it.
    pub(super) fn end(self, intent: Intent) -> Ended {
        let reason = self.progress.interrupted.unwrap_or(Reason::Interrupted);
        // How long it sounded when the power went is not known; what is known is that it began.
        let sound = self.sound();
        let outcome = match sound {
            Some(_) => Outcome::Partial(reason),
            None => Outcome::Missed(reason),
        };
        let aired = self.started.map(|started| Aired {
            class: intent.class,
            started,
            sound_ms: self.progress.aired_ms(),
        });
        Ended { outcome, sound, winner: self.progress.cut_by, aired, intent }
    }

    fn sound(&self) -> Option<Sound> {
        self.started.map(|started| Sound { started, played_ms: self.progress.played_ms })
    }
}

impl Due {
    pub(super) fn new(occurrence: Occurrence, item: Arc<Item>, now: Now) -> Self {
        Self {
            occurrence,
            item,
            known_since_ms: now.monotonic_ms,
            begun: None,
            winner: None,
            yielded: false,
            held: None,
            device_failed: false,
            retry_at_ms: None,
        }
    }

    /// Takes its item as the documents have it now (rule D4). `false` where they have it no longer, or with other sounds than those
    /// of which something was heard.
    pub(super) fn follow(&mut self, agenda: &Agenda) -> bool {
        let now = agenda.find(&self.item.id, self.item.revision, self.occurrence.nominal);
        let Some((occurrence, item)) = now else { return false };
        if self.has_sounded() && !sounds_as(&item, &self.item) {
            return false;
        }
        (self.occurrence, self.item) = (occurrence, item);
        true
    }

    /// Whether its first sample was heard.
    pub(super) fn has_sounded(&self) -> bool {
        self.begun.is_some_and(|begun| begun.started.is_some())
    }

    /// Names it among the occurrences of its node.
    pub(super) fn key(&self) -> (UnixMs, ItemId) {
        (self.occurrence.nominal, self.item.id.clone())
    }

    /// When it is to begin: at its nominal start, or when the guards let it.
    pub(super) fn begin_at(&self) -> UnixMs {
        self.held.map_or(self.occurrence.nominal, |held| held.until.max(self.occurrence.nominal))
    }

    /// The latest instant at which it may start.
    pub(super) fn limit(&self) -> UnixMs {
        self.occurrence.nominal + i64::from(self.item.start_within_ms)
    }

    /// Whether it was interrupted and waits to be taken up again (section I of the timeline).
    pub(super) fn interrupted(&self) -> Option<&Begun> {
        self.begun.as_ref().filter(|begun| begun.progress.interrupted.is_some())
    }

    /// The latest instant at which it may begin or be taken up again (rule I3).
    pub(super) fn latest(&self, scene: &Scene<'_>) -> UnixMs {
        let whole_ms = self.interrupted().and_then(|_| Some(self.whole(scene)?.length_ms(0)));
        self.limit() + whole_ms.unwrap_or(0)
    }

    /// When it starts with the languages that are there, although others are lacking (rule N3).
    pub(super) fn last_call(&self, scene: &Scene<'_>) -> UnixMs {
        let known_for_ms = scene.now.monotonic_ms.saturating_sub(self.known_since_ms).cast_signed();
        let due = self.occurrence.nominal.max(scene.now.wall - known_for_ms);
        let lead_ms = ORDER_AHEAD_MS + i64::from(scene.settings.amplifier_warm_up_ms);
        last_call(self.occurrence.class, due, self.latest(scene), lead_ms)
    }

    /// The part from which it would go on.
    pub(super) fn next_part(&self) -> u32 {
        self.begun.map_or(0, |begun| begun.progress.part)
    }

    /// The session as its documents have it, whatever is in the cache.
    fn whole(&self, scene: &Scene<'_>) -> Option<SessionPlan> {
        let duration = |object: &_| Some(scene.documents.manifest(object)?.duration_ms);
        SessionPlan::new(&self.item, scene.languages, duration)
    }

    /// What it would play now; `None` while it waits for audio, or has nothing to play.
    pub(super) fn plan(&self, scene: &Scene<'_>) -> Option<SessionPlan> {
        let duration = |object: &_| {
            let manifest = scene.documents.manifest(object)?;
            scene.has(object).then_some(manifest.duration_ms)
        };
        let plan = SessionPlan::new(&self.item, scene.languages, duration)?;
        let waits = plan.is_lacking && scene.now.wall < self.last_call(scene);
        (!waits && plan.left(self.next_part()).next().is_some()).then_some(plan)
    }

    /// What the guards judge: what is left of its session.
    pub(super) fn candidate(&self, plan: &SessionPlan) -> Candidate {
        let from = self.next_part();
        Candidate {
            class: self.occurrence.class,
            length_ms: plan.length_ms(from),
            sound_ms: plan.sound_ms(from),
            is_taken_up: self.interrupted().is_some(),
        }
    }

    /// What counts of it towards the budgets so far.
    pub(super) fn aired(&self) -> Option<Aired> {
        let Begun { started, progress } = self.begun?;
        let started = started?;
        Some(Aired { class: self.occurrence.class, started, sound_ms: progress.aired_ms() })
    }

    pub(super) fn intent(&self) -> Intent {
        let Begun { started, progress } = self.begun.unwrap_or_default();
        Intent {
            occurrence: self.occurrence.id,
            item: self.item.id.clone(),
            revision: self.item.revision,
            bulletin: self.item.bulletin.clone(),
            nominal: self.occurrence.nominal,
            class: self.occurrence.class,
            started,
            progress,
        }
    }

    /// Whether nothing at all can come of it, because the item has no track for the village (rule N2).
    pub(super) fn has_no_track(&self, scene: &Scene<'_>) -> bool {
        !scene.languages.is_empty() && objects_heard(&self.item, scene.languages).is_empty()
    }

    /// It ends without sounding, or without sounding again.
    pub(super) fn end(&self, reason: Reason, winner: Option<OccurrenceId>) -> Ended {
        let outcome = match self.begun.and_then(|begun| begun.sound()) {
            Some(_) => Outcome::Partial(reason),
            None => Outcome::Missed(reason),
        };
        self.over(outcome, winner.or_else(|| self.begun.and_then(|begun| begun.progress.cut_by)))
    }

    /// It ends with this outcome.
    pub(super) fn over(&self, outcome: Outcome, winner: Option<OccurrenceId>) -> Ended {
        let sound = self.begun.and_then(|begun| begun.sound());
        Ended { intent: self.intent(), outcome, sound, winner, aired: self.aired() }
    }

    /// It ends because its time has passed (rules R4 and I4).
    pub(super) fn end_late(&self, scene: &Scene<'_>) -> Ended {
        let reason = self.late_reason(scene);
        self.end(reason, self.winner.filter(|_| matches!(reason, Reason::Yielded | Reason::TooLate)))
    }

    fn late_reason(&self, scene: &Scene<'_>) -> Reason {
        if let Some(reason) = self.interrupted().and_then(|begun| begun.progress.interrupted) {
            return reason;
        }
        let wanted = objects_heard(&self.item, scene.languages);
        let is_there = |object| scene.has(object);
        if self.limit() < scene.boot_wall {
            Reason::TooLate
        } else if scene.clock == ClockTrust::Unknown {
            Reason::ClockUnknown
        } else if wanted.is_empty() {
            Reason::NoTrackForLanguage
        } else if self.device_failed {
            Reason::SpeakerFailed
        } else if self.yielded {
            Reason::Yielded
        } else if let Some(held) = self.held {
            held.reason
        } else if !self.item.heard(scene.languages).iter().all(|track| is_there(&track.object)) {
            Reason::AudioIncomplete
        } else {
            Reason::TooLate
        }
    }
}

/// Whether the same is heard of both.
pub(super) fn sounds_as(one: &Item, other: &Item) -> bool {
    let of = |item: &Item| (item.rules.chime_before, item.rules.repeats, item.rules.chime_after);
    one.tracks == other.tracks && of(one) == of(other)
}
