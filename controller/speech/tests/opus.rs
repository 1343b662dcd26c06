//! What is coded comes back: in place, at its length, and as the same bytes every time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use loa_speech::Pcm;
use loa_speech::opus::{OpusError, OpusSettings, decode, encode};

/// A sweep through the middle of speech.
fn sweep(rate: u32, count: usize) -> Pcm {
    let samples = (0..count).map(|n| {
        let t = n as f64 / f64::from(rate);
        (0.4 * (std::f64::consts::TAU * (300.0 + 150.0 * t) * t).sin()) as f32
    });
    Pcm::new(samples.collect(), rate).unwrap()
}

/// Correlation of two sounds at the best shift of at most `reach` samples, and that shift.
fn best_match(one: &[f32], other: &[f32], reach: usize) -> (f64, isize) {
    let middle = reach..one.len().min(other.len()) - reach;
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let reference = &one[middle.clone()];
    (0..=2 * reach)
        .map(|shift| {
            let moved = &other[middle.start + shift - reach..middle.end + shift - reach];
            let correlation = dot(reference, moved) / (dot(reference, reference) * dot(moved, moved)).sqrt();
            (correlation, shift as isize - reach as isize)
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .unwrap()
}

#[test]
fn the_sound_comes_back_in_place_and_at_its_length() {
    for count in [160, 8_000, 15_999, 16_000, 16_001, 80_000] {
        let input = sweep(16_000, count);
        let output = decode(&encode(&input, &OpusSettings::default()).unwrap()).unwrap();
        assert_eq!(output.sample_rate_hz(), 48_000);
        assert_eq!(output.samples().len(), count * 3, "{count} samples");
        if count >= 16_000 {
            let thirds: Vec<f32> = output.samples().iter().step_by(3).copied().collect();
            let (correlation, shift) = best_match(input.samples(), &thirds, 40);
            assert!(correlation > 0.98, "{count} samples: {correlation}");
            assert!(shift.abs() <= 1, "{count} samples: moved by {shift}");
        }
    }
}

#[test]
fn same_sound_same_bytes_and_another_sound_another_stream() {
    let one = encode(&sweep(16_000, 40_000), &OpusSettings::default()).unwrap();
    assert_eq!(encode(&sweep(16_000, 40_000), &OpusSettings::default()).unwrap(), one);
    let other = encode(&sweep(16_000, 41_000), &OpusSettings::default()).unwrap();
    assert_ne!(one[14..18], other[14..18], "the serial number comes from the content");
}

#[test]
fn the_headers_are_those_of_rfc_7845() {
    let bytes = encode(&sweep(16_000, 40_000), &OpusSettings::default()).unwrap();
    // Page header of 27 bytes, one lacing value, then the packet.
    assert_eq!(&bytes[..4], b"OggS");
    assert_eq!(&bytes[28..36], b"OpusHead");
    assert_eq!(bytes[36..38], [1, 1]);
    assert_eq!(bytes[40..44], 16_000_u32.to_le_bytes());
    let tags = bytes.windows(8).position(|window| window == b"OpusTags").unwrap();
    assert_eq!(&bytes[tags + 8..tags + 20], b"\x08\0\0\0loa-lang");
}

#[test]
fn a_minute_takes_about_180_kilobytes() {
    let bytes = encode(&sweep(16_000, 60 * 16_000), &OpusSettings::default()).unwrap();
    assert!((60_000..200_000).contains(&bytes.len()), "{} bytes", bytes.len());
}

#[test]
fn bad_input_is_told() {
    let settings = OpusSettings::default();
    assert!(matches!(
        encode(&sweep(22_050, 100), &settings),
        Err(OpusError::SampleRate { sample_rate_hz: 22_050 })
    ));
    assert!(matches!(encode(&sweep(16_000, 0), &settings), Err(OpusError::Empty)));
    let settings = OpusSettings { complexity: 11, ..settings };
    assert!(matches!(encode(&sweep(16_000, 100), &settings), Err(OpusError::Settings { .. })));
    assert!(matches!(decode(b"OggS and then nothing of it"), Err(OpusError::NoTrack)));
    let wav = include_bytes!("../../../audio-samples/chime.wav");
    assert!(decode(&encode(&sweep(16_000, 32_000), &OpusSettings::default()).unwrap()[..40]).is_err());
    assert!(matches!(decode(wav), Err(OpusError::NoTrack)), "a WAV file is no object");
}
