//! What is known of recordings: what was measured on them, and what their speakers let be done with them besides the
//! broadcast: the speech data set.
//!
//! A consent is about one recording of one bulletin. It is no part of what is approved: it may be noted and taken back
//! whatever state the bulletin is in.

use loa_protocol::ids::{BulletinId, ObjectHash};
use loa_speech::RecordingReport;
use serde_json::json;

use super::Bulletins;
use crate::domain::bulletin::{Bulletin, Consent, ConsentDraft, Stamp, TrackSource};
use crate::domain::role::{Action, Principal};
use crate::services::{ServiceError, Thing};
use crate::store::{Connection, bulletins, consents, recording_reports, uploads};

impl Bulletins {
    /// What was noted about the recordings of a bulletin, earlier revisions' among them.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn consents(
        &self,
        who: &Principal,
        id: &BulletinId,
    ) -> Result<Vec<(ObjectHash, Consent)>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let bulletin = bulletins::get(&mut tx, id).await?.ok_or(ServiceError::NotFound(Thing::Bulletin))?;
        who.require(Action::Read, &bulletin.path)?;
        Ok(consents::of_bulletin(&mut tx, id).await?)
    }

    /// What was measured on the recordings of the latest revision when they were mastered.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn recording_reports(
        &self,
        who: &Principal,
        id: &BulletinId,
    ) -> Result<Vec<(ObjectHash, RecordingReport)>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let view = super::load(&mut tx, id).await?;
        who.require(Action::Read, &view.bulletin.path)?;
        let mut reports = Vec::new();
        for track in &view.latest.tracks {
            let TrackSource::Recording { upload, .. } = &track.content.source else { continue };
            if let Some(report) = recording_reports::get(&mut tx, upload).await? {
                reports.push((*upload, report));
            }
        }
        Ok(reports)
    }

    /// Notes that the speaker of a recording lets it be used in the speech data set; also where an earlier consent was
    /// taken back, for whoever is asked anew may agree.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`]; [`ServiceError::NotFound`], also for a recording that the bulletin does not have;
    /// [`ServiceError::Forbidden`]; [`ServiceError::Conflict`] when the bulletin is withdrawn, for then the recording goes
    /// into no data set and the name would be kept for nothing.
    pub async fn note_consent(
        &self,
        who: &Principal,
        id: &BulletinId,
        upload: &ObjectHash,
        consent: &ConsentDraft,
    ) -> Result<(), ServiceError> {
        let mut tx = self.0.store.write().await?;
        let view = super::load(&mut tx, id).await?;
        who.require(Action::Write(view.latest.class), &view.bulletin.path)?;
        view.latest.state.edit()?;
        let consent = consent.check()?;
        if !uploads::is_of_bulletin(&mut tx, id, upload).await? {
            return Err(ServiceError::NotFound(Thing::Track));
        }
        self.keep_consent(&mut tx, who, &view.bulletin, upload, &consent).await?;
        tx.commit().await?;
        self.tell(id);
        Ok(())
    }

    /// Takes a speaker's consent back: the recording goes into no further export, and the name is forgotten. Whoever may
    /// write or approve the bulletin may do it, for a speaker may ask either.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], also where no consent stands; [`ServiceError::Forbidden`].
    pub async fn withdraw_consent(
        &self,
        who: &Principal,
        id: &BulletinId,
        upload: &ObjectHash,
    ) -> Result<(), ServiceError> {
        let mut tx = self.0.store.write().await?;
        let view = super::load(&mut tx, id).await?;
        let (class, path) = (view.latest.class, &view.bulletin.path);
        if !who.may(Action::Approve(class), path) {
            who.require(Action::Write(class), path)?;
        }
        let stamp = Stamp { at: self.0.now(), by: who.actor() };
        if !consents::withdraw(&mut tx, id, upload, &stamp).await? {
            return Err(ServiceError::NotFound(Thing::Consent));
        }
        let before = json!({ "recording": upload.to_string() });
        self.note(&mut tx, who, "consent.withdrawn", &view.bulletin, Some(before), None).await?;
        tx.commit().await?;
        self.tell(id);
        Ok(())
    }

    /// Stores a checked consent in the transaction of the deed. The log never forgets; therefore it gets no name.
    pub(super) async fn keep_consent(
        &self,
        c: &mut Connection,
        who: &Principal,
        bulletin: &Bulletin,
        upload: &ObjectHash,
        consent: &ConsentDraft,
    ) -> Result<(), ServiceError> {
        let stamp = Stamp { at: self.0.now(), by: who.actor() };
        consents::note(c, &bulletin.id, upload, consent, &stamp).await?;
        let after = json!({ "recording": upload.to_string() });
        self.note(c, who, "consent.noted", bulletin, None, Some(after)).await
    }
}
