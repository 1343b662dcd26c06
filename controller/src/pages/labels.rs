//! The closed vocabularies that pages show: each value has a code (its form value and query value), a text
//! key and a tone.

use std::borrow::Borrow;

/// How a value is coloured; colour never stands alone, the label always says it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As wished.
    Good,
    /// Under way, or only to be known.
    Info,
    /// Needs a look.
    Warn,
    /// Went wrong, or is dangerous.
    Bad,
    /// Nothing to see.
    Quiet,
}

impl Tone {
    /// The suffix of the style classes `tag-…` and `note-…`.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Quiet => "quiet",
        }
    }
}

/// A value that is shown by a text of the locale.
pub trait Label {
    /// Key of the text.
    fn key(&self) -> &'static str;
}

impl<L: Label + ?Sized> Label for &L {
    fn key(&self) -> &'static str {
        L::key(self)
    }
}

macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident, $prefix:literal { $($(#[$vmeta:meta])* $variant:ident = $code:literal, $tone:ident;)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every value, in the order in which they are offered.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The value in forms and query strings.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// Reads what [`Self::code`] gives; anything else is `None`.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// Colour of the tag.
            #[must_use]
            pub fn tone(self) -> Tone {
                match self { $(Self::$variant => Tone::$tone,)+ }
            }

            /// Whether a filter asks for this value.
            #[must_use]
            pub fn chosen_in(self, filter: impl Borrow<Option<Self>>) -> bool {
                *filter.borrow() == Some(self)
            }
        }

        impl Label for $name {
            fn key(&self) -> &'static str {
                match self { $(Self::$variant => concat!($prefix, "-", $code),)+ }
            }
        }
    };
}

vocabulary! {
    /// Class of a bulletin (Thông tư 39/2020/TT-BTTTT).
    Class, "class" {
        /// Thông thường: the commune picks the time.
        Normal = "normal", Quiet;
        /// Ưu tiên.
        Priority = "priority", Warn;
        /// Khẩn cấp: played at once.
        Emergency = "emergency", Bad;
    }
}

impl Class {
    /// Key of a sentence that explains the class.
    #[must_use]
    pub fn hint_key(self) -> &'static str {
        match self {
            Self::Normal => "class-normal-hint",
            Self::Priority => "class-priority-hint",
            Self::Emergency => "class-emergency-hint",
        }
    }
}

vocabulary! {
    /// Where a bulletin stands.
    BulletinState, "state" {
        /// Being written.
        Draft = "draft", Quiet;
        /// Waits for approval.
        Submitted = "submitted", Info;
        /// May be broadcast.
        Approved = "approved", Good;
        /// Sent back with a comment.
        Rejected = "rejected", Warn;
        /// Taken out of use.
        Withdrawn = "withdrawn", Quiet;
    }
}

vocabulary! {
    /// What a user may do within an area.
    Role, "role" {
        /// Writes and records bulletins.
        Author = "author", Info;
        /// Approves or returns them.
        Approver = "approver", Good;
        /// Looks after nodes.
        Technician = "technician", Quiet;
        /// All of it, and users.
        Admin = "admin", Warn;
    }
}

vocabulary! {
    /// State of a node's connection.
    Link, "link" {
        /// Connected.
        Online = "online", Good;
        /// Not connected; still plays from its cache.
        Offline = "offline", Bad;
        /// Added, has not enrolled yet.
        Waiting = "waiting", Info;
        /// Locked out for good.
        Revoked = "revoked", Quiet;
    }
}

vocabulary! {
    /// How far a node's clock can be trusted.
    ClockTrust, "clock" {
        /// Synchronised.
        Good = "good", Good;
        /// Running free since the last synchronisation.
        Drifting = "drifting", Warn;
        /// Unknown since power-up: only items that need no clock are played.
        Unknown = "unknown", Bad;
    }
}

vocabulary! {
    /// What became of an occurrence at one node.
    Outcome, "outcome" {
        /// Sounded in full.
        Played = "played", Good;
        /// Sounding.
        Sounding = "sounding", Info;
        /// Planned, or played without a receipt having arrived yet.
        Waiting = "waiting", Quiet;
        /// Stopped before its end.
        Interrupted = "interrupted", Warn;
        /// The node refused it, and says by which rule.
        Refused = "refused", Warn;
        /// Its time passed in silence.
        Missed = "missed", Bad;
        /// Playing it failed.
        Failed = "failed", Bad;
    }
}

vocabulary! {
    /// Where an occurrence stands on the page of the day.
    DayState, "day" {
        /// Later today.
        Upcoming = "upcoming", Quiet;
        /// Sounding.
        Sounding = "sounding", Info;
        /// Over.
        Done = "done", Good;
        /// Over, and not heard everywhere.
        Partly = "partly", Warn;
        /// Over, and heard nowhere.
        Silent = "silent", Bad;
    }
}

vocabulary! {
    /// Where a standing schedule stands.
    ScheduleState, "schedule-state" {
        /// Has occurrences to come.
        Active = "active", Good;
        /// All its occurrences are past.
        Ended = "ended", Quiet;
        /// Cancelled by a person.
        Cancelled = "cancelled", Quiet;
        /// Its bulletin is not approved (edited or withdrawn since): nothing will sound.
        Blocked = "blocked", Warn;
    }
}

vocabulary! {
    /// Where a user's account stands.
    AccountState, "account" {
        /// Can sign in.
        Active = "active", Good;
        /// Has a one-time link that is not used yet.
        Invited = "invited", Info;
        /// Cannot sign in.
        Disabled = "disabled", Quiet;
    }
}

vocabulary! {
    /// How a schedule repeats; the `mode` field of its form.
    RepeatMode, "mode" {
        /// Once.
        Once = "once", Quiet;
        /// At set times on set weekdays.
        Weekly = "weekly", Quiet;
        /// By a cron expression.
        Cron = "cron", Quiet;
    }
}

impl RepeatMode {
    /// Key of a sentence that explains the mode.
    #[must_use]
    pub fn hint_key(self) -> &'static str {
        match self {
            Self::Once => "mode-once-hint",
            Self::Weekly => "mode-weekly-hint",
            Self::Cron => "mode-cron-hint",
        }
    }
}

vocabulary! {
    /// A step in the history of a bulletin, or an entry of the audit log.
    Step, "step" {
        /// Bulletin written.
        Created = "created", Quiet;
        /// Bulletin changed.
        Edited = "edited", Quiet;
        /// An approved bulletin opened again as a new revision.
        Revised = "revised", Info;
        /// Sent for approval.
        Submitted = "submitted", Info;
        /// Approved.
        Approved = "approved", Good;
        /// Returned with a comment.
        Rejected = "rejected", Warn;
        /// Withdrawn.
        Withdrawn = "withdrawn", Warn;
        /// Track added or made again.
        TrackAdded = "track-added", Quiet;
        /// Track removed.
        TrackRemoved = "track-removed", Quiet;
        /// Schedule added.
        ScheduleAdded = "schedule-added", Info;
        /// Schedule cancelled.
        ScheduleCancelled = "schedule-cancelled", Warn;
        /// Area added.
        AreaAdded = "area-added", Quiet;
        /// Node added, token issued.
        NodeAdded = "node-added", Quiet;
        /// Node enrolled with its own key.
        NodeEnrolled = "node-enrolled", Good;
        /// Node revoked.
        NodeRevoked = "node-revoked", Bad;
        /// User added.
        UserAdded = "user-added", Quiet;
        /// Role given.
        RoleGiven = "role-given", Info;
        /// Role taken.
        RoleTaken = "role-taken", Warn;
        /// Account disabled.
        UserDisabled = "user-disabled", Warn;
        /// One-time link issued.
        LinkIssued = "link-issued", Info;
        /// Passphrase set.
        PassphraseSet = "passphrase-set", Info;
        /// Signed in.
        SignedIn = "signed-in", Quiet;
        /// Signed out.
        SignedOut = "signed-out", Quiet;
        /// Sign-in refused.
        SignInRefused = "sign-in-refused", Bad;
        /// Plan signed and published.
        PlanSigned = "plan-signed", Quiet;
        /// Anything else; the entry's detail says it.
        Other = "other", Quiet;
    }
}

#[cfg(test)]
pub(super) fn every_key() -> Vec<&'static str> {
    fn keys<T: Label>(all: &[T]) -> impl Iterator<Item = &'static str> + '_ {
        all.iter().map(Label::key)
    }
    keys(Class::ALL)
        .chain(keys(BulletinState::ALL))
        .chain(keys(Role::ALL))
        .chain(keys(Link::ALL))
        .chain(keys(ClockTrust::ALL))
        .chain(keys(Outcome::ALL))
        .chain(keys(DayState::ALL))
        .chain(keys(ScheduleState::ALL))
        .chain(keys(AccountState::ALL))
        .chain(keys(RepeatMode::ALL))
        .chain(keys(Step::ALL))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_back() {
        for class in Class::ALL {
            assert_eq!(Class::from_code(class.code()), Some(*class));
        }
        for step in Step::ALL {
            assert_eq!(Step::from_code(step.code()), Some(*step));
        }
        assert_eq!(Role::from_code("Admin"), None);
    }
}
