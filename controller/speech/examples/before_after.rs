//! What mastering does to sounds, as pairs of files to be compared: `before_after FOLDER TEXT.txt RECORDING...`.
//!
//! Each paragraph of the text is spoken by espeak-ng, each recording read. `FOLDER/NAME-before.wav` is what came in,
//! `FOLDER/NAME-after.wav` what a loudspeaker plays, both mono at 16 kHz, of one length and in time with one another.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use loa_speech::master::SAMPLE_RATE_HZ;
use loa_speech::object::finish;
use loa_speech::recording::{decode_recording, prepare_recording};
use loa_speech::synthesize::{Pauses, speak_text};
use loa_speech::{Espeak, EspeakConfig, Finish, Normalizer, Pcm, RecordingLimits, Reporter, Voice, opus};

/// Of a paragraph no more is needed.
const LONGEST_CHARS: usize = 400;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(folder), Some(text)) = (arguments.next(), arguments.next()) else {
        bail!("usage: before_after FOLDER TEXT.txt RECORDING...");
    };
    let text = std::fs::read_to_string(&text).with_context(|| format!("reading {}", text.display()))?;
    let engine = Espeak::find(EspeakConfig::default()).await?;
    let (silent, voice) = (Reporter::silent(), Voice::default());
    for (number, paragraph) in text.lines().filter(|line| !line.trim().is_empty()).enumerate() {
        let paragraph: String = paragraph.chars().take(LONGEST_CHARS).collect();
        let spoken = Normalizer::default().normalize(&paragraph);
        let before = speak_text(&engine, &spoken, &voice, &Pauses::default(), &silent).await?;
        let before = before.resampled(SAMPLE_RATE_HZ)?;
        let after = played(before.clone())?;
        write(&folder, &format!("text-{:02}", number + 1), before.samples(), after.samples())?;
    }
    for recording in arguments {
        let name =
            recording.file_name().context("a recording without a name")?.to_string_lossy().into_owned();
        let bytes = std::fs::read(&recording).with_context(|| format!("reading {name}"))?;
        let limits = RecordingLimits::default();
        let before = decode_recording(bytes.clone(), &limits)?;
        let (ready, report) = prepare_recording(bytes, &limits)?;
        // What was cut off is put back as silence, so that both stay in time.
        let mut after = vec![0.0; report.trimmed_start_ms as usize * SAMPLE_RATE_HZ as usize / 1_000];
        after.extend_from_slice(played(ready)?.samples());
        write(&folder, &name, before.samples(), &after)?;
    }
    Ok(())
}

/// What a loudspeaker plays of a sound.
fn played(pcm: Pcm) -> anyhow::Result<Pcm> {
    let object = finish(pcm, &Finish::default(), &Reporter::silent())?;
    Ok(opus::decode(&object.bytes)?.resampled(SAMPLE_RATE_HZ)?)
}

fn write(folder: &Path, name: &str, before: &[f32], after: &[f32]) -> anyhow::Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE_HZ,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    for (side, samples) in [("before", before), ("after", after)] {
        let mut writer = hound::WavWriter::create(folder.join(format!("{name}-{side}.wav")), spec)?;
        let silence = std::iter::repeat(&0.0);
        for sample in samples.iter().chain(silence).take(before.len()) {
            writer.write_sample(*sample)?;
        }
        writer.finalize()?;
    }
    Ok(())
}
