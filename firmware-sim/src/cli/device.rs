//! `loa-firmware-sim device`.

use std::path::PathBuf;

use clap::Args;
use loa_firmware_sim::device::{DeviceOptions, Form, run, script};

use super::BrokerArgs;

/// One simulated board that runs the shipped node core.
#[derive(Debug, Args)]
pub(crate) struct DeviceArgs {
    /// The folder of the node's identity; with --token it is made there.
    #[arg(long)]
    dir: PathBuf,
    /// The enrolment token that the controller showed; not needed once the folder holds an identity.
    #[arg(long, env = "LOA_TOKEN", hide_env_values = true)]
    token: Option<String>,
    #[command(flatten)]
    broker: BrokerArgs,
    /// The folder for what is played: a WAV for each occurrence, with its instants. Default: `heard` in --dir.
    #[arg(long)]
    heard: Option<PathBuf>,
    /// A TOML file that says what goes wrong and when.
    #[arg(long)]
    faults: Option<PathBuf>,
    /// Prints one JSON object a line instead of words.
    #[arg(long)]
    json: bool,
    /// Ends by itself after so many seconds.
    #[arg(long)]
    for_s: Option<f64>,
}

impl DeviceArgs {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let script = self.faults.as_deref().map(script::load).transpose()?.unwrap_or_default();
        let heard = self.heard.unwrap_or_else(|| self.dir.join("heard"));
        let options = DeviceOptions {
            dir: self.dir,
            token: self.token,
            reach: self.broker.reach()?,
            heard,
            script,
            form: if self.json { Form::Json } else { Form::Words },
        };
        super::run(1, self.for_s, async |stop| Ok(run(options, stop).await?))
    }
}
