//! Wire types that several groups share. Domain types are never serialised themselves.

use loa_protocol::area::AreaPath;
use loa_protocol::time::UnixMs;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::role::{ClassSet, Grant};
use crate::http::HttpError;
use crate::http::query::required;
use crate::services::Seen;

/// An instant as RFC 3339 in UTC with milliseconds.
pub(super) fn instant(at: UnixMs) -> String {
    at.to_string()
}

/// The ids from the root to an area.
pub(super) fn path(path: &AreaPath) -> Vec<String> {
    path.areas().iter().map(ToString::to_string).collect()
}

/// One role in one place.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GrantWire {
    /// `author`, `approver`, `technician` or `admin`.
    role: &'static str,
    /// Id of the area; absent: the whole installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<String>,
    /// Classes of bulletins: `normal`, `priority`, `emergency`.
    classes: Vec<&'static str>,
}

impl From<&Grant> for GrantWire {
    fn from(grant: &Grant) -> Self {
        Self {
            role: grant.role.as_str(),
            area: grant.scope.area_id().map(ToString::to_string),
            classes: class_words(grant.classes),
        }
    }
}

fn class_words(classes: ClassSet) -> Vec<&'static str> {
    classes.iter().map(|class| class.as_str()).collect()
}

/// What the person had before them.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct SeenWire {
    /// `seen` of the bulletin that was shown.
    seen: String,
}

impl SeenWire {
    pub(super) fn read(&self) -> Result<Seen, HttpError> {
        required("seen", &self.seen)
    }
}
