//! Waking the tasks that act on what services wrote.
//!
//! A nudge carries nothing: the task looks at the database. Many nudges before it looks are one; a nudge while it works
//! is kept until it is done. Tasks also wake periodically, so a nudge that is lost with the program costs time only.

use std::sync::Arc;

use tokio::sync::Notify;

/// Wakes one task.
#[derive(Debug, Clone, Default)]
pub struct Nudge(Arc<Notify>);

impl Nudge {
    /// Wakes the task, or lets its next wait end at once.
    pub fn wake(&self) {
        self.0.notify_one();
    }

    /// Waits for a nudge. One task waits on one nudge: several would share the wakings.
    pub async fn woken(&self) {
        self.0.notified().await;
    }
}

/// One nudge for each kind of work.
#[derive(Debug, Clone, Default)]
pub struct Nudges {
    /// A sound is to be made.
    pub speech: Nudge,
    /// Something that plans are made of has changed.
    pub plans: Nudge,
    /// Who may connect has changed.
    pub access: Nudge,
    /// An order that silences was given.
    pub orders: Nudge,
    /// An emergency was released or stopped, or its sounds are made.
    pub alerts: Nudge,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nudges_before_the_wait_are_one_waking() {
        let nudge = Nudge::default();
        nudge.wake();
        nudge.wake();
        nudge.woken().await;
        let second = tokio::time::timeout(std::time::Duration::ZERO, nudge.woken()).await;
        assert!(second.is_err(), "the second nudge was merged into the first");
    }
}
