//! Text to spoken text to voice to mastered audio.
//!
//! ```text
//! typed text ─ text::check ─> CleanText ─ normalize ─> SpokenText ─ Synthesizer ─> Pcm ─┐
//! uploaded file ─ recording::decode_recording ──────────────────────────────────> Pcm ─┤
//!                                                                                      v
//!                                                     master ─> opus ─> AudioObject (Ogg Opus, content hash)
//! ```
//!
//! Invariants:
//! - It knows nothing of bulletins, of the network or of the controller, and reads no clock.
//! - Same input and settings, same bytes. What decides the bytes is in the [`RecipeKey`].
//! - Every object measures -16 ±0.5 LUFS and at most -1.5 dBTP *after* decoding, as a loudspeaker plays it.

mod media;

pub mod master;
pub mod normalize;
pub mod object;
pub mod opus;
pub mod pcm;
pub mod progress;
pub mod recipe;
pub mod recording;
pub mod synthesize;
pub mod text;

mod speak;

pub use object::{AudioObject, Codec, Finish, FinishError};
pub use pcm::Pcm;
pub use progress::{Progress, Reporter, Stage};
pub use recipe::{CHAIN_VERSION, Recipe, RecipeKey};
pub use recording::{RecordingError, RecordingLimits};
pub use speak::{SpeechError, master_recording, speak};
pub use synthesize::{Engine, Espeak, EspeakConfig, SynthesisError, Synthesizer, Voice, VoiceInfo};
pub use text::{CleanText, TextError};
