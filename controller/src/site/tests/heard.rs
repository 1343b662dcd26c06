//! What sounded where, from receipts.

use loa_protocol::ids::{BulletinId, ItemId};
use loa_protocol::receipt::{Outcome, Reason, Receipt, Sound};
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::occurrence_id;

use super::*;
use crate::domain::node::CertificateRecord;
use crate::domain::role::Role;
use crate::services::story::{NOON, node, once, schedule_draft};
use crate::store::receipts::{self, Arrived, ReceiptFilter};
use crate::store::{nodes, presence};

/// Half an hour after the story begins: 08:30 where it plays.
const START: UnixMs = UnixMs(NOON.0 + 30 * 60_000);

pub(super) async fn enrol(web: &Web, id: &str) {
    let mut tx = web.story.services.store().write().await.unwrap();
    let certificate = CertificateRecord {
        fingerprint: format!("{id}-print"),
        serial: "5a".to_owned(),
        expires: START + 1_000_000,
    };
    nodes::set_enrolled(&mut tx, &node(id), &certificate, NOON).await.unwrap();
    tx.commit().await.unwrap();
}

async fn receive(web: &Web, id: &str, bulletin: &BulletinId, item: &ItemId, outcome: Outcome) {
    receive_numbered(web, (id, 1), bulletin, item, outcome).await;
}

async fn receive_numbered(
    web: &Web,
    (id, number): (&str, u64),
    bulletin: &BulletinId,
    item: &ItemId,
    outcome: Outcome,
) {
    let sound = (outcome == Outcome::Played).then_some(Sound { started: START + 12, played_ms: 1_500 });
    let receipt = Receipt {
        number,
        occurrence: occurrence_id(item, 1, START),
        item: item.clone(),
        revision: 1,
        bulletin: bulletin.clone(),
        nominal: START,
        outcome,
        sound,
        clock: ClockTrust::Trusted,
        written: START + 5_000,
        winner: None,
        previous: None,
    };
    let mut tx = web.story.services.store().write().await.unwrap();
    receipts::insert(&mut tx, &[Arrived::unproven(&node(id), &receipt, START + 6_000)]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn every_page_tells_the_same_of_a_start_that_one_village_heard() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let bulletin = web.story.approved(&lan, &hoa).await.bulletin.id;
    for id in ["cum-1", "cum-2", "cum-x"] {
        enrol(&web, id).await;
    }
    let mut tx = web.story.services.store().write().await.unwrap();
    presence::set_all_offline(&mut tx, NOON).await.unwrap();
    tx.commit().await.unwrap();
    let draft = schedule_draft(&bulletin, once("2026-11-22T08:30"), &["da-don"]);
    let item = web.story.services.schedules.create(&lan, &draft, None).await.unwrap().schedule.id;
    let occurrence = occurrence_id(&item, 1, START);
    let mut browser = web.browser(&lan).await;
    let coming = web.get(&mut browser, "/schedules").await.page().html;
    assert!(coming.contains("2 cụm loa") && coming.contains("2 mất kết nối"), "{coming}");
    assert!(web.get(&mut browser, "/").await.page().html.contains("Sắp phát"));
    assert!(web.get(&mut browser, "/heard").await.page().html.contains("Chưa có lượt phát nào"));

    web.story.clock.advance(45 * 60_000);
    receive(&web, "cum-1", &bulletin, &item, Outcome::Played).await;
    let page = web.get(&mut browser, "/heard").await.page().html;
    for told in ["1/2 cụm loa đã phát", "08:30:00", "+12 ms", "1,5 giây", "Chưa có biên nhận"] {
        assert!(page.contains(told), "{told}: {page}");
    }
    let today = web.get(&mut browser, "/").await.page().html;
    assert!(today.contains("1/2 cụm đã phát") && today.contains(&occurrence.to_string()), "{today}");
    let own = web.get(&mut browser, "/nodes/cum-1").await.page().html;
    assert!(own.contains("+12 ms"), "{own}");

    for (query, cum_1, cum_2) in [
        ("outcome=waiting", false, true),
        ("area=thon-1", true, false),
        ("node=cum-2", false, true),
        ("from=2026-11-23", false, false),
        ("to=2026-11-21", false, false),
        ("to=2026-11-22", true, true),
    ] {
        let page = web.get(&mut browser, &format!("/heard?{query}")).await.page().html;
        assert_eq!(page.contains(">Cụm 1<"), cum_1, "{query}: {page}");
        assert_eq!(page.contains(">Cụm 2<"), cum_2, "{query}: {page}");
    }
    let page = web.get(&mut browser, &format!("/heard?occurrence={occurrence}")).await.page().html;
    assert!(page.contains(">Cụm 1<"), "{page}");

    receive(&web, "cum-2", &bulletin, &item, Outcome::Missed(Reason::AudioIncomplete)).await;
    let page = web.get(&mut browser, "/heard?outcome=missed").await.page().html;
    assert!(page.contains("Không phát") && page.contains("Chưa nhận đủ âm thanh"), "{page}");
    assert!(page.contains("1/2 cụm loa đã phát"), "the whole is told with a part: {page}");
    // The neighbours' loudspeaker was not to sound, and their people see nothing of it.
    let xuan = web.story.person("xuan", Role::Approver, "phu-son").await;
    let mut other = web.browser(&xuan).await;
    assert!(web.get(&mut other, "/heard").await.page().html.contains("Chưa có lượt phát nào"));
}

#[tokio::test]
async fn of_two_receipts_the_later_holds_and_the_earlier_is_told() {
    let web = Web::new().await;
    let lan = web.story.person("lan", Role::Author, "da-don").await;
    let hoa = web.story.person("hoa", Role::Approver, "da-don").await;
    let bulletin = web.story.approved(&lan, &hoa).await.bulletin.id;
    enrol(&web, "cum-1").await;
    let draft = schedule_draft(&bulletin, once("2026-11-22T08:30"), &["thon-1"]);
    let item = web.story.services.schedules.create(&lan, &draft, None).await.unwrap().schedule.id;
    web.story.clock.advance(45 * 60_000);
    // A clock that was ahead called it missed; then the start came. The numbers tell the order, not the arrival.
    receive_numbered(&web, ("cum-1", 8), &bulletin, &item, Outcome::Played).await;
    receive_numbered(&web, ("cum-1", 7), &bulletin, &item, Outcome::Missed(Reason::TooLate)).await;
    let mut browser = web.browser(&lan).await;
    let page = web.get(&mut browser, "/heard").await.page().html;
    assert!(page.contains("1/1 cụm loa đã phát"), "{page}");
    assert_eq!(page.matches(">Cụm 1<").count(), 1, "one node, one row: {page}");
    assert!(page.contains("Biên nhận trước đó: Không phát: Thiết bị tắt"), "{page}");
    let missed = web.get(&mut browser, "/heard?outcome=missed").await.page().html;
    assert!(!missed.contains(">Cụm 1<"), "what was replaced is no outcome: {missed}");

    let services = &web.story.services;
    let filter = ReceiptFilter { limit: 10, ..ReceiptFilter::default() };
    let heard = services.heard.occurrences(&lan, &filter).await.unwrap();
    assert_eq!((heard[0].count("played"), heard[0].count("missed")), (1, 0));
    assert_eq!(services.heard.coverage(&lan, &bulletin).await.unwrap().played(), 1);
}
