//! Latitudes and longitudes: 11°56'B, 108°26'30"Đ, 17,5N-110,3E.

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::view::View;
use super::Candidate;
use super::amount::Amount;

/// The name of a point of the compass. "N" is the English north beside an "E" or alone, "nam" beside a Vietnamese "Đ".
fn compass(view: View<'_>, at: usize) -> Option<(&'static str, &'static str)> {
    let shape = view.shape(at)?;
    if shape.letters != 1 {
        return None;
    }
    Some(match view.token(at) {
        "B" => ("vĩ", "Bắc"),
        "N" => ("vĩ", "Bắc"),
        "S" => ("vĩ", "Nam"),
        "Đ" | "E" => ("kinh", "Đông"),
        "T" | "W" => ("kinh", "Tây"),
        _ => return None,
    })
}

pub(super) fn coordinate(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let degrees = Amount::parse(view, at)?;
    if !view.is_mark(degrees.next, '°') {
        return decimal_degrees(view, at, &degrees, say);
    }
    let mut next = view.skip_space(degrees.next + 1);
    let mut fine = false;
    degrees.say(true, say);
    say.say("độ");
    for (mark, name) in [('\'', "phút"), ('"', "giây")] {
        let Some(part) = Amount::parse(view, next) else { continue };
        let doubled = name == "giây" && view.is_mark(part.next, '\'') && view.is_mark(part.next + 1, '\'');
        if !view.is_mark(part.next, mark) && !doubled {
            continue;
        }
        part.say(true, say);
        say.say(name);
        fine = true;
        next = view.skip_space(part.next + if doubled { 2 } else { 1 });
    }
    match compass(view, next) {
        Some((_, name)) => {
            say.say(name);
            Some(Candidate::cued(Class::Coordinate, next + 1))
        }
        None if fine => {
            Some(Candidate::cued(Class::Coordinate, if view.is_space(next - 1) { next - 1 } else { next }))
        }
        None => None,
    }
}

/// "17,5N": only N and E, directly behind a number that can be one.
fn decimal_degrees(
    view: View<'_>,
    at: usize,
    degrees: &Amount<'_>,
    say: &mut Saying<'_>,
) -> Option<Candidate> {
    view.value(at, 3).filter(|whole| *whole <= 180)?;
    let letter = view.token(degrees.next);
    if !matches!(letter, "N" | "E") || degrees.is_whole() || view.digits(degrees.next + 1).is_some() {
        return None;
    }
    let (line, name) = compass(view, degrees.next)?;
    degrees.say(true, say);
    say.say("độ").say(line).say(name);
    let next = degrees.next + 1;
    // "17,5N-110,3E": where both lines cross.
    if view.is_mark(next, '-') && letter == "N" {
        let mark = say.mark();
        say.pause();
        let other =
            Amount::parse(view, next + 1).and_then(|other| decimal_degrees(view, next + 1, &other, say));
        match other {
            Some(other) => return Some(other),
            None => say.back_to(mark),
        }
    }
    Some(Candidate::cued(Class::Coordinate, next))
}

/// "B 11°56'" and "N11°56'": the letter in front.
pub(super) fn letter_first(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let (line, name) = compass(view, at)?;
    let number = view.skip_space(at + 1);
    Amount::parse(view, number).filter(|degrees| view.is_mark(degrees.next, '°'))?;
    say.say(line).say(name);
    let read = coordinate(view, number, say)?;
    Some(Candidate::cued(Class::Coordinate, read.next))
}
