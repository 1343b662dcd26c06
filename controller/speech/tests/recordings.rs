//! Recordings as people send them: every kind of file, and every way in which one can be bad.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Cursor;
use std::path::PathBuf;

use loa_speech::recording::{decode_recording, prepare_recording};
use loa_speech::{Finish, RecordingError, RecordingLimits, Reporter, SpeechError, Stage, master_recording};
use proptest::prelude::*;

/// What browsers' own recorders make, and a film.
const STREAMED: [&str; 3] = ["browser-opus.webm", "browser-opus.mp4", "video.webm"];
const FILES: [&str; 7] = [
    "phrase.wav",
    "phrase.flac",
    "phrase.mp3",
    "phrase.m4a",
    "phrase-vorbis.ogg",
    "phrase-opus.ogg",
    "far-microphone.mp3",
];

fn sample(file: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../audio-samples").join(file)).unwrap()
}

fn wav(samples: &[f32], rate: u32, channels: u16) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for sample in samples {
        writer.write_sample((sample * 32_767.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

fn refusal(bytes: Vec<u8>) -> RecordingError {
    decode_recording(bytes, &RecordingLimits::default()).unwrap_err()
}

#[test]
fn every_kind_of_file_gives_the_same_sound() {
    let reference = decode_recording(sample("phrase.wav"), &RecordingLimits::default()).unwrap();
    for file in FILES {
        let pcm = decode_recording(sample(file), &RecordingLimits::default()).unwrap();
        assert_eq!(pcm.sample_rate_hz(), 16_000, "{file}");
        let (long, want) = (pcm.duration_ms(), reference.duration_ms());
        // AAC says how much its encoder put in front in a place that nobody reads.
        assert!(long.abs_diff(want) <= 80, "{file} lasts {long} ms instead of {want}");
    }
}

#[test]
fn a_file_that_is_cut_off_says_so() {
    for file in FILES.into_iter().chain(STREAMED) {
        let whole = sample(file);
        for keep_percent in [30, 60, 90] {
            let cut = whole[..whole.len() * keep_percent / 100].to_vec();
            let error = refusal(cut);
            assert!(matches!(error, RecordingError::Truncated { .. }), "{keep_percent} % of {file}: {error}");
        }
    }
}

#[test]
fn what_a_browser_recorded_is_read_whichever_container_it_has() {
    let limits = RecordingLimits::default();
    for file in ["browser-opus.webm", "browser-opus.mp4"] {
        let (pcm, report) = prepare_recording(sample(file), &limits).unwrap();
        assert!(report.original_ms >= 7_700, "{file}: {report:?}");
        // The phrase of 5.6 s, with some silence left around it.
        assert!((5_600..6_050).contains(&pcm.duration_ms()), "{file}: {report:?}");
        assert_eq!(report.duration_ms, pcm.duration_ms());
    }
    // Of a film the sound.
    let (pcm, _) = prepare_recording(sample("video.webm"), &limits).unwrap();
    assert!(pcm.duration_ms().abs_diff(2_000) <= 20, "{} ms", pcm.duration_ms());
}

/// Where the first cluster of a WebM file begins.
fn head(webm: &[u8]) -> usize {
    webm.windows(4).position(|id| id == b"\x1f\x43\xb6\x75").unwrap()
}

#[test]
fn a_browsers_recorder_that_was_stopped_at_once_made_nothing() {
    let mut bytes = sample("browser-opus.webm");
    bytes.truncate(head(&bytes));
    let error = refusal(bytes);
    assert!(matches!(error, RecordingError::Empty), "{error}");
    let error = refusal(wav(&[], 16_000, 1));
    assert!(matches!(error, RecordingError::Empty), "{error}");
}

#[test]
fn a_film_without_sound_is_no_recording() {
    let mut bytes = sample("video.webm");
    let at = bytes.windows(6).position(|codec| codec == b"A_OPUS").unwrap();
    bytes[at..at + 6].copy_from_slice(b"V_NONE");
    let error = refusal(bytes);
    assert!(matches!(error, RecordingError::NotAudio), "{error}");
}

#[test]
fn ten_hours_from_a_browser_are_refused_by_the_times_of_their_clusters() {
    let mut bytes = sample("browser-opus.webm");
    let hours = 10 * 3_600_000_u32;
    bytes.extend(b"\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff\xe7\x84");
    bytes.extend(hours.to_be_bytes());
    let error = refusal(bytes);
    assert!(matches!(error, RecordingError::TooLong { duration_ms: 36_000_000, .. }), "{error}");
}

#[test]
fn a_long_recording_is_refused() {
    let limits = RecordingLimits { max_duration_ms: 3_000, ..RecordingLimits::default() };
    for file in FILES {
        let error = decode_recording(sample(file), &limits).unwrap_err();
        assert!(matches!(error, RecordingError::TooLong { max_duration_ms: 3_000, .. }), "{file}: {error}");
    }
}

#[test]
fn three_hours_are_refused_by_the_header_alone() {
    let mut bytes = wav(&[0.1; 16_000], 16_000, 1);
    let stated = 3_u32 * 3_600 * 16_000 * 2;
    bytes[40..44].copy_from_slice(&stated.to_le_bytes());
    bytes[4..8].copy_from_slice(&(stated + 36).to_le_bytes());
    let error = refusal(bytes);
    assert!(matches!(error, RecordingError::TooLong { duration_ms: 10_800_000, .. }), "{error}");
    assert_eq!(error.to_string(), "the recording lasts 180 min and the limit is 30 min: cut it");
}

#[test]
fn a_wav_that_was_streamed_is_read_to_its_end() {
    let mut bytes = wav(&[0.1; 16_000], 16_000, 1);
    bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    bytes[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
    let pcm = decode_recording(bytes, &RecordingLimits::default()).unwrap();
    assert_eq!(pcm.duration_ms(), 1_000);
}

#[test]
fn a_muted_microphone_is_recognised() {
    for level in [0.0, 0.000_3] {
        let samples: Vec<f32> = (0..32_000).map(|n| if n % 2 == 0 { level } else { -level }).collect();
        let error = refusal(wav(&samples, 16_000, 1));
        assert!(matches!(error, RecordingError::Silent { .. }), "{level}: {error}");
    }
}

#[test]
fn what_is_no_sound_is_recognised() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    for bytes in [png, b"%PDF-1.7".to_vec(), "Kính thưa bà con".as_bytes().to_vec(), vec![0; 10_000], vec![1]]
    {
        assert!(matches!(refusal(bytes), RecordingError::NotAudio));
    }
    assert!(matches!(refusal(Vec::new()), RecordingError::Empty));
    let limits = RecordingLimits { max_bytes: 1_000, ..RecordingLimits::default() };
    let error = decode_recording(sample("phrase.mp3"), &limits).unwrap_err();
    assert!(matches!(error, RecordingError::TooManyBytes { max_bytes: 1_000, .. }));
}

#[test]
fn a_float_wav_with_broken_samples_is_refused() {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for n in 0..16_000 {
        writer.write_sample(if n == 9_000 { f32::NAN } else { 0.1 }).unwrap();
    }
    writer.finalize().unwrap();
    let error = refusal(bytes.into_inner());
    assert!(matches!(error, RecordingError::Pcm(_)), "{error}");
}

#[test]
fn channels_are_mixed_and_any_usual_rate_is_taken() {
    for (rate, channels) in [(8_000, 1), (11_025, 2), (44_100, 2), (48_000, 6), (96_000, 1)] {
        let count = rate as usize * usize::from(channels);
        let samples: Vec<f32> =
            (0..count).map(|n| ((n / usize::from(channels)) as f32 * 0.05).sin() * 0.3).collect();
        let pcm = decode_recording(wav(&samples, rate, channels), &RecordingLimits::default()).unwrap();
        assert_eq!(pcm.duration_ms(), 1_000, "{rate} Hz, {channels} channels");
        assert!((pcm.peak_dbfs() + 10.5).abs() < 1.0, "{rate} Hz, {channels} channels: {}", pcm.peak_dbfs());
    }
}

#[tokio::test]
async fn near_and_far_microphones_leave_equally_loud() {
    let (reporter, progress) = Reporter::channel();
    let mut objects = Vec::new();
    for file in ["phrase.wav", "far-microphone.mp3"] {
        let object = master_recording(sample(file), RecordingLimits::default(), Finish::default(), &reporter);
        objects.push(object.await.unwrap());
    }
    assert!(
        (objects[0].object.loudness.integrated_lufs - objects[1].object.loudness.integrated_lufs).abs()
            <= 0.5
    );
    assert_eq!(progress.borrow().stage, Stage::Done);
    let again =
        master_recording(sample("phrase.wav"), RecordingLimits::default(), Finish::default(), &reporter);
    assert_eq!(again.await.unwrap(), objects[0], "same recording, same object");
}

#[tokio::test]
async fn a_refusal_keeps_its_reason() {
    let silent = Reporter::silent();
    let bad = master_recording(b"GIF89a".to_vec(), RecordingLimits::default(), Finish::default(), &silent);
    assert!(matches!(bad.await, Err(SpeechError::Recording(RecordingError::NotAudio))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_damaged_file_gives_a_verdict(
        file in proptest::sample::select([&FILES[..], &STREAMED[..]].concat()),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..40),
        keep in 0.0_f64..1.0,
    ) {
        let mut bytes = sample(file);
        bytes.truncate((bytes.len() as f64 * keep.sqrt()) as usize + 1);
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Ok(pcm) = decode_recording(bytes, &RecordingLimits::default()) {
            prop_assert!(pcm.samples().iter().all(|sample| sample.is_finite()));
        }
    }
}
