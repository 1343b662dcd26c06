//! What the system says of its clock.

use std::path::Path;
use std::time::Duration;

use loa_protocol::time::UnixMs;
use rtime_clock::adjtime::{Timex, adjtimex};
use rustix::time::{ClockId, clock_gettime};

/// `TIME_ERROR` of `adjtimex(2)`: the clock is not synchronised.
const TIME_ERROR: i32 = 5;

/// Whether the system's clock is kept right by somebody who knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncView {
    /// Somebody keeps it right.
    pub is_synchronised: bool,
    /// By how much it may be wrong all the same, in milliseconds.
    pub error_ms: u64,
}

impl SyncView {
    /// Asks the kernel, which hears from every time service (systemd-timesyncd, ntpd, chrony with `rtcsync`, a container's
    /// host) and takes back its word 16 s of possible error after the last, which is some nine hours. Where it may not be
    /// asked, what systemd-timesyncd leaves in `/run` says the same.
    #[must_use]
    pub fn of_system() -> Self {
        Self::of(Path::new("/"), ask_kernel())
    }

    fn of(root: &Path, kernel: std::io::Result<Self>) -> Self {
        kernel.unwrap_or_else(|error| {
            tracing::debug!(%error, "the kernel does not tell whether its clock is synchronised");
            let is_synchronised = root.join("run/systemd/timesync/synchronized").exists();
            Self { is_synchronised, error_ms: 1_000 }
        })
    }
}

fn ask_kernel() -> std::io::Result<SyncView> {
    let mut timex = Timex::new();
    let state = adjtimex(&mut timex)?;
    let error_us = u64::try_from(timex.0.maxerror).unwrap_or(0);
    Ok(SyncView { is_synchronised: state != TIME_ERROR, error_ms: error_us.div_ceil(1_000) })
}

/// One run of the system, from power-on to power-off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// Which; empty where the kernel gives no name, which is then no boot of which anything is known.
    pub id: String,
    /// The clock's time by the battery-backed chip from which the kernel set it at the boot; `None` without one.
    pub battery_clock: Option<UnixMs>,
}

impl Boot {
    /// Looks at this machine.
    #[must_use]
    pub fn of_system() -> Self {
        Self::below(Path::new("/"))
    }

    fn below(root: &Path) -> Self {
        let read =
            |path: &str| std::fs::read_to_string(root.join(path)).ok().map(|text| text.trim().to_owned());
        Self {
            id: read("proc/sys/kernel/random/boot_id").unwrap_or_default(),
            battery_clock: battery_clock(root),
        }
    }

    /// What that chip says at this moment, to the second.
    #[must_use]
    pub fn battery_clock_now() -> Option<UnixMs> {
        battery_clock(Path::new("/"))
    }

    /// How long this boot has lasted, suspended or not, in milliseconds.
    #[must_use]
    pub fn elapsed_ms() -> u64 {
        u64::try_from(elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The same in nanoseconds.
    #[must_use]
    pub fn elapsed_ns() -> i64 {
        i64::try_from(elapsed().as_nanos()).unwrap_or(i64::MAX)
    }
}

fn elapsed() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default()
}

fn battery_clock(root: &Path) -> Option<UnixMs> {
    let read = |path: &str| std::fs::read_to_string(root.join("sys/class/rtc/rtc0").join(path)).ok();
    let is_used = read("hctosys").is_some_and(|text| text.trim() == "1");
    let says_s = read("since_epoch").and_then(|text| text.trim().parse().ok());
    says_s.filter(|_| is_used).map(UnixMs::from_seconds)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_kernel_has_the_first_word_and_the_time_service_the_second() {
        let silent = || Err(std::io::ErrorKind::PermissionDenied.into());
        let said = root(&[("run/systemd/timesync/synchronized", "")]);
        let unsaid = root(&[("run/systemd/timesync/other", "")]);
        assert!(SyncView::of(said.path(), silent()).is_synchronised);
        assert!(!SyncView::of(unsaid.path(), silent()).is_synchronised);
        let no = SyncView { is_synchronised: false, error_ms: 16_000 };
        assert_eq!(SyncView::of(said.path(), Ok(no)), no, "it was synchronised, long ago");
    }

    #[test]
    fn this_kernel_answers() {
        let view = ask_kernel().unwrap();
        assert!(view.is_synchronised || view.error_ms > 0, "{view:?}");
        assert!(Boot::elapsed_ms() > 0);
        assert_ne!(Boot::of_system().id, "");
    }

    #[test]
    fn a_clock_chip_counts_only_where_the_kernel_used_it() {
        let id = ("proc/sys/kernel/random/boot_id", "b-1\n");
        let epoch = ("sys/class/rtc/rtc0/since_epoch", "1700000000\n");
        let (used, unused) = (("sys/class/rtc/rtc0/hctosys", "1\n"), ("sys/class/rtc/rtc0/hctosys", "0\n"));
        let battery = |files: &[(&str, &str)]| Boot::below(root(files).path()).battery_clock;
        assert_eq!(battery(&[id, epoch, used]), Some(UnixMs(1_700_000_000_000)));
        assert_eq!(battery(&[id, epoch, unused]), None);
        assert_eq!(battery(&[id, used]), None);
        assert_eq!(Boot::below(root(&[id]).path()), Boot { id: "b-1".to_owned(), battery_clock: None });
    }
}
