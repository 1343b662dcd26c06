//! Ways on through a longer list.

use super::fields::{Fields, address};
use crate::pages::views::Pager;

/// The entries of the page that `asked` names by its number, and the ways on with the filters of `names` kept.
pub(super) fn cut<T>(
    path: &str,
    asked: &Fields,
    names: &[&str],
    all: Vec<T>,
    per_page: usize,
) -> (Vec<T>, Pager) {
    let pages = all.len().div_ceil(per_page).max(1);
    let page = asked.one("page").parse::<usize>().unwrap_or(1).clamp(1, pages);
    let next = (page < pages).then(|| (page + 1).to_string());
    let pager = Pager {
        first: (page > 1).then(|| filtered(path, asked, names, ("page", ""))),
        next: next.map(|next| filtered(path, asked, names, ("page", &next))),
    };
    (all.into_iter().skip((page - 1) * per_page).take(per_page).collect(), pager)
}

/// The ways on through a list that is read from its latest entry: `next` is the last entry shown, if more follow.
pub(super) fn after(path: &str, asked: &Fields, names: &[&str], next: Option<&str>) -> Pager {
    Pager {
        first: (!asked.one("before").is_empty()).then(|| filtered(path, asked, names, ("before", ""))),
        next: next.map(|next| filtered(path, asked, names, ("before", next))),
    }
}

fn filtered(path: &str, asked: &Fields, names: &[&str], place: (&str, &str)) -> String {
    let mut query: Vec<(&str, &str)> = names.iter().map(|name| (*name, asked.one(name))).collect();
    query.push(place);
    address(path, &query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_cut_and_keep_their_filters() {
        let asked = Fields::parse(b"q=a&page=2&other=x");
        let (rows, pager) = cut("/nodes", &asked, &["q", "area"], (0..45).collect(), 20);
        assert_eq!((rows.first(), rows.len()), (Some(&20), 20));
        assert_eq!(pager.first.as_deref(), Some("/nodes?q=a"));
        assert_eq!(pager.next.as_deref(), Some("/nodes?q=a&page=3"));
        let (rows, pager) = cut("/x", &Fields::parse(b"page=99"), &[], Vec::<u8>::new(), 20);
        assert!(rows.is_empty() && !pager.needed());
        let pager = after("/audit", &Fields::parse(b"subject=n&before=7"), &["subject"], Some("3"));
        assert_eq!(pager.first.as_deref(), Some("/audit?subject=n"));
        assert_eq!(pager.next.as_deref(), Some("/audit?subject=n&before=3"));
    }
}
