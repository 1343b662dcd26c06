//! The tree of areas.

use axum::extract::State;
use loa_protocol::ids::AreaId;

use super::answer::{Answer, done, page as answer_page, refused};
use super::fields::{Fields, Posted};
use super::reader::Me;
use super::{Site, flash, shell, words};
use crate::domain::area::{Area, AreaDraft};
use crate::domain::ids::SessionId;
use crate::domain::node::NodeState;
use crate::domain::role::{Action, Scope};
use crate::pages::labels::Spoken;
use crate::pages::views::{AreaForm, AreaRow, AreasPage};
use crate::pages::{Choice, Errors, Msg, Nav, Tick, msg};
use crate::services::{ServiceError, Thing};

/// The words for levels of government and for what lies below them (Luật Tổ chức chính quyền địa phương 2025: province
/// and commune; villages of each kind). They are data of the areas, in Vietnamese whatever the page's language.
const LEVELS: [&str; 11] =
    ["Tỉnh", "Thành phố", "Xã", "Phường", "Đặc khu", "Thôn", "Buôn", "Bon", "Làng", "Bản", "Tổ dân phố"];

/// What the list of parents posts for an area that lies in none.
const TOPMOST: &str = "-";

/// `GET /areas`.
pub(super) async fn page(State(site): State<Site>, me: Me) -> Answer {
    let form = AreaForm { form_id: SessionId::fresh().to_string(), ..AreaForm::default() };
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
                return refused(view_of(&site, &me, typed(&form, errors)).await?);
            }
        },
    };
    let draft = AreaDraft {
        name: form.text("name"),
        level: form.text("level"),
        languages: form.all("languages"),
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
            let errors = words::errors(&errors, |field| match field {
                "name" => "name",
                "level" => "level",
                "parent" => "parent",
                "languages" => "languages",
                _ => "",
            });
            refused(view_of(&site, &me, typed(&form, errors)).await?)
        }
        Err(ServiceError::NotFound(Thing::Area)) => {
            let errors = Errors::none().with("parent", Msg::new(msg::NOT_A_CHOICE));
            refused(view_of(&site, &me, typed(&form, errors)).await?)
        }
        Err(other) => Err(other.into()),
    }
}

fn typed(form: &Fields, errors: Errors) -> AreaForm {
    AreaForm {
        name: form.text("name"),
        level: form.text("level"),
        parent: form.text("parent"),
        languages: form.all("languages").into_iter().map(|code| Tick::new(code, "", true)).collect(),
        form_id: form.text("form_id"),
        errors,
        ..AreaForm::default()
    }
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
        levels: LEVELS.map(|level| Choice::new(level, level)).to_vec(),
        languages: languages(me, &form.languages),
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

/// The languages that have a name here, those ticked that were.
fn languages(me: &Me, ticked: &[Tick]) -> Vec<Tick> {
    let tick = |spoken: &Spoken| {
        let code = spoken.code();
        Tick::new(code, words::spoken(me.lang(), code), ticked.iter().any(|tick| tick.value == code))
    };
    Spoken::ALL.iter().map(tick).collect()
}
