//! Audio that comes in pieces, late, wrong, or into a full store.

use loa_node_core::{Action, LinkEvent, Settings};
use loa_protocol::plan::Item;
use loa_protocol::receipt::{Outcome, Reason};
use loa_protocol::report::{EventKind, Fetching, StorageState};
use loa_protocol::topic::TopicKind;
use loa_protocol::transfer::{Block, Codec, Manifest};
use loa_protocol::wire::Wire;

use crate::office::*;
use crate::rig::{Rig, Serving};

fn connected(settings: Settings) -> Rig {
    let mut rig = Rig::with(settings);
    rig.connect();
    rig.receive(TopicKind::Keys, &first_keys());
    rig.receive(TopicKind::Desired(node()), &desired(1, &["vi"]));
    rig
}

fn give(rig: &mut Rig, block: &Block) {
    rig.receive(TopicKind::Blocks(node()), &block.to_cbor());
}

#[test]
fn after_a_restart_only_what_is_lacking_is_asked_for() {
    let mut rig = connected(Settings::default());
    rig.serving = Serving::No;
    let voice = Object::new("v", 20, 1_000);
    rig.offer(&[&voice]);
    let at = T0 + HOUR;
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, vec![item("i", at, &[("vi", &voice)])], &[&voice]));
    for index in [0, 1, 2, 3, 9, 19] {
        let block = rig.block(&voice.hash(), index);
        give(&mut rig, &block);
    }
    rig.run_for(2 * SECOND);
    assert_eq!(rig.state().fetching, [Fetching { object: voice.hash(), blocks_have: 6, blocks_total: 20 }]);
    assert_eq!(rig.wants().last().unwrap().blocks(), [4, 5, 6, 7]);
    let held = rig.blocks_held(&voice.hash());

    rig.power_cut(MINUTE);
    rig.actions.clear();
    rig.serving = Serving::Yes;
    rig.connect();
    let asked: Vec<u32> = rig.wants().iter().flat_map(|want| want.blocks()).collect();
    let lacking: Vec<u32> = (0..20).filter(|index| !held.contains(index)).collect();
    assert_eq!(asked, lacking);
    assert!(!rig.actions.iter().any(|a| matches!(a, Action::BeginObject { .. })));
    rig.run_until(at + HOUR);
    assert_eq!(rig.outcomes(), [(item_id("i"), at, Outcome::Played)]);
}

#[test]
fn a_wrong_block_is_refused_reported_and_asked_for_again() {
    let mut rig = connected(Settings::default());
    rig.serving = Serving::No;
    let voice = Object::new("v", 3, 1_000);
    rig.offer(&[&voice]);
    let at = T0 + HOUR;
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, vec![item("i", at, &[("vi", &voice)])], &[&voice]));
    let right: Vec<Block> = (0..3).map(|index| rig.block(&voice.hash(), index)).collect();
    let wrong = Block { bytes: right[0].bytes.clone(), ..right[1].clone() };
    give(&mut rig, &right[0]);
    give(&mut rig, &wrong);
    assert_eq!(rig.events(), [EventKind::BlockRefused { object: voice.hash(), index: 1 }]);
    give(&mut rig, &right[2]);
    assert_eq!(rig.wants().last().unwrap().blocks(), [1]);
    give(&mut rig, &right[1]);
    assert!(rig.store.whole.contains_key(&voice.hash()));
}

#[test]
fn a_controller_that_sends_wrong_bytes_is_asked_ever_less_often() {
    let mut rig = connected(Settings::default());
    rig.serving = Serving::Wrong;
    let voice = Object::new("v", 3, 1_000);
    rig.offer(&[&voice]);
    rig.receive(
        TopicKind::Plan(area("xa")),
        &plan(1, vec![item("i", T0 + DAY, &[("vi", &voice)])], &[&voice]),
    );
    rig.run_for(HOUR);
    let wants = rig.wants().len();
    assert!((3..=25).contains(&wants), "{wants} wants in an hour");
    assert!(rig.events().len() <= 3 * wants);
    rig.serving = Serving::Yes;
    rig.run_for(11 * MINUTE);
    assert!(rig.store.whole.contains_key(&voice.hash()));
}

#[test]
fn a_silent_controller_is_asked_again_and_holds_nothing_up() {
    let mut rig = connected(Settings::default());
    rig.serving = Serving::No;
    let (urgent, later) = (Object::new("urgent", 2, 1_000), Object::new("later", 2, 1_000));
    rig.offer(&[&urgent, &later]);
    let items = vec![item("a", T0 + 2 * DAY, &[("vi", &later)]), item("b", T0 + DAY, &[("vi", &urgent)])];
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, items, &[&urgent, &later]));
    rig.run_for(MINUTE);
    let wants = rig.wants();
    assert_eq!((wants[0].object, wants[0].window), (urgent.hash(), 4), "the earliest deadline first");
    assert_eq!((wants[1].object, wants[1].window), (urgent.hash(), 2), "then with a smaller window");
    assert!(wants.iter().any(|want| want.object == later.hash()), "then others have their turn");
    rig.run_for(6 * HOUR);
    let wants = rig.wants().len();
    assert!((40..=100).contains(&wants), "{wants} wants in six hours");
    assert!(rig.actions.contains(&Action::CloseBulk), "the link is not kept open for nothing");
    rig.serving = Serving::Yes;
    rig.run_for(11 * MINUTE);
    assert_eq!(rig.store.whole.len(), 2);
}

#[test]
fn a_lost_link_goes_on_where_it_was() {
    let mut rig = connected(Settings::default());
    rig.serving = Serving::No;
    let voice = Object::new("v", 6, 1_000);
    rig.offer(&[&voice]);
    rig.receive(
        TopicKind::Plan(area("xa")),
        &plan(1, vec![item("i", T0 + DAY, &[("vi", &voice)])], &[&voice]),
    );
    let first = rig.block(&voice.hash(), 0);
    give(&mut rig, &first);
    rig.core.handle_link(LinkEvent::BulkDown, rig.now);
    rig.run_for(HOUR);
    rig.serving = Serving::Yes;
    rig.core.handle_link(LinkEvent::BulkUp, rig.now);
    rig.run();
    assert!(rig.store.whole.contains_key(&voice.hash()));
    let bulk = rig.actions.iter().filter(|action| **action == Action::OpenBulk).count();
    assert_eq!(bulk, 1, "the shell connects again by itself");
}

#[test]
fn a_controller_that_comes_back_is_asked_at_once() {
    let mut rig = connected(Settings::default());
    rig.serving = Serving::No;
    let voice = Object::new("v", 6, 1_000);
    rig.offer(&[&voice]);
    let plan = plan(1, vec![item("i", T0 + DAY, &[("vi", &voice)])], &[&voice]);
    rig.receive(TopicKind::Plan(area("xa")), &plan);
    rig.run_for(HOUR);
    rig.disconnect();
    rig.serving = Serving::Yes;
    rig.connect();
    assert!(rig.store.whole.contains_key(&voice.hash()));
}

#[test]
fn blocks_that_nobody_asked_for_are_dropped() {
    let mut rig = connected(Settings::default());
    let (voice, unknown) = (Object::new("v", 2, 1_000), Object::new("unknown", 2, 1_000));
    rig.offer(&[&voice, &unknown]);
    rig.receive(
        TopicKind::Plan(area("xa")),
        &plan(1, vec![item("i", T0 + DAY, &[("vi", &voice)])], &[&voice]),
    );
    rig.actions.clear();
    let again = rig.block(&voice.hash(), 0);
    give(&mut rig, &again);
    let stranger = rig.block(&unknown.hash(), 0);
    give(&mut rig, &stranger);
    give(&mut rig, &Block { index: u32::MAX, ..stranger });
    rig.receive(TopicKind::Blocks(node()), b"\xff");
    assert_eq!(rig.actions, []);
}

#[test]
fn an_object_whose_whole_hash_is_wrong_is_fetched_anew_later() {
    let mut rig = connected(Settings::default());
    let mut voice = Object::new("v", 2, 1_000);
    // Every block is what the manifest says, and the whole is not.
    let other = Manifest::of(b"other", 4096, Codec::OggOpus, 1_000).unwrap();
    voice.manifest.object = other.object;
    rig.offer(&[&voice]);
    rig.receive(
        TopicKind::Plan(area("xa")),
        &plan(1, vec![item("i", T0 + DAY, &[("vi", &voice)])], &[&voice]),
    );
    assert_eq!(rig.events(), [EventKind::ObjectCorrupt { object: voice.hash() }]);
    assert!(rig.store.whole.is_empty() && rig.store.partial.is_empty());
    rig.run_for(HOUR);
    let attempts = rig.actions.iter().filter(|a| matches!(a, Action::BeginObject { .. })).count();
    assert!((3..=7).contains(&attempts), "{attempts} attempts in an hour");
}

#[test]
fn a_full_disk_is_reported_and_tried_again() {
    let mut rig = connected(Settings::default());
    let voice = Object::new("v", 6, 1_000);
    rig.offer(&[&voice]);
    rig.disk_full = true;
    let at = T0 + HOUR;
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, vec![item("i", at, &[("vi", &voice)])], &[&voice]));
    rig.run_for(2 * MINUTE);
    assert_eq!(rig.state().storage, StorageState::Full);
    rig.run_for(10 * MINUTE);
    assert!(rig.wants().len() < 10);
    rig.disk_full = false;
    rig.run_for(6 * MINUTE);
    assert_eq!((rig.state().storage, rig.state().objects_ready), (StorageState::Good, 1));
    rig.run_until(at + HOUR);
    assert_eq!(rig.outcomes(), [(item_id("i"), at, Outcome::Played)]);
}

#[test]
fn what_is_too_large_for_the_disk_does_not_hold_up_the_rest() {
    let mut rig = connected(Settings::default());
    let (small, large) = (Object::new("small", 2, 1_000), Object::new("large", 9, 1_000));
    rig.offer(&[&small, &large]);
    rig.no_room_for.insert(large.hash());
    let items = vec![item("a", T0 + HOUR, &[("vi", &large)]), item("b", T0 + 2 * HOUR, &[("vi", &small)])];
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, items, &[&small, &large]));
    rig.run_for(2 * SECOND);
    assert_eq!((rig.state().storage, rig.state().objects_ready), (StorageState::Full, 1));
    rig.run_for(30 * MINUTE);
    let attempts = rig.actions.iter().filter(|a| matches!(a, Action::BeginObject { .. })).count();
    assert!((3..=8).contains(&attempts), "{attempts} attempts in half an hour");
    rig.run_for(3 * HOUR);
    let outcomes: Vec<Outcome> = rig.outcomes().into_iter().map(|o| o.2).collect();
    assert_eq!(outcomes, [Outcome::Missed(Reason::AudioIncomplete), Outcome::Played]);
    assert_eq!(rig.state().storage, StorageState::Good, "nothing waits for room any more");
}

#[test]
fn room_is_made_by_what_is_missed_least() {
    // Room for three objects of two blocks.
    let settings = Settings { cache_quota_bytes: 24_000, ..Settings::default() };
    let mut rig = connected(settings);
    let objects: Vec<Object> = (0..5).map(|n| Object::new(&n.to_string(), 2, 1_000)).collect();
    rig.offer(&objects.iter().collect::<Vec<_>>());
    let at = |days: i64| T0 + days * DAY;
    let starts = |of: &[(usize, i64)]| {
        let item = |(n, days): &(usize, i64)| item(&format!("i{n}"), at(*days), &[("vi", &objects[*n])]);
        let used: Vec<&Object> = of.iter().map(|(n, _)| &objects[*n]).collect();
        (of.iter().map(item).collect::<Vec<_>>(), used)
    };
    let holds =
        |rig: &Rig| (0..5).filter(|n| rig.store.whole.contains_key(&objects[*n].hash())).collect::<Vec<_>>();

    // What no document names goes first.
    let (items, used) = starts(&[(0, 1), (1, 3), (2, 4)]);
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, items, &used));
    assert_eq!(holds(&rig), [0, 1, 2]);
    let (items, used) = starts(&[(1, 3), (2, 4), (3, 5)]);
    rig.receive(TopicKind::Plan(area("xa")), &plan(2, items, &used));
    assert_eq!(holds(&rig), [1, 2, 3]);

    // Then what is due last, for something that is due earlier.
    let (items, used) = starts(&[(1, 3), (2, 4), (3, 5), (4, 1)]);
    rig.receive(TopicKind::Plan(area("xa")), &plan(3, items, &used));
    assert_eq!(holds(&rig), [1, 2, 4]);
    assert_eq!(rig.events(), []);
    rig.run_for(2 * SECOND);
    assert_eq!(rig.state().storage, StorageState::Full, "object 3 has no room");

    // What plays within 48 hours never goes, whatever is due before it; what has played goes.
    rig.run_until(at(5) + HOUR);
    let outcomes: Vec<Outcome> = rig.outcomes().into_iter().map(|o| o.2).collect();
    assert_eq!(outcomes, [Outcome::Played; 4], "object 3 came when there was room again");
    assert_eq!(rig.state().storage, StorageState::Good);
}

#[test]
fn what_had_no_room_is_asked_for_as_soon_as_there_is() {
    // Room for one object.
    let mut rig = connected(Settings { cache_quota_bytes: 12_000, ..Settings::default() });
    let (first, second) = (Object::new("first", 2, 1_000), Object::new("second", 2, 1_000));
    rig.offer(&[&first, &second]);
    let items = vec![
        item("a", T0 + HOUR + 3 * MINUTE, &[("vi", &first)]),
        Item { start_within_ms: 1_000, ..item("b", T0 + HOUR + 6 * MINUTE, &[("vi", &second)]) },
    ];
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, items, &[&first, &second]));
    rig.run_for(2 * HOUR);
    let outcomes: Vec<Outcome> = rig.outcomes().into_iter().map(|o| o.2).collect();
    assert_eq!(outcomes, [Outcome::Played; 2]);
}

#[test]
fn nothing_is_dropped_for_what_cannot_fit() {
    let settings = Settings { cache_quota_bytes: 10_000, ..Settings::default() };
    let mut rig = connected(settings);
    let (small, large) = (Object::new("small", 1, 1_000), Object::new("large", 9, 1_000));
    rig.offer(&[&small, &large]);
    let items = vec![item("a", T0 + HOUR, &[("vi", &small)]), item("b", T0 + 2 * HOUR, &[("vi", &large)])];
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, items, &[&small, &large]));
    rig.run_for(4 * HOUR);
    let outcomes: Vec<Outcome> = rig.outcomes().into_iter().map(|o| o.2).collect();
    assert_eq!(outcomes, [Outcome::Played, Outcome::Missed(Reason::AudioIncomplete)]);
}
