//! Names and passphrases of the people who sign in.

use loa_protocol::time::UnixMs;

use super::ids::{SessionId, UserId};
use super::message::Message;
use super::role::Scope;

/// Shortest passphrase, in characters. Length is what counts; no rule asks for odd characters.
pub const PASSPHRASE_MIN_CHARS: usize = 12;
/// Longest passphrase, in characters: the hash reads all of it.
pub const PASSPHRASE_MAX_CHARS: usize = 256;
/// How long after its beginning a session that was opened by a one-time link may set a passphrase without giving the old
/// one: whoever lost it has just proved who they are, and a browser left open for longer has not.
pub const LINK_SETS_PASSPHRASE_MS: i64 = 15 * 60_000;

/// A person who signs in, as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// The name by which they sign in.
    pub login: String,
    /// Their own name: `Nguyễn Thị Lan`.
    pub display_name: String,
    /// The place whose administrators look after them.
    pub home: Scope,
    /// Whether they have chosen a passphrase.
    pub has_passphrase: bool,
    /// Since when they may not sign in.
    pub disabled: Option<UnixMs>,
    /// When they were entered.
    pub created: UnixMs,
}

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its name in the list of sessions; not the secret in the cookie.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// When it began.
    pub created: UnixMs,
    /// When it was last used, to the minute.
    pub seen: UnixMs,
    /// When it ends, whatever its use.
    pub expires: UnixMs,
    /// The network address at which it began.
    pub address: Option<String>,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
    /// Whether a one-time link opened it, and no passphrase has been set in it.
    pub by_link: bool,
}

impl Session {
    /// Whether it has ended: by its age, or because nobody used it for `idle_ms`.
    pub fn is_over(&self, now: UnixMs, idle_ms: i64) -> bool {
        self.expires <= now || now.since(self.seen) > idle_ms
    }

    /// Until when it may set a passphrase without giving the old one; `None` when it may not, or no longer.
    pub fn sets_passphrase_until(&self, now: UnixMs) -> Option<UnixMs> {
        let until = self.created + LINK_SETS_PASSPHRASE_MS;
        (self.by_link && now < until).then_some(until)
    }
}

/// The name by which a person signs in: 2 to 40 of `a-z 0-9 . _ -`, capitals folded.
///
/// # Errors
/// What is wrong.
pub fn check_login(name: &str) -> Result<String, Message> {
    let name = name.trim().to_lowercase();
    let fits = (2..=40).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b));
    if fits {
        return Ok(name);
    }
    Err(Message::fixed(
        "login.invalid",
        "Tên đăng nhập gồm 2 đến 40 chữ cái không dấu, chữ số, dấu chấm hoặc gạch nối. Ví dụ: lan.nguyen.",
        "A sign-in name has 2 to 40 plain letters, digits, dots or hyphens, such as lan.nguyen.",
    ))
}

/// Whether a passphrase is worth anything.
///
/// # Errors
/// What is wrong.
pub fn check_passphrase(passphrase: &str, login: &str) -> Result<(), Message> {
    let length = passphrase.chars().count();
    if length < PASSPHRASE_MIN_CHARS {
        return Err(Message::written(
            "passphrase.too_short",
            format!("Mật khẩu cần ít nhất {PASSPHRASE_MIN_CHARS} ký tự; một câu ngắn dễ nhớ là tốt nhất."),
            format!(
                "A passphrase needs at least {PASSPHRASE_MIN_CHARS} characters; a short sentence is best."
            ),
        ));
    }
    if length > PASSPHRASE_MAX_CHARS {
        return Err(Message::written(
            "passphrase.too_long",
            format!("Mật khẩu dài quá {PASSPHRASE_MAX_CHARS} ký tự."),
            format!("The passphrase is longer than {PASSPHRASE_MAX_CHARS} characters."),
        ));
    }
    let lower = passphrase.to_lowercase();
    let mut distinct: Vec<char> = lower.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < 5 || lower.replace(login, "").chars().count() < PASSPHRASE_MIN_CHARS / 2 {
        return Err(Message::fixed(
            "passphrase.too_simple",
            "Mật khẩu quá dễ đoán: lặp ký tự hoặc trùng tên đăng nhập.",
            "The passphrase is too easy to guess: repeated characters, or the sign-in name.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_passphrases_are_checked() {
        assert_eq!(check_login(" Lan.Nguyen "), Ok("lan.nguyen".to_owned()));
        for bad in ["", "a", "a b c", "lân", "x/../y", &"a".repeat(41)] {
            assert_eq!(check_login(bad).unwrap_err().code, "login.invalid", "{bad:?}");
        }
        assert_eq!(check_passphrase("suối chảy qua bản", "lan"), Ok(()));
        for (bad, code) in [
            ("ngắn quá", "passphrase.too_short"),
            ("aaaaaaaaaaaaaaaaaaa", "passphrase.too_simple"),
            ("lan.nguyenlan.nguyen", "passphrase.too_simple"),
        ] {
            assert_eq!(check_passphrase(bad, "lan.nguyen").unwrap_err().code, code);
        }
        assert_eq!(check_passphrase(&"abcdef ".repeat(60), "lan").unwrap_err().code, "passphrase.too_long");
    }
}
