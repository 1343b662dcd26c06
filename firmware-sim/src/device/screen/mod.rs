//! A live view of the board in a terminal: what it is doing, what it will do, and keys by which things go wrong.
//!
//! ```text
//!  node ── happenings, glances ──> Picture ──> draw, five times a second
//!       <── faults, stop ───────── keys
//! ```
//!
//! | Module | Idea |
//! |---|---|
//! | `picture` | what is known of the board: no terminal, no clock |
//! | `plan` | what it will do, by the rules that it plays by |
//! | `draw` | a picture as rows of a terminal |
//! | `keys` | what a key does |
//! | `words` | Vietnamese and English |
//!
//! **Invariant.** The terminal is as it was before when the program ends, however it ends but by SIGKILL.

mod draw;
mod keys;
mod picture;
mod plan;
mod words;

#[cfg(test)]
mod tests;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use loa_node_core::Identity;
use loa_protocol::time::UnixMs;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use self::words::Lang;

use self::keys::Deed;
use self::picture::Picture;
use crate::node::{Fault, Glance, Happening, Observer};

/// How often the picture is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(200);

/// Faults that were ordered by keys and have not happened yet; more key strokes do nothing.
const FAULTS_MAX: usize = 8;

/// What the node is seen through.
#[derive(Clone, Debug)]
pub(super) struct Watcher(Arc<Mutex<Picture>>);

impl Observer for Watcher {
    fn note(&mut self, at: UnixMs, happening: Happening) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).note(at, happening);
    }

    fn rest(&mut self, glance: impl FnOnce() -> Glance) {
        let glance = glance();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).look(glance, Instant::now());
    }
}

/// The screen, before it is opened.
#[derive(Debug)]
pub(super) struct Screen {
    picture: Arc<Mutex<Picture>>,
    faults: mpsc::Sender<Fault>,
    lang: Lang,
}

impl Screen {
    /// A screen for this node, what it is seen through, and what comes from the keys.
    pub(super) fn new(identity: Identity, lang: Lang) -> (Self, Watcher, mpsc::Receiver<Fault>) {
        let picture = Arc::new(Mutex::new(Picture::new(identity)));
        let (faults, ordered) = mpsc::channel(FAULTS_MAX);
        let watcher = Watcher(Arc::clone(&picture));
        (Self { picture, faults, lang }, watcher, ordered)
    }

    /// Takes the terminal until `stop`, or until somebody quits, which cancels `stop`. Blocks.
    ///
    /// # Errors
    /// The terminal cannot be written to or read from.
    pub(super) fn run(self, stop: &CancellationToken) -> io::Result<()> {
        // Both set a hook by which a panic of any thread gives the terminal back first.
        let mut terminal = ratatui::try_init()?;
        let shown = self.show(&mut terminal, stop);
        stop.cancel();
        ratatui::try_restore()?;
        shown
    }

    fn show(mut self, terminal: &mut DefaultTerminal, stop: &CancellationToken) -> io::Result<()> {
        while !stop.is_cancelled() {
            let mut picture = self.picture.lock().unwrap_or_else(PoisonError::into_inner).clone();
            picture.goes_on(Instant::now());
            terminal.draw(|frame| draw::draw(frame, &picture, self.lang))?;
            if !event::poll(DRAW_EVERY)? {
                continue;
            }
            let Event::Key(key) = event::read()? else { continue };
            match keys::deed(key, &picture) {
                Some(Deed::Quit) => break,
                Some(Deed::ChangeLanguage) => self.lang = self.lang.other(),
                Some(Deed::Fail(fault)) => self.order(fault),
                None => {}
            }
        }
        Ok(())
    }

    fn order(&self, fault: Fault) {
        if self.faults.try_send(fault).is_err() {
            tracing::debug!("a key is passed over: what was ordered before has not happened yet");
        }
    }
}
