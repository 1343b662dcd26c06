//! What a fleet reports at its end.

use std::time::Duration;

use serde::Serialize;

use super::figures::{Counters, Figures};

/// What a fleet did. As JSON one object, with the names of the fields.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FleetReport {
    /// Boards that were to take part.
    pub nodes: usize,
    /// How long it ran, in seconds.
    pub duration_s: f64,
    /// The figures when it was stopped.
    pub at_stop: Figures,
    /// The figures after every board had ended.
    pub at_end: Figures,
    /// Actual minus ordered instants of all sounds that began.
    pub start_error_ms: SpreadFigures,
    /// From a board's power to its control connection, and from the loss of one to the next.
    pub connect_ms: SpreadFigures,
    /// Resident memory of this process at the end, the highest it ever was, in bytes; `None` where the system does not tell.
    pub memory_bytes: Option<u64>,
    /// The same, divided by the boards.
    pub memory_bytes_per_node: Option<u64>,
}

/// A spread in numbers, in milliseconds; `None` where nothing was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SpreadFigures {
    /// How many.
    pub count: u64,
    /// Half of them are at most this.
    pub p50: Option<f32>,
    /// 9 of 10 are at most this.
    pub p90: Option<f32>,
    /// 99 of 100 are at most this.
    pub p99: Option<f32>,
    /// The largest.
    pub max: Option<f32>,
}

impl FleetReport {
    pub(super) fn new(nodes: usize, ran: Duration, at_stop: Figures, counters: &Counters) -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let memory_bytes = peak_resident_bytes(&status);
        Self {
            nodes,
            duration_s: ran.as_secs_f64(),
            at_stop,
            at_end: counters.figures(),
            start_error_ms: counters.start_errors().figures(),
            connect_ms: counters.connect_times().figures(),
            memory_bytes,
            memory_bytes_per_node: memory_bytes.and_then(|bytes| bytes.checked_div(nodes as u64)),
        }
    }
}

/// Bytes of the line `"VmHWM:\t    5180 kB"` of Linux's `/proc/self/status`.
fn peak_resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Width of a bin, in milliseconds.
const BIN_MS: f32 = 0.5;
/// Bins; what lies beyond is in the last.
const BINS: usize = 20_000;

/// Numbers of milliseconds, counted in bins of half a millisecond up to 10 s. What is below zero counts as zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    bins: Vec<u32>,
    count: u64,
    max: f32,
}

impl Spread {
    pub(super) fn add(&mut self, ms: f32) {
        let bin = ((ms.max(0.0) / BIN_MS) as usize).min(BINS - 1);
        if self.bins.len() <= bin {
            self.bins.resize(bin + 1, 0);
        }
        if let Some(count) = self.bins.get_mut(bin) {
            *count += 1;
        }
        self.max = if self.count == 0 { ms } else { self.max.max(ms) };
        self.count += 1;
    }

    /// The spread in numbers; percentiles are the upper edges of their bins, or the maximum.
    #[must_use]
    pub fn figures(&self) -> SpreadFigures {
        let is_any = self.count > 0;
        SpreadFigures {
            count: self.count,
            p50: self.percentile(50),
            p90: self.percentile(90),
            p99: self.percentile(99),
            max: is_any.then_some(self.max),
        }
    }

    fn percentile(&self, percent: u64) -> Option<f32> {
        let rank = (self.count * percent).div_ceil(100);
        let mut seen = 0;
        let bin = self.bins.iter().position(|count| {
            seen += u64::from(*count);
            seen >= rank && seen > 0
        })?;
        Some(((bin + 1) as f32 * BIN_MS).min(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_tells_its_percentiles() {
        let mut spread = Spread::default();
        assert_eq!(spread.figures(), SpreadFigures::default());
        (0..99).for_each(|_| spread.add(1.2));
        spread.add(40_000.0);
        let expected =
            SpreadFigures { count: 100, p50: Some(1.5), p90: Some(1.5), p99: Some(1.5), max: Some(40_000.0) };
        assert_eq!(spread.figures(), expected);
        spread.add(-3.0);
        assert_eq!(spread.figures().p99, Some(1.5));
        let mut even = Spread::default();
        even.add(4.0);
        assert_eq!(even.figures().p99, Some(4.0));
    }

    #[test]
    fn the_kernels_text_is_read() {
        assert_eq!(peak_resident_bytes("Name:\tx\nVmHWM:\t    5180 kB\n"), Some(5_304_320));
        assert_eq!(peak_resident_bytes(""), None);
    }
}
