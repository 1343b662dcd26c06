//! Mono sound to Opus packets.

use opusic_c::{Application, Bitrate, Channels, Encoder, SampleRate, Signal};

use super::{GRANULE_RATE_HZ, OpusError, codec, mux};
use crate::pcm::Pcm;

/// Length of a packet. Longer ones save a little and make each lost one audible.
const FRAME_MS: u32 = 20;
/// RFC 6716: no packet of one frame is longer.
const MAX_PACKET_BYTES: usize = 1_275;

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
    mux::to_ogg(&Coding::start(pcm, settings)?.run(|_packet| Ok(()))?)
}

/// A sound that is about to be coded.
pub(super) struct Coding<'a> {
    encoder: Encoder,
    samples: &'a [f32],
    rate_hz: u32,
    look_ahead: usize,
}

impl<'a> Coding<'a> {
    pub(super) fn start(pcm: &'a Pcm, settings: &OpusSettings) -> Result<Self, OpusError> {
        if pcm.samples().is_empty() {
            return Err(OpusError::Empty);
        }
        let rate_hz = pcm.sample_rate_hz();
        let mut encoder = encoder(rate_hz, settings)?;
        let look_ahead = encoder.get_look_ahead().map_err(codec("asking for the look-ahead"))? as usize;
        Ok(Self { encoder, samples: pcm.samples(), rate_hz, look_ahead })
    }

    /// Samples at 48 kHz that a decoder drops at the start.
    pub(super) fn pre_skip(&self) -> usize {
        self.look_ahead * self.granules()
    }

    /// Samples at 48 kHz that a decoder keeps.
    pub(super) fn kept_granules(&self) -> usize {
        self.samples.len() * self.granules()
    }

    /// Packets that it will take.
    pub(super) fn packets(&self) -> usize {
        (self.samples.len() + self.look_ahead).div_ceil(self.frame())
    }

    /// Samples at 48 kHz for one of the sound.
    fn granules(&self) -> usize {
        (GRANULE_RATE_HZ / self.rate_hz) as usize
    }

    fn frame(&self) -> usize {
        (self.rate_hz * FRAME_MS / 1_000) as usize
    }

    /// Codes, and shows each packet as soon as it's made.
    pub(super) fn run(
        mut self,
        mut each: impl FnMut(&[u8]) -> Result<(), OpusError>,
    ) -> Result<Packets, OpusError> {
        let frame = self.frame();
        let mut packets = Vec::with_capacity(self.packets());
        let mut packet = [0; MAX_PACKET_BYTES];
        let mut padded = vec![0.0; frame];
        for index in 0..self.packets() {
            let from = (index * frame).min(self.samples.len());
            let part = &self.samples[from..(from + frame).min(self.samples.len())];
            padded[..part.len()].copy_from_slice(part);
            padded[part.len()..].fill(0.0);
            let length = self.encoder.encode_float_to_slice(&padded, &mut packet).map_err(codec("coding"))?;
            each(&packet[..length])?;
            packets.push(packet[..length].to_vec());
        }
        Ok(Packets {
            packets,
            pre_skip: self.pre_skip() as u16,
            packet_granules: (frame * self.granules()) as u64,
            kept_granules: self.kept_granules() as u64,
            input_rate_hz: self.rate_hz,
        })
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
