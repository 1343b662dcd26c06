//! `loa-bench`: what the product costs, measured on the real programs beside others that do a part of it.
//!
//! Each benchmark prints a table for people and last one line of JSON with its goals. It succeeds when it could measure,
//! whether the goals were met or not.

mod alert;
mod bulk;
mod failover;
mod field;
mod fleet;
mod footprint;
mod idle;
mod ingest;
mod peers;
mod plan;
mod preempt;
mod process;
mod raw_broker;
mod spread;
mod start;

use std::path::PathBuf;

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
    /// How soon an emergency sounds everywhere, from the call that approves it.
    Alert {
        /// How many nodes, one size after the other.
        #[arg(long, value_delimiter = ',', default_value = "1000,2000,5000,10000")]
        nodes: Vec<usize>,
        /// How many emergencies, one after the other.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// How many nodes switch on in a second.
        #[arg(long, default_value_t = 500.0)]
        joins_per_s: f64,
        /// Then as many in the middle of a wave of audio to all nodes.
        #[arg(long)]
        busy: bool,
    },
    /// How fast audio gets to all nodes.
    Bulk {
        /// How many nodes, one size after the other.
        #[arg(long, value_delimiter = ',', default_value = "200,500,1000")]
        nodes: Vec<usize>,
        /// How many objects, one after the other.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// How many nodes switch on in a second.
        #[arg(long, default_value_t = 200.0)]
        joins_per_s: f64,
    },
    /// How fast receipts get from nodes into the database.
    Ingest {
        /// Where the rows go, one after the other.
        #[arg(long, value_delimiter = ',', value_enum, default_value = "sqlite,postgres")]
        databases: Vec<ingest::Database>,
        /// How many nodes, one size after the other.
        #[arg(long, value_delimiter = ',', default_value = "1000,2000,5000,10000")]
        nodes: Vec<usize>,
        /// Receipts of each.
        #[arg(long, default_value_t = 20)]
        receipts: u64,
    },
    /// What a controller takes while its nodes are connected and nothing happens.
    Idle {
        /// How many nodes, one size after the other.
        #[arg(long, value_delimiter = ',', default_value = "1000,2000,5000,10000")]
        nodes: Vec<usize>,
        /// How long it is watched, in seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// How many nodes switch on in a second.
        #[arg(long, default_value_t = 500.0)]
        joins_per_s: f64,
    },
    /// How long a change of the schedule takes for a whole province.
    Plan {
        /// How many areas, one size after the other.
        #[arg(long, value_delimiter = ',', default_value = "50,100,250,500")]
        areas: Vec<usize>,
        /// How many nodes, one size after the other.
        #[arg(long, value_delimiter = ',', default_value = "1000,2000,5000,10000")]
        nodes: Vec<usize>,
    },
    /// How long a province is without its broker when an empty one takes the place of one that died.
    Failover {
        /// How many nodes, one size after the other.
        #[arg(long, value_delimiter = ',', default_value = "1000,2000,5000,10000")]
        nodes: Vec<usize>,
        /// How long there is none, in seconds, one time after the other.
        #[arg(long, value_delimiter = ',', default_value = "2,60")]
        away_s: Vec<u64>,
        /// How many nodes switch on in a second.
        #[arg(long, default_value_t = 500.0)]
        joins_per_s: f64,
    },
    /// The embedded broker alone, for the others: a program of its own, until its input ends.
    #[command(hide = true)]
    RawBroker {
        /// The folder of the authority that signed the clients' certificates.
        #[arg(long)]
        authority: PathBuf,
        /// It says when so many messages have arrived, each time.
        #[arg(long)]
        expect: u64,
    },
}

/// Something that was measured, and what it should be.
struct Goal {
    name: &'static str,
    value: f64,
    unit: &'static str,
    bound: Bound,
}

#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

#[tokio::main]
async fn main() -> Result<()> {
    let (name, goals) = match Options::parse().bench {
        Bench::Footprint { seconds } => ("footprint", footprint::run(seconds).await?),
        Bench::Start { starts } => ("start", start::run(starts).await?),
        Bench::Preempt { emergencies } => ("preempt", preempt::run(emergencies).await?),
        Bench::Alert { nodes, rounds, joins_per_s, busy } => {
            ("alert", alert::run(&nodes, rounds, joins_per_s, busy).await?)
        }
        Bench::Bulk { nodes, rounds, joins_per_s } => ("bulk", bulk::run(&nodes, rounds, joins_per_s).await?),
        Bench::Ingest { databases, nodes, receipts } => {
            ("ingest", ingest::run(&databases, &nodes, receipts).await?)
        }
        Bench::Idle { nodes, seconds, joins_per_s } => {
            ("idle", idle::run(&nodes, seconds, joins_per_s).await?)
        }
        Bench::Failover { nodes, away_s, joins_per_s } => {
            ("failover", failover::run(&nodes, &away_s, joins_per_s).await?)
        }
        Bench::Plan { areas, nodes } => ("plan", plan::run(&areas, &nodes).await?),
        Bench::RawBroker { authority, expect } => return raw_broker::serve(&authority, expect).await,
    };
    let goals: Vec<Value> = goals.iter().map(Goal::to_json).collect();
    println!("{}", json!({ "bench": name, "goals": goals }));
    Ok(())
}

impl Goal {
    fn at_most(name: &'static str, value: f64, unit: &'static str, bound: f64) -> Self {
        Self { name, value, unit, bound: Bound::AtMost(bound) }
    }

    fn at_least(name: &'static str, value: f64, unit: &'static str, bound: f64) -> Self {
        Self { name, value, unit, bound: Bound::AtLeast(bound) }
    }

    fn to_json(&self) -> Value {
        let Self { name, value, unit, bound } = self;
        let rounded = (value * 100.0).round() / 100.0;
        let (goal, met) = match *bound {
            Bound::AtMost(bound) => (format!("<= {bound}"), *value <= bound),
            Bound::AtLeast(bound) => (format!(">= {bound}"), *value >= bound),
        };
        json!({ "name": name, "value": rounded, "unit": unit, "goal": goal, "met": met })
    }
}
