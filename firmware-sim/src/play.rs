//! The node's own speaker, driven by commands on standard input: for measuring a sound path, and for trying a horn.
//!
//! One JSON object a line in:
//! `{"do":"prepare"}`, `{"do":"play","token":1,"path":"a.opus","start_at_unix_ms":1700000000000}` (and, if wanted,
//! `"from_ms"`, `"gain_db"`), `{"do":"stop","token":1}`, `{"do":"volume","percent":80}`, `{"do":"release"}`.
//! One JSON object a line out: the answer to `prepare`, refusals, and each event. After the end of the input the
//! program waits until every sound has ended.

use std::collections::BTreeSet;
use std::io::BufRead;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use loa_node::audio::{AlsaSpeaker, AlsaSpeakerConfig, PlayRequest, Speaker, SpeakerEvent, gain};
use serde::{Deserialize, Serialize};

/// One line of input.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Order {
    Prepare,
    Play {
        token: u64,
        path: PathBuf,
        start_at_unix_ms: i64,
        #[serde(default)]
        from_ms: u64,
        #[serde(default)]
        gain_db: f32,
    },
    Stop {
        token: u64,
    },
    Volume {
        percent: u8,
    },
    Release,
}

/// One line of output.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Report {
    Ready { sample_rate_hz: u32, channels: u16, period_frames: u32 },
    Refused { reason: String },
    Started { token: u64, at_unix_ms: i64, error_ms: f32 },
    Finished { token: u64, at_unix_ms: i64, played_ms: u64, gap_ms: u64 },
    Stopped { token: u64, at_unix_ms: i64, played_ms: u64 },
    Failed { token: u64, played_ms: u64, reason: String },
}

impl From<SpeakerEvent> for Report {
    fn from(event: SpeakerEvent) -> Self {
        match event {
            SpeakerEvent::Started { token, at_unix_ms, error_ms } => {
                Self::Started { token, at_unix_ms, error_ms }
            }
            SpeakerEvent::Finished { token, at_unix_ms, played_ms, gap_ms } => {
                Self::Finished { token, at_unix_ms, played_ms, gap_ms }
            }
            SpeakerEvent::Stopped { token, at_unix_ms, played_ms } => {
                Self::Stopped { token, at_unix_ms, played_ms }
            }
            SpeakerEvent::Failed { token, played_ms, reason } => {
                Self::Failed { token, played_ms, reason: reason.to_string() }
            }
        }
    }
}

type Outstanding = Arc<Mutex<BTreeSet<u64>>>;

/// Obeys `input` until it ends and every sound has ended.
///
/// # Errors
/// Where the speaker thread cannot be started, a line is not understood, or nothing can be printed.
pub fn run(input: impl BufRead, device_delay_ms: f32) -> anyhow::Result<()> {
    let config = AlsaSpeakerConfig { device_delay_ms, ..AlsaSpeakerConfig::default() };
    let (speaker, mut events) = AlsaSpeaker::start(config)?;
    let outstanding = Outstanding::default();
    let ended = Arc::clone(&outstanding);
    let (idle_in, idle) = std::sync::mpsc::sync_channel(1);
    let printer = std::thread::Builder::new().name("events".into()).spawn(move || {
        while let Some(event) = events.blocking_recv() {
            let end = event.is_end().then(|| event.token());
            if let Err(error) = print(&event.into()) {
                tracing::error!(%error, "nobody reads the events");
                return;
            }
            let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
            if end.is_some_and(|token| ended.remove(&token) && ended.is_empty()) {
                // A full queue says the same.
                let _ = idle_in.try_send(());
            }
        }
    })?;
    for line in input.lines() {
        let line = line.context("reading a command")?;
        let order = serde_json::from_str(&line).with_context(|| format!("not a command: {line}"))?;
        obey(&speaker, order, &outstanding)?;
    }
    while !outstanding.lock().unwrap_or_else(PoisonError::into_inner).is_empty() && !printer.is_finished() {
        // The printer's end closes the queue.
        let _ = idle.recv();
    }
    Ok(())
}

fn obey(speaker: &AlsaSpeaker, order: Order, outstanding: &Outstanding) -> anyhow::Result<()> {
    let obeyed = match order {
        Order::Prepare => match speaker.prepare() {
            Ok(ready) => {
                let loa_node::audio::SpeakerReady { sample_rate_hz, channels, period_frames } = ready;
                return print(&Report::Ready { sample_rate_hz, channels, period_frames });
            }
            Err(error) => Err(error),
        },
        Order::Play { token, path, start_at_unix_ms, from_ms, gain_db } => {
            let mut outstanding = outstanding.lock().unwrap_or_else(PoisonError::into_inner);
            let played =
                speaker.play(PlayRequest { token, source: path.into(), start_at_unix_ms, from_ms, gain_db });
            if played.is_ok() {
                outstanding.insert(token);
            }
            played
        }
        Order::Stop { token } => speaker.stop(token),
        Order::Volume { percent } => {
            speaker.set_volume_db(gain::volume_to_db(percent));
            Ok(())
        }
        Order::Release => speaker.release(),
    };
    obeyed.or_else(|error| print(&Report::Refused { reason: error.to_string() }))
}

fn print(report: &Report) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut line = serde_json::to_string(report)?;
    line.push('\n');
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.flush().context("printing an event")
}
