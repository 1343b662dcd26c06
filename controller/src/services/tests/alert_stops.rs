//! What ends an emergency, what that leaves behind, and what is told of one that does not get to nodes.

use std::collections::BTreeMap;

use loa_protocol::ids::BulletinId;

use super::alerts::{Staff, draft, given, households, staff};
use crate::domain::alert::{AlertDraft, AlertState};
use crate::domain::live_order::{CORRECTED, OrderKind};
use crate::domain::role::Principal;
use crate::live::Change;
use crate::services::story::{Story, area};
use crate::services::{AlertProblem, AlertView};
use crate::store::alerts;
use crate::store::audit::AuditFilter;

/// An alert of these areas, approved by as many as it needs.
async fn sent(story: &Story, by: &Staff, areas: &[&str]) -> AlertView {
    let view = given(story, &by.lan, &draft(areas)).await;
    let alerts = &story.services.alerts;
    for who in [&by.hoa, &by.minh].into_iter().take(view.alert.approvers_needed as usize) {
        alerts.approve(who, &view.alert.id, &view.seen()).await.unwrap();
    }
    alerts.get(&by.lan, &view.alert.id).await.unwrap()
}

async fn in_force(story: &Story) -> Vec<BulletinId> {
    let mut tx = story.services.store().read().await.unwrap();
    let alerts = alerts::in_force(&mut tx, story.clock.now()).await.unwrap();
    alerts.into_iter().map(|alert| alert.id).collect()
}

async fn deeds(story: &Story, who: &Principal, id: &BulletinId) -> Vec<String> {
    let filter = AuditFilter { subject_id: Some(id.to_string()), limit: 9, ..AuditFilter::default() };
    let entries = story.services.audit.list(who, &filter).await.unwrap();
    entries.into_iter().map(|entry| entry.action).collect()
}

#[tokio::test]
async fn an_order_that_silences_takes_back_what_is_in_force_there_and_names_what_reaches_farther() {
    let story = Story::new().await;
    let by = staff(&story).await;
    for is_all_clear in [true, false] {
        let here = sent(&story, &by, &["thon-1"]).await;
        let both = sent(&story, &by, &["thon-1", "thon-2"]).await;
        let beside = sent(&story, &by, &["thon-2"]).await;
        let mut changes = story.services.changes().listen();
        let orders = &story.services.live_orders;
        let order = orders.give(&by.hoa, &area("thon-1"), is_all_clear, "Hết báo động").await.unwrap();
        assert_eq!(in_force(&story).await, [both.alert.id.clone(), beside.alert.id.clone()]);
        let still: Vec<_> = order.still.iter().map(|(id, title)| (id, title.as_str())).collect();
        assert_eq!(still, [(&both.alert.id, "Lũ quét")]);
        let ended = story.services.alerts.get(&by.lan, &here.alert.id).await.unwrap();
        assert_eq!(ended.state, AlertState::Cancelled);
        let why = ended.alert.cancelled.unwrap();
        assert_eq!(
            (why.reason.as_str(), why.stamp.by.as_str()),
            ("Hết báo động", by.hoa.user_id().unwrap().as_str())
        );
        assert_eq!(deeds(&story, &story.operator, &here.alert.id).await[0], "alert.cancelled");
        let told: Vec<_> = std::iter::from_fn(|| changes.try_recv().ok()).collect();
        assert!(told.contains(&Change::Alert) && told.contains(&Change::Order), "{told:?}");

        let wide = orders.give(&by.hoa, &area("da-don"), is_all_clear, "Hết báo động").await.unwrap();
        assert_eq!((in_force(&story).await, wide.still), (Vec::new(), Vec::new()));
    }
    story.clock.advance(1);
    let after = sent(&story, &by, &["thon-1"]).await;
    let earlier = &story.services.live_orders.list(&by.hoa, 9).await.unwrap();
    assert!(earlier.iter().all(|order| order.still.is_empty()), "{earlier:?}");
    assert_eq!(after.state, AlertState::Sent);
}

#[tokio::test]
async fn a_correction_leaves_the_same_trace_as_a_stop() {
    let story = Story::new().await;
    let by = staff(&story).await;
    households(&story, "thon-1", 100).await;
    let former = sent(&story, &by, &["thon-1"]).await;
    let right = AlertDraft { corrects: former.alert.id.to_string(), ..draft(&["thon-1"]) };
    let right = given(&story, &by.lan, &right).await;
    let mut changes = story.services.changes().listen();
    story.services.alerts.approve(&by.hoa, &right.alert.id, &right.seen()).await.unwrap();
    let former = story.services.alerts.get(&by.lan, &former.alert.id).await.unwrap();
    assert_eq!(former.alert.cancelled.unwrap().reason, CORRECTED);
    assert_eq!(deeds(&story, &story.operator, &former.alert.id).await[0], "alert.cancelled");
    let orders = story.services.live_orders.list(&by.hoa, 9).await.unwrap();
    assert_eq!(orders[0].order.kind, OrderKind::StopBulletin(former.alert.id));
    let told: Vec<_> = std::iter::from_fn(|| changes.try_recv().ok()).collect();
    assert!(told.contains(&Change::Order), "{told:?}");
}

#[tokio::test]
async fn what_was_sent_and_does_not_get_to_nodes_says_so() {
    let story = Story::new().await;
    let by = staff(&story).await;
    let id = sent(&story, &by, &["thon-1"]).await.alert.id;
    let problem = async || story.services.alerts.get(&by.lan, &id).await.unwrap().problem;
    assert_eq!(problem().await, None);
    let problems = story.services.alert_problems();
    for (found, code) in [
        (AlertProblem::TooMany { areas: 2 }, "alert.too_many"),
        (AlertProblem::SoundMissing, "alert.sound_missing"),
        (AlertProblem::Refused, "alert.refused"),
    ] {
        assert!(problems.replace(BTreeMap::from([(id.clone(), found)])), "it is news");
        assert!(!problems.replace(BTreeMap::from([(id.clone(), found)])), "and is told once");
        assert_eq!(problem().await.map(|message| message.code), Some(code));
    }
    story.services.alerts.cancel(&by.lan, &id, "Báo nhầm").await.unwrap();
    assert_eq!(problem().await, None, "what was stopped need not get anywhere");
}
