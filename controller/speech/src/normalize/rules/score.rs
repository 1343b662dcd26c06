//! The score of a match: "thắng 2-1" is "hai một".

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::view::View;
use super::{Candidate, cues, units};

/// What decides a match that is even.
const DECIDER: &[&str] = &["lưu", "pen", "penalty"];
/// Around matches.
const MATCH: &[&str] =
    &["kết", "trận", "vòng", "bảng", "giải", "đấu", "bóng", "quả", "đội", "lượt", "cup", "tuyển", "vs"];
/// What one side did to the other.
const RESULT: &[&str] = &["thắng", "thua", "hạ", "dẫn", "bại", "đậm"];
/// No side of a match has more goals than this: "Bảng giá: 40-50".
const GOALS_MAX: u64 = 30;
/// No side of a set or a game has more points than this.
const POINTS_MAX: u64 = 50;
/// Tokens of five sets.
const SETS_MAX: usize = 30;

/// A side's name, or its second word: "Việt Nam", "U23".
fn is_name(view: View<'_>, at: usize) -> bool {
    view.shape(at)
        .is_some_and(|shape| shape.capitalised && (shape.letters > 1 || view.digits(at + 1).is_some()))
}

/// "Ninh Gia 5-4 Hiệp Thạnh", "U23 Việt Nam 2-1 U23 Thái Lan"; "Lâm Đồng - Đắk Lắk 1-1".
fn is_of_sides(view: View<'_>, at: usize, next: usize) -> bool {
    let side = |left: &usize| is_name(view, *left) && view.is_space(at - 1) && !view.is_word(*left, NUMBERED);
    let Some(left) = view.before(at).filter(side) else { return false };
    let first = view.before(left);
    let two = first.is_some_and(|first| is_name(view, first));
    // "5-4 (pen) Hiệp Thạnh"
    let bracket = view.skip_space(next);
    let decided = view.is_mark(bracket, '(') && view.is_word(bracket + 1, DECIDER);
    let right = if decided { view.skip_space(bracket + 3) } else { bracket };
    let between = right > next && is_name(view, right) && !view.is_mark(right + 1, '.');
    if between && (two || view.has_cue(at, 8, MATCH)) {
        return true;
    }
    let versus =
        |dash: usize| view.is_mark(dash, '-') && view.before(dash).is_some_and(|other| is_name(view, other));
    let dashed = first.is_some_and(|first| versus(first) || view.before(first).is_some_and(versus));
    let ends =
        view.is_gap(next) && view.kind(bracket).is_none() || matches!(view.mark(next), Some(';' | '.' | ','));
    dashed && ends
}

/// Words in front of a number of their own: "Tổ 3-5 Thôn Hai" is no match.
const NUMBERED: &[&str] = &[
    "thôn",
    "tổ",
    "khối",
    "lớp",
    "khu",
    "điều",
    "khoản",
    "tháng",
    "ngày",
    "quý",
    "số",
    "cấp",
    "xóm",
    "ấp",
    "km",
    "tuổi",
    "tầng",
    "từ",
    "trẻ",
    "đội",
    "nhóm",
    "mục",
    "hội",
    "phần",
    "đường",
    "quận",
    "phường",
    "kỳ",
    "khóa",
];

pub(super) fn score(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    if let Some(candidate) = set(view, at, say) {
        return Some(candidate);
    }
    let left = view.value(at, 3)?;
    let colon = view.is_mark(at + 1, ':').then_some(at + 2);
    let second = colon.or_else(|| view.skip_dash(at + 1))?;
    let right = view.value(second, 3)?;
    let next = second + 1;
    let counted = view.precedes(next, cues::THINGS)
        || view.precedes(next, &["độ", "cấp"])
        || units::tail(view, next).is_some()
        || view.word(next).is_some()
        || matches!(view.mark(next), Some('%' | '/' | ':' | '-' | ','  | '.') if view.digits(next + 1).is_some())
        || matches!(view.mark(next), Some('%' | '/' | '-'));
    // "số" alone is behind too many numbers: "tỷ số", "tỉ số"; "Khánh Hòa" is no draw.
    let told = view.has_cue(at, 5, &["tỷ", "tỉ"])
        && view.has_cue(at, 4, cues::SCORE)
        && !view.has_cue(at, 2, &["lệ"])
        || view.has_cue(at, 4, RESULT)
        || (at.saturating_sub(7)..at).any(|before| view.token(before) == "hòa");
    let behind_colon = || {
        view.before(at).is_some_and(|before| view.is_mark(before, ':'))
            && view.has_cue(at, 10, &["trận", "kết", "bảng", "vòng", "đấu"])
    };
    let few = left <= GOALS_MAX && right <= GOALS_MAX;
    let drawn = || view.has_cue(at, 4, &["hiệp", "trận"]) && view.follows(at, &["thúc", "cuộc", "là"]);
    let cued = told
        || few && drawn()
        || few && (is_of_sides(view, at, next) || view.has_cue(at, 2, DECIDER) || behind_colon());
    if counted || !cued {
        return None;
    }
    say.number(left).number(right);
    Some(Candidate::cued(Class::Score, next))
}

/// Points of a set, told behind the match's score: "thắng 3-1 (25/20, 22/25, 25-23)"; and the points of a game that is told
/// with a stroke: "tỷ số 13/7", "thua 11/13".
fn set(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let (left, right, next) = points(view, at)?;
    let stroked = || {
        let told = view.follows(at, &["số"]) && view.has_cue(at, 2, &["tỷ", "tỉ"])
            || view.follows(at, &["thua", "bại", "dẫn"])
            || view.follows(at, &["thắng"]) && !view.has_cue(at, 6, cues::FEAST);
        // "thua 2/3 số trận", "thắng 3/5 trận": a share of the matches.
        let share = [cues::THINGS, cues::PARTS, cues::COUNTED, &["trận", "ván", "hiệp", "set", "giải"]]
            .iter()
            .any(|counted| view.precedes(next, counted));
        view.is_mark(at + 1, '/') && told && !share
    };
    if !is_in_sets(view, at, next) && !stroked() {
        return None;
    }
    say.number(left).number(right);
    Some(Candidate::cued(Class::Score, next))
}

/// a/b or a-b, of so many points as a set may have.
fn points(view: View<'_>, at: usize) -> Option<(u64, u64, usize)> {
    let few = |at: usize| view.value(at, 2).filter(|points| *points <= POINTS_MAX);
    let (left, right) = (few(at)?, few(at + 2)?);
    let joined = matches!(view.mark(at + 1), Some('-' | '/' | ':'));
    let runs_on = matches!(view.mark(at + 3), Some('/' | '-' | '%')) || view.word(at + 3).is_some();
    (joined && !runs_on).then_some((left, right, at + 3))
}

/// Whether the bracket around holds pairs of points and nothing else, and stands behind a score.
fn is_in_sets(view: View<'_>, at: usize, next: usize) -> bool {
    if !matches!(view.mark(next), Some(',' | ';' | ')')) {
        return false;
    }
    let between = |index: usize| {
        view.digits(index).is_some()
            || view.is_space(index)
            || matches!(view.mark(index), Some('-' | '/' | ':' | ',' | ';'))
    };
    let bracket = (at.saturating_sub(SETS_MAX)..at).rev().find(|index| !between(*index));
    let Some(bracket) = bracket.filter(|bracket| view.is_mark(*bracket, '(')) else { return false };
    let many = bracket + 1 < at || matches!(view.mark(next), Some(',' | ';'));
    let behind_score = view.before(bracket).is_some_and(|score| {
        score >= 2 && view.value(score, 1).is_some() && view.value(score - 2, 1).is_some()
    });
    let played = [RESULT, MATCH].iter().any(|cues| view.has_cue(bracket, 8, cues))
        || view.has_cue(bracket, 3, &["tỷ", "tỉ", "cuộc"]);
    many && behind_score && played
}
