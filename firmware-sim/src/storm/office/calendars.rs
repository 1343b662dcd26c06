//! Calendars of days on which items do not start: some days of a run, one calendar that includes another, and sometimes a loop,
//! which a node takes as it comes.

use loa_protocol::timeline::{Calendar, DateRange, LocalDate};

use super::names;
use crate::rng::Rng;
use crate::storm::DAY;

/// The calendars of one document of a run that begins then.
pub(crate) fn draw(rng: &mut Rng, begin: i64) -> Vec<Calendar> {
    let today = begin.div_euclid(DAY);
    let mut ranges = |count: u64| -> Vec<DateRange> {
        let mut first = today;
        let count = rng.below(count + 1);
        let range = |_| {
            first += rng.range(1, 4);
            let last = first + rng.range(0, 2);
            let range = DateRange { first: date(first), last: date(last) };
            first = last + 1;
            range
        };
        (0..count).map(range).collect()
    };
    let (own, lunar, mourning) = (ranges(3), ranges(2), ranges(1));
    let has_loop = rng.percent(20);
    // Ascending by name.
    let mut all = vec![
        Calendar { id: names::calendar("am-lich"), ranges: lunar, includes: Vec::new() },
        Calendar { id: names::calendar("le"), ranges: own, includes: vec![names::calendar("am-lich")] },
        Calendar { id: names::calendar("tang"), ranges: mourning, includes: Vec::new() },
    ];
    if has_loop {
        all[0].includes = vec![names::calendar("le"), names::calendar("tang")];
    }
    all
}

fn date(day: i64) -> LocalDate {
    LocalDate(i32::try_from(day).unwrap_or(i32::MAX))
}
