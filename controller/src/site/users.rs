//! Users and their roles.

use axum::extract::{Path, State};
use loa_protocol::bulletin::Class;
use loa_protocol::ids::AreaId;

use super::answer::{Answer, done, page as answer_page, refused};
use super::fields::{Fields, Posted};
use super::places::{EVERYWHERE, Places};
use super::reader::Me;
use super::{Site, flash, shell, words};
use crate::auth::token::Token;
use crate::domain::area::Area;
use crate::domain::ids::UserId;
use crate::domain::role::{Action, ClassSet, Grant, Role, Scope};
use crate::http::HttpError;
use crate::pages::labels::{AccountState, Tone};
use crate::pages::views::{GrantForm, GrantRow, OneTimeLink, UserForm, UserPage, UserRow, UsersPage};
use crate::pages::{Choice, Errors, Flash, Lang, Moment, Msg, Nav, msg};
use crate::services::{ServiceError, Thing, UserDraft, UserView};

/// `GET /users`.
pub(super) async fn page(State(site): State<Site>, me: Me) -> Answer {
    answer_page(list_of(&site, &me, UserForm::default()).await?)
}

/// `POST /users`: the answer is the user's page with their link, which is never shown again.
pub(super) async fn create(State(site): State<Site>, me: Me, Posted(form): Posted) -> Answer {
    let mut typed = UserForm {
        name: form.text("name"),
        display_name: form.text("display_name"),
        role: form.text("role"),
        area: form.text("area"),
        emergency: form.one("emergency") == "yes",
        areas: Vec::new(),
        errors: Errors::none(),
    };
    let wanted = match wanted(&site, &me, &form).await? {
        Ok(wanted) => wanted,
        Err(errors) => {
            typed.errors = errors;
            return refused(list_of(&site, &me, typed).await?);
        }
    };
    let users = &site.app.services.users;
    let draft = UserDraft {
        login: form.text("name"),
        display_name: form.text("display_name"),
        home: wanted.area.clone(),
    };
    let user = match users.create(me.who(), &draft).await {
        Ok(user) => user,
        Err(ServiceError::Invalid(errors)) => {
            typed.errors = words::errors(&errors, |field| match field {
                "login" => "name",
                "display_name" => "display_name",
                _ => "",
            });
            return refused(list_of(&site, &me, typed).await?);
        }
        Err(other) => return Err(other.into()),
    };
    users.grant(me.who(), &user.id, wanted.role, wanted.area.as_ref(), wanted.classes).await?;
    let outcome = Msg::new(msg::USER_ADDED).with("x", user.display_name.as_str());
    with_link(&site, &me, &user.id, outcome).await
}

/// `GET /users/{id}`.
pub(super) async fn user_page(State(site): State<Site>, me: Me, Path(id): Path<String>) -> Answer {
    answer_page(user_of(&site, &me, &named(&id)?, None, GrantForm::default()).await?)
}

/// `POST /users/{id}/link`.
pub(super) async fn link(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(_): Posted,
) -> Answer {
    with_link(&site, &me, &named(&id)?, Msg::new(msg::LINK_ISSUED)).await
}

/// `POST /users/{id}/grants`.
pub(super) async fn grant(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(form): Posted,
) -> Answer {
    let id = named(&id)?;
    match wanted(&site, &me, &form).await? {
        Ok(wanted) => {
            let users = &site.app.services.users;
            users.grant(me.who(), &id, wanted.role, wanted.area.as_ref(), wanted.classes).await?;
            let outcome = flash::plain(msg::ROLE_GIVEN, site.app.web.secure_cookies);
            done(&format!("/users/{id}"), outcome)
        }
        Err(errors) => {
            let form = GrantForm {
                role: form.text("role"),
                area: form.text("area"),
                emergency: form.one("emergency") == "yes",
                areas: Vec::new(),
                errors,
            };
            refused(user_of(&site, &me, &id, None, form).await?)
        }
    }
}

/// `POST /users/{id}/grants/{grant}/remove`.
pub(super) async fn ungrant(
    State(site): State<Site>,
    me: Me,
    Path((id, grant)): Path<(String, String)>,
    Posted(_): Posted,
) -> Answer {
    let id = named(&id)?;
    let no_such = || ServiceError::NotFound(Thing::User);
    let (role, area) = grant.split_once('.').ok_or_else(no_such)?;
    let role: Role = role.parse().map_err(|_| no_such())?;
    let area = match area {
        "" => None,
        area => Some(AreaId::new(area).map_err(|_| no_such())?),
    };
    site.app.services.users.ungrant(me.who(), &id, role, area.as_ref()).await?;
    done(&format!("/users/{id}"), flash::plain(msg::ROLE_TAKEN, site.app.web.secure_cookies))
}

/// `POST /users/{id}/disable`.
pub(super) async fn disable(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(_): Posted,
) -> Answer {
    let id = named(&id)?;
    site.app.services.users.set_disabled(me.who(), &id, true).await?;
    done(&format!("/users/{id}"), flash::plain(msg::USER_DISABLED, site.app.web.secure_cookies))
}

/// `POST /users/{id}/enable`.
pub(super) async fn enable(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(_): Posted,
) -> Answer {
    let id = named(&id)?;
    site.app.services.users.set_disabled(me.who(), &id, false).await?;
    done(&format!("/users/{id}"), flash::plain(msg::USER_ENABLED, site.app.web.secure_cookies))
}

fn named(id: &str) -> Result<UserId, HttpError> {
    id.parse().map_err(|_| ServiceError::NotFound(Thing::User).into())
}

/// A role as a form asks for it.
struct Wanted {
    role: Role,
    area: Option<AreaId>,
    classes: ClassSet,
}

/// Reads a role from a form, and looks whether the person may give it.
async fn wanted(site: &Site, me: &Me, form: &Fields) -> Result<Result<Wanted, Errors>, ServiceError> {
    let mut errors = Errors::none();
    let role = form.one("role").parse::<Role>().ok();
    if role.is_none() {
        errors.put("role", Msg::new(msg::NOT_A_CHOICE));
    }
    let chosen = form.one("area").trim();
    let scope = if chosen == EVERYWHERE {
        Some(Scope::Everywhere)
    } else {
        let places = Places::load(site, me).await?;
        AreaId::new(chosen).ok().and_then(|id| places.get(&id).map(|area| Scope::Area(area.path.clone())))
    };
    let usual = [Class::Normal, Class::Priority];
    let emergency = (form.one("emergency") == "yes").then_some(Class::Emergency);
    let classes = ClassSet::of(usual.into_iter().chain(emergency));
    let Some((role, scope)) = role.zip(scope.clone()) else {
        if scope.is_none() {
            errors.put("area", Msg::new(msg::NOT_A_CHOICE));
        }
        return Ok(Err(errors));
    };
    let area = scope.area_id().cloned();
    if !me.who().may_grant(&Grant { role, scope, classes }) {
        return Ok(Err(errors.with("area", Msg::new(msg::NOT_A_CHOICE))));
    }
    Ok(Ok(Wanted { role, area, classes }))
}

async fn with_link(site: &Site, me: &Me, id: &UserId, outcome: Msg) -> Answer {
    let users = &site.app.services.users;
    let link = users.issue_sign_in_link(me.who(), id).await?;
    let mut page = user_of(site, me, id, Some(link), GrantForm::default()).await?;
    page.shell.flash = Some(Flash { tone: Tone::Good, msg: outcome });
    answer_page(page)
}

async fn list_of(site: &Site, me: &Me, form: UserForm) -> Result<UsersPage, ServiceError> {
    let users = &site.app.services.users;
    let views = users.list(me.who()).await?;
    let (places, mut shell) = shell::open(site, me, Nav::Users).await?;
    shell.path = "/users".to_owned();
    let seen = users.last_signed_in(me.who()).await?;
    let mut rows: Vec<UserRow> = views
        .iter()
        .map(|view| row(me.lang(), &places, view, seen.get(&view.user.id).map(|at| places.here(*at))))
        .collect();
    rows.sort_by(|a, b| a.display_name.cmp(&b.display_name));
    let form = UserForm { areas: areas(me, &places), ..form };
    Ok(UsersPage { shell, rows, form })
}

async fn user_of(
    site: &Site,
    me: &Me,
    id: &UserId,
    link: Option<Token>,
    form: GrantForm,
) -> Result<UserPage, ServiceError> {
    let users = &site.app.services.users;
    let view = users.get(me.who(), id).await?;
    let (places, mut shell) = shell::open(site, me, Nav::Users).await?;
    shell.path = format!("/users/{id}");
    let seen = users.last_signed_in(me.who()).await?;
    let link = match link {
        Some(token) => {
            let holder = site.app.services.sessions.link_holder(&token).await?;
            holder.map(|(_, expires)| OneTimeLink {
                href: format!("{}/welcome/{}", site.app.web.base_url, token.reveal()),
                expires_at: places.here(expires),
            })
        }
        None => None,
    };
    Ok(UserPage {
        shell,
        user: row(me.lang(), &places, &view, seen.get(id).map(|at| places.here(*at))),
        is_self: me.visit.user.id == *id,
        link,
        form: GrantForm { areas: areas(me, &places), ..form },
    })
}

fn row(lang: Lang, places: &Places, view: &UserView, last_seen: Option<Moment>) -> UserRow {
    let user = &view.user;
    let state = if user.disabled.is_some() {
        AccountState::Disabled
    } else if user.has_passphrase {
        AccountState::Active
    } else {
        AccountState::Invited
    };
    let grants = view.grants.iter().map(|grant| GrantRow {
        id: format!("{}.{}", grant.role.as_str(), grant.scope.area_id().map_or("", |area| area.as_str())),
        role: words::role(grant.role),
        area: match &grant.scope {
            Scope::Everywhere => lang.text(msg::EVERYWHERE),
            Scope::Area(path) => places.name_of(path),
        },
        emergency: grant.classes.contains(Class::Emergency),
    });
    UserRow {
        id: user.id.to_string(),
        name: user.login.clone(),
        display_name: user.display_name.clone(),
        state,
        grants: grants.collect(),
        last_seen,
    }
}

/// The areas in which the person may give roles.
fn areas(me: &Me, places: &Places) -> Vec<Choice> {
    let manages = |area: &Area| me.who().may(Action::ManageUsers, &area.path);
    if me.who().may_in(Action::ManageUsers, &Scope::Everywhere) {
        places.choices_with_everywhere(me.lang(), manages)
    } else {
        places.choices(manages)
    }
}
