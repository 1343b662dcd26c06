//! Ten boards hear of an emergency: each answers, and sounds it from the document that brought it.

use std::collections::BTreeSet;
use std::sync::Arc;

use loa_firmware_sim::fleet::{FleetOptions, members, run};
use loa_firmware_sim::node::Reach;
use loa_protocol::alert::Verdict;
use loa_protocol::receipt::Outcome;
use tokio_util::sync::CancellationToken;

use crate::controller::{Controller, Record};
use crate::office::{Object, Office, alarm, now};
use crate::within;

const NODES: u32 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn every_board_verifies_sounds_and_says_so() {
    let office = Office::open(NODES);
    let folder = tempfile::tempdir().unwrap();
    let (identities, tokens) = (folder.path().join("identities"), folder.path().join("tokens"));
    let lines: Vec<String> =
        office.tokens("http://127.0.0.1:1").iter().map(|token| token.to_text()).collect();
    std::fs::write(&tokens, lines.join("\n")).unwrap();
    let web = office.enrolling();
    let controller_url = format!("http://127.0.0.1:{}", web.port);
    members::enrol_all(&identities, &tokens, Some(&controller_url)).await.unwrap();
    drop(web);

    // Nothing that is wanted is served but this, and nobody wants it.
    let controller = Controller::connect(&office, &Object::of_blocks(1, 1_000)).await;
    controller.publish_documents();
    let mut options =
        FleetOptions::new(members::load(&identities, NODES as usize, &Reach::AsEnrolled).unwrap());
    options.joins_per_s = 1_000.0;
    let stop = CancellationToken::new();
    let counters = Arc::clone(&options.counters);
    let running = tokio::spawn(run(options, stop.clone()));
    let placed = counters.wait_for(|figures| figures.documents_applied >= u64::from(NODES));
    within("all boards know their place", placed).await;

    let flood = Object::of_blocks(9, 500);
    controller.publish_alarm(alarm(1, now(), &flood));
    let told = |record: &Record, is: &dyn Fn(&Verdict) -> bool| {
        let of_these = record.answers.iter().filter(|(_, answer)| answer.epoch == 1 && is(&answer.verdict));
        of_these.map(|(node, _)| node.clone()).collect::<BTreeSet<_>>().len() == NODES as usize
    };
    let is_verified = |verdict: &Verdict| matches!(verdict, Verdict::Verified(_));
    let sounds = |verdict: &Verdict| matches!(verdict, Verdict::Sounding { .. });
    controller.hear("all have verified it", |record| told(record, &is_verified)).await;
    controller.hear("it sounds everywhere", |record| told(record, &sounds)).await;
    for receipt in controller.hear_receipts(1).await {
        assert_eq!(receipt.outcome, Outcome::Played);
    }
    assert!(controller.record().events.is_empty());
    stop.cancel();
    within("the fleet's end", running).await.unwrap().unwrap();
}
