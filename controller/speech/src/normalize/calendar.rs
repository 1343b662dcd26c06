//! Dates, times of day and the ranges of both.

use super::lexer::Kind;
use super::numbers::{month, of_value};
use super::view::{Reading, View};

/// Words in front of which a day and a month stand ("ngày 30/4"); without one, 1/2 is a half.
const DAY_CUES: &[&str] = &[
    "ngày", "sáng", "trưa", "chiều", "tối", "đêm", "hôm", "lễ", "dịp", "mùng", "mồng", "rằm", "thứ", "nhật",
];
/// Counted things: in front of one of them d/m is a share, whatever stands before.
const COUNTED: &[&str] = &[
    "thôn",
    "xã",
    "buôn",
    "tiêu",
    "hộ",
    "đại",
    "phiếu",
    "trường",
    "người",
    "em",
    "chỉ",
    "cụm",
    "học",
    "diện",
    "số",
    "dân",
    "thành",
];
/// Words that already say what kind of time follows.
const NAMED_MONTH: &[&str] = &["tháng", "quý", "kỳ", "đợt"];

/// A date at a number: d/m/yyyy, d/m with a cue, m/yyyy, and a range of days in front of a month.
pub(super) fn date(view: View<'_>, at: usize) -> Option<Reading> {
    day_range(view, at)
        .or_else(|| full_date(view, at))
        .or_else(|| day_month(view, at))
        .or_else(|| month_year(view, at))
}

fn named_day(view: View<'_>, at: usize) -> &'static str {
    let named = view.word_before(at).is_some_and(|word| matches!(&*word, "ngày" | "mùng" | "mồng" | "rằm"));
    if named { "" } else { "ngày " }
}

fn full_date(view: View<'_>, at: usize) -> Option<Reading> {
    let (day, at_month) = day_and_separator(view, at)?;
    let separator = view.kind(at_month - 1);
    let month_value = view.value(at_month, 2).filter(|value| (1..=12).contains(value))?;
    let at_year = at_month + 2;
    if view.kind(at_month + 1) != separator {
        return None;
    }
    let year = year(view, at_year)?;
    let words = format!(
        "{}{} tháng {} năm {}",
        named_day(view, at),
        of_value(day),
        month(month_value),
        of_value(year)
    );
    Some(Reading { words, next: at_year + 1 })
}

fn day_month(view: View<'_>, at: usize) -> Option<Reading> {
    let (day, at_month) = day_and_separator(view, at)?;
    if !view.is_mark(at_month - 1, '/') {
        return None;
    }
    let month_value = view.value(at_month, 2).filter(|value| (1..=12).contains(value))?;
    let next = at_month + 1;
    let runs_on = view.is_mark(next, '/') || view.word(next).is_some() || view.is_mark(next, '%');
    let counted = view.word(view.skip_space(next)).is_some_and(|word| COUNTED.contains(&word));
    if runs_on || counted || !view.has_cue(at, 6, DAY_CUES) {
        return None;
    }
    Some(Reading {
        words: format!("{}{} tháng {}", named_day(view, at), of_value(day), month(month_value)),
        next,
    })
}

/// "10-15/3/2024", "10 - 15/3".
fn day_range(view: View<'_>, at: usize) -> Option<Reading> {
    let day = view.value(at, 2).filter(|value| (1..=31).contains(value))?;
    let second = view.skip_dash(at + 1)?;
    view.value(second, 2).filter(|&last| last > day)?;
    let until = full_date(view, second)
        .or_else(|| view.has_cue(at, 6, DAY_CUES).then(|| day_month(view, second)).flatten())?;
    let rest = until.words.strip_prefix("ngày ").unwrap_or(&until.words);
    Some(Reading {
        words: format!("{}{} đến {rest}", named_day(view, at), of_value(day)), next: until.next
    })
}

fn month_year(view: View<'_>, at: usize) -> Option<Reading> {
    let value = view.value(at, 2).filter(|value| (1..=12).contains(value))?;
    if !view.is_mark(at + 1, '/') || view.is_mark(at + 3, '/') {
        return None;
    }
    let year = year(view, at + 2)?;
    let named = view.word_before(at).is_some_and(|word| NAMED_MONTH.contains(&&*word));
    let name = if named { "" } else { "tháng " };
    Some(Reading { words: format!("{name}{} năm {}", month(value), of_value(year)), next: at + 3 })
}

/// "/2024" behind something that was read already, such as a Roman numeral.
pub(super) fn slash_year(view: View<'_>, at: usize) -> Option<Reading> {
    let year = view.is_mark(at, '/').then(|| year(view, at + 1)).flatten()?;
    Some(Reading { words: format!("năm {}", of_value(year)), next: at + 2 })
}

/// The day, and the place of what follows its separator.
fn day_and_separator(view: View<'_>, at: usize) -> Option<(u64, usize)> {
    let day = view.value(at, 2).filter(|value| (1..=31).contains(value))?;
    let separated = ['/', '-', '.'].into_iter().any(|mark| view.is_mark(at + 1, mark));
    separated.then_some((day, at + 2))
}

fn year(view: View<'_>, at: usize) -> Option<u64> {
    view.digits(at).filter(|digits| digits.len() == 4)?;
    view.value(at, 4).filter(|value| (1_000..=2_999).contains(value))
}

/// A time of day and, behind a dash, the time until: 7h30, 17:00, 7 giờ 30, "08:00 - 11:30".
pub(super) fn time(view: View<'_>, at: usize) -> Option<Reading> {
    let from = one_time(view, at, false)?;
    let until = view.skip_dash(from.next).and_then(|second| one_time(view, second, true));
    let Some(until) = until else { return Some(from) };
    let named = view.word_before(at).is_some_and(|word| word == "từ");
    let name = if named { "" } else { "từ " };
    Some(Reading { words: format!("{name}{} đến {}", from.words, until.words), next: until.next })
}

/// `behind_time`: a time stands in front, so "16g" is an hour; alone it's sixteen grams.
fn one_time(view: View<'_>, at: usize, behind_time: bool) -> Option<Reading> {
    let hour = view.value(at, 2).filter(|value| *value <= 24)?;
    clock(view, at, hour).or_else(|| hours(view, at, hour, behind_time))
}

/// 17:00, 12:30:45.
fn clock(view: View<'_>, at: usize, hour: u64) -> Option<Reading> {
    let sixty = |at: usize| {
        view.digits(at).filter(|digits| digits.len() == 2)?;
        view.value(at, 2).filter(|value| *value < 60)
    };
    if !view.is_mark(at + 1, ':') {
        return None;
    }
    let minute = sixty(at + 2)?;
    let second = if view.is_mark(at + 3, ':') { sixty(at + 4) } else { None };
    let mut words = format!("{} giờ", of_value(hour));
    if minute > 0 || second.is_some() {
        words.push_str(&format!(" {} phút", of_value(minute)));
    }
    if let Some(second) = second {
        words.push_str(&format!(" {} giây", of_value(second)));
    }
    Some(Reading { words, next: if second.is_some() { at + 5 } else { at + 3 } })
}

/// 7h, 7h30, 7g30, 7h30', 7h30p, 7 giờ 30.
fn hours(view: View<'_>, at: usize, hour: u64, behind_time: bool) -> Option<Reading> {
    let at_unit = view.skip_space(at + 1);
    let unit = view.word(at_unit).filter(|word| match *word {
        "h" | "giờ" => true,
        // "7 g" is grams, "7 H" a name.
        "H" | "g" => at_unit == at + 1,
        _ => false,
    })?;
    let mut words = format!("{} giờ", of_value(hour));
    let at_minute =
        if view.digits(at_unit + 1).is_some() { at_unit + 1 } else { view.skip_space(at_unit + 1) };
    let touches = at_minute == at_unit + 1;
    let minute = view.digits(at_minute).filter(|digits| (touches || unit == "giờ") && digits.len() == 2);
    let minute = minute.and_then(|_| view.value(at_minute, 2)).filter(|value| *value < 60);
    // "lúc 7 giờ 15/3" gives the day, not the minute.
    let is_day = !touches && matches!(view.kind(at_minute + 1), Some(Kind::Mark('/' | '-' | ':')));
    let Some(minute) = minute.filter(|_| !is_day) else {
        return (unit != "g" || behind_time).then_some(Reading { words, next: at_unit + 1 });
    };
    let mut next = at_minute + 1;
    let at_name = view.skip_space(next);
    match view.word(at_name) {
        Some("phút") => next = at_name + 1,
        Some("p" | "ph") if at_name == next => next += 1,
        _ if view.is_mark(next, '\'') => next += 1,
        _ => {}
    }
    if minute > 0 {
        words.push_str(&format!(" {} phút", of_value(minute)));
    }
    Some(Reading { words, next })
}
