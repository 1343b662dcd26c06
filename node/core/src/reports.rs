//! When the node speaks of itself: state, health, events.
//!
//! - State, retained: on connecting, after a change (at most once a second, so that a burst of changes is one report), and
//!   every 15 minutes, because a publish may be lost. A change of alerts alone waits for 5 to 15 s: an answer told it already, and ten
//!   thousand nodes that do the same at once have more urgent things to say.
//! - Health: soon after connecting, then every `health_interval_s` with a spread of a tenth, so that a fleet that
//!   came back at once does not report at once for ever.
//! - Events: ten at once, then one every 30 s; the rest is only counted. While the node is offline the earliest are kept.
//!
//! The spread is drawn from the node's id: the same node reports at the same offsets, and no randomness is needed.

use std::collections::VecDeque;

use loa_protocol::ids::NodeId;
use loa_protocol::report::{Event, EventKind};
use loa_protocol::time::UnixMs;
use sha2::{Digest, Sha256};

use crate::deadline::{At, Deadlines};
use crate::input::Now;

const STATE_GAP_MS: u64 = 1_000;
const STATE_EVERY_MS: u64 = 15 * 60_000;
const ALERT_STATE_AFTER_MS: u64 = 5_000;
const ALERT_STATE_WITHIN_MS: u64 = 10_000;
const HEALTH_FIRST_WITHIN_MS: u64 = 10_000;
/// Until the node's own document says otherwise.
const HEALTH_INTERVAL_S: u32 = 300;
const EVENTS_AT_ONCE: u32 = 10;
const EVENT_EVERY_MS: u64 = 30_000;
/// Most events that wait.
const EVENTS_MAX: usize = 16;

/// What is to be published now.
#[derive(Debug, Default)]
pub(crate) struct DueReports {
    pub(crate) state: bool,
    pub(crate) measure_health: bool,
    pub(crate) events: Vec<Event>,
}

#[derive(Debug)]
pub(crate) struct Reports {
    node: NodeId,
    state_changed: bool,
    state_sent_ms: Option<u64>,
    /// When a change of the alerts is to be told at the latest.
    alerts_changed_ms: Option<u64>,
    health_interval_s: u32,
    health_at_ms: u64,
    health_count: u64,
    events: VecDeque<Event>,
    /// Events that may still be sent at once.
    allowance: u32,
    allowance_grows_ms: u64,
    /// Signed documents refused since boot.
    pub(crate) refused: u32,
}

impl Reports {
    pub(crate) fn new(node: NodeId, now: Now) -> Self {
        Self {
            node,
            state_changed: true,
            state_sent_ms: None,
            alerts_changed_ms: None,
            health_interval_s: HEALTH_INTERVAL_S,
            health_at_ms: now.monotonic_ms,
            health_count: 0,
            events: VecDeque::new(),
            allowance: EVENTS_AT_ONCE,
            allowance_grows_ms: now.monotonic_ms.saturating_add(EVENT_EVERY_MS),
            refused: 0,
        }
    }

    /// A number below `range` that follows from the node and the count alone.
    fn spread(&self, count: u64, range: u64) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.node.as_str().as_bytes());
        hash.update(count.to_be_bytes());
        let bytes: [u8; 32] = hash.finalize().into();
        let drawn = bytes.iter().take(8).fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        drawn.checked_rem(range).unwrap_or(0)
    }

    /// The control link is up.
    pub(crate) fn handle_up(&mut self, now: Now) {
        self.state_sent_ms = None;
        self.state_changed = true;
        let first = self.spread(u64::MAX, HEALTH_FIRST_WITHIN_MS);
        self.health_at_ms = now.monotonic_ms.saturating_add(first);
    }

    pub(crate) fn handle_state_change(&mut self) {
        self.state_changed = true;
    }

    /// Alerts are in force, or none are, and nothing else has changed.
    pub(crate) fn handle_alert_change(&mut self, now: Now) {
        let after = ALERT_STATE_AFTER_MS + self.spread(u64::MAX - 1, ALERT_STATE_WITHIN_MS);
        self.alerts_changed_ms.get_or_insert(now.monotonic_ms.saturating_add(after));
    }

    pub(crate) fn set_health_interval(&mut self, interval_s: u32, now: Now) {
        if self.health_interval_s != interval_s {
            self.health_interval_s = interval_s;
            let latest = now.monotonic_ms.saturating_add(u64::from(interval_s) * 1_000);
            self.health_at_ms = self.health_at_ms.min(latest);
        }
    }

    pub(crate) fn add_event(&mut self, kind: EventKind, at: UnixMs) {
        if self.events.len() < EVENTS_MAX {
            self.events.push_back(Event { at, kind });
        }
    }

    /// What is to be published, given that the control link is up.
    pub(crate) fn take_due(&mut self, now: Now) -> DueReports {
        let ms = now.monotonic_ms;
        let mut due = DueReports { state: self.state_at_ms() <= ms, ..DueReports::default() };
        if due.state {
            self.state_changed = false;
            self.alerts_changed_ms = None;
            self.state_sent_ms = Some(ms);
        }
        if self.health_at_ms <= ms {
            due.measure_health = true;
            self.health_count += 1;
            let interval = u64::from(self.health_interval_s) * 1_000;
            let spread = self.spread(self.health_count, interval / 5);
            self.health_at_ms = ms.saturating_add(interval - interval / 10 + spread);
        }
        while self.allowance < EVENTS_AT_ONCE && self.allowance_grows_ms <= ms {
            self.allowance += 1;
            self.allowance_grows_ms = self.allowance_grows_ms.saturating_add(EVENT_EVERY_MS);
        }
        if self.allowance == EVENTS_AT_ONCE {
            self.allowance_grows_ms = ms.saturating_add(EVENT_EVERY_MS);
        }
        while self.allowance > 0
            && let Some(event) = self.events.pop_front()
        {
            self.allowance -= 1;
            due.events.push(event);
        }
        due
    }

    fn state_at_ms(&self) -> u64 {
        let Some(sent) = self.state_sent_ms else { return 0 };
        let usual = sent.saturating_add(if self.state_changed { STATE_GAP_MS } else { STATE_EVERY_MS });
        self.alerts_changed_ms.map_or(usual, |at| usual.min(at))
    }

    /// Deadlines while the control link is up.
    pub(crate) fn deadlines(&self, deadlines: &mut Deadlines) {
        deadlines.add(At::Monotonic(self.state_at_ms()), "report the state");
        deadlines.add(At::Monotonic(self.health_at_ms), "report the health");
        if !self.events.is_empty() {
            deadlines.add(At::Monotonic(self.allowance_grows_ms), "report what was refused");
        }
    }
}
