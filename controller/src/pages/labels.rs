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
    /// What a bulletin is about; the codes are those of [`loa_protocol::bulletin::Category`].
    Category, "category" {
        /// Tin tức chung.
        General = "general", Quiet;
        /// Chính sách, pháp luật.
        PolicyAndLaw = "policy_and_law", Quiet;
        /// An ninh, trật tự.
        Security = "security", Quiet;
        /// Phòng chống thiên tai.
        DisasterPrevention = "disaster_prevention", Quiet;
        /// Bảo vệ rừng.
        ForestProtection = "forest_protection", Quiet;
        /// Y tế, sức khỏe.
        Health = "health", Quiet;
        /// Khoa học, kỹ thuật, nông nghiệp.
        ScienceAndFarming = "science_and_farming", Quiet;
        /// Giá cả, thị trường.
        Market = "market", Quiet;
        /// Văn hóa, giáo dục, thể thao.
        CultureAndEducation = "culture_and_education", Quiet;
        /// Thông báo của địa phương.
        LocalNotice = "local_notice", Quiet;
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
        /// A later revision has taken its place.
        Superseded = "superseded", Quiet;
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
    /// How far a node trusts its clock; the words of [`loa_protocol::report::ClockTrust`].
    ClockTrust, "clock" {
        /// Synchronised.
        Trusted = "trusted", Good;
        /// Was synchronised since boot, and runs on.
        Holdover = "holdover", Warn;
        /// Never synchronised since boot.
        Unknown = "unknown", Bad;
    }
}

vocabulary! {
    /// What will become of an occurrence, as far as plans decide.
    Foreseen, "foreseen" {
        /// It sounds from beginning to end.
        Played = "played", Good;
        /// It sounds, but not wholly.
        Partial = "partial", Warn;
        /// It does not sound.
        Missed = "missed", Bad;
    }
}

vocabulary! {
    /// What became of an occurrence at one node; the words of [`loa_protocol::receipt::Outcome`], and "waiting".
    Outcome, "outcome" {
        /// It sounded from beginning to end.
        Played = "played", Good;
        /// It sounded, but not wholly.
        Partial = "partial", Warn;
        /// It did not sound.
        Missed = "missed", Bad;
        /// No receipt yet.
        Waiting = "waiting", Quiet;
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
    /// Why a stretch of a text should be looked at, the gravest first.
    FindingReason, "finding" {
        /// A sentence in another language.
        Language = "language", Bad;
        /// A sentence in Vietnamese without its marks.
        NoMarks = "no-marks", Bad;
        /// A number that no rule understood.
        Digits = "digits", Warn;
        /// Capitals that nobody knows.
        Capitals = "capitals", Warn;
        /// A word that is no Vietnamese syllable.
        Word = "word", Info;
        /// A sign that nothing is said for.
        Symbol = "symbol", Quiet;
    }
}

vocabulary! {
    /// A step in the history of a bulletin, or a deed in the audit log.
    Step, "step" {
        /// `bulletin.created`
        BulletinCreated = "bulletin-created", Quiet;
        /// `bulletin.edited`
        BulletinEdited = "bulletin-edited", Quiet;
        /// `bulletin.submitted`
        BulletinSubmitted = "bulletin-submitted", Info;
        /// `bulletin.approved`
        BulletinApproved = "bulletin-approved", Good;
        /// `bulletin.approved_first`
        BulletinApprovedFirst = "bulletin-approved-first", Info;
        /// `bulletin.rejected`
        BulletinRejected = "bulletin-rejected", Warn;
        /// `bulletin.withdrawn`
        BulletinWithdrawn = "bulletin-withdrawn", Warn;
        /// `bulletin.track_retried`
        BulletinTrackRetried = "bulletin-track-retried", Quiet;
        /// `consent.noted`
        ConsentNoted = "consent-noted", Quiet;
        /// `consent.withdrawn`
        ConsentWithdrawn = "consent-withdrawn", Warn;
        /// `speech_data.exported`
        SpeechDataExported = "speech-data-exported", Info;
        /// `speech_data.fetched`
        SpeechDataFetched = "speech-data-fetched", Info;
        /// `schedule.created`
        ScheduleCreated = "schedule-created", Info;
        /// `schedule.cancelled`
        ScheduleCancelled = "schedule-cancelled", Warn;
        /// `order.stop_all`
        OrderStopAll = "order-stop-all", Bad;
        /// `order.all_clear`
        OrderAllClear = "order-all-clear", Warn;
        /// `order.stop_bulletin`
        OrderStopBulletin = "order-stop-bulletin", Bad;
        /// `alert.given`
        AlertGiven = "alert-given", Bad;
        /// `alert.approved`
        AlertApproved = "alert-approved", Good;
        /// `alert.returned`
        AlertReturned = "alert-returned", Warn;
        /// `alert.cancelled`
        AlertCancelled = "alert-cancelled", Warn;
        /// `area.created`
        AreaCreated = "area-created", Quiet;
        /// `area.changed`
        AreaChanged = "area-changed", Quiet;
        /// `area.rules_changed`
        AreaRulesChanged = "area-rules-changed", Info;
        /// `area.moved`
        AreaMoved = "area-moved", Info;
        /// `area.removed`
        AreaRemoved = "area-removed", Warn;
        /// `word.added`
        WordAdded = "word-added", Quiet;
        /// `word.changed`
        WordChanged = "word-changed", Quiet;
        /// `word.removed`
        WordRemoved = "word-removed", Quiet;
        /// `calendar.added`
        CalendarAdded = "calendar-added", Quiet;
        /// `calendar.changed`
        CalendarChanged = "calendar-changed", Info;
        /// `calendar.removed`
        CalendarRemoved = "calendar-removed", Quiet;
        /// `node.created`
        NodeCreated = "node-created", Quiet;
        /// `node.changed`
        NodeChanged = "node-changed", Quiet;
        /// `node.token_issued`
        NodeTokenIssued = "node-token-issued", Info;
        /// `node.enrolled`
        NodeEnrolled = "node-enrolled", Good;
        /// `node.revoked`
        NodeRevoked = "node-revoked", Bad;
        /// `node.removed`
        NodeRemoved = "node-removed", Warn;
        /// `receipts.doubted`
        ReceiptsDoubted = "receipts-doubted", Bad;
        /// `receipts.completed`
        ReceiptsCompleted = "receipts-completed", Good;
        /// `user.created`
        UserCreated = "user-created", Quiet;
        /// `user.renamed`
        UserRenamed = "user-renamed", Quiet;
        /// `user.disabled`
        UserDisabled = "user-disabled", Warn;
        /// `user.enabled`
        UserEnabled = "user-enabled", Info;
        /// `user.link_issued`
        UserLinkIssued = "user-link-issued", Info;
        /// `user.passphrase_set`
        UserPassphraseSet = "user-passphrase-set", Info;
        /// `user.passphrase_set_by_link`
        UserPassphraseSetByLink = "user-passphrase-set-by-link", Warn;
        /// `user.role_given`
        UserRoleGiven = "user-role-given", Info;
        /// `user.role_taken`
        UserRoleTaken = "user-role-taken", Warn;
        /// `session.signed_in`
        SessionSignedIn = "session-signed-in", Quiet;
        /// `session.signed_in_by_link`
        SessionSignedInByLink = "session-signed-in-by-link", Quiet;
        /// `session.signed_out`
        SessionSignedOut = "session-signed-out", Quiet;
        /// `session.revoked`
        SessionRevoked = "session-revoked", Warn;
        /// `session.all_revoked`
        SessionAllRevoked = "session-all-revoked", Warn;
        /// A deed that the pages have no words for; they show its code.
        Other = "other", Quiet;
    }
}

impl Step {
    /// The step of a deed's code as the audit log keeps it, such as `bulletin.created`.
    #[must_use]
    pub fn of_action(action: &str) -> Self {
        Self::from_code(&action.replace(['.', '_'], "-")).unwrap_or(Self::Other)
    }
}

#[cfg(test)]
pub(super) fn every_key() -> Vec<&'static str> {
    fn keys<T: Label>(all: &[T]) -> impl Iterator<Item = &'static str> + '_ {
        all.iter().map(Label::key)
    }
    keys(Class::ALL)
        .chain(keys(Category::ALL))
        .chain(keys(BulletinState::ALL))
        .chain(keys(Role::ALL))
        .chain(keys(Link::ALL))
        .chain(keys(ClockTrust::ALL))
        .chain(keys(Foreseen::ALL))
        .chain(keys(Outcome::ALL))
        .chain(keys(DayState::ALL))
        .chain(keys(ScheduleState::ALL))
        .chain(keys(AccountState::ALL))
        .chain(keys(RepeatMode::ALL))
        .chain(keys(FindingReason::ALL))
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
        for category in loa_protocol::bulletin::Category::ALL {
            assert!(Category::from_code(category.as_str()).is_some(), "{category} has no name");
        }
        assert_eq!(Role::from_code("Admin"), None);
        assert_eq!(Step::of_action("session.signed_in_by_link"), Step::SessionSignedInByLink);
        assert_eq!(Step::of_action("moon.landed"), Step::Other);
    }
}
