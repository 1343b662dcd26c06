//! What staff write and approve. The rules are in [`crate::domain::bulletin`].

mod consent;
mod deciding;
mod tracks;
mod writing;

pub use tracks::draft_of;
pub(super) use writing::urgency;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use loa_protocol::ids::BulletinId;
use serde_json::{Value, json};

use super::audit::Deed;
use super::{Ground, ServiceError, Thing};
use crate::domain::bulletin::{Bulletin, BulletinSummary, ContentDigest, Revision};
use crate::domain::message::Message;
use crate::domain::role::{Action, Principal, Scope};
use crate::live::Change;
use crate::store::audit::{AuditFilter, AuditRecord};
use crate::store::bulletins::BulletinFilter;
use crate::store::{Connection, alerts, audit, bulletins};

/// Most bulletins of one page.
const PAGE_MAX: u32 = 200;

/// Bulletins. Cheap to clone.
#[derive(Clone)]
pub struct Bulletins(pub(super) Arc<Ground>);

/// A bulletin with its latest revision, and the one on air when that is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulletinView {
    /// The bulletin.
    pub bulletin: Bulletin,
    /// Its latest revision.
    pub latest: Revision,
    /// The revision that plans carry; `None` when none does. May be the latest.
    pub on_air: Option<Revision>,
}

impl BulletinView {
    /// What this view shows and sounds like, to be handed back with a decision.
    pub fn seen(&self) -> Seen {
        Seen { revision: self.latest.number, digest: Some(self.latest.digest()) }
    }

    /// The words that this view shows, to be handed back with an edit: a sound that is finished while somebody types is
    /// no change that they could overwrite.
    pub fn seen_words(&self) -> Seen {
        Seen { revision: self.latest.number, digest: Some(self.latest.words_digest()) }
    }
}

/// What a person had before them when they decided: a revision, and the digest of its words and sounds.
///
/// As text `3` or `3.` and 64 hex digits, for a hidden field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Number of the revision.
    pub revision: u32,
    /// Digest of its content: [`Revision::digest`] for a decision, which needs it, [`Revision::words_digest`] for an
    /// edit.
    pub digest: Option<ContentDigest>,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.digest {
            Some(digest) => write!(f, "{}.{digest}", self.revision),
            None => write!(f, "{}", self.revision),
        }
    }
}

/// A text that says nothing about what was seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what was seen is a revision's number, a dot and its digest")]
pub struct SeenError;

impl FromStr for Seen {
    type Err = SeenError;
    fn from_str(text: &str) -> Result<Self, SeenError> {
        let (revision, digest) = match text.split_once('.') {
            Some((revision, digest)) => (revision, Some(digest.parse().map_err(|_| SeenError)?)),
            None => (text, None),
        };
        Ok(Self { revision: revision.parse().map_err(|_| SeenError)?, digest })
    }
}

impl Bulletins {
    /// The bulletins of areas that the person may see, the latest begun first; at most 200.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn list(
        &self,
        who: &Principal,
        filter: &BulletinFilter,
    ) -> Result<Vec<BulletinSummary>, ServiceError> {
        let filter = BulletinFilter { limit: filter.limit.clamp(1, PAGE_MAX), ..filter.clone() };
        let mut tx = self.0.store.read().await?;
        Ok(bulletins::list(&mut tx, &who.scopes(Action::Read), &filter).await?)
    }

    /// One bulletin.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn get(&self, who: &Principal, id: &BulletinId) -> Result<BulletinView, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let view = load(&mut tx, id).await?;
        who.require(Action::Read, &view.bulletin.path)?;
        Ok(view)
    }

    /// One revision of a bulletin, such as an earlier one.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn revision(
        &self,
        who: &Principal,
        id: &BulletinId,
        number: u32,
    ) -> Result<Revision, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let bulletin = bulletins::get(&mut tx, id).await?.ok_or(ServiceError::NotFound(Thing::Bulletin))?;
        who.require(Action::Read, &bulletin.path)?;
        bulletins::revision(&mut tx, id, number).await?.ok_or(ServiceError::NotFound(Thing::Bulletin))
    }

    /// What was done with a bulletin, the latest first; at most 200 deeds. Its readers may know, without the right to
    /// the whole log.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn history(&self, who: &Principal, id: &BulletinId) -> Result<Vec<AuditRecord>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let bulletin = bulletins::get(&mut tx, id).await?.ok_or(ServiceError::NotFound(Thing::Bulletin))?;
        who.require(Action::Read, &bulletin.path)?;
        let filter =
            AuditFilter { subject_id: Some(id.as_str().to_owned()), before_id: None, limit: PAGE_MAX };
        // Not by area: deeds keep the path that the bulletin had when they were done, and areas move.
        Ok(audit::list(&mut tx, &[Scope::Everywhere], &filter).await?)
    }

    /// Tells open pages that a bulletin has changed.
    fn tell(&self, id: &BulletinId) {
        self.0.changes.tell(Change::Bulletin(id.clone()));
    }

    async fn note(
        &self,
        c: &mut Connection,
        who: &Principal,
        action: &'static str,
        bulletin: &Bulletin,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Result<(), ServiceError> {
        let deed = Deed { action, subject: bulletin.id.as_str(), area: Some(&bulletin.path), before, after };
        Ok(self.0.note(c, who, deed).await?)
    }
}

pub(super) async fn load(c: &mut Connection, id: &BulletinId) -> Result<BulletinView, ServiceError> {
    let bulletin = bulletins::get(c, id).await?.ok_or(ServiceError::NotFound(Thing::Bulletin))?;
    let latest = bulletins::revision(c, id, bulletin.latest).await?;
    let latest = latest.ok_or(ServiceError::NotFound(Thing::Bulletin))?;
    let on_air = match bulletin.on_air {
        Some(number) if number == latest.number => Some(latest.clone()),
        Some(number) => bulletins::revision(c, id, number).await?,
        None => None,
    };
    Ok(BulletinView { bulletin, latest, on_air })
}

/// What an emergency says that was given at once is judged and stopped there, never edited.
pub(super) async fn require_no_alert(c: &mut Connection, id: &BulletinId) -> Result<(), ServiceError> {
    if !alerts::exists(c, id).await? {
        return Ok(());
    }
    Err(ServiceError::Conflict(Message::fixed(
        "bulletin.is_alert",
        "Đây là bản tin khẩn cấp phát ngay. Hãy duyệt hoặc dừng ở trang Khẩn cấp; muốn nói khác, hãy phát bản tin đính chính.",
        "This is an emergency that was given at once. Approve or stop it on its own page; to say something else, give a \
         correction.",
    )))
}

/// Somebody changed the bulletin after it was shown.
fn stale() -> ServiceError {
    ServiceError::Conflict(Message::fixed(
        "bulletin.stale",
        "Bản tin đã thay đổi sau khi trang này được mở. Hãy tải lại, xem và nghe lại rồi quyết định.",
        "The bulletin has changed since you opened it. Load it again, read and listen, then decide.",
    ))
}

fn summary(revision: &Revision) -> Value {
    json!({
        "revision": revision.number,
        "state": revision.state.as_str(),
        "title": revision.title,
        "class": revision.class.as_str(),
        "digest": revision.digest().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_round_trips_as_text() {
        let digest = "ab".repeat(32).parse().ok();
        for seen in [Seen { revision: 3, digest: None }, Seen { revision: 12, digest }] {
            assert_eq!(seen.to_string().parse::<Seen>(), Ok(seen));
        }
        for bad in ["", ".", "x", "3.", "3.ab", "-1"] {
            assert_eq!(bad.parse::<Seen>(), Err(SeenError), "{bad:?}");
        }
    }
}
