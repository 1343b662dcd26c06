//! The folder of an export. Blocking.
//!
//! It is made beside its place, under another name, and takes its place when it is whole: whoever reads `DIR` sees the
//! export before or this one. What an interrupted export had made is found again, each file being whole or not there.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use loa_protocol::ids::ObjectHash;
use loa_speech::{CHAIN_VERSION, Pcm};

/// Its list of recordings.
pub(super) const MANIFEST: &str = "manifest.jsonl";
/// Its terms.
pub(super) const README: &str = "README.md";

/// A folder that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// It holds something else.
    #[error("{} holds files that are no speech data set: choose another folder", path.display())]
    NotOurs {
        /// The folder.
        path: PathBuf,
    },
    /// It has no name, such as `/`.
    #[error("{} is no name for a folder", path.display())]
    Nameless {
        /// The path.
        path: PathBuf,
    },
    /// A file cannot be written or read.
    #[error("{} cannot be written: is there room, and is the folder this user's own?", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A WAV cannot be written.
    #[error("{} cannot be written", path.display())]
    Wav {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: hound::Error,
    },
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::File { path, source }
}

/// A WAV of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wav {
    /// SHA-256 of the file.
    pub sha256: ObjectHash,
    /// Its samples, one channel.
    pub frames: u32,
    /// Samples in a second.
    pub sample_rate_hz: u32,
}

/// An export in the making.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    place: PathBuf,
    /// Where it is made.
    staging: PathBuf,
    /// The export before, for the moment in which they change places.
    before: PathBuf,
}

impl Folder {
    /// Begins an export, or goes on with one that was interrupted.
    ///
    /// # Errors
    /// [`FolderError`].
    pub(super) fn begin(place: &Path) -> Result<Self, FolderError> {
        let nameless = || FolderError::Nameless { path: place.to_owned() };
        let name = place.file_name().ok_or_else(nameless)?.to_string_lossy().into_owned();
        if place.exists() && !is_export(place) {
            let is_empty = fs::read_dir(place).is_ok_and(|mut entries| entries.next().is_none());
            if !is_empty {
                return Err(FolderError::NotOurs { path: place.to_owned() });
            }
        }
        // Sounds that another version decoded are not mixed with this one's.
        let prefix = format!(".{name}.part-");
        let staging = place.with_file_name(format!("{prefix}{CHAIN_VERSION}"));
        remove_abandoned(&staging, &prefix)?;
        fs::create_dir_all(&staging).map_err(file(&staging))?;
        let before = place.with_file_name(format!(".{name}.before"));
        Ok(Self { place: place.to_owned(), staging, before })
    }

    /// The WAV at a path inside the folder, if an interrupted export made it.
    ///
    /// # Errors
    /// [`FolderError::File`].
    pub(super) fn made(&self, path: &str) -> Result<Option<Wav>, FolderError> {
        let path = self.staging.join(path);
        if !path.exists() {
            return Ok(None);
        }
        wav(&path).map(Some)
    }

    /// Writes a sound as 16-bit PCM.
    ///
    /// # Errors
    /// [`FolderError::File`], [`FolderError::Wav`].
    pub(super) fn write_wav(&self, path: &str, pcm: &Pcm) -> Result<Wav, FolderError> {
        let path = self.staging.join(path);
        let part = path.with_extension("part");
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(file(parent))?;
        }
        let failed = |source| FolderError::Wav { path: part.clone(), source };
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: pcm.sample_rate_hz(),
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&part, spec).map_err(failed)?;
        for sample in pcm.samples() {
            writer
                .write_sample((sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16)
                .map_err(failed)?;
        }
        writer.finalize().map_err(failed)?;
        File::open(&part).and_then(|file| file.sync_all()).map_err(file(&part))?;
        fs::rename(&part, &path).map_err(file(&path))?;
        wav(&path)
    }

    /// Writes list and terms, removes what the list does not name, and takes the place of the export before.
    ///
    /// # Errors
    /// [`FolderError::File`].
    pub(super) fn finish(
        self,
        manifest: &str,
        readme: &str,
        paths: &BTreeSet<String>,
    ) -> Result<(), FolderError> {
        remove_others(&self.staging, &self.staging, paths)?;
        for (name, text) in [(MANIFEST, manifest), (README, readme)] {
            let path = self.staging.join(name);
            let written = File::create(&path).and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            });
            written.map_err(file(&path))?;
        }
        if self.before.exists() {
            fs::remove_dir_all(&self.before).map_err(file(&self.before))?;
        }
        if self.place.exists() {
            fs::rename(&self.place, &self.before).map_err(file(&self.place))?;
        }
        fs::rename(&self.staging, &self.place).map_err(file(&self.place))?;
        if self.before.exists() {
            fs::remove_dir_all(&self.before).map_err(file(&self.before))?;
        }
        Ok(())
    }
}

/// Removes what other versions' interrupted exports left beside `staging`: nobody goes on with it, and it holds voices.
fn remove_abandoned(staging: &Path, prefix: &str) -> Result<(), FolderError> {
    let beside = staging.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !beside.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(beside).map_err(file(beside))? {
        let path = entry.map_err(file(beside))?.path();
        let version = path.file_name().and_then(|name| name.to_str()?.strip_prefix(prefix));
        let is_version = version.is_some_and(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()));
        if is_version && path.is_dir() && path.file_name() != staging.file_name() {
            fs::remove_dir_all(&path).map_err(file(&path))?;
        }
    }
    Ok(())
}

/// Whether a folder holds an export. Its list alone does not tell: other data sets call theirs the same, and what is in the
/// folder is removed when the next export takes its place.
fn is_export(place: &Path) -> bool {
    let title = super::README.lines().next();
    place.join(MANIFEST).is_file()
        && fs::read_to_string(place.join(README)).is_ok_and(|readme| readme.lines().next() == title)
}

fn wav(path: &Path) -> Result<Wav, FolderError> {
    let bytes = fs::read(path).map_err(file(path))?;
    let reader = hound::WavReader::new(bytes.as_slice())
        .map_err(|source| FolderError::Wav { path: path.to_owned(), source })?;
    let (frames, sample_rate_hz) = (reader.duration(), reader.spec().sample_rate);
    Ok(Wav { sha256: ObjectHash::of(&bytes), frames, sample_rate_hz })
}

/// Removes files that are not among `paths`: of recordings whose consent was taken back while an export was interrupted.
fn remove_others(root: &Path, folder: &Path, paths: &BTreeSet<String>) -> Result<(), FolderError> {
    for entry in fs::read_dir(folder).map_err(file(folder))? {
        let path = entry.map_err(file(folder))?.path();
        if path.is_dir() {
            remove_others(root, &path, paths)?;
            continue;
        }
        let named =
            path.strip_prefix(root).is_ok_and(|inner| paths.contains(inner.to_string_lossy().as_ref()));
        if !named {
            fs::remove_file(&path).map_err(file(&path))?;
        }
    }
    Ok(())
}
