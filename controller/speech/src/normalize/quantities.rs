//! Numbers that count or measure: grouped and decimal numbers, money, units, shares, percent; and numbers that name:
//! telephones, hotlines, accounts.

use super::lexer::Kind;
use super::numbers::{cardinal, digit_by_digit, fraction};
use super::tables;
use super::view::{Reading, View};

const HOTLINES: &[&str] = &["111", "112", "113", "114", "115", "1022"];
const HOTLINE_CUES: &[&str] = &["gọi", "số", "nóng", "đài", "thoại", "máy", "sđt", "hotline", "đt"];
const CODE_CUES: &[&str] = &["cccd", "cmnd", "khoản", "mã", "seri", "stk"];
/// Counted things in front of which a/b is "a trên b": so many of so many.
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
    "đảng",
    "giờ",
    "thành",
    "huyện",
    "tổ",
    "cơ",
];

/// Telephone numbers, hotlines and account numbers, digit by digit.
pub(super) fn code(view: View<'_>, at: usize) -> Option<Reading> {
    let digits = view.digits(at)?;
    if HOTLINES.contains(&digits) && view.has_cue(at, 6, HOTLINE_CUES) {
        return Some(Reading { words: digit_by_digit(digits), next: at + 1 });
    }
    if (6..=20).contains(&digits.len()) && view.has_cue(at, 4, CODE_CUES) {
        return Some(Reading { words: digit_by_digit(digits), next: at + 1 });
    }
    telephone(view, at)
}

/// 0912 345 678, 0263.3822.456, (0263) 3822456, 0912345678, 1900 1234.
fn telephone(view: View<'_>, at: usize) -> Option<Reading> {
    let first = view.digits(at)?;
    let is_service = matches!(first, "1800" | "1900");
    if !first.starts_with('0') && !is_service && !matches!(first.get(..4), Some("1800" | "1900")) {
        return None;
    }
    let (mut groups, mut total, mut next) = (vec![first], first.len(), at + 1);
    while groups.len() < 5 && total < 12 {
        let closed = if view.is_mark(next, ')') { next + 1 } else { next };
        let behind = match view.kind(closed) {
            Some(Kind::Space | Kind::Mark('.' | '-')) => closed + 1,
            _ if closed > next => closed,
            _ => break,
        };
        let Some(group) = view.digits(behind).filter(|group| (2..=8).contains(&group.len())) else { break };
        groups.push(group);
        total += group.len();
        next = behind + 1;
    }
    let plausible = match (is_service || first.starts_with('1'), groups.len()) {
        (true, _) => (8..=10).contains(&total),
        // Without groups nine digits may be anything.
        (false, 1) => (10..=11).contains(&total),
        (false, _) => (9..=11).contains(&total),
    };
    if !plausible {
        return None;
    }
    if let [whole] = groups[..] {
        groups = if whole.len() >= 10 {
            vec![&whole[..4], &whole[4..7], &whole[7..]]
        } else {
            vec![&whole[..4], &whole[4..]]
        };
    }
    let words: Vec<String> = groups.into_iter().map(digit_by_digit).collect();
    Some(Reading { words: words.join(", "), next })
}

/// A number with all that belongs to it: sign, unit, "/unit", a dash and the number after it.
pub(super) fn quantity(view: View<'_>, at: usize) -> Option<Reading> {
    if let Some(share) = share(view, at) {
        return Some(share);
    }
    let number = number(view, at)?;
    let mut reading = with_unit(view, at, number);
    // "50-100 mm" is a range; "COVID-19" has no number in front and never comes here.
    if let Some(second) = view.skip_dash(reading.next).filter(|&second| view.digits(second).is_some()) {
        reading.words.push_str(" đến");
        reading.next = second;
    }
    Some(reading)
}

/// a/b: "một phần hai" for parts, "mười bốn trên mười chín" for so many of so many.
fn share(view: View<'_>, at: usize) -> Option<Reading> {
    let (above, below) =
        (view.digits(at)?, view.is_mark(at + 1, '/').then(|| view.digits(at + 2)).flatten()?);
    if above.len() > 9 || below.len() > 9 {
        return None;
    }
    let next = at + 3;
    let counted = view.word(view.skip_space(next)).is_some_and(|word| COUNTED.contains(&word));
    let (part, whole) = (view.value(at, 9)?, view.value(at + 2, 9)?);
    let words = if part < whole && whole <= 10 && !counted {
        let below = if whole == 4 { "tư".to_owned() } else { cardinal(below) };
        format!("{} phần {below}", cardinal(above))
    } else {
        format!("{} trên {}", cardinal(above), cardinal(below))
    };
    Some(Reading { words, next })
}

struct Number {
    words: String,
    next: usize,
    whole: bool,
}

/// 1.250.000 · 2.345,67 · 3,5 · 4.0 · 1,250,000.
fn number(view: View<'_>, at: usize) -> Option<Number> {
    let first = view.digits(at)?;
    let group = |mark, next| view.is_mark(next, mark).then(|| view.digits(next + 1)).flatten();
    for (thousands, decimals, least) in [('.', ',', 1), (',', '.', 2)] {
        let (mut digits, mut next, mut groups) = (first.to_owned(), at + 1, 0);
        let can_group = first.len() <= 3 && !first.starts_with('0');
        while let Some(more) =
            group(thousands, next).filter(|more| can_group && more.len() == 3 && groups < 5)
        {
            digits.push_str(more);
            (next, groups) = (next + 2, groups + 1);
        }
        if groups < least {
            continue;
        }
        let mut words = cardinal(&digits);
        let decimal = group(decimals, next);
        if let Some(decimal) = decimal {
            words = format!("{words} phẩy {}", fraction(decimal));
            next += 2;
        }
        return Some(Number { words, next, whole: decimal.is_none() });
    }
    let (words, next) = (cardinal(first), at + 1);
    if let Some(decimal) = group(',', next) {
        return Some(Number {
            words: format!("{words} phẩy {}", fraction(decimal)),
            next: next + 2,
            whole: false,
        });
    }
    if let Some(decimal) = group('.', next).filter(|decimal| decimal.len() <= 2) {
        let measured = unit(view, next + 2).is_some();
        let mark = if measured { "phẩy" } else { "chấm" };
        return Some(Number {
            words: format!("{words} {mark} {}", fraction(decimal)),
            next: next + 2,
            whole: false,
        });
    }
    Some(Number { words, next, whole: true })
}

fn with_unit(view: View<'_>, at: usize, number: Number) -> Reading {
    let mut words = number.words;
    let mut next = number.next;
    if number.whole
        && let Some(ordinal) = ordinal(view, at)
    {
        words = ordinal.to_owned();
    }
    let sign = view.kind(at.wrapping_sub(1));
    if sign == Some(Kind::Mark('$')) {
        words.push_str(" đô la");
    }
    let Some((name, behind)) = unit(view, next) else { return Reading { words, next } };
    words = format!("{words} {name}");
    next = behind;
    // "2tr5", "1tỷ2": half, or so many tenths.
    if matches!(name, "triệu" | "tỷ")
        && let Some(tenths) = view.digits(next).filter(|tenths| tenths.len() == 1)
    {
        let tenths = if tenths == "5" { "rưỡi".to_owned() } else { cardinal(tenths) };
        return Reading { words: format!("{words} {tenths}"), next: next + 1 };
    }
    if let Some((per, behind)) = per_unit(view, next, name) {
        words = format!("{words} {per}");
        next = behind;
    }
    Reading { words, next }
}

/// "thứ 4" is "thứ tư", "thứ 1" is "thứ nhất".
fn ordinal(view: View<'_>, at: usize) -> Option<&'static str> {
    let before = view.word_before(at)?;
    match (before.as_str(), view.digits(at)?) {
        ("thứ", "1") => Some("nhất"),
        ("thứ" | "tháng", "4") => Some("tư"),
        _ => None,
    }
}

/// The unit behind a number, over at most one blank, and the place behind it.
fn unit(view: View<'_>, at: usize) -> Option<(&'static str, usize)> {
    let start = view.skip_space(at);
    let adjacent = start == at;
    let symbol = match view.kind(start)? {
        Kind::Mark('%') => Some("phần trăm"),
        Kind::Mark('‰') => Some("phần nghìn"),
        Kind::Mark('$') => Some("đô la"),
        Kind::Mark('€') => Some("ơ rô"),
        Kind::Mark('₫') => Some("đồng"),
        Kind::Mark('°') => {
            let behind = view.skip_space(start + 1);
            return match view.word(behind) {
                Some("C") => Some(("độ xê", behind + 1)),
                Some("F") => Some(("độ ép", behind + 1)),
                _ => Some(("độ", start + 1)),
            };
        }
        Kind::Word | Kind::Digits | Kind::Space | Kind::Newline | Kind::Mark(_) => None,
    };
    if let Some(symbol) = symbol {
        return Some((symbol, start + 1));
    }
    let word = view.word(start)?;
    if word == "oC" && adjacent {
        return Some(("độ xê", start + 1));
    }
    if matches!(word, "tỷ" | "tỉ" | "triệu" | "nghìn" | "ngàn") {
        let name = if word == "triệu" {
            "triệu"
        } else if word.starts_with('t') {
            "tỷ"
        } else {
            "nghìn"
        };
        return adjacent.then_some((name, start + 1));
    }
    measure(view, start, adjacent)
}

/// A unit's letters with the power behind them: m2, km², m3.
fn measure(view: View<'_>, start: usize, adjacent: bool) -> Option<(&'static str, usize)> {
    let word = view.word(start)?;
    let squared = view.is_mark(start + 1, '²') || view.digits(start + 1) == Some("2");
    let cubed = view.is_mark(start + 1, '³') || view.digits(start + 1) == Some("3");
    let power = match (word, squared, cubed) {
        ("m", true, _) => Some("mét vuông"),
        ("km", true, _) => Some("ki lô mét vuông"),
        ("cm", true, _) => Some("xăng ti mét vuông"),
        ("m", _, true) => Some("mét khối"),
        ("cm", _, true) => Some("xăng ti mét khối"),
        _ => None,
    };
    if let Some(power) = power {
        return Some((power, start + 2));
    }
    // Letters that are also words or names are units only where they touch the number.
    if !adjacent && matches!(word, "k" | "K" | "p" | "s" | "V" | "tr" | "h") {
        return None;
    }
    let name = tables::unit(word)?;
    // "5 l-" or "3 m'" is something else; so is a unit with a digit stuck to it, except "2tr5".
    let runs_on = view.digits(start + 1).is_some() && name != "triệu";
    (!runs_on).then_some((name, start + 1))
}

/// "/kg" behind money is "một ki lô gam", behind a measure "trên héc ta".
fn per_unit(view: View<'_>, at: usize, unit_name: &str) -> Option<(String, usize)> {
    if !view.is_mark(at, '/') {
        return None;
    }
    let priced = matches!(unit_name, "đồng" | "nghìn" | "triệu" | "tỷ" | "đô la" | "phần trăm");
    let joint = if priced { "một" } else { "trên" };
    if let Some((name, next)) = measure(view, at + 1, true) {
        return Some((format!("{joint} {name}"), next));
    }
    let word = view.word(at + 1)?;
    // A measure for each person, month or household is said with "một" too.
    Some((format!("một {word}"), at + 2))
}

/// "đồng/kg", "đồng/người" and "tấn/ha" behind a number in words.
pub(super) fn per_word(view: View<'_>, at: usize) -> Option<Reading> {
    let before = view.word_before(at).filter(|_| view.is_mark(at, '/'))?;
    let priced = matches!(&*before, "đồng" | "nghìn" | "ngàn" | "triệu" | "tỷ");
    if !priced && !matches!(&*before, "tấn" | "tạ" | "yến" | "người" | "lít" | "mét" | "con" | "kwh")
    {
        return None;
    }
    let joint = if priced { "một" } else { "trên" };
    if let Some((name, next)) = measure(view, at + 1, true) {
        return Some(Reading { words: format!("{joint} {name}"), next });
    }
    let word = view.word(at + 1).filter(|_| priced)?;
    Some(Reading { words: format!("một {word}"), next: at + 2 })
}
