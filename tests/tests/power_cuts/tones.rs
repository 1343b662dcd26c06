//! Sounds that say which they are, and the ear that tells them apart in a recording.
//!
//! ```text
//! start │ three digits of the number │ check digit │ hum … │ end   │ silence
//! 40 ms │ 40 ms each                 │ 40 ms       │       │ 40 ms │ 160 ms
//! ```
//! All sounds are [`SOUND_MS`] long. Two sounds are never nearer than their silence, so that each is a stretch of its own.

use std::f32::consts::TAU;

use anyhow::{Context, Result};
use loa_firmware_sim::recorder::{RATE_HZ, Recording, Segment};
use loa_speech::Pcm;
use loa_speech::opus::{OpusSettings, encode};

/// Length of every sound.
pub(crate) const SOUND_MS: u32 = 600;

const TONE_MS: usize = 40;
const SILENCE_MS: usize = 160;
/// Base of the digits; each has a tone of its own.
const BASE: u16 = 16;
const DIGITS: usize = 3;
/// Numbers are below this.
pub(crate) const NUMBERS: u16 = BASE.pow(DIGITS as u32);

const HUM_HZ: f32 = 300.0;
const START_HZ: f32 = 3_300.0;
const END_HZ: f32 = 3_700.0;
const LOUD: f32 = 0.3;

/// What is above this is sound.
const THRESHOLD: f32 = 0.02;
/// A quarter of the silence that ends a sound.
const APART_MS: u32 = 40;
/// A shorter beginning cannot be told from a click.
const SHORTEST_MS: usize = 8;

fn digit_hz(digit: u16) -> f32 {
    600.0 + 150.0 * f32::from(digit)
}

fn digits(number: u16) -> [u16; DIGITS + 1] {
    let digits = [number / (BASE * BASE) % BASE, number / BASE % BASE, number % BASE];
    // Weighted, so that two digits that changed places do not pass.
    let check = digits.iter().zip(1..).map(|(digit, weight)| digit * weight).sum::<u16>() % BASE;
    [digits[0], digits[1], digits[2], check]
}

fn frames(ms: usize) -> usize {
    ms * RATE_HZ as usize / 1000
}

/// The sound of a number, as the samples that a coder is given.
fn samples(number: u16) -> Vec<f32> {
    let tones = DIGITS + 3;
    let hum_ms = SOUND_MS as usize - tones * TONE_MS - SILENCE_MS;
    let mut score = vec![(START_HZ, TONE_MS)];
    score.extend(digits(number).map(|digit| (digit_hz(digit), TONE_MS)));
    score.extend([(HUM_HZ, hum_ms), (END_HZ, TONE_MS)]);
    let mut samples = Vec::with_capacity(frames(SOUND_MS as usize));
    let mut phase = 0.0f32;
    for (hz, ms) in score {
        for _ in 0..frames(ms) {
            samples.push(LOUD * phase.sin());
            phase = (phase + TAU * hz / RATE_HZ as f32) % TAU;
        }
    }
    samples.resize(frames(SOUND_MS as usize), 0.0);
    samples
}

/// The sound of a number, as an object.
pub(crate) fn object(number: u16) -> Result<Vec<u8>> {
    let pcm = Pcm::new(samples(number), RATE_HZ)?;
    Ok(encode(&pcm, &OpusSettings { complexity: 2, ..OpusSettings::default() })?)
}

/// One sound, or what of it was heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Heard {
    /// Whether it begins as a sound begins.
    pub(crate) begins: bool,
    /// The number, where enough of it was heard.
    pub(crate) number: Option<u16>,
    /// Whether it was heard to its end.
    pub(crate) ends: bool,
    /// When it began, in Unix milliseconds, by the recorder's clock.
    pub(crate) at_unix_ms: f64,
}

/// What was heard in a recording, in its order.
pub(crate) fn listen(recording: &Recording) -> Vec<Heard> {
    hear(recording.samples(), &recording.segments(THRESHOLD, APART_MS))
}

/// A node whose decoder comes late, on a machine that is busy, puts silence into a sound and loses nothing of it: what follows and is
/// no beginning is the rest of the sound before.
fn hear(recorded: &[f32], segments: &[Segment]) -> Vec<Heard> {
    let mut all: Vec<(Heard, Vec<f32>)> = Vec::new();
    for segment in segments {
        let stretch = &recorded[segment.first_frame..segment.end_frame];
        if stretch.len() < frames(SHORTEST_MS) {
            continue;
        }
        let begins = loudest(&stretch[..frames(TONE_MS).min(stretch.len())]) == START_HZ;
        match all.last_mut() {
            Some((before, sound)) if !begins && !before.ends => {
                sound.extend_from_slice(stretch);
                *before = Heard { at_unix_ms: before.at_unix_ms, ..tell(sound, before.begins) };
            }
            _ => {
                let heard = Heard { at_unix_ms: segment.start_unix_ms, ..tell(stretch, begins) };
                all.push((heard, stretch.to_vec()));
            }
        }
    }
    all.into_iter().map(|(heard, _)| heard).collect()
}

/// What a sound without its gaps says of itself.
fn tell(sound: &[f32], begins: bool) -> Heard {
    let tail = &sound[sound.len().saturating_sub(frames(TONE_MS - 8))..];
    let ends = sound.len() > frames(TONE_MS) && loudest(tail) == END_HZ;
    let number = begins.then(|| number(sound)).flatten();
    Heard { begins, number, ends, at_unix_ms: 0.0 }
}

/// The number of a sound that is heard from its beginning.
fn number(sound: &[f32]) -> Option<u16> {
    let digit = |place: usize| {
        // The middle of the tone: its edges are smeared by the coder.
        let from = frames((place + 1) * TONE_MS + 8);
        let middle = sound.get(from..from + frames(TONE_MS - 16))?;
        let hz = loudest(middle);
        (0..BASE).find(|digit| digit_hz(*digit) == hz)
    };
    let number = (0..DIGITS).try_fold(0, |number, place| Some(number * BASE + digit(place)?))?;
    (digit(DIGITS)? == digits(number)[DIGITS]).then_some(number)
}

/// Which of the tones is the loudest in it.
fn loudest(samples: &[f32]) -> f32 {
    let tones = [HUM_HZ, START_HZ, END_HZ].into_iter().chain((0..BASE).map(digit_hz));
    let power = |hz: f32| {
        // Goertzel's recurrence.
        let factor = 2.0 * (TAU * hz / RATE_HZ as f32).cos();
        let (last, before) =
            samples.iter().fold((0.0, 0.0), |(last, before), x| (x + factor * last - before, last));
        last * last + before * before - factor * last * before
    };
    tones.map(|hz| (power(hz), hz)).fold((0.0, 0.0), |a, b| if b.0 > a.0 { b } else { a }).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(number: u16) -> Result<Vec<f32>> {
        Ok(loa_speech::opus::decode(&object(number)?)?.samples().to_vec())
    }

    /// From the first loud sample of these frames to the last.
    fn stretch(samples: &[f32], within: std::ops::Range<usize>) -> Result<Segment> {
        let loud = |sample: &f32| sample.abs() > THRESHOLD;
        let first_frame = within.start + samples[within.clone()].iter().position(loud).context("a sound")?;
        let end_frame = within.start + samples[within].iter().rposition(loud).context("a sound")? + 1;
        Ok(Segment {
            first_frame,
            end_frame,
            start_unix_ms: first_frame as f64,
            end_unix_ms: 0.0,
            rms_dbfs: 0.0,
            peak_dbfs: 0.0,
        })
    }

    /// What is heard of it where nothing interrupts it.
    fn whole(samples: &[f32]) -> Result<Heard> {
        let heard = hear(samples, &[stretch(samples, 0..samples.len())?]);
        heard.first().copied().context("it is heard")
    }

    #[test]
    fn a_coded_sound_tells_its_number_its_beginning_and_its_end() -> Result<()> {
        for name in [0, 1, 0x123, 0xABC, NUMBERS - 1] {
            let mut samples = vec![0.0; 777];
            samples.extend(decoded(name)?);
            let heard = whole(&samples)?;
            assert!(heard.at_unix_ms >= 770.0, "{heard:?}");
            let at_unix_ms = heard.at_unix_ms;
            assert_eq!(heard, Heard { begins: true, number: Some(name), ends: true, at_unix_ms });
        }
        Ok(())
    }

    #[test]
    fn what_the_power_cut_left_of_a_sound_is_not_taken_for_another() -> Result<()> {
        let samples = decoded(0x5A5)?;
        for cut_ms in [10, 35, 60, 120, 190, 260, 300, 390] {
            let heard = whole(&samples[..frames(cut_ms)])?;
            assert!(heard.begins && !heard.ends, "{cut_ms} ms: {heard:?}");
            assert_eq!(heard.number, (cut_ms >= 200).then_some(0x5A5), "{cut_ms} ms");
        }
        let heard = whole(&samples[frames(300)..])?;
        assert!(!heard.begins && heard.ends && heard.number.is_none(), "{heard:?}");
        Ok(())
    }

    #[test]
    fn a_sound_into_which_a_late_decoder_put_silence_is_one_sound() -> Result<()> {
        let (sound, next) = (decoded(0x2C7)?, decoded(0x11)?);
        for gap_at_ms in [60, 130, 230, 400] {
            let silence = vec![0.0; frames(90)];
            let (before, after) = sound.split_at(frames(gap_at_ms));
            let samples = [before, &silence, after, &next].concat();
            let again = frames(gap_at_ms + 90);
            let segments = [
                stretch(&samples, 0..frames(gap_at_ms))?,
                stretch(&samples, again..again + after.len())?,
                stretch(&samples, again + after.len()..samples.len())?,
            ];
            let heard: Vec<_> =
                hear(&samples, &segments).iter().map(|h| (h.begins, h.number, h.ends)).collect();
            assert_eq!(heard, [(true, Some(0x2C7), true), (true, Some(0x11), true)], "{gap_at_ms} ms");
        }
        Ok(())
    }
}
