//! What the writer's commands do, when the reader comes to their places.

use std::ops::Range;

use super::builder::Builder;
use super::class::Class;
use super::fold::Folded;
use super::lexer;
use super::lexicon::Lexicon;
use super::markup::{Action, Cue, Kind, Problem, Script, What};
use super::options::Options;
use super::reader::{self, Words};
use super::saying::Saying;
use super::spoken::{Span, Style};

/// What the text around a command is.
#[derive(Clone, Copy)]
pub(super) enum Base<'w> {
    /// Vietnamese, with the words of an area.
    Vietnamese(Words<'w>),
    /// Another language, which its engine reads as it's written: rules for Vietnamese have no say.
    AsWritten,
}

/// Does what a command says.
pub(super) fn perform(cue: &Cue, script: &Script<'_>, options: &Options, base: Base<'_>, out: &mut Builder) {
    let Cue { typed, action, .. } = cue;
    let (what, content) = match action {
        Action::Say { what, content } => (*what, content.clone()),
        Action::Pause(_) | Action::EmphasisBegins | Action::EmphasisEnds | Action::Silence => {
            out.words(Class::Markup, typed.clone(), "", false);
            let style = out.style();
            match action {
                Action::Pause(ms) => out.silence(*ms),
                Action::EmphasisBegins => out.set_style(Style { emphasis: true, ..style }),
                Action::EmphasisEnds => out.set_style(Style { emphasis: false, ..style }),
                Action::Silence | Action::Say { .. } => {}
            }
            return;
        }
    };
    out.words(Class::Markup, typed.start..content.start, "", false);
    let text = &script.typed[content.clone()];
    match (what, base) {
        (What::Spell, Base::Vietnamese(_)) => {
            let mut say = Saying::new(options);
            spell(text, &mut say);
            out.words(Class::Spelled, content.clone(), say.words(say.last()), false);
        }
        (What::Spell, Base::AsWritten) => out.words(Class::Spelled, content.clone(), &spaced(text), false),
        (What::Read, base) => {
            let said = text.split_once('=').map_or(text, |(_, said)| said).trim();
            let said = match base {
                Base::Vietnamese(words) => super::line(reader::read(said, options, words).finish().text()),
                Base::AsWritten => words_of(said),
            };
            out.words(Class::Lexicon, content.clone(), &said, false);
        }
        (What::As(kind), Base::Vietnamese(words)) => {
            if !read_as(kind, text, content.start, options, words, out) {
                let problem = Problem::NotThat { kind: kind.name, content: text.to_owned() };
                out.finding(problem, typed.clone());
            }
        }
        (What::As(_), Base::AsWritten) => out.words(Class::Word, content.clone(), &words_of(text), false),
        (What::Language(language), base) => {
            let around = out.style();
            match base {
                Base::Vietnamese(words) if language.tag == "vi" => {
                    let read = reader::read(text, options, words).finish();
                    out.append(&read, 0, |span| moved(span, content.start, 0));
                }
                Base::Vietnamese(_) | Base::AsWritten => {
                    out.set_style(Style { language: Some(language.tag), ..around });
                    if language.tag == "vi" {
                        let nothing = Lexicon::default();
                        let words = Words { lexicon: &nothing, said: &[] };
                        let read = reader::read(text, options, words).finish();
                        out.append(&read, 0, |span| moved(span, content.start, 0));
                    } else {
                        out.words(Class::Foreign, content.clone(), &words_of(text), false);
                    }
                    out.set_style(around);
                }
            }
        }
        // These have no words of their own.
        (What::Pause | What::Emphasis, _) => {}
    }
    out.words(Class::Markup, content.end..typed.end, "", false);
}

/// Reads something as what it's said to be; tells whether the rules agree.
fn read_as(
    kind: Kind,
    text: &str,
    start: usize,
    options: &Options,
    words: Words<'_>,
    out: &mut Builder,
) -> bool {
    let read = reader::read(&format!("{}{text}", kind.cue), options, words).finish();
    let own = read.spans().partition_point(|span| span.source.start < kind.cue.len());
    out.append(&read, own, |span| moved(span, start, kind.cue.len()));
    read.spans()[own..].iter().any(|span| kind.classes.contains(&span.class))
}

/// Where a span of a text that was read by itself lies: `start` is the text's place, `cue` what stood in front of it.
fn moved(span: &Span, start: usize, cue: usize) -> Range<usize> {
    let place = |at: usize| start + at.saturating_sub(cue);
    place(span.source.start)..place(span.source.end)
}

/// Letters by their names and digits one by one; signs that belong to addresses and codes are said.
fn spell(text: &str, say: &mut Saying<'_>) {
    let folded = Folded::new(text);
    let mut bytes = [0; 4];
    for c in folded.text().chars() {
        match c {
            c if c.is_ascii_digit() => say.digits(c.encode_utf8(&mut bytes)),
            c if lexer::is_letter(c) => say.letters(c.encode_utf8(&mut bytes)),
            '.' => say.say("chấm"),
            '-' => say.say("gạch ngang"),
            '_' => say.say("gạch dưới"),
            '/' => say.say("gạch chéo"),
            '@' => say.say("a còng"),
            _ => say.pause(),
        };
    }
}

/// Letters and digits with blanks between them, for an engine that knows their names.
fn spaced(text: &str) -> String {
    let letters: Vec<String> = text.chars().filter(|c| c.is_alphanumeric()).map(String::from).collect();
    letters.join(" ")
}

/// On one line, without doubled blanks and without brackets: doubled ones are an engine's own.
fn words_of(text: &str) -> String {
    let words: Vec<&str> = text.split([' ', '[', ']']).flat_map(str::split_whitespace).collect();
    words.join(" ")
}
