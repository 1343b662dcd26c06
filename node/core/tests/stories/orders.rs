//! Live orders: what sounds ends within a second, and only for whom may say so.

use ed25519_dalek::SigningKey;
use loa_protocol::bulletin::Class;
use loa_protocol::command::{Addressee, Command, Order};
use loa_protocol::envelope::{Refusal, Validity, seal};
use loa_protocol::ids::{BootId, BulletinId};
use loa_protocol::keys::{Purpose, Scope};
use loa_protocol::plan::Item;
use loa_protocol::receipt::{Outcome, Reason};
use loa_protocol::report::{ClockTrust, EventKind};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{AfterInterruption, ItemRules, occurrence_id};
use loa_protocol::topic::TopicKind;

use crate::office::*;
use crate::rig::Rig;

const AT: UnixMs = UnixMs(T0.0 + HOUR);

fn siren() -> SigningKey {
    key(7)
}

/// Two bulletins and an emergency, a minute each; the second bulletin waits for the first.
fn sounding() -> Rig {
    let voice = Object::new("v", 1, 60_000);
    let mut rig = Rig::new();
    rig.offer(&[&voice]);
    rig.connect();
    let all = Class::ALL.to_vec();
    let may = |purposes: &[Purpose], area: &str| Scope {
        purposes: purposes.to_vec(),
        classes: all.clone(),
        ..scope(area)
    };
    let keys = [
        (&commune(), may(&[Purpose::Plan, Purpose::Node], "xa")),
        (&siren(), may(&[Purpose::Emergency], "xa")),
    ];
    rig.receive(TopicKind::Keys, &key_set(1, &keys));
    rig.receive(TopicKind::Desired(node()), &desired(1, &["vi"]));
    let restart = ItemRules { after_interruption: AfterInterruption::Restart, ..ItemRules::default() };
    let items = vec![
        Item { rules: restart, ..item("a", AT, &[("vi", &voice)]) },
        item("b", AT + SECOND, &[("vi", &voice)]),
        Item { class: Class::Emergency, ..item("c", AT + 30 * SECOND, &[("vi", &voice)]) },
        item("d", AT + HOUR, &[("vi", &voice)]),
    ];
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, items, &[&voice]));
    rig.run_until(AT + 5 * SECOND);
    assert!(rig.is_sounding());
    rig
}

fn order(
    epoch: u64,
    to: Addressee,
    order: Order,
    boot: Option<BootId>,
    at: UnixMs,
    key: &SigningKey,
) -> Vec<u8> {
    let issued_at_s = at.seconds();
    let validity = Validity { issued_at_s, not_before_s: issued_at_s - 5, expires_s: issued_at_s + 30 };
    seal(&Command { to, epoch, order, boot }, &tenant(), validity, key)
}

fn to_node() -> Addressee {
    Addressee::Node(node())
}

fn outcome(rig: &Rig, id: &str) -> Option<Outcome> {
    rig.outcomes().into_iter().find(|(item, ..)| *item == item_id(id)).map(|(.., outcome)| outcome)
}

fn refusals(rig: &Rig) -> Vec<Refusal> {
    let refusal = |event| match event {
        EventKind::DocumentRefused { refusal, .. } => Some(refusal),
        EventKind::BlockRefused { .. } | EventKind::ObjectCorrupt { .. } => None,
    };
    rig.events().into_iter().filter_map(refusal).collect()
}

const STOPPED: Outcome = Outcome::Partial(Reason::Stopped);

#[test]
fn stop_all_silences_what_sounds_and_what_waits_and_leaves_what_is_planned() {
    let mut rig = sounding();
    let to_all = Addressee::Area(area("xa"));
    let stop = order(1, to_all, Order::StopAll, None, rig.now.wall, &siren());
    rig.receive(TopicKind::Alert(area("xa")), &stop);
    assert!(!rig.is_sounding());
    assert_eq!(
        (outcome(&rig, "a"), outcome(&rig, "b")),
        (Some(STOPPED), Some(Outcome::Missed(Reason::Stopped)))
    );
    rig.run_until(AT + 2 * HOUR);
    assert_eq!((outcome(&rig, "c"), outcome(&rig, "d")), (Some(Outcome::Played), Some(Outcome::Played)));
    assert_eq!(refusals(&rig), []);
}

#[test]
fn one_occurrence_or_one_bulletin_ends_and_the_next_has_its_turn() {
    let one = Order::StopOccurrence(occurrence_id(&item_id("a"), 1, AT));
    let bulletin = Order::StopBulletin(BulletinId::new("a-bulletin").unwrap());
    for order_given in [one, bulletin] {
        let mut rig = sounding();
        let stop = order(1, to_node(), order_given, None, rig.now.wall, &siren());
        rig.receive(TopicKind::Command(node()), &stop);
        rig.run_until(AT + 2 * HOUR);
        assert_eq!((outcome(&rig, "a"), rig.played.len()), (Some(STOPPED), 4));
        assert_eq!(rig.played[1].start_at, AT + 5 * SECOND, "the amplifier is warm");
    }
}

#[test]
fn all_clear_ends_the_emergency_and_what_it_cut_goes_on() {
    let mut rig = sounding();
    rig.run_until(AT + 40 * SECOND);
    let clear = order(1, to_node(), Order::AllClear, None, rig.now.wall, &siren());
    rig.receive(TopicKind::Command(node()), &clear);
    assert_eq!(outcome(&rig, "c"), Some(STOPPED));
    rig.run_until(AT + 2 * HOUR);
    assert_eq!(outcome(&rig, "a"), Some(Outcome::Played), "begun anew once the emergency was over");
}

#[test]
fn an_order_is_obeyed_once_through_reboots() {
    let mut rig = sounding();
    let given = rig.now.wall;
    let stop = order(5, to_node(), Order::StopAll, None, given, &siren());
    rig.receive(TopicKind::Command(node()), &stop);
    rig.run_until(AT + 32 * SECOND);
    assert!(rig.is_sounding(), "the emergency");
    rig.receive(TopicKind::Command(node()), &stop);
    assert!(rig.is_sounding(), "the same order again is none");
    rig.power_cut(0);
    rig.run_until(AT + HOUR + 5 * SECOND);
    assert!(rig.is_sounding());
    let older = order(4, to_node(), Order::StopAll, None, rig.now.wall, &siren());
    rig.receive(TopicKind::Command(node()), &older);
    assert!(rig.is_sounding());
    rig.connect();
    assert_eq!(refusals(&rig), [Refusal::Replayed]);
}

#[test]
fn who_may_not_or_comes_too_late_is_refused() {
    let mut rig = sounding();
    let now = rig.now.wall;
    let all = || Order::StopAll;
    let long =
        Validity { issued_at_s: now.seconds(), not_before_s: now.seconds(), expires_s: now.seconds() + 61 };
    let long =
        seal(&Command { to: to_node(), epoch: 9, order: all(), boot: None }, &tenant(), long, &siren());
    let elsewhere = Addressee::Area(area("tinh"));
    let cases = [
        (TopicKind::Command(node()), order(1, to_node(), all(), None, now, &commune()), Refusal::OutOfScope),
        (TopicKind::Command(node()), order(1, to_node(), all(), None, now, &key(8)), Refusal::UnknownKey),
        (
            TopicKind::Command(node()),
            order(1, to_node(), all(), None, now - MINUTE, &siren()),
            Refusal::Expired,
        ),
        (
            TopicKind::Command(node()),
            order(1, to_node(), all(), None, now + MINUTE, &siren()),
            Refusal::NotYetValid,
        ),
        (TopicKind::Command(node()), long, Refusal::Malformed),
        (
            TopicKind::Alert(area("tinh")),
            order(1, elsewhere, all(), None, now, &siren()),
            Refusal::OutOfScope,
        ),
        (
            TopicKind::Alert(area("xa")),
            order(1, to_node(), all(), None, now, &siren()),
            Refusal::WrongAudience,
        ),
        (TopicKind::Command(node()), desired(9, &["vi"]), Refusal::WrongKind),
    ];
    for (topic, envelope, expected) in cases {
        // A few events a minute are told.
        rig.step_clock(0, ClockTrust::Trusted);
        let before = rig.health_refused();
        rig.receive(topic, &envelope);
        assert!(rig.is_sounding(), "{expected:?}");
        assert_eq!(rig.health_refused(), before + 1, "{expected:?}");
    }
}

#[test]
fn without_a_clock_an_order_is_believed_by_the_boot_that_it_names() {
    let mut rig = sounding();
    // The clock is lost while it sounds, and shows last year.
    rig.step_clock(-365 * DAY, ClockTrust::Unknown);
    assert!(rig.is_sounding());
    let right = AT + 6 * SECOND;
    let boot = rig.state().boot;
    for (epoch, named) in [(1, None), (2, Some(BootId([0xee; 8])))] {
        let stop = order(epoch, to_node(), Order::StopAll, named, right, &siren());
        rig.receive(TopicKind::Command(node()), &stop);
        assert!(rig.is_sounding(), "{named:?}");
    }
    let stop = order(3, to_node(), Order::StopAll, Some(boot), right, &siren());
    rig.receive(TopicKind::Command(node()), &stop);
    assert!(!rig.is_sounding());
}
