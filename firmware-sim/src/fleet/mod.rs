//! Thousands of simulated boards in one process, against a real broker.
//!
//! Each board runs the shipped core with its own store, clock of the machine and a horn that nobody hears. Audio and
//! documents, which are the same for many boards, are held once (see [`crate::board_sim::pool`]).

pub mod figures;
pub mod limits;
pub mod members;
pub mod report;

use std::sync::Arc;
use std::time::Duration;

use loa_node_core::Settings;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use self::figures::Meter;
pub use self::figures::{Counters, Figures};
pub use self::limits::LimitError;
pub use self::members::MembersError;
pub use self::report::FleetReport;
use crate::board_sim::clock::SimClock;
use crate::board_sim::network::Network;
use crate::board_sim::pool::Pool;
use crate::node::{Member, Node, NodeError, NullHorn, Parts, Script};

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
    /// What the boards allow.
    pub settings: Settings,
    /// Counts what happens; keep a clone to look at it, or to [wait](Counters::wait_for) for something.
    pub counters: Arc<Counters>,
    /// Gets the figures each second.
    pub each_second: Option<Watcher>,
}

impl FleetOptions {
    /// A fleet of these members, 200 of which switch on in a second.
    #[must_use]
    pub fn new(members: Vec<Member>) -> Self {
        Self {
            members,
            joins_per_s: 200.0,
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
}

/// Runs a fleet until `stop`, then ends each board in good order, and reports.
///
/// A board that cannot go on is counted as failed, and the others go on.
///
/// # Errors
/// [`FleetError`]: nothing was begun.
pub async fn run(options: FleetOptions, stop: CancellationToken) -> Result<FleetReport, FleetError> {
    let FleetOptions { members, joins_per_s, settings, counters, each_second } = options;
    if !(joins_per_s.is_finite() && joins_per_s > 0.0) {
        return Err(FleetError::Pace(joins_per_s));
    }
    // A control and a bulk connection each.
    limits::raise_open_files(2 * members.len() as u64 + OTHER_FILES)?;
    let began = Instant::now();
    let (clock, pool) = (SimClock::system(), Arc::<Pool>::default());
    let count = members.len();
    let printing = tokio::spawn(print(each_second, Arc::clone(&counters)));
    let mut nodes = JoinSet::new();
    for (member, index) in members.into_iter().zip(0u32..) {
        tokio::select! {
            () = stop.cancelled() => break,
            () = sleep_until(began + Duration::from_secs_f64(f64::from(index) / joins_per_s)) => {}
        }
        let network = Network::new(Arc::clone(&member.broker.dial), Arc::clone(&counters.traffic));
        let parts = Parts {
            settings: settings.clone(),
            clock: Arc::clone(&clock),
            network,
            pool: Arc::clone(&pool),
            horn: NullHorn,
            observer: Meter::new(Arc::clone(&counters)),
            member,
        };
        nodes.spawn(Node::new(parts).run(Script::default(), stop.clone()));
        while let Some(ended) = nodes.try_join_next() {
            count_end(ended, &counters);
        }
    }
    let at_stop = tokio::select! {
        () = stop.cancelled() => counters.figures(),
        // They end by themselves only when they fail.
        () = all_ended(&mut nodes, &counters) => counters.figures(),
    };
    all_ended(&mut nodes, &counters).await;
    printing.abort();
    Ok(FleetReport::new(count, began.elapsed(), at_stop, &counters))
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
