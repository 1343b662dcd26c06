//! Who did what.

use std::sync::Arc;

use loa_protocol::area::AreaPath;
use serde_json::Value;

use super::{Ground, ServiceError};
use crate::domain::role::{Action, Forbidden, Principal};
use crate::store::audit::{AuditEntry, AuditFilter, AuditRecord};
use crate::store::{Connection, StoreError};

/// Most entries of one page.
const PAGE_MAX: u32 = 500;

/// Reading the audit log. Cheap to clone.
#[derive(Clone)]
pub struct AuditLog(pub(super) Arc<Ground>);

impl AuditLog {
    /// Entries about the areas whose log the person may read, the latest first; at most 500.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] for a person who may read none.
    pub async fn list(
        &self,
        who: &Principal,
        filter: &AuditFilter,
    ) -> Result<Vec<AuditRecord>, ServiceError> {
        let scopes = who.scopes(Action::ReadAudit);
        if scopes.is_empty() {
            return Err(Forbidden { action: Action::ReadAudit }.into());
        }
        let filter = AuditFilter { limit: filter.limit.clamp(1, PAGE_MAX), ..filter.clone() };
        let mut tx = self.0.store.read().await?;
        Ok(crate::store::audit::list(&mut tx, &scopes, &filter).await?)
    }
}

/// Something that was done, for the log.
pub(super) struct Deed<'a> {
    /// `thing.deed`.
    pub(super) action: &'static str,
    /// Id of the thing.
    pub(super) subject: &'a str,
    /// The area that it concerns; `None`: the whole installation.
    pub(super) area: Option<&'a AreaPath>,
    /// What was before.
    pub(super) before: Option<Value>,
    /// What is after.
    pub(super) after: Option<Value>,
}

impl Ground {
    /// Writes the entry of a deed into the deed's own transaction.
    pub(super) async fn note(
        &self,
        c: &mut Connection,
        who: &Principal,
        deed: Deed<'_>,
    ) -> Result<(), StoreError> {
        let entry = AuditEntry {
            actor_id: who.user_id().map(|id| id.as_str()),
            actor_name: who.name(),
            address: who.address.as_deref(),
            action: deed.action,
            subject_id: deed.subject,
            area: deed.area,
            before: deed.before.map(|v| v.to_string()),
            after: deed.after.map(|v| v.to_string()),
        };
        crate::store::audit::append(c, &entry, self.now()).await
    }
}
