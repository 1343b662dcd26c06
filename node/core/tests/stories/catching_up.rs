//! Power cuts and clocks that jump: nothing twice, nothing forgotten, no flood.

use loa_protocol::bulletin::Class;
use loa_protocol::plan::Item;
use loa_protocol::receipt::{Outcome, Reason, Sound};
use loa_protocol::report::ClockTrust;
use loa_protocol::timeline::Start;
use loa_protocol::topic::TopicKind;

use crate::office::*;
use crate::rig::Rig;

fn hourly(id: &str, voice: &Object) -> Item {
    Item { start: Start::Cron("0 * * * *".parse().unwrap()), ..item(id, T0, &[("vi", voice)]) }
}

/// A node that plays these items of one object.
fn playing(items: impl Fn(&Object) -> Vec<Item>, duration_ms: u32) -> Rig {
    let mut rig = Rig::placed(&["vi"]);
    let voice = Object::new("v", 1, duration_ms);
    rig.offer(&[&voice]);
    // Half an hour past the full hour, so that the first start is to come.
    rig.run_for(30 * MINUTE);
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, items(&voice), &[&voice]));
    rig
}

fn count(rig: &Rig, outcome: Outcome) -> usize {
    rig.outcomes().iter().filter(|o| o.2 == outcome).count()
}

#[test]
fn what_sounded_when_the_power_went_is_partial_and_never_repeated() {
    let mut rig = playing(|voice| vec![hourly("i", voice)], 60_000);
    let at = T0 + HOUR;
    rig.run_until(at + 20 * SECOND);
    assert!(rig.is_sounding());
    rig.power_cut(30 * SECOND);
    let receipt = rig.store.receipts[&1].clone();
    assert_eq!(receipt.outcome, Outcome::Partial(Reason::Interrupted));
    assert_eq!(receipt.sound, Some(Sound { started: at, played_ms: 0 }));
    rig.run_until(at + 30 * MINUTE);
    assert_eq!((rig.played.len(), rig.store.receipts.len()), (1, 1));
    rig.run_until(at + HOUR + 30 * MINUTE);
    assert_eq!(rig.played.len(), 2, "the next hour sounds");
}

#[test]
fn a_clock_at_1970_or_2106_makes_no_sound_and_no_flood_and_the_village_hears_on() {
    let mut rig = playing(|voice| vec![hourly("i", voice)], 60_000);
    let mut heard = 0;
    for (wrong_s, trust) in [
        // Earlier than what is known to be past: no shell calls that trusted.
        (0, ClockTrust::Unknown),
        (4_291_747_200, ClockTrust::Trusted),
        (i64::from(i32::MAX) + 1, ClockTrust::Trusted),
    ] {
        let away_ms = wrong_s * 1_000 - rig.now.wall.0;
        rig.step_clock(away_ms, trust);
        rig.run_for(3 * HOUR);
        assert_eq!(rig.played.len(), heard, "what it holds is not for the year of {wrong_s}");
        rig.step_clock(-away_ms, ClockTrust::Trusted);
        rig.run_for(3 * HOUR);
        heard += 3;
        assert_eq!(rig.played.len(), heard, "the clock is right again after {wrong_s}");
    }
    // What may have passed while nobody could know is told, but not more than a day has hours.
    assert!(rig.store.receipts.len() < 60, "{}", rig.store.receipts.len());
}

#[test]
fn what_was_ordered_when_the_power_went_may_have_been_heard() {
    let mut rig = playing(|voice| vec![hourly("i", voice)], 60_000);
    rig.run_until(T0 + HOUR - SECOND);
    assert_eq!(rig.store.intents.len(), 1);
    rig.power_cut(30 * SECOND);
    rig.run_for(30 * MINUTE);
    assert_eq!(rig.outcomes(), [(item_id("i"), T0 + HOUR, Outcome::Missed(Reason::Interrupted))]);
}

#[test]
fn a_short_power_cut_makes_a_late_start() {
    let mut rig = playing(|voice| vec![hourly("i", voice)], 1_000);
    let at = T0 + HOUR;
    rig.run_until(at - MINUTE);
    rig.power_cut(6 * MINUTE);
    rig.run_for(MINUTE);
    assert_eq!(rig.outcomes(), [(item_id("i"), at, Outcome::Played)]);
    assert_eq!(rig.played[0].start_at, at + 5 * MINUTE + 2 * SECOND, "once the amplifier is warm");
}

#[test]
fn what_passed_while_the_power_was_off_was_missed_for_seven_days_back() {
    let mut rig = playing(|voice| vec![hourly("i", voice)], 1_000);
    rig.run_until(T0 + 2 * HOUR + 30 * MINUTE);
    rig.power_cut(5 * HOUR);
    assert_eq!(count(&rig, Outcome::Missed(Reason::TooLate)), 5);
    rig.power_cut(10 * DAY);
    assert_eq!(count(&rig, Outcome::Missed(Reason::TooLate)), 5 + 7 * 24);
    rig.power_cut(SECOND);
    assert_eq!(count(&rig, Outcome::Missed(Reason::TooLate)), 5 + 7 * 24);
    assert_eq!(count(&rig, Outcome::Played), 2);
    rig.run_for(HOUR);
    assert_eq!(count(&rig, Outcome::Played), 3);
}

#[test]
fn what_passed_by_an_untrusted_clock_while_the_power_was_off_is_too_late_as_well() {
    let mut rig = playing(|voice| vec![hourly("i", voice)], 1_000);
    rig.power_cut_untrusted(2 * HOUR);
    assert_eq!(count(&rig, Outcome::Missed(Reason::TooLate)), 2);
    rig.run_for(HOUR);
    assert_eq!(count(&rig, Outcome::Missed(Reason::ClockUnknown)), 1);
}

#[test]
fn a_busy_item_does_not_flood() {
    let minutely = |voice: &Object| {
        vec![Item {
            start: Start::Cron("* * * * *".parse().unwrap()),
            start_within_ms: 0,
            ..item("i", T0, &[("vi", voice)])
        }]
    };
    let mut rig = playing(minutely, 1_000);
    rig.step_clock(300 * DAY / 10, ClockTrust::Trusted);
    let missed = count(&rig, Outcome::Missed(Reason::TooLate));
    assert!((100..=201).contains(&missed), "{missed} missed");
    let played = rig.played.len();
    rig.run_for(10 * MINUTE);
    assert!((9..=10).contains(&(rig.played.len() - played)));
}

#[test]
fn many_items_do_not_flood_either() {
    let many = |voice: &Object| (0..40).map(|n| hourly(&format!("i{n:02}"), voice)).collect();
    let mut rig = playing(many, 1_000);
    rig.power_cut(20 * DAY);
    assert_eq!(rig.store.receipts.len(), 1_000, "of 40 times 7 times 24");
    rig.run_for(HOUR);
    assert_eq!((rig.store.receipts.len(), count(&rig, Outcome::Played)), (1_040, 40));
}

#[test]
fn a_clock_that_goes_back_repeats_nothing_and_skips_nothing() {
    let mut rig = playing(|voice| vec![hourly("i", voice)], 1_000);
    rig.run_until(T0 + 3 * HOUR + 30 * MINUTE);
    assert_eq!(rig.played.len(), 3);
    rig.step_clock(-(2 * HOUR), ClockTrust::Trusted);
    rig.run_until(T0 + 3 * HOUR + 30 * MINUTE);
    assert_eq!(rig.played.len(), 3);
    rig.run_until(T0 + 5 * HOUR + 30 * MINUTE);
    assert_eq!(rig.played.len(), 5);
}

#[test]
fn a_clock_that_was_a_month_ahead_does_not_silence_the_month() {
    let mut rig = playing(|voice| vec![hourly("i", voice)], 1_000);
    rig.step_clock(30 * DAY, ClockTrust::Holdover);
    rig.run_for(MINUTE);
    // A plan that is applied under the wrong clock counts as applied under the right one.
    let voice = Object::new("v", 1, 1_000);
    let items = vec![hourly("i", &voice), hourly("j", &voice)];
    rig.receive(TopicKind::Plan(area("xa")), &plan(2, items, &[&voice]));
    rig.step_clock(-(30 * DAY), ClockTrust::Trusted);
    rig.run_for(3 * HOUR);
    let since = |id: &str| {
        let played = |o: &&(_, _, Outcome)| o.0 == item_id(id) && o.2 == Outcome::Played;
        rig.outcomes().iter().filter(played).count()
    };
    assert_eq!((since("i"), since("j")), (3, 3));
}

#[test]
fn what_a_clock_that_ran_ahead_called_missed_still_sounds() {
    for is_cut in [false, true] {
        let mut rig = playing(|voice| vec![hourly("i", voice)], 1_000);
        rig.step_clock(2 * DAY, ClockTrust::Holdover);
        assert_eq!(count(&rig, Outcome::Missed(Reason::TooLate)), 48);
        if is_cut {
            rig.power_cut(-(2 * DAY));
        } else {
            rig.step_clock(-(2 * DAY), ClockTrust::Trusted);
        }
        rig.run_for(3 * HOUR);
        assert_eq!(rig.played.len(), 3, "with a power cut in between: {is_cut}");
    }
}

#[test]
fn a_clock_that_is_held_over_forgets_what_one_that_ran_ahead_called_missed() {
    let mut rig = playing(|voice| vec![hourly("i", voice)], 1_000);
    rig.step_clock(2 * DAY, ClockTrust::Holdover);
    rig.power_cut_untrusted(-(2 * DAY));
    rig.step_clock(0, ClockTrust::Holdover);
    rig.run_for(3 * HOUR);
    assert_eq!(rig.played.len(), 3);
}

#[test]
fn what_was_applied_by_a_clock_that_ran_ahead_counts_from_when_that_was_noticed() {
    let mut rig = playing(|_| Vec::new(), 1_000);
    rig.step_clock(2 * DAY, ClockTrust::Holdover);
    let voice = Object::new("v", 1, 1_000);
    rig.receive(TopicKind::Plan(area("xa")), &plan(2, vec![hourly("i", &voice)], &[&voice]));
    rig.step_clock(-(2 * DAY), ClockTrust::Trusted);
    rig.power_cut(5 * HOUR);
    assert_eq!(count(&rig, Outcome::Missed(Reason::TooLate)), 5, "of the time without power");
    rig.run_for(HOUR);
    assert_eq!(rig.played.len(), 1);
}

#[test]
fn audio_of_what_comes_again_when_the_clock_goes_back_is_fetched() {
    let mut rig = playing(|_| Vec::new(), 1_000);
    rig.step_clock(2 * DAY, ClockTrust::Holdover);
    let new = Object::new("new", 1, 1_000);
    rig.offer(&[&new]);
    rig.receive(TopicKind::Plan(area("xa")), &plan(2, vec![item("i", T0 + DAY, &[("vi", &new)])], &[&new]));
    rig.run_for(MINUTE);
    assert!(rig.wants().is_empty(), "by this clock it has passed");
    rig.step_clock(-(2 * DAY), ClockTrust::Trusted);
    rig.run_until(T0 + DAY + MINUTE);
    assert_eq!(rig.outcomes(), [(item_id("i"), T0 + DAY, Outcome::Played)]);
}

#[test]
fn what_came_near_by_a_clock_that_ran_ahead_holds_nothing_up_once_it_has_gone_back() {
    let late = |voice: &Object| {
        let far = item("far", T0 + HOUR + 3 * MINUTE, &[("vi", voice)]);
        Item { class: Class::Priority, ..far }
    };
    let mut rig = playing(|voice| vec![item("near", T0 + HOUR, &[("vi", voice)]), late(voice)], 1_000);
    let ahead = (T0 + HOUR + 3 * MINUTE - 2 * SECOND).since(rig.now.wall);
    rig.step_clock(ahead, ClockTrust::Unknown);
    rig.step_clock(-ahead, ClockTrust::Trusted);
    rig.run_until(T0 + HOUR + MINUTE);
    assert_eq!(rig.outcomes(), [(item_id("near"), T0 + HOUR, Outcome::Played)]);
    rig.run_until(T0 + HOUR + 5 * MINUTE);
    assert_eq!(rig.played.len(), 2, "{:?}", rig.outcomes());
}

#[test]
fn a_plan_that_waits_for_the_clock_and_comes_again_was_applied_when_it_was() {
    let mut rig = playing(|voice| vec![hourly("i", voice)], 1_000);
    rig.power_cut_untrusted(200 * DAY);
    rig.connect();
    let voice = Object::new("v", 1, 1_000);
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, vec![hourly("i", &voice)], &[&voice]));
    assert_eq!(rig.outcomes(), [], "by this clock everything has expired");
    rig.step_clock(-(200 * DAY) + 5 * HOUR, ClockTrust::Trusted);
    rig.run_for(MINUTE);
    assert_eq!(count(&rig, Outcome::Missed(Reason::TooLate)), 5, "of the time without power");
    rig.run_for(HOUR);
    assert_eq!(rig.played.len(), 1);
}

#[test]
fn a_clock_that_was_set_begins_nothing_until_it_is_judged() {
    let mut rig = playing(|voice| vec![hourly("i", voice)], 1_000);
    // Onto the full hour: an occurrence is due, by a clock at which the shell has not looked.
    rig.now.wall = T0 + 4 * HOUR;
    rig.run_for(8 * SECOND);
    assert!(rig.core.doubts_clock());
    assert_eq!(rig.played.len(), 0);
    rig.step_clock(0, ClockTrust::Trusted);
    rig.run_for(MINUTE);
    assert!(!rig.core.doubts_clock());
    assert_eq!(rig.played.len(), 1, "it was right");
}
