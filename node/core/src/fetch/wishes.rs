//! Which objects the node needs, and by when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use loa_protocol::ids::ObjectHash;
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::Manifest;

use crate::cache::PINNED_MS;

/// An object that an occurrence needs, or that is to be there for emergencies to come.
#[derive(Clone, Debug)]
struct Wish {
    deadline: UnixMs,
    /// No occurrence needs it.
    is_prepared: bool,
    /// `None` when no document in force holds it any more: the object sounds, and stays only while it does.
    manifest: Option<Arc<Manifest>>,
}

/// Why an object is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// By an occurrence at this instant.
    By(UnixMs),
    /// For emergencies to come: it gives way to all others.
    Prepared,
}

/// The objects of all coming occurrences with the nominal start of the earliest, those to have for emergencies after what is due
/// within 48 hours, and among all of them those that are not there, the most urgent first.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    wishes: BTreeMap<ObjectHash, Wish>,
    lacking: BTreeSet<(UnixMs, ObjectHash)>,
}

impl Wishes {
    /// From objects with deadlines, in any order and repeated, and objects to have for emergencies; `has` tells which are there.
    pub(crate) fn new(
        needed: impl Iterator<Item = (UnixMs, ObjectHash)>,
        prepared: impl Iterator<Item = ObjectHash>,
        now: UnixMs,
        manifest: impl Fn(&ObjectHash) -> Option<Arc<Manifest>>,
        has: impl Fn(&ObjectHash) -> bool,
    ) -> Self {
        let mut wishes: BTreeMap<ObjectHash, Wish> = BTreeMap::new();
        for (deadline, object) in needed {
            wishes
                .entry(object)
                .and_modify(|wish| wish.deadline = wish.deadline.min(deadline))
                .or_insert_with(|| Wish { deadline, is_prepared: false, manifest: manifest(&object) });
        }
        let deadline = now + PINNED_MS;
        for object in prepared {
            wishes.entry(object).or_insert_with(|| Wish {
                deadline,
                is_prepared: true,
                manifest: manifest(&object),
            });
        }
        let lacks = |(object, wish): (&ObjectHash, &Wish)| {
            let is_lacking = wish.manifest.is_some() && !has(object);
            is_lacking.then_some((wish.deadline, *object))
        };
        let lacking = wishes.iter().filter_map(lacks).collect();
        Self { wishes, lacking }
    }

    /// When the object is first needed, or would be fetched; `None` when nothing needs it.
    pub(crate) fn deadline(&self, object: &ObjectHash) -> Option<UnixMs> {
        self.wishes.get(object).map(|wish| wish.deadline)
    }

    /// Why the object is wanted; `None` when it is not.
    pub(crate) fn need(&self, object: &ObjectHash) -> Option<Need> {
        self.wishes
            .get(object)
            .map(|wish| if wish.is_prepared { Need::Prepared } else { Need::By(wish.deadline) })
    }

    pub(crate) fn manifest(&self, object: &ObjectHash) -> Option<&Arc<Manifest>> {
        self.wishes.get(object)?.manifest.as_ref()
    }

    /// The objects that are not there, the most urgent first.
    pub(crate) fn lacking(&self) -> impl Iterator<Item = ObjectHash> + '_ {
        self.lacking.iter().map(|(_, object)| *object)
    }

    pub(crate) fn is_lacking(&self, object: &ObjectHash) -> bool {
        self.deadline(object).is_some_and(|deadline| self.lacking.contains(&(deadline, *object)))
    }
}
