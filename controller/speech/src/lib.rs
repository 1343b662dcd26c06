//! Text to spoken text to voice to mastered audio.
//!
//! ```text
//! typed text ─ text::check ─> CleanText ─ normalize ─> Spoken ─ Synthesizer ─> Pcm ─┐
//! recorded file ─ recording::prepare_recording: decode, gate, trim ──────────> Pcm ─┤
//!                                                                                  v
//!                                                 master ─> opus ─> AudioObject (Ogg Opus, content hash)
//! ```
//!
//! Invariants:
//! - It knows nothing of bulletins or of the controller. [`synthesize`] alone starts programs, uses the network and waits
//!   on a clock; everything behind it is a function of its input.
//! - Same input and settings, same bytes. What decides the bytes is in the [`RecipeKey`].
//! - Every object measures -16 ±0.5 LUFS and at most -1.5 dBTP *after* decoding, as a loudspeaker plays it.

mod media;

pub mod cache;
pub mod master;
pub mod normalize;
pub mod object;
pub mod opus;
pub mod pcm;
pub mod progress;
pub mod recipe;
pub mod recording;
pub mod secret;
pub mod synthesize;
pub mod text;

mod speak;

pub use cache::SoundCache;
pub use normalize::Normalizer;
pub use object::{AudioObject, Codec, Finish, FinishError};
pub use pcm::Pcm;
pub use progress::{Progress, Reporter, Stage};
pub use recipe::{CHAIN_VERSION, Recipe, RecipeKey};
pub use recording::{RecordingError, RecordingFault, RecordingLimits, RecordingReport};
pub use secret::Secret;
pub use speak::{MasteredRecording, SpeechError, master_recording, speak};
pub use synthesize::{
    Engine, Espeak, EspeakConfig, HttpEngine, HttpSettings, Kind, Piper, PiperConfig, SynthesisError,
    Synthesizer, Voice, VoiceInfo, WithGuest,
};
pub use text::{CleanText, TextError};
