//! Places.

use std::sync::Arc;

use loa_protocol::area::AreaPath;
use loa_protocol::ids::AreaId;
use serde_json::{Value, json};

use super::audit::Deed;
use super::lexicon::again::{Compared, Settled};
use super::{Ground, ServiceError, Thing};
use crate::domain::area::{Area, AreaDraft, AreaSettings, child_path};
use crate::domain::message::{FieldErrors, Message};
use crate::domain::role::{Action, Principal, Scope};
use crate::domain::slug::{candidate, slug};
use crate::live::Change;
use crate::store::areas::AreaContent;
use crate::store::{Connection, areas};

/// Places. Cheap to clone.
#[derive(Clone)]
pub struct Areas(pub(super) Arc<Ground>);

impl Areas {
    /// The areas that the person may see, each after the one that contains it.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn list(&self, who: &Principal) -> Result<Vec<Area>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        Ok(areas::list(&mut tx, &who.scopes(Action::Read)).await?)
    }

    /// One area.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn get(&self, who: &Principal, id: &AreaId) -> Result<Area, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let area = load(&mut tx, id).await?;
        who.require(Action::Read, &area.path)?;
        Ok(area)
    }

    /// The areas from the root to this one. The names of what lies above an area that one may see are no secret.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn chain(&self, who: &Principal, id: &AreaId) -> Result<Vec<Area>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let area = load(&mut tx, id).await?;
        who.require(Action::Read, &area.path)?;
        Ok(areas::chain(&mut tx, &area.path).await?)
    }

    /// What holds in an area, with what it inherits.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn settings(&self, who: &Principal, id: &AreaId) -> Result<AreaSettings, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let area = load(&mut tx, id).await?;
        who.require(Action::Read, &area.path)?;
        self.0.settings(&mut tx, &area.path).await
    }

    /// Adds an area inside `parent`, or a root. Its id is made of its name.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::NotFound`] for the parent, [`ServiceError::Forbidden`].
    pub async fn create(
        &self,
        who: &Principal,
        parent: Option<&AreaId>,
        draft: &AreaDraft,
    ) -> Result<Area, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let above = match parent {
            Some(id) => Some(load(&mut tx, id).await?.path),
            None => None,
        };
        who.require_in(Action::ManageAreas, &Scope::of(above.clone()))?;
        let values = draft.check(self.0.languages(), &[])?;
        let id = free_id(&mut tx, &values.name).await?;
        let path = child_path(above.as_ref(), id.clone()).map_err(|m| FieldErrors::one("parent", m))?;
        let area = Area {
            id,
            path,
            name: values.name,
            level: values.level,
            languages: values.languages,
            zone: values.zone,
        };
        areas::insert(&mut tx, &area, self.0.now()).await?;
        let deed = Deed {
            action: "area.created",
            subject: area.id.as_str(),
            area: Some(&area.path),
            before: None,
            after: Some(summary(&area)),
        };
        self.0.note(&mut tx, who, deed).await?;
        tx.commit().await?;
        self.0.nudges.plans.wake();
        Ok(area)
    }

    /// Gives an area another place, inside `parent` or as a root; everything in it goes along. Its nodes get their new
    /// place with their next document; bulletins of areas that it leaves sound there no more.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]; [`ServiceError::Forbidden`]: the person needs the right at the old place and at the
    /// new one; [`ServiceError::Invalid`] for a place inside the area itself, or too deep.
    pub async fn move_to(
        &self,
        who: &Principal,
        id: &AreaId,
        parent: Option<&AreaId>,
    ) -> Result<Area, ServiceError> {
        let mut compared = Compared::default();
        loop {
            if let Some(area) = self.try_move(who, id, parent, &mut compared).await? {
                return Ok(area);
            }
        }
    }

    /// One round of [`Areas::move_to`]; `None`: drafts had to be read first.
    async fn try_move(
        &self,
        who: &Principal,
        id: &AreaId,
        parent: Option<&AreaId>,
        compared: &mut Compared,
    ) -> Result<Option<Area>, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let before = load(&mut tx, id).await?;
        who.require(Action::ManageAreas, &before.path)?;
        let above = match parent {
            Some(id) => Some(load(&mut tx, id).await?.path),
            None => None,
        };
        who.require_in(Action::ManageAreas, &Scope::of(above.clone()))?;
        if before.parent() == parent {
            return Ok(Some(before));
        }
        if above.as_ref().is_some_and(|above| above.contains(id)) {
            let inside = Message::fixed(
                "area.inside_itself",
                "Không thể chuyển một địa bàn vào chính nó hoặc vào địa bàn cấp dưới của nó.",
                "An area cannot be moved into itself or into an area inside it.",
            );
            return Err(FieldErrors::one("parent", inside).into());
        }
        let deeper = |m| ServiceError::from(FieldErrors::one("parent", m));
        let place = child_path(above.as_ref(), id.clone()).map_err(deeper)?;
        for area in areas::list(&mut tx, &[Scope::Area(before.path.clone())]).await? {
            let below = area.path.areas().iter().skip(before.path.areas().len());
            let mut path = place.clone();
            for id in below {
                path = child_path(Some(&path), id.clone()).map_err(deeper)?;
            }
        }
        let drafts = self.0.drafts_read(&mut tx, &before.path).await?;
        areas::set_place(&mut tx, id, &before.path, &place).await?;
        let after = load(&mut tx, id).await?;
        let read_again = match self.0.read_again(&mut tx, drafts, compared).await? {
            Settled::Again(again) => again,
            Settled::Unread(unread) => {
                drop(tx);
                self.0.compare(unread, compared).await?;
                return Ok(None);
            }
        };
        let place = |area: &Area| json!({ "parent": area.parent().map(AreaId::as_str) });
        // Those who look after the old place see that it went, those of the new one that it came.
        for area in [&before.path, &after.path] {
            let deed = Deed {
                action: "area.moved",
                subject: id.as_str(),
                area: Some(area),
                before: Some(place(&before)),
                after: Some(place(&after)),
            };
            self.0.note(&mut tx, who, deed).await?;
        }
        tx.commit().await?;
        // Other areas above have other words.
        for bulletin in read_again {
            self.0.changes.tell(Change::Bulletin(bulletin));
        }
        self.0.nudges.speech.wake();
        self.0.nudges.plans.wake();
        // The areas that its nodes may read follow its place.
        self.0.nudges.access.wake();
        Ok(Some(after))
    }

    /// Takes an empty area out of sight. People whose home it is belong to the area above.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`]; [`ServiceError::Conflict`] when something is in it.
    pub async fn remove(&self, who: &Principal, id: &AreaId) -> Result<(), ServiceError> {
        let mut tx = self.0.store.write().await?;
        let before = load(&mut tx, id).await?;
        who.require(Action::ManageAreas, &before.path)?;
        let now = self.0.now();
        let content = areas::content(&mut tx, id, now).await?;
        if content != AreaContent::default() {
            return Err(ServiceError::Conflict(not_empty(&content)));
        }
        areas::set_removed(&mut tx, id, now).await?;
        let deed = Deed {
            action: "area.removed",
            subject: id.as_str(),
            area: Some(&before.path),
            before: Some(summary(&before)),
            after: None,
        };
        self.0.note(&mut tx, who, deed).await?;
        tx.commit().await?;
        self.0.nudges.plans.wake();
        Ok(())
    }

    /// Changes an area's own values; its id and place stay.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn update(
        &self,
        who: &Principal,
        id: &AreaId,
        draft: &AreaDraft,
    ) -> Result<Area, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let before = load(&mut tx, id).await?;
        who.require(Action::ManageAreas, &before.path)?;
        let values = draft.check(self.0.languages(), &before.languages)?;
        areas::update(&mut tx, id, &values).await?;
        let after = load(&mut tx, id).await?;
        let deed = Deed {
            action: "area.changed",
            subject: id.as_str(),
            area: Some(&before.path),
            before: Some(summary(&before)),
            after: Some(summary(&after)),
        };
        self.0.note(&mut tx, who, deed).await?;
        tx.commit().await?;
        self.0.nudges.plans.wake();
        Ok(after)
    }
}

impl Ground {
    /// What holds at a path, with what it inherits.
    pub(super) async fn settings(
        &self,
        c: &mut Connection,
        path: &AreaPath,
    ) -> Result<AreaSettings, ServiceError> {
        Ok(AreaSettings::of_chain(&areas::chain(c, path).await?, self.zone))
    }
}

pub(super) async fn load(c: &mut Connection, id: &AreaId) -> Result<Area, ServiceError> {
    areas::get(c, id).await?.ok_or(ServiceError::NotFound(Thing::Area))
}

async fn free_id(c: &mut Connection, name: &str) -> Result<AreaId, ServiceError> {
    let slug = slug(name, "khu-vuc");
    let mut attempt = 1;
    loop {
        // A slug with its suffix is an id by construction; what is not would only be another taken name.
        let text = candidate(&slug, attempt);
        if let Ok(id) = AreaId::new(&text)
            && !areas::exists(c, &text).await?
        {
            return Ok(id);
        }
        attempt += 1;
    }
}

fn not_empty(content: &AreaContent) -> Message {
    let AreaContent { areas, nodes, bulletins, alerts, schedules, roles } = *content;
    let all = [
        (areas, "địa bàn cấp dưới", "areas inside"),
        (nodes, "cụm loa", "loudspeakers"),
        (bulletins, "bản tin chưa thu hồi", "bulletins not withdrawn"),
        (alerts, "bản tin khẩn cấp chưa hết hiệu lực", "emergencies that are not over"),
        (schedules, "lịch còn phát", "schedules to come"),
        (roles, "vai trò của người dùng", "roles of people"),
    ];
    let listed = |words: fn(&(u64, &'static str, &'static str)) -> &'static str| {
        let some = all.iter().filter(|entry| entry.0 > 0);
        some.map(|entry| format!("{} {}", entry.0, words(entry))).collect::<Vec<_>>().join(", ")
    };
    Message::written(
        "area.not_empty",
        format!("Chưa xóa được vì địa bàn còn {}. Hãy chuyển đi hoặc gỡ bỏ trước.", listed(|e| e.1)),
        format!("The area still has {}. Move or remove them first.", listed(|e| e.2)),
    )
}

fn summary(area: &Area) -> Value {
    json!({
        "name": area.name,
        "level": area.level,
        "languages": area.languages.iter().map(|l| l.as_str()).collect::<Vec<_>>(),
        "zone": area.zone.map(|z| z.name()),
    })
}
