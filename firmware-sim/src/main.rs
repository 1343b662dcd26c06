//! `loa-firmware-sim`: boards that are not there.

mod cli;

use std::fs::File;
use std::io::IsTerminal as _;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::Context;
use clap::{Parser, Subcommand};
use loa_firmware_sim::play;
use loa_firmware_sim::recorder::{self, CaptureOptions, RecorderCommand};
use mimalloc::MiMalloc;
use tracing_subscriber::EnvFilter;

/// A storm allocates all the time, small and short-lived: with the system's allocator it takes a fifth longer.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Boards that are not there, and a recorder in place of their sound cards.
#[derive(Debug, Parser)]
#[command(name = "loa-firmware-sim", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Device(cli::DeviceArgs),
    Fleet(cli::FleetArgs),
    Storm(cli::StormArgs),
    /// Takes sound from standard input as slowly as a sound card would, and writes it down with its instants.
    Record {
        /// The folder for the recordings.
        #[arg(long)]
        out: PathBuf,
        /// Channels of the input (S16LE, 48 kHz); the first is kept.
        #[arg(long, default_value_t = 1)]
        channels: u16,
    },
    /// Writes an ALSA configuration in which the recorder is the sound card; use it by ALSA_CONFIG_PATH.
    AlsaConfig {
        /// The folder for the recordings.
        #[arg(long)]
        out: PathBuf,
        /// The configuration to write.
        file: PathBuf,
    },
    /// Drives the node's own speaker by commands on standard input, one JSON object a line; prints its events.
    Play {
        /// What the equipment behind ALSA adds and does not report, in milliseconds.
        #[arg(long, default_value_t = 0.0)]
        device_delay_ms: f32,
    },
}

fn main() -> anyhow::Result<()> {
    let command = Cli::parse().command;
    start_log(&command)?;
    match command {
        Command::Device(device) => device.run(),
        Command::Fleet(fleet) => fleet.run(),
        Command::Storm(storm) => storm.run(),
        Command::Record { out, channels } => {
            let input = std::io::stdin().as_fd().try_clone_to_owned().context("taking standard input")?;
            let captured = recorder::capture(File::from(input), &CaptureOptions { out, channels })?;
            tracing::debug!(wav = %captured.wav.display(), frames = captured.frames, "recorded");
            Ok(())
        }
        Command::AlsaConfig { out, file } => {
            let program = std::env::current_exe().context("finding this program's own path")?;
            Ok(recorder::write_alsa_config(&file, &RecorderCommand { program, out })?)
        }
        Command::Play { device_delay_ms } => play::run(std::io::stdin().lock(), device_delay_ms),
    }
}

/// Messages go to standard error, except where the terminal shows something else.
fn start_log(command: &Command) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter);
    match command {
        Command::Device(device) if device.is_live() => {
            let path = device.messages();
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
            }
            let file = File::options().create(true).append(true).open(&path);
            let file = file.with_context(|| format!("opening {}", path.display()))?;
            lines.with_ansi(false).with_writer(Mutex::new(file)).init();
        }
        Command::Device(_)
        | Command::Fleet(_)
        | Command::Storm(_)
        | Command::Record { .. }
        | Command::AlsaConfig { .. }
        | Command::Play { .. } => {
            lines.with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr).init();
        }
    }
    Ok(())
}
