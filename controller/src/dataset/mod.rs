//! The speech data set: recordings with the words that are read in them, as files that speech tools take.
//!
//! ```text
//! DIR/manifest.jsonl               one line for each recording
//!    /audio/<language>/<id>.wav    16 kHz, 16 bit, mono
//!    /README.md                    what it is, on which terms
//! ```
//!
//! The sound is that of the file as it came, not the mastered one: mastering presses a voice into the band and the loudness
//! of a horn, which is the opposite of what a data set is for. It is neither trimmed nor cut into sentences. 16 kHz is what
//! speech recognition is trained on; the files as they came stay, so that a later export may give more.
//!
//! Which recordings go in is decided by `pick` alone.

mod archive;
mod folder;
mod job;
mod pick;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use loa_protocol::time::UnixMs;
use loa_speech::RecordingLimits;
use loa_speech::recording::decode_recording;
use serde::Serialize;
use tokio::sync::watch;

pub use folder::FolderError;
pub use job::{Archive, ExportState, Exports};
pub use pick::{LeftOut, Wish};

use crate::domain::role::Principal;
use crate::services::{Collected, ServiceError, Services};
use crate::store::StoreError;
use folder::{Folder, MANIFEST, Wav};
use pick::{Picked, pick};

/// The README's words. `{…}` are filled in.
const README: &str = include_str!("readme.md");

/// A line of the manifest. Names of keys are those of NeMo and its kin where they have one.
#[derive(Debug, Serialize)]
struct Line {
    audio_filepath: String,
    duration_s: f64,
    text: String,
    /// BCP 47.
    language: String,
    speaker_id: String,
    /// Village or dialect, where the speaker gave it.
    #[serde(skip_serializing_if = "String::is_empty")]
    speaker_place: String,
    /// Id of the area for which it was read.
    area: String,
    /// The day on which the speaker agreed.
    consent_date: String,
    licence: String,
    /// Of the WAV, lower-case hex.
    sha256: String,
    sample_rate_hz: u32,
}

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Recordings.
    pub recordings: usize,
    /// Speakers.
    pub speakers: usize,
    /// Length of all, in milliseconds.
    pub duration_ms: u64,
    /// What was left out.
    pub left_out: LeftOut,
}

/// An export that failed. What was made of it is found again by the next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The database, or the right.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The files of recordings.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A line of the manifest.
    #[error("a line of the manifest cannot be written")]
    Line(#[from] serde_json::Error),
    /// A worker ended by itself.
    #[error("a worker of the export ended by itself")]
    Worker(#[from] tokio::task::JoinError),
}

/// Exports into the folder `to`, in place of an earlier export. `licence` goes into every line.
///
/// # Errors
/// [`ExportError`]; an earlier export is then as it was.
pub async fn export(
    services: &Services,
    who: &Principal,
    to: &Path,
    wish: &Wish,
    licence: &str,
) -> Result<Exported, ExportError> {
    let (ignored, _) = watch::channel(Progress::default());
    prepare(services, who, to, wish, &ignored).await?.publish(services, who, licence).await
}

/// How far an export is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Recordings that were read.
    pub done: usize,
    /// Recordings to read.
    pub all: usize,
}

/// An export whose sounds are made, which takes hours of a large archive.
pub(crate) struct Prepared {
    folder: Folder,
    wish: Wish,
    secret: [u8; 32],
    /// By path; `None` for a file that is no sound.
    sounds: BTreeMap<String, Option<Wav>>,
}

/// Makes the sounds of an export.
pub(crate) async fn prepare(
    services: &Services,
    who: &Principal,
    to: &Path,
    wish: &Wish,
    progress: &watch::Sender<Progress>,
) -> Result<Prepared, ExportError> {
    let Collected { recordings, secret } = services.speech_data.collect(who).await?;
    let (picked, _) = pick(recordings, wish, &secret);
    let folder = Folder::begin(to)?;
    let mut sounds = BTreeMap::new();
    progress.send_replace(Progress { done: 0, all: picked.len() });
    for picked in picked {
        let path = path_of(&picked);
        let wav = sound(services, &folder, &path, &picked).await?;
        sounds.insert(path, wav);
        progress.send_modify(|progress| progress.done += 1);
    }
    Ok(Prepared { folder, wish: wish.clone(), secret, sounds })
}

impl Prepared {
    /// Writes the list and puts the export in its place. Chooses anew, among the sounds that were made: a consent that was
    /// taken back meanwhile counts, and none is taken back between this choice and the export's being there.
    pub(crate) async fn publish(
        self,
        services: &Services,
        who: &Principal,
        licence: &str,
    ) -> Result<Exported, ExportError> {
        let mut closing = services.speech_data.close(who).await?;
        let recordings = std::mem::take(&mut closing.recordings);
        let (picked, mut left_out) = pick(recordings, &self.wish, &self.secret);
        let mut lines = BTreeMap::new();
        for picked in picked {
            let path = path_of(&picked);
            match self.sounds.get(&path) {
                Some(Some(wav)) => {
                    lines.insert(path.clone(), line(services, path, picked, wav, licence));
                }
                Some(None) => left_out.unreadable += 1,
                // Approved or agreed to since the sounds were made: it comes with the next export.
                None => left_out.since += 1,
            }
        }
        let speakers = lines.values().map(|line| &line.speaker_id).collect::<BTreeSet<_>>().len();
        let duration_ms = lines.values().map(|line| (line.duration_s * 1000.0).round() as u64).sum();
        let exported = Exported { recordings: lines.len(), speakers, duration_ms, left_out };
        let mut manifest = String::new();
        for line in lines.values() {
            manifest.push_str(&serde_json::to_string(line)?);
            manifest.push('\n');
        }
        let readme = readme(&exported, lines.values(), licence);
        let paths: BTreeSet<String> = lines.into_keys().collect();
        let folder = self.folder;
        tokio::task::spawn_blocking(move || folder.finish(&manifest, &readme, &paths)).await??;
        let what = serde_json::json!({
            "recordings": exported.recordings,
            "speakers": exported.speakers,
            "left_out": exported.left_out.count(),
            "language": self.wish.language.as_ref().map(ToString::to_string),
        });
        closing.note(who, what).await?;
        Ok(exported)
    }
}

/// Whether all of these sounds may still go out, by their paths within an export.
pub(crate) async fn all_stand(
    services: &Services,
    who: &Principal,
    sounds: &BTreeSet<&str>,
) -> Result<bool, ServiceError> {
    let Collected { recordings, secret } = services.speech_data.collect(who).await?;
    let (picked, _) = pick(recordings, &Wish::default(), &secret);
    let stand: BTreeSet<String> = picked.iter().map(path_of).collect();
    Ok(sounds.iter().all(|path| stand.contains(*path)))
}

/// The WAV of a recording; `None` where its file is no sound.
async fn sound(
    services: &Services,
    folder: &Folder,
    path: &str,
    picked: &Picked,
) -> Result<Option<Wav>, ExportError> {
    if let Some(made) = folder.made(path)? {
        return Ok(Some(made));
    }
    let upload = picked.recording.upload;
    let Some(bytes) = services.recordings().read(&upload).await? else {
        tracing::warn!(%upload, "the file of a recording is missing on the disk; it is left out");
        return Ok(None);
    };
    let (folder, path) = (folder.clone(), path.to_owned());
    let written = tokio::task::spawn_blocking(move || {
        // It was accepted once; what was accepted then is not judged again.
        let limits = RecordingLimits { max_bytes: usize::MAX, max_duration_ms: u64::MAX };
        match decode_recording(bytes, &limits) {
            Ok(pcm) => folder.write_wav(&path, &pcm).map(Some),
            Err(error) => {
                let error = format!("{:#}", anyhow::Error::new(error));
                tracing::warn!(%upload, error, "a recording cannot be read; it is left out");
                Ok(None)
            }
        }
    });
    Ok(written.await??)
}

fn path_of(picked: &Picked) -> String {
    let upload = picked.recording.upload.to_string();
    format!("audio/{}/{}.wav", picked.recording.language, &upload[..16])
}

fn line(services: &Services, path: String, picked: Picked, wav: &Wav, licence: &str) -> Line {
    let area = picked.recording.path.areas().last().map(ToString::to_string).unwrap_or_default();
    Line {
        audio_filepath: path,
        duration_s: (f64::from(wav.frames) * 1000.0 / f64::from(wav.sample_rate_hz)).round() / 1000.0,
        text: picked.text,
        language: picked.recording.language.to_string(),
        speaker_id: picked.speaker_id,
        speaker_place: picked.consent.place,
        area,
        consent_date: day(picked.consent.noted.at, services),
        licence: licence.to_owned(),
        sha256: wav.sha256.to_string(),
        sample_rate_hz: wav.sample_rate_hz,
    }
}

/// The day of an instant where the installation is.
fn day(at: UnixMs, services: &Services) -> String {
    let utc = at.to_utc().unwrap_or(chrono::DateTime::UNIX_EPOCH);
    utc.with_timezone(&services.zone()).format("%Y-%m-%d").to_string()
}

fn readme<'a>(exported: &Exported, lines: impl Iterator<Item = &'a Line>, licence: &str) -> String {
    let mut languages: BTreeMap<&str, (u32, f64)> = BTreeMap::new();
    for line in lines {
        let (count, seconds) = languages.entry(&line.language).or_default();
        *count += 1;
        *seconds += line.duration_s;
    }
    let rows: Vec<String> = languages
        .iter()
        .map(|(language, (count, seconds))| format!("| {language} | {count} | {:.1} |", seconds / 60.0))
        .collect();
    README
        .replace("{recordings}", &exported.recordings.to_string())
        .replace("{speakers}", &exported.speakers.to_string())
        .replace("{languages}", &rows.join("\n"))
        .replace("{manifest}", MANIFEST)
        .replace("{licence}", licence)
}

#[cfg(test)]
mod tests;
