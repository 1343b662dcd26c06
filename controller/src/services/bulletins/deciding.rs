//! Submitting, approving, rejecting, withdrawing.

use std::sync::Arc;

use loa_protocol::bulletin::Class;
use loa_protocol::ids::BulletinId;

use super::{BulletinView, Bulletins, Seen, load, require_no_alert, stale, summary};
use crate::domain::bulletin::{Making, Revision, RevisionState, Stamp, Step};
use crate::domain::language::Languages;
use crate::domain::message::{FieldErrors, Message, UiLanguage};
use crate::domain::role::{Action, Principal};
use crate::services::{Alerts, ServiceError};
use crate::store::bulletins;

/// Longest remark of an approver, in characters.
const NOTE_MAX_CHARS: usize = 1_000;

impl Bulletins {
    /// Hands the latest revision to the approvers. Its sounds may still be in the making: the approval waits for them.
    /// One that could not be made is its author's to mend first, for no approver could.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`]; [`ServiceError::Conflict`] when it is no draft, when it
    /// was changed since it was seen, or when the sound of a track could not be made.
    pub async fn submit(
        &self,
        who: &Principal,
        id: &BulletinId,
        seen: &Seen,
    ) -> Result<BulletinView, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let before = load(&mut tx, id).await?;
        who.require(Action::Write(before.latest.class), &before.bulletin.path)?;
        require_no_alert(&mut tx, id).await?;
        // A sound may be finished between look and submission; the words must be those that were seen.
        let words = [before.latest.digest(), before.latest.words_digest()];
        if seen.revision != before.latest.number || seen.digest.is_some_and(|d| !words.contains(&d)) {
            return Err(stale());
        }
        let state = before.latest.state.after(Step::Submit)?;
        if let Some(failed) = failed_sound(&before.latest, self.0.languages()) {
            return Err(ServiceError::Conflict(failed.before(Step::Submit)));
        }
        let number = before.latest.number;
        bulletins::set_state(&mut tx, id, number, state).await?;
        bulletins::set_submitted(&mut tx, id, number, &self.stamp(who)).await?;
        let after = load(&mut tx, id).await?;
        self.note(&mut tx, who, "bulletin.submitted", &after.bulletin, None, Some(summary(&after.latest)))
            .await?;
        tx.commit().await?;
        self.tell(id);
        Ok(after)
    }

    /// Lets the latest revision sound: plans carry it from now on, in place of the one on air. A prepared template that reaches many
    /// households needs two people: after the first it stays as it is.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] without the right for its class and for the class of the one on air, which it ends;
    /// [`ServiceError::Conflict`] when the person wrote
    /// any part of it, when it is not submitted, when it is not what they saw and heard, or when a sound is not
    /// finished.
    pub async fn approve(
        &self,
        who: &Principal,
        id: &BulletinId,
        seen: &Seen,
        note: &str,
    ) -> Result<BulletinView, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let before = load(&mut tx, id).await?;
        let state = judge(who, &before, seen, Step::Approve)?;
        require_no_alert(&mut tx, id).await?;
        who.require(Action::Approve(weightier(&before)), &before.bulletin.path)?;
        if let Some(failed) = failed_sound(&before.latest, self.0.languages()) {
            return Err(ServiceError::Conflict(failed.before(Step::Approve)));
        }
        if !before.latest.is_audible() {
            return Err(ServiceError::Conflict(Message::fixed(
                "bulletin.audio_not_ready",
                "Còn bản tiếng chưa tạo xong nên chưa thể nghe và duyệt. Hãy đợi trong giây lát.",
                "The sound is not finished, so it cannot be heard and approved yet. Wait a moment.",
            )));
        }
        let note = check_note(note)?;
        let number = before.latest.number;
        if !Alerts(Arc::clone(&self.0)).has_enough_approvals(&mut tx, who, &before).await? {
            let after = Some(summary(&before.latest));
            self.note(&mut tx, who, "bulletin.approved_first", &before.bulletin, None, after).await?;
            tx.commit().await?;
            self.tell(id);
            return Ok(before);
        }
        if let Some(on_air) = before.bulletin.on_air {
            bulletins::set_state(&mut tx, id, on_air, RevisionState::Superseded).await?;
        }
        bulletins::set_state(&mut tx, id, number, state).await?;
        let digest = before.latest.digest();
        bulletins::set_decided(&mut tx, id, number, &self.stamp(who), &digest, note.as_deref()).await?;
        bulletins::set_on_air(&mut tx, id, Some(number)).await?;
        let after = load(&mut tx, id).await?;
        let was = before.on_air.as_ref().map(summary);
        self.note(&mut tx, who, "bulletin.approved", &after.bulletin, was, Some(summary(&after.latest)))
            .await?;
        tx.commit().await?;
        self.tell(id);
        self.0.nudges.plans.wake();
        Ok(after)
    }

    /// Refuses the latest revision, with a reason for its authors. The one on air, if any, stays.
    ///
    /// # Errors
    /// As [`Bulletins::approve`], save that the sounds need not be finished; [`ServiceError::Invalid`] without reason.
    pub async fn reject(
        &self,
        who: &Principal,
        id: &BulletinId,
        seen: &Seen,
        reason: &str,
    ) -> Result<BulletinView, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let before = load(&mut tx, id).await?;
        let state = judge(who, &before, seen, Step::Reject)?;
        require_no_alert(&mut tx, id).await?;
        let Some(reason) = check_note(reason)? else {
            let missing = Message::fixed(
                "reason.empty",
                "Hãy ghi ý kiến để người soạn biết cần sửa gì.",
                "Give a reason, so that the author knows what to change.",
            );
            return Err(FieldErrors::one("reason", missing).into());
        };
        let number = before.latest.number;
        bulletins::set_state(&mut tx, id, number, state).await?;
        let digest = before.latest.digest();
        bulletins::set_decided(&mut tx, id, number, &self.stamp(who), &digest, Some(&reason)).await?;
        let after = load(&mut tx, id).await?;
        self.note(&mut tx, who, "bulletin.rejected", &after.bulletin, None, Some(summary(&after.latest)))
            .await?;
        tx.commit().await?;
        self.tell(id);
        Ok(after)
    }

    /// Takes a bulletin back for good: nothing of it sounds any more, and it cannot be edited. An author or an approver
    /// of its class and of the one on air may do it, whatever they saw: stopping is never too late.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`]; [`ServiceError::Conflict`] when it is withdrawn already.
    pub async fn withdraw(&self, who: &Principal, id: &BulletinId) -> Result<BulletinView, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let before = load(&mut tx, id).await?;
        let (class, path) = (weightier(&before), &before.bulletin.path);
        if !who.may(Action::Approve(class), path) {
            who.require(Action::Write(class), path)?;
        }
        require_no_alert(&mut tx, id).await?;
        let state = before.latest.state.after(Step::Withdraw)?;
        bulletins::set_state(&mut tx, id, before.latest.number, state).await?;
        if let Some(on_air) = before.bulletin.on_air {
            bulletins::set_state(&mut tx, id, on_air, RevisionState::Withdrawn).await?;
        }
        bulletins::set_withdrawn(&mut tx, id, self.0.now()).await?;
        let after = load(&mut tx, id).await?;
        let was = before.on_air.as_ref().unwrap_or(&before.latest);
        let (was, is) = (summary(was), summary(&after.latest));
        self.note(&mut tx, who, "bulletin.withdrawn", &after.bulletin, Some(was), Some(is)).await?;
        tx.commit().await?;
        self.tell(id);
        self.0.nudges.plans.wake();
        Ok(after)
    }

    fn stamp(&self, who: &Principal) -> Stamp {
        Stamp { at: self.0.now(), by: who.actor() }
    }
}

/// The state after an approver's decision, if this person may take it, on this revision, having seen this.
fn judge(
    who: &Principal,
    view: &BulletinView,
    seen: &Seen,
    step: Step,
) -> Result<RevisionState, ServiceError> {
    let revision = &view.latest;
    who.require(Action::Approve(revision.class), &view.bulletin.path)?;
    let state = revision.state.after(step)?;
    let own = who.user_id().is_none_or(|user| revision.authors.contains(user));
    if own {
        return Err(ServiceError::Conflict(Message::fixed(
            "bulletin.own",
            "Người đã soạn hoặc sửa bản tin không được tự duyệt; cần người khác duyệt.",
            "Whoever wrote or edited a bulletin may not judge it; somebody else has to.",
        )));
    }
    if seen.revision != revision.number || seen.digest != Some(revision.digest()) {
        return Err(stale());
    }
    Ok(state)
}

/// The higher of the classes of the latest revision and the one on air: whoever ends an emergency needs the right for
/// one, whatever a later draft is called.
fn weightier(view: &BulletinView) -> Class {
    view.on_air.iter().map(|revision| revision.class).fold(view.latest.class, Class::max)
}

/// A track whose sound could not be made: its language and the reason, in both languages of the product.
struct FailedSound {
    language: [String; 2],
    reason: [String; 2],
}

/// The first track whose sound could not be made.
fn failed_sound(revision: &Revision, languages: &Languages) -> Option<FailedSound> {
    revision.tracks.iter().find_map(|track| {
        let Making::Failed(error) = &track.making else { return None };
        let code = track.content.language.as_str();
        let name = |ui| languages.name_within(code, ui);
        Some(FailedSound {
            language: [name(UiLanguage::Vietnamese), name(UiLanguage::English)],
            reason: error.sentences().into(),
        })
    })
}

impl FailedSound {
    /// Which track it is, why, and who does what about it.
    fn before(&self, step: Step) -> Message {
        let [language_vi, language_en] = &self.language;
        let [reason_vi, reason_en] = &self.reason;
        let (todo_vi, todo_en) = match step {
            Step::Submit => (
                "Hãy bấm “Làm lại” ở bản này hoặc sửa bản này, rồi trình duyệt.",
                "Press “Try again” at this track or change it, then submit.",
            ),
            Step::Approve | Step::Reject | Step::Withdraw => (
                "Người soạn cần bấm “Làm lại” ở bản này hoặc sửa bản này; người duyệt có thể trả lại kèm ý kiến.",
                "Its author has to press “Try again” at this track or change it; you can reject it with a reason.",
            ),
        };
        Message::written(
            "bulletin.audio_failed",
            format!("Chưa tạo được bản {language_vi}: {reason_vi} {todo_vi}"),
            format!("The sound of the track in {language_en} could not be made: {reason_en} {todo_en}"),
        )
    }
}

fn check_note(note: &str) -> Result<Option<String>, ServiceError> {
    let note = crate::domain::bulletin::text::body(note);
    if note.chars().count() > NOTE_MAX_CHARS {
        let long = Message::written(
            "reason.too_long",
            format!("Ý kiến dài quá {NOTE_MAX_CHARS} ký tự."),
            format!("The remark is longer than {NOTE_MAX_CHARS} characters."),
        );
        return Err(FieldErrors::one("reason", long).into());
    }
    Ok((!note.is_empty()).then_some(note))
}
