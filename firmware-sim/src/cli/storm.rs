//! `loa-firmware-sim storm`.

use std::time::Instant;

use clap::Args;
use loa_firmware_sim::storm::{Faults, Report, Storm, shrink};

/// The shipped node core through days of trouble in seconds of virtual time. Exits with 1 where a rule is broken, and prints
/// the smallest run that breaks it.
#[derive(Debug, Args)]
pub(crate) struct StormArgs {
    /// Where all chance comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds, from --seed on.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// How many nodes.
    #[arg(long, default_value_t = 20)]
    nodes: usize,
    /// Number of the first node.
    #[arg(long, default_value_t = 0)]
    first: usize,
    /// Days of trouble.
    #[arg(long, default_value_t = 3)]
    days: u32,
    /// What may go wrong: `all`, `none`, or kinds with commas between them.
    #[arg(long, default_value_t = Faults::all())]
    faults: Faults,
    /// How many of a failing node's last events are told.
    #[arg(long, default_value_t = 60)]
    events: usize,
    /// Leaves a failing run as it is.
    #[arg(long)]
    no_shrink: bool,
}

impl StormArgs {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let threads = std::thread::available_parallelism().map_or(1, Into::into);
        let begun = Instant::now();
        let Self { seed, seeds, nodes, first, days, faults, events, no_shrink } = self;
        let mut total = Total::default();
        for seed in seed..seed.saturating_add(seeds) {
            let storm = Storm { seed, nodes, first, days, faults: faults.clone() };
            let report = storm.run(threads);
            total.add(&report);
            if seeds == 1 || report.failure.is_some() {
                tell(&storm, &report, events);
            }
            if report.failure.is_some() {
                let smallest = if no_shrink { None } else { shrink::shrink(&storm, &report) };
                if let Some((storm, report)) = smallest {
                    println!("\nThe smallest run that breaks the same rule:");
                    tell(&storm, &report, events);
                }
                anyhow::bail!("seed {seed} breaks a rule");
            }
        }
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{seeds} seeds, {nodes} nodes, {days} days each: no rule broken. {} events, {} starts of the program, {} sounds, {} \
             receipts, {} outcomes predicted, {seconds:.1} s",
            total.events, total.boots, total.sounds, total.receipts, total.predicted
        );
        Ok(())
    }
}

#[derive(Default)]
struct Total {
    events: u64,
    boots: u64,
    sounds: u64,
    receipts: u64,
    predicted: u64,
}

impl Total {
    fn add(&mut self, report: &Report) {
        self.events += report.events;
        self.boots += report.boots;
        self.sounds += report.sounds;
        self.receipts += report.receipts;
        self.predicted += report.predicted;
    }
}

fn tell(storm: &Storm, report: &Report, kept: usize) {
    println!("{storm}\ntrace {}", report.hash);
    let Some(failure) = &report.failure else { return };
    println!("\nnode {}, {}: {}", failure.node, failure.violation.at, failure.violation.rule);
    println!("  {}\n\nthe last events, in true time:", failure.violation.what);
    for event in storm.tell(failure.node, kept) {
        println!("  {event}");
    }
}
