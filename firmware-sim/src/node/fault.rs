//! What goes wrong with a board, and when.

use std::collections::VecDeque;
use std::time::Duration;

use loa_protocol::report::ClockTrust;
use serde::Serialize;
use tokio::time::Instant;

/// Something that goes wrong with a board, or right again.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// The network is gone.
    LinkDown {
        /// Whether nothing tells so but time-outs.
        silent: bool,
    },
    /// The network is there again.
    LinkUp,
    /// The power goes, and comes back after a while.
    PowerCut {
        /// How long it is away, in seconds.
        off_s: f64,
    },
    /// The disk has no room.
    DiskFull,
    /// Writing to the disk fails.
    DiskFailing,
    /// The disk works.
    DiskGood,
    /// The sound device cannot be opened, and what sounds breaks off.
    SpeakerBroken,
    /// The sound device works.
    SpeakerGood,
    /// The wall clock steps.
    ClockShift {
        /// By how much, in milliseconds; negative is back.
        ms: i64,
    },
    /// The wall clock is trusted otherwise.
    ClockTrust {
        /// How far.
        #[serde(serialize_with = "trust_word")]
        trust: ClockTrust,
    },
    /// A byte rots in objects of the cache.
    CorruptObject {
        /// In those whose hash begins with this, in hex; empty: in all.
        object: String,
    },
    /// The board gets another temperature.
    Temperature {
        /// In degrees Celsius.
        celsius: f64,
    },
    /// The supply changes.
    Supply {
        /// In millivolts.
        mv: u32,
    },
}

fn trust_word<S: serde::Serializer>(trust: &ClockTrust, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(trust.as_str())
}

/// When a fault comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// So long after the start.
    After(Duration),
    /// When the board has stored so many blocks of audio since the start.
    AfterBlocks(u64),
}

/// Faults in the order in which they come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    timed: VecDeque<(Duration, Fault)>,
    counted: VecDeque<(u64, Fault)>,
    began: Option<Instant>,
    blocks: u64,
}

impl Script {
    /// A script of faults, in any order.
    #[must_use]
    pub fn new(faults: impl IntoIterator<Item = (When, Fault)>) -> Self {
        let mut script = Self::default();
        for (when, fault) in faults {
            match when {
                When::After(after) => script.timed.push_back((after, fault)),
                When::AfterBlocks(blocks) => script.counted.push_back((blocks, fault)),
            }
        }
        script.timed.make_contiguous().sort_by_key(|(after, _)| *after);
        script.counted.make_contiguous().sort_by_key(|(blocks, _)| *blocks);
        script
    }

    /// Time begins to run.
    pub(super) fn begin(&mut self) {
        self.began = Some(Instant::now());
    }

    /// A block was stored.
    pub(super) fn count_block(&mut self) {
        self.blocks += 1;
    }

    /// Whether a fault waits that came with a block.
    pub(super) fn is_due(&self) -> bool {
        self.counted.front().is_some_and(|(blocks, _)| *blocks <= self.blocks)
    }

    /// Takes that fault.
    pub(super) fn take_due(&mut self) -> Option<Fault> {
        let is_due = self.is_due();
        self.counted.pop_front_if(|_| is_due).map(|(_, fault)| fault)
    }

    /// The next fault that has its time, when it has come. Nothing is lost when this is not awaited to its end.
    pub(super) async fn next(&mut self) -> Fault {
        let Some((after, _)) = self.timed.front() else { return std::future::pending().await };
        let at = self.began.unwrap_or_else(Instant::now) + *after;
        tokio::time::sleep_until(at).await;
        match self.timed.pop_front() {
            Some((_, fault)) => fault,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn faults_come_in_their_order() {
        let seconds = |s| When::After(Duration::from_secs(s));
        let mut script = Script::new([
            (seconds(20), Fault::LinkUp),
            (When::AfterBlocks(2), Fault::DiskFull),
            (seconds(10), Fault::LinkDown { silent: true }),
        ]);
        script.begin();
        let began = Instant::now();
        assert_eq!(script.next().await, Fault::LinkDown { silent: true });
        assert_eq!(began.elapsed(), Duration::from_secs(10));
        script.count_block();
        assert_eq!(script.take_due(), None);
        script.count_block();
        assert_eq!((script.take_due(), script.take_due()), (Some(Fault::DiskFull), None));
        assert_eq!(script.next().await, Fault::LinkUp);
        assert_eq!(began.elapsed(), Duration::from_secs(20));
        assert!(tokio::time::timeout(Duration::from_secs(9), script.next()).await.is_err());
    }
}
