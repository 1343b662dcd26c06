//! a/b: "một phần hai" for parts of one thing, "mười bốn trên mười chín" for so many of so many.

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::tables::UnitKind;
use super::super::view::View;
use super::amount::Amount;
use super::{Candidate, cues, units};

pub(super) fn fraction(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let (above, below) =
        (view.digits(at)?, view.is_mark(at + 1, '/').then(|| view.digits(at + 2)).flatten()?);
    if above.len() > 9 || below.len() > 9 {
        return None;
    }
    let mut next = at + 3;
    let (part, whole) = (view.value(at, 9)?, view.value(at + 2, 9)?);
    let of_parts = view.precedes(next, cues::PARTS) && !units::counts(view, next);
    let alone = view.is_alone(at, next) || (at > 0 && !view.is_space(at - 1) && view.is_alone(at - 1, next));
    let small = part < whole && whole <= 10 && part > 0;
    // A disabled soldier's grade: "hạng 2/4".
    let ranked = view.follows(at, &["thứ"]);
    let graded = ranked || view.follows(at, &["hạng", "bậc", "loại"]);
    let divided = is_dose(view, next);
    let parts = !graded
        && ((small && (divided || !units::counts(view, next)))
            || (part < whole && of_parts)
            || (alone && whole > 0));
    if parts {
        say.cardinal(above).say("phần");
        if whole == 4 {
            say.say("tư")
        } else {
            say.cardinal(below)
        };
    } else {
        match part {
            1 if ranked => say.say("nhất"),
            4 if ranked => say.say("tư"),
            _ => say.cardinal(above),
        };
        say.say("trên").cardinal(below);
    }
    // "24/24h", "1/2 kg", "3/4 ha".
    if let Some((tail, behind)) = units::tail(view, next) {
        tail.say(say);
        next = units::per(view, behind, tail.kind(), say);
    } else if view.is_mark(next, '/') && units::is_each(view, next + 1) {
        next = units::per(view, next, UnitKind::Measure, say);
    } else {
        // "1/2/3": more of the same.
        while view.is_mark(next, '/')
            && let Some(more) = view.digits(next + 1)
        {
            say.say("trên").cardinal(more);
            next += 2;
        }
    }
    Some(Candidate::new(Class::Fraction, next))
}

/// "1/2 viên", "1/4 gói": a medicine's piece can be parted; an official ("viên chức") and a tender ("gói thầu") can't.
fn is_dose(view: View<'_>, next: usize) -> bool {
    let piece = view.skip_space(next);
    view.is_word(piece, &["viên", "gói", "liều", "ống"])
        && !view.precedes(piece + 1, &["chức", "thầu", "hỗ", "dự", "mời"])
}

/// "1.245/1.250 cử tri", "45,6/100.000 dân", "22/0,4kV": so much of so much, where one of them is more than bare digits.
pub(super) fn amounts(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let above = Amount::parse(view, at).filter(|above| view.is_mark(above.next, '/'))?;
    let below = Amount::parse(view, above.next + 1)?;
    let written_out = above.next > at + 1 || below.next > above.next + 2;
    // "12.345/2024" may be a number and its year, "1/2/2024" a date.
    if !written_out || view.is_mark(below.next, '/') || (above.next > at + 1 && below.year().is_some()) {
        return None;
    }
    above.say(true, say);
    say.say("trên");
    below.say(true, say);
    let next = match units::tail(view, below.next) {
        Some((tail, behind)) => {
            tail.say(say);
            units::per(view, behind, tail.kind(), say)
        }
        None => below.next,
    };
    Some(Candidate::new(Class::Fraction, next))
}

/// Alleys, and classes of a school ("lớp 4/1"): the stroke divides names.
const NUMBERED: &[&str] = &["hẻm", "ngõ", "ngách", "kiệt", "lớp"];

/// A house number: "số 12/5 Lê Lợi", "hẻm 45/12"; also a class, "lớp 4/1".
pub(super) fn house(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let cued = view.follows(at, NUMBERED) || (view.follows(at, &["số", "nhà"]) && !view.is_mark(at + 3, '/'));
    // "45A/3", "12/5B"
    let letter = |at: usize| view.shape(at).is_some_and(|shape| shape.letters == 1 && shape.capitals == 1);
    let lettered = letter(at + 1) && (cued || names_street(view, at));
    let stroke_at = if lettered { at + 2 } else { at + 1 };
    view.digits(at).filter(|_| (cued || lettered) && view.is_mark(stroke_at, '/'))?;
    view.digits(stroke_at + 1)?;
    let in_a_street = lettered || view.follows(at, NUMBERED) || {
        let behind = view.skip_space(stroke_at + 2);
        let street = ["đường", "phố", "hẻm", "ngõ", "kiệt"];
        view.shape(behind).is_some_and(|shape| shape.capitalised) || view.precedes(stroke_at + 2, &street)
    };
    if !in_a_street {
        return None;
    }
    let stroke = say.options.house_stroke();
    say.cardinal(view.token(at));
    if lettered {
        say.letters(view.token(at + 1));
    }
    let mut next = stroke_at;
    while view.is_mark(next, '/')
        && let Some(more) = view.digits(next + 1)
    {
        say.say(stroke).cardinal(more);
        next += 2;
        if letter(next) {
            say.letters(view.token(next));
            next += 1;
        }
    }
    Some(Candidate::cued(Class::Code, next))
}

/// Whether an address is being told: "Đ/c: 45A/3 Hẻm 112".
fn names_street(view: View<'_>, at: usize) -> bool {
    view.has_cue(at, 3, &["chỉ", "c", "đc", "tại", "ở", "trú"])
}
