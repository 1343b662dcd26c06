//! A plan that comes late, is withdrawn or revised, before and while it sounds.

use loa_node_core::Action;
use loa_protocol::plan::Item;
use loa_protocol::receipt::{Outcome, Reason, Sound};

use super::{apply, starts};
use crate::office::*;
use crate::rig::{Rig, Serving};

#[test]
fn a_plan_that_comes_late_still_sounds_if_it_may() {
    let mut rig = Rig::placed(&["vi"]);
    let voice = Object::new("v", 1, 1_000);
    let items = vec![
        item("three-seconds-ago", T0 - 3 * SECOND, &[("vi", &voice)]),
        item("yesterday", T0 - DAY, &[("vi", &voice)]),
    ];
    apply(&mut rig, 1, items, &[&voice]);
    rig.run_for(HOUR);
    assert_eq!(starts(&rig), [T0 + 2 * SECOND], "once the amplifier is warm");
    assert_eq!(rig.outcomes(), [(item_id("three-seconds-ago"), T0 - 3 * SECOND, Outcome::Played)]);
}

#[test]
fn a_withdrawn_plan_stops_what_sounds() {
    let mut rig = Rig::placed(&["vi"]);
    let voice = Object::new("v", 1, 60_000);
    let at = T0 + HOUR;
    let items = vec![item("a", at, &[("vi", &voice)]), item("b", at, &[("vi", &voice)])];
    apply(&mut rig, 1, items, &[&voice]);
    rig.run_until(at + 20 * SECOND);
    assert!(rig.is_sounding());
    apply(&mut rig, 2, vec![], &[]);
    assert!(!rig.is_sounding());
    let mut outcomes: Vec<Outcome> = rig.outcomes().into_iter().map(|o| o.2).collect();
    outcomes.sort_by_key(|outcome| outcome.as_str());
    assert_eq!(outcomes, [Outcome::Missed(Reason::Withdrawn), Outcome::Partial(Reason::Withdrawn)]);
    let sound = rig.store.receipts.values().find_map(|receipt| receipt.sound);
    assert_eq!(sound, Some(Sound { started: at, played_ms: 20_000 }));
    rig.run_for(HOUR);
    assert_eq!((rig.played.len(), rig.store.receipts.len()), (1, 2));
    assert_eq!(rig.actions.iter().filter(|a| **a == Action::ReleaseSpeaker).count(), 1);
}

#[test]
fn what_is_withdrawn_before_its_time_leaves_without_a_word() {
    let mut rig = Rig::placed(&["vi"]);
    let voice = Object::new("v", 1, 60_000);
    let at = T0 + HOUR;
    apply(&mut rig, 1, vec![item("a", at, &[("vi", &voice)])], &[&voice]);
    rig.run_until(at - 4 * SECOND);
    apply(&mut rig, 2, vec![], &[]);
    rig.run_for(HOUR);
    assert_eq!((rig.played.len(), rig.store.receipts.len()), (0, 0));
    assert!(rig.actions.contains(&Action::ReleaseSpeaker), "the amplifier was on already");
}

#[test]
fn a_revised_item_does_not_sound_again_for_the_same_start() {
    let mut rig = Rig::placed(&["vi"]);
    let voice = Object::new("v", 1, 10_000);
    let at = T0 + HOUR;
    apply(&mut rig, 1, vec![item("a", at, &[("vi", &voice)])], &[&voice]);
    rig.run_until(at + MINUTE);
    apply(&mut rig, 2, vec![Item { revision: 2, ..item("a", at, &[("vi", &voice)]) }], &[&voice]);
    rig.run_for(HOUR);
    rig.power_cut(MINUTE);
    rig.run_for(HOUR);
    assert_eq!(rig.outcomes(), [(item_id("a"), at, Outcome::Played)]);

    // While it sounds, it is stopped and does not begin anew.
    let again = T0 + DAY;
    let of = |revision| Item { revision, ..item("b", again, &[("vi", &voice)]) };
    apply(&mut rig, 3, vec![of(1)], &[&voice]);
    rig.run_until(again + 3 * SECOND);
    apply(&mut rig, 4, vec![of(2)], &[&voice]);
    rig.run_for(HOUR);
    assert_eq!((rig.played.len(), rig.store.receipts.len()), (2, 2));
    assert_eq!(rig.outcomes()[1].2, Outcome::Partial(Reason::Withdrawn));
}

#[test]
fn an_item_that_is_corrected_before_it_could_sound_sounds_in_its_new_form() {
    let mut rig = Rig::placed(&["vi"]);
    let (lost, right) = (Object::new("lost", 1, 1_000), Object::new("right", 1, 1_000));
    let at = T0 + HOUR;
    rig.serving = Serving::No;
    apply(&mut rig, 1, vec![item("a", at, &[("vi", &lost)])], &[&lost]);
    rig.run_until(at + MINUTE);
    rig.serving = Serving::Yes;
    apply(&mut rig, 2, vec![Item { revision: 2, ..item("a", at, &[("vi", &right)]) }], &[&right]);
    rig.run_for(HOUR);
    assert_eq!(rig.played.iter().map(|p| p.object).collect::<Vec<_>>(), [right.hash()]);
    let outcomes: Vec<Outcome> = rig.outcomes().into_iter().map(|o| o.2).collect();
    assert_eq!(outcomes, [Outcome::Missed(Reason::Withdrawn), Outcome::Played]);
}
