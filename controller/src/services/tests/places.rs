//! Areas and nodes.

use loa_protocol::bulletin::Language;
use loa_protocol::ids::{BulletinId, ItemId, OccurrenceId};
use loa_protocol::receipt::{Outcome, Receipt};
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;

use crate::domain::area::AreaDraft;
use crate::domain::node::{CertificateRecord, NodeState};
use crate::domain::role::{Action, Role};
use crate::domain::schedule::StartDraft;
use crate::services::story::{NOON, Story, area, node, node_draft, path, schedule_draft};
use crate::services::{Enrolled, ServiceError};
use crate::store::audit::AuditFilter;
use crate::store::receipts::{self, Arrived, ReceiptFilter};

fn code(error: &ServiceError) -> &'static str {
    error.message().code
}

#[tokio::test]
async fn areas_inherit_languages_and_zone_and_keep_their_ids() {
    let story = Story::new().await;
    let areas = &story.services.areas;
    let draft = |name: &str, languages: &[&str]| AreaDraft {
        name: name.to_owned(),
        level: "xã".to_owned(),
        languages: languages.iter().map(|l| (*l).to_owned()).collect(),
        zone: String::new(),
    };
    let settings = areas.settings(&story.operator, &area("thon-1")).await.unwrap();
    assert_eq!(settings.languages, [Language::vietnamese()]);
    assert_eq!(settings.zone, story.config.zone);
    let changed =
        areas.update(&story.operator, &area("da-don"), &draft("Đạ Đờn", &["kpm", "vi"])).await.unwrap();
    assert_eq!(changed.path, path(&["lam-dong", "da-don"]));
    let settings = areas.settings(&story.operator, &area("thon-1")).await.unwrap();
    assert_eq!(settings.languages[0].as_str(), "kpm");

    let namesake =
        areas.create(&story.operator, Some(&area("phu-son")), &draft("Thôn 1", &[])).await.unwrap();
    assert_eq!(namesake.id.as_str(), "thon-1-2");
    let names: Vec<String> =
        areas.chain(&story.operator, &namesake.id).await.unwrap().into_iter().map(|a| a.name).collect();
    assert_eq!(names, ["Lâm Đồng", "Phú Sơn", "Thôn 1"]);
    let missing = areas.create(&story.operator, Some(&area("khong-co")), &draft("A", &[])).await.unwrap_err();
    assert_eq!(code(&missing), "area.not_found");
}

#[tokio::test]
async fn lists_show_what_the_person_may_see() {
    let story = Story::new().await;
    let lan = story.person("lan", Role::Author, "da-don").await;
    let seen: Vec<String> =
        story.services.areas.list(&lan).await.unwrap().iter().map(|a| a.id.to_string()).collect();
    assert_eq!(seen, ["da-don", "thon-1", "thon-2"]);
    let nodes = story.services.nodes.list(&lan).await.unwrap();
    assert_eq!(nodes.iter().map(|(n, _)| n.id.as_str()).collect::<Vec<_>>(), ["cum-1", "cum-2"]);
    assert!(nodes.iter().all(|(n, s)| lan.may(Action::Read, &n.path) && !s.online));
}

#[tokio::test]
async fn a_board_enrols_once_and_the_same_request_gets_the_same_answer() {
    let story = Story::new().await;
    let nodes = &story.services.nodes;
    let id = node("cum-1");
    let certificate =
        CertificateRecord { fingerprint: "f1".to_owned(), serial: "5a".to_owned(), expires: NOON + 1_000 };
    let none = nodes.finish_enrolment(&id, &[7; 32], &certificate, [1; 32], b"answer").await.unwrap();
    assert_eq!(none, Enrolled::Withdrawn, "without token");
    let expires = nodes.issue_token(&story.operator, &id, |_, expires| Ok(([7; 32], expires))).await.unwrap();
    assert_eq!(expires, UnixMs(NOON.0 + 72 * 3_600_000));
    let token = nodes.token(&id).await.unwrap().unwrap();
    assert_eq!((token.verifier, token.used), ([7; 32], None));

    // Staff replaced the token after the request had been judged by an earlier one.
    let old = nodes.finish_enrolment(&id, &[6; 32], &certificate, [1; 32], b"answer").await.unwrap();
    assert_eq!(old, Enrolled::Withdrawn);
    assert_eq!(nodes.get(&story.operator, &id).await.unwrap().0.state, NodeState::Pending);

    let fresh = nodes.finish_enrolment(&id, &[7; 32], &certificate, [1; 32], b"answer").await.unwrap();
    assert_eq!(fresh, Enrolled::Fresh);
    let again = nodes.finish_enrolment(&id, &[7; 32], &certificate, [1; 32], b"another").await.unwrap();
    assert_eq!(again, Enrolled::Before(b"answer".to_vec()));
    let other = nodes.finish_enrolment(&id, &[7; 32], &certificate, [2; 32], b"x").await.unwrap();
    assert_eq!(other, Enrolled::Used);

    let (enrolled, _) = nodes.get(&story.operator, &id).await.unwrap();
    assert_eq!((enrolled.state, enrolled.certificate), (NodeState::Enrolled, Some(certificate)));
    let revoked = nodes.revoke(&story.operator, &id, "mất trộm").await.unwrap();
    assert_eq!(revoked.state, NodeState::Revoked);
    assert_eq!(nodes.token(&id).await.unwrap(), None);
    assert_eq!(code(&nodes.revoke(&story.operator, &id, "").await.unwrap_err()), "node.revoked_already");
}

#[tokio::test]
async fn moving_a_node_needs_the_right_at_both_places() {
    let story = Story::new().await;
    let nodes = &story.services.nodes;
    let technician = story.person("ky", Role::Technician, "da-don").await;
    let moved = nodes.update(&technician, &node("cum-1"), &node_draft("Cụm 1", "thon-2")).await.unwrap();
    assert_eq!(moved.path, path(&["lam-dong", "da-don", "thon-2"]));
    let away = nodes.update(&technician, &node("cum-1"), &node_draft("Cụm 1", "thon-x")).await.unwrap_err();
    let here = nodes.update(&technician, &node("cum-x"), &node_draft("Cụm X", "thon-1")).await.unwrap_err();
    assert_eq!((code(&away), code(&here)), ("forbidden.nodes", "forbidden.nodes"));
}

/// A commune goes to another district, with everything in it.
#[tokio::test]
async fn an_area_moves_with_all_that_is_in_it() {
    let story = Story::new().await;
    let areas = &story.services.areas;
    let chief = story.person("chief", Role::Admin, "lam-dong").await;
    let mayor = story.person("mayor", Role::Admin, "da-don").await;
    let other = story.person("other", Role::Admin, "phu-son").await;
    let lan = story.person("lan", Role::Author, "da-don").await;
    let bulletin = story.bulletin(&lan).await.bulletin.id;
    areas.move_to(&story.operator, &area("da-don"), Some(&area("phu-son"))).await.unwrap();
    let history = story.services.bulletins.history(&chief, &bulletin).await.unwrap();
    assert!(history.iter().any(|deed| deed.action == "bulletin.created"), "{history:?}");
    areas.move_to(&story.operator, &area("da-don"), Some(&area("lam-dong"))).await.unwrap();

    let moved = areas.move_to(&chief, &area("thon-1"), Some(&area("phu-son"))).await.unwrap();
    assert_eq!(moved.path, path(&["lam-dong", "phu-son", "thon-1"]));
    let node_path = story.services.nodes.get(&chief, &node("cum-1")).await.unwrap().0.path;
    assert_eq!(node_path, moved.path);
    let there = areas.list(&other).await.unwrap();
    assert!(there.iter().any(|a| a.id == area("thon-1")));
    assert!(areas.list(&mayor).await.unwrap().iter().all(|a| a.id != area("thon-1")));
    let filter = AuditFilter { limit: 1, ..AuditFilter::default() };
    for witness in [&mayor, &other] {
        let last = story.services.audit.list(witness, &filter).await.unwrap();
        assert_eq!(last[0].action, "area.moved", "{}", witness.name());
    }

    // A whole subtree, and its languages with it.
    let root = areas.move_to(&story.operator, &area("phu-son"), None).await.unwrap();
    assert_eq!(root.path, path(&["phu-son"]));
    let deepest = areas.get(&story.operator, &area("thon-1")).await.unwrap();
    assert_eq!(deepest.path, path(&["phu-son", "thon-1"]));
    assert_eq!(areas.move_to(&story.operator, &area("phu-son"), None).await.unwrap(), root, "twice");
}

#[tokio::test]
async fn an_area_goes_neither_into_itself_nor_where_one_has_no_right_nor_too_deep() {
    let story = Story::new().await;
    let areas = &story.services.areas;
    for inside in ["da-don", "thon-1"] {
        let refused = areas.move_to(&story.operator, &area("da-don"), Some(&area(inside))).await.unwrap_err();
        assert_eq!(code(&refused), "area.inside_itself");
    }
    let mayor = story.person("mayor", Role::Admin, "da-don").await;
    for parent in [Some(area("phu-son")), None] {
        let refused = areas.move_to(&mayor, &area("thon-1"), parent.as_ref()).await.unwrap_err();
        assert!(matches!(refused, ServiceError::Forbidden(_)), "{refused}");
    }
    let mut deepest = area("thon-x");
    for depth in 4..loa_protocol::area::AREA_DEPTH_MAX {
        let draft =
            AreaDraft { name: format!("Tổ {depth}"), level: "tổ".to_owned(), ..AreaDraft::default() };
        deepest = areas.create(&story.operator, Some(&deepest), &draft).await.unwrap().id;
    }
    let refused = areas.move_to(&story.operator, &area("da-don"), Some(&deepest)).await.unwrap_err();
    assert_eq!(code(&refused), "area.too_deep", "its villages would be");
    assert_eq!(
        areas.get(&story.operator, &area("da-don")).await.unwrap().path,
        path(&["lam-dong", "da-don"])
    );
}

#[tokio::test]
async fn an_area_is_removed_when_nothing_is_in_it_and_its_id_never_comes_back() {
    let story = Story::new().await;
    let areas = &story.services.areas;
    let mayor = story.person("mayor", Role::Admin, "thon-1").await;
    let author = story.person("writer", Role::Author, "da-don").await;
    let view = story.bulletin(&author).await;
    let daily = StartDraft::Cron("0 6 * * *".to_owned());
    let schedule = schedule_draft(&view.bulletin.id, daily, &["thon-1"]);
    let schedule = story.services.schedules.create(&author, &schedule, None).await.unwrap();

    let refused = areas.remove(&story.operator, &area("thon-1")).await.unwrap_err().message();
    assert_eq!(refused.code, "area.not_empty");
    assert_eq!(
        refused.vi,
        "Chưa xóa được vì địa bàn còn 1 cụm loa, 1 lịch còn phát, 1 vai trò của người dùng. Hãy chuyển đi hoặc gỡ bỏ trước."
    );
    story.services.nodes.remove(&story.operator, &node("cum-1")).await.unwrap();
    story.services.schedules.cancel(&author, &schedule.schedule.id).await.unwrap();
    let mayor = mayor.user_id().unwrap();
    story.services.users.ungrant(&story.operator, mayor, Role::Admin, Some(&area("thon-1"))).await.unwrap();
    areas.remove(&story.operator, &area("thon-1")).await.unwrap();
    let home = story.services.users.get(&story.operator, mayor).await.unwrap().user.home;
    assert_eq!(home.area_id(), Some(&area("da-don")));

    let gone = areas.get(&story.operator, &area("thon-1")).await.unwrap_err();
    assert!(matches!(gone, ServiceError::NotFound(_)));
    assert!(areas.list(&story.operator).await.unwrap().iter().all(|a| a.id != area("thon-1")));
    let draft = AreaDraft { name: "Thôn 1".to_owned(), level: "thôn".to_owned(), ..AreaDraft::default() };
    let again = areas.create(&story.operator, Some(&area("da-don")), &draft).await.unwrap();
    assert_eq!(again.id.as_str(), "thon-1-2");
    let commune = areas.remove(&story.operator, &area("da-don")).await.unwrap_err();
    assert_eq!(code(&commune), "area.not_empty");
}

#[tokio::test]
async fn a_node_is_removed_after_its_revocation_and_what_it_played_is_still_told() {
    let story = Story::new().await;
    story.enrolled("cum-1", "0a").await;
    let nodes = &story.services.nodes;
    let refused = nodes.remove(&story.operator, &node("cum-1")).await.unwrap_err();
    assert_eq!(code(&refused), "node.enrolled");
    let receipt = Receipt {
        number: 1,
        occurrence: OccurrenceId([1; 16]),
        item: ItemId::new("i").unwrap(),
        revision: 1,
        bulletin: BulletinId::new("b").unwrap(),
        nominal: NOON,
        outcome: Outcome::Played,
        sound: None,
        clock: ClockTrust::Trusted,
        written: NOON,
        winner: None,
        previous: None,
    };
    let mut tx = story.services.store().write().await.unwrap();
    receipts::insert(&mut tx, &[Arrived::unproven(&node("cum-1"), &receipt, NOON)]).await.unwrap();
    tx.commit().await.unwrap();

    nodes.revoke(&story.operator, &node("cum-1"), "hỏng").await.unwrap();
    nodes.remove(&story.operator, &node("cum-1")).await.unwrap();
    assert!(matches!(nodes.get(&story.operator, &node("cum-1")).await, Err(ServiceError::NotFound(_))));
    assert_eq!(nodes.list(&story.operator).await.unwrap().len(), 2);
    let again = nodes.remove(&story.operator, &node("cum-1")).await.unwrap_err();
    assert!(matches!(again, ServiceError::NotFound(_)));
    let filter = ReceiptFilter { limit: 10, ..ReceiptFilter::default() };
    let told = story.services.heard.receipts(&story.operator, &filter).await.unwrap();
    assert_eq!((told.len(), told[0].node_name.as_str()), (1, "Cụm 1"));
    let fresh = nodes.create(&story.operator, &node_draft("Cụm 1", "thon-1")).await.unwrap();
    assert_eq!(fresh.id.as_str(), "cum-1-2", "its id is never given again");
}
