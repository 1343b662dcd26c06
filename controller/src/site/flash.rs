//! The outcome of a form, carried over the redirect that follows it in a cookie that one page uses up.
//!
//! Only keys of this list are shown: whoever could write the cookie still chooses among our own words.

use axum::http::HeaderValue;

use super::reader::cookie;
use crate::pages::labels::Tone;
use crate::pages::{Flash, Msg, msg};

/// Name of the cookie.
pub(super) const COOKIE: &str = "flash";
/// The redirect follows at once.
const MAX_AGE_S: u64 = 60;

const KEYS: [&str; 26] = [
    msg::SAVED,
    msg::REVISION_SAVED,
    msg::SUBMITTED,
    msg::APPROVED,
    msg::REJECTED,
    msg::WITHDRAWN,
    msg::TRACK_ADDED,
    msg::TRACK_REMOVED,
    msg::CONSENT_NOTED,
    msg::CONSENT_WITHDRAWN,
    msg::SCHEDULED,
    msg::SCHEDULE_CANCELLED,
    msg::ROLE_GIVEN,
    msg::ROLE_TAKEN,
    msg::USER_DISABLED,
    msg::USER_ENABLED,
    msg::PASSPHRASE_SET,
    msg::SESSION_ENDED,
    msg::WELCOME,
    msg::SIGNED_OUT,
    msg::EXPORT_BEGUN,
    msg::ORDER_GIVEN,
    msg::ALERT_GIVEN,
    msg::ALERT_APPROVED,
    msg::ALERT_ENDED,
    msg::TEMPLATE_BEGUN,
];
const NAMED_KEYS: [&str; 8] = [
    msg::AREA_ADDED,
    msg::AREA_SAVED,
    msg::AREA_RULES_SAVED,
    msg::NODE_REVOKED,
    msg::WORD_KEPT,
    msg::WORD_REMOVED,
    msg::CALENDAR_KEPT,
    msg::CALENDAR_REMOVED,
];

/// The cookie of an outcome without words of its own.
pub(super) fn plain(key: &'static str, secure: bool) -> HeaderValue {
    debug_assert!(KEYS.contains(&key), "{key} would not be read again");
    cookie(COOKIE, key, MAX_AGE_S, secure)
}

/// The cookie of an outcome that names something (`x`).
pub(super) fn named(key: &'static str, name: &str, secure: bool) -> HeaderValue {
    debug_assert!(NAMED_KEYS.contains(&key), "{key} would not be read again");
    let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    cookie(COOKIE, &format!("{key}:{name}"), MAX_AGE_S, secure)
}

/// The cookie of an outcome with a number (`n`).
pub(super) fn numbered(key: &'static str, number: u32, secure: bool) -> HeaderValue {
    debug_assert!(KEYS.contains(&key), "{key} would not be read again");
    cookie(COOKIE, &format!("{key}:{number}"), MAX_AGE_S, secure)
}

/// Reads what the other functions wrote; anything else is nothing.
pub(super) fn read(value: &str) -> Option<Flash> {
    let (key, rest) = value.split_once(':').unwrap_or((value, ""));
    let known = |keys: &[&'static str]| keys.iter().copied().find(|known| *known == key);
    let msg = if let Some(key) = known(&NAMED_KEYS) {
        let (name, _) = form_urlencoded::parse(rest.as_bytes()).next()?;
        Msg::new(key).with("x", name)
    } else {
        let key = known(&KEYS)?;
        match rest.parse::<u32>() {
            Ok(number) if key == msg::REVISION_SAVED => Msg::new(key).with_number("n", i64::from(number)),
            _ if key == msg::REVISION_SAVED => return None,
            _ => Msg::new(key),
        }
    };
    Some(Flash { tone: Tone::Good, msg })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Lang;

    fn value(header: &HeaderValue) -> String {
        header.to_str().unwrap().split([';', '=']).nth(1).unwrap().to_owned()
    }

    #[test]
    fn outcomes_come_back_and_nothing_else_does() {
        let named = named(msg::AREA_ADDED, "Thôn 3; Păng Tiêng=1", false);
        let text = read(&value(&named)).unwrap().msg.text(Lang::Vi);
        assert_eq!(text, "Đã thêm địa bàn “Thôn 3; Păng Tiêng=1”.");
        let numbered = numbered(msg::REVISION_SAVED, 2, true);
        assert!(read(&value(&numbered)).unwrap().msg.text(Lang::Vi).contains("lần 2"));
        assert!(read(&value(&plain(msg::SUBMITTED, false))).is_some());
        for other in ["", "nav-today", "done-revision-saved", "problem-internal:x"] {
            assert!(read(other).is_none(), "{other:?}");
        }
    }
}
