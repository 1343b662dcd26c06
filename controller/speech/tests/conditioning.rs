//! The gate and the trim of recordings: what they must not touch, what they must take away, and whom they must not refuse.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::f64::consts::TAU;
use std::io::Cursor;
use std::ops::Range;
use std::path::PathBuf;

use loa_speech::recording::{decode_recording, prepare_recording};
use loa_speech::{
    Finish, MasteredRecording, RecordingError, RecordingFault, RecordingLimits, RecordingReport, Reporter,
    master_recording,
};

const RATE: usize = 16_000;

/// A spoken phrase of 5.6 s, which begins and ends at once, with no noise at all.
fn phrase() -> Vec<f32> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../audio-samples/phrase.wav");
    let pcm = decode_recording(std::fs::read(path).unwrap(), &RecordingLimits::default()).unwrap();
    let samples = pcm.into_samples();
    let is_heard = |sample: &f32| sample.abs() > 0.003;
    let first = samples.iter().position(is_heard).unwrap();
    let last = samples.iter().rposition(is_heard).unwrap();
    samples[first..=last].to_vec()
}

fn seconds(seconds: f64) -> usize {
    (seconds * RATE as f64) as usize
}

/// The phrase twice, with silence in front, between and behind, and where each is.
fn spoken() -> (Vec<f32>, [Range<usize>; 2]) {
    let phrase = phrase();
    let mut samples = vec![0.0; seconds(2.0)];
    let first = samples.len()..samples.len() + phrase.len();
    samples.extend(&phrase);
    samples.resize(samples.len() + seconds(1.5), 0.0);
    let second = samples.len()..samples.len() + phrase.len();
    samples.extend(&phrase);
    samples.resize(samples.len() + seconds(3.0), 0.0);
    (samples, [first, second])
}

fn rms(samples: &[f32]) -> f64 {
    (samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
}

fn dbfs(samples: &[f32]) -> f64 {
    20.0 * rms(samples).log10()
}

fn scaled(samples: Vec<f32>, level_dbfs: f64) -> Vec<f32> {
    let gain = (10.0_f64.powf(level_dbfs / 20.0) / rms(&samples)) as f32;
    samples.into_iter().map(|sample| sample * gain).collect()
}

#[derive(Clone, Copy, Debug)]
enum Noise {
    Hiss,
    /// Falls by 3 dB an octave.
    Pink,
    /// 50 Hz and its harmonics, as a bad mains adapter sings them.
    Hum,
}

fn noise(kind: Noise, count: usize, level_dbfs: f64) -> Vec<f32> {
    let mut state = 7_u32;
    let mut white = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1_u32 << 23) - 1.0
    };
    // P. Kellet's economical filter.
    let (mut a, mut b, mut c) = (0.0, 0.0, 0.0);
    let sample = |n: usize| {
        let white = white();
        match kind {
            Noise::Hiss => white,
            Noise::Pink => {
                a = 0.99765 * a + white * 0.0990460;
                b = 0.96300 * b + white * 0.2965164;
                c = 0.57000 * c + white * 1.0526913;
                a + b + c + white * 0.1848
            }
            Noise::Hum => {
                let t = n as f64 / RATE as f64;
                (1..=9).map(|k| (t * 50.0 * f64::from(k) * TAU).sin() / f64::from(k)).sum::<f64>()
            }
        }
    };
    scaled((0..count).map(sample).map(|sample| sample as f32).collect(), level_dbfs)
}

fn mixed(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// A file with 32-bit samples, so that nothing is lost on the way in.
fn wav(samples: &[f32]) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE as u32,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    samples.iter().for_each(|sample| writer.write_sample(*sample).unwrap());
    writer.finalize().unwrap();
    bytes.into_inner()
}

fn prepared(samples: &[f32]) -> (Vec<f32>, RecordingReport) {
    let (pcm, report) = prepare_recording(wav(samples), &RecordingLimits::default()).unwrap();
    (pcm.into_samples(), report)
}

fn refusal(samples: &[f32]) -> RecordingError {
    prepare_recording(wav(samples), &RecordingLimits::default()).unwrap_err()
}

/// What was cut off in front, in samples, found by looking for a second from the middle of the sound.
fn offset(before: &[f32], after: &[f32], second: usize) -> usize {
    let wanted = &before[second..second + RATE];
    let Some(found) = after.windows(RATE).position(|window| window == wanted) else {
        panic!("speech does not pass bit for bit");
    };
    second - found
}

#[test]
fn speech_passes_bit_for_bit_and_the_silence_around_it_goes() {
    let (samples, [first, second]) = spoken();
    // As from a good microphone, and as from a poor one.
    for level_dbfs in [-80.0, -45.0] {
        let samples = mixed(&samples, &noise(Noise::Pink, samples.len(), level_dbfs));
        let (after, report) = prepared(&samples);
        let cut = offset(&samples, &after, first.start + RATE);
        for place in [&first, &second] {
            let here = &after[place.start - cut..place.end - cut];
            assert_eq!(&samples[place.clone()], here, "{level_dbfs} dBFS of noise: a syllable was touched");
        }
        let (lead, tail) = (first.start - cut, after.len() - (second.end - cut));
        assert!((seconds(0.14)..seconds(0.25)).contains(&lead), "{lead} samples in front, {report:?}");
        assert!((seconds(0.2)..seconds(0.6)).contains(&tail), "{tail} samples behind, {report:?}");
        assert!(report.trimmed_start_ms.abs_diff(cut as u64 / 16) <= 1, "{report:?}");
        let whole = report.trimmed_start_ms + report.duration_ms + report.trimmed_end_ms;
        assert!(whole.abs_diff(report.original_ms) <= 2, "{report:?}");
        assert!(report.faults().is_empty(), "{report:?}");
    }
}

#[test]
fn what_a_synthesiser_spoke_stays_what_it_was() {
    let samples = phrase();
    let (after, report) = prepared(&samples);
    assert_eq!(after.len(), samples.len(), "nothing to trim: {report:?}");
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let correlation = dot(&samples, &after) / (dot(&samples, &samples) * dot(&after, &after)).sqrt();
    assert!(correlation > 0.999, "{correlation}");
    assert_eq!(samples[..800], after[..800]);
    assert_eq!(samples[samples.len() - 800..], after[after.len() - 800..]);
}

#[test]
fn a_soft_beginning_and_a_soft_end_are_kept() {
    let (mut samples, [first, second]) = spoken();
    // A voice that comes out of nothing over 300 ms and fades over 400.
    let (rise, fall) = (seconds(0.3), seconds(0.4));
    for at in 0..rise {
        samples[first.start + at] *= (at as f32 / rise as f32).powi(2);
    }
    for at in 0..fall {
        samples[second.end - 1 - at] *= (at as f32 / fall as f32).powi(2);
    }
    let samples = mixed(&samples, &noise(Noise::Hiss, samples.len(), -60.0));
    let (after, _) = prepared(&samples);
    let cut = offset(&samples, &after, first.start + RATE);
    assert!(cut <= first.start, "{} ms of the beginning are lost", (cut - first.start) / 16);
    assert!(
        second.end - cut <= after.len(),
        "{} ms of the end are lost",
        (second.end - cut - after.len()) / 16
    );
    assert_eq!(samples[first.clone()], after[first.start - cut..first.end - cut]);
}

#[test]
fn pauses_are_quieter_by_ten_decibels_and_more() {
    let (samples, [first, second]) = spoken();
    let level_dbfs = dbfs(&samples[first.clone()]) - 20.0;
    for kind in [Noise::Hiss, Noise::Pink, Noise::Hum] {
        let samples = mixed(&samples, &noise(kind, samples.len(), level_dbfs));
        let (after, report) = prepared(&samples);
        let cut = offset(&samples, &after, first.start + RATE);
        // Between the two, away from what fades.
        let pause = first.end + seconds(0.35)..second.start - seconds(0.2);
        let fell_db = dbfs(&samples[pause.clone()]) - dbfs(&after[pause.start - cut..pause.end - cut]);
        assert!((10.0..20.0).contains(&fell_db), "{kind:?}: {fell_db:.1} dB, {report:?}");
        assert_eq!(samples[second.clone()], after[second.start - cut..second.end - cut], "{kind:?}");
    }
}

#[test]
fn in_loud_noise_hardly_anything_of_the_voice_is_lost() {
    let (clean, [first, second]) = spoken();
    for snr_db in [15.0, 10.0, 5.0, 0.0] {
        let level_dbfs = dbfs(&clean[first.clone()]) - snr_db;
        let samples = mixed(&clean, &noise(Noise::Pink, clean.len(), level_dbfs));
        let (after, report) = prepared(&samples);
        let cut = report.trimmed_start_ms as usize * RATE / 1_000;
        for place in [&first, &second] {
            let here = &after[place.start - cut..place.end - cut];
            let lost: Vec<f32> = samples[place.clone()].iter().zip(here).map(|(a, b)| a - b).collect();
            let lost_db = dbfs(&lost) - dbfs(&clean[place.clone()]);
            assert!(lost_db < -30.0, "{snr_db} dB: {lost_db:.0} dB of the voice are gone, {report:?}");
        }
    }
}

#[test]
fn noise_in_which_nobody_speaks_is_refused_as_such() {
    for kind in [Noise::Hiss, Noise::Pink, Noise::Hum] {
        for (length_s, level_dbfs) in [(3.0, -40.0), (120.0, -55.0)] {
            let error = refusal(&noise(kind, seconds(length_s), level_dbfs));
            let is_it = matches!(error, RecordingError::NoSpeech { .. });
            assert!(is_it, "{kind:?} at {level_dbfs} dBFS for {length_s} s: {error}");
        }
    }
    // Two knocks against a microphone that is switched off.
    let mut samples = noise(Noise::Hiss, seconds(10.0), -60.0);
    for at in [seconds(2.0), seconds(7.5)] {
        samples[at..at + 80].fill(0.4);
    }
    let error = refusal(&samples);
    assert!(matches!(error, RecordingError::NoSpeech { .. }), "{error}");
    assert!(matches!(refusal(&vec![0.0; RATE]), RecordingError::Silent { .. }));
}

#[test]
fn a_siren_is_no_noise_though_nothing_in_it_changes() {
    let samples: Vec<f32> =
        (0..seconds(4.0)).map(|n| (0.3 * (n as f64 / RATE as f64 * 700.0 * TAU).sin()) as f32).collect();
    let (after, report) = prepared(&samples);
    assert_eq!(after, samples);
    assert_eq!(report.snr_db(), None);
}

#[test]
fn the_click_that_ends_a_recording_goes_with_the_silence_before_it() {
    let (mut samples, [first, second]) = spoken();
    samples = mixed(&samples, &noise(Noise::Hiss, samples.len(), -60.0));
    let at = samples.len() - seconds(0.1);
    samples[at..at + 60].fill(0.5);
    let (after, _) = prepared(&samples);
    let cut = offset(&samples, &after, first.start + RATE);
    assert!(after.len() < second.end - cut + seconds(0.6));
}

async fn mastered(samples: &[f32]) -> MasteredRecording {
    let silent = Reporter::silent();
    master_recording(wav(samples), RecordingLimits::default(), Finish::default(), &silent).await.unwrap()
}

#[tokio::test]
async fn a_quiet_elder_leaves_as_loud_as_all_the_others() {
    let (samples, _) = spoken();
    let gain = 10.0_f64.powf((-45.0 - dbfs(&phrase())) / 20.0) as f32;
    let quiet: Vec<f32> = samples.iter().map(|sample| sample * gain).collect();
    let quiet = mixed(&quiet, &noise(Noise::Pink, quiet.len(), -65.0));
    let made = mastered(&quiet).await;
    assert!((made.object.loudness.integrated_lufs + 16.0).abs() <= 0.5, "{:?}", made.object.loudness);
    assert!(made.object.loudness.true_peak_dbtp <= -1.5, "{:?}", made.object.loudness);
    assert!((made.report.speech_dbfs + 45.0).abs() < 2.0, "{:?}", made.report);
    assert!(made.report.snr_db().unwrap() > 17.0, "{:?}", made.report);
}

#[tokio::test]
async fn what_was_too_loud_for_the_microphone_is_taken_and_told() {
    let samples: Vec<f32> = phrase().iter().map(|sample| (sample * 12.0).clamp(-1.0, 1.0)).collect();
    let made = mastered(&samples).await;
    assert_eq!(made.report.faults(), [RecordingFault::Clipped], "{:?}", made.report);
    assert!(made.report.clipped_ratio > 0.02, "{:?}", made.report);
    assert!((made.object.loudness.integrated_lufs + 16.0).abs() <= 0.5, "{:?}", made.object.loudness);
}
