//! When to ping, and when to call the connection dead.
//!
//! ```text
//! nothing sent for keep_alive · 7/8 ────────────────> ping (the broker must hear from us)
//! nothing heard for keep_alive · 7/8 ───────────────> ping (we must hear from the broker)
//! no byte on the wire for answer_timeout after it ──> dead: Pulse
//! bytes to send, none taken for answer_timeout ─────> dead: WriteProgress
//! ```
//! Any byte counts as life, counted below TLS: on a thin network the answer to a ping waits behind half a megabyte.
//!
//! While the owner of the link is slow, the link does not read. It then goes on pinging, so that the broker keeps the
//! session, and does not count the unread silence against the broker: the wait for an answer starts when reading does.

use std::time::Duration;

use tokio::time::Instant;

use crate::event::{Awaited, DisconnectReason};
use crate::stats::Wire;

#[derive(Debug)]
pub(crate) struct Liveness {
    ping_after: Duration,
    answer_timeout: Duration,
    last_sent: Instant,
    last_heard: Instant,
    /// When the ping that nothing has followed yet was sent.
    ping_sent_at: Option<Instant>,
    /// Since when the link reads; `None` while it does not.
    reading_since: Option<Instant>,
    /// Since when bytes wait to be sent without progress; `None` when there are none.
    stalled_since: Option<Instant>,
    wire: Wire,
}

/// What to do when a deadline of [`Liveness`] has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pulse {
    Ping,
    Nothing,
}

impl Liveness {
    pub(crate) fn new(keep_alive: Duration, answer_timeout: Duration, wire: Wire, now: Instant) -> Self {
        Self {
            // The broker counts from when it hears us; an eighth is left for the way there.
            ping_after: keep_alive - keep_alive / 8,
            answer_timeout,
            last_sent: now,
            last_heard: now,
            ping_sent_at: None,
            reading_since: Some(now),
            stalled_since: None,
            wire,
        }
    }

    /// A packet was put into the output.
    pub(crate) fn handle_sent(&mut self, now: Instant) {
        self.last_sent = now;
    }

    /// Bytes came.
    pub(crate) fn handle_heard(&mut self, now: Instant) {
        self.last_heard = now;
        self.ping_sent_at = None;
    }

    /// Whether the link reads at this time.
    pub(crate) fn handle_reading(&mut self, reading: bool, now: Instant) {
        match (reading, self.reading_since) {
            (true, None) => self.reading_since = Some(now),
            (false, Some(_)) => self.reading_since = None,
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// Whether bytes wait to be sent.
    pub(crate) fn handle_output(&mut self, pending: bool, now: Instant) {
        match (pending, self.stalled_since) {
            (true, None) => self.stalled_since = Some(now),
            (false, Some(_)) => self.stalled_since = None,
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// The network took some bytes.
    pub(crate) fn handle_progress(&mut self, now: Instant) {
        if self.stalled_since.is_some() {
            self.stalled_since = Some(now);
        }
    }

    /// A ping was put into the output.
    pub(crate) fn handle_ping(&mut self, wire: Wire, now: Instant) {
        self.last_sent = now;
        if self.ping_sent_at.is_none() {
            self.ping_sent_at = Some(now);
            self.wire.received = wire.received;
        }
    }

    /// Whether a ping still waits for any byte.
    pub(crate) fn awaits_answer(&self) -> bool {
        self.ping_sent_at.is_some()
    }

    /// Since when the link reads; `None` while it does not.
    pub(crate) fn reading_since(&self) -> Option<Instant> {
        self.reading_since
    }

    /// The next moment at which [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn poll_timeout(&self) -> Instant {
        [Some(self.ping_at()), self.dead_at(), self.stalled_at()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or_else(|| self.ping_at())
    }

    /// A deadline may have come. `wire` tells a slow network, whose counters move, from a dead one.
    pub(crate) fn handle_timeout(&mut self, wire: Wire, now: Instant) -> Result<Pulse, DisconnectReason> {
        if self.stalled_at().is_some_and(|at| at <= now) {
            if wire.sent == self.wire.sent {
                return Err(self.timed_out(Awaited::WriteProgress));
            }
            self.stalled_since = Some(now);
            self.wire.sent = wire.sent;
        }
        if self.dead_at().is_some_and(|at| at <= now) {
            if wire.received == self.wire.received {
                return Err(self.timed_out(Awaited::Pulse));
            }
            self.ping_sent_at = Some(now);
            self.wire.received = wire.received;
        }
        Ok(if self.ping_at() <= now { Pulse::Ping } else { Pulse::Nothing })
    }

    fn ping_at(&self) -> Instant {
        let for_the_broker = self.last_sent + self.ping_after;
        match (self.ping_sent_at, self.reading_since) {
            (None, Some(reading_since)) => {
                for_the_broker.min(self.last_heard.max(reading_since) + self.ping_after)
            }
            (Some(_), _) | (None, None) => for_the_broker,
        }
    }

    fn dead_at(&self) -> Option<Instant> {
        Some(self.ping_sent_at?.max(self.reading_since?) + self.answer_timeout)
    }

    fn stalled_at(&self) -> Option<Instant> {
        Some(self.stalled_since? + self.answer_timeout)
    }

    fn timed_out(&self, waiting_for: Awaited) -> DisconnectReason {
        DisconnectReason::TimedOut { waiting_for, limit: self.answer_timeout }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STILL: Wire = Wire { sent: 0, received: 0 };

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// Keep-alive 80 s (ping after 70 s), answers within 25 s.
    fn liveness(start: Instant) -> Liveness {
        Liveness::new(seconds(80), seconds(25), STILL, start)
    }

    #[test]
    fn a_silent_peer_is_pinged_and_then_dead() {
        let start = Instant::now();
        let mut liveness = liveness(start);
        assert_eq!(liveness.poll_timeout(), start + seconds(70));
        assert_eq!(liveness.handle_timeout(STILL, start + seconds(69)).unwrap(), Pulse::Nothing);
        assert_eq!(liveness.handle_timeout(STILL, start + seconds(70)).unwrap(), Pulse::Ping);
        liveness.handle_ping(STILL, start + seconds(70));
        assert_eq!(liveness.poll_timeout(), start + seconds(95));
        let error = liveness.handle_timeout(STILL, start + seconds(95)).unwrap_err();
        assert!(matches!(error, DisconnectReason::TimedOut { waiting_for: Awaited::Pulse, .. }));
    }

    #[test]
    fn any_byte_is_a_sign_of_life() {
        let start = Instant::now();
        let mut liveness = liveness(start);
        liveness.handle_ping(STILL, start + seconds(70));
        liveness.handle_heard(start + seconds(71));
        assert!(!liveness.awaits_answer());
        assert_eq!(liveness.poll_timeout(), start + seconds(140));
    }

    #[test]
    fn bytes_below_tls_extend_the_wait_for_a_slow_network() {
        let start = Instant::now();
        let mut liveness = liveness(start);
        liveness.handle_ping(STILL, start + seconds(70));
        let trickle = Wire { sent: 0, received: 300 };
        assert_eq!(liveness.handle_timeout(trickle, start + seconds(95)).unwrap(), Pulse::Nothing);
        assert_eq!(liveness.poll_timeout(), start + seconds(120));
        assert!(liveness.handle_timeout(trickle, start + seconds(120)).is_err());
    }

    #[test]
    fn sending_all_the_time_does_not_hide_a_dead_peer() {
        let start = Instant::now();
        let mut liveness = liveness(start);
        for second in 0..70 {
            liveness.handle_sent(start + seconds(second));
        }
        assert_eq!(liveness.poll_timeout(), start + seconds(70));
        assert_eq!(liveness.handle_timeout(STILL, start + seconds(70)).unwrap(), Pulse::Ping);
    }

    #[test]
    fn a_slow_owner_keeps_the_session_and_is_not_held_against_the_broker() {
        let start = Instant::now();
        let mut liveness = liveness(start);
        liveness.handle_reading(false, start + seconds(1));
        for round in 1..=10 {
            let at = start + seconds(70 * round);
            assert_eq!(liveness.poll_timeout(), at);
            assert_eq!(liveness.handle_timeout(STILL, at).unwrap(), Pulse::Ping);
            liveness.handle_ping(STILL, at);
        }
        liveness.handle_reading(true, start + seconds(760));
        assert_eq!(liveness.poll_timeout(), start + seconds(770), "the next ping for the broker's sake");
        liveness.handle_ping(STILL, start + seconds(770));
        assert_eq!(
            liveness.poll_timeout(),
            start + seconds(785),
            "the answer is due from when reading began"
        );
        assert!(liveness.handle_timeout(STILL, start + seconds(785)).is_err());
    }

    #[test]
    fn bytes_that_nobody_takes_end_the_connection() {
        let start = Instant::now();
        let mut liveness = liveness(start);
        liveness.handle_output(true, start);
        liveness.handle_progress(start + seconds(10));
        assert_eq!(liveness.poll_timeout(), start + seconds(35));
        let trickle = Wire { sent: 10, received: 0 };
        assert!(liveness.handle_timeout(trickle, start + seconds(35)).is_ok());
        let error = liveness.handle_timeout(trickle, start + seconds(60)).unwrap_err();
        assert!(matches!(error, DisconnectReason::TimedOut { waiting_for: Awaited::WriteProgress, .. }));
        liveness.handle_output(false, start + seconds(61));
        assert_eq!(liveness.stalled_at(), None);
    }
}
