//! What is not signed as it must be plays nothing, and is reported.

use loa_node_core::{Action, Core, Identity, LinkEvent, Now, Restored, Settings, Slot};
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Class;
use loa_protocol::envelope::{Refusal, Validity, seal};
use loa_protocol::ids::{BootId, NodeId};
use loa_protocol::keys::{Purpose, Scope};
use loa_protocol::report::{ClockTrust, Event, EventKind};
use loa_protocol::topic::{Topic, TopicKind};
use loa_protocol::wire::Wire;

use crate::office::*;
use crate::rig::Rig;

/// A connected node with keys and a document, and an object whose plan is yet to come.
fn ready() -> (Rig, Object) {
    let mut rig = Rig::with(Settings::default());
    let voice = Object::new("v", 2, 1_000);
    rig.offer(&[&voice]);
    rig.connect();
    rig.receive(TopicKind::Keys, &first_keys());
    rig.receive(TopicKind::Desired(node()), &desired(1, &["vi"]));
    rig.actions.clear();
    (rig, voice)
}

fn refusals(rig: &Rig) -> Vec<(String, Refusal)> {
    let refusal = |event| match event {
        EventKind::DocumentRefused { topic, refusal } => Some((topic, refusal)),
        EventKind::BlockRefused { .. } | EventKind::ObjectCorrupt { .. } => None,
    };
    rig.events().into_iter().filter_map(refusal).collect()
}

/// Gives the node an envelope on the commune's plan topic: it must be refused so, and nothing may come of it.
fn check(envelope: impl Fn(&Object) -> Vec<u8>, expected: Refusal) {
    let (mut rig, voice) = ready();
    rig.receive(TopicKind::Plan(area("xa")), &envelope(&voice));
    assert_eq!(refusals(&rig), [("loa/1/lam-dong/a/xa/plan".to_owned(), expected)]);
    rig.run_for(2 * DAY);
    assert_eq!((rig.played.len(), rig.wants().len(), rig.store.receipts.len()), (0, 0, 0));
    let saved = rig.actions.iter().any(|action| matches!(action, Action::SaveDocument { .. }));
    assert!(!saved, "nothing of a refused document is kept");
    assert_eq!(rig.health().last().unwrap().refused, 1);
}

fn items(voice: &Object) -> loa_protocol::plan::Program {
    program(vec![item("i", T0 + HOUR, &[("vi", voice)])], &[voice])
}

#[test]
fn unsigned() {
    check(|voice| area_plan("xa", 1, items(voice)).to_cbor(), Refusal::Malformed);
}

#[test]
fn changed_by_one_bit() {
    let changed = |voice: &Object| {
        let mut envelope = plan(1, items(voice).items, &[voice]);
        *envelope.last_mut().unwrap() ^= 1;
        envelope
    };
    check(changed, Refusal::BadSignature);
}

#[test]
fn signed_by_somebody_else() {
    let other = |voice: &Object| seal(&area_plan("xa", 1, items(voice)), &tenant(), validity(), &key(77));
    check(other, Refusal::UnknownKey);
}

#[test]
fn out_of_scope() {
    // The commune's key directs the province.
    let (mut rig, voice) = ready();
    let envelope = seal(&area_plan("tinh", 1, items(&voice)), &tenant(), validity(), &commune());
    rig.receive(TopicKind::Plan(area("tinh")), &envelope);
    assert_eq!(refusals(&rig)[0].1, Refusal::OutOfScope);
    assert!(rig.wants().is_empty());
    // A class that the key may not send.
    let emergency = |voice: &Object| {
        let mut program = items(voice);
        program.items[0].class = Class::Emergency;
        seal(&area_plan("xa", 1, program), &tenant(), validity(), &commune())
    };
    check(emergency, Refusal::OutOfScope);
}

#[test]
fn for_somebody_else() {
    // Of another area, on this area's topic.
    let elsewhere =
        |voice: &Object| seal(&area_plan("khac", 1, items(voice)), &tenant(), validity(), &commune());
    check(elsewhere, Refusal::WrongAudience);
    // Of another area on the path, on this area's topic.
    let village =
        |voice: &Object| seal(&area_plan("thon", 1, items(voice)), &tenant(), validity(), &commune());
    check(village, Refusal::WrongAudience);
    let (mut rig, _) = ready();
    let mut document = node_document(2, &["kpm"]);
    document.node = NodeId::new("khac").unwrap();
    let envelope = seal(&document, &tenant(), validity(), &commune());
    rig.receive(TopicKind::Desired(node()), &envelope);
    assert_eq!(
        refusals(&rig),
        [("loa/1/lam-dong/d/thon-3-cum-1/desired".to_owned(), Refusal::WrongAudience)]
    );
    rig.receive(TopicKind::Desired(NodeId::new("khac").unwrap()), &envelope);
    assert_eq!(refusals(&rig).len(), 1, "another node's topic is not looked at");
}

#[test]
fn expired() {
    let expired = |voice: &Object| {
        let validity = Validity { expires_s: T0.seconds() - 1, ..validity() };
        seal(&area_plan("xa", 1, items(voice)), &tenant(), validity, &commune())
    };
    check(expired, Refusal::Expired);
}

#[test]
fn replayed() {
    let (mut rig, voice) = ready();
    let old = plan(4, items(&voice).items, &[&voice]);
    rig.receive(TopicKind::Plan(area("xa")), &old);
    rig.receive(TopicKind::Plan(area("xa")), &plan(5, vec![], &[]));
    rig.receive(TopicKind::Plan(area("xa")), &old);
    let other_five = plan(5, items(&voice).items, &[&voice]);
    rig.receive(TopicKind::Plan(area("xa")), &other_five);
    let replayed = ("loa/1/lam-dong/a/xa/plan".to_owned(), Refusal::Replayed);
    assert_eq!(refusals(&rig), [replayed.clone(), replayed]);

    // Nor after a restart.
    rig.power_cut(MINUTE);
    rig.actions.clear();
    rig.connect();
    rig.receive(TopicKind::Plan(area("xa")), &old);
    assert_eq!(refusals(&rig)[0].1, Refusal::Replayed);
    rig.run_for(DAY);
    assert_eq!((rig.played.len(), rig.store.receipts.len()), (0, 0));
}

#[test]
fn the_same_document_again_is_no_offence_and_no_work() {
    let (mut rig, voice) = ready();
    let envelope = plan(4, items(&voice).items, &[&voice]);
    rig.receive(TopicKind::Plan(area("xa")), &envelope);
    rig.actions.clear();
    rig.receive(TopicKind::Plan(area("xa")), &envelope);
    assert_eq!(rig.actions, []);
}

#[test]
fn a_key_set_that_the_root_did_not_sign() {
    let (mut rig, voice) = ready();
    let set = loa_protocol::keys::KeySet { version: 2, keys: vec![] };
    let forged = loa_protocol::envelope::seal_key_set(&set, &tenant(), validity(), &commune());
    rig.receive(TopicKind::Keys, &forged);
    rig.receive(TopicKind::Keys, &key_set(0, &[]));
    assert_eq!(
        refusals(&rig).iter().map(|r| r.1).collect::<Vec<_>>(),
        [Refusal::UnknownKey, Refusal::Replayed]
    );
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, items(&voice).items, &[&voice]));
    rig.run_for(2 * HOUR);
    assert_eq!(rig.played.len(), 1, "the key set in force still is");
}

#[test]
fn a_flood_of_refusals_is_counted_but_not_repeated() {
    let (mut rig, _) = ready();
    for n in 0..1000u32 {
        rig.receive(TopicKind::Plan(area("xa")), &n.to_be_bytes());
    }
    assert_eq!(refusals(&rig).len(), 10);
    rig.run_for(HOUR);
    assert_eq!(refusals(&rig).len(), 26, "and 16 that waited");
    assert_eq!(rig.health().last().unwrap().refused, 1000);
}

#[test]
fn a_plan_before_its_keys_waits_for_them() {
    let mut rig = Rig::new();
    let voice = Object::new("v", 2, 1_000);
    rig.offer(&[&voice]);
    rig.connect();
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, items(&voice).items, &[&voice]));
    rig.receive(TopicKind::Desired(node()), &desired(1, &["vi"]));
    assert!(rig.store.documents.is_empty() && rig.wants().is_empty());
    rig.receive(TopicKind::Keys, &first_keys());
    assert_eq!(refusals(&rig), [], "retained messages come in any order");
    rig.run_for(2 * HOUR);
    assert_eq!(rig.played.len(), 1);

    // And a key that comes with a later key set.
    let replacement = key(3);
    let next = program(vec![item("j", T0 + 3 * HOUR, &[("vi", &voice)])], &[&voice]);
    let envelope = seal(&area_plan("xa", 2, next), &tenant(), validity(), &replacement);
    rig.receive(TopicKind::Plan(area("xa")), &envelope);
    assert_eq!(refusals(&rig)[0].1, Refusal::UnknownKey);
    let both = [(&commune(), scope("xa")), (&replacement, scope("xa"))];
    rig.receive(TopicKind::Keys, &key_set(2, &both));
    rig.run_until(T0 + 4 * HOUR);
    assert_eq!(rig.played.len(), 2);
}

#[test]
fn what_a_revoked_key_signed_plays_no_more() {
    let (mut rig, voice) = ready();
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, items(&voice).items, &[&voice]));
    let node_key = key(5);
    let node_only = Scope { purposes: vec![Purpose::Node], ..scope("xa") };
    rig.receive(TopicKind::Keys, &key_set(2, &[(&node_key, node_only)]));
    let mut refused: Vec<Refusal> = refusals(&rig).into_iter().map(|r| r.1).collect();
    refused.dedup();
    assert_eq!(refused, [Refusal::UnknownKey]);
    rig.run_for(2 * HOUR);
    rig.power_cut(MINUTE);
    rig.run_for(2 * HOUR);
    assert_eq!((rig.played.len(), rig.store.receipts.len()), (0, 0));
}

#[test]
fn a_document_of_the_future_waits_for_the_clock() {
    let (mut rig, voice) = ready();
    let seconds = T0.seconds();
    let soon = Validity { issued_at_s: seconds + 90, not_before_s: seconds + 90, ..validity() };
    let at = T0 + HOUR;
    let items = program(vec![item("i", at, &[("vi", &voice)])], &[&voice]);
    rig.receive(TopicKind::Plan(area("xa")), &seal(&area_plan("xa", 1, items), &tenant(), soon, &commune()));
    assert_eq!(refusals(&rig)[0].1, Refusal::NotYetValid);
    assert!(rig.wants().is_empty());
    rig.run_for(3 * MINUTE);
    assert_eq!(refusals(&rig).len(), 1);
    assert!(!rig.wants().is_empty(), "taken up once it is valid, without being sent again");
    rig.run_until(at + HOUR);
    assert_eq!(rig.played.len(), 1);
}

#[test]
fn a_signer_whose_clock_is_ahead_moves_nobody_elses() {
    let (mut rig, voice) = ready();
    let seconds = T0.seconds();
    let at = T0 + HOUR;
    let items = program(vec![item("i", at, &[("vi", &voice)])], &[&voice]);
    let ahead = Validity { issued_at_s: seconds + 3600, ..validity() };
    rig.receive(TopicKind::Plan(area("xa")), &seal(&area_plan("xa", 1, items), &tenant(), ahead, &commune()));
    let kept = &rig.store.documents[&Slot::Plan(area("xa"))];
    assert!(kept.issued_at <= kept.applied_at && kept.issued_at <= T0 + MINUTE, "{}", kept.issued_at);
    rig.run_until(at + HOUR);
    assert_eq!(rig.played.len(), 1);
}

#[test]
fn a_document_plays_nothing_after_its_end() {
    let (mut rig, voice) = ready();
    let short = Validity { expires_s: T0.seconds() + 2 * 3600, ..validity() };
    let items = vec![item("a", T0 + HOUR, &[("vi", &voice)]), item("b", T0 + 3 * HOUR, &[("vi", &voice)])];
    let plan = area_plan("xa", 1, program(items, &[&voice]));
    rig.receive(TopicKind::Plan(area("xa")), &seal(&plan, &tenant(), short, &commune()));
    rig.run_for(5 * HOUR);
    assert_eq!((rig.played.len(), rig.store.receipts.len()), (1, 1));
    rig.power_cut(MINUTE);
    rig.step_clock(0, ClockTrust::Trusted);
    rig.run_for(5 * HOUR);
    assert_eq!((rig.played.len(), rig.store.receipts.len()), (1, 1));
}

#[test]
fn a_node_that_does_not_know_its_place_asks_for_no_areas_plan_and_is_placed_by_no_areas_key() {
    let now = Now { wall: T0, monotonic_ms: 0 };
    let unplaced = Identity { path: AreaPath::unplaced(), ..identity() };
    let (settings, boot) = (Settings::default(), BootId([1; 8]));
    let mut core = Core::new(unplaced, settings, Restored::default(), boot, "1.0".to_owned(), now);
    core.handle_clock(ClockTrust::Trusted, now);
    core.handle_link(LinkEvent::ControlUp { session_present: false, connection: 1 }, now);
    let topic = |kind| Topic::new(&tenant(), kind).to_string();
    core.handle_message(&topic(TopicKind::Keys), &first_keys(), now);
    core.handle_message(&topic(TopicKind::Desired(node())), &desired(1, &["vi"]), now);
    let (mut asked, mut refused) = (Vec::new(), Vec::new());
    while let Some(action) = core.poll_action() {
        if let Action::Subscribe { filters, .. } = &action {
            asked.extend(filters.clone());
        } else if let Action::Publish { topic: on, payload, .. } = &action
            && *on == topic(TopicKind::Event(node()))
        {
            refused.push(Event::from_cbor(payload).unwrap().kind);
        }
    }
    let own =
        [TopicKind::Keys, TopicKind::Desired(node()), TopicKind::Command(node()), TopicKind::Ack(node())];
    assert_eq!(asked, own.map(topic));
    let on = topic(TopicKind::Desired(node()));
    assert_eq!(refused, [EventKind::DocumentRefused { topic: on, refusal: Refusal::OutOfScope }]);
}
