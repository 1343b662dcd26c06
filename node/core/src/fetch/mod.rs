//! How audio comes: by asking, the most urgent object first.
//!
//! ```text
//! lacking objects ─> OpenBulk ─> BulkUp ─> Want (window of 4 blocks) ─> blocks ─> Want …  ─> CloseBulk
//!                                            └ nothing for 10 s: asked again, then later and later,
//!                                              other objects meanwhile
//! ```
//!
//! **Invariants.** One want is open at a time. A block that was received is not asked for again, after a restart
//! either. At most [`UNSTORED_MAX`] blocks are on their way into the store; what comes beyond is dropped and asked for
//! again. A controller that does not answer, or answers with wrong bytes, is asked ever less often.

mod wishes;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use loa_protocol::ids::ObjectHash;
use loa_protocol::report::{Fetching, StorageState};
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::{Bitmap, Block, Want};
use loa_protocol::wire::Wire;

pub(crate) use self::wishes::{Need, Wishes};
use crate::action::{Action, Qos};
use crate::cache::Cache;
use crate::deadline::{At, Deadlines};
use crate::input::{Link, Now};

/// Blocks for each want; after a time-out, half of it.
const WINDOW: u8 = 4;
/// Blocks that a want names beyond its window, in bytes of bitmap.
const BITMAP_MAX_BYTES: usize = 32;
/// Most blocks that the shell has yet to store.
const UNSTORED_MAX: u32 = 32;
/// How long a want waits for its next block.
const WANT_WAIT_MS: u64 = 10_000;
/// First pause, after an object's second failure in a row; doubles up to the longest.
const PAUSE_MS: u64 = 15_000;
const PAUSE_MAX_MS: u64 = 10 * 60_000;
/// Longest pause after an object came whole and wrong, which costs all of it each time.
const CORRUPT_PAUSE_MAX_MS: u64 = 6 * 3600 * 1_000;
/// Wrong blocks of an object in a row that count as a failure.
const BAD_BLOCKS_MAX: u32 = 3;
/// How long fetching pauses when the store cannot take audio.
const STORAGE_PAUSE_MS: u64 = 5 * 60_000;
/// How long the bulk link stays open with nothing to fetch.
const LINGER_MS: u64 = 5_000;
/// Most objects that the state names as being fetched.
const FETCHING_MAX: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bulk {
    Closed,
    /// The shell connects.
    Opening,
    Up,
}

/// A want that was sent.
#[derive(Debug)]
struct OpenWant {
    object: ObjectHash,
    /// What has yet to come.
    blocks: BTreeSet<u32>,
    until_ms: u64,
}

/// Where there is no room for an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    /// In the quota: what is needed as soon, or sooner, fills it.
    Quota,
    /// On the disk.
    Disk,
}

/// How an object's fetching goes wrong.
#[derive(Debug, Default)]
struct Trouble {
    /// In a row.
    failures: u32,
    bad_blocks: u32,
    /// How often it came whole and wrong.
    corruptions: u32,
    not_before_ms: u64,
    no_room: Option<Lack>,
}

/// What a block turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockVerdict {
    /// Stored, had already, or not asked for.
    Fine,
    /// Its hash is wrong.
    Bad { object: ObjectHash, index: u32 },
}

#[derive(Debug)]
pub(crate) struct Fetch {
    wishes: Wishes,
    bulk: Bulk,
    want: Option<OpenWant>,
    /// Of lacking objects only.
    trouble: BTreeMap<ObjectHash, Trouble>,
    storage: StorageState,
    storage_pause_until_ms: u64,
    /// When the bulk link has been of no use since.
    idle_since_ms: Option<u64>,
}

impl Fetch {
    pub(crate) fn new() -> Self {
        Self {
            wishes: Wishes::default(),
            bulk: Bulk::Closed,
            want: None,
            trouble: BTreeMap::new(),
            storage: StorageState::Good,
            storage_pause_until_ms: 0,
            idle_since_ms: None,
        }
    }

    /// Other objects are needed, or by another time.
    pub(crate) fn set_wishes(&mut self, wishes: Wishes) {
        self.wishes = wishes;
        self.trouble.retain(|object, _| self.wishes.is_lacking(object));
        if self.want.as_ref().is_some_and(|want| !self.wishes.is_lacking(&want.object)) {
            self.want = None;
        }
        if self.wishes.lacking().next().is_none() {
            // Nothing needs the room that was not there.
            self.storage = StorageState::Good;
        }
    }

    pub(crate) fn wishes(&self) -> &Wishes {
        &self.wishes
    }

    /// A session is over: what sounded may have made room in the quota. Not whenever wishes change, for an object that came whole changes
    /// them, and two that do not fit together would then push one another out as fast as they come.
    pub(crate) fn handle_session_over(&mut self) {
        for trouble in self.trouble.values_mut().filter(|trouble| trouble.no_room == Some(Lack::Quota)) {
            trouble.not_before_ms = 0;
        }
    }

    /// The control link is up: a controller that did not answer may do so now. What came wrong still waits.
    pub(crate) fn handle_control_up(&mut self) {
        self.trouble.retain(|_, trouble| trouble.corruptions > 0 || trouble.no_room.is_some());
    }

    /// The bulk link is up; `false` when nobody wants it any more. Subscribe before the next [`Fetch::step`].
    pub(crate) fn handle_bulk_up(&mut self) -> bool {
        self.want = None;
        if self.bulk == Bulk::Closed {
            return false;
        }
        self.bulk = Bulk::Up;
        true
    }

    pub(crate) fn handle_bulk_down(&mut self) {
        if self.bulk == Bulk::Up {
            self.bulk = Bulk::Opening;
            self.want = None;
        }
    }

    /// Whether audio can be stored: writing works, and what the plans name has room.
    pub(crate) fn storage(&self) -> StorageState {
        let has_room = self.trouble.values().all(|trouble| trouble.no_room.is_none());
        if self.storage == StorageState::Good && !has_room { StorageState::Full } else { self.storage }
    }

    /// A block came.
    pub(crate) fn handle_block(
        &mut self,
        block: Block,
        cache: &mut Cache,
        now: Now,
        actions: &mut VecDeque<Action>,
    ) -> BlockVerdict {
        let Block { object, index, bytes } = block;
        let Some(partial) = cache.partial(&object) else { return BlockVerdict::Fine };
        if partial.has(index) || cache.unstored() >= UNSTORED_MAX {
            return BlockVerdict::Fine;
        }
        if !partial.manifest.block_matches(index, &bytes) {
            self.handle_bad_block(object, index, now);
            return BlockVerdict::Bad { object, index };
        }
        cache.store(object, index, bytes, actions);
        if let Some(want) = self.want.as_mut().filter(|want| want.object == object) {
            want.blocks.remove(&index);
            want.until_ms = now.monotonic_ms.saturating_add(WANT_WAIT_MS);
        }
        // That it comes says nothing of room on the disk: a pause for that is not cut short, or each block of a window
        // would bring the next want while none can be stored.
        if let Some(trouble) = self.trouble.get_mut(&object).filter(|trouble| trouble.no_room.is_none()) {
            *trouble = Trouble { corruptions: trouble.corruptions, ..Trouble::default() };
        }
        BlockVerdict::Fine
    }

    /// It is asked for again by the next want, unless the object has too many of them.
    fn handle_bad_block(&mut self, object: ObjectHash, index: u32, now: Now) {
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
    fn fail(&mut self, object: ObjectHash, now: Now) {
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

    /// Does what is due.
    pub(crate) fn step(
        &mut self,
        want_topic: &str,
        is_control_up: bool,
        cache: &mut Cache,
        now: Now,
        actions: &mut VecDeque<Action>,
    ) {
        if self.storage_pause_until_ms <= now.monotonic_ms {
            cache.finish_complete(actions);
        }
        if let Some(want) = &self.want
            && want.until_ms <= now.monotonic_ms
        {
            self.fail(want.object, now);
            self.want = None;
        }
        if self.want.as_ref().is_some_and(|want| want.blocks.is_empty()) {
            self.want = None;
        }
        while self.want.is_none() {
            let Some(object) = self.next_object(cache, now) else { break };
            self.idle_since_ms = None;
            match self.bulk {
                Bulk::Closed if is_control_up => {
                    self.bulk = Bulk::Opening;
                    actions.push_back(Action::OpenBulk);
                    break;
                }
                Bulk::Closed | Bulk::Opening => break,
                Bulk::Up => self.ask(object, want_topic, cache, now, actions),
            }
        }
        self.close_if_idle(cache, now, actions);
    }

    /// The most urgent object that may be asked for now.
    fn next_object(&self, cache: &Cache, now: Now) -> Option<ObjectHash> {
        if self.storage_pause_until_ms > now.monotonic_ms {
            return None;
        }
        let may_ask = |object: &ObjectHash| {
            let waits = self.trouble.get(object).is_some_and(|t| t.not_before_ms > now.monotonic_ms);
            let is_complete = cache.partial(object).is_some_and(|p| p.lacking().next().is_none());
            !waits && !is_complete
        };
        self.wishes.lacking().find(may_ask)
    }

    fn ask(
        &mut self,
        object: ObjectHash,
        want_topic: &str,
        cache: &mut Cache,
        now: Now,
        actions: &mut VecDeque<Action>,
    ) {
        let Some(manifest) = self.wishes.manifest(&object) else { return };
        if !cache.begin(manifest, &self.wishes, now.wall, actions) {
            let trouble = self.trouble.entry(object).or_default();
            trouble.no_room = Some(Lack::Quota);
            trouble.not_before_ms = now.monotonic_ms.saturating_add(PAUSE_MAX_MS);
            return;
        }
        if let Some(trouble) = self.trouble.get_mut(&object) {
            trouble.no_room = None;
        }
        let Some(partial) = cache.partial(&object) else { return };
        let is_slow = self.trouble.get(&object).is_some_and(|trouble| trouble.failures > 0);
        let window = if is_slow { WINDOW / 2 } else { WINDOW };
        let deadline = self.wishes.deadline(&object).unwrap_or(now.wall);
        let want = want(object, partial.lacking(), window, deadline);
        let until_ms = now.monotonic_ms.saturating_add(WANT_WAIT_MS);
        self.want = Some(OpenWant { object, blocks: want.blocks().into_iter().collect(), until_ms });
        actions.push_back(Action::Publish {
            link: Link::Bulk,
            topic: want_topic.to_owned(),
            payload: want.to_cbor(),
            qos: Qos::AtLeastOnce,
            retain: false,
        });
    }

    fn close_if_idle(&mut self, cache: &Cache, now: Now, actions: &mut VecDeque<Action>) {
        if self.bulk == Bulk::Closed || self.want.is_some() || self.next_object(cache, now).is_some() {
            self.idle_since_ms = None;
            return;
        }
        let since = *self.idle_since_ms.get_or_insert(now.monotonic_ms);
        if now.monotonic_ms >= since.saturating_add(LINGER_MS) {
            self.bulk = Bulk::Closed;
            self.idle_since_ms = None;
            actions.push_back(Action::CloseBulk);
        }
    }

    /// What the state says of the objects that are not whole, the most urgent first.
    pub(crate) fn fetching(&self, cache: &Cache) -> Vec<Fetching> {
        let fetching = |object: ObjectHash| {
            Some(Fetching {
                object,
                blocks_have: cache.partial(&object).map_or(0, |partial| partial.durable_count()),
                blocks_total: self.wishes.manifest(&object)?.block_count(),
            })
        };
        self.wishes.lacking().filter_map(fetching).take(FETCHING_MAX).collect()
    }

    /// What fell due after `settled`, when [`Fetch::step`] was last called, is a deadline that has passed.
    pub(crate) fn deadlines(&self, settled: Now, deadlines: &mut Deadlines) {
        if let Some(want) = &self.want {
            deadlines.add(At::Monotonic(want.until_ms), "blocks do not come");
        }
        if let Some(since) = self.idle_since_ms {
            deadlines.add(At::Monotonic(since.saturating_add(LINGER_MS)), "the bulk link is of no use");
        }
        let pauses = self.trouble.values().map(|trouble| trouble.not_before_ms);
        for until in pauses.chain([self.storage_pause_until_ms]).filter(|until| *until > settled.monotonic_ms)
        {
            deadlines.add(At::Monotonic(until), "fetch again after a pause");
        }
    }
}

/// The pause after so many doublings.
fn pause_ms(doublings: u32, longest_ms: u64) -> u64 {
    PAUSE_MS.saturating_mul(1 << doublings.min(16)).min(longest_ms)
}

/// A want for these blocks, ascending and not empty. It names as many of them as its bitmap has room for.
fn want(object: ObjectHash, lacking: impl Iterator<Item = u32>, window: u8, deadline: UnixMs) -> Want {
    let mut lacking = lacking.peekable();
    let base = lacking.peek().copied().unwrap_or(0);
    let mut bitmap = Bitmap::empty(u32::try_from(BITMAP_MAX_BYTES * 8).unwrap_or(u32::MAX));
    lacking.for_each(|index| bitmap.insert(index - base));
    let mut bytes = bitmap.as_bytes().to_vec();
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.truncate(used);
    Want { object, base, lacking: bytes, window, deadline }
}
