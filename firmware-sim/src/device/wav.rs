//! What a simulated horn plays, as files: one WAV for each occurrence, with a JSON beside it that says when.
//!
//! The WAV is what a listener hears: sounds at their instants, silence between the tracks, and nothing for as long as the
//! amplifier warms up. The JSON holds
//! `{occurrence, item, bulletin, nominal_unix_ms, started_unix_ms, sounds: [{object, started_unix_ms, played_ms}], outcome,
//! reason}`; without an outcome the power went while it sounded.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use loa_node::audio::opus_file::{OPUS_RATE, OpusFile};
use loa_node_core::Intent;
use loa_protocol::receipt::Receipt;
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::Manifest;
use serde::Serialize;

use crate::node::{BoxError, Heard, Horn, Loaded, Loading};

/// Samples in a millisecond.
const SAMPLES_PER_MS: usize = OPUS_RATE as usize / 1000;

/// Writes what it plays into a folder.
#[derive(Debug)]
pub struct WavHorn {
    folder: PathBuf,
    warm_up_ms: i64,
    take: Option<Take>,
}

/// What was heard of an occurrence so far.
#[derive(Debug)]
struct Take {
    about: About,
    started: UnixMs,
    samples: Vec<i16>,
}

#[derive(Debug, Serialize)]
struct About {
    occurrence: Option<String>,
    item: Option<String>,
    bulletin: Option<String>,
    nominal_unix_ms: Option<i64>,
    started_unix_ms: i64,
    sounds: Vec<SoundAbout>,
    outcome: Option<&'static str>,
    reason: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct SoundAbout {
    object: String,
    started_unix_ms: i64,
    played_ms: u32,
}

impl WavHorn {
    /// A horn that writes into `folder`, behind an amplifier that needs so long to warm up.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn new(folder: PathBuf, warm_up_ms: u32) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder, warm_up_ms: i64::from(warm_up_ms), take: None })
    }

    /// Writes the take, if there is one.
    fn write(&mut self, outcome: Option<&Receipt>) -> Result<(), BoxError> {
        let Some(mut take) = self.take.take() else { return Ok(()) };
        take.about.outcome = outcome.map(|receipt| receipt.outcome.as_str());
        take.about.reason =
            outcome.and_then(|receipt| receipt.outcome.reason()).map(|reason| reason.as_str());
        let name = take.about.item.as_deref().unwrap_or("unplanned");
        let name = format!("{}-{name}", take.started.0);
        write_wav(&self.folder.join(format!("{name}.wav")), &take.samples)?;
        let about = serde_json::to_vec_pretty(&take.about)?;
        std::fs::write(self.folder.join(format!("{name}.json")), about)?;
        Ok(())
    }
}

impl Horn for WavHorn {
    fn load(&mut self, manifest: &Manifest, bytes: impl FnOnce() -> Vec<u8>) -> Loading {
        let path = self.folder.join(format!("{}.opus", manifest.object));
        let bytes = bytes();
        Box::pin(async move {
            let loading = tokio::task::spawn_blocking(move || decode(&path, &bytes));
            loading.await.unwrap_or_else(|_| Err("the decoder broke off".to_owned()))
        })
    }

    fn heard(&mut self, heard: Heard<'_>) -> Result<(), BoxError> {
        let Heard { intent, object, started, samples, played_ms, warm_ms } = heard;
        let take = self.take.get_or_insert_with(|| Take {
            about: About {
                occurrence: intent.map(|i: &Intent| i.occurrence.to_string()),
                item: intent.map(|i| i.item.to_string()),
                bulletin: intent.map(|i| i.bulletin.to_string()),
                nominal_unix_ms: intent.map(|i| i.nominal.0),
                started_unix_ms: started.0,
                sounds: Vec::new(),
                outcome: None,
                reason: None,
            },
            started,
            samples: Vec::new(),
        });
        let sound = SoundAbout { object: object.to_string(), started_unix_ms: started.0, played_ms };
        take.about.sounds.push(sound);
        let offset_ms = usize::try_from(started.since(take.started)).unwrap_or(0);
        take.samples.resize((offset_ms * SAMPLES_PER_MS).max(take.samples.len()), 0);
        let cold_ms = usize::try_from(self.warm_up_ms - warm_ms).unwrap_or(0);
        let cold = (cold_ms * SAMPLES_PER_MS).min(samples.len());
        take.samples.resize(take.samples.len() + cold, 0);
        take.samples.extend(samples.iter().skip(cold));
        Ok(())
    }

    fn ended(&mut self, receipt: &Receipt) -> Result<(), BoxError> {
        let occurrence = receipt.occurrence.to_string();
        // Receipts of occurrences that were missed meanwhile end nothing.
        match &self.take {
            Some(take) if take.about.occurrence.as_ref() == Some(&occurrence) => self.write(Some(receipt)),
            Some(_) | None => Ok(()),
        }
    }

    fn lose_power(&mut self) -> Result<(), BoxError> {
        self.write(None)
    }
}

/// Decodes an object, after writing it down: it can be listened to, and the decoder reads files.
fn decode(path: &Path, bytes: &[u8]) -> Result<Loaded, String> {
    std::fs::write(path, bytes).map_err(|error| format!("writing {} failed: {error}", path.display()))?;
    let mut file = OpusFile::open(path, 0).map_err(|failure| failure.to_string())?;
    let mut samples = Vec::new();
    while let Some(block) = file.next_block() {
        samples.extend(
            block.iter().map(|sample| (sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16),
        );
    }
    let duration_ms = u32::try_from(samples.len() / SAMPLES_PER_MS).unwrap_or(u32::MAX);
    let defect = file.outcome().err().map(|failure| failure.to_string());
    Ok(Loaded { duration_ms, samples: Arc::from(samples), defect })
}

fn write_wav(path: &Path, samples: &[i16]) -> Result<(), hound::Error> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: OPUS_RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec)?;
    let count = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    let mut fast = writer.get_i16_writer(count);
    samples.iter().take(count as usize).for_each(|sample| fast.write_sample(*sample));
    fast.flush()?;
    writer.finalize()
}

#[cfg(test)]
mod tests {
    use loa_node_core::Progress;
    use loa_protocol::bulletin::Class;
    use loa_protocol::ids::{BulletinId, ItemId, ObjectHash, OccurrenceId};
    use loa_protocol::receipt::{Outcome, Reason};
    use loa_protocol::report::ClockTrust;
    use serde_json::{Value, json};

    use super::*;

    fn intent() -> Intent {
        Intent {
            occurrence: OccurrenceId([1; 16]),
            item: ItemId::new("hop-thon").unwrap(),
            revision: 1,
            bulletin: BulletinId::new("b").unwrap(),
            nominal: UnixMs(990),
            class: Class::Normal,
            started: None,
            progress: Progress::default(),
        }
    }

    fn heard<'a>(intent: &'a Intent, started: i64, samples: &'a [i16], warm_ms: i64) -> Heard<'a> {
        let played_ms = (samples.len() / SAMPLES_PER_MS) as u32;
        Heard {
            intent: Some(intent),
            object: ObjectHash([7; 32]),
            started: UnixMs(started),
            samples,
            played_ms,
            warm_ms,
        }
    }

    fn read(folder: &Path, name: &str) -> (Vec<i16>, Value) {
        let mut wav = hound::WavReader::open(folder.join(format!("{name}.wav"))).unwrap();
        let about = std::fs::read(folder.join(format!("{name}.json"))).unwrap();
        (wav.samples().map(Result::unwrap).collect(), serde_json::from_slice(&about).unwrap())
    }

    #[test]
    fn two_tracks_are_one_file_with_the_pause_between_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut horn = WavHorn::new(folder.path().to_owned(), 2).unwrap();
        let intent = intent();
        horn.heard(heard(&intent, 1_000, &[5; 480], 1)).unwrap();
        horn.heard(heard(&intent, 1_020, &[6; 240], 21)).unwrap();
        let mut receipt = Receipt {
            number: 1,
            occurrence: OccurrenceId([2; 16]),
            item: intent.item.clone(),
            revision: 1,
            bulletin: intent.bulletin.clone(),
            nominal: intent.nominal,
            outcome: Outcome::Partial(Reason::Interrupted),
            sound: None,
            clock: ClockTrust::Trusted,
            written: UnixMs(2_000),
            winner: None,
            previous: None,
        };
        horn.ended(&receipt).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "that was another occurrence");
        receipt.occurrence = intent.occurrence;
        horn.ended(&receipt).unwrap();

        let (samples, about) = read(folder.path(), "1000-hop-thon");
        let (cold, first, pause, second) = (48, 432, 480, 240);
        let expected = [vec![0; cold], vec![5; first], vec![0; pause], vec![6; second]].concat();
        assert_eq!(samples, expected);
        assert_eq!(about["sounds"][1]["started_unix_ms"], json!(1020));
        assert_eq!((&about["outcome"], &about["reason"]), (&json!("partial"), &json!("interrupted")));
        assert_eq!(about["nominal_unix_ms"], json!(990));
    }

    #[test]
    fn what_the_power_cut_left_is_written_without_an_outcome() {
        let folder = tempfile::tempdir().unwrap();
        let mut horn = WavHorn::new(folder.path().to_owned(), 0).unwrap();
        horn.heard(heard(&intent(), 1_000, &[5; 480], 0)).unwrap();
        horn.lose_power().unwrap();
        let (samples, about) = read(folder.path(), "1000-hop-thon");
        assert_eq!((samples.len(), &about["outcome"]), (480, &Value::Null));
    }

    #[test]
    fn what_is_no_audio_is_not_decoded() {
        let folder = tempfile::tempdir().unwrap();
        assert!(decode(&folder.path().join("x.opus"), b"no audio").is_err());
    }
}
