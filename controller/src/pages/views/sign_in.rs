//! Signing in, and the landing of a one-time link.

use askama::Template;

use crate::pages::filters;
use crate::pages::form::Errors;
use crate::pages::format::Moment;
use crate::pages::shell::Shell;

/// `GET /sign-in`, and the answer (422, 429) to a refused `POST /sign-in`.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    /// Surroundings; `person` is `None`.
    pub shell: Shell,
    /// The form.
    pub form: SignInForm,
}

/// Fields `login`, `passphrase` (never given back), `next`.
#[derive(Clone, Debug, Default)]
pub struct SignInForm {
    /// Sign-in name as typed.
    pub login: String,
    /// Path to go to afterwards; the handler accepts paths of this site only.
    pub next: String,
    /// Errors of `login`, `passphrase`; `""` for a refused pair, which must not tell which was wrong.
    pub errors: Errors,
}

/// `GET /welcome/{token}`, and the answer to a refused `POST /welcome/{token}`. Opening it uses nothing up: link
/// previews and virus scanners open links too. Only the POST does.
#[derive(Clone, Debug, Template)]
#[template(path = "welcome.html")]
pub struct WelcomePage {
    /// Surroundings; `person` is `None`.
    pub shell: Shell,
    /// What the link offers.
    pub link: WelcomeLink,
}

/// What a one-time link offers.
#[derive(Clone, Debug)]
pub enum WelcomeLink {
    /// A usable link.
    Valid {
        /// The token, for the form's address.
        token: String,
        /// Name shown of the user it signs in.
        display_name: String,
        /// Their sign-in name, which they need from then on.
        login: String,
        /// When the link expires.
        expires_at: Moment,
        /// Whether a passphrase is to be set (fields `passphrase`, `passphrase_again`).
        sets_passphrase: bool,
        /// Shortest passphrase allowed, characters.
        min_length: usize,
        /// Errors of `passphrase`, `passphrase_again`.
        errors: Errors,
    },
    /// Used, expired or never issued; the page doesn't tell which.
    Gone,
}
