//! `loa-firmware-sim device`.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use loa_firmware_sim::device::{DeviceOptions, Form, Lang, Shown, run, script};

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
    /// Prints a line for each thing that happens, also in a terminal, where there is a live view otherwise.
    #[arg(long)]
    log: bool,
    /// Prints one JSON object a line instead of words.
    #[arg(long)]
    json: bool,
    /// Ngôn ngữ của màn hình / the language of the live view.
    #[arg(long, value_enum, default_value_t = Language::Vi)]
    lang: Language,
    /// Ends by itself after so many seconds.
    #[arg(long)]
    for_s: Option<f64>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Language {
    Vi,
    En,
}

impl DeviceArgs {
    /// Whether the board has the terminal for itself, so that nothing else may be written there.
    pub(crate) fn is_live(&self) -> bool {
        !self.json && !self.log && std::io::stdout().is_terminal()
    }

    /// The file for the program's own messages while the terminal shows the board.
    pub(crate) fn messages(&self) -> PathBuf {
        self.dir.join("messages.log")
    }

    pub(crate) fn run(self) -> anyhow::Result<()> {
        let script = self.faults.as_deref().map(script::load).transpose()?.unwrap_or_default();
        let shown = match (self.is_live(), self.lang) {
            (true, Language::Vi) => Shown::Live(Lang::Vi),
            (true, Language::En) => Shown::Live(Lang::En),
            (false, _) => Shown::Log(if self.json { Form::Json } else { Form::Words }),
        };
        let heard = self.heard.unwrap_or_else(|| self.dir.join("heard"));
        let options = DeviceOptions {
            dir: self.dir,
            token: self.token,
            reach: self.broker.reach()?,
            heard,
            script,
            shown,
        };
        super::run(1, || {}, self.for_s, async |stop| Ok(run(options, stop).await?))
    }
}
