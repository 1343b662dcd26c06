//! What was heard: when it began, how loud, and whether it is what was sent.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::RATE_HZ;
use super::correlate::{self, Match, MatchError};
use super::timeline::{self, Timeline};

/// One recording, as loaded.
#[derive(Clone, Debug)]
pub struct Recording {
    samples: Vec<f32>,
    timeline: Timeline,
}

/// A stretch of sound between silences.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Its first frame.
    pub first_frame: usize,
    /// The frame after its last.
    pub end_frame: usize,
    /// Instant at which the first frame was heard, in Unix milliseconds.
    pub start_unix_ms: f64,
    /// Instant of its end, in Unix milliseconds.
    pub end_unix_ms: f64,
    /// Mean level of the stretch in dBFS (a full-scale square wave is 0).
    pub rms_dbfs: f64,
    /// Highest sample of the stretch in dBFS.
    pub peak_dbfs: f64,
}

impl Segment {
    /// Length in milliseconds.
    #[must_use]
    pub fn duration_ms(&self) -> f64 {
        (self.end_frame - self.first_frame) as f64 * 1000.0 / f64::from(RATE_HZ)
    }
}

/// Why a recording could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The folder cannot be listed.
    #[error("cannot list the recordings in {path}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The WAV file cannot be read.
    #[error("cannot read the recording {path}")]
    Wav {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: hound::Error,
    },
    /// The WAV file is not one of a recorder.
    #[error(
        "{path} is not a recording: {channels} channels at {rate_hz} Hz, where 1 at {RATE_HZ} Hz is expected"
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// Its channels.
        channels: u16,
        /// Its rate.
        rate_hz: u32,
    },
    /// The timeline cannot be read.
    #[error("cannot read the timeline {path}")]
    Timeline {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The timeline is damaged.
    #[error("line {line} of the timeline {path} is not understood")]
    TimelineLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

impl Recording {
    /// Loads a WAV file and the timeline beside it.
    ///
    /// # Errors
    /// [`RecordingError`] where either cannot be read or is not a recorder's.
    pub fn load(wav: &Path) -> Result<Self, RecordingError> {
        let failed = |source| RecordingError::Wav { path: wav.to_owned(), source };
        let mut reader = hound::WavReader::open(wav).map_err(failed)?;
        let hound::WavSpec { channels, sample_rate: rate_hz, .. } = reader.spec();
        if (channels, rate_hz) != (1, RATE_HZ) {
            return Err(RecordingError::Shape { path: wav.to_owned(), channels, rate_hz });
        }
        let samples = reader
            .samples::<i16>()
            .map(|sample| sample.map(|sample| f32::from(sample) / 32_768.0))
            .collect::<Result<Vec<f32>, _>>()
            .map_err(failed)?;
        let path = wav.with_extension("timeline");
        let text = std::fs::read_to_string(&path)
            .map_err(|source| RecordingError::Timeline { path: path.clone(), source })?;
        let timeline = timeline::parse(&text)
            .map_err(|line| RecordingError::TimelineLine { path: path.clone(), line })?;
        Ok(Self { samples, timeline })
    }

    /// The WAV files in a recorder's folder, in the order of their making; empty where there is no folder yet.
    ///
    /// # Errors
    /// [`RecordingError::Folder`] where it cannot be listed.
    pub fn files(out: &Path) -> Result<Vec<PathBuf>, RecordingError> {
        let failed = |source| RecordingError::Folder { path: out.to_owned(), source };
        let entries = match std::fs::read_dir(out) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "wav") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Whether the player has closed the card and everything it played is here; false while the recorder runs, or where
    /// it was killed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.timeline.end_frame == Some(self.samples.len() as u64)
    }

    /// The samples, from -1 to 1, at [`RATE_HZ`].
    #[must_use]
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// The instant at which a frame was heard, in Unix milliseconds; `None` for a recording without a timeline.
    #[must_use]
    pub fn unix_ms(&self, frame: usize) -> Option<f64> {
        let frame = frame as u64;
        let before = self.timeline.marks.partition_point(|mark| mark.frame <= frame);
        let mark = self.timeline.marks.get(before.saturating_sub(1))?;
        let since_ms = frame.saturating_sub(mark.frame) as f64 * 1000.0 / f64::from(RATE_HZ);
        Some(mark.heard_unix_ns as f64 / 1e6 + since_ms)
    }

    /// The first frame that was heard at or after an instant in Unix milliseconds; the recording's end where none was.
    #[must_use]
    pub fn frame_at(&self, unix_ms: f64) -> usize {
        let (mut first, mut end) = (0, self.samples.len());
        while first < end {
            let middle = first + (end - first) / 2;
            match self.unix_ms(middle) {
                Some(at) if at < unix_ms => first = middle + 1,
                Some(_) | None => end = middle,
            }
        }
        first
    }

    /// The instant of the first sample whose magnitude is above `threshold` (0 to 1), in Unix milliseconds.
    #[must_use]
    pub fn heard_start_unix_ms(&self, threshold: f32) -> Option<f64> {
        let frame = self.samples.iter().position(|sample| sample.abs() > threshold)?;
        self.unix_ms(frame)
    }

    /// How often the card ran dry because the player sent nothing in time, and for how long in all, in milliseconds.
    #[must_use]
    pub fn dry(&self) -> (usize, f64) {
        let dry = self.timeline.marks.iter().filter(|mark| mark.dry_ns > 0);
        (dry.clone().count(), dry.map(|mark| mark.dry_ns as f64 / 1e6).sum())
    }

    /// Stretches of sound above `threshold` (0 to 1), split where at least `silence_ms` of silence lie between.
    #[must_use]
    pub fn segments(&self, threshold: f32, silence_ms: u32) -> Vec<Segment> {
        let silence_frames = silence_ms as usize * RATE_HZ as usize / 1000;
        let mut bounds: Vec<(usize, usize)> = Vec::new();
        for (frame, _) in self.samples.iter().enumerate().filter(|(_, sample)| sample.abs() > threshold) {
            match bounds.last_mut() {
                Some((_, end)) if frame - *end < silence_frames => *end = frame + 1,
                _ => bounds.push((frame, frame + 1)),
            }
        }
        bounds.into_iter().filter_map(|(first, end)| self.segment(first, end)).collect()
    }

    fn segment(&self, first_frame: usize, end_frame: usize) -> Option<Segment> {
        let samples = &self.samples[first_frame..end_frame];
        Some(Segment {
            first_frame,
            end_frame,
            start_unix_ms: self.unix_ms(first_frame)?,
            end_unix_ms: self.unix_ms(end_frame)?,
            rms_dbfs: rms_dbfs(samples),
            peak_dbfs: peak_dbfs(samples),
        })
    }

    /// Mean level of the whole recording in dBFS; minus infinity for silence.
    #[must_use]
    pub fn rms_dbfs(&self) -> f64 {
        rms_dbfs(&self.samples)
    }

    /// Highest sample in dBFS; minus infinity for silence.
    #[must_use]
    pub fn peak_dbfs(&self) -> f64 {
        peak_dbfs(&self.samples)
    }

    /// Finds `reference` (mono, at [`RATE_HZ`]) among these frames; its place is counted from the recording's first frame.
    ///
    /// # Errors
    /// [`MatchError`] where there is nothing to compare.
    pub fn find_among(&self, reference: &[f32], frames: Range<usize>) -> Result<Match, MatchError> {
        let end = frames.end.min(self.samples.len());
        let first = frames.start.min(end);
        let found = correlate::find(&self.samples[first..end], reference)?;
        Ok(Match { lag_frames: found.lag_frames + i64::try_from(first).unwrap_or(i64::MAX), ..found })
    }

    /// Finds `reference` (mono, `rate_hz`) in the recording.
    ///
    /// Compare with a libopus decode: another decoder's output differs (0.995 at best). A reference of another rate
    /// is brought to [`RATE_HZ`] by linear interpolation, which costs some correlation: give one of that rate.
    ///
    /// # Errors
    /// [`MatchError`] where there is nothing to compare.
    pub fn find(&self, reference: &[f32], rate_hz: u32) -> Result<Match, MatchError> {
        if rate_hz == RATE_HZ {
            return correlate::find(&self.samples, reference);
        }
        correlate::find(&self.samples, &resample(reference, rate_hz))
    }
}

fn rms_dbfs(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    10.0 * (sum / samples.len().max(1) as f64).log10()
}

fn peak_dbfs(samples: &[f32]) -> f64 {
    20.0 * f64::from(samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()))).log10()
}

fn resample(samples: &[f32], from_hz: u32) -> Vec<f32> {
    let step = f64::from(from_hz) / f64::from(RATE_HZ);
    let count = (samples.len() as f64 / step) as usize;
    (0..count)
        .map(|index| {
            let position = index as f64 * step;
            let at = position as usize;
            let part = (position - at as f64) as f32;
            let here = samples.get(at).copied().unwrap_or_default();
            let next = samples.get(at + 1).copied().unwrap_or(here);
            here + (next - here) * part
        })
        .collect()
}

#[cfg(test)]
mod tests;
