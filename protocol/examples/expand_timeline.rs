//! Measures the timeline: all starts of 500 items in 366 days, and what one step of an agenda costs.
//!
//! Prints one `key value` a line. The crate `cron`, through which the same patterns went, is measured beside it on the same
//! wall times. Of several rounds the fastest counts.
#![expect(clippy::disallowed_methods, reason = "a measurement reads a clock")]

use std::hint::black_box;
use std::str::FromStr;
use std::time::{Duration, Instant};

use chrono_tz::Tz;
use loa_protocol::bulletin::{Category, Class, Language};
use loa_protocol::ids::{BulletinId, CalendarId, ItemId, ObjectHash};
use loa_protocol::plan::{Item, Track};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Calendar, DateRange, ItemRules, LocalDate, Start, Timetable};

const ITEMS: usize = 500;
const DAYS: i64 = 366;
const DAY_MS: i64 = 24 * 3600 * 1000;
/// 2026-11-23T00:00:00Z
const FROM: UnixMs = UnixMs(1_795_392_000_000);
const UNTIL: UnixMs = UnixMs(FROM.0 + DAYS * DAY_MS);
const ROUNDS: usize = 7;
/// What communes have: every day, twice a day, on workdays, on Sundays, once a month; minute, hour, day, month, weekday.
const PATTERNS: [&str; 5] = ["0 17 * * *", "30 5,17 * * *", "15 11 * * 1-5", "0 6 * * 0", "45 16 1 * *"];

/// Whatever went wrong, for the end of the program.
type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let items = (0..ITEMS).map(item).collect::<Result<Vec<Item>, Failure>>()?;
    // Tết, and the other days on which nothing but emergencies goes out.
    let day =
        |first: i32, days: i32| DateRange { first: LocalDate(first), last: LocalDate(first + days - 1) };
    let calendar = Calendar {
        id: CalendarId::new("le")?,
        ranges: vec![day(20_819, 1), day(20_855, 7), day(20_926, 2), day(21_064, 2)],
        includes: vec![],
    };
    for zone in [Tz::Asia__Ho_Chi_Minh, Tz::Europe__Berlin] {
        let name = zone.name().replace('/', "_");
        let timetables =
            || items.iter().map(|item| Timetable::new(item, zone, std::slice::from_ref(&calendar)));
        let expand = |table: &Timetable| table.starts_after(FROM).take_while(|at| *at < UNTIL).count();
        let starts: usize = timetables().map(|table| expand(&table)).sum();
        let whole = fastest(|| timetables().map(|table| expand(&table)).sum::<usize>());
        println!("starts_{name} {starts}\nexpand_ms_{name} {:.2}", whole.as_secs_f64() * 1e3);
        // An agenda asks for the next start of the one item whose turn came.
        let tables: Vec<Timetable> = timetables().collect();
        let steps = |at: UnixMs| tables.iter().filter_map(|table| table.next_after(at)).count();
        let day = fastest(|| steps(black_box(FROM)));
        println!("step_ns_{name} {:.0}", day.as_secs_f64() * 1e9 / ITEMS as f64);
    }
    let by_crate = fastest(|| (0..ITEMS).map(|n| expand_by_crate(n).unwrap_or_default()).sum::<usize>());
    println!("crate_ms {:.2}", by_crate.as_secs_f64() * 1e3);
    Ok(())
}

fn pattern(number: usize) -> &'static str {
    PATTERNS[number % PATTERNS.len()]
}

fn item(number: usize) -> Result<Item, Failure> {
    let id = format!("lich-{number:04}");
    Ok(Item {
        id: ItemId::new(id.clone())?,
        revision: 1,
        bulletin: BulletinId::new(id)?,
        title: String::new(),
        class: Class::Normal,
        category: Category::LocalNotice,
        start: Start::Cron(pattern(number).parse()?),
        valid_from: None,
        valid_until: None,
        start_within_ms: 600_000,
        tracks: vec![Track { language: Language::vietnamese(), object: ObjectHash([0; 32]) }],
        rules: ItemRules { excluded_calendars: vec![CalendarId::new("le")?], ..ItemRules::default() },
        status: Default::default(),
    })
}

/// The wall times of a pattern alone, without zone and calendars.
fn expand_by_crate(number: usize) -> Option<usize> {
    let numbers_of_weekdays = |field: &str| match field {
        "0" => "1".to_owned(),
        "1-5" => "2-6".to_owned(),
        other => other.to_owned(),
    };
    let fields: Vec<&str> = pattern(number).split(' ').collect();
    let &[minute, hour, day, month, weekday] = fields.as_slice() else { return None };
    let text = format!("0 {minute} {hour} {day} {month} {}", numbers_of_weekdays(weekday));
    let schedule = cron::Schedule::from_str(&text).ok()?;
    let until = UNTIL.to_utc()?;
    Some(schedule.after(&FROM.to_utc()?).take_while(|at| *at < until).count())
}

fn fastest(work: impl Fn() -> usize) -> Duration {
    let once = || {
        let begun = Instant::now();
        black_box(work());
        begun.elapsed()
    };
    (0..ROUNDS).map(|_| once()).min().unwrap_or_default()
}
