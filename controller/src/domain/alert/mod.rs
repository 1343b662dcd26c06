//! Emergencies that are given at once, as they are kept.
//!
//! ```text
//!                    sounds made             the last approval
//!     speaking ─────────────────> waiting ─────────────────────> sent ──> over, at its expiry
//!        │  └─ needs nobody: sent     │ return                     │
//!        │                            └────────> returned          └─ cancel, or a correction: cancelled
//!        └───── cancel, from speaking and waiting too ──────────────────> cancelled
//! ```
//!
//! What it says is a bulletin of the class emergency with the same id, so that it is made, heard, reported and swept like any other; but
//! nobody edits or schedules it. Whoever would say something else gives another.

mod approval;
mod draft;
mod marks;
pub mod template;

use std::fmt;
use std::str::FromStr;

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Status;
use loa_protocol::ids::{AreaId, BulletinId};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Repeats, Severity};
use sha2::{Digest as _, Sha256};

pub use approval::{Households, Reached, approvers_needed};
pub use draft::{AlertDraft, AlertValues, ExpiryDraft, estimated_ms, too_long, unknown_severity};
pub use marks::marked;

use super::bulletin::{ContentDigest, Stamp};
use super::ids::UserId;

/// The words of the severities, least first.
pub const SEVERITIES: [(Severity, &str); 4] = [
    (Severity::Minor, "minor"),
    (Severity::Moderate, "moderate"),
    (Severity::Severe, "severe"),
    (Severity::Extreme, "extreme"),
];

/// The word of a severity in the API and the database.
pub fn severity_word(severity: Severity) -> &'static str {
    SEVERITIES.iter().find(|(known, _)| *known == severity).map_or("minor", |(_, word)| *word)
}

/// A severity as the API and the database write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeverityWord(pub Severity);

/// A word that names no severity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no severity")]
pub struct UnknownSeverity(pub String);

impl FromStr for SeverityWord {
    type Err = UnknownSeverity;
    fn from_str(word: &str) -> Result<Self, UnknownSeverity> {
        let found = SEVERITIES.iter().find(|(_, known)| *known == word);
        found.map(|(severity, _)| Self(*severity)).ok_or_else(|| UnknownSeverity(word.to_owned()))
    }
}

/// An area in which an alert sounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertArea {
    /// The area.
    pub id: AreaId,
    /// Where it lies.
    pub path: AreaPath,
}

/// Why somebody stopped an alert, or gave it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Who and when.
    pub stamp: Stamp,
    /// Why.
    pub reason: String,
}

/// An approval: by whom, when, and of what exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The approver.
    pub by: UserId,
    /// When.
    pub at: UnixMs,
    /// What they saw and heard.
    pub digest: SeenDigest,
}

/// An alert as it is kept, without its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its id: that of its bulletin, and of its item on the wire.
    pub id: BulletinId,
    /// The narrowest area that holds all in which it sounds.
    pub path: AreaPath,
    /// Where it sounds, ascending by id; none inside another.
    pub areas: Vec<AlertArea>,
    /// The prepared template whose words it has.
    pub template: Option<BulletinId>,
    /// Whether it is meant.
    pub status: Status,
    /// How severe it is.
    pub severity: Severity,
    /// How often it sounds; `None`: once.
    pub repeats: Option<Repeats>,
    /// Nothing of it begins at or after this instant.
    pub expires: UnixMs,
    /// Households of its areas when it was given.
    pub reached: Reached,
    /// How many people have to approve it.
    pub approvers_needed: u32,
    /// The alert in whose place it comes.
    pub corrects: Option<BulletinId>,
    /// SHA-256 of the form by which it was given, lower-case hex.
    pub form_digest: String,
    /// Who gave it, and when.
    pub created: Stamp,
    /// The approvals so far, earliest first.
    pub approvals: Vec<Approval>,
    /// When it had all approvals that it needs.
    pub released: Option<UnixMs>,
    /// Given back by an approver.
    pub returned: Option<Ended>,
    /// Stopped, or replaced by a correction.
    pub cancelled: Option<Ended>,
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertState {
    /// Its sounds are being made.
    Speaking,
    /// It waits for approval.
    Waiting,
    /// It is in force: on its way to nodes, or sounding.
    Sent,
    /// An approver gave it back.
    Returned,
    /// It was stopped.
    Cancelled,
    /// Its time is over.
    Over,
}

impl AlertState {
    /// The state's word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Speaking => "speaking",
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Returned => "returned",
            Self::Cancelled => "cancelled",
            Self::Over => "over",
        }
    }
}

impl Alert {
    /// Where it stands, given whether all its sounds are made.
    pub fn state(&self, is_audible: bool, now: UnixMs) -> AlertState {
        if self.cancelled.is_some() {
            AlertState::Cancelled
        } else if self.returned.is_some() {
            AlertState::Returned
        } else if self.expires <= now {
            AlertState::Over
        } else if !is_audible {
            AlertState::Speaking
        } else if self.released.is_some() {
            AlertState::Sent
        } else {
            AlertState::Waiting
        }
    }

    /// The digest of what an approver sees and hears: its words and sounds, and where, how and until when it sounds.
    pub fn digest(&self, content: &ContentDigest) -> SeenDigest {
        let mut hash = Sha256::new();
        let repeats = self.repeats.map(|r| (r.rounds, r.gap_ms)).unwrap_or((1, 0));
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(b"loa-alert-1");
        part(self.id.as_str().as_bytes());
        part(content.to_string().as_bytes());
        part(self.status.as_str().as_bytes());
        part(severity_word(self.severity).as_bytes());
        part(&self.expires.0.to_be_bytes());
        part(&repeats.0.to_be_bytes());
        part(&repeats.1.to_be_bytes());
        part(self.corrects.as_ref().map_or("", BulletinId::as_str).as_bytes());
        for area in &self.areas {
            part(area.id.as_str().as_bytes());
        }
        SeenDigest(hash.finalize().into())
    }
}

/// SHA-256 of an alert as an approver sees and hears it; 64 lower-case hex digits as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SeenDigest([u8; 32]);

impl fmt::Display for SeenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for SeenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SeenDigest({self})")
    }
}

/// A text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what was seen is named by 64 lower-case hex digits")]
pub struct SeenDigestError;

impl FromStr for SeenDigest {
    type Err = SeenDigestError;
    fn from_str(text: &str) -> Result<Self, SeenDigestError> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|_| SeenDigestError)?;
        bytes.try_into().map(Self).map_err(|_| SeenDigestError)
    }
}

#[cfg(test)]
mod tests;
