//! What a speaker lets be done with a recording: noted when somebody says so, never before, and taken back for good.

use loa_protocol::ids::ObjectHash;

use crate::domain::bulletin::{BulletinDraft, ConsentDraft, SourceDraft, TrackDraft};
use crate::domain::role::{Principal, Role};
use crate::services::story::{Story, area, draft};
use crate::services::{BulletinView, ServiceError, Thing};
use crate::store::audit::AuditFilter;
use crate::store::consents;
use crate::sweep::Settings;

const DAY_MS: i64 = 86_400_000;

struct Studio {
    story: Story,
    author: Principal,
    approver: Principal,
}

impl Studio {
    async fn new() -> Self {
        let story = Story::new().await;
        let author = story.person("lan", Role::Author, "da-don").await;
        let approver = story.person("minh", Role::Approver, "da-don").await;
        Self { story, author, approver }
    }

    async fn upload(&self, bytes: &[u8]) -> ObjectHash {
        let mut writer = self.story.services.uploads.begin(&self.author, "kho.ogg").await.unwrap();
        writer.write(bytes).await.unwrap();
        writer.finish().await.unwrap().hash
    }

    async fn record(
        &self,
        view: &BulletinView,
        upload: &ObjectHash,
        consent: Option<ConsentDraft>,
    ) -> Result<BulletinView, ServiceError> {
        let bulletins = &self.story.services.bulletins;
        bulletins.put_track(&self.author, &view.bulletin.id, &view.seen_words(), track(upload), consent).await
    }

    async fn approved(&self, view: &BulletinView) -> BulletinView {
        self.story.make_sounds().await;
        let bulletins = &self.story.services.bulletins;
        let view = bulletins.get(&self.author, &view.bulletin.id).await.unwrap();
        let view = bulletins.submit(&self.author, &view.bulletin.id, &view.seen()).await.unwrap();
        bulletins.approve(&self.approver, &view.bulletin.id, &view.seen(), "").await.unwrap()
    }

    fn sweeper(&self) -> Settings {
        let services = &self.story.services;
        Settings {
            store: services.store().clone(),
            objects: services.objects().clone(),
            uploads: services.recordings().clone(),
            upload_kept_h: 24,
            sound_kept_days: 90,
            clock: self.story.clock.clone(),
        }
    }
}

fn track(upload: &ObjectHash) -> TrackDraft {
    let source = SourceDraft::Recording {
        upload: upload.to_string(),
        file_name: "kho.ogg".to_owned(),
        transcript: "Ơ bol kòn bòn!\r\n".to_owned(),
    };
    TrackDraft { language: "kpm".to_owned(), source }
}

fn breo() -> ConsentDraft {
    ConsentDraft { speaker: " K' Brèo".to_owned(), place: "Bon Đưng".to_owned() }
}

#[tokio::test]
async fn a_recording_has_no_consent_until_somebody_notes_one() {
    let studio = Studio::new().await;
    let bulletins = &studio.story.services.bulletins;
    let view = studio.story.bulletin(&studio.author).await;
    let id = &view.bulletin.id;
    let take = studio.upload(b"take").await;
    let view = studio.record(&view, &take, None).await.unwrap();
    assert_eq!(bulletins.consents(&studio.author, id).await.unwrap(), []);

    let nameless = ConsentDraft::default();
    let refused = bulletins.note_consent(&studio.author, id, &take, &nameless).await.unwrap_err();
    assert!(
        matches!(&refused, ServiceError::Invalid(e) if e.to_string() == "speaker: speaker.empty"),
        "{refused}"
    );
    let other = studio.upload(b"of another bulletin").await;
    let strange = bulletins.note_consent(&studio.author, id, &other, &breo()).await.unwrap_err();
    assert!(matches!(strange, ServiceError::NotFound(Thing::Track)));

    bulletins.note_consent(&studio.author, id, &take, &breo()).await.unwrap();
    let noted = bulletins.consents(&studio.approver, id).await.unwrap();
    assert_eq!((noted[0].0, noted[0].1.speaker.as_str(), noted[0].1.stands()), (take, "K' Brèo", true));
    assert_eq!(noted[0].1.noted.by, studio.author.user_id().unwrap().as_str());
    // A second take has another voice in it, perhaps: it needs a consent of its own.
    let second = studio.upload(b"second take").await;
    studio.record(&view, &second, None).await.unwrap();
    let noted = bulletins.consents(&studio.author, id).await.unwrap();
    assert_eq!(noted.iter().map(|(upload, _)| *upload).collect::<Vec<_>>(), [take]);
}

#[tokio::test]
async fn a_recording_that_is_sent_again_is_one_edit_with_one_consent() {
    let studio = Studio::new().await;
    let before = studio.story.bulletin(&studio.author).await;
    let take = studio.upload(b"take").await;
    let first = studio.record(&before, &take, Some(breo())).await.unwrap();
    // The answer was lost; the page sends what it had before it.
    let again = studio.record(&before, &take, Some(breo())).await.unwrap();
    assert_eq!(again.latest, first.latest);
    let nameless = studio.record(&before, &take, Some(ConsentDraft::default())).await;
    assert!(matches!(nameless, Err(ServiceError::Invalid(_))));
    let bulletins = &studio.story.services.bulletins;
    assert_eq!(bulletins.consents(&studio.author, &before.bulletin.id).await.unwrap().len(), 1);
    // With other words, it is another edit.
    let other = TrackDraft {
        source: SourceDraft::Recording {
            upload: take.to_string(),
            file_name: "kho.ogg".to_owned(),
            transcript: "Ơ bol!".to_owned(),
        },
        ..track(&take)
    };
    let seen = before.seen_words();
    let stale = bulletins.put_track(&studio.author, &before.bulletin.id, &seen, other, None).await;
    assert!(matches!(stale, Err(ServiceError::Conflict(_))));
}

#[tokio::test]
async fn a_recording_that_is_sent_again_brings_back_no_consent_that_was_withdrawn() {
    let studio = Studio::new().await;
    let bulletins = &studio.story.services.bulletins;
    let before = studio.story.bulletin(&studio.author).await;
    let id = &before.bulletin.id;
    let take = studio.upload(b"take").await;
    studio.record(&before, &take, Some(breo())).await.unwrap();
    bulletins.withdraw_consent(&studio.approver, id, &take).await.unwrap();
    // The page of whoever recorded it never got its answer, and tries again by itself.
    studio.record(&before, &take, Some(breo())).await.unwrap();
    assert!(!bulletins.consents(&studio.author, id).await.unwrap()[0].1.stands());
    // Who is asked anew and agrees is noted where it was withdrawn.
    bulletins.note_consent(&studio.author, id, &take, &breo()).await.unwrap();
    assert!(bulletins.consents(&studio.author, id).await.unwrap()[0].1.stands());
}

#[tokio::test]
async fn a_consent_that_is_refused_leaves_the_bulletin_alone() {
    let studio = Studio::new().await;
    let before = studio.story.bulletin(&studio.author).await;
    let take = studio.upload(b"take").await;
    let refused = studio.record(&before, &take, Some(ConsentDraft::default())).await;
    assert!(matches!(refused, Err(ServiceError::Invalid(_))));
    let now = studio.story.services.bulletins.get(&studio.author, &before.bulletin.id).await.unwrap();
    assert_eq!(now.latest, before.latest);
}

#[tokio::test]
async fn a_consent_is_taken_back_with_the_name_and_the_log_tells_without_it() {
    let studio = Studio::new().await;
    let bulletins = &studio.story.services.bulletins;
    let view = studio.story.bulletin(&studio.author).await;
    let id = view.bulletin.id.clone();
    let take = studio.upload(b"take").await;
    let view = studio.record(&view, &take, Some(breo())).await.unwrap();
    studio.approved(&view).await;
    bulletins.withdraw_consent(&studio.approver, &id, &take).await.unwrap();
    let twice = bulletins.withdraw_consent(&studio.author, &id, &take).await;
    assert!(matches!(twice, Err(ServiceError::NotFound(Thing::Consent))));

    let (_, consent) = bulletins.consents(&studio.author, &id).await.unwrap().remove(0);
    assert_eq!((consent.speaker.as_str(), consent.place.as_str(), consent.stands()), ("", "", false));
    assert_eq!(consent.withdrawn.unwrap().by, studio.approver.user_id().unwrap().as_str());
    let filter = AuditFilter { subject_id: Some(id.to_string()), limit: 50, ..AuditFilter::default() };
    let log = studio.story.services.audit.list(&studio.approver, &filter).await.unwrap();
    let deeds: Vec<&str> = log.iter().map(|entry| entry.action.as_str()).collect();
    assert!(deeds.contains(&"consent.noted") && deeds.contains(&"consent.withdrawn"), "{deeds:?}");
    assert!(log.iter().all(|entry| !format!("{entry:?}").contains("Brèo")), "{log:?}");
}

#[tokio::test]
async fn an_officer_of_another_commune_sees_and_does_nothing() {
    let studio = Studio::new().await;
    let bulletins = &studio.story.services.bulletins;
    let view = studio.story.bulletin(&studio.author).await;
    let id = &view.bulletin.id;
    let take = studio.upload(b"take").await;
    studio.record(&view, &take, Some(breo())).await.unwrap();
    for role in Role::ALL {
        let stranger = studio.story.person(&format!("{}-x", role.as_str()), role, "phu-son").await;
        let asked = bulletins.consents(&stranger, id).await;
        assert!(matches!(asked, Err(ServiceError::Forbidden(_))), "{role:?}");
        let noted = bulletins.note_consent(&stranger, id, &take, &breo()).await;
        assert!(matches!(noted, Err(ServiceError::Forbidden(_))), "{role:?}");
        let withdrawn = bulletins.withdraw_consent(&stranger, id, &take).await;
        assert!(matches!(withdrawn, Err(ServiceError::Forbidden(_))), "{role:?}");
    }
    assert!(bulletins.consents(&studio.author, id).await.unwrap()[0].1.stands());
}

#[tokio::test]
async fn an_approved_recording_is_kept_for_as_long_as_its_consent_stands() {
    let studio = Studio::new().await;
    let bulletins = &studio.story.services.bulletins;
    let (with, without) = (studio.upload(b"with").await, studio.upload(b"without").await);
    let mut ids = Vec::new();
    for (upload, consent) in [(&with, Some(breo())), (&without, None)] {
        let view = bulletins.create(&studio.author, &area("da-don"), &draft(), None).await.unwrap();
        let view = studio.record(&view, upload, consent).await.unwrap();
        let view = studio.approved(&view).await;
        // A later revision without the recording takes its place.
        let spoken = BulletinDraft { text: "Lời khác.".to_owned(), ..draft() };
        let view =
            bulletins.edit(&studio.author, &view.bulletin.id, &view.seen_words(), &spoken).await.unwrap();
        ids.push(studio.approved(&view).await.bulletin.id);
    }
    studio.story.clock.advance(400 * DAY_MS);
    let sweeper = studio.sweeper();
    sweeper.sweep().await.unwrap();
    assert!(sweeper.uploads.contains(&with).await.unwrap());
    assert!(!sweeper.uploads.contains(&without).await.unwrap());

    bulletins.withdraw_consent(&studio.author, &ids[0], &with).await.unwrap();
    sweeper.sweep().await.unwrap();
    assert!(!sweeper.uploads.contains(&with).await.unwrap());
}

#[tokio::test]
async fn nothing_is_known_of_the_speaker_of_a_take_that_was_thrown_away() {
    let studio = Studio::new().await;
    let bulletins = &studio.story.services.bulletins;
    let view = studio.story.bulletin(&studio.author).await;
    let take = studio.upload(b"take").await;
    let view = studio.record(&view, &take, Some(breo())).await.unwrap();
    let kpm = view.latest.tracks[1].content.language.clone();
    bulletins.remove_track(&studio.author, &view.bulletin.id, &view.seen_words(), &kpm).await.unwrap();
    studio.sweeper().sweep().await.unwrap();
    assert_eq!(bulletins.consents(&studio.author, &view.bulletin.id).await.unwrap(), []);
}

#[tokio::test]
async fn a_speaker_s_name_goes_with_the_bulletin_that_was_withdrawn() {
    let studio = Studio::new().await;
    let bulletins = &studio.story.services.bulletins;
    let (gone, back) = (studio.upload(b"gone").await, studio.upload(b"back").await);
    let mut views = Vec::new();
    for take in [&gone, &back] {
        let view = bulletins.create(&studio.author, &area("da-don"), &draft(), None).await.unwrap();
        let view = studio.record(&view, take, Some(breo())).await.unwrap();
        views.push(studio.approved(&view).await);
    }
    let ids: Vec<_> = views.iter().map(|view| &view.bulletin.id).collect();
    bulletins.withdraw_consent(&studio.author, ids[1], &back).await.unwrap();
    studio.sweeper().sweep().await.unwrap();
    assert_eq!(bulletins.consents(&studio.author, ids[0]).await.unwrap().len(), 1);
    for id in &ids {
        bulletins.withdraw(&studio.approver, id).await.unwrap();
    }
    studio.sweeper().sweep().await.unwrap();
    assert_eq!(bulletins.consents(&studio.author, ids[0]).await.unwrap(), []);
    let kept = bulletins.consents(&studio.author, ids[1]).await.unwrap();
    assert!(kept.len() == 1 && !kept[0].1.stands() && kept[0].1.speaker.is_empty(), "it keeps the bytes out");
    let late = bulletins.note_consent(&studio.author, ids[0], &gone, &breo()).await;
    assert!(matches!(late, Err(ServiceError::Conflict(_))), "{late:?}");
}

#[tokio::test]
async fn a_speaker_s_name_goes_with_a_revision_that_was_never_approved() {
    let studio = Studio::new().await;
    let bulletins = &studio.story.services.bulletins;
    let view = studio.story.bulletin(&studio.author).await;
    let id = &view.bulletin.id;
    let take = studio.upload(b"take").await;
    studio.record(&view, &take, Some(breo())).await.unwrap();
    studio.story.make_sounds().await;
    let view = bulletins.get(&studio.author, id).await.unwrap();
    bulletins.submit(&studio.author, id, &view.seen()).await.unwrap();
    bulletins.reject(&studio.approver, id, &view.seen(), "Đọc lại.").await.unwrap();
    studio.sweeper().sweep().await.unwrap();
    assert_eq!(bulletins.consents(&studio.author, id).await.unwrap().len(), 1, "it may be sent again");
    let kpm = view.latest.tracks[1].content.language.clone();
    bulletins.remove_track(&studio.author, id, &view.seen_words(), &kpm).await.unwrap();
    studio.sweeper().sweep().await.unwrap();
    assert_eq!(bulletins.consents(&studio.author, id).await.unwrap(), []);
}

#[tokio::test]
async fn what_the_data_set_may_take_is_told_with_its_reasons() {
    let studio = Studio::new().await;
    let view = studio.story.bulletin(&studio.author).await;
    let take = studio.upload(b"take").await;
    let view = studio.record(&view, &take, Some(breo())).await.unwrap();
    let recordings = async || {
        let mut tx = studio.story.services.store().read().await.unwrap();
        consents::recordings(&mut tx).await.unwrap()
    };
    let draft = recordings().await.remove(0);
    assert_eq!((draft.approved, draft.transcript.as_str(), draft.kept), (None, "Ơ bol kòn bòn!", true));
    studio.approved(&view).await;
    let approved = recordings().await;
    assert_eq!(approved.len(), 1);
    assert_eq!(approved[0].approved, Some(studio.story.clock.now()));
    assert_eq!(approved[0].consent.as_ref().unwrap().place, "Bon Đưng");
    assert!(!approved[0].withdrawn_anywhere);
    let bulletins = &studio.story.services.bulletins;
    bulletins.withdraw(&studio.approver, &view.bulletin.id).await.unwrap();
    assert_eq!(recordings().await[0].approved, None, "why it was taken back is not known");
}
