//! The calendars of an area: days on which schedules do not sound, or on which alone they do.

use axum::extract::{Path, State};
use loa_protocol::ids::{AreaId, CalendarId};

use super::answer::{Answer, done, page as answer_page, refused};
use super::fields::{Asked, Posted};
use super::reader::Me;
use super::{Site, flash, shell, words};
use crate::domain::calendar::OwnCalendarDraft;
use crate::domain::role::Action;
use crate::http::HttpError;
use crate::pages::views::{CalendarForm, CalendarRow, CalendarsPage};
use crate::pages::{Nav, Tick, format, msg};
use crate::services::{CalendarView, ServiceError, Thing};

/// `GET /areas/{id}/calendars`.
pub(super) async fn page(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Asked(asked): Asked,
) -> Answer {
    let form = CalendarForm { calendar: asked.text("calendar"), ..CalendarForm::default() };
    answer_page(view_of(&site, &me, &named(&id)?, form).await?)
}

/// `POST /areas/{id}/calendars`.
pub(super) async fn put(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(posted): Posted,
) -> Answer {
    let area = named(&id)?;
    let calendar = match posted.one("calendar") {
        "" => None,
        calendar => Some(calendar_named(calendar)?),
    };
    let draft = OwnCalendarDraft {
        name: posted.text("name"),
        days: OwnCalendarDraft::days_of(posted.one("days")),
        includes: posted.all("includes"),
    };
    match site.app.services.calendars.put(me.who(), &area, calendar.as_ref(), &draft).await {
        Ok(kept) => {
            let saved = flash::named(msg::CALENDAR_KEPT, &kept.values.name, site.app.web.secure_cookies);
            done(&address(&area), saved)
        }
        Err(ServiceError::Invalid(errors)) => {
            let form = CalendarForm {
                calendar: posted.text("calendar"),
                name: draft.name,
                days: posted.text("days"),
                includes: draft.includes,
                errors: words::errors(&errors, field),
            };
            refused(view_of(&site, &me, &area, form).await?)
        }
        Err(other) => Err(other.into()),
    }
}

/// `POST /areas/{id}/calendars/{calendar}/remove`.
pub(super) async fn remove(
    State(site): State<Site>,
    me: Me,
    Path((id, calendar)): Path<(String, String)>,
    Posted(_): Posted,
) -> Answer {
    let area = named(&id)?;
    let gone = site.app.services.calendars.remove(me.who(), &area, &calendar_named(&calendar)?).await?;
    let removed = flash::named(msg::CALENDAR_REMOVED, &gone.values.name, site.app.web.secure_cookies);
    done(&address(&area), removed)
}

fn field(name: &str) -> &'static str {
    match name {
        "name" => "name",
        "days" => "days",
        "includes" => "includes",
        _ => "",
    }
}

fn named(id: &str) -> Result<AreaId, HttpError> {
    AreaId::new(id).map_err(|_| ServiceError::NotFound(Thing::Area).into())
}

fn calendar_named(id: &str) -> Result<CalendarId, HttpError> {
    CalendarId::new(id).map_err(|_| ServiceError::NotFound(Thing::Calendar).into())
}

fn address(area: &AreaId) -> String {
    format!("/areas/{area}/calendars")
}

async fn view_of(
    site: &Site,
    me: &Me,
    id: &AreaId,
    mut form: CalendarForm,
) -> Result<CalendarsPage, ServiceError> {
    let services = &site.app.services;
    let chain = services.areas.chain(me.who(), id).await?;
    let area = chain.last().ok_or(ServiceError::NotFound(Thing::Area))?;
    let views = services.calendars.list(me.who(), id).await?;
    let (_, mut shell) = shell::open(site, me, Nav::Areas).await?;
    shell.path = address(id);
    let is_own = |view: &CalendarView| view.own.as_ref().is_some_and(|own| own.area == area.path);
    let keeper = |view: &CalendarView| {
        let keeper = view.own.as_ref().and_then(|own| own.area.areas().last())?;
        chain.iter().find(|area| area.id == *keeper).map(|area| area.name.clone())
    };
    let called = |view: &CalendarView| words::calendar(&view.name).text(me.lang());
    let name_of =
        |id: &CalendarId| views.iter().find(|view| view.id == *id).map_or_else(|| id.to_string(), called);
    let row = |view: &CalendarView| CalendarRow {
        id: view.id.to_string(),
        name: called(view),
        area: keeper(view),
        own: is_own(view),
        days: match &view.own {
            Some(own) => own.values.days.iter().map(|days| (days.dates(), days.reason.clone())).collect(),
            None => {
                view.days.iter().map(|(first, last)| (format::dates(first, last), String::new())).collect()
            }
        },
        includes: view.own.iter().flat_map(|own| &own.values.includes).map(name_of).collect(),
        schedules: view.schedules,
    };
    if form.errors.is_empty()
        && let Some(own) = views
            .iter()
            .filter(|view| is_own(view))
            .find_map(|view| view.own.as_ref().filter(|own| own.id.as_str() == form.calendar))
    {
        form.name.clone_from(&own.values.name);
        form.days = OwnCalendarDraft::text_of(&own.values.days);
        form.includes = own.values.includes.iter().map(ToString::to_string).collect();
    }
    let others = views.iter().filter(|view| view.id.as_str() != form.calendar);
    let includes = others.map(|view| {
        Tick::new(view.id.as_str(), called(view), form.includes.iter().any(|id| id == view.id.as_str()))
    });
    Ok(CalendarsPage {
        area_id: id.to_string(),
        area: area.name.clone(),
        rows: views.iter().map(row).collect(),
        includes: includes.collect(),
        form: me.who().may(Action::ManageCalendars, &area.path).then_some(form),
        shell,
    })
}
