//! Orders that silence: who gives them, for whom they are, who has answered.

use loa_protocol::command::Addressee;
use loa_protocol::envelope::Applied;
use loa_protocol::ids::{BootId, Digest};
use loa_protocol::report::{AppliedOrder, ClockTrust, Presence, State, StorageState};

use crate::domain::bulletin::BulletinDraft;
use crate::domain::role::{ClassSet, Role};
use crate::services::ServiceError;
use crate::services::story::{Story, area, draft, node, once, schedule_draft};
use crate::store::{Said, live_orders, presence, reports};

const BOOT: BootId = BootId([7; 8]);

/// What a node with this clock says of itself.
fn state(clock: ClockTrust) -> State {
    State {
        boot: BOOT,
        firmware: "0.1.0".to_owned(),
        keys: None,
        desired: None,
        plans: Vec::new(),
        objects_ready: 0,
        fetching: Vec::new(),
        clock,
        storage: StorageState::Good,
        volume_percent: None,
        orders: Vec::new(),
        own_guards: None,
        alerts: Vec::new(),
    }
}

/// A node that is connected, with a clock or without.
async fn connected(story: &Story, id: &str, serial: &str, clock: ClockTrust) {
    story.enrolled(id, serial).await;
    let now = story.clock.now();
    let state = state(clock);
    let mut tx = story.services.store().write().await.unwrap();
    let (node, word) = (node(id), Presence { boot: BOOT, connection: 1, online: true });
    presence::put(&mut tx, &[Said { node: &node, at: now, word: &word }]).await.unwrap();
    reports::put_states(&mut tx, &[Said { node: &node, at: now, word: &state }]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn an_order_is_for_an_area_and_a_node_without_a_clock_gets_its_own() {
    let story = Story::new().await;
    connected(&story, "cum-1", "0a", ClockTrust::Trusted).await;
    connected(&story, "cum-2", "0b", ClockTrust::Unknown).await;
    connected(&story, "cum-x", "0c", ClockTrust::Unknown).await;
    let hoa = story.person("hoa", Role::Approver, "da-don").await;
    let orders = &story.services.live_orders;
    let view = orders.give(&hoa, &area("da-don"), false, " Phát  nhầm ").await.unwrap();
    assert_eq!(view.order.reason, "Phát nhầm");
    assert_eq!(view.order.to, [Addressee::Area(area("da-don")), Addressee::Node(node("cum-2"))]);
    let names: Vec<_> = view.nodes.iter().map(|node| node.id.as_str()).collect();
    assert_eq!((names, view.answered(), view.order.sent), (vec!["cum-1", "cum-2"], 0, None));

    let now = story.clock.now();
    let live = async |at| {
        let mut tx = story.services.store().read().await.unwrap();
        live_orders::live(&mut tx, at).await.unwrap()
    };
    let messages = live(now).await;
    assert_eq!(messages.iter().map(|m| m.boot).collect::<Vec<_>>(), [None, Some(BOOT)]);
    assert_eq!(messages[0].epoch, u64::try_from(now.0).unwrap());
    assert_eq!(live(view.order.expires).await, [], "over within a minute");
    // A second one in the same millisecond, or with a clock that was set back, is above it.
    story.clock.advance(-60_000);
    orders.give(&hoa, &area("da-don"), true, "Hết báo động").await.unwrap();
    let later = live(story.clock.now()).await;
    let epochs: Vec<_> = later.iter().filter(|m| m.to == messages[0].to).map(|m| m.epoch).collect();
    assert_eq!(epochs.iter().max(), Some(&(messages[0].epoch + 1)));

    // The answers come with the nodes' states.
    let answer = |to: Addressee, sequence| AppliedOrder {
        to,
        applied: Applied { sequence, digest: Digest::of(b"o") },
    };
    let mut tx = story.services.store().write().await.unwrap();
    let own = answer(Addressee::Node(node("cum-2")), messages[1].epoch);
    let stranger = answer(Addressee::Area(area("da-don")), 1);
    let obeyed = State { orders: vec![own, stranger], ..state(ClockTrust::Unknown) };
    let said = [Said { node: &node("cum-2"), at: now, word: &obeyed }];
    assert_eq!(live_orders::note_applied(&mut tx, &said).await.unwrap(), 1);
    assert_eq!(live_orders::note_applied(&mut tx, &said).await.unwrap(), 0, "told again");
    tx.commit().await.unwrap();
    let view = orders.get(&hoa, &view.order.id).await.unwrap();
    let answered: Vec<_> = view.nodes.iter().map(|node| node.answered).collect();
    assert_eq!(answered, [None, Some(now)]);
}

#[tokio::test]
async fn whoever_has_no_right_to_emergencies_silences_nobody_and_nobody_does_without_a_reason_or_a_key() {
    let story = Story::new().await;
    let normal = ClassSet::of([loa_protocol::bulletin::Class::Normal]);
    let lan = story.person_for("lan", Role::Author, "da-don", normal).await;
    let quan = story.person("quan", Role::Admin, "").await;
    let hoa = story.person("hoa", Role::Author, "da-don").await;
    let orders = &story.services.live_orders;
    for who in [&lan, &quan] {
        let refused = orders.give(who, &area("da-don"), false, "x").await;
        assert!(matches!(refused, Err(ServiceError::Forbidden(_))), "{refused:?}");
    }
    let above = orders.give(&hoa, &area("lam-dong"), false, "x").await;
    assert!(matches!(above, Err(ServiceError::Forbidden(_))), "{above:?}");
    let silent = orders.give(&hoa, &area("da-don"), false, " ").await;
    assert!(
        matches!(&silent, Err(ServiceError::Invalid(e)) if e.to_string() == "reason: order.reason_empty")
    );
    story.services.set_may_order(false);
    let keyless = orders.give(&hoa, &area("da-don"), false, "x").await;
    assert!(matches!(&keyless, Err(ServiceError::Conflict(m)) if m.code == "order.no_key"), "{keyless:?}");
    assert_eq!(orders.list(&hoa, 10).await.unwrap(), []);
}

#[tokio::test]
async fn cancelling_an_emergency_withdraws_it_and_schedules_its_correction_or_does_nothing() {
    let story = Story::new().await;
    let lan = story.person("lan", Role::Author, "da-don").await;
    let hoa = story.person("hoa", Role::Approver, "da-don").await;
    let (bulletins, orders) = (&story.services.bulletins, &story.services.live_orders);
    let approved = async |class: &str, title: &str| {
        let draft = BulletinDraft { class: class.to_owned(), title: title.to_owned(), ..draft() };
        let id = bulletins.create(&lan, &area("da-don"), &draft, None).await.unwrap().bulletin.id;
        story.make_sounds().await;
        let view = bulletins.get(&lan, &id).await.unwrap();
        let view = bulletins.submit(&lan, &id, &view.seen()).await.unwrap();
        bulletins.approve(&hoa, &id, &view.seen(), "").await.unwrap();
        id
    };
    let wrong = approved("emergency", "Lũ quét").await;
    let right = approved("emergency", "Đính chính").await;
    let usual = approved("normal", "Cắt điện").await;
    let nowhere = orders.cancel(&hoa, &wrong, None, "nhầm").await;
    assert!(matches!(&nowhere, Err(ServiceError::Conflict(m)) if m.code == "order.nowhere"), "{nowhere:?}");
    let schedule = schedule_draft(&wrong, once("2026-11-22T17:30"), &["thon-1", "thon-2"]);
    story.services.schedules.create(&lan, &schedule, None).await.unwrap();
    let not_one = orders.cancel(&hoa, &usual, None, "nhầm").await;
    assert!(matches!(&not_one, Err(ServiceError::Conflict(m)) if m.code == "order.not_an_emergency"));
    let by_a_usual_one = orders.cancel(&hoa, &wrong, Some(&usual), "nhầm").await;
    assert!(matches!(&by_a_usual_one, Err(ServiceError::Invalid(_))), "{by_a_usual_one:?}");
    assert!(bulletins.get(&lan, &wrong).await.unwrap().bulletin.withdrawn.is_none(), "nothing was done");

    let view = orders.cancel(&hoa, &wrong, Some(&right), "Báo nhầm").await.unwrap();
    assert_eq!(view.order.kind.as_str(), "stop_bulletin");
    assert_eq!(view.order.to, ["thon-1", "thon-2"].map(|id| Addressee::Area(area(id))));
    assert!(bulletins.get(&lan, &wrong).await.unwrap().bulletin.withdrawn.is_some());
    let filter = crate::store::schedules::ScheduleFilter {
        bulletin: Some(right),
        with_past: true,
        limit: 9,
        ..Default::default()
    };
    let schedules = story.services.schedules.list(&hoa, &filter).await.unwrap();
    assert_eq!(schedules.len(), 1);
    assert_eq!(schedules[0].schedule.values.areas, [area("thon-1"), area("thon-2")]);
    let again = orders.cancel(&hoa, &wrong, None, "nhầm").await;
    assert!(matches!(again, Err(ServiceError::Conflict(_))), "{again:?}");
}
