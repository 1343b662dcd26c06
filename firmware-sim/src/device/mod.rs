//! One simulated board, as a program: enrolled by a token, connected by mutual TLS, with faults from a file and what its
//! horn plays as WAV files.
//!
//! Its store is in memory: it survives the power cuts of the script, and ends with the program. What was enrolled stays in
//! the folder, so that the next run is the same node.

mod log;
mod screen;
pub mod script;
pub mod wav;

use std::path::PathBuf;
use std::sync::Arc;

use loa_node::clock::{NodeClock, build_time};
use loa_node::enrol::{EnrolError, enrol};
use loa_node::identity::{Identity, IdentityError};
use loa_node_core::Settings;
use tokio_util::sync::CancellationToken;

pub use self::log::{Form, Log};
pub use self::screen::Lang;
pub use self::wav::WavHorn;

use self::screen::Screen;
use crate::board_sim::clock::SimClock;
use crate::board_sim::network::Network;
use crate::node::{Member, MemberError, Node, NodeError, Parts, Reach, Script};

/// Which board to simulate.
#[derive(Clone, Debug)]
pub struct DeviceOptions {
    /// Folder of the node's identity.
    pub dir: PathBuf,
    /// Token to enrol with, where the folder holds no identity yet.
    pub token: Option<String>,
    /// How to reach the broker.
    pub reach: Reach,
    /// Folder for what is played.
    pub heard: PathBuf,
    /// What goes wrong.
    pub script: Script,
    /// How it is shown on standard output.
    pub shown: Shown,
}

/// How a device is shown on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// As a log.
    Log(Form),
    /// As a live view, with keys by which things go wrong. Takes the terminal.
    Live(Lang),
}

/// Why a device cannot run.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// It was not enrolled.
    #[error("the simulated board could not be enrolled")]
    Enrol(#[from] EnrolError),
    /// Its identity cannot be read.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Its identity cannot be used.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// The folder for what is played cannot be made.
    #[error("cannot make the folder for what is played")]
    Heard(#[source] std::io::Error),
    /// It cannot go on.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The terminal cannot show it.
    #[error("the terminal cannot show the board; use --log for lines of text")]
    Screen(#[source] std::io::Error),
    /// The live view broke off.
    #[error("the live view broke off, which is a defect; use --log for lines of text")]
    ScreenGone,
    /// Enrolling was interrupted.
    #[error("enrolling broke off")]
    Interrupted,
}

/// Runs one simulated board until `stop`, then ends it in good order.
///
/// # Errors
/// [`DeviceError`].
pub async fn run(options: DeviceOptions, stop: CancellationToken) -> Result<(), DeviceError> {
    let DeviceOptions { dir, token, reach, heard, script, shown } = options;
    let enrolling = tokio::task::spawn_blocking(move || identity(&dir, token.as_deref()));
    let identity = enrolling.await.map_err(|_| DeviceError::Interrupted)??;
    let clock = SimClock::system();
    let member = Member::enrolled(&identity, &reach, &clock)?;
    let network = Network::new(Arc::clone(&member.broker.dial), Arc::default());
    let horn = WavHorn::new(heard, Settings::default().amplifier_warm_up_ms).map_err(DeviceError::Heard)?;
    let board = Parts {
        member,
        settings: Settings::default(),
        clock,
        network,
        pool: Arc::default(),
        horn,
        observer: (),
    };
    match shown {
        Shown::Log(form) => Ok(Node::new(board.seen_by(Log::new(form))).run(script, stop).await?),
        Shown::Live(lang) => live(board, script, lang, stop).await,
    }
}

/// Runs the board under a live view; either end ends the other.
async fn live(
    board: Parts<WavHorn, ()>,
    script: Script,
    lang: Lang,
    stop: CancellationToken,
) -> Result<(), DeviceError> {
    let (screen, watcher, faults) = Screen::new(board.member.identity.clone(), lang);
    let shown = tokio::task::spawn_blocking({
        let stop = stop.clone();
        move || screen.run(&stop)
    });
    let ran = Node::new(board.seen_by(watcher)).with_faults(faults).run(script, stop.clone()).await;
    stop.cancel();
    let shown = shown.await.map_err(|_| DeviceError::ScreenGone)?;
    ran?;
    shown.map_err(DeviceError::Screen)
}

/// The identity of the folder, or else a new one by the token.
fn identity(dir: &std::path::Path, token: Option<&str>) -> Result<Identity, DeviceError> {
    match (Identity::load(dir), token) {
        (Err(IdentityError::NotEnrolled { .. }), Some(token)) => {
            Ok(enrol(dir, token, false, &NodeClock::new(build_time()))?)
        }
        (loaded, _) => Ok(loaded?),
    }
}
