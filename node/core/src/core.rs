//! The state machine's outside: inputs in, actions out.

use std::time::Duration;

use loa_protocol::ids::BootId;
use loa_protocol::receipt::Receipt;
use loa_protocol::report::ClockTrust;

use crate::action::Action;
use crate::input::{Identity, LinkEvent, Measurements, Now, Restored, Settings, SpeakerEvent, StoreEvent};

/// One loudspeaker's mind.
#[derive(Debug)]
pub struct Core {}

impl Core {
    /// A node that has just booted. Everything stored is verified again; a stored document that no longer verifies is
    /// not played, but stays in the store. The clock counts as [`ClockTrust::Unknown`] until
    /// [`Core::handle_clock`] says otherwise. Actions may be waiting already.
    pub fn new(
        _identity: Identity,
        _settings: Settings,
        _restored: Restored,
        _boot: BootId,
        _firmware: String,
        _now: Now,
    ) -> Self {
        Self {}
    }

    /// A message came on either link. Whatever it holds, it does not panic.
    pub fn handle_message(&mut self, _topic: &str, _payload: &[u8], _now: Now) {}

    /// A link came up or went down.
    pub fn handle_link(&mut self, _event: LinkEvent, _now: Now) {}

    /// Something happened to the speaker.
    pub fn handle_speaker(&mut self, _event: SpeakerEvent, _now: Now) {}

    /// The cache answered an action.
    pub fn handle_stored(&mut self, _event: StoreEvent, _now: Now) {}

    /// The receipts that [`Action::ReadReceipts`] asked for, ascending by number; fewer when some are not there.
    pub fn handle_receipts(&mut self, _receipts: Vec<Receipt>, _now: Now) {}

    /// How far the clock is to be trusted from here on. Call it at boot and with every change, after stepping the clock.
    pub fn handle_clock(&mut self, _trust: ClockTrust, _now: Now) {}

    /// The board's measurements, which [`Action::MeasureHealth`] asked for.
    pub fn handle_health(&mut self, _measurements: Measurements, _now: Now) {}

    /// The deadline of [`Core::poll_timeout`] has come (or any other time: it does only what is due).
    pub fn handle_timeout(&mut self, _now: Now) {}

    /// The next thing to do, `None` when all is done. Take all of them after every input.
    pub fn poll_action(&mut self) -> Option<Action> {
        None
    }

    /// How long to wait for the next input before calling [`Core::handle_timeout`], and what for. At most 60 s, so
    /// that a wall clock which steps while the shell waits is noticed.
    pub fn poll_timeout(&self, _now: Now) -> Option<(Duration, &'static str)> {
        None
    }

    /// Topic and payload of the presence message for a connection. The shell gives the offline one to the broker as the
    /// will (QoS 1, retained) before it connects, and publishes it itself before it disconnects on purpose. The online
    /// one is published by the core.
    pub fn presence(&self, _connection: u64, _online: bool) -> (String, Vec<u8>) {
        (String::new(), Vec::new())
    }
}
