//! Piper as a subprocess: a neural voice on the controller's own processor, without a network.
//!
//! Source of the command line: `piper --help` of OHF-Voice/piper1-gpl (`src/piper/__main__.py`): one line of text on
//! standard input, `--output_file -` writes a WAV file to standard output, `--length_scale` above 1 is slower. It stays a
//! subprocess: it is GPL, and it brings its own run time.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::program::Program;
use super::{Engine, SynthesisError, Synthesizer, Voice, VoiceInfo, known_voice, speed};

/// The command that installs the engine.
const INSTALL: &str = "pipx install piper-tts";

/// How Piper is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PiperConfig {
    /// What it's called in settings and errors.
    pub name: String,
    /// Name or path of the program.
    pub program: PathBuf,
    /// Its voices; [`VoiceInfo::id`] is the path of the model (`.onnx`).
    pub voices: Vec<VoiceInfo>,
    /// Longest time for one sentence; a small board needs several times the length of the sound.
    pub timeout: Duration,
    /// Processes that may run at the same time; each loads the model.
    pub parallel: NonZeroUsize,
    /// Words a minute that it speaks by itself.
    pub natural_words_per_minute: u16,
}

/// The adapter.
#[derive(Clone, Debug)]
pub struct Piper {
    program: Program,
    parallel: NonZeroUsize,
    natural_words_per_minute: u16,
    engine: Engine,
    voices: Vec<VoiceInfo>,
}

impl Piper {
    /// The adapter for a program, which is looked for when it first speaks.
    #[must_use]
    pub fn new(config: PiperConfig) -> Self {
        let PiperConfig { name, program, voices, timeout, parallel, natural_words_per_minute } = config;
        let version = format!("piper {} {natural_words_per_minute}", program.display());
        Self {
            program: Program { path: program, install: INSTALL, timeout },
            parallel,
            natural_words_per_minute,
            engine: Engine { name, version },
            voices,
        }
    }
}

#[async_trait::async_trait]
impl Synthesizer for Piper {
    fn engine(&self) -> &Engine {
        &self.engine
    }

    fn voices(&self) -> &[VoiceInfo] {
        &self.voices
    }

    fn parallel(&self) -> NonZeroUsize {
        self.parallel
    }

    async fn synthesize(&self, text: &str, voice: &Voice) -> Result<Vec<u8>, SynthesisError> {
        known_voice(&self.engine, &self.voices, voice)?;
        let length_scale = format!("{:.3}", 1.0 / speed(voice, self.natural_words_per_minute));
        let arguments = ["--model", &voice.id, "--output_file", "-", "--length_scale", &length_scale];
        self.program.run(arguments, &format!("{text}\n")).await
    }
}
