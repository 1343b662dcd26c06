//! Nodes that said that they lack something, until they are looked at again. Pure.
//!
//! A node reports as soon as it is connected, before what the broker retains for it has come, and again once it has. So its word that
//! something is lacking counts only when it still is its last one a while later: ten thousand nodes that come back at once lack nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use loa_protocol::ids::NodeId;

/// How long what is on its way may take: as much as a thin line needs for a plan, and the report after it.
pub(super) const GRACE: Duration = Duration::from_secs(20);

/// See the module. One entry a node, however often it speaks.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    due: BTreeMap<NodeId, Instant>,
    in_order: BTreeSet<(Instant, NodeId)>,
}

impl Doubts {
    /// The node said that something is lacking.
    pub(super) fn note(&mut self, node: &NodeId, now: Instant) {
        if !self.due.contains_key(node) {
            self.due.insert(node.clone(), now + GRACE);
            self.in_order.insert((now + GRACE, node.clone()));
        }
    }

    /// The node has what it should.
    pub(super) fn clear(&mut self, node: &NodeId) {
        if let Some(due) = self.due.remove(node) {
            self.in_order.remove(&(due, node.clone()));
        }
    }

    /// When the next node is to be looked at.
    pub(super) fn next(&self) -> Option<Instant> {
        self.in_order.first().map(|(due, _)| *due)
    }

    /// The nodes that are to be looked at now, `max` at most. Each is forgotten until it speaks again.
    pub(super) fn take_due(&mut self, now: Instant, max: usize) -> Vec<NodeId> {
        let mut taken = Vec::new();
        while taken.len() < max && self.next().is_some_and(|due| due <= now) {
            let Some((_, node)) = self.in_order.pop_first() else { break };
            self.due.remove(&node);
            taken.push(node);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str) -> NodeId {
        NodeId::new(id).unwrap()
    }

    #[test]
    fn a_word_counts_when_it_is_still_the_last_one_after_the_grace() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut doubts = Doubts::default();
        doubts.note(&node("a"), now);
        doubts.note(&node("b"), now + second);
        doubts.note(&node("a"), now + 5 * second);
        doubts.note(&node("c"), now + 5 * second);
        doubts.clear(&node("b"));
        assert_eq!(doubts.next(), Some(now + GRACE), "saying it again puts nothing off");
        assert_eq!(doubts.take_due(now + GRACE - second, 9), []);
        assert_eq!(doubts.take_due(now + GRACE, 9), [node("a")]);
        assert_eq!(doubts.take_due(now + 2 * GRACE, 9), [node("c")]);
        assert_eq!((doubts.next(), doubts.take_due(now + 9 * GRACE, 9).len()), (None, 0));
    }

    #[test]
    fn a_node_that_speaks_without_end_takes_no_more_room_than_one_that_speaks_once() {
        let now = Instant::now();
        let mut doubts = Doubts::default();
        for round in 0..1_000 {
            let at = now + Duration::from_millis(round);
            doubts.note(&node("a"), at);
            if round % 3 == 1 {
                doubts.clear(&node("a"));
            }
        }
        assert_eq!((doubts.due.len(), doubts.in_order.len()), (1, 1));
    }

    #[test]
    fn many_are_looked_at_in_parts() {
        let now = Instant::now();
        let mut doubts = Doubts::default();
        for id in ["a", "b", "c"] {
            doubts.note(&node(id), now);
        }
        let later = now + GRACE;
        assert_eq!(doubts.take_due(later, 2), [node("a"), node("b")]);
        assert_eq!(doubts.take_due(later, 2), [node("c")]);
    }
}
