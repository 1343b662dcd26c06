//! The storm: many nodes through days of trouble in seconds, by seed.
//!
//! What runs is the shipped node core with the real signatures, the real transfer and the daemon's own judgement of clocks.
//! What is simulated is everything around it: network and broker, controller, disk, clock, loudspeaker, power, and somebody
//! who means harm. Time is virtual, nothing waits, and chance comes from the seed alone: the same seed gives the same
//! events, whose hash is printed.
//!
//! | Module | Idea |
//! |---|---|
//! | [`fault`] | the kinds of trouble, each of which can be left out |
//! | `schedule` | when which trouble comes upon a node |
//! | `office` | the controller: what it plans, signs and publishes |
//! | `desk` | what it answers to one node |
//! | `broker`, `wire` | the network between them |
//! | `adversary`, `forged_alert` | what is forged, old or meant for others |
//! | `board`, `run`, `life`, `act`, `record`, `sound` | one node: the core, started, woken and obeyed |
//! | `clock`, `disk`, `speaker` | the board's parts, and how they fail |
//! | `facts` | what is seen of a node from outside |
//! | [`invariants`], `obedience`, `healed` | what must hold at every step, of orders, and at the end |
//! | `almanac`, `watchman`, `loudspeaker`, `reference` | what a node plays, worked out a second time |
//! | `trace` | the events: their hash, and the last of them in words |
//! | [`shrink`] | the smallest run in which a failing seed still fails |
//!
//! Nodes do not know of each other, and what the controller publishes does not depend on them. So each node is run by
//! itself, on as many threads as there are, and their hashes are joined in the nodes' order.

mod act;
mod adversary;
mod almanac;
mod board;
mod broker;
mod clock;
mod desk;
mod disk;
mod event;
mod facts;
pub mod fault;
mod forged_alert;
mod healed;
pub mod invariants;
mod life;
mod loudspeaker;
mod obedience;
mod office;
mod record;
mod reference;
mod run;
mod schedule;
pub mod shrink;
mod sound;
mod speaker;
mod trace;
mod watchman;
mod wire;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use loa_protocol::envelope::remember;
use sha2::{Digest as _, Sha256};

use self::board::{Board, Outcome};
pub use self::fault::{Fault, Faults};
pub use self::invariants::Violation;
use self::office::{Frame, History};

/// How many envelopes a thread remembers; those of a run's plans come again with each node.
const REMEMBERED_MAX: usize = 20_000;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// So long after everything was put right, every node has converged. The longest pause of the core is six hours, after an
/// object came whole and wrong several times.
const HEALING_MS: i64 = 8 * HOUR;

/// Which run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storm {
    /// Where all chance comes from.
    pub seed: u64,
    /// The nodes, from `first` on.
    pub nodes: usize,
    /// Number of the first node.
    pub first: usize,
    /// Days until everything is put right.
    pub days: u32,
    /// What may go wrong.
    pub faults: Faults,
}

/// The command that repeats it.
impl fmt::Display for Storm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, nodes, first, days, faults } = self;
        write!(
            f,
            "loa-firmware-sim storm --seed {seed} --nodes {nodes} --first {first} --days {days} --faults {faults}"
        )
    }
}

/// What became of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// SHA-256 over the hashes of all nodes' events, in hexadecimal.
    pub hash: String,
    /// Events of all nodes.
    pub events: u64,
    /// Bulletins that began to sound.
    pub sounds: u64,
    /// Receipts that were written.
    pub receipts: u64,
    /// Times that the nodes' program was started.
    pub boots: u64,
    /// Outcomes that the reference model predicted, all of which came true unless something is broken.
    pub predicted: u64,
    /// What is broken, in the first node in which anything is.
    pub failure: Option<Failure>,
}

/// A rule that a node broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The node.
    pub node: usize,
    /// The rule, when and how.
    pub violation: Violation,
}

impl Storm {
    /// Runs it on so many threads, which change nothing of the report. Ends early once a node has failed.
    #[must_use]
    pub fn run(&self, threads: usize) -> Report {
        let frame = Frame::new(self.seed, self.days, &self.faults);
        let until = self.first + self.nodes;
        let history = History::new(frame, self.first, until);
        let next = AtomicUsize::new(self.first);
        let has_failed = AtomicBool::new(false);
        let work = || {
            remember(REMEMBERED_MAX);
            let mut done: Vec<(usize, Outcome)> = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                // Whoever was begun is ended: so the first node that fails is found, whatever the threads do.
                if index >= until || has_failed.load(Ordering::Relaxed) {
                    return done;
                }
                let outcome = self.run_node(&history, index, None);
                has_failed.fetch_or(outcome.violation.is_some(), Ordering::Relaxed);
                done.push((index, outcome));
            }
        };
        let mut outcomes: Vec<(usize, Outcome)> = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
            let mut all = work();
            for other in others {
                match other.join() {
                    Ok(done) => all.extend(done),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            all
        });
        outcomes.sort_by_key(|(index, _)| *index);
        Self::report(outcomes)
    }

    fn run_node(&self, history: &History, index: usize, kept: Option<usize>) -> Outcome {
        let file = history.file_of(index);
        Board::new(&file, self.seed, &self.faults, kept).run()
    }

    /// The last events of a node, in words: it is run again, so that nobody pays for them while all is well.
    #[must_use]
    pub fn tell(&self, node: usize, kept: usize) -> Vec<String> {
        let frame = Frame::new(self.seed, self.days, &self.faults);
        let history = History::new(frame, self.first, self.first + self.nodes);
        self.run_node(&history, node, Some(kept)).words
    }

    fn report(outcomes: Vec<(usize, Outcome)>) -> Report {
        let mut hash = Sha256::new();
        let mut report = Report {
            hash: String::new(),
            events: 0,
            sounds: 0,
            receipts: 0,
            boots: 0,
            predicted: 0,
            failure: None,
        };
        for (index, outcome) in outcomes {
            hash.update(outcome.hash);
            report.events += outcome.events;
            report.sounds += outcome.sounds;
            report.receipts += outcome.receipts;
            report.boots += outcome.boots;
            report.predicted += outcome.predicted;
            if let Some(violation) = outcome.violation
                && report.failure.is_none()
            {
                report.failure = Some(Failure { node: index, violation });
            }
        }
        let digest: [u8; 32] = hash.finalize().into();
        report.hash = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        report
    }
}
