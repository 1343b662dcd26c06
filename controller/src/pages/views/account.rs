//! One's own account: the passphrase, and where one is signed in.

use askama::Template;

use crate::pages::filters;
use crate::pages::form::Errors;
use crate::pages::format::Moment;
use crate::pages::shell::Shell;

/// `GET /account`, and the answer (422, 429) to a refused `POST /account/passphrase`.
#[derive(Clone, Debug, Template)]
#[template(path = "account.html")]
pub struct AccountPage {
    /// Surroundings.
    pub shell: Shell,
    /// Sign-in name, for the browser that keeps passphrases.
    pub login: String,
    /// Whether a passphrase is set.
    pub has_passphrase: bool,
    /// Until when a new passphrase is taken without the old one, in a session that a one-time link opened.
    pub by_link_until: Option<Moment>,
    /// Shortest passphrase allowed, characters.
    pub min_length: usize,
    /// Open sessions, the latest begun first.
    pub sessions: Vec<SessionRow>,
    /// Errors of `current`, `passphrase`, `passphrase_again`; passphrases are never given back.
    pub errors: Errors,
}

impl AccountPage {
    /// Whether the form asks for the old passphrase.
    #[must_use]
    pub fn asks_current(&self) -> bool {
        self.has_passphrase && self.by_link_until.is_none()
    }
}

/// A browser in which one is signed in.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// Session.
    pub id: String,
    /// Whether it is the one that asks; it is ended by signing out.
    pub current: bool,
    /// Browser and system, such as `Chrome · Windows`; empty when the browser does not tell.
    pub device: String,
    /// Network address at which it began.
    pub address: Option<String>,
    /// When it began.
    pub begun_at: Moment,
    /// When it was last used, to the minute.
    pub seen_at: Moment,
}
