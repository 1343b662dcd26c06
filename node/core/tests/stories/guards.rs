//! G: what a node does not do, whatever is signed.

use loa_node_core::{Action, Settings, SpeakerEvent};
use loa_protocol::bulletin::Class;
use loa_protocol::envelope::seal;
use loa_protocol::keys::Scope;
use loa_protocol::plan::{AreaPlan, Item, Zone};
use loa_protocol::receipt::{Outcome, Reason};
use loa_protocol::report::ClockTrust;
use loa_protocol::timeline::{Guards, LocalRange, OwnGuards};
use loa_protocol::topic::TopicKind;
use proptest::prelude::*;

use crate::office::*;
use crate::rig::{Played, Rig};

/// The plan of the commune with guards.
fn guarded(epoch: u64, items: Vec<Item>, objects: &[&Object], guards: Guards) -> Vec<u8> {
    let plan = AreaPlan { guards, ..area_plan("xa", epoch, program(items, objects)) };
    seal(&plan, &tenant(), validity(), &commune())
}

fn node_with(plan: &[u8], objects: &[&Object]) -> Rig {
    board_with(None, plan, objects)
}

/// A node whose board has guards of its own, in the village's zone.
fn board_with(own: Option<Guards>, plan: &[u8], objects: &[&Object]) -> Rig {
    let own_guards = own.map(|guards| OwnGuards { guards, zone: Zone::named("Asia/Ho_Chi_Minh").unwrap() });
    let mut rig = Rig::with(Settings { amplifier_warm_up_ms: 1_000, own_guards, ..Settings::default() });
    rig.offer(objects);
    rig.connect();
    let classes = Class::ALL.to_vec();
    rig.receive(TopicKind::Keys, &key_set(1, &[(&commune(), Scope { classes, ..scope("xa") })]));
    rig.receive(TopicKind::Desired(node()), &desired(1, &["vi"]));
    rig.receive(TopicKind::Plan(area("xa")), plan);
    rig
}

/// From 21:00 to 05:00. It is 07:00 in the village at `T0`.
fn night() -> Guards {
    let quiet_hours = vec![LocalRange { from_minute: 21 * 60, until_minute: 5 * 60 }];
    Guards { quiet_hours, ..Guards::default() }
}

const NIGHTFALL: i64 = 14 * HOUR;
const DAWN: i64 = 22 * HOUR;

fn outcome(rig: &Rig, id: &str) -> Option<Outcome> {
    rig.outcomes().into_iter().find(|(item, ..)| *item == item_id(id)).map(|(.., outcome)| outcome)
}

#[test]
fn quiet_hours_hold_whoever_signs_and_emergencies_pass_them() {
    let (minute, ten) = (Object::new("one", 1, 60_000), Object::new("ten", 1, 600_000));
    let night_at = |ms| T0 + NIGHTFALL + ms;
    let items = vec![
        item("a-midnight", night_at(3 * HOUR), &[("vi", &minute)]),
        item("b-into-night", night_at(-5 * MINUTE), &[("vi", &ten)]),
        item("c-just-before", night_at(-7 * MINUTE), &[("vi", &minute)]),
        within(item("d-until-dawn", T0 + DAWN - 5 * MINUTE, &[("vi", &minute)]), HOUR),
        Item { class: Class::Emergency, ..item("e-storm", night_at(4 * HOUR), &[("vi", &minute)]) },
        Item { class: Class::Priority, ..item("f-priority", night_at(5 * HOUR), &[("vi", &minute)]) },
    ];
    let objects = [&minute, &ten];
    let mut rig = node_with(&guarded(1, items, &objects, night()), &objects);
    rig.run_until(T0 + DAWN - 6 * MINUTE);
    let reported: Vec<Outcome> = rig.seen.values().map(|receipt| receipt.outcome).collect();
    let quiet = Outcome::Missed(Reason::QuietHours);
    assert_eq!(reported, [Outcome::Played, quiet, quiet, Outcome::Played, quiet], "told at once");
    rig.run_until(T0 + DAWN + HOUR);
    let played: Vec<_> = rig.played.iter().map(|played| played.start_at).collect();
    assert_eq!(played, [night_at(-7 * MINUTE), night_at(4 * HOUR), T0 + DAWN]);
    assert_eq!(outcome(&rig, "d-until-dawn"), Some(Outcome::Played));
}

#[test]
fn a_clock_that_is_set_into_the_night_stops_what_sounds() {
    let ten = Object::new("ten", 1, 600_000);
    let at = T0 + HOUR;
    let mut rig = node_with(&guarded(1, vec![item("i", at, &[("vi", &ten)])], &[&ten], night()), &[&ten]);
    rig.run_until(at + MINUTE);
    assert!(rig.is_sounding());
    rig.step_clock(NIGHTFALL, ClockTrust::Trusted);
    assert!(!rig.is_sounding());
    assert_eq!(outcome(&rig, "i"), Some(Outcome::Partial(Reason::QuietHours)));
}

#[test]
fn a_day_has_so_many_minutes_and_sessions_through_reboots() {
    let two = Object::new("two", 1, 120_000);
    let hourly = |id: &str, hour: i64| item(id, T0 + hour * HOUR, &[("vi", &two)]);
    let items = vec![
        hourly("a", 1),
        hourly("b", 2),
        hourly("c", 3),
        Item { class: Class::Priority, ..hourly("d", 4) },
        Item { class: Class::Priority, ..hourly("e", 5) },
        Item { class: Class::Emergency, ..hourly("f", 6) },
        // Midnight in the village is at T0 + 17 h: another day.
        hourly("g", 18),
    ];
    let guards = Guards { normal_minutes_a_day: Some(5), sessions_a_day: Some(3), ..Guards::default() };
    let mut rig = node_with(&guarded(1, items, &[&two], guards), &[&two]);
    for _ in 0..20 {
        rig.run_for(HOUR - MINUTE);
        rig.power_cut(MINUTE / 2);
        rig.run_for(MINUTE / 2);
    }
    let outcomes: Vec<Outcome> =
        "abcdefg".chars().map(|id| outcome(&rig, &id.to_string()).unwrap()).collect();
    let (minutes, sessions) = (Outcome::Missed(Reason::MinutesSpent), Outcome::Missed(Reason::SessionsSpent));
    let played = Outcome::Played;
    assert_eq!(outcomes, [played, played, minutes, played, sessions, played, played]);
}

#[test]
fn a_session_that_the_power_cut_off_counts_wholly() {
    let three = Object::new("three", 1, 180_000);
    let items = vec![item("a", T0 + HOUR, &[("vi", &three)]), item("b", T0 + 2 * HOUR, &[("vi", &three)])];
    let guards = Guards { normal_minutes_a_day: Some(5), ..Guards::default() };
    let mut rig = node_with(&guarded(1, items, &[&three], guards), &[&three]);
    rig.run_until(T0 + HOUR + SECOND);
    rig.power_cut(MINUTE);
    rig.run_until(T0 + 3 * HOUR);
    assert_eq!(outcome(&rig, "a"), Some(Outcome::Partial(Reason::Interrupted)));
    assert_eq!(outcome(&rig, "b"), Some(Outcome::Missed(Reason::MinutesSpent)));
}

#[test]
fn too_long_and_too_loud_hold_for_emergencies_too() {
    let (short, long) = (Object::new("short", 1, 10_000), Object::new("long", 1, 700_000));
    let items = vec![
        Item { class: Class::Emergency, ..item("a", T0 + HOUR, &[("vi", &long)]) },
        item("b", T0 + 2 * HOUR, &[("vi", &short)]),
    ];
    let guards =
        Guards { longest_session_ms: Some(600_000), volume_ceiling_percent: Some(60), ..Guards::default() };
    let objects = [&short, &long];
    let mut rig = node_with(&guarded(1, items, &objects, guards), &objects);
    rig.run_until(T0 + 3 * HOUR);
    assert_eq!(outcome(&rig, "a"), Some(Outcome::Missed(Reason::TooLong)));
    assert_eq!(outcome(&rig, "b"), Some(Outcome::Played));
    assert!(rig.actions.contains(&Action::SetVolume { volume_percent: 60 }), "the document asks for 80");
    assert_eq!(rig.state().volume_percent, Some(60));
    rig.receive(TopicKind::Plan(area("xa")), &plan(2, vec![], &[]));
    assert!(rig.actions.contains(&Action::SetVolume { volume_percent: 80 }), "guards go with their document");
}

#[test]
fn the_boards_own_guards_hold_whatever_is_signed_and_the_strictest_decides() {
    let (minute, two, long) =
        (Object::new("one", 1, 60_000), Object::new("two", 1, 120_000), Object::new("long", 1, 700_000));
    let emergency = |item: Item| Item { class: Class::Emergency, ..item };
    let items = vec![
        item("a-morning", T0 + HOUR, &[("vi", &minute)]),
        item("b-over-its-minutes", T0 + 2 * HOUR, &[("vi", &two)]),
        item("c-in-the-plans-noon", T0 + 5 * HOUR, &[("vi", &minute)]),
        emergency(item("d-too-long", T0 + 6 * HOUR, &[("vi", &long)])),
        item("e-at-night", T0 + NIGHTFALL + HOUR, &[("vi", &minute)]),
        emergency(item("f-storm-at-night", T0 + NIGHTFALL + 2 * HOUR, &[("vi", &two)])),
    ];
    let own = Guards {
        normal_minutes_a_day: Some(2),
        longest_session_ms: Some(600_000),
        volume_ceiling_percent: Some(50),
        ..night()
    };
    // The plan is looser where the board is strict, and stricter at noon.
    let stated = Guards {
        quiet_hours: vec![LocalRange { from_minute: 11 * 60 + 30, until_minute: 13 * 60 }],
        normal_minutes_a_day: Some(600),
        volume_ceiling_percent: Some(90),
        ..Guards::default()
    };
    let objects = [&minute, &two, &long];
    let mut rig = board_with(Some(own), &guarded(1, items, &objects, stated), &objects);
    // A power cut does not take them away.
    rig.power_cut(MINUTE);
    rig.run_until(T0 + DAWN);
    let outcomes: Vec<Outcome> = rig.outcomes().into_iter().map(|(.., outcome)| outcome).collect();
    let missed = Outcome::Missed;
    assert_eq!(
        outcomes,
        [
            Outcome::Played,
            missed(Reason::MinutesSpent),
            missed(Reason::QuietHours),
            missed(Reason::TooLong),
            missed(Reason::QuietHours),
            Outcome::Played,
        ]
    );
    assert!(rig.actions.contains(&Action::SetVolume { volume_percent: 50 }), "the document asks for 80");
}

#[test]
fn a_refusal_is_told_within_a_minute_of_the_next_connection() {
    let minute = Object::new("one", 1, 60_000);
    let items = vec![item("a", T0 + NIGHTFALL + HOUR, &[("vi", &minute)])];
    let mut rig = board_with(Some(night()), &plan(1, items, &[&minute]), &[&minute]);
    rig.run_for(MINUTE);
    rig.disconnect();
    rig.run_until(T0 + NIGHTFALL + 3 * HOUR);
    assert_eq!(rig.seen.len(), 0, "nobody could be told");
    rig.connect();
    rig.run_for(MINUTE);
    let told: Vec<Outcome> = rig.seen.values().map(|receipt| receipt.outcome).collect();
    assert_eq!(told, [Outcome::Missed(Reason::QuietHours)]);
}

/// One thing that happens to a node.
#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    PowerCut(i64),
    SetClock(i64),
    Unknown(bool),
    Plan(Vec<(u8, i64, u8, i64, u8)>),
}

fn step() -> impl Strategy<Value = Step> {
    let item = (0..6u8, -600..36_000i64, 0..3u8, 0..7_200i64, 0..3u8);
    prop_oneof![
        8 => (0..20_000_000i64).prop_map(Step::Wait),
        2 => (0..20_000_000i64).prop_map(Step::PowerCut),
        1 => (-30_000_000..60_000_000i64).prop_map(Step::SetClock),
        1 => any::<bool>().prop_map(Step::Unknown),
        4 => proptest::collection::vec(item, 1..6).prop_map(Step::Plan),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    /// Any plan, any clock, any restart: at no instant at which its clock shows quiet hours does a normal or priority sound go on.
    #[test]
    fn nothing_but_emergencies_sounds_at_night(steps in proptest::collection::vec(step(), 1..40)) {
        let objects = [Object::new("0", 1, 20_000), Object::new("1", 1, 400_000), Object::new("2", 1, 3_000_000)];
        let all: Vec<&Object> = objects.iter().collect();
        let mut rig = node_with(&guarded(1, vec![], &all, night()), &all);
        for (epoch, step) in (2..).zip(steps) {
            match step {
                Step::Wait(ms) => rig.run_for(ms),
                Step::PowerCut(ms) => rig.power_cut(ms),
                Step::SetClock(ms) => rig.step_clock(ms, ClockTrust::Trusted),
                Step::Unknown(is_unknown) => {
                    // What sounds when the clock is lost goes on; so nothing does here.
                    if !rig.is_sounding() {
                        rig.step_clock(0, if is_unknown { ClockTrust::Unknown } else { ClockTrust::Trusted });
                    }
                }
                Step::Plan(items) => {
                    let mut made: Vec<Item> = items
                        .iter()
                        .map(|&(id, seconds, class, within_s, object)| Item {
                            class: if class == 0 { Class::Priority } else { Class::Normal },
                            revision: epoch as u32,
                            ..within(
                                item(&format!("i{id}"), rig.now.wall + seconds * SECOND, &[("vi", all[usize::from(object)])]),
                                within_s * SECOND,
                            )
                        })
                        .collect();
                    made.sort_by(|a, b| a.id.cmp(&b.id));
                    made.dedup_by(|a, b| a.id == b.id);
                    rig.receive(TopicKind::Plan(area("xa")), &guarded(epoch, made, &all, night()));
                }
            }
            let minute_of_day = |wall: i64| (wall / 60_000 + 7 * 60).rem_euclid(24 * 60);
            let is_night = |wall: i64| !(5 * 60..21 * 60).contains(&minute_of_day(wall));
            for (from, until) in std::mem::take(&mut rig.heard) {
                // As far as a sound is known: from its first sample to its last, minute by minute.
                let minutes = (from.0..until.0).step_by(60_000).chain([until.0 - 1]);
                for at in minutes.filter(|at| *at >= from.0) {
                    prop_assert!(!is_night(at), "it sounded from {} to {}", from, until);
                }
            }
            prop_assert!(!(rig.is_sounding() && is_night(rig.now.wall.0)));
        }
    }
}

#[test]
fn what_is_played_is_told() {
    let one = Object::new("one", 1, 1_000);
    let mut rig =
        node_with(&guarded(1, vec![item("i", T0 + HOUR, &[("vi", &one)])], &[&one], night()), &[&one]);
    rig.run_until(T0 + 2 * HOUR);
    assert_eq!(rig.played, [Played { object: one.hash(), start_at: T0 + HOUR }]);
    assert_eq!(
        rig.heard,
        [(T0 + HOUR, T0 + HOUR + SECOND)],
        "the rig hears what the property above looks at"
    );
}

#[test]
fn what_begins_at_the_end_of_quiet_hours_may_be_heard_a_millisecond_early() {
    let minute = Object::new("one", 1, 60_000);
    let items = vec![within(item("a", T0 + DAWN - 5 * MINUTE, &[("vi", &minute)]), HOUR)];
    let mut rig = node_with(&guarded(1, items, &[&minute], night()), &[&minute]);
    rig.run_until(T0 + DAWN - 1);
    let token_of =
        |action: &Action| if let Action::Play { token, .. } = action { Some(*token) } else { None };
    let token = rig.actions.iter().rev().find_map(token_of).unwrap();
    let now = rig.now;
    rig.core.handle_speaker(SpeakerEvent::Started { token, at: now.wall, error_ms: 0.0 }, now);
    rig.run();
    rig.run_for(HOUR);
    assert_eq!(outcome(&rig, "a"), Some(Outcome::Played));
}
