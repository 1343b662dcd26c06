//! The names of things.
//!
//! Text ids travel inside MQTT topics, file names and certificates, so they are restricted to
//! lower-case ASCII letters, digits and inner hyphens: nothing in them can ever be a topic wildcard, a path
//! separator or a blank. Byte ids are fixed-length hashes or random numbers, written in lower-case hex.

use std::fmt;
use std::str::FromStr;

use minicbor::{Decode, Decoder, Encode, Encoder};

/// Longest text id, in bytes.
pub const TEXT_ID_MAX_BYTES: usize = 64;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// Text ids have 1 to 64 bytes.
    #[error("an id has 1 to {TEXT_ID_MAX_BYTES} characters, this one has {0}")]
    Length(usize),
    /// Only `a-z`, `0-9` and inner `-`.
    #[error("an id is made of a-z, 0-9 and inner hyphens; {0:?} is not")]
    Characters(String),
    /// Byte ids are a fixed number of lower-case hex digits.
    #[error("expected {expected} lower-case hex digits")]
    Hex {
        /// Number of hex digits that the id has.
        expected: usize,
    },
}

fn check_text_id(text: &str) -> Result<(), IdError> {
    if text.is_empty() || text.len() > TEXT_ID_MAX_BYTES {
        return Err(IdError::Length(text.len()));
    }
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !text.bytes().all(inner) || text.starts_with('-') || text.ends_with('-') {
        return Err(IdError::Characters(text.to_owned()));
    }
    Ok(())
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Checks the text and takes it as an id.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                check_text_id(&text)?;
                Ok(Self(text))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.str(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                Self::new(d.str()?).map_err(|e| minicbor::decode::Error::message(e.to_string()))
            }
        }
    };
}

text_id!(
    /// One installation's name space: everything below `loa/1/{tenant}/`.
    TenantId
);
text_id!(
    /// A place: province, commune, village, of any depth.
    AreaId
);
text_id!(
    /// One loudspeaker cluster and its board; also the common name of its certificate.
    NodeId
);
text_id!(
    /// What staff write, approve and hear.
    BulletinId
);
text_id!(
    /// One entry of a plan: a bulletin with its start rule.
    ItemId
);
text_id!(
    /// A set of dates in a document.
    CalendarId
);

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// The bytes.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let wrong = IdError::Hex { expected: 2 * $len };
                let digits = text.as_bytes();
                if digits.len() != 2 * $len {
                    return Err(wrong);
                }
                let mut bytes = [0; $len];
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                    let (Some(high), Some(low)) = (hex_digit(pair[0]), hex_digit(pair[1])) else {
                        return Err(wrong);
                    };
                    *byte = high << 4 | low;
                }
                Ok(Self(bytes))
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                <[u8; $len]>::try_from(d.bytes()?)
                    .map(Self)
                    .map_err(|_| minicbor::decode::Error::message(concat!(stringify!($name), " of a wrong length")))
            }
        }
    };
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

byte_id!(
    /// SHA-256 of an audio object's bytes: its name everywhere.
    ObjectHash,
    32
);
byte_id!(
    /// The first 16 bytes of SHA-256: of a block, or of a signed document.
    Digest,
    16
);
byte_id!(
    /// The first 8 bytes of SHA-256 of an Ed25519 public key.
    KeyId,
    8
);
byte_id!(
    /// One planned start of one item, the same on every machine. See [`crate::timeline::occurrence_id`].
    OccurrenceId,
    16
);
byte_id!(
    /// A random number that a node draws at each boot.
    BootId,
    8
);

impl ObjectHash {
    /// The hash of an object's whole bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(crate::wire::sha256(bytes))
    }
}

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut digest = [0; 16];
        digest.copy_from_slice(&crate::wire::sha256(bytes)[..16]);
        Self(digest)
    }
}

impl KeyId {
    /// The id of an Ed25519 public key.
    pub fn of(public_key: &ed25519_dalek::VerifyingKey) -> Self {
        let mut id = [0; 8];
        id.copy_from_slice(&crate::wire::sha256(public_key.as_bytes())[..8]);
        Self(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ids_keep_topics_and_paths_safe() {
        for good in ["a", "lam-dong", "xa-da-dong-2", "0"] {
            assert_eq!(AreaId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "a-", "A", "a/b", "a+b", "#", "a b", "..", "đ", "a\0", &"x".repeat(65)] {
            assert!(AreaId::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn byte_ids_round_trip_as_hex_and_refuse_the_rest() {
        let hash = ObjectHash::of(b"loa");
        assert_eq!(hash.to_string().parse::<ObjectHash>(), Ok(hash));
        for bad in ["", "00", &"g".repeat(64), &"A".repeat(64), &"é".repeat(32)] {
            assert!(bad.parse::<ObjectHash>().is_err(), "{bad:?}");
        }
    }
}
