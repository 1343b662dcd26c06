//! Telephone numbers, emergency numbers and service codes, digit by digit in groups.

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::view::View;
use super::{Candidate, cues};

const EMERGENCY: &[&str] = &["111", "112", "113", "114", "115"];
const SERVICES: &[&str] = &["116", "117", "119", "156", "1022", "1080", "1081", "1408", "5656", "9656"];
/// Groups that a number is written in at most.
const GROUPS_MAX: usize = 6;

/// 113, 114, 115, also "113/114/115".
pub(super) fn hotline(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let digits = view.digits(at)?;
    let emergency = EMERGENCY.contains(&digits);
    let mut next = at + 1;
    while view.is_mark(next, '/') && view.digits(next + 1).is_some_and(|more| EMERGENCY.contains(&more)) {
        next += 2;
    }
    let list = emergency && next > at + 1;
    let strict = ["nóng", "đài", "hotline", "gọi", "thoại", "nhắn"];
    let cued = if emergency {
        view.has_cue(at, 5, cues::HOTLINE) || is_another_way(view, at)
    } else {
        (SERVICES.contains(&digits)
            && (view.has_cue(at, 5, cues::HOTLINE) || view.has_cue(at, 3, &["gửi", "tin"])))
            || ((3..=5).contains(&digits.len()) && view.has_cue(at, 2, &strict))
    };
    // "gọi 115 hộ", "số 114 Lê Lợi", "số 115/QĐ".
    let behind = view.skip_space(next);
    let street = view.follows(at, &["số"])
        && !view.has_cue(at, 5, &strict)
        && view.shape(behind).is_some_and(|shape| shape.capitalised);
    let counted = view.precedes(next, cues::THINGS)
        || matches!(view.mark(next), Some('%' | '/' | '-' | ':'))
        || (matches!(view.mark(next), Some('.' | ',')) && view.digits(next + 1).is_some());
    if !(list || cued) || street || (counted && !list) {
        return None;
    }
    for number in (at..next).step_by(2) {
        if number > at {
            say.pause();
        }
        say.digits(view.token(number));
    }
    Some(Candidate::cued(Class::Hotline, next))
}

/// "0263.822.114 hoặc 112": behind a telephone number.
fn is_another_way(view: View<'_>, at: usize) -> bool {
    let joint = view.before(at).filter(|joint| view.is_word(*joint, &["hoặc", "hay", "và"]));
    let Some(last) = joint.and_then(|joint| view.before(joint)) else { return false };
    let area =
        |index: usize| view.digits(index).is_some_and(|group| group.starts_with('0') && group.len() >= 3);
    view.digits(last).is_some() && (last.saturating_sub(2 * GROUPS_MAX)..=last).any(area)
}

/// The groups of a number as it's written.
struct Groups<'t> {
    groups: [&'t str; GROUPS_MAX],
    count: usize,
    digits: usize,
    masked: bool,
    next: usize,
}

impl<'t> Groups<'t> {
    fn parse(view: View<'t>, at: usize) -> Option<Self> {
        let first = view.digits(at)?;
        let mut read =
            Self { groups: [first; GROUPS_MAX], count: 1, digits: first.len(), masked: false, next: at + 1 };
        while read.count < GROUPS_MAX && read.digits < 12 {
            let closed = if view.is_mark(read.next, ')') { read.next + 1 } else { read.next };
            let separated = view.token(closed) == " " || matches!(view.mark(closed), Some('.' | '-'));
            let behind = if separated {
                // "0263 - 3822456"
                if view.is_space(closed)
                    && view.is_mark(closed + 1, '-')
                    && view.is_space(closed + 2)
                    && read.count == 1
                    && first.len() <= 4
                {
                    closed + 3
                } else {
                    closed + 1
                }
            } else if closed > read.next || view.word(closed).is_some_and(is_mask) {
                closed
            } else {
                break;
            };
            if let Some(mask) = view.word(behind).filter(|word| is_mask(word)) {
                read.push(mask, behind + 1);
                read.masked = true;
                continue;
            }
            // "(0263) 3 822 145": the exchange's figure stands by itself behind the area's.
            let alone = |group: &str| group.len() == 1 && read.count == 1 && first.starts_with('0');
            let Some(group) =
                view.digits(behind).filter(|group| (2..=8).contains(&group.len()) || alone(group))
            else {
                break;
            };
            read.push(group, behind + 1);
        }
        Some(read)
    }

    fn push(&mut self, group: &'t str, next: usize) {
        self.groups[self.count] = group;
        self.count += 1;
        self.digits += group.len();
        self.next = next;
    }

    fn say(&self, say: &mut Saying<'_>) {
        for (index, group) in self.groups[..self.count].iter().enumerate() {
            if index > 0 {
                say.pause();
            }
            say_group(group, say);
        }
    }
}

/// "xxx" for digits that aren't told.
fn is_mask(word: &str) -> bool {
    (2..=8).contains(&word.len()) && word.bytes().all(|c| matches!(c, b'x' | b'X'))
}

fn say_group(group: &str, say: &mut Saying<'_>) {
    if group.starts_with(['x', 'X']) {
        say.letters(group);
        return;
    }
    // A long number in one piece is said in groups of three or four, as people say theirs.
    let cuts: &[usize] = match group.len() {
        10 => &[4, 3, 3],
        11 => &[4, 3, 4],
        8 if group.starts_with('1') => &[4, 4],
        _ => &[],
    };
    let mut rest = group;
    for &cut in cuts {
        let (part, behind) = rest.split_at(cut.min(rest.len()));
        say.digits(part);
        if !behind.is_empty() {
            say.pause();
        }
        rest = behind;
    }
    say.digits(rest);
}

/// 0912 345 678, 0263.3822.456, 0263.3822.xxx, 0912345678, 1900 1234; with more of them behind a stroke.
pub(super) fn telephone(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let first = view.digits(at)?;
    let read = Groups::parse(view, at)?;
    let service = matches!(first.get(..4), Some("1800" | "1900"));
    let near = ["thoại", "sđt", "đt", "máy", "hotline", "nóng", "fax", "tel", "phone", "zalo"];
    let runs_on = matches!(view.mark(read.next), Some('%' | '/')) && view.digits(read.next + 1).is_none();
    let plausible = if service {
        (8..=10).contains(&read.digits) && (read.count > 1 || !view.precedes(read.next, cues::THINGS))
    } else if first.starts_with('0') {
        // Without groups nine digits may be anything.
        (9..=11).contains(&read.digits) && first.len() >= 3 && (read.count > 1 || read.digits >= 10)
    } else if first == "84" && read.count >= 3 {
        (10..=12).contains(&read.digits)
    } else {
        let counted = view.precedes(read.next, cues::THINGS);
        (6..=11).contains(&read.digits) && view.has_cue(at, 3, &near) && !counted
    };
    if !plausible || runs_on {
        return None;
    }
    read.say(say);
    let mut next = read.next;
    while view.is_mark(next, '/')
        && let Some(more) = Groups::parse(view, next + 1).filter(|more| more.digits >= 6)
    {
        say.pause();
        more.say(say);
        next = more.next;
    }
    Some(Candidate::cued(Class::Telephone, next))
}

/// "(0263) 3822456".
pub(super) fn bracketed(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let area = view.is_mark(at, '(') && view.is_mark(at + 2, ')');
    view.digits(at + 1).filter(|code| area && code.starts_with('0') && code.len() <= 5)?;
    telephone(view, at + 1, say).filter(|read| read.next > at + 3)
}

/// "+84 912 345 678", "(+84) 263 3822 456".
pub(super) fn international(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let plus = if view.is_mark(at, '(') { at + 1 } else { at };
    let first = view.digits(plus + 1).filter(|_| view.is_mark(plus, '+'))?;
    let read = Groups::parse(view, plus + 1).filter(|read| (9..=13).contains(&read.digits))?;
    if !first.starts_with("84") && read.count < 2 {
        return None;
    }
    say.say("cộng");
    read.say(say);
    Some(Candidate::cued(Class::Telephone, read.next))
}

/// "đầu số +882": what numbers begin with.
pub(super) fn prefix(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let digits = view.digits(at + 1).filter(|digits| digits.len() <= 5 && view.is_mark(at, '+'))?;
    if !view.has_cue(at, 4, &["đầu", "mã"]) || !view.has_cue(at, 3, &["số", "vùng", "nước"]) {
        return None;
    }
    say.say("cộng").digits(digits);
    Some(Candidate::cued(Class::Telephone, at + 2))
}

/// "*101#" is "sao một không một thăng".
pub(super) fn service_code(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    if !view.is_mark(at, '*') {
        return None;
    }
    let mut next = at;
    while view.is_mark(next, '*')
        && next < at + 12
        && let Some(digits) = view.digits(next + 1).filter(|digits| digits.len() <= 15)
    {
        say.say("sao").digits(digits);
        next += 2;
    }
    if !view.is_mark(next, '#') || next == at {
        return None;
    }
    say.say("thăng");
    Some(Candidate::cued(Class::Hotline, next + 1))
}
