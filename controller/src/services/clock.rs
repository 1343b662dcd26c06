//! The one place where services learn the time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::Utc;
use loa_protocol::time::UnixMs;

/// The machine's clock, or one that a test sets. Cheap to clone; clones of a set clock move together.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    Machine,
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn machine() -> Self {
        Self(Source::Machine)
    }

    /// A clock that stands until it is moved.
    pub fn set_to(instant: UnixMs) -> Self {
        Self(Source::Set(Arc::new(AtomicI64::new(instant.0))))
    }

    /// The instant.
    pub fn now(&self) -> UnixMs {
        match &self.0 {
            Source::Machine => Utc::now().into(),
            Source::Set(ms) => UnixMs(ms.load(Ordering::SeqCst)),
        }
    }

    /// Moves a clock that was set; the machine's clock does not move for anybody.
    pub fn advance(&self, ms: i64) {
        if let Source::Set(instant) = &self.0 {
            instant.fetch_add(ms, Ordering::SeqCst);
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
