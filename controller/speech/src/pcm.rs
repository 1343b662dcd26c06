//! Mono sound in memory.
//!
//! Invariant: every sample of a [`Pcm`] is finite and its rate lies between 4 kHz and 384 kHz, so nothing
//! behind it has to ask again.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler};

/// Rates that the chain accepts, in hertz.
pub const SAMPLE_RATES_HZ: std::ops::RangeInclusive<u32> = 4_000..=384_000;

/// Input frames that a resampler takes at a time; short enough to stream, long enough for a steep filter.
const CHUNK_FRAMES: usize = 1_024;

/// Mono samples at one rate. Full scale is ±1.0; louder samples are allowed until mastering.
#[derive(Clone, Debug, PartialEq)]
pub struct Pcm {
    samples: Vec<f32>,
    sample_rate_hz: u32,
}

/// Why samples can't be a [`Pcm`].
#[derive(Debug, thiserror::Error)]
pub enum PcmError {
    /// A rate outside [`SAMPLE_RATES_HZ`].
    #[error("the sample rate {sample_rate_hz} Hz lies outside {} to {} Hz", SAMPLE_RATES_HZ.start(), SAMPLE_RATES_HZ.end())]
    SampleRate {
        /// The rate that was given.
        sample_rate_hz: u32,
    },
    /// NaN or infinity, as a broken float WAV holds them.
    #[error("sample {index} is not a finite number")]
    NotFinite {
        /// Index of the first such sample.
        index: usize,
    },
    /// The resampler refused the rates.
    #[error("no resampler from {from_hz} Hz to {to_hz} Hz could be built")]
    Resampler {
        /// Rate of the input.
        from_hz: u32,
        /// Rate that was asked for.
        to_hz: u32,
        /// What the resampler said.
        #[source]
        source: rubato::ResamplerConstructionError,
    },
    /// The resampler failed in the middle.
    #[error("resampling failed after {frames} frames")]
    Resample {
        /// Frames of output made so far.
        frames: usize,
        /// What the resampler said.
        #[source]
        source: rubato::ResampleError,
    },
}

impl Pcm {
    /// Takes mono samples.
    ///
    /// # Errors
    /// [`PcmError::SampleRate`] and [`PcmError::NotFinite`].
    pub fn new(samples: Vec<f32>, sample_rate_hz: u32) -> Result<Self, PcmError> {
        check_rate(sample_rate_hz)?;
        match samples.iter().position(|sample| !sample.is_finite()) {
            Some(index) => Err(PcmError::NotFinite { index }),
            None => Ok(Self { samples, sample_rate_hz }),
        }
    }

    /// The samples.
    #[must_use]
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// Gives the samples away.
    #[must_use]
    pub fn into_samples(self) -> Vec<f32> {
        self.samples
    }

    /// Samples in a second.
    #[must_use]
    pub const fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// Length, rounded to the nearest millisecond.
    #[must_use]
    pub fn duration_ms(&self) -> u64 {
        duration_ms(self.samples.len(), self.sample_rate_hz)
    }

    /// Highest absolute sample in dBFS; minus infinity for digital silence or no samples.
    #[must_use]
    pub fn peak_dbfs(&self) -> f64 {
        let peak = self.samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        20.0 * f64::from(peak).log10()
    }

    /// The same sound at another rate; the length in seconds stays.
    ///
    /// # Errors
    /// [`PcmError::Resampler`] and [`PcmError::Resample`].
    pub fn resampled(self, to_hz: u32) -> Result<Self, PcmError> {
        if self.sample_rate_hz == to_hz {
            return Ok(self);
        }
        let mut stream = StreamResampler::new(self.sample_rate_hz, to_hz)?;
        stream.push(&self.samples)?;
        stream.finish()
    }
}

/// Length of `samples` at `sample_rate_hz`, rounded to the nearest millisecond.
pub(crate) fn duration_ms(samples: usize, sample_rate_hz: u32) -> u64 {
    let rate = u64::from(sample_rate_hz.max(1));
    (samples as u64 * 1_000 + rate / 2) / rate
}

fn check_rate(sample_rate_hz: u32) -> Result<(), PcmError> {
    if SAMPLE_RATES_HZ.contains(&sample_rate_hz) {
        Ok(())
    } else {
        Err(PcmError::SampleRate { sample_rate_hz })
    }
}

/// Changes the rate of a sound that arrives in pieces, so that a long recording is never held at its own rate.
pub(crate) struct StreamResampler {
    /// `None` where the rates are equal.
    fft: Option<Fft<f32>>,
    from_hz: u32,
    to_hz: u32,
    pending: Vec<f32>,
    chunk: Vec<f32>,
    output: Vec<f32>,
    frames_in: u64,
    delay_left: usize,
}

impl StreamResampler {
    pub(crate) fn new(from_hz: u32, to_hz: u32) -> Result<Self, PcmError> {
        check_rate(from_hz)?;
        check_rate(to_hz)?;
        let fft = if from_hz == to_hz {
            None
        } else {
            Some(
                Fft::new(from_hz as usize, to_hz as usize, CHUNK_FRAMES, 1, FixedSync::Both)
                    .map_err(|source| PcmError::Resampler { from_hz, to_hz, source })?,
            )
        };
        let (chunk_frames, delay_left) =
            fft.as_ref().map_or((0, 0), |fft| (fft.output_frames_max(), fft.output_delay()));
        Ok(Self {
            fft,
            from_hz,
            to_hz,
            pending: Vec::new(),
            chunk: vec![0.0; chunk_frames],
            output: Vec::new(),
            frames_in: 0,
            delay_left,
        })
    }

    /// Takes the next mono samples.
    pub(crate) fn push(&mut self, samples: &[f32]) -> Result<(), PcmError> {
        if let Some(index) = samples.iter().position(|sample| !sample.is_finite()) {
            return Err(PcmError::NotFinite { index: self.frames_in as usize + index });
        }
        self.frames_in += samples.len() as u64;
        let Some(fft) = &self.fft else {
            self.output.extend_from_slice(samples);
            return Ok(());
        };
        let needed = fft.input_frames_next();
        self.pending.extend_from_slice(samples);
        let mut used = 0;
        while self.pending.len() - used >= needed {
            let piece: Vec<f32> = self.pending[used..used + needed].to_vec();
            self.process(&piece, None)?;
            used += needed;
        }
        self.pending.drain(..used);
        Ok(())
    }

    /// Flushes the filter and hands out the whole sound.
    pub(crate) fn finish(mut self) -> Result<Pcm, PcmError> {
        let expected =
            (u128::from(self.frames_in) * u128::from(self.to_hz)).div_ceil(u128::from(self.from_hz));
        let expected = expected as usize;
        if self.fft.is_some() {
            let rest = std::mem::take(&mut self.pending);
            self.process(&rest, Some(rest.len()))?;
            // Silence pushes out what the filter still holds.
            while self.output.len() < expected {
                self.process(&[], Some(0))?;
            }
        }
        self.output.truncate(expected);
        Ok(Pcm { samples: self.output, sample_rate_hz: self.to_hz })
    }

    fn process(&mut self, input: &[f32], partial_len: Option<usize>) -> Result<(), PcmError> {
        let Some(fft) = &mut self.fft else { return Ok(()) };
        let frames = self.output.len();
        let fail = |source| PcmError::Resample { frames, source };
        let padded;
        let input = if input.len() < fft.input_frames_next() {
            let mut with_silence = input.to_vec();
            with_silence.resize(fft.input_frames_next(), 0.0);
            padded = with_silence;
            &padded[..]
        } else {
            input
        };
        let indexing =
            Indexing { input_offset: 0, output_offset: 0, partial_len, active_channels_mask: None };
        let chunk_frames = self.chunk.len();
        let produced = {
            let source = InterleavedSlice::new(input, 1, input.len());
            let target = InterleavedSlice::new_mut(&mut self.chunk, 1, chunk_frames);
            let (Ok(source), Ok(mut target)) = (source, target) else {
                return Err(fail(rubato::ResampleError::InsufficientInputBufferSize {
                    expected: fft.input_frames_next(),
                    actual: input.len(),
                }));
            };
            let (_, produced) =
                fft.process_into_buffer(&source, &mut target, Some(&indexing)).map_err(fail)?;
            produced
        };
        let skipped = self.delay_left.min(produced);
        self.delay_left -= skipped;
        self.output.extend_from_slice(&self.chunk[skipped..produced]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(sample_rate_hz: u32, seconds: f64) -> Vec<f32> {
        let count = (f64::from(sample_rate_hz) * seconds) as usize;
        (0..count)
            .map(|n| {
                (n as f64 * 440.0 * std::f64::consts::TAU / f64::from(sample_rate_hz)).sin() as f32 * 0.5
            })
            .collect()
    }

    #[test]
    fn resampling_keeps_the_sound_in_place() {
        for from_hz in [8_000, 22_050, 24_000, 44_100, 48_000] {
            let out = Pcm::new(tone(from_hz, 1.0), from_hz).unwrap().resampled(16_000).unwrap();
            assert_eq!(out.samples().len(), 16_000, "from {from_hz} Hz");
            let want = tone(16_000, 1.0);
            let worst = out.samples()[400..15_600]
                .iter()
                .zip(&want[400..15_600])
                .map(|(a, b)| (a - b).abs())
                .fold(0.0_f32, f32::max);
            // The filter's delay is trimmed in whole samples: half a sample (31 µs) may remain.
            assert!(worst < 0.045, "from {from_hz} Hz the sound is off by {worst}");
        }
    }

    #[test]
    fn pieces_and_whole_give_the_same_samples() {
        let input = tone(22_050, 0.7);
        let whole = Pcm::new(input.clone(), 22_050).unwrap().resampled(16_000).unwrap();
        let mut stream = StreamResampler::new(22_050, 16_000).unwrap();
        for piece in input.chunks(777) {
            stream.push(piece).unwrap();
        }
        assert_eq!(stream.finish().unwrap(), whole);
    }

    #[test]
    fn a_clip_shorter_than_the_filter_survives() {
        let out = Pcm::new(vec![0.5; 10], 44_100).unwrap().resampled(16_000).unwrap();
        assert_eq!(out.samples().len(), 4);
        assert_eq!(Pcm::new(Vec::new(), 44_100).unwrap().resampled(16_000).unwrap().samples().len(), 0);
    }

    #[test]
    fn what_is_not_sound_is_refused() {
        assert!(matches!(Pcm::new(vec![0.0, f32::NAN], 16_000), Err(PcmError::NotFinite { index: 1 })));
        assert!(matches!(Pcm::new(Vec::new(), 0), Err(PcmError::SampleRate { sample_rate_hz: 0 })));
    }
}
