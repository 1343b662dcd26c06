//! What became of alerts, on its way to whoever sent them.
//!
//! An answer that is lost is not repeated: the state tells what is in force, a receipt how it ended. **Bound.** At most
//! [`WAITING_MAX`] answers wait; while nothing takes them the oldest give way, for what sounds now says more than what came before.
//! No more than [`AT_ONCE`] leave at once and one every [`EVERY_MS`] after that, whatever comes.

use std::collections::VecDeque;

use loa_protocol::alert::AlertAnswer;

use crate::deadline::{At, Deadlines};
use crate::input::Now;

/// Most answers that wait.
const WAITING_MAX: usize = 32;
/// Answers that may leave at once: the alerts of a whole path, and their first sounds.
const AT_ONCE: u32 = 32;
/// How often one more may leave after that.
const EVERY_MS: u64 = 2_000;

#[derive(Debug)]
pub(crate) struct Answers {
    waiting: VecDeque<AlertAnswer>,
    /// How many may still leave at once.
    allowance: u32,
    grows_ms: u64,
}

impl Answers {
    pub(crate) fn new(now: Now) -> Self {
        Self { waiting: VecDeque::new(), allowance: AT_ONCE, grows_ms: now.monotonic_ms }
    }

    pub(crate) fn add(&mut self, answer: AlertAnswer) {
        if self.waiting.len() >= WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(answer);
    }

    /// What is to be published now, given that the control link is up.
    pub(crate) fn take_due(&mut self, now: Now) -> Vec<AlertAnswer> {
        let grown = now.monotonic_ms.saturating_sub(self.grows_ms) / EVERY_MS;
        self.allowance = self.allowance.saturating_add(u32::try_from(grown).unwrap_or(u32::MAX)).min(AT_ONCE);
        // While it is full nothing is saved up.
        self.grows_ms = match self.allowance {
            AT_ONCE => now.monotonic_ms,
            _ => self.grows_ms.saturating_add(grown * EVERY_MS),
        };
        let count = self.waiting.len().min(usize::try_from(self.allowance).unwrap_or(usize::MAX));
        self.allowance -= u32::try_from(count).unwrap_or(self.allowance);
        self.waiting.drain(..count).collect()
    }

    /// Deadlines while the control link is up.
    pub(crate) fn deadlines(&self, deadlines: &mut Deadlines) {
        if !self.waiting.is_empty() {
            deadlines.add(At::Monotonic(self.grows_ms.saturating_add(EVERY_MS)), "answer for alerts");
        }
    }
}

#[cfg(test)]
mod tests {
    use loa_protocol::alert::Verdict;
    use loa_protocol::ids::AreaId;
    use loa_protocol::time::UnixMs;

    use super::*;

    fn at(ms: u64) -> Now {
        Now { wall: UnixMs(0), monotonic_ms: ms }
    }

    fn answer(epoch: u64) -> AlertAnswer {
        let (area, received) = (AreaId::new("xa").unwrap(), UnixMs(0));
        AlertAnswer { area, epoch, received, verdict: Verdict::Verified(received) }
    }

    fn taken(answers: &mut Answers, ms: u64) -> Vec<u64> {
        answers.take_due(at(ms)).into_iter().map(|answer| answer.epoch).collect()
    }

    #[test]
    fn the_newest_wait_and_a_flood_leaves_drop_by_drop() {
        let mut answers = Answers::new(at(0));
        (0..100).for_each(|epoch| answers.add(answer(epoch)));
        assert_eq!(taken(&mut answers, 5_000), (68..100).collect::<Vec<_>>());
        (0..3).for_each(|epoch| answers.add(answer(epoch)));
        assert_eq!(taken(&mut answers, 6_999), [0; 0]);
        let mut deadlines = Deadlines::new(at(6_999));
        answers.deadlines(&mut deadlines);
        assert_eq!(deadlines.earliest().unwrap().0.as_millis(), 1);
        assert_eq!(taken(&mut answers, 7_000), [0]);
        assert_eq!(taken(&mut answers, 11_500), [1, 2]);
        assert_eq!(taken(&mut answers, 1_000_000), [0; 0]);
        (0..40).for_each(|epoch| answers.add(answer(epoch)));
        assert_eq!(taken(&mut answers, 1_000_000).len(), 32);
        assert_eq!(taken(&mut answers, 1_001_999), [0; 0]);
    }
}
