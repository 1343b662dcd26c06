//! Reads the layers.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::keys::{KEYS, PREFIX, help, nearest};
use super::{ConfigError, DEFAULT_FILE, Settings};

/// Variables that are command-line arguments in another dress.
const ARGUMENTS: &[&str] = &["LOA_NODE_CONFIG"];

impl Settings {
    /// Every setting in one text, for `--help`.
    #[must_use]
    pub fn help() -> String {
        help()
    }
}

/// Reads defaults, then `file` ([`DEFAULT_FILE`] where none is named and it exists), then the `LOA_NODE_…` variables
/// among `environment`.
///
/// # Errors
/// The first problem found: see [`ConfigError`].
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Settings, ConfigError> {
    let mut settings = Settings::default();
    let default = Path::new(DEFAULT_FILE);
    if let Some(path) = file.or_else(|| default.exists().then_some(default)) {
        apply_file(&mut settings, path)?;
    }
    for (variable, text) in environment {
        if variable.starts_with(PREFIX) && !ARGUMENTS.contains(&variable.as_str()) {
            apply_variable(&mut settings, &variable, text)?;
        }
    }
    Ok(settings)
}

fn apply_file(settings: &mut Settings, path: &Path) -> Result<(), ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let table: Table = text
        .parse()
        .map_err(|source| ConfigError::Syntax { path: PathBuf::from(path), source: Box::new(source) })?;
    apply_table(settings, "", &table, &path.display().to_string())
}

fn apply_table(
    settings: &mut Settings,
    prefix: &str,
    table: &Table,
    origin: &str,
) -> Result<(), ConfigError> {
    for (name, value) in table {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match (KEYS.iter().find(|key| key.path == path), value) {
            (Some(key), _) => (key.set)(settings, value).map_err(|problem| ConfigError::Value {
                origin: origin.to_owned(),
                key: path,
                problem,
            })?,
            (None, Value::Table(inner)) => apply_table(settings, &path, inner, origin)?,
            (None, _) => {
                let nearest = nearest(&path).map(|key| key.path.to_owned());
                return Err(ConfigError::UnknownKey { origin: origin.to_owned(), key: path, nearest });
            }
        }
    }
    Ok(())
}

fn apply_variable(settings: &mut Settings, variable: &str, text: String) -> Result<(), ConfigError> {
    let origin = "the environment".to_owned();
    let Some(key) = KEYS.iter().find(|key| key.variable() == variable) else {
        let wrong = variable.trim_start_matches(PREFIX).to_ascii_lowercase();
        let nearest = nearest(&wrong.replacen('_', ".", 1)).or_else(|| nearest(&wrong));
        let nearest = nearest.map(super::keys::Key::variable);
        return Err(ConfigError::UnknownKey { origin, key: variable.to_owned(), nearest });
    };
    (key.set)(settings, &Value::String(text)).map_err(|problem| ConfigError::Value {
        origin,
        key: variable.to_owned(),
        problem,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::config::LogLevel;

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        load(Some(file.path()), variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn variables_go_over_the_file_and_the_file_over_the_defaults() {
        let settings = read(
            "data_dir = \"/srv/loa\"\n[cache]\nquota_mib = 64\n[audio]\ndevice = \"hw:1\"\n",
            &[
                ("LOA_NODE_CACHE_QUOTA_MIB", "32"),
                ("LOA_NODE_LOG_LEVEL", "debug"),
                ("LOA_NODE_CONFIG", "/x"),
                ("LOA_OTHER", "x"),
                ("HOME", "/"),
            ],
        )
        .unwrap();
        assert_eq!(settings.data_dir, Path::new("/srv/loa"));
        assert_eq!(settings.audio.device, "hw:1");
        assert_eq!(settings.cache.quota_mib, 32);
        assert_eq!(settings.log.level, LogLevel::Debug);
        assert_eq!(settings.amplifier, Settings::default().amplifier);
    }

    #[test]
    fn guards_of_the_board_are_read_from_file_and_variables() {
        let own = read(
            "[guards]\nquiet_hours = [\"21:00-05:00\", \"11:30-13:00\"]\nnormal_minutes_a_day = 45\nsessions_a_day = 2\n\
             longest_session_s = 900\n",
            &[("LOA_NODE_GUARDS_VOLUME_CEILING_PERCENT", "70"), ("LOA_NODE_GUARDS_ZONE", "Asia/Bangkok")],
        )
        .unwrap()
        .guards;
        assert_eq!(own.zone.0.name(), "Asia/Bangkok");
        assert_eq!(own.guards.quiet_hours.len(), 2);
        assert_eq!((own.guards.normal_minutes_a_day, own.guards.priority_minutes_a_day), (Some(45), None));
        assert_eq!((own.guards.sessions_a_day, own.guards.longest_session_ms), (Some(2), Some(900_000)));
        assert_eq!(own.guards.volume_ceiling_percent, Some(70));
        assert!(Settings::default().guards.guards.is_empty(), "nothing is forbidden unless somebody says so");
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_name() {
        for (text, variables, part) in [
            ("[cache]\nquota_mb = 3", &[][..], "did you mean `cache.quota_mib`"),
            ("warm_up = 3", &[], "did you mean `amplifier.warm_up_ms`"),
            ("datadir = \"x\"", &[], "did you mean `data_dir`"),
            ("", &[("LOA_NODE_AUDIO_DEVISE", "x")], "did you mean `LOA_NODE_AUDIO_DEVICE`"),
            ("qqq = 1", &[], "remove it"),
            ("[controller]\nurl = \"http://x\"", &[], "`controller.url`, which does not exist"),
        ] {
            let message = read(text, variables).unwrap_err().to_string();
            assert!(message.contains(part), "{message:?} should contain {part:?}");
        }
    }

    #[test]
    fn a_wrong_value_names_its_key_and_what_is_expected() {
        for (text, variables, parts) in [
            ("[cache]\nquota_mib = 1", &[][..], ["`cache.quota_mib`", "from 16 to"]),
            ("[cache]\nquota_mib = \"many\"", &[], ["`cache.quota_mib`", "whole number"]),
            ("cache = 5", &[], ["`cache`", "does not exist"]),
            ("", &[("LOA_NODE_LOG_LEVEL", "loud")], ["LOA_NODE_LOG_LEVEL", "none of error, warn"]),
            ("[amplifier]\nactive_low = 1", &[], ["`amplifier.active_low`", "true or false"]),
            ("data_dir = 5", &[], ["`data_dir`", "a text is expected"]),
            ("[clock]\ntrust = \"me\"", &[], ["`clock.trust`", "none of synchronised, controller, system"]),
            ("[guards]\nquiet_hours = [\"21-5\"]", &[], ["`guards.quiet_hours`", "21:00-05:00"]),
            ("[guards]\nzone = \"Asia/Hanoi\"", &[], ["`guards.zone`", "Asia/Ho_Chi_Minh"]),
            (
                "[guards]\nvolume_ceiling_percent = 101",
                &[],
                ["`guards.volume_ceiling_percent`", "from 0 to 100"],
            ),
            ("[guards]\nlongest_session_s = 0", &[], ["`guards.longest_session_s`", "from 1 to 86400"]),
            (
                "",
                &[("LOA_NODE_GUARDS_SESSIONS_A_DAY", "-1")],
                ["LOA_NODE_GUARDS_SESSIONS_A_DAY", "from 0 to"],
            ),
            ("[guards]\nquiet = 1", &[], ["`guards.quiet`", "guards.quiet_hours"]),
            ("[audio", &[], ["is not valid TOML", ".tmp"]),
        ] {
            let message = read(text, variables).unwrap_err().to_string();
            for part in parts {
                assert!(message.contains(part), "{message:?} should contain {part:?}");
            }
        }
        let missing = load(Some(Path::new("/nowhere/loa-node.toml")), []).unwrap_err().to_string();
        assert!(missing.contains("/nowhere/loa-node.toml"), "{missing}");
    }

    #[test]
    fn help_names_every_setting() {
        assert!(KEYS.iter().all(|key| help().contains(key.path)));
    }
}
