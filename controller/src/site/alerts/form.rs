//! The form by which an emergency is given.

use axum::extract::State;
use loa_protocol::bulletin::Status;

use super::super::answer::{Answer, done, page as answer_page, refused};
use super::super::fields::{Asked, Fields, Posted};
use super::super::reader::Me;
use super::super::{Site, flash, shell, words};
use super::shown;
use crate::domain::alert::{AlertDraft, ExpiryDraft, SEVERITIES};
use crate::domain::area::Area;
use crate::domain::ids::fresh_bulletin_id;
use crate::pages::views::{AlertAreaRow, AlertFormPage};
use crate::pages::{Choice, Errors, Nav, msg};
use crate::services::{AlertPlace, ServiceError};

/// For how many minutes it may hold, and the keys of these.
const MINUTES: [(u32, &str); 5] = [
    (30, "alert-minutes-30"),
    (60, "alert-minutes-60"),
    (180, "alert-minutes-180"),
    (720, "alert-minutes-720"),
    (1_440, "alert-minutes-1440"),
];
/// What is chosen before anybody chooses.
const MINUTES_USUAL: &str = "60";
const ROUNDS_USUAL: &str = "2";

/// `GET /alerts/new?corrects=`.
pub(in crate::site) async fn page(State(site): State<Site>, me: Me, Asked(asked): Asked) -> Answer {
    let mut typed = asked;
    typed.push("minutes", MINUTES_USUAL);
    typed.push("rounds", ROUNDS_USUAL);
    typed.push("form_id", fresh_bulletin_id().to_string());
    if let Ok(former) = super::named(typed.one("corrects")) {
        let former = site.app.services.alerts.get(me.who(), &former).await?;
        for area in &former.alert.areas {
            typed.push("areas", area.id.as_str());
        }
        typed.push("status", former.alert.status.as_str());
    }
    answer_page(form_page(&site, &me, &typed, Errors::none()).await?)
}

/// `POST /alerts`.
pub(in crate::site) async fn give(State(site): State<Site>, me: Me, Posted(form): Posted) -> Answer {
    let draft = AlertDraft {
        areas: form.all("areas"),
        template: form.text("template"),
        title: form.text("title"),
        text: form.text("text"),
        category: String::new(),
        tracks: Vec::new(),
        severity: form.text("severity"),
        status: form.text("status"),
        expiry: ExpiryDraft::Minutes(form.one("minutes").parse().unwrap_or(0)),
        rounds: form.one("rounds").parse().unwrap_or(0),
        gap_s: None,
        corrects: form.text("corrects"),
    };
    match site.app.services.alerts.give(me.who(), &draft, form.one("form_id").parse().ok()).await {
        Ok(view) => {
            let to = format!("/alerts/{}", view.alert.id);
            done(&to, flash::plain(msg::ALERT_GIVEN, site.app.web.secure_cookies))
        }
        Err(ServiceError::Invalid(wrong)) => {
            let errors = words::errors(&wrong, |field| match field {
                "areas" => "areas",
                "template" => "template",
                "title" => "title",
                "text" | "tracks" => "text",
                "severity" => "severity",
                "status" => "status",
                "expires" => "minutes",
                "rounds" => "rounds",
                _ => "",
            });
            refused(form_page(&site, &me, &form, errors).await?)
        }
        Err(other) => Err(other.into()),
    }
}

async fn form_page(
    site: &Site,
    me: &Me,
    typed: &Fields,
    errors: Errors,
) -> Result<AlertFormPage, ServiceError> {
    let (places, mut shell) = shell::open(site, me, Nav::Alerts).await?;
    shell.path = "/alerts/new".to_owned();
    let alerts = &site.app.services.alerts;
    let corrects = match super::named(typed.one("corrects")) {
        Ok(former) => {
            let view = alerts.get(me.who(), &former).await?;
            Some((former.to_string(), view.revision.title))
        }
        Err(_) => None,
    };
    let ticked = typed.all("areas");
    let takes = alerts.places(me.who()).await?;
    let row = |area: &Area| {
        let AlertPlace { reached, approvers_needed } = takes.get(&area.id)?;
        let ids: Vec<&str> = area.path.areas().iter().map(|id| id.as_str()).collect();
        Some(AlertAreaRow {
            id: area.id.to_string(),
            path: ids.join("/"),
            name: area.name.clone(),
            depth: places.depth(&area.path),
            checked: ticked.iter().any(|id| id == area.id.as_str()),
            reach: shown::reach(*reached, *approvers_needed),
        })
    };
    let templates = alerts.templates(me.who()).await?.into_iter().filter_map(|template| {
        Some(Choice::new(template.view.bulletin.id.as_str(), template.ready()?.title.clone()))
    });
    let text = |key: &str| me.lang().text(key);
    Ok(AlertFormPage {
        form_id: typed.text("form_id"),
        corrects,
        areas: places.all().iter().filter_map(row).collect(),
        templates: templates.collect(),
        template: typed.text("template"),
        title: typed.text("title"),
        text: typed.text("text"),
        severities: SEVERITIES
            .map(|(severity, word)| Choice::new(word, text(shown::severity(severity))))
            .into(),
        severity: typed.text("severity"),
        statuses: Status::ALL
            .map(|status| Choice::new(status.as_str(), text(shown::status(status).key)))
            .into(),
        status: typed.text("status"),
        durations: MINUTES.map(|(minutes, key)| Choice::new(minutes.to_string(), text(key))).into(),
        minutes: typed.text("minutes"),
        rounds: typed.text("rounds"),
        errors,
        shell,
    })
}
