//! The controller that is not there: keys, plans, objects.

use ed25519_dalek::SigningKey;
use loa_node_core::Identity;
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::{Category, Class, Language};
use loa_protocol::clock::{TimeAnswer, TimeRequest};
use loa_protocol::envelope::{Validity, seal, seal_key_set};
use loa_protocol::ids::{AreaId, BulletinId, ItemId, NodeId, ObjectHash, TenantId};
use loa_protocol::keys::{KeyEntry, KeySet, Purpose, Scope};
use loa_protocol::plan::{AreaPlan, Item, NodeDocument, Program, Track, Zone};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Guards, ItemRules, Start};
use loa_protocol::transfer::{Codec, Manifest};

/// 2026-11-23T00:00:00Z: when every story begins.
pub(crate) const T0: UnixMs = UnixMs(1_795_392_000_000);
pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

pub(crate) const ZONE: Zone = Zone(chrono_tz::Asia::Ho_Chi_Minh);

pub(crate) fn tenant() -> TenantId {
    TenantId::new("lam-dong").unwrap()
}

pub(crate) fn node() -> NodeId {
    NodeId::new("thon-3-cum-1").unwrap()
}

pub(crate) fn area(id: &str) -> AreaId {
    AreaId::new(id).unwrap()
}

pub(crate) fn item_id(id: &str) -> ItemId {
    ItemId::new(id).unwrap()
}

pub(crate) fn path(areas: &[&str]) -> AreaPath {
    AreaPath::new(areas.iter().map(|id| area(id)).collect()).unwrap()
}

pub(crate) fn language(tag: &str) -> Language {
    Language::new(tag).unwrap()
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(crate) fn root() -> SigningKey {
    key(1)
}

/// The key of the commune `xa`, in the first key set.
pub(crate) fn commune() -> SigningKey {
    key(2)
}

pub(crate) fn identity() -> Identity {
    Identity {
        tenant: tenant(),
        node: node(),
        path: path(&["tinh", "xa", "thon"]),
        root: root().verifying_key(),
    }
}

/// Valid from an hour before the stories begin, for 100 days.
pub(crate) fn validity() -> Validity {
    let seconds = T0.seconds();
    Validity { issued_at_s: seconds, not_before_s: seconds - 3600, expires_s: seconds + 100 * 24 * 3600 }
}

/// The key that tells the time.
pub(crate) fn timekeeper() -> SigningKey {
    key(9)
}

/// May tell the time, and nothing else.
pub(crate) fn time_scope() -> Scope {
    Scope { purposes: vec![Purpose::Time], classes: Vec::new(), ..scope("tinh") }
}

/// The key set of an installation that tells the time.
pub(crate) fn keys_with_time() -> Vec<u8> {
    key_set(1, &[(&commune(), scope("xa")), (&timekeeper(), time_scope())])
}

/// A right answer, given at once.
pub(crate) fn time_answer(request: &TimeRequest, at: UnixMs, error_ms: Option<u32>) -> Vec<u8> {
    let TimeRequest { sequence, nonce } = *request;
    let answer = TimeAnswer { node: node(), sequence, nonce, received: at, answered: at, error_ms };
    sealed_answer(&answer, &timekeeper())
}

pub(crate) fn sealed_answer(answer: &TimeAnswer, key: &SigningKey) -> Vec<u8> {
    let seconds = answer.answered.seconds();
    let validity = Validity { issued_at_s: seconds, not_before_s: seconds, expires_s: seconds + 60 };
    seal(answer, &tenant(), validity, key)
}

pub(crate) fn scope(of: &str) -> Scope {
    Scope {
        purposes: vec![Purpose::Plan, Purpose::Node],
        classes: vec![Class::Normal, Class::Priority],
        area: Some(area(of)),
        not_before: T0 - DAY,
        not_after: T0 + 365 * DAY,
    }
}

pub(crate) fn key_set(version: u64, keys: &[(&SigningKey, Scope)]) -> Vec<u8> {
    let entry = |(key, scope): &(&SigningKey, Scope)| KeyEntry {
        public_key: key.verifying_key().to_bytes(),
        scope: scope.clone(),
    };
    let set = KeySet { version, keys: keys.iter().map(entry).collect() };
    seal_key_set(&set, &tenant(), validity(), &root())
}

/// The first key set: the commune's key alone.
pub(crate) fn first_keys() -> Vec<u8> {
    key_set(1, &[(&commune(), scope("xa"))])
}

/// An object of some bytes that no other name has.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) bytes: Vec<u8>,
    pub(crate) manifest: Manifest,
}

impl Object {
    /// Blocks of 4 KiB, the last one short.
    pub(crate) fn new(name: &str, blocks: u32, duration_ms: u32) -> Self {
        let seed = ObjectHash::of(name.as_bytes());
        let length = blocks as usize * 4096 - 1000;
        let bytes: Vec<u8> =
            (0..length).map(|i| seed.as_bytes()[i % 32] ^ (i / 32) as u8 ^ (i / 4096) as u8).collect();
        let manifest = Manifest::of(&bytes, 4096, Codec::OggOpus, duration_ms).unwrap();
        Self { bytes, manifest }
    }

    pub(crate) fn hash(&self) -> ObjectHash {
        self.manifest.object
    }
}

/// An item of the normal class that starts once, up to ten minutes late.
pub(crate) fn item(id: &str, at: UnixMs, tracks: &[(&str, &Object)]) -> Item {
    Item {
        id: item_id(id),
        revision: 1,
        bulletin: BulletinId::new(format!("{id}-bulletin")).unwrap(),
        title: "Thông báo cắt điện".to_owned(),
        class: Class::Normal,
        category: Category::LocalNotice,
        start: Start::At(at),
        valid_from: None,
        valid_until: None,
        start_within_ms: 10 * MINUTE as u32,
        tracks: tracks
            .iter()
            .map(|(tag, object)| Track { language: language(tag), object: object.hash() })
            .collect(),
        rules: ItemRules::default(),
        status: Default::default(),
    }
}

/// The same, which may start so late.
pub(crate) fn within(item: Item, ms: i64) -> Item {
    Item { start_within_ms: ms as u32, ..item }
}

pub(crate) fn program(mut items: Vec<Item>, objects: &[&Object]) -> Program {
    items.sort_by(|a, b| a.id.cmp(&b.id));
    let mut objects: Vec<Manifest> = objects.iter().map(|object| object.manifest.clone()).collect();
    objects.sort_by_key(|manifest| manifest.object);
    Program { items, objects, calendars: vec![] }
}

pub(crate) fn area_plan(of: &str, epoch: u64, program: Program) -> AreaPlan {
    let guards = Guards::default();
    AreaPlan {
        area: area(of),
        epoch,
        zone: ZONE,
        program,
        guards,
        own_priority_first: false,
        prepared: vec![],
    }
}

/// A plan of the commune, signed by its key.
pub(crate) fn plan(epoch: u64, items: Vec<Item>, objects: &[&Object]) -> Vec<u8> {
    seal(&area_plan("xa", epoch, program(items, objects)), &tenant(), validity(), &commune())
}

pub(crate) fn node_document(epoch: u64, languages: &[&str]) -> NodeDocument {
    NodeDocument {
        node: node(),
        epoch,
        path: path(&["tinh", "xa", "thon"]),
        zone: ZONE,
        languages: languages.iter().map(|tag| language(tag)).collect(),
        volume_percent: 80,
        health_interval_s: 60,
        program: Program::default(),
        guards: Guards::default(),
        line_kbit_s: None,
    }
}

pub(crate) fn desired(epoch: u64, languages: &[&str]) -> Vec<u8> {
    seal(&node_document(epoch, languages), &tenant(), validity(), &commune())
}
