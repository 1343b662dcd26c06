//! Dates: d/m/yyyy, d/m where something says that it's no fraction, m/yyyy, and ranges and lists of them; by the sun or the moon.

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::view::View;
use super::{Candidate, cues, document, units};

pub(super) fn date(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let rules = [
        weekdays,
        from_weekday,
        year_first,
        days_of_month,
        day_to_day,
        months_of_year,
        month_to_month,
        month_and_year,
        two_years,
    ];
    for rule in rules {
        let mark = say.mark();
        if let Some(candidate) = rule(view, at, say) {
            return Some(candidate);
        }
        say.back_to(mark);
    }
    None
}

/// A day, a month and perhaps a year, not yet said.
#[derive(Clone, Copy)]
struct Day {
    day: u64,
    month: u64,
    year: Option<u64>,
    separator: char,
    /// A zero in front of the day or the month: no fraction is written so.
    padded: bool,
    next: usize,
}

impl Day {
    fn parse(view: View<'_>, at: usize) -> Option<Self> {
        let day = view.value(at, 2)?;
        let separator = view.mark(at + 1).filter(|mark| matches!(mark, '/' | '-' | '.'))?;
        let month = view.value(at + 2, 2)?;
        if !is_day(day, month) {
            return None;
        }
        let padded = view.token(at).starts_with('0') || view.token(at + 2).starts_with('0');
        let joined = view.is_mark(at + 3, separator);
        let long = joined.then(|| year(view, at + 4)).flatten();
        let short = (joined && separator == '/' && view.word(at + 5).is_none() && !view.is_mark(at + 5, '/'))
            .then(|| view.exactly(at + 4, 2))
            .flatten()
            .map(|year| if year < 70 { 2_000 + year } else { 1_900 + year });
        let year = long.or(short);
        // "12/10/2" and "1.2.3" are no dates.
        if joined && year.is_none() && view.digits(at + 4).is_some() {
            return None;
        }
        Some(Self { day, month, year, separator, padded, next: if year.is_some() { at + 5 } else { at + 3 } })
    }

    /// `named`: the word "ngày" or "mùng" stands in front already.
    fn say(&self, named: bool, lunar: bool, say: &mut Saying<'_>) {
        if !named {
            say.say(if lunar && self.day <= 10 { "mùng" } else { "ngày" });
        }
        say.number(self.day);
        self.say_month(lunar, say);
    }

    fn say_month(&self, lunar: bool, say: &mut Saying<'_>) {
        say.say("tháng");
        match self.month {
            1 if lunar => say.say("giêng"),
            12 if lunar => say.say("chạp"),
            month => say.which(month),
        };
        if let Some(year) = self.year {
            say.say("năm").year(year);
        }
    }
}

fn is_day(day: u64, month: u64) -> bool {
    let longest = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=longest).contains(&day)
}

fn year(view: View<'_>, at: usize) -> Option<u64> {
    view.exactly(at, 4).filter(|year| (1_000..=2_999).contains(year))
}

fn named(view: View<'_>, at: usize) -> bool {
    // "đường 30/4" has the day for its name.
    view.follows(at, &["ngày", "mùng", "mồng", "rằm", "đường", "phố"]) || names_a_day(view, at)
}

/// "ngày Pháp luật 9/11": the word stands in front of the day's name.
fn names_a_day(view: View<'_>, at: usize) -> bool {
    let joints = [
        "từ", "đến", "tới", "trước", "sau", "vào", "hết", "qua", "kể", "lúc", "và", "là", "sáng", "trưa",
        "chiều", "tối", "đêm", "hôm", "lịch",
    ];
    if view.follows(at, &joints) {
        return false;
    }
    for index in (at.saturating_sub(14)..at).rev() {
        if view.is_word(index, &["ngày"]) {
            // "ngày 5 ..." has its own number; "3 ngày" is a time.
            return view.before(index).is_none_or(|before| view.digits(before).is_none());
        }
        if view.word(index).is_none() && !view.is_space(index) {
            return false;
        }
    }
    false
}

/// "10/3 âm lịch", "10/3 (ÂL)", "mùng 10/3 Tết".
fn is_lunar(view: View<'_>, next: usize) -> bool {
    let at = view.skip_space(next);
    let at = if view.is_mark(at, '(') { at + 1 } else { at };
    view.is_word(at, &["âm", "âl", "tết"])
}

/// The first month by the moon has its own name, and only its days have "mùng" in front.
fn is_first_moon(view: View<'_>, at: usize, date: &Day) -> bool {
    date.month == 1 && view.follows(at, &["mùng", "mồng"])
}

/// Whether d/m is a date here.
fn is_date(view: View<'_>, at: usize, date: &Day) -> bool {
    if date.year.is_some() || view.follows(at, &["ngày", "mùng", "mồng", "rằm"]) {
        return true;
    }
    let Day { next, separator, .. } = *date;
    let runs_on = view.is_mark(next, '/') || view.is_mark(next, '%') || view.word(next).is_some();
    if runs_on || units::counts(view, next) || view.precedes(next, &["chỉ", "trận", "ván", "set", "hiệp"])
    {
        return false;
    }
    // "xếp thứ 1/12": a rank among so many.
    if view.follows(at, &["thứ", "hạng"]) {
        return false;
    }
    if is_around_the_clock(view, at, date) {
        return false;
    }
    let day_words = ["sáng", "trưa", "chiều", "tối", "đêm", "tết", "hôm", "lễ", "dịp", "âm", "mừng", "nhân"];
    let feasts = ["lễ", "dịp", "niệm", "khánh", "động", "phóng", "thắng", "nữ", "tế", "sĩ"];
    if separator != '/' {
        // "30-4": no range of days counts down. "1.5 triệu" is no date.
        let behind_comma = view.before(at).filter(|comma| view.is_mark(*comma, ',')).unwrap_or(at);
        let day_part = || {
            view.follows(at, &["sáng", "trưa", "chiều", "tối", "đêm"])
                || view.follows(behind_comma, &["nay", "mai", "qua"])
        };
        let cued = view.has_cue(at, 4, &feasts) || view.has_cue(at, 6, &["ngày", "mừng"]) || day_part();
        return separator == '-' && cued && (date.day > date.month || (date.day, date.month) == (1, 5));
    }
    let begins = ["giảng", "trương", "mạc"];
    if view.follows(at, &begins) || view.follows(at, &day_words) || date.padded || is_lunar(view, next) {
        return true;
    }
    if view.follows(at, cues::SHARE) || (date.day < date.month && view.precedes(next, cues::PARTS)) {
        return false;
    }
    let behind_clock = view.before(at).is_some_and(|before| {
        before >= 2 && view.digits(before).is_some() && matches!(view.token(before - 1), "h" | "g" | ":")
    });
    // "T5 (1/1)", "T6, 24/10"
    let behind_weekday = view.before(at).is_some_and(|mark| {
        let day = view.before(mark).filter(|day| *day > 0 && view.exactly(*day, 1).is_some());
        matches!(view.mark(mark), Some('(' | ',')) && day.is_some_and(|day| view.token(day - 1) == "T")
    });
    let cued = behind_weekday
        || view.has_cue(at, 6, cues::NEAR_DAY)
        || view.has_cue(at, 3, &feasts)
        || view.follows(at, cues::FROM_TO)
        || view.follows(at, &["h"])
        || view.precedes(next, cues::BEHIND_DAY)
        || behind_clock;
    if cued {
        return true;
    }
    // "Cà phê 1/12: ..." tells of a day.
    let heads = view.is_mark(next, ':') && view.is_gap(next + 1) && !view.is_alone(at, next);
    if heads && !view.has_cue(at, 3, &["lệ", "pha", "tiêu", "số", "đạt", "kết", "quả"]) {
        return true;
    }
    // More parts than the whole has: a date rather than a fraction.
    date.day > date.month && !view.is_alone(at, next)
}

/// "trực 24/7": all hours of all days, unless a word right in front makes a day of it.
fn is_around_the_clock(view: View<'_>, at: usize, date: &Day) -> bool {
    let before = view.before(at);
    let all_day = view.follows(at, &["đêm"])
        && before.is_some_and(|night| view.follows(night, &["ngày", "sáng", "suốt"]));
    let of_a_day =
        [cues::FROM_TO, &["sáng", "trưa", "chiều", "tối", "đêm", "hôm", "lễ", "dịp", "mừng", "niệm"]]
            .iter()
            .any(|cues| view.follows(at, cues));
    let joined = [cues::BEHIND_DAY, &["đến"]].iter().any(|cues| view.precedes(date.next, cues))
        || view.skip_dash(date.next).is_some_and(|day| view.digits(day).is_some());
    let weekday = before.filter(|mark| matches!(view.mark(*mark), Some('(' | ','))).is_some_and(|mark| {
        view.before(mark).is_some_and(|day| {
            day > 0 && view.exactly(day, 1).is_some() && matches!(view.token(day - 1), "T" | "t")
        })
    });
    let heads = view.is_mark(date.next, ':') && view.has_cue(at, 3, &["lịch"]);
    (date.day, date.month) == (24, 7)
        && !date.padded
        && date.separator == '/'
        && (all_day || !(of_a_day || joined || weekday || heads))
}

/// d/m[/yyyy], and behind a dash the day until.
fn day_to_day(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let first = Day::parse(view, at).filter(|first| is_date(view, at, first))?;
    let second = view
        .skip_dash(first.next)
        .and_then(|second| Day::parse(view, second).filter(|second| second.separator == first.separator));
    let last = second.as_ref().unwrap_or(&first);
    let lunar = is_lunar(view, last.next) || is_first_moon(view, at, &first);
    first.say(named(view, at) && !(lunar && view.follows(at, &["ngày"]) && first.day <= 10), lunar, say);
    if let Some(second) = second {
        say.say("đến");
        second.say(false, lunar, say);
        return Some(Candidate::cued(Class::Date, second.next));
    }
    Some(Candidate::cued(Class::Date, first.next))
}

/// "10-15/3/2024", "12, 13/10", "5,6 và 7/10": days of the month that the last one names.
fn days_of_month(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    // "thứ 7, 22/11": the first one counts days of the week.
    let first = view.value(at, 2).filter(|day| (1..=31).contains(day) && !view.follows(at, &["thứ"]))?;
    let mut days = [first; 8];
    let mut joints = ["", "", "", "", "", "", "", ""];
    let (mut count, mut next, mut is_range) = (1, at + 1, false);
    let last = loop {
        if count == days.len() {
            return None;
        }
        let (joint, behind) = if let Some(behind) = view.skip_dash(next) {
            is_range = true;
            ("đến", behind)
        } else if view.is_mark(next, ',') {
            (",", view.skip_space(next + 1))
        } else if view.is_word(view.skip_space(next), &["và", "đến"]) {
            let word = view.skip_space(next);
            is_range |= view.is_word(word, &["đến"]);
            (if view.is_word(word, &["và"]) { "và" } else { "đến" }, view.skip_space(word + 1))
        } else {
            return None;
        };
        let day = view.value(behind, 2).filter(|day| *day > days[count - 1] && *day <= 31)?;
        (days[count], joints[count]) = (day, joint);
        count += 1;
        if let Some(last) = Day::parse(view, behind) {
            // "từ 12-15/10", "1-3/5 hộ": without a year something must say that these are days.
            let cued = last.year.is_some() || view.has_cue(at, 6, cues::NEAR_DAY) || last.padded;
            let cued = cued
                || is_lunar(view, last.next)
                || view.precedes(last.next, &["dl", "dương"])
                || (view.follows(at, cues::FROM_TO) && !units::counts(view, last.next))
                // "Thi tốt nghiệp: 25-28/6": no share, as its part is more than its whole.
                || is_range && count == 2 && last.day > last.month && !units::counts(view, last.next)
                    && !view.precedes(last.next, cues::PARTS) && !view.is_alone(at, last.next);
            break Some(last).filter(|last| last.separator == '/' && cued)?;
        }
        next = behind + 1;
    };
    // With commas alone "5,6/10" may be a decimal number.
    if !is_range && !named(view, at) && last.year.is_none() && !view.has_cue(at, 3, &["ngày"]) {
        return None;
    }
    let lunar = is_lunar(view, last.next);
    if !named(view, at) {
        say.say("ngày");
    }
    say.number(first);
    for index in 1..count {
        if joints[index] == "," {
            say.pause()
        } else {
            say.say(joints[index])
        };
        say.number(days[index]);
    }
    last.say_month(lunar, say);
    Some(Candidate::cued(Class::Date, last.next))
}

/// "thứ 3-5-7 hằng tuần": each of the days.
fn weekdays(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let day = |at: usize| view.exactly(at, 1).filter(|day| (2..=7).contains(day));
    let (first, second) = (day(at)?, view.is_mark(at + 1, '-').then(|| day(at + 2)).flatten()?);
    let third = view.is_mark(at + 3, '-').then(|| day(at + 4)).flatten()?;
    if !view.follows(at, &["thứ"]) || first >= second || second >= third {
        return None;
    }
    say.which(first).pause().say("thứ").which(second).pause().say("thứ").which(third);
    Some(Candidate::cued(Class::Date, at + 5))
}

/// "thứ 2-6", "thứ 7 - CN": from day to day of the week.
fn from_weekday(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let day = |at: usize| view.exactly(at, 1).filter(|day| (2..=7).contains(day));
    let first = day(at).filter(|_| view.follows(at, &["thứ"]))?;
    let second = view.skip_dash(at + 1)?;
    if view.token(second) == "CN" {
        say.which(first).say("đến chủ nhật");
        return Some(Candidate::cued(Class::Range, second + 1));
    }
    let last = day(second).filter(|last| *last > first)?;
    // "thứ 3-5/10" has days of a month behind it.
    if view.mark(second + 1).is_some_and(|mark| matches!(mark, '/' | '-' | '.' | ','))
        && view.digits(second + 2).is_some()
    {
        return None;
    }
    say.which(first).say("đến thứ").which(last);
    Some(Candidate::cued(Class::Range, second + 1))
}

/// "2025-10-12".
fn year_first(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let year = year(view, at)?;
    let separator = view.mark(at + 1).filter(|mark| matches!(mark, '-' | '/'))?;
    let (month, day) = (view.exactly(at + 2, 2)?, view.exactly(at + 4, 2)?);
    if !view.is_mark(at + 3, separator) || !is_day(day, month) {
        return None;
    }
    let date = Day { day, month, year: Some(year), separator, padded: true, next: at + 5 };
    date.say(named(view, at), false, say);
    Some(Candidate::cued(Class::Date, date.next))
}

/// What a number in front of "/2024" counts, where it's no month: "quý 1/2024".
const OTHER_THAN_MONTHS: &[&str] = &["quý", "kỳ", "đợt", "vụ", "số", "khóa", "lần", "tuần"];

struct Month {
    month: u64,
    year: u64,
    next: usize,
}

fn month_year(view: View<'_>, at: usize) -> Option<Month> {
    let month = view.value(at, 2).filter(|month| (1..=12).contains(month))?;
    let separator = view.mark(at + 1).filter(|mark| matches!(mark, '/' | '-' | '.'))?;
    let year = year(view, at + 2)?;
    let runs_on = view.is_mark(at + 3, '/') || view.is_mark(at + 3, '%');
    // "5-2025" and "5.2025" only behind "tháng".
    let padded = separator == '-' && view.token(at).starts_with('0');
    let is_ratio = view.has_cue(at, 3, &["pha", "trộn"]);
    let written_so = (separator == '/' && !is_ratio) || padded || view.follows(at, &["tháng"]);
    (!runs_on && written_so).then_some(Month { month, year, next: at + 3 })
}

/// "10/2024", "quý 1/2024", "tháng 5/2024 - 6/2024".
fn month_to_month(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let first = month_year(view, at)?;
    if document::is_number(view, at) {
        return None;
    }
    if view.follows(at, OTHER_THAN_MONTHS) {
        if view.follows(at, &["quý"]) {
            say.which(first.month)
        } else {
            say.number(first.month)
        };
        say.say("năm").year(first.year);
        return Some(Candidate::cued(Class::Date, first.next));
    }
    if !view.follows(at, &["tháng"]) {
        say.say("tháng");
    }
    say.which(first.month).say("năm").year(first.year);
    let second = view.skip_dash(first.next).and_then(|second| month_year(view, second));
    let next = second.as_ref().map_or(first.next, |second| second.next);
    if let Some(second) = second {
        say.say("đến tháng").which(second.month).say("năm").year(second.year);
    }
    Some(Candidate::cued(Class::Date, next))
}

/// "tháng 12 2023".
fn month_and_year(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let month = view.value(at, 2).filter(|month| (1..=12).contains(month) && view.follows(at, &["tháng"]))?;
    let year = year(view, at + 2).filter(|_| view.is_space(at + 1))?;
    let counted = view.precedes(at + 3, cues::THINGS)
        || matches!(view.mark(at + 3), Some('.' | ',' | '/' | '-')) && view.digits(at + 4).is_some();
    if counted || !(1_900..=2_100).contains(&year) {
        return None;
    }
    say.which(month).say("năm").year(year);
    Some(Candidate::cued(Class::Date, at + 3))
}

/// "tháng 5-7/2025".
fn months_of_year(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let first = view.value(at, 2).filter(|month| (1..=12).contains(month))?;
    let name = ["tháng", "quý"].into_iter().find(|name| view.follows(at, &[name]))?;
    let second = view.skip_dash(at + 1)?;
    let last = month_year(view, second).filter(|last| last.month > first)?;
    say.which(first).say("đến").say(name).which(last.month).say("năm").year(last.year);
    Some(Candidate::cued(Class::Date, last.next))
}

/// "mùa giải 2024/2025", "niên vụ 2024/25".
fn two_years(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let first = year(view, at).filter(|_| view.is_mark(at + 1, '/'))?;
    let next_year = year(view, at + 2).filter(|second| *second == first + 1);
    let short = view.exactly(at + 2, 2).filter(|second| *second == (first + 1) % 100).map(|_| first + 1);
    let second = next_year.or(short)?;
    say.year(first).pause().year(second);
    Some(Candidate::cued(Class::Date, at + 3))
}
