//! Orders that silence: given by staff, for this moment.
//!
//! **One person gives an order.** That two have to agree is for what sounds. An order plays nothing; it takes back, as a
//! withdrawal does, and a second person who has to be found first would be a minute in which a wrong voice goes on over a
//! village at midnight. It has to say why, and the log keeps who gave it.

use loa_protocol::command::{Addressee, Order};
use loa_protocol::ids::{BulletinId, NodeId};
use loa_protocol::time::UnixMs;

use super::alert::Alert;
use super::bulletin::text;
use super::ids::OrderId;
use super::message::{FieldErrors, Message};
use loa_protocol::area::AreaPath;

/// Longest reason, in characters.
pub const REASON_MAX_CHARS: usize = 300;

/// The reason that is kept where an emergency gives way to its correction; nobody typed it.
pub const CORRECTED: &str = "alert.corrected";

/// Why something was ended, as it is kept, in words for a person: what somebody typed stands as it is.
pub fn reason_words(kept: &str) -> Message {
    match kept {
        CORRECTED => {
            Message::fixed(CORRECTED, "Được thay bằng bản tin đính chính", "Replaced by its correction")
        }
        typed => Message::written("reason.typed", typed.to_owned(), typed.to_owned()),
    }
}

/// What is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderKind {
    /// End all that sounds, and all that is due and waits.
    StopAll,
    /// End all emergencies: what they interrupted may go on.
    AllClear,
    /// End one bulletin.
    StopBulletin(BulletinId),
}

impl OrderKind {
    /// The kind's word in the API and the database.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::StopAll => "stop_all",
            Self::AllClear => "all_clear",
            Self::StopBulletin(_) => "stop_bulletin",
        }
    }

    /// As it stands on the wire.
    pub fn to_order(&self) -> Order {
        match self {
            Self::StopAll => Order::StopAll,
            Self::AllClear => Order::AllClear,
            Self::StopBulletin(bulletin) => Order::StopBulletin(bulletin.clone()),
        }
    }
}

/// An order as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveOrder {
    /// Its id.
    pub id: OrderId,
    /// The area in whose name it was given.
    pub path: AreaPath,
    /// What is ordered.
    pub kind: OrderKind,
    /// Why.
    pub reason: String,
    /// When it was given.
    pub given: UnixMs,
    /// Id of who gave it, or `operator`.
    pub given_by: String,
    /// When it is over: no node obeys it from then on.
    pub expires: UnixMs,
    /// When the broker first had all of its messages; `None` while one of them has not gone out.
    pub sent: Option<UnixMs>,
    /// For whom it is.
    pub to: Vec<Addressee>,
    /// Which nodes have said that they obeyed, and when they said it.
    pub answers: Vec<(NodeId, UnixMs)>,
}

impl LiveOrder {
    /// Whether it is for a node that stands here.
    pub fn is_for(&self, node: &NodeId, path: &AreaPath) -> bool {
        self.to.iter().any(|to| match to {
            Addressee::Area(area) => path.contains(area),
            Addressee::Node(id) => id == node,
        })
    }

    /// Whether it ended what an alert sounds, somewhere: the alert was released before, and one of its areas lies in the order's or
    /// the other way round.
    pub fn has_silenced(&self, alert: &Alert) -> bool {
        let is_everything = match self.kind {
            OrderKind::StopAll | OrderKind::AllClear => true,
            OrderKind::StopBulletin(_) => false,
        };
        let own = self.path.areas();
        let touches = |path: &AreaPath| path.areas().starts_with(own) || own.starts_with(path.areas());
        is_everything
            && alert.released.is_some_and(|at| at <= self.given)
            && alert.areas.iter().any(|area| touches(&area.path))
    }
}

/// Checks why an order is given, and gives it on one line.
///
/// # Errors
/// At `reason`.
pub fn check_reason(reason: &str) -> Result<String, FieldErrors> {
    let reason = text::line(reason);
    if reason.is_empty() {
        let missing = Message::fixed(
            "order.reason_empty",
            "Hãy ghi lý do dừng phát.",
            "Say why the broadcast is to stop.",
        );
        return Err(FieldErrors::one("reason", missing));
    }
    if reason.chars().count() > REASON_MAX_CHARS || reason.chars().any(char::is_control) {
        let unusable = Message::written(
            "order.reason_unusable",
            format!("Lý do chỉ ghi một dòng, tối đa {REASON_MAX_CHARS} ký tự."),
            format!("The reason is one line of at most {REASON_MAX_CHARS} characters."),
        );
        return Err(FieldErrors::one("reason", unusable));
    }
    Ok(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_typed_is_said_in_the_language_of_the_reader() {
        let replaced = reason_words(CORRECTED);
        assert!(replaced.vi.contains("đính chính") && replaced.en.contains("correction"), "{replaced:?}");
        let typed = reason_words("Báo nhầm");
        assert_eq!((typed.vi.as_ref(), typed.en.as_ref()), ("Báo nhầm", "Báo nhầm"));
    }

    #[test]
    fn an_order_says_why() {
        assert_eq!(check_reason("  Phát nhầm  bản tin ").unwrap(), "Phát nhầm bản tin");
        for (reason, expected) in [
            (" ".to_owned(), "reason: order.reason_empty"),
            ("a".repeat(301), "reason: order.reason_unusable"),
        ] {
            assert_eq!(check_reason(&reason).unwrap_err().to_string(), expected);
        }
    }
}
