//! The relay that feeds the amplifier: one GPIO line.
//!
//! Kernels since 4.8 offer lines through a character device (`/dev/gpiochip0`), which gives a line back when its owner
//! ends. Older ones, which many cheap boards still run, only have `/sys/class/gpio`: name that folder as the chip.

use std::io;
use std::path::{Path, PathBuf};

use gpiocdev::Request;
use gpiocdev::line::Value;

/// Which line, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelaySettings {
    /// The character device of the chip, or `/sys/class/gpio`.
    pub chip: PathBuf,
    /// The line on that chip; in sysfs, its number among all.
    pub line: u32,
    /// Whether the relay closes when the line is low.
    pub active_low: bool,
}

/// Why the relay could not be driven.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The line could not be taken hold of.
    #[error(
        "cannot drive line {line} of {chip} for the amplifier's relay; check the chip and the line in the settings \
         (`gpioinfo` lists them), that nothing else holds it, and that the service may open it"
    )]
    Request {
        /// The chip.
        chip: PathBuf,
        /// The line.
        line: u32,
        /// Why.
        #[source]
        source: gpiocdev::Error,
    },
    /// A file of the line in sysfs could not be written.
    #[error(
        "cannot write {path} for the amplifier's relay; check the line in the settings and the rights of the service"
    )]
    Sysfs {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A relay in our hold.
#[derive(Debug)]
pub struct Relay {
    settings: RelaySettings,
    line: Line,
}

#[derive(Debug)]
enum Line {
    Device(Request),
    Sysfs { value: PathBuf },
}

impl Relay {
    /// Takes hold of the line and opens the relay (amplifier off) in the same step, so that it does not click.
    ///
    /// # Errors
    /// [`RelayError`] where there is no such line, it is taken, or may not be driven.
    pub fn open(settings: RelaySettings) -> Result<Self, RelayError> {
        let line = if settings.chip.is_dir() { sysfs_line(&settings)? } else { device_line(&settings)? };
        Ok(Self { settings, line })
    }

    /// Closes the relay (amplifier on) or opens it.
    ///
    /// # Errors
    /// [`RelayError`] where the line cannot be written.
    pub fn set(&mut self, closed: bool) -> Result<(), RelayError> {
        match &self.line {
            Line::Device(request) => {
                let value = if closed { Value::Active } else { Value::Inactive };
                request.set_value(self.settings.line, value).map_err(|source| self.settings.failed(source))
            }
            Line::Sysfs { value } => {
                let is_high = closed != self.settings.active_low;
                write(value, if is_high { "1" } else { "0" })
            }
        }
    }
}

impl RelaySettings {
    fn failed(&self, source: gpiocdev::Error) -> RelayError {
        RelayError::Request { chip: self.chip.clone(), line: self.line, source }
    }
}

fn device_line(settings: &RelaySettings) -> Result<Line, RelayError> {
    let mut request = Request::builder();
    request.on_chip(&settings.chip).with_consumer("loa-node amplifier").with_line(settings.line);
    if settings.active_low {
        request.as_active_low();
    }
    request.as_output(Value::Inactive).request().map(Line::Device).map_err(|source| settings.failed(source))
}

/// The kernel's sysfs interface (Documentation/admin-guide/gpio/sysfs.rst): writing `high` or `low` as the direction
/// makes the line an output of that level at once.
fn sysfs_line(settings: &RelaySettings) -> Result<Line, RelayError> {
    let folder = settings.chip.join(format!("gpio{}", settings.line));
    if !folder.is_dir() {
        write(&settings.chip.join("export"), &settings.line.to_string())?;
    }
    write(&folder.join("direction"), if settings.active_low { "high" } else { "low" })?;
    Ok(Line::Sysfs { value: folder.join("value") })
}

/// Writes an existing file in one piece, as sysfs wants it; a file that is not there is an error, not made.
fn write(path: &Path, text: &str) -> Result<(), RelayError> {
    let written = std::fs::OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(path)
        .and_then(|mut file| io::Write::write_all(&mut file, text.as_bytes()));
    written.map_err(|source| RelayError::Sysfs { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `/sys/class/gpio` with line 23 exported.
    fn sysfs() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let line = dir.path().join("gpio23");
        std::fs::create_dir(&line).unwrap();
        for file in [dir.path().join("export"), line.join("direction"), line.join("value")] {
            std::fs::write(file, "").unwrap();
        }
        (dir, line)
    }

    fn read(path: PathBuf) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_relay_that_closes_when_low_starts_high() {
        let (dir, line) = sysfs();
        let settings = RelaySettings { chip: dir.path().to_owned(), line: 23, active_low: true };
        let mut relay = Relay::open(settings).unwrap();
        assert_eq!(read(line.join("direction")), "high");
        assert_eq!(read(dir.path().join("export")), "", "it was exported already");
        relay.set(true).unwrap();
        assert_eq!(read(line.join("value")), "0");
        relay.set(false).unwrap();
        assert_eq!(read(line.join("value")), "1");
    }

    #[test]
    fn a_line_that_is_not_exported_is_asked_for_and_its_absence_is_named() {
        let (dir, _) = sysfs();
        let settings = RelaySettings { chip: dir.path().to_owned(), line: 99, active_low: false };
        let error = Relay::open(settings).unwrap_err();
        assert_eq!(read(dir.path().join("export")), "99");
        assert!(error.to_string().contains("gpio99/direction"), "{error}");
    }

    #[test]
    fn a_chip_that_does_not_exist_is_named_with_what_to_do() {
        let settings = RelaySettings { chip: "/dev/gpiochip-none".into(), line: 4, active_low: false };
        let error = Relay::open(settings).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("line 4 of /dev/gpiochip-none") && text.contains("gpioinfo"), "{text}");
        assert!(std::error::Error::source(&error).is_some());
    }
}
