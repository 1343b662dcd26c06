//! Web and e-mail addresses: "dichvucong.gov.vn", "ubnd@lamdong.gov.vn". Words without marks are cut into syllables.

use super::super::class::Class;
use super::super::lexer::Kind;
use super::super::saying::Saying;
use super::super::syllable;
use super::super::tables;
use super::super::view::View;
use super::Candidate;

/// Tokens of the longest address.
const TOKENS_MAX: usize = 64;
/// What an address ends with, beside a country's two letters that are known.
const ENDINGS: &[&str] = &[
    "vn", "com", "net", "org", "gov", "edu", "info", "asia", "io", "me", "app", "tv", "biz", "ly", "be",
    "la", "us",
];

pub(super) fn address(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let begins = matches!(view.mark(at + 1), Some('.' | '@' | ':' | '_' | '-'));
    let mixed = view.digits(at + 1).is_some() || (view.digits(at).is_some() && view.word(at + 1).is_some());
    if !begins && !mixed {
        return None;
    }
    let scheme = matches!(view.token(at), "http" | "https" | "HTTP" | "HTTPS")
        && view.is_mark(at + 1, ':')
        && view.is_mark(at + 2, '/')
        && view.is_mark(at + 3, '/');
    let host = if scheme { at + 4 } else { at };
    let Parts { mail, mut next } = parts(view, host)?;
    let ending = view.token(next - 1).to_ascii_lowercase();
    let is_web = scheme
        || view.is_word(host, &["www"])
        || (ENDINGS.contains(&ending.as_str()) && view.is_mark(next - 2, '.'));
    if !is_web && mail.is_none() {
        return None;
    }
    if mail.is_none() {
        next = path(view, next);
    }
    say_address(view, host, next, say);
    Some(Candidate::cued(if mail.is_some() { Class::Email } else { Class::Url }, next))
}

struct Parts {
    mail: Option<usize>,
    next: usize,
}

/// Words and digits with single dots, dashes and at most one "@" between them; at least one dot or "@".
fn parts(view: View<'_>, at: usize) -> Option<Parts> {
    let mut read = Parts { mail: None, next: at };
    let (mut index, mut joints) = (at, 0);
    let is_part = |index: usize| match view.kind(index) {
        Some(Kind::Word(_)) => view.token(index).is_ascii(),
        Some(Kind::Digits) => true,
        Some(Kind::Space | Kind::Newline | Kind::Mark(_)) | None => false,
    };
    while index < at + TOKENS_MAX && is_part(index) {
        while is_part(index) && index < at + TOKENS_MAX {
            index += 1;
        }
        read.next = index;
        match view.mark(index) {
            Some('@') if read.mail.is_none() => read.mail = Some(index),
            Some('.' | '-' | '_') => {}
            _ => break,
        }
        // Behind the last part nothing of the address may hang.
        if !is_part(index + 1) {
            break;
        }
        joints += 1;
        index += 1;
    }
    // A host has a dot.
    let mail = read.mail.filter(|mail| (mail + 1..read.next).any(|index| view.is_mark(index, '.')));
    (joints > 0 && read.next > at).then_some(Parts { mail, next: read.next })
}

/// The way behind the host: "/tin-tuc/12", a port, a question.
fn path(view: View<'_>, host_end: usize) -> usize {
    let mut next = host_end;
    if !matches!(view.mark(next), Some('/' | '?' | '#' | ':'))
        || view.is_gap(next + 1) && view.is_mark(next, ':')
    {
        return next;
    }
    while next < host_end + TOKENS_MAX
        && !view.is_gap(next)
        && !matches!(view.mark(next), Some(')' | '"' | '>' | ']'))
    {
        next += 1;
    }
    // What ends the sentence is no part of it.
    while next > host_end && matches!(view.mark(next - 1), Some('.' | ',' | ';' | ':' | '!' | '?')) {
        next -= 1;
    }
    next
}

fn say_address(view: View<'_>, from: usize, to: usize, say: &mut Saying<'_>) {
    for index in from..to {
        match view.kind(index) {
            Some(Kind::Digits) => _ = say.digits(view.token(index)),
            Some(Kind::Word(_)) => word(view.token(index), say),
            Some(Kind::Mark(mark)) => match mark {
                '.' => _ = say.say("chấm"),
                '@' => _ = say.say("a còng"),
                '-' => _ = say.say("gạch ngang"),
                '_' => _ = say.say("gạch dưới"),
                '/' if index + 1 < to => _ = say.say("gạch chéo"),
                // What is asked behind the address is not for the ear.
                '?' | '#' => return,
                _ => {}
            },
            Some(Kind::Space | Kind::Newline) | None => {}
        }
    }
}

fn word(word: &str, say: &mut Saying<'_>) {
    let lower = word.to_ascii_lowercase();
    if let Some(spoken) = tables::address_part(&lower) {
        say.say(spoken);
        return;
    }
    // "ubndxa": a known short form and the rest.
    let known = ["ubnd", "hdnd", "bhxh"].into_iter().find_map(|start| {
        let rest = lower.strip_prefix(start).filter(|rest| rest.len() > 1)?;
        Some((tables::address_part(start)?, syllable::cut(rest)?))
    });
    if let Some((start, rest)) = known {
        say.say(start);
        rest.iter().for_each(|syllable| _ = say.say(syllable));
        return;
    }
    match syllable::cut(&lower) {
        Some(syllables) => syllables.iter().for_each(|syllable| _ = say.say(syllable)),
        None => _ = say.letters(&lower),
    }
}
