//! Devices that are being closed. That takes as long as the device takes: one that hangs is left behind, silenced.
//!
//! # Invariants
//! - Closing never holds up the speaker thread: each device is closed on a thread of its own.
//! - A device that was handed over gives nothing but silence, should it ever go on.
//! - At most [`HANGING_MAX`] devices hang; beyond, none is opened.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::audio::device::Device;

/// Most devices that may hang at a time; each costs two threads and a sound's ring.
const HANGING_MAX: usize = 4;

/// Closing a device that works takes what is left in its buffer, some 100 ms.
const PATIENCE: Duration = Duration::from_secs(1);

/// The devices whose closing has not ended.
#[derive(Default)]
pub(super) struct Closing {
    /// Each ends when its device is closed.
    under_way: Vec<Receiver<()>>,
}

impl Closing {
    /// Silences a device and closes it elsewhere.
    pub(super) fn close(&mut self, device: Device) {
        device.silence();
        let (closed, is_closed) = mpsc::sync_channel(1);
        let close = move || {
            drop(device);
            drop(closed);
        };
        match std::thread::Builder::new().name("audio-close".into()).spawn(close) {
            Ok(_) => self.under_way.push(is_closed),
            // The device was dropped with the thread's closure.
            Err(error) => tracing::warn!(%error, "no thread to close the sound device in"),
        }
    }

    /// Waits, a second at most, until all are closed. Returns whether another device may be opened.
    pub(super) fn settle(&mut self) -> bool {
        let give_up = Instant::now() + PATIENCE;
        self.under_way.retain(|is_closed| {
            let left = give_up.saturating_duration_since(Instant::now());
            is_closed.recv_timeout(left) == Err(RecvTimeoutError::Timeout)
        });
        self.under_way.len() < HANGING_MAX
    }
}
