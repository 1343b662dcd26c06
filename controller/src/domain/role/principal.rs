//! Who acts, with the rights that they hold, and the words for what they may not do.

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Class;

use super::super::ids::UserId;
use super::super::message::Message;
use super::{Action, ClassSet, Grant, Role, Scope};

/// Who acts: a signed-in person, or the operator at the machine itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person.
    User {
        /// Their id.
        id: UserId,
        /// The name by which they sign in.
        name: String,
    },
    /// Whoever may run this program's command line: the machine's own access control has decided already.
    Operator,
}

/// Who acts, with all rights that they hold at this moment. Made afresh for every request, so that a right taken
/// away is gone at once.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Who.
    pub actor: Actor,
    /// Their rights.
    pub grants: Vec<Grant>,
    /// The network address of the request, for the audit log.
    pub address: Option<String>,
}

impl Principal {
    /// A person with their rights.
    pub fn user(id: UserId, name: impl Into<String>, grants: Vec<Grant>) -> Self {
        Self { actor: Actor::User { id, name: name.into() }, grants, address: None }
    }

    /// The operator at the machine: may do everything except approve, because an approval needs a person's name.
    pub fn operator() -> Self {
        let grant = |role| Grant { role, scope: Scope::Everywhere, classes: ClassSet::ALL };
        let grants = [Role::Author, Role::Technician, Role::Admin].map(grant).to_vec();
        Self { actor: Actor::Operator, grants, address: None }
    }

    /// The same person at a network address.
    pub fn at(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Whether they may silence what sounds of a class at a place: whoever may withdraw there may.
    pub fn may_silence(&self, class: Class, path: &AreaPath) -> bool {
        self.may(Action::Approve(class), path) || self.may(Action::Write(class), path)
    }

    /// Whom a record names as its author: the id of the user, or `operator`.
    pub fn actor(&self) -> String {
        self.user_id().map_or_else(|| "operator".to_owned(), ToString::to_string)
    }

    /// The person's id; `None` for the operator.
    pub fn user_id(&self) -> Option<&UserId> {
        match &self.actor {
            Actor::User { id, .. } => Some(id),
            Actor::Operator => None,
        }
    }

    /// The name for the audit log.
    pub fn name(&self) -> &str {
        match &self.actor {
            Actor::User { name, .. } => name,
            Actor::Operator => "operator",
        }
    }

    /// Whether some grant allows the action in the area.
    pub fn may(&self, action: Action, area: &AreaPath) -> bool {
        self.grants.iter().any(|grant| grant.allows(action, area))
    }

    /// Whether some grant allows the action in the whole scope.
    pub fn may_in(&self, action: Action, scope: &Scope) -> bool {
        self.grants.iter().any(|g| g.scope.covers_scope(scope) && g.allows_somewhere(action))
    }

    /// Whether some grant allows the action anywhere at all: decides which pages to offer.
    pub fn may_somewhere(&self, action: Action) -> bool {
        self.grants.iter().any(|grant| grant.allows_somewhere(action))
    }

    /// Refuses what no grant allows.
    ///
    /// # Errors
    /// [`Forbidden`], with words for the person.
    pub fn require(&self, action: Action, area: &AreaPath) -> Result<(), Forbidden> {
        if self.may(action, area) { Ok(()) } else { Err(Forbidden { action }) }
    }

    /// Refuses what no grant allows in the whole scope.
    ///
    /// # Errors
    /// [`Forbidden`], with words for the person.
    pub fn require_in(&self, action: Action, scope: &Scope) -> Result<(), Forbidden> {
        if self.may_in(action, scope) { Ok(()) } else { Err(Forbidden { action }) }
    }

    /// The scopes in which the action is allowed, for lists.
    pub fn scopes(&self, action: Action) -> Vec<Scope> {
        self.grants.iter().filter(|g| g.allows_somewhere(action)).map(|g| g.scope.clone()).collect()
    }

    /// Whether this administrator may hand out the grant: only inside an administrator's scope of their own, and
    /// only classes that they hold there.
    pub fn may_grant(&self, grant: &Grant) -> bool {
        self.grants.iter().any(|own| {
            own.role == Role::Admin
                && own.scope.covers_scope(&grant.scope)
                && own.classes.contains_all(grant.classes)
        })
    }
}

/// An action that the person has no right to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no grant allows {action:?} there")]
pub struct Forbidden {
    /// The action.
    pub action: Action,
}

impl Forbidden {
    /// What to say to the person.
    pub fn message(&self) -> Message {
        match self.action {
            Action::Read => Message::fixed(
                "forbidden.read",
                "Tài khoản này không có quyền xem dữ liệu của địa bàn này.",
                "You may not see this area.",
            ),
            Action::Write(Class::Emergency)
            | Action::Approve(Class::Emergency)
            | Action::Schedule(Class::Emergency) => Message::fixed(
                "forbidden.emergency",
                "Tài khoản này không có quyền với bản tin khẩn cấp ở địa bàn này.",
                "You have no right to emergency bulletins in this area.",
            ),
            Action::Write(_) => Message::fixed(
                "forbidden.write",
                "Tài khoản này không có quyền soạn bản tin cho địa bàn này.",
                "You may not write bulletins for this area.",
            ),
            Action::Approve(_) => Message::fixed(
                "forbidden.approve",
                "Tài khoản này không có quyền duyệt bản tin của địa bàn này.",
                "You may not approve bulletins of this area.",
            ),
            Action::Schedule(_) => Message::fixed(
                "forbidden.schedule",
                "Tài khoản này không có quyền xếp lịch phát cho địa bàn này.",
                "You may not schedule broadcasts in this area.",
            ),
            Action::ManageNodes => Message::fixed(
                "forbidden.nodes",
                "Tài khoản này không có quyền quản lý cụm loa ở địa bàn này.",
                "You may not manage loudspeakers in this area.",
            ),
            Action::ManageAreas => Message::fixed(
                "forbidden.areas",
                "Tài khoản này không có quyền quản lý địa bàn này.",
                "You may not manage this area.",
            ),
            Action::ManageWords => Message::fixed(
                "forbidden.words",
                "Tài khoản này không có quyền sửa từ của địa bàn này.",
                "You may not edit the words of this area.",
            ),
            Action::ManageCalendars => Message::fixed(
                "forbidden.calendars",
                "Tài khoản này không có quyền sửa lịch ngày của địa bàn này.",
                "You may not edit the calendars of this area.",
            ),
            Action::ManageUsers => Message::fixed(
                "forbidden.users",
                "Tài khoản này không có quyền quản lý người dùng ở địa bàn này.",
                "You may not manage users in this area.",
            ),
            Action::ReadAudit => Message::fixed(
                "forbidden.audit",
                "Tài khoản này không có quyền xem nhật ký của địa bàn này.",
                "You may not read this area's audit log.",
            ),
        }
    }
}
