//! Where a node stands: the chain of areas from the tenant's root to its own.

use std::fmt;

use minicbor::{Decode, Encode};

use crate::ids::AreaId;
use crate::wire::{WireError, require};

/// Deepest chain of areas.
pub const AREA_DEPTH_MAX: usize = 16;

/// Name of the area in which nodes stand whose place is not known. No real area may have it.
pub const UNPLACED: &str = "unplaced";

/// The areas that contain a node, widest first: province, commune, village. Never empty, no area twice.
///
/// A node obeys the plan of every area on its path, and a key whose scope is an area on the path covers the node.
#[derive(Clone, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct AreaPath(#[n(0)] Vec<AreaId>);

impl AreaPath {
    /// A path from its areas, widest first.
    ///
    /// # Errors
    /// [`WireError::Rule`] when it is empty, deeper than [`AREA_DEPTH_MAX`], or names an area twice.
    pub fn new(areas: Vec<AreaId>) -> Result<Self, WireError> {
        let path = Self(areas);
        path.check()?;
        Ok(path)
    }

    /// The place of a node of which nothing better is known: the one area [`UNPLACED`], which no plan is for.
    ///
    /// A node there obeys no area's plan, and only a key of the whole tenant can sign the document that places it.
    pub fn unplaced() -> Self {
        match AreaId::new(UNPLACED) {
            Ok(area) => Self(vec![area]),
            Err(never) => unreachable!("the constant is an id: {never}"),
        }
    }

    /// Whether it is [`AreaPath::unplaced`].
    pub fn is_unplaced(&self) -> bool {
        matches!(self.areas(), [area] if area.as_str() == UNPLACED)
    }

    /// The areas, widest first.
    pub fn areas(&self) -> &[AreaId] {
        &self.0
    }

    /// Whether the node stands in this area, at whatever depth.
    pub fn contains(&self, area: &AreaId) -> bool {
        self.0.contains(area)
    }

    /// Whether `inner` lies within `outer` (or is it), both on this path.
    pub fn is_within(&self, inner: &AreaId, outer: &AreaId) -> bool {
        let depth = |area: &AreaId| self.0.iter().position(|a| a == area);
        matches!((depth(inner), depth(outer)), (Some(inner), Some(outer)) if outer <= inner)
    }

    pub(crate) fn check(&self) -> Result<(), WireError> {
        require(!self.0.is_empty(), "path", "names at least one area")?;
        require(self.0.len() <= AREA_DEPTH_MAX, "path", "is at most 16 areas deep")?;
        let unique = self.0.iter().enumerate().all(|(i, area)| !self.0[..i].contains(area));
        require(unique, "path", "names no area twice")
    }
}

impl fmt::Debug for AreaPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(AreaId::as_str).collect();
        write!(f, "{}", names.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containment_follows_depth() {
        let id = |t: &str| AreaId::new(t).unwrap();
        let path = AreaPath::new(vec![id("tinh"), id("xa"), id("thon")]).unwrap();
        assert!(path.is_within(&id("thon"), &id("tinh")) && path.is_within(&id("xa"), &id("xa")));
        assert!(!path.is_within(&id("tinh"), &id("xa")) && !path.is_within(&id("xa"), &id("khac")));
        assert!(AreaPath::unplaced().is_unplaced() && !path.is_unplaced());
        assert!(AreaPath::new(vec![]).is_err());
        assert!(AreaPath::new(vec![id("xa"), id("xa")]).is_err());
    }
}
