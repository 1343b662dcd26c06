//! What surrounds every page: who is signed in, what they may do, language, theme, and the outcome of the
//! last form.

use super::format::Moment;
use super::labels::Tone;
use super::text::{Lang, Msg};

/// Entry of the navigation that the page belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nav {
    /// A page outside the navigation: sign-in, errors.
    #[default]
    None,
    /// `/`
    Today,
    /// `/bulletins`
    Bulletins,
    /// `/alerts`
    Alerts,
    /// `/schedules`
    Schedules,
    /// `/areas`
    Areas,
    /// `/nodes`
    Nodes,
    /// `/heard`
    Heard,
    /// `/users`
    Users,
    /// `/audit`
    Audit,
    /// `/account`, led to by one's own name.
    Account,
}

/// An entry of the navigation: which, where, its icon, the key of its name.
pub type NavEntry = (Nav, &'static str, &'static str, &'static str);

impl Nav {
    /// What is used every day.
    pub const DAILY: [NavEntry; 5] = [
        (Self::Today, "/", "home", "nav-today"),
        (Self::Bulletins, "/bulletins", "file-music", "nav-bulletins"),
        (Self::Schedules, "/schedules", "calendar-event", "nav-schedules"),
        (Self::Heard, "/heard", "checks", "nav-heard"),
        (Self::Alerts, "/alerts", "alert-triangle", "nav-alerts"),
    ];

    /// What is set up once, and watched.
    pub const SETUP: [NavEntry; 4] = [
        (Self::Nodes, "/nodes", "speakerphone", "nav-nodes"),
        (Self::Areas, "/areas", "map-pin", "nav-areas"),
        (Self::Users, "/users", "users", "nav-users"),
        (Self::Audit, "/audit", "history", "nav-audit"),
    ];

    /// The bar at the foot of a phone.
    pub const TABS: [NavEntry; 4] = [Self::DAILY[0], Self::DAILY[1], Self::DAILY[2], Self::SETUP[0]];

    /// Whether a user who may do `can` sees the entry.
    #[must_use]
    pub fn shown_to(self, can: Can) -> bool {
        match self {
            Self::Users | Self::Audit => can.manage_users,
            Self::None
            | Self::Account
            | Self::Today
            | Self::Bulletins
            | Self::Schedules
            | Self::Alerts
            | Self::Areas
            | Self::Nodes
            | Self::Heard => true,
        }
    }
}

/// Light or dark; the cookie `theme` keeps the code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the machine prefers.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Every theme, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    /// The code in form and cookie.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Reads what [`Self::code`] gives; anything else is `None`.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.code() == code)
    }

    /// Key of the theme's name.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Auto => "theme-auto",
            Self::Light => "theme-light",
            Self::Dark => "theme-dark",
        }
    }
}

/// What the signed-in user may do anywhere at all; it decides which entries and buttons are shown. The
/// handlers check each act again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Can {
    /// Write bulletins and schedules.
    pub compose: bool,
    /// Approve and return bulletins.
    pub approve: bool,
    /// Give orders that silence.
    pub silence: bool,
    /// Add and revoke nodes.
    pub manage_nodes: bool,
    /// Add areas.
    pub manage_areas: bool,
    /// Export the speech data set.
    pub export: bool,
    /// Add users, give roles, read the audit log.
    pub manage_users: bool,
}

/// The signed-in user.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their id: what the browser keeps for them is under it.
    pub id: String,
    /// Name shown, such as `Nguyễn Thị Hạnh`.
    pub display_name: String,
    /// The area of their widest grant, such as `Xã Đưng K'Nớ`.
    pub place: String,
    /// What they may do.
    pub can: Can,
    /// Whether they have chosen a passphrase; every page invites those who have not.
    pub has_passphrase: bool,
}

/// Outcome of the form that led to this page, shown once at its top.
#[derive(Clone, Debug)]
pub struct Flash {
    /// Colour.
    pub tone: Tone,
    /// Text, from [`super::msg`].
    pub msg: Msg,
}

/// What surrounds a page.
#[derive(Clone, Debug)]
pub struct Shell {
    /// Language of the page.
    pub lang: Lang,
    /// Light or dark.
    pub theme: Theme,
    /// Token for the hidden field `csrf` of every form.
    pub csrf: String,
    /// Current entry of the navigation.
    pub here: Nav,
    /// Path and query of this page: where `/language`, `/theme` and a fresh sign-in lead back to.
    pub path: String,
    /// The server's time in the zone of the user's area; the footer says that zone.
    pub now: Moment,
    /// Who is signed in; `None` on the sign-in pages and some errors.
    pub person: Option<Person>,
    /// Outcome of the last form.
    pub flash: Option<Flash>,
    /// Bulletins that wait for this user's approval, shown beside the entry "bulletins"; 0 hides it.
    pub waiting_count: usize,
}

impl Shell {
    /// What the user may do; nothing when nobody is signed in.
    #[must_use]
    pub fn can(&self) -> Can {
        self.person.as_ref().map(|person| person.can).unwrap_or_default()
    }

    /// The query of this page, to be added to another: `&state=draft` for `/bulletins?state=draft`.
    #[must_use]
    pub fn query(&self) -> String {
        self.path.split_once('?').map(|(_, query)| format!("&{query}")).unwrap_or_default()
    }

    /// The initials of the user's last two names, for the round badge: `TH` for `Nguyễn Thị Hạnh`.
    #[must_use]
    pub fn initials(&self) -> String {
        let Some(person) = &self.person else { return String::new() };
        let words: Vec<&str> = person.display_name.split_whitespace().collect();
        let last_two = &words[words.len().saturating_sub(2)..];
        last_two.iter().filter_map(|word| word.chars().next()).flat_map(char::to_uppercase).collect()
    }
}
