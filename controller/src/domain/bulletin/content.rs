//! What a revision says and sounds like, and the digest that an approval binds.

use std::fmt;
use std::str::FromStr;

use loa_protocol::bulletin::{Category, Class, Language};
use loa_protocol::ids::ObjectHash;
use sha2::{Digest as _, Sha256};

/// Where a track's sound comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrackSource {
    /// Spoken by a synthetic voice.
    Speech {
        /// What is spoken.
        text: String,
        /// The voice; `None`: the configured one.
        voice: Option<String>,
        /// The speed; `None`: the configured one.
        words_per_minute: Option<u16>,
    },
    /// A file that staff uploaded or recorded.
    Recording {
        /// SHA-256 of the file as it came.
        upload: ObjectHash,
        /// The name that it had.
        file_name: String,
        /// What is read in it, in its language; empty where nobody wrote it down.
        transcript: String,
    },
}

/// One language's sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackContent {
    /// The language spoken.
    pub language: Language,
    /// Where the sound comes from.
    pub source: TrackSource,
}

/// Everything that staff decide about one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The title: what lists show.
    pub title: String,
    /// The text in Vietnamese, for readers; may be empty when every track is a recording.
    pub text: String,
    /// What it is about.
    pub category: Category,
    /// Its class.
    pub class: Class,
    /// The sounds, in the order of the form; no language twice.
    pub tracks: Vec<TrackContent>,
}

/// SHA-256 over a revision's content and the finished sound of every track: what an approver saw and heard.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentDigest([u8; 32]);

impl Content {
    /// The digest, given the finished object of each track in order (`None` where the sound is not made yet).
    ///
    /// Every part goes in with its length before it, so that no two contents share an encoding.
    pub fn digest<'a>(&self, objects: impl IntoIterator<Item = Option<&'a ObjectHash>>) -> ContentDigest {
        let mut hash = Hasher(Sha256::new());
        hash.part(b"loa-bulletin-1");
        hash.part(self.title.as_bytes());
        hash.part(self.text.as_bytes());
        hash.part(self.category.as_str().as_bytes());
        hash.part(self.class.as_str().as_bytes());
        hash.number(self.tracks.len() as u64);
        let mut objects = objects.into_iter();
        for track in &self.tracks {
            hash.part(track.language.as_str().as_bytes());
            match &track.source {
                TrackSource::Speech { text, voice, words_per_minute } => {
                    hash.part(b"speech");
                    hash.part(text.as_bytes());
                    hash.part(voice.as_deref().unwrap_or_default().as_bytes());
                    hash.number(u64::from(words_per_minute.unwrap_or_default()));
                }
                TrackSource::Recording { upload, file_name, transcript } => {
                    // Recordings without a transcript keep the digests under which they were approved.
                    let kind: &[u8] = if transcript.is_empty() { b"recording" } else { b"transcribed" };
                    hash.part(kind);
                    hash.part(upload.as_bytes());
                    hash.part(file_name.as_bytes());
                    if !transcript.is_empty() {
                        hash.part(transcript.as_bytes());
                    }
                }
            }
            hash.part(objects.next().flatten().map_or(&[][..], |object| object.as_bytes()));
        }
        ContentDigest(hash.0.finalize().into())
    }
}

struct Hasher(Sha256);

impl Hasher {
    fn number(&mut self, number: u64) {
        self.0.update(number.to_be_bytes());
    }

    fn part(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentDigest({self})")
    }
}

/// A text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a content digest has 64 lower-case hex digits")]
pub struct DigestError;

impl FromStr for ContentDigest {
    type Err = DigestError;
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|_| DigestError)?;
        bytes.try_into().map(Self).map_err(|_| DigestError)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_source() -> impl Strategy<Value = TrackSource> {
        prop_oneof![
            ("[ab]{0,2}", proptest::option::of("[ab]{1,2}"), proptest::option::of(80u16..82)).prop_map(
                |(text, voice, words_per_minute)| TrackSource::Speech { text, voice, words_per_minute }
            ),
            (0u8..2, "[ab]{0,2}", "[ab]{0,2}").prop_map(|(hash, file_name, transcript)| {
                TrackSource::Recording { upload: ObjectHash([hash; 32]), file_name, transcript }
            }),
        ]
    }

    fn any_content() -> impl Strategy<Value = Content> {
        (
            "[ab]{0,2}",
            "[ab]{0,2}",
            0usize..2,
            0usize..3,
            proptest::collection::vec(("(vi|en|kpm)", any_source()), 0..3),
        )
            .prop_map(|(title, text, category, class, tracks)| Content {
                title,
                text,
                category: Category::ALL[category],
                class: Class::ALL[class],
                tracks: tracks
                    .into_iter()
                    .map(|(tag, source)| TrackContent { language: Language::new(tag).unwrap(), source })
                    .collect(),
            })
    }

    proptest! {
        #[test]
        fn equal_digests_mean_equal_content(a in any_content(), b in any_content(), object in proptest::option::of(0u8..2)) {
            let object = object.map(|o| ObjectHash([o; 32]));
            let digest = |c: &Content| c.digest(c.tracks.iter().map(|_| object.as_ref()));
            prop_assert_eq!(digest(&a) == digest(&b), a == b);
            if !a.tracks.is_empty() && object.is_some() {
                prop_assert_ne!(digest(&a), a.digest(a.tracks.iter().map(|_| None)), "the sound counts");
            }
            prop_assert_eq!(digest(&a).to_string().parse(), Ok(digest(&a)));
        }
    }
}
