//! Documents that were refused and may be right later.

use loa_protocol::area::AreaPath;
use loa_protocol::envelope::{Refusal, valid_from};
use loa_protocol::keys::KeySet;
use loa_protocol::time::UnixMs;

/// An envelope that may verify later.
#[derive(Debug)]
pub(super) struct Deferred {
    pub(super) envelope: Vec<u8>,
    /// Place and instant of its application, when it comes from the store.
    pub(super) stored: Option<(AreaPath, UnixMs)>,
    pub(super) wait: Wait,
}

/// What a deferred document waits for. Each waits for another key set and another place, too.
#[derive(Debug)]
pub(super) enum Wait {
    /// That and nothing else: no clock makes it right.
    Key,
    /// The wall clock to show this.
    Wall(UnixMs),
    /// A clock that is set right.
    Clock,
}

impl Wait {
    /// What a document waits for that was refused for this.
    pub(super) fn after(refusal: Refusal, envelope: &[u8], keys: Option<&KeySet>) -> Self {
        if refusal == Refusal::UnknownKey {
            Self::Key
        } else if refusal == Refusal::NotYetValid {
            valid_from(envelope, keys).map_or(Self::Clock, Self::Wall)
        } else {
            Self::Clock
        }
    }

    pub(super) fn is_over(&self, wall: UnixMs) -> bool {
        match self {
            Self::Key => false,
            Self::Wall(at) => *at <= wall,
            Self::Clock => true,
        }
    }
}
