//! A board that is not there: its amplifier and sensors, clock, network, disk and store.
//!
//! | Module | Idea |
//! |---|---|
//! | [`clock`] | a wall clock that can be put wrong |
//! | [`mod@line`] | a slow line: rate and latency |
//! | [`network`] | a way to the broker that can be cut, and that counts bytes |
//! | [`pool`] | bytes that many boards in one process hold in common |
//! | [`cache`] | the audio on one board's disk, which can fill up, fail and rot |
//! | [`store`] | what one board has in its database |
//!
//! **Invariant.** What a power cut takes from a real board, it takes here: the sound, the links, the clock of the boot,
//! and blocks that were not yet synced. What survives there survives here.

pub mod cache;
pub mod clock;
pub mod line;
pub mod network;
pub mod pool;
pub mod store;

use loa_protocol::time::UnixMs;

/// What the amplifier warms the board by, in tenths of a degree.
const AMPLIFIER_HEAT_DECIDEGREES: i32 = 60;
/// What the amplifier draws the supply down by, in millivolts.
const AMPLIFIER_SAG_MV: u32 = 350;
/// Switchings that are remembered.
const RELAY_LOG_MAX: usize = 256;

/// One switching of the amplifier's relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switching {
    /// When, on the board's clock.
    pub at: UnixMs,
    /// Whether the amplifier went on.
    pub on: bool,
}

/// The amplifier's relay and the sensors.
#[derive(Clone, Debug)]
pub struct Board {
    /// Temperature of the resting board, in tenths of a degree Celsius.
    pub temperature_decidegrees: i32,
    /// Supply of the resting board, in millivolts.
    pub supply_mv: u32,
    /// Whether the sound device can be opened.
    pub speaker_works: bool,
    relay: Vec<Switching>,
    is_on: bool,
}

impl Default for Board {
    /// 38.0 °C, 12.6 V, a speaker that works, the amplifier off.
    fn default() -> Self {
        Self {
            temperature_decidegrees: 380,
            supply_mv: 12_600,
            speaker_works: true,
            relay: Vec::new(),
            is_on: false,
        }
    }
}

impl Board {
    /// Switches the amplifier; whether that changed anything.
    pub fn switch_amplifier(&mut self, on: bool, at: UnixMs) -> bool {
        if self.is_on == on {
            return false;
        }
        self.is_on = on;
        if self.relay.len() == RELAY_LOG_MAX {
            self.relay.remove(0);
        }
        self.relay.push(Switching { at, on });
        true
    }

    /// Since when the amplifier is on; `None` while it is off.
    #[must_use]
    pub fn amplifier_on_since(&self) -> Option<UnixMs> {
        self.relay.last().filter(|last| last.on).map(|last| last.at)
    }

    /// The last switchings of the amplifier's relay, the earliest first.
    #[must_use]
    pub fn relay_log(&self) -> &[Switching] {
        &self.relay
    }

    /// What the temperature sensor shows, in tenths of a degree Celsius.
    #[must_use]
    pub fn measured_decidegrees(&self) -> i32 {
        self.temperature_decidegrees + if self.is_on { AMPLIFIER_HEAT_DECIDEGREES } else { 0 }
    }

    /// What the supply shows, in millivolts.
    #[must_use]
    pub fn measured_mv(&self) -> u32 {
        self.supply_mv.saturating_sub(if self.is_on { AMPLIFIER_SAG_MV } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_amplifier_shows_in_the_relay_log_and_on_the_sensors() {
        let mut board = Board::default();
        assert!(board.switch_amplifier(true, UnixMs(10)) && !board.switch_amplifier(true, UnixMs(20)));
        assert_eq!(board.amplifier_on_since(), Some(UnixMs(10)));
        assert_eq!((board.measured_decidegrees(), board.measured_mv()), (440, 12_250));
        assert!(board.switch_amplifier(false, UnixMs(30)));
        assert_eq!((board.amplifier_on_since(), board.measured_mv()), (None, 12_600));
        let log = [Switching { at: UnixMs(10), on: true }, Switching { at: UnixMs(30), on: false }];
        assert_eq!(board.relay_log(), log);
    }
}
