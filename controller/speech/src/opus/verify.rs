//! Codes a sound and measures what a loudspeaker will get from it.
//!
//! A coder moves peaks: what was at -1.5 dBTP before it may be at -0.5 behind it. A second thread decodes each
//! packet as it's made and measures the result at 48 kHz, as a node plays it, which costs no time of its own.

use std::sync::mpsc;

use opusic_c::{Channels, Decoder, SampleRate};

use super::encode::{Coding, OpusSettings};
use super::{GRANULE_RATE_HZ, OpusError, codec, mux};
use crate::master::{Loudness, Meter};
use crate::pcm::Pcm;

/// Packets on the way to the listening thread; when it's full the coder waits.
const QUEUE: usize = 256;
/// RFC 6716: the longest packet lasts 120 ms.
const MAX_FRAMES: usize = 5_760;
/// Packets in a second.
const PER_SECOND: usize = 50;

/// An object and what it measures when it's played.
pub(crate) struct Verified {
    pub(crate) bytes: Vec<u8>,
    pub(crate) heard: Loudness,
}

/// Codes and measures; `each_second` is told how many seconds are done, of how many.
pub(crate) fn encode_verified(
    pcm: &Pcm,
    settings: &OpusSettings,
    each_second: &dyn Fn(usize, usize),
) -> Result<Verified, OpusError> {
    let coding = Coding::start(pcm, settings)?;
    let (pre_skip, kept, total) = (coding.pre_skip(), coding.kept_granules(), coding.packets());
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel::<Vec<u8>>(QUEUE);
        let listener = scope.spawn(move || listen(&receiver, pre_skip, kept));
        let mut done = 0;
        let packets = coding.run(|packet| {
            done += 1;
            if done % PER_SECOND == 0 || done == total {
                each_second(done.div_ceil(PER_SECOND), total.div_ceil(PER_SECOND));
            }
            sender.send(packet.to_vec()).map_err(|_closed| OpusError::CheckEnded)
        });
        drop(sender);
        // Where the listener failed the coder found the queue closed: the listener's reason is the true one.
        let heard = listener.join().map_err(|_panic| OpusError::CheckEnded)??;
        Ok(Verified { bytes: mux::to_ogg(&packets?)?, heard })
    })
}

fn listen(packets: &mpsc::Receiver<Vec<u8>>, pre_skip: usize, kept: usize) -> Result<Loudness, OpusError> {
    let measure = |error| OpusError::Measure(Box::new(error));
    let mut decoder =
        Decoder::new(Channels::Mono, SampleRate::Hz48000).map_err(codec("starting the decoder"))?;
    let mut meter = Meter::new(GRANULE_RATE_HZ).map_err(measure)?;
    let mut frames = [0.0; MAX_FRAMES];
    let (mut skip, mut left) = (pre_skip, kept);
    while let Ok(packet) = packets.recv() {
        let count = decoder.decode_float_to_slice(&packet, &mut frames, false).map_err(codec("decoding"))?;
        let from = skip.min(count);
        let to = (from + left).min(count);
        meter.push(&frames[from..to]).map_err(measure)?;
        skip -= from;
        left -= to - from;
    }
    meter.finish().map_err(measure)
}
