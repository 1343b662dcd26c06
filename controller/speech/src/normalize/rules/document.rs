//! Numbers of legal and administrative documents: 33/2020/QĐ-TTg is "ba mươi ba năm hai nghìn không trăm hai mươi của Thủ
//! tướng Chính phủ". The kind of document is said where nothing in front has said it.

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::tables;
use super::super::view::View;
use super::{Candidate, cues, date};

/// Most parts that a number has behind its year.
const PARTS_MAX: usize = 6;
/// Most numbers of a list of documents of one kind and year.
const LIST_MAX: usize = 8;

pub(super) fn document(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let digits = view.digits(at).filter(|digits| digits.len() <= 6)?;
    if let Some(candidate) = standard(view, at, say) {
        return Some(candidate);
    }
    // "12a/KH-UBND"
    let suffix = view.word(at + 1).filter(|word| word.chars().count() == 1 && *word != "h");
    let behind = if suffix.is_some() { at + 2 } else { at + 1 };
    let year = view
        .exactly(behind + 1, 4)
        .filter(|year| view.is_mark(behind, '/') && (1_900..=2_999).contains(year));
    let named = match year {
        Some(_) if view.is_mark(behind + 2, '/') => Named::parse(view, behind + 3),
        Some(_) => None,
        // Without a year small letters are something else: "50k/ca".
        None if view.is_mark(behind, '/') => {
            view.shape(behind + 1).filter(|shape| shape.capitalised)?;
            Named::parse(view, behind + 1)
        }
        // The Party's way: 15-NQ/TU.
        None if view.is_mark(behind, '-') => {
            Named::parse(view, behind + 1).filter(|named| named.stroke && named.kind.is_some())
        }
        None => None,
    };
    let Some(named) = named else {
        // "Nghị quyết 13/2024".
        let bare = is_number(view, at) || view.follows(at, &["số"]);
        let year = year.filter(|_| bare && !view.is_mark(behind + 2, '/'))?;
        number(digits, suffix, Some(year), say);
        return Some(Candidate::cued(Class::Document, behind + 2));
    };
    // "3/A" is none: a year, an issuer or a kind must be there.
    if year.is_none() && named.issuer.is_none() && named.kind.is_none() {
        return None;
    }
    if let Some((short, kind)) = named.kind
        && !is_said(view, at, short, kind)
    {
        say.say(kind).say("số");
    }
    number(digits, suffix, year, say);
    // "88/2019/QH14 của Quốc hội": which legislature it was belongs behind the words that are written.
    if let Some(legislature) = named.legislature
        && let Some(next) = behind_assembly(view, named.next, say)
    {
        say.say("khóa").number(legislature);
        return Some(Candidate::cued(Class::Document, next));
    }
    let mut next = named.next;
    match said_issuer(view, next) {
        Some(Issuer::Whole) => {}
        // "12/QĐ-UBND của xã Hiệp An"
        Some(Issuer::Place { of }) => {
            named.say(view, say);
            if of == view.skip_space(next) {
                next = of + 1;
            }
        }
        None => named.say(view, say),
    }
    Some(Candidate::cued(Class::Document, next))
}

/// "các Thông tư 02, 05/2021/TT-BNV": a number of the list in front of the last one, whose zero is read out as the last one's is.
pub(super) fn listed(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let digits =
        view.digits(at).filter(|digits| (2..=3).contains(&digits.len()) && digits.starts_with('0'))?;
    if !is_number(view, at) {
        return None;
    }
    let mut last = at;
    for _ in 0..LIST_MAX {
        let joint = view.skip_space(last + 1);
        if !view.is_mark(joint, ',') && !view.is_word(joint, &["và"]) {
            break;
        }
        let number = view.skip_space(joint + 1);
        view.digits(number).filter(|digits| digits.len() <= 4)?;
        last = number;
    }
    if last == at || !view.is_mark(last + 1, '/') {
        return None;
    }
    say.digits(digits);
    Some(Candidate::cued(Class::Document, at + 1))
}

/// Whether a number is a document's: its kind stands in front of it or of the list that it ends ("TT 01, 02, 03/2021").
pub(super) fn is_number(view: View<'_>, at: usize) -> bool {
    let mut first = at;
    for _ in 0..LIST_MAX {
        let Some(joint) = view.before(first) else { return false };
        if view.is_word(joint, cues::DOCUMENT) || kind_of(view.token(joint)).is_some() {
            return true;
        }
        let joins = view.is_mark(joint, ',') || view.is_word(joint, &["và"]);
        match view.before(joint).filter(|other| joins && view.digits(*other).is_some_and(|d| d.len() <= 4)) {
            Some(other) => first = other,
            None => return false,
        }
    }
    false
}

fn number(digits: &str, suffix: Option<&str>, year: Option<u64>, say: &mut Saying<'_>) {
    // A zero in front is read out, as in "không hai".
    if digits.starts_with('0') {
        say.digits(digits)
    } else {
        say.cardinal(digits)
    };
    if let Some(suffix) = suffix {
        say.letters(suffix);
    }
    if let Some(year) = year {
        say.say("năm").year(year);
    }
}

/// Whether the kind of document, or "số", stands in front.
fn is_said(view: View<'_>, at: usize, short: &str, kind: &str) -> bool {
    let last = kind.rsplit(' ').next().unwrap_or(kind);
    let short = short.to_lowercase();
    let behind_colon =
        view.before(at).is_some_and(|before| view.is_mark(before, ':') && view.follows(before, &["số"]));
    behind_colon || view.follows(at, &["số"]) || view.has_cue(at, 6, &[last, &short, "văn", "tri"])
}

/// Who issued a document, as the text goes on with "của ...", perhaps behind the document's date.
enum Issuer {
    /// All of it: "của Ủy ban nhân dân xã", which isn't said twice.
    Whole,
    /// The place alone: "của xã Hiệp An". `of` is the place of "của".
    Place { of: usize },
}

fn said_issuer(view: View<'_>, next: usize) -> Option<Issuer> {
    let at = view.skip_space(next);
    let mut of = at;
    if view.is_word(at, &["ngày"]) {
        let mut behind = view.skip_space(at + 1);
        while behind < at + 8
            && (view.digits(behind).is_some() || matches!(view.mark(behind), Some('/' | '-' | '.')))
        {
            behind += 1;
        }
        of = view.skip_space(behind);
    }
    view.is_word(of, &["của"]).then(|| {
        let place = ["xã", "phường", "huyện", "tỉnh", "quận", "đặc", "thị", "tp"];
        if view.precedes(of + 1, &place) { Issuer::Place { of } } else { Issuer::Whole }
    })
}

/// Says "của Quốc hội", and the date that may stand in front of it, where they follow and say no more; the place behind them.
fn behind_assembly(view: View<'_>, next: usize, say: &mut Saying<'_>) -> Option<usize> {
    let mark = say.mark();
    let mut of = view.skip_space(next);
    if view.is_word(of, &["ngày"]) {
        say.say("ngày");
        let Some(day) = date::date(view, view.skip_space(of + 1), say) else {
            say.back_to(mark);
            return None;
        };
        of = view.skip_space(day.next);
    }
    let nation = view.skip_space(of + 1);
    let assembly = view.skip_space(nation + 1);
    let named =
        view.is_word(of, &["của"]) && view.is_word(nation, &["quốc"]) && view.is_word(assembly, &["hội"]);
    if !named || view.precedes(assembly + 1, &["khóa", "nước"]) {
        say.back_to(mark);
        return None;
    }
    say.say("của Quốc hội");
    Some(assembly + 1)
}

/// What stands behind number and year: "QĐ-TTg", "NQ/TW", "QH15", "TTLT-BYT-BTC".
struct Named<'t> {
    first: usize,
    next: usize,
    kind: Option<(&'t str, &'static str)>,
    issuer: Option<&'static str>,
    /// The number of a legislature: QH15.
    legislature: Option<u64>,
    stroke: bool,
}

impl<'t> Named<'t> {
    fn parse(view: View<'t>, first: usize) -> Option<Self> {
        let mut named =
            Self { first, next: first, kind: None, issuer: None, legislature: None, stroke: false };
        for index in 0..PARTS_MAX {
            let at = named.next;
            let start = if index == 0 {
                at
            } else if matches!(view.mark(at), Some('-' | '/')) && is_part(view, at + 1) {
                named.stroke |= view.is_mark(at, '/');
                at + 1
            } else {
                break;
            };
            let next = part_end(view, start)?;
            let part = view.slice(start, next);
            if index == 0 {
                named.kind = kind_of(part)
                    .map(|kind| (part, kind))
                    .filter(|_| issuer_of(part).is_none() || view.mark(next).is_some());
            }
            if named.issuer.is_none() && (index > 0 || named.kind.is_none()) {
                named.issuer = issuer_of(part);
            }
            named.next = next;
            if part.ends_with("QH")
                && let Some(number) = view.value(next, 2)
            {
                named.legislature = Some(number);
                named.kind = None;
                named.issuer = issuer_of(part);
                named.next = next + 1;
            }
        }
        Some(named)
    }

    fn say(&self, view: View<'t>, say: &mut Saying<'_>) {
        let mut issuers = 0;
        let mut at = self.first;
        while at < self.next {
            let Some(next) = part_end(view, at) else { break };
            let part = view.slice(at, next);
            let is_kind = at == self.first && self.kind.is_some();
            match issuer_of(part).filter(|_| !is_kind) {
                Some(issuer) => {
                    say.say(if issuers == 0 { "của" } else { "và" }).say(issuer);
                    issuers += 1;
                    if part.ends_with("QH")
                        && let Some(legislature) = self.legislature
                    {
                        say.say("khóa").number(legislature);
                    }
                }
                // Who filed it is not said; letters are only where nobody else is named.
                None if !is_kind && self.issuer.is_none() => match tables::plain_abbreviation(part) {
                    Some(long) => _ = say.say(long),
                    None => _ = say.letters(part),
                },
                None => {}
            }
            at = next + 1 + usize::from(view.digits(next).is_some());
        }
    }
}

/// Capitals, perhaps with a small letter at the end (TTg, NĐ, CTr); or what is known, in small letters ("nđ-cp").
fn is_part(view: View<'_>, at: usize) -> bool {
    view.shape(at).is_some_and(|shape| {
        let in_capitals = shape.capitalised && shape.capitals * 2 >= shape.letters;
        let part = view.token(at);
        in_capitals
            || (2..=8).contains(&shape.letters) && (kind_of(part).is_some() || issuer_of(part).is_some())
    })
}

fn kind_of(part: &str) -> Option<&'static str> {
    tables::document(part).or_else(|| tables::document(&in_small(part)?.to_uppercase()))
}

fn issuer_of(part: &str) -> Option<&'static str> {
    tables::issuer(part).or_else(|| tables::issuer(&in_small(part)?.to_uppercase()))
}

/// A part that was typed without capitals.
fn in_small(part: &str) -> Option<&str> {
    part.chars().all(char::is_lowercase).then_some(part)
}

/// The end of one part, with what an "&" joins to it.
fn part_end(view: View<'_>, at: usize) -> Option<usize> {
    if !is_part(view, at) {
        return None;
    }
    let joined = view.is_mark(at + 1, '&') && is_part(view, at + 2);
    Some(if joined { at + 3 } else { at + 1 })
}

/// "TCVN 5945:2005", "ISO 9001:2015".
fn standard(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let before = view.before(at)?;
    if !matches!(view.token(before), "TCVN" | "QCVN" | "ISO" | "IEC" | "TCCS") {
        return None;
    }
    let mut next = at + 1;
    say.cardinal(view.token(at));
    while let (true, Some(part)) = (view.is_mark(next, '-'), view.digits(next + 1)) {
        say.cardinal(part);
        next += 2;
    }
    if view.is_mark(next, ':')
        && let Some(year) = view.exactly(next + 1, 4)
    {
        say.say("năm").year(year);
        next += 2;
    }
    if view.is_mark(next, '/')
        && let Some(issuer) = tables::issuer(view.token(next + 1))
    {
        say.say("của").say(issuer);
        next += 2;
    }
    Some(Candidate::cued(Class::Document, next))
}
