//! This machine's clock, which nodes without a time service go by.

use serde::Deserialize;

/// Whom to believe about this machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockTrust {
    /// Who says that it is synchronised (systemd-timesyncd, ntpd, chrony with `rtcsync`). While nobody does, no node goes by it.
    Synchronised,
    /// The system, whatever it says: somebody else keeps its clock right.
    System,
}

/// The clock.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClockConfig {
    /// Whom to believe about it.
    pub trust: ClockTrust,
}

impl Default for ClockConfig {
    fn default() -> Self {
        Self { trust: ClockTrust::Synchronised }
    }
}
