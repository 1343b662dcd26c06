//! Entries of a lexicon that lead back to themselves by what stands in them.
//!
//! Each entry, and each place where one stands in another, is looked at once: Tarjan's strongly connected components, without
//! recursion, for an operator's words may be a chain of thousands.

/// Which entries lead back to themselves; `inside` are the entries that stand in each.
pub(super) fn on_cycle(inside: &[Vec<usize>]) -> Vec<bool> {
    /// Not come to yet.
    const FRESH: usize = usize::MAX;
    let count = inside.len();
    let mut number = vec![FRESH; count];
    // The earliest entry that is still open and can be reached from here.
    let mut lowest = vec![FRESH; count];
    let (mut is_open, mut open) = (vec![false; count], Vec::new());
    let mut literal = vec![false; count];
    let mut next_number = 0;
    for root in 0..count {
        if number[root] != FRESH {
            continue;
        }
        // Entries on the way here, each with the place in it that is looked at next.
        let mut way = vec![(root, 0)];
        while let Some((index, place)) = way.last_mut() {
            let index = *index;
            if *place == 0 {
                (number[index], lowest[index]) = (next_number, next_number);
                next_number += 1;
                is_open[index] = true;
                open.push(index);
            }
            if let Some(&inner) = inside[index].get(*place) {
                *place += 1;
                literal[index] |= inner == index;
                if number[inner] == FRESH {
                    way.push((inner, 0));
                } else if is_open[inner] {
                    lowest[index] = lowest[index].min(number[inner]);
                }
                continue;
            }
            way.pop();
            if let Some((holder, _)) = way.last() {
                lowest[*holder] = lowest[*holder].min(lowest[index]);
            }
            if lowest[index] == number[index] {
                let from = open.iter().rposition(|&entry| entry == index).unwrap_or(0);
                let cycle = open.split_off(from);
                for &entry in &cycle {
                    is_open[entry] = false;
                    literal[entry] |= cycle.len() > 1;
                }
            }
        }
    }
    literal
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, one search for each entry.
    fn leads_back(inside: &[Vec<usize>], start: usize) -> bool {
        let mut seen = vec![false; inside.len()];
        let mut open = inside[start].clone();
        while let Some(index) = open.pop() {
            if !std::mem::replace(&mut seen[index], true) {
                open.extend(&inside[index]);
            }
        }
        seen[start]
    }

    proptest! {
        #[test]
        fn exactly_those_that_lead_back(inside in (1_usize..12).prop_flat_map(|count| {
            prop::collection::vec(prop::collection::vec(0..count, 0..4), count)
        })) {
            let expected: Vec<bool> = (0..inside.len()).map(|index| leads_back(&inside, index)).collect();
            prop_assert_eq!(on_cycle(&inside), expected);
        }
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_is_no_cycle_until_it_is_closed() {
        let count = 100_000;
        let mut inside: Vec<Vec<usize>> = (1..count).map(|next| vec![next]).collect();
        inside.push(Vec::new());
        assert!(on_cycle(&inside).iter().all(|on| !on));
        inside[count - 1].push(1);
        let on = on_cycle(&inside);
        assert!(!on[0] && on[1..].iter().all(|on| *on));
    }
}
