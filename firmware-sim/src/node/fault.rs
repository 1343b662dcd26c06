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

impl Fault {
    /// What makes it good again; `None` where nothing does, or where it says itself how long it lasts.
    #[must_use]
    pub fn undone_by(&self) -> Option<Self> {
        match self {
            Self::LinkDown { .. } => Some(Self::LinkUp),
            Self::DiskFull | Self::DiskFailing => Some(Self::DiskGood),
            Self::SpeakerBroken => Some(Self::SpeakerGood),
            Self::ClockShift { ms } => Some(Self::ClockShift { ms: ms.saturating_neg() }),
            Self::LinkUp
            | Self::PowerCut { .. }
            | Self::DiskGood
            | Self::SpeakerGood
            | Self::ClockTrust { .. }
            | Self::CorruptObject { .. }
            | Self::Temperature { .. }
            | Self::Supply { .. } => None,
        }
    }
}

/// When a fault comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// So long after the start.
    After(Duration),
    /// When the board has stored so many blocks of audio since the start.
    AfterBlocks(u64),
}

/// A fault of a script.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When it comes.
    pub when: When,
    /// What it is.
    pub fault: Fault,
    /// After how long it is undone, if it is; see [`Fault::undone_by`].
    pub lasts: Option<Duration>,
}

impl Entry {
    /// A fault that stays.
    #[must_use]
    pub fn new(when: When, fault: Fault) -> Self {
        Self { when, fault, lasts: None }
    }

    /// A fault that is undone after a while.
    #[must_use]
    pub fn lasting(when: When, fault: Fault, lasts: Duration) -> Self {
        Self { when, fault, lasts: Some(lasts) }
    }
}

/// Faults in the order in which they come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// Ascending by time.
    timed: VecDeque<(Duration, Entry)>,
    /// Ascending by number of blocks.
    counted: VecDeque<(u64, Entry)>,
    began: Option<Instant>,
    blocks: u64,
}

impl Script {
    /// A script of faults, in any order; of those that come together, the first is first.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut script = Self::default();
        for entry in entries {
            match entry.when {
                When::After(after) => script.insert_timed(after, entry),
                When::AfterBlocks(blocks) => {
                    let place = script.counted.partition_point(|(other, _)| *other <= blocks);
                    script.counted.insert(place, (blocks, entry));
                }
            }
        }
        script
    }

    fn insert_timed(&mut self, after: Duration, entry: Entry) {
        let place = self.timed.partition_point(|(other, _)| *other <= after);
        self.timed.insert(place, (after, entry));
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
        let (_, entry) = self.counted.pop_front_if(|_| is_due)?;
        Some(self.begin_fault(entry))
    }

    /// The next fault that has its time, when it has come. Nothing is lost when this is not awaited to its end.
    pub(super) async fn next(&mut self) -> Fault {
        let Some((after, _)) = self.timed.front() else { return std::future::pending().await };
        let at = self.began.unwrap_or_else(Instant::now) + *after;
        tokio::time::sleep_until(at).await;
        match self.timed.pop_front() {
            Some((_, entry)) => self.begin_fault(entry),
            None => std::future::pending().await,
        }
    }

    /// Sees to the end of a fault that begins.
    fn begin_fault(&mut self, entry: Entry) -> Fault {
        if let (Some(lasts), Some(undo)) = (entry.lasts, entry.fault.undone_by()) {
            let after = self.began.map_or(Duration::ZERO, |began| began.elapsed()) + lasts;
            self.insert_timed(after, Entry::new(When::After(after), undo));
        }
        entry.fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn after(seconds: u64) -> When {
        When::After(Duration::from_secs(seconds))
    }

    #[tokio::test(start_paused = true)]
    async fn faults_come_in_their_order() {
        let mut script = Script::new([
            Entry::new(after(20), Fault::LinkUp),
            Entry::new(When::AfterBlocks(2), Fault::DiskFull),
            Entry::new(after(10), Fault::LinkDown { silent: true }),
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

    #[tokio::test(start_paused = true)]
    async fn what_lasts_for_a_while_is_undone() {
        let lasts = Duration::from_secs(5);
        let mut script = Script::new([
            Entry::lasting(after(10), Fault::SpeakerBroken, lasts),
            Entry::lasting(When::AfterBlocks(0), Fault::ClockShift { ms: -7 }, lasts),
        ]);
        script.begin();
        let began = Instant::now();
        assert_eq!(script.take_due(), Some(Fault::ClockShift { ms: -7 }));
        for (fault, seconds) in
            [(Fault::ClockShift { ms: 7 }, 5), (Fault::SpeakerBroken, 10), (Fault::SpeakerGood, 15)]
        {
            assert_eq!(script.next().await, fault);
            assert_eq!(began.elapsed(), Duration::from_secs(seconds));
        }
    }
}
