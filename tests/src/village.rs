//! A village: a node's program with a recorder in place of its sound card.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_firmware_sim::recorder::alsa_config::PIPE_DELAY_MS;
use loa_firmware_sim::recorder::{RATE_HZ, RecorderCommand, Recording, write_alsa_config};
use loa_speech::Pcm;

use crate::program::{self, Running};
use crate::wait::until;

/// One node and what it sounds into.
#[derive(Debug)]
pub struct Village {
    /// The node's id.
    pub node: String,
    /// The node's name, as people write it.
    pub name: String,
    folder: PathBuf,
    recorded: bool,
    /// Room for audio, on a disk of its own; `None`: the machine's disk.
    audio_disk_bytes: Option<u64>,
    /// Whom it believes about the time: `clock.trust` of its settings.
    clock_trust: &'static str,
    running: Option<Running>,
}

/// How alike recorded and decoded samples are where they are the same sound, at least.
const ALIKE: f64 = 0.99;

/// Mounts a disk of so many bytes for the audio, seen by nobody else, and becomes the node's program.
const ON_A_SMALL_DISK: &str = r#"mkdir -p "$2" && mount -t tmpfs -o "size=$1" tmpfs "$2" && exec "$3" run"#;

impl Village {
    /// A board that knows nobody, in a folder of its own; `recorded`: its horn is a recorder, not the sound card.
    ///
    /// # Errors
    /// When its files cannot be written.
    pub fn prepare(folder: &Path, node: &str, name: &str, recorded: bool) -> Result<Self> {
        let folder = folder.join(node);
        std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let village = Self {
            node: node.to_owned(),
            name: name.to_owned(),
            folder,
            recorded,
            audio_disk_bytes: None,
            clock_trust: "system",
            running: None,
        };
        let recorder = RecorderCommand { program: program::path("loa-firmware-sim")?, out: village.heard() };
        write_alsa_config(&village.alsa_config(), &recorder)?;
        Ok(village)
    }

    /// The folder of its recordings.
    pub fn heard(&self) -> PathBuf {
        self.folder.join("heard")
    }

    /// The node's own folder: identity, database, cache.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The ALSA configuration whose only card is its recorder.
    pub fn alsa_config(&self) -> PathBuf {
        self.folder.join("alsa.conf")
    }

    /// The file of its identity, once it is enrolled.
    pub fn identity_file(&self) -> PathBuf {
        self.data_dir().join("identity.toml")
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        // Whether a time service runs on the machine of a demonstration or a test is of no interest: its clock counts.
        let mut environment = vec![
            ("LOA_NODE_DATA_DIR", text(self.data_dir())),
            ("LOA_NODE_CLOCK_TRUST", self.clock_trust.to_owned()),
        ];
        if self.recorded {
            environment.push(("ALSA_CONFIG_PATH", text(self.alsa_config())));
            environment.push(("LOA_NODE_AUDIO_DELAY_US", format!("{:.0}", PIPE_DELAY_MS * 1000.0)));
        }
        environment
    }

    /// Makes the board a node, with the token that staff were shown.
    ///
    /// # Errors
    /// When the program fails.
    pub async fn enrol(&self, token: &str) -> Result<()> {
        program::output("loa-node", ["enrol", token], &self.environment()).await.map(drop)
    }

    /// Has it believe nobody but the controller about the time, from the next start on.
    pub fn believe_the_controller(&mut self) {
        self.clock_trust = "controller";
    }

    /// Gives the audio a disk of its own with so much room, from the next start on. It is empty at each start.
    pub fn set_audio_disk_bytes(&mut self, bytes: u64) {
        self.audio_disk_bytes = Some(bytes);
    }

    /// Powers the board up.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(&mut self) -> Result<()> {
        let log = self.log();
        let mut command = match self.audio_disk_bytes {
            None => {
                let mut command = Command::new(program::path("loa-node")?);
                command.arg("run");
                command
            }
            Some(bytes) => {
                let mut command = Command::new("unshare");
                command.args(["--map-root-user", "--mount", "sh", "-c", ON_A_SMALL_DISK, "sh"]);
                command.arg(bytes.to_string()).arg(self.data_dir().join("objects"));
                command.arg(program::path("loa-node")?);
                command
            }
        };
        command.envs(self.environment());
        self.running = Some(Running::spawn("loa-node", command, &log)?);
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.folder.join("node.log")
    }

    /// Waits until the node's log, from the first start on, has a line with all of these words.
    ///
    /// # Errors
    /// When that does not come within `limit`, or the node's program ends.
    pub async fn says(&mut self, words: &[&str], limit: Duration) -> Result<String> {
        let what = format!("{}: a log line with {words:?}", self.node);
        until(&what, limit, async || {
            let program = self.program()?;
            program.check()?;
            let said = program.said()?;
            Ok(said.lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned))
        })
        .await
    }

    /// What `loa-node status` prints.
    ///
    /// # Errors
    /// When it fails.
    pub async fn status(&self) -> Result<String> {
        program::output("loa-node", ["status"], &self.environment()).await
    }

    /// The node's program.
    ///
    /// # Errors
    /// When it is not running.
    pub fn program(&mut self) -> Result<&mut Running> {
        self.running.as_mut().with_context(|| format!("{} is not running", self.node))
    }

    /// Cuts its power.
    ///
    /// # Errors
    /// When it is not running.
    pub async fn cut_power(&mut self) -> Result<()> {
        self.running.take().with_context(|| format!("{} is not running", self.node))?.kill().await
    }

    /// Ends it in good order.
    ///
    /// # Errors
    /// When it does not end well.
    pub async fn stop(&mut self) -> Result<()> {
        match self.running.take() {
            Some(running) => running.terminate(Duration::from_secs(15)).await,
            None => Ok(()),
        }
    }

    /// Everything heard so far, in the order of its beginning.
    ///
    /// # Errors
    /// When a recording cannot be read.
    pub fn recordings(&self) -> Result<Vec<Recording>> {
        let files = Recording::files(&self.heard())?;
        files.iter().map(|file| Ok(Recording::load(file)?)).collect()
    }

    /// When a sound began that was heard to its end and nothing else with it, in Unix milliseconds; one instant for each time.
    ///
    /// # Errors
    /// When the sound has another rate than a recorder, a recording cannot be read, or has no timeline.
    pub fn heard_from(&self, sound: &Pcm) -> Result<Vec<f64>> {
        ensure!(sound.sample_rate_hz() == RATE_HZ, "a sound of {} Hz", sound.sample_rate_hz());
        let sound = sound.samples();
        let mut found = Vec::new();
        for recording in self.recordings()? {
            let mut stretches = vec![(0, recording.samples().len())];
            while let Some((from, end)) = stretches.pop() {
                // Where it is shorter than the sound, there is nothing to compare.
                let Ok(matched) = recording.find_among(sound, from..end) else { continue };
                if matched.coefficient < ALIKE {
                    continue;
                }
                let first = usize::try_from(matched.lag_frames)?;
                found.push(recording.unix_ms(first).context("a recording has a timeline")?);
                stretches.extend([(from, first), (first + sound.len(), end)]);
            }
        }
        Ok(found)
    }
}
