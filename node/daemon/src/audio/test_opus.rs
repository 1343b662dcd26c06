//! Ogg Opus files for tests: a signal with the shape of speech, encoded as the controller encodes (RFC 7845).
//!
//! Also included by path from the tests of other crates, so it uses nothing of this one.

use std::io::Cursor;

use ogg::{PacketWriteEndInfo, PacketWriter};
use opusic_c::{Application, Bitrate, Channels, Encoder, SampleRate};

const RATE: usize = 48_000;
const FRAME: usize = RATE / 50;

/// `ms` of mono 48 kHz: syllables of a gliding voice between short pauses, different for each `seed`, and loud from
/// the first sample.
pub(crate) fn speech_like(ms: usize, seed: u32) -> Vec<f32> {
    let mut phase = 0.0f64;
    (0..ms * RATE / 1000)
        .map(|index| {
            let t = index as f64 / RATE as f64;
            let glide = (t * (2.3 + f64::from(seed) * 0.17)).sin() * 40.0 + (t * 7.1).cos() * 15.0;
            phase += (150.0 + f64::from(seed % 7) * 9.0 + glide) / RATE as f64;
            let syllable = (std::f64::consts::PI * (t * 3.3 + 0.25)).sin().abs().sqrt();
            let voice: f64 = (1..=12)
                .map(|harmonic| {
                    let h = f64::from(harmonic);
                    let formant = 1.0 + (t * 1.7 * (1.0 + h / 5.0)).sin();
                    (phase * h * std::f64::consts::TAU + h).sin() * formant / h
                })
                .sum();
            (voice * syllable * 0.12) as f32
        })
        .collect()
}

/// Encodes mono 48 kHz at 48 kb/s, without the speech mode, whose high-pass shifts phases: the wave stays comparable.
pub(crate) fn ogg_opus(pcm: &[f32]) -> Vec<u8> {
    let mut encoder = Encoder::new(Channels::Mono, SampleRate::Hz48000, Application::Audio).unwrap();
    encoder.set_bitrate(Bitrate::Value(48_000)).unwrap();
    let look_ahead = encoder.get_look_ahead().unwrap() as usize;
    let mut writer = PacketWriter::new(Cursor::new(Vec::new()));
    let mut put = |packet: Vec<u8>, end, granule: usize| {
        writer.write_packet(packet, 0x4c6f_614c, end, granule as u64).unwrap();
    };
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend((look_ahead as u16).to_le_bytes());
    head.extend((RATE as u32).to_le_bytes());
    head.extend([0, 0, 0]);
    put(head, PacketWriteEndInfo::EndPage, 0);
    let mut tags = b"OpusTags".to_vec();
    tags.extend(3u32.to_le_bytes());
    tags.extend(b"loa");
    tags.extend(0u32.to_le_bytes());
    put(tags, PacketWriteEndInfo::EndPage, 0);

    let packets = (pcm.len() + look_ahead).div_ceil(FRAME);
    let mut out = vec![0u8; 4000];
    for index in 0..packets {
        let mut frame = pcm.iter().skip(index * FRAME).take(FRAME).copied().collect::<Vec<f32>>();
        frame.resize(FRAME, 0.0);
        let size = encoder.encode_float_to_slice(&frame, &mut out).unwrap();
        let (end, granule) = match index + 1 {
            next if next == packets => (PacketWriteEndInfo::EndStream, look_ahead + pcm.len()),
            // A page for each second.
            next if next % 50 == 0 => (PacketWriteEndInfo::EndPage, next * FRAME),
            next => (PacketWriteEndInfo::NormalPacket, next * FRAME),
        };
        put(out[..size].to_vec(), end, granule);
    }
    writer.into_inner().into_inner()
}
