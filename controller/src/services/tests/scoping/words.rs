//! Bulletins, from the first word to their withdrawal, and the data set of their recordings.

use loa_protocol::ids::ObjectHash;

use super::{Call, EVERY, call};
use crate::domain::bulletin::{ConsentDraft, SourceDraft, TrackDraft};
use crate::domain::role::Principal;
use crate::domain::role::Role::{Approver, Author};
use crate::services::story::{area, draft, vietnamese};
use crate::services::{Seen, ServiceError, Thing};

pub(super) fn calls() -> Vec<Call> {
    vec![
        ("bulletins.get", EVERY, call!(|a, w| a.story.services.bulletins.get(w, &a.draft.bulletin.id))),
        (
            "bulletins.history",
            EVERY,
            call!(|a, w| a.story.services.bulletins.history(w, &a.draft.bulletin.id)),
        ),
        (
            "bulletins.revision",
            EVERY,
            call!(|a, w| a.story.services.bulletins.revision(w, &a.draft.bulletin.id, 1)),
        ),
        (
            "bulletins.create",
            &[Author],
            call!(|a, w| async move {
                a.story.services.bulletins.create(w, &area("thon-1"), &draft(), None).await
            }),
        ),
        (
            "bulletins.edit",
            &[Author],
            call!(|a, w| async move {
                let seen = Seen { revision: 1, digest: None };
                a.story.services.bulletins.edit(w, &a.draft.bulletin.id, &seen, &draft()).await
            }),
        ),
        (
            "bulletins.put_track",
            &[Author],
            call!(|a, w| async move {
                let source =
                    SourceDraft::Speech { text: String::new(), voice: String::new(), words_per_minute: None };
                let track = TrackDraft { language: "vi".to_owned(), source };
                let seen = Seen { revision: 1, digest: None };
                a.story.services.bulletins.put_track(w, &a.draft.bulletin.id, &seen, track, None).await
            }),
        ),
        (
            "bulletins.to_record",
            &[Author],
            call!(|a, w| a.story.services.bulletins.to_record(w, &a.draft.bulletin.id)),
        ),
        ("speech_data.collect", &[], call!(|a, w| a.story.services.speech_data.collect(w))),
        ("speech_data.note_fetched", &[], call!(|a, w| a.story.services.speech_data.note_fetched(w))),
        (
            "speech_data.close",
            &[],
            call!(|a, w| async move { a.story.services.speech_data.close(w).await.map(drop) }),
        ),
        (
            "bulletins.recording_reports",
            EVERY,
            call!(|a, w| a.story.services.bulletins.recording_reports(w, &a.draft.bulletin.id)),
        ),
        (
            "bulletins.consents",
            EVERY,
            call!(|a, w| a.story.services.bulletins.consents(w, &a.draft.bulletin.id)),
        ),
        (
            "bulletins.note_consent",
            &[Author],
            call!(|a, w| async move {
                let consent = ConsentDraft { speaker: "K' Brèo".to_owned(), place: String::new() };
                let (id, nothing) = (&a.draft.bulletin.id, ObjectHash::of(b"nothing"));
                match a.story.services.bulletins.note_consent(w, id, &nothing, &consent).await {
                    Err(ServiceError::NotFound(Thing::Track)) => Ok(()),
                    other => other,
                }
            }),
        ),
        (
            "bulletins.withdraw_consent",
            &[Author, Approver],
            call!(|a, w| async move {
                let nothing = ObjectHash::of(b"nothing");
                match a.story.services.bulletins.withdraw_consent(w, &a.draft.bulletin.id, &nothing).await {
                    Err(ServiceError::NotFound(Thing::Consent)) => Ok(()),
                    other => other,
                }
            }),
        ),
        (
            "bulletins.remove_track",
            &[Author],
            call!(|a, w| async move {
                let seen = Seen { revision: 1, digest: None };
                a.story.services.bulletins.remove_track(w, &a.draft.bulletin.id, &seen, &vietnamese()).await
            }),
        ),
        (
            "bulletins.retry_track",
            &[Author],
            call!(|a, w| async move {
                let view =
                    a.story.services.bulletins.get(&Principal::operator(), &a.draft.bulletin.id).await?;
                a.story
                    .services
                    .bulletins
                    .retry_track(w, &a.draft.bulletin.id, &view.latest.tracks[0].id)
                    .await
            }),
        ),
        (
            "bulletins.submit",
            &[Author],
            call!(|a, w| async move {
                let seen = Seen { revision: 1, digest: None };
                match a.story.services.bulletins.submit(w, &a.draft.bulletin.id, &seen).await {
                    Err(ServiceError::Conflict(_)) => Ok(()),
                    other => other.map(drop),
                }
            }),
        ),
        (
            "bulletins.reject",
            &[Approver],
            call!(|a, w| async move {
                match a
                    .story
                    .services
                    .bulletins
                    .reject(w, &a.submitted.bulletin.id, &a.submitted.seen(), "")
                    .await
                {
                    Err(ServiceError::Invalid(_)) => Ok(()),
                    other => other.map(drop),
                }
            }),
        ),
        (
            "bulletins.approve",
            &[Approver],
            call!(|a, w| async move {
                match a
                    .story
                    .services
                    .bulletins
                    .approve(w, &a.submitted.bulletin.id, &a.submitted.seen(), "")
                    .await
                {
                    Err(ServiceError::Conflict(_)) => Ok(()),
                    other => other.map(drop),
                }
            }),
        ),
        (
            "bulletins.withdraw",
            &[Author, Approver],
            call!(|a, w| async move {
                match a.story.services.bulletins.withdraw(w, &a.submitted.bulletin.id).await {
                    Err(ServiceError::Conflict(_)) => Ok(()),
                    other => other.map(drop),
                }
            }),
        ),
    ]
}
