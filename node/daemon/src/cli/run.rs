//! `loa-node run`.

use std::sync::Arc;

use anyhow::Context as _;
use loa_node::SoundOut;
use loa_node::audio::{AlsaSpeaker, AlsaSpeakerConfig, WallClock};
use loa_node::board::{LinuxBoard, LinuxBoardSettings};
use loa_node::clock::{NodeClock, build_time};
use loa_node::config::Settings;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

pub(super) fn run(settings: Settings) -> anyhow::Result<()> {
    super::runtime()?.block_on(async {
        let shutdown = CancellationToken::new();
        stop_on_signals(shutdown.clone())?;
        let clock = NodeClock::new(build_time());
        let speaker = AlsaSpeakerConfig {
            device: Some(settings.audio.device.clone()),
            device_delay_ms: settings.audio.delay_us as f32 / 1000.0,
            clock: Arc::clone(&clock) as Arc<dyn WallClock>,
            ..AlsaSpeakerConfig::default()
        };
        let (speaker, events) = AlsaSpeaker::start(speaker)?;
        let sound = SoundOut { speaker: Arc::new(speaker), events };
        let amplifier = &settings.amplifier;
        let board =
            LinuxBoardSettings::with_relay(&amplifier.gpio_chip, amplifier.gpio_line, amplifier.active_low);
        let board = Box::new(LinuxBoard::open(board)?);
        Ok(loa_node::serve(settings, clock, sound, board, shutdown).await?)
    })
}

fn stop_on_signals(shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM"),
            _ = interrupt.recv() => tracing::info!("SIGINT"),
        }
        shutdown.cancel();
    });
    Ok(())
}
