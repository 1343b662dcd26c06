//! The waves that the node hears: objects that come for a whole area at once.
//!
//! Before an object is asked for, the bulk link subscribes to its waves in every area on the node's path; when it has come,
//! or is not needed any more, no longer. So whatever goes over the air is for those who lack it.
//!
//! While a wave passes, its object is not asked for: what is lacking may be about to come. It has passed when nothing came
//! for four times the longest recent pause between two of its blocks, or soon after a block behind which nothing is lacking
//! (blocks of a wave ascend, and one topic keeps its order).

use std::collections::VecDeque;

use loa_protocol::ids::ObjectHash;

/// Most objects whose waves are heard: the one that is asked for, and some that came to a halt before it.
const HEARD_MAX: usize = 4;
/// How long a wave is waited for after its first block, when its pace is not known.
const UNKNOWN_PACE_MS: u64 = 2_500;
/// A wave counts as passed after this time without a block, at the earliest and at the latest.
const QUIET_MIN_MS: u64 = 1_000;
const QUIET_MAX_MS: u64 = 10_000;
/// How long it is waited when nothing of what is still to come is lacking.
const AFTER_LAST_MS: u64 = 500;

/// How a block came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To this node, because it asked.
    Single,
    /// To all of an area.
    Wave,
}

/// Waves on the bulk connection that stands.
#[derive(Debug, Default)]
pub(crate) struct Waves {
    /// The objects whose waves the link is subscribed to, by which filters; the one asked for last at the back.
    heard: VecDeque<(ObjectHash, Vec<String>)>,
    passing: Option<Passing>,
}

/// A wave from which blocks come.
#[derive(Debug)]
struct Passing {
    object: ObjectHash,
    last_ms: u64,
    /// The longest recent pause between two blocks.
    pause_ms: u64,
    quiet_at_ms: u64,
}

impl Waves {
    /// Another connection, or none: nothing is subscribed to.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether the waves of an object are heard by these filters.
    pub(crate) fn are_heard(&self, object: &ObjectHash, filters: &[String]) -> bool {
        self.heard.iter().any(|(heard, by)| heard == object && by == filters)
    }

    /// The waves of an object are heard from now on. Gives the filters of those that are not heard any more.
    pub(crate) fn hear(&mut self, object: ObjectHash, filters: Vec<String>) -> Vec<String> {
        let mut dropped = self.keep_only(|heard| *heard != object);
        if self.heard.len() == HEARD_MAX {
            dropped.extend(self.heard.pop_front().map(|(_, filters)| filters).unwrap_or_default());
        }
        dropped.retain(|filter| !filters.contains(filter));
        self.heard.push_back((object, filters));
        dropped
    }

    /// Gives the filters of objects whose waves are of no use any more.
    pub(crate) fn keep_only(&mut self, is_lacking: impl Fn(&ObjectHash) -> bool) -> Vec<String> {
        let (kept, dropped) = self.heard.drain(..).partition(|(object, _)| is_lacking(object));
        self.heard = kept;
        let dropped: VecDeque<(ObjectHash, Vec<String>)> = dropped;
        dropped.into_iter().flat_map(|(_, filters)| filters).collect()
    }

    /// A block came by a wave. `lacks_more`: the node lacks a block behind it.
    pub(crate) fn note_block(&mut self, object: ObjectHash, lacks_more: bool, now_ms: u64) {
        let before = self.passing.take().filter(|passing| passing.object == object);
        let pause_ms = before.map_or(UNKNOWN_PACE_MS, |passing| {
            let pause_ms = now_ms.saturating_sub(passing.last_ms);
            // The first pause replaces what was only supposed; later ones wear off slowly.
            let known_ms = if passing.pause_ms == UNKNOWN_PACE_MS { 0 } else { passing.pause_ms };
            pause_ms.max(known_ms - known_ms / 8)
        });
        let wait_ms = match lacks_more {
            true => pause_ms.saturating_mul(4).clamp(QUIET_MIN_MS, QUIET_MAX_MS),
            false => AFTER_LAST_MS,
        };
        let quiet_at_ms = now_ms.saturating_add(wait_ms);
        self.passing = Some(Passing { object, last_ms: now_ms, pause_ms, quiet_at_ms });
    }

    /// The object whose wave has just passed: told once.
    pub(crate) fn take_passed(&mut self, now_ms: u64) -> Option<ObjectHash> {
        self.passing.take_if(|passing| passing.quiet_at_ms <= now_ms).map(|passing| passing.object)
    }

    /// Whether an object is coming by a wave.
    pub(crate) fn is_passing(&self, object: &ObjectHash) -> bool {
        self.passing.as_ref().is_some_and(|passing| passing.object == *object)
    }

    /// When the wave that passes counts as passed.
    pub(crate) fn quiet_at_ms(&self) -> Option<u64> {
        self.passing.as_ref().map(|passing| passing.quiet_at_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str) -> ObjectHash {
        ObjectHash::of(name.as_bytes())
    }

    fn filters(name: &str) -> Vec<String> {
        vec![format!("x/tinh/{name}"), format!("x/xa/{name}")]
    }

    #[test]
    fn what_is_not_lacking_any_more_is_not_heard_any_more() {
        let mut waves = Waves::default();
        for name in ["a", "b", "c", "d"] {
            assert!(waves.hear(object(name), filters(name)).is_empty());
        }
        assert_eq!(waves.hear(object("e"), filters("e")), filters("a"), "only so many at a time");
        assert!(
            waves.are_heard(&object("e"), &filters("e")) && !waves.are_heard(&object("a"), &filters("a"))
        );
        assert_eq!(waves.keep_only(|heard| *heard != object("c")), filters("c"));
        let moved = vec!["x/tinh/e".to_owned(), "x/another/e".to_owned()];
        assert_eq!(waves.hear(object("e"), moved), ["x/xa/e"], "the node was moved");
    }

    #[test]
    fn a_wave_has_passed_when_it_is_late_by_its_own_pace() {
        let mut waves = Waves::default();
        waves.note_block(object("a"), true, 1_000);
        assert_eq!(waves.quiet_at_ms(), Some(11_000), "nobody knows its pace yet");
        waves.note_block(object("a"), true, 1_500);
        assert_eq!(waves.quiet_at_ms(), Some(3_500));
        waves.note_block(object("a"), true, 1_510);
        assert_eq!(waves.quiet_at_ms(), Some(1_510 + 4 * 438));
        assert_eq!((waves.take_passed(3_261), waves.is_passing(&object("a"))), (None, true));
        waves.note_block(object("a"), false, 1_600);
        assert_eq!(waves.quiet_at_ms(), Some(2_100), "nothing more is lacking of what is to come");
        assert_eq!((waves.take_passed(2_100), waves.take_passed(2_100)), (Some(object("a")), None));
    }
}
