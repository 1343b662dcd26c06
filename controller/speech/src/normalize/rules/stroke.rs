//! The stroke between words: short forms ("đ/c"), and prices and rates whose number was written in words ("nghìn đồng/kg").

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::tables::{self, UnitKind};
use super::super::view::View;
use super::amount::Amount;
use super::{Candidate, units};

const MONEY: &[&str] = &["đồng", "nghìn", "ngàn", "triệu", "tỷ", "tỉ", "usd"];
const COUNTED: &[&str] =
    &["tấn", "tạ", "yến", "lít", "mét", "con", "cây", "người", "kwh", "khối", "gam", "hộ"];

/// "đ/c", "v/v", "Đ/c".
pub(super) fn short_form(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    view.word(at).filter(|_| view.is_mark(at + 1, '/'))?;
    let letters = view.shape(at)?.letters + view.shape(at + 2)?.letters;
    if letters > 5 || view.before(at).is_some_and(|before| before + 1 == at && view.digits(before).is_some())
    {
        return None;
    }
    let long = tables::stroke(&view.slice(at, at + 3).to_lowercase())?;
    let long = if long == "đồng chí" && is_address(view, at + 3) { "địa chỉ" } else { long };
    say.say(long);
    let next = if view.is_mark(at + 3, '.') && !view.is_gap(at + 4) { at + 4 } else { at + 3 };
    Some(Candidate::cued(Class::Abbreviation, next))
}

/// "Đ/c: 45 Hùng Vương", "đ/c: thôn 3": no comrade.
fn is_address(view: View<'_>, colon: usize) -> bool {
    let place = ["số", "thôn", "tổ", "xã", "đường", "khu", "hẻm", "ấp", "kiốt", "lô", "nhà", "tdp", "buôn"];
    let at = view.skip_space(colon + 1);
    view.is_mark(colon, ':') && (view.digits(at).is_some() || view.is_word(at, &place))
}

/// "đ/kg", "kg/ha" with no number in front.
pub(super) fn per_unit(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    if !view.is_mark(at + 1, '/') || view.before(at).is_some_and(|before| view.digits(before).is_some()) {
        return None;
    }
    let (tail, next) = units::measure(view, at, true)?;
    let rate = units::measure(view, next + 1, true).is_some() || units::is_each(view, next + 1);
    if !view.is_mark(next, '/') || !rate {
        return None;
    }
    tail.say(say);
    Some(Candidate::new(Class::Measure, units::per(view, next, tail.kind(), say)))
}

/// The stroke of "một trăm nghìn đồng/kg", "hai lần/ngày", "250 người/km2".
pub(super) fn per(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let left = at.checked_sub(1).filter(|left| view.word(*left).is_some() && view.is_mark(at, '/'))?;
    let money = view.is_word(left, MONEY);
    let to_unit = units::measure(view, at + 1, true).is_some();
    let counted = has_number(view, left)
        || view
            .follows(left, &["một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín", "mười", "mấy"]);
    // "2 người/tổ"
    let people =
        view.is_word(left, COUNTED) && view.before(left).is_some_and(|before| view.digits(before).is_some());
    let each = units::is_each(view, at + 1) || (people && view.word(at + 1).is_some());
    if !(money && (to_unit || view.word(at + 1).is_some())
        || counted && (to_unit || each)
        || view.is_word(left, COUNTED) && to_unit)
    {
        return None;
    }
    let kind = if money { UnitKind::Money } else { UnitKind::Measure };
    let next = units::per(view, at, kind, say);
    (next > at).then(|| Candidate::new(Class::Measure, next))
}

/// "1.892 phiếu/2.105 phiếu": so many of so many. In "1.856 hộ/7.950 khẩu" different things stand beside each other.
pub(super) fn of_so_many(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let left = at.checked_sub(1).filter(|left| view.word(*left).is_some() && view.is_mark(at, '/'))?;
    let counted = view.before(left).is_some_and(|before| view.digits(before).is_some());
    view.digits(at + 1).filter(|_| counted)?;
    let behind = Amount::parse(view, at + 1)?.next;
    // "1 gói/200ml nước": so much of one thing in so much of another.
    let mixed = units::tail(view, behind).is_some_and(|(tail, _)| units::is_of_matter(tail));
    let same = mixed || view.token(view.skip_space(behind)).to_lowercase() == view.token(left).to_lowercase();
    same.then(|| say.say("trên"))?;
    Some(Candidate::new(Class::Symbol, at + 1))
}

/// Whether a number stands a few words in front: "400 lít nước/ha", "5 tấn bơ/ngày".
fn has_number(view: View<'_>, left: usize) -> bool {
    for index in (left.saturating_sub(6)..left).rev() {
        if view.digits(index).is_some() {
            return true;
        }
        if view.word(index).is_none() && !view.is_space(index) {
            return false;
        }
    }
    false
}

/// What comes in numbered order, so that a dash between two of them is "đến".
const ORDERED: &[&str] = &[
    "thứ", "mùng", "mồng", "ngày", "tháng", "năm", "lớp", "cấp", "quý", "tuần", "tiết", "bậc", "điều",
    "khoản", "tầng", "hạng", "loại", "khóa", "tuổi", "mức", "bđ", "trang", "bài", "chương",
];

/// "thứ 2 - thứ 6", "lớp 1 - lớp 5", "từ thôn 1 - thôn 4".
pub(super) fn ordered(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let second = view.skip_dash(at).filter(|_| view.is_mark(at, '-'))?;
    let number = view.before(at)?;
    let name = view.before(number).filter(|name| view.is_space(number - 1) && view.word(*name).is_some())?;
    let counted = |at: usize| {
        view.digits(at).is_some()
            || view.is_word(at, &["hai", "ba", "tư", "năm", "sáu", "bảy"])
            || view.shape(at).is_some_and(|shape| shape.roman && shape.is_upper())
    };
    let same = view.token(name).to_lowercase() == view.token(second).to_lowercase();
    let to_sunday = view.is_word(name, &["thứ"]) && view.is_word(second, &["chủ", "cn"]);
    let in_order = view.is_word(name, ORDERED) || view.follows(name, &["từ", "các"]);
    if !counted(number) || !in_order || !(to_sunday || same && counted(view.skip_space(second + 1))) {
        return None;
    }
    say.say("đến");
    Some(Candidate::cued(Class::Range, at + 1))
}

/// "cúm A/H5N1": between the letter and its kind nothing is said.
pub(super) fn kind_of(view: View<'_>, at: usize, _: &mut Saying<'_>) -> Option<Candidate> {
    let left = at.checked_sub(1).filter(|_| view.is_mark(at, '/'))?;
    let letter = view.shape(left).is_some_and(|shape| shape.letters == 1 && shape.capitals == 1);
    let kind = view.shape(at + 1).is_some_and(|shape| shape.is_upper()) && view.digits(at + 2).is_some();
    (letter && kind).then(|| Candidate::new(Class::Symbol, at + 1))
}

/// "HK I/2025", "đợt A/2025": a year behind a stroke.
pub(super) fn year(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let left = at.checked_sub(1)?;
    view.word(left).filter(|_| view.is_mark(at, '/'))?;
    let year = view.exactly(at + 1, 4).filter(|year| (1_900..=2_100).contains(year))?;
    if view.is_mark(at + 2, '/') {
        return None;
    }
    say.say("năm").year(year);
    Some(Candidate::new(Class::Date, at + 2))
}
