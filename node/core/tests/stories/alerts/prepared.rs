//! Sounds that are kept ready for emergencies to come.

use loa_node_core::Settings;
use loa_protocol::envelope::seal;
use loa_protocol::plan::{AreaPlan, Item};
use loa_protocol::receipt::Outcome;
use loa_protocol::report::StorageState;
use loa_protocol::topic::TopicKind;

use super::{AT, alerts, listening, listening_with, on_topic, outcome, sealed, urgent};
use crate::office::*;
use crate::rig::Rig;

/// The commune's plan with these items, and these objects to keep ready.
fn preparing(epoch: u64, items: Vec<Item>, objects: &[&Object], prepared: &[&Object]) -> Vec<u8> {
    let mut prepared: Vec<_> = prepared.iter().map(|object| object.manifest.clone()).collect();
    prepared.sort_by_key(|manifest| manifest.object);
    let plan = AreaPlan { prepared, ..area_plan("xa", epoch, program(items, objects)) };
    seal(&plan, &tenant(), validity(), &commune())
}

fn order_of_wants(rig: &Rig) -> Vec<loa_protocol::ids::ObjectHash> {
    let mut order: Vec<_> = rig.wants().into_iter().map(|want| want.object).collect();
    order.dedup();
    order
}

#[test]
fn they_come_after_what_is_due_in_two_days_and_sound_only_when_an_alarm_names_them() {
    let (storm, soon, far) =
        (Object::new("storm", 5, 8_000), Object::new("soon", 2, 1_000), Object::new("far", 2, 1_000));
    let mut rig = listening();
    rig.offer(&[&storm, &soon, &far]);
    let items =
        vec![item("soon", T0 + 47 * HOUR, &[("vi", &soon)]), item("far", T0 + 49 * HOUR, &[("vi", &far)])];
    rig.receive(TopicKind::Plan(area("xa")), &preparing(1, items, &[&soon, &far], &[&storm]));
    rig.run_until(AT);
    assert_eq!(order_of_wants(&rig), [soon.hash(), storm.hash(), far.hash()]);
    assert_eq!((rig.state().objects_ready, rig.played.len()), (3, 0));

    let wanted = rig.wants().len();
    rig.receive(on_topic(), &sealed(&alerts(1, vec![urgent("storm", AT, &storm)], &[], &[&storm]), AT));
    rig.run_for(MINUTE);
    assert_eq!(outcome(&rig, "storm"), Some(Outcome::Played));
    assert_eq!(rig.wants().len(), wanted, "it was there");
}

#[test]
fn they_give_way_to_what_items_need_and_do_not_push_one_another_out() {
    let objects =
        [Object::new("storm", 5, 8_000), Object::new("fire", 5, 8_000), Object::new("talk", 5, 1_000)];
    let [storm, fire, talk] = &objects;
    let size = u64::from(storm.manifest.size_bytes);
    let mut rig = listening_with(Settings { cache_quota_bytes: 2 * size, ..Settings::default() });
    rig.offer(&[storm, fire, talk]);
    rig.receive(TopicKind::Plan(area("xa")), &preparing(1, vec![], &[], &[storm, fire]));
    rig.run_until(AT);
    assert_eq!((rig.store.whole.len(), rig.state().storage), (2, StorageState::Good));

    // One of them has to go, and asks for room again and again in vain.
    let items = vec![item("talk", AT + 60 * HOUR, &[("vi", talk)])];
    rig.receive(TopicKind::Plan(area("xa")), &preparing(2, items, &[talk], &[storm, fire]));
    rig.run_for(3 * HOUR);
    assert!(rig.store.whole.contains_key(&talk.hash()));
    assert_eq!((rig.store.whole.len(), rig.state().storage), (2, StorageState::Full));
    let wanted = rig.wants().len();
    rig.run_for(5 * HOUR);
    assert_eq!(rig.wants().len(), wanted);

    // The disk is full: what is kept ready is the first to go.
    let gone = rig.core.give_up_object(rig.now);
    assert!(gone == Some(storm.hash()) || gone == Some(fire.hash()));
    assert_eq!(rig.core.give_up_object(rig.now), Some(talk.hash()), "due in more than two days");
}

#[test]
fn what_the_plan_prepares_no_more_may_go() {
    let storm = Object::new("storm", 5, 8_000);
    let mut rig = listening();
    rig.offer(&[&storm]);
    rig.receive(TopicKind::Plan(area("xa")), &preparing(1, vec![], &[], &[&storm]));
    rig.run_until(AT);
    assert_eq!(rig.state().objects_ready, 1);
    rig.receive(TopicKind::Plan(area("xa")), &preparing(2, vec![], &[], &[]));
    rig.run_for(MINUTE);
    assert_eq!(
        (rig.state().objects_ready, rig.store.whole.len()),
        (0, 1),
        "it goes when something needs the room"
    );
}
