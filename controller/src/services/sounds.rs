//! Finished sounds, for listening before one approves.

use std::path::PathBuf;
use std::sync::Arc;

use loa_protocol::ids::ObjectHash;

use super::{Ground, ServiceError, Thing};
use crate::domain::role::{Action, Forbidden, Principal};
use crate::store::objects::{self, AudioObject};

/// Finished sounds. Cheap to clone.
#[derive(Clone)]
pub struct Sounds(pub(super) Arc<Ground>);

/// A finished sound and where its bytes lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// What it is.
    pub object: AudioObject,
    /// The file with its bytes.
    pub file: PathBuf,
}

impl Sounds {
    /// A sound that some bulletin uses in an area that the person may see.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn get(&self, who: &Principal, hash: &ObjectHash) -> Result<Sound, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let object = objects::get(&mut tx, hash).await?.ok_or(ServiceError::NotFound(Thing::Sound))?;
        let areas = objects::areas_using(&mut tx, hash).await?;
        if !areas.iter().any(|area| who.may(Action::Read, area)) {
            return Err(Forbidden { action: Action::Read }.into());
        }
        Ok(Sound { object, file: self.0.objects.path(hash) })
    }
}
