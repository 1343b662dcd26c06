//! The calendars that schedules may name: those of the product, and those that areas keep.
//!
//! A calendar of an area is for the bulletins of that area and of those in it. It cannot be removed while a schedule that may
//! still sound, or another calendar, names it.

use std::sync::Arc;

use chrono::NaiveDate;
use loa_protocol::area::AreaPath;
use loa_protocol::ids::{AreaId, CalendarId};
use serde_json::{Value, json};

use super::areas::load;
use super::audit::Deed;
use super::{Ground, ServiceError, Thing};
use crate::domain::area::AreaSettings;
use crate::domain::calendar::{
    CalendarName, Calendars as All, OWN_CALENDARS_MAX, OwnCalendar, OwnCalendarDraft, OwnValues,
};
use crate::domain::ids::fresh_calendar_id;
use crate::domain::message::{FieldErrors, Message};
use crate::domain::role::{Action, Principal, Scope};
use crate::domain::schedule::local_date;
use crate::store::{Connection, areas, calendars};

/// The calendars. Cheap to clone.
#[derive(Clone)]
pub struct Calendars(pub(super) Arc<Ground>);

/// A calendar as an area's list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarView {
    /// Its id, as schedules name it.
    pub id: CalendarId,
    /// What it is called.
    pub name: CalendarName,
    /// What an area says of it; `None`: it is the product's.
    pub own: Option<OwnCalendar>,
    /// All its days of this year and the next, first and last, included ones too.
    pub days: Vec<(NaiveDate, NaiveDate)>,
    /// How many schedules that may still sound name it.
    pub schedules: u32,
}

impl Calendars {
    /// The calendars that schedules of an area's bulletins may name: the product's, then those of the area and of the areas above
    /// it, by name.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn list(&self, who: &Principal, area: &AreaId) -> Result<Vec<CalendarView>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let path = load(&mut tx, area).await?.path;
        who.require(Action::Read, &path)?;
        let own = calendars::all(&mut tx).await?;
        let all = All::of(&own);
        let mut views = Vec::new();
        for (id, calendar) in all.at(&path) {
            views.push(CalendarView {
                id: id.clone(),
                name: calendar.name.clone(),
                own: own.iter().find(|own| own.id == *id).cloned(),
                days: all.days_of_two_years(id, self.0.now()),
                schedules: calendars::schedules_naming(&mut tx, id, self.0.now()).await?,
            });
        }
        Ok(views)
    }

    /// Ids and names of all calendars that matter where the person has rights: in forms it is not known yet for which area.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn names(&self, who: &Principal) -> Result<Vec<(CalendarId, CalendarName)>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let scopes = who.scopes(Action::Read);
        let near = |area: &AreaPath| {
            scopes.iter().any(|scope| match scope {
                Scope::Everywhere => true,
                Scope::Area(path) => scope.covers(area) || path.areas().starts_with(area.areas()),
            })
        };
        let all = All::of(&calendars::all(&mut tx).await?);
        let named = all.iter().filter(|(_, calendar)| calendar.area.as_ref().is_none_or(near));
        Ok(named.map(|(id, calendar)| (id.clone(), calendar.name.clone())).collect())
    }

    /// Adds a calendar to an area (`id` absent), or changes one of it. Plans that carry it are compiled anew.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], also for calendars that include one another in a loop; [`ServiceError::NotFound`],
    /// [`ServiceError::Forbidden`]; [`ServiceError::Conflict`] when the area has [`OWN_CALENDARS_MAX`].
    pub async fn put(
        &self,
        who: &Principal,
        area: &AreaId,
        id: Option<&CalendarId>,
        draft: &OwnCalendarDraft,
    ) -> Result<OwnCalendar, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let path = load(&mut tx, area).await?.path;
        who.require(Action::ManageCalendars, &path)?;
        let zone = AreaSettings::of_chain(&areas::chain(&mut tx, &path).await?, self.0.zone).zone;
        let values = draft.check(local_date(self.0.now(), zone))?;
        let mut own = calendars::all(&mut tx).await?;
        let before = match id {
            Some(id) => Some(of_area(&own, &path, id)?),
            None => None,
        };
        if before.is_none() && own.iter().filter(|own| own.area == path).count() >= OWN_CALENDARS_MAX {
            return Err(ServiceError::Conflict(full()));
        }
        let calendar = OwnCalendar {
            id: before.as_ref().map_or_else(fresh_calendar_id, |before| before.id.clone()),
            area: path.clone(),
            values,
            edited_by: who.actor(),
            edited: self.0.now(),
        };
        own.retain(|own| own.id != calendar.id);
        own.push(calendar.clone());
        All::of(&own).check(&own).map_err(|message| FieldErrors::one("includes", message))?;
        calendars::put(&mut tx, &calendar).await?;
        let deed = Deed {
            action: if before.is_some() { "calendar.changed" } else { "calendar.added" },
            subject: calendar.id.as_str(),
            area: Some(&path),
            before: before.as_ref().map(|before| summary(&before.values)),
            after: Some(summary(&calendar.values)),
        };
        self.0.note(&mut tx, who, deed).await?;
        tx.commit().await?;
        self.0.nudges.plans.wake();
        Ok(calendar)
    }

    /// Takes a calendar away from its area.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], also for a calendar of another area; [`ServiceError::Forbidden`];
    /// [`ServiceError::Conflict`] while a schedule or another calendar names it.
    pub async fn remove(
        &self,
        who: &Principal,
        area: &AreaId,
        id: &CalendarId,
    ) -> Result<OwnCalendar, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let path = load(&mut tx, area).await?.path;
        who.require(Action::ManageCalendars, &path)?;
        let own = calendars::all(&mut tx).await?;
        let calendar = of_area(&own, &path, id)?;
        let schedules = calendars::schedules_naming(&mut tx, id, self.0.now()).await?;
        let including = own.iter().find(|own| own.values.includes.contains(id));
        if schedules > 0 || including.is_some() {
            return Err(ServiceError::Conflict(in_use(schedules, including)));
        }
        calendars::delete(&mut tx, id).await?;
        let deed = Deed {
            action: "calendar.removed",
            subject: id.as_str(),
            area: Some(&path),
            before: Some(summary(&calendar.values)),
            after: None,
        };
        self.0.note(&mut tx, who, deed).await?;
        tx.commit().await?;
        Ok(calendar)
    }
}

impl Ground {
    /// All calendars.
    pub(super) async fn calendars(&self, c: &mut Connection) -> Result<All, ServiceError> {
        Ok(All::of(&calendars::all(c).await?))
    }
}

fn of_area(own: &[OwnCalendar], area: &AreaPath, id: &CalendarId) -> Result<OwnCalendar, ServiceError> {
    let found = own.iter().find(|own| own.id == *id && own.area == *area);
    found.cloned().ok_or(ServiceError::NotFound(Thing::Calendar))
}

fn full() -> Message {
    Message::written(
        "calendar.too_many",
        format!(
            "Địa bàn đã có {OWN_CALENDARS_MAX} lịch ngày, là mức tối đa. Hãy xóa bớt lịch ngày không còn dùng."
        ),
        format!(
            "The area has {OWN_CALENDARS_MAX} calendars, which is the most. Remove some that are no longer used."
        ),
    )
}

fn in_use(schedules: u32, including: Option<&OwnCalendar>) -> Message {
    match including {
        Some(by) if schedules == 0 => Message::written(
            "calendar.in_use",
            format!("Lịch ngày “{}” còn gồm cả lịch ngày này. Hãy bỏ ra trước khi xóa.", by.values.name),
            format!("The calendar “{}” includes this one. Take it out before removing it.", by.values.name),
        ),
        Some(_) | None => Message::written(
            "calendar.in_use",
            format!("Còn {schedules} lịch phát dùng lịch ngày này. Hãy hủy các lịch phát đó trước khi xóa."),
            format!("{schedules} schedules still name this calendar. Cancel them before removing it."),
        ),
    }
}

fn summary(values: &OwnValues) -> Value {
    let days: Vec<Value> = values
        .days
        .iter()
        .map(|days| json!({ "first": days.first.to_string(), "last": days.last.to_string(), "reason": days.reason }))
        .collect();
    let includes: Vec<&str> = values.includes.iter().map(CalendarId::as_str).collect();
    json!({ "name": values.name, "days": days, "includes": includes })
}
