//! Who may do what, where. Rights are scoped per place *and* per class of bulletin.
//!
//! A [`Grant`] gives one [`Role`] in one [`Scope`], for a set of classes. A person may hold many. Nothing is allowed
//! that no grant allows; an administrator of places and people does not thereby write or approve bulletins.

use std::fmt;
use std::str::FromStr;

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Class;
use loa_protocol::ids::AreaId;

use super::ids::UserId;
use super::message::Message;

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Writes bulletins and sets their hours (*biên tập*).
    Author,
    /// Approves or rejects what others wrote (*phê duyệt*).
    Approver,
    /// Looks after nodes (*kỹ thuật*).
    Technician,
    /// Looks after areas, nodes and people (*quản trị*).
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] = [Self::Author, Self::Approver, Self::Technician, Self::Admin];

    /// The role's word in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Approver => "approver",
            Self::Technician => "technician",
            Self::Admin => "admin",
        }
    }
}

/// A word that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no role")]
pub struct UnknownRole(pub String);

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(word: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|r| r.as_str() == word).ok_or_else(|| UnknownRole(word.to_owned()))
    }
}

/// A set of bulletin classes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ClassSet(u8);

impl ClassSet {
    /// Every class.
    pub const ALL: Self = Self(0b111);

    /// The set of some classes.
    pub fn of(classes: impl IntoIterator<Item = Class>) -> Self {
        Self(classes.into_iter().fold(0, |bits, class| bits | Self::bit(class)))
    }

    /// Whether the class is in the set.
    pub fn contains(self, class: Class) -> bool {
        self.0 & Self::bit(class) != 0
    }

    /// Whether every class of `other` is in this set.
    pub fn contains_all(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// The classes, lowest precedence first.
    pub fn iter(self) -> impl Iterator<Item = Class> {
        Class::ALL.into_iter().filter(move |class| self.contains(*class))
    }

    fn bit(class: Class) -> u8 {
        match class {
            Class::Normal => 1,
            Class::Priority => 2,
            Class::Emergency => 4,
        }
    }
}

/// The classes' words with commas between, as in the database; empty for none.
impl fmt::Display for ClassSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Class::as_str).collect();
        f.write_str(&words.join(","))
    }
}

impl fmt::Debug for ClassSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

impl FromStr for ClassSet {
    type Err = loa_protocol::bulletin::UnknownWord;
    fn from_str(words: &str) -> Result<Self, Self::Err> {
        words
            .split(',')
            .filter(|w| !w.is_empty())
            .map(str::parse)
            .collect::<Result<Vec<Class>, _>>()
            .map(Self::of)
    }
}

/// The places that a grant is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The whole installation, with areas that do not exist yet.
    Everywhere,
    /// One area and all inside it.
    Area(AreaPath),
}

impl Scope {
    /// Whether the area lies inside.
    pub fn covers(&self, area: &AreaPath) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Area(path) => area.areas().starts_with(path.areas()),
        }
    }

    /// Whether the whole of `other` lies inside.
    pub fn covers_scope(&self, other: &Self) -> bool {
        match other {
            Self::Everywhere => *self == Self::Everywhere,
            Self::Area(path) => self.covers(path),
        }
    }

    /// The scope of an area's path, `None` standing for the whole installation.
    pub fn of(path: Option<AreaPath>) -> Self {
        path.map_or(Self::Everywhere, Self::Area)
    }

    /// The id of its area, `None` for the whole installation.
    pub fn area_id(&self) -> Option<&AreaId> {
        match self {
            Self::Everywhere => None,
            Self::Area(path) => path.areas().last(),
        }
    }
}

/// One role, in one place, for some classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// Where it holds.
    pub scope: Scope,
    /// For which classes. For an administrator: the classes that they may grant to others.
    pub classes: ClassSet,
}

/// Something that needs a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// See areas, nodes, bulletins, schedules and what was heard.
    Read,
    /// Write, edit, submit and withdraw bulletins of a class.
    Write(Class),
    /// Approve or reject bulletins of a class, and withdraw them.
    Approve(Class),
    /// Set when and where bulletins of a class sound.
    Schedule(Class),
    /// Add, enrol, adjust and revoke nodes.
    ManageNodes,
    /// Add and change areas.
    ManageAreas,
    /// Add people and give them roles.
    ManageUsers,
    /// Read the audit log.
    ReadAudit,
}

impl Grant {
    /// Whether this grant allows the action in the area.
    pub fn allows(&self, action: Action, area: &AreaPath) -> bool {
        self.scope.covers(area) && self.allows_somewhere(action)
    }

    fn allows_somewhere(&self, action: Action) -> bool {
        match (action, self.role) {
            (Action::Read, _) => true,
            (Action::Write(class), Role::Author)
            | (Action::Approve(class), Role::Approver)
            | (Action::Schedule(class), Role::Author | Role::Approver) => self.classes.contains(class),
            (Action::ManageNodes, Role::Technician | Role::Admin)
            | (Action::ManageAreas | Action::ManageUsers, Role::Admin)
            | (Action::ReadAudit, Role::Approver | Role::Admin) => true,
            (
                Action::Write(_)
                | Action::Approve(_)
                | Action::Schedule(_)
                | Action::ManageNodes
                | Action::ManageAreas
                | Action::ManageUsers
                | Action::ReadAudit,
                _,
            ) => false,
        }
    }
}

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
                "Bạn không có quyền xem dữ liệu của địa bàn này.",
                "You may not see this area.",
            ),
            Action::Write(Class::Emergency)
            | Action::Approve(Class::Emergency)
            | Action::Schedule(Class::Emergency) => Message::fixed(
                "forbidden.emergency",
                "Bạn không có quyền với bản tin khẩn cấp ở địa bàn này.",
                "You have no right to emergency bulletins in this area.",
            ),
            Action::Write(_) => Message::fixed(
                "forbidden.write",
                "Bạn không có quyền soạn bản tin cho địa bàn này.",
                "You may not write bulletins for this area.",
            ),
            Action::Approve(_) => Message::fixed(
                "forbidden.approve",
                "Bạn không có quyền phê duyệt bản tin của địa bàn này.",
                "You may not approve bulletins of this area.",
            ),
            Action::Schedule(_) => Message::fixed(
                "forbidden.schedule",
                "Bạn không có quyền đặt lịch phát cho địa bàn này.",
                "You may not schedule broadcasts in this area.",
            ),
            Action::ManageNodes => Message::fixed(
                "forbidden.nodes",
                "Bạn không có quyền quản lý cụm loa ở địa bàn này.",
                "You may not manage loudspeakers in this area.",
            ),
            Action::ManageAreas => Message::fixed(
                "forbidden.areas",
                "Bạn không có quyền quản lý địa bàn này.",
                "You may not manage this area.",
            ),
            Action::ManageUsers => Message::fixed(
                "forbidden.users",
                "Bạn không có quyền quản lý người dùng ở địa bàn này.",
                "You may not manage users in this area.",
            ),
            Action::ReadAudit => Message::fixed(
                "forbidden.audit",
                "Bạn không có quyền xem nhật ký của địa bàn này.",
                "You may not read this area's audit log.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(ids: &[usize]) -> AreaPath {
        // An id in a path is unique by its depth, as in a real tree.
        AreaPath::new(
            ids.iter().enumerate().map(|(d, i)| AreaId::new(format!("a{d}x{i}")).unwrap()).collect(),
        )
        .unwrap()
    }

    fn any_path() -> impl Strategy<Value = AreaPath> {
        proptest::collection::vec(0usize..3, 1..5).prop_map(|ids| path(&ids))
    }

    fn any_grant() -> impl Strategy<Value = Grant> {
        (0usize..4, proptest::option::of(any_path()), 0u8..8).prop_map(|(role, scope, bits)| Grant {
            role: Role::ALL[role],
            scope: Scope::of(scope),
            classes: ClassSet(bits),
        })
    }

    fn any_action() -> impl Strategy<Value = Action> {
        (0usize..8, 0usize..3).prop_map(|(kind, class)| {
            let class = Class::ALL[class];
            [
                Action::Read,
                Action::Write(class),
                Action::Approve(class),
                Action::Schedule(class),
                Action::ManageNodes,
                Action::ManageAreas,
                Action::ManageUsers,
                Action::ReadAudit,
            ][kind]
        })
    }

    proptest! {
        #[test]
        fn a_right_here_is_a_right_below_and_never_beside(grant in any_grant(), action in any_action(), area in any_path(), child in 0usize..3) {
            let mut below: Vec<AreaId> = area.areas().to_vec();
            below.push(AreaId::new(format!("a{}x{child}", below.len())).unwrap());
            let below = AreaPath::new(below).unwrap();
            if grant.allows(action, &area) {
                prop_assert!(grant.allows(action, &below));
            }
            if let Scope::Area(own) = &grant.scope && !area.areas().starts_with(own.areas()) {
                prop_assert!(!grant.allows(action, &area));
            }
        }

        #[test]
        fn nobody_hands_out_more_than_they_administer(own in any_grant(), given in any_grant(), area in any_path(), class in 0usize..3) {
            let class = Class::ALL[class];
            let admin = Principal::user(UserId::fresh(), "a", vec![own.clone()]);
            if admin.may_grant(&given) && given.scope.covers(&area) {
                prop_assert!(own.role == Role::Admin && own.scope.covers(&area));
                prop_assert!(!given.classes.contains(class) || own.classes.contains(class));
            }
        }

        #[test]
        fn class_sets_round_trip_as_text(bits in 0u8..8) {
            prop_assert_eq!(ClassSet(bits).to_string().parse::<ClassSet>(), Ok(ClassSet(bits)));
        }
    }

    #[test]
    fn an_administrator_neither_writes_nor_approves() {
        let grant = Grant { role: Role::Admin, scope: Scope::Everywhere, classes: ClassSet::ALL };
        let admin = Principal::user(UserId::fresh(), "a", vec![grant]);
        let area = path(&[0]);
        assert!(!admin.may(Action::Write(Class::Normal), &area));
        assert!(!admin.may(Action::Approve(Class::Normal), &area));
        assert!(admin.may(Action::ManageUsers, &area));
        assert!(!Principal::operator().may(Action::Approve(Class::Normal), &area));
    }

    #[test]
    fn a_class_that_was_not_granted_is_refused() {
        let classes = ClassSet::of([Class::Normal, Class::Priority]);
        let grant = Grant { role: Role::Author, scope: Scope::Area(path(&[0])), classes };
        let author = Principal::user(UserId::fresh(), "a", vec![grant]);
        assert!(author.may(Action::Write(Class::Priority), &path(&[0, 1])));
        let refused = author.require(Action::Schedule(Class::Emergency), &path(&[0, 1])).unwrap_err();
        assert_eq!(refused.message().code, "forbidden.emergency");
    }
}
