//! Which blocks of an object go to a whole area at once, and to which.
//!
//! A wave is worth it where [`WAVE_MIN_NODES`] nodes of an area wait for the same block. It goes over the widest area that the
//! object is offered to, unless those who wait there lack too different blocks; then over narrower ones. What a block would
//! bring to nodes that have it already is wasted on their lines, so it is left to single answers where that is more than
//! one part in [`WASTED_PARTS`].

use std::collections::BTreeMap;

use loa_protocol::area::AREA_DEPTH_MAX;
use loa_protocol::ids::AreaId;
use loa_protocol::transfer::Bitmap;

use super::roster::Seat;

/// Fewer nodes that lack the same are served one by one.
pub const WAVE_MIN_NODES: usize = 20;
/// Of those who hear a block at most one in so many has it already.
pub const WASTED_PARTS: usize = 20;

/// A node that waits for an object, and hears waves.
#[derive(Clone, Debug)]
pub struct Waiting<'a> {
    /// It.
    pub seat: Seat,
    /// Where it stands, the widest area first.
    pub path: &'a [AreaId],
    /// The widest of these areas to which the object is offered, by its place on the path.
    pub top: usize,
    /// The blocks that it lacks.
    pub lacking: &'a Bitmap,
}

/// A wave that is worth it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wave {
    /// The area, with those that contain it.
    pub place: Vec<AreaId>,
    /// Who waits for it.
    pub members: Vec<Seat>,
    /// Which blocks, ascending, each with the number of members that have it already.
    pub blocks: Vec<(u32, usize)>,
}

/// The waves for those who wait for one object. Their areas contain none of one another; who is in none of them is to be
/// served by itself.
pub fn plan(mut waiting: Vec<Waiting<'_>>) -> Vec<Wave> {
    let mut waves = Vec::new();
    for depth in 0..AREA_DEPTH_MAX {
        if waiting.len() < WAVE_MIN_NODES {
            break;
        }
        let mut groups: BTreeMap<&[AreaId], Vec<Waiting<'_>>> = BTreeMap::new();
        let mut narrower = Vec::new();
        for node in waiting {
            match node.path.get(..=depth) {
                Some(place) if node.top <= depth => groups.entry(place).or_default().push(node),
                Some(_) => narrower.push(node),
                // It stands in a wider area, where there was no wave.
                None => {}
            }
        }
        for (place, group) in groups {
            let blocks = common(&group);
            if blocks.is_empty() {
                narrower.extend(group);
            } else {
                let members = group.iter().map(|node| node.seat).collect();
                waves.push(Wave { place: place.to_vec(), members, blocks });
            }
        }
        waiting = narrower;
    }
    waves
}

/// The blocks that enough of a group lack, and nearly all of it.
fn common(group: &[Waiting<'_>]) -> Vec<(u32, usize)> {
    if group.len() < WAVE_MIN_NODES {
        return Vec::new();
    }
    let mut lacked: BTreeMap<u32, usize> = BTreeMap::new();
    for block in group.iter().flat_map(|node| node.lacking.iter()) {
        *lacked.entry(block).or_default() += 1;
    }
    let have = lacked.into_iter().map(|(block, lack)| (block, lack, group.len() - lack));
    have.filter(|(_, lack, have)| *lack >= WAVE_MIN_NODES && have * WASTED_PARTS <= group.len())
        .map(|(block, _, have)| (block, have))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn area(name: &str) -> AreaId {
        AreaId::new(name).unwrap()
    }

    fn path(names: &[&str]) -> Vec<AreaId> {
        names.iter().map(|name| area(name)).collect()
    }

    fn set(blocks: impl IntoIterator<Item = u32>) -> Bitmap {
        let mut set = Bitmap::empty(64);
        blocks.into_iter().for_each(|block| set.insert(block));
        set
    }

    fn waiting<'a>(from: u32, count: u32, path: &'a [AreaId], lacking: &'a Bitmap) -> Vec<Waiting<'a>> {
        (from..from + count).map(|seat| Waiting { seat: Seat(seat), path, top: 0, lacking }).collect()
    }

    #[test]
    fn the_widest_area_for_which_it_is_worth_it() {
        let (one, two) = (path(&["tinh", "xa-1", "thon"]), path(&["tinh", "xa-2"]));
        let all = set(0..8);
        let nodes = [waiting(0, 12, &one, &all), waiting(100, 10, &two, &all)].concat();
        let waves = plan(nodes);
        assert_eq!(waves.len(), 1);
        assert_eq!((waves[0].place.clone(), waves[0].members.len()), (path(&["tinh"]), 22));
        assert_eq!(waves[0].blocks, (0..8).map(|block| (block, 0)).collect::<Vec<_>>());
        assert!(plan(waiting(0, 19, &one, &all)).is_empty(), "too few");

        let mut offered_in_the_commune = waiting(0, 25, &one, &all);
        offered_in_the_commune.iter_mut().for_each(|node| node.top = 1);
        assert_eq!(plan(offered_in_the_commune)[0].place, path(&["tinh", "xa-1"]));
    }

    #[test]
    fn where_an_area_lacks_different_things_narrower_areas_have_their_own() {
        let (one, two) = (path(&["tinh", "xa-1"]), path(&["tinh", "xa-2"]));
        let (all, tail) = (set(0..8), set(6..8));
        let waves = plan([waiting(0, 30, &one, &all), waiting(100, 30, &two, &tail)].concat());
        // Everybody lacks the tail: that is one wave; the rest is asked for afterwards.
        assert_eq!(waves.len(), 1);
        assert_eq!(waves[0].blocks, [(6, 0), (7, 0)]);
        let head = set(0..6);
        let waves = plan([waiting(0, 30, &one, &head), waiting(100, 30, &two, &tail)].concat());
        let places: Vec<_> = waves.iter().map(|wave| (wave.place.clone(), wave.blocks.len())).collect();
        assert_eq!(places, [(one.clone(), 6), (two.clone(), 2)]);
        let few_lack_the_head = [waiting(0, 21, &one, &all), waiting(100, 500, &one, &tail)].concat();
        let waves = plan(few_lack_the_head);
        assert_eq!(waves[0].blocks, [(6, 0), (7, 0)], "500 lines are not filled for 21");
    }

    proptest! {
        #[test]
        fn nothing_much_is_wasted_and_everybody_is_in_one_wave_at_most(
            nodes in proptest::collection::vec((0usize..3, 0usize..3, proptest::collection::vec(0u32..24, 1..24)), 0..120),
        ) {
            let paths: Vec<Vec<AreaId>> =
                nodes.iter().map(|(a, b, _)| path(&["tinh", &format!("x{a}"), &format!("t{a}{b}")])).collect();
            let sets: Vec<Bitmap> = nodes.iter().map(|(_, _, blocks)| set(blocks.iter().copied())).collect();
            let waiting: Vec<Waiting> = paths.iter().zip(&sets).zip(0..)
                .map(|((path, lacking), seat)| Waiting { seat: Seat(seat), path, top: 0, lacking }).collect();
            let mut seen = std::collections::BTreeSet::new();
            let waves = plan(waiting);
            for wave in &waves {
                prop_assert!(wave.members.len() >= WAVE_MIN_NODES);
                for seat in &wave.members {
                    prop_assert!(seen.insert(*seat));
                    prop_assert!(paths[seat.0 as usize].starts_with(&wave.place));
                }
                for (block, have) in &wave.blocks {
                    let lack = wave.members.iter().filter(|seat| sets[seat.0 as usize].contains(*block)).count();
                    prop_assert_eq!(lack + have, wave.members.len());
                    prop_assert!(lack >= WAVE_MIN_NODES && have * WASTED_PARTS <= wave.members.len());
                }
            }
            for (wave, other) in waves.iter().flat_map(|w| waves.iter().map(move |o| (w, o))) {
                prop_assert!(std::ptr::eq(wave, other) || !other.place.starts_with(&wave.place));
            }
        }
    }
}
