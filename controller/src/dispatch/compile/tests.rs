//! Documents of rows.

use loa_protocol::timeline::check_calendars;
use loa_protocol::transfer::Codec;

use super::*;
use crate::domain::area_rules::AreaRulesDraft;
use crate::domain::calendar::{Calendars, LUNAR_1_15, PUBLIC_HOLIDAYS};
use crate::domain::schedule_rules::ScheduleRules;

const NOW: UnixMs = UnixMs(1_795_132_800_000);

fn area(id: &str) -> AreaId {
    AreaId::new(id).unwrap()
}

fn manifest(seed: u8) -> Manifest {
    Manifest::of(&[seed; 100], 16 * 1024, Codec::OggOpus, 1000).unwrap()
}

fn item(id: &str, object: u8, areas: &[&str], nodes: &[&str]) -> DesiredItem {
    DesiredItem {
        id: ItemId::new(id).unwrap(),
        bulletin: BulletinId::new("b").unwrap(),
        revision: 1,
        title: "Lịch tiêm chủng".to_owned(),
        class: Class::Normal,
        category: Category::Health,
        start: Start::At(NOW + 60_000),
        valid_from: None,
        valid_until: None,
        start_within_ms: 60_000,
        rules: ItemRules::default(),
        tracks: vec![Track { language: Language::vietnamese(), object: manifest(object).object }],
        reach: AreaPath::new(vec![area("xa")]).unwrap(),
        areas: areas.iter().map(|a| area(a)).collect(),
        nodes: nodes.iter().map(|n| NodeId::new(*n).unwrap()).collect(),
    }
}

fn placed(path: &[&str]) -> (AreaId, DesiredArea) {
    let path = AreaPath::new(path.iter().map(|id| area(id)).collect()).unwrap();
    let zone = Tz::Asia__Ho_Chi_Minh;
    (path.areas().last().unwrap().clone(), DesiredArea { path, zone, rules: AreaRules::default() })
}

fn desired(items: Vec<DesiredItem>) -> Desired {
    let node = |id: &str, village: &str| DesiredNode {
        id: NodeId::new(id).unwrap(),
        path: AreaPath::new(vec![area("xa"), area(village)]).unwrap(),
        zone: Tz::Asia__Ho_Chi_Minh,
        languages: vec![Language::vietnamese()],
        volume_percent: 80,
        line: LineClass::Unknown,
    };
    Desired {
        items,
        areas: [&["xa"][..], &["xa", "thon-1"], &["xa", "thon-2"]].map(placed).into(),
        nodes: vec![node("n1", "thon-1"), node("n2", "thon-2")],
        calendars: BTreeMap::new(),
        prepared: BTreeMap::new(),
    }
}

fn manifests() -> BTreeMap<ObjectHash, Manifest> {
    (1..=3).map(|seed| (manifest(seed).object, manifest(seed))).collect()
}

fn compile_at(desired: &Desired, known: &[&str], now: UnixMs) -> Compiled {
    compile(desired, &manifests(), &known.iter().map(|a| area(a)).collect(), 60, now)
}

#[test]
fn an_item_is_in_the_plans_of_its_targets_alone() {
    let made = compile_at(
        &desired(vec![item("s2", 2, &["xa"], &["n2"]), item("s1", 1, &["xa", "thon-1"], &[])]),
        &[],
        NOW,
    );
    let ids = |program: &Program| program.items.iter().map(|i| i.id.to_string()).collect::<Vec<_>>();
    let plans: Vec<_> = made.plans.iter().map(|p| (p.area.to_string(), ids(&p.program))).collect();
    assert_eq!(
        plans,
        [
            ("thon-1".to_owned(), vec!["s1".to_owned()]),
            ("xa".to_owned(), vec!["s1".to_owned(), "s2".to_owned()])
        ]
    );
    assert_eq!(ids(&made.nodes[1].program), ["s2"]);
    assert!(made.nodes[0].program.items.is_empty());
    assert!(made.plans.iter().all(|p| p.check().is_ok()));
}

#[test]
fn an_area_with_rules_has_a_plan_though_nothing_sounds_there() {
    let mut ruled = desired(vec![item("s1", 1, &["thon-2"], &[])]);
    let rules = AreaRulesDraft { quiet_hours: "21:00-06:00".to_owned(), ..AreaRulesDraft::default() };
    ruled.areas.get_mut(&area("xa")).unwrap().rules = rules.check().unwrap();
    ruled.areas.get_mut(&area("thon-1")).unwrap().rules =
        AreaRules { households: Some(300), ..AreaRules::default() };
    let made = compile_at(&ruled, &[], NOW);
    let plans: Vec<_> = made.plans.iter().map(|p| (p.area.to_string(), p.guards.quiet_hours.len())).collect();
    assert_eq!(plans, [("thon-2".to_owned(), 0), ("xa".to_owned(), 1)], "households are no rule");
}

#[test]
fn a_plan_holds_the_calendars_that_its_items_name_and_no_others() {
    let lunar = CalendarId::new(LUNAR_1_15).unwrap();
    let rules = ScheduleRules { only_on: Some(lunar), ..ScheduleRules::default() }.on_the_wire();
    let all =
        ["not-vn-lunar-1-15", "vn-lunar-1-15", "vn-public-holidays"].map(|id| CalendarId::new(id).unwrap());
    let one = DesiredItem { rules: rules.clone(), ..item("s1", 1, &["xa"], &[]) };
    let with = Desired {
        calendars: Calendars::built_in().in_plans(&all, NOW),
        ..desired(vec![one, item("s2", 2, &["thon-1"], &[])])
    };
    let made = compile_at(&with, &[], NOW);
    let ids = |plan: &AreaPlan| plan.program.calendars.iter().map(|c| c.id.to_string()).collect::<Vec<_>>();
    assert!(ids(&made.plans[0]).is_empty(), "the village's item names none");
    assert_eq!(ids(&made.plans[1]), ["not-vn-lunar-1-15"]);
    assert_eq!(made.plans[1].program.items[0].rules, rules);
    assert!(made.plans.iter().all(|p| p.check().is_ok() && check_calendars(&p.program).is_ok()));
}

#[test]
fn plans_are_signed_anew_when_the_year_turns_and_not_from_day_to_day() {
    let holidays = CalendarId::new(PUBLIC_HOLIDAYS).unwrap();
    let rules = ScheduleRules { not_on: vec![holidays.clone()], ..ScheduleRules::default() }.on_the_wire();
    let daily = Start::Cron("0 6 * * *".parse().unwrap());
    let daily = DesiredItem { rules, start: daily, ..item("s1", 1, &["xa"], &[]) };
    let digest = |now: UnixMs| {
        let calendars = Calendars::built_in().in_plans([&holidays], now);
        let made = compile_at(&Desired { calendars, ..desired(vec![daily.clone()]) }, &[], now);
        content_digest(&made.plans[0])
    };
    assert_eq!(digest(NOW), digest(NOW + 86_400_000));
    assert_ne!(digest(NOW), digest(NOW + 60 * 86_400_000));
}

#[test]
fn an_area_that_had_a_plan_gets_an_empty_one() {
    let made = compile_at(&desired(vec![]), &["thon-1"], NOW);
    assert_eq!(made.plans.len(), 1);
    assert!(made.plans[0].program.items.is_empty());
}

#[test]
fn items_without_audio_wait_and_items_that_are_over_go() {
    let made = compile_at(&desired(vec![item("s1", 9, &["xa"], &[])]), &[], NOW);
    assert_eq!(made.without_audio.len(), 1);
    assert!(made.plans.is_empty());
    let over = NOW + 60_000 + 60_000 + OVER_KEPT_MS;
    let soon = desired(vec![item("s1", 1, &["xa"], &[])]);
    assert_eq!(compile_at(&soon, &["xa"], over).plans[0].program.items.len(), 1);
    assert_eq!(compile_at(&soon, &["xa"], over + 1).plans[0].program.items.len(), 0);
    assert!(soon.objects(over + 1).is_empty());
}

#[test]
fn the_order_of_rows_does_not_change_the_bytes() {
    let (a, b) = (item("s1", 1, &["xa"], &[]), item("s2", 2, &["xa"], &[]));
    let one = compile_at(&desired(vec![a.clone(), b.clone()]), &[], NOW);
    let other = compile_at(&desired(vec![b, a]), &[], NOW);
    assert_eq!(content_digest(&one.plans[0]), content_digest(&other.plans[0]));
}

#[test]
fn a_node_that_was_moved_away_hears_nothing_of_its_old_commune() {
    let mut with_move = desired(vec![item("s1", 1, &[], &["n1"])]);
    assert_eq!(compile_at(&with_move, &[], NOW).nodes[0].program.items.len(), 1);
    with_move.nodes[0].path = AreaPath::new(vec![area("xa-khac"), area("thon-9")]).unwrap();
    assert!(compile_at(&with_move, &[], NOW).nodes[0].program.items.is_empty());
}

#[test]
fn an_area_that_was_moved_away_hears_nothing_of_its_old_commune() {
    let mut with_move = desired(vec![item("s1", 1, &["thon-1", "thon-2"], &[])]);
    with_move.areas.extend([placed(&["xa-khac", "thon-1"])]);
    let made = compile_at(&with_move, &["thon-1"], NOW);
    let heard: Vec<_> = made.plans.iter().map(|p| (p.area.to_string(), p.program.items.len())).collect();
    assert_eq!(heard, [("thon-1".to_owned(), 0), ("thon-2".to_owned(), 1)]);
}

#[test]
fn a_document_too_large_for_a_message_loses_its_least_pressing_items() {
    let many = (0..900).map(|i| {
        let mut one = item(&format!("s{i:03}"), 1, &["xa"], &[]);
        one.title = "á".repeat(190);
        one.start = Start::At(NOW + 60_000 + i);
        one
    });
    let mut urgent = item("z-urgent", 2, &["xa"], &[]);
    urgent.class = Class::Emergency;
    let made = compile_at(&desired(many.chain([urgent]).collect()), &[], NOW);
    let plan = &made.plans[0];
    assert!(plan.to_cbor().len() < MESSAGE_MAX_BYTES && plan.check().is_ok());
    assert!(plan.program.items.iter().any(|item| item.id.as_str() == "z-urgent"));
    let (kept, left_out) = (plan.program.items.len(), made.over_size.len());
    assert_eq!(kept + left_out, 901);
    assert!(left_out > 0 && made.over_size.iter().all(|(audience, _)| audience == "a:xa"));
    assert!(plan.program.items.iter().any(|item| item.id.as_str() == "s000"), "the soonest stay");
}

#[test]
fn a_document_over_the_limits_is_refused_and_the_others_are_made() {
    let mut long = item("s1", 1, &["xa"], &[]);
    long.title = "á".repeat(300);
    let made = compile_at(&desired(vec![long, item("s2", 2, &["thon-2"], &[])]), &[], NOW);
    assert_eq!(made.refused[0].0, "a:xa");
    assert_eq!(made.plans.len(), 1);
}

#[test]
fn prepared_sounds_are_named_by_the_plan_of_their_area_and_played_by_nobody() {
    let first = manifest(1).object;
    let mut wanted = desired(vec![]);
    wanted.prepared = BTreeMap::from([(area("xa"), BTreeSet::from([first, ObjectHash([9; 32])]))]);
    let made = compile_at(&wanted, &[], NOW);
    assert_eq!(made.plans.len(), 1);
    let named: Vec<_> = made.plans[0].prepared.iter().map(|manifest| manifest.object).collect();
    assert_eq!(named, [first], "what is not made yet is not named");
    assert!(made.plans[0].program.items.is_empty() && made.plans[0].check().is_ok());
    assert!(wanted.objects(NOW).contains(&first), "their manifests are made");
}
