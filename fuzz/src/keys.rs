//! An installation of its own: keys, a place for a node, an enrolment token. They match the golden files.

use ed25519_dalek::SigningKey;
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Class;
use loa_protocol::enrolment::{EnrolRequest, EnrolmentSecret, EnrolmentToken};
use loa_protocol::ids::{AreaId, IdError, NodeId, TenantId};
use loa_protocol::keys::{KeyEntry, KeySet, Purpose, Scope};
use loa_protocol::plan::{AreaPlan, Program, Zone};
use loa_protocol::time::UnixMs;

/// 2026-11-20T00:00:00Z, when the golden documents were issued.
pub(crate) const ISSUED_AT_S: i64 = 1_795_132_800;

pub(crate) fn root() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

pub(crate) fn plan_key() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

pub(crate) fn tenant() -> TenantId {
    named("lam-dong", TenantId::new)
}

pub(crate) fn node() -> NodeId {
    named("k-nai-1", NodeId::new)
}

pub(crate) fn path() -> AreaPath {
    let areas = ["tinh", "xa-lac-duong", "bon-dung"].map(|id| named(id, AreaId::new));
    match AreaPath::new(areas.into()) {
        Ok(path) => path,
        Err(never) => unreachable!("three areas, none twice: {never}"),
    }
}

/// One key, for plans and nodes below the province, and not for emergencies.
pub(crate) fn key_set() -> KeySet {
    let scope = Scope {
        purposes: vec![Purpose::Plan, Purpose::Node],
        classes: vec![Class::Normal, Class::Priority],
        area: Some(named("tinh", AreaId::new)),
        not_before: UnixMs::from_seconds(ISSUED_AT_S - 86_400),
        not_after: UnixMs::from_seconds(ISSUED_AT_S + 365 * 86_400),
    };
    KeySet { version: 3, keys: vec![KeyEntry { public_key: plan_key().verifying_key().to_bytes(), scope }] }
}

pub(crate) fn emergency_key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

/// The same set with a second key, for emergencies alone.
pub(crate) fn emergency_key_set() -> KeySet {
    let mut set = key_set();
    let scope = Scope {
        purposes: vec![Purpose::Emergency],
        classes: vec![Class::Emergency],
        ..set.keys[0].scope.clone()
    };
    set.keys.push(KeyEntry { public_key: emergency_key().verifying_key().to_bytes(), scope });
    set
}

/// A plan without items, as a payload for headers.
pub(crate) fn area_plan() -> AreaPlan {
    AreaPlan {
        area: named("xa-lac-duong", AreaId::new),
        epoch: 1_795_132_800_123,
        zone: Zone(chrono_tz::Asia::Ho_Chi_Minh),
        program: Program::default(),
        guards: Default::default(),
        own_priority_first: false,
        prepared: Vec::new(),
    }
}

pub(crate) fn token() -> EnrolmentToken {
    EnrolmentToken {
        controller_url: "http://192.168.1.10:8080".to_owned(),
        secret: EnrolmentSecret::from_random(&[3; 32]),
        root_key_sha256: EnrolmentToken::pin(&root().verifying_key()),
        node_id: node(),
        expires_unix_s: ISSUED_AT_S,
    }
}

/// What a board with the token asks.
pub(crate) fn request() -> EnrolRequest {
    EnrolRequest::new(&token(), vec![0x30, 0x03, 1, 2, 3], Some("SN-7".to_owned()))
}

pub(crate) fn named<T>(id: &str, new: impl Fn(String) -> Result<T, IdError>) -> T {
    match new(id.to_owned()) {
        Ok(id) => id,
        Err(never) => unreachable!("written in this file: {never}"),
    }
}
