//! The seam between what decides to play and what makes sound.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How many sounds a speaker accepts at once: one that sounds and those that wait for their instant.
pub const MAX_OUTSTANDING: usize = 8;

/// One sound to be played once.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayRequest {
    /// Names this sound in [`Speaker::stop`] and in every event; unique among the outstanding sounds.
    pub token: u64,
    /// Ogg Opus (mono or stereo); stereo is mixed down, a horn has one voice.
    pub source: Source,
    /// When the first sample is to be heard, in milliseconds since the Unix epoch by the speaker's [`WallClock`].
    /// An instant that has passed means "at once"; the lateness is reported in [`SpeakerEvent::Started`].
    pub start_at_unix_ms: i64,
    /// Where in the file to begin, in milliseconds; 0 for its start, more to resume after an interruption.
    pub from_ms: u64,
    /// Gain of this sound in dB, on top of the speaker's volume; 0 leaves the samples as they were mastered.
    pub gain_db: f32,
}

/// Where the bytes of a sound are.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// In a file, read as it is played.
    File(PathBuf),
    /// All of them here.
    Memory(Arc<[u8]>),
}

impl<T: Into<PathBuf>> From<T> for Source {
    fn from(path: T) -> Self {
        Self::File(path.into())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Memory(bytes) => write!(f, "a sound of {} bytes in memory", bytes.len()),
        }
    }
}

/// Without the sound itself.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({self})")
    }
}

/// What happened to the speaker, in the order in which it happened.
#[derive(Clone, Debug, PartialEq)]
pub enum SpeakerEvent {
    /// The first sample of a sound is at the device, or will be within the device's latency.
    Started {
        /// The sound.
        token: u64,
        /// Instant of the first sample at the device, as best known, in Unix milliseconds.
        at_unix_ms: i64,
        /// Actual minus requested instant in milliseconds; positive is late.
        error_ms: f32,
    },
    /// The whole sound was played. Sent when its last sample has left the device, so that the amplifier may go off.
    Finished {
        /// The sound.
        token: u64,
        /// Instant of the end of the last sample, in Unix milliseconds.
        at_unix_ms: i64,
        /// Sound that was played, counted in samples, in milliseconds.
        played_ms: u64,
        /// Silence that had to be put in because the decoder could not keep up, in milliseconds.
        gap_ms: u64,
    },
    /// The sound was ended by [`Speaker::stop`], or never began because it was stopped before its instant.
    Stopped {
        /// The sound.
        token: u64,
        /// Instant of the end of the last sample, in Unix milliseconds.
        at_unix_ms: i64,
        /// Sound that was played until then, counted in samples, in milliseconds.
        played_ms: u64,
    },
    /// The sound could not be played, or not to its end.
    Failed {
        /// The sound.
        token: u64,
        /// Sound that was played before it failed, counted in samples, in milliseconds.
        played_ms: u64,
        /// Why.
        reason: PlayFailure,
    },
}

impl SpeakerEvent {
    /// The sound that the event is about.
    #[must_use]
    pub const fn token(&self) -> u64 {
        match self {
            Self::Started { token, .. }
            | Self::Finished { token, .. }
            | Self::Stopped { token, .. }
            | Self::Failed { token, .. } => *token,
        }
    }

    /// Whether the sound is over, so that its token may be used again.
    #[must_use]
    pub const fn is_end(&self) -> bool {
        !matches!(self, Self::Started { .. })
    }
}

/// Why a sound was not played to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlayFailure {
    /// The file could not be opened or is not Ogg Opus.
    #[error("the file cannot be played: {0}")]
    Unreadable(String),
    /// The file ends before the length that its own last page states, or has no last page.
    #[error("the file is incomplete: {decoded_ms} ms could be decoded{}", expected(.expected_ms))]
    Truncated {
        /// Sound that could be decoded, in milliseconds.
        decoded_ms: u64,
        /// Sound that the file should hold, where it says so, in milliseconds.
        expected_ms: Option<u64>,
    },
    /// Packets within the file could not be decoded; what could be was played.
    #[error("the file is damaged: {bad_packets} packets could not be decoded")]
    Damaged {
        /// Packets that were lost.
        bad_packets: u64,
    },
    /// The sound card could not be opened, or went away while it sounded.
    #[error("the sound device failed: {0}")]
    Device(String),
}

fn expected(expected_ms: &Option<u64>) -> String {
    expected_ms.map_or_else(String::new, |ms| format!(" of {ms} ms"))
}

/// What an opened device turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpeakerReady {
    /// Frames per second that the device runs at.
    pub sample_rate_hz: u32,
    /// Channels; all carry the same sound.
    pub channels: u16,
    /// Frames asked for at a time.
    pub period_frames: u32,
}

/// Why a speaker refused a command.
#[derive(Debug, thiserror::Error)]
pub enum SpeakerError {
    /// The device cannot be opened.
    #[error(
        "cannot open the sound device '{device}': {reason}; check that a card is present (`aplay -l`), \
         that nothing else holds it, and the node's audio settings"
    )]
    Open {
        /// The device as configured.
        device: String,
        /// What ALSA said.
        reason: String,
    },
    /// [`MAX_OUTSTANDING`] sounds wait already.
    #[error("the speaker already holds {MAX_OUTSTANDING} sounds; wait until one ends, or stop one")]
    Full,
    /// A sound with this token has not ended yet.
    #[error("a sound with token {0} has not ended yet; give each sound its own token")]
    DuplicateToken(u64),
    /// Devices that were given up have not closed yet.
    #[error(
        "the sound device hangs: it was given up several times and has not closed; check the card and its cable, then restart the node"
    )]
    Hanging,
    /// The command queue is full: the speaker thread hangs in the device.
    #[error("the speaker does not take commands: the sound device hangs; try again, or restart the node")]
    Busy,
    /// The speaker thread has ended.
    #[error("the speaker thread has ended; restart the node")]
    Gone,
    /// The speaker thread could not be started.
    #[error("cannot start the speaker thread: {0}")]
    Thread(#[source] std::io::Error),
}

/// A loudspeaker. One sound at a time; commands return at once (except `prepare`), what comes of them are events.
///
/// A sound whose instant comes while another sounds waits until that one ends: pre-empting is the caller's
/// decision, `stop` first.
pub trait Speaker: Send + Sync {
    /// Opens the device and feeds it silence; called when the amplifier begins to warm up.
    ///
    /// Blocks until the device is open, some 10 to 50 ms (call it from `spawn_blocking`). Opening an open device
    /// is not an error, and keeps it open for [`alsa::PREPARED_MS`](super::alsa::PREPARED_MS) more.
    ///
    /// # Errors
    /// [`SpeakerError::Open`] where there is no card or it is busy; the caller tries again later.
    fn prepare(&self) -> Result<SpeakerReady, SpeakerError>;

    /// Takes a sound to be played at its instant. Opens the device if nobody prepared it.
    ///
    /// # Errors
    /// [`SpeakerError::Full`], [`SpeakerError::DuplicateToken`], [`SpeakerError::Busy`] or [`SpeakerError::Gone`].
    fn play(&self, request: PlayRequest) -> Result<(), SpeakerError>;

    /// Ends a sound (with a fade of 5 ms), or forgets it if it has not begun. An unknown token is not an error:
    /// the sound may just have ended by itself.
    ///
    /// # Errors
    /// [`SpeakerError::Busy`] or [`SpeakerError::Gone`].
    fn stop(&self, token: u64) -> Result<(), SpeakerError>;

    /// Sets the volume of everything that sounds, at once, in dB; [`f32::NEG_INFINITY`] is mute.
    /// See [`gain::volume_to_db`](super::gain::volume_to_db).
    fn set_volume_db(&self, volume_db: f32);

    /// Closes the device as soon as nothing sounds or waits. Without it the speaker closes the device by itself,
    /// [`alsa::LINGER_MS`](super::alsa::LINGER_MS) after the last sound.
    ///
    /// # Errors
    /// [`SpeakerError::Busy`] or [`SpeakerError::Gone`].
    fn release(&self) -> Result<(), SpeakerError>;
}

/// The wall clock that start instants are meant in; a node whose clock is disciplined elsewhere gives its own.
///
/// Called from the output callback: it must neither block nor allocate.
pub trait WallClock: Send + Sync {
    /// Nanoseconds since the Unix epoch.
    fn now_unix_ns(&self) -> i64;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl WallClock for SystemClock {
    fn now_unix_ns(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
        }
    }
}
