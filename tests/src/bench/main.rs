//! `loa-bench`: what the product costs, measured on the real programs beside others that do a part of it.
//!
//! Each benchmark prints a table for people and last one line of JSON with its goals. It succeeds when it could measure,
//! whether the goals were met or not.

mod field;
mod footprint;
mod peers;
mod preempt;
mod process;
mod spread;
mod start;

use anyhow::Result;
use clap::{Parser, Subcommand};
use serde_json::{Value, json};

/// Measures the product.
#[derive(Debug, Parser)]
struct Options {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Memory and processor of a node, idle and playing, and the size of its program.
    Footprint {
        /// How long each state is watched, in seconds.
        #[arg(long, default_value_t = 30)]
        seconds: u64,
    },
    /// How far from plan cached items begin to sound, through ALSA.
    Start {
        /// How many starts.
        #[arg(long, default_value_t = 200)]
        starts: usize,
    },
    /// How soon an emergency sounds while a node plays something else.
    Preempt {
        /// How many emergencies.
        #[arg(long, default_value_t = 100)]
        emergencies: usize,
    },
}

/// Something that was measured, and the most that it should be.
struct Goal {
    name: &'static str,
    value: f64,
    unit: &'static str,
    at_most: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let (name, goals) = match Options::parse().bench {
        Bench::Footprint { seconds } => ("footprint", footprint::run(seconds).await?),
        Bench::Start { starts } => ("start", start::run(starts).await?),
        Bench::Preempt { emergencies } => ("preempt", preempt::run(emergencies).await?),
    };
    let goals: Vec<Value> = goals.iter().map(Goal::to_json).collect();
    println!("{}", json!({ "bench": name, "goals": goals }));
    Ok(())
}

impl Goal {
    fn to_json(&self) -> Value {
        let Self { name, value, unit, at_most } = self;
        let rounded = (value * 100.0).round() / 100.0;
        json!({
            "name": name, "value": rounded, "unit": unit, "goal": format!("<= {at_most}"), "met": value <= at_most,
        })
    }
}
