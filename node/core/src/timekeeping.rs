//! When the node asks the controller for the time, and what it believes of the answers: rules E1 to E6 of the
//! [clock](loa_protocol::clock).
//!
//! ```text
//! idle ── due ──> round: six requests ── answers, or time ──> the best is taken ──> idle
//! ```
//!
//! **Invariants.** At most [`ROUND_REQUESTS`] requests wait, each for [`ANSWER_WITHIN_MS`]. Everything here runs by the monotonic clock alone:
//! no wall clock, right or wrong, moves it. Without a secret nothing is ever asked.

use std::collections::VecDeque;

use loa_protocol::clock::{
    ANSWER_WITHIN_MS, ClockSource, DRIFT_PPM, Estimate, Nonce, REQUEST_GAP_MS, ROUND_REQUESTS, Sample,
    TRUSTED_MAX_MS, TimeRequest,
};
use loa_protocol::envelope::{Refusal, open_time};
use loa_protocol::keys::Purpose;
use loa_protocol::report::ClockTrust;
use loa_protocol::wire::Wire;
use sha2::{Digest as _, Sha256};

use crate::action::{Action, Qos};
use crate::deadline::{At, Deadlines};
use crate::documents::Documents;
use crate::input::{Link, Now, Standing, TimeSecret};
use crate::topics::Topics;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// How long a round waits for more answers once all requests are sent and the first answer is there.
const PATIENCE_MS: u64 = 5_000;
/// Within which a node without a clock asks first.
const SOON_MS: u64 = 10_000;
/// Within which one asks that lost its time service a moment ago: many may have.
const LOST_MS: u64 = 5 * MINUTE_MS;
/// The shortest and the longest wait after a round of which nothing came.
const RETRY_MS: (u64, u64) = (MINUTE_MS, HOUR_MS);
/// How rarely a node asks whose clock a time service keeps, on average.
const CHECK_MS: u64 = 24 * HOUR_MS;

/// A request whose answer may come.
#[derive(Debug)]
struct Waiting {
    request: TimeRequest,
    asked_ms: u64,
}

#[derive(Debug)]
struct Round {
    left: u32,
    next_ms: u64,
    /// The best answer so far.
    best: Option<Estimate>,
    /// When the first one came that is of use.
    first_ms: u64,
}

impl Round {
    /// Until when it waits for more, once it has an answer.
    fn patient_until(&self) -> Option<u64> {
        self.best.map(|_| self.next_ms.max(self.first_ms).saturating_add(PATIENCE_MS))
    }
}

/// Asks, and takes the best answer.
#[derive(Debug)]
pub(crate) struct Timekeeping {
    secret: Option<TimeSecret>,
    sequence: u64,
    draws: u64,
    waiting: VecDeque<Waiting>,
    round: Option<Round>,
    /// When the next round begins; `None`: to be planned.
    ask_at_ms: Option<u64>,
    /// Rounds of which nothing came, in a row.
    failures: u32,
    /// Whether a round has ended since the time service last changed.
    has_checked: bool,
    /// What was last taken.
    held: Option<Estimate>,
    standing: Standing,
}

impl Timekeeping {
    pub(crate) fn new(secret: Option<TimeSecret>) -> Self {
        Self {
            secret,
            sequence: 0,
            draws: 0,
            waiting: VecDeque::new(),
            round: None,
            ask_at_ms: None,
            failures: 0,
            has_checked: false,
            held: None,
            standing: Standing::from(ClockTrust::Unknown),
        }
    }

    /// Whether the node would ever ask.
    pub(crate) fn is_on(&self) -> bool {
        self.secret.is_some()
    }

    /// The control link is up: what fell due meanwhile is asked soon, but not by a whole fleet at once.
    pub(crate) fn handle_up(&mut self, now: Now) {
        let soonest = now.monotonic_ms.saturating_add(self.draw(SOON_MS));
        self.ask_at_ms = self.ask_at_ms.map(|at| at.max(soonest));
    }

    /// The link is gone, and with it what was on its way.
    pub(crate) fn handle_down(&mut self) {
        self.round = None;
        self.waiting.clear();
    }

    /// The clock stands otherwise.
    pub(crate) fn handle_standing(&mut self, standing: Standing) {
        let is_kept = |standing: Standing| standing.source == ClockSource::System;
        if is_kept(self.standing) != is_kept(standing) {
            (self.failures, self.has_checked) = (0, false);
        }
        if self.standing != standing {
            self.standing = standing;
            self.ask_at_ms = None;
        }
    }

    /// What came on the topic of answers.
    pub(crate) fn receive(
        &mut self,
        envelope: &[u8],
        documents: &Documents,
        now: Now,
    ) -> Result<(), Refusal> {
        let keys = documents.key_set().ok_or(Refusal::UnknownKey)?;
        let answer = open_time(envelope, keys, documents.recipient())?.document;
        self.forget_late(now);
        let request = TimeRequest { sequence: answer.sequence, nonce: answer.nonce };
        let place = self.waiting.iter().position(|waiting| waiting.request == request);
        let Some(waiting) = place.and_then(|place| self.waiting.remove(place)) else {
            return Err(Refusal::Replayed);
        };
        let sample = Sample::of(waiting.asked_ms, &answer, now.monotonic_ms);
        if let (Some(round), Some(estimate)) = (&mut self.round, sample.and_then(|sample| sample.estimate()))
        {
            if round.best.is_none() {
                round.first_ms = now.monotonic_ms;
            }
            let best = round.best.unwrap_or(estimate);
            round.best = Some(estimate.better(best, now.monotonic_ms));
        }
        Ok(())
    }

    /// Does what is due. `is_up`: the control link stands.
    pub(crate) fn step(
        &mut self,
        topics: &Topics,
        is_up: bool,
        documents: &Documents,
        now: Now,
        actions: &mut VecDeque<Action>,
    ) {
        let can_ask = is_up && documents.key_set().is_some_and(|keys| keys.can(Purpose::Time));
        let Some(secret) = self.secret.clone().filter(|_| can_ask) else {
            self.handle_down();
            return;
        };
        let ms = now.monotonic_ms;
        self.forget_late(now);
        if self.round.is_none() {
            let at = match self.ask_at_ms {
                Some(at) => at,
                None => ms.saturating_add(self.next_wait(ms)),
            };
            self.ask_at_ms = Some(at);
            if ms >= at {
                self.round = Some(Round { left: ROUND_REQUESTS, next_ms: ms, best: None, first_ms: 0 });
            }
        }
        self.ask(&secret, topics, ms, actions);
        self.end_round(ms, actions);
    }

    fn ask(&mut self, secret: &TimeSecret, topics: &Topics, ms: u64, actions: &mut VecDeque<Action>) {
        let gap_ms = REQUEST_GAP_MS / 2 + self.draw(REQUEST_GAP_MS);
        let Some(round) = self.round.as_mut().filter(|round| round.left > 0 && round.next_ms <= ms) else {
            return;
        };
        round.left -= 1;
        round.next_ms = ms.saturating_add(gap_ms);
        self.sequence += 1;
        let request = TimeRequest { sequence: self.sequence, nonce: Nonce::of(&secret.0, self.sequence) };
        self.waiting.push_back(Waiting { request, asked_ms: ms });
        actions.push_back(Action::Publish {
            link: Link::Control,
            topic: topics.time_request(),
            payload: request.to_cbor(),
            qos: Qos::AtMostOnce,
            retain: false,
        });
    }

    fn end_round(&mut self, ms: u64, actions: &mut VecDeque<Action>) {
        let is_over = |round: &mut Round| {
            let is_patient = round.patient_until().is_none_or(|until| ms < until);
            round.left == 0 && (self.waiting.is_empty() || !is_patient)
        };
        let Some(round) = self.round.take_if(is_over) else { return };
        self.waiting.clear();
        self.has_checked = true;
        self.ask_at_ms = None;
        // What was found before counts on while it is the better one, unless both cannot be true.
        let taken = round.best.filter(|found| {
            self.held.is_none_or(|held| {
                let away_ms = held.wall_at(ms).0.abs_diff(found.wall_at(ms).0);
                let bounds_ms = held.error_at(ms).saturating_add(found.error_at(ms));
                away_ms > bounds_ms || found.error_at(ms) < held.error_at(ms)
            })
        });
        if let Some(estimate) = taken {
            self.held = Some(estimate);
            actions.push_back(Action::TakeTime(estimate));
        }
        let is_trusted = self.held.is_some_and(|held| held.error_at(ms) <= TRUSTED_MAX_MS);
        self.failures = if is_trusted { 0 } else { self.failures.saturating_add(1) };
    }

    /// How long until the next round (rule E6), in milliseconds.
    fn next_wait(&mut self, ms: u64) -> u64 {
        if self.standing.source == ClockSource::System {
            return match (self.standing.trust, self.has_checked) {
                (ClockTrust::Trusted, false) => self.draw(CHECK_MS),
                (ClockTrust::Trusted, true) => CHECK_MS * 5 / 6 + self.draw(CHECK_MS / 3),
                (ClockTrust::Holdover | ClockTrust::Unknown, _) => HOUR_MS / 2 + self.draw(HOUR_MS / 2),
            };
        }
        let bound_ms = self.held.map(|held| held.error_at(ms));
        if let Some(room_ms) = bound_ms.and_then(|bound| TRUSTED_MAX_MS.checked_sub(bound)) {
            // Half to nine tenths of the time until the bound is too large.
            let until_ms = room_ms * 1_000_000 / DRIFT_PPM;
            return until_ms / 2 + self.draw(until_ms * 2 / 5);
        }
        if self.failures > 0 {
            let (first, most) = RETRY_MS;
            let wait_ms = first.saturating_mul(1 << (self.failures - 1).min(16)).min(most);
            return wait_ms / 2 + self.draw(wait_ms / 2);
        }
        match self.standing.trust {
            ClockTrust::Unknown => self.draw(SOON_MS),
            ClockTrust::Trusted | ClockTrust::Holdover => self.draw(LOST_MS),
        }
    }

    fn forget_late(&mut self, now: Now) {
        self.waiting.retain(|waiting| now.monotonic_ms.saturating_sub(waiting.asked_ms) <= ANSWER_WITHIN_MS);
    }

    /// A number below `range` that follows from the boot's secret and how many were drawn before.
    fn draw(&mut self, range: u64) -> u64 {
        self.draws += 1;
        let secret = self.secret.as_ref().map_or(&[0; 32], |secret| &secret.0);
        let mut hash = Sha256::new();
        hash.update(b"loa-draw-1\0");
        hash.update(secret);
        hash.update(self.draws.to_be_bytes());
        let hash: [u8; 32] = hash.finalize().into();
        let drawn = hash.iter().take(8).fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        drawn.checked_rem(range).unwrap_or(0)
    }

    /// Deadlines while the control link is up.
    pub(crate) fn deadlines(&self, deadlines: &mut Deadlines) {
        match (&self.round, self.ask_at_ms) {
            (Some(round), _) if round.left > 0 => {
                deadlines.add(At::Monotonic(round.next_ms), "ask for the time");
            }
            (Some(round), _) => {
                let late = |waiting: &Waiting| waiting.asked_ms.saturating_add(ANSWER_WITHIN_MS + 1);
                let all_late = self.waiting.back().map_or(round.next_ms, late);
                let ends_ms = round.patient_until().map_or(all_late, |until| until.min(all_late));
                deadlines.add(At::Monotonic(ends_ms), "give up waiting for the time");
            }
            (None, Some(at)) => deadlines.add(At::Monotonic(at), "ask for the time"),
            (None, None) => {}
        }
    }
}
