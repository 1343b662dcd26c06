//! Ids that staff and the database use and the wire does not know.
//!
//! All are made by the controller: UUID version 7 without hyphens, so that they sort by the time of their making.

use std::fmt;
use std::str::FromStr;

use loa_protocol::ids::{BulletinId, CalendarId, IdError, ItemId};

macro_rules! local_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// A fresh id.
            pub fn fresh() -> Self {
                Self(fresh())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                // The same alphabet as on the wire.
                BulletinId::new(text).map(|id| Self(id.as_str().to_owned()))
            }
        }
    };
}

local_id!(
    /// A person who signs in.
    UserId
);
local_id!(
    /// One language's sound of one revision of a bulletin.
    TrackId
);
local_id!(
    /// A word of an area.
    WordId
);
local_id!(
    /// An order that silences.
    OrderId
);
local_id!(
    /// A session as the user sees it in the list of sessions; not the secret in the cookie.
    SessionId
);

fn fresh() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

#[expect(clippy::expect_used, reason = "32 hex digits are an id; a test makes one")]
/// A fresh id of a bulletin.
pub fn fresh_bulletin_id() -> BulletinId {
    BulletinId::new(fresh()).expect("a UUID is an id")
}

#[expect(clippy::expect_used, reason = "32 hex digits are an id; a test makes one")]
/// A fresh id of a schedule, which is the item of every plan that carries it.
pub fn fresh_item_id() -> ItemId {
    ItemId::new(fresh()).expect("a UUID is an id")
}

#[expect(clippy::expect_used, reason = "32 hex digits are an id; a test makes one")]
/// A fresh id of a calendar.
pub fn fresh_calendar_id() -> CalendarId {
    CalendarId::new(fresh()).expect("a UUID is an id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_ids_are_ids_and_sort_by_time() {
        let ids: Vec<BulletinId> = (0..50).map(|_| fresh_bulletin_id()).collect();
        assert!(ids.is_sorted() && ids.windows(2).all(|w| w[0] != w[1]));
        assert_eq!(fresh_item_id().as_str().len(), 32);
        assert_eq!(fresh_calendar_id().as_str().len(), 32);
        assert!("../x".parse::<UserId>().is_err());
    }
}
