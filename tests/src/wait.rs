//! Waiting for a condition, with a bound.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks until `condition` gives something, at most for `limit`.
///
/// # Errors
/// What the condition failed with, or that `what` did not come in time.
pub async fn until<T>(
    what: &str,
    limit: Duration,
    mut condition: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + limit;
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Some(found) = condition().await? {
            return Ok(found);
        }
        if Instant::now() >= end {
            bail!("{what} did not come within {} s", limit.as_secs());
        }
    }
}
