//! What a place in the text can be read as.
//!
//! Each rule is asked at a token and answers with a candidate: how far it reads, and what is said. Candidates compete: one
//! whose context speaks for it beats one without, then the longest wins, then the one whose rule stands first. A rule looks at
//! a bounded number of tokens.

mod abbreviation;
mod address;
mod alphanumeric;
mod amount;
mod code;
mod coordinate;
mod cues;
mod date;
mod document;
mod fraction;
mod plate;
mod quantity;
mod ratio;
mod road;
mod roman;
mod score;
mod stroke;
mod telephone;
mod time;
mod units;

use std::ops::Range;

use super::class::Class;
use super::lexer::Kind;
use super::saying::Saying;
use super::view::View;

/// What a rule makes of the tokens from a place on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) class: Class,
    /// The token behind the last one that it reads.
    pub(super) next: usize,
    /// Its context says that it's this and nothing else.
    pub(super) cued: bool,
}

impl Candidate {
    const fn new(class: Class, next: usize) -> Self {
        Self { class, next, cued: false }
    }

    const fn cued(class: Class, next: usize) -> Self {
        Self { class, next, cued: true }
    }
}

/// Reads from a place on and says it; `None` where it's something else.
type Rule = fn(View<'_>, usize, &mut Saying<'_>) -> Option<Candidate>;

const AT_DIGITS: &[Rule] = &[
    address::address,
    document::document,
    document::listed,
    telephone::hotline,
    telephone::telephone,
    plate::plate,
    code::code,
    code::fertiliser,
    score::score,
    fraction::house,
    date::date,
    time::time,
    coordinate::coordinate,
    ratio::ratio,
    fraction::fraction,
    fraction::amounts,
    quantity::quantity,
    alphanumeric::digits_first,
];

const AT_WORD: &[Rule] = &[
    address::address,
    stroke::short_form,
    road::road,
    roman::roman,
    code::file,
    abbreviation::weekday,
    abbreviation::month,
    abbreviation::title,
    abbreviation::person,
    abbreviation::split_name,
    abbreviation::initials,
    abbreviation::and_so_on,
    abbreviation::abbreviation,
    coordinate::letter_first,
    alphanumeric::letters_first,
    alphanumeric::dotted,
    stroke::per_unit,
    abbreviation::letters,
];

const AT_MARK: &[Rule] = &[
    telephone::international,
    telephone::bracketed,
    telephone::service_code,
    telephone::prefix,
    quantity::signed,
    quantity::currency_first,
    stroke::per,
    stroke::year,
    stroke::kind_of,
    stroke::of_so_many,
    stroke::ordered,
];

/// A candidate that was chosen, with its words in the [`Saying`].
pub(super) struct Reading {
    pub(super) class: Class,
    pub(super) next: usize,
    pub(super) words: Range<usize>,
}

/// The best candidate at a place, if there is one.
pub(super) fn read(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Reading> {
    let rules = match view.kind(at)? {
        Kind::Digits => AT_DIGITS,
        Kind::Word(_) => AT_WORD,
        Kind::Mark(_) => AT_MARK,
        Kind::Space | Kind::Newline => return None,
    };
    say.clear();
    let mut best: Option<(Candidate, Range<usize>)> = None;
    for rule in rules {
        say.begin();
        let Some(candidate) = rule(view, at, say) else {
            say.drop_last();
            continue;
        };
        let better = best
            .as_ref()
            .is_none_or(|(other, _)| (candidate.cued, candidate.next) > (other.cued, other.next));
        if better {
            best = Some((candidate, say.last()));
        } else {
            say.drop_last();
        }
    }
    best.map(|(candidate, words)| Reading { class: candidate.class, next: candidate.next, words })
}
