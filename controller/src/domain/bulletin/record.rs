//! Bulletins, revisions and tracks as they are kept.

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::{Category, Class};
use loa_protocol::ids::{BulletinId, ObjectHash};
use loa_protocol::time::UnixMs;

use super::super::ids::{TrackId, UserId};
use super::{Content, ContentDigest, RevisionState, TrackContent};

/// A bulletin: a chain of revisions, of which at most one is on air.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulletin {
    /// Its id.
    pub id: BulletinId,
    /// The area on whose behalf it speaks, with those above. It sounds in this area or inside it, nowhere else.
    pub path: AreaPath,
    /// Number of the latest revision, from 1.
    pub latest: u32,
    /// Number of the revision that plans carry.
    pub on_air: Option<u32>,
    /// When it was begun.
    pub created: UnixMs,
    /// When it was taken back for good.
    pub withdrawn: Option<UnixMs>,
}

/// Who did something, and when. `by` is a user's id, or `operator`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// When.
    pub at: UnixMs,
    /// Who.
    pub by: String,
}

/// One revision with its tracks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The bulletin.
    pub bulletin: BulletinId,
    /// Its number, from 1.
    pub number: u32,
    /// Where it stands.
    pub state: RevisionState,
    /// The title.
    pub title: String,
    /// The text in Vietnamese.
    pub text: String,
    /// What it is about.
    pub category: Category,
    /// Its class.
    pub class: Class,
    /// The sounds, in order.
    pub tracks: Vec<Track>,
    /// Everybody who wrote any part of it.
    pub authors: Vec<UserId>,
    /// When it was begun.
    pub created: UnixMs,
    /// When it was last changed.
    pub edited: UnixMs,
    /// Its submission.
    pub submitted: Option<Stamp>,
    /// Its approval or rejection.
    pub decided: Option<Stamp>,
    /// Why it was rejected, or the approver's remark.
    pub decision_note: Option<String>,
}

/// One language's sound of a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// Its id.
    pub id: TrackId,
    /// Language and source.
    pub content: TrackContent,
    /// The finished sound.
    pub object: Option<ObjectHash>,
    /// How the making of the sound goes.
    pub making: Making,
    /// Who spoke it, once made; `None` for a recording.
    pub spoken: Option<Spoken>,
}

/// Who spoke a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// `engine/voice`: `espeak-ng/vi`, `fpt/banmai`.
    pub by: String,
    /// Digest of the area's words that it was read with; empty for none.
    pub words_digest: String,
    /// Why the preferred engine did not.
    pub instead: Option<MakingError>,
}

/// How the making of a track's sound goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Making {
    /// In line.
    Queued,
    /// Being made.
    Running {
        /// How far, 0 to 100.
        percent: u8,
    },
    /// Made.
    Done,
    /// It cannot be made; the author must change something.
    Failed(MakingError),
}

/// Why a sound cannot be made, in words that were kept with the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakingError {
    /// Stable code.
    pub code: String,
    /// Vietnamese words.
    pub vi: String,
    /// English words.
    pub en: String,
}

impl MakingError {
    /// The reason as a whole sentence, Vietnamese and English: it comes with and without a full stop, and another sentence follows.
    pub fn sentences(&self) -> (String, String) {
        let sentence = |reason: &str| format!("{}.", reason.trim_end_matches('.'));
        (sentence(&self.vi), sentence(&self.en))
    }
}

impl Revision {
    /// What staff decided.
    pub fn content(&self) -> Content {
        Content {
            title: self.title.clone(),
            text: self.text.clone(),
            category: self.category,
            class: self.class,
            tracks: self.tracks.iter().map(|t| t.content.clone()).collect(),
        }
    }

    /// The digest of what an approver sees and hears at this moment.
    pub fn digest(&self) -> ContentDigest {
        self.content().digest(self.tracks.iter().map(|t| t.object.as_ref()))
    }

    /// The digest of the words alone, as if no sound were finished.
    pub fn words_digest(&self) -> ContentDigest {
        self.content().digest(self.tracks.iter().map(|_| None))
    }

    /// Whether every track's sound is finished.
    pub fn is_audible(&self) -> bool {
        self.tracks.iter().all(|t| t.object.is_some())
    }
}

/// A bulletin as lists show it: its latest revision in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulletinSummary {
    /// The bulletin.
    pub bulletin: Bulletin,
    /// Name of its area.
    pub area_name: String,
    /// State of the latest revision.
    pub state: RevisionState,
    /// Title of the latest revision.
    pub title: String,
    /// Category of the latest revision.
    pub category: Category,
    /// Class of the latest revision.
    pub class: Class,
    /// When the latest revision was last changed.
    pub edited: UnixMs,
    /// Sign-in names of the latest revision's authors.
    pub authors: Vec<String>,
}
