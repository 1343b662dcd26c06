//! Codes a sound and listens to what a loudspeaker will get from it.
//!
//! A coder moves peaks: most of what was at -3.5 dBTP before it is at -2.5 behind it, and one packet in twenty thousand
//! jumps to -0.3. So each packet is decoded and measured at 48 kHz, as a node plays it, while other parts are still
//! being coded, and the loud places are told. When those have been softened, only their parts are coded again.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use opusic_c::{Channels, Decoder, SampleRate};

use super::encode::{Layout, OpusSettings};
use super::{GRANULE_RATE_HZ, OpusError, codec, mux};
use crate::master::{Loudness, Meter};
use crate::pcm::Pcm;

/// RFC 6716: the longest packet lasts 120 ms.
pub(super) const MAX_FRAMES: usize = 5_760;
/// Packets in a second.
const PER_SECOND: usize = 50;

/// A place where the decoded sound is louder than it should be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Loud {
    /// Samples of the sound that was coded.
    pub(crate) samples: Range<usize>,
    /// Highest decoded sample in dBFS.
    pub(crate) peak_dbfs: f64,
}

/// An object and what it measures when it's played.
pub(crate) struct Coded {
    pub(crate) bytes: Vec<u8>,
    pub(crate) heard: Loudness,
    /// Where `heard` is at its peak, if that is above the ceiling: places within half a decibel of the ceiling.
    pub(crate) loud: Vec<Loud>,
}

/// Codes versions of one sound; what didn't change since the last version isn't coded again.
pub(crate) struct Coder {
    settings: OpusSettings,
    ceiling_dbtp: f64,
    last: Vec<Part>,
}

struct Part {
    packets: Range<usize>,
    input: Vec<f32>,
    coded: Vec<Vec<u8>>,
}

impl Coder {
    pub(crate) const fn new(settings: OpusSettings, ceiling_dbtp: f64) -> Self {
        Self { settings, ceiling_dbtp, last: Vec::new() }
    }

    /// Codes and measures; `each_second` is told how many seconds are done, of how many.
    pub(crate) fn code(&mut self, pcm: &Pcm, each_second: &dyn Fn(usize, usize)) -> Result<Coded, OpusError> {
        let layout = Layout::of(pcm, &self.settings)?;
        let ranges = layout.parts(pcm.samples());
        let mut listener = Listener::new(&layout, self.ceiling_dbtp)?;
        let mut parts: Vec<Part> = Vec::with_capacity(ranges.len());
        self.each_part(pcm.samples(), &layout, &ranges, |packets, coded| {
            for packet in &coded {
                listener.hear(packet)?;
                if listener.packets.is_multiple_of(PER_SECOND) || listener.packets == layout.packets {
                    each_second(listener.packets.div_ceil(PER_SECOND), layout.packets.div_ceil(PER_SECOND));
                }
            }
            let input = layout.input(pcm.samples(), &packets).to_vec();
            parts.push(Part { packets, input, coded });
            Ok(())
        })?;
        self.last = parts;
        let (heard, loud) = listener.finish()?;
        let packets = self.last.iter().flat_map(|part| part.coded.iter().cloned()).collect();
        Ok(Coded { bytes: mux::to_ogg(&layout.stream(packets))?, heard, loud })
    }

    /// Codes the parts side by side and hands them on in their order.
    fn each_part(
        &self,
        samples: &[f32],
        layout: &Layout,
        ranges: &[Range<usize>],
        mut take: impl FnMut(Range<usize>, Vec<Vec<u8>>) -> Result<(), OpusError>,
    ) -> Result<(), OpusError> {
        let next = AtomicUsize::new(0);
        let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(ranges.len());
        // A part that was coded out of turn waits in `early`; workers stop when too many wait.
        let (sender, receiver) = mpsc::sync_channel(workers * 2);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    while let index = next.fetch_add(1, Ordering::Relaxed)
                        && let Some(range) = ranges.get(index)
                    {
                        let coded = self.code_part(samples, layout, range);
                        let stop = coded.is_err();
                        // Nobody listens any more where another part failed.
                        if sender.send((index, coded)).is_err() || stop {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            let mut early = std::collections::BTreeMap::new();
            for (index, range) in ranges.iter().enumerate() {
                let coded = loop {
                    if let Some(coded) = early.remove(&index) {
                        break coded;
                    }
                    let (arrived, coded) = receiver.recv().map_err(|_closed| OpusError::WorkerEnded)?;
                    early.insert(arrived, coded?);
                };
                take(range.clone(), coded)?;
            }
            Ok(())
        })
    }

    fn code_part(
        &self,
        samples: &[f32],
        layout: &Layout,
        range: &Range<usize>,
    ) -> Result<Vec<Vec<u8>>, OpusError> {
        let known = self.last.iter().find(|part| part.packets == *range);
        match known.filter(|part| part.input == layout.input(samples, range)) {
            Some(part) => Ok(part.coded.clone()),
            None => layout.code(samples, range, &self.settings),
        }
    }
}

/// A node's decoder with a meter behind it.
struct Listener {
    decoder: Decoder,
    meter: Meter,
    frames: Vec<f32>,
    /// Decoded samples that are still to be dropped, and then to be kept.
    skip: usize,
    left: usize,
    frame: usize,
    packets: usize,
    ceiling_dbtp: f64,
    near_ceiling: Vec<Loud>,
}

impl Listener {
    fn new(layout: &Layout, ceiling_dbtp: f64) -> Result<Self, OpusError> {
        let decoder =
            Decoder::new(Channels::Mono, SampleRate::Hz48000).map_err(codec("starting the decoder"))?;
        Ok(Self {
            decoder,
            meter: Meter::new(GRANULE_RATE_HZ).map_err(unmeasured)?,
            frames: vec![0.0; MAX_FRAMES],
            skip: layout.pre_skip(),
            left: layout.kept(),
            frame: layout.frame,
            packets: 0,
            ceiling_dbtp,
            near_ceiling: Vec::new(),
        })
    }

    fn hear(&mut self, packet: &[u8]) -> Result<(), OpusError> {
        let count =
            self.decoder.decode_float_to_slice(packet, &mut self.frames, false).map_err(codec("decoding"))?;
        let from = self.skip.min(count);
        let to = (from + self.left).min(count);
        let kept = &self.frames[from..to];
        self.meter.push(kept).map_err(unmeasured)?;
        self.skip -= from;
        self.left -= to - from;
        let peak = kept.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        let peak_dbfs = 20.0 * f64::from(peak).log10();
        if peak_dbfs > self.ceiling_dbtp - 0.5 {
            // The decoder is behind by the look-ahead, which is less than half a packet.
            let start = self.packets * self.frame;
            let samples = start.saturating_sub(self.frame / 2)..start + self.frame;
            self.near_ceiling.push(Loud { samples, peak_dbfs });
        }
        self.packets += 1;
        Ok(())
    }

    fn finish(self) -> Result<(Loudness, Vec<Loud>), OpusError> {
        let heard = self.meter.finish().map_err(unmeasured)?;
        let loud = if heard.true_peak_dbtp > self.ceiling_dbtp { self.near_ceiling } else { Vec::new() };
        Ok((heard, loud))
    }
}

fn unmeasured(error: crate::master::MasterError) -> OpusError {
    OpusError::Measure(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opus::decode;

    /// Ten sentences of eight seconds of a wavering buzz, with 0.6 s of silence behind each.
    fn sentences() -> Pcm {
        let samples = (0..10 * 137_600).map(|n| {
            let (sentence, at) = (n / 137_600, n % 137_600);
            let t = at as f32 / 16_000.0;
            let pitch = 110.0 + 13.0 * sentence as f32 + 10.0 * (t * 5.0).sin();
            let loudness = if at < 128_000 { 0.2 + 0.2 * (t * 9.0).sin() } else { 0.0 };
            let phase = (t * pitch).fract();
            (phase - 0.5) * loudness
        });
        Pcm::new(samples.collect(), 16_000).unwrap()
    }

    #[test]
    fn joints_can_not_be_heard() {
        let pcm = sentences();
        let settings = OpusSettings::default();
        let layout = Layout::of(&pcm, &settings).unwrap();
        let parts = layout.parts(pcm.samples());
        assert_eq!(parts.len(), 11, "a part for each sentence, and one for the silence at the end");
        let in_parts = decode(&Coder::new(settings, 0.0).code(&pcm, &|_, _| ()).unwrap().bytes).unwrap();
        let packets = layout.code(pcm.samples(), &(0..layout.packets), &settings).unwrap();
        let whole = decode(&mux::to_ogg(&layout.stream(packets)).unwrap()).unwrap();
        let peak = |samples: &[f32]| samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        let power = |samples: &[f32]| samples.iter().map(|x| f64::from(x * x)).sum::<f64>();
        for part in &parts[1..10] {
            let joint = part.start * 960;
            let around = joint - 4_800..joint + 960;
            let (silence, single) =
                (peak(&in_parts.samples()[around.clone()]), peak(&whole.samples()[around]));
            assert!(
                silence < single + 5e-4,
                "{silence} around the joint at packet {}, {single} without",
                part.start
            );
            // The next sentence comes out as well as it does from one coder.
            let next = joint..joint + 96_000;
            let want: Vec<f32> = pcm.samples()[part.start * 320..part.start * 320 + 32_000].to_vec();
            let error = |out: &[f32]| {
                let thirds: Vec<f32> = out.iter().step_by(3).zip(&want).map(|(a, b)| a - b).collect();
                power(&thirds) / power(&want)
            };
            let (joined, single) = (error(&in_parts.samples()[next.clone()]), error(&whole.samples()[next]));
            assert!(joined < single * 1.3 + 0.01, "error {joined} behind a joint, {single} without");
        }
    }

    #[test]
    fn a_changed_sentence_changes_its_own_packets_alone() {
        let pcm = sentences();
        let mut coder = Coder::new(OpusSettings::default(), 0.0);
        coder.code(&pcm, &|_, _| ()).unwrap();
        let before: Vec<Vec<Vec<u8>>> = coder.last.iter().map(|part| part.coded.clone()).collect();
        let mut samples = pcm.into_samples();
        samples[4 * 137_600 + 20_000..4 * 137_600 + 30_000].iter_mut().for_each(|sample| *sample *= 0.5);
        let softer = Pcm::new(samples, 16_000).unwrap();
        let again = coder.code(&softer, &|_, _| ()).unwrap();
        let changed: Vec<usize> =
            (0..before.len()).filter(|&at| coder.last[at].coded != before[at]).collect();
        assert_eq!(changed, [4]);
        let afresh = Coder::new(OpusSettings::default(), 0.0).code(&softer, &|_, _| ()).unwrap();
        assert!(again.bytes == afresh.bytes, "what is remembered makes no difference");
    }

    #[test]
    fn loud_places_are_found() {
        let mut samples = vec![0.05_f32; 48_000];
        samples.iter_mut().enumerate().for_each(|(n, sample)| *sample = (n as f32 * 0.3).sin() * 0.05);
        for (n, sample) in samples[20_000..20_600].iter_mut().enumerate() {
            *sample = (n as f32 * 0.3).sin() * 0.9;
        }
        let pcm = Pcm::new(samples, 16_000).unwrap();
        let coded = Coder::new(OpusSettings::default(), -3.0).code(&pcm, &|_, _| ()).unwrap();
        assert!(coded.heard.true_peak_dbtp > -3.0);
        assert!(!coded.loud.is_empty());
        assert!(
            coded.loud.iter().all(|loud| loud.samples.start < 21_500 && loud.samples.end > 19_500),
            "{:?}",
            coded.loud
        );
    }
}
