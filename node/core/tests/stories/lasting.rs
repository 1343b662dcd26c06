//! What lasts: documents that have expired, and what is known of the past.

use loa_node_core::StoreEvent;
use loa_protocol::envelope::{Validity, seal, seal_key_set};
use loa_protocol::keys::{KeyEntry, KeySet};
use loa_protocol::plan::Item;
use loa_protocol::receipt::{Outcome, Reason};
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Start;
use loa_protocol::topic::TopicKind;

use crate::office::*;
use crate::rig::{Rig, Serving};

fn valid_until(until: UnixMs) -> Validity {
    Validity { expires_s: until.seconds(), ..validity() }
}

/// The commune's key, in a set that expires then.
fn keys_until(version: u64, until: UnixMs) -> Vec<u8> {
    let entry = KeyEntry { public_key: commune().verifying_key().to_bytes(), scope: scope("xa") };
    seal_key_set(&KeySet { version, keys: vec![entry] }, &tenant(), valid_until(until), &root())
}

fn outcomes(rig: &Rig) -> Vec<(i64, Outcome)> {
    rig.outcomes().into_iter().map(|(_, at, outcome)| (at.since(T0), outcome)).collect()
}

#[test]
fn a_key_set_that_expired_during_the_outage_still_holds_after_a_power_cut() {
    let voice = Object::new("voice", 1, 10_000);
    let mut rig = Rig::new();
    rig.offer(&[&voice]);
    rig.connect();
    rig.receive(TopicKind::Keys, &keys_until(1, T0 + HOUR));
    let own = seal(&node_document(1, &["vi"]), &tenant(), valid_until(T0 + HOUR), &commune());
    rig.receive(TopicKind::Desired(node()), &own);
    let items = vec![item("a", T0 + 3 * HOUR, &[("vi", &voice)])];
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, items, &[&voice]));
    rig.run_for(10 * MINUTE);
    rig.disconnect();
    rig.run_until(T0 + 2 * HOUR);
    rig.power_cut(MINUTE);
    rig.run_until(T0 + 4 * HOUR);
    assert_eq!(outcomes(&rig), [(3 * HOUR, Outcome::Played)]);
}

#[test]
fn of_a_document_that_has_expired_nothing_begins_before_or_after_a_power_cut() {
    let voice = Object::new("voice", 1, 10_000);
    let mut rig = Rig::placed(&["vi"]);
    rig.offer(&[&voice]);
    let hourly =
        Item { start: Start::Cron("0 * * * *".parse().unwrap()), ..item("a", T0, &[("vi", &voice)]) };
    let program = program(vec![hourly], &[&voice]);
    let plan = area_plan("xa", 1, program);
    let until = T0 + 2 * HOUR + 30 * MINUTE;
    rig.receive(TopicKind::Plan(area("xa")), &seal(&plan, &tenant(), valid_until(until), &commune()));
    rig.disconnect();
    rig.run_until(T0 + 4 * HOUR);
    let before = rig.played.len();
    rig.power_cut(MINUTE);
    rig.run_until(T0 + 8 * HOUR);
    assert!(before > 0 && rig.played.iter().all(|played| played.start_at < until), "{:?}", rig.played);
    assert_eq!(rig.played.len(), before);

    // The renewed plan comes after the renewed keys: what passed meanwhile was the node's, and is told of.
    rig.connect();
    rig.receive(TopicKind::Keys, &keys_until(2, T0 + 90 * DAY));
    let renewed = seal(
        &loa_protocol::plan::AreaPlan { epoch: 2, ..plan },
        &tenant(),
        valid_until(T0 + 90 * DAY),
        &commune(),
    );
    rig.receive(TopicKind::Plan(area("xa")), &renewed);
    rig.run_for(MINUTE);
    let missed = outcomes(&rig).into_iter().filter(|(_, o)| *o == Outcome::Missed(Reason::TooLate));
    assert!(missed.count() >= 5, "{:?}", outcomes(&rig));
}

#[test]
fn what_rots_while_its_session_is_on_is_passed_over() {
    let (vi, kpm) = (Object::new("vi", 1, 30_000), Object::new("kpm", 1, 20_000));
    let mut rig = Rig::placed(&["vi", "kpm"]);
    rig.offer(&[&vi, &kpm]);
    let items = vec![item("a", T0 + HOUR, &[("vi", &vi), ("kpm", &kpm)])];
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, items, &[&vi, &kpm]));
    rig.run_until(T0 + HOUR + 10 * SECOND);
    rig.serving = Serving::No;
    rig.store.whole.remove(&kpm.hash());
    rig.core.handle_stored(StoreEvent::ObjectCorrupt { object: kpm.hash() }, rig.now);
    rig.run();
    rig.run_for(HOUR);
    assert_eq!(rig.played.iter().map(|played| played.object).collect::<Vec<_>>(), [vi.hash()]);
    assert_eq!(outcomes(&rig), [(HOUR, Outcome::Partial(Reason::AudioBroken))]);
}

#[test]
fn what_was_applied_holds_where_a_boot_finds_the_clock_before_it() {
    let voice = Object::new("voice", 1, 10_000);
    let mut rig = Rig::placed(&["vi"]);
    rig.offer(&[&voice]);
    let of_now = Validity { not_before_s: T0.seconds(), ..validity() };
    let items = program(vec![item("a", T0 + HOUR, &[("vi", &voice)])], &[&voice]);
    rig.receive(
        TopicKind::Plan(area("xa")),
        &seal(&area_plan("xa", 1, items), &tenant(), of_now, &commune()),
    );
    rig.run_for(MINUTE);
    rig.power_cut(-(5 * MINUTE));
    rig.connect();
    assert_eq!(rig.state().plans.len(), 1, "{:?}", rig.state());
    rig.run_until(T0 + 2 * HOUR);
    assert_eq!(outcomes(&rig), [(HOUR, Outcome::Played)]);
}

#[test]
fn what_a_clock_that_was_ahead_at_boot_calls_the_boot_is_no_reason_once_it_is_set_right() {
    let voice = Object::new("voice", 1, 10_000);
    let mut rig = Rig::new();
    rig.step_clock(DAY, ClockTrust::Holdover);
    rig.power_cut(MINUTE);
    rig.step_clock(-DAY, ClockTrust::Trusted);
    rig.offer(&[&voice]);
    rig.serving = Serving::No;
    rig.connect();
    rig.receive(TopicKind::Keys, &first_keys());
    rig.receive(TopicKind::Desired(node()), &desired(1, &["vi"]));
    let items = vec![item("a", T0 + HOUR, &[("vi", &voice)])];
    rig.receive(TopicKind::Plan(area("xa")), &plan(1, items, &[&voice]));
    rig.run_until(T0 + 2 * HOUR);
    assert_eq!(outcomes(&rig), [(HOUR, Outcome::Missed(Reason::AudioIncomplete))]);
}

#[test]
fn a_session_goes_on_without_the_language_that_the_village_no_longer_hears() {
    let (vi, kpm) = (Object::new("vi", 1, 30_000), Object::new("kpm", 1, 20_000));
    // While the first track sounds; and before it does.
    for (changes_at, expected) in [(10 * SECOND, &vi), (-SECOND, &kpm)] {
        let mut rig = Rig::placed(&["vi", "kpm"]);
        rig.offer(&[&vi, &kpm]);
        let items = vec![item("a", T0 + HOUR, &[("vi", &vi), ("kpm", &kpm)])];
        rig.receive(TopicKind::Plan(area("xa")), &plan(1, items, &[&vi, &kpm]));
        rig.run_until(T0 + HOUR + changes_at);
        let language = if expected.hash() == vi.hash() { "vi" } else { "kpm" };
        rig.receive(TopicKind::Desired(node()), &desired(2, &[language]));
        rig.run_for(HOUR);
        let heard: i64 = rig.heard.iter().map(|(from, until)| until.since(*from)).sum();
        assert_eq!(rig.played.last().map(|played| played.object), Some(expected.hash()));
        assert_eq!(heard, i64::from(expected.manifest.duration_ms));
        assert_eq!(outcomes(&rig), [(HOUR, Outcome::Played)]);
    }
}
