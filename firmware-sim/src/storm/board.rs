//! One node in virtual time: the shipped core on a simulated board, from its enrolment to some hours after everything was
//! put right.
//!
//! ```text
//!  events (schedule, network, board) ──┐
//!                                      ├─> true time goes on to the next ─> core ─> actions, one by one (act)
//!  core's own deadlines ───────────────┘                                              └ the power may go in any
//! ```
//!
//! Idle time is folded: the core is asked how long it would wait, again and again at later instants, and is woken at the
//! first that is not a mere "look at the clock again in a minute".

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use loa_node_core::{Action, Core, Intent, Now, Settings, Slot};
use loa_protocol::bulletin::Class;
use loa_protocol::command::Order;
use loa_protocol::envelope::Applied;
use loa_protocol::ids::{Digest, ItemId, ObjectHash, OccurrenceId};
use loa_protocol::plan::Zone;
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::OwnGuards;

use super::broker::Broker;
use super::clock::Clock;
use super::desk::Desk;
use super::disk::Disk;
use super::event::{Event, Queue};
use super::facts::Facts;
use super::fault::Faults;
use super::invariants::{self, Verdict, Violation, WARM_UP_MS};
use super::office::File;
use super::schedule;
use super::speaker::Speaker;
use super::trace::Trace;
use super::{HEALING_MS, HOUR, SECOND};
use crate::board_sim::cache::Disk as Medium;
use crate::rng::Rng;

/// The core's longest wait: when it says so, nothing is due.
pub(super) const WAIT_MAX_MS: i64 = 60 * SECOND;
/// How often the core may want to be woken without time going on.
const IDLE_WAKES_MAX: u32 = 40;

/// A boot of the node's program.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) core: Core,
    pub(super) started: i64,
    pub(super) trust: ClockTrust,
    /// When that last changed.
    pub(super) trust_since: i64,
    /// Jobs of the cache thread that are not done.
    pub(super) jobs: VecDeque<Action>,
    /// It is being stopped, and ends then at the latest.
    pub(super) stopping: Option<i64>,
    /// Whether the cache thread has hashed what was whole at the boot.
    pub(super) is_scrubbed: bool,
}

/// One node and everything around it.
#[derive(Debug)]
pub(super) struct Board<'a> {
    pub(super) file: &'a File<'a>,
    pub(super) settings: Settings,
    pub(super) rng: Rng,
    pub(super) t: i64,
    pub(super) queue: Queue,
    pub(super) running: Option<Running>,
    pub(super) boots: u64,
    pub(super) power_went: i64,
    /// So many actions on, the power goes.
    pub(super) cut_in: Option<u32>,
    pub(super) time_servers: bool,
    pub(super) disk: Disk,
    pub(super) clock: Clock,
    pub(super) broker: Broker,
    pub(super) desk: Desk,
    pub(super) speaker: Speaker,
    pub(super) facts: Facts,
    pub(super) trace: Trace,

    // What the rules remember.
    pub(super) applied: BTreeMap<Slot, Applied>,
    /// Of each start, which revision was heard, and how often it began.
    pub(super) sounded: BTreeMap<(ItemId, UnixMs), (u32, u32)>,
    /// What that said of those that sound or sounded while their intents wait for room, before they did.
    pub(super) unrecorded: BTreeMap<(ItemId, UnixMs), Option<(u32, u32)>>,
    pub(super) ended: BTreeMap<OccurrenceId, (bool, u64)>,
    /// What the core said it is about to play, and of which no receipt was written.
    pub(super) intents: BTreeMap<OccurrenceId, Intent>,
    /// How often the wall clock had gone back when a receipt was decided on, by its number, until it is durable.
    pub(super) decided: BTreeMap<u64, u64>,
    /// Of which class they are, until their receipts are durable.
    pub(super) classes: BTreeMap<OccurrenceId, Class>,
    /// Occurrences that the power or a restart cut off.
    pub(super) cut_off: BTreeSet<OccurrenceId>,
    /// The orders that were obeyed.
    pub(super) obeyed: BTreeSet<Digest>,
    /// The orders that were obeyed a moment ago, and when.
    pub(super) orders: Vec<(i64, Order)>,
    /// The first sample of this object was heard, and the core has yet to say of what it is.
    pub(super) heard: Option<ObjectHash>,
    /// The occurrence that sounded last.
    pub(super) session: Option<OccurrenceId>,
    /// How often the wall clock went back.
    pub(super) steps_back: u64,
    last_wall: UnixMs,
    is_clock_wrong: bool,
    /// When the wall clock was last set, by anybody.
    pub(super) clock_set: i64,
    /// When something last disturbed the node, documents included; and when something else than documents did.
    pub(super) trouble_until: i64,
    pub(super) other_trouble_until: i64,
    /// The same two, but for a disk that is full, which keeps no emergency from sounding.
    pub(super) upset_until: i64,
    pub(super) hindered_until: i64,
    pub(super) violation: Option<Violation>,
}

/// What became of a node.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) hash: [u8; 32],
    pub(super) events: u64,
    pub(super) sounds: u64,
    pub(super) boots: u64,
    pub(super) receipts: u64,
    pub(super) predicted: u64,
    pub(super) violation: Option<Violation>,
    pub(super) words: Vec<String>,
}

impl<'a> Board<'a> {
    pub(super) fn new(file: &'a File<'a>, seed: u64, faults: &'a Faults, kept: Option<usize>) -> Self {
        let frame = &file.history.frame;
        let name = format!("board {}", file.index);
        let mut rng = Rng::of(seed, &name);
        let begin = frame.begin;
        let cache_quota_bytes = if rng.percent(12) { 40_000 } else { 1 << 22 };
        let own_guards = frame.guards_of_board(file.index);
        let settings = Settings {
            cache_quota_bytes,
            amplifier_warm_up_ms: WARM_UP_MS as u32,
            amplifier_tail_ms: 3_000,
            own_guards: own_guards.clone().map(|guards| OwnGuards { guards, zone: Zone(frame.zone) }),
            time_secret: None,
            ..Settings::default()
        };
        let known = UnixMs(begin - 48 * HOUR);
        let clock = Clock::new(&mut rng, begin, known);
        let mut queue = Queue::default();
        for (at, event) in schedule::of_node(seed, file.index, frame, faults) {
            queue.push(at, event);
        }
        for publication in file.publications.values().flatten() {
            queue.push(publication.at.max(begin), Event::Publish(publication.clone()));
        }
        queue.push(begin, Event::PowerOn);
        queue.push(frame.end, Event::Heal);
        Self {
            file,
            settings,
            t: begin,
            queue,
            running: None,
            boots: 0,
            power_went: begin,
            cut_in: None,
            time_servers: true,
            disk: Disk::new(),
            clock,
            broker: Broker::new(Rng::of(seed, &format!("broker of {}", file.index)), faults.clone()),
            desk: Desk::new(Rng::of(seed, &format!("desk of {}", file.index))),
            speaker: Speaker::default(),
            facts: Facts::of_board(own_guards),
            trace: Trace::new(kept),
            applied: BTreeMap::new(),
            sounded: BTreeMap::new(),
            unrecorded: BTreeMap::new(),
            ended: BTreeMap::new(),
            intents: BTreeMap::new(),
            decided: BTreeMap::new(),
            classes: BTreeMap::new(),
            cut_off: BTreeSet::new(),
            obeyed: BTreeSet::new(),
            orders: Vec::new(),
            heard: None,
            session: None,
            steps_back: 0,
            last_wall: UnixMs(begin),
            is_clock_wrong: false,
            clock_set: begin,
            trouble_until: begin,
            other_trouble_until: begin,
            upset_until: begin,
            hindered_until: begin,
            violation: None,
            rng,
        }
    }

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
            let verdict = invariants::a_healed_node_converges(
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

    /// Notes the first rule that is broken.
    pub(super) fn demand(&mut self, rule: &'static str, verdict: Verdict) {
        if let Err(what) = verdict
            && self.violation.is_none()
        {
            self.trace.note(self.t, "VIOLATION", &[], || format!("{rule}: {what}"));
            self.violation = Some(Violation { rule, at: UnixMs(self.t), what });
        }
    }

    pub(super) fn now_at(&self, t: i64) -> Now {
        let started = self.running.as_ref().map_or(t, |running| running.started);
        Now { wall: self.clock.wall(t), monotonic_ms: u64::try_from(t - started).unwrap_or(0) }
    }

    pub(super) fn now(&self) -> Now {
        self.now_at(self.t)
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

    /// Gives the core an input and carries out what it wants.
    pub(super) fn with_core(&mut self, input: impl FnOnce(&mut Core, Now)) {
        let now = self.now();
        self.steps_back += u64::from(now.wall < self.last_wall);
        self.last_wall = now.wall;
        self.is_clock_wrong = self.facts.read_clock(self.t, now.wall, self.is_clock_wrong);
        if let Some(running) = &mut self.running {
            let did_doubt = running.core.doubts_clock();
            input(&mut running.core, now);
            self.act();
            self.look_if_in_doubt(did_doubt);
        }
    }

    pub(super) fn is_boot(&self, boot: u64) -> bool {
        self.running.is_some() && self.boots == boot
    }

    /// Whether nothing disturbs the node, so that its rules are to be relied on.
    pub(super) fn is_calm(&self) -> bool {
        self.is_able() && self.disk.cache.disk == Medium::Good && !self.disk.waits()
    }

    /// The same, whatever the disk does.
    pub(super) fn is_able(&self) -> bool {
        let is_running = self.running.as_ref().is_some_and(|r| {
            r.stopping.is_none() && r.trust != ClockTrust::Unknown && !r.core.doubts_clock()
        });
        is_running && self.speaker.works()
    }

    /// After anything that may have changed it.
    pub(super) fn weigh(&mut self) {
        let wall = self.clock.wall(self.t);
        if self.is_calm() {
            self.facts.calm_down(wall);
        } else if self.is_able() {
            self.lack_room();
        } else {
            self.trouble();
        }
    }

    /// The disk is full: what sounds and what is told waits for that, but no emergency.
    pub(super) fn lack_room(&mut self) {
        let wall = self.clock.wall(self.t);
        self.facts.disturb(wall);
        (self.trouble_until, self.other_trouble_until) = (self.t, self.t);
    }

    /// Something other than a document disturbs the node for a moment.
    pub(super) fn trouble(&mut self) {
        self.disturb();
        (self.other_trouble_until, self.hindered_until) = (self.t, self.t);
    }

    pub(super) fn disturb(&mut self) {
        let wall = self.clock.wall(self.t);
        self.facts.disturb(wall);
        (self.trouble_until, self.upset_until) = (self.t, self.t);
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
            Event::OrderTold { boot, life, sent, publication } if self.is_boot(boot) => {
                self.order_told(&publication, life, sent);
            }
            Event::Silenced { boot, token } if self.is_boot(boot) => self.silenced(token),
            // Of a boot that has ended.
            Event::Look { .. }
            | Event::Wake { .. }
            | Event::JobDone { .. }
            | Event::SoundBegins { .. }
            | Event::SoundEnds { .. }
            | Event::SoundStopped { .. }
            | Event::EmergencyDue { .. }
            | Event::EmergencyTold { .. }
            | Event::OrderTold { .. }
            | Event::Silenced { .. } => {}
        }
        self.end_if_silent();
        self.weigh();
    }
}
