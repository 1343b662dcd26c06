//! A card that says nothing.

use loa_protocol::bulletin::Class;
use loa_protocol::keys::Scope;
use loa_protocol::plan::Item;
use loa_protocol::receipt::{Outcome, Reason};
use loa_protocol::topic::TopicKind;

use crate::office::*;
use crate::rig::Rig;

const AT: loa_protocol::time::UnixMs = loa_protocol::time::UnixMs(T0.0 + HOUR);

/// A node whose card takes the sound of an item of this class, and then hangs.
fn hung(class: Class) -> Rig {
    let voice = Object::new("v", 1, 5_000);
    let item = Item { class, start_within_ms: 60_000, ..item("i", AT, &[("vi", &voice)]) };
    let mut rig = Rig::new();
    rig.offer(&[&voice]);
    rig.connect();
    let classes = Class::ALL.to_vec();
    rig.receive(TopicKind::Keys, &key_set(1, &[(&commune(), Scope { classes, ..scope("xa") })]));
    rig.receive(TopicKind::Desired(node()), &desired(1, &["vi"]));
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, vec![item], &[&voice]));
    rig.run_until(AT - SECOND);
    assert_eq!(rig.played.len(), 1, "it is ordered");
    rig.silence();
    rig
}

#[test]
fn an_emergency_tries_again_and_is_heard() {
    let mut rig = hung(Class::Emergency);
    rig.run_until(AT + 12 * SECOND);
    assert!(rig.is_sounding(), "within seconds, not at the end of the patience with other sounds");
    rig.run_until(AT + HOUR);
    assert_eq!(rig.outcomes(), [(item_id("i"), AT, Outcome::Played)]);
    assert_eq!(rig.played.len(), 2);
}

#[test]
fn anything_else_may_have_been_heard_and_is_not_tried_again() {
    let mut rig = hung(Class::Priority);
    rig.run_until(AT + HOUR);
    assert_eq!(rig.outcomes(), [(item_id("i"), AT, Outcome::Missed(Reason::SpeakerFailed))]);
    assert_eq!(rig.played.len(), 1);
}
