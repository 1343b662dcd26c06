//! Beginning and editing bulletins.

use loa_protocol::bulletin::{Class, Language};
use loa_protocol::ids::{AreaId, BulletinId, ObjectHash};
use loa_protocol::time::UnixMs;

use super::{BulletinView, Bulletins, Seen, load, require_no_alert, stale, summary};
use crate::domain::bulletin::{
    BulletinDraft, ConsentDraft, Content, Edit, RevisionState, Track, TrackContent, TrackSource,
};
use crate::domain::ids::{TrackId, fresh_bulletin_id};
use crate::domain::message::{FieldErrors, Message};
use crate::domain::role::{Action, Principal};
use crate::services::{ServiceError, Thing, areas};
use crate::store::{Connection, alert_templates, bulletins, speech_jobs, tracks, uploads};

impl Bulletins {
    /// Begins a bulletin on behalf of an area, as a draft of revision 1. The making of its sounds begins at once.
    ///
    /// `id` names a form that was shown: the same form sent twice begins one bulletin, and the second call gives it as
    /// it stands. `None` draws an id.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`]; [`ServiceError::NotFound`] for the area; [`ServiceError::Forbidden`] for area or class.
    pub async fn create(
        &self,
        who: &Principal,
        area: &AreaId,
        draft: &BulletinDraft,
        id: Option<BulletinId>,
    ) -> Result<BulletinView, ServiceError> {
        let id = id.unwrap_or_else(fresh_bulletin_id);
        let mut tx = self.0.store.write().await?;
        let begun = self.begin(&mut tx, who, area, draft, &id).await?;
        tx.commit().await?;
        self.tell_begun(&id);
        Ok(begun.view)
    }

    /// Begins a bulletin in the caller's transaction; what is in the database is then told by [`Bulletins::tell_begun`].
    ///
    /// # Errors
    /// As [`Bulletins::create`].
    pub(in crate::services) async fn begin(
        &self,
        c: &mut Connection,
        who: &Principal,
        area: &AreaId,
        draft: &BulletinDraft,
        id: &BulletinId,
    ) -> Result<Begun, ServiceError> {
        let area = areas::load(c, area).await?;
        require_to_write_some(who, &area.path)?;
        let content = draft.check(&self.0.drafts, &[])?;
        who.require(Action::Write(content.class), &area.path)?;
        if bulletins::get(c, id).await?.is_some() {
            let view = load(c, id).await?;
            let own = who.user_id().is_some_and(|user| view.latest.authors.contains(user));
            who.require(Action::Read, &view.bulletin.path)?;
            return if own { Ok(Begun { view, is_there_already: true }) } else { Err(stale()) };
        }
        let now = self.0.now();
        bulletins::insert(c, id, &area.id, now).await?;
        bulletins::insert_revision(c, id, 1, &content, now).await?;
        if let Some(author) = who.user_id() {
            bulletins::add_author(c, id, 1, author).await?;
        }
        self.put_tracks(c, (id, 1), &[], &content, now).await?;
        let view = load(c, id).await?;
        self.note(c, who, "bulletin.created", &view.bulletin, None, Some(summary(&view.latest))).await?;
        Ok(Begun { view, is_there_already: false })
    }

    /// Wakes whoever makes the sounds of a bulletin that was begun, and tells the pages.
    pub(in crate::services) fn tell_begun(&self, id: &BulletinId) {
        self.tell(id);
        self.0.nudges.speech.wake();
    }

    /// Changes a bulletin (`seen` is [`BulletinView::seen_words`]): a draft in place, anything else as a draft of the next revision. Sounds whose words did not
    /// change are kept.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], also for a prepared template that would be no emergency any more; [`ServiceError::NotFound`];
    /// [`ServiceError::Forbidden`] for the class that it had or the one that it gets; [`ServiceError::Conflict`] when it was changed since it was seen, or is withdrawn.
    pub async fn edit(
        &self,
        who: &Principal,
        id: &BulletinId,
        seen: &Seen,
        draft: &BulletinDraft,
    ) -> Result<BulletinView, ServiceError> {
        self.edit_with(who, id, seen, draft, None).await
    }

    /// An edit that may bring a sound by itself, with its speaker's consent in the same transaction.
    pub(super) async fn edit_with(
        &self,
        who: &Principal,
        id: &BulletinId,
        seen: &Seen,
        draft: &BulletinDraft,
        arrival: Option<&Arrival>,
    ) -> Result<BulletinView, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let before = load(&mut tx, id).await?;
        let path = &before.bulletin.path;
        who.require(Action::Write(before.latest.class), path)?;
        require_no_alert(&mut tx, id).await?;
        if arrival.is_some() {
            require_open(before.latest.state)?;
        }
        let content = draft.check(&self.0.drafts, &before.latest.tracks)?;
        who.require(Action::Write(content.class), path)?;
        if content.class != Class::Emergency && alert_templates::get(&mut tx, id).await?.is_some() {
            return Err(FieldErrors::one("class", template_class()).into());
        }
        self.save(&mut tx, who, &before, seen, &content).await?;
        let after = load(&mut tx, id).await?;
        let (was, is) = (summary(&before.latest), summary(&after.latest));
        self.note(&mut tx, who, "bulletin.edited", &after.bulletin, Some(was), Some(is)).await?;
        if let Some((upload, consent)) = arrival.and_then(|arrival| arrival.consent.as_ref()) {
            self.keep_consent(&mut tx, who, &after.bulletin, upload, consent).await?;
        }
        tx.commit().await?;
        self.tell(id);
        self.0.nudges.speech.wake();
        Ok(after)
    }

    /// Stores checked content over what `before` shows.
    async fn save(
        &self,
        tx: &mut Connection,
        who: &Principal,
        before: &BulletinView,
        seen: &Seen,
        content: &Content,
    ) -> Result<(), ServiceError> {
        let edit = before.latest.state.edit()?;
        // A sound that was finished meanwhile is no change that an author could overwrite.
        if seen.revision != before.latest.number
            || seen.digest.is_some_and(|d| d != before.latest.words_digest())
        {
            return Err(stale());
        }
        let (id, old) = (&before.bulletin.id, &before.latest);
        let now = self.0.now();
        let number = match edit {
            Edit::InPlace => {
                bulletins::update_revision(tx, id, old.number, content, now).await?;
                old.number
            }
            Edit::NextRevision { leaves, authors_carry_over } => {
                let number = old.number + 1;
                bulletins::set_state(tx, id, old.number, leaves).await?;
                bulletins::insert_revision(tx, id, number, content, now).await?;
                if authors_carry_over {
                    for author in &old.authors {
                        bulletins::add_author(tx, id, number, author).await?;
                    }
                }
                number
            }
        };
        if let Some(author) = who.user_id() {
            bulletins::add_author(tx, id, number, author).await?;
        }
        self.put_tracks(tx, (id, number), &old.tracks, content, now).await
    }

    /// Makes the revision's tracks those of the content. What an `old` track with the same words has, finished or in
    /// the making, is kept, save that an earlier revision read with other words of the area is spoken again.
    async fn put_tracks(
        &self,
        c: &mut Connection,
        (id, number): (&BulletinId, u32),
        old: &[Track],
        content: &Content,
        now: UnixMs,
    ) -> Result<(), ServiceError> {
        let here = tracks::of_revision(c, id, number).await?;
        let bulletin = bulletins::get(c, id).await?.ok_or(ServiceError::NotFound(Thing::Bulletin))?;
        let words_digest = self.0.words_digest(c, &bulletin.path).await?;
        for track in &here {
            if !content.tracks.contains(&track.content) {
                tracks::delete(c, &track.id).await?;
            }
        }
        for (position, wanted) in content.tracks.iter().enumerate() {
            if let Some(kept) = here.iter().find(|t| t.content == *wanted) {
                tracks::set_position(c, &kept.id, position).await?;
                speech_jobs::set_urgency(c, &kept.id, urgency(content.class)).await?;
                continue;
            }
            require_upload(c, position, wanted).await?;
            let same = old.iter().find(|t| t.content == *wanted && is_read_with(t, &words_digest));
            let object = same.and_then(|t| t.object.as_ref());
            let track = TrackId::fresh();
            tracks::insert(c, (id, number), position, &track, wanted, object).await?;
            if let Some(spoken) = same.filter(|t| t.object.is_some()).and_then(|t| t.spoken.as_ref()) {
                tracks::set_spoken(c, &track, spoken).await?;
            }
            if object.is_none() {
                speech_jobs::enqueue(c, &track, urgency(content.class), now).await?;
            }
        }
        Ok(())
    }
}

/// A bulletin that was begun.
pub(in crate::services) struct Begun {
    /// As it stands.
    pub(in crate::services) view: BulletinView,
    /// Whether the same form had begun it before.
    pub(in crate::services) is_there_already: bool,
}

/// A sound that comes by itself, not with the bulletin's form.
pub(super) struct Arrival {
    /// The recording, and what its speaker lets be done with it.
    pub(super) consent: Option<(ObjectHash, ConsentDraft)>,
}

/// Whether sounds are taken without opening the bulletin first.
fn require_open(state: RevisionState) -> Result<(), ServiceError> {
    match state {
        RevisionState::Draft | RevisionState::Rejected => Ok(()),
        RevisionState::Submitted => Err(ServiceError::Conflict(Message::fixed(
            "track.submitted",
            "Bản tin đã gửi duyệt nên chưa nhận bản tiếng này. Nếu vẫn muốn thay, hãy mở bản tin, chọn Sửa và lưu lại \
             thành bản nháp, rồi gửi lại bản tiếng. Bản tin khi đó phải được duyệt lại.",
            "The bulletin was sent for approval, so this sound was not taken. To replace the sound all the same, open the \
             bulletin, choose Edit and save it as a draft, then send the sound again. It then has to be approved anew.",
        ))),
        RevisionState::Approved => Err(ServiceError::Conflict(Message::fixed(
            "track.approved",
            "Bản tin đã được duyệt nên chưa nhận bản tiếng này. Nếu vẫn muốn thay, hãy mở bản tin, chọn Sửa và lưu lại \
             thành bản nháp, rồi gửi lại bản tiếng. Bản mới phải được duyệt trước khi phát.",
            "The bulletin is approved, so this sound was not taken. To replace the sound all the same, open the bulletin, \
             choose Edit and save it as a draft, then send the sound again. It has to be approved before it sounds.",
        ))),
        RevisionState::Withdrawn | RevisionState::Superseded => Ok(state.edit().map(drop)?),
    }
}

/// Whether a sound of an earlier revision is read as the area's words have it at this moment.
fn is_read_with(track: &Track, words_digest: &str) -> bool {
    match &track.spoken {
        Some(spoken) if track.content.language == Language::vietnamese() => {
            spoken.words_digest == words_digest
        }
        Some(_) | None => true,
    }
}

fn template_class() -> Message {
    Message::fixed(
        "template.class_fixed",
        "Mẫu soạn sẵn cho tình huống khẩn cấp luôn thuộc loại khẩn cấp. Muốn phát như bản tin thường, hãy soạn bản tin khác.",
        "What is prepared for emergencies stays of the class emergency. Write another bulletin to say it as a usual one.",
    )
}

/// A person who may write nothing here learns nothing about the form.
fn require_to_write_some(who: &Principal, path: &loa_protocol::area::AreaPath) -> Result<(), ServiceError> {
    if Class::ALL.into_iter().any(|class| who.may(Action::Write(class), path)) {
        return Ok(());
    }
    Ok(who.require(Action::Write(Class::Normal), path)?)
}

async fn require_upload(
    c: &mut Connection,
    position: usize,
    track: &TrackContent,
) -> Result<(), ServiceError> {
    let TrackSource::Recording { upload, .. } = &track.source else { return Ok(()) };
    if uploads::get(c, upload).await?.is_some() {
        return Ok(());
    }
    let missing = Message::fixed(
        "recording.missing",
        "Tệp thu âm này chưa được tải lên.",
        "This recording has not been uploaded.",
    );
    Err(FieldErrors::one(format!("tracks[{position}].upload"), missing).into())
}

/// Which sounds are made first.
pub(in crate::services) fn urgency(class: Class) -> u8 {
    match class {
        Class::Normal => 0,
        Class::Priority => 1,
        Class::Emergency => 2,
    }
}
