//! The nodes that have ever asked, by number, each with the bound of its line.

use std::collections::BTreeMap;

use loa_protocol::ids::NodeId;

use super::bucket::Bucket;

/// A node's number, for as long as the controller runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seat(pub u32);

#[derive(Debug)]
struct Row {
    node: NodeId,
    bucket: Bucket,
}

/// Never forgets a node, and knows those alone to whom something is offered.
#[derive(Debug, Default)]
pub struct Roster {
    seats: BTreeMap<NodeId, Seat>,
    rows: Vec<Row>,
}

impl Roster {
    /// A node's number. Where its line is another than before, its bound is a new one.
    pub fn seat(&mut self, node: &NodeId, bytes_s: u64) -> Seat {
        let bucket = Bucket::new(bytes_s, bytes_s / BURST_PARTS);
        if let Some(&seat) = self.seats.get(node) {
            if let Some(row) = self.rows.get_mut(seat.0 as usize)
                && row.bucket.bytes_s() != bytes_s
            {
                row.bucket = bucket;
            }
            return seat;
        }
        let seat = Seat(u32::try_from(self.rows.len()).unwrap_or(u32::MAX));
        self.rows.push(Row { node: node.clone(), bucket });
        self.seats.insert(node.clone(), seat);
        seat
    }

    /// The number of a node that has one.
    pub fn find(&self, node: &NodeId) -> Option<Seat> {
        self.seats.get(node).copied()
    }

    /// The node of a number.
    pub fn node(&self, seat: Seat) -> Option<&NodeId> {
        self.rows.get(seat.0 as usize).map(|row| &row.node)
    }

    /// From when on a node's line is free.
    pub fn free_at_us(&self, seat: Seat) -> u64 {
        self.rows.get(seat.0 as usize).map_or(0, |row| row.bucket.ready_at_us())
    }

    /// What may be sent to a node, in bytes a second.
    pub fn bytes_s(&self, seat: Seat) -> u64 {
        self.rows.get(seat.0 as usize).map_or(0, |row| row.bucket.bytes_s())
    }

    /// Bytes go to a node.
    pub fn charge(&mut self, seat: Seat, bytes: u64, now_us: u64) {
        if let Some(row) = self.rows.get_mut(seat.0 as usize) {
            row.bucket.take(bytes, now_us);
        }
    }
}

/// What a line may be sent at once: one second's worth, divided by this.
pub const BURST_PARTS: u64 = 4;
