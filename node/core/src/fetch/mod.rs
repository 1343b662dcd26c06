//! How audio comes: by asking, the most urgent object first.
//!
//! ```text
//! lacking objects ─ a moment ─> OpenBulk ─> BulkUp ─> hear its waves, Want (window of 4 blocks) ─> blocks ─> Want …  ─> CloseBulk
//!                                            ├ nothing for 10 s: asked again, then later and later,
//!                                            │ other objects meanwhile
//!                                            └ blocks come by a wave: not asked until it has passed
//! ```
//!
//! **Invariants.** One want is open at a time. A block that was received is not asked for again, after a restart
//! either. At most [`UNSTORED_MAX`] blocks are on their way into the store; what comes beyond is dropped and asked for
//! again. A controller that does not answer, or answers with wrong bytes, is asked ever less often.

mod start;
mod trouble;
mod waves;
mod wishes;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use loa_protocol::ids::{AreaId, BootId, ObjectHash};
use loa_protocol::report::{Fetching, StorageState};
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::{Bitmap, Block, WAVE_LINE_MIN_KBIT_S, Want};
use loa_protocol::wire::Wire;

use self::start::Start;
use self::trouble::{Lack, PAUSE_MAX_MS, Trouble};
use self::waves::Waves;
pub(crate) use self::waves::Way;
pub(crate) use self::wishes::{Need, Wishes};
use crate::action::{Action, Qos};
use crate::cache::{Cache, Partial};
use crate::deadline::{At, Deadlines};
use crate::input::{Link, Now};
use crate::topics::Topics;

/// Blocks for each want; after a time-out, half of it.
const WINDOW: u8 = 4;
/// Blocks that a want names beyond its window, in bytes of bitmap.
const BITMAP_MAX_BYTES: usize = 128;
/// Most blocks that the shell has yet to store.
const UNSTORED_MAX: u32 = 32;
/// How long a want waits for its next block.
const WANT_WAIT_MS: u64 = 10_000;
/// How much longer a want waits for its first block where the object may come by a wave: a hundredth of the time that is left, at most
/// so much.
const GATHERING_PARTS: i64 = 100;
const GATHERING_MAX_MS: i64 = 20_000;
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

/// What a block turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockVerdict {
    /// Stored, had already, or not asked for.
    Fine,
    /// Its hash is wrong.
    Bad { object: ObjectHash, index: u32 },
}

/// Audio that came since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Came {
    /// Bytes of blocks.
    pub bytes: u64,
    /// Of these, bytes of no use: had already, not needed, with a wrong hash, or more than the store could take.
    pub wasted_bytes: u64,
}

/// Whom the node asks, and how it may be answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Desk<'a> {
    pub(crate) topics: &'a Topics,
    /// What differs from board to board.
    pub(crate) boot: BootId,
    pub(crate) areas: &'a [AreaId],
    pub(crate) line_kbit_s: Option<u32>,
    pub(crate) spread_ms: u32,
    pub(crate) is_control_up: bool,
}

impl Desk<'_> {
    /// The topics of an object's waves; none where the line does not carry them.
    fn wave_filters(&self, object: &ObjectHash) -> Vec<String> {
        let carries = self.line_kbit_s.is_none_or(|line| line >= WAVE_LINE_MIN_KBIT_S);
        if carries { self.topics.waves(self.areas, object) } else { Vec::new() }
    }
}

#[derive(Debug)]
pub(crate) struct Fetch {
    wishes: Wishes,
    bulk: Bulk,
    want: Option<OpenWant>,
    waves: Waves,
    start: Start,
    came: Came,
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
            waves: Waves::default(),
            start: Start::default(),
            came: Came::default(),
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

    /// The control link is up: a controller that did not answer may do so now. What came wrong still waits.
    pub(crate) fn handle_control_up(&mut self) {
        // Many may come back at once.
        self.start.clear();
        self.trouble.retain(|_, trouble| trouble.corruptions > 0 || trouble.no_room.is_some());
    }

    /// The bulk link is up; `false` when nobody wants it any more. Subscribe before the next [`Fetch::step`].
    pub(crate) fn handle_bulk_up(&mut self) -> bool {
        self.want = None;
        self.waves.clear();
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
            self.waves.clear();
        }
    }

    /// The audio that came since boot.
    pub(crate) fn came(&self) -> Came {
        self.came
    }

    /// A block came.
    pub(crate) fn handle_block(
        &mut self,
        block: Block,
        way: Way,
        cache: &mut Cache,
        now: Now,
        actions: &mut VecDeque<Action>,
    ) -> BlockVerdict {
        let Block { object, index, bytes } = block;
        let length = bytes.len() as u64;
        self.came.bytes = self.came.bytes.saturating_add(length);
        if way == Way::Wave && self.wishes.is_lacking(&object) {
            let lacks_more = |partial: &Partial| partial.lacking().any(|lacking| lacking > index);
            let lacks_more = cache.partial(&object).is_some_and(lacks_more);
            self.waves.note_block(object, lacks_more, now.monotonic_ms);
        }
        let Some(partial) = cache.partial(&object) else { return self.waste(length) };
        if partial.has(index) || cache.unstored() >= UNSTORED_MAX {
            return self.waste(length);
        }
        if !partial.manifest.block_matches(index, &bytes) {
            self.waste(length);
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

    fn waste(&mut self, bytes: u64) -> BlockVerdict {
        self.came.wasted_bytes = self.came.wasted_bytes.saturating_add(bytes);
        BlockVerdict::Fine
    }

    /// Does what is due.
    pub(crate) fn step(
        &mut self,
        desk: &Desk<'_>,
        cache: &mut Cache,
        now: Now,
        actions: &mut VecDeque<Action>,
    ) {
        if self.storage_pause_until_ms <= now.monotonic_ms {
            cache.finish_complete(actions);
        }
        let passed = self.waves.take_passed(now.monotonic_ms);
        if let Some(want) = &self.want {
            if passed == Some(want.object) {
                // What it asked for before the wave came is not what lacks now.
                self.want = None;
            } else if want.until_ms <= now.monotonic_ms {
                self.fail(want.object, now);
                self.want = None;
            }
        }
        if self.want.as_ref().is_some_and(|want| want.blocks.is_empty()) {
            self.want = None;
        }
        self.leave_waves(cache, actions);
        while self.want.is_none() {
            let Some(object) = self.next_object(cache, now).filter(|object| !self.waves.is_passing(object))
            else {
                break;
            };
            self.idle_since_ms = None;
            match self.bulk {
                Bulk::Closed if desk.is_control_up => {
                    let deadline = self.wishes.deadline(&object).unwrap_or(now.wall);
                    if self.start.at_ms(desk.boot, &object, deadline, desk.spread_ms, now) <= now.monotonic_ms
                    {
                        self.start.clear();
                        self.bulk = Bulk::Opening;
                        actions.push_back(Action::OpenBulk);
                    }
                    break;
                }
                Bulk::Closed | Bulk::Opening => break,
                Bulk::Up => self.ask(object, desk, cache, now, actions),
            }
        }
        self.close_if_idle(cache, now, actions);
    }

    /// Hears no more of what is not lacking any more.
    fn leave_waves(&mut self, cache: &Cache, actions: &mut VecDeque<Action>) {
        let lacks = |object: &ObjectHash| {
            let is_complete = cache.partial(object).is_some_and(|partial| partial.lacking().next().is_none());
            self.wishes.is_lacking(object) && !is_complete
        };
        let filters = self.waves.keep_only(lacks);
        if !filters.is_empty() && self.bulk == Bulk::Up {
            actions.push_back(Action::Unsubscribe { link: Link::Bulk, filters });
        }
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
        desk: &Desk<'_>,
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
        let filters = desk.wave_filters(&object);
        let hears_waves = !filters.is_empty();
        let want = Want { hears_waves, ..want(object, partial.lacking(), window, deadline) };
        if hears_waves && !self.waves.are_heard(&object, &filters) {
            let left = self.waves.hear(object, filters.clone());
            actions.push_back(Action::Subscribe { link: Link::Bulk, filters });
            if !left.is_empty() {
                actions.push_back(Action::Unsubscribe { link: Link::Bulk, filters: left });
            }
        }
        // The controller may wait for others who lack it.
        let gathering_ms =
            (deadline.since(now.wall) / GATHERING_PARTS).clamp(0, GATHERING_MAX_MS).unsigned_abs();
        let wait_ms = WANT_WAIT_MS + if hears_waves && !is_slow { gathering_ms } else { 0 };
        let until_ms = now.monotonic_ms.saturating_add(wait_ms);
        self.want = Some(OpenWant { object, blocks: want.blocks().into_iter().collect(), until_ms });
        actions.push_back(Action::Publish {
            link: Link::Bulk,
            topic: desk.topics.want(),
            payload: want.to_cbor(),
            qos: Qos::AtLeastOnce,
            retain: false,
        });
    }

    fn close_if_idle(&mut self, cache: &Cache, now: Now, actions: &mut VecDeque<Action>) {
        if self.want.is_some() || self.next_object(cache, now).is_some() {
            self.idle_since_ms = None;
            return;
        }
        if self.bulk == Bulk::Closed {
            // What comes next is another batch.
            self.start.clear();
            self.idle_since_ms = None;
            return;
        }
        let since = *self.idle_since_ms.get_or_insert(now.monotonic_ms);
        if now.monotonic_ms >= since.saturating_add(LINGER_MS) {
            self.bulk = Bulk::Closed;
            self.waves.clear();
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
        if let Some(quiet_at) = self.waves.quiet_at_ms() {
            deadlines.add(At::Monotonic(quiet_at), "a wave has passed");
        }
        if let Some(at) = self.start.drawn_ms().filter(|at| *at > settled.monotonic_ms) {
            deadlines.add(At::Monotonic(at), "fetching may begin");
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

/// A want for these blocks, ascending and not empty. It names as many of them as its bitmap has room for.
fn want(object: ObjectHash, lacking: impl Iterator<Item = u32>, window: u8, deadline: UnixMs) -> Want {
    let mut lacking = lacking.peekable();
    let base = lacking.peek().copied().unwrap_or(0);
    let mut bitmap = Bitmap::empty(u32::try_from(BITMAP_MAX_BYTES * 8).unwrap_or(u32::MAX));
    lacking.for_each(|index| bitmap.insert(index - base));
    let mut bytes = bitmap.as_bytes().to_vec();
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.truncate(used);
    Want { object, base, lacking: bytes, window, deadline, hears_waves: false }
}
