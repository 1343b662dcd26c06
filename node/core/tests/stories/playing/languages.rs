//! What a village hears of a bulletin that has several tracks, whole or not.

use loa_node_core::{SpeakerEvent, SpeakerFailure, Token};
use loa_protocol::receipt::{Outcome, Reason, Sound};
use loa_protocol::topic::TopicKind;

use super::{apply, starts};
use crate::office::*;
use crate::rig::{Rig, Serving};

#[test]
fn a_village_hears_its_languages_in_its_order() {
    let mut rig = Rig::placed(&["kpm", "vi", "rad", "cma"]);
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
    let mut rig = Rig::placed(&["kpm", "cma"]);
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
    let mut rig = Rig::placed(&["kpm"]);
    let rad = Object::new("rad", 1, 4_000);
    let at = T0 + HOUR;
    apply(&mut rig, 1, vec![item("i", at, &[("rad", &rad)])], &[&rad]);
    rig.run_until(at);
    assert_eq!(rig.outcomes(), [(item_id("i"), at, Outcome::Missed(Reason::NoTrackForLanguage))]);
    rig.run_until(at + HOUR);
    assert_eq!((rig.played.len(), rig.store.receipts.len()), (0, 1));
}

#[test]
fn at_the_last_moment_one_language_is_better_than_none() {
    let mut rig = Rig::placed(&["kpm", "vi"]);
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
fn broken_audio_costs_its_language_alone() {
    let mut rig = Rig::placed(&["kpm", "vi"]);
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
    let mut rig = Rig::placed(&["kpm", "vi"]);
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
fn a_second_track_that_comes_too_late_costs_its_language_alone() {
    let mut rig = Rig::placed(&["kpm", "vi"]);
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
