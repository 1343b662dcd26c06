//! A recording made ready for mastering: without the silence around it, and with its pauses quieter than its microphone
//! left them.
//!
//! Invariants: what is spoken passes unchanged, bit for bit, with [`LEAD_MS`] before it and [`TAIL_MS`] behind it, so that no
//! first consonant and no last one is cut; what is as clean as a synthesiser is only trimmed.

use std::ops::Range;

use super::activity::{Activity, HOP, Voice, listen};
use super::report::RecordingReport;
use super::{Decoded, RecordingError};
use crate::master::SAMPLE_RATE_HZ;
use crate::pcm::{Pcm, duration_ms};

/// Left in front of the first syllable.
const LEAD_MS: usize = 150;
/// Left behind the last one, for what still sounds in the room.
const TAIL_MS: usize = 250;
/// Less silence than this is left where it is.
const WORTH_TRIMMING_MS: usize = 100;
/// Where silence was cut off, the sound comes and goes over this time.
const FADE_MS: usize = 20;

/// The gate is open so long before a syllable, and is fully so after the first half.
const LOOK_AHEAD_MS: usize = 120;
/// The gate stays open so long after a syllable, and closes in the second half.
const HOLD_MS: usize = 200;
/// How much quieter a pause becomes: noise that is still heard, far away, is less strange than a hole.
const DEPTH_DB: f64 = 18.0;
/// Where voice and noise are nearer than the first, nothing tells them apart and the gate stays open; at the second it
/// has its full depth.
const UNSURE_SNR_DB: f64 = 8.0;
const SURE_SNR_DB: f64 = 16.0;
/// Above this there is nothing to make quieter.
const CLEAN_SNR_DB: f64 = 50.0;

const fn samples_of(ms: usize) -> usize {
    ms * SAMPLE_RATE_HZ as usize / 1_000
}

/// Trims a recording and makes its pauses quieter.
///
/// # Errors
/// [`RecordingError::NoSpeech`] where there is noise alone.
pub(super) fn condition(decoded: Decoded) -> Result<(Pcm, RecordingReport), RecordingError> {
    let Decoded { pcm, clipped_ratio } = decoded;
    let mut samples = pcm.into_samples();
    let original_ms = duration_ms(samples.len(), SAMPLE_RATE_HZ);
    let untouched = RecordingReport {
        original_ms,
        duration_ms: original_ms,
        trimmed_start_ms: 0,
        trimmed_end_ms: 0,
        speech_dbfs: 0.0,
        noise_dbfs: None,
        gate_db: 0.0,
        clipped_ratio,
    };
    let voice = match listen(&samples) {
        Activity::Noise { level_dbfs } => return Err(RecordingError::NoSpeech { level_dbfs }),
        Activity::Steady { level_dbfs } => {
            let report = RecordingReport { speech_dbfs: level_dbfs, ..untouched };
            return Ok((Pcm::new(samples, SAMPLE_RATE_HZ)?, report));
        }
        Activity::Voice(voice) => voice,
    };
    let gate_db = depth_db(&voice);
    if gate_db > 0.0 {
        gate(&mut samples, &voice.spoken, gate_db);
    }
    let kept = kept(&voice.spoken, samples.len());
    let report = RecordingReport {
        duration_ms: duration_ms(kept.len(), SAMPLE_RATE_HZ),
        trimmed_start_ms: duration_ms(kept.start, SAMPLE_RATE_HZ),
        trimmed_end_ms: duration_ms(samples.len() - kept.end, SAMPLE_RATE_HZ),
        speech_dbfs: voice.level_dbfs,
        noise_dbfs: voice.noise_dbfs,
        gate_db,
        ..untouched
    };
    Ok((Pcm::new(trimmed(samples, &kept), SAMPLE_RATE_HZ)?, report))
}

/// How much quieter the pauses are made.
fn depth_db(voice: &Voice) -> f64 {
    let Some(snr_db) = voice.noise_dbfs.map(|noise| voice.level_dbfs - noise) else { return 0.0 };
    if snr_db > CLEAN_SNR_DB {
        return 0.0;
    }
    DEPTH_DB * ((snr_db - UNSURE_SNR_DB) / (SURE_SNR_DB - UNSURE_SNR_DB)).clamp(0.0, 1.0)
}

/// Makes what lies between the syllables quieter, with straight slopes in decibels that end well before a syllable and
/// begin well after one.
fn gate(samples: &mut [f32], spoken: &[Range<usize>], depth_db: f64) {
    let (ahead, hold) = (samples_of(LOOK_AHEAD_MS), samples_of(HOLD_MS));
    let mut closed_from = 0;
    let mut is_first = true;
    let ends = spoken.iter().map(|run| (run.start * HOP, run.end * HOP)).chain([(usize::MAX, usize::MAX)]);
    for (start, end) in ends {
        let opens = start.saturating_sub(ahead).min(samples.len());
        if closed_from < opens || start == usize::MAX {
            let pause = closed_from.min(opens)..opens;
            let falls = if is_first { 0 } else { hold / 2 };
            let rises = if start == usize::MAX { 0 } else { ahead / 2 };
            close(samples, &pause, falls, rises, depth_db);
        }
        closed_from = end.saturating_add(hold);
        is_first = false;
    }
}

/// Closes the gate over `pause`: it falls over the `falls` samples before, and rises over the `rises` samples behind.
fn close(samples: &mut [f32], pause: &Range<usize>, falls: usize, rises: usize, depth_db: f64) {
    let gain = |share: f64| 10.0_f64.powf(-depth_db * share / 20.0) as f32;
    let before = pause.start.saturating_sub(falls)..pause.start;
    let behind = pause.end..(pause.end + rises).min(samples.len());
    for at in before.clone() {
        samples[at] *= gain((at - before.start + 1) as f64 / falls as f64);
    }
    let closed = gain(1.0);
    samples[pause.clone()].iter_mut().for_each(|sample| *sample *= closed);
    for at in behind.clone() {
        samples[at] *= gain(1.0 - (at - behind.start + 1) as f64 / rises as f64);
    }
}

/// What remains: from a little before the first syllable to a little behind the last.
fn kept(spoken: &[Range<usize>], len: usize) -> Range<usize> {
    let first = spoken.first().map_or(0, |run| run.start * HOP);
    let last = spoken.last().map_or(len, |run| run.end * HOP);
    let worth = |cut: usize| if cut < samples_of(WORTH_TRIMMING_MS) { 0 } else { cut };
    let start = worth(first.saturating_sub(samples_of(LEAD_MS)));
    let end = len - worth(len.saturating_sub(last + samples_of(TAIL_MS)));
    start..end
}

fn trimmed(mut samples: Vec<f32>, kept: &Range<usize>) -> Vec<f32> {
    let (cut_start, cut_end) = (kept.start > 0, kept.end < samples.len());
    samples.truncate(kept.end);
    samples.drain(..kept.start);
    let fade = samples_of(FADE_MS).min(samples.len());
    let gain = |at: usize| {
        let share = (at as f32 + 0.5) / fade as f32;
        0.5 - 0.5 * (share * std::f32::consts::PI).cos()
    };
    if cut_start {
        samples[..fade].iter_mut().enumerate().for_each(|(at, sample)| *sample *= gain(at));
    }
    if cut_end {
        samples.iter_mut().rev().take(fade).enumerate().for_each(|(at, sample)| *sample *= gain(at));
    }
    samples
}
