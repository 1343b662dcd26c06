//! A stream from segments that were coded, decoded and measured each for itself.
//!
//! A segment is a sentence between two pauses. Each but the first begins with [`LEAD_SAMPLES`] of digital silence, coded by
//! a fresh coder, so its first packets are the same whatever the segment says. When a decoder has gone through them it has
//! forgotten what came before: from then on its samples are, bit for bit, those of a decoder that began with the segment.
//! So what was measured on the segment is what sounds in the stream, and the joint lies in silence. That holds for the
//! coder's speech layer, which it uses up to [`MAX_BITRATE_BPS`]; above, a sound is coded as one.

use std::ops::Range;

use opusic_c::{Channels, Decoder, SampleRate};

use super::coder::{Loud, MAX_FRAMES};
use super::encode::{FRAME_MS, Layout, OpusSettings};
use super::{GRANULE_RATE_HZ, OpusError, codec, mux};
use crate::master::{BlockMeter, Blocks, SAMPLE_RATE_HZ};

/// Silence in front of each segment but the first: ten packets, as long as the decoder needs to forget.
pub(crate) const LEAD_SAMPLES: usize = 10 * (SAMPLE_RATE_HZ * FRAME_MS / 1_000) as usize;

/// Up to this rate 16 kHz speech is coded by the layer whose decoder forgets wholly.
pub(crate) const MAX_BITRATE_BPS: u32 = 32_000;

/// Where a segment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// Nothing comes before it.
    pub(crate) first: bool,
    /// Nothing follows it.
    pub(crate) last: bool,
}

/// A coded segment and what it measures when it's played.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Segment {
    packets: Vec<Vec<u8>>,
    pub(crate) blocks: Blocks,
    /// Samples that were coded.
    samples: usize,
}

impl Segment {
    /// Codes a segment and listens to it. Tells the places whose samples come within half a decibel of the ceiling.
    pub(crate) fn code(
        samples: &[f32],
        place: Place,
        settings: &OpusSettings,
        ceiling_dbtp: f64,
    ) -> Result<(Self, Vec<Loud>), OpusError> {
        let layout = Layout::of_samples(samples.len(), SAMPLE_RATE_HZ, settings)?;
        let layout = if place.last { layout } else { layout.followed() };
        let packets = layout.code(samples, &(0..layout.packets), settings)?;
        let (blocks, loud) = listen(&packets, place, &layout, ceiling_dbtp)?;
        Ok((Self { packets, blocks, samples: samples.len() }, loud))
    }

    /// The segment as bytes, for [`from_bytes`](Self::from_bytes).
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut number = |value: usize| bytes.extend((value as u64).to_le_bytes());
        number(self.samples);
        number(self.packets.len());
        number(self.blocks.powers.len());
        bytes.extend(self.blocks.true_peak.to_le_bytes());
        for power in &self.blocks.powers {
            bytes.extend(power.to_le_bytes());
        }
        for packet in &self.packets {
            bytes.extend((packet.len() as u16).to_le_bytes());
            bytes.extend(packet);
        }
        bytes
    }

    /// The segment again; `None` for bytes that are none.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, mut rest) = bytes.split_first_chunk::<32>()?;
        let eight = |at: usize| head[at..at + 8].try_into().ok().map(u64::from_le_bytes);
        let number = |at: usize| eight(at).and_then(|value| usize::try_from(value).ok());
        let (samples, packet_count, power_count) = (number(0)?, number(8)?, number(16)?);
        let true_peak = f64::from_bits(eight(24)?);
        let mut powers = Vec::new();
        for _ in 0..power_count {
            let (power, later) = rest.split_first_chunk::<8>()?;
            powers.push(f64::from_le_bytes(*power));
            rest = later;
        }
        let mut packets = Vec::new();
        for _ in 0..packet_count {
            let (length, later) = rest.split_first_chunk::<2>()?;
            let (packet, later) = later.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            packets.push(packet.to_vec());
            rest = later;
        }
        rest.is_empty().then_some(Self { packets, blocks: Blocks { powers, true_peak }, samples })
    }
}

/// Decodes packets as a node does, and measures.
fn listen(
    packets: &[Vec<u8>],
    place: Place,
    layout: &Layout,
    ceiling_dbtp: f64,
) -> Result<(Blocks, Vec<Loud>), OpusError> {
    let unmeasured = |error| OpusError::Measure(Box::new(error));
    let mut decoder =
        Decoder::new(Channels::Mono, SampleRate::Hz48000).map_err(codec("starting the decoder"))?;
    let mut meter = BlockMeter::new(GRANULE_RATE_HZ).map_err(unmeasured)?;
    let mut frames = vec![0.0; MAX_FRAMES];
    let mut loud = Vec::new();
    if !place.first {
        meter.push_silence().map_err(unmeasured)?;
    }
    for (index, packet) in packets.iter().enumerate() {
        let count = decoder.decode_float_to_slice(packet, &mut frames, false).map_err(codec("decoding"))?;
        let heard = &frames[..count];
        meter.push(heard).map_err(unmeasured)?;
        let peak = heard.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        let peak_dbfs = 20.0 * f64::from(peak).log10();
        if peak_dbfs > ceiling_dbtp - 0.5 {
            // The decoder is behind by the look-ahead, which is less than half a packet.
            let start = index * layout.frame;
            let samples: Range<usize> = start.saturating_sub(layout.frame / 2)..start + layout.frame;
            loud.push(Loud { samples, peak_dbfs });
        }
    }
    if !place.last {
        meter.push_silence().map_err(unmeasured)?;
    }
    Ok((meter.finish().map_err(unmeasured)?, loud))
}

/// One stream from segments in their order, and how many samples of sound it holds.
pub(crate) fn assemble(segments: &[Segment], settings: &OpusSettings) -> Result<(Vec<u8>, usize), OpusError> {
    let samples = segments.iter().map(|segment| segment.samples).sum();
    let layout = Layout::of_samples(samples, SAMPLE_RATE_HZ, settings)?;
    let packets = segments.iter().flat_map(|segment| segment.packets.iter().cloned()).collect();
    Ok((mux::to_ogg(&layout.stream(packets))?, samples))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opus::decode;

    /// A second of a wavering buzz between the lead and 0.3 s of silence.
    fn buzz(pitch_hz: f32, place: Place) -> Vec<f32> {
        let mut samples = vec![0.0; if place.first { 0 } else { LEAD_SAMPLES }];
        samples.extend((0..16_000).map(|n| {
            let t = n as f32 / 16_000.0;
            ((t * (pitch_hz + 9.0 * (t * 5.0).sin())).fract() - 0.5) * 0.4 * (t * std::f32::consts::PI).sin()
        }));
        samples.resize(samples.len() + 4_800, 0.0);
        samples
    }

    fn segments(settings: &OpusSettings) -> Vec<Segment> {
        let code = |(index, pitch_hz): (usize, f32)| {
            let place = Place { first: index == 0, last: index == 5 };
            Segment::code(&buzz(pitch_hz, place), place, settings, -1.5).unwrap().0
        };
        [110.0, 240.0, 95.0, 310.0, 170.0, 131.0].into_iter().enumerate().map(code).collect()
    }

    /// What a decoder makes of packets that it meets first.
    fn alone(segment: &Segment) -> Vec<f32> {
        let mut decoder = Decoder::new(Channels::Mono, SampleRate::Hz48000).unwrap();
        let mut frames = vec![0.0; MAX_FRAMES];
        let mut samples = Vec::new();
        for packet in &segment.packets {
            let count = decoder.decode_float_to_slice(packet, &mut frames, false).unwrap();
            samples.extend_from_slice(&frames[..count]);
        }
        samples
    }

    #[test]
    fn what_sounds_in_the_stream_is_what_was_measured_bit_for_bit() {
        for bitrate_bps in [12_000, 16_000, 24_000, MAX_BITRATE_BPS] {
            let settings = OpusSettings { bitrate_bps, ..OpusSettings::default() };
            let segments = segments(&settings);
            let (bytes, samples) = assemble(&segments, &settings).unwrap();
            let stream = decode(&bytes).unwrap();
            assert_eq!(stream.samples().len(), samples * 3);
            let pre_skip = Layout::of_samples(samples, SAMPLE_RATE_HZ, &settings).unwrap().pre_skip();
            let mut start = 0;
            for (index, segment) in segments.iter().enumerate() {
                let alone = alone(segment);
                // Of the lead the second half; the end of the last segment is cut at its length.
                let from = if index == 0 { pre_skip } else { LEAD_SAMPLES / 2 * 3 };
                let to = alone.len().min(stream.samples().len() + pre_skip - start);
                let here = &stream.samples()[start + from - pre_skip..start + to - pre_skip];
                let differing = here.iter().zip(&alone[from..to]).filter(|(a, b)| a != b).count();
                assert_eq!(differing, 0, "{bitrate_bps} bit/s, segment {index}: of {} samples", here.len());
                start += alone.len();
            }
        }
    }

    #[test]
    fn joints_are_silent() {
        let settings = OpusSettings::default();
        let segments = segments(&settings);
        let (bytes, _) = assemble(&segments, &settings).unwrap();
        let stream = decode(&bytes).unwrap();
        let mut joint = 0;
        for segment in &segments[..5] {
            joint += segment.samples * 3;
            let around = &stream.samples()[joint - 6_000..joint + 6_000];
            let peak = around.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
            assert!(peak < 5e-4, "{peak} around the joint");
            let step = around.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
            assert!(step < 3e-4, "a step of {step} at the joint");
        }
    }

    #[test]
    fn a_segment_comes_back_from_its_bytes_and_from_no_others() {
        for segment in segments(&OpusSettings::default()) {
            let bytes = segment.to_bytes();
            assert_eq!(Segment::from_bytes(&bytes), Some(segment));
            for end in [0, 31, 40, bytes.len() - 1] {
                assert_eq!(Segment::from_bytes(&bytes[..end]), None);
            }
            assert_eq!(Segment::from_bytes(&[&bytes[..], &[0]].concat()), None);
            assert_eq!(Segment::from_bytes(&[0xff; 64]), None);
        }
    }
}
