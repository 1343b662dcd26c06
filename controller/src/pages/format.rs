//! Numbers, sizes, durations and moments, written as the reader's language writes them.

use chrono::{DateTime, Datelike, NaiveDate, Offset, Weekday};
use chrono_tz::Tz;

use super::text::Lang;

/// A point in time with the zone of the area it is about, in which it is shown.
pub type Moment = DateTime<Tz>;

/// `25/10/2025 06:00`, in both languages: the product is used in one country.
#[must_use]
pub fn date_time(at: &Moment) -> String {
    at.format("%d/%m/%Y %H:%M").to_string()
}

/// `25/10/2025 06:00:07`, where seconds matter.
#[must_use]
pub fn date_time_seconds(at: &Moment) -> String {
    at.format("%d/%m/%Y %H:%M:%S").to_string()
}

/// `25/10/2025`.
#[must_use]
pub fn date(day: &NaiveDate) -> String {
    day.format("%d/%m/%Y").to_string()
}

/// `25/10/2025 - 27/10/2025`, or one date where both are the same.
#[must_use]
pub fn dates(first: &NaiveDate, last: &NaiveDate) -> String {
    if first == last { date(first) } else { format!("{} - {}", date(first), date(last)) }
}

/// `Thứ Bảy, 25/10/2025` or `Saturday, 25/10/2025`.
#[must_use]
pub fn long_date(lang: Lang, day: &NaiveDate) -> String {
    format!("{}, {}", lang.text(weekday_key(day.weekday())), date(day))
}

/// `Asia/Ho_Chi_Minh (UTC+7)` for the offset in force at `at`.
#[must_use]
pub fn zone(at: &Moment) -> String {
    let minutes = at.offset().fix().local_minus_utc() / 60;
    let (sign, minutes) = if minutes < 0 { ('-', -minutes) } else { ('+', minutes) };
    let (hours, rest) = (minutes / 60, minutes % 60);
    let name = at.timezone().name();
    if rest == 0 {
        format!("{name} (UTC{sign}{hours})")
    } else {
        format!("{name} (UTC{sign}{hours}:{rest:02})")
    }
}

/// The key of a weekday's full name.
#[must_use]
pub fn weekday_key(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "weekday-mon",
        Weekday::Tue => "weekday-tue",
        Weekday::Wed => "weekday-wed",
        Weekday::Thu => "weekday-thu",
        Weekday::Fri => "weekday-fri",
        Weekday::Sat => "weekday-sat",
        Weekday::Sun => "weekday-sun",
    }
}

/// `value` with `places` decimals: `1.234,5` in Vietnamese, `1,234.5` in English.
#[must_use]
pub fn decimal(lang: Lang, value: f64, places: usize) -> String {
    let (group, point) = match lang {
        Lang::Vi => ('.', ','),
        Lang::En => (',', '.'),
    };
    let plain = format!("{:.places$}", value.abs());
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut out = String::new();
    // "-0" is nothing but rounding.
    if value < 0.0 && plain.chars().any(|digit| digit.is_ascii_digit() && digit != '0') {
        out.push('−');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(group);
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push(point);
        out.push_str(fraction);
    }
    out
}

/// `1 giờ 02 phút`, `2 phút 05 giây`, `48 giây`, and below ten seconds one decimal.
#[must_use]
pub fn duration(lang: Lang, duration_ms: f64) -> String {
    let (hour, minute, second) = match lang {
        Lang::Vi => ("giờ", "phút", "giây"),
        Lang::En => ("h", "min", "s"),
    };
    if duration_ms < 10_000.0 {
        return format!("{} {second}", decimal(lang, duration_ms / 1000.0, 1));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast of a float saturates"
    )]
    let seconds = (duration_ms / 1000.0).round() as u64;
    if seconds < 60 {
        format!("{seconds} {second}")
    } else if seconds < 3600 {
        format!("{} {minute} {:02} {second}", seconds / 60, seconds % 60)
    } else {
        format!("{} {hour} {:02} {minute}", seconds / 3600, seconds % 3600 / 60)
    }
}

/// `312 B`, `48 kB`, `1,4 MB`, `2,0 GB` (powers of ten).
#[must_use]
pub fn bytes(lang: Lang, size_bytes: f64) -> String {
    let size = size_bytes;
    if size < 1e3 {
        format!("{} B", decimal(lang, size, 0))
    } else if size < 1e6 {
        format!("{} kB", decimal(lang, size / 1e3, 0))
    } else if size < 1e9 {
        format!("{} MB", decimal(lang, size / 1e6, 1))
    } else {
        format!("{} GB", decimal(lang, size / 1e9, 1))
    }
}

/// A signed error of a start: `+12 ms`, `−0,4 ms`, `+1,2 s`.
#[must_use]
pub fn error_ms(lang: Lang, error_ms: f64) -> String {
    let sign = if error_ms > 0.0 { "+" } else { "" };
    if error_ms.abs() >= 1000.0 {
        format!("{sign}{} s", decimal(lang, error_ms / 1000.0, 1))
    } else if error_ms.abs() >= 10.0 {
        format!("{sign}{} ms", decimal(lang, error_ms, 0))
    } else {
        format!("{sign}{} ms", decimal(lang, error_ms, 1))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn decimals_and_groups() {
        let check = |value, places, vi: &str, en: &str| {
            assert_eq!(decimal(Lang::Vi, value, places), vi);
            assert_eq!(decimal(Lang::En, value, places), en);
        };
        check(0.0, 0, "0", "0");
        check(999.0, 0, "999", "999");
        check(1000.0, 0, "1.000", "1,000");
        check(1_234_567.89, 1, "1.234.567,9", "1,234,567.9");
        check(-12.25, 1, "−12,2", "−12.2");
        check(-0.01, 1, "0,0", "0.0");
    }

    #[test]
    fn durations() {
        let check = |ms: f64, vi: &str| assert_eq!(duration(Lang::Vi, ms), vi);
        check(0.0, "0,0 giây");
        check(4_200.0, "4,2 giây");
        check(59_499.0, "59 giây");
        check(59_500.0, "1 phút 00 giây");
        check(125_000.0, "2 phút 05 giây");
        check(3_720_000.0, "1 giờ 02 phút");
    }

    #[test]
    fn moments_are_dd_mm_yyyy_and_name_their_zone() {
        let at = chrono_tz::Asia::Ho_Chi_Minh.with_ymd_and_hms(2025, 10, 25, 6, 0, 7).unwrap();
        assert_eq!(date_time(&at), "25/10/2025 06:00");
        assert_eq!(date_time_seconds(&at), "25/10/2025 06:00:07");
        assert_eq!(zone(&at), "Asia/Ho_Chi_Minh (UTC+7)");
        assert_eq!(long_date(Lang::Vi, &at.date_naive()), "Thứ Bảy, 25/10/2025");
        let kathmandu = chrono_tz::Asia::Kathmandu.with_ymd_and_hms(2025, 1, 1, 0, 0, 0).unwrap();
        assert_eq!(zone(&kathmandu), "Asia/Kathmandu (UTC+5:45)");
    }

    #[test]
    fn errors_of_a_start_carry_their_sign() {
        assert_eq!(error_ms(Lang::Vi, 12.4), "+12 ms");
        assert_eq!(error_ms(Lang::Vi, -0.44), "−0,4 ms");
        assert_eq!(error_ms(Lang::En, 1234.0), "+1.2 s");
    }
}
