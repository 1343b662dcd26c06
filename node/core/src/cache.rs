//! Which audio is there, wholly or in part, and what leaves when room is needed.
//!
//! **Invariants.** A block counts as `received` from the moment at which the shell is told to store it, so it is not
//! asked for twice; it counts as `durable` when the shell says so, and an object is finished only when all its blocks
//! are. What a document names for the next 48 hours never leaves, nor does what sounds. What is kept ready for emergencies to come stays
//! while there is room for what occurrences need, and is the first to give way to that.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use loa_protocol::ids::ObjectHash;
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::{Bitmap, Manifest};

use crate::action::Action;
use crate::fetch::{Need, Wishes};
use crate::input::{PartialObject, WholeObject};

/// For how long ahead a document's objects are sure to stay.
pub(crate) const PINNED_MS: i64 = 48 * 3600 * 1000;

#[derive(Debug)]
pub(crate) struct Partial {
    pub(crate) manifest: Arc<Manifest>,
    /// In the file, or on the way there.
    received: Bitmap,
    /// In the file.
    durable: Bitmap,
    is_finishing: bool,
}

impl Partial {
    pub(crate) fn has(&self, index: u32) -> bool {
        self.received.contains(index)
    }

    pub(crate) fn durable_count(&self) -> u32 {
        self.durable.len()
    }

    /// Blocks that were handed to the shell, and are not in the file yet.
    fn unstored(&self) -> u32 {
        self.received.len().saturating_sub(self.durable.len())
    }

    /// The lacking blocks, ascending.
    pub(crate) fn lacking(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.manifest.block_count()).filter(|index| !self.received.contains(*index))
    }
}

#[derive(Debug)]
struct Whole {
    size_bytes: u32,
    last_used: UnixMs,
}

#[derive(Debug)]
pub(crate) struct Cache {
    quota_bytes: u64,
    whole: BTreeMap<ObjectHash, Whole>,
    partial: BTreeMap<ObjectHash, Partial>,
}

impl Cache {
    pub(crate) fn restore(quota_bytes: u64, whole: Vec<WholeObject>, partial: Vec<PartialObject>) -> Self {
        let whole: BTreeMap<ObjectHash, Whole> = whole
            .into_iter()
            .map(|w| (w.object, Whole { size_bytes: w.size_bytes, last_used: w.last_used }))
            .collect();
        let partial = partial
            .into_iter()
            .filter(|p| !whole.contains_key(&p.manifest.object))
            .map(|p| {
                let mut have = Bitmap::empty(p.manifest.block_count());
                p.have.iter().for_each(|index| have.insert(index));
                let manifest = Arc::new(p.manifest);
                let object = manifest.object;
                (object, Partial { manifest, received: have.clone(), durable: have, is_finishing: false })
            })
            .collect();
        Self { quota_bytes, whole, partial }
    }

    pub(crate) fn is_whole(&self, object: &ObjectHash) -> bool {
        self.whole.contains_key(object)
    }

    pub(crate) fn partial(&self, object: &ObjectHash) -> Option<&Partial> {
        self.partial.get(object)
    }

    /// It is played: it leaves later.
    pub(crate) fn touch(&mut self, object: &ObjectHash, now: UnixMs) {
        if let Some(whole) = self.whole.get_mut(object) {
            whole.last_used = now;
        }
    }

    /// Blocks of all objects that the shell has yet to store.
    pub(crate) fn unstored(&self) -> u32 {
        self.partial.values().map(Partial::unstored).sum()
    }

    fn used_bytes(&self) -> u64 {
        let whole: u64 = self.whole.values().map(|w| u64::from(w.size_bytes)).sum();
        let partial: u64 = self.partial.values().map(|p| u64::from(p.manifest.size_bytes)).sum();
        whole + partial
    }

    /// Makes ready to receive an object: a partial file, and room for it. A partial file of another block size is given
    /// up. `false` when no room can be made.
    pub(crate) fn begin(
        &mut self,
        manifest: &Arc<Manifest>,
        wishes: &Wishes,
        now: UnixMs,
        actions: &mut VecDeque<Action>,
    ) -> bool {
        let object = manifest.object;
        match self.partial.get(&object) {
            Some(partial) if partial.manifest == *manifest => return true,
            Some(_) => self.drop_object(&object, actions),
            None => {}
        }
        let size = u64::from(manifest.size_bytes);
        let need = wishes.need(&object).unwrap_or(Need::By(now));
        while self.used_bytes() + size > self.quota_bytes {
            let Some(victim) = self.victim(need, wishes, now) else { return false };
            self.drop_object(&victim, actions);
        }
        let empty = Bitmap::empty(manifest.block_count());
        let partial = Partial {
            manifest: Arc::clone(manifest),
            received: empty.clone(),
            durable: empty,
            is_finishing: false,
        };
        self.partial.insert(object, partial);
        actions.push_back(Action::BeginObject { manifest: Arc::clone(manifest) });
        true
    }

    /// Drops the object that is missed least, to free the disk for one that is needed so. `false` when nothing may go.
    pub(crate) fn free_some(
        &mut self,
        need: Need,
        wishes: &Wishes,
        now: UnixMs,
        actions: &mut VecDeque<Action>,
    ) -> bool {
        let Some(object) = self.give_up(need, wishes, now) else { return false };
        actions.push_back(Action::DropObject { object });
        true
    }

    /// Forgets the object that is missed least, if it may go for such a need; the caller has it deleted.
    pub(crate) fn give_up(&mut self, need: Need, wishes: &Wishes, now: UnixMs) -> Option<ObjectHash> {
        let victim = self.victim(need, wishes, now)?;
        self.whole.remove(&victim);
        self.partial.remove(&victim);
        Some(victim)
    }

    /// What goes to make room for such a need: first what no document needs, the longest unused first; then, unless it is for
    /// emergencies to come itself, what is kept for those; then what is due last, if that is later and not within 48 hours.
    fn victim(&self, need: Need, wishes: &Wishes, now: UnixMs) -> Option<ObjectHash> {
        let partial = self.partial.keys().map(|object| (UnixMs(i64::MIN), *object));
        let whole = self.whole.iter().map(|(object, whole)| (whole.last_used, *object));
        let unneeded = partial.chain(whole).filter(|(_, object)| wishes.deadline(object).is_none()).min();
        if let Some((_, object)) = unneeded {
            return Some(object);
        }
        let Need::By(deadline) = need else { return None };
        let held = || self.partial.keys().chain(self.whole.keys());
        if let Some(object) = held().find(|object| wishes.need(object) == Some(Need::Prepared)) {
            return Some(*object);
        }
        let due = held().filter_map(|object| Some((wishes.deadline(object)?, *object))).max();
        due.filter(|(due, _)| *due > deadline && *due > now + PINNED_MS).map(|(_, object)| object)
    }

    fn drop_object(&mut self, object: &ObjectHash, actions: &mut VecDeque<Action>) {
        self.whole.remove(object);
        self.partial.remove(object);
        actions.push_back(Action::DropObject { object: *object });
    }

    /// A block with the right hash came: hands it to the shell.
    pub(crate) fn store(
        &mut self,
        object: ObjectHash,
        index: u32,
        bytes: Vec<u8>,
        actions: &mut VecDeque<Action>,
    ) {
        let Some(partial) = self.partial.get_mut(&object) else { return };
        let Some((offset_bytes, _)) = partial.manifest.block_range(index) else { return };
        partial.received.insert(index);
        actions.push_back(Action::StoreBlock { object, index, offset_bytes, bytes });
    }

    /// A block is in its file.
    pub(crate) fn handle_block_stored(&mut self, object: &ObjectHash, index: u32) {
        if let Some(partial) = self.partial.get_mut(object) {
            partial.received.insert(index);
            partial.durable.insert(index);
        }
    }

    /// Has every complete object finished, unless the shell is at it.
    pub(crate) fn finish_complete(&mut self, actions: &mut VecDeque<Action>) {
        for (object, partial) in &mut self.partial {
            if !partial.is_finishing && partial.durable.len() == partial.manifest.block_count() {
                partial.is_finishing = true;
                actions.push_back(Action::FinishObject { object: *object });
            }
        }
    }

    /// An object is whole. `false` when nobody waited for it.
    pub(crate) fn handle_ready(&mut self, object: &ObjectHash, now: UnixMs) -> bool {
        let Some(partial) = self.partial.remove(object) else { return false };
        self.whole.insert(*object, Whole { size_bytes: partial.manifest.size_bytes, last_used: now });
        true
    }

    /// The shell found an object damaged and deleted it.
    pub(crate) fn handle_corrupt(&mut self, object: &ObjectHash) {
        self.whole.remove(object);
        self.partial.remove(object);
    }

    /// Storing failed: what is not in the file is lacking again. A file with nothing in it may not even be there, and is
    /// begun anew.
    pub(crate) fn handle_failed(&mut self, object: &ObjectHash, actions: &mut VecDeque<Action>) {
        let Some(partial) = self.partial.get_mut(object) else { return };
        if partial.durable.is_empty() {
            self.drop_object(object, actions);
            return;
        }
        partial.received = partial.durable.clone();
        partial.is_finishing = false;
    }
}
