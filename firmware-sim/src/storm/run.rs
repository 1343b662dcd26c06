//! How a node's time goes on.
//!
//! ```text
//!  events (schedule, network, board) ──┐
//!                                      ├─> true time goes on to the next ─> core ─> actions, one by one (act)
//!  core's own deadlines ───────────────┘                                              └ the power may go in any
//! ```
//!
//! Idle time is folded: the core is asked how long it would wait, again and again at later instants, and is woken at the
//! first that is not a mere "look at the clock again in a minute".

use super::HEALING_MS;
use super::board::{Board, Outcome, WAIT_MAX_MS};
use super::event::Event;
use super::healed;

/// How often the core may want to be woken without time going on.
const IDLE_WAKES_MAX: u32 = 40;

impl Board<'_> {
    /// From the beginning to the end, or to the first rule that is broken.
    pub(super) fn run(mut self) -> Outcome {
        let until = self.file.history.frame.end + HEALING_MS;
        let mut idle_wakes = 0;
        while self.violation.is_none() {
            let next_event = self.queue.next_at().unwrap_or(until).min(until);
            let before = self.t;
            if let Some(wake) = self.next_wake(next_event) {
                self.t = wake;
                self.with_core(|core, now| core.handle_timeout(now));
            } else if next_event >= until {
                self.t = until;
                break;
            } else if let Some((at, event)) = self.queue.pop() {
                self.t = at.max(self.t);
                self.happen(event);
                idle_wakes = 0;
            }
            idle_wakes = if self.t == before { idle_wakes + 1 } else { 0 };
            let is_stuck = idle_wakes > IDLE_WAKES_MAX;
            self.demand(
                "the core lets time go on",
                if is_stuck { Err("it wants to be woken at once, for ever".to_owned()) } else { Ok(()) },
            );
        }
        self.finish()
    }

    fn finish(mut self) -> Outcome {
        let wall = self.clock.wall(self.t);
        self.facts.disturb(wall);
        if self.violation.is_none() {
            let unacknowledged = self.disk.unacknowledged();
            let quota = self.settings.cache_quota_bytes;
            let verdict = healed::a_healed_node_converges(
                self.file,
                &self.facts,
                &self.desk,
                quota,
                unacknowledged,
                self.t,
            );
            self.demand("a healed node converges", verdict);
        }
        let mut predicted = 0;
        if self.violation.is_none() {
            match super::reference::agree(&self.facts, &self.file.history.almanac) {
                Ok(count) => predicted = count,
                Err(what) => self.demand("the node does what the reference model predicts", Err(what)),
            }
        }
        let events = self.trace.events();
        let (hash, words) = self.trace.finish();
        Outcome {
            hash,
            events,
            sounds: self.sounded.len() as u64,
            boots: self.boots,
            receipts: self.facts.receipts.len() as u64,
            predicted,
            violation: self.violation,
            words,
        }
    }

    /// When the core wants to be woken, if that is before the next event.
    fn next_wake(&self, next_event: i64) -> Option<i64> {
        let running = self.running.as_ref()?;
        // How long the core would wait, asked so many of its longest waits from now on.
        let wait_ms = |waits: i64| {
            let (wait, _) = running.core.poll_timeout(self.now_at(self.t + waits * WAIT_MAX_MS))?;
            Some(i64::try_from(wait.as_millis()).unwrap_or(WAIT_MAX_MS))
        };
        let is_idle = |waits: i64| wait_ms(waits).is_none_or(|wait_ms| wait_ms >= WAIT_MAX_MS);
        // Nothing changes meanwhile, so its deadlines only come nearer: the first is found by doubling and halving.
        let most = (next_event - self.t - 1).div_euclid(WAIT_MAX_MS);
        let (mut idle_until, mut step) = (-1, 1);
        while idle_until + step <= most && is_idle(idle_until + step) {
            idle_until += step;
            step *= 2;
        }
        while step > 1 {
            step /= 2;
            if idle_until + step <= most && is_idle(idle_until + step) {
                idle_until += step;
            }
        }
        let first = idle_until + 1;
        let wake = self.t + first * WAIT_MAX_MS + wait_ms(first)?;
        (first <= most && wake < next_event).then_some(wake)
    }

    fn happen(&mut self, event: Event) {
        let name = event.name();
        self.trace.note(self.t, name, &[], || event.in_words());
        match event {
            Event::PowerOff => self.lose_power(),
            Event::PowerOffAfter(actions) => self.cut_in = Some(actions),
            Event::PowerOn => self.power_on(),
            Event::Restart => self.restart(),
            Event::Network(is_there) => {
                self.broker.has_network = is_there;
                self.network_changed();
            }
            Event::BrokerKilled => {
                self.broker.kill();
                self.network_changed();
            }
            Event::BrokerRuns => self.broker.is_running = true,
            Event::OfficeRestored(back_to) => self.desk.restore(back_to),
            Event::Jump(by_ms) => {
                self.trouble();
                self.clock.jump(self.t, by_ms);
                self.after_clock_change();
            }
            Event::ChipSpoilt(by_ms) => self.clock.spoil_chip(self.t, by_ms),
            Event::TimeServers(is_there) => {
                self.time_servers = is_there;
                self.time_service();
            }
            Event::TimeService => self.time_service(),
            Event::Medium(medium) => {
                self.disk.cache.disk = medium;
                self.look_soon();
            }
            Event::Rot(digit) => {
                let rotten = self.disk.cache.rot(&format!("{digit:x}"));
                if !rotten.is_empty() {
                    self.trouble();
                }
            }
            Event::Device(device) => self.set_device(device),
            Event::Amplifier(works) => {
                self.speaker.amplifier_works = works;
                if !works {
                    self.trouble();
                }
            }
            Event::Slow(is_slow) => self.speaker.is_slow = is_slow,
            Event::Attack => self.attack(),
            Event::Heal => self.heal(),
            Event::Publish(publication) => self.publish(&publication),
            Event::Arrive { link, life, topic, payload } => {
                if self.broker.arrives(link, life) {
                    self.with_core(|core, now| core.handle_message(&topic, &payload, now));
                }
            }
            Event::Report { topic, payload } => self.report_arrives(&topic, &payload),
            Event::Dial { boot, link } => self.dial(boot, link),
            Event::Notice { link, life } => self.notice(link, life),
            Event::Look { boot, is_regular } if self.is_boot(boot) => self.look(is_regular),
            Event::Wake { boot } if self.is_boot(boot) => {
                self.with_core(|core, now| core.handle_timeout(now));
            }
            Event::JobDone { boot } if self.is_boot(boot) => self.job_done(),
            Event::SoundBegins { boot, token } if self.is_boot(boot) => self.sound_begins(token),
            Event::SoundEnds { boot, token } if self.is_boot(boot) => self.sound_ends(token),
            Event::SoundStopped { boot, token } if self.is_boot(boot) => self.sound_stopped(token),
            Event::EmergencyDue { boot, item, revision, nominal, from } if self.is_boot(boot) => {
                self.emergency_due(&item, revision, nominal, from);
            }
            Event::EmergencyTold { boot, life, sent, publication } if self.is_boot(boot) => {
                self.emergency_told(&publication, life, sent);
            }
            Event::AlertsFound { boot, life, sent, publication } if self.is_boot(boot) => {
                self.alerts_found(&publication, life, sent);
            }
            Event::OrderTold { boot, life, sent, publication } if self.is_boot(boot) => {
                self.order_told(&publication, life, sent);
            }
            Event::Silenced { boot, token, withdrawn } if self.is_boot(boot) => {
                self.silenced(token, withdrawn.as_ref());
            }
            // Of a boot that has ended.
            Event::Look { .. }
            | Event::Wake { .. }
            | Event::JobDone { .. }
            | Event::SoundBegins { .. }
            | Event::SoundEnds { .. }
            | Event::SoundStopped { .. }
            | Event::EmergencyDue { .. }
            | Event::EmergencyTold { .. }
            | Event::AlertsFound { .. }
            | Event::OrderTold { .. }
            | Event::Silenced { .. } => {}
        }
        self.end_if_silent();
        self.weigh();
    }
}
