//! Areas and nodes.

use loa_protocol::bulletin::Language;
use loa_protocol::time::UnixMs;

use crate::domain::area::AreaDraft;
use crate::domain::node::{CertificateRecord, NodeState};
use crate::domain::role::{Action, Role};
use crate::services::story::{NOON, Story, area, node, node_draft, path};
use crate::services::{Enrolled, ServiceError};

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
