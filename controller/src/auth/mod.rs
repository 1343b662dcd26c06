//! Secrets of people: passphrases, tokens, and the brake on guessing them.

pub mod passphrase;
pub mod throttle;
pub mod token;
