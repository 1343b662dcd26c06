//! The ALSA configuration that puts the recorder in the place of the sound card.
//!
//! A program uses it by `ALSA_CONFIG_PATH=<file>`; the file is complete, the system's own is not read.

use std::path::{Path, PathBuf};

use super::RATE_HZ;

/// Channels through the pipe; see [the module](super).
pub const CHANNELS: u16 = 16;

/// What the pipe adds to ALSA's own buffer, in milliseconds, and ALSA does not report: one page on its way in and
/// one on its way out. A player that is told so (`device_delay_ms`) starts to the millisecond.
pub const PIPE_DELAY_MS: f32 = 2.0 * 4096.0 / (2.0 * CHANNELS as f32) / (RATE_HZ as f32 / 1000.0);

/// The program that ALSA is to start each time that the card is opened.
#[derive(Clone, Debug)]
pub struct RecorderCommand {
    /// `loa-firmware-sim`, as a path.
    pub program: PathBuf,
    /// Where the recordings go; made if absent.
    pub out: PathBuf,
}

/// Why no configuration was written.
#[derive(Debug, thiserror::Error)]
pub enum AlsaConfigError {
    /// ALSA and the shell would read the path as something else.
    #[error(
        "the path {0:?} cannot stand in an ALSA configuration; use one without quotes, %, $, \\ and line ends"
    )]
    Path(PathBuf),
    /// The file could not be written.
    #[error("cannot write the ALSA configuration {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Writes to `path` a configuration whose default device, and whose only one, is the recorder.
///
/// # Errors
/// [`AlsaConfigError`] where a path cannot be quoted or the file not be written.
pub fn write_alsa_config(path: &Path, command: &RecorderCommand) -> Result<(), AlsaConfigError> {
    let program = quotable(&command.program)?;
    let out = quotable(&command.out)?;
    let text = format!(
        r#"# The sound card is a recorder. Use: ALSA_CONFIG_PATH=this-file program
defaults.namehint.!basic on
defaults.namehint.!extended on

pcm.nothing {{ type null }}

pcm.recorder {{
    type file
    slave.pcm nothing
    file "| exec '{program}' record --channels {CHANNELS} --out '{out}'"
    format "raw"
}}

pcm.default {{
    type plug
    slave {{ pcm recorder ; format S16_LE ; rate {RATE_HZ} ; channels {CHANNELS} }}
    route_policy duplicate
    hint {{ show on ; description "a recorder in place of a sound card" }}
}}
"#
    );
    std::fs::write(path, text).map_err(|source| AlsaConfigError::Write { path: path.to_owned(), source })
}

fn quotable(path: &Path) -> Result<&str, AlsaConfigError> {
    // '%' starts a placeholder of the file plugin, the others end a string or mean something to the shell.
    path.to_str()
        .filter(|text| !text.contains(['"', '\'', '%', '$', '\\', '\n', '\r', '\0']))
        .ok_or_else(|| AlsaConfigError::Path(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_would_break_out_of_its_quotes_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("alsa.conf");
        for bad in ["it's", "50%", "a\"b", "$HOME", "a\nb"] {
            let command = RecorderCommand { program: "loa".into(), out: bad.into() };
            let error = write_alsa_config(&file, &command).unwrap_err();
            assert!(matches!(error, AlsaConfigError::Path(path) if path == Path::new(bad)));
            assert!(!file.exists());
        }
    }

    #[test]
    fn the_configuration_runs_the_recorder_as_the_default_device() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("alsa.conf");
        let command = RecorderCommand { program: "/opt/loa sim".into(), out: "/tmp/làng 1".into() };
        write_alsa_config(&file, &command).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(
            text.contains("file \"| exec '/opt/loa sim' record --channels 16 --out '/tmp/làng 1'\""),
            "{text}"
        );
        assert!(text.contains("pcm.default"));
    }

    #[test]
    fn the_delay_of_the_pipe_is_two_pages() {
        assert!((PIPE_DELAY_MS - 5.333).abs() < 0.001);
    }
}
