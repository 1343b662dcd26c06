//! Who may do what, where. Rights are scoped per place *and* per class of bulletin.
//!
//! A [`Grant`] gives one [`Role`] in one [`Scope`], for a set of classes. A person may hold many. Nothing is allowed
//! that no grant allows; an administrator of places and people does not thereby write or approve bulletins.

mod principal;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Class;
use loa_protocol::ids::AreaId;

pub use principal::{Actor, Forbidden, Principal};

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
    /// Say how an area's own names and words are read.
    ManageWords,
    /// Keep an area's calendars of days on which schedules do not sound, or alone do.
    ManageCalendars,
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

    pub(super) fn allows_somewhere(&self, action: Action) -> bool {
        match (action, self.role) {
            (Action::Read, _) => true,
            (Action::Write(class), Role::Author)
            | (Action::Approve(class), Role::Approver)
            | (Action::Schedule(class), Role::Author | Role::Approver) => self.classes.contains(class),
            (Action::ManageNodes, Role::Technician | Role::Admin)
            | (Action::ManageAreas | Action::ManageUsers, Role::Admin)
            | (Action::ManageWords | Action::ManageCalendars, Role::Author | Role::Admin)
            | (Action::ReadAudit, Role::Approver | Role::Admin) => true,
            (
                Action::Write(_)
                | Action::Approve(_)
                | Action::Schedule(_)
                | Action::ManageNodes
                | Action::ManageAreas
                | Action::ManageWords
                | Action::ManageCalendars
                | Action::ManageUsers
                | Action::ReadAudit,
                _,
            ) => false,
        }
    }
}
