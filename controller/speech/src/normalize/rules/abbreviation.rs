//! Words that are written short, titles and levels of place with their dots, and letters that are nothing but letters.

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::syllable;
use super::super::tables;
use super::super::view::View;
use super::Candidate;

/// Most tokens of a short form: "LĐ-TB&XH" has five.
const TOKENS_MAX: usize = 7;

/// "UBND", "TT&TT", "PCTT và TKCN", "GDNN-GDTX": the longest that is known.
pub(super) fn abbreviation(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let mut ends = [0; TOKENS_MAX];
    let mut count = 0;
    let mut next = at + 1;
    while count < TOKENS_MAX {
        ends[count] = next;
        count += 1;
        let joined = matches!(view.mark(next), Some('&' | '-' | '/' | ',')) && view.word(next + 1).is_some();
        if !joined || next + 2 > at + TOKENS_MAX {
            break;
        }
        next += 2;
    }
    for &end in ends[..count].iter().rev() {
        let short = view.slice(at, end);
        if is_word_in_heading(view, at, short) {
            continue;
        }
        if let Some(long) = tables::abbreviation(view, short, at, end) {
            say.say(long);
            return Some(Candidate::new(Class::Abbreviation, end));
        }
    }
    let long = in_other_case(view, at)?;
    say.say(long);
    Some(Candidate::new(Class::Abbreviation, at + 1))
}

/// "ubnd", "Bhyt", "HđND": what can be no syllable stands for the same in any case.
fn in_other_case(view: View<'_>, at: usize) -> Option<&'static str> {
    let (word, shape) = (view.word(at)?, view.shape(at)?);
    if !(3..=8).contains(&shape.letters)
        || shape.is_upper()
        || !shape.vowelless
        || syllable::is_syllable(word)
    {
        return None;
    }
    tables::plain_abbreviation(&word.to_uppercase())
}

/// "CA DAO" among capitals is no "công an".
fn is_word_in_heading(view: View<'_>, at: usize, short: &str) -> bool {
    let shouted = |index: usize| {
        view.shape(index).is_some_and(|shape| shape.is_upper() && shape.letters > 1)
            && syllable::is_syllable(view.token(index))
    };
    syllable::is_syllable(short) && (view.before(at).is_some_and(shouted) || shouted(view.skip_space(at + 1)))
}

/// "TP. Đà Lạt", "TP.HCM", "P.4", "PGS.TS Trần Cường": the dot belongs to the word and ends no sentence.
pub(super) fn title(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let short = view.word(at)?;
    let title = tables::title(short)?;
    let shape = view.shape(at)?;
    let has_dot = view.is_mark(at + 1, '.');
    let behind = if has_dot { at + 2 } else { at + 1 };
    let follows = view.skip_space(behind);
    let name = view.shape(follows);
    let named = view.digits(follows).is_some() || name.is_some_and(|name| name.capitalised);
    if !named || (!has_dot && !title.dotless) {
        return None;
    }
    // "anh Trần Văn H. Ông ...": the letter stands for a name, and the dot ends the sentence.
    let after_name = at > 0 && view.is_space(at - 1) && {
        let before = view.before(at).and_then(|before| view.shape(before));
        before.is_some_and(|before| before.capitalised && !before.is_upper())
    };
    if shape.letters == 1 && has_dot && after_name && view.is_space(behind) {
        return None;
    }
    // "đồng chí T.Phú": the first letter of who is named.
    if shape.letters == 1 && shape.capitals == 1 && has_dot && view.follows(at, PERSONS) {
        say.letters(short);
        return Some(Candidate::cued(Class::Letters, behind));
    }
    if !has_dot {
        // "TT" and "TS" in front of capitals are a heading's own; "TP" in front of a number is none.
        let touching_number = view.digits(follows).is_some();
        let shouted = name.is_some_and(|name| {
            name.is_upper() && name.letters > 1 && tables::place(view.token(follows)).is_none()
        });
        let is_title = tables::title(view.token(follows)).is_some();
        if touching_number || (shouted && !is_title) {
            return None;
        }
    }
    // "P.203" is a room.
    // "P. Tư vấn" is a department: its second word is small, as in no place's name.
    let in_small = |at: usize| view.shape(at).is_some_and(|shape| !shape.capitalised);
    let is_room = title.spoken == "phường"
        && (view.digits(follows).is_some_and(|digits| digits.len() > 2)
            || view.is_word(follows, DEPARTMENTS) && view.is_space(follows + 1) && in_small(follows + 2));
    say.say(if is_room { "phòng" } else { title.spoken });
    if let Some(place) = view.word(follows).and_then(tables::place) {
        say.say(place);
        return Some(Candidate::cued(Class::Abbreviation, follows + 1));
    }
    Some(Candidate::cued(Class::Abbreviation, behind))
}

/// In front of a person's name.
const PERSONS: &[&str] =
    &["chí", "ông", "bà", "anh", "chị", "em", "cô", "thầy", "cháu", "sĩ", "đc", "cụ", "chú", "bác"];

/// First words of what an office is for.
const DEPARTMENTS: &[&str] = &[
    "tư", "nội", "tài", "kinh", "văn", "tiếp", "hội", "giao", "khám", "giáo", "công", "quản", "lao", "tổ",
    "hành", "y", "kế", "nông", "họp", "một",
];

/// "liên hệ A. Nam", "gặp C. Hoa": a person to talk to.
pub(super) fn person(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let form = match view.token(at) {
        "A" | "a" => "anh",
        "C" | "c" => "chị",
        "Ô" | "ô" => "ông",
        "B" | "b" => "bà",
        _ => return None,
    };
    let name = view.shape(view.skip_space(at + 2)).is_some_and(|name| name.capitalised);
    // "LH 0937.11.22.33 A. Phong"
    let behind_number = view.before(at).is_some_and(|before| view.digits(before).is_some())
        && view.has_cue(at, 3, &["lh", "hệ", "sđt", "đt", "gọi", "thoại", "hotline", "zalo"]);
    let asked = view.follows(at, &["hệ", "lh", "gặp", "gọi", "với", "cho", "hỏi", "tìm", "zalo", "sđt"])
        || behind_number;
    if !view.is_mark(at + 1, '.') || !name || !asked {
        return None;
    }
    say.say(form);
    Some(Candidate::cued(Class::Abbreviation, at + 2))
}

/// "H' Bông", "K' Brêm": the name of a person of the highlands, written in two.
pub(super) fn split_name(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let prefix = view.shape(at).is_some_and(|shape| shape.letters == 1 && shape.capitals == 1);
    let name = view.shape(at + 3).is_some_and(|name| name.capitalised);
    if !prefix || !view.is_mark(at + 1, '\'') || !view.is_space(at + 2) || !name {
        return None;
    }
    say.say(view.slice(at, at + 2));
    say.join(view.token(at + 3));
    Some(Candidate::cued(Class::Word, at + 4))
}

/// "T.Ư", "N.V.A": letters with dots between them.
pub(super) fn initials(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let single = |at: usize| view.shape(at).is_some_and(|shape| shape.letters == 1 && shape.capitals == 1);
    if !single(at) || !view.is_mark(at + 1, '.') || !single(at + 2) {
        return None;
    }
    if matches!((view.token(at), view.token(at + 2)), ("T", "Ư" | "W")) {
        say.say("Trung ương");
        return Some(Candidate::cued(Class::Abbreviation, at + 3));
    }
    let mut next = at + 1;
    say.letters(view.token(at));
    while next < at + 8 && view.is_mark(next, '.') && single(next + 1) {
        say.letters(view.token(next + 1));
        next += 2;
    }
    Some(Candidate::cued(Class::Letters, next))
}

/// "v.v", "v.v...", "vv".
pub(super) fn and_so_on(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let dotted = view.token(at) == "v" && view.is_mark(at + 1, '.') && view.token(at + 2) == "v";
    if !dotted && !matches!(view.token(at), "vv" | "Vv") {
        return None;
    }
    say.say("vân vân");
    let next = if dotted { at + 3 } else { at + 1 };
    // Its own dot; a capital behind it begins a sentence all the same.
    let goes_on = view.is_mark(next, '.') && !view.is_mark(next + 1, '.') && {
        let behind = view.shape(view.skip_space(next + 1));
        behind.is_some_and(|shape| !shape.capitalised)
    };
    Some(Candidate::cued(Class::Abbreviation, if goes_on { next + 1 } else { next }))
}

/// "T2-T6", "T7, CN": days of the week.
pub(super) fn weekday(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    if is_sunday(view, at) {
        say.say("chủ nhật");
        return Some(Candidate::cued(Class::Date, at + 1));
    }
    let day = |at: usize| {
        view.word(at).filter(|word| matches!(*word, "T" | "t"))?;
        view.exactly(at + 1, 1).filter(|day| (2..=7).contains(day))
    };
    let first = day(at)?;
    let second = view.skip_dash(at + 2).and_then(|second| day(second).map(|day| (day, second + 2)));
    let listed = (view.is_mark(at + 2, ',') || view.is_word(view.skip_space(at + 2), &["và"])) && {
        let behind = view.skip_space(view.skip_space(at + 2) + 1);
        day(behind).is_some() || view.token(behind) == "CN"
    };
    // Behind another one: "T2, T4".
    let goes_on = view.before(at).is_some_and(|comma| {
        comma >= 2 && (view.is_mark(comma, ',') || view.is_word(comma, &["và"])) && {
            let other = view.before(comma).unwrap_or(0);
            other > 0 && view.exactly(other, 1).is_some() && matches!(view.token(other - 1), "T" | "t")
        }
    });
    let cued = goes_on
        || view.follows(at, &["sáng", "chiều", "tối", "trưa", "đêm", "ngày", "h", "giờ", "phút", "vào"])
        || view.before(at).is_some_and(|before| {
            before > 0 && view.digits(before).is_some() && matches!(view.token(before - 1), "h" | "g" | ":")
        })
        || view.has_cue(at, 2, &["lịch"])
        || has_its_day(view, at + 2);
    let sunday = view.skip_dash(at + 2).filter(|behind| view.token(*behind) == "CN");
    if second.is_none() && sunday.is_none() && !listed && !cued {
        return None;
    }
    say.say("thứ").which(first);
    if let Some(sunday) = sunday {
        say.say("đến chủ nhật");
        return Some(Candidate::cued(Class::Date, sunday + 1));
    }
    let Some((last, next)) = second else { return Some(Candidate::cued(Class::Date, at + 2)) };
    say.say("đến thứ").which(last);
    Some(Candidate::cued(Class::Date, next))
}

/// "T5 (1/1)", "T6, 24/10", "T6, ngày 24/10": the day of the month stands behind the day of the week.
fn has_its_day(view: View<'_>, next: usize) -> bool {
    let mark = view.skip_space(next);
    if !matches!(view.mark(mark), Some('(' | ',')) {
        return false;
    }
    let day = view.skip_space(mark + 1);
    view.is_word(day, &["ngày"])
        || view.value(day, 2).is_some() && view.is_mark(day + 1, '/') && view.value(day + 2, 2).is_some()
}

/// "CN: 7h-11h", "CN (22/11)": an hour or a day stands behind.
fn is_sunday(view: View<'_>, at: usize) -> bool {
    let mark = view.skip_space(at + 1);
    let number = view.skip_space(mark + 1);
    view.token(at) == "CN"
        && matches!(view.mark(mark), Some(':' | '(' | ','))
        && view.value(number, 2).is_some()
        && matches!(view.token(number + 1), "h" | "g" | "H" | ":" | "/")
}

/// "T10/2025", "T.3/2025", "Q2/2025".
pub(super) fn month(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let number = if view.is_mark(at + 1, '.') { at + 2 } else { at + 1 };
    let year = view.exactly(number + 2, 4).filter(|_| view.is_mark(number + 1, '/'))?;
    let (name, most) = match view.token(at) {
        "T" | "t" => ("tháng", 12),
        "Q" | "q" => ("quý", 4),
        _ => return None,
    };
    let which = view.value(number, 2).filter(|which| (1..=most).contains(which))?;
    say.say(name).which(which).say("năm").year(year);
    Some(Candidate::cued(Class::Date, number + 3))
}

/// Letters by their names: what can't be a syllable, and single consonants ("viêm gan B", "điểm b").
pub(super) fn letters(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let (word, shape) = (view.word(at)?, view.shape(at)?);
    if matches!(word, "x" | "X") && view.digits(view.skip_space(at + 1)).is_some() {
        say.say("nhân");
        return Some(Candidate::new(Class::Symbol, at + 1));
    }
    let spelled = if shape.letters == 1 {
        shape.vowelless && (shape.capitals == 1 || is_item(view, at))
    } else {
        shape.is_upper()
            && shape.letters <= 6
            && !word.contains('\'')
            && is_spelled(view, at, shape.vowelless)
    };
    if !spelled || word.chars().any(|c| tables::letter(c).is_none()) {
        return None;
    }
    say.letters(word);
    Some(Candidate::new(Class::Letters, at + 1))
}

fn is_spelled(view: View<'_>, at: usize, vowelless: bool) -> bool {
    if vowelless {
        return true;
    }
    let word = view.token(at);
    // Among other capitals it's a name in a heading: "ĐẮK LẮK", "FACEBOOK".
    let shouted = |index: usize| view.shape(index).is_some_and(|shape| shape.is_upper() && shape.letters > 1);
    let in_heading = view.before(at).is_some_and(shouted) || shouted(view.skip_space(at + 1));
    // "bão số 14 (TRAMI)" has a name.
    if view.has_cue(at, 4, &["bão"]) {
        return false;
    }
    !in_heading && !syllable::is_syllable(word) && word.chars().all(|c| c.is_ascii() || c == 'Đ')
}

/// "điểm b", "ý c", "phương án d".
fn is_item(view: View<'_>, at: usize) -> bool {
    view.follows(
        at,
        &[
            "điểm", "mục", "ý", "câu", "án", "khoản", "đề", "nhóm", "loại", "bảng", "chữ", "phần", "hoặc",
            "và",
        ],
    ) || (view.at_line_start(at) && matches!(view.mark(at + 1), Some(')' | '.')))
}
