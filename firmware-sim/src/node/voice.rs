//! What a node's horn does: one sound, from its order to its end.
//!
//! ```text
//! order ─> Loading ── loaded ─> Waiting ── its instant ─> Sounding ── its length ─> end
//!             └ cannot be decoded ──────────────────────────────────────────────> end
//! ```

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use loa_node_core::{Intent, SpeakerEvent, SpeakerFailure, Token};
use loa_protocol::ids::ObjectHash;
use loa_protocol::receipt::Receipt;
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::Manifest;
use tokio::time::{Instant, sleep, sleep_until};

use super::glance::SoundGlance;
use crate::board_sim::clock::SimClock;

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes sound of objects, or of nothing.
pub trait Horn: Send + 'static {
    /// Begins to load an object; `bytes` gives what is on the disk.
    fn load(&mut self, manifest: &Manifest, bytes: impl FnOnce() -> Vec<u8>) -> Loading;

    /// A sound has ended.
    ///
    /// # Errors
    /// What it was written to failed.
    fn heard(&mut self, heard: Heard<'_>) -> Result<(), BoxError>;

    /// An occurrence has ended: its sounds, if any, were heard.
    ///
    /// # Errors
    /// What it was written to failed.
    fn ended(&mut self, receipt: &Receipt) -> Result<(), BoxError>;

    /// The power goes; what sounded has been heard.
    ///
    /// # Errors
    /// What it was written to failed.
    fn lose_power(&mut self) -> Result<(), BoxError>;
}

/// A sound that is being loaded.
pub type Loading = Pin<Box<dyn Future<Output = Result<Loaded, String>> + Send>>;

/// A sound that can sound.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// Its length in milliseconds.
    pub duration_ms: u32,
    /// 48 kHz mono; empty where nobody listens.
    pub samples: Arc<[i16]>,
    /// Why it is not whole, where it is not.
    pub defect: Option<String>,
}

/// What came out of the horn.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// The occurrence; `None` for a sound that nobody planned.
    pub intent: Option<&'a Intent>,
    /// The object.
    pub object: ObjectHash,
    /// When it began, on the node's clock.
    pub started: UnixMs,
    /// What sounded of its samples.
    pub samples: &'a [i16],
    /// How long it sounded, in milliseconds.
    pub played_ms: u32,
    /// How long the amplifier had been on when it began, in milliseconds.
    pub warm_ms: i64,
}

/// A horn that nobody hears: sounds last as long as their manifests say.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullHorn;

impl Horn for NullHorn {
    fn load(&mut self, manifest: &Manifest, _: impl FnOnce() -> Vec<u8>) -> Loading {
        let loaded = Loaded { duration_ms: manifest.duration_ms, samples: Arc::default(), defect: None };
        Box::pin(std::future::ready(Ok(loaded)))
    }

    fn heard(&mut self, _: Heard<'_>) -> Result<(), BoxError> {
        Ok(())
    }

    fn ended(&mut self, _: &Receipt) -> Result<(), BoxError> {
        Ok(())
    }

    fn lose_power(&mut self) -> Result<(), BoxError> {
        Ok(())
    }
}

/// Samples in a millisecond.
const SAMPLES_PER_MS: usize = 48;

/// The sound of a boot, if there is one.
#[derive(Default)]
pub(super) struct Voice {
    sound: Option<Sound>,
}

struct Sound {
    token: Token,
    object: ObjectHash,
    start_at: UnixMs,
    phase: Phase,
}

enum Phase {
    Loading(Loading),
    Waiting(Loaded),
    Sounding { loaded: Loaded, started: UnixMs, began: Instant },
}

/// A sound that is over, or never began.
pub(super) struct Past {
    pub(super) token: Token,
    pub(super) object: ObjectHash,
    pub(super) loaded: Option<Loaded>,
    /// When it began.
    pub(super) started: Option<UnixMs>,
    pub(super) played_ms: u32,
}

impl Past {
    /// What sounded of its samples.
    pub(super) fn samples(&self) -> &[i16] {
        let Some(Loaded { samples, .. }) = &self.loaded else { return &[] };
        samples.get(..self.played_ms as usize * SAMPLES_PER_MS).unwrap_or(samples)
    }
}

/// What the voice does by itself.
pub(super) enum VoiceEvent {
    /// The first sample came out.
    Began { token: Token, object: ObjectHash, at: UnixMs, error_ms: f32 },
    /// Its end was reached.
    Finished(Past),
    /// It cannot be decoded, or not wholly.
    Broken(Past, String),
}

impl Voice {
    /// Orders a sound in place of any other.
    pub(super) fn order(&mut self, token: Token, object: ObjectHash, start_at: UnixMs, loading: Loading) {
        self.sound = Some(Sound { token, object, start_at, phase: Phase::Loading(loading) });
    }

    /// Ends the sound; of this token, if one is given.
    pub(super) fn stop(&mut self, token: Option<Token>) -> Option<Past> {
        let sound = self.sound.take_if(|sound| token.is_none_or(|token| sound.token == token))?;
        let Sound { token, object, start_at: _, phase } = sound;
        let (loaded, started, played_ms) = match phase {
            Phase::Loading(_) => (None, None, 0),
            Phase::Waiting(loaded) => (Some(loaded), None, 0),
            Phase::Sounding { loaded, started, began } => {
                let played_ms = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
                let played_ms = played_ms.min(loaded.duration_ms);
                (Some(loaded), Some(started), played_ms)
            }
        };
        Some(Past { token, object, loaded, started, played_ms })
    }

    /// What it does at the moment.
    pub(super) fn glance(&self) -> Option<SoundGlance> {
        let Sound { object, start_at, phase, token: _ } = self.sound.as_ref()?;
        let (length_ms, started) = match phase {
            Phase::Loading(_) => (None, None),
            Phase::Waiting(loaded) => (Some(loaded.duration_ms), None),
            Phase::Sounding { loaded, started, began: _ } => (Some(loaded.duration_ms), Some(*started)),
        };
        Some(SoundGlance { object: *object, start_at: *start_at, started, length_ms })
    }

    /// The next thing that it does by itself. Nothing is lost when this is not awaited to its end.
    pub(super) async fn next(&mut self, clock: &SimClock) -> VoiceEvent {
        loop {
            let Some(sound) = &mut self.sound else { return std::future::pending().await };
            let (token, object, start_at) = (sound.token, sound.object, sound.start_at);
            match &mut sound.phase {
                Phase::Loading(loading) => match loading.await {
                    Ok(loaded) => sound.phase = Phase::Waiting(loaded),
                    Err(why) => {
                        self.sound = None;
                        let past = Past { token, object, loaded: None, started: None, played_ms: 0 };
                        return VoiceEvent::Broken(past, why);
                    }
                },
                Phase::Waiting(loaded) => {
                    let wait_ms = u64::try_from(start_at.since(clock.now())).unwrap_or(0);
                    sleep(Duration::from_millis(wait_ms)).await;
                    let (loaded, started) = (loaded.clone(), clock.now());
                    sound.phase = Phase::Sounding { loaded, started, began: Instant::now() };
                    let error_ms = started.since(start_at) as f32;
                    return VoiceEvent::Began { token, object, at: started, error_ms };
                }
                Phase::Sounding { loaded, started, began } => {
                    sleep_until(*began + Duration::from_millis(u64::from(loaded.duration_ms))).await;
                    let (loaded, started) = (loaded.clone(), Some(*started));
                    self.sound = None;
                    let (played_ms, defect) = (loaded.duration_ms, loaded.defect.clone());
                    let past = Past { token, object, loaded: Some(loaded), started, played_ms };
                    return match defect {
                        None => VoiceEvent::Finished(past),
                        Some(why) => VoiceEvent::Broken(past, why),
                    };
                }
            }
        }
    }
}

/// What the core hears of a sound that is over.
pub(super) fn stopped(past: &Past) -> SpeakerEvent {
    SpeakerEvent::Stopped { token: past.token, played_ms: past.played_ms }
}

/// What the core hears of a sound that failed.
pub(super) fn failed(past: &Past, kind: SpeakerFailure) -> SpeakerEvent {
    SpeakerEvent::Failed { token: past.token, kind, played_ms: past.played_ms }
}
