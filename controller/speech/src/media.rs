//! Sound files of every kind that symphonia reads, with libopus for Opus.

use std::io::{Cursor, ErrorKind};
use std::sync::LazyLock;

use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use crate::opus::GRANULE_RATE_HZ;

static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut registry = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut registry);
    registry.register_audio_decoder::<symphonia_adapter_libopus::OpusDecoder>();
    registry
});

#[derive(Debug)]
pub(crate) enum MediaError {
    /// A readable container without a track of sound.
    NoTrack,
    /// symphonia gave up.
    Symphonia { action: &'static str, source: SymphoniaError },
}

/// An open file.
pub(crate) struct Media {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    sample_rate_hz: u32,
    stated_frames: Option<u64>,
    interleaved: Vec<f32>,
    damaged_packets: u32,
    cut_off: bool,
}

/// Reads the headers of a file.
pub(crate) fn open(bytes: Vec<u8>) -> Result<Media, MediaError> {
    let failed = |action| move |source| MediaError::Symphonia { action, source };
    let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
    let format = symphonia::default::get_probe()
        .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(failed("recognising the file"))?;
    let track = format.default_track(TrackType::Audio).ok_or(MediaError::NoTrack)?;
    let parameters = track.codec_params.as_ref().and_then(|p| p.audio()).ok_or(MediaError::NoTrack)?;
    let parameters = mend_opus(parameters.clone());
    let decoder = CODECS
        .make_audio_decoder(&parameters, &AudioDecoderOptions::default())
        .map_err(failed("finding a decoder"))?;
    let sample_rate_hz = parameters.sample_rate.ok_or(MediaError::NoTrack)?;
    let stated_frames = track.num_frames;
    let track = track.id;
    Ok(Media {
        format,
        decoder,
        track,
        sample_rate_hz,
        stated_frames,
        interleaved: Vec::new(),
        damaged_packets: 0,
        cut_off: false,
    })
}

/// What the containers say of Opus as the decoder understands it.
///
/// - The rate is that of the sound before it was coded, which may be none that the decoder has; it always has 48 kHz.
/// - MP4 has the header of Ogg (RFC 7845) with version 0 in place of 1 and its numbers the other way round; what the decoder
///   reads is how much silence the encoder put in front.
fn mend_opus(mut parameters: AudioCodecParameters) -> AudioCodecParameters {
    const VERSION: usize = 8;
    const PRE_SKIP: std::ops::Range<usize> = 10..12;
    if parameters.codec != CODEC_ID_OPUS {
        return parameters;
    }
    parameters.with_sample_rate(GRANULE_RATE_HZ);
    if let Some(head) = parameters.extra_data.as_mut().filter(|head| head.get(VERSION) == Some(&0))
        && let Some(pre_skip) = head.get_mut(PRE_SKIP)
    {
        pre_skip.reverse();
    }
    parameters
}

impl Media {
    /// Rate of what [`next`](Self::next) gives.
    pub(crate) const fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// Length by the file's own headers, which may be false.
    pub(crate) const fn stated_frames(&self) -> Option<u64> {
        self.stated_frames
    }

    /// Packets that were skipped because they were damaged.
    pub(crate) const fn damaged_packets(&self) -> u32 {
        self.damaged_packets
    }

    /// Whether the bytes ended in the middle of something.
    pub(crate) const fn cut_off(&self) -> bool {
        self.cut_off
    }

    /// Decodes the next packet to mono; `false` at the end.
    pub(crate) fn next(&mut self, mono: &mut Vec<f32>) -> Result<bool, MediaError> {
        mono.clear();
        loop {
            let packet = match self.format.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(false),
                Err(SymphoniaError::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                    self.cut_off = true;
                    return Ok(false);
                }
                Err(source) => return Err(MediaError::Symphonia { action: "reading on", source }),
            };
            if packet.track_id != self.track {
                continue;
            }
            match self.decoder.decode(&packet) {
                Ok(buffer) => {
                    if buffer.spec().rate() != self.sample_rate_hz {
                        let source = SymphoniaError::Unsupported("a sample rate that changes in the middle");
                        return Err(MediaError::Symphonia { action: "decoding", source });
                    }
                    let channels = buffer.spec().channels().count().max(1);
                    self.interleaved.clear();
                    buffer.copy_to_vec_interleaved(&mut self.interleaved);
                    let scale = 1.0 / channels as f32;
                    mono.extend(
                        self.interleaved
                            .chunks_exact(channels)
                            .map(|frame| frame.iter().sum::<f32>() * scale),
                    );
                    return Ok(true);
                }
                Err(SymphoniaError::DecodeError(_)) => self.damaged_packets += 1,
                Err(SymphoniaError::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                    self.damaged_packets += 1;
                }
                Err(source) => return Err(MediaError::Symphonia { action: "decoding", source }),
            }
        }
    }
}
