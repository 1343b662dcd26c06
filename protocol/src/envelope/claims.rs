//! The claims of an envelope and their place in the COSE protected header.

use std::fmt;
use std::str::FromStr;

use coset::cbor::value::Value;
use coset::{ContentType as CoseContentType, Header, HeaderBuilder, Label, RegisteredLabelWithPrivate, iana};

use super::{Refusal, Validity};
use crate::ids::{AreaId, KeyId, NodeId, TenantId};

/// Header label of the CWT claims (RFC 9597).
const CWT_CLAIMS: i64 = iana::HeaderParameter::CwtClaims as i64;
/// Claim keys of RFC 8392.
const AUDIENCE: i64 = 3;
const EXPIRES: i64 = 4;
const NOT_BEFORE: i64 = 5;
const ISSUED_AT: i64 = 6;
/// Our claim, in the range that RFC 8392 leaves to private use.
const SEQUENCE: i64 = -65537;

/// The kinds of signed document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContentType {
    /// `application/loa-keys+cbor`
    KeySet,
    /// `application/loa-plan+cbor`
    AreaPlan,
    /// `application/loa-node+cbor`
    NodeDocument,
    /// `application/loa-alert+cbor`
    Alert,
    /// `application/loa-command+cbor`
    Command,
    /// `application/loa-time+cbor`
    Time,
}

impl ContentType {
    const ALL: [Self; 6] =
        [Self::KeySet, Self::AreaPlan, Self::NodeDocument, Self::Alert, Self::Command, Self::Time];

    /// The media type in the header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeySet => "application/loa-keys+cbor",
            Self::AreaPlan => "application/loa-plan+cbor",
            Self::NodeDocument => "application/loa-node+cbor",
            Self::Alert => "application/loa-alert+cbor",
            Self::Command => "application/loa-command+cbor",
            Self::Time => "application/loa-time+cbor",
        }
    }
}

/// For whom a document is: `{tenant}`, `{tenant}/a/{area}` or `{tenant}/d/{node}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Everybody of a tenant.
    Tenant(TenantId),
    /// The nodes of an area and below.
    Area(TenantId, AreaId),
    /// One node.
    Node(TenantId, NodeId),
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant(tenant) => write!(f, "{tenant}"),
            Self::Area(tenant, area) => write!(f, "{tenant}/a/{area}"),
            Self::Node(tenant, node) => write!(f, "{tenant}/d/{node}"),
        }
    }
}

impl FromStr for Audience {
    type Err = crate::ids::IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '/');
        let tenant = TenantId::new(parts.next().unwrap_or_default())?;
        match (parts.next(), parts.next()) {
            (None, _) => Ok(Self::Tenant(tenant)),
            (Some("a"), Some(area)) => Ok(Self::Area(tenant, AreaId::new(area)?)),
            (Some("d"), Some(node)) => Ok(Self::Node(tenant, NodeId::new(node)?)),
            (Some(_), _) => Err(crate::ids::IdError::Characters(text.to_owned())),
        }
    }
}

/// What an envelope says of its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Kind of the payload.
    pub content: ContentType,
    /// The key that signs.
    pub key: KeyId,
    /// For whom it is.
    pub audience: Audience,
    /// Rises with every document for the same audience and kind.
    pub sequence: u64,
    /// When it may be acted on.
    pub validity: Validity,
}

impl Claims {
    pub(super) fn to_header(&self) -> Header {
        let claim = |key: i64, value: Value| (Value::from(key), value);
        let claims = Value::Map(vec![
            claim(AUDIENCE, Value::Text(self.audience.to_string())),
            claim(EXPIRES, Value::from(self.validity.expires_s)),
            claim(NOT_BEFORE, Value::from(self.validity.not_before_s)),
            claim(ISSUED_AT, Value::from(self.validity.issued_at_s)),
            claim(SEQUENCE, Value::from(self.sequence)),
        ]);
        HeaderBuilder::new()
            .algorithm(iana::Algorithm::EdDSA)
            .content_type(self.content.as_str().to_owned())
            .key_id(self.key.as_bytes().to_vec())
            .value(CWT_CLAIMS, claims)
            .build()
    }

    /// Reads the header. Exactly the parameters that [`Claims::to_header`] writes are understood; any other makes the
    /// document malformed, so that nothing in a header can go unnoticed.
    pub(super) fn from_header(header: &Header) -> Result<Self, Refusal> {
        let Header { alg, crit, content_type, key_id, iv, partial_iv, counter_signatures, rest } = header;
        let plain =
            crit.is_empty() && iv.is_empty() && partial_iv.is_empty() && counter_signatures.is_empty();
        let eddsa = RegisteredLabelWithPrivate::Assigned(iana::Algorithm::EdDSA);
        if !plain || alg.as_ref() != Some(&eddsa) {
            return Err(Refusal::Malformed);
        }
        let Some(CoseContentType::Text(media_type)) = content_type else { return Err(Refusal::Malformed) };
        let content = ContentType::ALL.into_iter().find(|c| c.as_str() == media_type);
        let key = <[u8; KeyId::LEN]>::try_from(key_id.as_slice()).map(KeyId);
        let [(Label::Int(CWT_CLAIMS), Value::Map(claims))] = rest.as_slice() else {
            return Err(Refusal::Malformed);
        };
        let mut found = [const { None::<i128> }; 4];
        let mut audience = None;
        for (name, value) in claims {
            let name = name.as_integer().map(i128::from).ok_or(Refusal::Malformed)?;
            let numeric =
                [EXPIRES, NOT_BEFORE, ISSUED_AT, SEQUENCE].into_iter().position(|n| i128::from(n) == name);
            match (numeric, value) {
                (Some(slot), Value::Integer(number)) if found[slot].is_none() => {
                    found[slot] = Some(i128::from(*number));
                }
                (None, Value::Text(text)) if name == i128::from(AUDIENCE) && audience.is_none() => {
                    audience = text.parse().ok();
                }
                _ => return Err(Refusal::Malformed),
            }
        }
        let seconds = |slot: usize| found[slot].and_then(|n| i64::try_from(n).ok()).ok_or(Refusal::Malformed);
        Ok(Self {
            content: content.ok_or(Refusal::WrongKind)?,
            key: key.map_err(|_| Refusal::Malformed)?,
            audience: audience.ok_or(Refusal::Malformed)?,
            sequence: found[3].and_then(|n| u64::try_from(n).ok()).ok_or(Refusal::Malformed)?,
            validity: Validity {
                expires_s: seconds(0)?,
                not_before_s: seconds(1)?,
                issued_at_s: seconds(2)?,
            },
        })
    }
}
