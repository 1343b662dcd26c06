//! Nodes: the list with live state, one of them, adding and revoking.

pub(super) mod detail;
pub(super) mod form;
pub(super) mod list;

use loa_protocol::ids::NodeId;

use crate::http::HttpError;
use crate::services::{ServiceError, Thing};

/// The node that a path names. What is no id is the id of nothing.
fn named(id: &str) -> Result<NodeId, HttpError> {
    id.parse().map_err(|_| ServiceError::NotFound(Thing::Node).into())
}
