//! Units behind a number, and what is counted "per" what.

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::tables::{self, Unit, UnitKind};
use super::super::view::{View, is_one_of};
use super::amount::Amount;
use super::cues;

/// What follows a number and belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    Percent,
    Unit(Unit),
    /// A square or cube of a unit of length.
    Power(&'static str, &'static str),
    /// A degree, with its scale.
    Degree(&'static str),
}

impl Tail {
    pub(super) fn say(self, say: &mut Saying<'_>) {
        match self {
            Self::Percent => say.say("phần trăm"),
            Self::Unit(unit) if unit.name == "nghìn" => {
                let thousand = say.options.thousand();
                say.say(thousand)
            }
            Self::Unit(unit) => say.say(unit.name),
            Self::Power(name, power) => say.say(name).say(power),
            Self::Degree(scale) => say.say("độ").say(scale),
        };
    }

    pub(super) const fn kind(self) -> UnitKind {
        match self {
            Self::Unit(unit) => unit.kind,
            Self::Percent | Self::Power(..) | Self::Degree(_) => UnitKind::Measure,
        }
    }

    pub(super) const fn class(self) -> Class {
        match self {
            Self::Percent => Class::Percent,
            Self::Unit(unit) => match unit.kind {
                UnitKind::Measure => Class::Measure,
                UnitKind::Time => Class::Time,
                UnitKind::Money | UnitKind::Scale => Class::Money,
            },
            Self::Power(..) | Self::Degree(_) => Class::Measure,
        }
    }
}

/// The unit behind a number, over at most one blank, and the place behind it.
pub(super) fn tail(view: View<'_>, next: usize) -> Option<(Tail, usize)> {
    let at = view.skip_space(next);
    symbol(view, at).or_else(|| measure(view, at, at == next))
}

fn symbol(view: View<'_>, at: usize) -> Option<(Tail, usize)> {
    let unit = |name, kind| Tail::Unit(Unit { name, kind, touches: false });
    let tail = match view.mark(at)? {
        '%' => Tail::Percent,
        '‰' => unit("phần nghìn", UnitKind::Measure),
        '$' => unit("đô la", UnitKind::Money),
        '€' => unit("ơ rô", UnitKind::Money),
        '£' => unit("bảng", UnitKind::Money),
        '¥' => unit("yên", UnitKind::Money),
        '₫' => unit("đồng", UnitKind::Money),
        '°' => {
            let behind = view.skip_space(at + 1);
            return Some(match view.token(behind) {
                "C" | "c" => (Tail::Degree("xê"), behind + 1),
                "F" => (Tail::Degree("ép"), behind + 1),
                _ => (Tail::Degree(""), at + 1),
            });
        }
        _ => return None,
    };
    Some((tail, at + 1))
}

/// A unit's letters with the power behind them: kg, m2, km², m3.
pub(super) fn measure(view: View<'_>, at: usize, touches: bool) -> Option<(Tail, usize)> {
    let word = view.word(at)?;
    if word == "oC" || word == "ºC" {
        return Some((Tail::Degree("xê"), at + 1));
    }
    // "300M3/S" in a heading.
    let cubed = word == "M" && touches && matches!(view.digits(at + 1), Some("2" | "3"));
    let behind_stroke = at > 0 && view.is_mark(at - 1, '/') && view.word(at + 1).is_none();
    let unit = match word {
        "M" if cubed => tables::unit("m")?,
        "S" if behind_stroke => tables::unit("s")?,
        "H" if behind_stroke => tables::unit("h")?,
        _ => tables::unit(word)?,
    };
    let power = match (view.mark(at + 1), view.digits(at + 1)) {
        (Some('²'), _) | (_, Some("2")) => Some("vuông"),
        (Some('³'), _) | (_, Some("3")) => Some("khối"),
        _ => None,
    };
    if let Some(power) = power
        && unit.name.ends_with("mét")
    {
        return Some((Tail::Power(unit.name, power), at + 2));
    }
    // Letters that are also words or names are units only where they touch the number.
    if unit.touches && !touches {
        return None;
    }
    // "5 m'" and "3 kA1" are something else; "5đ/c" is no money.
    (!view.is_mark(at + 1, '\'') && !runs_on(view, at, word)).then_some((Tail::Unit(unit), at + 1))
}

/// "5đ/c ..." are five comrades.
fn runs_on(view: View<'_>, at: usize, word: &str) -> bool {
    matches!(word, "đ" | "Đ") && view.is_mark(at + 1, '/') && matches!(view.token(at + 2), "c" | "C")
}

/// Whatever is said to be counted "per" it, with "một" in front: a time, a person, a piece.
const EACH: &[&str] = &[
    "ngày", "tháng", "năm", "tuần", "lần", "người", "hộ", "buổi", "vụ", "khẩu", "suất", "chiếc", "con",
    "cây", "nhân", "học", "em", "đêm", "quý", "lượt", "vé", "thẻ", "xe", "bộ", "bao", "thùng", "chuyến",
    "phòng", "ca", "giờ", "đơn", "gốc", "khóa", "trẻ", "cháu", "nhà", "căn", "lớp", "cặp", "gia", "bình",
    "sào", "công", "đợt", "mẫu", "lao", "phút", "quả", "trái", "gói", "hạng",
];

/// "/kg" and the like behind a number with its unit: "một ki lô gam" behind money, "trên héc ta" behind a measure.
/// Reads on for as long as it goes ("lít/người/ngày"), at most three times.
pub(super) fn per(view: View<'_>, mut next: usize, left: UnitKind, say: &mut Saying<'_>) -> usize {
    let priced = matches!(left, UnitKind::Money | UnitKind::Scale);
    for step in 0..3 {
        // "500.000đ / suất"
        let apart = priced && view.is_mark(next + 1, '/') && is_each(view, view.skip_space(next + 2));
        if apart && view.is_space(next) {
            next += 1;
        }
        if !view.is_mark(next, '/') {
            break;
        }
        // "1.250.000 đồng/ 1 hộ"
        let at = view.skip_space(next + 1);
        let behind_one = view.skip_space(at + 1);
        if matches!(view.digits(at), Some("1" | "01")) && view.word(behind_one).is_some() {
            say.say("một");
            next = match measure(view, behind_one, true) {
                Some((tail, behind)) => {
                    tail.say(say);
                    behind
                }
                None => {
                    say.say(view.token(behind_one));
                    behind_one + 1
                }
            };
            continue;
        }
        // "50mm/3h"
        if view.digits(at).is_some()
            && let Some((tail, behind)) = tail(view, at + 1).filter(|(tail, _)| tail.kind() == UnitKind::Time)
        {
            say.say("trong").cardinal(view.token(at));
            tail.say(say);
            return behind;
        }
        // "1,6g/16 lít nước", "200g/10 m2"
        if view.digits(at).is_some()
            && let Some(amount) = Amount::parse(view, at)
            && let Some((tail, behind)) = tail(view, amount.next).filter(|(tail, _)| is_of_matter(*tail))
        {
            say.say("trên");
            amount.say(true, say);
            tail.say(say);
            next = behind;
            continue;
        }
        if let Some((tail, behind)) = measure(view, at, true) {
            let name_is_word = view.word(at).is_some_and(|word| is_one_of(word, EACH));
            let fast = matches!(tail.kind(), UnitKind::Time) && matches!(left, UnitKind::Measure);
            let each = (priced || step > 0 || name_is_word) && !fast;
            say.say(if each { "một" } else { "trên" });
            tail.say(say);
            next = behind;
            continue;
        }
        // Over a blank only what is counted in any case: "5kg/ người".
        if view.word(at).is_none() || (at != next + 1 && !is_each(view, at)) {
            break;
        }
        say.say("một");
        let word = view.token(at);
        match tables::plain_abbreviation(word) {
            Some(long) => say.say(long),
            None if view.shape(at).is_some_and(|shape| shape.is_upper() && shape.vowelless) => {
                say.letters(word)
            }
            None => say.say(word),
        };
        next = at + 1;
    }
    next
}

pub(super) const fn is_of_matter(tail: Tail) -> bool {
    match tail {
        Tail::Unit(unit) => matches!(unit.kind, UnitKind::Measure),
        Tail::Power(..) => true,
        Tail::Percent | Tail::Degree(_) => false,
    }
}

/// Whether "/word" counts something per each.
pub(super) fn is_each(view: View<'_>, at: usize) -> bool {
    view.is_word(at, EACH)
}

/// The counted things behind which "trên" joins two counts.
pub(super) fn counts(view: View<'_>, next: usize) -> bool {
    view.precedes(next, cues::COUNTED)
}
