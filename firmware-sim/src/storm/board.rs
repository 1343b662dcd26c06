//! One node in virtual time: the shipped core on a simulated board, from its enrolment to some hours after everything was
//! put right.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ed25519_dalek::SigningKey;
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
use super::invariants::{Verdict, Violation, WARM_UP_MS};
use super::office::File;
use super::schedule;
use super::speaker::Speaker;
use super::trace::Trace;
use super::{HOUR, SECOND};
use crate::board_sim::cache::Disk as Medium;
use crate::rng::Rng;

/// The core's longest wait: when it says so, nothing is due.
pub(super) const WAIT_MAX_MS: i64 = 60 * SECOND;
/// So many boards in a hundred sign their receipts: each batch costs a signature and its verification.
const SEALED_PERCENT: u64 = 12;

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
    /// The key with which the board signs its receipts; `None` where it has none.
    pub(super) key: Option<SigningKey>,
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
    /// The starts of which receipts were decided on since the program began, durable or not.
    pub(super) settled: BTreeSet<(ItemId, UnixMs)>,
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
        let mut chance = Rng::of(seed, &format!("key of {}", file.index));
        let key = chance.percent(SEALED_PERCENT).then(|| {
            let secret: Vec<u8> = (0..4).flat_map(|_| chance.next().to_be_bytes()).collect();
            SigningKey::from_bytes(&std::array::from_fn(|place| secret[place]))
        });
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
            desk: Desk::new(
                Rng::of(seed, &format!("desk of {}", file.index)),
                key.as_ref().map(SigningKey::verifying_key),
            ),
            key,
            speaker: Speaker::default(),
            facts: Facts::of_board(own_guards),
            trace: Trace::new(kept),
            applied: BTreeMap::new(),
            sounded: BTreeMap::new(),
            unrecorded: BTreeMap::new(),
            ended: BTreeMap::new(),
            intents: BTreeMap::new(),
            decided: BTreeMap::new(),
            settled: BTreeSet::new(),
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
}
