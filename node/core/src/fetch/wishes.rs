//! Which objects the node needs, and by when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use loa_protocol::ids::ObjectHash;
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::Manifest;

use crate::cache::Cache;

/// An object that an occurrence needs.
#[derive(Clone, Debug)]
struct Wish {
    deadline: UnixMs,
    /// `None` when no document in force holds it any more: the object sounds, and stays only while it does.
    manifest: Option<Arc<Manifest>>,
}

/// The objects of all coming occurrences with the nominal start of the earliest, and among them those that are not
/// whole, the most urgent first.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    wishes: BTreeMap<ObjectHash, Wish>,
    lacking: BTreeSet<(UnixMs, ObjectHash)>,
}

impl Wishes {
    /// From objects with deadlines, in any order and repeated.
    pub(crate) fn new(
        needed: impl Iterator<Item = (UnixMs, ObjectHash)>,
        manifest: impl Fn(&ObjectHash) -> Option<Arc<Manifest>>,
        cache: &Cache,
    ) -> Self {
        let mut wishes: BTreeMap<ObjectHash, Wish> = BTreeMap::new();
        for (deadline, object) in needed {
            wishes
                .entry(object)
                .and_modify(|wish| wish.deadline = wish.deadline.min(deadline))
                .or_insert_with(|| Wish { deadline, manifest: manifest(&object) });
        }
        let lacks = |(object, wish): (&ObjectHash, &Wish)| {
            let is_lacking = wish.manifest.is_some() && !cache.is_whole(object);
            is_lacking.then_some((wish.deadline, *object))
        };
        let lacking = wishes.iter().filter_map(lacks).collect();
        Self { wishes, lacking }
    }

    /// When the object is first needed; `None` when nothing needs it.
    pub(crate) fn deadline(&self, object: &ObjectHash) -> Option<UnixMs> {
        self.wishes.get(object).map(|wish| wish.deadline)
    }

    pub(crate) fn manifest(&self, object: &ObjectHash) -> Option<&Arc<Manifest>> {
        self.wishes.get(object)?.manifest.as_ref()
    }

    /// The objects that are not whole, the most urgent first.
    pub(crate) fn lacking(&self) -> impl Iterator<Item = ObjectHash> + '_ {
        self.lacking.iter().map(|(_, object)| *object)
    }

    pub(crate) fn is_lacking(&self, object: &ObjectHash) -> bool {
        self.deadline(object).is_some_and(|deadline| self.lacking.contains(&(deadline, *object)))
    }
}
