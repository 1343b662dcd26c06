//! The amplifier: on before a sound, off a tail after it.

use std::collections::VecDeque;

use loa_protocol::time::UnixMs;

use crate::action::Action;
use crate::deadline::{At, Deadlines};
use crate::input::{Now, Settings};

/// Whether the amplifier is on, and until when.
#[derive(Debug, Default)]
pub(super) struct Amplifier {
    /// When its warm-up ends, on the monotonic clock; `None` when it is off.
    ready_at_ms: Option<u64>,
    /// When it goes off unless something is about to sound.
    release_at_ms: Option<u64>,
}

impl Amplifier {
    /// Switches it on if it is off. It stays on until the tail after [`Amplifier::rest`].
    pub(super) fn prepare(
        &mut self,
        by: UnixMs,
        settings: &Settings,
        now: Now,
        actions: &mut VecDeque<Action>,
    ) {
        self.release_at_ms = None;
        if self.ready_at_ms.is_none() {
            self.ready_at_ms =
                Some(now.monotonic_ms.saturating_add(u64::from(settings.amplifier_warm_up_ms)));
            actions.push_back(Action::PrepareSpeaker { by });
        }
    }

    /// How long until it can sound, in milliseconds.
    pub(super) fn warm_up_left_ms(&self, settings: &Settings, now: Now) -> i64 {
        let left = match self.ready_at_ms {
            Some(ready_at) => ready_at.saturating_sub(now.monotonic_ms),
            None => u64::from(settings.amplifier_warm_up_ms),
        };
        i64::try_from(left).unwrap_or(i64::MAX)
    }

    /// Nothing sounds and nothing is about to: off after the tail.
    pub(super) fn rest(&mut self, settings: &Settings, now: Now, actions: &mut VecDeque<Action>) {
        if self.ready_at_ms.is_none() {
            return;
        }
        let tail = u64::from(settings.amplifier_tail_ms);
        let release_at = *self.release_at_ms.get_or_insert(now.monotonic_ms.saturating_add(tail));
        if release_at <= now.monotonic_ms {
            *self = Self::default();
            actions.push_back(Action::ReleaseSpeaker);
        }
    }

    pub(super) fn deadlines(&self, deadlines: &mut Deadlines) {
        if let Some(at) = self.release_at_ms {
            deadlines.add(At::Monotonic(at), "the amplifier's tail ends");
        }
    }
}
