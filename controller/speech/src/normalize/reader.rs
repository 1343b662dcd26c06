//! Reads tokens from left to right: at each place the lexicon's longest entry, else the best rule's candidate, else the word as
//! it stands. Every step consumes at least one token: the time is linear.

use super::builder::Builder;
use super::class::Class;
use super::fold::Folded;
use super::lexer::{self, Kind, Shape};
use super::lexicon::Lexicon;
use super::markup::Script;
use super::options::Options;
use super::perform::{self, Base};
use super::punctuation;
use super::rules;
use super::saying::Saying;
use super::view::View;

/// The entries of a lexicon with what is said for each; nothing for those that aren't read yet.
#[derive(Clone, Copy)]
pub(super) struct Words<'l> {
    pub(super) lexicon: &'l Lexicon,
    pub(super) said: &'l [Option<String>],
}

/// Reads a text without commands, whatever stands in it.
pub(super) fn read(source: &str, options: &Options, words: Words<'_>) -> Builder {
    read_script(&Script::plain(source), options, words)
}

/// Reads a text with its commands: no rule looks across one that hasn't fallen due.
pub(super) fn read_script(script: &Script<'_>, options: &Options, words: Words<'_>) -> Builder {
    let folded = Folded::new(&script.plain);
    let tokens = lexer::tokens(folded.text());
    let mut out = Builder::with_capacity(script.plain.len(), tokens.len());
    let mut say = Saying::new(options);
    let has_lexicon = !words.lexicon.is_empty();
    let base = Base::Vietnamese(words);
    let mut cues = script.cues.iter().peekable();
    let starts = |token: &lexer::Token| folded.source(token.range()).start;
    let mut limit = 0;
    let mut at = 0;
    while at < tokens.len() {
        if at >= limit {
            while let Some(cue) = cues.next_if(|cue| cue.at <= starts(&tokens[at])) {
                perform::perform(cue, script, options, base, &mut out);
            }
            limit = cues.peek().map_or(tokens.len(), |cue| {
                at + tokens[at..].partition_point(|token| starts(token) < cue.at).max(1)
            });
        }
        let view = View { text: folded.text(), tokens: &tokens[..limit] };
        let Some(kind) = view.kind(at) else { break };
        let source_of = |from: usize, to: usize| {
            script.typed(
                folded.source(tokens[from].range().start..tokens[to.min(tokens.len()) - 1].range().end),
            )
        };
        if has_lexicon
            && let Some((entry, next)) = words.lexicon.find(view.text, view.tokens, at)
            && let Some(said) = words.said.get(entry).and_then(Option::as_deref)
        {
            out.words(Class::Lexicon, source_of(at, next), said, false);
            at = next.max(at + 1);
            continue;
        }
        let next = match kind {
            Kind::Space => at + 1,
            Kind::Newline => punctuation::newline(view, at, &mut out),
            Kind::Word(shape) if is_plain(view, at, shape) => {
                out.words(Class::Word, source_of(at, at + 1), view.token(at), false);
                at + 1
            }
            Kind::Word(_) | Kind::Digits | Kind::Mark(_) => match rules::read(view, at, &mut say) {
                Some(reading) => {
                    let capital = matches!(kind, Kind::Word(shape) if shape.capitalised);
                    out.words(reading.class, source_of(at, reading.next), say.words(reading.words), capital);
                    let listed = list_number(view, at, reading.next);
                    if listed.is_some() {
                        out.pause(',');
                    }
                    listed.unwrap_or(reading.next)
                }
                None => unread(view, at, kind, &mut out, &mut say, &source_of),
            },
        };
        at = next.max(at + 1);
    }
    for cue in cues {
        perform::perform(cue, script, options, base, &mut out);
    }
    out
}

/// What no rule reads: a word stands as it is, a number is read digit by digit, a sign is left to punctuation.
fn unread(
    view: View<'_>,
    at: usize,
    kind: Kind,
    out: &mut Builder,
    say: &mut Saying<'_>,
    source_of: &dyn Fn(usize, usize) -> std::ops::Range<usize>,
) -> usize {
    match kind {
        Kind::Word(_) => out.words(Class::Word, source_of(at, at + 1), view.token(at), false),
        Kind::Digits => {
            say.clear();
            say.digits(view.token(at));
            out.words(Class::Digits, source_of(at, at + 1), say.words(say.last()), false);
        }
        Kind::Mark(mark) => return punctuation::mark(view, at, mark, out, source_of),
        Kind::Space | Kind::Newline => {}
    }
    at + 1
}

/// Whether a word needs no rule at all: nearly all words are passed on here.
fn is_plain(view: View<'_>, at: usize, shape: Shape) -> bool {
    let ordinary = (shape.capitals == 0 || (shape.capitals == 1 && shape.capitalised && shape.letters > 1))
        && !shape.vowelless
        && !shape.roman;
    if !ordinary {
        return false;
    }
    match view.kind(at + 1) {
        None | Some(Kind::Space | Kind::Newline) => shape.letters > 3 || !may_be_short(view, at),
        Some(Kind::Mark(mark)) => match mark {
            // "Tp.HCM", "lamdong.gov.vn", "tr. 5"
            '.' => shape.letters > 3 && view.is_gap(at + 2),
            ',' | ';' | '!' | '?' | ')' | '"' | '…' => true,
            // "Cty:" needs its rule, "gồm:" doesn't.
            ':' => view.is_gap(at + 2) && shape.letters > 3,
            _ => false,
        },
        Some(Kind::Digits | Kind::Word(_)) => false,
    }
}

/// Short forms of a capital and small letters, with a vowel: "Lm", "Tu" are looked up; ordinary words aren't.
fn may_be_short(view: View<'_>, at: usize) -> bool {
    let word = view.token(at);
    word.is_ascii() && matches!(word, "Cty" | "cty" | "CTy" | "ko")
}

/// "1. ", "1) ", "a) ", "2.1. " at the start of a line count the items of a list: a short pause, and no end of a sentence.
fn list_number(view: View<'_>, at: usize, next: usize) -> Option<usize> {
    let short =
        next <= at + 3 && !view.slice(at, next).contains([' ', '/', '-']) && view.token(at).len() <= 4;
    let marked = matches!(view.mark(next), Some('.' | ')' | '/'));
    (short && marked && view.at_line_start(at) && view.is_space(next + 1)).then_some(next + 1)
}
