//! One bulletin: its state, its tracks, its history, and what may be done with it.

use askama::Template;

use super::reading::Reading;
use super::schedules::ScheduleRow;
use crate::pages::filters;
use crate::pages::form::{Choice, Errors};
use crate::pages::format::Moment;
use crate::pages::labels::{BulletinState, Class, Step};
use crate::pages::shell::Shell;
use crate::pages::text::Msg;

/// `GET /bulletins/{id}`, and the answer (422) to a refused decision or track. Live topic `bulletin:{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "bulletin.html")]
pub struct BulletinPage {
    /// Surroundings.
    pub shell: Shell,
    /// The bulletin.
    pub bulletin: BulletinDetail,
    /// Its tracks, by language.
    pub tracks: Vec<TrackCard>,
    /// What this user may do now.
    pub actions: BulletinActions,
    /// The form that returns it, when `actions.reject`.
    pub decision: DecisionForm,
    /// The form that adds a track, when `actions.add_track`.
    pub add_track: TrackForm,
    /// Consents to recordings that are none of these tracks any more.
    pub earlier: Vec<ConsentCard>,
    /// Its schedules.
    pub schedules: Vec<ScheduleRow>,
    /// Its history, latest first.
    pub history: Vec<HistoryItem>,
}

/// The bulletin shown.
#[derive(Clone, Debug)]
pub struct BulletinDetail {
    /// Bulletin.
    pub id: String,
    /// Revision shown, from 1.
    pub revision: u32,
    /// What this page shows and sounds like ([`crate::services::Seen`] as text); comes back with a decision, which is
    /// bound to it.
    pub seen: String,
    /// The same of its words alone (`BulletinView::seen_words`); comes back with a track, which is an edit.
    pub seen_words: String,
    /// Number of an earlier revision that sounds meanwhile.
    pub on_air: Option<u32>,
    /// Name of the area on whose behalf it speaks.
    pub area: String,
    /// Title.
    pub title: String,
    /// Text as written.
    pub text: String,
    /// How the text is read; `None` where nothing in it can be spoken.
    pub reading: Option<Reading>,
    /// State of this revision.
    pub state: BulletinState,
    /// Class.
    pub class: Class,
    /// Name of its category.
    pub category: String,
    /// Who wrote it.
    pub author: String,
    /// When its first revision was written.
    pub created_at: Moment,
    /// Why it was returned, while it is.
    pub reject_comment: Option<String>,
    /// Which languages of its villages it lacks, in sentences.
    pub missing: Vec<Msg>,
}

/// What the user may do with the bulletin in its present state.
#[derive(Clone, Debug, Default)]
pub struct BulletinActions {
    /// `POST /bulletins/{id}/submit`.
    pub submit: bool,
    /// `POST /bulletins/{id}/approve`.
    pub approve: bool,
    /// `POST /bulletins/{id}/reject`.
    pub reject: bool,
    /// `POST /bulletins/{id}/withdraw`.
    pub withdraw: bool,
    /// `GET /orders?bulletin={id}`: it is an emergency on air.
    pub stop: bool,
    /// `GET /bulletins/{id}/edit`.
    pub edit: bool,
    /// Editing makes a new revision that needs approval again (said beside the button).
    pub edit_makes_revision: bool,
    /// `GET /schedules/new?bulletin={id}`.
    pub schedule: bool,
    /// `POST /bulletins/{id}/tracks`.
    pub add_track: bool,
    /// Why the user cannot do what they would expect to: their own bulletin, tracks not ready.
    pub blocked: Option<Msg>,
}

/// Fields `seen` (hidden), `comment`; posted to `/bulletins/{id}/reject`.
#[derive(Clone, Debug, Default)]
pub struct DecisionForm {
    /// Comment as typed.
    pub comment: String,
    /// Errors of `comment`.
    pub errors: Errors,
}

/// Multipart fields `csrf`, `seen` (of the words), `kind` (`speech`), `language`, `voice`; posted to
/// `/bulletins/{id}/tracks`. A track in a language that has one already takes its place. Recordings come in by a page of
/// their own: [`RecordPage`](super::RecordPage).
#[derive(Clone, Debug, Default)]
pub struct TrackForm {
    /// Languages to choose from.
    pub languages: Vec<Choice>,
    /// Voices to choose from, of all languages; the value is `code:voice`, such as `vi:vi-vn-x-south`.
    pub voices: Vec<Choice>,
    /// Chosen language.
    pub language: String,
    /// Chosen voice.
    pub voice: String,
    /// Errors of `language`, `kind`, `voice`.
    pub errors: Errors,
}

/// A track of the bulletin.
#[derive(Clone, Debug)]
pub struct TrackCard {
    /// Track.
    pub id: String,
    /// Language code for `lang` attributes, such as `vi`, `kpm`.
    pub language_code: String,
    /// Language name, such as `Tiếng K'Ho`.
    pub language: String,
    /// How it came to be.
    pub origin: TrackOrigin,
    /// How far it is.
    pub state: TrackState,
    /// `POST /bulletins/{id}/tracks/{track}/remove` is allowed, and after a failure `…/retry`.
    pub removable: bool,
}

impl TrackCard {
    /// Whether it could not be made.
    #[must_use]
    pub fn failed(&self) -> bool {
        matches!(self.state, TrackState::Failed { .. })
    }

    /// Shows the form that notes a consent as it was typed, where this track is the recording that it is about. Gives
    /// whether it is.
    pub(crate) fn consent_as_typed(&mut self, recording: &str, typed: &ConsentForm) -> bool {
        match &mut self.origin {
            TrackOrigin::Recording { upload, noting: Some(noting), .. } if upload == recording => {
                **noting = typed.clone();
                true
            }
            TrackOrigin::Recording { .. } | TrackOrigin::Speech { .. } => false,
        }
    }
}

/// How a track came to be.
#[derive(Clone, Debug)]
pub enum TrackOrigin {
    /// Spoken by a synthetic voice.
    Speech {
        /// Name of the voice.
        voice: String,
    },
    /// Recorded or uploaded.
    Recording {
        /// Name of the file.
        file_name: String,
        /// What is read in it; empty where nobody wrote it down.
        transcript: String,
        /// SHA-256 of the file, for the consent's addresses.
        upload: String,
        /// What its speaker should do better next time, and what was done to it.
        notes: Vec<Msg>,
        /// What was noted about its use in the speech data set.
        consent: Option<Box<ConsentCard>>,
        /// `POST /bulletins/{id}/recordings/{upload}/consent` is allowed: no consent stands.
        noting: Option<Box<ConsentForm>>,
    },
}

/// Fields `speaker`, `speaker_place`, `consent` (`yes` or nothing, never ticked when the page comes); posted to
/// `/bulletins/{id}/recordings/{upload}/consent`.
#[derive(Clone, Debug, Default)]
pub struct ConsentForm {
    /// Name of the speaker, as typed.
    pub speaker: String,
    /// Village or dialect, as typed.
    pub speaker_place: String,
    /// Errors of the fields.
    pub errors: Errors,
}

/// What was noted about the use of a recording in the speech data set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConsentCard {
    /// SHA-256 of the file.
    pub upload: String,
    /// Name of the speaker; empty once withdrawn.
    pub speaker: String,
    /// Their village or dialect; may be empty.
    pub place: String,
    /// When it was noted.
    pub noted_at: Moment,
    /// By whom.
    pub noted_by: String,
    /// When it was taken back, and by whom.
    pub withdrawn: Option<(Moment, String)>,
    /// `POST /bulletins/{id}/recordings/{upload}/consent/withdraw` is allowed.
    pub may_withdraw: bool,
}

/// How far a track is.
#[derive(Clone, Debug)]
pub enum TrackState {
    /// Waits for a worker.
    Queued,
    /// Being made.
    Working {
        /// 0 to 100.
        percent: u8,
    },
    /// Ready to be sent to nodes.
    Ready {
        /// Address of the audio, Ogg Opus, which answers range requests.
        audio_href: String,
        /// Length, milliseconds.
        duration_ms: u64,
        /// Integrated loudness, LUFS.
        loudness_lufs: f64,
        /// Size, bytes.
        size_bytes: u64,
        /// Why another voice than the preferred one spoke it.
        instead: Option<Msg>,
    },
    /// Could not be made; `POST /bulletins/{id}/tracks/{track}/retry`.
    Failed {
        /// Why, and what to do.
        why: Msg,
    },
}

/// A step in the bulletin's history.
#[derive(Clone, Debug)]
pub struct HistoryItem {
    /// When.
    pub at: Moment,
    /// Who.
    pub who: String,
    /// What.
    pub step: Step,
    /// Of which revision.
    pub revision: u32,
    /// Their comment.
    pub comment: Option<String>,
}
