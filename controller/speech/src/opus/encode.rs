//! Mono sound to Opus packets.

use std::ops::Range;

use opusic_c::{Application, Bitrate, Channels, Encoder, SampleRate, Signal};

use super::{GRANULE_RATE_HZ, OpusError, codec, mux};
use crate::pcm::Pcm;

/// Length of a packet. Longer ones save a little and make each lost one audible.
pub(super) const FRAME_MS: u32 = 20;
/// RFC 6716: no packet of one frame is longer.
const MAX_PACKET_BYTES: usize = 1_275;
/// Samples below this (-100 dBFS) are silence.
const SILENCE: f32 = 1e-5;
/// Packets that a part's coder is fed before the cut.
const WARM_UP_PACKETS: usize = 10;
/// Silence in which a sound may be cut: the warm-up, and a packet for what the coder looks ahead.
const CUT_SILENCE_PACKETS: usize = WARM_UP_PACKETS + 2;
/// Shorter parts would waste time on warming up: five seconds.
const MIN_PART_PACKETS: usize = 250;

/// Settings of the coder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OpusSettings {
    /// Average bits a second. The intelligibility of a horn dominates above 16,000.
    pub bitrate_bps: u32,
    /// Effort from 0 to 10.
    pub complexity: u8,
}

impl Default for OpusSettings {
    fn default() -> Self {
        Self { bitrate_bps: 24_000, complexity: 10 }
    }
}

/// The packets of a stream and what its headers state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packets {
    pub(super) packets: Vec<Vec<u8>>,
    /// Samples at 48 kHz that a decoder drops at the start.
    pub(super) pre_skip: u16,
    /// Samples at 48 kHz in each packet.
    pub(super) packet_granules: u64,
    /// Samples at 48 kHz that a decoder keeps.
    pub(super) kept_granules: u64,
    /// Rate of the sound that was coded, for information.
    pub(super) input_rate_hz: u32,
}

/// Codes a sound.
///
/// # Errors
/// [`OpusError::SampleRate`], [`OpusError::Settings`], [`OpusError::Empty`], or what libopus said.
pub fn encode(pcm: &Pcm, settings: &OpusSettings) -> Result<Vec<u8>, OpusError> {
    let layout = Layout::of(pcm, settings)?;
    let mut packets = Vec::with_capacity(layout.packets);
    for part in layout.parts(pcm.samples()) {
        packets.extend(layout.code(pcm.samples(), &part, settings)?);
    }
    mux::to_ogg(&layout.stream(packets))
}

/// How a sound is laid out in packets.
///
/// Speech is coded in parts, cut in the long silences between sentences, so that parts are coded side by side and one
/// can be coded again without the others. Where the cuts are depends on the sound alone, never on the machine. Each
/// part's coder starts a while before its cut, in the silence, and those packets are dropped: at the cut coder and
/// decoder both know nothing but silence, so the joint can't be heard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    rate_hz: u32,
    samples: usize,
    look_ahead: usize,
    /// Samples in a packet.
    pub(super) frame: usize,
    /// Packets in all.
    pub(super) packets: usize,
}

impl Layout {
    pub(super) fn of(pcm: &Pcm, settings: &OpusSettings) -> Result<Self, OpusError> {
        Self::of_samples(pcm.samples().len(), pcm.sample_rate_hz(), settings)
    }

    pub(super) fn of_samples(
        samples: usize,
        rate_hz: u32,
        settings: &OpusSettings,
    ) -> Result<Self, OpusError> {
        if samples == 0 {
            return Err(OpusError::Empty);
        }
        let look_ahead = encoder(rate_hz, settings)?.get_look_ahead();
        let look_ahead = look_ahead.map_err(codec("asking for the look-ahead"))? as usize;
        let frame = (rate_hz * FRAME_MS / 1_000) as usize;
        Ok(Self { rate_hz, samples, look_ahead, frame, packets: (samples + look_ahead).div_ceil(frame) })
    }

    /// Without the packet that pushes the last samples out: of a piece that another one follows, which does that.
    pub(super) const fn followed(self) -> Self {
        Self { packets: self.samples / self.frame, ..self }
    }

    /// Samples at 48 kHz for one of the sound.
    pub(super) fn granules(&self) -> usize {
        (GRANULE_RATE_HZ / self.rate_hz) as usize
    }

    /// Samples at 48 kHz that a decoder drops at the start.
    pub(super) fn pre_skip(&self) -> usize {
        self.look_ahead * self.granules()
    }

    /// Samples at 48 kHz that a decoder keeps.
    pub(super) fn kept(&self) -> usize {
        self.samples * self.granules()
    }

    /// The parts, as ranges of packets.
    pub(super) fn parts(&self, samples: &[f32]) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let (mut start, mut silent) = (0, 0);
        for (packet, frame) in samples.chunks_exact(self.frame).enumerate() {
            let is_silent = frame.iter().all(|sample| sample.abs() < SILENCE);
            silent = if is_silent { silent + 1 } else { 0 };
            if silent >= CUT_SILENCE_PACKETS && packet - start >= MIN_PART_PACKETS {
                parts.push(start..packet);
                start = packet;
            }
        }
        parts.push(start..self.packets);
        parts
    }

    /// The samples that a part's packets are made from, with those that warm its coder up.
    pub(super) fn input<'a>(&self, samples: &'a [f32], part: &Range<usize>) -> &'a [f32] {
        let from = part.start.saturating_sub(WARM_UP_PACKETS) * self.frame;
        &samples[from.min(samples.len())..(part.end * self.frame).min(samples.len())]
    }

    /// Codes a part.
    pub(super) fn code(
        &self,
        samples: &[f32],
        part: &Range<usize>,
        settings: &OpusSettings,
    ) -> Result<Vec<Vec<u8>>, OpusError> {
        let input = self.input(samples, part);
        let warm_up = part.start.min(WARM_UP_PACKETS);
        let mut encoder = encoder(self.rate_hz, settings)?;
        let mut packets = Vec::with_capacity(part.len());
        let mut packet = [0; MAX_PACKET_BYTES];
        let mut padded = vec![0.0; self.frame];
        for index in 0..warm_up + part.len() {
            let from = (index * self.frame).min(input.len());
            let frame = &input[from..(from + self.frame).min(input.len())];
            padded[..frame.len()].copy_from_slice(frame);
            padded[frame.len()..].fill(0.0);
            let length = encoder.encode_float_to_slice(&padded, &mut packet).map_err(codec("coding"))?;
            if index >= warm_up {
                packets.push(packet[..length].to_vec());
            }
        }
        Ok(packets)
    }

    pub(super) fn stream(&self, packets: Vec<Vec<u8>>) -> Packets {
        Packets {
            packets,
            pre_skip: self.pre_skip() as u16,
            packet_granules: (self.frame * self.granules()) as u64,
            kept_granules: self.kept() as u64,
            input_rate_hz: self.rate_hz,
        }
    }
}

fn encoder(rate: u32, settings: &OpusSettings) -> Result<Encoder, OpusError> {
    let OpusSettings { bitrate_bps, complexity } = *settings;
    if !(6_000..=128_000).contains(&bitrate_bps) || complexity > 10 {
        return Err(OpusError::Settings { bitrate_bps, complexity });
    }
    let rate = match rate {
        8_000 => SampleRate::Hz8000,
        12_000 => SampleRate::Hz12000,
        16_000 => SampleRate::Hz16000,
        24_000 => SampleRate::Hz24000,
        48_000 => SampleRate::Hz48000,
        sample_rate_hz => return Err(OpusError::SampleRate { sample_rate_hz }),
    };
    // Not `Voip`: it filters and sharpens once more what mastering has set, and its peaks overshoot by 0.6 dB more.
    let mut encoder =
        Encoder::new(Channels::Mono, rate, Application::Audio).map_err(codec("starting the encoder"))?;
    encoder.set_bitrate(Bitrate::Value(bitrate_bps)).map_err(codec("setting the bit rate"))?;
    encoder.set_vbr(true).map_err(codec("setting variable rate"))?;
    encoder.set_signal(Signal::Voice).map_err(codec("setting the signal"))?;
    encoder.set_complexity(complexity).map_err(codec("setting the complexity"))?;
    Ok(encoder)
}
