//! What the speech data set is made of. It holds voices of people of every village: only whoever administers the whole
//! installation exports it.

use std::sync::Arc;

use serde_json::Value;

use super::audit::Deed;
use super::{Ground, ServiceError};
use crate::auth::token::RandomError;
use crate::domain::role::{Action, Principal, Scope};
use crate::store::WriteTx;
use crate::store::consents::{self, Recording};

/// The speech data set. Cheap to clone.
#[derive(Clone)]
pub struct SpeechData(pub(super) Arc<Ground>);

/// All recordings, and what their speakers' ids are made with.
pub struct Collected {
    /// Every recording of every bulletin, the latest approved first.
    pub recordings: Vec<Recording>,
    /// The secret of the speakers' ids: the same for every export of this installation.
    pub secret: [u8; 32],
}

impl SpeechData {
    /// Refuses whoever does not administer the whole installation.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`].
    pub fn require(&self, who: &Principal) -> Result<(), ServiceError> {
        Ok(who.require_in(Action::ManageUsers, &Scope::Everywhere)?)
    }

    /// Notes that an export was fetched.
    ///
    /// # Errors
    /// As [`SpeechData::collect`].
    pub async fn note_fetched(&self, who: &Principal) -> Result<(), ServiceError> {
        self.require(who)?;
        let mut tx = self.0.store.write().await?;
        let action = "speech_data.fetched";
        let deed = Deed { action, subject: "speech-data", area: None, before: None, after: None };
        self.0.note(&mut tx, who, deed).await?;
        Ok(tx.commit().await?)
    }

    /// Collects all recordings, whether they may be used or not.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] for whoever does not administer the whole installation.
    pub async fn collect(&self, who: &Principal) -> Result<Collected, ServiceError> {
        self.require(who)?;
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).map_err(RandomError)?;
        let mut tx = self.0.store.write().await?;
        let secret = consents::secret(&mut tx, &fresh).await?;
        let recordings = consents::recordings(&mut tx).await?;
        tx.commit().await?;
        Ok(Collected { recordings, secret })
    }

    /// Collects all recordings once more, and keeps everybody from noting or taking back a consent until the closing is
    /// dropped or ends. For the moment in which an export is published, and no longer.
    ///
    /// # Errors
    /// As [`SpeechData::collect`].
    pub async fn close(&self, who: &Principal) -> Result<Closing, ServiceError> {
        self.require(who)?;
        let mut tx = self.0.store.write().await?;
        let recordings = consents::recordings(&mut tx).await?;
        Ok(Closing { ground: Arc::clone(&self.0), recordings, tx })
    }
}

/// The end of an export; holds the one writing connection.
pub struct Closing {
    ground: Arc<Ground>,
    /// Every recording of every bulletin as it is at this moment, the latest approved first.
    pub recordings: Vec<Recording>,
    tx: WriteTx,
}

impl Closing {
    /// Notes that the data set was exported.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn note(mut self, by: &Principal, what: Value) -> Result<(), ServiceError> {
        let action = "speech_data.exported";
        let deed = Deed { action, subject: "speech-data", area: None, before: None, after: Some(what) };
        self.ground.note(&mut self.tx, by, deed).await?;
        Ok(self.tx.commit().await?)
    }
}
