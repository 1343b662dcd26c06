//! The smallest run in which a failing seed still breaks the same rule: one node, fewer days, fewer kinds of trouble.

use super::fault::Fault;
use super::{Report, Storm};

/// Makes a failing run smaller as long as it breaks the same rule. Gives the smallest that was found, and what became of it;
/// `None` if the run does not fail.
#[must_use]
pub fn shrink(storm: &Storm, report: &Report) -> Option<(Storm, Report)> {
    let failure = report.failure.as_ref()?;
    let rule = failure.violation.rule;
    let fails = |storm: &Storm| {
        let report = storm.run(1);
        let is_same = report.failure.as_ref().is_some_and(|failure| failure.violation.rule == rule);
        is_same.then_some(report)
    };
    let alone = Storm { nodes: 1, first: failure.node, ..storm.clone() };
    let mut best = (alone.clone(), fails(&alone)?);
    loop {
        let mut is_smaller = false;
        for fault in Fault::ALL.into_iter().filter(|fault| best.0.faults.has(*fault)).collect::<Vec<_>>() {
            let fewer = Storm { faults: best.0.faults.without(fault), ..best.0.clone() };
            if let Some(report) = fails(&fewer) {
                best = (fewer, report);
                is_smaller = true;
            }
        }
        for days in 1..best.0.days {
            let shorter = Storm { days, ..best.0.clone() };
            if let Some(report) = fails(&shorter) {
                best = (shorter, report);
                is_smaller = true;
                break;
            }
        }
        if !is_smaller {
            return Some(best);
        }
    }
}
