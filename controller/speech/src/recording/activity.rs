//! Where in a recording somebody speaks, and how loud voice and noise are.
//!
//! By energy alone, in hops of 10 ms behind the chain's own high-pass, so that hum and wind below the voice don't count. The
//! noise is what the recording itself has in its softest moments; what stands above it is voice, with a lower threshold for
//! going on than for beginning. Nothing is assumed of the language: models of speech were trained on others than K'Ho or Mạ.

use std::ops::Range;

use crate::master::{SAMPLE_RATE_HZ, high_pass};

/// Samples of a hop.
pub(super) const HOP: usize = SAMPLE_RATE_HZ as usize / 100;

/// A hop below this is digital silence: a phone's own gate, padding. It tells nothing of the microphone's noise.
const DIGITAL_SILENCE_DBFS: f64 = -90.0;
/// Share of the hops that are softer than what is taken for the noise's level before anything is known.
const SOFTEST_SHARE: f64 = 0.03;
/// Noise shows by staying where it is: so many decibels above that level lies at least this share of the hops. The softest
/// moments of somebody who makes no pause lie far apart.
const NOISE_SPREAD_DB: f64 = 4.0;
const NOISE_SHARE: f64 = 0.12;
/// The loudest so many hops give the voice's level before anything is known: half a word.
const LOUDEST_HOPS: usize = 30;
/// Loudest over softest: below this the sound is steady. Noise alone reaches 2 to 4 dB, speech in loud noise 8.
const STEADY_DB: f64 = 6.0;
/// A steady sound that is louder is one that somebody wanted: a siren, an organ.
const WANTED_DBFS: f64 = -30.0;
/// Shorter bursts, with nothing near them, are knocks and clicks.
const BURST_HOPS: usize = 6;
const NEAR_HOPS: usize = 30;
/// So near to a syllable it's still heard, or already.
const FADING_HOPS: usize = 10;

/// What a recording holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Activity {
    /// Noise and nothing else, at this level.
    Noise { level_dbfs: f64 },
    /// One sound from beginning to end, loud enough to be wanted.
    Steady { level_dbfs: f64 },
    /// Voice with pauses.
    Voice(Voice),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Voice {
    /// Hops in which somebody speaks, in their order, at least one.
    pub(super) spoken: Vec<Range<usize>>,
    /// Mean power while somebody speaks.
    pub(super) level_dbfs: f64,
    /// Mean power in the pauses, or in the softest moments where no pause is long enough; `None` where no noise shows.
    pub(super) noise_dbfs: Option<f64>,
}

/// Listens to a recording at the rate of mastering.
pub(super) fn listen(samples: &[f32]) -> Activity {
    let powers = powers(samples);
    let levels: Vec<f64> = smoothed(&powers).into_iter().map(decibels).collect();
    let mut sorted: Vec<f64> = levels.iter().copied().filter(|level| *level > DIGITAL_SILENCE_DBFS).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return Activity::Noise { level_dbfs: DIGITAL_SILENCE_DBFS };
    };
    let floor = sorted[(last as f64 * SOFTEST_SHARE) as usize];
    let top = sorted[last.saturating_sub(LOUDEST_HOPS.min(last / 4))];
    let range = top - floor;
    if range < STEADY_DB {
        let level_dbfs = mean_level(&powers, |_| true).unwrap_or(floor);
        return if level_dbfs < WANTED_DBFS {
            Activity::Noise { level_dbfs }
        } else {
            Activity::Steady { level_dbfs }
        };
    }
    let near = sorted.iter().filter(|level| **level < floor + NOISE_SPREAD_DB).count();
    let noise_shows = near as f64 >= NOISE_SHARE * sorted.len() as f64;
    let floor = if noise_shows { floor } else { f64::NEG_INFINITY };
    // Far above the noise, what is 45 dB below the loudest syllables is no part of them.
    let begins = (floor + (range * 0.35).clamp(4.0, 12.0)).max(top - 45.0);
    let goes_on = (floor + (range * 0.2).clamp(2.5, 6.0)).max(top - 50.0);
    let spoken = without_knocks(above(&levels, begins, goes_on));
    let mut is_spoken = vec![false; powers.len()];
    spoken.iter().for_each(|range| is_spoken[range.clone()].fill(true));
    let Some(level_dbfs) = mean_level(&powers, |hop| is_spoken[hop]) else {
        return Activity::Noise { level_dbfs: sorted[last / 2] };
    };
    let is_spoken = |hops: Range<usize>| is_spoken[hops].iter().any(|is_spoken| *is_spoken);
    let is_pause = |hop: usize| {
        let around = hop.saturating_sub(FADING_HOPS)..(hop + FADING_HOPS).min(powers.len());
        levels[hop] > DIGITAL_SILENCE_DBFS && !is_spoken(around)
    };
    let noise_dbfs = noise_shows.then(|| mean_level(&powers, is_pause).unwrap_or(floor));
    Activity::Voice(Voice { spoken, level_dbfs, noise_dbfs })
}

/// Mean square of each whole hop.
fn powers(samples: &[f32]) -> Vec<f64> {
    let mut samples = samples.to_vec();
    high_pass(&mut samples);
    samples
        .chunks(HOP)
        .map(|hop| hop.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / hop.len() as f64)
        .collect()
}

/// Mean of each hop and its neighbours.
fn smoothed(powers: &[f64]) -> Vec<f64> {
    (0..powers.len())
        .map(|at| {
            let around = &powers[at.saturating_sub(1)..(at + 2).min(powers.len())];
            around.iter().sum::<f64>() / around.len() as f64
        })
        .collect()
}

fn decibels(power: f64) -> f64 {
    10.0 * power.max(1e-12).log10()
}

fn mean_level(powers: &[f64], wanted: impl Fn(usize) -> bool) -> Option<f64> {
    let (sum, count) = (0..powers.len())
        .filter(|hop| wanted(*hop))
        .fold((0.0, 0_u32), |(sum, count), hop| (sum + powers[hop], count + 1));
    (count > 0).then(|| decibels(sum / f64::from(count)))
}

/// Runs that reach `begins` and stay above `goes_on`, from where they came above it.
fn above(levels: &[f64], begins: f64, goes_on: f64) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let (mut start, mut counts) = (0, false);
    // One more, which ends the last run.
    for (hop, level) in levels.iter().copied().chain([f64::NEG_INFINITY]).enumerate() {
        if level > goes_on {
            counts |= level > begins;
        } else {
            if counts {
                runs.push(start..hop);
            }
            (start, counts) = (hop + 1, false);
        }
    }
    runs
}

/// Without the bursts that have no other near them: a knock against the microphone, the click that stops the recording.
fn without_knocks(runs: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let is_near = |at: usize| {
        let here = &runs[at];
        let before = at.checked_sub(1).is_some_and(|before| runs[before].end + NEAR_HOPS > here.start);
        before || runs.get(at + 1).is_some_and(|after| here.end + NEAR_HOPS > after.start)
    };
    (0..runs.len())
        .filter(|&at| runs[at].len() > BURST_HOPS || is_near(at))
        .map(|at| runs[at].clone())
        .collect()
}
