//! espeak-ng as a subprocess: the voice that is always there, with no network and no model.
//!
//! It stays a subprocess: it is GPL, and a crash or a hang in it ends one sentence. Quirks that are kept in here:
//! - decomposed letters (NFD) lose half of all syllables: [`Sentence`] is NFC by construction;
//! - `[[ … ]]` is taken for phonemes, so no square bracket is ever passed on;
//! - at its usual amplitude (100) loud syllables clip, at 70 none does;
//! - the header of `--stdout` states a false length (see [`super::wav`]).

use std::ffi::OsStr;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::{Engine, SynthesisError, Synthesizer, Voice, VoiceInfo, wav};
use crate::normalize::Sentence;
use crate::pcm::Pcm;

/// The command that installs the engine on the systems that we ship for.
const INSTALL: &str = "sudo apt-get install espeak-ng";
/// Paces that espeak-ng keeps; it silently clamps others.
const WORDS_PER_MINUTE: std::ops::RangeInclusive<u16> = 80..=450;
/// Sound of one sentence: ten minutes at 22,050 Hz. More means that the engine has gone wrong.
const MAX_OUTPUT_BYTES: u64 = 600 * 22_050 * 2;
const MAX_MESSAGE_BYTES: u64 = 64 * 1_024;
const MAX_MESSAGE_CHARS: usize = 500;

/// How espeak-ng is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EspeakConfig {
    /// Name or path of the program.
    pub program: PathBuf,
    /// Loudness from 0 to 200; 70 leaves headroom for mastering.
    pub amplitude: u8,
    /// Longest time for one sentence.
    pub timeout: Duration,
    /// Processes that may run at the same time.
    pub parallel: NonZeroUsize,
}

impl Default for EspeakConfig {
    fn default() -> Self {
        Self {
            program: PathBuf::from("espeak-ng"),
            amplitude: 70,
            timeout: Duration::from_secs(30),
            parallel: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// The adapter; cheap to clone.
#[derive(Clone, Debug)]
pub struct Espeak {
    config: EspeakConfig,
    engine: Engine,
    voices: Vec<VoiceInfo>,
}

impl Espeak {
    /// Finds the program and asks for its version.
    ///
    /// # Errors
    /// [`SynthesisError::EngineMissing`] with the command that installs it, or that it could not be run.
    pub async fn find(config: EspeakConfig) -> Result<Self, SynthesisError> {
        let output = run(&config, ["--version"], "").await?;
        let banner = String::from_utf8_lossy(&output.stdout);
        // "eSpeak NG text-to-speech: 1.51  Data at: …": the path is no part of what it sounds like.
        let version = banner.split_once(": ").and_then(|(_, rest)| rest.split_whitespace().next());
        let Some(version) = version else {
            return Err(SynthesisError::BadAudio {
                engine: "espeak-ng".to_owned(),
                reason: "its --version names no version".to_owned(),
            });
        };
        let engine = Engine {
            name: "espeak-ng".to_owned(),
            version: format!("{version} amplitude {}", config.amplitude),
        };
        Ok(Self { config, engine, voices: voices() })
    }

    fn check(&self, voice: &Voice) -> Result<(), SynthesisError> {
        if !self.voices.iter().any(|known| known.id == voice.id) {
            let known: Vec<&str> = self.voices.iter().map(|known| known.id.as_str()).collect();
            return Err(SynthesisError::UnknownVoice {
                engine: self.engine.name.clone(),
                voice: voice.id.clone(),
                known: known.join(", "),
            });
        }
        if !WORDS_PER_MINUTE.contains(&voice.words_per_minute) {
            return Err(SynthesisError::Pace {
                words_per_minute: voice.words_per_minute,
                min: *WORDS_PER_MINUTE.start(),
                max: *WORDS_PER_MINUTE.end(),
            });
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl Synthesizer for Espeak {
    fn engine(&self) -> &Engine {
        &self.engine
    }

    fn voices(&self) -> &[VoiceInfo] {
        &self.voices
    }

    fn parallel(&self) -> NonZeroUsize {
        self.config.parallel
    }

    async fn synthesize(&self, sentence: &Sentence, voice: &Voice) -> Result<Pcm, SynthesisError> {
        self.check(voice)?;
        let amplitude = self.config.amplitude.to_string();
        let pace = voice.words_per_minute.to_string();
        // -b 1: UTF-8 whatever the locale; -z: no pause at the end, pauses are ours.
        let arguments =
            ["-v", &voice.id, "-s", &pace, "-a", &amplitude, "-b", "1", "-z", "--stdin", "--stdout"];
        let output = run(&self.config, arguments, &without_brackets(sentence.as_str())).await?;
        let bad = |reason| SynthesisError::BadAudio { engine: self.engine.name.clone(), reason };
        let (samples, sample_rate_hz) = wav::parse(&output.stdout).map_err(bad)?;
        Pcm::new(samples, sample_rate_hz)
            .map_err(|source| SynthesisError::Pcm { engine: self.engine.name.clone(), source })
    }
}

/// The Vietnamese voices of espeak-ng 1.49 and later.
fn voices() -> Vec<VoiceInfo> {
    let voice = |id: &str, label_vi: &str, label_en: &str| VoiceInfo {
        id: id.to_owned(),
        language: "vi".to_owned(),
        label_vi: label_vi.to_owned(),
        label_en: label_en.to_owned(),
    };
    vec![
        voice("vi", "Giọng miền Bắc", "Northern"),
        voice("vi-vn-x-central", "Giọng miền Trung", "Central"),
        voice("vi-vn-x-south", "Giọng miền Nam", "Southern"),
    ]
}

/// Every bracket goes, not only pairs: taking `]]` out of `[]][` would make a new `[[`.
fn without_brackets(text: &str) -> String {
    text.replace(['[', ']'], " ")
}

async fn run<I, S>(config: &EspeakConfig, arguments: I, input: &str) -> Result<Output, SynthesisError>
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let program = &config.program;
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| {
            if source.kind() == io::ErrorKind::NotFound {
                SynthesisError::EngineMissing { program: program.clone(), install: INSTALL, source }
            } else {
                failed(program, "starting it", source)
            }
        })?;
    // Dropping the future at the time-out drops the child, which kills it.
    let output = tokio::time::timeout(config.timeout, talk(program, child, input))
        .await
        .map_err(|_elapsed| SynthesisError::TimedOut { program: program.clone(), limit: config.timeout })??;
    // Before the status: whoever floods the pipe dies of its end being closed.
    if output.stdout.len() as u64 > MAX_OUTPUT_BYTES {
        let reason = format!("more than {MAX_OUTPUT_BYTES} bytes for one sentence");
        return Err(SynthesisError::BadAudio { engine: program.display().to_string(), reason });
    }
    if output.status.success() {
        return Ok(output);
    }
    let message = String::from_utf8_lossy(&output.stderr).trim().chars().take(MAX_MESSAGE_CHARS).collect();
    Err(SynthesisError::EngineFailed { program: program.clone(), status: output.status, message })
}

/// Feeds the text and takes the sound at the same time: with one after the other both pipes fill up.
async fn talk(program: &Path, mut child: Child, input: &str) -> Result<Output, SynthesisError> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        let Some(mut stdin) = stdin else { return Ok(()) };
        match stdin.write_all(input.as_bytes()).await {
            // An engine that fails early closes its input; its exit status says why.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    };
    let sound = read_all(stdout, MAX_OUTPUT_BYTES + 1);
    let messages = read_all(stderr, MAX_MESSAGE_BYTES);
    let (fed, stdout, stderr) = tokio::join!(feed, sound, messages);
    fed.map_err(|source| failed(program, "giving it the text", source))?;
    let stdout = stdout.map_err(|source| failed(program, "taking its sound", source))?;
    let stderr = stderr.map_err(|source| failed(program, "taking its messages", source))?;
    let status = child.wait().await.map_err(|source| failed(program, "waiting for it", source))?;
    Ok(Output { status, stdout, stderr })
}

async fn read_all<R: tokio::io::AsyncRead + Unpin>(pipe: Option<R>, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(limit).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

fn failed(program: &Path, action: &'static str, source: io::Error) -> SynthesisError {
    SynthesisError::EngineIo { program: program.to_owned(), action, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bracket_reaches_the_engine() {
        for text in ["họp [[h@l'oU]] tại xã", "[]][", "[[[", "a]]]b"] {
            assert!(!without_brackets(text).contains(['[', ']']), "{text}");
        }
    }
}
