use std::io::Write;

use super::*;
use crate::recorder::capture::{CaptureOptions, capture};

/// Silence, a 1 kHz tone of half scale, silence, the tone at a tenth of it; 16 interleaved channels, S16LE.
fn input(channels: u16, parts_ms: &[(f32, usize)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for &(level, ms) in parts_ms {
        for frame in 0..ms * 48 {
            let phase = frame as f32 * 1000.0 / RATE_HZ as f32 * std::f32::consts::TAU;
            // The other channels carry something else, which must not be heard.
            let value = (phase.sin() * level * 32_767.0) as i16;
            bytes.extend(value.to_le_bytes());
            for _ in 1..channels {
                bytes.extend(12_345i16.to_le_bytes());
            }
        }
    }
    bytes
}

fn record(bytes: Vec<u8>, channels: u16, out: &Path) -> PathBuf {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let feeder = std::thread::spawn(move || writer.write_all(&bytes).unwrap());
    let file = std::fs::File::from(std::os::fd::OwnedFd::from(reader));
    let captured = capture(file, &CaptureOptions { out: out.to_owned(), channels }).unwrap();
    feeder.join().unwrap();
    captured.wav
}

#[test]
fn what_goes_in_is_heard_at_real_pace_with_its_instants() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = input(16, &[(0.0, 100), (0.5, 200), (0.0, 300), (0.05, 100)]);
    let wav = record(bytes, 16, dir.path());
    let recording = Recording::load(&wav).unwrap();
    assert_eq!(recording.samples().len(), 700 * 48);
    assert!(recording.is_complete());

    let segments = recording.segments(0.01, 100);
    assert_eq!(segments.len(), 2, "{segments:?}");
    assert!((segments[0].duration_ms() - 200.0).abs() < 1.0, "{segments:?}");
    // The frame at which the tone is heard, and 500 ms later the other: sound time, whatever the machine was doing,
    // except where it stood still for longer than a card's own store lasts.
    let (_, dry_ms) = recording.dry();
    let apart_ms = segments[1].start_unix_ms - segments[0].start_unix_ms;
    assert!((apart_ms - 500.0).abs() < 1.0 + dry_ms, "{apart_ms} {dry_ms}");
    assert_eq!(recording.heard_start_unix_ms(0.01), Some(segments[0].start_unix_ms));
    // A sine of half scale: peak -6.02, mean 3.01 below.
    assert!((segments[0].peak_dbfs + 6.02).abs() < 0.05, "{segments:?}");
    assert!((segments[0].rms_dbfs + 9.03).abs() < 0.05, "{segments:?}");
    assert!((segments[1].peak_dbfs + 26.02).abs() < 0.05, "{segments:?}");
}

#[test]
fn each_opening_of_the_card_is_a_file_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("not/there/yet");
    assert_eq!(Recording::files(&out).unwrap(), Vec::<PathBuf>::new());
    let first = record(input(1, &[(0.5, 20)]), 1, &out);
    let second = record(input(1, &[(0.5, 30)]), 1, &out);
    assert_eq!(Recording::files(&out).unwrap(), [first.clone(), second.clone()]);
    assert_eq!(first.file_name().unwrap(), "heard-0001.wav");
    assert_eq!(Recording::load(&second).unwrap().samples().len(), 30 * 48);
}

#[test]
fn an_incomplete_frame_at_the_end_is_dropped_and_silence_is_no_sound() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = input(2, &[(0.0, 10)]);
    bytes.extend([1, 2, 3]);
    let recording = Recording::load(&record(bytes, 2, dir.path())).unwrap();
    assert_eq!(recording.samples().len(), 480);
    assert_eq!(recording.heard_start_unix_ms(0.001), None);
    assert_eq!(recording.segments(0.001, 10), []);
    assert_eq!(recording.rms_dbfs(), f64::NEG_INFINITY);
}

#[test]
fn a_killed_recorder_leaves_a_valid_file_that_is_not_complete() {
    let dir = tempfile::tempdir().unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let out = dir.path().to_owned();
    // The thread stands for the process: it is still waiting for sound when the file is read.
    std::thread::spawn(move || {
        let file = std::fs::File::from(std::os::fd::OwnedFd::from(reader));
        capture(file, &CaptureOptions { out, channels: 1 })
    });
    writer.write_all(&input(1, &[(0.5, 600)])).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let recording = loop {
        let files = Recording::files(dir.path()).unwrap();
        let loaded = files.first().and_then(|file| Recording::load(file).ok());
        match loaded.filter(|recording| recording.samples().len() >= 250 * 48) {
            Some(recording) => break recording,
            None => assert!(std::time::Instant::now() < deadline, "no header was written"),
        }
        std::thread::yield_now();
    };
    assert!(!recording.is_complete());
    assert!(recording.heard_start_unix_ms(0.01).is_some());
}

#[test]
fn files_that_are_no_recordings_are_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let wav = dir.path().join("heard-0001.wav");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 44_100,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    hound::WavWriter::create(&wav, spec).unwrap().finalize().unwrap();
    let error = Recording::load(&wav).unwrap_err();
    assert!(error.to_string().contains("2 channels at 44100 Hz"), "{error}");
    std::fs::write(&wav, "not a WAV file").unwrap();
    assert!(matches!(Recording::load(&wav), Err(RecordingError::Wav { .. })));
}

#[test]
fn a_sound_is_found_among_the_frames_in_which_it_may_lie() {
    let dir = tempfile::tempdir().unwrap();
    let wav = record(input(2, &[(0.0, 100), (0.5, 100), (0.0, 100), (0.5, 100), (0.0, 100)]), 2, dir.path());
    let recording = Recording::load(&wav).unwrap();
    let tone = recording.samples()[100 * 48..200 * 48].to_vec();
    let second = recording.unix_ms(300 * 48).unwrap();
    let (from, until) = (recording.frame_at(second - 50.0), recording.frame_at(second + 150.0));
    assert_eq!((recording.frame_at(0.0), recording.frame_at(f64::INFINITY)), (0, recording.samples().len()));
    let found = recording.find_among(&tone, from..until).unwrap();
    assert!(found.coefficient > 0.999 && (found.lag_frames - 300 * 48).abs() <= 1, "{found:?}");
    assert!(recording.find_among(&tone, 0..10).is_err(), "it does not fit");
}
