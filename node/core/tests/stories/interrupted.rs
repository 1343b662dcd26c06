//! C and I: what an emergency and a power cut interrupt, and what becomes of it; N: chimes and rounds.

use loa_protocol::bulletin::Class;
use loa_protocol::envelope::seal;
use loa_protocol::ids::{BulletinId, OccurrenceId};
use loa_protocol::keys::Scope;
use loa_protocol::plan::{AreaPlan, Item};
use loa_protocol::receipt::{Outcome, Reason, Receipt, Sound};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{AfterInterruption, ItemRules, Repeats, Severity, occurrence_id};
use loa_protocol::topic::TopicKind;

use crate::office::*;
use crate::rig::Rig;

const AT: UnixMs = UnixMs(T0.0 + HOUR);

fn node_with(items: Vec<Item>, objects: &[&Object]) -> Rig {
    let mut rig = Rig::new();
    rig.offer(objects);
    rig.connect();
    let classes = Class::ALL.to_vec();
    let of = |area: &str| Scope { classes: classes.clone(), ..scope(area) };
    rig.receive(TopicKind::Keys, &key_set(1, &[(&commune(), of("xa")), (&key(9), of("tinh"))]));
    rig.receive(TopicKind::Desired(node()), &desired(1, &["vi", "kpm"]));
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, items, objects));
    rig
}

fn after(policy: AfterInterruption) -> ItemRules {
    ItemRules { after_interruption: policy, ..ItemRules::default() }
}

fn emergency(id: &str, at: UnixMs, voice: &Object, rules: ItemRules) -> Item {
    Item { class: Class::Emergency, rules, ..item(id, at, &[("vi", voice)]) }
}

fn receipt<'a>(rig: &'a Rig, id: &str) -> &'a Receipt {
    let mut of_item = rig.store.receipts.values().filter(|receipt| receipt.item == item_id(id));
    let receipt = of_item.next().unwrap();
    assert_eq!(of_item.next(), None, "one receipt for each occurrence");
    receipt
}

fn occurrence(id: &str, at: UnixMs) -> OccurrenceId {
    occurrence_id(&item_id(id), 1, at)
}

/// What sounded: which object, from when.
fn played(rig: &Rig) -> Vec<(loa_protocol::ids::ObjectHash, i64)> {
    rig.played.iter().map(|played| (played.object, played.start_at.since(AT))).collect()
}

struct Voices {
    vi: Object,
    kpm: Object,
    storm: Object,
}

/// Vietnamese 60 s, K'Ho 40 s, an emergency of 30 s.
fn voices() -> Voices {
    let (vi, kpm) = (Object::new("vi", 1, 60_000), Object::new("kpm", 1, 40_000));
    Voices { vi, kpm, storm: Object::new("storm", 1, 30_000) }
}

impl Voices {
    fn all(&self) -> [&Object; 3] {
        [&self.vi, &self.kpm, &self.storm]
    }

    fn bulletin(&self, policy: AfterInterruption) -> Item {
        Item { rules: after(policy), ..item("i", AT, &[("vi", &self.vi), ("kpm", &self.kpm)]) }
    }
}

#[test]
fn resume_goes_on_with_the_part_that_was_cut() {
    let of = voices();
    // It cuts the second language after 19 s.
    let storm = emergency("storm", AT + 80 * SECOND, &of.storm, ItemRules::default());
    let mut rig = node_with(vec![of.bulletin(AfterInterruption::Resume), storm], &of.all());
    rig.run_until(AT + HOUR);
    let expected = [
        (of.vi.hash(), 0),
        (of.kpm.hash(), 61 * SECOND),
        (of.storm.hash(), 80 * SECOND),
        (of.kpm.hash(), 110 * SECOND),
    ];
    assert_eq!(played(&rig), expected);
    let bulletin = receipt(&rig, "i");
    assert_eq!(bulletin.outcome, Outcome::Played);
    assert_eq!(bulletin.sound, Some(Sound { started: AT, played_ms: 60_000 + 19_000 + 40_000 }));
    assert_eq!(bulletin.winner, Some(occurrence("storm", AT + 80 * SECOND)));
    assert_eq!(receipt(&rig, "storm").winner, None);
}

#[test]
fn a_part_that_had_just_sounded_to_its_end_is_not_begun_again() {
    let of = voices();
    let storm = emergency("storm", AT + 60 * SECOND, &of.storm, ItemRules::default());
    let mut rig = node_with(vec![of.bulletin(AfterInterruption::Resume), storm], &of.all());
    rig.run_until(AT + HOUR);
    let expected = [(of.vi.hash(), 0), (of.storm.hash(), 60 * SECOND), (of.kpm.hash(), 90 * SECOND)];
    assert_eq!(played(&rig), expected);
    assert_eq!(receipt(&rig, "i").sound, Some(Sound { started: AT, played_ms: 100_000 }));
}

#[test]
fn restart_begins_anew_and_only_once() {
    let of = voices();
    let storm = |id, at| emergency(id, at, &of.storm, ItemRules::default());
    let items = vec![
        of.bulletin(AfterInterruption::Restart),
        storm("storm-1", AT + 70 * SECOND),
        storm("storm-2", AT + 110 * SECOND),
    ];
    let mut rig = node_with(items, &of.all());
    rig.run_until(AT + HOUR);
    let expected = [
        (of.vi.hash(), 0),
        (of.kpm.hash(), 61 * SECOND),
        (of.storm.hash(), 70 * SECOND),
        (of.vi.hash(), 100 * SECOND),
        (of.storm.hash(), 110 * SECOND),
    ];
    assert_eq!(played(&rig), expected, "never a third time");
    let bulletin = receipt(&rig, "i");
    assert_eq!(bulletin.outcome, Outcome::Partial(Reason::Yielded));
    assert_eq!(bulletin.winner, Some(occurrence("storm-2", AT + 110 * SECOND)));
    assert_eq!(bulletin.sound.map(|sound| sound.played_ms), Some(60_000 + 9_000 + 10_000));
}

#[test]
fn what_is_dropped_ends_and_what_finds_no_turn_ends_too() {
    let of = voices();
    let long = Object::new("long", 1, 2_400_000);
    let storm = emergency("storm", AT + 10 * SECOND, &long, ItemRules::default());
    for policy in [AfterInterruption::Drop, AfterInterruption::Resume] {
        // Its limit is ten minutes after its nominal start, the session lasts 101 s: after 11 min 41 s it is too late.
        let objects = [&of.vi, &of.kpm, &long];
        let mut rig = node_with(vec![of.bulletin(policy), storm.clone()], &objects);
        rig.run_until(AT + 2 * HOUR);
        assert_eq!(played(&rig), [(of.vi.hash(), 0), (long.hash(), 10 * SECOND)]);
        let bulletin = receipt(&rig, "i");
        assert_eq!(bulletin.outcome, Outcome::Partial(Reason::Yielded));
        assert_eq!(bulletin.winner, Some(occurrence("storm", AT + 10 * SECOND)));
        let waited = bulletin.written.since(AT);
        let expected =
            if policy == AfterInterruption::Drop { 10 * SECOND } else { 10 * MINUTE + 101 * SECOND + 1 };
        assert_eq!(waited, expected, "{policy:?}");
    }
}

#[test]
fn after_a_power_cut_the_policy_decides() {
    let of = voices();
    for (policy, again) in [
        (AfterInterruption::Drop, vec![]),
        (AfterInterruption::Resume, vec![of.kpm.hash()]),
        (AfterInterruption::Restart, vec![of.vi.hash(), of.kpm.hash()]),
    ] {
        let mut rig = node_with(vec![of.bulletin(policy)], &of.all());
        rig.run_until(AT + 70 * SECOND);
        rig.power_cut(10 * SECOND);
        rig.run_until(AT + HOUR);
        let objects: Vec<_> = rig.played.iter().map(|played| played.object).collect();
        assert_eq!(objects, [vec![of.vi.hash(), of.kpm.hash()], again.clone()].concat(), "{policy:?}");
        let outcome = if again.is_empty() { Outcome::Partial(Reason::Interrupted) } else { Outcome::Played };
        assert_eq!(receipt(&rig, "i").outcome, outcome, "{policy:?}");
        assert!(rig.store.intents.is_empty());
    }
}

#[test]
fn power_that_goes_again_and_again_begins_it_twice_at_most() {
    let of = voices();
    for policy in [AfterInterruption::Resume, AfterInterruption::Restart] {
        let mut rig = node_with(vec![of.bulletin(policy)], &of.all());
        rig.run_until(AT + 5 * SECOND);
        for _ in 0..6 {
            rig.power_cut(10 * SECOND);
            rig.run_for(20 * SECOND);
        }
        rig.run_until(AT + HOUR);
        let begun = rig.played.iter().filter(|played| played.object == of.vi.hash()).count();
        assert_eq!(begun, 2, "{policy:?}");
        assert_eq!(receipt(&rig, "i").outcome, Outcome::Partial(Reason::Interrupted));
    }
}

#[test]
fn a_program_that_ends_in_order_leaves_it_to_the_next_boot() {
    let of = voices();
    let mut rig = node_with(vec![of.bulletin(AfterInterruption::Restart)], &of.all());
    rig.run_until(AT + 5 * SECOND);
    rig.core.handle_shutdown(rig.now);
    rig.run();
    assert!(rig.core.is_silent());
    assert_eq!(rig.store.receipts.len(), 0);
    rig.power_cut(MINUTE);
    rig.run_until(AT + HOUR);
    assert_eq!(receipt(&rig, "i").outcome, Outcome::Played);
    assert_eq!(receipt(&rig, "i").sound.map(|sound| (sound.started, sound.played_ms)), Some((AT, 105_000)));
}

#[test]
fn what_is_withdrawn_while_it_waits_to_be_taken_up_is_not() {
    let of = voices();
    let storm = emergency("storm", AT + 10 * SECOND, &of.storm, ItemRules::default());
    let mut rig = node_with(vec![of.bulletin(AfterInterruption::Restart), storm.clone()], &of.all());
    rig.run_until(AT + 20 * SECOND);
    rig.receive(TopicKind::Plan(area("xa")), &plan(2, vec![storm], &of.all()));
    rig.run_until(AT + HOUR);
    assert_eq!(played(&rig), [(of.vi.hash(), 0), (of.storm.hash(), 10 * SECOND)]);
    assert_eq!(receipt(&rig, "i").outcome, Outcome::Partial(Reason::Withdrawn));
}

#[test]
fn a_higher_severity_cuts_an_emergency_and_a_lower_one_waits() {
    let of = voices();
    let severe = |severity| ItemRules { severity, ..ItemRules::default() };
    let items = vec![
        emergency("a-fire", AT, &of.vi, severe(Severity::Moderate)),
        emergency("b-flood", AT + 10 * SECOND, &of.storm, severe(Severity::Extreme)),
        emergency("c-wind", AT + 15 * SECOND, &of.storm, severe(Severity::Moderate)),
    ];
    let mut rig = node_with(items, &of.all());
    rig.run_until(AT + HOUR);
    let expected = [(of.vi.hash(), 0), (of.storm.hash(), 10 * SECOND), (of.storm.hash(), 40 * SECOND)];
    assert_eq!(played(&rig), expected);
    assert_eq!(receipt(&rig, "a-fire").outcome, Outcome::Partial(Reason::Yielded));
}

#[test]
fn an_update_takes_the_place_of_what_sounds_and_of_what_waits() {
    let of = voices();
    let updates = |id: &str| BulletinId::new(format!("{id}-bulletin")).unwrap();
    let rules = ItemRules { updates: vec![updates("a-fire"), updates("b-flood")], ..ItemRules::default() };
    let resume = after(AfterInterruption::Resume);
    let items = vec![
        emergency("a-fire", AT, &of.vi, resume.clone()),
        emergency("b-flood", AT + SECOND, &of.vi, resume),
        emergency("c-both", AT + 10 * SECOND, &of.storm, rules),
    ];
    let mut rig = node_with(items, &of.all());
    rig.run_until(AT + HOUR);
    assert_eq!(played(&rig), [(of.vi.hash(), 0), (of.storm.hash(), 10 * SECOND)], "it is not taken up again");
    let by = Some(occurrence("c-both", AT + 10 * SECOND));
    let told = |id| (receipt(&rig, id).outcome, receipt(&rig, id).winner);
    assert_eq!(told("a-fire"), (Outcome::Partial(Reason::Superseded), by));
    assert_eq!(told("b-flood"), (Outcome::Missed(Reason::Superseded), by));
}

#[test]
fn a_cancellation_stops_at_once_even_without_its_own_sound() {
    let of = voices();
    let lost = Object::new("lost", 1, 5_000);
    let cancels = vec![BulletinId::new("a-fire-bulletin").unwrap()];
    let items = vec![
        emergency("a-fire", AT, &of.vi, ItemRules::default()),
        emergency("b-false-alarm", AT + 10 * SECOND, &lost, ItemRules { cancels, ..ItemRules::default() }),
    ];
    let held = item("held", AT + DAY, &[("vi", &of.vi)]);
    let mut rig = node_with(vec![held], &of.all());
    let mut objects = of.all().to_vec();
    objects.push(&lost);
    rig.run_for(MINUTE);
    rig.offer(&[&lost]);
    rig.no_room_for.insert(lost.hash());
    rig.receive(TopicKind::Plan(area("xa")), &plan(2, items, &objects));
    rig.run_until(AT + 11 * SECOND);
    assert!(!rig.is_sounding());
    assert_eq!(receipt(&rig, "a-fire").outcome, Outcome::Partial(Reason::Superseded));
    assert_eq!(receipt(&rig, "a-fire").sound.map(|sound| sound.played_ms), Some(10_000));
}

#[test]
fn chimes_and_rounds_are_one_session_with_one_receipt() {
    let of = voices();
    let chime = Object::new("chime", 1, 2_000);
    let rules = ItemRules {
        repeats: Some(Repeats { rounds: 2, gap_ms: 15_000 }),
        chime_before: Some(chime.hash()),
        chime_after: Some(chime.hash()),
        ..ItemRules::default()
    };
    let rings = Item { rules, ..item("i", AT, &[("vi", &of.storm)]) };
    let waits = item("j", AT + SECOND, &[("vi", &of.storm)]);
    let mut rig = node_with(vec![rings, waits], &[&of.storm, &chime]);
    rig.run_until(AT + HOUR);
    let expected = [
        (chime.hash(), 0),
        (of.storm.hash(), 3 * SECOND),
        (of.storm.hash(), 48 * SECOND),
        (chime.hash(), 79 * SECOND),
        (of.storm.hash(), 81 * SECOND),
    ];
    assert_eq!(played(&rig), expected);
    let session = receipt(&rig, "i");
    assert_eq!((session.outcome, session.sound.unwrap().played_ms), (Outcome::Played, 64_000));
    assert_eq!(receipt(&rig, "j").outcome, Outcome::Played);
}

#[test]
fn the_province_goes_first_unless_the_commune_says_otherwise() {
    let of = voices();
    for own_priority_first in [false, true] {
        let priority =
            |id: &str, voice: &Object| Item { class: Class::Priority, ..item(id, AT, &[("vi", voice)]) };
        let mut rig = node_with(vec![], &of.all());
        let province = area_plan("tinh", 1, program(vec![priority("z-province", &of.storm)], &[&of.storm]));
        rig.receive(TopicKind::Plan(area("tinh")), &seal(&province, &tenant(), validity(), &key(9)));
        let own = program(vec![priority("a-own", &of.kpm)], &[&of.kpm]);
        let own = AreaPlan { own_priority_first, ..area_plan("xa", 2, own) };
        rig.receive(TopicKind::Plan(area("xa")), &seal(&own, &tenant(), validity(), &commune()));
        rig.run_until(AT + HOUR);
        let first = if own_priority_first { of.kpm.hash() } else { of.storm.hash() };
        assert_eq!(rig.played.len(), 2);
        assert_eq!(rig.played[0].object, first, "own first: {own_priority_first}");
    }
}
