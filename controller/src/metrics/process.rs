//! What this process takes, as Linux counts it, under the names that all programs with figures use.

use std::fs;
use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// Ticks a second in `/proc/self/stat` (proc(5), `USER_HZ`): 100 on every architecture that controllers have.
const TICKS_PER_SECOND: f64 = 100.0;

/// The figures of the process.
#[derive(Clone, Debug, Default)]
pub(super) struct Process {
    resident: Gauge,
    cpu: Counter<f64, AtomicU64>,
    files: Gauge,
}

impl Process {
    pub(super) fn register(&self, registry: &mut Registry) {
        let ours = registry.sub_registry_with_prefix("process");
        let help = "Resident memory";
        ours.register_with_unit("resident_memory", help, Unit::Bytes, self.resident.clone());
        let help = "Time on processors, user and system";
        ours.register_with_unit("cpu", help, Unit::Seconds, self.cpu.clone());
        ours.register("open_fds", "Open files and connections", self.files.clone());
    }

    /// Reads them. What the system does not tell stays as it was: elsewhere than on Linux nothing is told.
    pub(super) fn read(&self) {
        if let Some(kilobytes) =
            fs::read_to_string("/proc/self/status").ok().and_then(|text| resident_kb(&text))
        {
            self.resident.set(kilobytes.saturating_mul(1024));
        }
        if let Some(ticks) = fs::read_to_string("/proc/self/stat").ok().and_then(|text| cpu_ticks(&text)) {
            let seconds = ticks as f64 / TICKS_PER_SECOND;
            self.cpu.inner().store(seconds.to_bits(), std::sync::atomic::Ordering::Relaxed);
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            self.files.set(i64::try_from(files.count()).unwrap_or(i64::MAX));
        }
    }
}

fn resident_kb(status: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The fields after the name in brackets, in which anything may stand, begin with the third.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(field(14)? + field(15)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_read() {
        let process = Process::default();
        process.read();
        assert!(process.resident.get() > 1_000_000 && process.files.get() >= 3);
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 90 0 0 0 250 50 0 0 20 0 1 0 9 1 1";
        assert_eq!((cpu_ticks(stat), resident_kb("Name:\tx\nVmRSS:\t  12 kB\n")), (Some(300), Some(12)));
    }
}
