//! What a process takes, as Linux counts it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::{Instant, interval};

/// Ticks a second in `/proc/PID/stat` (proc(5), `USER_HZ`): 100 on every architecture that boards have.
const TICKS_PER_SECOND: f64 = 100.0;
/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What a process took while it was watched.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Most resident memory, in bytes, pages shared with others counted wholly.
    pub(crate) rss_bytes: u64,
    /// Most resident memory, in bytes, each shared page counted by its share.
    pub(crate) pss_bytes: u64,
    /// Time on a processor, in percent of one core.
    pub(crate) cpu_percent: f64,
}

/// Watches a process.
///
/// # Errors
/// When it ends meanwhile.
pub(crate) async fn watch(id: u32, time: Duration) -> Result<Usage> {
    let (began, ticks) = (Instant::now(), cpu_ticks(id)?);
    let mut usage = Usage::default();
    let mut looks = interval(LOOK_EVERY);
    while began.elapsed() < time {
        looks.tick().await;
        usage.rss_bytes = usage.rss_bytes.max(kilobytes(&format!("/proc/{id}/status"), "VmRSS:")? * 1024);
        usage.pss_bytes = usage.pss_bytes.max(kilobytes(&format!("/proc/{id}/smaps_rollup"), "Pss:")? * 1024);
    }
    let seconds = (cpu_ticks(id)? - ticks) as f64 / TICKS_PER_SECOND;
    usage.cpu_percent = seconds / began.elapsed().as_secs_f64() * 100.0;
    Ok(usage)
}

/// Time of all its threads on processors so far, user and system.
fn cpu_ticks(id: u32) -> Result<u64> {
    let path = format!("/proc/{id}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    // The second field is the name in brackets, in which anything may stand.
    let (_, fields) = stat.rsplit_once(')').with_context(|| format!("{path} has a name in brackets"))?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let field = |number: usize| -> Result<u64> {
        let text = fields.get(number - 3).with_context(|| format!("{path} has {number} fields"))?;
        text.parse().with_context(|| format!("field {number} of {path}"))
    };
    Ok(field(14)? + field(15)?)
}

fn kilobytes(path: &str, name: &str) -> Result<u64> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).with_context(|| format!("{path} has no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn this_process_is_measured() {
        let usage = watch(std::process::id(), Duration::from_millis(100)).await.unwrap();
        assert!(usage.rss_bytes > 1_000_000 && usage.pss_bytes <= usage.rss_bytes, "{usage:?}");
        assert!((0.0..=1_000.0).contains(&usage.cpu_percent), "{usage:?}");
    }
}
