//! A plan arrives, its audio is fetched, it sounds on time, and the controller knows.

use loa_node_core::{Action, Link, Slot};
use loa_protocol::ids::Digest;
use loa_protocol::receipt::{Outcome, Sound};
use loa_protocol::report::{ClockTrust, StorageState};
use loa_protocol::topic::TopicKind;

use crate::office::*;
use crate::rig::{Played, Rig};

#[test]
fn a_plan_becomes_sound_and_a_receipt() {
    let mut rig = Rig::placed(&["vi"]);
    let voice = Object::new("cat-dien", 10, 5_000);
    rig.offer(&[&voice]);
    let at = T0 + HOUR;
    let envelope = plan(7, vec![item("cat-dien", at, &[("vi", &voice)])], &[&voice]);
    rig.receive(TopicKind::Plan(area("xa")), &envelope);

    // Fetched at once, in windows of four, each block asked for once, and the bulk link closed after.
    let asked: Vec<u32> = rig.wants().iter().flat_map(|want| want.blocks()).collect();
    assert_eq!(asked, (0..10).collect::<Vec<_>>());
    assert!(rig.wants().iter().all(|want| want.deadline == at && want.window == 4));
    assert!(rig.store.whole.contains_key(&voice.hash()));
    rig.run_for(10 * SECOND);
    assert_eq!(rig.actions.iter().filter(|action| **action == Action::CloseBulk).count(), 1);
    let state = rig.state();
    assert_eq!((state.objects_ready, state.fetching.len()), (1, 0));
    assert_eq!(state.plans.len(), 1);
    assert_eq!(state.plans[0].applied.digest, Digest::of(&envelope));
    assert_eq!((state.clock, state.storage), (ClockTrust::Trusted, StorageState::Good));

    rig.run_until(at + MINUTE);
    assert_eq!(rig.played, [Played { object: voice.hash(), start_at: at }]);
    let receipt = &rig.store.receipts[&1];
    assert_eq!((receipt.outcome, receipt.nominal), (Outcome::Played, at));
    assert_eq!(receipt.sound, Some(Sound { started: at, played_ms: 5_000 }));
    assert_eq!(receipt.occurrence, loa_protocol::timeline::occurrence_id(&receipt.item, 1, at));
    assert_eq!(rig.seen.get(&1), Some(receipt));
    assert!(rig.store.unacknowledged.is_empty() && rig.store.intents.is_empty());

    let place = |wanted: fn(&Action) -> bool| rig.actions.iter().position(wanted).unwrap();
    let order = [
        place(|a| matches!(a, Action::SaveDocument { slot: Slot::Plan(_), .. })),
        place(|a| matches!(a, Action::OpenBulk)),
        place(|a| matches!(a, Action::BeginObject { .. })),
        place(|a| matches!(a, Action::FinishObject { .. })),
        place(|a| matches!(a, Action::PrepareSpeaker { .. })),
        place(|a| matches!(a, Action::RecordIntent(intent) if intent.started.is_none())),
        place(|a| matches!(a, Action::Play { .. })),
        place(|a| matches!(a, Action::RecordIntent(intent) if intent.started.is_some())),
        place(|a| matches!(a, Action::RecordReceipts(_))),
        place(|a| matches!(a, Action::DeleteReceipts { .. })),
        place(|a| matches!(a, Action::ReleaseSpeaker)),
    ];
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn connecting_says_who_is_there_and_subscribes_to_the_whole_path() {
    let mut rig = Rig::new();
    rig.connect();
    let (topic, payload) = rig.core.presence(1, true);
    let presence = Action::Publish {
        link: Link::Control,
        topic,
        payload,
        qos: loa_node_core::Qos::AtLeastOnce,
        retain: true,
    };
    assert_eq!(rig.actions[0], presence);
    let filters: Vec<String> = [
        "keys",
        "d/thon-3-cum-1/desired",
        "d/thon-3-cum-1/cmd",
        "d/thon-3-cum-1/ack",
        "a/tinh/plan",
        "a/tinh/alert",
        "a/xa/plan",
        "a/xa/alert",
        "a/thon/plan",
        "a/thon/alert",
    ]
    .map(|rest| format!("loa/1/lam-dong/{rest}"))
    .to_vec();
    assert_eq!(rig.actions[1], Action::Subscribe { link: Link::Control, filters });
    assert!(
        matches!(&rig.actions[2], Action::Publish { topic, retain: true, .. } if topic.ends_with("/state"))
    );
}

#[test]
fn a_plan_sounds_offline_and_the_receipt_waits() {
    let mut rig = Rig::placed(&["vi"]);
    let voice = Object::new("v", 3, 2_000);
    rig.offer(&[&voice]);
    let at = T0 + 30 * DAY;
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, vec![item("i", at, &[("vi", &voice)])], &[&voice]));
    rig.disconnect();
    rig.run_for(DAY);
    rig.power_cut(2 * DAY);
    rig.run_until(at + DAY);
    assert_eq!(rig.played, [Played { object: voice.hash(), start_at: at }]);
    assert_eq!((rig.store.unacknowledged.len(), rig.seen.len()), (1, 0));

    // The controller is there, but does not store it: sent again and again, ever less often.
    rig.acknowledges = false;
    rig.connect();
    rig.run_for(10 * MINUTE);
    let sent = rig.actions.iter().filter(|a| matches!(a, Action::ReadReceipts { .. })).count();
    assert!((3..=8).contains(&sent), "{sent} attempts in ten minutes");
    rig.acknowledges = true;
    rig.run_for(20 * MINUTE);
    assert_eq!((rig.store.unacknowledged.len(), rig.seen.len()), (0, 1));
}

#[test]
fn health_is_reported_in_its_interval() {
    let mut rig = Rig::placed(&["vi"]);
    assert!(rig.actions.contains(&Action::SetVolume { volume_percent: 80 }));
    rig.run_for(HOUR);
    let count = rig.health().len();
    assert!((54..=68).contains(&count), "{count} reports in an hour at an interval of one minute");
    assert_eq!(rig.health()[0].clock, ClockTrust::Trusted);
}

#[test]
fn a_node_that_moves_follows_the_plans_of_its_new_place() {
    let mut rig = Rig::new();
    let voice = Object::new("v", 1, 1_000);
    rig.offer(&[&voice]);
    rig.connect();
    let province = key(9);
    rig.receive(TopicKind::Keys, &key_set(1, &[(&commune(), scope("xa")), (&province, scope("tinh"))]));
    rig.receive(TopicKind::Desired(node()), &desired(1, &["vi"]));
    let at = T0 + HOUR;
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, vec![item("i", at, &[("vi", &voice)])], &[&voice]));
    rig.actions.clear();

    let mut document = node_document(2, &["vi"]);
    document.path = path(&["tinh", "xa-khac"]);
    let envelope = loa_protocol::envelope::seal(&document, &tenant(), validity(), &province);
    rig.receive(TopicKind::Desired(node()), &envelope);
    let unsubscribed = Action::Unsubscribe {
        link: Link::Control,
        filters: ["thon/plan", "thon/alert", "xa/plan", "xa/alert"]
            .map(|topic| format!("loa/1/lam-dong/a/{topic}"))
            .to_vec(),
    };
    let subscribed = Action::Subscribe {
        link: Link::Control,
        filters: ["plan", "alert"].map(|kind| format!("loa/1/lam-dong/a/xa-khac/{kind}")).to_vec(),
    };
    assert!(rig.actions.contains(&unsubscribed) && rig.actions.contains(&subscribed), "{:?}", rig.actions);
    assert!(rig.actions.contains(&Action::ForgetDocument { slot: Slot::Plan(area("xa")) }));
    rig.run_until(at + HOUR);
    assert_eq!((rig.played.len(), rig.store.receipts.len()), (0, 0));

    // The place survives a restart, although the node was enrolled elsewhere.
    rig.power_cut(MINUTE);
    rig.actions.clear();
    rig.connect();
    let Action::Subscribe { filters, .. } = &rig.actions[1] else { panic!("{:?}", rig.actions) };
    assert!(filters.contains(&"loa/1/lam-dong/a/xa-khac/plan".to_owned()));
    assert!(!filters.contains(&"loa/1/lam-dong/a/xa/plan".to_owned()));
}
