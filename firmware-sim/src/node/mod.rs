//! One simulated node: the shipped core on a board that is not there.
//!
//! ```text
//!  Links (loa-link over Network) ──┐              ┌──> Store, Cache, Board
//!  Voice (Horn, clock) ────────────┼─> Core ─ act ┼──> Links
//!  Script (faults), stop ──────────┘              └──> Voice          Observer hears of everything
//! ```
//!
//! `device` runs one of these, `fleet` thousands. A [`Node`] lives through power cuts; a boot of it (`Running`) does not.
//!
//! **Invariants.** One task owns everything and never waits for the network. Answers to actions are given to the core after
//! the actions, in their order. Nothing of a boot survives a power cut but [`Store`], what was synced in [`Cache`], and what
//! is wrong with the board.

mod act;
pub mod fault;
mod glance;
pub mod happening;
mod links;
mod member;
mod running;
mod voice;

use std::sync::Arc;
use std::time::Duration;

use loa_node_core::Settings;
use loa_protocol::report::ClockTrust;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use self::fault::{Entry, Fault, Script, When};
pub use self::glance::{Glance, SoundGlance};
pub use self::happening::{Happening, Observer};
pub use self::member::{Broker, Member, MemberError, Reach};
pub use self::voice::{BoxError, Heard, Horn, Loaded, Loading, NullHorn};

use self::running::{End, Running};
use crate::board_sim::Board;
use crate::board_sim::cache::Cache;
use crate::board_sim::clock::SimClock;
use crate::board_sim::network::Network;
use crate::board_sim::pool::Pool;
use crate::board_sim::store::Store;

/// What a simulated node calls the version of its program.
pub const FIRMWARE: &str = concat!("sim-", env!("CARGO_PKG_VERSION"));

/// Why a simulated node cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The system gives no random numbers.
    #[error("the system gives no random numbers for a boot id")]
    Random(#[source] getrandom::Error),
    /// A link cannot be started with its settings.
    #[error("a link to the broker cannot be started")]
    Link(#[from] loa_link::OptionsError),
    /// A link has ended although nobody closed it.
    #[error("a link to the broker has ended by itself, which is a defect")]
    LinkGone,
    /// What sounded cannot be written down.
    #[error("what sounded cannot be written down")]
    Horn(#[source] BoxError),
}

/// What a node is made of.
#[derive(Debug)]
pub struct Parts<H, O> {
    /// Who it is, and where its broker is.
    pub member: Member,
    /// What its board allows.
    pub settings: Settings,
    /// Its wall clock.
    pub clock: Arc<SimClock>,
    /// Its way to the broker.
    pub network: Arc<Network>,
    /// Where its bytes are kept.
    pub pool: Arc<Pool>,
    /// What makes its sound.
    pub horn: H,
    /// Who hears what happens to it.
    pub observer: O,
}

impl<H, O> Parts<H, O> {
    /// The same, where somebody else hears what happens.
    #[must_use]
    pub fn seen_by<P>(self, observer: P) -> Parts<H, P> {
        let Self { member, settings, clock, network, pool, horn, observer: _ } = self;
        Parts { member, settings, clock, network, pool, horn, observer }
    }
}

/// A node and its board.
#[derive(Debug)]
pub struct Node<H, O> {
    member: Member,
    settings: Settings,
    clock: Arc<SimClock>,
    network: Arc<Network>,
    board: Board,
    store: Store,
    cache: Cache,
    trust: ClockTrust,
    horn: H,
    observer: O,
    boots: u32,
    /// Faults that come from outside, besides those of the script.
    faults: Option<mpsc::Receiver<Fault>>,
}

impl<H: Horn, O: Observer> Node<H, O> {
    /// A node that was enrolled and never booted.
    pub fn new(parts: Parts<H, O>) -> Self {
        let Parts { member, settings, clock, network, pool, horn, observer } = parts;
        Self {
            member,
            settings,
            clock,
            network,
            board: Board::default(),
            store: Store::new(Arc::clone(&pool)),
            cache: Cache::new(pool),
            trust: ClockTrust::Trusted,
            horn,
            observer,
            boots: 0,
            faults: None,
        }
    }

    /// The same node, to which these things happen when they come, besides those of its script.
    #[must_use]
    pub fn with_faults(self, faults: mpsc::Receiver<Fault>) -> Self {
        Self { faults: Some(faults), ..self }
    }

    /// Boots the node and runs it, through the faults of the script, until `stop`; then ends it in good order.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn run(mut self, mut script: Script, stop: CancellationToken) -> Result<(), NodeError> {
        script.begin();
        loop {
            let off = match Running::boot(&mut self)?.run(&mut script, &stop).await? {
                End::Stopped => break,
                End::PowerCut { off } => off,
            };
            self.lose_power(off)?;
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(off) => {}
            }
        }
        self.observer.note(self.clock.now(), Happening::Stopped);
        Ok(())
    }

    fn lose_power(&mut self, off: Duration) -> Result<(), NodeError> {
        let now = self.clock.now();
        self.cache.lose_power();
        self.board.switch_amplifier(false, now);
        self.horn.lose_power().map_err(NodeError::Horn)?;
        self.observer
            .note(now, Happening::PowerCut { off_ms: u64::try_from(off.as_millis()).unwrap_or(u64::MAX) });
        Ok(())
    }
}
