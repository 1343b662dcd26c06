//! The calendars that schedules name: those of the product, and those that areas keep themselves.
//!
//! In a plan a calendar is dates, written out for the present year and the next: a node knows nothing of the moon. What sounds
//! *only* on a calendar's days names its *other days*: all that are not its own, before and after those years too, so that a
//! node whose plan has grown old is silent rather than wrong.

mod holidays;
mod lunar;
mod own;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use chrono::{Datelike as _, NaiveDate};
use loa_protocol::area::AreaPath;
use loa_protocol::ids::CalendarId;
use loa_protocol::plan::Program;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Calendar, CalendarError, DateRange, LocalDate, check_calendars};

use self::own::unknown_included;
pub use self::own::{
    CALENDARS_MAX as OWN_CALENDARS_MAX, OwnCalendar, OwnCalendarDraft, OwnDays, OwnDaysDraft, OwnValues,
};
use super::message::Message;

/// Id of the public holidays of Viet Nam.
pub const PUBLIC_HOLIDAYS: &str = "vn-public-holidays";
/// Id of the first and fifteenth days of lunar months.
pub const LUNAR_1_15: &str = "vn-lunar-1-15";

/// What stands before a calendar's id in the name of its other days.
const OTHERS: &str = "not-";
/// How many years, from the last one on, are looked at where somebody asks when something sounds: those of the longest
/// validity.
const YEARS_LOOKED_AT: i32 = 11;
/// Most rows of days of one calendar of an area, with those of areas that it includes. Some 70 of the product's in two years go
/// with them into the 400 that a plan holds.
const RANGES_MAX: usize = 300;
/// The last day for which other days are written out: after all that patterns know.
const LAST_DAY: (i32, u32, u32) = (2199, 12, 31);

/// What a calendar is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarName {
    /// In Vietnamese.
    pub vi: String,
    /// In English.
    pub en: String,
}

/// A calendar that schedules may name.
#[derive(Debug, Clone)]
pub struct NamedCalendar {
    /// What it is called.
    pub name: CalendarName,
    /// The area that keeps it: for bulletins of this area and those in it. `None`: the product's own, for all.
    pub area: Option<AreaPath>,
    days: Days,
}

#[derive(Debug, Clone)]
enum Days {
    Rule(fn(NaiveDate) -> bool),
    Own { ranges: Vec<DateRange>, includes: Vec<CalendarId> },
}

/// All calendars that schedules may name.
#[derive(Debug, Clone)]
pub struct Calendars(BTreeMap<CalendarId, NamedCalendar>);

impl Calendars {
    /// Those of the product, and these.
    pub fn of(own: &[OwnCalendar]) -> Self {
        let mut calendars = Self::built_in();
        calendars.0.extend(own.iter().map(|own| {
            let OwnValues { name, days, includes } = &own.values;
            let range = |days: &OwnDays| DateRange { first: days.first.into(), last: days.last.into() };
            let named = NamedCalendar {
                name: CalendarName { vi: name.clone(), en: name.clone() },
                area: Some(own.area.clone()),
                days: Days::Own { ranges: days.iter().map(range).collect(), includes: includes.clone() },
            };
            (own.id.clone(), named)
        }));
        calendars
    }

    /// Whether those of areas make sense together: each includes what is there for its area, none includes itself by any way, and
    /// none grows larger than plans hold.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self, own: &[OwnCalendar]) -> Result<(), Message> {
        for OwnCalendar { area, values, .. } in own {
            for id in &values.includes {
                self.get(id).filter(|c| c.holds_at(area)).ok_or_else(|| unknown_included(id.as_str()))?;
            }
        }
        let shape = |(id, calendar): (&CalendarId, &NamedCalendar)| {
            let includes = match &calendar.days {
                Days::Rule(_) => Vec::new(),
                Days::Own { includes, .. } => includes.clone(),
            };
            Calendar { id: id.clone(), ranges: Vec::new(), includes }
        };
        let calendars = self.0.iter().map(shape).collect();
        check_calendars(&Program { calendars, ..Program::default() }).map_err(|error| self.wrong(&error))?;
        let large = own.iter().find(|own| self.own_entries(&own.id) > RANGES_MAX);
        large.map_or(Ok(()), |own| Err(too_large(&own.values.name)))
    }

    /// How many rows of days the calendars of areas have that one includes, its own among them.
    fn own_entries(&self, id: &CalendarId) -> usize {
        let (mut reached, mut left, mut entries) = (BTreeSet::new(), vec![id], 0);
        while let Some(id) = left.pop() {
            if let Some(Days::Own { ranges, includes }) = self.0.get(id).map(|calendar| &calendar.days)
                && reached.insert(id)
            {
                entries += ranges.len();
                left.extend(includes);
            }
        }
        entries
    }

    fn wrong(&self, error: &CalendarError) -> Message {
        let CalendarError::Loop { calendar, .. } = error else {
            let vi = "Có lịch ngày được gồm vào nhưng không còn nữa.".to_owned();
            return Message::written("calendar.unknown", vi, error.to_string());
        };
        let name = self.get(calendar).map_or(calendar.as_str(), |calendar| &calendar.name.vi);
        Message::written(
            "calendar.loop",
            format!(
                "Lịch ngày “{name}” gồm chính nó, trực tiếp hoặc qua lịch ngày khác. Hãy bỏ bớt một lịch ngày."
            ),
            format!("The calendar “{name}” includes itself, at once or by way of others. Leave one out."),
        )
    }

    /// Those of the product.
    pub fn built_in() -> Self {
        let of = |id: &str, vi: &str, en: &str, rule: fn(NaiveDate) -> bool| {
            let name = CalendarName { vi: vi.to_owned(), en: en.to_owned() };
            let named = NamedCalendar { name, area: None, days: Days::Rule(rule) };
            Some((CalendarId::new(id).ok()?, named))
        };
        let all = [
            of(PUBLIC_HOLIDAYS, "Ngày nghỉ lễ, Tết", "Public holidays", holidays::is_public_holiday),
            of(
                LUNAR_1_15,
                "Mùng một và rằm",
                "1st and 15th of the lunar month",
                lunar::is_first_or_fifteenth,
            ),
        ];
        Self(all.into_iter().flatten().collect())
    }

    /// One of them.
    pub fn get(&self, id: &CalendarId) -> Option<&NamedCalendar> {
        self.0.get(id)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&CalendarId, &NamedCalendar)> {
        self.0.iter()
    }

    /// Those that schedules of a place may name, the product's own first.
    pub fn at(&self, place: &AreaPath) -> impl Iterator<Item = (&CalendarId, &NamedCalendar)> {
        let holds = move |(_, calendar): &(&CalendarId, &NamedCalendar)| calendar.holds_at(place);
        let (product, own): (Vec<_>, Vec<_>) =
            self.0.iter().filter(holds).partition(|(_, c)| c.area.is_none());
        product.into_iter().chain(own)
    }

    /// The id of one that a schedule of a place may name.
    ///
    /// # Errors
    /// That there is none, with those that are there.
    pub fn known(&self, id: &str, place: &AreaPath) -> Result<CalendarId, Message> {
        let id = id.trim();
        let found = self.at(place).find(|(known, _)| known.as_str() == id);
        found.map(|(known, _)| known.clone()).ok_or_else(|| {
            let list = |name: fn(&CalendarName) -> &str| {
                let named = self.at(place).map(|(id, calendar)| format!("{id} ({})", name(&calendar.name)));
                named.collect::<Vec<_>>().join(", ")
            };
            Message::written(
                "calendar.unknown",
                format!("Không có lịch ngày “{id}” cho địa bàn này. Hiện có: {}.", list(|c| &c.vi)),
                format!("There is no calendar “{id}” for this area. There are: {}.", list(|c| &c.en)),
            )
        })
    }

    /// These calendars as a plan of this instant carries them: their dates of this year and the next. The years change once a
    /// year, so that plans need not be signed anew each day. What is not known any more is left out.
    pub fn in_plans<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a CalendarId>,
        now: UnixMs,
    ) -> BTreeMap<CalendarId, Calendar> {
        let year = year_of(now);
        self.written(ids, year..=year + 1)
    }

    /// The same where somebody asks when something sounds: their dates from the last year to the tenth to come.
    pub fn looked_at<'a>(&self, ids: impl IntoIterator<Item = &'a CalendarId>, now: UnixMs) -> Vec<Calendar> {
        let year = year_of(now);
        self.written(ids, year - 1..=year + YEARS_LOOKED_AT).into_values().collect()
    }

    /// The days of a calendar in this year and the next: the first and the last of each row of them.
    pub fn days_of_two_years(&self, id: &CalendarId, now: UnixMs) -> Vec<(NaiveDate, NaiveDate)> {
        let year = year_of(now);
        let ranges = self.ranges(id, &(year..=year + 1));
        ranges.iter().filter_map(|range| Some((range.first.to_naive()?, range.last.to_naive()?))).collect()
    }

    /// Its days in these years with those of all calendars that it includes, ascending and apart from one another.
    fn ranges(&self, id: &CalendarId, years: &RangeInclusive<i32>) -> Vec<DateRange> {
        let (mut reached, mut left, mut all) = (BTreeSet::new(), vec![id], Vec::new());
        while let Some(id) = left.pop() {
            let Some(calendar) = self.0.get(id).filter(|_| reached.insert(id)) else { continue };
            match &calendar.days {
                Days::Rule(has) => all.extend(in_a_row(years, has)),
                Days::Own { ranges, includes } => {
                    all.extend(ranges.iter().filter_map(|range| within(range, years)));
                    left.extend(includes);
                }
            }
        }
        all.sort();
        let mut apart: Vec<DateRange> = Vec::with_capacity(all.len());
        for range in all {
            match apart.last_mut().filter(|last| range.first.0 <= last.last.0 + 1) {
                Some(last) => last.last = last.last.max(range.last),
                None => apart.push(range),
            }
        }
        apart
    }

    /// All calendars and their other days, as [`Self::looked_at`] gives some.
    pub fn all_looked_at(&self, now: UnixMs) -> Vec<Calendar> {
        let others: Vec<CalendarId> = self.0.keys().filter_map(others_id).collect();
        self.looked_at(self.0.keys().chain(&others), now)
    }

    fn written<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a CalendarId>,
        years: RangeInclusive<i32>,
    ) -> BTreeMap<CalendarId, Calendar> {
        let mut written = BTreeMap::new();
        for id in ids {
            let others = id.as_str().strip_prefix(OTHERS).and_then(|id| CalendarId::new(id).ok());
            let ranges = match others.filter(|id| self.0.contains_key(id)) {
                Some(of) => others_of(&self.ranges(&of, &years)),
                None if self.0.contains_key(id) => self.ranges(id, &years),
                None => continue,
            };
            written.insert(id.clone(), Calendar { id: id.clone(), ranges, includes: Vec::new() });
        }
        written
    }
}

impl NamedCalendar {
    /// Whether schedules of a place may name it.
    pub fn holds_at(&self, place: &AreaPath) -> bool {
        self.area.as_ref().is_none_or(|area| place.areas().starts_with(area.areas()))
    }
}

/// The name in plans of all days that are not a calendar's.
pub fn others_id(id: &CalendarId) -> Option<CalendarId> {
    CalendarId::new(format!("{OTHERS}{id}")).ok()
}

fn year_of(now: UnixMs) -> i32 {
    now.to_utc().map_or(1970, |now| now.year())
}

/// What of a range lies in these years.
fn within(range: &DateRange, years: &RangeInclusive<i32>) -> Option<DateRange> {
    let first = NaiveDate::from_ymd_opt(*years.start(), 1, 1).map(LocalDate::from)?;
    let last = NaiveDate::from_ymd_opt(*years.end(), 12, 31).map(LocalDate::from)?;
    let cut = DateRange { first: range.first.max(first), last: range.last.min(last) };
    (cut.first <= cut.last).then_some(cut)
}

fn in_a_row(years: &RangeInclusive<i32>, has: impl Fn(NaiveDate) -> bool) -> Vec<DateRange> {
    let mut ranges: Vec<DateRange> = Vec::new();
    let first = NaiveDate::from_ymd_opt(*years.start(), 1, 1);
    let dates = first.iter().flat_map(NaiveDate::iter_days).take_while(|date| date.year() <= *years.end());
    for date in dates.filter(|date| has(*date)).map(LocalDate::from) {
        match ranges.last_mut().filter(|range| range.last.0 + 1 == date.0) {
            Some(range) => range.last = date,
            None => ranges.push(DateRange { first: date, last: date }),
        }
    }
    ranges
}

fn too_large(name: &str) -> Message {
    Message::written(
        "calendar.too_large",
        format!("Lịch ngày “{name}” quá dài sau khi gồm các lịch ngày khác. Hãy bớt lịch ngày được gồm."),
        format!("The calendar “{name}” is too long with those that it includes. Include fewer."),
    )
}

/// All days, from 1970 on, that these ranges leave out.
fn others_of(ranges: &[DateRange]) -> Vec<DateRange> {
    let (year, month, day) = LAST_DAY;
    let end = NaiveDate::from_ymd_opt(year, month, day).map_or(LocalDate(i32::MAX), LocalDate::from);
    let ends = ranges.iter().map(|range| LocalDate(range.first.0 - 1)).chain([end]);
    let begins = [LocalDate(0)].into_iter().chain(ranges.iter().map(|range| LocalDate(range.last.0 + 1)));
    let gaps = begins.zip(ends).map(|(first, last)| DateRange { first, last });
    gaps.filter(|gap| gap.first <= gap.last).collect()
}

#[cfg(test)]
mod tests {
    use loa_protocol::ids::AreaId;

    use super::*;

    /// 22 November 2026.
    const NOW: UnixMs = UnixMs(1_795_309_200_000);

    fn id(id: &str) -> CalendarId {
        CalendarId::new(id).unwrap()
    }

    #[test]
    fn a_calendar_and_its_other_days_make_up_all_days_and_share_none() {
        let calendars = Calendars::built_in();
        for name in [PUBLIC_HOLIDAYS, LUNAR_1_15] {
            let ids = [id(name), others_id(&id(name)).unwrap()];
            let written = calendars.in_plans(&ids, NOW);
            let mut all: Vec<DateRange> = written.values().flat_map(|c| c.ranges.clone()).collect();
            all.sort();
            assert!(all.windows(2).all(|w| w[0].last.0 + 1 == w[1].first.0), "{name}: {all:?}");
            assert_eq!(
                (all[0].first, all.last().unwrap().last.to_string().as_str()),
                (LocalDate(0), "2199-12-31")
            );
            assert!(written.values().all(|calendar| calendar.ranges.len() < 100), "{name}");
        }
    }

    #[test]
    fn plans_hold_this_year_and_the_next() {
        let written = Calendars::built_in().in_plans(&[id(LUNAR_1_15)], NOW);
        let ranges = &written[&id(LUNAR_1_15)].ranges;
        assert_eq!(ranges[0].first.to_string(), "2026-01-03");
        assert_eq!(ranges.last().unwrap().last.to_string(), "2027-12-28");
        assert!(Calendars::built_in().in_plans(&[id("gone"), id("not-gone")], NOW).is_empty());
    }

    #[test]
    fn an_unknown_calendar_is_told_with_those_that_are_there() {
        let place = AreaPath::new(vec![AreaId::new("xa").unwrap()]).unwrap();
        let calendars = Calendars::built_in();
        assert_eq!(calendars.known(" vn-lunar-1-15 ", &place), Ok(id(LUNAR_1_15)));
        let message = calendars.known("tet", &place).unwrap_err();
        assert_eq!(message.code, "calendar.unknown");
        assert!(
            message.vi.contains("“tet”") && message.vi.contains("vn-public-holidays (Ngày nghỉ lễ, Tết)")
        );
    }
}
