//! What this machine's own clock is worth.
//!
//! A node asks the kernel the same of its board (`loa-node`), and neither program may depend on the other.

use std::path::Path;

use rtime_clock::adjtime::{Timex, adjtimex};

use crate::config::ClockTrust;

/// `TIME_ERROR` of `adjtimex(2)`: the clock is not synchronised.
const TIME_ERROR: i32 = 5;
/// By how much a clock may be wrong that is said to be right by somebody who does not say how right, in milliseconds.
const SAID_ERROR_MS: u32 = 500;

/// Whom to believe about this machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct OwnClock(pub ClockTrust);

impl OwnClock {
    /// By how much it may be wrong at this moment, in milliseconds; `None` where nobody keeps it right.
    pub(super) fn error_ms(self) -> Option<u32> {
        match self.0 {
            ClockTrust::System => Some(SAID_ERROR_MS),
            ClockTrust::Synchronised => kept(Path::new("/"), ask_kernel()),
        }
    }
}

/// The kernel hears from every time service; where it may not be asked, what systemd-timesyncd leaves in `/run` says the same.
fn kept(root: &Path, kernel: std::io::Result<Option<u32>>) -> Option<u32> {
    kernel.unwrap_or_else(|error| {
        tracing::debug!(%error, "the kernel does not tell whether its clock is synchronised");
        root.join("run/systemd/timesync/synchronized").exists().then_some(SAID_ERROR_MS)
    })
}

fn ask_kernel() -> std::io::Result<Option<u32>> {
    let mut timex = Timex::new();
    let state = adjtimex(&mut timex)?;
    let error_us = u32::try_from(timex.0.maxerror).unwrap_or(u32::MAX);
    Ok((state != TIME_ERROR).then(|| error_us.div_ceil(1_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_has_the_first_word_and_the_time_service_the_second() {
        let silent = || Err(std::io::ErrorKind::PermissionDenied.into());
        let root = tempfile::tempdir().unwrap();
        assert_eq!(kept(root.path(), silent()), None);
        std::fs::create_dir_all(root.path().join("run/systemd/timesync")).unwrap();
        std::fs::write(root.path().join("run/systemd/timesync/synchronized"), "").unwrap();
        assert_eq!(kept(root.path(), silent()), Some(SAID_ERROR_MS));
        assert_eq!(kept(root.path(), Ok(None)), None, "it was synchronised, long ago");
        assert_eq!(kept(root.path(), Ok(Some(7))), Some(7));
        assert!(ask_kernel().is_ok());
        assert_eq!(OwnClock(ClockTrust::System).error_ms(), Some(SAID_ERROR_MS));
    }
}
