//! Whether the system's clock has been set by somebody who knows.
//!
//! The kernel would tell by `adjtimex(2)`, for which there is no safe wrapper among our dependencies; what
//! systemd-timesyncd leaves in `/run` says the same. Under another time service (chrony, a container's host) nothing can
//! be known, and the clock is believed as long as it is above the floor.

use std::path::Path;

use loa_protocol::report::ClockTrust;

/// What the system says of its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncView {
    /// The time service has set the clock since boot.
    pub synchronized: bool,
    /// systemd-timesyncd runs here, so `synchronized` means something.
    pub has_service: bool,
    /// The kernel set the clock from a clock chip at boot.
    pub has_battery_clock: bool,
}

impl SyncView {
    /// Looks at this machine.
    #[must_use]
    pub fn of_system() -> Self {
        Self::below(Path::new("/"))
    }

    /// Looks at the machine whose root folder this is.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        let hctosys = std::fs::read_to_string(root.join("sys/class/rtc/rtc0/hctosys"));
        Self {
            synchronized: root.join("run/systemd/timesync/synchronized").exists(),
            has_service: root.join("run/systemd/timesync").exists(),
            has_battery_clock: hctosys.is_ok_and(|text| text.trim() == "1"),
        }
    }
}

/// How far a clock can be believed.
///
/// | Clock | Trust |
/// |---|---|
/// | below the floor | unknown: it was reset |
/// | set by the time service since boot | trusted |
/// | not set yet, but kept by a clock chip through the reboot | holdover |
/// | not set yet, no clock chip | unknown: it stood still while the board was off |
/// | no time service that could tell | trusted |
#[must_use]
pub fn trust(view: SyncView, above_floor: bool) -> ClockTrust {
    match view {
        _ if !above_floor => ClockTrust::Unknown,
        SyncView { synchronized: true, .. } | SyncView { has_service: false, .. } => ClockTrust::Trusted,
        SyncView { has_battery_clock: true, .. } => ClockTrust::Holdover,
        SyncView { has_battery_clock: false, .. } => ClockTrust::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn on(files: &[(&str, &str)]) -> ClockTrust {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        trust(SyncView::below(root.path()), true)
    }

    #[test]
    fn each_line_of_the_table() {
        let folder = ("run/systemd/timesync/other", "");
        let synced = ("run/systemd/timesync/synchronized", "");
        let chip = ("sys/class/rtc/rtc0/hctosys", "1\n");
        let dead_chip = ("sys/class/rtc/rtc0/hctosys", "0\n");
        assert_eq!(on(&[]), ClockTrust::Trusted);
        assert_eq!(on(&[synced]), ClockTrust::Trusted);
        assert_eq!(on(&[folder, chip]), ClockTrust::Holdover);
        assert_eq!(on(&[folder]), ClockTrust::Unknown);
        assert_eq!(on(&[folder, dead_chip]), ClockTrust::Unknown);
        let view = SyncView { synchronized: true, has_service: true, has_battery_clock: true };
        assert_eq!(trust(view, false), ClockTrust::Unknown);
    }
}
