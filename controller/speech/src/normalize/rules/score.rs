//! The score of a match: "thắng 2-1" is "hai một".

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::view::View;
use super::{Candidate, cues};

/// What is played when a match is even.
const DECIDER: &[&str] = &["lưu", "pen", "penalty", "phạt", "phụ"];
/// Around matches.
const MATCH: &[&str] =
    &["kết", "trận", "vòng", "bảng", "giải", "đấu", "bóng", "quả", "đội", "lượt", "cup", "tuyển", "vs"];

/// "Ninh Gia 5-4 Hiệp Thạnh", "U23 Việt Nam 2-1 U23 Thái Lan": names of two words on the left, a name on the right.
fn is_between_sides(view: View<'_>, at: usize, next: usize) -> bool {
    let name = |at: usize| {
        view.shape(at)
            .is_some_and(|shape| shape.capitalised && (shape.letters > 1 || view.digits(at + 1).is_some()))
    };
    let Some(left) = view.before(at).filter(|left| name(*left) && view.is_space(at - 1)) else {
        return false;
    };
    // "5-4 (pen) Hiệp Thạnh"
    let bracket = view.skip_space(next);
    let right = if view.is_mark(bracket, '(') && view.is_word(bracket + 1, DECIDER) {
        view.skip_space(bracket + 3)
    } else {
        bracket
    };
    let two = view.before(left).is_some_and(name);
    let sides = right > next && name(right) && !view.is_mark(right + 1, '.');
    sides && (two || view.has_cue(at, 8, MATCH)) && !view.is_word(left, NUMBERED)
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
    let left = view.value(at, 3)?;
    let colon = view.is_mark(at + 1, ':').then_some(at + 2);
    let second = colon.or_else(|| view.skip_dash(at + 1))?;
    let right = view.value(second, 3)?;
    let next = second + 1;
    let counted = view.precedes(next, cues::THINGS) || view.is_mark(next, '%') || view.is_mark(next, '/');
    // "số" alone is behind too many numbers: "tỷ số", "tỉ số".
    let result = ["thắng", "thua", "hòa", "hạ", "dẫn", "bại", "đậm"];
    let cued = view.has_cue(at, 5, &["tỷ", "tỉ"])
        && view.has_cue(at, 4, cues::SCORE)
        && !view.has_cue(at, 2, &["lệ"])
        || view.has_cue(at, 4, &result)
        || (at > 1
            && view.before(at).is_some_and(|colon| view.is_mark(colon, ':'))
            && view.has_cue(at, 10, &["trận", "kết", "bảng", "vòng", "đấu", "quả"])
            && left <= 30
            && right <= 30)
        || (left <= 30 && right <= 30 && (is_between_sides(view, at, next) || view.has_cue(at, 2, DECIDER)));
    let times = view.is_mark(next, '/') || view.is_mark(next, ':');
    if counted || times || !cued || view.is_mark(next, '-') {
        return None;
    }
    say.number(left).number(right);
    Some(Candidate::cued(Class::Score, next))
}
