//! Which recordings go into the data set. Pure.
//!
//! A recording goes in when its speaker agreed and nobody took that back, when its words are written down, and when a
//! second person approved both together: an approved text is one that somebody compared with the sound.

use std::collections::BTreeSet;
use std::fmt;

use loa_protocol::bulletin::Language;
use loa_protocol::time::UnixMs;
use sha2::{Digest as _, Sha256};

use crate::domain::bulletin::Consent;
use crate::store::consents::Recording;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// One language alone.
    pub language: Option<Language>,
    /// What was approved from this instant on.
    pub since: Option<UnixMs>,
}

/// A recording that goes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picked {
    /// The recording.
    pub recording: Recording,
    /// Its words on one line.
    pub text: String,
    /// Its speaker, as the data set calls them.
    pub speaker_id: String,
    /// The consent that stands.
    pub consent: Consent,
}

/// Why recordings were left out, and how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Nobody noted that the speaker agreed.
    pub without_consent: u32,
    /// The speaker took the consent back.
    pub withdrawn: u32,
    /// The words are not written down.
    pub without_transcript: u32,
    /// No revision with it stands approved.
    pub not_approved: u32,
    /// Approved before the day that was asked for.
    pub too_early: u32,
    /// The same file is in already, with another bulletin or wording.
    pub again: u32,
    /// The file is gone: removed before the consent was noted.
    pub gone: u32,
    /// The file is no sound that can be read.
    pub unreadable: u32,
    /// Approved, or agreed to, after the export began.
    pub since: u32,
}

impl LeftOut {
    fn reasons(&self) -> [(u32, &'static str); 9] {
        [
            (self.without_consent, "without consent"),
            (self.withdrawn, "with a consent that was taken back"),
            (self.without_transcript, "without a transcript"),
            (self.not_approved, "not approved"),
            (self.too_early, "approved earlier"),
            (self.again, "that are in already"),
            (self.gone, "whose file is gone"),
            (self.unreadable, "whose file cannot be read"),
            (self.since, "that came while the export ran"),
        ]
    }

    /// How many in all.
    pub fn count(&self) -> u32 {
        self.reasons().iter().map(|(count, _)| count).sum()
    }
}

/// `left out: 3 without consent, 1 not approved`.
impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<String> = self
            .reasons()
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, why)| format!("{count} {why}"))
            .collect();
        if told.is_empty() {
            f.write_str("nothing left out")
        } else {
            write!(f, "left out: {}", told.join(", "))
        }
    }
}

/// Chooses among all recordings, given the latest approved first.
pub(super) fn pick(recordings: Vec<Recording>, wish: &Wish, secret: &[u8; 32]) -> (Vec<Picked>, LeftOut) {
    let (mut picked, mut left_out, mut known) = (Vec::new(), LeftOut::default(), BTreeSet::new());
    let wanted = |recording: &Recording| wish.language.as_ref().is_none_or(|l| *l == recording.language);
    for recording in recordings.into_iter().filter(wanted) {
        let text = recording.transcript.split_whitespace().collect::<Vec<_>>().join(" ");
        let reason = if recording.withdrawn_anywhere {
            &mut left_out.withdrawn
        } else if recording.consent.is_none() {
            &mut left_out.without_consent
        } else if text.is_empty() {
            &mut left_out.without_transcript
        } else if recording.approved.is_none() {
            &mut left_out.not_approved
        } else if recording.approved < wish.since {
            &mut left_out.too_early
        } else if !recording.kept {
            &mut left_out.gone
        } else if known.contains(&recording.upload) {
            &mut left_out.again
        } else if let Some(consent) = recording.consent.clone() {
            known.insert(recording.upload);
            let speaker_id = speaker_id(secret, &consent);
            picked.push(Picked { recording, text, speaker_id, consent });
            continue;
        } else {
            &mut left_out.without_consent
        };
        *reason += 1;
    }
    (picked, left_out)
}

/// The id of a speaker: the same in every export of an installation, and nothing to anybody who lacks its secret. Name
/// and place together: two people of one name live in different villages more often than not.
fn speaker_id(secret: &[u8; 32], consent: &Consent) -> String {
    let mut hash = Sha256::new();
    hash.update(b"loa-speaker-1\0");
    hash.update(secret);
    for part in [&consent.speaker, &consent.place] {
        let part = part.to_lowercase();
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = data_encoding::HEXLOWER.encode(&hash.finalize());
    format!("s-{}", &digest[..16])
}

#[cfg(test)]
mod tests {
    use loa_protocol::area::AreaPath;
    use loa_protocol::ids::{AreaId, ObjectHash};

    use super::*;
    use crate::domain::bulletin::Stamp;

    fn consent(speaker: &str) -> Consent {
        let noted = Stamp { at: UnixMs(1_000), by: "operator".to_owned() };
        Consent { speaker: speaker.to_owned(), place: "Bon Đưng".to_owned(), noted, withdrawn: None }
    }

    fn recording(upload: u8) -> Recording {
        Recording {
            upload: ObjectHash([upload; 32]),
            path: AreaPath::new(vec![AreaId::new("da-don").unwrap()]).unwrap(),
            language: Language::new("kpm").unwrap(),
            transcript: "Ơ bol\n kòn bòn!".to_owned(),
            approved: Some(UnixMs(5_000)),
            consent: Some(consent("K' Brèo")),
            withdrawn_anywhere: false,
            kept: true,
        }
    }

    #[test]
    fn each_recording_is_in_or_left_out_for_one_reason() {
        let all = vec![
            recording(1),
            Recording { transcript: "Ơ bol!".to_owned(), ..recording(1) },
            Recording { consent: None, ..recording(2) },
            Recording { withdrawn_anywhere: true, ..recording(3) },
            Recording { transcript: " \n".to_owned(), ..recording(4) },
            Recording { approved: None, ..recording(5) },
            Recording { approved: Some(UnixMs(3_999)), ..recording(6) },
            Recording { kept: false, ..recording(7) },
            Recording { language: Language::vietnamese(), ..recording(8) },
        ];
        let wish = Wish { language: Some(Language::new("kpm").unwrap()), since: Some(UnixMs(4_000)) };
        let (picked, left_out) = pick(all, &wish, &[7; 32]);
        assert_eq!(picked.len(), 1);
        assert_eq!(picked[0].text, "Ơ bol kòn bòn!");
        let one = LeftOut {
            without_consent: 1,
            withdrawn: 1,
            without_transcript: 1,
            not_approved: 1,
            too_early: 1,
            again: 1,
            gone: 1,
            unreadable: 0,
            since: 0,
        };
        assert_eq!(left_out, one);
        assert_eq!(left_out.count(), 7);
        assert_eq!(
            LeftOut { withdrawn: 2, ..LeftOut::default() }.to_string(),
            "left out: 2 with a consent that was taken back"
        );
    }

    #[test]
    fn a_speaker_keeps_an_id_that_tells_nothing() {
        let id = |secret: u8, speaker: &str| speaker_id(&[secret; 32], &consent(speaker));
        assert_eq!(id(1, "K' Brèo"), id(1, "k' brèo"));
        assert_ne!(id(1, "K' Brèo"), id(1, "Ka Hem"));
        assert_ne!(id(1, "K' Brèo"), id(2, "K' Brèo"));
        assert_eq!(id(1, "K' Brèo").len(), 18);
    }
}
