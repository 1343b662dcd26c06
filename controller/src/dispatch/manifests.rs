//! The manifests of finished sounds: made from the files, and kept while anything names them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use loa_protocol::ids::ObjectHash;
use loa_protocol::transfer::{Codec, Manifest};

use super::reconcile::BLOCK_SIZE_BYTES;
use crate::store::blobs::BlobStore;
use crate::store::{Store, StoreError, objects};

/// The manifests that were made so far. Cheap to clone; clones are the same.
#[derive(Clone)]
pub struct Manifests {
    store: Store,
    blobs: BlobStore,
    kept: Arc<Mutex<BTreeMap<ObjectHash, Manifest>>>,
}

impl Manifests {
    /// None as yet.
    pub fn new(store: Store, blobs: BlobStore) -> Self {
        Self { store, blobs, kept: Arc::default() }
    }

    /// Forgets those of all other objects.
    pub fn keep_only(&self, wanted: &BTreeSet<ObjectHash>) {
        self.kept().retain(|object, _| wanted.contains(object));
    }

    /// The manifests of these objects. One whose file is gone, unreadable or changed is left out and logged: one file must
    /// not hold up the plans of everybody else.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn of(
        &self,
        wanted: &BTreeSet<ObjectHash>,
    ) -> Result<BTreeMap<ObjectHash, Manifest>, StoreError> {
        let mut found = BTreeMap::new();
        for object in wanted {
            let known = self.kept().get(object).cloned();
            let manifest = match known {
                Some(manifest) => Some(manifest),
                None => self.make(object).await?,
            };
            if let Some(manifest) = manifest {
                self.kept().insert(*object, manifest.clone());
                found.insert(*object, manifest);
            }
        }
        Ok(found)
    }

    async fn make(&self, object: &ObjectHash) -> Result<Option<Manifest>, StoreError> {
        let mut tx = self.store.read().await?;
        let record = objects::get(&mut tx, object).await?;
        drop(tx);
        let bytes = self.blobs.read(object).await.unwrap_or_else(|error| {
            tracing::error!(%object, error = format!("{:#}", anyhow::Error::new(error)), "audio cannot be read");
            None
        });
        let (Some(record), Some(bytes)) = (record, bytes) else { return Ok(None) };
        match Manifest::of(&bytes, BLOCK_SIZE_BYTES, Codec::OggOpus, record.duration_ms) {
            Ok(manifest) if manifest.object == *object => return Ok(Some(manifest)),
            Ok(_) => tracing::error!(%object, "the stored audio has changed on the disk; it is not offered"),
            Err(rule) => tracing::error!(%object, %rule, "the audio cannot be sent to nodes"),
        }
        Ok(None)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeMap<ObjectHash, Manifest>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
