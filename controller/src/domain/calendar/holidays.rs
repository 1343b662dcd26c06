//! The public holidays of Viet Nam: Bộ luật Lao động 2019 (Labour Code), article 112.
//!
//! The law fixes 1 January, the tenth of the third lunar month, 30 April and 1 May; of Tết it fixes that there are five days,
//! and of 2 September that there is one more, before or after. Each year the government decides which. What is expected
//! here is what it mostly decides: of Tết the last day of the old year and the first four of the new; of 2 September the neighbour
//! that makes the longer row with a weekend. Where a year is decided otherwise, and for days that other laws add, an area keeps
//! a calendar of its own.

use chrono::{Datelike as _, Days, NaiveDate, Weekday};

use super::lunar;

/// Whether a date is a public holiday. Outside the years of the [lunar table](lunar) those of the common calendar alone.
pub(super) fn is_public_holiday(date: NaiveDate) -> bool {
    let day = (date.month(), date.day());
    [(1, 1), (4, 30), (5, 1), (9, 2)].contains(&day)
        || is_beside_national_day(date)
        || is_lunar(date, 3, 10)
        || (1..=4).any(|day| is_lunar(date, 1, day))
        || date.checked_add_days(Days::new(1)).is_some_and(|next| is_lunar(next, 1, 1))
}

fn is_lunar(date: NaiveDate, month: u32, day: u32) -> bool {
    lunar::of(date).is_some_and(|(of, at)| of.number == month && !of.is_leap && at == day)
}

fn is_beside_national_day(date: NaiveDate) -> bool {
    let beside = match date.with_day(2).map(|second| second.weekday()) {
        Some(Weekday::Mon | Weekday::Thu | Weekday::Sun) => 3,
        Some(Weekday::Tue | Weekday::Wed | Weekday::Fri | Weekday::Sat) => 1,
        None => return false,
    };
    (date.month(), date.day()) == (9, beside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holidays(year: i32) -> Vec<String> {
        let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
        let days = first.iter_days().take_while(|date| date.year() == year);
        days.filter(|date| is_public_holiday(*date)).map(|date| date.format("%d/%m").to_string()).collect()
    }

    /// As the government announced 2026.
    #[test]
    fn the_holidays_of_2026() {
        assert_eq!(
            holidays(2026),
            [
                "01/01", "16/02", "17/02", "18/02", "19/02", "20/02", "26/04", "30/04", "01/05", "01/09",
                "02/09"
            ]
        );
    }

    /// As the government decided: 3 September in 2021 and 2024, 1 September in 2022, 2023 and 2025.
    #[test]
    fn the_day_beside_2_september() {
        for (year, beside) in
            [(2021, "03/09"), (2022, "01/09"), (2023, "01/09"), (2024, "03/09"), (2025, "01/09")]
        {
            assert!(holidays(year).contains(&beside.to_owned()), "{year}");
        }
    }

    /// 1 + 5 + 1 + 1 + 1 + 2; the tenth of the third month may fall on one of the others.
    #[test]
    fn every_year_has_eleven_days_but_where_two_fall_together() {
        for year in 2021..=2049 {
            let count = holidays(year).len();
            assert!((10..=11).contains(&count), "{year}: {count}");
        }
    }
}
