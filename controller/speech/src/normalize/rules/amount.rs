//! Numbers as they are written: 1.250.000 · 2.345,67 · 3,5 · 4.0 · 1,250,000 · 1 250 000.

use super::super::saying::{MAX_CARDINAL_DIGITS, Saying};
use super::super::view::View;
use super::{cues, units};

/// A number, not yet said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amount<'t> {
    whole: Whole<'t>,
    decimals: Option<&'t str>,
    point: Point,
    /// The token behind it.
    pub(super) next: usize,
}

#[derive(Clone, Copy, Debug)]
enum Whole<'t> {
    Value(u64),
    /// Not grouped, so that a zero in front and a great length keep their meaning.
    Written(&'t str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    Comma,
    Dot,
}

impl<'t> Amount<'t> {
    /// The number that begins at `at`.
    pub(super) fn parse(view: View<'t>, at: usize) -> Option<Self> {
        let first = view.digits(at)?;
        let joined = |mark, next: usize| view.is_mark(next, mark).then(|| view.digits(next + 1)).flatten();
        for (thousands, decimal, least) in [('.', ',', 1), (',', '.', 2)] {
            let Some((value, next)) = grouped(view, at, thousands, least) else { continue };
            let decimals = joined(decimal, next);
            let next = if decimals.is_some() { next + 2 } else { next };
            return Some(Self { whole: Whole::Value(value), decimals, point: Point::Comma, next });
        }
        let spaced = grouped(view, at, ' ', 2)
            .or_else(|| grouped(view, at, ' ', 1).filter(|(_, next)| counts_one_thing(view, at, *next)));
        if let Some((value, next)) = spaced {
            return Some(Self { whole: Whole::Value(value), decimals: None, point: Point::Comma, next });
        }
        if is_item(view, at) {
            return Some(Self {
                whole: Whole::Written(first),
                decimals: None,
                point: Point::Comma,
                next: at + 1,
            });
        }
        let (decimals, point, next) = match (joined(',', at + 1), joined('.', at + 1)) {
            (Some(decimals), _) => (Some(decimals), Point::Comma, at + 3),
            (None, Some(decimals)) if decimals.len() <= 2 && !view.is_mark(at + 3, '.') => {
                (Some(decimals), Point::Dot, at + 3)
            }
            (None, _) => (None, Point::Comma, at + 1),
        };
        Some(Self { whole: Whole::Written(first), decimals, point, next })
    }

    /// "50,000" in front of đồng: the comma groups, because nobody counts a thousandth of a đồng.
    pub(super) fn regrouped(mut self) -> Self {
        if let (Whole::Written(first), Some(decimals), Point::Comma) = (self.whole, self.decimals, self.point)
            && decimals.len() == 3
            && first.len() <= 3
            && let (Ok(first), Ok(last)) = (first.parse::<u64>(), decimals.parse::<u64>())
        {
            self.whole = Whole::Value(first * 1_000 + last);
            self.decimals = None;
        }
        self
    }

    pub(super) const fn is_whole(&self) -> bool {
        self.decimals.is_none()
    }

    /// One or two decimals behind a comma: hundredths of something.
    pub(super) fn hundredths(&self) -> Option<u64> {
        let decimals = self.decimals.filter(|decimals| decimals.len() <= 2)?;
        let value: u64 = decimals.parse().ok()?;
        Some(if decimals.len() == 1 { value * 10 } else { value })
    }

    /// Its value, where it's a whole number that isn't too long.
    pub(super) fn value(&self) -> Option<u64> {
        match self.whole {
            _ if self.decimals.is_some() => None,
            Whole::Value(value) => Some(value),
            Whole::Written(digits) if digits.len() <= MAX_CARDINAL_DIGITS => digits.parse().ok(),
            Whole::Written(_) => None,
        }
    }

    /// A year as one writes it: four digits, no groups.
    pub(super) fn year(&self) -> Option<u64> {
        match self.whole {
            Whole::Written(digits) if digits.len() == 4 && self.decimals.is_none() => {
                digits.parse().ok().filter(|year| (1_000..=2_999).contains(year))
            }
            Whole::Written(_) | Whole::Value(_) => None,
        }
    }

    /// Whether no more can be said of it than its digits.
    pub(super) fn is_only_digits(&self) -> bool {
        match self.whole {
            Whole::Value(_) => false,
            Whole::Written(digits) => {
                digits.trim_start_matches('0').len() > MAX_CARDINAL_DIGITS
                    || (digits.len() > 2 && digits.starts_with('0'))
            }
        }
    }

    /// Says it. In front of a unit a dot is a decimal comma; elsewhere it's a dot ("công nghệ 4.0").
    pub(super) fn say(&self, measured: bool, say: &mut Saying<'_>) {
        self.say_whole(say);
        if let Some(decimals) = self.decimals {
            let dot = self.point == Point::Dot && !measured;
            say.say(if dot { "chấm" } else { "phẩy" }).decimals(decimals);
        }
    }

    /// Says what stands in front of the comma.
    pub(super) fn say_whole(&self, say: &mut Saying<'_>) {
        match self.whole {
            Whole::Value(value) => say.number(value),
            Whole::Written(digits) => say.cardinal(digits),
        };
    }
}

/// "1,2,3,4" and "các thôn 1,2" list numbers: their commas are no decimal ones.
fn is_item(view: View<'_>, at: usize) -> bool {
    let comma = |at: usize| view.is_mark(at, ',') && view.digits(at + 1).is_some();
    let behind_item = at > 1 && view.is_mark(at - 1, ',') && view.digits(at - 2).is_some();
    let named = view.follows(at, &["thôn", "tổ", "lớp", "xóm", "ấp", "khối", "khu"]) && comma(at + 1);
    behind_item || named || (comma(at + 1) && comma(at + 3))
}

/// "có 12 450 cử tri": two groups with a blank between them are one number where something is counted behind them, and nothing
/// in front ("thôn 5 120 hộ") has a number of its own.
fn counts_one_thing(view: View<'_>, at: usize, next: usize) -> bool {
    const COUNTING: &[&str] = &[
        "có", "là", "được", "đạt", "còn", "trồng", "cấp", "trao", "tặng", "tiêm", "thu", "chi", "gần", "hơn",
        "khoảng", "trên", "tới", "số", "với", "cho", "gồm", "hỗ", "trợ", "và",
    ];
    let people = ["cử", "khẩu", "lượt", "phiếu", "gốc", "gia", "nông"];
    let counted = [cues::THINGS, &people].iter().any(|things| view.precedes(next, things))
        || units::measure(view, view.skip_space(next), false).is_some();
    counted && (view.follows(at, COUNTING) || view.at_line_start(at))
}

/// Groups of three digits with `mark` between them, at least `least` of them behind the first one.
fn grouped(view: View<'_>, at: usize, mark: char, least: usize) -> Option<(u64, usize)> {
    let first = view.digits(at).filter(|first| first.len() <= 3 && !first.starts_with('0'))?;
    let mut value: u64 = first.parse().ok()?;
    let (mut next, mut groups) = (at + 1, 0);
    let separated =
        |next: usize| if mark == ' ' { view.token(next) == " " } else { view.is_mark(next, mark) };
    while groups < 5 && separated(next) {
        let Some(group) = view.exactly(next + 1, 3) else { break };
        value = value * 1_000 + group;
        (next, groups) = (next + 2, groups + 1);
    }
    // "1.000.00" is no grouped number, "5 100 200 30" are several.
    let runs_on = separated(next) && view.digits(next + 1).is_some_and(|_| mark != ' ');
    (groups >= least && !runs_on).then_some((value, next))
}
