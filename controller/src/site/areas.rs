//! The tree of areas.

use axum::extract::{Path, State};
use loa_protocol::ids::AreaId;

use super::answer::{Answer, done, page as answer_page, refused};
use super::fields::{Fields, Posted};
use super::reader::Me;
use super::{Site, area_rules, flash, languages, shell, words};
use crate::domain::area::{Area, AreaDraft};
use crate::domain::ids::SessionId;
use crate::domain::message::FieldErrors;
use crate::domain::node::NodeState;
use crate::domain::role::{Action, Scope};
use crate::pages::views::{AreaForm, AreaPage, AreaRow, AreasPage};
use crate::pages::{Choice, Errors, Msg, Nav, msg};
use crate::services::{ServiceError, Thing};

/// The words for levels of government and for what lies below them (Luật Tổ chức chính quyền địa phương 2025: province
/// and commune; villages of each kind). They are data of the areas, in Vietnamese whatever the page's language.
const LEVELS: [&str; 11] =
    ["Tỉnh", "Thành phố", "Xã", "Phường", "Đặc khu", "Thôn", "Buôn", "Bon", "Làng", "Bản", "Tổ dân phố"];

/// What the list of parents posts for an area that lies in none.
const TOPMOST: &str = "-";

/// `GET /areas`.
pub(super) async fn page(State(site): State<Site>, me: Me) -> Answer {
    let form = AreaForm {
        form_id: SessionId::fresh().to_string(),
        languages: languages::order(&site, me.lang(), &[]),
        ..AreaForm::default()
    };
    answer_page(view_of(&site, &me, form).await?)
}

/// `POST /areas`.
pub(super) async fn create(State(site): State<Site>, me: Me, Posted(form): Posted) -> Answer {
    let parent = match form.one("parent").trim() {
        TOPMOST => None,
        id => match AreaId::new(id) {
            Ok(id) => Some(id),
            Err(_) => {
                let errors = Errors::none().with("parent", Msg::new(msg::NOT_A_CHOICE));
                return refused(view_of(&site, &me, typed(&site, &me, &form, errors)).await?);
            }
        },
    };
    let draft = AreaDraft {
        name: form.text("name"),
        level: form.text("level"),
        languages: chosen(&form),
        zone: String::new(),
    };
    let areas = &site.app.services.areas;
    let made = site
        .once
        .make(
            &me.visit.user.id,
            form.one("form_id"),
            &(form.one("parent"), &draft.name, &draft.level, &draft.languages),
            async { areas.create(me.who(), parent.as_ref(), &draft).await.map(|area| area.name) },
        )
        .await;
    match made {
        Ok(name) => done("/areas", flash::named(msg::AREA_ADDED, &name, site.app.web.secure_cookies)),
        Err(ServiceError::Invalid(errors)) => {
            let errors = field_errors(&errors);
            refused(view_of(&site, &me, typed(&site, &me, &form, errors)).await?)
        }
        Err(ServiceError::NotFound(Thing::Area)) => {
            let errors = Errors::none().with("parent", Msg::new(msg::NOT_A_CHOICE));
            refused(view_of(&site, &me, typed(&site, &me, &form, errors)).await?)
        }
        Err(other) => Err(other.into()),
    }
}

/// `GET /areas/{id}`.
pub(super) async fn area_page(State(site): State<Site>, me: Me, Path(id): Path<String>) -> Answer {
    let area = site.app.services.areas.get(me.who(), &named(&id)?).await?;
    answer_page(shown(&site, &me, &area).await?)
}

/// `POST /areas/{id}`: name, level and languages. Its place and its zone stay.
pub(super) async fn change(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(form): Posted,
) -> Answer {
    let areas = &site.app.services.areas;
    let area = areas.get(me.who(), &named(&id)?).await?;
    let draft = AreaDraft {
        name: form.text("name"),
        level: form.text("level"),
        languages: chosen(&form),
        zone: area.zone.map(|zone| zone.name().to_owned()).unwrap_or_default(),
    };
    match areas.update(me.who(), &area.id, &draft).await {
        Ok(area) => {
            let saved = flash::named(msg::AREA_SAVED, &area.name, site.app.web.secure_cookies);
            done(&format!("/areas/{}", area.id), saved)
        }
        Err(ServiceError::Invalid(errors)) => {
            let typed = typed(&site, &me, &form, field_errors(&errors));
            refused(one(&site, &me, &area, typed).await?)
        }
        Err(other) => Err(other.into()),
    }
}

pub(super) fn named(id: &str) -> Result<AreaId, ServiceError> {
    AreaId::new(id).map_err(|_| ServiceError::NotFound(Thing::Area))
}

/// The languages of a form in their order, without the places that were left free.
fn chosen(form: &Fields) -> Vec<String> {
    form.all("languages").into_iter().filter(|code| !code.trim().is_empty()).collect()
}

fn field_errors(errors: &FieldErrors) -> Errors {
    words::errors(errors, |field| match field {
        "name" => "name",
        "level" => "level",
        "parent" => "parent",
        "languages" => "languages",
        _ => "",
    })
}

fn typed(site: &Site, me: &Me, form: &Fields, errors: Errors) -> AreaForm {
    AreaForm {
        name: form.text("name"),
        level: form.text("level"),
        parent: form.text("parent"),
        languages: languages::order(site, me.lang(), &chosen(form)),
        form_id: form.text("form_id"),
        errors,
        ..AreaForm::default()
    }
}

pub(super) async fn shown(site: &Site, me: &Me, area: &Area) -> Result<AreaPage, ServiceError> {
    let languages: Vec<String> = area.languages.iter().map(ToString::to_string).collect();
    let form = AreaForm {
        name: area.name.clone(),
        level: area.level.clone(),
        languages: languages::order(site, me.lang(), &languages),
        ..AreaForm::default()
    };
    one(site, me, area, form).await
}

async fn one(site: &Site, me: &Me, area: &Area, form: AreaForm) -> Result<AreaPage, ServiceError> {
    let (_, mut shell) = shell::open(site, me, Nav::Areas).await?;
    shell.path = format!("/areas/{}", area.id);
    let holding = site.app.services.areas.settings(me.who(), &area.id).await?.languages;
    let form = me
        .who()
        .may(Action::ManageAreas, &area.path)
        .then(|| AreaForm { levels: levels(&form.level), ..form });
    Ok(AreaPage {
        shell,
        id: area.id.to_string(),
        title: area.name.clone(),
        heard: holding.iter().map(|language| languages::name(site, me.lang(), language.as_str())).collect(),
        inherited: area.languages.is_empty(),
        rules: area_rules::view(site, me, area).await?,
        form,
    })
}

/// The words for levels, with the one that an area has.
fn levels(own: &str) -> Vec<Choice> {
    let own = Some(own).filter(|own| !own.is_empty() && !LEVELS.contains(own));
    LEVELS.into_iter().chain(own).map(|level| Choice::new(level, level)).collect()
}

async fn view_of(site: &Site, me: &Me, form: AreaForm) -> Result<AreasPage, ServiceError> {
    let (places, mut shell) = shell::open(site, me, Nav::Areas).await?;
    shell.path = "/areas".to_owned();
    let nodes = site.app.services.nodes.list(me.who()).await?;
    let rows = places
        .all()
        .iter()
        .map(|area| {
            let inside = || {
                let inside = nodes.iter().filter(|(node, _)| node.path.contains(&area.id));
                inside.filter(|(node, _)| node.state != NodeState::Revoked)
            };
            AreaRow {
                id: area.id.to_string(),
                name: area.name.clone(),
                level: area.level.clone(),
                depth: places.depth(&area.path),
                nodes: inside().count(),
                online: inside().filter(|(_, status)| status.online).count(),
            }
        })
        .collect();
    let manages = |area: &Area| me.who().may(Action::ManageAreas, &area.path);
    let form = me.who().may_somewhere(Action::ManageAreas).then(|| AreaForm {
        levels: levels(&form.level),
        parents: if me.who().may_in(Action::ManageAreas, &Scope::Everywhere) {
            let mut parents = vec![Choice::new(TOPMOST, me.lang().text(msg::EVERYWHERE))];
            parents.extend(places.choices(manages));
            parents
        } else {
            places.choices(manages)
        },
        ..form
    });
    Ok(AreasPage { shell, rows, form })
}
