//! Power, starts and stops of the program, the daemon's looks at clock and disk, and the links going up and down.

use std::collections::{BTreeSet, VecDeque};

use loa_node_core::{Core, Link, LinkEvent, Now, Slot, SpeakerEvent, SpeakerFailure};
use loa_protocol::ids::BootId;
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;

use super::board::{Board, Running, WAIT_MAX_MS};
use super::event::Event;
use super::speaker::Device;
use super::{HOUR, MINUTE, SECOND};
use crate::board_sim::cache::Disk as Medium;

/// How often the daemon looks at its clock.
const LOOK_MS: i64 = 10 * MINUTE;
/// How soon it notices that something is wrong with it, or that the disk has room again.
const LOOK_SOON_MS: i64 = 10 * SECOND;
/// How long the daemon lets a sound end when it is restarted.
const SILENCE_LIMIT_MS: i64 = 7 * SECOND;

/// The name of the n-th boot.
pub(super) fn boot_id(number: u64) -> BootId {
    BootId(number.to_be_bytes())
}

impl Board<'_> {
    pub(super) fn lose_power(&mut self) {
        self.cut_in = None;
        if self.running.is_none() {
            return;
        }
        self.trouble();
        self.trace.note(self.t, "the power is off", &[], String::new);
        self.end_program();
        self.disk.lose_power(&mut self.rng);
        self.forget_what_waits();
        self.speaker.lose_power();
        self.power_went = self.t;
        // Somebody puts it on again; the schedule may be earlier.
        let off_ms = self.rng.range(SECOND, 10 * MINUTE);
        self.queue.push(self.t + off_ms.max(SECOND), Event::PowerOn);
    }

    fn end_program(&mut self) {
        self.running = None;
        (self.heard, self.session) = (None, None);
        self.broker.boot();
    }

    pub(super) fn power_on(&mut self) {
        if self.running.is_some() {
            return;
        }
        self.clock.power_on(self.t, self.power_went, self.boots);
        self.start_program();
        let synchronises_in = self.rng.range(15 * SECOND, 3 * MINUTE);
        self.queue.push(self.t + synchronises_in, Event::TimeService);
    }

    pub(super) fn restart(&mut self) {
        let t = self.t;
        let Some(running) = &mut self.running else { return };
        if running.stopping.is_none() {
            running.stopping = Some(t + SILENCE_LIMIT_MS);
            self.trouble();
            self.with_core(|core, now| core.handle_shutdown(now));
            self.queue.push(t + SILENCE_LIMIT_MS, Event::TimeService);
        }
    }

    /// A daemon that is stopped ends once it is silent, or when it has waited long enough; then it is started again.
    pub(super) fn end_if_silent(&mut self) {
        let Some(running) = &self.running else { return };
        let Some(until) = running.stopping else { return };
        if running.core.is_silent() || self.t >= until {
            // In good order, what is written is synced; what waits for room is not.
            self.end_program();
            self.disk.end_in_good_order();
            self.forget_what_waits();
            self.speaker.lose_power();
            self.start_program();
        }
    }

    fn start_program(&mut self) {
        self.boots += 1;
        let t = self.t;
        let (boots, begin) = (self.boots, self.file.history.frame.begin);
        let known = self.disk.known_instants().chain([UnixMs(begin - 48 * HOUR)]).collect::<Vec<_>>();
        let kept = self.disk.kept_clock.clone();
        self.clock.start(t, known.into_iter(), kept);
        let now = Now { wall: self.clock.wall(t), monotonic_ms: 0 };
        if let Some(keys) = self.file.history.keys.first() {
            self.disk.adopt(&keys.envelope, &self.file.identity, now.wall);
        }
        let restored = self.disk.found();
        self.facts.found(restored.objects.iter().map(|whole| whole.object), now.wall);
        self.hold_what_is_stored(&restored, now.wall);
        self.cut_off.extend(restored.intents.iter().map(|intent| intent.occurrence));
        self.intents = restored.intents.iter().map(|intent| (intent.occurrence, intent.clone())).collect();
        let identity = self.file.identity.clone();
        let core =
            Core::new(identity, self.settings.clone(), restored, boot_id(boots), "storm".to_owned(), now);
        let (trust, _) = self.clock.look(t);
        self.running = Some(Running {
            core,
            started: t,
            trust,
            trust_since: t,
            jobs: VecDeque::new(),
            stopping: None,
            is_scrubbed: false,
        });
        let dials_in = self.broker.boot();
        self.judge_clock(trust);
        self.queue.push(t + dials_in, Event::Dial { boot: boots, link: Link::Control });
        self.queue.push(t + LOOK_MS, Event::Look { boot: boots, is_regular: true });
    }

    fn hold_what_is_stored(&mut self, restored: &loa_node_core::Restored, wall: UnixMs) {
        let held: Vec<Slot> = self.facts.books.held.keys().cloned().collect();
        let stored: BTreeSet<&Slot> = restored.documents.iter().map(|(slot, _)| slot).collect();
        for slot in held.into_iter().filter(|slot| !stored.contains(slot)) {
            self.facts.hold(slot, None, wall);
        }
        for (slot, document) in &restored.documents {
            let publication = self.file.published(&document.applied.digest).cloned();
            self.facts.hold(slot.clone(), publication, wall);
        }
    }

    pub(super) fn heal(&mut self) {
        self.cut_in = None;
        self.broker.heal();
        self.time_servers = true;
        self.disk.cache.disk = Medium::Good;
        (self.speaker.amplifier_works, self.speaker.is_slow) = (true, false);
        self.set_device(Device::Works);
        self.power_on();
        self.time_service();
        self.look_soon();
    }

    /// The time service sets the clock, where it reaches a server.
    pub(super) fn time_service(&mut self) {
        let reaches = self.time_servers && self.broker.has_network && self.running.is_some();
        if reaches == self.clock.is_kept() {
            return;
        }
        let before = self.clock.wall(self.t);
        self.clock.keep(self.t, reaches);
        if reaches && before.0.abs_diff(self.t) > 100 {
            self.facts.disturb(before);
            self.trouble();
        }
        self.after_clock_change();
    }

    pub(super) fn after_clock_change(&mut self) {
        self.clock_set = self.t;
        self.look_soon();
        let boot = self.boots;
        let wake_in = self.rng.range(0, WAIT_MAX_MS);
        self.queue.push(self.t + wake_in, Event::Wake { boot });
    }

    /// The daemon's next look is at most ten seconds away; here they are rarer, and one comes when the core needs it.
    pub(super) fn look_if_in_doubt(&mut self, did_doubt: bool) {
        if !did_doubt && self.running.as_ref().is_some_and(|running| running.core.doubts_clock()) {
            self.trouble();
            self.look_soon();
        }
    }

    pub(super) fn look_soon(&mut self) {
        let (boot, look_in) = (self.boots, self.rng.range(0, LOOK_SOON_MS));
        self.queue.push(self.t + look_in, Event::Look { boot, is_regular: false });
    }

    pub(super) fn look(&mut self, is_regular: bool) {
        let (trust, kept) = self.clock.look(self.t);
        self.persist_waiting();
        let Some(running) = &mut self.running else { return };
        if !std::mem::replace(&mut running.is_scrubbed, true) {
            self.scrub();
        }
        let Some(running) = &mut self.running else { return };
        if trust != running.trust || running.core.doubts_clock() {
            (running.trust, running.trust_since) = (trust, self.t);
            self.trouble();
            self.judge_clock(trust);
        }
        if kept.is_some() && !self.disk.waits() {
            self.disk.kept_clock = kept;
        }
        let boot = self.boots;
        if is_regular {
            self.queue.push(self.t + LOOK_MS, Event::Look { boot, is_regular });
        } else if self.disk.waits() {
            self.look_soon();
        }
    }

    fn judge_clock(&mut self, trust: ClockTrust) {
        self.with_core(|core, now| core.handle_clock(trust, now));
        if trust != ClockTrust::Unknown && self.running.is_some() {
            self.facts.clock_is_right(self.clock.wall(self.t));
        }
    }

    pub(super) fn set_device(&mut self, device: Device) {
        self.trouble();
        if let Some(token) = self.speaker.set_device(device) {
            // What hung says so at last.
            let kind = SpeakerFailure::Device;
            let event = SpeakerEvent::Failed { token, kind, played_ms: 0 };
            self.with_core(|core, now| core.handle_speaker(event, now));
        }
    }

    pub(super) fn network_changed(&mut self) {
        if !self.broker.is_reachable() {
            for (link, life, after_ms) in self.broker.cut() {
                self.queue.push(self.t + after_ms, Event::Notice { link, life });
            }
        }
        self.time_service();
    }

    pub(super) fn dial(&mut self, boot: u64, link: Link) {
        if !self.is_boot(boot) {
            return;
        }
        match self.broker.dial(link) {
            Ok(connection) => {
                let event = match link {
                    Link::Control => LinkEvent::ControlUp { session_present: false, connection },
                    Link::Bulk => LinkEvent::BulkUp,
                };
                self.with_core(|core, now| core.handle_link(event, now));
            }
            Err(Some(again_ms)) => self.queue.push(self.t + again_ms, Event::Dial { boot, link }),
            Err(None) => {}
        }
    }

    pub(super) fn notice(&mut self, link: Link, life: u64) {
        let Some(dial_in) = self.broker.notice(link, life) else { return };
        let event = match link {
            Link::Control => LinkEvent::ControlDown,
            Link::Bulk => LinkEvent::BulkDown,
        };
        let boot = self.boots;
        self.queue.push(self.t + dial_in, Event::Dial { boot, link });
        self.with_core(|core, now| core.handle_link(event, now));
    }
}
