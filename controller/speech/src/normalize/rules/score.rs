//! The score of a match: "thắng 2-1" is "hai một".

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::view::View;
use super::{Candidate, cues};

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
        || view.has_cue(at, 4, &result);
    if counted || !cued || view.is_mark(next, '-') {
        return None;
    }
    say.number(left).number(right);
    Some(Candidate::cued(Class::Score, next))
}
