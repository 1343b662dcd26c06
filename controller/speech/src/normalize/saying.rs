//! Where rules put their words: numbers and letters as they are said.
//!
//! The words of rules that lost against another one are cut off again, so one buffer serves a whole text.

use std::ops::Range;

use super::options::{Options, YearStyle};
use super::tables;

const DIGITS: [&str; 10] = ["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"];

/// Longest number that is read as one; a longer one is read digit by digit.
pub(super) const MAX_CARDINAL_DIGITS: usize = 18;

/// The words of the candidates at one place.
pub(super) struct Saying<'o> {
    pub(super) options: &'o Options,
    buffer: String,
    start: usize,
}

impl<'o> Saying<'o> {
    pub(super) const fn new(options: &'o Options) -> Self {
        Self { options, buffer: String::new(), start: 0 }
    }

    /// Forgets all candidates.
    pub(super) fn clear(&mut self) {
        self.buffer.clear();
        self.start = 0;
    }

    /// Begins another candidate.
    pub(super) const fn begin(&mut self) {
        self.start = self.buffer.len();
    }

    /// Drops the words of the candidate that was begun last.
    pub(super) fn drop_last(&mut self) {
        self.buffer.truncate(self.start);
    }

    /// Where the words of the candidate lie that was begun last.
    pub(super) const fn last(&self) -> Range<usize> {
        self.start..self.buffer.len()
    }

    pub(super) fn words(&self, range: Range<usize>) -> &str {
        self.buffer.get(range).unwrap_or_default()
    }

    /// Whether the candidate says something already.
    pub(super) const fn has_words(&self) -> bool {
        self.buffer.len() > self.start
    }

    /// How far the candidate has come; for [`Self::back_to`].
    pub(super) const fn mark(&self) -> usize {
        self.buffer.len()
    }

    /// Takes back what was said since a mark.
    pub(super) fn back_to(&mut self, mark: usize) {
        self.buffer.truncate(mark.max(self.start));
    }

    /// Says one or several words.
    pub(super) fn say(&mut self, words: &str) -> &mut Self {
        if words.is_empty() {
            return self;
        }
        if self.has_words() {
            self.buffer.push(' ');
        }
        self.buffer.push_str(words);
        self
    }

    /// Goes on with the last word.
    pub(super) fn join(&mut self, rest: &str) -> &mut Self {
        self.buffer.push_str(rest);
        self
    }

    /// A short pause.
    pub(super) fn pause(&mut self) -> &mut Self {
        if self.has_words() && !self.buffer.ends_with(',') {
            self.buffer.push(',');
        }
        self
    }

    /// Each digit on its own.
    pub(super) fn digits(&mut self, digits: &str) -> &mut Self {
        for digit in digits.bytes().filter(u8::is_ascii_digit) {
            self.say(DIGITS[usize::from(digit - b'0')]);
        }
        self
    }

    /// A whole number from its digits. One that starts with zero and is longer than two digits is a code, and is read
    /// digit by digit.
    pub(super) fn cardinal(&mut self, digits: &str) -> &mut Self {
        let is_code = digits.len() > 2 && digits.starts_with('0');
        let significant = digits.trim_start_matches('0');
        if is_code || significant.len() > MAX_CARDINAL_DIGITS {
            return self.digits(digits);
        }
        // No digit but zeros is no number to `parse`.
        self.number(significant.parse().unwrap_or(0))
    }

    /// What follows the decimal comma: two digits as a number, others one by one.
    pub(super) fn decimals(&mut self, digits: &str) -> &mut Self {
        if digits.len() == 2 && !digits.starts_with('0') {
            self.cardinal(digits)
        } else {
            self.digits(digits)
        }
    }

    /// A whole number: 1005 is "một nghìn không trăm linh năm".
    pub(super) fn number(&mut self, value: u64) -> &mut Self {
        const BILLION: u64 = 1_000_000_000;
        if value == 0 {
            return self.say(DIGITS[0]);
        }
        let (billions, rest) = (value / BILLION, value % BILLION);
        let mut began = billions > 0;
        if began {
            self.number(billions).say("tỷ");
        }
        for (unit, name) in [(1_000_000, "triệu"), (1_000, self.options.thousand()), (1, "")] {
            let group = rest / unit % 1_000;
            if group > 0 {
                self.below_thousand(group, began).say(name);
                began = true;
            }
        }
        self
    }

    /// `full`: something stands in front, so a missing hundred is said ("không trăm linh năm").
    fn below_thousand(&mut self, value: u64, full: bool) -> &mut Self {
        let digit = |value: u64| DIGITS[(value % 10) as usize];
        let (hundreds, tens, ones) = (value / 100, value / 10 % 10, value % 10);
        let has_hundreds = hundreds > 0 || full;
        if has_hundreds {
            self.say(digit(hundreds)).say("trăm");
        }
        match tens {
            0 if ones > 0 && has_hundreds => self.say(self.options.missing_ten()),
            0 => self,
            1 => self.say("mười"),
            _ => self.say(digit(tens)).say("mươi"),
        };
        match (tens, ones) {
            (_, 0) => self,
            (2.., 1) => self.say("mốt"),
            (2.., 4) => self.say(self.options.four()),
            (1.., 5) => self.say("lăm"),
            _ => self.say(digit(ones)),
        }
    }

    /// A number that says which one: 4 is "tư" in "tháng tư", "thứ tư", "quý tư".
    pub(super) fn which(&mut self, value: u64) -> &mut Self {
        if value == 4 { self.say("tư") } else { self.number(value) }
    }

    /// A year.
    pub(super) fn year(&mut self, year: u64) -> &mut Self {
        let (centuries, rest) = (year / 100, year % 100);
        let (thousand, four) = (self.options.thousand(), self.options.four());
        match self.options.year {
            YearStyle::Short if (1_000..10_000).contains(&year) && year % 1_000 < 100 && rest > 9 => {
                self.number(year / 1_000).say(thousand).number(rest)
            }
            YearStyle::Digits if (1_000..10_000).contains(&year) && rest > 0 => {
                let (tens, ones) = (rest / 10, rest % 10);
                self.digits(&centuries.to_string()).say(DIGITS[tens as usize]);
                match ones {
                    4 if tens > 1 => self.say(four),
                    0 => self.say("mươi"),
                    ones => self.say(DIGITS[ones as usize]),
                }
            }
            YearStyle::Full | YearStyle::Short | YearStyle::Digits => self.number(year),
        }
    }

    /// The names of letters; a letter without a Vietnamese name stays as it is.
    pub(super) fn letters(&mut self, word: &str) -> &mut Self {
        let mut bytes = [0; 4];
        for letter in word.chars().filter(|c| c.is_alphabetic()) {
            match tables::letter(letter) {
                Some(name) => self.say(name),
                None => self.say(letter.encode_utf8(&mut bytes)),
            };
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::options::Region;

    fn said(options: &Options, say: impl FnOnce(&mut Saying<'_>)) -> String {
        let mut saying = Saying::new(options);
        say(&mut saying);
        saying.words(saying.last()).to_owned()
    }

    #[test]
    fn numbers_are_said_as_people_say_them() {
        for (digits, words) in [
            ("0", "không"),
            ("00", "không"),
            ("05", "năm"),
            ("5", "năm"),
            ("10", "mười"),
            ("14", "mười bốn"),
            ("15", "mười lăm"),
            ("20", "hai mươi"),
            ("21", "hai mươi mốt"),
            ("24", "hai mươi tư"),
            ("25", "hai mươi lăm"),
            ("55", "năm mươi lăm"),
            ("100", "một trăm"),
            ("101", "một trăm linh một"),
            ("110", "một trăm mười"),
            ("111", "một trăm mười một"),
            ("115", "một trăm mười lăm"),
            ("1005", "một nghìn không trăm linh năm"),
            ("1015", "một nghìn không trăm mười lăm"),
            ("2024", "hai nghìn không trăm hai mươi tư"),
            ("1250000", "một triệu hai trăm năm mươi nghìn"),
            ("1000000000", "một tỷ"),
            ("1000000000000", "một nghìn tỷ"),
            ("2000000005", "hai tỷ không trăm linh năm"),
            ("0263", "không hai sáu ba"),
        ] {
            assert_eq!(said(&Options::default(), |say| _ = say.cardinal(digits)), words, "{digits}");
        }
        let long = said(&Options::default(), |say| _ = say.cardinal(&"9".repeat(500)));
        assert_eq!(long.split(' ').count(), 500);
    }

    #[test]
    fn regions_have_their_words() {
        let south = Options::of(Region::South);
        assert_eq!(said(&south, |say| _ = say.number(24_105)), "hai mươi bốn ngàn một trăm lẻ năm");
        assert_eq!(said(&south, |say| _ = say.which(4)), "tư");
    }

    #[test]
    fn years_have_three_styles() {
        let of = |year| Options { year, ..Options::default() };
        for (year, full, short, digits) in [
            (2024, "hai nghìn không trăm hai mươi tư", "hai nghìn hai mươi tư", "hai không hai tư"),
            (
                1975,
                "một nghìn chín trăm bảy mươi lăm",
                "một nghìn chín trăm bảy mươi lăm",
                "một chín bảy năm",
            ),
            (2005, "hai nghìn không trăm linh năm", "hai nghìn không trăm linh năm", "hai không không năm"),
            (2000, "hai nghìn", "hai nghìn", "hai nghìn"),
            (2030, "hai nghìn không trăm ba mươi", "hai nghìn ba mươi", "hai không ba mươi"),
        ] {
            assert_eq!(said(&of(YearStyle::Full), |say| _ = say.year(year)), full);
            assert_eq!(said(&of(YearStyle::Short), |say| _ = say.year(year)), short);
            assert_eq!(said(&of(YearStyle::Digits), |say| _ = say.year(year)), digits);
        }
    }
}
