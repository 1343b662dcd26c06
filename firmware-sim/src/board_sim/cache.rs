//! The audio on a board's disk.
//!
//! **Invariants.** As on a real board: an object is whole only when the hash of all its bytes was right; blocks that were
//! not synced are lost by a power cut; what has rotted is found out when it is to be played, or at the next boot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use loa_node_core::{PartialObject, StoreEvent, WholeObject};
use loa_protocol::ids::ObjectHash;
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::{Bitmap, Manifest};

use super::pool::{Pool, SharedObject};

/// Blocks between two syncs, as the node's own cache has it.
pub const BLOCKS_PER_SYNC: usize = 8;

/// What the disk is able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Disk {
    /// Everything.
    #[default]
    Good,
    /// It has no room.
    Full,
    /// Writing fails.
    Failing,
}

/// One board's objects.
#[derive(Debug)]
pub struct Cache {
    pool: Arc<Pool>,
    held: BTreeMap<ObjectHash, Held>,
    /// What the disk is able to do.
    pub disk: Disk,
}

#[derive(Debug)]
struct Held {
    shared: Arc<SharedObject>,
    have: Bitmap,
    /// Blocks that a power cut would take.
    unsynced: Vec<u32>,
    is_whole: bool,
    last_used: UnixMs,
    /// Where a byte has rotted.
    rotten_at: Option<u32>,
}

impl Held {
    fn manifest(&self) -> &Arc<Manifest> {
        self.shared.manifest()
    }

    /// The bytes as they are on this board's disk.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.shared.bytes();
        if let Some(byte) = self.rotten_at.and_then(|at| bytes.get_mut(at as usize)) {
            *byte ^= 0xff;
        }
        bytes
    }

    /// Whether the hash of what is on this board's disk is right; all blocks must be there.
    fn is_right(&self) -> bool {
        match self.rotten_at {
            None => self.shared.is_right(),
            Some(_) => ObjectHash::of(&self.bytes()) == self.manifest().object,
        }
    }
}

impl Cache {
    /// An empty disk.
    #[must_use]
    pub fn new(pool: Arc<Pool>) -> Self {
        Self { pool, held: BTreeMap::new(), disk: Disk::Good }
    }

    fn refusal(&self, object: ObjectHash) -> Option<StoreEvent> {
        match self.disk {
            Disk::Good => None,
            Disk::Full => Some(StoreEvent::Full { object }),
            Disk::Failing => Some(StoreEvent::Failing { object }),
        }
    }

    /// Makes room for an object; an event where there is none.
    pub fn begin(&mut self, manifest: &Arc<Manifest>) -> Option<StoreEvent> {
        let refusal = self.refusal(manifest.object);
        if refusal.is_none() {
            let held = Held {
                shared: self.pool.object(manifest),
                have: Bitmap::empty(manifest.block_count()),
                unsynced: Vec::new(),
                is_whole: false,
                last_used: UnixMs(0),
                rotten_at: None,
            };
            self.held.insert(manifest.object, held);
        }
        refusal
    }

    /// Writes a block that was checked against the manifest.
    pub fn store_block(&mut self, object: ObjectHash, index: u32, bytes: Vec<u8>) -> StoreEvent {
        if let Some(refusal) = self.refusal(object) {
            return refusal;
        }
        // Beginning it failed, of which the event told.
        let Some(held) = self.held.get_mut(&object) else { return StoreEvent::Failing { object } };
        held.shared.put(index, bytes);
        held.have.insert(index);
        held.unsynced.push(index);
        if held.unsynced.len() >= BLOCKS_PER_SYNC {
            held.unsynced.clear();
        }
        StoreEvent::BlockStored { object, index }
    }

    /// Hashes the whole object and makes it whole, or drops it.
    pub fn finish(&mut self, object: ObjectHash, now: UnixMs) -> StoreEvent {
        if let Some(refusal) = self.refusal(object) {
            return refusal;
        }
        let Some(held) = self.held.get_mut(&object) else { return StoreEvent::Failing { object } };
        if held.have.len() != held.manifest().block_count() || !held.is_right() {
            self.held.remove(&object);
            return StoreEvent::ObjectCorrupt { object };
        }
        held.unsynced.clear();
        held.is_whole = true;
        held.last_used = now;
        StoreEvent::ObjectReady { object }
    }

    /// Deletes an object, whole or partial.
    pub fn drop_object(&mut self, object: &ObjectHash) {
        self.held.remove(object);
    }

    /// How far an object has come: blocks had, and blocks in all.
    #[must_use]
    pub fn progress(&self, object: &ObjectHash) -> Option<(u32, u32)> {
        let held = self.held.get(object)?;
        Some((held.have.len(), held.manifest().block_count()))
    }

    /// The manifest of a whole object that is to be played, after hashing it; `None` where it is not there or has
    /// rotted, and then it is gone.
    pub fn for_playing(&mut self, object: &ObjectHash, now: UnixMs) -> Option<Arc<Manifest>> {
        let held = self.held.get_mut(object).filter(|held| held.is_whole)?;
        if !held.is_right() {
            self.held.remove(object);
            return None;
        }
        held.last_used = now;
        Some(Arc::clone(held.manifest()))
    }

    /// The bytes of a whole object.
    #[must_use]
    pub fn bytes(&self, object: &ObjectHash) -> Option<Vec<u8>> {
        self.held.get(object).filter(|held| held.is_whole).map(Held::bytes)
    }

    /// Lets one byte rot in the middle of each object whose hash, in hex, begins with `prefix`; gives those objects.
    pub fn rot(&mut self, prefix: &str) -> Vec<ObjectHash> {
        let meant = self.held.iter_mut().filter(|(object, _)| object.to_string().starts_with(prefix));
        meant
            .map(|(object, held)| {
                held.rotten_at = Some(held.manifest().size_bytes / 2);
                *object
            })
            .collect()
    }

    /// The power goes: what was not synced is lost.
    pub fn lose_power(&mut self) {
        self.lose_power_by(|_| false);
    }

    /// The power goes: of the blocks that were not synced, those stay whole for whose number `survives` is true. The others
    /// are torn, which the next boot finds out by their hashes.
    pub fn lose_power_by(&mut self, mut survives: impl FnMut(u32) -> bool) {
        for held in self.held.values_mut() {
            for index in held.unsynced.drain(..) {
                if !survives(index) {
                    held.have.remove(index);
                }
            }
        }
    }

    /// Bytes of all objects, whole and partial.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.held.values().map(|held| u64::from(held.manifest().size_bytes)).sum()
    }

    /// Whether an object is whole, as far as its name says.
    #[must_use]
    pub fn is_whole(&self, object: &ObjectHash) -> bool {
        self.held.get(object).is_some_and(|held| held.is_whole)
    }

    /// The whole objects, and of the others how many blocks are there and how many there will be.
    #[must_use]
    pub fn contents(&self) -> (BTreeSet<ObjectHash>, Vec<(ObjectHash, u32, u32)>) {
        let whole = self.held.iter().filter(|(_, held)| held.is_whole).map(|(object, _)| *object);
        let partial = self.held.iter().filter(|(_, held)| !held.is_whole);
        let partial = partial.map(|(object, held)| (*object, held.have.len(), held.manifest().block_count()));
        (whole.collect(), partial.collect())
    }

    /// What a boot finds: whole objects by their names, partial ones after hashing each block.
    pub fn found(&mut self) -> (Vec<WholeObject>, Vec<PartialObject>) {
        let (mut whole, mut partial) = (Vec::new(), Vec::new());
        for (object, held) in &mut self.held {
            if held.is_whole {
                let size_bytes = held.manifest().size_bytes;
                whole.push(WholeObject { object: *object, size_bytes, last_used: held.last_used });
                continue;
            }
            if let Some(at) = held.rotten_at.take() {
                held.have.remove(at / held.manifest().block_size_bytes);
            }
            partial.push(PartialObject { manifest: (**held.manifest()).clone(), have: held.have.clone() });
        }
        (whole, partial)
    }

    /// Hashes the whole objects, as a node does when it has nothing else to do after a boot; gives those that had
    /// rotted, which are gone.
    pub fn scrub(&mut self) -> Vec<ObjectHash> {
        let rotten = self.held.extract_if(.., |_, held| held.is_whole && !held.is_right());
        rotten.map(|(object, _)| object).collect()
    }
}

#[cfg(test)]
mod tests {
    use loa_protocol::transfer::Codec;

    use super::*;

    const NOW: UnixMs = UnixMs(5);

    /// An object of 20 blocks, and a disk on which the first `count` are written.
    fn begun(count: usize) -> (Cache, Arc<Manifest>, Vec<u8>) {
        let bytes: Vec<u8> = (0..80_000u32).map(|i| (i / 7) as u8).collect();
        let manifest = Arc::new(Manifest::of(&bytes, 4096, Codec::OggOpus, 1).unwrap());
        let mut cache = Cache::new(Arc::default());
        assert_eq!(cache.begin(&manifest), None);
        for (index, block) in (0u32..).zip(bytes.chunks(4096)).take(count) {
            let stored = cache.store_block(manifest.object, index, block.to_vec());
            assert_eq!(stored, StoreEvent::BlockStored { object: manifest.object, index });
        }
        (cache, manifest, bytes)
    }

    #[test]
    fn a_power_cut_takes_what_was_not_synced() {
        let (mut cache, _, _) = begun(19);
        cache.lose_power();
        let (whole, partial) = cache.found();
        assert!(whole.is_empty());
        assert_eq!(partial[0].have.iter().collect::<Vec<_>>(), (0..16).collect::<Vec<_>>());
    }

    #[test]
    fn an_object_becomes_whole_and_rots() {
        let (mut cache, manifest, bytes) = begun(20);
        let object = manifest.object;
        assert_eq!(cache.finish(object, NOW), StoreEvent::ObjectReady { object });
        cache.lose_power();
        assert_eq!(cache.bytes(&object), Some(bytes));
        assert_eq!(cache.found().0, [WholeObject { object, size_bytes: 80_000, last_used: NOW }]);
        assert!(cache.scrub().is_empty() && cache.for_playing(&object, NOW).is_some());

        assert_eq!(cache.rot("no-hash"), []);
        assert_eq!(cache.rot(&object.to_string()[..4]), [object]);
        assert_eq!(cache.for_playing(&object, NOW), None);
        assert_eq!(cache.bytes(&object), None);
    }

    #[test]
    fn rot_is_found_at_boot_in_whole_and_partial_objects() {
        let (mut cache, manifest, _) = begun(20);
        cache.finish(manifest.object, NOW);
        cache.rot("");
        assert_eq!(cache.scrub(), [manifest.object]);
        let (mut cache, _, _) = begun(16);
        cache.rot("");
        assert!(!cache.found().1[0].have.contains(9));
    }

    #[test]
    fn an_object_that_lacks_blocks_does_not_become_whole() {
        let (mut cache, manifest, _) = begun(19);
        let object = manifest.object;
        assert_eq!(cache.finish(object, NOW), StoreEvent::ObjectCorrupt { object });
    }

    #[test]
    fn a_bad_disk_says_so() {
        let (mut cache, manifest, _) = begun(20);
        let object = manifest.object;
        cache.disk = Disk::Full;
        assert_eq!(cache.finish(object, NOW), StoreEvent::Full { object });
        cache.disk = Disk::Failing;
        assert_eq!(cache.store_block(object, 0, vec![1]), StoreEvent::Failing { object });
        assert_eq!(cache.begin(&manifest), Some(StoreEvent::Failing { object }));
        cache.disk = Disk::Good;
        assert_eq!(cache.finish(object, NOW), StoreEvent::ObjectReady { object });
    }
}
