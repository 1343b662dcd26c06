//! From a typed text to an approved bulletin, and everything that must not get there.

use loa_protocol::bulletin::Class;

use crate::domain::bulletin::{Making, MakingError, RevisionState, SourceDraft, TrackDraft};
use crate::domain::role::{ClassSet, Role};
use crate::services::story::{NOON, Story, area, draft};
use crate::services::{Seen, ServiceError};
use crate::store::audit::AuditFilter;
use crate::store::speech_jobs;

fn code(error: &ServiceError) -> &'static str {
    error.message().code
}

#[tokio::test]
async fn one_writes_another_approves_and_the_log_tells() {
    let story = Story::new().await;
    let author = story.person("lan", Role::Author, "da-don").await;
    let approver = story.person("minh", Role::Approver, "da-don").await;
    let bulletins = &story.services.bulletins;
    let view = story.submitted(&author).await;
    story.services.nudges().speech.woken().await_or_fail().await;
    assert_eq!(view.latest.state, RevisionState::Submitted);
    assert_eq!(view.on_air, None);
    let view = bulletins.approve(&approver, &view.bulletin.id, &view.seen(), "tốt").await.unwrap();
    assert_eq!(view.latest.state, RevisionState::Approved);
    assert_eq!(view.bulletin.on_air, Some(1));
    assert_eq!(view.latest.decision_note.as_deref(), Some("tốt"));
    assert_eq!(view.latest.decided.as_ref().map(|s| s.by.as_str()), approver.user_id().map(|u| u.as_str()));
    story.services.nudges().plans.woken().await_or_fail().await;

    let filter =
        AuditFilter { subject_id: Some(view.bulletin.id.to_string()), limit: 10, ..AuditFilter::default() };
    let log = story.services.audit.list(&approver, &filter).await.unwrap();
    let told: Vec<(&str, &str)> = log.iter().map(|e| (e.action.as_str(), e.actor_name.as_str())).collect();
    assert_eq!(
        told,
        [("bulletin.approved", "minh"), ("bulletin.submitted", "lan"), ("bulletin.created", "lan")]
    );
    assert!(log[0].after.as_ref().unwrap().contains(r#""state":"approved""#), "{:?}", log[0]);
}

/// A nudge that was given ends the wait at once; one that was not must fail the test, not hang it.
trait AwaitOrFail {
    async fn await_or_fail(self);
}

impl<F: Future<Output = ()>> AwaitOrFail for F {
    async fn await_or_fail(self) {
        let waited = tokio::time::timeout(std::time::Duration::from_secs(10), self).await;
        assert!(waited.is_ok(), "nobody was nudged");
    }
}

#[tokio::test]
async fn an_author_never_approves_their_own_whatever_roles_they_hold() {
    let story = Story::new().await;
    let mut both = story.person("lan", Role::Author, "da-don").await;
    both.grants.extend(story.person("xuan", Role::Approver, "da-don").await.grants);
    let mut other = story.person("minh", Role::Approver, "da-don").await;
    let bulletins = &story.services.bulletins;

    let view = story.submitted(&both).await;
    let id = &view.bulletin.id;
    assert_eq!(code(&bulletins.approve(&both, id, &view.seen(), "").await.unwrap_err()), "bulletin.own");
    assert_eq!(code(&bulletins.reject(&both, id, &view.seen(), "x").await.unwrap_err()), "bulletin.own");

    // Whoever edits a revision is an author of it, and so are those whose unapproved words it keeps.
    other.grants.extend(both.grants.clone());
    let mut longer = draft();
    longer.text.push_str(" Hãy cảm ơn.");
    let view = bulletins.edit(&other, id, &view.seen_words(), &longer).await.unwrap();
    assert_eq!((view.latest.number, view.latest.state), (2, RevisionState::Draft));
    story.make_sounds().await;
    let view = bulletins.get(&other, id).await.unwrap();
    let view = bulletins.submit(&other, id, &view.seen()).await.unwrap();
    for author in [&both, &other] {
        assert_eq!(code(&bulletins.approve(author, id, &view.seen(), "").await.unwrap_err()), "bulletin.own");
    }
    let third = story.person("hoa", Role::Approver, "lam-dong").await;
    bulletins.approve(&third, id, &view.seen(), "").await.unwrap();
}

#[tokio::test]
async fn what_was_not_seen_and_heard_is_not_approved() {
    let story = Story::new().await;
    let author = story.person("lan", Role::Author, "da-don").await;
    let approver = story.person("minh", Role::Approver, "da-don").await;
    let bulletins = &story.services.bulletins;

    let made = bulletins.create(&author, &area("da-don"), &draft(), None).await.unwrap();
    let id = &made.bulletin.id;
    let refused = bulletins.approve(&approver, id, &made.seen(), "").await.unwrap_err();
    assert_eq!(code(&refused), "bulletin.wrong_state", "a draft");
    let silent = bulletins.submit(&author, id, &made.seen()).await.unwrap();
    let refused = bulletins.approve(&approver, id, &silent.seen(), "").await.unwrap_err();
    assert_eq!(code(&refused), "bulletin.audio_not_ready");
    story.make_sounds().await;
    let refused = bulletins.approve(&approver, id, &silent.seen(), "").await.unwrap_err();
    assert_eq!(code(&refused), "bulletin.stale", "the sound was not there when they looked");
    let heard = bulletins.get(&approver, id).await.unwrap();
    let unseen = Seen { revision: 1, digest: None };
    assert_eq!(code(&bulletins.approve(&approver, id, &unseen, "").await.unwrap_err()), "bulletin.stale");
    bulletins.approve(&approver, id, &heard.seen(), "").await.unwrap();
    let again = bulletins.approve(&approver, id, &heard.seen(), "").await.unwrap_err();
    assert_eq!(code(&again), "bulletin.wrong_state", "twice");
}

#[tokio::test]
async fn an_approver_is_told_of_a_sound_that_failed_while_they_waited() {
    let story = Story::new().await;
    let author = story.person("lan", Role::Author, "da-don").await;
    let approver = story.person("minh", Role::Approver, "da-don").await;
    let bulletins = &story.services.bulletins;
    let made = bulletins.create(&author, &area("da-don"), &draft(), None).await.unwrap();
    let id = &made.bulletin.id;
    let view = bulletins.submit(&author, id, &made.seen()).await.unwrap();
    let error = MakingError { code: "x".to_owned(), vi: "Hỏng.".to_owned(), en: "Broken.".to_owned() };
    let mut tx = story.services.store().write().await.unwrap();
    let job = speech_jobs::claim(&mut tx, NOON).await.unwrap().unwrap();
    speech_jobs::fail(&mut tx, &job.track.id, &error, NOON).await.unwrap();
    tx.commit().await.unwrap();
    let refused = bulletins.approve(&approver, id, &view.seen(), "").await.unwrap_err().message();
    assert_eq!(refused.code, "bulletin.audio_failed");
    assert!(
        refused.en.starts_with("The sound of the track in Vietnamese could not be made: Broken. Its author")
    );
    bulletins.retry_track(&author, id, &made.latest.tracks[0].id).await.unwrap();
    story.make_sounds().await;
    let view = bulletins.get(&approver, id).await.unwrap();
    bulletins.approve(&approver, id, &view.seen(), "").await.unwrap();
}

#[tokio::test]
async fn an_edit_of_an_approved_bulletin_needs_approval_again_while_the_old_one_stays_on_air() {
    let story = Story::new().await;
    let author = story.person("lan", Role::Author, "da-don").await;
    let approver = story.person("minh", Role::Approver, "da-don").await;
    let bulletins = &story.services.bulletins;
    let first = story.approved(&author, &approver).await;
    let id = &first.bulletin.id;

    let mut corrected = draft();
    corrected.text = corrected.text.replace("11 giờ", "12 giờ");
    let edited = bulletins.edit(&author, id, &first.seen_words(), &corrected).await.unwrap();
    assert_eq!((edited.latest.number, edited.latest.state), (2, RevisionState::Draft));
    assert_eq!(edited.on_air.as_ref().map(|r| (r.number, r.state)), Some((1, RevisionState::Approved)));
    assert_eq!(
        code(&bulletins.edit(&author, id, &first.seen_words(), &draft()).await.unwrap_err()),
        "bulletin.stale"
    );

    story.make_sounds().await;
    let view = bulletins.get(&author, id).await.unwrap();
    let view = bulletins.submit(&author, id, &view.seen()).await.unwrap();
    let view = bulletins.approve(&approver, id, &view.seen(), "").await.unwrap();
    assert_eq!(view.bulletin.on_air, Some(2));
    assert_eq!(bulletins.revision(&author, id, 1).await.unwrap().state, RevisionState::Superseded);

    let gone = bulletins.withdraw(&approver, id).await.unwrap();
    assert_eq!((gone.latest.state, &gone.on_air), (RevisionState::Withdrawn, &None));
    let over = bulletins.edit(&author, id, &gone.seen_words(), &draft()).await.unwrap_err();
    assert_eq!(code(&over), "bulletin.wrong_state");
}

#[tokio::test]
async fn a_rejection_gives_its_reason_and_keeps_what_is_on_air() {
    let story = Story::new().await;
    let author = story.person("lan", Role::Author, "da-don").await;
    let approver = story.person("minh", Role::Approver, "da-don").await;
    let bulletins = &story.services.bulletins;
    let view = story.submitted(&author).await;
    let id = &view.bulletin.id;
    assert_eq!(code(&bulletins.reject(&approver, id, &view.seen(), " ").await.unwrap_err()), "reason.empty");
    let view = bulletins.reject(&approver, id, &view.seen(), "Sai giờ cắt điện").await.unwrap();
    assert_eq!(view.latest.state, RevisionState::Rejected);
    assert_eq!(view.latest.decision_note.as_deref(), Some("Sai giờ cắt điện"));
    let next = bulletins.edit(&author, id, &view.seen_words(), &draft()).await.unwrap();
    assert_eq!(next.latest.number, 2);
    assert!(next.latest.is_audible(), "the same words keep their sound");
}

#[tokio::test]
async fn a_form_sent_twice_begins_one_bulletin() {
    let story = Story::new().await;
    let author = story.person("lan", Role::Author, "da-don").await;
    let form = crate::domain::ids::fresh_bulletin_id();
    let bulletins = &story.services.bulletins;
    let one = bulletins.create(&author, &area("da-don"), &draft(), Some(form.clone())).await.unwrap();
    let two = bulletins.create(&author, &area("da-don"), &draft(), Some(form.clone())).await.unwrap();
    assert_eq!(one, two);
    let stranger = story.person("an", Role::Author, "da-don").await;
    let taken = bulletins.create(&stranger, &area("da-don"), &draft(), Some(form)).await.unwrap_err();
    assert_eq!(code(&taken), "bulletin.stale");
}

#[tokio::test]
async fn an_emergency_needs_the_right_for_its_class() {
    let story = Story::new().await;
    let ordinary = ClassSet::of([Class::Normal, Class::Priority]);
    let author = story.person_for("lan", Role::Author, "da-don", ordinary).await;
    let bulletins = &story.services.bulletins;
    let mut emergency = draft();
    emergency.class = "emergency".to_owned();
    let refused = bulletins.create(&author, &area("da-don"), &emergency, None).await.unwrap_err();
    assert_eq!(code(&refused), "forbidden.emergency");
    let view = story.bulletin(&author).await;
    let refused =
        bulletins.edit(&author, &view.bulletin.id, &view.seen_words(), &emergency).await.unwrap_err();
    assert_eq!(code(&refused), "forbidden.emergency", "nor by an edit");
}

#[tokio::test]
async fn an_emergency_on_air_is_not_ended_through_a_draft_of_a_lower_class() {
    let story = Story::new().await;
    let ordinary = ClassSet::of([Class::Normal, Class::Priority]);
    let author = story.person("lan", Role::Author, "da-don").await;
    let approver = story.person("minh", Role::Approver, "da-don").await;
    let lesser_author = story.person_for("an", Role::Author, "da-don", ordinary).await;
    let lesser_approver = story.person_for("hoa", Role::Approver, "da-don", ordinary).await;
    let bulletins = &story.services.bulletins;

    let mut flood = draft();
    flood.class = "emergency".to_owned();
    let made = bulletins.create(&author, &area("da-don"), &flood, None).await.unwrap();
    let id = &made.bulletin.id;
    story.make_sounds().await;
    let seen = bulletins.get(&author, id).await.unwrap();
    let seen = bulletins.submit(&author, id, &seen.seen()).await.unwrap();
    let on_air = bulletins.approve(&approver, id, &seen.seen(), "").await.unwrap();
    let over = bulletins.edit(&author, id, &on_air.seen_words(), &draft()).await.unwrap();
    assert_eq!(over.latest.class, Class::Normal);

    for lesser in [&lesser_author, &lesser_approver] {
        assert_eq!(code(&bulletins.withdraw(lesser, id).await.unwrap_err()), "forbidden.emergency");
    }
    let seen = bulletins.submit(&author, id, &over.seen_words()).await.unwrap();
    let refused = bulletins.approve(&lesser_approver, id, &seen.seen(), "").await.unwrap_err();
    assert_eq!(code(&refused), "forbidden.emergency");
    assert_eq!(bulletins.get(&author, id).await.unwrap().bulletin.on_air, Some(1));
    let after = bulletins.approve(&approver, id, &seen.seen(), "").await.unwrap();
    assert_eq!(after.bulletin.on_air, Some(2));
    bulletins.withdraw(&lesser_approver, id).await.unwrap();
}

#[tokio::test]
async fn a_draft_that_becomes_an_emergency_passes_the_others_in_line() {
    let story = Story::new().await;
    let author = story.person("lan", Role::Author, "da-don").await;
    let bulletins = &story.services.bulletins;
    bulletins.create(&author, &area("da-don"), &draft(), None).await.unwrap();
    let second = bulletins.create(&author, &area("da-don"), &draft(), None).await.unwrap();
    let mut flood = draft();
    flood.class = "emergency".to_owned();
    let id = &second.bulletin.id;
    let raised = bulletins.edit(&author, id, &second.seen_words(), &flood).await.unwrap();
    assert_eq!(raised.latest.tracks, second.latest.tracks, "the words and their track are kept");
    let mut tx = story.services.store().write().await.unwrap();
    assert_eq!(speech_jobs::claim(&mut tx, NOON).await.unwrap().unwrap().bulletin, *id);
}

#[tokio::test]
async fn a_recording_comes_in_pieces_and_becomes_a_track() {
    let mut config = crate::config::Config::default();
    config.limits.upload_max_bytes = 10;
    let story = Story::with(config).await;
    let author = story.person("lan", Role::Author, "da-don").await;
    let uploads = &story.services.uploads;

    let mut writer = uploads.begin(&author, r"C:\ghi âm\k'ho.wav").await.unwrap();
    writer.write(b"RIFF").await.unwrap();
    assert!(matches!(writer.write(b"0123456").await, Err(ServiceError::TooLarge(_))));
    let empty = uploads.begin(&author, "x").await.unwrap().finish().await.unwrap_err();
    assert_eq!(code(&empty), "recording.empty");
    let mut writer = uploads.begin(&author, r"C:\ghi âm\k'ho.wav").await.unwrap();
    writer.write(b"RIFF").await.unwrap();
    writer.write(b"data").await.unwrap();
    let upload = writer.finish().await.unwrap();
    assert_eq!((upload.file_name.as_str(), upload.size_bytes), ("k'ho.wav", 8));

    let view = story.bulletin(&author).await;
    let track = |upload: String| TrackDraft {
        language: "kpm".to_owned(),
        source: SourceDraft::Recording {
            upload,
            file_name: "k'ho.wav".to_owned(),
            transcript: String::new(),
        },
    };
    let bulletins = &story.services.bulletins;
    let (id, seen) = (&view.bulletin.id, view.seen_words());
    let missing = bulletins.put_track(&author, id, &seen, track("ab".repeat(32)), None).await.unwrap_err();
    assert_eq!(code(&missing), "recording.missing");
    let view = bulletins.put_track(&author, id, &seen, track(upload.hash.to_string()), None).await.unwrap();
    let making: Vec<(&str, &Making)> =
        view.latest.tracks.iter().map(|t| (t.content.language.as_str(), &t.making)).collect();
    assert_eq!(making, [("vi", &Making::Done), ("kpm", &Making::Queued)]);
}

#[tokio::test]
async fn a_sound_that_could_not_be_made_says_why_and_is_tried_again() {
    let story = Story::new().await;
    let author = story.person("lan", Role::Author, "da-don").await;
    let bulletins = &story.services.bulletins;
    let view = bulletins.create(&author, &area("da-don"), &draft(), None).await.unwrap();
    let track = view.latest.tracks[0].id.clone();
    let error = MakingError {
        code: "speech.program_missing".to_owned(),
        vi: "Chưa cài espeak-ng.".to_owned(),
        en: "espeak-ng is not installed.".to_owned(),
    };
    let mut tx = story.services.store().write().await.unwrap();
    let job = speech_jobs::claim(&mut tx, NOON).await.unwrap().unwrap();
    assert_eq!((job.track.id, job.attempts), (track.clone(), 1));
    speech_jobs::fail(&mut tx, &track, &error, NOON).await.unwrap();
    tx.commit().await.unwrap();
    let view = bulletins.get(&author, &view.bulletin.id).await.unwrap();
    assert_eq!(view.latest.tracks[0].making, Making::Failed(error));

    let id = &view.bulletin.id;
    let refused = bulletins.submit(&author, id, &view.seen()).await.unwrap_err().message();
    assert_eq!(refused.code, "bulletin.audio_failed");
    assert_eq!(
        refused.vi,
        "Chưa tạo được bản tiếng Việt: Chưa cài espeak-ng. Hãy bấm “Làm lại” ở bản này hoặc sửa bản này, rồi trình duyệt."
    );
    assert_eq!(bulletins.get(&author, id).await.unwrap().latest.state, RevisionState::Draft);

    let view = bulletins.retry_track(&author, &view.bulletin.id, &track).await.unwrap();
    assert_eq!(view.latest.tracks[0].making, Making::Queued);
    story.make_sounds().await;
    assert!(bulletins.get(&author, &view.bulletin.id).await.unwrap().latest.is_audible());
}
