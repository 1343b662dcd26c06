//! Scripts of faults, as TOML.
//!
//! ```toml
//! [[fault]]
//! at_s = 10            # seconds after the start; or after_blocks = 20, once so many blocks were stored
//! kind = "power_cut"
//! off_s = 3.5
//! ```
//!
//! A fault that can be made good again may have `for_s`: then it is, after so many seconds.
//!
//! | `kind` | keys |
//! |---|---|
//! | `link_down` | `silent` (default `false`): whether only time-outs tell; may have `for_s` |
//! | `disk_full`, `disk_failing`, `speaker_broken` | may have `for_s` |
//! | `link_up`, `disk_good`, `speaker_good` | |
//! | `power_cut` | `off_s`: for how long |
//! | `clock_shift_ms` | `ms`, negative is back; may have `for_s` |
//! | `clock_trust` | `trust`: `trusted`, `holdover` or `unknown` |
//! | `corrupt_object` | `object` (default all): hex digits that its hash begins with |
//! | `temperature` | `celsius` |
//! | `supply` | `mv` |

use std::path::{Path, PathBuf};
use std::time::Duration;

use loa_protocol::report::ClockTrust;
use serde::Deserialize;

use crate::node::{Entry, Fault, Script, When};

/// Why a script cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("cannot read the script of faults {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Not a script.
    #[error("the script of faults is not in order")]
    Toml(#[from] toml::de::Error),
    /// A fault without an instant, or with two.
    #[error("fault {number} ({kind}) needs either at_s or after_blocks, and at_s must not be negative")]
    When {
        /// Which, from 1.
        number: usize,
        /// Its kind.
        kind: String,
    },
    /// A fault that is to be undone, and cannot.
    #[error("fault {number} ({kind}) cannot have for_s, or its for_s is no number of seconds")]
    For {
        /// Which, from 1.
        number: usize,
        /// Its kind.
        kind: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fault: Vec<toml::Table>,
}

/// A fault as it is written. The keys that say when are taken out before it is read, because serde cannot refuse unknown
/// keys in a flattened table.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Written {
    LinkDown {
        #[serde(default)]
        silent: bool,
    },
    LinkUp {},
    PowerCut {
        off_s: f64,
    },
    DiskFull {},
    DiskFailing {},
    DiskGood {},
    SpeakerBroken {},
    SpeakerGood {},
    ClockShiftMs {
        ms: i64,
    },
    ClockTrust {
        trust: Trust,
    },
    CorruptObject {
        #[serde(default)]
        object: String,
    },
    Temperature {
        celsius: f64,
    },
    Supply {
        mv: u32,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Trust {
    Trusted,
    Holdover,
    Unknown,
}

impl From<Written> for Fault {
    fn from(written: Written) -> Self {
        match written {
            Written::LinkDown { silent } => Self::LinkDown { silent },
            Written::LinkUp {} => Self::LinkUp,
            Written::PowerCut { off_s } => Self::PowerCut { off_s },
            Written::DiskFull {} => Self::DiskFull,
            Written::DiskFailing {} => Self::DiskFailing,
            Written::DiskGood {} => Self::DiskGood,
            Written::SpeakerBroken {} => Self::SpeakerBroken,
            Written::SpeakerGood {} => Self::SpeakerGood,
            Written::ClockShiftMs { ms } => Self::ClockShift { ms },
            Written::ClockTrust { trust } => Self::ClockTrust {
                trust: match trust {
                    Trust::Trusted => ClockTrust::Trusted,
                    Trust::Holdover => ClockTrust::Holdover,
                    Trust::Unknown => ClockTrust::Unknown,
                },
            },
            Written::CorruptObject { object } => Self::CorruptObject { object },
            Written::Temperature { celsius } => Self::Temperature { celsius },
            Written::Supply { mv } => Self::Supply { mv },
        }
    }
}

/// Reads a script from a file.
///
/// # Errors
/// [`ScriptError`].
pub fn load(path: &Path) -> Result<Script, ScriptError> {
    let read = |source| ScriptError::Read { path: path.to_owned(), source };
    parse(&std::fs::read_to_string(path).map_err(read)?)
}

/// Reads a script.
///
/// # Errors
/// [`ScriptError`].
pub fn parse(text: &str) -> Result<Script, ScriptError> {
    let File { fault } = toml::from_str(text)?;
    let faults = fault.into_iter().zip(1..).map(|(table, number)| entry(table, number));
    Ok(Script::new(faults.collect::<Result<Vec<_>, _>>()?))
}

fn entry(mut table: toml::Table, number: usize) -> Result<Entry, ScriptError> {
    let mut take = |key| table.remove(key);
    let (at_s, after_blocks, for_s) = (take("at_s"), take("after_blocks"), take("for_s"));
    let kind = table.get("kind").map(ToString::to_string).unwrap_or_default();
    let when = match (at_s, after_blocks) {
        (Some(at_s), None) => seconds(&at_s).map(When::After),
        (None, Some(blocks)) => {
            blocks.as_integer().and_then(|blocks| u64::try_from(blocks).ok()).map(When::AfterBlocks)
        }
        (None, None) | (Some(_), Some(_)) => None,
    };
    let Some(when) = when else { return Err(ScriptError::When { number, kind }) };
    let fault = Fault::from(table.try_into::<Written>()?);
    let Some(for_s) = for_s else { return Ok(Entry::new(when, fault)) };
    match (seconds(&for_s), fault.undone_by()) {
        (Some(lasts), Some(_)) => Ok(Entry::lasting(when, fault, lasts)),
        (None, _) | (_, None) => Err(ScriptError::For { number, kind }),
    }
}

fn seconds(value: &toml::Value) -> Option<Duration> {
    let seconds = value.as_float().or_else(|| value.as_integer().map(|seconds| seconds as f64))?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read() {
        let kinds = [
            ("link_down", "silent = true", Fault::LinkDown { silent: true }),
            ("link_up", "", Fault::LinkUp),
            ("power_cut", "off_s = 3.5", Fault::PowerCut { off_s: 3.5 }),
            ("disk_full", "", Fault::DiskFull),
            ("disk_failing", "", Fault::DiskFailing),
            ("disk_good", "", Fault::DiskGood),
            ("speaker_broken", "", Fault::SpeakerBroken),
            ("speaker_good", "", Fault::SpeakerGood),
            ("clock_shift_ms", "ms = -5000", Fault::ClockShift { ms: -5000 }),
            ("clock_trust", "trust = \"unknown\"", Fault::ClockTrust { trust: ClockTrust::Unknown }),
            ("corrupt_object", "object = \"ab\"", Fault::CorruptObject { object: "ab".to_owned() }),
            ("temperature", "celsius = 71.5", Fault::Temperature { celsius: 71.5 }),
            ("supply", "mv = 9800", Fault::Supply { mv: 9800 }),
        ];
        for (kind, keys, fault) in kinds {
            let script = parse(&format!("[[fault]]\nkind = \"{kind}\"\nat_s = 1.5\n{keys}\n")).unwrap();
            let at = When::After(Duration::from_millis(1500));
            assert_eq!(script, Script::new([Entry::new(at, fault)]), "{kind}");
        }
        let lasting = parse("[[fault]]\nkind = \"disk_full\"\nafter_blocks = 3\nfor_s = 2").unwrap();
        let entry = Entry::lasting(When::AfterBlocks(3), Fault::DiskFull, Duration::from_secs(2));
        assert_eq!(lasting, Script::new([entry]));
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let wrong = |text: &str| parse(text).unwrap_err();
        assert!(matches!(wrong("[[fault]]\nkind = \"link_up\""), ScriptError::When { number: 1, .. }));
        let twice = wrong("[[fault]]\nkind = \"link_up\"\nat_s = 1\nafter_blocks = 1");
        assert!(matches!(twice, ScriptError::When { .. }));
        assert!(matches!(wrong("[[fault]]\nkind = \"link_up\"\nat_s = -1"), ScriptError::When { .. }));
        let undone = wrong("[[fault]]\nkind = \"link_up\"\nat_s = 1\nfor_s = 1");
        assert!(matches!(undone, ScriptError::For { number: 1, .. }));
        for text in ["link_up", "disc_full", "power_cut"] {
            let error = wrong(&format!("[[fault]]\nat_s = 1\nkind = \"{text}\"\nsilent = true"));
            assert!(matches!(error, ScriptError::Toml(_)), "{text}");
        }
        assert!(matches!(wrong("[[faults]]\nat_s = 1"), ScriptError::Toml(_)));
    }
}
