//! Standard input to `heard-NNNN.wav` and its timeline, at the pace of a sound card.
//!
//! # Invariants
//! - Nothing is taken out of the pipe before the card would have played what was taken before, so the player is never
//!   further ahead than the pipe is long: one page, once what had gathered at the start is played.
//! - The WAV header is true at least every `HEADER_EVERY_MS`, so that a killed recorder leaves a valid file.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::RATE_HZ;
use super::pace::Pace;
use super::pipe::{self, Pipe};
use super::timeline::{self, Mark};

/// How often the header of the WAV file is brought up to date.
const HEADER_EVERY_MS: u64 = 250;

/// Nice value of the recorder, which stands for hardware.
const CARD_NICE: i32 = -20;

/// What to record.
#[derive(Clone, Debug)]
pub struct CaptureOptions {
    /// The folder for the recordings; made if absent.
    pub out: PathBuf,
    /// Channels of the input (S16LE, 48 kHz, interleaved); the first is kept.
    pub channels: u16,
}

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// The WAV file; its timeline lies beside it.
    pub wav: PathBuf,
    /// Frames in it.
    pub frames: u64,
}

/// Why a recording failed.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The folder could not be made, or a file in it not be opened.
    #[error("cannot create {path}")]
    Create {
        /// What should have been created.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There are no channels to record.
    #[error("the input must have at least one channel")]
    NoChannels,
    /// Reading the input failed.
    #[error("reading the sound failed")]
    Read(#[source] std::io::Error),
    /// Writing the sound failed.
    #[error("writing {path} failed")]
    Wav {
        /// The WAV file.
        path: PathBuf,
        /// Why.
        #[source]
        source: hound::Error,
    },
    /// Writing the timeline failed.
    #[error("writing the timeline of {path} failed")]
    Timeline {
        /// The WAV file that it belongs to.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Records `input` until it ends. Give it an unbuffered file: a buffer would take more than is being played.
///
/// # Errors
/// [`CaptureError`]; what was recorded until then stays.
pub fn capture(input: File, options: &CaptureOptions) -> Result<Captured, CaptureError> {
    let frame_bytes = 2 * usize::from(options.channels);
    if frame_bytes == 0 {
        return Err(CaptureError::NoChannels);
    }
    // A sound card does not wait for its turn. Without the right to this it records all the same.
    if let Err(error) = rustix::process::setpriority_process(None, CARD_NICE) {
        tracing::debug!(%error, "the recorder runs at ordinary priority");
    }
    let mut tape = Tape::create(&options.out)?;
    let mut pace = Pace::new(RATE_HZ);
    let clocks = Clocks::start();
    let mut pipe = Pipe::new(input);
    let mut buffer = vec![0u8; pipe::MOST_BYTES + frame_bytes];
    let mut held = 0;
    loop {
        match pipe.take(&mut buffer[held..]).map_err(CaptureError::Read)? {
            0 => return tape.finish(),
            count => held += count,
        }
        let whole = held - held % frame_bytes;
        let arrived_ns = clocks.now_ns();
        let frames = buffer[..whole].chunks_exact(frame_bytes);
        let heard = pace.arrived(arrived_ns, frames.len());
        if heard.dry_ns > 0 {
            tracing::debug!(dry_ms = heard.dry_ns / 1_000_000, "nothing came in time; the card ran dry");
        }
        tape.write(
            frames.filter_map(|frame| frame.first_chunk()).map(|bytes| i16::from_le_bytes(*bytes)),
            Mark {
                frame: 0,
                heard_unix_ns: clocks.unix_ns(heard.from_ns),
                arrived_unix_ns: clocks.unix_ns(arrived_ns),
                dry_ns: heard.dry_ns,
            },
        )?;
        buffer.copy_within(whole..held, 0);
        held -= whole;
        clocks.sleep_until(heard.until_ns);
    }
}

/// A monotonic clock to pace by, and the wall-clock instant of each of its readings.
struct Clocks {
    started: Instant,
    started_unix_ns: i64,
}

impl Clocks {
    fn start() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), started_unix_ns: i64::try_from(unix.as_nanos()).unwrap_or(i64::MAX) }
    }

    fn now_ns(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_nanos()).unwrap_or(i64::MAX)
    }

    fn unix_ns(&self, ns: i64) -> i64 {
        self.started_unix_ns + ns
    }

    fn sleep_until(&self, ns: i64) {
        if let Ok(left) = u64::try_from(ns - self.now_ns()) {
            std::thread::sleep(Duration::from_nanos(left));
        }
    }
}

/// The two files of one recording.
struct Tape {
    path: PathBuf,
    wav: hound::WavWriter<BufWriter<File>>,
    timeline: BufWriter<File>,
    frames: u64,
    frames_in_header: u64,
}

impl Tape {
    fn create(out: &Path) -> Result<Self, CaptureError> {
        let failed = |path: &Path, source| CaptureError::Create { path: path.to_owned(), source };
        std::fs::create_dir_all(out).map_err(|source| failed(out, source))?;
        let (path, file) = next_file(out).map_err(|source| failed(out, source))?;
        let beside = path.with_extension("timeline");
        let mut timeline = BufWriter::new(File::create(&beside).map_err(|source| failed(&beside, source))?);
        timeline.write_all(timeline::header().as_bytes()).map_err(|source| failed(&beside, source))?;
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: RATE_HZ,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let wav = hound::WavWriter::new(BufWriter::new(file), spec)
            .map_err(|source| CaptureError::Wav { path: path.clone(), source })?;
        let mut tape = Self { path, wav, timeline, frames: 0, frames_in_header: 0 };
        tape.flush()?;
        Ok(tape)
    }

    /// Appends samples; `mark.frame` is filled in.
    fn write(&mut self, samples: impl Iterator<Item = i16>, mark: Mark) -> Result<(), CaptureError> {
        let mark = Mark { frame: self.frames, ..mark };
        for sample in samples {
            self.wav.write_sample(sample).map_err(|source| self.wav_error(source))?;
            self.frames += 1;
        }
        self.timeline.write_all(mark.line().as_bytes()).map_err(|source| self.timeline_error(source))?;
        if (self.frames - self.frames_in_header) * 1000 >= HEADER_EVERY_MS * u64::from(RATE_HZ) {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), CaptureError> {
        // The timeline first: a frame in the WAV file always has its instant.
        self.timeline.flush().map_err(|source| self.timeline_error(source))?;
        self.wav.flush().map_err(|source| self.wav_error(source))?;
        self.frames_in_header = self.frames;
        Ok(())
    }

    fn finish(mut self) -> Result<Captured, CaptureError> {
        self.flush()?;
        let end = timeline::end(self.frames);
        let ended = self.timeline.write_all(end.as_bytes()).and_then(|()| self.timeline.flush());
        ended.map_err(|source| self.timeline_error(source))?;
        Ok(Captured { wav: self.path, frames: self.frames })
    }

    fn wav_error(&self, source: hound::Error) -> CaptureError {
        CaptureError::Wav { path: self.path.clone(), source }
    }

    fn timeline_error(&self, source: std::io::Error) -> CaptureError {
        CaptureError::Timeline { path: self.path.clone(), source }
    }
}

/// The first free `heard-NNNN.wav`, made by us alone.
fn next_file(out: &Path) -> std::io::Result<(PathBuf, File)> {
    for number in 1..=9999 {
        let path = out.join(format!("heard-{number:04}.wav"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(std::io::Error::other("it holds 9,999 recordings already"))
}
