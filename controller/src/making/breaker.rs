//! An engine that has just failed is left alone for a while, so that not every track waits for its time-outs again. One
//! that refuses a single text has not failed ([`loa_speech::SynthesisError::is_about_the_text`]).
//!
//! ```text
//!            failed: rests 1 min, then 2, 4, 8, 15 (or as long as it asks for, up to an hour)
//! trusted ──────────────> resting ── its time is over ──> on trial ── succeeded ──> trusted
//!                            ^                               │
//!                            └────────────── failed ─────────┘
//! ```

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::bulletin::MakingError;

const FIRST_REST: Duration = Duration::from_secs(60);
const LONGEST_REST: Duration = Duration::from_secs(15 * 60);
/// An engine may ask for a longer rest; not for the whole day.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);

/// What is remembered of an engine's failures.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    in_a_row: u32,
    rest: Option<(Instant, MakingError)>,
}

impl Breaker {
    /// Why the engine is not asked now; `None` when it may be.
    pub(super) fn resting(&self, now: Instant) -> Option<&MakingError> {
        self.rest.as_ref().filter(|(until, _)| now < *until).map(|(_, why)| why)
    }

    /// It failed past its retries.
    pub(super) fn failed(&mut self, now: Instant, asked: Option<Duration>, why: MakingError) {
        let rest = FIRST_REST.saturating_mul(2_u32.saturating_pow(self.in_a_row)).min(LONGEST_REST);
        let rest = asked.map_or(rest, |asked| asked.min(LONGEST_ASKED).max(rest));
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.rest = Some((now + rest, why));
    }

    /// It spoke.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why() -> MakingError {
        MakingError { code: "voice.refused".to_owned(), vi: String::new(), en: String::new() }
    }

    #[test]
    fn each_failure_doubles_the_rest_and_a_success_ends_it() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        assert_eq!(breaker.resting(start), None);
        let mut now = start;
        for seconds in [60, 120, 240, 480, 900, 900] {
            breaker.failed(now, None, why());
            let end = now + Duration::from_secs(seconds);
            assert_eq!(breaker.resting(end - Duration::from_millis(1)), Some(&why()), "{seconds} s");
            assert_eq!(breaker.resting(end), None, "{seconds} s");
            now = end;
        }
        breaker.succeeded();
        breaker.failed(now, None, why());
        assert_eq!(breaker.resting(now + FIRST_REST), None);
    }

    #[test]
    fn an_engine_gets_the_rest_that_it_asks_for() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        breaker.failed(start, Some(Duration::from_secs(600)), why());
        assert!(breaker.resting(start + Duration::from_secs(599)).is_some());
        breaker.failed(start, Some(Duration::from_secs(86_400)), why());
        assert_eq!(breaker.resting(start + LONGEST_ASKED), None);
    }
}
