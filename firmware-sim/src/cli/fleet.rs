//! `loa-firmware-sim fleet`.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use loa_firmware_sim::fleet::classes::Shares;
use loa_firmware_sim::fleet::{FleetOptions, members, run};
use loa_node_core::Settings;
use loa_protocol::envelope::remember;

use super::BrokerArgs;

/// Envelopes that a thread of the fleet remembers: what goes to a whole area is verified once a thread, where a real board verifies
/// its own one. What goes to one board alone pushes the others out now and then, which costs a verification.
const REMEMBERED_MAX: usize = 256;

/// Many simulated boards in one process, each with the shipped node core. Figures go to standard error each second, a report
/// as JSON to standard output at the end.
#[derive(Debug, Args)]
pub(crate) struct FleetArgs {
    /// How many.
    #[arg(long)]
    nodes: usize,
    /// The folder that holds an identity for each node; --tokens fills it.
    #[arg(long)]
    identities: PathBuf,
    /// A file of enrolment tokens, one a line; each becomes a node in --identities, unless it is there.
    #[arg(long)]
    tokens: Option<PathBuf>,
    /// The controller's address in place of the one that the tokens carry.
    #[arg(long, requires = "tokens")]
    controller: Option<String>,
    #[command(flatten)]
    broker: BrokerArgs,
    /// How many switch on in a second.
    #[arg(long, default_value_t = 200.0)]
    joins_per_s: f64,
    /// On what lines they hang: shares of fibre, 4g, 64k and on-off, such as fibre=0.2,4g=0.5,64k=0.2,on-off=0.1; who is left over
    /// has nothing imposed.
    #[arg(long, default_value = "")]
    links: Shares,
    /// How long their amplifiers need from power-on to sound, in milliseconds.
    #[arg(long, default_value_t = Settings::default().amplifier_warm_up_ms)]
    warm_up_ms: u32,
    /// How many of all boards lose their power in a minute, for some seconds each.
    #[arg(long, default_value_t = 0.0)]
    churn_per_min: f64,
    /// Where the chance in outages and churn comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Ends by itself after so many seconds.
    #[arg(long)]
    for_s: Option<f64>,
}

impl FleetArgs {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let reach = self.broker.reach()?;
        let threads = std::thread::available_parallelism().map_or(1, Into::into);
        super::run(threads, verify_once, self.for_s, async |stop| {
            if let Some(tokens) = &self.tokens {
                let count = members::enrol_all(&self.identities, tokens, self.controller.as_deref()).await?;
                eprintln!("enrolled {count} nodes");
            }
            let members = members::load(&self.identities, self.nodes, &reach)?;
            let mut options = FleetOptions::new(members);
            options.joins_per_s = self.joins_per_s;
            options.links = self.links.clone();
            options.settings.amplifier_warm_up_ms = self.warm_up_ms;
            options.churn_per_min = self.churn_per_min;
            options.seed = self.seed;
            options.each_second = Some(Box::new(|figures| eprintln!("{figures}")));
            let report = run(options, stop).await?;
            println!("{}", serde_json::to_string(&report).context("writing the report")?);
            Ok(())
        })
    }
}

/// What goes to many boards is verified once by this thread.
fn verify_once() {
    remember(REMEMBERED_MAX);
}
