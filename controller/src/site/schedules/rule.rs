//! Between the form's ways to say when and the one that the services take.

use chrono::{NaiveTime, Weekday};
use chrono_tz::Tz;
use loa_protocol::ids::CalendarId;
use loa_protocol::timeline::{AfterInterruption, Repeats, Start};

use crate::pages::views::{Rule, WEEKDAYS};
use crate::pages::{Lang, Msg, format, msg};
use crate::services::ScheduleView;
use crate::site::words;

/// Excluded dates that are all named.
const DATES_NAMED_MAX: usize = 6;
/// Most times of day of one form.
const TIMES_MAX: usize = 24;

/// Times of day as typed: `06:00, 17:30`, `6h 17h30`, separated by commas, semicolons or blanks; each once, in order.
pub(super) fn times(text: &str) -> Result<Vec<NaiveTime>, Msg> {
    let mut times = Vec::new();
    for word in text.split([',', ';', ' ', '\t', '\n']).filter(|word| !word.is_empty()) {
        let time = time(word).ok_or_else(|| Msg::new(msg::BAD_TIMES).with("x", word))?;
        times.push(time);
    }
    times.sort_unstable();
    times.dedup();
    match times.len() {
        0 => Err(Msg::new(msg::REQUIRED)),
        1..=TIMES_MAX => Ok(times),
        _ => Err(Msg::new(msg::BAD_TIMES).with("x", text)),
    }
}

fn time(word: &str) -> Option<NaiveTime> {
    let (hour, minute) = word.split_once([':', 'h', 'g'])?;
    let digits = |text: &str| text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
    if hour.is_empty() || !digits(hour) || !digits(minute) {
        return None;
    }
    let minute = if minute.is_empty() { 0 } else { minute.parse().ok()? };
    NaiveTime::from_hms_opt(hour.parse().ok()?, minute, 0)
}

/// The weekday of a code of [`WEEKDAYS`].
pub(super) fn weekday(code: &str) -> Option<Weekday> {
    WEEKDAYS.iter().find(|(known, _)| *known == code).and_then(|(known, _)| known.parse().ok())
}

/// A start in the page's words.
pub(super) fn rule(start: &Start, zone: Tz) -> Rule {
    match start {
        Start::At(at) => Rule::Once(words::moment(*at, zone)),
        Start::Cron(pattern) => Rule::of_cron(pattern.as_str()),
    }
}

/// What a schedule says beyond when and where.
pub(super) fn extras(view: &ScheduleView) -> Vec<Msg> {
    let rules = &view.schedule.values.rules;
    let named = |key: &'static str, id: &CalendarId| {
        let name = view.calendars.get(id).map_or_else(|| Msg::verbatim(id.as_str()), words::calendar);
        let said = |lang| Msg::new(key).with("x", name.text(lang)).text(lang);
        Msg::both(said(Lang::Vi), said(Lang::En))
    };
    let mut said: Vec<Msg> = rules.only_on.iter().map(|id| named(msg::ONLY_ON, id)).collect();
    said.extend(rules.not_on.iter().map(|id| named(msg::NOT_ON, id)));
    if !rules.excluded_dates.is_empty() {
        let named = rules.excluded_dates.iter().take(DATES_NAMED_MAX).map(format::date);
        let more =
            i64::try_from(rules.excluded_dates.len().saturating_sub(DATES_NAMED_MAX)).unwrap_or(i64::MAX);
        let days = named.collect::<Vec<_>>().join(", ");
        said.push(match more {
            0 => Msg::new(msg::NOT_ON_DATES).with("x", days),
            more => Msg::new(msg::NOT_ON_MORE_DATES).with("x", days).with_number("n", more),
        });
    }
    said.extend(rules.repeats.map(|Repeats { rounds, gap_ms }| {
        let gap_s = i64::from(gap_ms / 1000);
        Msg::new(msg::ROUNDS).with_number("n", i64::from(rounds)).with_number("gap", gap_s)
    }));
    said.extend(match rules.after_interruption {
        AfterInterruption::Drop => None,
        AfterInterruption::Resume => Some(Msg::new(msg::AFTER_RESUME)),
        AfterInterruption::Restart => Some(Msg::new(msg::AFTER_RESTART)),
    });
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let text = |text: &str| {
            let times = times(text).unwrap();
            times.iter().map(|time| time.format("%H:%M").to_string()).collect::<Vec<_>>()
        };
        assert_eq!(text("17:30, 6:00"), ["06:00", "17:30"]);
        assert_eq!(text("6h 17h30 6:00"), ["06:00", "17:30"]);
        for bad in ["6", "25:00", "6:60", "6:0x", "-1:00", "sáng", "6:000", ":30"] {
            assert_eq!(times(bad), Err(Msg::new(msg::BAD_TIMES).with("x", bad)), "{bad}");
        }
        assert_eq!(times(" , "), Err(Msg::new(msg::REQUIRED)));
    }

    #[test]
    fn every_day_of_the_form_is_a_weekday() {
        let days: Vec<Weekday> = WEEKDAYS.iter().filter_map(|(code, _)| weekday(code)).collect();
        assert_eq!((days.len(), days[0], days[6]), (7, Weekday::Mon, Weekday::Sun));
        assert_eq!(weekday("Mon"), None);
    }
}
