//! One look for what looks alike, with the way back to the offsets of the text as it was typed.
//!
//! Composed letters (NFC), one kind of dash, quote and blank, ASCII digits, "Đ" for the Icelandic "Ð", and one place for
//! the tone mark ("hoá" and "thuỷ" become "hóa" and "thủy", as the tables have them). A text that needs none of it is borrowed.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// A folded text and where its pieces come from.
pub(super) struct Folded<'t> {
    text: Cow<'t, str>,
    /// Pieces whose length changed, in order.
    shifts: Vec<Shift>,
}

struct Shift {
    folded: Range<usize>,
    source: Range<usize>,
}

impl<'t> Folded<'t> {
    pub(super) fn new(source: &'t str) -> Self {
        if is_folded(source) {
            return Self { text: Cow::Borrowed(source), shifts: Vec::new() };
        }
        let mut pieces = composed(source);
        look_alikes(&mut pieces);
        tone_marks(&mut pieces);
        let mut text = String::with_capacity(source.len());
        let mut shifts = Vec::new();
        for piece in pieces {
            let start = text.len();
            piece.fold.push_to(&mut text);
            if text.len() - start != piece.source.len() || matches!(piece.fold, Fold::Several(_)) {
                shifts.push(Shift { folded: start..text.len(), source: piece.source });
            }
        }
        Self { text: Cow::Owned(text), shifts }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Bytes of the source in which a stretch of the folded text lies; whole characters.
    pub(super) fn source(&self, folded: Range<usize>) -> Range<usize> {
        self.start(folded.start)..self.end(folded.end)
    }

    fn start(&self, at: usize) -> usize {
        let behind = self.shifts.partition_point(|shift| shift.folded.end <= at);
        match self.shifts.get(behind) {
            Some(shift) if shift.folded.start <= at => shift.source.start,
            _ => self.moved(behind, at),
        }
    }

    fn end(&self, at: usize) -> usize {
        let behind = self.shifts.partition_point(|shift| shift.folded.end < at);
        match self.shifts.get(behind) {
            Some(shift) if shift.folded.start < at => shift.source.end,
            _ => self.moved(behind, at),
        }
    }

    fn moved(&self, behind: usize, at: usize) -> usize {
        match behind.checked_sub(1).and_then(|index| self.shifts.get(index)) {
            Some(shift) => shift.source.end + (at - shift.folded.end),
            None => at,
        }
    }
}

/// A letter or sign with the bytes it was written in.
struct Piece {
    fold: Fold,
    source: Range<usize>,
}

#[derive(Clone, Copy)]
enum Fold {
    One(char),
    Several(&'static str),
}

impl Fold {
    fn push_to(self, text: &mut String) {
        match self {
            Self::One(c) => text.push(c),
            Self::Several(letters) => text.push_str(letters),
        }
    }
}

/// Whether nothing has to be done; most texts pass here.
fn is_folded(text: &str) -> bool {
    let (mut previous, mut before) = (' ', ' ');
    for (at, c) in text.char_indices() {
        let plain = match c {
            '`' | '\r' | '\t' => false,
            c if c.is_ascii() => true,
            '\u{d0}' | '\u{f0}' => false,
            '°' | '²' | '³' | '…' => true,
            '\u{c0}'..='\u{24f}' | '\u{1ea0}'..='\u{1ef9}' => {
                second_vowel(previous, c).is_none()
                    || matches!(before, 'q' | 'Q')
                    || !ends_word(&text[at + c.len_utf8()..])
            }
            _ => false,
        };
        if !plain {
            return false;
        }
        (before, previous) = (previous, c);
    }
    true
}

fn ends_word(behind: &str) -> bool {
    !behind.chars().next().is_some_and(char::is_alphabetic)
}

/// NFC, starter by starter, so that each composed letter knows where it comes from.
fn composed(source: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::with_capacity(source.len());
    let mut rest = source.char_indices().peekable();
    let mut cluster = String::new();
    while let Some((start, c)) = rest.next() {
        let mut end = start + c.len_utf8();
        cluster.clear();
        cluster.push(c);
        while let Some(&(at, mark)) = rest.peek()
            && canonical_combining_class(mark) != 0
        {
            cluster.push(mark);
            end = at + mark.len_utf8();
            rest.next();
        }
        if c.is_ascii() && cluster.len() == 1 {
            pieces.push(Piece { fold: Fold::One(c), source: start..end });
            continue;
        }
        let mut from = start;
        for letter in cluster.nfc() {
            pieces.push(Piece { fold: Fold::One(letter), source: from..end });
            // What could not be composed belongs to the same bytes.
            from = end;
        }
    }
    pieces
}

fn look_alikes(pieces: &mut [Piece]) {
    for piece in pieces {
        let Fold::One(c) = piece.fold else { continue };
        piece.fold = match c {
            '\u{d0}' => Fold::One('Đ'),
            '\u{f0}' => Fold::One('đ'),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => Fold::One('-'),
            '\u{2018}' | '\u{2019}' | '\u{2bc}' | '\u{2032}' | '`' | '\u{b4}' => Fold::One('\''),
            '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{ab}' | '\u{bb}' => Fold::One('"'),
            '\u{ba}' | '\u{2da}' => Fold::One('°'),
            '℃' => Fold::Several("°C"),
            '㎡' => Fold::Several("m²"),
            '½' => Fold::Several("1/2"),
            '¼' => Fold::Several("1/4"),
            '¾' => Fold::Several("3/4"),
            '⅓' => Fold::Several("1/3"),
            '⅔' => Fold::Several("2/3"),
            '\r' => Fold::One(' '),
            '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Fold::One('\n'),
            '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => Fold::Several(""),
            '\u{ff01}'..='\u{ff5e}' => Fold::One(char::from_u32(u32::from(c) - 0xfee0).unwrap_or(' ')),
            c if c.is_whitespace() && c != '\n' => Fold::One(' '),
            '⅐'..='⅞' | '²' | '³' => Fold::One(c),
            c if c.is_numeric() && !c.is_ascii() => numeral(c),
            c => Fold::One(c),
        };
    }
}

/// Digits of other scripts and numerals in one character, in ASCII.
fn numeral(c: char) -> Fold {
    const ROMAN: [&str; 16] =
        ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "L", "C", "D", "M"];
    const CIRCLED: [&str; 20] = [
        "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18",
        "19", "20",
    ];
    let code = u32::from(c);
    if let Some(digit) = decimal_digit(code) {
        return Fold::One(char::from_digit(digit, 10).unwrap_or(' '));
    }
    let of = |table: &[&'static str], first: u32| {
        table.get(code.wrapping_sub(first) as usize).map(|text| Fold::Several(text))
    };
    of(&ROMAN, 0x2160)
        .or_else(|| of(&ROMAN, 0x2170))
        .or_else(|| of(&CIRCLED, 0x2460))
        .or_else(|| of(&CIRCLED, 0x2474))
        .unwrap_or(Fold::One(c))
}

/// The value of a decimal digit (Unicode category Nd, version 16) of another script.
fn decimal_digit(code: u32) -> Option<u32> {
    const ZEROS: &[u32] = &[
        0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50,
        0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
        0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40,
        0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da,
        0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50, 0x11d50, 0x11da0, 0x11de0, 0x11f50, 0x16130, 0x16a60,
        0x16ac0, 0x16b50, 0x16d70, 0x1ccf0, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0,
        0x1e4f0, 0x1e5f1, 0x1e950, 0x1fbf0,
    ];
    ZEROS.iter().find(|&&zero| (zero..zero + 10).contains(&code)).map(|zero| code - zero)
}

/// Moves the tone to the first vowel of an open "oa", "oe" or "uy".
fn tone_marks(pieces: &mut [Piece]) {
    for at in 1..pieces.len() {
        let (Fold::One(first), Fold::One(second)) = (pieces[at - 1].fold, pieces[at].fold) else { continue };
        let Some((first, second)) = second_vowel(first, second) else { continue };
        let one = |index: usize| match pieces.get(index).map(|piece| piece.fold) {
            Some(Fold::One(c)) => Some(c),
            _ => None,
        };
        let after_q = at >= 2 && one(at - 2).is_some_and(|c| matches!(c, 'q' | 'Q'));
        if !after_q && !one(at + 1).is_some_and(char::is_alphabetic) {
            pieces[at - 1].fold = Fold::One(first);
            pieces[at].fold = Fold::One(second);
        }
    }
}

/// The two vowels with the tone moved to the first, if it stands on the second.
fn second_vowel(first: char, second: char) -> Option<(char, char)> {
    const VOWELS: [(char, &str); 6] =
        [('a', "áàảãạ"), ('e', "éèẻẽẹ"), ('y', "ýỳỷỹỵ"), ('A', "ÁÀẢÃẠ"), ('E', "ÉÈẺẼẸ"), ('Y', "ÝỲỶỸỴ")];
    if !matches!(first, 'o' | 'O' | 'u' | 'U') || second.is_ascii() {
        return None;
    }
    let (bare, tone) = VOWELS
        .iter()
        .find_map(|(bare, toned)| toned.chars().position(|c| c == second).map(|tone| (*bare, tone)))?;
    let is_y = matches!(bare, 'y' | 'Y');
    let row = match first {
        'o' if !is_y => "óòỏõọ",
        'O' if !is_y => "ÓÒỎÕỌ",
        'u' if is_y => "úùủũụ",
        'U' if is_y => "ÚÙỦŨỤ",
        _ => return None,
    };
    row.chars().nth(tone).map(|first| (first, bare))
}
