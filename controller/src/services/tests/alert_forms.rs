//! What is told or refused before an emergency is given, and to whom.

use loa_protocol::ids::BulletinId;

use super::alerts::{Staff, draft, given, staff};
use crate::domain::alert::template::TemplateKind;
use crate::domain::alert::{AlertDraft, AlertState};
use crate::domain::bulletin::{SourceDraft, TrackDraft, TrackSource};
use crate::domain::role::{Principal, Role};
use crate::services::story::{Story, area};
use crate::services::{AlertView, ServiceError, TemplateDraft};
use crate::store::alert_templates;

fn refused(result: Result<AlertView, ServiceError>) -> String {
    match result {
        Err(ServiceError::Invalid(errors)) => errors.to_string(),
        other => panic!("{other:?}"),
    }
}

fn spoken(language: &str, text: &str, voice: &str) -> TrackDraft {
    let source =
        SourceDraft::Speech { text: text.to_owned(), voice: voice.to_owned(), words_per_minute: None };
    TrackDraft { language: language.to_owned(), source }
}

/// A template of the commune with these tracks, approved by as many as it needs.
async fn prepared(story: &Story, by: &Staff, tracks: Vec<TrackDraft>) -> BulletinId {
    let (alerts, bulletins) = (&story.services.alerts, &story.services.bulletins);
    let storm =
        TemplateDraft { area: "da-don".to_owned(), kind: "storm".to_owned(), tracks, ..Default::default() };
    let id = alerts.create_template(&by.lan, &storm, None).await.unwrap().view.bulletin.id;
    story.make_sounds().await;
    let view = bulletins.get(&by.lan, &id).await.unwrap();
    let view = bulletins.submit(&by.lan, &id, &view.seen()).await.unwrap();
    for who in [&by.hoa, &by.minh] {
        bulletins.approve(who, &id, &view.seen(), "").await.unwrap();
    }
    id
}

fn with(template: &BulletinId, areas: &[&str]) -> AlertDraft {
    let (title, text) = (String::new(), String::new());
    AlertDraft { template: template.to_string(), title, text, ..draft(areas) }
}

#[tokio::test]
async fn what_is_no_emergency_is_never_sent_as_one() {
    let story = Story::new().await;
    let by = staff(&story).await;
    // As one would be that was edited before its class was held.
    let usual = story.approved(&by.lan, &by.hoa).await.bulletin.id;
    let kind = TemplateKind::Storm;
    let template = alert_templates::Template { bulletin: usual.clone(), kind, severity: kind.severity() };
    let mut tx = story.services.store().write().await.unwrap();
    alert_templates::insert(&mut tx, &template).await.unwrap();
    tx.commit().await.unwrap();
    let alerts = &story.services.alerts;
    let given = alerts.give(&by.lan, &with(&usual, &["thon-1"]), None).await;
    assert_eq!(refused(given), "template: alert.template_no_emergency");
    let listed = alerts.templates(&by.lan).await.unwrap();
    assert_eq!((listed.len(), listed[0].ready()), (1, None), "it is not said to be ready");
}

#[tokio::test]
async fn what_would_never_sound_is_not_sent() {
    let story = Story::new().await;
    let by = staff(&story).await;
    let two = vec![spoken("vi", "", ""), spoken("en", "A storm comes.", "")];
    let template = prepared(&story, &by, two).await;
    let alerts = &story.services.alerts;
    // Two rounds of two sounds of 1.5 s with a second between them: 8 s, and the silence between the rounds.
    let long = |gap_s: u32| AlertDraft { gap_s: Some(gap_s), ..with(&template, &["thon-1"]) };
    let too_long = alerts.give(&by.lan, &long(593), None).await;
    assert_eq!(refused(too_long), "text: alert.too_long");
    assert_eq!(alerts.list(&by.lan, 9).await.unwrap(), [], "nothing of it is there");
    assert_eq!(alerts.give(&by.lan, &long(592), None).await.unwrap().state, AlertState::Sent);
}

#[tokio::test]
async fn a_correction_without_a_sound_silences_nothing() {
    let story = Story::new().await;
    let by = staff(&story).await;
    let template = prepared(&story, &by, Vec::new()).await;
    let alerts = &story.services.alerts;
    let former = alerts.give(&by.lan, &with(&template, &["thon-1"]), None).await.unwrap().alert.id;
    let corrects = former.to_string();
    // Its sound has yet to say that it is an exercise.
    let exercise = AlertDraft {
        status: "exercise".to_owned(),
        corrects: corrects.clone(),
        ..with(&template, &["thon-1"])
    };
    assert_eq!(refused(alerts.give(&by.lan, &exercise, None).await), "corrects: alert.correction_silent");
    assert_eq!(alerts.get(&by.lan, &former).await.unwrap().state, AlertState::Sent);
    let spoken = AlertDraft { corrects, ..with(&template, &["thon-1"]) };
    alerts.give(&by.lan, &spoken, None).await.unwrap();
    assert_eq!(alerts.get(&by.lan, &former).await.unwrap().state, AlertState::Cancelled);
}

#[tokio::test]
async fn without_a_place_the_places_are_asked_for_whatever_template_was_chosen() {
    let story = Story::new().await;
    let by = staff(&story).await;
    let template = prepared(&story, &by, Vec::new()).await;
    let village = story.person("thu", Role::Author, "thon-1").await;
    let alerts = &story.services.alerts;
    assert_eq!(refused(alerts.give(&village, &with(&template, &[]), None).await), "areas: alert.no_area");
    let sent = alerts.give(&village, &with(&template, &["thon-1"]), None).await.unwrap();
    assert_eq!(sent.state, AlertState::Sent, "what was prepared for the commune holds in its village");
}

#[tokio::test]
async fn the_form_of_a_template_sent_twice_begins_one() {
    let story = Story::new().await;
    let by = staff(&story).await;
    let alerts = &story.services.alerts;
    let id = BulletinId::new("0".repeat(32)).unwrap();
    let storm = TemplateDraft { area: "da-don".to_owned(), kind: "storm".to_owned(), ..Default::default() };
    let first = alerts.create_template(&by.lan, &storm, Some(id.clone())).await.unwrap();
    let again = alerts.create_template(&by.lan, &storm, Some(id.clone())).await.unwrap();
    assert_eq!((&again.view.bulletin.id, again.kind), (&id, first.kind));
    assert_eq!(alerts.templates(&by.lan).await.unwrap().len(), 1);
    let usual = story.bulletin(&by.lan).await.bulletin.id;
    let taken = alerts.create_template(&by.lan, &storm, Some(usual.clone())).await;
    assert!(matches!(&taken, Err(ServiceError::Conflict(m)) if m.code == "alert.id_used"), "{taken:?}");
    let mut tx = story.services.store().read().await.unwrap();
    assert_eq!(alert_templates::get(&mut tx, &usual).await.unwrap(), None);
}

#[tokio::test]
async fn the_voice_of_the_vietnamese_words_is_the_one_that_was_chosen() {
    let story = Story::new().await;
    let by = staff(&story).await;
    let voice = crate::config::Config::default().speech.offered()[0].name.clone();
    let tracks = vec![spoken("vi", "nobody says this", &voice)];
    let view = given(&story, &by.lan, &AlertDraft { tracks, ..draft(&["thon-1"]) }).await;
    let TrackSource::Speech { text, voice: chosen, .. } = &view.revision.tracks[0].content.source else {
        panic!("{view:?}")
    };
    assert_eq!((text, chosen.as_deref()), (&view.revision.text, Some(voice.as_str())));
}

#[tokio::test]
async fn a_sound_of_an_emergency_that_failed_is_not_tried_as_a_bulletins() {
    let story = Story::new().await;
    let by = staff(&story).await;
    let view = story.services.alerts.give(&by.lan, &draft(&["thon-1"]), None).await.unwrap();
    let (id, track) = (&view.alert.id, &view.revision.tracks[0].id);
    let retried = story.services.bulletins.retry_track(&by.lan, id, track).await;
    assert!(
        matches!(&retried, Err(ServiceError::Conflict(m)) if m.code == "bulletin.is_alert"),
        "{retried:?}"
    );
}

#[tokio::test]
async fn an_emergency_waits_for_those_who_may_approve_it_and_for_nobody_else() {
    let story = Story::new().await;
    let Staff { lan, hoa, minh } = staff(&story).await;
    let alerts = &story.services.alerts;
    let ids = async |who: &Principal| -> Vec<BulletinId> {
        alerts.waiting(who).await.unwrap().into_iter().map(|view| view.alert.id).collect()
    };
    let elsewhere = story.person("xuan", Role::Approver, "phu-son").await;
    let id = alerts.give(&lan, &draft(&["thon-1"]), None).await.unwrap().alert.id;
    assert_eq!(ids(&hoa).await, std::slice::from_ref(&id), "from the moment at which it was given");
    story.make_sounds().await;
    let view = alerts.get(&hoa, &id).await.unwrap();
    alerts.approve(&hoa, &id, &view.seen()).await.unwrap();
    for (who, waits) in [(&lan, false), (&hoa, false), (&minh, true), (&elsewhere, false)] {
        assert_eq!(ids(who).await.contains(&id), waits, "{}", who.name());
    }
    alerts.approve(&minh, &id, &view.seen()).await.unwrap();
    assert_eq!(ids(&minh).await, []);
    let late = alerts.give(&lan, &draft(&["thon-1"]), None).await.unwrap().alert.id;
    assert_eq!(ids(&minh).await, [late]);
    story.clock.advance(3_600_000);
    assert_eq!(ids(&minh).await, []);
}

#[tokio::test]
async fn whoever_approves_in_each_of_its_areas_may_listen() {
    let story = Story::new().await;
    let Staff { lan, .. } = staff(&story).await;
    let view = given(&story, &lan, &draft(&["thon-1", "thon-2"])).await;
    assert_eq!(view.alert.path.areas().last(), Some(&area("da-don")));
    let sound = view.revision.tracks[0].object.unwrap();
    let villager = story.person("thu", Role::Approver, "thon-1").await;
    let stranger = story.person("xuan", Role::Approver, "phu-son").await;
    let sounds = &story.services.sounds;
    assert_eq!(sounds.get(&villager, &sound).await.unwrap().object.hash, sound);
    let refused = sounds.get(&stranger, &sound).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden(_))), "{refused:?}");
}

#[tokio::test]
async fn an_area_stays_in_sight_while_an_emergency_may_sound_there() {
    let story = Story::new().await;
    let Staff { lan, .. } = staff(&story).await;
    let mut empty = Vec::new();
    for name in ["Thôn 3", "Thôn 4"] {
        let (name, level) = (name.to_owned(), "thôn".to_owned());
        let draft = crate::domain::area::AreaDraft { name, level, ..Default::default() };
        let made = story.services.areas.create(&story.operator, Some(&area("da-don")), &draft).await;
        empty.push(made.unwrap().id);
    }
    let both: Vec<&str> = empty.iter().map(|id| id.as_str()).collect();
    let id = given(&story, &lan, &draft(&both)).await.alert.id;
    for village in &empty {
        let refused = story.services.areas.remove(&story.operator, village).await;
        assert!(
            matches!(&refused, Err(ServiceError::Conflict(m)) if m.code == "area.not_empty"),
            "{refused:?}"
        );
    }
    story.services.alerts.cancel(&lan, &id, "Báo nhầm").await.unwrap();
    for village in &empty {
        story.services.areas.remove(&story.operator, village).await.unwrap();
    }
}
