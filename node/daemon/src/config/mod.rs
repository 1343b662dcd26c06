//! Settings: defaults, under a TOML file, under `LOA_NODE_…` variables.
//!
//! Nothing has to be set: `loa-node enrol TOKEN` and `loa-node run` suffice. A key that does not exist is refused with the
//! nearest one that does, because a setting that is silently ignored is found out at the loudspeaker.
//!
//! Which controller, tenant and broker a node serves is no setting: it comes with the enrolment token alone.

mod error;
mod hours;
mod keys;
mod load;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

pub use error::ConfigError;
pub use load::load;

use chrono_tz::Tz;
use loa_protocol::plan::Zone;
use loa_protocol::timeline::{Guards, OwnGuards};

use crate::clock::trust::Policy;

/// Where the service keeps its things.
pub const DEFAULT_DATA_DIR: &str = "/var/lib/loa-node";
/// Read where it exists and no other file was named.
pub const DEFAULT_FILE: &str = "/etc/loa-node.toml";

/// The zone in which guards are read unless they name another: many boards run on UTC.
const VIETNAM: Zone = Zone(Tz::Asia__Ho_Chi_Minh);

/// All settings of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Folder of the identity, the database and the cached audio.
    pub data_dir: PathBuf,
    /// The sound card.
    pub audio: Audio,
    /// The amplifier.
    pub amplifier: Amplifier,
    /// The audio cache.
    pub cache: Cache,
    /// The clock.
    pub clock: Clock,
    /// What the board does not do, whatever is signed.
    pub guards: OwnGuards,
    /// What is logged, and how.
    pub log: Log,
}

/// The sound card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audio {
    /// ALSA's name of the device, as `aplay -L` lists them.
    pub device: String,
    /// How much later than ALSA reports a sound is heard, in microseconds, 0 to 2,000,000: what a network amplifier or
    /// a digital mixer behind the card adds. Starts come earlier by as much.
    pub delay_us: u32,
}

/// The amplifier and the relay that feeds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amplifier {
    /// How long before a sound it is switched on, in milliseconds, 0 to 30,000.
    pub warm_up_ms: u32,
    /// How long after the last sound it stays on, in milliseconds, 0 to 600,000.
    pub tail_ms: u32,
    /// The GPIO chip of the relay, such as `/dev/gpiochip0`; empty where the board has no relay.
    pub gpio_chip: String,
    /// The line of the relay on that chip.
    pub gpio_line: u32,
    /// Whether the relay closes when the line is low.
    pub active_low: bool,
}

/// The audio cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Most room that cached audio may take, in MiB, at least 16 (one object of the largest size).
    pub quota_mib: u32,
}

/// The clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Whom to believe about the time.
    pub trust: Policy,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The least severe lines that are written.
    pub level: LogLevel,
    /// The form of a line.
    pub format: LogFormat,
}

/// Severity of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is not as it should be.
    Warn,
    /// What the node does.
    Info,
    /// How it does it.
    Debug,
    /// Everything.
    Trace,
}

/// Form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// With time stamps on a terminal, without them under journald, which adds its own.
    Auto,
    /// With time stamps.
    Text,
    /// Without time stamps.
    Journal,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from(DEFAULT_DATA_DIR),
            audio: Audio { device: "default".to_owned(), delay_us: 0 },
            amplifier: Amplifier {
                warm_up_ms: 2_000,
                tail_ms: 3_000,
                gpio_chip: String::new(),
                gpio_line: 0,
                active_low: false,
            },
            cache: Cache { quota_mib: 512 },
            clock: Clock { trust: Policy::Synchronised },
            guards: OwnGuards { guards: Guards::default(), zone: VIETNAM },
            log: Log { level: LogLevel::Info, format: LogFormat::Auto },
        }
    }
}

macro_rules! words {
    ($name:ident, $($variant:ident = $word:literal),+) => {
        impl $name {
            /// The word in the configuration.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(word: &str) -> Result<Self, String> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("{word:?} is none of {}", [$($word),+].join(", "))),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
words!(LogLevel, Error = "error", Warn = "warn", Info = "info", Debug = "debug", Trace = "trace");
words!(LogFormat, Auto = "auto", Text = "text", Journal = "journal");
