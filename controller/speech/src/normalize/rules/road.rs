//! Roads and places on them: QL20, ĐT.725, QL 27C, Km15+200.

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::view::View;
use super::Candidate;

pub(super) fn road(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let (name, needs_touch) = match view.word(at)? {
        "QL" | "Ql" => ("quốc lộ", false),
        "ĐT" => ("đường tỉnh", false),
        "TL" => ("tỉnh lộ", false),
        "HL" => ("hương lộ", false),
        "ĐH" => ("đường huyện", true),
        "Km" | "KM" | "km" => return kilometre(view, at, say),
        "K" if is_milestone(view, at) => return kilometre(view, at, say),
        _ => return None,
    };
    let number = match view.mark(at + 1) {
        Some('.' | '-') => view.skip_space(at + 2),
        // "trường ĐH 30 năm" is a university.
        _ if needs_touch && !view.follows(at, &["đường", "tuyến"]) => at + 1,
        _ => view.skip_space(at + 1),
    };
    let digits = view.digits(number).filter(|digits| digits.len() <= 4)?;
    // "ĐT 0263": a telephone's "điện thoại".
    if digits.starts_with('0') && digits.len() > 2
        || view.digits(number + 2).is_some() && view.is_mark(number + 1, '.')
    {
        return None;
    }
    // Provincial roads have three figures: "ĐT8" is a kind of rice.
    if name == "đường tỉnh" && digits.len() < 3 {
        return None;
    }
    // "đường ĐT.725" says the word already.
    let name = if view.follows(at, &["đường"]) { name.trim_start_matches("đường ") } else { name };
    say.say(name).cardinal(digits);
    let next = letter_behind(view, number + 1, say);
    Some(Candidate::cued(Class::Road, next))
}

/// "27C": the letter belongs to the road.
fn letter_behind(view: View<'_>, next: usize, say: &mut Saying<'_>) -> usize {
    match view.shape(next) {
        Some(shape) if shape.letters == 1 && shape.capitals == 1 => {
            say.letters(view.token(next));
            next + 1
        }
        _ => next,
    }
}

fn kilometre(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    // Behind a number it's the unit.
    if view.before(at).is_some_and(|before| view.digits(before).is_some()) {
        return None;
    }
    let number = view.skip_space(at + 1);
    let digits = view.digits(number).filter(|digits| digits.len() <= 4)?;
    say.say("ki lô mét").cardinal(digits);
    let mut next = number + 1;
    if view.is_mark(next, '+')
        && let Some(metres) = view.digits(next + 1).filter(|metres| metres.len() <= 3)
    {
        // "+050" is fifty metres, "+000" none.
        let value: u64 = metres.parse().ok()?;
        if value > 0 {
            say.say("cộng").number(value);
        }
        next += 2;
    }
    // "Km5 - Km12": from one to the other, once.
    let until = view.skip_dash(next).filter(|until| is_kilometre(view, *until) && !is_until(view, at));
    if let Some(until) = until {
        say.say("đến");
        next = kilometre(view, until, say)?.next;
    }
    Some(Candidate::cued(Class::Road, next))
}

fn is_kilometre(view: View<'_>, at: usize) -> bool {
    matches!(view.token(at), "Km" | "KM" | "km" | "K") && view.digits(view.skip_space(at + 1)).is_some()
}

/// "K15+200", and "K17" behind one: a builder's kilometre; elsewhere the letter is the name of something.
fn is_milestone(view: View<'_>, at: usize) -> bool {
    let number =
        |at: usize| view.token(at) == "K" && view.digits(at + 1).is_some_and(|digits| digits.len() <= 4);
    let whole = |at: usize| number(at) && view.is_mark(at + 2, '+') && view.exactly(at + 3, 3).is_some();
    let joint = |at: usize| view.is_mark(at, '-') || view.is_word(at, &["đến", "tới"]);
    let behind = number(at)
        && view.before(at).is_some_and(|word| {
            joint(word) && view.before(word).is_some_and(|metres| metres >= 3 && whole(metres - 3))
        });
    let in_front = number(at) && {
        let word = view.skip_space(at + 2);
        joint(word) && whole(view.skip_space(word + 1))
    };
    whole(at) || behind || in_front
}

/// Whether a dash and another kilometre stand in front.
fn is_until(view: View<'_>, at: usize) -> bool {
    view.before(at).is_some_and(|dash| view.is_mark(dash, '-'))
}
