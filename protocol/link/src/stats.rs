//! What a link has done so far, in counters that cost nothing to read.
//!
//! Bytes are those on the wire, below TLS: what the SIM card of a node pays for, less IP and TCP headers.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one link; they only grow. Shared between the link and whoever holds a handle.
#[derive(Debug, Default)]
pub struct LinkStats {
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
    attempts: AtomicU64,
    connections: AtomicU64,
    messages_sent: AtomicU64,
    messages_received: AtomicU64,
}

/// [`LinkStats`] at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkStatsSnapshot {
    /// Bytes written to the network, TLS included.
    pub bytes_sent: u64,
    /// Bytes read from the network, TLS included.
    pub bytes_received: u64,
    /// Connection attempts begun; the same number as the latest `conn_seq`.
    pub attempts: u64,
    /// Attempts that the broker accepted (CONNACK).
    pub connections: u64,
    /// PUBLISH packets handed to the network.
    pub messages_sent: u64,
    /// PUBLISH packets read from the network.
    pub messages_received: u64,
}

impl LinkStats {
    /// The counters at this moment.
    pub fn snapshot(&self) -> LinkStatsSnapshot {
        LinkStatsSnapshot {
            bytes_sent: self.bytes_sent.load(Ordering::Relaxed),
            bytes_received: self.bytes_received.load(Ordering::Relaxed),
            attempts: self.attempts.load(Ordering::Relaxed),
            connections: self.connections.load(Ordering::Relaxed),
            messages_sent: self.messages_sent.load(Ordering::Relaxed),
            messages_received: self.messages_received.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn count_sent(&self, bytes: usize) {
        add(&self.bytes_sent, bytes);
    }

    pub(crate) fn count_received(&self, bytes: usize) {
        add(&self.bytes_received, bytes);
    }

    pub(crate) fn count_attempt(&self) {
        add(&self.attempts, 1);
    }

    pub(crate) fn count_connection(&self) {
        add(&self.connections, 1);
    }

    pub(crate) fn count_message_sent(&self) {
        add(&self.messages_sent, 1);
    }

    pub(crate) fn count_message_received(&self) {
        add(&self.messages_received, 1);
    }

    /// Bytes sent and received: the pulse by which a slow network is told from a dead one.
    pub(crate) fn wire(&self) -> Wire {
        Wire {
            sent: self.bytes_sent.load(Ordering::Relaxed),
            received: self.bytes_received.load(Ordering::Relaxed),
        }
    }
}

/// Byte counters of the wire at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wire {
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(amount as u64, Ordering::Relaxed);
}
