//! What nodes say of emergencies, from the broker to the wave.

use loa_protocol::alert::{AlertAnswer, Verdict};
use loa_protocol::envelope::Refusal;
use loa_protocol::ids::ItemId;
use loa_protocol::wire::Wire as _;

use super::ingest::{Desk, receipts_of};
use crate::domain::alert::{AlertDraft, ExpiryDraft};
use crate::services::story::{NOON, Story, alert_draft, area, node};
use crate::store::alert_documents::{self, AlertDocument};

#[tokio::test]
async fn answers_of_enrolled_nodes_are_in_the_wave_and_what_a_stranger_says_is_not() {
    let story = Story::new().await;
    story.enrolled("cum-1", "0a").await;
    story.enrolled("cum-2", "0b").await;
    let draft = AlertDraft {
        status: "test".to_owned(),
        expiry: ExpiryDraft::Minutes(30),
        ..alert_draft(&["da-don"])
    };
    let (alerts, operator) = (story.services.alerts.clone(), story.operator.clone());
    let id = alerts.give(&operator, &draft, None).await.unwrap().alert.id;
    let document = AlertDocument {
        area: area("da-don"),
        epoch: 9,
        digest: [1; 16],
        content_digest: [2; 32],
        envelope: vec![3],
        expires: NOON + 60_000,
        updated: NOON,
    };
    let mut tx = story.services.store().write().await.unwrap();
    alert_documents::put(&mut tx, &document, std::slice::from_ref(&id)).await.unwrap();
    tx.commit().await.unwrap();

    let mut desk = Desk::new(story);
    let answer =
        |epoch, verdict| AlertAnswer { area: area("da-don"), epoch, received: NOON + 30, verdict }.to_cbor();
    let item = ItemId::new(id.as_str()).unwrap();
    let sounding = Verdict::Sounding { item, revision: 1, started: NOON + 800 };
    desk.report_bytes("cum-1", "answer", answer(9, Verdict::Verified(NOON + 35)), false).await;
    desk.report_bytes("cum-1", "answer", answer(9, sounding.clone()), false).await;
    desk.report_bytes("cum-x", "answer", answer(9, sounding), false).await;
    desk.report_bytes("cum-2", "answer", answer(8, Verdict::Verified(NOON)), false).await;
    desk.report_bytes("cum-2", "answer", answer(9, Verdict::Refused(Refusal::Expired)), false).await;
    desk.report_bytes("cum-2", "answer", b"rubbish".to_vec(), false).await;
    // What comes is judged in order.
    desk.report_bytes("cum-2", "receipt", receipts_of(1).to_cbor(), false).await;
    while desk.ack().await.0 != node("cum-2") {}

    let wave = alerts.wave(&operator, &id).await.unwrap();
    let counts = wave.all;
    assert_eq!((counts.nodes, counts.verified, counts.sounding, counts.refused), (2, 1, 1, 1));
    let told: Vec<_> = wave.nodes.iter().map(|one| (one.node.as_str(), one.refusal, one.started)).collect();
    assert_eq!(told, [("cum-2", Some(7), None), ("cum-1", None, Some(NOON + 800))]);
}
