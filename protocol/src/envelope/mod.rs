//! Signed documents: COSE_Sign1 (RFC 9052) with Ed25519.
//!
//! The claims are CWT claims in the protected header (RFC 9597). A receiver calls [`open`] (or [`open_key_set`]), which
//! checks, in this order: form, key, signature over the exact bytes received, audience, scope, validity, payload,
//! classes. The [`Freshness`] check against replay comes last, because it needs what the receiver last applied.
//! Whatever fails is a [`Refusal`]: nothing plays, and the refusal is counted and reported.

mod claims;
mod cose;
pub(crate) mod memo;

use ed25519_dalek::{SigningKey, VerifyingKey};
use minicbor::{Decode, Encode};

pub use self::claims::{Audience, Claims, ContentType};
pub use self::memo::{remember, shared};
use crate::alert::{self, AreaAlerts};
use crate::area::AreaPath;
use crate::bulletin::Class;
use crate::clock::{TimeAnswer, VALID_MAX_S};
use crate::command::Command;
use crate::ids::{BootId, Digest, KeyId, NodeId, TenantId};
use crate::keys::{KeySet, Purpose};
use crate::plan::{AreaPlan, NodeDocument};
use crate::time::UnixMs;
use crate::wire::Wire;

/// Why a signed document was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode, thiserror::Error)]
#[cbor(index_only)]
#[non_exhaustive]
pub enum Refusal {
    /// Not a COSE_Sign1 structure of this protocol.
    #[n(0)]
    #[error("not a signed document")]
    Malformed,
    /// The document is of another kind than the topic carries.
    #[n(1)]
    #[error("a document of another kind")]
    WrongKind,
    /// No key of this id in the key set.
    #[n(2)]
    #[error("signed with an unknown key")]
    UnknownKey,
    /// The signature does not fit.
    #[n(3)]
    #[error("the signature does not fit")]
    BadSignature,
    /// Meant for another tenant, area or node.
    #[n(4)]
    #[error("meant for somebody else")]
    WrongAudience,
    /// The key may not direct this area, sign this kind, or send this class.
    #[n(5)]
    #[error("the key may not do this")]
    OutOfScope,
    /// The document or its key is not valid yet.
    #[n(6)]
    #[error("not valid yet")]
    NotYetValid,
    /// The document or its key is not valid any more.
    #[n(7)]
    #[error("expired")]
    Expired,
    /// An older version than the one applied, or another document under the same version.
    #[n(8)]
    #[error("replayed: an older version than the one applied")]
    Replayed,
    /// The payload breaks the protocol.
    #[n(9)]
    #[error("the content breaks the protocol")]
    BadContent,
}

/// A document that can be signed.
pub trait Signed: Wire + Clone + 'static {
    /// The kind that the envelope names.
    const CONTENT: ContentType;
    /// What a key must be allowed to sign it.
    const PURPOSE: Purpose;

    /// For whom the payload says it is; must be the envelope's audience.
    fn audience(&self, tenant: &TenantId) -> Audience;
    /// The version that the payload says it has; must be the envelope's sequence.
    fn sequence(&self) -> u64;
    /// The classes that the key must be allowed to send.
    fn classes(&self) -> Vec<Class>;
    /// Where the document would put the node, if it would.
    fn placement(&self) -> Option<&AreaPath> {
        None
    }
}

impl Signed for AreaPlan {
    const CONTENT: ContentType = ContentType::AreaPlan;
    const PURPOSE: Purpose = Purpose::Plan;

    fn audience(&self, tenant: &TenantId) -> Audience {
        Audience::Area(tenant.clone(), self.area.clone())
    }
    fn sequence(&self) -> u64 {
        self.epoch
    }
    fn classes(&self) -> Vec<Class> {
        self.program.classes()
    }
}

impl Signed for NodeDocument {
    const CONTENT: ContentType = ContentType::NodeDocument;
    const PURPOSE: Purpose = Purpose::Node;

    fn audience(&self, tenant: &TenantId) -> Audience {
        Audience::Node(tenant.clone(), self.node.clone())
    }
    fn sequence(&self) -> u64 {
        self.epoch
    }
    fn classes(&self) -> Vec<Class> {
        self.program.classes()
    }
    fn placement(&self) -> Option<&AreaPath> {
        Some(&self.path)
    }
}

/// From when until when a document may be acted on, in whole seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// When it was signed.
    pub issued_at_s: i64,
    /// Refused before.
    pub not_before_s: i64,
    /// Refused at and after.
    pub expires_s: i64,
}

/// Signs a document.
pub fn seal<T: Signed>(document: &T, tenant: &TenantId, validity: Validity, key: &SigningKey) -> Vec<u8> {
    let claims = Claims {
        content: T::CONTENT,
        key: KeyId::of(&key.verifying_key()),
        audience: document.audience(tenant),
        sequence: document.sequence(),
        validity,
    };
    cose::sign(&claims, document.to_cbor(), key)
}

/// Signs a key set with the root key.
pub fn seal_key_set(set: &KeySet, tenant: &TenantId, validity: Validity, root: &SigningKey) -> Vec<u8> {
    let claims = Claims {
        content: ContentType::KeySet,
        key: KeyId::of(&root.verifying_key()),
        audience: Audience::Tenant(tenant.clone()),
        sequence: set.version,
        validity,
    };
    cose::sign(&claims, set.to_cbor(), root)
}

/// Who opens a document, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    /// The tenant that the node belongs to.
    pub tenant: &'a TenantId,
    /// The node.
    pub node: &'a NodeId,
    /// Where the node stands by the last document that it applied, or by its enrolment.
    pub path: &'a AreaPath,
}

/// A document whose signature, audience, scope and validity are right. Check its [freshness](Opened::freshness).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened<T> {
    /// The document.
    pub document: T,
    /// The envelope's claims.
    pub claims: Claims,
    /// Digest of the envelope's bytes: what a node reports as applied.
    pub digest: Digest,
}

/// What a receiver last applied for an audience and kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Applied {
    /// Its sequence.
    #[n(0)]
    pub sequence: u64,
    /// Digest of its envelope.
    #[n(1)]
    pub digest: Digest,
}

/// Whether a document is newer than what was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Newer: apply it.
    New,
    /// The very document that was applied, delivered again: nothing to do.
    Same,
}

impl Applied {
    /// Compares with what was last applied for the same audience and kind, whichever key signed that.
    ///
    /// # Errors
    /// [`Refusal::Replayed`] for an older sequence, or another document under the same sequence.
    pub fn freshness(self, last: Option<Self>) -> Result<Freshness, Refusal> {
        match last {
            Some(last) if self.sequence < last.sequence => Err(Refusal::Replayed),
            Some(last) if self.sequence > last.sequence => Ok(Freshness::New),
            Some(last) if self.digest == last.digest => Ok(Freshness::Same),
            Some(_) => Err(Refusal::Replayed),
            None => Ok(Freshness::New),
        }
    }
}

impl<T> Opened<T> {
    /// Compares with what was last applied for the same audience and kind, whichever key signed that.
    ///
    /// # Errors
    /// As [`Applied::freshness`].
    pub fn freshness(&self, last: Option<Applied>) -> Result<Freshness, Refusal> {
        self.applied().freshness(last)
    }

    /// What to remember once the document is applied.
    pub fn applied(&self) -> Applied {
        Applied { sequence: self.claims.sequence, digest: self.digest }
    }
}

/// Opens a signed document.
///
/// # Errors
/// The first [`Refusal`], in the order that the module's documentation gives.
pub fn open<T: Signed>(
    bytes: &[u8],
    keys: &KeySet,
    recipient: Recipient<'_>,
    now: UnixMs,
) -> Result<Opened<T>, Refusal> {
    let envelope = cose::Envelope::parse(bytes)?;
    let claims = envelope.claims();
    if claims.content != T::CONTENT {
        return Err(Refusal::WrongKind);
    }
    let (key, scope) = keys.find(claims.key).ok_or(Refusal::UnknownKey)?;
    envelope.verify(&key)?;
    let reach = match &claims.audience {
        Audience::Area(tenant, area) if tenant == recipient.tenant && recipient.path.contains(area) => area,
        // A key of any area above the node may direct it.
        Audience::Node(tenant, node) if tenant == recipient.tenant && node == recipient.node => {
            recipient.path.areas().last().ok_or(Refusal::WrongAudience)?
        }
        Audience::Area(..) | Audience::Node(..) | Audience::Tenant(_) => return Err(Refusal::WrongAudience),
    };
    if !scope.covers(recipient.path, reach) || !scope.purposes.contains(&T::PURPOSE) {
        return Err(Refusal::OutOfScope);
    }
    if now < scope.not_before {
        return Err(Refusal::NotYetValid);
    }
    claims.validity.check(now)?;
    if !scope.is_valid_at(now) {
        return Err(Refusal::Expired);
    }
    let decode = || T::from_cbor(envelope.payload()).map_err(|_| Refusal::BadContent);
    let document = memo::document(bytes, decode)?;
    let consistent =
        document.audience(recipient.tenant) == claims.audience && document.sequence() == claims.sequence;
    if !consistent {
        return Err(Refusal::BadContent);
    }
    // A key moves a node within its own area only: neither away from somebody else nor to somebody else.
    let stays = document.placement().is_none_or(|path| scope.contains(path));
    if !stays || !document.classes().iter().all(|class| scope.classes.contains(class)) {
        return Err(Refusal::OutOfScope);
    }
    Ok(Opened { document, claims: claims.clone(), digest: memo::digest(bytes) })
}

/// What an envelope says of itself, whoever signed it, if anybody did: it tells the kinds of document on one topic apart, and proves
/// nothing. The payload is not looked at.
///
/// # Errors
/// [`Refusal::Malformed`] or [`Refusal::WrongKind`], as [`open`].
pub fn claims_of(bytes: &[u8]) -> Result<Claims, Refusal> {
    cose::claims(bytes)
}

/// Opens the alerts of an area.
///
/// # Errors
/// As [`open`]; a document that is valid for longer than it may be is [`Refusal::Malformed`].
pub fn open_alerts(
    bytes: &[u8],
    keys: &KeySet,
    recipient: Recipient<'_>,
    now: UnixMs,
) -> Result<Opened<AreaAlerts>, Refusal> {
    let opened: Opened<AreaAlerts> = open(bytes, keys, recipient, now)?;
    let Validity { issued_at_s, expires_s, .. } = opened.claims.validity;
    if expires_s.saturating_sub(issued_at_s) > alert::VALID_MAX_S {
        Err(Refusal::Malformed)
    } else {
        Ok(opened)
    }
}

/// From when on a document that is not valid yet may be: the later of its own and its key's beginning. Says nothing of its
/// signature; `None` where it is no signed document.
pub fn valid_from(bytes: &[u8], keys: Option<&KeySet>) -> Option<UnixMs> {
    let envelope = cose::Envelope::parse(bytes).ok()?;
    let claims = envelope.claims();
    let own = UnixMs::from_seconds(claims.validity.not_before_s);
    let key = keys.and_then(|keys| keys.find(claims.key)).map(|(_, scope)| scope.not_before);
    Some(key.map_or(own, |key| key.max(own)))
}

/// Opens a live order. `boot` is the node's boot id where its clock is not known, else `None`: then an order that names it is
/// taken for given now, whatever the clock shows, for nobody could have signed it before this boot.
///
/// # Errors
/// As [`open`].
pub fn open_live(
    bytes: &[u8],
    keys: &KeySet,
    recipient: Recipient<'_>,
    now: UnixMs,
    boot: Option<BootId>,
) -> Result<Opened<Command>, Refusal> {
    let by_clock = open(bytes, keys, recipient, now);
    let (Some(boot), Err(refusal @ (Refusal::NotYetValid | Refusal::Expired))) = (boot, &by_clock) else {
        return by_clock;
    };
    let issued_at = UnixMs::from_seconds(cose::Envelope::parse(bytes)?.claims().validity.issued_at_s);
    let opened: Opened<Command> = open(bytes, keys, recipient, issued_at)?;
    if opened.document.boot == Some(boot) { Ok(opened) } else { Err(*refusal) }
}

/// Opens an answer to a request for the time, at the instant that it names: the node's own clock cannot judge it (rule E4 of the
/// [clock](crate::clock)). Whether it fits a request that waits is for the receiver to see.
///
/// # Errors
/// As [`open`]; one that is valid for longer than it may be is [`Refusal::Malformed`].
pub fn open_time(
    bytes: &[u8],
    keys: &KeySet,
    recipient: Recipient<'_>,
) -> Result<Opened<TimeAnswer>, Refusal> {
    let validity = cose::Envelope::parse(bytes)?.claims().validity;
    let opened: Opened<TimeAnswer> =
        open(bytes, keys, recipient, UnixMs::from_seconds(validity.issued_at_s))?;
    if validity.expires_s.saturating_sub(validity.issued_at_s) > VALID_MAX_S {
        return Err(Refusal::Malformed);
    }
    if opened.document.answered.seconds() != validity.issued_at_s {
        return Err(Refusal::BadContent);
    }
    Ok(opened)
}

/// Opens a key set that the root signed.
///
/// # Errors
/// The first [`Refusal`]; a set that is not signed by this root is [`Refusal::UnknownKey`].
pub fn open_key_set(
    bytes: &[u8],
    root: &VerifyingKey,
    tenant: &TenantId,
    now: UnixMs,
) -> Result<Opened<KeySet>, Refusal> {
    let envelope = cose::Envelope::parse(bytes)?;
    let claims = envelope.claims();
    if claims.content != ContentType::KeySet {
        return Err(Refusal::WrongKind);
    }
    if claims.key != KeyId::of(root) {
        return Err(Refusal::UnknownKey);
    }
    envelope.verify(root)?;
    if claims.audience != Audience::Tenant(tenant.clone()) {
        return Err(Refusal::WrongAudience);
    }
    claims.validity.check(now)?;
    let document = KeySet::from_cbor(envelope.payload()).map_err(|_| Refusal::BadContent)?;
    if document.version != claims.sequence {
        return Err(Refusal::BadContent);
    }
    Ok(Opened { document, claims: claims.clone(), digest: memo::digest(bytes) })
}

impl Validity {
    fn check(&self, now: UnixMs) -> Result<(), Refusal> {
        if now.seconds() < self.not_before_s {
            Err(Refusal::NotYetValid)
        } else if now.seconds() >= self.expires_s {
            Err(Refusal::Expired)
        } else if self.issued_at_s < self.not_before_s || self.issued_at_s >= self.expires_s {
            // Nobody signs before a document may be acted on, or once it has expired: a defect of the signer.
            Err(Refusal::Malformed)
        } else {
            Ok(())
        }
    }
}
