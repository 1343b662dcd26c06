//! Single tracks: adding a recording, taking a language out, trying again.

use loa_protocol::bulletin::Language;
use loa_protocol::ids::{BulletinId, ObjectHash};

use super::writing::{Arrival, urgency};
use super::{BulletinView, Bulletins, Seen, load, require_no_alert};
use crate::domain::bulletin::{
    BulletinDraft, ConsentDraft, Making, Revision, SourceDraft, TrackContent, TrackDraft, TrackSource, text,
};
use crate::domain::ids::TrackId;
use crate::domain::role::{Action, Principal};
use crate::services::{ServiceError, Thing};
use crate::store::speech_jobs;

impl Bulletins {
    /// Puts one language's sound into a bulletin, in place of the one that it had in this language. It is an edit, with
    /// all that follows from one. A recording may come with its speaker's consent to the speech data set.
    ///
    /// A recording that is there already, because the answer to the first try was lost, is no second edit; nor does it bring
    /// back a consent that was withdrawn since that try.
    ///
    /// What waits for approval or is approved takes no sound: one that comes late, perhaps sent again by a page that
    /// nobody looks at any more, must not take back what its author has handed in. Whoever means it edits the bulletin
    /// first.
    ///
    /// # Errors
    /// As [`Bulletins::edit`]; [`ServiceError::Conflict`] for a bulletin that is not open; and [`ServiceError::Invalid`] for
    /// the consent.
    pub async fn put_track(
        &self,
        who: &Principal,
        id: &BulletinId,
        seen: &Seen,
        track: TrackDraft,
        consent: Option<ConsentDraft>,
    ) -> Result<BulletinView, ServiceError> {
        let view = self.get(who, id).await?;
        let consent = consent.map(|consent| consent.check()).transpose()?;
        let mut draft = draft_of(&view.latest);
        let upload = match &track.source {
            SourceDraft::Recording { upload, .. } => upload.parse::<ObjectHash>().ok(),
            SourceDraft::Speech { .. } => None,
        };
        if let Some(upload) = &upload
            && draft.tracks.iter().any(|known| is_same_recording(known, &track))
        {
            who.require(Action::Write(view.latest.class), &view.bulletin.path)?;
            let known = self.consents(who, id).await?;
            let is_withdrawn = known.iter().any(|(known, consent)| known == upload && !consent.stands());
            if let Some(consent) = consent.as_ref().filter(|_| !is_withdrawn) {
                self.note_consent(who, id, upload, consent).await?;
            }
            return Ok(view);
        }
        let arrival = Arrival { consent: upload.zip(consent) };
        match draft.tracks.iter_mut().find(|t| t.language == track.language.trim()) {
            Some(place) => *place = track,
            None => draft.tracks.push(track),
        }
        self.edit_with(who, id, seen, &draft, Some(&arrival)).await
    }

    /// The bulletin, for whoever is about to send it a sound: who may not write it is refused before anything is received.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn to_record(&self, who: &Principal, id: &BulletinId) -> Result<BulletinView, ServiceError> {
        let view = self.get(who, id).await?;
        who.require(Action::Write(view.latest.class), &view.bulletin.path)?;
        Ok(view)
    }

    /// Takes one language's sound out of a bulletin. It is an edit. Taking out the last one leaves the text, spoken in
    /// Vietnamese.
    ///
    /// # Errors
    /// As [`Bulletins::edit`], and [`ServiceError::NotFound`] when there is no such track.
    pub async fn remove_track(
        &self,
        who: &Principal,
        id: &BulletinId,
        seen: &Seen,
        language: &Language,
    ) -> Result<BulletinView, ServiceError> {
        let view = self.get(who, id).await?;
        let mut draft = draft_of(&view.latest);
        let before = draft.tracks.len();
        draft.tracks.retain(|t| t.language != language.as_str());
        if draft.tracks.len() == before {
            return Err(ServiceError::NotFound(Thing::Track));
        }
        self.edit(who, id, seen, &draft).await
    }

    /// Tries to make a sound again that could not be made. Words and revision stay.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], also for a track of an earlier revision; [`ServiceError::Forbidden`].
    pub async fn retry_track(
        &self,
        who: &Principal,
        id: &BulletinId,
        track: &TrackId,
    ) -> Result<BulletinView, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let view = load(&mut tx, id).await?;
        who.require(Action::Write(view.latest.class), &view.bulletin.path)?;
        require_no_alert(&mut tx, id).await?;
        let track =
            view.latest.tracks.iter().find(|t| t.id == *track).ok_or(ServiceError::NotFound(Thing::Track))?;
        if !matches!(track.making, Making::Failed(_)) {
            return Ok(view);
        }
        speech_jobs::enqueue(&mut tx, &track.id, urgency(view.latest.class), self.0.now()).await?;
        let after = serde_json::json!({ "language": track.content.language.as_str() });
        self.note(&mut tx, who, "bulletin.track_retried", &view.bulletin, None, Some(after)).await?;
        let view = load(&mut tx, id).await?;
        tx.commit().await?;
        self.tell(id);
        self.0.nudges.speech.wake();
        Ok(view)
    }
}

/// A revision as its form.
pub fn draft_of(revision: &Revision) -> BulletinDraft {
    BulletinDraft {
        title: revision.title.clone(),
        text: revision.text.clone(),
        category: revision.category.as_str().to_owned(),
        class: revision.class.as_str().to_owned(),
        tracks: revision.tracks.iter().map(|t| track_draft(&t.content)).collect(),
    }
}

/// Whether two tracks are one recording with one wording in one language.
fn is_same_recording(known: &TrackDraft, sent: &TrackDraft) -> bool {
    match (&known.source, &sent.source) {
        (
            SourceDraft::Recording { upload: a, transcript: read, .. },
            SourceDraft::Recording { upload: b, transcript: sent_as, .. },
        ) => known.language == sent.language.trim() && a == b && *read == text::body(sent_as),
        (SourceDraft::Speech { .. }, _) | (_, SourceDraft::Speech { .. }) => false,
    }
}

fn track_draft(content: &TrackContent) -> TrackDraft {
    let source = match &content.source {
        TrackSource::Speech { text, voice, words_per_minute } => SourceDraft::Speech {
            text: text.clone(),
            voice: voice.clone().unwrap_or_default(),
            words_per_minute: *words_per_minute,
        },
        TrackSource::Recording { upload, file_name, transcript } => SourceDraft::Recording {
            upload: upload.to_string(),
            file_name: file_name.clone(),
            transcript: transcript.clone(),
        },
    };
    TrackDraft { language: content.language.as_str().to_owned(), source }
}
