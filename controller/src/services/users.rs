//! People: entering them, giving roles, links by which they sign in first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use loa_protocol::ids::AreaId;
use loa_protocol::time::UnixMs;
use serde_json::{Value, json};

use super::audit::Deed;
use super::{Ground, ServiceError, Thing, areas};
use crate::auth::token::Token;
use crate::domain::area::check_name;
use crate::domain::ids::UserId;
use crate::domain::message::{FieldErrors, Message};
use crate::domain::role::{Action, ClassSet, Forbidden, Grant, Principal, Role, Scope};
use crate::domain::user::{User, check_login};
use crate::store::{Connection, StoreError, grants, sessions, sign_in_links, users};

/// Most names that are looked up at once.
const NAMES_MAX: usize = 500;

/// People. Cheap to clone.
#[derive(Clone)]
pub struct Users(pub(super) Arc<Ground>);

/// A person as typed.
#[derive(Debug, Clone)]
pub struct UserDraft {
    /// The name by which they will sign in.
    pub login: String,
    /// Their own name.
    pub display_name: String,
    /// The place whose administrators look after them; `None`: those of the whole installation.
    pub home: Option<AreaId>,
}

/// A person with their roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserView {
    /// The person.
    pub user: User,
    /// Their roles.
    pub grants: Vec<Grant>,
}

impl Users {
    /// The people whom the person administers, by sign-in name.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] for a person who administers nobody.
    pub async fn list(&self, who: &Principal) -> Result<Vec<UserView>, ServiceError> {
        let scopes = who.scopes(Action::ManageUsers);
        if scopes.is_empty() {
            return Err(Forbidden { action: Action::ManageUsers }.into());
        }
        let mut tx = self.0.store.read().await?;
        let mut views = Vec::new();
        for user in users::list(&mut tx, &scopes).await? {
            let grants = grants::of_user(&mut tx, &user.id).await?;
            views.push(UserView { user, grants });
        }
        Ok(views)
    }

    /// One person.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn get(&self, who: &Principal, id: &UserId) -> Result<UserView, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let view = load(&mut tx, id).await?;
        who.require_in(Action::ManageUsers, &view.user.home)?;
        Ok(view)
    }

    /// A person by sign-in name: for the command line.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn by_login(&self, who: &Principal, login: &str) -> Result<UserView, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let (user, _) = users::by_login(&mut tx, login).await?.ok_or(ServiceError::NotFound(Thing::User))?;
        who.require_in(Action::ManageUsers, &user.home)?;
        let grants = grants::of_user(&mut tx, &user.id).await?;
        Ok(UserView { user, grants })
    }

    /// The own names of people, by id or sign-in name. Whoever may see a bulletin may know who wrote and judged it. At
    /// most 500 keys are looked up.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn names(
        &self,
        keys: impl IntoIterator<Item = String>,
    ) -> Result<BTreeMap<String, String>, ServiceError> {
        let keys: BTreeSet<String> = keys.into_iter().collect();
        let keys: Vec<String> = keys.into_iter().take(NAMES_MAX).collect();
        let mut tx = self.0.store.read().await?;
        let mut names = BTreeMap::new();
        for (id, login, name) in users::names(&mut tx, &keys).await? {
            names.insert(id, name.clone());
            names.insert(login, name);
        }
        Ok(names)
    }

    /// When each person whom the person administers last signed in.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn last_signed_in(&self, who: &Principal) -> Result<BTreeMap<UserId, UnixMs>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        Ok(users::last_signed_in(&mut tx, &who.scopes(Action::ManageUsers)).await?.into_iter().collect())
    }

    /// Enters a person without roles and without passphrase.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], also for a name that is taken; [`ServiceError::Forbidden`].
    pub async fn create(&self, who: &Principal, draft: &UserDraft) -> Result<User, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let home = scope(&mut tx, draft.home.as_ref()).await?;
        who.require_in(Action::ManageUsers, &home)?;
        let mut errors = FieldErrors::new();
        let login = errors.keep("login", check_login(&draft.login));
        let display_name = errors.keep("display_name", check_name(&draft.display_name));
        let (login, display_name) = errors.finish(login.zip(display_name))?;
        let user = User {
            id: UserId::fresh(),
            login,
            display_name,
            home,
            has_passphrase: false,
            disabled: None,
            created: self.0.now(),
        };
        match users::insert(&mut tx, &user).await {
            Err(StoreError::Duplicate { .. }) => {
                let taken = Message::fixed(
                    "login.taken",
                    "Tên đăng nhập này đã có người dùng.",
                    "This sign-in name is taken.",
                );
                return Err(FieldErrors::one("login", taken).into());
            }
            other => other?,
        }
        let after = json!({ "login": user.login, "display_name": user.display_name });
        self.note(&mut tx, who, "user.created", &user, None, Some(after)).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Changes a person's own name; the sign-in name stays.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn rename(
        &self,
        who: &Principal,
        id: &UserId,
        display_name: &str,
    ) -> Result<UserView, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let before = load(&mut tx, id).await?;
        who.require_in(Action::ManageUsers, &before.user.home)?;
        let name = check_name(display_name).map_err(|m| FieldErrors::one("display_name", m))?;
        users::set_display_name(&mut tx, id, &name).await?;
        let after = load(&mut tx, id).await?;
        let [was, is] = [&before, &after].map(|view| json!({ "display_name": view.user.display_name }));
        self.note(&mut tx, who, "user.renamed", &after.user, Some(was), Some(is)).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Gives a person a role; one of the same role and place gets these classes instead.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]; [`ServiceError::Forbidden`] when the person does not administer the place, or does
    /// not hold one of the classes, given or replaced.
    pub async fn grant(
        &self,
        who: &Principal,
        id: &UserId,
        role: Role,
        area: Option<&AreaId>,
        classes: ClassSet,
    ) -> Result<UserView, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let before = load(&mut tx, id).await?;
        let grant = Grant { role, scope: scope(&mut tx, area).await?, classes };
        self.require_grantable(who, &before.user, &grant)?;
        // Replacing a grant takes it away.
        if let Some(replaced) = before.grants.iter().find(|g| g.role == role && g.scope == grant.scope) {
            self.require_grantable(who, &before.user, replaced)?;
        }
        grants::put(&mut tx, id, &grant).await?;
        self.finish_grants(tx, who, "user.role_given", before).await
    }

    /// Takes a role away.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`]; [`ServiceError::Conflict`] for one's own administrator
    /// role, which somebody else has to take.
    pub async fn ungrant(
        &self,
        who: &Principal,
        id: &UserId,
        role: Role,
        area: Option<&AreaId>,
    ) -> Result<UserView, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let before = load(&mut tx, id).await?;
        let scope = scope(&mut tx, area).await?;
        let Some(grant) = before.grants.iter().find(|g| g.role == role && g.scope == scope) else {
            return Err(ServiceError::NotFound(Thing::User));
        };
        self.require_grantable(who, &before.user, grant)?;
        if role == Role::Admin {
            refuse_oneself(who, id)?;
        }
        grants::delete(&mut tx, id, grant).await?;
        self.finish_grants(tx, who, "user.role_taken", before).await
    }

    /// Lets a person sign in, or not any more: then all their sessions end.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`]; [`ServiceError::Conflict`] for oneself.
    pub async fn set_disabled(
        &self,
        who: &Principal,
        id: &UserId,
        disabled: bool,
    ) -> Result<User, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let before = load(&mut tx, id).await?;
        require_over(who, &before)?;
        refuse_oneself(who, id)?;
        users::set_disabled(&mut tx, id, disabled.then(|| self.0.now())).await?;
        if disabled {
            sessions::delete_of_user(&mut tx, id).await?;
        }
        let action = if disabled { "user.disabled" } else { "user.enabled" };
        self.note(&mut tx, who, action, &before.user, None, None).await?;
        let after = load(&mut tx, id).await?;
        tx.commit().await?;
        Ok(after.user)
    }

    /// Makes a link by which the person signs in once; an earlier one stops working. The secret is given out here and
    /// kept nowhere.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]; [`ServiceError::Forbidden`] also for a person with more rights than one administers:
    /// a link is as good as their passphrase.
    pub async fn issue_sign_in_link(&self, who: &Principal, id: &UserId) -> Result<Token, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let view = load(&mut tx, id).await?;
        require_over(who, &view)?;
        let token = Token::fresh()?;
        let now = self.0.now();
        let expires = now + i64::from(self.0.limits.sign_in_link_h) * 3_600_000;
        sign_in_links::replace(&mut tx, &token.hash(), id, now, expires).await?;
        let after = json!({ "expires": expires.to_string() });
        self.note(&mut tx, who, "user.link_issued", &view.user, None, Some(after)).await?;
        tx.commit().await?;
        Ok(token)
    }

    /// How many people there are: none on a fresh installation.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn count(&self) -> Result<u64, ServiceError> {
        let mut tx = self.0.store.read().await?;
        Ok(users::count(&mut tx).await?)
    }

    fn require_grantable(&self, who: &Principal, user: &User, grant: &Grant) -> Result<(), ServiceError> {
        who.require_in(Action::ManageUsers, &user.home)?;
        if who.may_grant(grant) { Ok(()) } else { Err(Forbidden { action: Action::ManageUsers }.into()) }
    }

    async fn finish_grants(
        &self,
        mut tx: crate::store::WriteTx,
        who: &Principal,
        action: &'static str,
        before: UserView,
    ) -> Result<UserView, ServiceError> {
        let after = load(&mut tx, &before.user.id).await?;
        let (old, new) = (grants_summary(&before.grants), grants_summary(&after.grants));
        self.note(&mut tx, who, action, &after.user, Some(old), Some(new)).await?;
        tx.commit().await?;
        Ok(after)
    }

    async fn note(
        &self,
        c: &mut Connection,
        who: &Principal,
        action: &'static str,
        user: &User,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Result<(), ServiceError> {
        let area = match &user.home {
            Scope::Everywhere => None,
            Scope::Area(path) => Some(path),
        };
        Ok(self.0.note(c, who, Deed { action, subject: user.id.as_str(), area, before, after }).await?)
    }
}

/// Whoever acts for another person must hold all that the other holds.
fn require_over(who: &Principal, view: &UserView) -> Result<(), ServiceError> {
    who.require_in(Action::ManageUsers, &view.user.home)?;
    if view.grants.iter().all(|grant| who.may_grant(grant)) {
        return Ok(());
    }
    Err(Forbidden { action: Action::ManageUsers }.into())
}

fn refuse_oneself(who: &Principal, id: &UserId) -> Result<(), ServiceError> {
    if who.user_id() != Some(id) {
        return Ok(());
    }
    Err(ServiceError::Conflict(Message::fixed(
        "user.oneself",
        "Không ai tự khóa tài khoản hoặc tự bỏ quyền quản trị của mình; hãy nhờ quản trị viên khác.",
        "You cannot lock yourself out or drop your own administrator role; ask another administrator.",
    )))
}

async fn load(c: &mut Connection, id: &UserId) -> Result<UserView, ServiceError> {
    let user = users::get(c, id).await?.ok_or(ServiceError::NotFound(Thing::User))?;
    let grants = grants::of_user(c, id).await?;
    Ok(UserView { user, grants })
}

async fn scope(c: &mut Connection, area: Option<&AreaId>) -> Result<Scope, ServiceError> {
    match area {
        None => Ok(Scope::Everywhere),
        Some(id) => Ok(Scope::Area(areas::load(c, id).await?.path)),
    }
}

fn grants_summary(grants: &[Grant]) -> Value {
    let one = |grant: &Grant| {
        json!({
            "role": grant.role.as_str(),
            "area": grant.scope.area_id().map(|a| a.as_str()),
            "classes": grant.classes.to_string(),
        })
    };
    json!({ "roles": grants.iter().map(one).collect::<Vec<_>>() })
}
