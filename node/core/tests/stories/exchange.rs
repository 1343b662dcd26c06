//! A board without a time service asks the controller for the time, and believes no other.

use loa_node_core::{Action, Settings, Standing, TimeSecret};
use loa_protocol::clock::{ClockSource, Estimate, ROUND_REQUESTS, TRUSTED_MAX_MS, TimeAnswer, TimeRequest};
use loa_protocol::envelope::Refusal;
use loa_protocol::ids::NodeId;
use loa_protocol::receipt::Outcome;
use loa_protocol::report::{ClockTrust, EventKind};
use loa_protocol::time::UnixMs;
use loa_protocol::topic::TopicKind;

use crate::office::*;
use crate::rig::{Played, Rig};

const YEAR: i64 = 365 * DAY;
const FIVE_MINUTES_MS: u64 = 300_000;

fn settings() -> Settings {
    Settings { time_secret: Some(TimeSecret([7; 32])), ..Settings::default() }
}

/// A board that has its keys, with a clock that is behind the truth by so much and that nobody keeps; connected. One that is behind stands where
/// the shell floors it: at what somebody signed last.
fn lost(behind_ms: i64) -> Rig {
    let mut rig = Rig::with(settings());
    rig.connect();
    rig.receive(TopicKind::Keys, &keys_with_time());
    rig.receive(TopicKind::Desired(node()), &desired(1, &["vi"]));
    rig.power_cut_untrusted((-behind_ms).max(0));
    rig.truth_ahead_ms = behind_ms;
    rig.connect();
    rig
}

fn ask(rig: &mut Rig, ms: u64) -> Vec<TimeRequest> {
    let before = rig.time_requests().len();
    rig.let_pass(ms);
    rig.time_requests().split_off(before)
}

fn answer(rig: &mut Rig, envelope: &[u8]) {
    rig.receive(TopicKind::TimeAnswer(node()), envelope);
}

fn taken(rig: &Rig) -> usize {
    rig.actions.iter().filter(|action| matches!(action, Action::TakeTime(_))).count()
}

fn estimate(action: &Action) -> Option<Estimate> {
    if let Action::TakeTime(estimate) = action { Some(*estimate) } else { None }
}

fn refusals(rig: &Rig) -> Vec<Refusal> {
    let of_time = |kind| {
        let EventKind::DocumentRefused { topic, refusal } = kind else { return None };
        topic.ends_with("/time").then_some(refusal)
    };
    rig.events().into_iter().filter_map(of_time).collect()
}

#[test]
fn a_board_whose_clock_is_nowhere_hears_the_time_and_plays_its_routine() {
    // The shell floors a clock at 1970 to what is known to be past; one at 2106 it takes as it is.
    for behind_ms in [40 * DAY, -80 * YEAR] {
        let mut rig = lost(behind_ms);
        let voice = Object::new("cat-dien", 4, 5_000);
        rig.offer(&[&voice]);
        assert_eq!(rig.state().clock, ClockTrust::Unknown);
        rig.tells_time = Some(Some(20));
        rig.let_pass(60 * SECOND as u64);
        assert_eq!((rig.state().clock, rig.truth_ahead_ms), (ClockTrust::Trusted, 0), "{behind_ms}");
        rig.health_refused();
        let health = rig.health().pop().unwrap();
        assert_eq!(health.clock_source, Some(ClockSource::Exchange));

        let at = rig.truth() + 10 * MINUTE;
        let program = vec![item("cat-dien", at, &[("vi", &voice)])];
        rig.receive(TopicKind::Plan(area("xa")), &plan(7, program, &[&voice]));
        rig.run_until(at + MINUTE);
        assert_eq!(rig.played, [Played { object: voice.hash(), start_at: at }], "{behind_ms}");
        assert_eq!(
            rig.outcomes().pop().map(|(_, nominal, outcome)| (nominal, outcome)),
            Some((at, Outcome::Played))
        );
    }
}

#[test]
fn a_round_is_six_requests_and_the_quickest_answer_counts() {
    let mut rig = lost(DAY);
    let requests = ask(&mut rig, 25 * SECOND as u64);
    assert_eq!(requests.len(), ROUND_REQUESTS as usize);
    assert!(requests.windows(2).all(|two| two[0].sequence < two[1].sequence && two[0].nonce != two[1].nonce));
    // All answers waited in a queue, the third least: they say the same instant, and come one after another.
    let truth = rig.truth();
    for (number, request) in requests.iter().enumerate() {
        let error_ms = if number == 2 { 30 } else { 40_000 };
        answer(&mut rig, &time_answer(request, truth, Some(error_ms)));
    }
    assert_eq!(taken(&rig), 1);
    let best = rig.actions.iter().find_map(estimate).unwrap();
    assert!(best.error_ms > 2_000, "they came long after they were asked for");
    assert!(best.error_ms < 20_000, "{best:?}");
    rig.let_pass(2_000);
    assert_eq!(rig.state().clock, ClockTrust::Holdover, "too long a way to be trusted");
}

#[test]
fn answers_that_are_late_foreign_unsigned_or_said_again_change_nothing() {
    let mut rig = lost(DAY);
    let request = ask(&mut rig, 11 * SECOND as u64)[0];
    let right = TimeAnswer {
        node: node(),
        sequence: request.sequence,
        nonce: request.nonce,
        received: rig.truth(),
        answered: rig.truth(),
        error_ms: Some(1),
    };
    let wrong_nonce = TimeRequest { nonce: loa_protocol::clock::Nonce([0; 16]), ..request };
    let wrong_sequence = TimeRequest { sequence: request.sequence + 1_000, ..request };
    let elsewhere = TimeAnswer { node: NodeId::new("another").unwrap(), ..right.clone() };
    let truth = rig.truth();
    for (envelope, refusal) in [
        (sealed_answer(&right, &commune()), Refusal::OutOfScope),
        (sealed_answer(&right, &key(77)), Refusal::UnknownKey),
        (sealed_answer(&elsewhere, &timekeeper()), Refusal::WrongAudience),
        (loa_protocol::wire::Wire::to_cbor(&right), Refusal::Malformed),
        (time_answer(&wrong_nonce, truth, Some(1)), Refusal::Replayed),
        (time_answer(&wrong_sequence, truth, Some(1)), Refusal::Replayed),
        (desired(2, &["vi"]), Refusal::WrongKind),
    ] {
        answer(&mut rig, &envelope);
        assert_eq!(refusals(&rig).last(), Some(&refusal));
    }
    let envelope = sealed_answer(&right, &timekeeper());
    answer(&mut rig, &envelope);
    let refused = refusals(&rig).len();
    answer(&mut rig, &envelope);
    assert_eq!(refusals(&rig).len(), refused + 1, "once, and no second time");
    assert_eq!(refusals(&rig).last(), Some(&Refusal::Replayed));

    let mut rig = lost(DAY);
    let request = ask(&mut rig, 11 * SECOND as u64)[0];
    rig.let_pass(31 * SECOND as u64);
    let envelope = time_answer(&request, rig.truth(), Some(1));
    answer(&mut rig, &envelope);
    assert_eq!(refusals(&rig), [Refusal::Replayed], "late");
    rig.let_pass(60 * SECOND as u64);
    assert_eq!(taken(&rig), 0);
    assert_eq!(rig.state().clock, ClockTrust::Unknown);
}

/// An answer to a request of an earlier boot, kept back by whoever carries it.
#[test]
fn an_answer_of_an_earlier_boot_fits_no_request() {
    let mut rig = lost(DAY);
    let request = ask(&mut rig, 11 * SECOND as u64)[0];
    let envelope = time_answer(&request, rig.truth(), Some(1));
    rig.settings.time_secret = Some(TimeSecret([8; 32]));
    rig.power_cut_untrusted(0);
    rig.connect();
    let again = ask(&mut rig, 11 * SECOND as u64)[0];
    assert_eq!(again.sequence, request.sequence);
    answer(&mut rig, &envelope);
    assert_eq!(refusals(&rig), [Refusal::Replayed]);
}

#[test]
fn a_controller_that_nobody_keeps_makes_no_clock_right() {
    let mut rig = lost(DAY);
    rig.tells_time = Some(None);
    rig.let_pass(5 * HOUR as u64);
    assert_eq!((taken(&rig), refusals(&rig)), (0, Vec::new()));
    assert_eq!(rig.state().clock, ClockTrust::Unknown);
    let asked = rig.time_requests().len() as u32 / ROUND_REQUESTS;
    assert!((6..=15).contains(&asked), "{asked} rounds: less and less often, and never given up");
}

#[test]
fn without_an_answer_a_node_asks_ever_less_and_nothing_else_happens() {
    let mut rig = lost(DAY);
    let first = ask(&mut rig, HOUR as u64).len();
    rig.let_pass(5 * HOUR as u64);
    let later = ask(&mut rig, HOUR as u64).len();
    assert!(later <= 2 * ROUND_REQUESTS as usize && later < first, "{first}, then {later}");
    assert_eq!(rig.health_refused(), 0);
}

#[test]
fn where_no_key_tells_the_time_or_no_secret_was_drawn_nobody_asks() {
    let mut rig = Rig::with(settings());
    rig.step_clock(0, ClockTrust::Unknown);
    rig.connect();
    rig.receive(TopicKind::Keys, &first_keys());
    assert_eq!(ask(&mut rig, HOUR as u64), []);
    // The key set of a later day has one.
    let keys = key_set(2, &[(&commune(), scope("xa")), (&timekeeper(), time_scope())]);
    rig.receive(TopicKind::Keys, &keys);
    assert_eq!(ask(&mut rig, MINUTE as u64).len(), ROUND_REQUESTS as usize);

    let mut rig = Rig::new();
    rig.step_clock(0, ClockTrust::Unknown);
    rig.connect();
    rig.receive(TopicKind::Keys, &keys_with_time());
    assert_eq!(ask(&mut rig, DAY as u64), []);
}

#[test]
fn a_kept_clock_is_checked_once_a_day_and_a_contradicted_one_every_hour() {
    let mut rig = Rig::with(settings());
    rig.connect();
    rig.receive(TopicKind::Keys, &keys_with_time());
    rig.tells_time = Some(Some(20));
    rig.has_time_service = true;
    let rounds = ask(&mut rig, 10 * DAY as u64).len() / ROUND_REQUESTS as usize;
    assert!((8..=13).contains(&rounds), "{rounds} in ten days");
    let contradicted = Standing { trust: ClockTrust::Unknown, source: ClockSource::System };
    rig.core.handle_clock(contradicted, rig.now);
    let rounds = ask(&mut rig, 2 * DAY as u64).len() / ROUND_REQUESTS as usize;
    assert!((40..=96).contains(&rounds), "{rounds} in two days");
}

#[test]
fn a_bound_is_made_small_again_before_it_is_too_large() {
    let mut rig = lost(DAY);
    rig.tells_time = Some(Some(20));
    rig.let_pass(MINUTE as u64);
    let before = taken(&rig);
    let mut widest_ms = 0;
    for _ in 0..4 * 24 * 15 {
        rig.let_pass(4 * MINUTE as u64);
        let last = rig.actions.iter().rev().find_map(estimate);
        widest_ms = widest_ms.max(last.unwrap().error_at(rig.now.monotonic_ms));
    }
    assert!(widest_ms < TRUSTED_MAX_MS, "{widest_ms}");
    let rounds = taken(&rig) - before;
    assert!((20..=45).contains(&rounds), "{rounds} rounds in four days");
}

#[test]
fn a_fleet_does_not_ask_at_once() {
    let mut seconds = std::collections::BTreeSet::new();
    for secret in 0..50 {
        let mut rig =
            Rig::with(Settings { time_secret: Some(TimeSecret([secret; 32])), ..Settings::default() });
        rig.step_clock(0, ClockTrust::Unknown);
        rig.connect();
        rig.receive(TopicKind::Keys, &keys_with_time());
        let from_ms = rig.now.monotonic_ms;
        while rig.time_requests().is_empty() {
            rig.let_pass(100);
            assert!(rig.now.monotonic_ms - from_ms <= 10_100, "a node without a clock asks soon");
        }
        seconds.insert((rig.now.monotonic_ms - from_ms) / 1_000);
    }
    assert!(seconds.len() >= 8, "{seconds:?}");
}

/// W2: what was heard is not heard again, and what passed does not come in a flood.
#[test]
fn a_clock_that_the_exchange_sets_back_or_forward_neither_repeats_nor_floods() {
    for behind_ms in [30 * DAY, 3 * HOUR, -3 * HOUR, -30 * DAY] {
        let mut rig = Rig::with(settings());
        let voice = Object::new("sang", 4, 5_000);
        rig.offer(&[&voice]);
        rig.connect();
        rig.receive(TopicKind::Keys, &keys_with_time());
        rig.receive(TopicKind::Desired(node()), &desired(1, &["vi"]));
        let nominal = |n: i64| T0 + HOUR + n * 20 * MINUTE;
        let program = (0..9).map(|n| item(&format!("sang-{n}"), nominal(n), &[("vi", &voice)])).collect();
        rig.receive(TopicKind::Plan(area("xa")), &plan(7, program, &[&voice]));
        rig.run_until(nominal(2) + MINUTE);
        assert_eq!(rig.played.len(), 3);

        // The power was away for a long time that the board does not know of, or its clock leapt while it was away.
        rig.power_cut_untrusted(5 * MINUTE + (-behind_ms).max(0));
        rig.truth_ahead_ms = behind_ms;
        let left: Vec<UnixMs> = (3..9).map(nominal).filter(|at| *at > rig.truth()).collect();
        rig.tells_time = Some(Some(20));
        rig.connect();
        rig.let_pass(60 * SECOND as u64);
        assert_eq!((rig.state().clock, rig.truth_ahead_ms), (ClockTrust::Trusted, 0));
        rig.run_until(rig.now.wall.max(nominal(8)) + HOUR);
        let heard: Vec<UnixMs> = rig.played.iter().map(|played| played.start_at).skip(3).collect();
        assert_eq!(heard, left, "behind by {behind_ms}");
        let played = rig.outcomes().iter().filter(|(_, _, outcome)| *outcome == Outcome::Played).count();
        assert_eq!(played, 3 + left.len());
    }
}

/// K3: while the node goes by the exchange, its core sees no step, however far the bound has grown.
#[test]
fn an_exchange_that_cannot_be_renewed_is_held_over() {
    let mut rig = lost(DAY);
    rig.tells_time = Some(Some(20));
    rig.let_pass(MINUTE as u64);
    rig.tells_time = None;
    let asked = rig.time_requests().len();
    rig.let_pass(DAY as u64);
    assert!(rig.time_requests().len() > asked, "it asks on");
    assert_eq!(taken(&rig), 1);
    assert!(rig.now.monotonic_ms > FIVE_MINUTES_MS && !rig.core.doubts_clock());
}
