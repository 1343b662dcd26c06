//! How many people have to approve an emergency.
//!
//! **Rules.** Whoever wrote it never approves it. Where it reaches more households than a number that the operator sets, two approve it;
//! else one. Where nobody has said how many households live in a part of its areas, it counts as more: a wrong warning to a whole province
//! is worse than a second telephone call, and stating the households of an area mends it for good.
//!
//! A prepared template is approved beforehand by the same rules, for all of its area. What says its words, unchanged, needs nobody
//! any more: at ten to five in the morning, with the water rising, there is one officer awake. That an exercise says of itself that it is
//! one is no change.

use std::collections::BTreeMap;

use loa_protocol::area::AreaPath;
use loa_protocol::ids::AreaId;

use crate::domain::area::Area;

/// How many households something reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reached {
    /// Those that are known of.
    pub households: u64,
    /// Whether nobody has said of some area how many live there.
    pub some_unknown: bool,
}

/// The households of all areas, as they are stated at one moment.
#[derive(Debug, Clone, Default)]
pub struct Households {
    stated: BTreeMap<AreaId, u32>,
    /// The areas directly inside each.
    inside: BTreeMap<AreaId, Vec<AreaId>>,
}

impl Households {
    /// `all`: every area, in any order; `stated`: those that state how many households they have.
    pub fn new(all: &[Area], stated: BTreeMap<AreaId, u32>) -> Self {
        let mut inside: BTreeMap<AreaId, Vec<AreaId>> = BTreeMap::new();
        for area in all {
            if let Some(parent) = area.parent() {
                inside.entry(parent.clone()).or_default().push(area.id.clone());
            }
        }
        Self { stated, inside }
    }

    /// The households of these areas, none of which lies in another. An area has as many as it states, or else as all areas directly
    /// inside have together.
    pub fn reached<'a>(&self, areas: impl IntoIterator<Item = &'a AreaPath>) -> Reached {
        let mut sum = Reached::default();
        let mut open: Vec<&AreaId> = areas.into_iter().filter_map(|path| path.areas().last()).collect();
        while let Some(area) = open.pop() {
            match (self.stated.get(area), self.inside.get(area)) {
                (Some(households), _) => sum.households += u64::from(*households),
                (None, Some(children)) => open.extend(children),
                (None, None) => sum.some_unknown = true,
            }
        }
        sum
    }
}

/// How many people have to approve what reaches so many households.
pub fn approvers_needed(reached: Reached, two_above: u64) -> u32 {
    if reached.some_unknown || reached.households > two_above { 2 } else { 1 }
}
