//! From the database to the nodes, and back.
//!
//! ```text
//!  services ── nudge ──> reconcile: rows ── compile ──> documents ── sign what changed ──> plan_epoch ──> publish
//!  nodes ── Incoming ──> ingest ── one transaction ──> presence, reports, receipts
//!                          ├── acks, after the commit
//!                          └── wants ──> transfer ── bulk decides: blocks to one, or to an area at once
//!  nodes ── requests for the time ──> time ── signed answers, at once, over a connection of its own
//! ```
//!
//! **Invariants.** Nothing here is told what to send: a reconciler reads what is desired, compares and repairs, on a nudge
//! and by itself once a minute, and may run at any time without harm. A broker's acknowledgement is no proof: what counts
//! is the digest that a node reports. A receipt is acknowledged after it is committed, never before.

pub mod access;
pub mod acks;
pub mod alerts;
pub mod broker_link;
pub mod bulk;
pub mod compile;
pub mod desired;
pub mod epoch;
pub mod foresee;
pub mod ingest;
pub mod known;
pub mod live_orders;
pub mod manifests;
pub mod offers;
pub mod outlet;
mod proof;
pub mod reconcile;
pub mod time;
pub mod transfer;

use crate::store::StoreError;

/// Why a pass of dispatch failed. It is tried again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DispatchError {
    /// The database or the files cannot be read or written.
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests;
