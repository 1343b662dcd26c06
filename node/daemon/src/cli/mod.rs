//! The command line.
//!
//! Exit codes: 0 done; 1 failed; 2 the command line is wrong; 78 (`EX_CONFIG`) the settings or the enrolment are, so that
//! starting again would not help.

mod enrol;
mod log;
mod run;
mod status;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use loa_node::ServeError;
use loa_node::config::{self, ConfigError, Settings};
use loa_node::identity::IdentityError;
use loa_node::store::StoreError;

/// `EX_CONFIG` of sysexits.h.
const EXIT_CONFIG: u8 = 78;

/// Chương trình của cụm loa truyền thanh / the program of a loudspeaker board.
#[derive(Parser)]
#[command(version, after_help = Settings::help())]
pub(crate) struct Arguments {
    /// Settings file; without one, /etc/loa-node.toml if it exists.
    #[arg(long, global = true, env = "LOA_NODE_CONFIG")]
    config: Option<PathBuf>,
    /// Folder of the identity, the database and the cached audio; over every other setting of it.
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Ghi danh bo mạch này bằng mã do trung tâm cấp / make this board a node, with the token that the controller showed.
    Enrol {
        /// The token: one line that begins with loa1. (or - to read it from standard input).
        token: String,
        /// Enrol a board that is enrolled already.
        #[arg(long)]
        again: bool,
    },
    /// Chạy cụm loa / run the node.
    Run,
    /// Xem cụm loa đang giữ những gì / show what the node holds.
    Status,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut settings = config::load(arguments.config.as_deref(), std::env::vars())?;
    if let Some(data_dir) = arguments.data_dir {
        settings.data_dir = data_dir;
    }
    // Other parts may have compiled another provider in: never rely on an automatic choice.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        anyhow::bail!("another cryptography provider was installed before");
    }
    match arguments.command {
        Command::Enrol { token, again } => enrol::enrol(&settings, &token, again),
        Command::Run => {
            log::start(&settings.log);
            run::run(settings)
        }
        Command::Status => runtime()?.block_on(status::status(&settings)),
    }
}

pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    let of_identity = |error: &IdentityError| match error {
        IdentityError::NotEnrolled { .. } | IdentityError::Damaged { .. } | IdentityError::Newer { .. } => {
            EXIT_CONFIG
        }
        IdentityError::File(_) => 1,
        _ => 1,
    };
    if error.is::<ConfigError>() {
        return EXIT_CONFIG;
    }
    match error.downcast_ref::<ServeError>() {
        Some(ServeError::Identity(identity)) => return of_identity(identity),
        Some(ServeError::Store(StoreError::Newer { .. }) | ServeError::DeviceKey(_)) => return EXIT_CONFIG,
        Some(_) | None => {}
    }
    error.downcast_ref::<IdentityError>().map_or(1, of_identity)
}

/// One thread is enough: what blocks runs beside it, on few threads with small needs.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .thread_keep_alive(std::time::Duration::from_secs(5))
        .build()
        .context("cannot start the event loop")
}
