//! One Ogg Opus file as a stream of mono samples, read from disk as it is played, or from memory.
//!
//! # Invariant
//! The end of the file is judged, not assumed: what was decoded is compared with the length that the last page
//! states (RFC 7845, section 4: granule position minus pre-skip), because a reader that meets the end of a
//! truncated file sees nothing but an ordinary end.

use std::fmt::Display;
use std::fs::File;
use std::io::{Cursor, Read as _, SeekFrom};
use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use super::speaker::{PlayFailure, Source};

/// Opus always decodes at this rate, whatever the encoder was fed (RFC 7845, section 5.1).
pub const OPUS_RATE: u32 = 48_000;

const FRAMES_A_MS: u64 = OPUS_RATE as u64 / 1_000;

/// Decoding that must precede a resumed sound so that the decoder has converged (RFC 7845, section 4.6).
const PREROLL_MS: u64 = 80;

/// What the decoded length may differ from the stated one: an encoder may pad its last packet.
const TOLERANCE_MS: u64 = 20;

/// An Ogg page is at most this long (RFC 3533), so the last one begins within so many bytes of the end.
const MAX_PAGE_BYTES: u64 = 65_307;

static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut registry = CodecRegistry::new();
    registry.register_audio_decoder::<symphonia_adapter_libopus::OpusDecoder>();
    registry
});

/// Mono samples of one file at [`OPUS_RATE`]. Iterates until the sound ends, well or badly: ask [`Self::outcome`].
pub struct OpusFile {
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    expected_frames: Option<u64>,
    decoded_frames: u64,
    bad_packets: u64,
    read_error: Option<String>,
    interleaved: Vec<f32>,
    mono: Vec<f32>,
    position: usize,
}

impl OpusFile {
    /// Opens `path` and goes to `from_ms` in it.
    ///
    /// # Errors
    /// [`PlayFailure::Unreadable`] where the file cannot be opened, is not Ogg Opus, or ends before `from_ms`.
    pub fn open(path: &Path, from_ms: u64) -> Result<Self, PlayFailure> {
        Self::open_source(&Source::from(path), from_ms)
    }

    /// Opens what is in a file or in memory, as [`OpusFile::open`].
    ///
    /// # Errors
    /// As [`OpusFile::open`].
    pub fn open_source(source: &Source, from_ms: u64) -> Result<Self, PlayFailure> {
        match source {
            Source::File(path) => {
                let file = File::open(path).map_err(|e| unreadable(source, "opening", &e))?;
                Self::begin(source, file, from_ms)
            }
            Source::Memory(bytes) => Self::begin(source, Cursor::new(Arc::clone(bytes)), from_ms),
        }
    }

    fn begin(
        source: &Source,
        mut media: impl MediaSource + 'static,
        from_ms: u64,
    ) -> Result<Self, PlayFailure> {
        let unreadable = |what: &str, why: &dyn Display| unreadable(source, what, why);
        let last_granule = last_granule(&mut media).map_err(|e| unreadable("reading the end", &e))?;
        let stream = MediaSourceStream::new(Box::new(media), MediaSourceStreamOptions::default());
        let reader = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|e| unreadable("reading the Ogg headers", &e))?;
        let (track, parameters) = reader
            .default_track(TrackType::Audio)
            .and_then(|track| Some((track, track.codec_params.as_ref()?.audio()?)))
            .ok_or_else(|| unreadable("finding the sound", &"it holds no audio track"))?;
        let decoder = CODECS
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|e| unreadable("decoding", &e))?;
        let pre_skip = u64::from(track.delay.unwrap_or(0));
        let track = track.id;
        let mut this = Self {
            reader,
            decoder,
            track,
            expected_frames: last_granule.map(|granule| granule.saturating_sub(pre_skip)),
            decoded_frames: 0,
            bad_packets: 0,
            read_error: None,
            interleaved: Vec::new(),
            mono: Vec::new(),
            position: 0,
        };
        this.skip_to(frames(from_ms));
        match (&this.read_error, this.mono.is_empty()) {
            (Some(error), _) => Err(unreadable("reading", error)),
            (None, true) => Err(unreadable("playing", &format!("it holds no sound after {from_ms} ms"))),
            (None, false) => Ok(this),
        }
    }

    /// The length that the file's last page states, in milliseconds; `None` where it has no last page.
    #[must_use]
    pub fn expected_ms(&self) -> Option<u64> {
        self.expected_frames.map(millis)
    }

    /// The next samples, as many as come out of one packet; `None` at the end. The same stream as the iterator, without
    /// its cost for each sample.
    pub fn next_block(&mut self) -> Option<&[f32]> {
        if self.position >= self.mono.len() && !self.fill(0) {
            return None;
        }
        let from = std::mem::replace(&mut self.position, self.mono.len());
        self.mono.get(from..)
    }

    /// How the file ended; meaningful once the iterator has returned `None`.
    ///
    /// # Errors
    /// [`PlayFailure::Truncated`] or [`PlayFailure::Damaged`], or [`PlayFailure::Unreadable`] for a failing disk.
    pub fn outcome(&self) -> Result<(), PlayFailure> {
        if let Some(error) = &self.read_error {
            return Err(PlayFailure::Unreadable(error.clone()));
        }
        if self.bad_packets > 0 {
            return Err(PlayFailure::Damaged { bad_packets: self.bad_packets });
        }
        let complete = self
            .expected_frames
            .is_some_and(|expected| self.decoded_frames + frames(TOLERANCE_MS) >= expected);
        if complete {
            return Ok(());
        }
        Err(PlayFailure::Truncated {
            decoded_ms: millis(self.decoded_frames),
            expected_ms: self.expected_ms(),
        })
    }

    /// Leaves `self.mono[self.position..]` beginning at frame `target`; packets well before it are not decoded.
    fn skip_to(&mut self, target: u64) {
        let decode_from = target.saturating_sub(frames(PREROLL_MS));
        loop {
            let before = self.decoded_frames;
            if !self.fill(decode_from) {
                return;
            }
            if self.decoded_frames > target {
                self.position = usize::try_from(target.saturating_sub(before)).unwrap_or(0);
                return;
            }
        }
    }

    /// Decodes the next packet that yields sound; false at the end of the file. A packet that ends before frame
    /// `decode_from` is counted but not decoded.
    fn fill(&mut self, decode_from: u64) -> bool {
        self.mono.clear();
        self.position = 0;
        loop {
            let packet = match self.reader.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return false,
                // The Ogg reader says so where the file ends within a page.
                Err(SymphoniaError::IoError(e)) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return false;
                }
                Err(e) => {
                    self.read_error = Some(format!("reading failed: {e}"));
                    return false;
                }
            };
            if packet.track_id != self.track {
                continue;
            }
            // The first packet carries the pre-skip, which only the decoder applies.
            let is_first = self.decoded_frames == 0;
            let packet_frames = packet.dur.get();
            if !is_first && self.decoded_frames + packet_frames < decode_from {
                self.decoded_frames += packet_frames;
                continue;
            }
            match self.decoder.decode(&packet) {
                Ok(buffer) => {
                    let channels = buffer.spec().channels().count().max(1);
                    self.interleaved.resize(buffer.samples_interleaved(), 0.0);
                    buffer.copy_to_slice_interleaved(&mut self.interleaved);
                    mix_down(&self.interleaved, channels, &mut self.mono);
                }
                Err(_) => {
                    self.bad_packets += 1;
                    continue;
                }
            }
            self.decoded_frames += self.mono.len() as u64;
            if !self.mono.is_empty() {
                return true;
            }
        }
    }
}

impl Iterator for OpusFile {
    type Item = f32;

    fn next(&mut self) -> Option<f32> {
        if self.position >= self.mono.len() && !self.fill(0) {
            return None;
        }
        let sample = self.mono.get(self.position).copied();
        self.position += 1;
        sample
    }
}

impl rodio::Source for OpusFile {
    fn current_span_len(&self) -> Option<usize> {
        None
    }

    fn channels(&self) -> NonZero<u16> {
        NonZero::<u16>::MIN
    }

    fn sample_rate(&self) -> NonZero<u32> {
        const { NonZero::new(OPUS_RATE).unwrap() }
    }

    fn total_duration(&self) -> Option<Duration> {
        self.expected_ms().map(Duration::from_millis)
    }
}

fn unreadable(source: &Source, what: &str, why: &dyn Display) -> PlayFailure {
    PlayFailure::Unreadable(format!("{what} of {source} failed: {why}"))
}

fn mix_down(interleaved: &[f32], channels: usize, mono: &mut Vec<f32>) {
    mono.clear();
    if channels == 1 {
        mono.extend_from_slice(interleaved);
    } else {
        let share = 1.0 / channels as f32;
        mono.extend(interleaved.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() * share));
    }
}

/// Granule position of the page that ends the stream; `None` where no page within reach says that it is the last.
/// Leaves the file at its start.
fn last_granule(file: &mut impl MediaSource) -> std::io::Result<Option<u64>> {
    /// Flag of a page that ends its logical stream (RFC 3533, section 6).
    const END_OF_STREAM: u8 = 0x04;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_PAGE_BYTES)))?;
    let mut tail = Vec::new();
    file.by_ref().take(MAX_PAGE_BYTES).read_to_end(&mut tail)?;
    file.rewind()?;
    let page = tail.windows(14).rev().find(|window| window.starts_with(b"OggS"));
    Ok(page.and_then(|page| {
        let granule: [u8; 8] = page.get(6..14)?.try_into().ok()?;
        (page.get(5)? & END_OF_STREAM != 0).then(|| u64::from_le_bytes(granule))
    }))
}

/// What a damaged file states may be any number, so neither of these overflows.
const fn frames(ms: u64) -> u64 {
    ms.saturating_mul(FRAMES_A_MS)
}

const fn millis(frames: u64) -> u64 {
    frames / FRAMES_A_MS
}

#[cfg(test)]
mod tests;
