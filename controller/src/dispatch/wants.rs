//! Which block goes out next. Pure.
//!
//! One want for each node and object: a newer one replaces the older, since it says what is *still* lacking. Of all that
//! are open the earliest deadline is served first, one block at a time in turn among equals, so that one slow node does
//! not hold up the rest. The queue is bounded; when it is full the latest deadline goes, and its node asks again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use loa_protocol::ids::{NodeId, ObjectHash};
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::Want;

/// Most wants that are open at a time.
pub const OPEN_MAX: usize = 20_000;

type Key = (NodeId, ObjectHash);

/// One block to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextBlock {
    /// To whom.
    pub node: NodeId,
    /// Of which object.
    pub object: ObjectHash,
    /// Which block.
    pub index: u32,
}

#[derive(Debug)]
struct Open {
    turn: (UnixMs, u64),
    blocks: VecDeque<u32>,
}

/// The open wants.
#[derive(Debug)]
pub struct Wants {
    open: BTreeMap<Key, Open>,
    /// By deadline, then by when its turn came last.
    turns: BTreeMap<(UnixMs, u64), Key>,
    next_turn: u64,
    capacity: usize,
}

impl Default for Wants {
    fn default() -> Self {
        Self::with_capacity(OPEN_MAX)
    }
}

impl Wants {
    /// An empty queue for so many wants.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { open: BTreeMap::new(), turns: BTreeMap::new(), next_turn: 0, capacity }
    }

    /// Takes a node's want, in place of its earlier one for the same object. Answers whether it was taken.
    pub fn put(&mut self, node: NodeId, want: &Want) -> bool {
        let key = (node, want.object);
        self.remove(&key);
        if self.open.len() >= self.capacity {
            let Some((&latest, last)) = self.turns.last_key_value() else { return false };
            if latest.0 <= want.deadline {
                return false;
            }
            let last = last.clone();
            self.remove(&last);
        }
        let turn = self.turn(want.deadline);
        self.turns.insert(turn, key.clone());
        self.open.insert(key, Open { turn, blocks: want.blocks().into() });
        true
    }

    /// The next block to send.
    pub fn take_next(&mut self) -> Option<NextBlock> {
        loop {
            let (turn, key) = self.turns.pop_first()?;
            let mut open = self.open.remove(&key)?;
            let Some(index) = open.blocks.pop_front() else { continue };
            let block = NextBlock { node: key.0.clone(), object: key.1, index };
            if !open.blocks.is_empty() {
                open.turn = self.turn(turn.0);
                self.turns.insert(open.turn, key.clone());
                self.open.insert(key, open);
            }
            return Some(block);
        }
    }

    /// Forgets what these nodes want: they are gone.
    pub fn forget(&mut self, nodes: &BTreeSet<NodeId>) {
        let gone: Vec<Key> = self.open.keys().filter(|(node, _)| nodes.contains(node)).cloned().collect();
        gone.iter().for_each(|key| self.remove(key));
    }

    /// Number of wants that are open.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    fn turn(&mut self, deadline: UnixMs) -> (UnixMs, u64) {
        self.next_turn += 1;
        (deadline, self.next_turn)
    }

    fn remove(&mut self, key: &Key) {
        if let Some(open) = self.open.remove(key) {
            self.turns.remove(&open.turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str) -> NodeId {
        NodeId::new(id).unwrap()
    }

    fn want(object: &[u8], lacking: u8, deadline: i64) -> Want {
        Want {
            object: ObjectHash::of(object),
            base: 0,
            lacking: vec![lacking],
            window: 4,
            deadline: UnixMs(deadline),
        }
    }

    fn drain(wants: &mut Wants) -> Vec<(String, u32)> {
        std::iter::from_fn(|| wants.take_next()).map(|b| (b.node.to_string(), b.index)).collect()
    }

    fn sent(list: &[(&str, u32)]) -> Vec<(String, u32)> {
        list.iter().map(|(n, i)| ((*n).to_owned(), *i)).collect()
    }

    #[test]
    fn earliest_deadline_first_and_turns_among_equals() {
        let mut wants = Wants::default();
        wants.put(node("late"), &want(b"o", 0b1, 200));
        wants.put(node("a"), &want(b"o", 0b11, 100));
        wants.put(node("b"), &want(b"o", 0b101, 100));
        assert_eq!(drain(&mut wants), sent(&[("a", 0), ("b", 0), ("a", 1), ("b", 2), ("late", 0)]));
        assert!(wants.is_empty() && wants.turns.is_empty());
    }

    #[test]
    fn a_newer_want_replaces_the_older() {
        let mut wants = Wants::default();
        wants.put(node("a"), &want(b"o", 0b1111, 100));
        wants.take_next();
        wants.put(node("a"), &want(b"o", 0b1000, 100));
        assert_eq!(drain(&mut wants), sent(&[("a", 3)]));
    }

    #[test]
    fn when_full_the_latest_deadline_goes() {
        let mut wants = Wants::with_capacity(2);
        assert!(wants.put(node("a"), &want(b"o", 1, 100)));
        assert!(wants.put(node("b"), &want(b"o", 1, 300)));
        assert!(!wants.put(node("c"), &want(b"o", 1, 300)));
        assert!(wants.put(node("d"), &want(b"o", 1, 200)));
        assert_eq!(drain(&mut wants), sent(&[("a", 0), ("d", 0)]));
    }

    #[test]
    fn the_gone_are_forgotten() {
        let mut wants = Wants::default();
        wants.put(node("a"), &want(b"o", 1, 100));
        wants.put(node("b"), &want(b"o", 1, 100));
        wants.forget(&BTreeSet::from([node("a")]));
        assert_eq!(drain(&mut wants), sent(&[("b", 0)]));
    }
}
