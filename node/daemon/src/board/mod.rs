//! The hardware round the sound card: the amplifier's relay, the temperature, the supply voltage.
//!
//! | Module | Idea |
//! |---|---|
//! | [`relay`] | one GPIO line, through the character device or, on old kernels, through sysfs |
//! | [`sensors`] | what the kernel measures, found in sysfs |
//!
//! # Invariants
//! - Nothing is required: what a board does not have is `None`, and switching an amplifier that is always on succeeds.
//! - The amplifier is off when the daemon starts and when it ends, whatever happened in between.

pub mod relay;
pub mod sensors;

use std::path::PathBuf;

pub use relay::{Relay, RelayError, RelaySettings};
pub use sensors::Sensors;

/// A loudspeaker board. Calls take microseconds to a few milliseconds.
pub trait Board: Send {
    /// Switches the amplifier. Doing so again is not an error; a board without a relay does nothing.
    ///
    /// # Errors
    /// [`RelayError`] where the relay cannot be driven: the amplifier may be in either state.
    fn set_amplifier(&mut self, on: bool) -> Result<(), RelayError>;

    /// The hottest place that the board measures, in tenths of a degree Celsius.
    fn temperature_decidegrees(&mut self) -> Option<i32>;

    /// What the board is fed with, in millivolts.
    fn supply_mv(&mut self) -> Option<u32>;
}

/// What a Linux board has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinuxBoardSettings {
    /// The relay of the amplifier; `None` where it is always on.
    pub relay: Option<RelaySettings>,
    /// Where sysfs is mounted.
    pub sysfs: PathBuf,
}

impl LinuxBoardSettings {
    /// This machine's own sysfs, and a relay on `line` of `chip`; no relay where `chip` is empty.
    #[must_use]
    pub fn with_relay(chip: &str, line: u32, active_low: bool) -> Self {
        let relay = (!chip.is_empty()).then(|| RelaySettings { chip: PathBuf::from(chip), line, active_low });
        Self { relay, ..Self::default() }
    }
}

impl Default for LinuxBoardSettings {
    fn default() -> Self {
        Self { relay: None, sysfs: PathBuf::from("/sys") }
    }
}

/// A board under Linux. With default settings, any machine: no relay, and such sensors as there are.
#[derive(Debug)]
pub struct LinuxBoard {
    relay: Option<Relay>,
    sensors: Sensors,
}

impl LinuxBoard {
    /// Takes hold of the relay, which switches the amplifier off.
    ///
    /// # Errors
    /// [`RelayError`] where the relay is configured but cannot be driven.
    pub fn open(settings: LinuxBoardSettings) -> Result<Self, RelayError> {
        let relay = settings.relay.map(Relay::open).transpose()?;
        Ok(Self { relay, sensors: Sensors::new(settings.sysfs) })
    }
}

impl Board for LinuxBoard {
    fn set_amplifier(&mut self, on: bool) -> Result<(), RelayError> {
        self.relay.as_mut().map_or(Ok(()), |relay| relay.set(on))
    }

    fn temperature_decidegrees(&mut self) -> Option<i32> {
        self.sensors.temperature_decidegrees()
    }

    fn supply_mv(&mut self) -> Option<u32> {
        self.sensors.supply_mv()
    }
}

impl Drop for LinuxBoard {
    fn drop(&mut self) {
        if let Err(error) = self.set_amplifier(false) {
            tracing::error!(error = &error as &dyn std::error::Error, "the amplifier may still be on");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_hardware_is_a_board_without_figures() {
        let dir = tempfile::tempdir().unwrap();
        let settings = LinuxBoardSettings { relay: None, sysfs: dir.path().to_owned() };
        let mut board = LinuxBoard::open(settings).unwrap();
        board.set_amplifier(true).unwrap();
        board.set_amplifier(false).unwrap();
        assert_eq!((board.temperature_decidegrees(), board.supply_mv()), (None, None));
    }

    #[test]
    fn the_amplifier_is_off_before_and_after() {
        let dir = tempfile::tempdir().unwrap();
        let line = dir.path().join("gpio17");
        std::fs::create_dir(&line).unwrap();
        for file in ["direction", "value"] {
            std::fs::write(line.join(file), "").unwrap();
        }
        let value = || std::fs::read_to_string(line.join("value")).unwrap();
        let direction = || std::fs::read_to_string(line.join("direction")).unwrap();
        let relay = RelaySettings { chip: dir.path().to_owned(), line: 17, active_low: false };
        let settings = LinuxBoardSettings { relay: Some(relay), ..LinuxBoardSettings::default() };
        let mut board = LinuxBoard::open(settings).unwrap();
        assert_eq!(direction(), "low");
        board.set_amplifier(true).unwrap();
        assert_eq!(value(), "1");
        drop(board);
        assert_eq!(value(), "0");
    }
}
