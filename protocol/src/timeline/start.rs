//! When an item starts.

use chrono_tz::Tz;
use minicbor::{Decode, Encode};

use super::cron::CronPattern;
use crate::time::UnixMs;

/// When an item starts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Start {
    /// Once, at this instant.
    #[n(0)]
    At(#[n(0)] UnixMs),
    /// Repeatedly, by a five-field pattern on local wall-clock time.
    #[n(1)]
    Cron(#[n(0)] CronPattern),
}

impl Start {
    /// The first start after `after` (not at it), `None` when there is none.
    pub fn next_after(&self, zone: Tz, after: UnixMs) -> Option<UnixMs> {
        match self {
            Self::At(instant) => Some(*instant).filter(|i| *i > after),
            Self::Cron(pattern) => pattern.next_after(zone, after),
        }
    }

    /// The starts after `after`, ascending.
    pub fn starts_after(&self, zone: Tz, after: UnixMs) -> impl Iterator<Item = UnixMs> + '_ {
        let (once, repeated) = match self {
            Self::At(instant) => (Some(*instant).filter(|i| *i > after), None),
            Self::Cron(pattern) => (None, Some(pattern.starts_after(zone, after))),
        };
        once.into_iter().chain(repeated.into_iter().flatten())
    }
}
