//! The export that is asked for on a page or by a program: made beside the work, then handed out as an archive.
//!
//! **Invariants.** One at a time. What was made lies in the controller's own folder for a day, and no longer than until the
//! next start: it holds voices. It is handed out only while every consent in it stands.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use futures_util::Stream;
use loa_protocol::time::UnixMs;
use tokio::sync::watch;

use super::archive::{self, Entry};
use super::{ExportError, Exported, Progress, Wish, prepare};
use crate::domain::message::Message;
use crate::domain::role::Principal;
use crate::services::{ServiceError, Services};

/// How long an archive can be fetched.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Exports on request. Cheap to clone.
#[derive(Clone)]
pub struct Exports {
    services: Services,
    folder: PathBuf,
    state: Arc<Mutex<ExportState>>,
}

/// Where the export stands.
#[derive(Debug, Clone, Default)]
pub enum ExportState {
    /// Nobody has asked for one, or it is no longer kept.
    #[default]
    None,
    /// Being made.
    Running(watch::Receiver<Progress>),
    /// To be fetched.
    Ready {
        /// What is in it.
        exported: Exported,
        /// When it was made.
        made: UnixMs,
    },
    /// Could not be made; the log says why.
    Failed,
}

/// An archive on its way out.
pub struct Archive<S> {
    /// Its bytes.
    pub bytes: S,
    /// How many they are.
    pub size_bytes: u64,
}

impl Exports {
    /// For a folder of the controller's own. What an earlier run left there is removed: it holds voices.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn open(services: Services, folder: PathBuf) -> std::io::Result<Self> {
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        Ok(Self { services, folder, state: Arc::default() })
    }

    /// Where the export stands.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] for whoever does not administer the whole installation.
    pub fn state(&self, who: &Principal) -> Result<ExportState, ServiceError> {
        self.services.speech_data.require(who)?;
        Ok(self.locked().clone())
    }

    /// Begins an export, in place of the one before.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`]; [`ServiceError::Conflict`] while one is being made.
    pub fn start(&self, who: &Principal, wish: Wish, licence: String) -> Result<(), ServiceError> {
        self.services.speech_data.require(who)?;
        let (progress, watched) = watch::channel(Progress::default());
        {
            let mut state = self.locked();
            if matches!(*state, ExportState::Running(_)) {
                return Err(ServiceError::Conflict(Message::fixed(
                    "speech_data.running",
                    "Đang xuất dữ liệu. Hãy đợi lần xuất này xong.",
                    "An export is being made. Wait until it is done.",
                )));
            }
            *state = ExportState::Running(watched);
        }
        let (exports, who) = (self.clone(), who.clone());
        tokio::spawn(async move {
            let ended = match exports.make(&who, &wish, &licence, &progress).await {
                Ok(exported) => ExportState::Ready { exported, made: exports.services.clock().now() },
                Err(error) => {
                    let error = format!("{:#}", anyhow::Error::new(error));
                    tracing::error!(error, "the speech data set could not be exported");
                    ExportState::Failed
                }
            };
            let is_ready = matches!(ended, ExportState::Ready { .. });
            *exports.locked() = ended;
            if is_ready {
                tokio::time::sleep(KEPT).await;
                exports.forget_if_older();
            }
        });
        Ok(())
    }

    /// The archive that was made.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`]; [`ServiceError::Conflict`] when there is none, or when a consent was taken back since it was
    /// made: then it is gone.
    pub async fn archive(
        &self,
        who: &Principal,
    ) -> Result<Archive<impl Stream<Item = std::io::Result<Bytes>> + use<>>, ServiceError> {
        self.services.speech_data.require(who)?;
        let none = || {
            ServiceError::Conflict(Message::fixed(
                "speech_data.none",
                "Chưa có bộ dữ liệu nào được xuất. Hãy xuất trước rồi tải về.",
                "There is no export. Make one first, then fetch it.",
            ))
        };
        if !matches!(*self.locked(), ExportState::Ready { .. }) {
            return Err(none());
        }
        let place = self.place();
        let entries = tokio::task::spawn_blocking(move || listed(&place)).await;
        let entries = match entries {
            Ok(Ok(entries)) => entries,
            Ok(Err(error)) => {
                tracing::error!(%error, "the export cannot be read; it is forgotten");
                self.forget();
                return Err(none());
            }
            Err(error) => {
                tracing::error!(%error, "the reader of the export ended by itself");
                return Err(none());
            }
        };
        let is_sound = |name: &&str| name.starts_with("audio/");
        let sounds: BTreeSet<&str> =
            entries.iter().map(|entry| entry.name.as_str()).filter(is_sound).collect();
        if !super::all_stand(&self.services, who, &sounds).await? {
            self.forget();
            return Err(ServiceError::Conflict(Message::fixed(
                "speech_data.outdated",
                "Có người đã rút lại đồng ý sau khi xuất, nên bản xuất này đã bị xóa. Hãy xuất lại.",
                "A consent was taken back since this export was made, so it was deleted. Export again.",
            )));
        }
        self.services.speech_data.note_fetched(who).await?;
        Ok(Archive { size_bytes: archive::size_bytes(&entries), bytes: archive::stream(entries) })
    }

    async fn make(
        &self,
        who: &Principal,
        wish: &Wish,
        licence: &str,
        progress: &watch::Sender<Progress>,
    ) -> Result<Exported, ExportError> {
        prepare(&self.services, who, &self.place(), wish, progress)
            .await?
            .publish(&self.services, who, licence)
            .await
    }

    fn place(&self) -> PathBuf {
        self.folder.join("speech-data")
    }

    fn forget_if_older(&self) {
        let now = self.services.clock().now();
        let kept_ms = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
        let is_old =
            matches!(&*self.locked(), ExportState::Ready { made, .. } if now.since(*made) >= kept_ms);
        if is_old {
            self.forget();
        }
    }

    fn forget(&self) {
        *self.locked() = ExportState::None;
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::error!(%error, folder = %self.folder.display(), "an export could not be removed; the next start tries again");
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, ExportState> {
        // A state is set as a whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The files of an export: those that its list names, and the list and the terms themselves.
fn listed(place: &std::path::Path) -> std::io::Result<Vec<Entry>> {
    let manifest = std::fs::read_to_string(place.join(super::folder::MANIFEST))?;
    let mut names = vec![super::folder::README.to_owned(), super::folder::MANIFEST.to_owned()];
    for line in manifest.lines() {
        let line: serde_json::Value = serde_json::from_str(line).map_err(std::io::Error::other)?;
        let name =
            line["audio_filepath"].as_str().ok_or_else(|| std::io::Error::other("a line without a file"))?;
        names.push(name.to_owned());
    }
    names
        .into_iter()
        .map(|name| {
            let file = place.join(&name);
            let size_bytes = std::fs::metadata(&file)?.len();
            Ok(Entry { name, file, size_bytes })
        })
        .collect()
}
