//! How the board is.

use std::fs;
use std::path::Path;

use loa_node_core::Measurements;

use crate::board::Board;
use crate::cache::free_bytes;
use crate::clock::trust::Verdict;

/// Measures what can be measured.
pub(super) fn measure(
    board: &mut dyn Board,
    data_dir: &Path,
    speaker_works: Option<bool>,
    clock: &Verdict,
) -> Measurements {
    Measurements {
        uptime_s: read("/proc/uptime", parse_uptime).unwrap_or(0),
        temperature_decidegrees: board.temperature_decidegrees(),
        supply_mv: board.supply_mv(),
        memory_bytes: read("/proc/self/status", parse_resident),
        disk_free_bytes: free_bytes(data_dir).ok(),
        speaker_works,
        clock_error_ms: clock.error_ms,
        clock_ahead_ms: clock.ahead_ms,
    }
}

fn read<T>(path: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    parse(&fs::read_to_string(path).ok()?)
}

/// Whole seconds of `"350735.47 234388.90"`.
fn parse_uptime(text: &str) -> Option<u64> {
    text.split('.').next()?.parse().ok()
}

/// Bytes of the line `"VmRSS:\t    5180 kB"`.
fn parse_resident(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_texts_are_read() {
        assert_eq!(parse_uptime("350735.47 234388.90\n"), Some(350_735));
        assert_eq!(parse_resident("Name:\tx\nVmRSS:\t    5180 kB\nThreads:\t3\n"), Some(5_304_320));
        assert_eq!(parse_resident(""), None);
        assert!(read("/proc/self/status", parse_resident).is_some_and(|bytes| bytes > 0));
    }
}
