//! What staff write: how it is checked, how it moves, and what exactly an approval binds.

mod consent;
mod content;
mod draft;
mod record;
mod state;
pub mod text;

pub use consent::{Consent, ConsentDraft, SPEAKER_MAX_CHARS};
pub use content::{Content, ContentDigest, TrackContent, TrackSource};
pub use draft::{BulletinDraft, DraftRules, SourceDraft, TITLE_MAX_CHARS, TRACKS_MAX, TrackDraft};
pub use record::{Bulletin, BulletinSummary, Making, MakingError, Revision, Spoken, Stamp, Track};
pub use state::{Edit, RevisionState, Step, StepRefused};
