//! A device, a sound or a disk that fails: what sounds all the same, and what is told.

use loa_node_core::{Action, Now, SpeakerEvent, SpeakerFailure, Token};
use loa_protocol::plan::Item;
use loa_protocol::receipt::{Outcome, Reason};
use loa_protocol::report::StorageState;
use loa_protocol::timeline::Start;

use super::apply;
use crate::office::*;
use crate::rig::Rig;

#[test]
fn a_failing_device_is_tried_again_while_the_start_may_be_late() {
    let mut rig = Rig::placed(&["vi"]);
    let voice = Object::new("v", 1, 1_000);
    let at = T0 + HOUR;
    rig.run_for(30 * MINUTE);
    rig.speaker_works = false;
    let repeated =
        Item { start: Start::Cron("0 * * * *".parse().unwrap()), ..item("i", at, &[("vi", &voice)]) };
    apply(&mut rig, 1, vec![repeated], &[&voice]);
    rig.run_until(at + 30 * SECOND);
    rig.speaker_works = true;
    rig.run_until(at + MINUTE);
    assert_eq!(rig.outcomes(), [(item_id("i"), at, Outcome::Played)]);
    rig.speaker_works = false;
    rig.run_until(at + HOUR + 30 * MINUTE);
    assert_eq!(rig.outcomes()[1].2, Outcome::Missed(Reason::SpeakerFailed));
    assert!(rig.store.intents.is_empty(), "every intent ends in a receipt");
}

#[test]
fn a_sound_that_the_board_could_not_have_ready_in_time_is_missed_as_too_late() {
    let mut rig = Rig::placed(&["vi"]);
    let voice = Object::new("v", 1, 4_000);
    let at = T0 + HOUR;
    let short = within(item("i", at, &[("vi", &voice)]), 2_000);
    apply(&mut rig, 1, vec![short], &[&voice]);
    rig.run_until(at - SECOND);
    let latest = rig.actions.iter().find_map(|action| {
        let Action::Play { latest, .. } = action else { return None };
        Some(*latest)
    });
    assert_eq!(latest, Some(at + 2_500), "what the item allows, and what the speaker needs");
    rig.silence();
    rig.now = Now { wall: at + 2_501, monotonic_ms: rig.now.monotonic_ms + 3_501 };
    let late = SpeakerEvent::Failed { token: Token(0), kind: SpeakerFailure::Late, played_ms: 0 };
    rig.core.handle_speaker(late, rig.now);
    rig.run();
    assert_eq!(rig.outcomes(), [(item_id("i"), at, Outcome::Missed(Reason::TooLate))]);
    assert!(rig.store.intents.is_empty(), "every intent ends in a receipt");
    rig.run_for(HOUR);
    assert_eq!(rig.played.len(), 1, "and it is not ordered again");
}

#[test]
fn a_sound_whose_intent_has_no_room_on_the_disk_is_tried_again_and_blames_no_speaker() {
    let mut rig = Rig::placed(&["vi"]);
    let voice = Object::new("v", 1, 4_000);
    let at = T0 + HOUR;
    let items = vec![
        within(item("a", at, &[("vi", &voice)]), 20_000),
        within(item("b", at + HOUR, &[("vi", &voice)]), 20_000),
    ];
    apply(&mut rig, 1, items, &[&voice]);
    rig.core.handle_store_full(true, rig.now);
    rig.run();
    rig.run_for(MINUTE);
    assert_eq!(rig.state().storage, StorageState::Full);
    rig.run_until(at - SECOND);
    let refuse = |rig: &mut Rig, token| {
        rig.silence();
        let kind = SpeakerFailure::Unrecorded;
        rig.core.handle_speaker(SpeakerEvent::Failed { token: Token(token), kind, played_ms: 0 }, rig.now);
        rig.run();
    };
    refuse(&mut rig, 0);
    rig.run_until(at + 10 * SECOND);
    assert_eq!(rig.outcomes(), [(item_id("a"), at, Outcome::Played)], "there was room the second time");
    rig.run_until(at + HOUR - SECOND);
    for token in 2..8 {
        refuse(&mut rig, token);
        rig.run_for(5 * SECOND);
    }
    rig.run_for(MINUTE);
    assert_eq!(rig.outcomes()[1], (item_id("b"), at + HOUR, Outcome::Missed(Reason::TooLate)));
    rig.core.handle_store_full(false, rig.now);
    rig.run();
    rig.run_for(MINUTE);
    assert_eq!(rig.state().storage, StorageState::Good);
}

#[test]
fn a_full_disk_takes_what_no_document_needs_and_then_what_is_due_last_and_no_more() {
    let mut rig = Rig::placed(&["vi"]);
    let (old, soon, later) =
        (Object::new("old", 1, 1_000), Object::new("soon", 1, 1_000), Object::new("later", 1, 1_000));
    apply(&mut rig, 1, vec![item("o", T0 + HOUR, &[("vi", &old)])], &[&old]);
    let items = vec![item("l", T0 + 72 * HOUR, &[("vi", &later)]), item("s", T0 + HOUR, &[("vi", &soon)])];
    apply(&mut rig, 2, items, &[&soon, &later]);
    rig.run_for(SECOND);
    assert_eq!(rig.store.whole.len(), 3);
    let given_up: Vec<_> = std::iter::from_fn(|| rig.core.give_up_object(rig.now)).collect();
    assert_eq!(given_up, [old.hash(), later.hash()]);
}

#[test]
fn a_speaker_that_never_answers_does_not_hang_the_node() {
    let mut rig = Rig::placed(&["vi"]);
    let voice = Object::new("v", 1, 4_000);
    let at = T0 + HOUR;
    let items = vec![item("a", at, &[("vi", &voice)]), item("b", at + 5 * MINUTE, &[("vi", &voice)])];
    apply(&mut rig, 1, items, &[&voice]);
    rig.run_until(at - SECOND);
    rig.silence();
    rig.run_until(at + HOUR);
    let outcomes: Vec<Outcome> = rig.outcomes().into_iter().map(|o| o.2).collect();
    assert_eq!(outcomes, [Outcome::Missed(Reason::SpeakerFailed), Outcome::Played]);
    assert!(rig.actions.contains(&Action::StopSound { token: Token(0) }));
}
