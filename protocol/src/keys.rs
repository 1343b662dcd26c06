//! Who may make what sound.
//!
//! An offline *root* key signs a versioned [`KeySet`]. Each key in it has a [`Scope`]: what kind of document it may
//! sign, for which area and below, of which classes, and until when. A commune's key cannot make another commune sound,
//! and a key without the emergency class cannot send an emergency, whoever holds the controller's database.

use ed25519_dalek::VerifyingKey;
use minicbor::encode::Write;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use crate::area::AreaPath;
use crate::bulletin::Class;
use crate::envelope::memo;
use crate::ids::{AreaId, KeyId};
use crate::time::UnixMs;
use crate::wire::{Wire, WireError, require, sha256};

/// Most keys in a set.
pub const KEYS_MAX: usize = 512;

/// What kind of document a key may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Purpose {
    /// Plans of areas.
    #[n(0)]
    Plan,
    /// Documents of single nodes.
    #[n(1)]
    Node,
    /// Emergencies.
    #[n(2)]
    Emergency,
    /// Firmware.
    #[n(3)]
    Firmware,
    /// The time. On the wire it is not among the purposes but a key of its own, which an earlier node skips: a number
    /// that it does not know among the purposes would have it refuse the whole key set.
    #[n(4)]
    Time,
}

/// What a key may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The kinds of document that it may sign.
    pub purposes: Vec<Purpose>,
    /// The classes that items in them may have.
    pub classes: Vec<Class>,
    /// The area whose subtree it serves; `None`: the whole tenant.
    pub area: Option<AreaId>,
    /// Not valid before this instant.
    pub not_before: UnixMs,
    /// Not valid at or after this instant.
    pub not_after: UnixMs,
}

/// A [`Scope`] as it is sent.
#[derive(Encode, Decode)]
#[cbor(map)]
struct SentScope {
    #[n(0)]
    purposes: Vec<Purpose>,
    #[n(1)]
    classes: Vec<Class>,
    #[n(2)]
    area: Option<AreaId>,
    #[n(3)]
    not_before: UnixMs,
    #[n(4)]
    not_after: UnixMs,
    #[n(5)]
    #[cbor(default, skip_if = "is_false")]
    tells_time: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl<C> Encode<C> for Scope {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), encode::Error<W::Error>> {
        let Self { purposes, classes, area, not_before, not_after } = self;
        let is_sent = |purpose: &&Purpose| **purpose != Purpose::Time;
        SentScope {
            purposes: purposes.iter().filter(is_sent).copied().collect(),
            classes: classes.clone(),
            area: area.clone(),
            not_before: *not_before,
            not_after: *not_after,
            tells_time: purposes.contains(&Purpose::Time),
        }
        .encode(e, ctx)
    }
}

impl<'b, C> Decode<'b, C> for Scope {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, decode::Error> {
        let SentScope { mut purposes, classes, area, not_before, not_after, tells_time } =
            SentScope::decode(d, ctx)?;
        if purposes.contains(&Purpose::Time) {
            return Err(decode::Error::message("the purpose time among the others"));
        }
        purposes.extend(tells_time.then_some(Purpose::Time));
        Ok(Self { purposes, classes, area, not_before, not_after })
    }
}

impl Scope {
    /// Whether it reaches `area`, seen from a node that stands at `path`.
    pub fn covers(&self, path: &AreaPath, area: &AreaId) -> bool {
        self.area.as_ref().is_none_or(|own| path.is_within(area, own))
    }

    /// Whether a node that stands at `path` is within it.
    pub fn contains(&self, path: &AreaPath) -> bool {
        self.area.as_ref().is_none_or(|own| path.contains(own))
    }

    /// Whether it is valid at `now`.
    pub fn is_valid_at(&self, now: UnixMs) -> bool {
        self.not_before <= now && now < self.not_after
    }
}

/// A public key and what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct KeyEntry {
    /// The Ed25519 public key (RFC 8032), 32 bytes.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub public_key: [u8; 32],
    /// What it may do.
    #[n(1)]
    pub scope: Scope,
}

impl KeyEntry {
    /// The key's id.
    pub fn id(&self) -> Option<KeyId> {
        self.verifying_key().map(|key| KeyId::of(&key))
    }

    /// The key, `None` when the bytes are no point of the curve or a weak one.
    pub fn verifying_key(&self) -> Option<VerifyingKey> {
        memo::key(&self.public_key, || {
            VerifyingKey::from_bytes(&self.public_key).ok().filter(|key| !key.is_weak())
        })
    }
}

/// All keys that may sign, itself signed by the root. Topic `keys`, retained.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct KeySet {
    /// Rises with every change; equal to the envelope's sequence.
    #[n(0)]
    pub version: u64,
    /// The keys.
    #[n(1)]
    pub keys: Vec<KeyEntry>,
}

impl KeySet {
    /// Whether any of its keys may do this.
    pub fn can(&self, purpose: Purpose) -> bool {
        self.keys.iter().any(|entry| entry.scope.purposes.contains(&purpose))
    }

    /// The key of this id.
    pub fn find(&self, id: KeyId) -> Option<(VerifyingKey, &Scope)> {
        self.keys.iter().find_map(|entry| {
            // By the bytes first: a point of the curve costs a board more than a hash, and a set may have hundreds.
            let is_it = sha256(&entry.public_key)[..KeyId::LEN] == id.0;
            let key = if is_it { entry.verifying_key()? } else { return None };
            Some((key, &entry.scope))
        })
    }
}

impl Wire for KeySet {
    fn check(&self) -> Result<(), WireError> {
        require(self.keys.len() <= KEYS_MAX, "keys", "has at most 512 entries")?;
        require(self.keys.iter().all(|e| e.id().is_some()), "public_key", "is a strong Ed25519 key")
    }
}
