//! Emergencies that are given at once: the list with the prepared templates, and one with what can be done and the wave of answers.

pub(super) mod form;
mod shown;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use loa_protocol::bulletin::Class;
use loa_protocol::ids::BulletinId;
use loa_protocol::time::UnixMs;

use super::answer::{Answer, done, page as answer_page, refused};
use super::fields::{Fields, Posted};
use super::places::Places;
use super::reader::Me;
use super::{Site, flash, shell, words};
use crate::domain::alert::template::TemplateKind;
use crate::domain::alert::{AlertState, SeenDigest, SeenDigestError};
use crate::domain::ids::fresh_bulletin_id;
use crate::domain::role::Action;
use crate::http::HttpError;
use crate::pages::views::{
    AlertActions, AlertCard, AlertDetail, AlertPage, AlertsPage, PrepareForm, TemplateCard, WaveView,
};
use crate::pages::{Choice, Errors, Msg, Nav, Rendered, msg};
use crate::services::{AlertView, ServiceError, TemplateDraft, Thing};

/// Alerts of one list.
const SHOWN: u32 = 20;

/// `GET /alerts`.
pub(super) async fn page(State(site): State<Site>, me: Me) -> Answer {
    answer_page(list_page(&site, &me, &Fields::default(), Errors::none()).await?)
}

/// `POST /alerts/templates`.
pub(super) async fn prepare(State(site): State<Site>, me: Me, Posted(form): Posted) -> Answer {
    let draft =
        TemplateDraft { area: form.text("area"), kind: form.text("kind"), ..TemplateDraft::default() };
    match site.app.services.alerts.create_template(me.who(), &draft, form.one("form_id").parse().ok()).await {
        Ok(template) => {
            let to = format!("/bulletins/{}", template.view.bulletin.id);
            done(&to, flash::plain(msg::TEMPLATE_BEGUN, site.app.web.secure_cookies))
        }
        Err(ServiceError::Invalid(wrong)) => {
            let errors = words::errors(&wrong, |field| match field {
                "area" => "area",
                "kind" | "title" | "text" => "kind",
                _ => "",
            });
            refused(list_page(&site, &me, &form, errors).await?)
        }
        Err(other) => Err(other.into()),
    }
}

async fn list_page(site: &Site, me: &Me, typed: &Fields, errors: Errors) -> Result<AlertsPage, ServiceError> {
    let (places, mut shell) = shell::open(site, me, Nav::Alerts).await?;
    shell.path = "/alerts".to_owned();
    let (alerts, _) = latest(site, me, &places).await?;
    let templates = site.app.services.alerts.templates(me.who()).await?;
    let template = |template: &crate::services::Template| {
        let view = &template.view;
        TemplateCard {
            id: view.bulletin.id.to_string(),
            title: template.ready().unwrap_or(&view.latest).title.clone(),
            kind: shown::kind(template.kind),
            area: places.name_of(&view.bulletin.path),
            ready: template.ready().is_some(),
            approvals: template.approvals as usize,
            needed: template.approvers_needed as usize,
        }
    };
    let prepare = me.who().may_somewhere(Action::Write(Class::Emergency)).then(|| PrepareForm {
        areas: places.choices(|area| me.who().may(Action::Write(Class::Emergency), &area.path)),
        kinds: TemplateKind::ALL
            .into_iter()
            .filter(|kind| *kind != TemplateKind::Other)
            .map(|kind| Choice::new(kind.as_str(), me.lang().text(shown::kind(kind))))
            .collect(),
        form_id: match typed.one("form_id") {
            "" => fresh_bulletin_id().to_string(),
            same => same.to_owned(),
        },
        area: typed.text("area"),
        kind: typed.text("kind"),
        errors,
    });
    Ok(AlertsPage {
        can_give: shell::can(me.who()).silence,
        templates: templates.iter().map(template).collect(),
        shell,
        alerts,
        prepare,
    })
}

/// The latest alerts, for the page and for its live part, and when the next of them is over.
pub(super) async fn latest(
    site: &Site,
    me: &Me,
    places: &Places,
) -> Result<(Vec<AlertCard>, Option<UnixMs>), ServiceError> {
    let views = site.app.services.alerts.list(me.who(), SHOWN).await?;
    cards(site, me, places, &views).await
}

/// The alerts in force, the latest first, for the page of the day, and when the next of them is over.
pub(super) async fn in_force(
    site: &Site,
    me: &Me,
    places: &Places,
) -> Result<(Vec<AlertCard>, Option<UnixMs>), ServiceError> {
    let views = site.app.services.alerts.in_force(me.who()).await?;
    cards(site, me, places, &views).await
}

async fn cards(
    site: &Site,
    me: &Me,
    places: &Places,
    views: &[AlertView],
) -> Result<(Vec<AlertCard>, Option<UnixMs>), ServiceError> {
    let services = &site.app.services;
    let now = services.clock().now();
    let next_over = views.iter().map(|view| view.alert.expires).filter(|at| *at > now).min();
    let names = services.users.names(views.iter().map(|view| view.alert.created.by.clone())).await?;
    let card = |view: &AlertView| {
        let alert = &view.alert;
        let areas: Vec<String> = alert.areas.iter().map(|area| places.name(&area.id)).collect();
        AlertCard {
            id: alert.id.to_string(),
            title: view.revision.title.clone(),
            areas: Places::short(me.lang(), &areas),
            given_at: places.moment(alert.created.at, &alert.path),
            expires: places.moment(alert.expires, &alert.path),
            given_by: words::person(me.lang(), &names, &alert.created.by),
            state: shown::state(view.state),
            status: shown::status(alert.status),
        }
    };
    Ok((views.iter().map(card).collect(), next_over))
}

/// `GET /alerts/{id}`.
pub(super) async fn detail(State(site): State<Site>, me: Me, Path(id): Path<String>) -> Answer {
    answer_page(detail_page(&site, &me, &named(&id)?, (String::new(), Errors::none())).await?)
}

async fn detail_page(
    site: &Site,
    me: &Me,
    id: &BulletinId,
    (reason, errors): (String, Errors),
) -> Result<AlertPage, ServiceError> {
    let (places, mut shell) = shell::open(site, me, Nav::Alerts).await?;
    shell.path = format!("/alerts/{id}");
    let (alert, mut decide, wave) = of(site, me, &places, id).await?;
    (decide.reason, decide.errors) = (reason, errors);
    Ok(AlertPage { shell, alert, decide, wave })
}

/// One alert, what can be done with it, and how far it got; for the page and for its live parts.
pub(super) async fn of(
    site: &Site,
    me: &Me,
    places: &Places,
    id: &BulletinId,
) -> Result<(AlertDetail, AlertActions, WaveView), ServiceError> {
    let services = &site.app.services;
    let view = services.alerts.get(me.who(), id).await?;
    let wave = services.alerts.wave(me.who(), id).await?;
    let alert = &view.alert;
    let approvers = alert.approvals.iter().map(|approval| approval.by.to_string());
    let names = services.users.names(approvers.chain([alert.created.by.clone()])).await?;
    let corrects = match &alert.corrects {
        Some(former) => match services.alerts.get(me.who(), former).await {
            Ok(former) => Some((former.alert.id.to_string(), former.revision.title)),
            // It sounded elsewhere, where this person may see nothing.
            Err(ServiceError::Forbidden(_)) => None,
            Err(other) => return Err(other),
        },
        None => None,
    };
    let everywhere =
        |may: &dyn Fn(&loa_protocol::area::AreaPath) -> bool| alert.areas.iter().all(|area| may(&area.path));
    let gives = everywhere(&|path| me.who().may_silence(Class::Emergency, path));
    let approves = everywhere(&|path| me.who().may(Action::Approve(Class::Emergency), path));
    let own = me.who().user_id().is_none_or(|user| user.as_str() == alert.created.by);
    let decided = alert.approvals.iter().any(|approval| Some(&approval.by) == me.who().user_id());
    let open = matches!(view.state, AlertState::Speaking | AlertState::Waiting | AlertState::Sent);
    let ended = alert.cancelled.as_ref().or(alert.returned.as_ref());
    let decide = AlertActions {
        id: id.to_string(),
        state: shown::state(view.state),
        tracks: shown::tracks(site, me, &view),
        approved_by: alert
            .approvals
            .iter()
            .map(|approval| words::person(me.lang(), &names, approval.by.as_str()))
            .collect(),
        missing: if open && alert.released.is_none() { view.approvals_missing() } else { 0 },
        seen: view.seen().to_string(),
        approve: view.state == AlertState::Waiting && approves && !own && !decided,
        stop: open && gives,
        correct: view.state == AlertState::Sent && gives,
        problem: view.problem.as_ref().filter(|_| open).map(words::msg),
        ended: ended.map(|ended| words::because(me.lang(), &ended.reason)),
        reason: String::new(),
        errors: Errors::none(),
    };
    let detail = AlertDetail {
        id: id.to_string(),
        title: view.revision.title.clone(),
        text: view.revision.text.clone(),
        status: shown::status(alert.status),
        severity: shown::severity(alert.severity),
        areas: alert.areas.iter().map(|area| places.name(&area.id)).collect(),
        reach: shown::reach(alert.reached, alert.approvers_needed),
        given_at: places.moment(alert.created.at, &alert.path),
        given_by: words::person(me.lang(), &names, &alert.created.by),
        expires: places.moment(alert.expires, &alert.path),
        rounds: alert.repeats.map_or(1, |repeats| repeats.rounds),
        corrects,
    };
    Ok((detail, decide, shown::wave(places, &wave)))
}

/// `POST /alerts/{id}/approve`.
pub(super) async fn approve(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(form): Posted,
) -> Answer {
    let id = named(&id)?;
    let seen: SeenDigest = form.one("seen").parse().map_err(|error: SeenDigestError| {
        HttpError::unreadable(StatusCode::BAD_REQUEST, &error.to_string())
    })?;
    let outcome = site.app.services.alerts.approve(me.who(), &id, &seen).await;
    told(&site, &me, &id, outcome, msg::ALERT_APPROVED, String::new()).await
}

/// `POST /alerts/{id}/end`.
pub(super) async fn end(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(form): Posted,
) -> Answer {
    let id = named(&id)?;
    let (alerts, reason) = (&site.app.services.alerts, form.one("reason"));
    let outcome = match form.one("deed") {
        "return" => alerts.give_back(me.who(), &id, reason).await,
        "cancel" => alerts.cancel(me.who(), &id, reason).await,
        _ => {
            let errors = Errors::none().with("", Msg::new(msg::NOT_A_CHOICE));
            return refused(detail_page(&site, &me, &id, (form.text("reason"), errors)).await?);
        }
    };
    told(&site, &me, &id, outcome, msg::ALERT_ENDED, form.text("reason")).await
}

/// The answer to a decision: on to the alert when it was taken, its page with the reason when it was not.
async fn told(
    site: &Site,
    me: &Me,
    id: &BulletinId,
    outcome: Result<AlertView, ServiceError>,
    success: &'static str,
    reason: String,
) -> Answer {
    let (status, errors) = match outcome {
        Ok(_) => {
            let to = format!("/alerts/{id}");
            return done(&to, flash::plain(success, site.app.web.secure_cookies));
        }
        Err(ServiceError::Invalid(wrong)) => {
            (StatusCode::UNPROCESSABLE_ENTITY, words::errors(&wrong, |_| "reason"))
        }
        Err(ServiceError::Conflict(message)) => {
            (StatusCode::CONFLICT, Errors::none().with("", words::msg(&message)))
        }
        Err(other) => return Err(other.into()),
    };
    let page = detail_page(site, me, id, (reason, errors)).await?;
    Ok(Rendered(status, page).into_response())
}

/// The alert that a path names. What is no id is the id of nothing.
fn named(id: &str) -> Result<BulletinId, HttpError> {
    id.parse().map_err(|_| ServiceError::NotFound(Thing::Alert).into())
}
