//! Thousands of simulated boards in one process, against a real broker.
//!
//! Each board runs the shipped core with its own store, clock of the machine and a horn that nobody hears. What boards
//! store, audio and documents, is the same for many of them and held once (see [`crate::board_sim::pool`]); what each has in force it holds
//! for itself.
//!
//! | Module | Idea |
//! |---|---|
//! | [`members`] | who takes part: a folder of identities |
//! | [`classes`] | on what kinds of lines boards hang, and how many on each |
//! | [`sources`] | from which addresses they dial |
//! | `trouble` | lines that go away, power that goes |
//! | [`limits`] | how many files may be open |
//! | [`figures`], [`report`] | what they did, in numbers |

pub mod classes;
pub mod figures;
pub mod limits;
pub mod members;
pub mod report;
pub mod sources;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use loa_node_core::Settings;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use self::classes::{LinkClass, Shares};
use self::figures::Meter;
pub use self::figures::{Counters, Figures};
pub use self::limits::LimitError;
pub use self::members::MembersError;
pub use self::report::FleetReport;
use self::trouble::{Target, Trouble};
use crate::board_sim::clock::SimClock;
use crate::board_sim::line::Line;
use crate::board_sim::network::Network;
use crate::board_sim::pool::Pool;
use crate::node::{Fault, Member, Node, NodeError, NullHorn, Parts, Script};

/// Files that a fleet opens besides its connections.
const OTHER_FILES: u64 = 64;

/// Gets the figures of a fleet.
pub type Watcher = Box<dyn FnMut(&Figures) + Send>;

/// Which fleet to run.
pub struct FleetOptions {
    /// Who takes part.
    pub members: Vec<Member>,
    /// How many boards switch on in a second.
    pub joins_per_s: f64,
    /// On what kinds of lines they hang.
    pub links: Shares,
    /// How many of all boards lose their power in a minute, each for some seconds.
    pub churn_per_min: f64,
    /// Where the chance in lines and power comes from.
    pub seed: u64,
    /// What the boards allow.
    pub settings: Settings,
    /// Counts what happens; keep a clone to look at it, or to [wait](Counters::wait_for) for something.
    pub counters: Arc<Counters>,
    /// Gets the figures each second.
    pub each_second: Option<Watcher>,
}

impl FleetOptions {
    /// A fleet of these members, 200 of which switch on in a second, on lines as good as this machine.
    #[must_use]
    pub fn new(members: Vec<Member>) -> Self {
        Self {
            members,
            joins_per_s: 200.0,
            links: Shares::default(),
            churn_per_min: 0.0,
            seed: 1,
            settings: Settings::default(),
            counters: Arc::default(),
            each_second: None,
        }
    }
}

/// Why a fleet cannot run.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// Too few files may be open.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// Boards do not join at this pace.
    #[error("{0} boards cannot join in a second; give a number above 0")]
    Pace(f64),
    /// Power does not go at this pace.
    #[error("{0} boards cannot lose their power in a minute; give 0 or a number above")]
    Churn(f64),
}

/// Runs a fleet until `stop`, then ends each board in good order, and reports.
///
/// A board that cannot go on is counted as failed, and the others go on.
///
/// # Errors
/// [`FleetError`]: nothing was begun.
pub async fn run(options: FleetOptions, stop: CancellationToken) -> Result<FleetReport, FleetError> {
    let FleetOptions { members, joins_per_s, links, churn_per_min, seed, settings, counters, each_second } =
        options;
    if !(joins_per_s.is_finite() && joins_per_s > 0.0) {
        return Err(FleetError::Pace(joins_per_s));
    }
    if !(churn_per_min.is_finite() && churn_per_min >= 0.0) {
        return Err(FleetError::Churn(churn_per_min));
    }
    let count = members.len();
    let fetching = limits::raise_for_boards(count as u64, OTHER_FILES)?;
    if fetching < count as u64 {
        tracing::warn!(
            fetching,
            "the system allows too few open files for all boards to fetch audio at a time; those above this number try again \
             until others are done"
        );
    }
    let began = Instant::now();
    let (clock, pool) = (SimClock::system(), Arc::<Pool>::default());
    let boards: Vec<Prepared> = members
        .into_iter()
        .zip(0u32..)
        .map(|(member, index)| Prepared::new(member, index, &links, churn_per_min > 0.0, &counters))
        .collect();
    let targets = boards.iter().map(Prepared::target).collect();
    let trouble = tokio::spawn(Trouble::new(targets, churn_per_min, seed).run());
    let printing = tokio::spawn(print(each_second, Arc::clone(&counters)));
    let mut nodes = JoinSet::new();
    for (board, index) in boards.into_iter().zip(0u32..) {
        tokio::select! {
            () = stop.cancelled() => break,
            () = sleep_until(began + Duration::from_secs_f64(f64::from(index) / joins_per_s)) => {}
        }
        let Prepared { member, network, churn, class: _ } = board;
        let parts = Parts {
            settings: settings.clone(),
            clock: Arc::clone(&clock),
            network,
            pool: Arc::clone(&pool),
            horn: NullHorn,
            observer: Meter::new(Arc::clone(&counters)),
            member,
        };
        let mut node = Node::new(parts);
        if let Some((_, faults)) = churn {
            node = node.with_faults(faults);
        }
        nodes.spawn(node.run(Script::default(), stop.clone()));
        while let Some(ended) = nodes.try_join_next() {
            count_end(ended, &counters);
        }
    }
    let at_stop = tokio::select! {
        () = stop.cancelled() => counters.figures(),
        // They end by themselves only when they fail.
        () = all_ended(&mut nodes, &counters) => counters.figures(),
    };
    // Lines that are away stay away: boards say good-bye as far as they can.
    trouble.abort();
    all_ended(&mut nodes, &counters).await;
    printing.abort();
    Ok(FleetReport::new(count, began.elapsed(), at_stop, &counters))
}

/// A board that has no power yet.
struct Prepared {
    member: Member,
    class: LinkClass,
    network: Arc<Network>,
    /// Where its power is cut, and where it learns of it.
    churn: Option<(mpsc::Sender<Fault>, mpsc::Receiver<Fault>)>,
}

impl Prepared {
    fn new(mut member: Member, index: u32, links: &Shares, has_churn: bool, counters: &Counters) -> Self {
        if let Some(dial) = sources::dialler(&member.broker.address, index) {
            member.broker.dial = dial;
        }
        let class = links.class_of(index);
        let line = class.pace().map(Line::new);
        let network = Network::over(Arc::clone(&member.broker.dial), line, Arc::clone(&counters.traffic));
        Self { member, class, network, churn: has_churn.then(|| mpsc::channel(1)) }
    }

    fn target(&self) -> Target {
        let faults = self.churn.as_ref().map(|(cut, _)| cut.clone());
        Target { class: self.class, network: Arc::clone(&self.network), faults }
    }
}

async fn all_ended(nodes: &mut JoinSet<Result<(), NodeError>>, counters: &Counters) {
    while let Some(ended) = nodes.join_next().await {
        count_end(ended, counters);
    }
}

fn count_end(ended: Result<Result<(), NodeError>, tokio::task::JoinError>, counters: &Counters) {
    let error = match ended {
        Ok(Ok(())) => return,
        Ok(Err(error)) => anyhow::Error::new(error),
        Err(error) => anyhow::Error::new(error),
    };
    counters.count_failed();
    tracing::error!(error = format!("{error:#}"), "a simulated board cannot go on");
}

async fn print(each_second: Option<Watcher>, counters: Arc<Counters>) {
    let Some(mut print) = each_second else { return };
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        print(&counters.figures());
    }
}
