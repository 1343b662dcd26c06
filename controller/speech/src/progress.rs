//! How far a job is.
//!
//! A watch channel carries it: a slow reader sees the latest state and never holds the job up.

use tokio::sync::watch;

/// What a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Accepted, not begun.
    Waiting,
    /// An uploaded recording is being read.
    Decoding,
    /// Sentences are being spoken; counted in sentences.
    Synthesizing,
    /// Loudness and peaks are being set.
    Mastering,
    /// The object is being coded; counted in seconds of sound.
    Encoding,
    /// The object is ready.
    Done,
}

/// A stage and how much of it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Units of the stage that are done.
    pub done: u32,
    /// Units of the stage in all; zero where they aren't counted.
    pub total: u32,
}

/// The job's end of the progress channel.
#[derive(Clone, Debug)]
pub struct Reporter(Option<watch::Sender<Progress>>);

impl Reporter {
    /// A reporter and the reader of what it reports.
    #[must_use]
    pub fn channel() -> (Self, watch::Receiver<Progress>) {
        let (sender, receiver) = watch::channel(Progress { stage: Stage::Waiting, done: 0, total: 0 });
        (Self(Some(sender)), receiver)
    }

    /// For callers who don't watch.
    #[must_use]
    pub const fn silent() -> Self {
        Self(None)
    }

    /// Publishes the state, replacing one that wasn't read.
    pub(crate) fn report(&self, stage: Stage, done: usize, total: usize) {
        if let Some(sender) = &self.0 {
            let count = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
            sender.send_replace(Progress { stage, done: count(done), total: count(total) });
        }
    }
}
