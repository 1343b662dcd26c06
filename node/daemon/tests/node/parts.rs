//! An installation with one village, its documents, and a node's data folder.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ed25519_dalek::SigningKey;
use loa_node::clock::trust::Policy;
use loa_node::config::Settings;
use loa_node::identity::Identity;
use loa_protocol::alert::{AreaAlerts, Inline};
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::{Category, Class, Language, Status};
use loa_protocol::envelope::{Validity, seal, seal_key_set};
use loa_protocol::ids::{AreaId, BulletinId, ItemId, NodeId, TenantId};
use loa_protocol::keys::{KeyEntry, KeySet, Purpose, Scope};
use loa_protocol::plan::{AreaPlan, Item, NodeDocument, Program, Track, Zone};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Start;
use loa_protocol::transfer::{Codec, Manifest};
use loa_test_broker::Pki;

/// Nothing in these tests takes longer unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const VILLAGE: &str = "thon-da-ra-hoa";

pub(crate) fn tenant() -> TenantId {
    TenantId::new("lam-dong").unwrap()
}

pub(crate) fn node() -> NodeId {
    NodeId::new("n-da-nhim-1").unwrap()
}

pub(crate) fn root() -> SigningKey {
    SigningKey::from_bytes(&[11; 32])
}

pub(crate) fn plan_key() -> SigningKey {
    SigningKey::from_bytes(&[12; 32])
}

/// For emergencies alone.
pub(crate) fn alarm_key() -> SigningKey {
    SigningKey::from_bytes(&[13; 32])
}

pub(crate) fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixMs(i64::try_from(since.as_millis()).unwrap())
}

fn validity() -> Validity {
    let s = now().seconds();
    Validity { issued_at_s: s, not_before_s: s - 300, expires_s: s + 3600 }
}

/// The key set, in its envelope.
pub(crate) fn key_set() -> Vec<u8> {
    key_set_signed_by(&root())
}

pub(crate) fn key_set_signed_by(root: &SigningKey) -> Vec<u8> {
    let scope = Scope {
        purposes: vec![Purpose::Plan, Purpose::Node],
        classes: vec![Class::Normal, Class::Priority],
        area: None,
        not_before: UnixMs(0),
        not_after: UnixMs(i64::MAX),
    };
    let alarms =
        Scope { purposes: vec![Purpose::Emergency], classes: vec![Class::Emergency], ..scope.clone() };
    let keys = [(plan_key(), scope), (alarm_key(), alarms)]
        .map(|(key, scope)| KeyEntry { public_key: key.verifying_key().to_bytes(), scope });
    seal_key_set(&KeySet { version: 1, keys: keys.into() }, &tenant(), validity(), root)
}

/// The node's document, in its envelope: it stands in the village and speaks Vietnamese, then K'Ho.
pub(crate) fn node_document() -> Vec<u8> {
    let areas = ["lam-dong", "xa-lac-duong", VILLAGE].map(|a| AreaId::new(a).unwrap());
    let document = NodeDocument {
        node: node(),
        epoch: 1,
        path: AreaPath::new(areas.to_vec()).unwrap(),
        zone: Zone(chrono_tz::Asia::Ho_Chi_Minh),
        languages: vec![Language::vietnamese(), kho()],
        volume_percent: 80,
        health_interval_s: 10,
        program: Program::default(),
        guards: Default::default(),
        line_kbit_s: None,
    };
    seal(&document, &tenant(), validity(), &plan_key())
}

/// The village's plan, in its envelope: one bulletin, due since a moment ago, whose sound are these bytes.
pub(crate) fn plan(sound: &[u8], duration_ms: u32) -> Vec<u8> {
    plan_at(now() - 1_000, sound, duration_ms)
}

pub(crate) fn kho() -> Language {
    Language::new("kpm").unwrap()
}

/// The same, due at an instant.
pub(crate) fn plan_at(start: UnixMs, sound: &[u8], duration_ms: u32) -> Vec<u8> {
    plan_of(start, 3_600_000, &[(Language::vietnamese(), sound)], duration_ms)
}

/// The same, at most so late, with a sound in each of some languages.
pub(crate) fn plan_of(
    start: UnixMs,
    start_within_ms: u32,
    sounds: &[(Language, &[u8])],
    duration_ms: u32,
) -> Vec<u8> {
    let track = |(language, sound): &(Language, &[u8])| Track {
        language: language.clone(),
        object: manifest(sound, duration_ms).object,
    };
    let mut objects: Vec<Manifest> = sounds.iter().map(|(_, sound)| manifest(sound, duration_ms)).collect();
    objects.sort_by_key(|manifest| manifest.object);
    let item = Item {
        id: ItemId::new("tin-sang").unwrap(),
        revision: 1,
        bulletin: BulletinId::new("b-1").unwrap(),
        title: "Tin buổi sáng".to_owned(),
        class: Class::Normal,
        category: Category::LocalNotice,
        start: Start::At(start),
        valid_from: None,
        valid_until: None,
        start_within_ms,
        tracks: sounds.iter().map(track).collect(),
        rules: Default::default(),
        status: Default::default(),
    };
    let plan = AreaPlan {
        area: AreaId::new(VILLAGE).unwrap(),
        epoch: 1,
        zone: Zone(chrono_tz::Asia::Ho_Chi_Minh),
        program: Program { items: vec![item], objects, calendars: vec![] },
        guards: Default::default(),
        own_priority_first: false,
        prepared: Vec::new(),
    };
    seal(&plan, &tenant(), validity(), &plan_key())
}

/// The village's alarm, in its envelope, with its sound, due at this instant.
pub(crate) fn alarm(start: UnixMs, sound: &[u8], duration_ms: u32) -> Vec<u8> {
    let manifest = manifest(sound, duration_ms);
    let object = manifest.object;
    let item = Item {
        id: ItemId::new("lu-quet").unwrap(),
        revision: 1,
        bulletin: BulletinId::new("lu-quet").unwrap(),
        title: "Lũ quét".to_owned(),
        class: Class::Emergency,
        category: Category::DisasterPrevention,
        start: Start::At(start),
        valid_from: None,
        valid_until: None,
        start_within_ms: 600_000,
        tracks: vec![Track { language: Language::vietnamese(), object }],
        rules: Default::default(),
        status: Status::Exercise,
    };
    let alerts = AreaAlerts {
        area: AreaId::new(VILLAGE).unwrap(),
        epoch: 1,
        zone: Zone(chrono_tz::Asia::Ho_Chi_Minh),
        program: Program { items: vec![item], objects: vec![manifest], calendars: vec![] },
        inline: vec![Inline { object, bytes: sound.into() }],
    };
    seal(&alerts, &tenant(), validity(), &alarm_key())
}

pub(crate) fn manifest(sound: &[u8], duration_ms: u32) -> Manifest {
    Manifest::of(sound, 4096, Codec::OggOpus, duration_ms).unwrap()
}

/// Bytes that pass for a sound: the speakers of these tests decode nothing.
pub(crate) fn sound(length: u32) -> Vec<u8> {
    (0..length).map(|i| (i % 249) as u8).collect()
}

/// A board that was enrolled.
pub(crate) fn identity(pki: &Pki, broker_port: u16) -> Identity {
    let (certificate_chain_pem, private_key_pem) = pki.issue(node().as_str(), &[]);
    Identity {
        tenant: tenant(),
        node: node(),
        path: AreaPath::unplaced(),
        root: root().verifying_key(),
        broker_host: "127.0.0.1".to_owned(),
        broker_port,
        broker_name: "loa-broker".to_owned(),
        ca_pem: pki.ca_pem(),
        certificate_chain_pem,
        private_key_pem,
        key_set: key_set(),
    }
}

/// Settings of a node that needs no warm-up.
pub(crate) fn settings(data_dir: &Path) -> Settings {
    let mut settings = Settings { data_dir: data_dir.to_owned(), ..Settings::default() };
    settings.amplifier.warm_up_ms = 0;
    settings.amplifier.tail_ms = 0;
    settings.clock.trust = Policy::System;
    settings
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < give_up, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
