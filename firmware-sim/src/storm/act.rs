//! Carries out what the core wants, as the daemon does: one action after the other, each of which may be the one in which
//! the power goes.

use std::sync::Arc;

use ed25519_dalek::Signer as _;
use loa_node_core::{
    Action, Core, Ending, InlineSound, Intent, Link, Now, Slot, SpeakerEvent, SpeakerFailure, StoreEvent,
    StoredDocument, Token,
};
use loa_protocol::ids::ObjectHash;
use loa_protocol::receipt::Seal;
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::Manifest;

use super::SECOND;
use super::board::Board;
use super::event::Event;
use super::invariants::{self, Violation};
use super::office::Document;
use super::speaker::Order;

/// So long before its start a sound is ordered at most.
const ORDERED_MS: i64 = 20 * SECOND;
/// How long a job of the cache thread takes at most.
const JOB_MAX_MS: i64 = 40;

impl Board<'_> {
    /// Takes and carries out actions until there are none.
    pub(super) fn act(&mut self) {
        while self.violation.is_none() {
            let Some(running) = &mut self.running else { return };
            let Some(action) = running.core.poll_action() else { return };
            self.trace.action(self.t, &action);
            match &mut self.cut_in {
                Some(0 | 1) => {
                    // In the midst of this one: done or not done, never half; and not before what waits for room.
                    if self.rng.percent(50) && !self.disk.waits() {
                        self.commit(&action);
                    }
                    self.lose_power();
                    return;
                }
                Some(left) => *left -= 1,
                None => {}
            }
            self.notice_action(&action);
            self.carry_out(action);
        }
    }

    /// Tells the core something while its actions are carried out.
    pub(super) fn tell(&mut self, input: impl FnOnce(&mut Core, Now)) {
        let now = self.now();
        if let Some(running) = &mut self.running {
            input(&mut running.core, now);
        }
    }

    /// What the rules want to know of an action, before it is carried out.
    fn notice_action(&mut self, action: &Action) {
        let wall = self.clock.wall(self.t);
        if let Action::SaveDocument { slot, document } = action {
            self.document_applied(slot, document, wall);
        }
        if let Action::SetVolume { volume_percent } = action {
            let verdict = invariants::the_volume_is_under_its_ceiling(&self.facts.books, *volume_percent);
            self.demand("the volume is what it should be, under its ceiling", verdict);
        }
        if let Action::ForgetDocument { slot } = action {
            self.disturb();
            self.facts.hold(slot.clone(), None, wall);
        }
        if let Action::RecordIntent(intent) = action {
            self.intents.insert(intent.occurrence, intent.clone());
            self.classes.insert(intent.occurrence, intent.class);
            if intent.started.is_some() {
                self.sound_is_named(intent);
            }
        }
        if let Action::RecordReceipts(endings) = action {
            for Ending { receipt, .. } in endings {
                self.intents.remove(&receipt.occurrence);
                self.decided.insert(receipt.number, self.steps_back);
                self.settled.insert((receipt.item.clone(), receipt.nominal));
                self.session.take_if(|session| *session == receipt.occurrence);
                self.is_stopped_by_an_order(receipt);
                let verdict = invariants::only_emergencies_cut(&self.facts.books, receipt);
                self.demand("only emergencies cut what sounds", verdict);
            }
        }
        if let Action::DropObject { object } = action {
            self.facts.is_gone(object, wall);
        }
    }

    fn document_applied(&mut self, slot: &Slot, document: &StoredDocument, wall: UnixMs) {
        self.disturb();
        match invariants::nothing_forged_is_applied(self.file, slot, document, wall) {
            Ok(publication) => {
                let publication = Arc::clone(publication);
                if let Document::Order(command) = &publication.document {
                    self.order_obeyed(&publication, command);
                }
                self.facts.hold(slot.clone(), Some(publication), wall);
                self.expect_emergencies(None);
                self.expect_silence_of_withdrawn();
            }
            Err(what) => self.demand("nothing forged, expired or foreign is applied", Err(what)),
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::SaveDocument { .. }
            | Action::ForgetDocument { .. }
            | Action::RecordIntent(_)
            | Action::RecordReceipts(_)
            | Action::DeleteReceipts { .. } => {
                if let Action::SaveDocument { document, .. } = &action {
                    self.clock.raise_floor(self.t, document.issued_at);
                }
                self.persist(action);
            }
            Action::ReadReceipts { numbers } => {
                let receipts = self.disk.read_receipts(&numbers);
                let key = self.key.clone();
                let sign = |head: &[u8]| {
                    let key = key?;
                    // The controller of a storm pins the key itself, and reads no certificate.
                    let certificate = key.verifying_key().to_bytes().to_vec();
                    Some(Seal { certificate, signature: key.sign(head).to_vec() })
                };
                self.tell(|core, now| core.handle_receipts(receipts, sign, now));
            }
            Action::Subscribe { link, filters } => {
                self.subscribe(link, &filters);
            }
            Action::Unsubscribe { link, filters } => self.broker.unsubscribe(link, &filters),
            Action::Publish { link, topic, payload, .. } => self.send_to_office(link, &topic, payload),
            Action::OpenBulk => {
                let dial_in = self.broker.open_bulk();
                self.queue.push(self.t + dial_in, Event::Dial { boot: self.boots, link: Link::Bulk });
            }
            Action::CloseBulk => self.broker.close_bulk(),
            Action::BeginObject { .. }
            | Action::StoreBlock { .. }
            | Action::FinishObject { .. }
            | Action::DropObject { .. } => self.give_job(action),
            Action::SetVolume { .. } => {}
            Action::PrepareSpeaker { .. } => self.speaker.prepare(self.t),
            Action::Play { token, record_of, object, inline, start_at, latest } => {
                if self.disk.holds_back(record_of) {
                    self.refuse(token, SpeakerFailure::Unrecorded);
                } else if let Some(manifest) = self.find(token, object, inline) {
                    self.play(token, &manifest, start_at, latest);
                }
            }
            Action::StopSound { token } => {
                if self.speaker.stop(token) {
                    let stops_in = self.rng.range(5, 80);
                    self.queue.push(self.t + stops_in, Event::SoundStopped { boot: self.boots, token });
                }
            }
            Action::ReleaseSpeaker => {
                let is_heard = self.speaker.is_heard();
                let verdict =
                    if is_heard { Err("the amplifier goes off under a sound".to_owned()) } else { Ok(()) };
                self.demand("the amplifier is on while something sounds", verdict);
                self.speaker.amplifier_on = None;
            }
            // These boards have a time service or none, and never ask.
            Action::TakeTime(_) => {}
            Action::MeasureHealth => {
                self.tell(|core, now| core.handle_health(loa_node_core::Measurements::default(), now));
            }
        }
    }

    fn give_job(&mut self, job: Action) {
        let Some(running) = &mut self.running else { return };
        running.jobs.push_back(job);
        if running.jobs.len() == 1 {
            self.begin_job();
        }
    }

    fn begin_job(&mut self) {
        let takes_ms = self.rng.range(1, JOB_MAX_MS);
        self.queue.push(self.t + takes_ms, Event::JobDone { boot: self.boots });
    }

    pub(super) fn job_done(&mut self) {
        let now = self.now();
        let Some(running) = &mut self.running else { return };
        let Some(job) = running.jobs.pop_front() else { return };
        let answer = self.disk.work(job, now.wall);
        let used = self.disk.cache.used_bytes();
        let verdict = invariants::the_cache_stays_within_quota(used, self.settings.cache_quota_bytes);
        self.demand("the cache stays within its quota", verdict);
        if self.running.as_ref().is_some_and(|running| !running.jobs.is_empty()) {
            self.begin_job();
        }
        let Some(event) = answer else { return };
        match event {
            StoreEvent::ObjectReady { object } => self.facts.became_whole(object, now.wall),
            StoreEvent::ObjectCorrupt { object } => self.facts.is_gone(&object, now.wall),
            StoreEvent::BlockStored { .. } | StoreEvent::Full { .. } | StoreEvent::Failing { .. } => {}
        }
        self.with_core(|core, now| core.handle_stored(event, now));
        if let StoreEvent::ObjectReady { object } = event {
            self.expect_emergencies(Some(object));
        }
    }

    /// Hashes what is whole, as the cache thread does when it has nothing else to do after a boot.
    pub(super) fn scrub(&mut self) {
        for object in self.disk.cache.scrub() {
            let wall = self.clock.wall(self.t);
            self.facts.is_gone(&object, wall);
            self.with_core(|core, now| core.handle_stored(StoreEvent::ObjectCorrupt { object }, now));
        }
    }

    /// What is to be played, from the memory or the disk; `None`, and the core is told, where that has rotted.
    fn find(
        &mut self,
        token: Token,
        object: ObjectHash,
        inline: Option<InlineSound>,
    ) -> Option<Arc<Manifest>> {
        if let Some(InlineSound { manifest, bytes }) = inline {
            let verdict = invariants::only_what_came_with_alerts_sounds(&self.facts.books, &object, &bytes);
            self.demand("only what came with alerts sounds from the memory", verdict);
            return Some(manifest);
        }
        let verdict = invariants::only_whole_objects_sound(self.disk.cache.is_whole(&object), &object);
        self.demand("only what is whole sounds", verdict);
        let wall = self.clock.wall(self.t);
        let manifest = self.disk.cache.for_playing(&object, wall);
        if manifest.is_none() {
            self.facts.is_gone(&object, wall);
            self.tell(|core, now| core.handle_stored(StoreEvent::ObjectCorrupt { object }, now));
            self.refuse(token, SpeakerFailure::Unreadable);
        }
        manifest
    }

    fn play(&mut self, token: Token, manifest: &Manifest, start_at: UnixMs, latest: UnixMs) {
        let wall = self.clock.wall(self.t);
        let sound = (token, manifest.object, i64::from(manifest.duration_ms));
        let (wait_ms, latest_in_ms) = (start_at.since(wall), latest.since(wall));
        match self.speaker.play(&mut self.rng, self.t, sound, wait_ms, latest_in_ms) {
            Order::Begins(at) => self.queue.push(at, Event::SoundBegins { boot: self.boots, token }),
            Order::Refused(kind) => self.refuse(token, kind),
            Order::Clash => {
                let what =
                    format!("{} was ordered while {:?} is under way", manifest.object, self.speaker.voice);
                self.violation.get_or_insert(Violation {
                    rule: "one sound at a time",
                    at: UnixMs(self.t),
                    what,
                });
            }
        }
    }

    /// Ends a sound that never began.
    fn refuse(&mut self, token: Token, kind: SpeakerFailure) {
        if kind == SpeakerFailure::Unrecorded {
            self.lack_room();
        } else {
            self.trouble();
        }
        self.tell(|core, now| core.handle_speaker(SpeakerEvent::Failed { token, kind, played_ms: 0 }, now));
    }

    /// The core says of which occurrence the sound is that was just heard for the first time.
    fn sound_is_named(&mut self, intent: &Intent) {
        if self.session == Some(intent.occurrence) {
            // A later part of what sounds already.
            return;
        }
        let Some(object) = self.heard.take() else { return };
        self.session = Some(intent.occurrence);
        let wall = self.clock.wall(self.t);
        let almanac = &self.file.history.almanac;
        let verdict = invariants::only_what_is_planned_sounds(&self.facts.books, almanac, intent, &object);
        self.demand("only what a plan in force names sounds", verdict);
        let verdict =
            invariants::a_session_begins_with_its_record(self.disk.intent(&intent.occurrence), intent);
        self.demand("what is no emergency begins only with its intent on the disk", verdict);
        if self.disk.holds_back(Some(intent.occurrence)) {
            let start = (intent.item.clone(), intent.nominal);
            let before = self.sounded.get(&start).copied();
            self.unrecorded.entry(start).or_insert(before);
        }
        let verdict = invariants::nothing_sounds_twice(&mut self.sounded, &self.facts.books, intent);
        self.demand("nothing sounds twice from its start", verdict);
        // What was ordered when the power went may have been heard, and counts as interrupted.
        let is_taken_up = self.cut_off.contains(&intent.occurrence)
            || self.sounded.get(&(intent.item.clone(), intent.nominal)).is_some_and(|(_, times)| *times > 1);
        // A sound that was ordered by the clock before it was set begins when it was to.
        if self.clock_set + ORDERED_MS < self.t {
            let verdict =
                invariants::a_start_is_within_its_tolerance(&self.facts.books, intent, is_taken_up, wall);
            self.demand("a start is within its tolerance", verdict);
        }
        // What was ordered before a document or a clock changed is judged by what was there then.
        if self.is_calm() && self.trouble_until + ORDERED_MS < self.t {
            let almanac = &self.file.history.almanac;
            let verdict =
                invariants::nothing_begins_in_quiet_hours(&self.facts.books, almanac, intent.class, wall);
            self.demand("nothing but an emergency begins in quiet hours", verdict);
            let verdict = invariants::nothing_begins_over_budget(&self.facts, almanac, intent, wall);
            self.demand("nothing begins over the budget of a day", verdict);
        }
        let verdict =
            invariants::the_clock_is_right_when_it_sounds(&self.facts.books, intent, is_taken_up, self.t);
        self.demand("nothing sounds by a clock that is wrong", verdict);
    }
}
