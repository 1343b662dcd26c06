//! Plates of vehicles: 49A-123.45, 49-B1 123.45, 49B1-123.45.

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::view::View;
use super::Candidate;

pub(super) fn plate(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let province = view.digits(at).filter(|digits| digits.len() == 2)?;
    let series = if view.is_mark(at + 1, '-') { at + 2 } else { at + 1 };
    view.shape(series).filter(|shape| shape.is_upper() && shape.letters <= 2)?;
    let figure = view.digits(series + 1).filter(|figure| figure.len() == 1);
    let behind = if figure.is_some() { series + 2 } else { series + 1 };
    let cued = view.has_cue(at, 4, &["biển", "bks", "xe", "kiểm"]);
    let separated = view.is_mark(behind, '-') || view.is_mark(behind, '.') || view.token(behind) == " ";
    let number = if separated { view.skip_space(behind + 1) } else { behind };
    if !separated && !cued {
        return None;
    }
    let (last, next) = match (view.digits(number)?, view.digits(number + 2)) {
        (three, Some(two)) if three.len() == 3 && two.len() == 2 && view.is_mark(number + 1, '.') => {
            (Some(two), number + 3)
        }
        (whole, _) if matches!(whole.len(), 4 | 5) && (cued || view.is_mark(behind, '-')) => {
            (None, number + 1)
        }
        _ => return None,
    };
    say.digits(province).letters(view.token(series));
    if let Some(figure) = figure {
        say.digits(figure);
    }
    say.pause().digits(view.token(number));
    if let Some(last) = last {
        say.digits(last);
    }
    Some(Candidate::cued(Class::Plate, next))
}
