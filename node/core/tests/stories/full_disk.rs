//! R2: what sounds, and how often, while what is persistent has no room on the disk.

use loa_protocol::bulletin::Class;
use loa_protocol::keys::Scope;
use loa_protocol::plan::Item;
use loa_protocol::receipt::Outcome;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{AfterInterruption, ItemRules, Repeats};
use loa_protocol::topic::TopicKind;

use crate::office::*;
use crate::rig::Rig;

const AT: UnixMs = UnixMs(T0.0 + HOUR);

/// A node that has this item of a minute by its commune's plan, and its audio.
fn with_item(class: Class, policy: AfterInterruption) -> Rig {
    let voice = Object::new("v", 1, MINUTE as u32);
    let rules = ItemRules { after_interruption: policy, ..ItemRules::default() };
    let mut rig = Rig::new();
    rig.offer(&[&voice]);
    rig.connect();
    let all = Scope { classes: Class::ALL.to_vec(), ..scope("xa") };
    rig.receive(TopicKind::Keys, &key_set(1, &[(&commune(), all)]));
    rig.receive(TopicKind::Desired(node()), &desired(1, &["vi"]));
    let item = Item { class, rules, ..item("i", AT, &[("vi", &voice)]) };
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, vec![item], &[&voice]));
    rig
}

#[test]
fn what_is_taken_up_again_waits_for_room_as_what_begins() {
    for policy in [AfterInterruption::Restart, AfterInterruption::Resume] {
        let mut rig = with_item(Class::Priority, policy);
        rig.run_until(AT + 10 * SECOND);
        assert!(rig.is_sounding());
        rig.no_room = true;
        rig.power_cut(3 * SECOND);
        rig.run_for(20 * SECOND);
        assert_eq!(rig.played.len(), 1, "nobody would know of it after the next power cut: {policy:?}");
        rig.power_cut(3 * SECOND);
        rig.run_for(20 * SECOND);
        rig.make_room();
        rig.run_for(2 * MINUTE);
        assert_eq!((rig.played.len(), rig.outcomes()), (2, vec![(item_id("i"), AT, Outcome::Played)]));
        rig.power_cut(3 * SECOND);
        rig.run_for(HOUR);
        assert_eq!(rig.played.len(), 2, "{policy:?}");
    }
}

#[test]
fn what_has_begun_goes_on_when_the_disk_fills() {
    let voice = Object::new("v", 1, 10_000);
    let repeats = Some(Repeats { rounds: 3, gap_ms: 1_000 });
    let rules = ItemRules { repeats, after_interruption: AfterInterruption::Resume, ..ItemRules::default() };
    let mut rig = Rig::placed(&["vi"]);
    rig.offer(&[&voice]);
    let item = Item { rules, ..item("i", AT, &[("vi", &voice)]) };
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, vec![item], &[&voice]));
    rig.run_until(AT + 5 * SECOND);
    rig.no_room = true;
    rig.run_for(MINUTE);
    assert_eq!(rig.played.len(), 3, "what waits only says how far it got");
}

#[test]
fn an_emergency_sounds_without_a_record_at_each_boot_and_with_one_no_more() {
    let mut rig = with_item(Class::Emergency, AfterInterruption::Drop);
    rig.run_until(AT - MINUTE);
    rig.no_room = true;
    rig.run_until(AT + 10 * SECOND);
    for boot in 2..4 {
        rig.power_cut(3 * SECOND);
        rig.run_for(10 * SECOND);
        assert!(rig.is_sounding() && rig.played.len() == boot, "boot {boot}");
    }
    rig.make_room();
    rig.power_cut(3 * SECOND);
    rig.run_for(HOUR);
    assert_eq!((rig.played.len(), rig.store.receipts.len()), (3, 1));
}
