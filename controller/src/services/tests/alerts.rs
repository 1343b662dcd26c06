//! Emergencies that are given at once: who gives, approves and stops them, and what is refused.

use loa_protocol::bulletin::{Class, Status};
use loa_protocol::ids::BulletinId;

use crate::config::Config;
use crate::domain::alert::{AlertDraft, AlertState, ExpiryDraft};
use crate::domain::area_rules::AreaRulesDraft;
use crate::domain::role::{ClassSet, Principal, Role};
use crate::services::story::{NOON, Story, alert_draft, area, node, once, schedule_draft};
use crate::services::{AlertView, ServiceError, TemplateDraft};
use crate::store::alert_answers::{self, DocumentAnswer, SoundingAnswer};
use crate::store::alert_documents::{self, AlertDocument};
use crate::store::{live_orders, speech_jobs};

/// Said twice.
pub(super) fn draft(areas: &[&str]) -> AlertDraft {
    AlertDraft { rounds: 2, ..alert_draft(areas) }
}

pub(super) struct Staff {
    pub(super) lan: Principal,
    pub(super) hoa: Principal,
    pub(super) minh: Principal,
}

/// An author and two approvers of the commune.
pub(super) async fn staff(story: &Story) -> Staff {
    Staff {
        lan: story.person("lan", Role::Author, "da-don").await,
        hoa: story.person("hoa", Role::Approver, "da-don").await,
        minh: story.person("minh", Role::Approver, "da-don").await,
    }
}

pub(super) async fn households(story: &Story, place: &str, count: u32) {
    let rules = AreaRulesDraft { households: count.to_string(), ..AreaRulesDraft::default() };
    let rule = story.services.areas.set_rules(&story.operator, &area(place), &rules).await;
    rule.unwrap();
}

pub(super) async fn given(story: &Story, who: &Principal, draft: &AlertDraft) -> AlertView {
    let made = story.services.alerts.give(who, draft, None).await.unwrap();
    story.make_sounds().await;
    story.services.alerts.get(who, &made.alert.id).await.unwrap()
}

pub(super) fn conflict(result: Result<AlertView, ServiceError>) -> &'static str {
    match result {
        Err(ServiceError::Conflict(message)) => message.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn two_others_approve_what_reaches_many_or_nobody_knows_how_many() {
    let story = Story::new().await;
    let Staff { lan, hoa, minh } = staff(&story).await;
    let alerts = &story.services.alerts;
    let view = alerts.give(&lan, &draft(&["da-don", "thon-1"]), None).await.unwrap();
    assert_eq!((view.state, view.alert.approvers_needed), (AlertState::Speaking, 2));
    assert!(view.alert.reached.some_unknown);
    let areas: Vec<_> = view.alert.areas.iter().map(|area| area.id.as_str()).collect();
    assert_eq!(areas, ["da-don"], "the village lies in the commune");
    assert_eq!(conflict(alerts.approve(&hoa, &view.alert.id, &view.seen()).await), "alert.audio_not_ready");
    story.make_sounds().await;
    let view = alerts.get(&lan, &view.alert.id).await.unwrap();
    assert_eq!((view.state, view.length_ms), (AlertState::Waiting, Some(2 * 1_500 + 5_000)));

    let own = alerts.approve(&lan, &view.alert.id, &view.seen()).await;
    assert!(matches!(own, Err(ServiceError::Forbidden(_))), "{own:?}");
    let seen = view.seen();
    let first = alerts.approve(&hoa, &view.alert.id, &seen).await.unwrap();
    assert_eq!((first.state, first.approvals_missing()), (AlertState::Waiting, 1));
    let again = alerts.approve(&hoa, &view.alert.id, &seen).await.unwrap();
    assert_eq!(again.alert.approvals.len(), 1, "one person is one approval");
    let second = alerts.approve(&minh, &view.alert.id, &seen).await.unwrap();
    assert_eq!((second.state, second.alert.released), (AlertState::Sent, Some(NOON)));

    households(&story, "da-don", 5_000).await;
    let one = given(&story, &lan, &draft(&["da-don"])).await;
    assert_eq!((one.alert.approvers_needed, one.alert.reached.households), (1, 5_000));
    let stale = alerts.approve(&hoa, &one.alert.id, &seen).await;
    assert_eq!(conflict(stale), "alert.stale");
    let sent = alerts.approve(&hoa, &one.alert.id, &one.seen()).await.unwrap();
    assert_eq!(sent.state, AlertState::Sent);
    households(&story, "da-don", 5_001).await;
    assert_eq!(given(&story, &lan, &draft(&["da-don"])).await.alert.approvers_needed, 2);
    let lower = Config {
        limits: crate::config::Limits { alert_two_approvers_above: 9, ..Default::default() },
        ..Config::default()
    };
    let strict = Story::with(lower).await;
    households(&strict, "thon-1", 10).await;
    let author = strict.person("lan", Role::Author, "da-don").await;
    let needed = given(&strict, &author, &draft(&["thon-1"])).await.alert.approvers_needed;
    assert_eq!(needed, 2);
}

#[tokio::test]
async fn an_approver_who_wrote_it_never_approves_it_and_strangers_see_nothing() {
    let story = Story::new().await;
    let Staff { lan, hoa, .. } = staff(&story).await;
    let alerts = &story.services.alerts;
    let own = given(&story, &hoa, &draft(&["thon-1"])).await;
    assert_eq!(conflict(alerts.approve(&hoa, &own.alert.id, &own.seen()).await), "alert.own");
    let normal = ClassSet::of([Class::Normal]);
    let binh = story.person_for("binh", Role::Author, "da-don", normal).await;
    let xuan = story.person("xuan", Role::Approver, "phu-son").await;
    for who in [&binh, &xuan] {
        let refused = alerts.give(who, &draft(&["thon-1"]), None).await;
        assert!(matches!(refused, Err(ServiceError::Forbidden(_))), "{refused:?}");
    }
    let across = alerts.give(&lan, &draft(&["thon-1", "thon-x"]), None).await;
    assert!(matches!(across, Err(ServiceError::Forbidden(_))), "{across:?}");
    assert!(matches!(alerts.get(&xuan, &own.alert.id).await, Err(ServiceError::Forbidden(_))));
    assert_eq!(alerts.list(&xuan, 9).await.unwrap().len(), 0);
    assert_eq!(alerts.list(&binh, 9).await.unwrap().len(), 1);
    let foreign = alerts.approve(&xuan, &own.alert.id, &own.seen()).await;
    assert!(matches!(foreign, Err(ServiceError::Forbidden(_))), "{foreign:?}");
    let returned = alerts.give_back(&xuan, &own.alert.id, "x").await;
    assert!(matches!(returned, Err(ServiceError::Forbidden(_))), "{returned:?}");
}

#[tokio::test]
async fn bad_forms_are_refused_early_and_the_same_form_twice_is_one_alert() {
    let story = Story::new().await;
    let Staff { lan, hoa, .. } = staff(&story).await;
    let alerts = &story.services.alerts;
    let long = "rất dài ".repeat(900);
    for (bad, expected) in [
        (draft(&[]), "areas: alert.no_area"),
        (
            AlertDraft { expiry: ExpiryDraft::At((NOON - 1).to_string()), ..draft(&["da-don"]) },
            "expires: alert.expired",
        ),
        (AlertDraft { text: long, ..draft(&["da-don"]) }, "text: alert.too_long"),
        (draft(&["nowhere"]), "areas[0]: target.unknown"),
        (AlertDraft { template: "mau".to_owned(), ..draft(&["da-don"]) }, "template: alert.template_unknown"),
        (
            AlertDraft { corrects: "truoc".to_owned(), ..draft(&["da-don"]) },
            "corrects: alert.corrects_unknown",
        ),
        (
            AlertDraft { title: String::new(), text: "!".to_owned(), ..draft(&["da-don"]) },
            "title: title.empty, text: text.empty",
        ),
    ] {
        let refused = alerts.give(&lan, &bad, None).await;
        assert!(
            matches!(&refused, Err(ServiceError::Invalid(e)) if e.to_string() == expected),
            "{expected}: {refused:?}"
        );
    }
    let id = BulletinId::new("0".repeat(32)).unwrap();
    let first = alerts.give(&lan, &draft(&["da-don"]), Some(id.clone())).await.unwrap();
    story.clock.advance(30_000);
    let again = alerts.give(&lan, &draft(&["da-don"]), Some(id.clone())).await.unwrap();
    assert_eq!(
        (again.alert.created.at, alerts.list(&lan, 9).await.unwrap().len()),
        (first.alert.created.at, 1)
    );
    let other = AlertDraft { severity: "extreme".to_owned(), ..draft(&["da-don"]) };
    assert_eq!(conflict(alerts.give(&lan, &other, Some(id.clone())).await), "alert.id_used");
    assert_eq!(conflict(alerts.give(&hoa, &draft(&["da-don"]), Some(id)).await), "alert.id_used");
    let bulletin = story.bulletin(&lan).await.bulletin.id;
    assert_eq!(conflict(alerts.give(&lan, &draft(&["da-don"]), Some(bulletin)).await), "alert.id_used");
}

#[tokio::test]
async fn an_exercise_is_spoken_and_written_as_one_before_every_other_sound() {
    let story = Story::new().await;
    let Staff { lan, .. } = staff(&story).await;
    let usual = crate::services::story::draft();
    story.services.bulletins.create(&lan, &area("da-don"), &usual, None).await.unwrap();
    let exercise = AlertDraft { status: "exercise".to_owned(), ..draft(&["da-don"]) };
    let view = story.services.alerts.give(&lan, &exercise, None).await.unwrap();
    assert_eq!(view.alert.status, Status::Exercise);
    assert!(view.revision.title.starts_with("DIỄN TẬP: "));
    let mut tx = story.services.store().write().await.unwrap();
    let job = speech_jobs::claim(&mut tx, NOON).await.unwrap().unwrap();
    assert_eq!(job.bulletin, view.alert.id, "ahead of what was in line before");
    let crate::domain::bulletin::TrackSource::Speech { text, .. } = &job.track.content.source else {
        panic!()
    };
    assert!(text.starts_with("Đây là diễn tập.\n") && text.ends_with("\nĐây là diễn tập."), "{text}");
}

#[tokio::test]
async fn stopping_takes_one_person_and_ends_what_sounds() {
    let story = Story::new().await;
    let Staff { lan, hoa, .. } = staff(&story).await;
    households(&story, "thon-1", 100).await;
    let alerts = &story.services.alerts;
    let view = given(&story, &lan, &draft(&["thon-1"])).await;
    let id = view.alert.id.clone();
    let edited = story.services.bulletins.withdraw(&lan, &id).await;
    assert!(matches!(&edited, Err(ServiceError::Conflict(m)) if m.code == "bulletin.is_alert"), "{edited:?}");
    let schedule = schedule_draft(&id, once("2026-11-22T17:30"), &["thon-1"]);
    let scheduled = story.services.schedules.create(&lan, &schedule, None).await;
    assert!(matches!(&scheduled, Err(ServiceError::Conflict(m)) if m.code == "bulletin.is_alert"));
    let filter = crate::store::bulletins::BulletinFilter { limit: 9, ..Default::default() };
    let listed = story.services.bulletins.list(&lan, &filter).await.unwrap();
    assert_eq!(listed, [], "it is no bulletin among the others");
    alerts.approve(&hoa, &id, &view.seen()).await.unwrap();
    let unsaid = alerts.cancel(&lan, &id, " ").await;
    assert!(matches!(unsaid, Err(ServiceError::Invalid(_))), "{unsaid:?}");
    let stopped = alerts.cancel(&lan, &id, "Báo nhầm").await.unwrap();
    assert_eq!(stopped.state, AlertState::Cancelled);
    let mut tx = story.services.store().read().await.unwrap();
    let orders = live_orders::live(&mut tx, NOON).await.unwrap();
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].kind, crate::domain::live_order::OrderKind::StopBulletin(id.clone()));
    drop(tx);
    assert_eq!(conflict(alerts.cancel(&lan, &id, "Báo nhầm").await), "alert.wrong_state");

    let waits = given(&story, &lan, &draft(&["thon-1"])).await;
    let back = alerts.give_back(&hoa, &waits.alert.id, "Chưa đúng giờ").await.unwrap();
    assert_eq!(back.state, AlertState::Returned);
    let late = alerts.approve(&hoa, &waits.alert.id, &waits.seen()).await;
    assert_eq!(conflict(late), "alert.wrong_state");
    let over = given(&story, &lan, &draft(&["thon-1"])).await;
    story.clock.advance(3_600_000);
    assert_eq!(conflict(alerts.approve(&hoa, &over.alert.id, &over.seen()).await), "alert.wrong_state");
}

#[tokio::test]
async fn a_correction_stops_the_former_when_it_is_sent_and_not_before() {
    let story = Story::new().await;
    let Staff { lan, hoa, .. } = staff(&story).await;
    households(&story, "thon-1", 100).await;
    let alerts = &story.services.alerts;
    let former = given(&story, &lan, &draft(&["thon-1"])).await;
    alerts.approve(&hoa, &former.alert.id, &former.seen()).await.unwrap();
    let right = AlertDraft { corrects: former.alert.id.to_string(), ..draft(&["thon-1"]) };
    let right = given(&story, &lan, &right).await;
    assert_eq!(alerts.get(&lan, &former.alert.id).await.unwrap().state, AlertState::Sent);
    alerts.approve(&hoa, &right.alert.id, &right.seen()).await.unwrap();
    assert_eq!(alerts.get(&lan, &former.alert.id).await.unwrap().state, AlertState::Cancelled);
    assert_eq!(alerts.get(&lan, &right.alert.id).await.unwrap().state, AlertState::Sent);
}

#[tokio::test]
async fn what_was_approved_beforehand_is_sent_by_one_person_unchanged_or_as_an_exercise() {
    let story = Story::new().await;
    let Staff { lan, hoa, minh } = staff(&story).await;
    let (alerts, bulletins) = (&story.services.alerts, &story.services.bulletins);
    let storm = TemplateDraft { area: "da-don".to_owned(), kind: "storm".to_owned(), ..Default::default() };
    let template = alerts.create_template(&lan, &storm, None).await.unwrap();
    assert_eq!((template.approvers_needed, template.view.latest.title.as_str()), (2, "Cảnh báo bão"));
    let id = template.view.bulletin.id;
    story.make_sounds().await;
    let with = |areas: &[&str], status: &str| AlertDraft {
        template: id.to_string(),
        status: status.to_owned(),
        title: String::new(),
        text: String::new(),
        ..draft(areas)
    };
    let early = alerts.give(&lan, &with(&["thon-1"], ""), None).await;
    assert!(
        matches!(&early, Err(ServiceError::Invalid(e)) if e.to_string() == "template: alert.template_not_approved")
    );
    let view = bulletins.get(&lan, &id).await.unwrap();
    let view = bulletins.submit(&lan, &id, &view.seen()).await.unwrap();
    let once = bulletins.approve(&hoa, &id, &view.seen(), "").await.unwrap();
    assert_eq!(once.bulletin.on_air, None, "two are needed: nobody has said how many live there");
    let twice = bulletins.approve(&minh, &id, &view.seen(), "").await.unwrap();
    assert_eq!(twice.bulletin.on_air, Some(1));

    let sent = alerts.give(&lan, &with(&["thon-1"], ""), None).await.unwrap();
    assert_eq!((sent.state, sent.alert.approvers_needed), (AlertState::Sent, 0), "its sound is there");
    assert_eq!(sent.revision.tracks[0].object, twice.latest.tracks[0].object);
    let exercise = alerts.give(&lan, &with(&["thon-1"], "exercise"), None).await.unwrap();
    assert_eq!(exercise.state, AlertState::Speaking, "its sound says that it is one");
    story.make_sounds().await;
    assert_eq!(alerts.get(&lan, &exercise.alert.id).await.unwrap().state, AlertState::Sent);

    let elsewhere = story.person("cao", Role::Author, "").await;
    let wider = alerts.give(&elsewhere, &with(&["lam-dong"], ""), None).await;
    assert!(
        matches!(&wider, Err(ServiceError::Invalid(e)) if e.to_string() == "areas: alert.template_elsewhere"),
        "{wider:?}"
    );
    let mut tx = story.services.store().read().await.unwrap();
    let prepared = crate::store::alert_templates::prepared(&mut tx).await.unwrap();
    assert_eq!(prepared.keys().map(ToString::to_string).collect::<Vec<_>>(), ["da-don"]);
    drop(tx);
    let edited = crate::domain::bulletin::BulletinDraft {
        text: "Bão số 9".to_owned(),
        ..crate::services::draft_of(&twice.latest)
    };
    let usual = crate::domain::bulletin::BulletinDraft { class: "normal".to_owned(), ..edited.clone() };
    let refused = bulletins.edit(&lan, &id, &twice.seen_words(), &usual).await;
    assert!(
        matches!(&refused, Err(ServiceError::Invalid(e)) if e.to_string() == "class: template.class_fixed"),
        "{refused:?}"
    );
    bulletins.edit(&lan, &id, &twice.seen_words(), &edited).await.unwrap();
    let still = alerts.give(&lan, &with(&["thon-1"], ""), None).await.unwrap();
    assert_eq!(still.revision.text, twice.latest.text, "what is approved is sent, not what is being written");
}

#[tokio::test]
async fn the_wave_counts_what_each_node_said_once() {
    let story = Story::new().await;
    let Staff { lan, .. } = staff(&story).await;
    for (id, serial) in [("cum-1", "0a"), ("cum-2", "0b"), ("cum-x", "0c")] {
        story.enrolled(id, serial).await;
    }
    let alerts = &story.services.alerts;
    let view = given(&story, &lan, &draft(&["da-don"])).await;
    let id = view.alert.id.clone();
    let document = AlertDocument {
        area: area("da-don"),
        epoch: 7,
        digest: [1; 16],
        content_digest: [2; 32],
        envelope: vec![3],
        expires: NOON + 1,
        updated: NOON,
    };
    let says = |node_id: &str, verified: bool, refusal: Option<u16>| DocumentAnswer {
        node: node(node_id),
        area: area("da-don"),
        epoch: 7,
        received: NOON + 40,
        verified: verified.then_some(NOON + 50),
        refusal,
    };
    let sounds = |at: i64| SoundingAnswer {
        node: node("cum-1"),
        alert: id.clone(),
        received: NOON + 40,
        started: NOON + at,
    };
    let mut tx = story.services.store().write().await.unwrap();
    assert!(alert_documents::put(&mut tx, &document, std::slice::from_ref(&id)).await.unwrap());
    assert!(
        !alert_documents::put(&mut tx, &document, std::slice::from_ref(&id)).await.unwrap(),
        "never the same epoch"
    );
    assert_eq!(alert_documents::list(&mut tx, NOON).await.unwrap(), std::slice::from_ref(&document));
    let over = AlertDocument { envelope: Vec::new(), ..document };
    assert_eq!(alert_documents::list(&mut tx, NOON + 1).await.unwrap(), [over], "nobody needs its bytes");
    let told = [
        says("cum-1", true, None),
        says("cum-1", true, None),
        says("cum-2", false, Some(7)),
        says("stranger", true, None),
    ];
    alert_answers::note_documents(&mut tx, &told, NOON).await.unwrap();
    alert_answers::note_sounding(&mut tx, &[sounds(900), sounds(950)], NOON).await.unwrap();
    alert_answers::note_documents(&mut tx, &told[..1], NOON).await.unwrap();
    tx.commit().await.unwrap();

    let wave = alerts.wave(&lan, &id).await.unwrap();
    let counts = wave.all;
    assert_eq!(
        (counts.nodes, counts.received, counts.verified, counts.sounding, counts.refused),
        (2, 2, 1, 1, 1)
    );
    assert_eq!((counts.silent(), wave.areas.len()), (0, 1));
    let order: Vec<_> = wave.nodes.iter().map(|one| (one.node.as_str(), one.started)).collect();
    assert_eq!(order, [("cum-2", None), ("cum-1", Some(NOON + 900))], "who needs a look comes first");
    let mut tx = story.services.store().write().await.unwrap();
    alert_answers::note_documents(&mut tx, &[says("cum-2", true, None)], NOON).await.unwrap();
    tx.commit().await.unwrap();
    let healed = alerts.wave(&lan, &id).await.unwrap().all;
    assert_eq!((healed.verified, healed.refused), (2, 0), "verified after all");
}
