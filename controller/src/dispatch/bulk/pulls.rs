//! What goes to single nodes, because they asked for it.
//!
//! One want for each node and object: a newer one replaces the older, since it says what is *still* lacking. Of all that
//! are open the earliest deadline is served first, one block at a time in turn among equals, so that one slow node does
//! not hold up the rest. A node whose line is busy is passed over until it is free. The queue is bounded; when it is full
//! the latest deadline goes, and its node asks again.

use std::collections::{BTreeMap, VecDeque};

use loa_protocol::ids::ObjectHash;
use loa_protocol::time::UnixMs;

use super::roster::Seat;

/// Most wants that are open at a time.
pub const OPEN_MAX: usize = 20_000;

type Key = (Seat, ObjectHash);
/// By deadline, then by when its turn came last.
type Turn = (UnixMs, u64);

/// One block to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pull {
    /// To whom.
    pub seat: Seat,
    /// Of which object.
    pub object: ObjectHash,
    /// Which block.
    pub index: u32,
}

#[derive(Debug)]
struct Open {
    turn: Turn,
    /// Not before, where it is passed over.
    parked_us: Option<u64>,
    blocks: VecDeque<u32>,
}

/// The open wants.
#[derive(Debug)]
pub struct Pulls {
    open: BTreeMap<Key, Open>,
    /// All of them.
    all: BTreeMap<Turn, Key>,
    /// Those that may go now, as far as is known.
    turns: BTreeMap<Turn, Key>,
    parked: BTreeMap<(u64, Turn), Key>,
    next_turn: u64,
    capacity: usize,
}

impl Default for Pulls {
    fn default() -> Self {
        Self::with_capacity(OPEN_MAX)
    }
}

impl Pulls {
    /// An empty queue for so many wants.
    pub fn with_capacity(capacity: usize) -> Self {
        let (all, turns, parked) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { open: BTreeMap::new(), all, turns, parked, next_turn: 0, capacity }
    }

    /// Takes what a node wants of an object, in place of what it wanted of it before. Answers whether it was taken.
    pub fn put(&mut self, seat: Seat, object: ObjectHash, deadline: UnixMs, blocks: VecDeque<u32>) -> bool {
        let key = (seat, object);
        self.remove(&key);
        if self.open.len() >= self.capacity {
            let Some((&latest, &last)) = self.all.last_key_value() else { return false };
            if latest.0 <= deadline {
                return false;
            }
            self.remove(&last);
        }
        let turn = self.turn(deadline);
        self.all.insert(turn, key);
        self.turns.insert(turn, key);
        self.open.insert(key, Open { turn, parked_us: None, blocks });
        true
    }

    /// The deadline of what [`Pulls::take`] gives next; `None` when every node that wants something has to wait. `free_at_us`
    /// tells from when on a node's line is free.
    pub fn front(&mut self, now_us: u64, free_at_us: impl Fn(Seat) -> u64) -> Option<UnixMs> {
        while let Some((&at, &key)) = self.parked.first_key_value().filter(|((at_us, _), _)| *at_us <= now_us)
        {
            self.parked.remove(&at);
            self.turns.insert(at.1, key);
            if let Some(open) = self.open.get_mut(&key) {
                open.parked_us = None;
            }
        }
        while let Some((&turn, &key)) = self.turns.first_key_value() {
            let free_at_us = free_at_us(key.0);
            if free_at_us <= now_us {
                return Some(turn.0);
            }
            self.turns.remove(&turn);
            self.parked.insert((free_at_us, turn), key);
            if let Some(open) = self.open.get_mut(&key) {
                open.parked_us = Some(free_at_us);
            }
        }
        None
    }

    /// The next block. Ask [`Pulls::front`] first.
    pub fn take(&mut self) -> Option<Pull> {
        loop {
            let (turn, key) = self.turns.pop_first()?;
            let mut open = self.open.remove(&key)?;
            self.all.remove(&turn);
            let Some(index) = open.blocks.pop_front() else { continue };
            if !open.blocks.is_empty() {
                open.turn = self.turn(turn.0);
                self.all.insert(open.turn, key);
                self.turns.insert(open.turn, key);
                self.open.insert(key, open);
            }
            return Some(Pull { seat: key.0, object: key.1, index });
        }
    }

    /// When the first of those that are passed over is to be looked at again.
    pub fn wakes_at_us(&self) -> Option<u64> {
        self.parked.first_key_value().map(|((at_us, _), _)| *at_us)
    }

    /// Keeps what is still of use.
    pub fn retain(&mut self, is_of_use: impl Fn(Seat, &ObjectHash) -> bool) {
        let gone: Vec<Key> =
            self.open.keys().filter(|(seat, object)| !is_of_use(*seat, object)).copied().collect();
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

    fn turn(&mut self, deadline: UnixMs) -> Turn {
        self.next_turn += 1;
        (deadline, self.next_turn)
    }

    /// Forgets what a node wants of an object.
    pub fn remove(&mut self, key: &(Seat, ObjectHash)) {
        let Some(open) = self.open.remove(key) else { return };
        self.all.remove(&open.turn);
        match open.parked_us {
            Some(at_us) => self.parked.remove(&(at_us, open.turn)),
            None => self.turns.remove(&open.turn),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: Seat = Seat(9);
    const A: Seat = Seat(1);
    const B: Seat = Seat(2);

    fn put(pulls: &mut Pulls, seat: Seat, blocks: &[u32], deadline: i64) -> bool {
        pulls.put(seat, ObjectHash::of(b"o"), UnixMs(deadline), blocks.iter().copied().collect())
    }

    fn drain(pulls: &mut Pulls, now_us: u64, free_at_us: impl Fn(Seat) -> u64) -> Vec<(Seat, u32)> {
        let mut sent = Vec::new();
        while pulls.front(now_us, &free_at_us).is_some() {
            sent.extend(pulls.take().map(|pull| (pull.seat, pull.index)));
        }
        sent
    }

    #[test]
    fn earliest_deadline_first_and_turns_among_equals() {
        let mut pulls = Pulls::default();
        put(&mut pulls, LATE, &[0], 200);
        put(&mut pulls, A, &[0, 1], 100);
        put(&mut pulls, B, &[0, 2], 100);
        assert_eq!(drain(&mut pulls, 0, |_| 0), [(A, 0), (B, 0), (A, 1), (B, 2), (LATE, 0)]);
        assert!(pulls.is_empty() && pulls.turns.is_empty());
    }

    #[test]
    fn a_busy_line_is_passed_over_until_it_is_free() {
        let mut pulls = Pulls::default();
        put(&mut pulls, A, &[0, 1], 100);
        put(&mut pulls, B, &[0], 200);
        let busy = |seat| if seat == A { 50 } else { 0 };
        assert_eq!(drain(&mut pulls, 49, busy), [(B, 0)]);
        assert_eq!(pulls.wakes_at_us(), Some(50));
        assert_eq!(drain(&mut pulls, 50, busy), [(A, 0), (A, 1)]);
        assert!(
            pulls.is_empty() && pulls.all.is_empty() && pulls.turns.is_empty() && pulls.parked.is_empty()
        );
    }

    #[test]
    fn a_newer_want_replaces_the_older_also_while_it_is_passed_over() {
        let mut pulls = Pulls::default();
        put(&mut pulls, A, &[0, 1, 2, 3], 100);
        assert_eq!(pulls.front(0, |_| 10), None);
        put(&mut pulls, A, &[3], 100);
        assert_eq!(drain(&mut pulls, 0, |_| 0), [(A, 3)]);
        assert!(pulls.parked.is_empty());
    }

    #[test]
    fn when_full_the_latest_deadline_goes() {
        let mut pulls = Pulls::with_capacity(2);
        assert!(put(&mut pulls, A, &[1], 100));
        assert!(put(&mut pulls, B, &[1], 300));
        assert!(!put(&mut pulls, LATE, &[1], 300));
        assert_eq!(pulls.front(0, |seat| if seat == B { 5 } else { 0 }), Some(UnixMs(100)));
        assert!(put(&mut pulls, Seat(4), &[1], 200));
        assert_eq!(drain(&mut pulls, 9, |_| 0), [(A, 1), (Seat(4), 1)]);
    }

    #[test]
    fn the_gone_are_forgotten() {
        let mut pulls = Pulls::default();
        put(&mut pulls, A, &[1], 100);
        put(&mut pulls, B, &[1], 100);
        pulls.retain(|seat, _| seat != A);
        assert_eq!(drain(&mut pulls, 0, |_| 0), [(B, 1)]);
    }
}
