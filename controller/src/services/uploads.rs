//! Recordings on their way in, piece by piece: never wholly in memory.
//!
//! An upload only stores bytes. Whether they are sound, and how long, is for the speech workers to say; their words
//! come back with the track that names the upload.

use std::sync::Arc;

use super::{Ground, ServiceError};
use crate::domain::message::{FieldErrors, Message};
use crate::domain::role::{Action, Forbidden, Principal};
use crate::store::blobs::BlobWriter;
use crate::store::uploads::{self, Upload};

/// Receiving recordings. Cheap to clone.
#[derive(Clone)]
pub struct Uploads(pub(super) Arc<Ground>);

/// A recording that is being received. Dropped before [`UploadWriter::finish`], it leaves nothing.
pub struct UploadWriter {
    ground: Arc<Ground>,
    writer: BlobWriter,
    file_name: String,
    by: String,
}

impl Uploads {
    /// Begins to receive a recording from a person who may write bulletins somewhere.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`].
    pub async fn begin(&self, who: &Principal, file_name: &str) -> Result<UploadWriter, ServiceError> {
        let class =
            loa_protocol::bulletin::Class::ALL.into_iter().find(|c| who.may_somewhere(Action::Write(*c)));
        if class.is_none() {
            let action = Action::Write(loa_protocol::bulletin::Class::Normal);
            return Err(Forbidden { action }.into());
        }
        let writer = self.0.uploads.writer().await?;
        // Some browsers send a whole path.
        let file_name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
        let file_name = crate::domain::bulletin::text::line(file_name);
        let file_name = file_name.chars().filter(|c| !c.is_control()).take(200).collect();
        let by = who.actor();
        Ok(UploadWriter { ground: Arc::clone(&self.0), writer, file_name, by })
    }
}

impl UploadWriter {
    /// Adds bytes.
    ///
    /// # Errors
    /// [`ServiceError::TooLarge`] beyond `limits.upload_max_bytes`, [`ServiceError::Store`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), ServiceError> {
        let max = self.ground.limits.upload_max_bytes;
        if self.writer.size_bytes() + bytes.len() as u64 > max {
            let mib = max / (1024 * 1024);
            return Err(ServiceError::TooLarge(Message::written(
                "recording.too_large",
                format!("Tệp thu âm lớn hơn {mib} MB. Hãy cắt ngắn hoặc lưu ở dạng MP3."),
                format!("The recording is larger than {mib} MB. Shorten it, or save it as MP3."),
            )));
        }
        Ok(self.writer.write(bytes).await?)
    }

    /// Makes the recording durable and gives its record.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for an empty file, [`ServiceError::Store`].
    pub async fn finish(self) -> Result<Upload, ServiceError> {
        if self.writer.size_bytes() == 0 {
            let empty = Message::fixed("recording.empty", "Tệp thu âm rỗng.", "The recording is empty.");
            return Err(FieldErrors::one("recording", empty).into());
        }
        // The file gets its name while the writing connection is held; see [`crate::sweep`].
        let mut tx = self.ground.store.write().await?;
        let (hash, size_bytes) = self.writer.finish().await?;
        let upload = Upload {
            hash,
            size_bytes,
            file_name: self.file_name,
            uploaded_by: self.by,
            created: self.ground.now(),
        };
        uploads::insert(&mut tx, &upload).await?;
        tx.commit().await?;
        Ok(upload)
    }
}
