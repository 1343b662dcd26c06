//! One sound at a time: who goes first, who waits, who is cut.

use loa_protocol::bulletin::Class;
use loa_protocol::keys::Scope;
use loa_protocol::plan::Item;
use loa_protocol::receipt::{Outcome, Reason, Sound};
use loa_protocol::topic::TopicKind;

use super::{apply, starts};
use crate::office::*;
use crate::rig::{Rig, Serving};

#[test]
fn of_two_at_once_the_higher_class_goes_first_and_the_other_follows() {
    let mut rig = Rig::placed(&["vi"]);
    let (market, storm) = (Object::new("market", 1, 30_000), Object::new("storm", 1, 20_000));
    let at = T0 + HOUR;
    let priority = Item { class: Class::Priority, ..item("z-storm", at, &[("vi", &storm)]) };
    apply(&mut rig, 1, vec![item("a-market", at, &[("vi", &market)]), priority], &[&market, &storm]);
    rig.run_until(at + MINUTE);
    assert_eq!(rig.played[0].object, storm.hash());
    assert_eq!(rig.played[0].start_at, at);
    assert_eq!(rig.played[1].object, market.hash());
    assert_eq!(rig.played[1].start_at, at + 20 * SECOND);
    assert_eq!(rig.outcomes().iter().map(|o| o.2).collect::<Vec<_>>(), [Outcome::Played, Outcome::Played]);
}

#[test]
fn what_cannot_wait_long_enough_has_yielded_or_is_too_late() {
    let mut rig = Rig::placed(&["vi"]);
    let (long, short) = (Object::new("long", 1, 90_000), Object::new("short", 1, 1_000));
    let at = T0 + HOUR;
    let long_item = Item { class: Class::Priority, ..item("long", at, &[("vi", &long)]) };
    let items = vec![
        long_item,
        within(item("normal", at, &[("vi", &short)]), 60 * SECOND),
        Item {
            class: Class::Priority,
            ..within(item("later", at + 10 * SECOND, &[("vi", &short)]), 30 * SECOND)
        },
        within(item("patient", at + 20 * SECOND, &[("vi", &short)]), 90 * SECOND),
    ];
    apply(&mut rig, 1, items, &[&long, &short]);
    rig.run_until(at + 10 * MINUTE);
    let outcome = |id: &str| rig.outcomes().into_iter().find(|o| o.0 == item_id(id)).unwrap().2;
    assert_eq!(outcome("long"), Outcome::Played);
    assert_eq!(outcome("normal"), Outcome::Missed(Reason::Yielded));
    assert_eq!(outcome("later"), Outcome::Missed(Reason::Yielded));
    assert_eq!(outcome("patient"), Outcome::Played);
    assert_eq!(starts(&rig), [at, at + 90 * SECOND]);
}

#[test]
fn a_busy_speaker_is_not_interrupted_by_a_higher_class() {
    let mut rig = Rig::placed(&["vi"]);
    let (long, short) = (Object::new("long", 1, 90_000), Object::new("short", 1, 1_000));
    let at = T0 + HOUR;
    let priority = Item {
        class: Class::Priority,
        ..within(item("priority", at + 10 * SECOND, &[("vi", &short)]), 30 * SECOND)
    };
    apply(&mut rig, 1, vec![item("long", at, &[("vi", &long)]), priority], &[&long, &short]);
    rig.run_until(at + 10 * MINUTE);
    let outcomes: Vec<Outcome> = rig.outcomes().into_iter().map(|o| o.2).collect();
    assert_eq!(outcomes, [Outcome::Missed(Reason::TooLate), Outcome::Played]);
}

fn allow_emergencies(rig: &mut Rig) {
    let classes = vec![Class::Normal, Class::Priority, Class::Emergency];
    let keys = key_set(2, &[(&commune(), Scope { classes, ..scope("xa") })]);
    rig.receive(TopicKind::Keys, &keys);
}

#[test]
fn an_emergency_stops_a_lower_class_and_nothing_else() {
    let mut rig = Rig::placed(&["vi"]);
    allow_emergencies(&mut rig);
    let (long, flood) = (Object::new("long", 1, 90_000), Object::new("flood", 1, 30_000));
    let at = T0 + HOUR;
    let emergency =
        |id, at| Item { class: Class::Emergency, ..within(item(id, at, &[("vi", &flood)]), 20 * SECOND) };
    let priority = Item { class: Class::Priority, ..item("a-long", at, &[("vi", &long)]) };
    let items =
        vec![priority, emergency("b-first", at + 10 * SECOND), emergency("c-second", at + 30 * SECOND)];
    apply(&mut rig, 1, items, &[&long, &flood]);
    rig.run_until(at + 10 * MINUTE);
    assert_eq!(starts(&rig), [at, at + 10 * SECOND, at + 40 * SECOND]);
    let outcomes: Vec<Outcome> = rig.outcomes().into_iter().map(|o| o.2).collect();
    assert_eq!(outcomes, [Outcome::Partial(Reason::Yielded), Outcome::Played, Outcome::Played]);
    assert_eq!(rig.store.receipts[&1].sound, Some(Sound { started: at, played_ms: 10_000 }));
}

#[test]
fn an_emergency_without_its_audio_stops_nothing() {
    let mut rig = Rig::placed(&["vi"]);
    allow_emergencies(&mut rig);
    let (long, flood) = (Object::new("long", 1, 90_000), Object::new("flood", 1, 1_000));
    let at = T0 + HOUR;
    let emergency = Item {
        class: Class::Emergency,
        ..within(item("b-flood", at + 10 * SECOND, &[("vi", &flood)]), 30 * SECOND)
    };
    rig.offer(&[&long]);
    apply(&mut rig, 1, vec![item("a-long", at, &[("vi", &long)])], &[&long]);
    rig.run_until(at - MINUTE);
    rig.serving = Serving::No;
    apply(&mut rig, 2, vec![item("a-long", at, &[("vi", &long)]), emergency], &[&long, &flood]);
    rig.run_until(at + 10 * MINUTE);
    let outcome = |id: &str| rig.outcomes().into_iter().find(|o| o.0 == item_id(id)).unwrap().2;
    assert_eq!(outcome("a-long"), Outcome::Played);
    assert!(matches!(outcome("b-flood"), Outcome::Missed(_)));
}
