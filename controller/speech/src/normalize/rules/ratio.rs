//! "tỷ lệ 1:500", "tỷ lệ 1/2000", "pha 1:10": "một trên năm trăm".

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::view::View;
use super::Candidate;
use super::amount::Amount;

pub(super) fn ratio(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let (left, right) = (view.digits(at)?, view.digits(at + 2)?);
    let joined = view.is_mark(at + 1, ':') || view.is_mark(at + 1, '/');
    if !joined || !view.has_cue(at, 3, &["lệ", "pha", "trộn", "đồ"]) || view.is_mark(at + 3, '%') {
        return None;
    }
    say.cardinal(left).say("trên");
    // "1/25.000"
    let scale = Amount::parse(view, at + 2).filter(|scale| scale.next > at + 3 && scale.is_whole());
    let mut next = match scale {
        Some(scale) => {
            scale.say_whole(say);
            scale.next
        }
        None => {
            say.cardinal(right);
            at + 3
        }
    };
    while view.is_mark(next, ':')
        && let Some(more) = view.digits(next + 1)
    {
        say.say("trên").cardinal(more);
        next += 2;
    }
    // "pha 1/500 - 1/1000"
    if let Some(second) = view.skip_dash(next)
        && let (Some(left), Some(right)) = (view.digits(second), view.digits(second + 2))
        && matches!(view.mark(second + 1), Some(':' | '/'))
    {
        say.say("đến").cardinal(left).say("trên").cardinal(right);
        next = second + 3;
    }
    Some(Candidate::cued(Class::Fraction, next))
}
