//! Which sound, when, and what becomes of those that cannot.

use loa_node_core::{Action, Now, SpeakerEvent, SpeakerFailure, Token};
use loa_protocol::bulletin::Class;
use loa_protocol::keys::Scope;
use loa_protocol::plan::Item;
use loa_protocol::receipt::{Outcome, Reason, Sound};
use loa_protocol::report::{ClockTrust, StorageState};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Start;
use loa_protocol::topic::TopicKind;

use crate::office::*;
use crate::rig::{Rig, Serving};

fn connected(languages: &[&str]) -> Rig {
    let mut rig = Rig::new();
    rig.connect();
    rig.receive(TopicKind::Keys, &first_keys());
    rig.receive(TopicKind::Desired(node()), &desired(1, languages));
    rig
}

fn apply(rig: &mut Rig, epoch: u64, items: Vec<Item>, objects: &[&Object]) {
    rig.offer(objects);
    rig.receive(TopicKind::Plan(area("xa")), &plan(epoch, items, objects));
}

fn within(item: Item, ms: i64) -> Item {
    Item { start_within_ms: ms as u32, ..item }
}

fn starts(rig: &Rig) -> Vec<UnixMs> {
    rig.played.iter().map(|played| played.start_at).collect()
}

#[test]
fn of_two_at_once_the_higher_class_goes_first_and_the_other_follows() {
    let mut rig = connected(&["vi"]);
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
    let mut rig = connected(&["vi"]);
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
    let mut rig = connected(&["vi"]);
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
    let mut rig = connected(&["vi"]);
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
    let mut rig = connected(&["vi"]);
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

#[test]
fn a_village_hears_its_languages_in_its_order() {
    let mut rig = connected(&["kpm", "vi", "rad", "cma"]);
    let (vi, kpm) = (Object::new("vi", 1, 4_000), Object::new("kpm", 1, 6_000));
    let (cje, cma) = (Object::new("cje", 1, 6_000), Object::new("cma", 1, 3_000));
    let at = T0 + HOUR;
    let tracks = [("cje", &cje), ("cma", &cma), ("vi", &vi), ("kpm", &kpm)];
    apply(&mut rig, 1, vec![item("i", at, &tracks)], &[&vi, &kpm, &cje, &cma]);
    rig.run_until(at + MINUTE);
    let heard: Vec<_> = rig.played.iter().map(|played| played.object).collect();
    assert_eq!(heard, [kpm.hash(), vi.hash(), cma.hash()], "the village's order, not the bulletin's");
    let gap = SECOND;
    assert_eq!(starts(&rig), [at, at + 6_000 + gap, at + 6_000 + gap + 4_000 + gap]);
    assert!(!rig.wants().iter().any(|want| want.object == cje.hash()), "what nobody speaks is not fetched");
    let receipt = &rig.store.receipts[&1];
    assert_eq!(receipt.outcome, Outcome::Played);
    assert_eq!(receipt.sound, Some(Sound { started: at, played_ms: 13_000 }));
}

#[test]
fn a_village_without_a_track_of_its_own_hears_the_vietnamese_one() {
    let mut rig = connected(&["kpm", "cma"]);
    let (vi, rad) = (Object::new("vi", 1, 4_000), Object::new("rad", 1, 4_000));
    let at = T0 + HOUR;
    apply(&mut rig, 1, vec![item("i", at, &[("rad", &rad), ("vi", &vi)])], &[&vi, &rad]);
    rig.run_until(at + MINUTE);
    assert_eq!(rig.played.iter().map(|played| played.object).collect::<Vec<_>>(), [vi.hash()]);
    assert_eq!(rig.outcomes(), [(item_id("i"), at, Outcome::Played)]);
    assert!(!rig.wants().iter().any(|want| want.object == rad.hash()));
}

#[test]
fn no_track_for_the_village() {
    let mut rig = connected(&["kpm"]);
    let rad = Object::new("rad", 1, 4_000);
    let at = T0 + HOUR;
    apply(&mut rig, 1, vec![item("i", at, &[("rad", &rad)])], &[&rad]);
    rig.run_until(at);
    assert_eq!(rig.outcomes(), [(item_id("i"), at, Outcome::Missed(Reason::NoTrackForLanguage))]);
    rig.run_until(at + HOUR);
    assert_eq!((rig.played.len(), rig.store.receipts.len()), (0, 1));
}

#[test]
fn audio_that_comes_late_sounds_late_or_not_at_all() {
    let late = |comes_after_ms: i64| {
        let mut rig = connected(&["vi"]);
        let voice = Object::new("v", 1, 1_000);
        rig.serving = Serving::No;
        let at = T0 + HOUR;
        apply(&mut rig, 1, vec![within(item("i", at, &[("vi", &voice)]), 20 * MINUTE)], &[&voice]);
        rig.run_until(at + comes_after_ms);
        rig.serving = Serving::Yes;
        rig.run_until(at + 2 * HOUR);
        (rig.outcomes()[0].2, rig.played.first().map(|played| played.start_at.since(at)))
    };
    let (outcome, after) = late(5 * MINUTE);
    assert_eq!(outcome, Outcome::Played);
    assert!((5 * MINUTE..16 * MINUTE).contains(&after.unwrap()), "{after:?}");
    assert_eq!(late(HOUR), (Outcome::Missed(Reason::AudioIncomplete), None));
}

#[test]
fn at_the_last_moment_one_language_is_better_than_none() {
    let mut rig = connected(&["kpm", "vi"]);
    let (vi, kpm) = (Object::new("vi", 1, 4_000), Object::new("kpm", 1, 6_000));
    let at = T0 + HOUR;
    let tracks = [("vi", &vi), ("kpm", &kpm)];
    rig.offer(&[&vi]);
    rig.receive(
        TopicKind::Plan(area("xa")),
        &plan(1, vec![item("warm-up", T0 + 3 * HOUR, &[("vi", &vi)])], &[&vi]),
    );
    rig.serving = Serving::No;
    apply(&mut rig, 2, vec![within(item("i", at, &tracks), MINUTE)], &[&vi, &kpm]);
    rig.run_until(at + 10 * MINUTE);
    assert_eq!(rig.outcomes(), [(item_id("i"), at, Outcome::Partial(Reason::AudioIncomplete))]);
    let late = rig.played[0].start_at.since(at);
    assert!((50 * SECOND..=MINUTE).contains(&late), "{late}");
}

#[test]
fn a_plan_that_comes_late_still_sounds_if_it_may() {
    let mut rig = connected(&["vi"]);
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
fn a_tolerance_of_zero_starts_on_time_or_not_at_all() {
    let mut rig = connected(&["vi"]);
    let voice = Object::new("v", 1, 10_000);
    let at = T0 + HOUR;
    let items = vec![
        within(item("a", at, &[("vi", &voice)]), 0),
        within(item("b", at + 5 * SECOND, &[("vi", &voice)]), 0),
    ];
    apply(&mut rig, 1, items, &[&voice]);
    rig.run_until(at + HOUR);
    assert_eq!(starts(&rig), [at]);
    let outcomes: Vec<Outcome> = rig.outcomes().into_iter().map(|o| o.2).collect();
    assert_eq!(outcomes, [Outcome::Missed(Reason::Yielded), Outcome::Played]);
}

#[test]
fn a_withdrawn_plan_stops_what_sounds() {
    let mut rig = connected(&["vi"]);
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
    let mut rig = connected(&["vi"]);
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
    let mut rig = connected(&["vi"]);
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
    let mut rig = connected(&["vi"]);
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

#[test]
fn a_failing_device_is_tried_again_while_the_start_may_be_late() {
    let mut rig = connected(&["vi"]);
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
fn broken_audio_costs_its_language_alone() {
    let mut rig = connected(&["kpm", "vi"]);
    let (vi, kpm) = (Object::new("vi", 1, 4_000), Object::new("kpm", 1, 6_000));
    let at = T0 + HOUR;
    apply(&mut rig, 1, vec![item("i", at, &[("vi", &vi), ("kpm", &kpm)])], &[&vi, &kpm]);
    rig.run_until(at - SECOND);
    let kind = SpeakerFailure::Audio;
    let failed = SpeakerEvent::Failed { token: Token(0), kind, played_ms: 0 };
    rig.silence();
    rig.core.handle_speaker(failed, rig.now);
    rig.run();
    rig.run_until(at + MINUTE);
    assert_eq!(rig.played[1].object, vi.hash());
    assert_eq!(rig.outcomes(), [(item_id("i"), at, Outcome::Partial(Reason::AudioBroken))]);
}

#[test]
fn a_second_track_that_cannot_be_read_is_broken_audio_and_no_broken_speaker() {
    let mut rig = connected(&["kpm", "vi"]);
    let (vi, kpm) = (Object::new("vi", 1, 4_000), Object::new("kpm", 1, 6_000));
    let at = T0 + HOUR;
    apply(&mut rig, 1, vec![item("i", at, &[("vi", &vi), ("kpm", &kpm)])], &[&vi, &kpm]);
    rig.run_until(at + 6 * SECOND + 500);
    assert_eq!(rig.played.len(), 2, "the second track is ordered");
    rig.silence();
    let failed = SpeakerEvent::Failed { token: Token(1), kind: SpeakerFailure::Unreadable, played_ms: 0 };
    rig.core.handle_speaker(failed, rig.now);
    rig.run();
    assert_eq!(rig.outcomes(), [(item_id("i"), at, Outcome::Partial(Reason::AudioBroken))]);
}

#[test]
fn a_sound_that_the_board_could_not_have_ready_in_time_is_missed_as_too_late() {
    let mut rig = connected(&["vi"]);
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
fn a_second_track_that_comes_too_late_costs_its_language_alone() {
    let mut rig = connected(&["kpm", "vi"]);
    let (vi, kpm) = (Object::new("vi", 1, 4_000), Object::new("kpm", 1, 6_000));
    let at = T0 + HOUR;
    apply(&mut rig, 1, vec![item("i", at, &[("vi", &vi), ("kpm", &kpm)])], &[&vi, &kpm]);
    rig.run_until(at + 6 * SECOND + 500);
    rig.silence();
    let late = SpeakerEvent::Failed { token: Token(1), kind: SpeakerFailure::Late, played_ms: 0 };
    rig.core.handle_speaker(late, rig.now);
    rig.run();
    assert_eq!(rig.outcomes(), [(item_id("i"), at, Outcome::Partial(Reason::TooLate))]);
}

#[test]
fn a_sound_whose_intent_has_no_room_on_the_disk_is_tried_again_and_blames_no_speaker() {
    let mut rig = connected(&["vi"]);
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
    let mut rig = connected(&["vi"]);
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
    let mut rig = connected(&["vi"]);
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

#[test]
fn ending_the_program_stops_the_sound_and_keeps_the_rest_for_later() {
    let mut rig = connected(&["vi"]);
    let voice = Object::new("v", 1, 60_000);
    let at = T0 + HOUR;
    let items = vec![item("a", at, &[("vi", &voice)]), item("b", at + 30 * SECOND, &[("vi", &voice)])];
    apply(&mut rig, 1, items, &[&voice]);
    rig.run_until(at + 40 * SECOND);
    assert!(!rig.core.is_silent());
    rig.core.handle_shutdown(rig.now);
    rig.run();
    assert!(rig.core.is_silent());
    assert_eq!(rig.outcomes(), [(item_id("a"), at, Outcome::Partial(Reason::Interrupted))]);
    rig.run_for(MINUTE);
    assert_eq!(rig.played.len(), 1);
    rig.power_cut(MINUTE);
    rig.run_for(HOUR);
    assert_eq!(rig.outcomes()[1], (item_id("b"), at + 30 * SECOND, Outcome::Played));
}

#[test]
fn nothing_sounds_while_the_clock_is_unknown() {
    let mut rig = connected(&["vi"]);
    let voice = Object::new("v", 1, 1_000);
    let at = T0 + HOUR;
    let items = vec![item("a", at, &[("vi", &voice)]), item("b", at + HOUR, &[("vi", &voice)])];
    apply(&mut rig, 1, items, &[&voice]);
    rig.power_cut_untrusted(30 * MINUTE);
    rig.run_until(at + 30 * MINUTE);
    assert_eq!(rig.outcomes(), [(item_id("a"), at, Outcome::Missed(Reason::ClockUnknown))]);
    assert_eq!(rig.store.receipts[&1].clock, ClockTrust::Unknown);
    // Five minutes late, the clock is right again: that is within the tolerance.
    rig.run_until(at + HOUR + 5 * MINUTE);
    rig.step_clock(0, ClockTrust::Trusted);
    rig.run_for(MINUTE);
    assert_eq!(rig.outcomes()[1], (item_id("b"), at + HOUR, Outcome::Played));
}
