//! Places.

use std::sync::Arc;

use loa_protocol::area::AreaPath;
use loa_protocol::ids::AreaId;
use serde_json::{Value, json};

use super::audit::Deed;
use super::{Ground, ServiceError, Thing};
use crate::domain::area::{Area, AreaDraft, AreaSettings, child_path};
use crate::domain::message::FieldErrors;
use crate::domain::role::{Action, Principal, Scope};
use crate::domain::slug::{candidate, slug};
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
        let values = draft.check()?;
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
        let values = draft.check()?;
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

fn summary(area: &Area) -> Value {
    json!({
        "name": area.name,
        "level": area.level,
        "languages": area.languages.iter().map(|l| l.as_str()).collect::<Vec<_>>(),
        "zone": area.zone.map(|z| z.name()),
    })
}
