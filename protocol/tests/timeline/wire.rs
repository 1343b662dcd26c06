//! What documents may hold, and what is refused early.

use loa_protocol::bulletin::Class;
use loa_protocol::ids::AreaId;
use loa_protocol::plan::{AreaPlan, Item, Program, Zone};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{
    Calendar, DateRange, Guards, ItemRules, LocalDate, LocalRange, Repeats, Severity, Start, Timetable,
    check_calendars,
};
use loa_protocol::wire::{Wire, WireError};
use proptest::prelude::*;

use crate::office::{bulletin, calendar, item, manifest, object, once, program};

fn plan(program: Program) -> AreaPlan {
    AreaPlan {
        area: AreaId::new("xa").unwrap(),
        epoch: 1,
        zone: Zone(chrono_tz::Asia::Ho_Chi_Minh),
        program,
        guards: Guards::default(),
        own_priority_first: false,
        prepared: Vec::new(),
    }
}

fn refused(item: Item) -> Option<String> {
    let objects = vec![manifest("a", 1_000), manifest("chime", 500)];
    AreaPlan::from_cbor(&plan(program(vec![item], objects)).to_cbor()).err().map(|error| error.to_string())
}

#[test]
fn an_item_keeps_its_rules_and_a_breach_is_refused() {
    let normal = || once("a", Class::Normal, 0);
    let with = |rules| Item { rules, ..normal() };
    let urgent = |rules| Item { rules, ..once("a", Class::Emergency, 0) };
    let none = ItemRules::default;
    assert_eq!(refused(normal()), None);
    assert_eq!(refused(with(ItemRules { chime_before: Some(object("chime")), ..none() })), None);
    let bad = [
        with(ItemRules { chime_after: Some(object("elsewhere")), ..none() }),
        with(ItemRules { repeats: Some(Repeats { rounds: 1, gap_ms: 5_000 }), ..none() }),
        with(ItemRules { repeats: Some(Repeats { rounds: 11, gap_ms: 5_000 }), ..none() }),
        with(ItemRules { repeats: Some(Repeats { rounds: 2, gap_ms: 0 }), ..none() }),
        with(ItemRules { severity: Severity::Severe, ..none() }),
        with(ItemRules { cancels: vec![bulletin("b")], ..none() }),
        urgent(ItemRules { updates: vec![bulletin("b"); 2], ..none() }),
        with(ItemRules { excluded_dates: vec![LocalDate(2), LocalDate(1)], ..none() }),
        with(ItemRules { excluded_dates: (0..401).map(LocalDate).collect(), ..none() }),
        Item { tracks: vec![], ..normal() },
    ];
    for item in bad {
        assert!(refused(item.clone()).is_some(), "{:?}", item.rules);
    }
}

#[test]
fn guards_are_whole_minutes_and_percents() {
    let range = |from_minute, until_minute| LocalRange { from_minute, until_minute };
    let check =
        |guards| AreaPlan::from_cbor(&AreaPlan { guards, ..plan(Program::default()) }.to_cbor()).map(drop);
    let quiet = |range| Guards { quiet_hours: vec![range], ..Guards::default() };
    assert_eq!(check(quiet(range(1_439, 0))), Ok(()));
    for bad in [
        quiet(range(1_440, 0)),
        quiet(range(0, 1_440)),
        quiet(range(60, 60)),
        Guards { quiet_hours: vec![range(0, 1); 9], ..Guards::default() },
        Guards { volume_ceiling_percent: Some(101), ..Guards::default() },
    ] {
        assert!(matches!(check(bad.clone()), Err(WireError::Rule { .. })), "{bad:?}");
    }
}

#[test]
fn a_plan_of_a_hundred_thousand_items_is_refused_by_its_size() {
    let items: Vec<Item> = (0..100_000).map(|n| once(&format!("i{n:06}"), Class::Normal, 0)).collect();
    let bytes = plan(program(items, vec![])).to_cbor();
    assert!(matches!(AreaPlan::from_cbor(&bytes), Err(WireError::TooLong(_))));
    let items: Vec<Item> = (0..1_001)
        .map(|n| Item { title: String::new(), ..once(&format!("i{n:06}"), Class::Normal, 0) })
        .collect();
    let many = plan(program(items, vec![]));
    assert_eq!(many.check().unwrap_err().to_string(), "items: has at most 1000 entries");
}

#[test]
fn a_zone_that_nobody_knows_is_refused() {
    let bytes = plan(Program::default()).to_cbor();
    let name = bytes.windows(16).position(|window| window == b"Asia/Ho_Chi_Minh").unwrap();
    let mut wrong = bytes.clone();
    wrong[name..name + 16].copy_from_slice(b"Asia/Thanh_Pho_X");
    let said = AreaPlan::from_cbor(&wrong).unwrap_err().to_string();
    assert!(said.contains("Asia/Thanh_Pho_X"), "{said}");
}

#[test]
fn a_node_takes_a_loop_of_calendars_as_their_union_and_an_unknown_one_as_empty() {
    let day = |day| DateRange { first: LocalDate(day), last: LocalDate(day) };
    let of = |id: &str, days: Vec<DateRange>, includes: &[&str]| Calendar {
        id: calendar(id),
        ranges: days,
        includes: includes.iter().map(|id| calendar(id)).collect(),
    };
    let calendars = vec![of("le", vec![day(1)], &["tet"]), of("tet", vec![day(3), day(4)], &["le"])];
    let rules = ItemRules {
        excluded_calendars: vec![calendar("khong-co"), calendar("le")],
        excluded_dates: vec![LocalDate(6)],
        ..ItemRules::default()
    };
    let daily = Item { rules, ..item("a", Class::Normal, Start::Cron("0 9 * * *".parse().unwrap())) };
    let plan = plan(Program { calendars, ..program(vec![daily.clone()], vec![manifest("a", 1_000)]) });
    assert_eq!(AreaPlan::from_cbor(&plan.to_cbor()).as_ref(), Ok(&plan), "a node lives with it");
    assert!(check_calendars(&plan.program).is_err(), "whoever makes documents does not");
    let timetable = Timetable::new(&daily, chrono_tz::UTC, &plan.program.calendars);
    let days: Vec<i64> = timetable.starts_after(UnixMs(0)).map(|at| at.0 / 86_400_000).take(5).collect();
    assert_eq!(days, [0, 2, 5, 7, 8]);
}

proptest! {
    /// S5 and S6, against a plain reading: all starts of the pattern but those on excluded local dates, ascending.
    #[test]
    fn no_start_on_an_excluded_date_and_all_others(
        excluded in proptest::collection::btree_set(20_500..20_560i32, 0..30),
        ranges in proptest::collection::vec((20_500..20_560i32, 0..5i32), 0..4),
        hour in 0..24u8,
        zone in proptest::sample::select(vec![
            chrono_tz::Asia::Ho_Chi_Minh, chrono_tz::Europe::Berlin, chrono_tz::America::Havana, chrono_tz::Pacific::Apia,
        ]),
    ) {
        let mut ranges: Vec<DateRange> = ranges
            .iter()
            .map(|&(first, days)| DateRange { first: LocalDate(first), last: LocalDate(first + days) })
            .collect();
        ranges.sort();
        let is_excluded = |date: LocalDate| {
            excluded.contains(&date.0) || ranges.iter().any(|range| range.first <= date && date <= range.last)
        };
        // The second calendar holds what the first does not, by way of an inclusion.
        let split = ranges.len() / 2;
        let calendars = vec![
            Calendar { id: calendar("a"), ranges: ranges[..split].to_vec(), includes: vec![calendar("b")] },
            Calendar { id: calendar("b"), ranges: ranges[split..].to_vec(), includes: vec![] },
        ];
        let rules = ItemRules {
            excluded_dates: excluded.iter().copied().map(LocalDate).collect(),
            excluded_calendars: vec![calendar("a")],
            ..ItemRules::default()
        };
        let start = Start::Cron(format!("0,30 {hour} * * *").parse().unwrap());
        let item = Item { rules, ..item("a", Class::Normal, start.clone()) };
        let (from, until) = (UnixMs(20_500 * 86_400_000), UnixMs(20_565 * 86_400_000));
        let found: Vec<UnixMs> =
            Timetable::new(&item, zone, &calendars).starts_after(from).take_while(|at| *at < until).collect();
        let local = |at: &UnixMs| LocalDate::from(at.to_utc().unwrap().with_timezone(&zone).date_naive());
        let plain: Vec<UnixMs> = start
            .starts_after(zone, from)
            .take_while(|at| *at < until)
            .filter(|at| !is_excluded(local(at)))
            .collect();
        prop_assert!(found.is_sorted_by(|a, b| a < b));
        prop_assert_eq!(found, plain);
    }
}
