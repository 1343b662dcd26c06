//! Numbers that count or measure: with sign, scale, unit, "/unit", up to a second number behind a dash.
//!
//! A dash between two numbers is "đến", never "âm"; a dash in front of a number that follows nothing is "âm".

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::tables::{Unit, UnitKind};
use super::super::view::View;
use super::amount::Amount;
use super::units::{self, Tail};
use super::{Candidate, cues, fraction};

/// A number with all that belongs to it.
pub(super) fn quantity(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    if let Some(candidate) = with_fraction(view, at, say) {
        return Some(candidate);
    }
    let first = one(view, at, say)?;
    let Some(second) = view.skip_dash(first.next).filter(|_| first.class != Class::Digits) else {
        return Some(times(view, first, say));
    };
    // A difference that is worked out, or two numbers that only stand beside each other.
    let is_sum = view.has_cue(at, 1, &["trừ"]);
    let mark = say.mark();
    say.say(if is_sum { "trừ" } else { "đến" });
    let second = if view.digits(second).is_some() { one(view, second, say) } else { None };
    // "250kVA - 22/0,4kV": what follows is a pair of its own.
    let is_pair = |next: usize| {
        view.is_mark(next, '/') && view.digits(next - 1).is_some() && view.digits(next + 1).is_some()
    };
    let Some(second) = second.filter(|second| second.class != Class::Digits && !is_pair(second.next)) else {
        say.back_to(mark);
        return Some(first);
    };
    let class = if matches!(second.class, Class::Cardinal | Class::Decimal | Class::Ordinal) {
        Class::Range
    } else {
        second.class
    };
    let mut range = Candidate::new(class, second.next);
    // "16-16-8" and "1-2-3": more dashes make a list.
    while let Some(third) = view.skip_dash(range.next).filter(|&third| view.digits(third).is_some()) {
        say.pause();
        let Some(more) = one(view, third, say) else { break };
        range.next = more.next;
    }
    Some(range)
}

/// "-5°C", "+2%": the sign stands where nothing to count from is in front.
pub(super) fn signed(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let name = match view.mark(at)? {
        '-' => "âm",
        '+' => "cộng",
        '±' => "cộng trừ",
        _ => return None,
    };
    view.digits(at + 1)?;
    let free = at == 0
        || view.is_gap(at - 1)
        || matches!(view.mark(at - 1), Some('(' | ':' | ';' | ',' | '/' | '"' | '=' | '<' | '>'));
    // At the start of a line behind the first one, "-5 hộ" is an item of a list.
    let is_bullet = at > 0 && view.at_line_start(at) && !is_degree(view, at + 1);
    if !free || (is_bullet && name != "cộng trừ") {
        return None;
    }
    say.say(name);
    let mark = say.mark();
    let read = fraction::fraction(view, at + 1, say).or_else(|| {
        say.back_to(mark);
        quantity(view, at + 1, say)
    })?;
    Some(Candidate { class: read.class, next: read.next, cued: true })
}

fn is_degree(view: View<'_>, at: usize) -> bool {
    Amount::parse(view, at)
        .and_then(|amount| units::tail(view, amount.next))
        .is_some_and(|(tail, _)| matches!(tail, Tail::Degree(_)))
}

/// "$100", "€5,50".
pub(super) fn currency_first(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let sign = view.mark(at)?;
    let name = match sign {
        '$' => "đô la",
        '€' => "ơ rô",
        '£' => "bảng",
        '¥' => "yên",
        '₫' => "đồng",
        _ => return None,
    };
    let amount = Amount::parse(view, view.skip_space(at + 1))?;
    if let Some(next) = cents(view, &amount, name, amount.next, say) {
        return Some(Candidate::cued(Class::Money, next));
    }
    amount.say(true, say);
    let next = scale(view, amount.next, say).unwrap_or(amount.next);
    say.say(name);
    Some(Candidate::cued(Class::Money, units::per(view, next, UnitKind::Money, say)))
}

/// "5,99$" is "năm đô la chín mươi chín xu", "0,5$" is "năm mươi xu".
fn cents(
    view: View<'_>,
    amount: &Amount<'_>,
    name: &str,
    next: usize,
    say: &mut Saying<'_>,
) -> Option<usize> {
    let cents = amount.hundredths()?;
    let scaled = scale_at(view, next).is_some() || view.is_mark(next, '/');
    if scaled || !matches!(name, "đô la" | "ơ rô" | "bảng") {
        return None;
    }
    let mark = say.mark();
    amount.say_whole(say);
    if say.words(mark..say.mark()).trim() == "không" {
        say.back_to(mark);
    } else {
        say.say(name);
    }
    if cents > 0 {
        say.number(cents).say("xu");
    }
    Some(next)
}

/// A number, its scale, its unit and "/unit".
fn one(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let mut amount = Amount::parse(view, at)?;
    let tail = units::tail(view, amount.next).map(|(tail, next)| (in_context(view, at, tail, next), next));
    if let Some((Tail::Unit(Unit { kind: UnitKind::Money, name, .. }), next)) = tail {
        if name == "đồng" {
            amount = amount.regrouped();
        }
        let symbol = view.mark(next - 1).is_some();
        if symbol && let Some(next) = cents(view, &amount, name, next, say) {
            return Some(Candidate::new(Class::Money, next));
        }
    }
    let tail = tail.or_else(|| capital(view, at, &amount));
    let Some((tail, next)) = tail.filter(|(tail, next)| fits(view, *tail, *next, &amount)) else {
        return Some(bare(view, at, &amount, say));
    };
    amount.say(true, say);
    if is_mark_of_a_test(view, at, next, &amount) {
        say.say("điểm");
        return Some(Candidate::new(Class::Measure, next));
    }
    tail.say(say);
    let (kind, class) = (tail.kind(), tail.class());
    if kind == UnitKind::Scale {
        return Some(scaled(view, tail, next, &amount, say));
    }
    let next = tenths_of_a_metre(view, tail, next, say).unwrap_or(next);
    Some(Candidate::new(class, units::per(view, next, kind, say)))
}

/// A number without a unit.
fn bare(view: View<'_>, at: usize, amount: &Amount<'_>, say: &mut Saying<'_>) -> Candidate {
    if amount.is_only_digits() {
        amount.say(false, say);
        return Candidate::new(Class::Digits, amount.next);
    }
    let (value, next) = (amount.value(), amount.next);
    let ordinal = match value {
        Some(1) if view.follows(at, &["thứ"]) => Some("nhất"),
        Some(4) if view.follows(at, &["thứ", "tháng", "quý"]) => Some("tư"),
        _ => None,
    };
    if let Some(word) = ordinal {
        say.say(word);
        return Candidate::new(Class::Ordinal, next);
    }
    match amount.year() {
        Some(year) if view.has_cue(at, 3, cues::YEAR) => _ = say.year(year),
        _ => amount.say(false, say),
    }
    let class = if view.follows(at, &["thứ"]) {
        Class::Ordinal
    } else if amount.is_whole() {
        Class::Cardinal
    } else {
        Class::Decimal
    };
    // "100.000/mm3"
    let in_space = || matches!(units::measure(view, next + 1, true), Some((Tail::Power(..), _)));
    let next = if view.is_mark(next, '/') && (units::is_each(view, next + 1) || in_space()) {
        units::per(view, next, UnitKind::Measure, say)
    } else {
        next
    };
    Candidate::new(class, next)
}

/// A capital that is a unit only where the sentence says of what: "dòng 100A", "thọ 91T", "kỳ hạn 12T".
fn capital(view: View<'_>, at: usize, amount: &Amount<'_>) -> Option<(Tail, usize)> {
    let short = view.value(at, 3).is_some_and(|value| value > 0);
    let name = match view.token(amount.next) {
        "A" if view.has_cue(at, 4, cues::CURRENT) => "am pe",
        "T" if short && view.has_cue(at, 5, cues::AGE) => "tuổi",
        "T" if short && view.has_cue(at, 4, &["tải", "trọng", "nặng", "xe"]) => "tấn",
        "T" if (1..=12).contains(&view.value(at, 2).unwrap_or(0)) && is_so_far(view, at, amount.next + 1) => {
            "tháng"
        }
        "T" if short && view.has_cue(at, 6, &["hạn", "gửi", "tiết"]) => "tháng",
        _ => return None,
    };
    let unit = Unit { name, kind: UnitKind::Measure, touches: true };
    (view.digits(amount.next + 1).is_none()).then_some((Tail::Unit(unit), amount.next + 1))
}

/// "9T/2025", "9T đầu năm", "6T: 4,1%": the months of a year so far.
fn is_so_far(view: View<'_>, at: usize, next: usize) -> bool {
    let year = view.is_mark(next, '/') && view.exactly(next + 1, 4).is_some();
    let begins = view.before(at).is_none_or(|before| view.word(before).is_none());
    let head = begins
        && view.is_mark(next, ':')
        && matches!(view.value(at, 2), Some(3 | 6 | 9 | 10 | 11 | 12))
        && view.digits(view.skip_space(next + 1)).is_some();
    year || head || view.precedes(next, &["đầu", "cuối"])
}

/// "xe tải 3,5t": tonnes, where elsewhere "t" is a thousand million.
fn in_context(view: View<'_>, at: usize, tail: Tail, next: usize) -> Tail {
    let of_goods = view.token(next - 1) == "t"
        && view.has_cue(at, 4, &["tải", "xe", "hàng", "trọng", "lượng", "thóc", "lúa", "gạo", "phân"]);
    if of_goods {
        return Tail::Unit(Unit { name: "tấn", kind: UnitKind::Measure, touches: true });
    }
    // "mạch 78 l/p": beats, no litres.
    let of_beats = view.token(next - 1) == "l"
        && view.is_mark(next, '/')
        && view.has_cue(at, 4, &["mạch", "nhịp", "tim", "thở"]);
    if of_beats {
        return Tail::Unit(Unit { name: "lần", kind: UnitKind::Measure, touches: false });
    }
    // "nam 18-40t", "trẻ <6t": years of age.
    let of_age = view.token(next - 1) == "t"
        && view.value(at, 3).is_some_and(|value| (1..=110).contains(&value))
        && (view.has_cue(at, 5, cues::AGE)
            || view.has_cue(at, 5, &["nam", "nữ", "lđ", "thông", "nct"])
            || is_beside_a_name(view, at, next));
    if of_age {
        return Tail::Unit(Unit { name: "tuổi", kind: UnitKind::Measure, touches: true });
    }
    tail
}

/// "Ông Hà Văn B, 45t, trú thôn 3": between commas behind somebody's name.
fn is_beside_a_name(view: View<'_>, at: usize, next: usize) -> bool {
    let person = ["ông", "bà", "anh", "chị", "em", "cháu", "cụ", "cô", "chú", "bác"];
    let behind = view.before(at).filter(|mark| matches!(view.mark(*mark), Some(',' | '(')));
    let name = behind.and_then(|mark| view.before(mark)).and_then(|name| view.shape(name));
    name.is_some_and(|name| name.capitalised)
        && matches!(view.mark(next), Some(',' | ')' | ';'))
        && view.has_cue(at, 6, &person)
}

/// Whether letters behind a number are its unit here.
fn fits(view: View<'_>, tail: Tail, next: usize, amount: &Amount<'_>) -> bool {
    let Tail::Unit(unit) = tail else { return true };
    let touches = !view.is_space(amount.next);
    let symbol = view.token(next.saturating_sub(1));
    match symbol {
        // "thông điệp 5K", "tivi 4K": one figure and a capital is a name.
        "K" => !(touches && amount.value().is_some_and(|value| value < 10)),
        // "7 g" is grams; "7g sáng" is handled by the clock.
        "L" | "V" | "W" => touches && unit.touches,
        // "5 h", "thôn 5 Đ": a capital apart is a name.
        "Đ" => touches,
        // Apart from the number these capitals are short for something else: "12 TB".
        "TB" | "MB" | "MP" | "AH" | "CC" | "DB" | "CV" | "MS" | "NM" | "HM" | "PA" => touches,
        _ => true,
    }
}

/// "phần I (6đ)": behind a small number beside a test "đ" is no đồng.
fn is_mark_of_a_test(view: View<'_>, at: usize, next: usize, amount: &Amount<'_>) -> bool {
    let small = view.value(at, 2).is_some_and(|value| value <= 30) && amount.next <= at + 3;
    let bracketed = at > 0 && view.is_mark(at - 1, '(') && view.is_mark(next, ')');
    small
        && view.token(next - 1) == "đ"
        && (bracketed
            || view.has_cue(
                at,
                6,
                &["điểm", "thi", "đề", "phần", "bài", "câu", "bảng", "hạng", "trận", "môn"],
            ))
}

/// What may stand behind a scale: its tenths ("2tr5"), what is counted, "/unit".
fn scaled(view: View<'_>, tail: Tail, next: usize, amount: &Amount<'_>, say: &mut Saying<'_>) -> Candidate {
    if amount.is_whole()
        && let Some(tenths) = view.digits(next).filter(|tenths| tenths.len() <= 3)
        && view.word(next + 1).is_none()
        && !matches!(view.mark(next + 1), Some('/' | '-' | ',' | '.') if view.digits(next + 2).is_some())
    {
        say_tenths(tail, tenths, say);
        return Candidate::cued(Class::Money, units::per(view, next + 1, UnitKind::Money, say));
    }
    let mut next = next;
    // "1,5 nghìn tỷ", "2 triệu tấn", "50 nghìn đồng", "1,5 tr.đ": what is counted.
    if let Some(behind) = scale(view, next, say) {
        next = behind;
    }
    let dotted = if view.is_mark(next, '.') && matches!(view.token(next + 1), "đ" | "đồng") {
        next + 1
    } else {
        next
    };
    let counted = units::tail(view, dotted)
        .filter(|(counted, _)| matches!(counted.kind(), UnitKind::Money | UnitKind::Measure))
        .filter(|(counted, behind)| {
            let touching = matches!(counted, Tail::Unit(unit) if unit.touches) && dotted != behind - 1;
            *counted != Tail::Percent && !touching
        });
    let Some((counted, behind)) = counted else {
        return Candidate::new(Class::Money, units::per(view, next, UnitKind::Scale, say));
    };
    counted.say(say);
    Candidate::new(counted.class(), units::per(view, behind, counted.kind(), say))
}

/// "2tr5" is "hai triệu rưỡi", "1tỷ2" "một tỷ hai", "1tr250" "một triệu hai trăm năm mươi nghìn".
fn say_tenths(tail: Tail, tenths: &str, say: &mut Saying<'_>) {
    if let [tenth] = tenths.as_bytes() {
        if *tenth == b'5' {
            say.say("rưỡi")
        } else {
            say.cardinal(tenths)
        };
        return;
    }
    let Ok(value) = tenths.parse::<u64>() else { return };
    say.number(if tenths.len() == 2 { value * 10 } else { value });
    let below = match tail {
        Tail::Unit(unit) if unit.name == "tỷ" => "triệu",
        Tail::Unit(unit) if unit.name == "triệu" => say.options.thousand(),
        Tail::Unit(_) | Tail::Percent | Tail::Power(..) | Tail::Degree(_) => "",
    };
    say.say(below);
}

/// A second scale: "nghìn tỷ".
fn scale(view: View<'_>, next: usize, say: &mut Saying<'_>) -> Option<usize> {
    let (tail, behind) = scale_at(view, next)?;
    tail.say(say);
    Some(behind)
}

fn scale_at(view: View<'_>, next: usize) -> Option<(Tail, usize)> {
    let (tail, behind) = units::tail(view, next)?;
    let word = view.token(behind - 1);
    let is_scale = matches!(tail.kind(), UnitKind::Scale) && word.chars().count() > 1;
    is_scale.then_some((tail, behind))
}

/// "1m65" is "một mét sáu mươi lăm", "2m5" "hai mét năm".
fn tenths_of_a_metre(view: View<'_>, tail: Tail, next: usize, say: &mut Saying<'_>) -> Option<usize> {
    let Tail::Unit(Unit { name: "mét", .. }) = tail else { return None };
    let tenths = view.digits(next).filter(|tenths| tenths.len() <= 2)?;
    say.decimals(tenths);
    Some(next + 1)
}

/// "5 1/2" is "năm và một phần hai".
fn with_fraction(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let whole = view.value(at, 4)?;
    let (above, below) = (view.value(at + 2, 1)?, view.value(at + 4, 2)?);
    let mixed = view.is_space(at + 1) && view.is_mark(at + 3, '/') && above < below && below <= 10;
    if !mixed || above == 0 || view.is_mark(at + 5, '/') || view.has_cue(at, 6, cues::NEAR_DAY) {
        return None;
    }
    // "thôn 5 1/2 diện tích" has no mixed number.
    if view.before(at).is_some_and(|before| view.word(before).is_some()) && !view.is_alone(at, at + 5) {
        return None;
    }
    say.number(whole).say("và").number(above).say("phần").which(below);
    Some(Candidate::new(Class::Fraction, at + 5))
}

/// "3m x 4m", "100 x 50 cm": "nhân".
fn times(view: View<'_>, first: Candidate, say: &mut Saying<'_>) -> Candidate {
    let mut read = first;
    for _ in 0..2 {
        let at = view.skip_space(read.next);
        let is_times = matches!(view.token(at), "x" | "X" | "×" | "*");
        let factor = view.skip_space(at + 1);
        if !is_times || view.digits(factor).is_none() {
            break;
        }
        let mark = say.mark();
        say.say("nhân");
        let Some(more) = one(view, factor, say) else {
            say.back_to(mark);
            break;
        };
        // "2x15'"
        if view.is_mark(more.next, '\'') {
            say.say("phút");
            return Candidate::new(Class::Time, more.next + 1);
        }
        read = Candidate::new(more.class, more.next);
    }
    read
}
