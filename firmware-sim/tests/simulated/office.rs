//! The controller's office: authority, broker, keys, tokens, plans.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ed25519_dalek::SigningKey;
use loa_protocol::alert::{AreaAlerts, Inline};
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::{Category, Class, Language, Status};
use loa_protocol::enrolment::{
    EnrolAnswer, EnrolRequest, EnrolmentSecret, EnrolmentToken, SignedTrustAnchor, TrustAnchor,
};
use loa_protocol::envelope::{Validity, seal, seal_key_set};
use loa_protocol::ids::{AreaId, BulletinId, ItemId, NodeId, ObjectHash, TenantId};
use loa_protocol::keys::{KeyEntry, KeySet, Purpose, Scope};
use loa_protocol::plan::{AreaPlan, Item, NodeDocument, Program, Track, Zone};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Start;
use loa_protocol::transfer::{Codec, Manifest};
use loa_protocol::wire::Wire as _;
use loa_test_broker::{Mosquitto, Pki};

use crate::web::{Reply, Web};

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const HOUR: i64 = 3_600 * SECOND;
const ZONE: Zone = Zone(chrono_tz::Asia::Ho_Chi_Minh);

pub(crate) fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixMs(i64::try_from(since.as_millis()).unwrap())
}

/// The tenant that the broker's rules know.
pub(crate) fn tenant() -> TenantId {
    TenantId::new("lam-dong").unwrap()
}

pub(crate) fn village() -> AreaId {
    AreaId::new("bon-dung").unwrap()
}

fn root() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn plan_key() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

fn validity() -> Validity {
    let now_s = now().seconds();
    Validity { issued_at_s: now_s, not_before_s: now_s - 3600, expires_s: now_s + 24 * 3600 }
}

fn alarm_key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

/// Every node may obey these keys: one for plans, one for emergencies.
fn key_set() -> Vec<u8> {
    let scope = Scope {
        purposes: vec![Purpose::Plan, Purpose::Node],
        classes: vec![Class::Normal],
        area: None,
        not_before: now() - HOUR,
        not_after: now() + 24 * HOUR,
    };
    let alarms =
        Scope { purposes: vec![Purpose::Emergency], classes: vec![Class::Emergency], ..scope.clone() };
    let keys = [(plan_key(), scope), (alarm_key(), alarms)]
        .map(|(key, scope)| KeyEntry { public_key: key.verifying_key().to_bytes(), scope });
    seal_key_set(&KeySet { version: 1, keys: keys.into() }, &tenant(), validity(), &root())
}

/// Places a node in the village.
pub(crate) fn node_document(node: &NodeId) -> Vec<u8> {
    let document = NodeDocument {
        node: node.clone(),
        epoch: 1,
        path: AreaPath::new(vec![AreaId::new("tinh").unwrap(), village()]).unwrap(),
        zone: ZONE,
        languages: vec![Language::vietnamese()],
        volume_percent: 70,
        health_interval_s: 60,
        program: Program::default(),
        guards: Default::default(),
        line_kbit_s: None,
    };
    seal(&document, &tenant(), validity(), &plan_key())
}

/// An object with its manifest.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) bytes: Vec<u8>,
    pub(crate) manifest: Manifest,
}

impl Object {
    /// These bytes in blocks of 4 KiB.
    pub(crate) fn of(bytes: Vec<u8>, duration_ms: u32) -> Self {
        let manifest = Manifest::of(&bytes, 4096, Codec::OggOpus, duration_ms).unwrap();
        Self { bytes, manifest }
    }

    /// Bytes that nobody decodes.
    pub(crate) fn of_blocks(blocks: u32, duration_ms: u32) -> Self {
        Self::of((0..blocks * 4096 - 100).map(|i| (i % 251 + i / 4096) as u8).collect(), duration_ms)
    }

    pub(crate) fn hash(&self) -> ObjectHash {
        self.manifest.object
    }

    pub(crate) fn block_count(&self) -> u32 {
        self.manifest.block_count()
    }
}

/// The village's plan: one item, which starts at this instant, up to a minute late. The epoch is the item's revision too.
pub(crate) fn plan(epoch: u32, at: UnixMs, object: &Object) -> Vec<u8> {
    let item = Item {
        id: ItemId::new("hop-thon").unwrap(),
        revision: epoch,
        bulletin: BulletinId::new("hop-thon-thang-11").unwrap(),
        title: "Họp thôn tháng 11".to_owned(),
        class: Class::Normal,
        category: Category::LocalNotice,
        start: Start::At(at),
        valid_from: None,
        valid_until: None,
        start_within_ms: 60_000,
        tracks: vec![Track { language: Language::vietnamese(), object: object.hash() }],
        rules: Default::default(),
        status: Default::default(),
    };
    let objects = vec![object.manifest.clone()];
    let program = Program { items: vec![item], objects, calendars: vec![] };
    let plan = AreaPlan {
        area: village(),
        epoch: u64::from(epoch),
        zone: ZONE,
        program,
        guards: Default::default(),
        own_priority_first: false,
        prepared: Vec::new(),
    };
    seal(&plan, &tenant(), validity(), &plan_key())
}

/// The village's alarm with its sound, due at this instant.
pub(crate) fn alarm(epoch: u64, at: UnixMs, object: &Object) -> Vec<u8> {
    let item = Item {
        id: ItemId::new("lu-quet").unwrap(),
        revision: 1,
        bulletin: BulletinId::new("lu-quet").unwrap(),
        title: "Lũ quét".to_owned(),
        class: Class::Emergency,
        category: Category::DisasterPrevention,
        start: Start::At(at),
        valid_from: None,
        valid_until: None,
        start_within_ms: 60_000,
        tracks: vec![Track { language: Language::vietnamese(), object: object.hash() }],
        rules: Default::default(),
        status: Status::Exercise,
    };
    let objects = vec![object.manifest.clone()];
    let alerts = AreaAlerts {
        area: village(),
        epoch,
        zone: ZONE,
        program: Program { items: vec![item], objects, calendars: vec![] },
        inline: vec![Inline { object: object.hash(), bytes: object.bytes.as_slice().into() }],
    };
    seal(&alerts, &tenant(), validity(), &alarm_key())
}

/// An authority, its broker, and the nodes that may enrol.
pub(crate) struct Office {
    pub(crate) pki: Arc<Pki>,
    pub(crate) broker: Mosquitto,
    pub(crate) nodes: Vec<NodeId>,
    /// In its envelope; the one that comes with an enrolment is the one on the broker.
    pub(crate) key_set: Vec<u8>,
}

impl Office {
    pub(crate) fn open(nodes: u32) -> Self {
        let pki = Arc::new(Pki::new());
        let broker = Mosquitto::with_mutual_tls(&pki);
        let nodes = (1..=nodes).map(|number| NodeId::new(format!("cum-{number:03}")).unwrap()).collect();
        Self { pki, broker, nodes, key_set: key_set() }
    }

    /// The tokens of all nodes, which name a controller at this address.
    pub(crate) fn tokens(&self, controller_url: &str) -> Vec<EnrolmentToken> {
        let token = |(node, seed): (&NodeId, u8)| EnrolmentToken {
            controller_url: controller_url.to_owned(),
            secret: EnrolmentSecret::from_random(&[seed; 32]),
            root_key_sha256: EnrolmentToken::pin(&root().verifying_key()),
            node_id: node.clone(),
            expires_unix_s: i64::MAX,
        };
        self.nodes.iter().zip(1..).map(token).collect()
    }

    /// A web server that enrols each of the nodes once.
    pub(crate) fn enrolling(&self) -> Web {
        let tokens = self.tokens("http://unused.invalid");
        let verifiers: BTreeMap<NodeId, [u8; 32]> =
            tokens.into_iter().map(|token| (token.node_id, token.secret.verifier())).collect();
        let anchor =
            TrustAnchor { tenant: tenant(), broker_name: "loa-broker".to_owned(), ca_pem: self.pki.ca_pem() };
        let (key_set, broker_port) = (self.key_set.clone(), self.broker.port);
        let pki = Arc::clone(&self.pki);
        Web::serve(self.nodes.len(), None, move |request| {
            let request = EnrolRequest::from_cbor(request).unwrap();
            request.verify(&verifiers[&request.node_id]).unwrap();
            let answer = EnrolAnswer {
                certificate_chain_pem: pki.sign(&request.csr_der, request.node_id.as_str()),
                trust_anchor: SignedTrustAnchor::sign(&anchor, &root()),
                root_public_key: root().verifying_key().to_bytes(),
                broker_host: "127.0.0.1".to_owned(),
                broker_port,
                key_set: key_set.clone(),
                path: None,
            };
            Reply::Answer(200, "application/cbor", answer.to_cbor())
        })
    }
}
