//! Bulletins: the list, one of them, writing, deciding, tracks.

pub(super) mod check;
pub(super) mod decide;
pub(super) mod detail;
pub(super) mod form;
pub(super) mod list;
mod markup;
pub(super) mod record;
pub(super) mod tracks;

use loa_protocol::ids::BulletinId;

use crate::http::HttpError;
use crate::services::{Seen, SeenError, ServiceError, Thing};

/// The bulletin that a path names. What is no id is the id of nothing.
pub(super) fn named(id: &str) -> Result<BulletinId, HttpError> {
    id.parse().map_err(|_| ServiceError::NotFound(Thing::Bulletin).into())
}

/// What a person had before them, from the form's hidden field.
fn seen(text: &str) -> Result<Seen, HttpError> {
    text.parse().map_err(|error: SeenError| {
        HttpError::unreadable(axum::http::StatusCode::BAD_REQUEST, &error.to_string())
    })
}

/// The address of a bulletin's page.
pub(super) fn address(id: &BulletinId) -> String {
    format!("/bulletins/{id}")
}
