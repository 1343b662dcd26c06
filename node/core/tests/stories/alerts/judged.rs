//! What is refused, and told; nothing of it sounds.

use loa_protocol::alert::{AreaAlerts, VALID_MAX_S, Verdict};
use loa_protocol::bulletin::Class;
use loa_protocol::envelope::{Refusal, seal};
use loa_protocol::keys::Scope;
use loa_protocol::plan::Item;
use loa_protocol::report::ClockTrust;
use loa_protocol::timeline::{ItemRules, Repeats};
use loa_protocol::topic::TopicKind;

use super::{
    AT, alarm, alerts, flood, listening, may_alarm, none_left, on_topic, sealed, siren, urgent, valid_for,
};
use super::{outcome, verdicts};
use crate::office::*;
use crate::rig::Rig;

fn the_flood(epoch: u64) -> AreaAlerts {
    let flood = flood();
    alerts(epoch, vec![urgent("flood", AT, &flood)], &[&flood], &[])
}

#[test]
fn whatever_is_wrong_with_it_is_told_and_nothing_sounds() {
    let by = |alerts: &AreaAlerts, key| seal(alerts, &tenant(), valid_for(AT, HOUR), key);
    let elsewhere = AreaAlerts { area: area("xa-khac"), ..the_flood(9) };
    let of_the_village = AreaAlerts { area: area("thon"), ..the_flood(9) };
    let of_the_province = AreaAlerts { area: area("tinh"), ..the_flood(9) };
    let mut normal = the_flood(9);
    normal.program.items[0].class = Class::Normal;
    let mut long = the_flood(9);
    let repeats = Some(Repeats { rounds: 2, gap_ms: 580_001 });
    long.program.items[0].rules = ItemRules { repeats, ..ItemRules::default() };
    let mut other_bytes = the_flood(9);
    other_bytes.inline[0].bytes = vec![1; other_bytes.inline[0].bytes.len()].into();
    let mut changed = alarm(9, AT);
    let last = changed.len() - 1;
    changed[last] ^= 1;
    let day_and_a_second = valid_for(AT, (VALID_MAX_S + 1) * SECOND);
    let cases = [
        (Some(Refusal::BadSignature), changed),
        (Some(Refusal::UnknownKey), by(&the_flood(9), &key(8))),
        (Some(Refusal::OutOfScope), by(&the_flood(9), &commune())),
        (Some(Refusal::OutOfScope), by(&of_the_province, &siren())),
        (Some(Refusal::WrongAudience), by(&elsewhere, &siren())),
        // Right in itself, and on the topic of another area.
        (Some(Refusal::WrongAudience), by(&of_the_village, &siren())),
        (Some(Refusal::Expired), sealed(&the_flood(9), AT - 2 * HOUR)),
        (Some(Refusal::Malformed), seal(&the_flood(9), &tenant(), day_and_a_second, &siren())),
        (Some(Refusal::BadContent), by(&normal, &siren())),
        (Some(Refusal::BadContent), by(&long, &siren())),
        (Some(Refusal::BadContent), by(&other_bytes, &siren())),
        (Some(Refusal::Replayed), alarm(1, AT)),
        (Some(Refusal::Replayed), alarm(2, AT)),
        // Its header says that it is one, and the rest is not there.
        (Some(Refusal::Malformed), alarm(9, AT)[..300].to_vec()),
        // No alerts at all: an event tells of it, there is nobody to answer.
        (None, b"garbage".to_vec()),
        (None, alarm(9, AT)[..60].to_vec()),
        (None, plan(9, vec![], &[])),
    ];
    let mut rig = listening();
    rig.receive(on_topic(), &none_left(2, T0));
    rig.run_until(AT);
    let mut told = verdicts(&rig).len();
    for (number, (expected, envelope)) in cases.into_iter().enumerate() {
        let before = rig.health_refused();
        rig.receive(on_topic(), &envelope);
        rig.run_for(10 * SECOND);
        assert_eq!(rig.health_refused(), before + 1, "case {number}");
        told += usize::from(expected.is_some());
        let answers = verdicts(&rig);
        assert_eq!(answers.len(), told, "case {number}");
        if let Some(refusal) = expected {
            assert_eq!(answers.last(), Some(&Verdict::Refused(refusal)), "case {number}");
        }
    }
    assert_eq!((rig.played.len(), rig.state().alerts.len()), (0, 1));
    // And what is right still sounds.
    rig.receive(on_topic(), &alarm(10, rig.now.wall));
    rig.run_for(MINUTE);
    assert_eq!(outcome(&rig, "flood"), Some(loa_protocol::receipt::Outcome::Played));
}

#[test]
fn an_empty_message_takes_nothing_away() {
    let mut rig = listening();
    rig.run_until(AT);
    rig.receive(on_topic(), &alarm(1, AT));
    rig.receive(on_topic(), &[]);
    assert_eq!(rig.health_refused(), 0);
    rig.run_for(MINUTE);
    assert_eq!(outcome(&rig, "flood"), Some(loa_protocol::receipt::Outcome::Played));
}

#[test]
fn one_whose_key_comes_later_is_verified_then() {
    let mut rig = Rig::placed(&["vi"]);
    rig.run_until(AT);
    rig.receive(on_topic(), &alarm(1, AT));
    rig.run_for(MINUTE);
    assert_eq!((verdicts(&rig), rig.played.len()), (vec![Verdict::Refused(Refusal::UnknownKey)], 0));
    rig.receive(TopicKind::Keys, &key_set(2, &[(&commune(), scope("xa")), (&siren(), may_alarm("xa"))]));
    rig.run_for(MINUTE);
    let answer = &rig.answers()[1];
    assert_eq!((answer.received, &answer.verdict), (AT, &Verdict::Verified(AT + MINUTE)));
    assert_eq!(rig.played.len(), 1);
}

#[test]
fn one_whose_key_is_withdrawn_ends() {
    let mut rig = listening();
    rig.run_until(AT);
    rig.receive(on_topic(), &alarm(1, AT));
    rig.run_for(5 * SECOND);
    assert!(rig.is_sounding());
    rig.receive(TopicKind::Keys, &key_set(2, &[(&commune(), scope("xa"))]));
    assert!(!rig.is_sounding());
    assert_eq!(verdicts(&rig).last(), Some(&Verdict::Refused(Refusal::UnknownKey)));
}

#[test]
fn a_key_for_plans_that_may_send_emergencies_cannot_alarm() {
    let mut rig = Rig::new();
    rig.connect();
    let all = Scope { classes: Class::ALL.to_vec(), ..scope("xa") };
    rig.receive(TopicKind::Keys, &key_set(1, &[(&siren(), all)]));
    rig.run_until(AT);
    rig.receive(on_topic(), &alarm(1, AT));
    rig.run_for(MINUTE);
    assert_eq!((verdicts(&rig), rig.played.len()), (vec![Verdict::Refused(Refusal::OutOfScope)], 0));
}

#[test]
fn without_a_clock_nothing_starts_and_with_one_the_document_is_judged() {
    for (behind_ms, away_ms, plays) in [(0, 0, true), (DAY, 0, true), (DAY, 2 * HOUR, false)] {
        let mut rig = listening();
        rig.run_until(AT);
        rig.step_clock(-behind_ms, ClockTrust::Unknown);
        rig.receive(on_topic(), &alarm(1, AT));
        rig.run_for(MINUTE);
        assert!(rig.played.is_empty());
        rig.step_clock(behind_ms + away_ms, ClockTrust::Trusted);
        rig.run_for(10 * MINUTE);
        assert_eq!(rig.played.len(), usize::from(plays), "{behind_ms} {away_ms}");
        if behind_ms > 0 {
            let late =
                if plays { Verdict::Verified(AT + MINUTE) } else { Verdict::Refused(Refusal::Expired) };
            assert_eq!(verdicts(&rig)[..2], [Verdict::Refused(Refusal::NotYetValid), late]);
        }
    }
}

#[test]
fn none_begins_once_the_document_has_expired_however_late_it_may_be() {
    let mut rig = listening();
    rig.run_until(AT);
    rig.speaker_works = false;
    let flood = flood();
    let tolerant = Item { start_within_ms: 6 * HOUR as u32, ..urgent("flood", AT, &flood) };
    rig.receive(on_topic(), &sealed(&alerts(1, vec![tolerant], &[&flood], &[]), AT));
    rig.run_until(AT + HOUR);
    rig.speaker_works = true;
    rig.run_for(5 * HOUR);
    assert!(rig.played.is_empty());
    let reason = loa_protocol::receipt::Reason::SpeakerFailed;
    assert_eq!(outcome(&rig, "flood"), Some(loa_protocol::receipt::Outcome::Missed(reason)));
}
