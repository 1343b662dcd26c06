//! Numbers that name and don't count: identity, account, tax and file numbers, and the shares of a fertiliser.

use super::super::class::Class;
use super::super::lexer::Kind;
use super::super::saying::Saying;
use super::super::tables::UnitKind;
use super::super::view::View;
use super::{Candidate, cues, units};

/// Most tokens of a number.
const PIECES_MAX: usize = 16;

/// Digit by digit where something in front says that it's such a number; groups of three or four with a pause between.
pub(super) fn code(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let first = view.digits(at)?;
    let ticket = view.follows(at, &["số"]) && view.has_cue(at, 2, &["vé"]);
    let drawn = first.len() >= 5 && (ticket || view.has_cue(at, 6, &["xổ", "đb"]));
    // "số CK 123456": a form's series and number.
    let series = view.before(at).is_some_and(|series| {
        view.shape(series).is_some_and(|shape| shape.is_upper() && shape.letters <= 3)
            && view.follows(series, &["số", "seri", "mã", "hiệu", "phát"])
    });
    let named = drawn || (series && first.len() >= 5) || view.has_cue(at, 4, cues::CODE);
    if !named || is_lifetime(view, at) {
        return None;
    }
    let (mut next, mut digits) = (at + 1, first.len());
    while next < at + PIECES_MAX {
        let piece = if separates(view, next) { next + 1 } else { next };
        let dotted = piece > next && !view.is_space(next);
        let Some(length) =
            piece_length(view, piece, dotted).filter(|_| piece > next || view.digits(piece).is_none())
        else {
            break;
        };
        digits += length;
        next = piece + 1;
    }
    let counted = view.precedes(next, cues::THINGS)
        || (matches!(view.mark(next), Some('%' | '/' | ',')) && view.digits(next + 1).is_some());
    // A sum of money is grouped by dots too.
    let grouped = next > at + 1 && view.is_mark(at + 1, '.') && first.len() <= 3 && !first.starts_with('0');
    if digits < 6 || counted || grouped {
        return None;
    }
    for piece in at..next {
        match view.kind(piece) {
            Some(Kind::Digits) => in_groups(view.token(piece), say),
            Some(Kind::Word(_)) => _ = say.letters(view.token(piece)),
            Some(Kind::Space | Kind::Newline | Kind::Mark(_)) | None => _ = say.pause(),
        }
    }
    Some(Candidate::cued(Class::Code, next))
}

/// "mã hồ sơ H36.25.101-251020-0003": a letter in front of the groups.
pub(super) fn file(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    view.shape(at).filter(|shape| shape.is_upper() && shape.letters <= 3)?;
    if !view.has_cue(at, 4, &["mã", "hồ", "hs", "biên", "phiếu", "vận"]) {
        return None;
    }
    let (mut next, mut groups, mut digits) = (at + 1, 0, 0);
    while groups < PIECES_MAX
        && let Some(group) = view.digits(next)
    {
        (groups, digits) = (groups + 1, digits + group.len());
        let more = matches!(view.mark(next + 1), Some('.' | '-')) && view.digits(next + 2).is_some();
        if !more {
            break;
        }
        next += 2;
    }
    if groups < 2 || digits < 8 || view.word(next + 1).is_some() {
        return None;
    }
    say.letters(view.token(at));
    for group in (at + 1..=next).step_by(2) {
        if group > at + 1 {
            say.pause();
        }
        in_groups(view.token(group), say);
    }
    Some(Candidate::cued(Class::Code, next + 1))
}

/// "pháp danh Minh Tâm, 1935-2026": two years.
fn is_lifetime(view: View<'_>, at: usize) -> bool {
    let year = |at: usize| view.exactly(at, 4).filter(|year| (1_800..=2_100).contains(year));
    let until = view.skip_dash(at + 1).and_then(year);
    year(at).zip(until).is_some_and(|(from, until)| from < until)
}

fn separates(view: View<'_>, at: usize) -> bool {
    view.token(at) == " " || matches!(view.mark(at), Some('.' | '-'))
}

/// The digits of one piece of a code: two and more digits (behind a dot or dash one will do), or letters (with none) that
/// digits follow.
fn piece_length(view: View<'_>, at: usize, dotted: bool) -> Option<usize> {
    if let Some(digits) = view.digits(at) {
        return (dotted || digits.len() > 1).then_some(digits.len());
    }
    let letters = view.shape(at).is_some_and(|shape| shape.is_upper() && shape.letters <= 3);
    (letters && view.digits(at + 1).is_some() && !view.is_space(at - 1)).then_some(0)
}

/// A long number is said in groups, so that it can be written down.
fn in_groups(digits: &str, say: &mut Saying<'_>) {
    let size = match digits.len() {
        0..=5 => digits.len().max(1),
        count if count.is_multiple_of(4) => 4,
        _ => 3,
    };
    let mut rest = digits;
    while !rest.is_empty() {
        // No single digit is left for the end.
        let size = if rest.len() == size + 1 { rest.len() } else { size.min(rest.len()) };
        let (group, behind) = rest.split_at(size);
        say.digits(group);
        if !behind.is_empty() {
            say.pause();
        }
        rest = behind;
    }
}

/// "NPK 16-16-8": no ranges.
pub(super) fn fertiliser(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let before = view.before(at)?;
    let before = if view.is_mark(before, '-') { before.checked_sub(1)? } else { before };
    if !view.is_word(before, &["npk", "dap"]) {
        return None;
    }
    // "DAP 18.000đ/kg" is a price.
    view.digits(at + 2).filter(|_| view.is_mark(at + 1, '-'))?;
    say.cardinal(view.digits(at)?);
    let mut next = at + 1;
    while next < at + 8
        && view.is_mark(next, '-')
        && let Some(share) = view.digits(next + 1)
    {
        say.cardinal(share);
        next += 2;
    }
    // "NPK 16-16-8/ha"
    let next = units::per(view, next, UnitKind::Measure, say);
    Some(Candidate::cued(Class::Code, next))
}
