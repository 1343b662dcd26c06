//! Adding a node with its token, a fresh token, and revoking.

use axum::extract::{Path, State};
use loa_protocol::ids::AreaId;

use super::{detail, named};
use crate::domain::area::Area;
use crate::domain::ids::SessionId;
use crate::domain::node::{LineClass, NodeDraft};
use crate::domain::role::{Action, Forbidden};
use crate::pages::labels::Tone;
use crate::pages::views::{NodeForm, NodeFormPage, NodeRevokePage};
use crate::pages::{Choice, Errors, Flash, Lang, Msg, Nav, msg};
use crate::services::{ServiceError, Thing};
use crate::site::answer::{Answer, done, page as answer_page, refused};
use crate::site::fields::{Asked, Fields, Posted};
use crate::site::reader::Me;
use crate::site::{Site, flash, shell, words};

/// `GET /nodes/new`.
pub(in crate::site) async fn page(State(site): State<Site>, me: Me, Asked(asked): Asked) -> Answer {
    if !me.who().may_somewhere(Action::ManageNodes) {
        return Err(ServiceError::from(Forbidden { action: Action::ManageNodes }).into());
    }
    let form = NodeForm {
        area: asked.text("area"),
        line: LineClass::default().as_str().to_owned(),
        form_id: SessionId::fresh().to_string(),
        ..NodeForm::default()
    };
    answer_page(form_page(&site, &me, form).await?)
}

/// `POST /nodes`: the answer is the node's page with its token, which is never shown again.
pub(in crate::site) async fn create(State(site): State<Site>, me: Me, Posted(form): Posted) -> Answer {
    let Ok(area) = AreaId::new(form.one("area").trim()) else {
        let errors = Errors::none().with("area", Msg::new(msg::NOT_A_CHOICE));
        return refused(form_page(&site, &me, typed(&form, errors)).await?);
    };
    // A page that was open before there were lines to choose has no such field.
    let line = match form.one("line") {
        "" => Ok(LineClass::default()),
        line => line.parse::<LineClass>(),
    };
    let Ok(line) = line else {
        let errors = Errors::none().with("line", Msg::new(msg::NOT_A_CHOICE));
        return refused(form_page(&site, &me, typed(&form, errors)).await?);
    };
    let (name, serial) = (form.text("name"), form.text("serial"));
    let draft = NodeDraft { name, area, serial, volume_percent: None, line };
    let nodes = &site.app.services.nodes;
    let made = site
        .once
        .make(
            &me.visit.user.id,
            form.one("form_id"),
            &(&draft.name, draft.area.as_str(), &draft.serial, draft.line.as_str()),
            async { nodes.create(me.who(), &draft).await.map(|node| node.id.to_string()) },
        )
        .await;
    let id = match made {
        Ok(id) => id,
        Err(ServiceError::Invalid(errors)) => {
            let errors = words::errors(&errors, |field| match field {
                "name" => "name",
                "serial" => "serial",
                _ => "",
            });
            return refused(form_page(&site, &me, typed(&form, errors)).await?);
        }
        Err(ServiceError::NotFound(Thing::Area)) => {
            let errors = Errors::none().with("area", Msg::new(msg::NOT_A_CHOICE));
            return refused(form_page(&site, &me, typed(&form, errors)).await?);
        }
        Err(other) => return Err(other.into()),
    };
    with_token(&site, &me, &id, Some(Msg::new(msg::NODE_ADDED).with("x", draft.name.trim()))).await
}

/// `POST /nodes/{id}/token`.
pub(in crate::site) async fn token(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(_): Posted,
) -> Answer {
    with_token(&site, &me, &id, None).await
}

async fn with_token(site: &Site, me: &Me, id: &str, outcome: Option<Msg>) -> Answer {
    let id = named(id)?;
    let token = site.app.enrolments.issue(me.who(), &id).await?;
    let mut page = detail::view_of(site, me, &id, Some(token)).await?;
    page.shell.flash = outcome.map(|msg| Flash { tone: Tone::Good, msg });
    answer_page(page)
}

/// `GET /nodes/{id}/revoke`: asks first.
pub(in crate::site) async fn revoke_page(State(site): State<Site>, me: Me, Path(id): Path<String>) -> Answer {
    answer_page(revoke_view(&site, &me, &id, String::new(), Errors::none()).await?)
}

/// `POST /nodes/{id}/revoke`.
pub(in crate::site) async fn revoke(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(form): Posted,
) -> Answer {
    let reason = form.text("reason");
    if reason.trim().is_empty() {
        let errors = Errors::none().with("reason", Msg::new(msg::REQUIRED));
        return refused(revoke_view(&site, &me, &id, reason, errors).await?);
    }
    let node = site.app.services.nodes.revoke(me.who(), &named(&id)?, &reason).await?;
    let outcome = flash::named(msg::NODE_REVOKED, &node.name, site.app.web.secure_cookies);
    done(&format!("/nodes/{}", node.id), outcome)
}

async fn revoke_view(
    site: &Site,
    me: &Me,
    id: &str,
    reason: String,
    errors: Errors,
) -> Result<NodeRevokePage, crate::http::HttpError> {
    let (node, _) = site.app.services.nodes.get(me.who(), &named(id)?).await?;
    me.who().require(Action::ManageNodes, &node.path).map_err(ServiceError::from)?;
    let (places, mut shell) = shell::open(site, me, Nav::Nodes).await?;
    shell.path = format!("/nodes/{id}/revoke");
    let area = places.name_of(&node.path);
    Ok(NodeRevokePage { shell, id: id.to_owned(), name: node.name, area, reason, errors })
}

fn typed(form: &Fields, errors: Errors) -> NodeForm {
    NodeForm {
        name: form.text("name"),
        area: form.text("area"),
        serial: form.text("serial"),
        line: form.text("line"),
        form_id: form.text("form_id"),
        areas: Vec::new(),
        lines: Vec::new(),
        errors,
    }
}

/// What a class of lines is called.
pub(super) fn line_word(line: LineClass) -> &'static str {
    match line {
        LineClass::Unknown => msg::LINE_UNKNOWN,
        LineClass::Fibre => msg::LINE_FIBRE,
        LineClass::Mobile => msg::LINE_MOBILE,
        LineClass::Thin => msg::LINE_THIN,
    }
}

fn line_choices(lang: Lang) -> Vec<Choice> {
    LineClass::ALL.map(|line| Choice::new(line.as_str(), lang.text(line_word(line)))).into()
}

async fn form_page(site: &Site, me: &Me, form: NodeForm) -> Result<NodeFormPage, ServiceError> {
    let (places, mut shell) = shell::open(site, me, Nav::Nodes).await?;
    shell.path = "/nodes/new".to_owned();
    let manages = |area: &Area| me.who().may(Action::ManageNodes, &area.path);
    Ok(NodeFormPage {
        shell,
        form: NodeForm { areas: places.choices(manages), lines: line_choices(me.lang()), ..form },
    })
}
