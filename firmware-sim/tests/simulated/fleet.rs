//! Fifty boards in one process: enrolled, placed, supplied, heard of.

use std::sync::Arc;

use loa_firmware_sim::fleet::{FleetOptions, members, run};
use loa_firmware_sim::node::Reach;
use loa_protocol::receipt::Outcome;
use tokio_util::sync::CancellationToken;

use crate::controller::Controller;
use crate::office::{HOUR, Object, Office, SECOND, now};
use crate::within;

const NODES: u32 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_applies_a_plan_fetches_plays_and_is_acknowledged() {
    let office = Office::open(NODES);
    let folder = tempfile::tempdir().unwrap();
    let (identities, tokens) = (folder.path().join("identities"), folder.path().join("tokens"));
    let lines: Vec<String> =
        office.tokens("http://127.0.0.1:1").iter().map(|token| token.to_text()).collect();
    std::fs::write(&tokens, lines.join("\n")).unwrap();
    let web = office.enrolling();
    let controller_url = format!("http://127.0.0.1:{}", web.port);
    let enrolled = members::enrol_all(&identities, &tokens, Some(&controller_url)).await.unwrap();
    assert_eq!(enrolled, NODES as usize);
    drop(web);
    let enrolled = members::enrol_all(&identities, &tokens, Some(&controller_url)).await.unwrap();
    assert_eq!(enrolled, 0, "identities are kept for later runs");

    let object = Object::of_blocks(20, 1_000);
    let controller = Controller::connect(&office, &object).await;
    controller.publish_documents();
    controller.publish_plan(1, now() + HOUR);
    let mut options =
        FleetOptions::new(members::load(&identities, NODES as usize, &Reach::AsEnrolled).unwrap());
    options.joins_per_s = 1_000.0;
    let (counters, stop) = (Arc::clone(&options.counters), CancellationToken::new());
    let running = tokio::spawn(run(options, stop.clone()));
    let ready = counters.wait_for(|figures| figures.objects_ready == u64::from(NODES));
    let ready = within("all objects are ready", ready).await;
    assert_eq!((ready.sounds_begun, ready.failed), (0, 0));

    let at = now() + 5 * SECOND;
    controller.publish_plan(2, at);
    for receipt in controller.hear_receipts(1).await {
        assert_eq!((receipt.outcome, receipt.nominal, receipt.revision), (Outcome::Played, at, 2));
        let sound = receipt.sound.unwrap();
        assert!(sound.started >= at && sound.played_ms == 1_000, "{receipt:?}");
    }
    let acknowledged = counters.wait_for(|figures| figures.receipts_acked == u64::from(NODES));
    within("all receipts are acknowledged", acknowledged).await;

    stop.cancel();
    let report = within("the fleet's end", running).await.unwrap().unwrap();
    let figures = report.at_stop;
    let each = |count: u32| u64::from(count * NODES);
    assert_eq!((report.nodes, figures.connected, figures.booted), (NODES as usize, each(1), each(1)));
    // Node document and two plans: the key set came with the enrolment, and the broker's is a redelivery.
    assert_eq!((figures.documents_applied, figures.complaints), (each(3), 0));
    assert_eq!((figures.blocks_stored, figures.objects_ready), (each(object.block_count()), each(1)));
    assert_eq!((figures.sounds_begun, figures.played, figures.missed), (each(1), each(1), 0));
    assert_eq!((figures.receipts_acked, figures.refused, figures.failed), (each(1), 0, 0), "{figures:?}");
    assert!(figures.received_bytes > object.bytes.len() as u64 * each(1));
    assert_eq!(report.start_error_ms.count, each(1));
    assert_eq!((report.at_end.connected, report.at_end.booted, report.at_end.fetching), (0, 0, 0));
    let gone = |record: &crate::controller::Record| {
        record.presence.values().filter(|p| !p.online).count() == NODES as usize
    };
    controller.hear("every board has taken leave", gone).await;
}
