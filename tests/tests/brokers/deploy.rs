//! The files of `deploy/`: Mosquitto's are what the contract runs on; here is the rest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use loa_controller::config::Config;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

/// The words after `command:` in a compose file, from lines of the form `- word` or from `["word", "word"]`.
fn command_of(compose: &str) -> Vec<String> {
    let mut lines = compose.lines().map(str::trim).skip_while(|line| !line.starts_with("command:"));
    let first = lines.next().unwrap().trim_start_matches("command:").trim();
    if first.is_empty() {
        return lines.map_while(|line| line.strip_prefix("- ")).map(str::to_owned).collect();
    }
    first.trim_matches(['[', ']']).split(", ").map(|word| word.trim_matches('"').to_owned()).collect()
}

#[test]
fn systemd_takes_every_unit() {
    let copies = tempfile::tempdir().unwrap();
    let here = format!("{} ", std::env::current_exe().unwrap().display());
    let mut units = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !(name.ends_with(".service") || name.ends_with(".path")) {
            continue;
        }
        // Our programs are not installed here, and systemd looks whether there is one: any will do.
        let unit = read(&name);
        let unit = unit.replace("/usr/bin/loa-controller ", &here).replace("/usr/bin/loa-node ", &here);
        let copy = copies.path().join(&name);
        fs::write(&copy, unit).unwrap();
        units.push(copy);
    }
    assert!(units.len() >= 4, "{units:?}");
    for unit in units {
        let said = Command::new("systemd-analyze")
            .arg("verify")
            .arg(&unit)
            .output()
            .expect("systemd-analyze: install it with `apt-get install systemd`");
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        let name = unit.file_name().unwrap().to_str().unwrap();
        let of_it: Vec<_> = said.lines().filter(|line| line.contains(name)).collect();
        assert!(of_it.is_empty(), "{of_it:?}");
    }
}

/// A setting that the controller does not know, or a value that it cannot read, is told by the very code that starts it.
#[test]
fn the_controller_takes_the_settings_of_every_file() {
    for name in ["compose.embedded.yaml", "compose.mosquitto.yaml"] {
        let text = read(name);
        let settings: Vec<(String, String)> = text
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("LOA_"))
            .map(|line| line.split_once(['=', ':']).unwrap())
            .map(|(key, value)| (key.to_owned(), value.trim().trim_matches('"').to_owned()))
            .collect();
        assert!(settings.len() >= 5, "{name}: {settings:?}");
        let config = Config::load(None, settings).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(config.broker.public_port, 8883, "{name}");
    }
}

/// The container starts the controller with the words that its unit starts it with, but for the file of settings: it has
/// variables.
#[test]
fn the_controller_is_started_alike_in_a_container_and_by_systemd() {
    let unit = read("loa-controller.service");
    let unit = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/")).unwrap();
    let unit = unit.replace("--config /etc/loa/controller.toml ", "");
    for name in ["compose.embedded.yaml", "compose.mosquitto.yaml"] {
        assert_eq!(command_of(&read(name)), unit.split_whitespace().collect::<Vec<_>>(), "{name}");
    }
}
