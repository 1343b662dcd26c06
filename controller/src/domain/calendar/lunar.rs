//! The Vietnamese lunar calendar, as a table of months.
//!
//! A month begins on the day of the new moon in Hà Nội (UTC+7); the eleventh month holds the winter solstice; of thirteen months
//! between two such, the first without a major solar term is the leap month and has the number of the one before. The table is data
//! (`lunar.tsv` beside this file); the tests calculate its new moons and solar terms independently.

use std::sync::LazyLock;

use chrono::NaiveDate;

static MONTHS: LazyLock<Vec<Month>> =
    LazyLock::new(|| include_str!("lunar.tsv").lines().filter_map(read).collect());

/// One lunar month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Month {
    /// Its first day.
    pub(super) first: NaiveDate,
    /// The lunar year: that of the common year in which it begins with Tết.
    pub(super) year: i32,
    /// 1 to 12.
    pub(super) number: u32,
    /// Whether it is a leap month, after the one of the same number.
    pub(super) is_leap: bool,
}

/// The months of the table, ascending. The last one only ends the one before it.
fn months() -> &'static [Month] {
    &MONTHS
}

fn read(line: &str) -> Option<Month> {
    let mut cells = line.split('\t');
    let first = cells.next()?.parse().ok()?;
    let (year, number) = (cells.next()?.parse().ok()?, cells.next()?.parse().ok()?);
    Some(Month { first, year, number, is_leap: cells.next() == Some("leap") })
}

/// The month in which a date lies, and its day there from 1; `None` outside the table.
pub(super) fn of(date: NaiveDate) -> Option<(Month, u32)> {
    let after = months().partition_point(|month| month.first <= date);
    // The last month has no end here.
    let month = months().get(after.checked_sub(1)?).filter(|_| after < months().len())?;
    let day = u32::try_from((date - month.first).num_days()).ok()? + 1;
    Some((*month, day))
}

/// Whether a date is the first day of a lunar month, or the fifteenth, when the moon is full (*mùng một, rằm*).
pub(super) fn is_first_or_fifteenth(date: NaiveDate) -> bool {
    of(date).is_some_and(|(_, day)| day == 1 || day == 15)
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike as _, Days};

    use super::*;

    fn date(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    /// The day of a month of a lunar year (not the leap one), `None` outside the table or where the month has no such day.
    fn day(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
        let at = months().iter().position(|m| m.year == year && m.number == month && !m.is_leap)?;
        let date = months()[at].first.checked_add_days(Days::new(u64::from(day.checked_sub(1)?)))?;
        (date < months().get(at + 1)?.first).then_some(date)
    }

    #[test]
    fn tet_is_when_the_country_keeps_it() {
        // As announced by the government, and in the almanacs for the years to come.
        for (year, month, first) in [
            (2020, 1, 25),
            (2021, 2, 12),
            (2022, 2, 1),
            (2023, 1, 22),
            (2024, 2, 10),
            (2025, 1, 29),
            (2026, 2, 17),
            (2027, 2, 6),
            (2028, 1, 26),
            (2029, 2, 13),
            (2030, 2, 2),
            (2033, 1, 31),
            (2034, 2, 19),
        ] {
            assert_eq!(day(year, 1, 1), Some(date(year, month, first)));
        }
        assert_eq!(day(2026, 3, 10), Some(date(2026, 4, 26)), "Giỗ Tổ Hùng Vương");
        assert_eq!(
            day(2025, 6, 1).and_then(|first| first.checked_add_days(Days::new(30))),
            Some(date(2025, 7, 25))
        );
        assert_eq!((day(2019, 1, 1), day(2026, 1, 31), day(2026, 1, 0)), (None, None, None));
    }

    #[test]
    fn the_table_is_whole() {
        let leap: Vec<(i32, u32)> =
            months().iter().filter(|m| m.is_leap).map(|m| (m.year, m.number)).collect();
        let known = [
            (2020, 4),
            (2023, 2),
            (2025, 6),
            (2028, 5),
            (2031, 3),
            (2033, 11),
            (2036, 6),
            (2039, 5),
            (2042, 2),
            (2044, 7),
            (2047, 5),
            (2050, 3),
        ];
        assert_eq!(leap, known);
        for pair in months().windows(2) {
            let length = pair[1].first.num_days_from_ce() - pair[0].first.num_days_from_ce();
            assert!((29..=30).contains(&length), "{:?} has {length} days", pair[0]);
            let next = if pair[1].is_leap { pair[0].number } else { pair[0].number % 12 + 1 };
            assert_eq!(pair[1].number, next, "{:?}", pair[1]);
        }
    }

    /// Degrees to radians of a number of degrees of any size.
    fn sin(degrees: f64) -> f64 {
        degrees.to_radians().sin()
    }

    /// The instant of a new moon near a date, as a Julian day in UT: J. Meeus, Astronomical Algorithms, 2nd edition, chapter 49, with its
    /// greatest terms, right to a few minutes.
    fn new_moon(near: NaiveDate) -> f64 {
        let years = f64::from(near.year()) + f64::from(near.ordinal()) / 365.25 - 2000.0;
        let k = (years * 12.3685).round();
        let t = k / 1236.85;
        let mean = 2_451_550.097_66 + 29.530_588_861 * k + 0.000_154_37 * t * t;
        let m = 2.5534 + 29.105_356_70 * k;
        let m1 = 201.5643 + 385.816_935_28 * k + 0.010_758_2 * t * t;
        let f = 160.7108 + 390.670_502_84 * k - 0.001_611_8 * t * t;
        let omega = 124.7746 - 1.563_755_88 * k;
        let terms = -0.40720 * sin(m1)
            + 0.17241 * sin(m)
            + 0.01608 * sin(2.0 * m1)
            + 0.01039 * sin(2.0 * f)
            + 0.00739 * sin(m1 - m)
            - 0.00514 * sin(m1 + m)
            + 0.00208 * sin(2.0 * m)
            - 0.00111 * sin(m1 - 2.0 * f)
            - 0.00057 * sin(m1 + 2.0 * f)
            + 0.00056 * sin(2.0 * m1 + m)
            - 0.00042 * sin(3.0 * m1)
            + 0.00042 * sin(m + 2.0 * f)
            + 0.00038 * sin(m - 2.0 * f)
            - 0.00024 * sin(2.0 * m1 - m)
            - 0.00017 * sin(omega);
        let planets = 0.000325 * sin(299.77 + 0.107_408 * k)
            + 0.000165 * sin(251.88 + 0.016_321 * k)
            + 0.000164 * sin(251.83 + 26.651_886 * k)
            + 0.000126 * sin(349.42 + 36.412_478 * k);
        // Terrestrial time is some 70 s ahead of UT in these years.
        mean + terms + planets - 72.0 / 86_400.0
    }

    /// Apparent longitude of the sun in degrees: the same book, chapter 25, right to 0.01 degrees.
    fn sun(julian_day: f64) -> f64 {
        let t = (julian_day - 2_451_545.0) / 36_525.0;
        let mean = 280.46646 + 36_000.769_83 * t + 0.000_303_2 * t * t;
        let m = 357.52911 + 35_999.050_29 * t;
        let centre =
            (1.914_602 - 0.004_817 * t) * sin(m) + 0.019_993 * sin(2.0 * m) + 0.000_289 * sin(3.0 * m);
        let nutation = -0.00569 - 0.00478 * sin(125.04 - 1934.136 * t);
        (mean + centre + nutation).rem_euclid(360.0)
    }

    /// The Julian day at midnight in Hà Nội at which a date begins.
    fn midnight(date: NaiveDate) -> f64 {
        f64::from(date.num_days_from_ce()) + 1_721_424.5 - 7.0 / 24.0
    }

    #[test]
    fn an_independent_calculation_finds_the_same_new_moons_and_leap_months() {
        let minutes = 6.0 / 1_440.0;
        for month in months() {
            let (begin, moon) = (midnight(month.first), new_moon(month.first));
            assert!(
                begin - minutes <= moon && moon < begin + 1.0 + minutes,
                "{month:?}: the new moon is {:.1} h from its day's beginning",
                (moon - begin) * 24.0
            );
        }
        for pair in months().windows(2) {
            let term = |date: NaiveDate| (sun(midnight(date)) / 30.0).floor();
            let holds_none = term(pair[0].first) == term(pair[1].first);
            assert!(!pair[0].is_leap || holds_none, "the leap month {:?} holds a major term", pair[0]);
            let holds_solstice = term(pair[0].first) < 9.0 && term(pair[1].first) >= 9.0;
            assert!(!holds_solstice || pair[0].number == 11, "{:?} holds the winter solstice", pair[0]);
        }
    }
}
