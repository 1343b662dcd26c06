//! Which sound, when, and what becomes of those that cannot.

mod changes;
mod languages;
mod trouble;
mod turns;

use loa_protocol::plan::Item;
use loa_protocol::receipt::{Outcome, Reason};
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;
use loa_protocol::topic::TopicKind;

use crate::office::*;
use crate::rig::{Rig, Serving};

fn apply(rig: &mut Rig, epoch: u64, items: Vec<Item>, objects: &[&Object]) {
    rig.offer(objects);
    rig.receive(TopicKind::Plan(area("xa")), &plan(epoch, items, objects));
}

fn starts(rig: &Rig) -> Vec<UnixMs> {
    rig.played.iter().map(|played| played.start_at).collect()
}

#[test]
fn audio_that_comes_late_sounds_late_or_not_at_all() {
    let late = |comes_after_ms: i64| {
        let mut rig = Rig::placed(&["vi"]);
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
fn a_tolerance_of_zero_starts_on_time_or_not_at_all() {
    let mut rig = Rig::placed(&["vi"]);
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
fn ending_the_program_stops_the_sound_and_keeps_the_rest_for_later() {
    let mut rig = Rig::placed(&["vi"]);
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
    let mut rig = Rig::placed(&["vi"]);
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
