//! What goes wrong in fetching, and how long it is left alone then: a controller that is silent or sends wrong bytes, a store that
//! is full or fails.

use std::collections::VecDeque;

use loa_protocol::ids::ObjectHash;
use loa_protocol::report::StorageState;
use loa_protocol::time::UnixMs;

use super::{Fetch, Need};
use crate::action::Action;
use crate::cache::Cache;
use crate::input::Now;

/// First pause, after an object's second failure in a row; doubles up to the longest.
const PAUSE_MS: u64 = 15_000;
pub(super) const PAUSE_MAX_MS: u64 = 10 * 60_000;
/// Longest pause after an object came whole and wrong, which costs all of it each time.
const CORRUPT_PAUSE_MAX_MS: u64 = 6 * 3600 * 1_000;
/// Wrong blocks of an object in a row that count as a failure.
const BAD_BLOCKS_MAX: u32 = 3;
/// How long fetching pauses when the store cannot take audio.
const STORAGE_PAUSE_MS: u64 = 5 * 60_000;

/// Where there is no room for an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// In the quota: what is needed as soon, or sooner, fills it.
    Quota,
    /// On the disk.
    Disk,
}

/// How an object's fetching goes wrong.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// In a row.
    pub(super) failures: u32,
    pub(super) bad_blocks: u32,
    /// How often it came whole and wrong.
    pub(super) corruptions: u32,
    pub(super) not_before_ms: u64,
    pub(super) no_room: Option<Lack>,
}

impl Fetch {
    /// A session is over: what sounded may have made room in the quota. Not whenever wishes change, for an object that came whole changes
    /// them, and two that do not fit together would then push one another out as fast as they come.
    pub(crate) fn handle_session_over(&mut self) {
        for trouble in self.trouble.values_mut().filter(|trouble| trouble.no_room == Some(Lack::Quota)) {
            trouble.not_before_ms = 0;
        }
    }

    /// Whether audio can be stored: writing works, and what the plans name has room.
    pub(crate) fn storage(&self) -> StorageState {
        let has_room = self.trouble.values().all(|trouble| trouble.no_room.is_none());
        if self.storage == StorageState::Good && !has_room { StorageState::Full } else { self.storage }
    }

    /// It is asked for again by the next want, unless the object has too many of them.
    pub(super) fn handle_bad_block(&mut self, object: ObjectHash, index: u32, now: Now) {
        if let Some(want) = self.want.as_mut().filter(|want| want.object == object) {
            want.blocks.remove(&index);
        }
        if !self.wishes.is_lacking(&object) {
            return;
        }
        let trouble = self.trouble.entry(object).or_default();
        trouble.bad_blocks += 1;
        if trouble.bad_blocks >= BAD_BLOCKS_MAX {
            trouble.bad_blocks = 0;
            trouble.failures = trouble.failures.max(1);
            self.fail(object, now);
        }
    }

    /// An object did not come. The first time it is asked for again at once, then after a pause.
    pub(super) fn fail(&mut self, object: ObjectHash, now: Now) {
        if !self.wishes.is_lacking(&object) {
            return;
        }
        let trouble = self.trouble.entry(object).or_default();
        if trouble.failures > 0 {
            let pause = pause_ms(trouble.failures - 1, PAUSE_MAX_MS);
            trouble.not_before_ms = now.monotonic_ms.saturating_add(pause);
        }
        trouble.failures = trouble.failures.saturating_add(1);
        if self.want.as_ref().is_some_and(|want| want.object == object) {
            self.want = None;
        }
    }

    /// A block is in the store, so the store takes audio.
    pub(crate) fn handle_stored(&mut self) {
        self.storage = StorageState::Good;
        self.storage_pause_until_ms = 0;
    }

    /// The whole object's hash was wrong although each block's was right, or its file was damaged later.
    pub(crate) fn handle_corrupt(&mut self, object: &ObjectHash, now: Now) {
        if !self.wishes.is_lacking(object) {
            return;
        }
        let trouble = self.trouble.entry(*object).or_default();
        trouble.corruptions = trouble.corruptions.saturating_add(1);
        let pause = pause_ms(trouble.corruptions, CORRUPT_PAUSE_MAX_MS);
        trouble.not_before_ms = now.monotonic_ms.saturating_add(pause);
    }

    /// The store could not take audio. One that is full may still have room for a smaller object, so only this one waits;
    /// one that fails, or cannot finish what it holds, takes nothing for a while.
    pub(crate) fn handle_storage(
        &mut self,
        state: StorageState,
        object: &ObjectHash,
        cache: &mut Cache,
        now: Now,
        actions: &mut VecDeque<Action>,
    ) {
        self.want = None;
        let need = match self.wishes.need(object) {
            Some(Need::Prepared) => Need::Prepared,
            Some(Need::By(_)) | None => Need::By(UnixMs(i64::MAX)),
        };
        let freed = state == StorageState::Full && cache.free_some(need, &self.wishes, now.wall, actions);
        let pause = if freed { PAUSE_MS } else { STORAGE_PAUSE_MS };
        let until_ms = now.monotonic_ms.saturating_add(pause);
        let is_complete = cache.partial(object).is_some_and(|partial| partial.lacking().next().is_none());
        if state == StorageState::Full && !is_complete && self.wishes.is_lacking(object) {
            let trouble = self.trouble.entry(*object).or_default();
            trouble.no_room = Some(Lack::Disk);
            trouble.not_before_ms = until_ms;
        } else {
            self.storage = state;
            self.storage_pause_until_ms = until_ms;
        }
    }
}

/// The pause after so many doublings.
fn pause_ms(doublings: u32, longest_ms: u64) -> u64 {
    PAUSE_MS.saturating_mul(1 << doublings.min(16)).min(longest_ms)
}
