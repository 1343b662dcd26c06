//! What is heard of one node, and when an emergency must have been.

use loa_node_core::{Slot, SpeakerEvent, SpeakerFailure, Token};
use loa_protocol::bulletin::Class;
use loa_protocol::command::Command;
use loa_protocol::ids::{ItemId, ObjectHash};
use loa_protocol::receipt::Receipt;
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Start;

use super::board::Board;
use super::broker::Life;
use super::event::Event;
use super::facts::InForce;
use super::invariants::{self, EMERGENCY_BOUND_MS, LACKING_BOUND_MS};
use super::life::boot_id;
use super::obedience;
use super::office::Publication;
use super::speaker::{Beginning, End};
use super::{MINUTE, SECOND};

/// How long trouble lasts on after it has ended: the core tries again after pauses.
const AFTERMATH_MS: i64 = 2 * MINUTE;
/// What is due so soon may be on its way to the loudspeaker.
const CLOSE_MS: i64 = 10 * SECOND;
/// What an order or a document ends is silent by then.
const SILENCED_MS: i64 = SECOND;
/// What an order ends has its receipt by then, even where the device hangs and has to be given up.
const STOPPED_MS: i64 = MINUTE;

impl Board<'_> {
    pub(super) fn sound_begins(&mut self, token: Token) {
        let Some(beginning) = self.speaker.begin(&mut self.rng, self.t, token) else { return };
        let Some(voice) = self.speaker.voice else { return };
        if beginning == Beginning::Nothing {
            self.trouble();
            return;
        }
        let verdict = invariants::the_amplifier_is_warm(&self.speaker, self.t);
        self.demand("the amplifier is on and warm when a sound begins", verdict);
        self.heard = Some(voice.object);
        let boot = self.boots;
        match beginning {
            Beginning::Heard { ends_after_ms } => {
                self.queue.push(self.t + ends_after_ms, Event::SoundEnds { boot, token });
            }
            Beginning::HeardAndHung | Beginning::Nothing => self.trouble(),
        }
        let at = self.clock.wall(self.t);
        self.with_core(|core, now| {
            core.handle_speaker(SpeakerEvent::Started { token, at, error_ms: 0.0 }, now)
        });
        if let Some(object) = self.heard.take() {
            self.later_track(&object);
        }
    }

    /// The core named no occurrence: it is the next track of the one that sounds.
    fn later_track(&mut self, object: &ObjectHash) {
        if self.running.is_none() {
            return;
        }
        let session = self.session.and_then(|occurrence| self.intents.get(&occurrence)).cloned();
        let verdict = match session {
            Some(intent) => {
                let almanac = &self.file.history.almanac;
                invariants::only_what_is_planned_sounds(&self.facts.books, almanac, &intent, object)
            }
            None => Err(format!("{object} is heard, and no intent names it")),
        };
        self.demand("only what a plan in force names sounds", verdict);
    }

    pub(super) fn sound_ends(&mut self, token: Token) {
        let Some(End { failed, played_ms }) = self.speaker.end(self.t, token) else { return };
        let event = if failed {
            self.trouble();
            SpeakerEvent::Failed { token, kind: SpeakerFailure::Device, played_ms }
        } else {
            SpeakerEvent::Finished { token, played_ms }
        };
        self.with_core(|core, now| core.handle_speaker(event, now));
    }

    pub(super) fn sound_stopped(&mut self, token: Token) {
        let Some(End { played_ms, .. }) = self.speaker.stopped(self.t, token) else { return };
        self.with_core(|core, now| core.handle_speaker(SpeakerEvent::Stopped { token, played_ms }, now));
    }

    /// Another plan is in force, or another object is whole: looks again at the emergencies that must be heard.
    pub(super) fn expect_emergencies(&mut self, of: Option<ObjectHash>) {
        let wall = self.clock.wall(self.t);
        let mut due = Vec::new();
        for planned in self.facts.books.items() {
            let item = planned.item;
            let Start::At(nominal) = item.start else { continue };
            let may_start = nominal + i64::from(item.start_within_ms) > wall;
            let is_meant = of.is_none_or(|object| self.facts.books.sounds(item).contains(&object));
            if item.class == Class::Emergency && may_start && is_meant && nominal < planned.expires {
                let from = self.t + nominal.since(wall).max(0);
                due.push((item.id.clone(), item.revision, nominal, from));
            }
        }
        for (item, revision, nominal, from) in due {
            for bound_ms in [EMERGENCY_BOUND_MS, LACKING_BOUND_MS] {
                let (boot, item) = (self.boots, item.clone());
                let due = Event::EmergencyDue { boot, item, revision, nominal, from };
                self.queue.push(from + bound_ms, due);
            }
        }
    }

    pub(super) fn emergency_due(&mut self, item: &ItemId, revision: u32, nominal: UnixMs, from: i64) {
        let wall = self.clock.wall(self.t);
        let planned = self.facts.books.item(item).filter(|planned| planned.revision == revision);
        let Some(planned) = planned else { return };
        let ready_from = self.clock.wall(from);
        if ready_from < nominal {
            // The clock was ahead when it was reckoned, or goes slowly: it is due later.
            let (boot, item) = (self.boots, item.clone());
            let later = self.t + nominal.since(wall).max(0);
            let due = Event::EmergencyDue { boot, item, revision, nominal, from: later };
            self.queue.push(later + (self.t - from), due);
            return;
        }
        let heard = self.facts.books.heard(planned);
        let is_there =
            |object: &ObjectHash| self.facts.whole_since(object).is_some_and(|since| since <= ready_from);
        let has_audio = if self.t - from < LACKING_BOUND_MS {
            !heard.is_empty() && heard.iter().all(is_there)
        } else {
            heard.iter().any(is_there)
        };
        let may_start = nominal + i64::from(planned.start_within_ms) > wall;
        // The plan itself may have come at that instant; other trouble must lie well behind. A full disk is none.
        let is_undisturbed =
            self.is_able() && self.hindered_until + AFTERMATH_MS < from && self.upset_until <= from;
        let other = self.session.and_then(|occurrence| self.intents.get(&occurrence));
        let waits_for_another = other.is_some_and(|intent| {
            let sounding = self.facts.books.item(&intent.item).map(|other| other.class);
            intent.item != *item && sounding == Some(Class::Emergency)
        });
        // Another that is or was due meanwhile may go before it.
        let may_compete = |other: &InForce<'_>| {
            let over = i64::from(other.item.start_within_ms) + 2 * self.facts.books.session_ms(other.item);
            match other.item.start {
                Start::At(at) => at <= wall + CLOSE_MS && ready_from <= at + over,
                Start::Cron(_) => true,
            }
        };
        let emergencies = self.facts.books.items().into_iter().filter(|p| p.item.class == Class::Emergency);
        let several = emergencies.filter(may_compete).any(|other| other.item.id != *item);
        // G2 holds for emergencies too.
        let session_ms = self.facts.books.session_ms(planned);
        let longest_ms = self.facts.books.guards().filter_map(|guards| guards.longest_session_ms).min();
        let is_too_long = longest_ms.is_some_and(|longest_ms| session_ms > i64::from(longest_ms));
        // It was tried, and ended by trouble that has ended since.
        let has_ended = self.settled.contains(&(item.clone(), nominal))
            || self.facts.receipts.iter().any(|receipt| receipt.item == *item && receipt.nominal == nominal);
        if !has_ended
            && !is_too_long
            && has_audio
            && may_start
            && is_undisturbed
            && !waits_for_another
            && !several
        {
            let verdict = invariants::an_emergency_is_heard(&self.sounded, item, nominal);
            self.demand("an emergency reaches sound within its bound", verdict);
        }
    }

    /// An order is obeyed: what it ends, of what sounds, is silent before long.
    pub(super) fn order_obeyed(&mut self, publication: &Publication, command: &Command) {
        let order = &command.order;
        let trust = self.running.as_ref().map(|running| running.trust);
        let boot = (trust == Some(ClockTrust::Unknown)).then(|| boot_id(self.boots));
        let wall = self.clock.wall(self.t);
        let verdict = obedience::an_order_is_of_now(publication, command, boot, wall);
        self.demand("an order is of now, or names the boot of a node without a clock", verdict);
        let verdict = obedience::an_order_is_obeyed_once(&mut self.obeyed, &self.facts.books, publication);
        self.demand("an order is obeyed once, by those whom it is for", verdict);
        let intent = self.session.and_then(|occurrence| self.intents.get(&occurrence));
        let ends = intent.is_some_and(|i| order.ends(&i.occurrence, &i.bulletin, i.class));
        self.orders.push((self.t, order.clone()));
        if ends {
            self.expect_silence(None);
        }
    }

    /// Documents are in force that do not have what sounds any more (timeline, D4; of alerts protocol, 4.6).
    pub(super) fn expect_silence_of_withdrawn(&mut self) {
        let intent = self.session.and_then(|occurrence| self.intents.get(&occurrence));
        let withdrawn = intent.filter(|intent| self.facts.books.item(&intent.item).is_none());
        if let Some(item) = withdrawn.map(|intent| intent.item.clone()) {
            self.expect_silence(Some(item));
        }
    }

    fn expect_silence(&mut self, withdrawn: Option<ItemId>) {
        if let Some(voice) = self.speaker.voice.filter(|voice| voice.began.is_some()) {
            let (boot, token) = (self.boots, voice.token);
            self.queue.push(self.t + SILENCED_MS, Event::Silenced { boot, token, withdrawn });
        }
    }

    /// What ends as stopped was named by an order just before.
    pub(super) fn is_stopped_by_an_order(&mut self, receipt: &Receipt) {
        let class = self.classes.get(&receipt.occurrence).copied();
        let class = class.or_else(|| Some(self.facts.books.item(&receipt.item)?.class));
        self.orders.retain(|(at, _)| self.t - at < STOPPED_MS);
        let orders = self.orders.iter().map(|(_, order)| order);
        let verdict = obedience::an_order_stops_only_what_it_names(orders, class, receipt);
        self.demand("an order ends what it names, and nothing else", verdict);
    }

    pub(super) fn silenced(&mut self, token: Token, withdrawn: Option<&ItemId>) {
        // A key set, or a place, may have come before the documents that it lets in.
        if withdrawn.is_some_and(|item| self.facts.books.item(item).is_some()) {
            return;
        }
        let sounds = self.speaker.is_heard() && self.speaker.voice.is_some_and(|voice| voice.token == token);
        let verdict = if sounds { Err("it still sounds".to_owned()) } else { Ok(()) };
        self.demand("what is ended is silent within a second", verdict);
    }

    /// A connected node has obeyed an order by now.
    pub(super) fn order_told(&mut self, publication: &Publication, life: Life, sent: i64) {
        let Some(running) = &self.running else { return };
        let wall = self.clock.wall(self.t);
        let is_for_it = self.facts.books.path().is_some_and(|path| match &publication.slot {
            Slot::Command(Some(area)) => path.contains(area),
            Slot::Command(None) => true,
            Slot::Keys | Slot::Node | Slot::Plan(_) | Slot::Alert(_) => false,
        });
        let is_reliable = self.broker.was_reliable_since(life, sent);
        let undisturbed = self.trouble_until < sent - SECOND;
        // Whose clock is a little behind or ahead may take it for one of the future or the past.
        let is_valid = publication.not_before + SECOND <= self.clock.wall(sent) && wall < publication.expires;
        // X3: what names the boot of a node without a clock is believed whatever its clock says.
        let names_boot = publication.document.order().and_then(|c| c.boot) == Some(boot_id(self.boots));
        let had_no_clock = running.trust == ClockTrust::Unknown && running.trust_since < sent - SECOND;
        let is_believed = match running.trust {
            ClockTrust::Unknown => names_boot && had_no_clock && running.stopping.is_none(),
            ClockTrust::Trusted | ClockTrust::Holdover => undisturbed && is_valid,
        };
        let may_verify = self.facts.books.knows_key_of(publication);
        let is_obeyed = self.obeyed.contains(&publication.applied.digest);
        if is_believed && is_for_it && is_reliable && may_verify && !is_obeyed {
            let what = format!("{:?} to {:?} is not obeyed", publication.document, publication.slot);
            self.demand("a connected node obeys an order at once", Err(what));
        }
    }

    /// A node that was away has applied by now the alerts that it found when it subscribed.
    pub(super) fn alerts_found(&mut self, publication: &Publication, life: Life, sent: i64) {
        let Some(running) = &self.running else { return };
        let is_sure = running.trust != ClockTrust::Unknown && running.trust_since < sent - SECOND;
        let is_current = self
            .file
            .current(&publication.slot, self.t)
            .is_some_and(|now| now.applied == publication.applied);
        let is_for_it = self.facts.books.path().is_some_and(|path| match &publication.slot {
            Slot::Alert(area) => path.contains(area),
            Slot::Keys | Slot::Node | Slot::Plan(_) | Slot::Command(_) => false,
        });
        // Documents are no trouble here: they come with the subscription.
        let undisturbed = running.stopping.is_none()
            && self.broker.was_reliable_from_its_subscription(life, sent)
            && self.hindered_until < sent - SECOND;
        let was_valid = publication.not_before <= self.clock.wall(sent)
            && self.clock.wall(self.t) < publication.expires
            && self.facts.books.knows_key_of(publication);
        if is_sure && is_current && is_for_it && undisturbed && was_valid {
            let held = self.facts.books.held.get(&publication.slot).map(|held| held.applied);
            let what = || format!("{:?} is {held:?}, and not {:?}", publication.slot, publication.applied);
            let has = held.is_some_and(|held| held.sequence >= publication.applied.sequence);
            self.demand(
                "a node that was away finds the alerts on connecting",
                if has { Ok(()) } else { Err(what()) },
            );
        }
    }

    /// A connected node has applied an emergency by now.
    pub(super) fn emergency_told(&mut self, publication: &Publication, life: Life, sent: i64) {
        let trusted = self.running.as_ref().is_some_and(|running| running.trust != ClockTrust::Unknown);
        let is_current = self
            .file
            .current(&publication.slot, self.t)
            .is_some_and(|now| now.applied == publication.applied);
        let is_for_it = self.facts.books.path().is_some_and(|path| match &publication.slot {
            Slot::Plan(area) | Slot::Alert(area) => path.contains(area),
            Slot::Node => true,
            Slot::Keys | Slot::Command(_) => false,
        });
        let undisturbed = self.broker.was_reliable_since(life, sent) && self.trouble_until < sent - SECOND;
        // A controller whose clock is ahead by more than documents are valid before they are issued sends one of the future: the
        // node keeps it, and tries it again each minute. So it must have been valid when it was sent, not only by now.
        let was_valid = publication.not_before <= self.clock.wall(sent);
        let is_over = publication.expires <= self.clock.wall(self.t);
        let may_verify = self.facts.books.knows_key_of(publication) && was_valid && !is_over;
        let before = self.facts.books.held.get(&publication.slot).map(|held| held.applied.sequence);
        if trusted && is_current && is_for_it && undisturbed && may_verify {
            let has = before.is_some_and(|sequence| sequence >= publication.applied.sequence);
            let what =
                || format!("{:?} holds {before:?} and not {:?}", publication.slot, publication.applied);
            self.demand(
                "a connected node applies an emergency at once",
                if has { Ok(()) } else { Err(what()) },
            );
        }
    }
}
