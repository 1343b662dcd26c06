//! What was typed when the session had ended: kept until its author has signed in again.
//!
//! Bounded in number, size and time; when it is full, the oldest goes. The key is a secret of 256 random bits, given to
//! that one browser.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use loa_protocol::time::UnixMs;

use super::fields::Fields;
use crate::auth::token::{RandomError, Token};

/// Forms that are kept.
const FORMS_MAX: usize = 64;
/// Largest form that is kept, in bytes: a text of the greatest length, and all around it.
const FORM_MAX_BYTES: usize = 256 * 1024;
/// How long, in milliseconds: an hour.
const KEPT_MS: i64 = 3_600_000;

/// Forms whose author has to sign in again.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<VecDeque<(String, UnixMs, Fields)>>);

impl Kept {
    /// Keeps a form and gives its key; `None` for one that is too large.
    pub(super) fn keep(&self, fields: Fields, now: UnixMs) -> Result<Option<String>, RandomError> {
        if fields.size_bytes() > FORM_MAX_BYTES {
            return Ok(None);
        }
        let key = Token::fresh()?.reveal().to_owned();
        let mut forms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        forms.retain(|(_, at, _)| now.since(*at) < KEPT_MS);
        if forms.len() == FORMS_MAX {
            forms.pop_front();
        }
        forms.push_back((key.clone(), now, fields));
        Ok(Some(key))
    }

    /// The form of a key, as often as its page is loaded.
    pub(super) fn get(&self, key: &str, now: UnixMs) -> Option<Fields> {
        let mut forms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        forms.retain(|(_, at, _)| now.since(*at) < KEPT_MS);
        forms.iter().find(|(known, _, _)| known == key).map(|(_, _, fields)| fields.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Fields {
        let mut fields = Fields::default();
        fields.push("text", text);
        fields
    }

    #[test]
    fn a_form_is_kept_for_an_hour_and_the_oldest_goes_first() {
        let kept = Kept::default();
        let key = kept.keep(form("mưa"), UnixMs(0)).unwrap().unwrap();
        assert_eq!(kept.get(&key, UnixMs(KEPT_MS - 1)), Some(form("mưa")));
        assert_eq!(kept.get("", UnixMs(0)), None);
        assert_eq!(kept.get(&key, UnixMs(KEPT_MS)), None);
        let first = kept.keep(form("a"), UnixMs(0)).unwrap().unwrap();
        for _ in 0..FORMS_MAX {
            kept.keep(form("b"), UnixMs(0)).unwrap();
        }
        assert_eq!(kept.get(&first, UnixMs(0)), None);
        assert_eq!(kept.keep(form(&"x".repeat(FORM_MAX_BYTES)), UnixMs(0)).unwrap(), None);
    }
}
