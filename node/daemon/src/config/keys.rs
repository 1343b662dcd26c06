//! Every setting's name, and how its value gets into [`Settings`].

use std::path::PathBuf;

use loa_protocol::plan::Zone;
use toml::Value;

use super::{Settings, hours};
use crate::clock::trust::Policy;

/// Prefix of the variables.
pub(super) const PREFIX: &str = "LOA_NODE_";

/// One setting.
pub(super) struct Key {
    /// Dotted path in the file.
    pub(super) path: &'static str,
    /// What it is, for `--help`.
    pub(super) about: &'static str,
    /// Takes a value; the error says what is expected.
    pub(super) set: fn(&mut Settings, &Value) -> Result<(), String>,
}

impl Key {
    /// The variable that sets it: `cache.quota_mib` is `LOA_NODE_CACHE_QUOTA_MIB`.
    pub(super) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.path.replace('.', "_").to_ascii_uppercase())
    }
}

/// All settings.
pub(super) const KEYS: &[Key] = &[
    Key {
        path: "data_dir",
        about: "folder of the identity, the database and the cached audio",
        set: |s, v| {
            let folder = text(v)?;
            if folder.is_empty() {
                return Err("name a folder".to_owned());
            }
            s.data_dir = PathBuf::from(folder);
            Ok(())
        },
    },
    Key {
        path: "audio.device",
        about: "ALSA's name of the sound card, as `aplay -L` lists them",
        set: |s, v| {
            s.audio.device = text(v)?;
            if s.audio.device.is_empty() { Err("name a device, such as default".to_owned()) } else { Ok(()) }
        },
    },
    Key {
        path: "audio.delay_us",
        about: "how much later than ALSA reports a sound is heard, in microseconds, 0 to 2000000",
        set: |s, v| integer(v, 0, 2_000_000).map(|n| s.audio.delay_us = n),
    },
    Key {
        path: "amplifier.warm_up_ms",
        about: "how long before a sound the amplifier is switched on, 0 to 30000",
        set: |s, v| integer(v, 0, 30_000).map(|n| s.amplifier.warm_up_ms = n),
    },
    Key {
        path: "amplifier.tail_ms",
        about: "how long after the last sound the amplifier stays on, 0 to 600000",
        set: |s, v| integer(v, 0, 600_000).map(|n| s.amplifier.tail_ms = n),
    },
    Key {
        path: "amplifier.gpio_chip",
        about: "GPIO chip of the amplifier's relay, such as /dev/gpiochip0; empty: no relay",
        set: |s, v| text(v).map(|t| s.amplifier.gpio_chip = t),
    },
    Key {
        path: "amplifier.gpio_line",
        about: "line of the relay on that chip",
        set: |s, v| integer(v, 0, 1_023).map(|n| s.amplifier.gpio_line = n),
    },
    Key {
        path: "amplifier.active_low",
        about: "whether the relay closes when the line is low",
        set: |s, v| flag(v).map(|f| s.amplifier.active_low = f),
    },
    Key {
        path: "cache.quota_mib",
        about: "most room for cached audio, in MiB, at least 16",
        set: |s, v| integer(v, 16, 1_048_576).map(|n| s.cache.quota_mib = n),
    },
    Key {
        path: "clock.trust",
        about: "whom to believe about the time: synchronised (bulletins wait until a time service keeps the clock: \
                systemd-timesyncd, ntpd, chrony with `rtcsync`, or the controller tells the time), controller (it alone is believed) or system (the clock is right, somebody else \
                keeps it)",
        set: |s, v| {
            s.clock.trust = match text(v)?.as_str() {
                "synchronised" => Policy::Synchronised,
                "controller" => Policy::Controller,
                "system" => Policy::System,
                other => return Err(format!("{other:?} is none of synchronised, controller, system")),
            };
            Ok(())
        },
    },
    Key {
        path: "guards.zone",
        about: "time zone in which the guards' hours and days are read, such as Asia/Ho_Chi_Minh",
        set: |s, v| {
            let name = text(v)?;
            s.guards.zone = Zone::named(&name)
                .ok_or_else(|| format!("{name:?} is no IANA time zone; Viet Nam's is Asia/Ho_Chi_Minh"))?;
            Ok(())
        },
    },
    Key {
        path: "guards.quiet_hours",
        about: "when nothing but emergencies sounds, whatever is signed: [\"21:00-05:00\", \"11:30-13:00\"]",
        set: |s, v| hours::quiet(v).map(|ranges| s.guards.guards.quiet_hours = ranges),
    },
    Key {
        path: "guards.normal_minutes_a_day",
        about: "most minutes of normal bulletins on one day, 0 to 1440",
        set: |s, v| minutes_a_day(v).map(|n| s.guards.guards.normal_minutes_a_day = Some(n)),
    },
    Key {
        path: "guards.priority_minutes_a_day",
        about: "most minutes of priority bulletins on one day, 0 to 1440",
        set: |s, v| minutes_a_day(v).map(|n| s.guards.guards.priority_minutes_a_day = Some(n)),
    },
    Key {
        path: "guards.sessions_a_day",
        about: "most sessions that begin on one day, emergencies not counted, 0 to 1000",
        set: |s, v| small(v, 1_000).map(|n| s.guards.guards.sessions_a_day = Some(n)),
    },
    Key {
        path: "guards.longest_session_s",
        about: "longest session, pauses included, in seconds, 1 to 86400; longer ones do not begin, emergencies neither",
        set: |s, v| integer(v, 1, 86_400).map(|n| s.guards.guards.longest_session_ms = Some(n * 1_000)),
    },
    Key {
        path: "guards.volume_ceiling_percent",
        about: "loudest volume, 0 to 100, for emergencies too",
        set: |s, v| {
            let percent = small(v, 100)?;
            s.guards.guards.volume_ceiling_percent = u8::try_from(percent).ok();
            Ok(())
        },
    },
    Key {
        path: "log.level",
        about: "error, warn, info, debug or trace",
        set: |s, v| text(v)?.parse().map(|l| s.log.level = l),
    },
    Key {
        path: "log.format",
        about: "auto, text (with time stamps) or journal (without)",
        set: |s, v| text(v)?.parse().map(|f| s.log.format = f),
    },
];

/// The lines about settings for `--help`.
pub(super) fn help() -> String {
    let width = KEYS.iter().map(|k| k.path.len()).max().unwrap_or(0);
    KEYS.iter()
        .fold("Settings (in the file; as a variable: LOA_NODE_CACHE_QUOTA_MIB=64):\n".to_owned(), |t, k| {
            format!("{t}  {:width$}  {}\n", k.path, k.about)
        })
}

/// The key whose name is most like `wrong`, if one is.
pub(super) fn nearest(wrong: &str) -> Option<&'static Key> {
    // A setting written outside its table is like the last part of its path.
    let likeness = |key: &Key| {
        let last = key.path.rsplit('.').next().unwrap_or(key.path);
        strsim::jaro_winkler(key.path, wrong).max(strsim::jaro_winkler(last, wrong))
    };
    KEYS.iter()
        .map(|key| (likeness(key), key))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, key)| key)
}

fn text(value: &Value) -> Result<String, String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("a text is expected, this is {}", value.type_str()))
}

fn integer(value: &Value, least: u32, most: u32) -> Result<u32, String> {
    // A variable is always text.
    let number = value.as_integer().or_else(|| value.as_str()?.trim().parse().ok());
    number
        .and_then(|n| u32::try_from(n).ok())
        .filter(|n| (least..=most).contains(n))
        .ok_or_else(|| format!("{value} is not a whole number from {least} to {most}"))
}

fn small(value: &Value, most: u16) -> Result<u16, String> {
    integer(value, 0, u32::from(most)).map(|n| n.try_into().unwrap_or(most))
}

fn minutes_a_day(value: &Value) -> Result<u16, String> {
    small(value, 24 * 60)
}

fn flag(value: &Value) -> Result<bool, String> {
    let flag = value.as_bool().or_else(|| value.as_str()?.trim().parse().ok());
    flag.ok_or_else(|| format!("{value} is not true or false"))
}
