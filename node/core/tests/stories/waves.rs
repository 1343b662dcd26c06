//! Audio that comes for a whole area at once.

use loa_node_core::{Action, Came, Link, Settings};
use loa_protocol::plan::NodeDocument;
use loa_protocol::topic::TopicKind;
use loa_protocol::wire::Wire;

use crate::office::*;
use crate::rig::{Rig, Serving};

/// A node whose plan names these objects, due in one, two, three ... days; nobody answers it.
fn waiting(objects: &[&Object]) -> Rig {
    let mut rig = Rig::placed(&["vi"]);
    rig.serving = Serving::No;
    rig.offer(objects);
    let starts = objects.iter().zip(1..);
    let items =
        starts.map(|(object, day)| item(&format!("i{day}"), T0 + day * DAY, &[("vi", object)])).collect();
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, items, objects));
    rig
}

fn wave(rig: &mut Rig, voice: &Object, blocks: impl IntoIterator<Item = u32>) {
    for index in blocks {
        rig.run_for(100);
        let block = rig.block(&voice.hash(), index);
        rig.receive(TopicKind::wave(area("tinh"), &voice.hash()), &block.to_cbor());
    }
}

fn filters(rig: &Rig, voice: &Object) -> Vec<String> {
    ["tinh", "xa", "thon"].map(|name| rig.topic(TopicKind::wave(area(name), &voice.hash()))).to_vec()
}

#[test]
fn a_wave_is_heard_and_what_it_left_out_is_asked_for_afterwards() {
    let voice = Object::new("v", 20, 1_000);
    let mut rig = waiting(&[&voice]);
    let subscribe = Action::Subscribe { link: Link::Bulk, filters: filters(&rig, &voice) };
    let is_want =
        |action: &Action| matches!(action, Action::Publish { topic, .. } if topic.ends_with("/want"));
    let position = |rig: &Rig, is: &dyn Fn(&Action) -> bool| rig.actions.iter().position(is).unwrap();
    assert!(position(&rig, &|action| *action == subscribe) < position(&rig, &is_want), "first it listens");
    assert!(rig.wants()[0].hears_waves);

    wave(&mut rig, &voice, (0..20).filter(|index| ![5, 9].contains(index)));
    assert_eq!(rig.wants().len(), 1, "nothing is asked for while the wave passes");
    rig.serving = Serving::Yes;
    rig.run_for(SECOND);
    let wants = rig.wants();
    assert_eq!((wants.len(), wants[1].blocks()), (2, vec![5, 9]), "only the holes, and at once");
    assert!(rig.store.whole.contains_key(&voice.hash()));
    let unsubscribe = Action::Unsubscribe { link: Link::Bulk, filters: filters(&rig, &voice) };
    assert_eq!(rig.actions.iter().filter(|action| **action == unsubscribe).count(), 1);
    let bytes = u64::from(voice.manifest.size_bytes);
    assert_eq!(rig.core.audio_came(), Came { bytes, wasted_bytes: 0 });
}

#[test]
fn a_node_that_comes_in_the_middle_asks_for_the_beginning_without_blaming_anybody() {
    let voice = Object::new("v", 20, 1_000);
    let mut rig = waiting(&[&voice]);
    wave(&mut rig, &voice, 12..20);
    rig.run_for(SECOND);
    let wants = rig.wants();
    assert_eq!((wants.len(), wants[1].blocks(), wants[1].window), (2, vec![0, 1, 2, 3], 4));
}

#[test]
fn a_wave_that_breaks_off_is_waited_for_no_longer_than_its_pace_tells() {
    let voice = Object::new("v", 20, 1_000);
    let mut rig = waiting(&[&voice]);
    wave(&mut rig, &voice, 0..7);
    rig.run_for(900);
    assert_eq!(rig.wants().len(), 1, "its blocks came every 100 ms, and the shortest wait is a second");
    rig.run_for(200);
    assert_eq!(rig.wants()[1].blocks(), [7, 8, 9, 10]);
}

#[test]
fn what_comes_a_second_time_is_counted_as_wasted() {
    let voice = Object::new("v", 20, 1_000);
    let mut rig = waiting(&[&voice]);
    wave(&mut rig, &voice, [0, 1, 0, 1, 0]);
    let block = u64::from(voice.manifest.block_size_bytes);
    assert_eq!(rig.core.audio_came(), Came { bytes: 5 * block, wasted_bytes: 3 * block });
    rig.core.handle_health(loa_node_core::Measurements::default(), rig.now);
    rig.run();
    let health = rig.health().pop().unwrap();
    assert_eq!((health.audio_bytes, health.audio_wasted_bytes), (Some(5 * block), Some(3 * block)));
}

#[test]
fn an_object_that_is_needed_sooner_overtakes_a_wave() {
    let (later, urgent) = (Object::new("later", 20, 1_000), Object::new("urgent", 2, 1_000));
    let mut rig = waiting(&[&later]);
    wave(&mut rig, &later, 0..5);
    rig.serving = Serving::Yes;
    rig.offer(&[&urgent]);
    let items = vec![item("i1", T0 + DAY, &[("vi", &later)]), item("soon", T0 + HOUR, &[("vi", &urgent)])];
    rig.receive(TopicKind::Plan(area("xa")), &plan(2, items, &[&later, &urgent]));
    assert!(rig.store.whole.contains_key(&urgent.hash()), "not when the wave has passed");
    assert!(!rig.store.whole.contains_key(&later.hash()));
    rig.run_for(SECOND);
    assert!(rig.store.whole.contains_key(&later.hash()), "the rest of it was asked for in its turn");
}

#[test]
fn a_node_on_a_thin_line_hears_no_waves() {
    let voice = Object::new("v", 6, 1_000);
    let mut rig = Rig::placed(&["vi"]);
    let document = NodeDocument { line_kbit_s: Some(64), ..node_document(2, &["vi"]) };
    let envelope = loa_protocol::envelope::seal(&document, &tenant(), validity(), &commune());
    rig.receive(TopicKind::Desired(node()), &envelope);
    rig.offer(&[&voice]);
    let items = vec![item("i", T0 + DAY, &[("vi", &voice)])];
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, items, &[&voice]));
    assert!(rig.store.whole.contains_key(&voice.hash()));
    assert!(rig.wants().iter().all(|want| !want.hears_waves));
    let on_bulk = |action: &&Action| matches!(action, Action::Subscribe { link: Link::Bulk, .. });
    let blocks = Action::Subscribe { link: Link::Bulk, filters: vec![rig.topic(TopicKind::Blocks(node()))] };
    assert!(rig.actions.iter().filter(on_bulk).all(|action| *action == blocks));
}

#[test]
fn nodes_begin_to_fetch_at_different_moments_but_in_good_time() {
    let voice = Object::new("v", 6, 1_000);
    let opened_after = |due_in: i64, boots: u8| {
        let mut rig = Rig::with_exactly(Settings::default());
        (0..boots).for_each(|_| rig.power_cut(0));
        rig.connect();
        rig.receive(TopicKind::Keys, &first_keys());
        rig.receive(TopicKind::Desired(node()), &desired(1, &["vi"]));
        rig.offer(&[&voice]);
        let items = vec![item("i", rig.now.wall + due_in, &[("vi", &voice)])];
        rig.receive(TopicKind::Plan(area("xa")), &plan(1, items, &[&voice]));
        let begun = rig.now.wall;
        while !rig.actions.contains(&Action::OpenBulk) {
            rig.run_for(100);
        }
        rig.now.wall.since(begun)
    };
    let waits: Vec<i64> = (0..8).map(|boots| opened_after(DAY, boots)).collect();
    assert!(waits.iter().all(|wait| *wait <= 20 * SECOND), "{waits:?}");
    assert!(waits.iter().max().unwrap() - waits.iter().min().unwrap() > 5 * SECOND, "{waits:?}");
    assert!(
        (0..8).all(|boots| opened_after(20 * SECOND, boots) <= 200),
        "a hundredth of what is left at most"
    );
}
