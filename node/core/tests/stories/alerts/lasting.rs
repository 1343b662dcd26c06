//! What was applied outlasts links and power; how the state tells of it, and when it is forgotten.

use loa_node_core::{Action, Slot};
use loa_protocol::alert::Verdict;
use loa_protocol::envelope::{Refusal, seal};
use loa_protocol::plan::{Item, NodeDocument};
use loa_protocol::receipt::{Outcome, Reason};
use loa_protocol::report::ClockTrust;
use loa_protocol::timeline::{AfterInterruption, ItemRules, Repeats};
use loa_protocol::topic::TopicKind;

use super::{
    AT, alarm, alerts, flood, listening, may_alarm, none_left, on_topic, outcome, sealed, siren, urgent,
    verdicts,
};
use crate::office::*;

#[test]
fn a_node_that_was_away_hears_what_has_not_expired() {
    for (away_ms, tolerates_ms, sounds) in [(30 * MINUTE, HOUR, true), (HOUR, HOUR, false)] {
        let mut rig = listening();
        rig.disconnect();
        rig.run_until(AT + away_ms);
        rig.connect();
        // What the broker kept, a while after it came.
        let flood = flood();
        let tolerant = Item { start_within_ms: tolerates_ms as u32, ..urgent("flood", AT, &flood) };
        rig.receive(on_topic(), &sealed(&alerts(1, vec![tolerant], &[&flood], &[]), AT));
        rig.run_for(HOUR);
        assert_eq!(rig.played.len(), usize::from(sounds));
        if !sounds {
            assert_eq!(verdicts(&rig), [Verdict::Refused(Refusal::Expired)]);
        }
    }
}

#[test]
fn a_power_cut_amid_an_alarm_never_brings_it_twice_from_its_start() {
    let flood = flood();
    let repeats = Some(Repeats { rounds: 3, gap_ms: 1_000 });
    for policy in [AfterInterruption::Drop, AfterInterruption::Resume] {
        let mut rig = listening();
        rig.run_until(AT);
        let rules = ItemRules { repeats, after_interruption: policy, ..ItemRules::default() };
        let item = Item { rules, ..urgent("flood", AT, &flood) };
        let envelope = sealed(&alerts(1, vec![item], &[&flood], &[]), AT);
        rig.receive(on_topic(), &envelope);
        // Amid the second round: 2 s of warm-up, 10 s, 1 s, and 5 s more.
        rig.run_for(18 * SECOND);
        rig.power_cut(3 * SECOND);
        rig.run_for(SECOND);
        rig.connect();
        rig.receive(on_topic(), &envelope);
        rig.run_for(HOUR);
        let (rounds, ended) = match policy {
            AfterInterruption::Resume => (4, Outcome::Played),
            AfterInterruption::Drop | AfterInterruption::Restart => {
                (2, Outcome::Partial(Reason::Interrupted))
            }
        };
        assert_eq!((rig.played.len(), outcome(&rig, "flood")), (rounds, Some(ended)), "{policy:?}");
        assert!(rig.wants().is_empty(), "its sound is in the stored document");
    }
}

#[test]
fn before_its_start_a_reboot_changes_nothing_and_after_its_cancellation_it_stays_away() {
    let mut rig = listening();
    rig.run_until(AT - MINUTE);
    rig.receive(on_topic(), &sealed_for(AT + MINUTE));
    rig.power_cut(30 * SECOND);
    rig.run_until(AT + 2 * MINUTE);
    assert_eq!(outcome(&rig, "flood"), Some(Outcome::Played));

    let mut rig = listening();
    rig.run_until(AT - MINUTE);
    rig.receive(on_topic(), &sealed_for(AT + MINUTE));
    rig.receive(on_topic(), &none_left(2, rig.now.wall));
    rig.power_cut(30 * SECOND);
    rig.connect();
    rig.receive(on_topic(), &sealed_for(AT + MINUTE));
    rig.run_until(AT + HOUR);
    assert_eq!((rig.played.len(), verdicts(&rig).last()), (0, Some(&Verdict::Refused(Refusal::Replayed))));
}

fn sealed_for(start: loa_protocol::time::UnixMs) -> Vec<u8> {
    let flood = flood();
    sealed(&alerts(1, vec![urgent("flood", start, &flood)], &[&flood], &[]), AT - MINUTE)
}

#[test]
fn the_state_tells_of_it_a_little_later_and_once() {
    let mut rig = listening();
    // Between two of the states that come anyway.
    let at = AT + 5 * MINUTE;
    rig.run_until(at);
    let states = |rig: &crate::rig::Rig| {
        let topic = rig.topic(TopicKind::State(node()));
        let is_state = |action: &&Action| matches!(action, Action::Publish { topic: of, .. } if *of == topic);
        rig.actions.iter().filter(is_state).count()
    };
    let before = states(&rig);
    rig.receive(on_topic(), &alarm(1, at));
    rig.run_for(4 * SECOND);
    assert_eq!(states(&rig), before, "ten thousand states at once would only be in the way");
    rig.run_for(11 * SECOND);
    assert_eq!(states(&rig), before + 1);
    let [applied] = &rig.state().alerts[..] else { panic!("one area has alerts") };
    assert_eq!((&applied.area, applied.applied.sequence), (&area("xa"), 1));
}

#[test]
fn it_is_forgotten_when_it_has_expired_and_when_the_node_leaves_the_area() {
    let forgotten = |rig: &crate::rig::Rig| {
        let slot = Slot::Alert(area("xa"));
        rig.actions.contains(&Action::ForgetDocument { slot })
    };
    let mut rig = listening();
    rig.run_until(AT);
    rig.receive(on_topic(), &alarm(1, AT));
    rig.run_until(AT + HOUR + 29 * MINUTE);
    assert!(!forgotten(&rig));
    rig.run_for(2 * MINUTE);
    assert!(forgotten(&rig) && rig.store.documents.keys().all(|slot| *slot != Slot::Alert(area("xa"))));
    assert!(rig.store.applied.contains_key(&Slot::Alert(area("xa"))), "it never comes back");
    rig.run_for(MINUTE);
    assert!(rig.state().alerts.is_empty());

    // A clock that is not known decides nothing, and is not waited for either.
    let mut rig = listening();
    rig.run_until(AT);
    rig.receive(on_topic(), &alarm(1, AT));
    rig.run_for(MINUTE);
    rig.step_clock(0, ClockTrust::Unknown);
    rig.run_for(3 * HOUR);
    assert!(!forgotten(&rig));
    rig.step_clock(0, ClockTrust::Trusted);
    assert!(forgotten(&rig));

    let mut rig = listening();
    rig.run_until(AT);
    rig.receive(on_topic(), &alarm(1, AT));
    rig.run_for(5 * SECOND);
    let document = NodeDocument { path: path(&["tinh", "xa-khac"]), ..node_document(2, &["vi"]) };
    let whole = loa_protocol::keys::Scope { area: None, ..scope("xa") };
    rig.receive(TopicKind::Keys, &key_set(2, &[(&key(3), whole), (&siren(), may_alarm("xa"))]));
    rig.receive(TopicKind::Desired(node()), &seal(&document, &tenant(), validity(), &key(3)));
    assert!(!rig.is_sounding());
    assert!(forgotten(&rig) && rig.store.documents.keys().all(|slot| !matches!(slot, Slot::Alert(_))));
}
