//! One sample of each message, used by the golden files and as the seed of mutations.
#![allow(dead_code, reason = "each test binary uses a part of the samples")]
#![allow(unreachable_pub, reason = "a module of test binaries, shared by path")]

use ed25519_dalek::{Signer as _, SigningKey};
use loa_protocol::alert::{AlertAnswer, AreaAlerts, Inline, Verdict};
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::{Category, Class, Language, Status};
use loa_protocol::clock::{ClockSource, Nonce, TimeAnswer, TimeRequest};
use loa_protocol::command::{Addressee, Command, Order};
use loa_protocol::enrolment::{EnrolAnswer, SignedTrustAnchor, TrustAnchor};
use loa_protocol::envelope::{Applied, Refusal, Validity, seal, seal_key_set};
use loa_protocol::ids::{
    AreaId, BootId, BulletinId, CalendarId, Digest, ItemId, NodeId, OccurrenceId, TenantId,
};
use loa_protocol::keys::{KeyEntry, KeySet, Purpose, Scope};
use loa_protocol::plan::{AreaPlan, Item, NodeDocument, Program, Track, Zone};
use loa_protocol::receipt::{Outcome, Reason, Receipt, ReceiptAck, ReceiptBatch, Seal, Sound};
use loa_protocol::report::{
    AppliedOrder, AppliedPlan, ClockTrust, Event, EventKind, Fetching, Health, Presence, State, StorageState,
};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{
    AfterInterruption, Calendar, DateRange, Guards, ItemRules, LocalDate, LocalRange, OwnGuards, Repeats,
    Severity, Start, occurrence_id,
};
use loa_protocol::transfer::{Block, Codec, Manifest, Want};

/// 2026-11-20T00:00:00Z
pub const ISSUED_AT_S: i64 = 1_795_132_800;

pub fn tenant() -> TenantId {
    TenantId::new("lam-dong").unwrap()
}

pub fn node() -> NodeId {
    NodeId::new("k-nai-1").unwrap()
}

pub fn area(id: &str) -> AreaId {
    AreaId::new(id).unwrap()
}

pub fn path() -> AreaPath {
    AreaPath::new(vec![area("tinh"), area("xa-lac-duong"), area("bon-dung")]).unwrap()
}

pub fn root_key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

pub fn plan_key() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

pub fn key_set() -> KeySet {
    let scope = Scope {
        purposes: vec![Purpose::Plan, Purpose::Node],
        classes: vec![Class::Normal, Class::Priority],
        area: Some(area("tinh")),
        not_before: UnixMs::from_seconds(ISSUED_AT_S - 86_400),
        not_after: UnixMs::from_seconds(ISSUED_AT_S + 365 * 86_400),
    };
    KeySet { version: 3, keys: vec![KeyEntry { public_key: plan_key().verifying_key().to_bytes(), scope }] }
}

pub fn object_bytes() -> Vec<u8> {
    (0..20_000u32).map(|i| (i % 253) as u8).collect()
}

pub fn manifest() -> Manifest {
    Manifest::of(&object_bytes(), 16 * 1024, Codec::OggOpus, 6_500).unwrap()
}

fn item(id: &str, class: Class, start: Start) -> Item {
    Item {
        id: ItemId::new(id).unwrap(),
        revision: 2,
        bulletin: BulletinId::new("tiem-chung-thang-11").unwrap(),
        title: "Tiêm chủng mở rộng tháng 11".to_owned(),
        class,
        category: Category::Health,
        start,
        valid_from: Some(UnixMs::from_seconds(ISSUED_AT_S)),
        valid_until: None,
        start_within_ms: 600_000,
        tracks: vec![
            Track { language: Language::vietnamese(), object: manifest().object },
            Track { language: Language::new("kpm").unwrap(), object: manifest().object },
        ],
        rules: ItemRules::default(),
        status: Status::Actual,
    }
}

pub fn program() -> Program {
    Program {
        items: vec![
            item("a1", Class::Normal, Start::Cron("30 17 * * 1-5".parse().unwrap())),
            item("b2", Class::Priority, Start::At(UnixMs::from_seconds(ISSUED_AT_S + 3600))),
        ],
        objects: vec![manifest()],
        calendars: vec![],
    }
}

pub fn area_plan() -> AreaPlan {
    AreaPlan {
        area: area("xa-lac-duong"),
        epoch: 1_795_132_800_123,
        zone: Zone(chrono_tz::Asia::Ho_Chi_Minh),
        program: program(),
        guards: Guards::default(),
        own_priority_first: false,
        prepared: Vec::new(),
    }
}

/// A plan with a sound that is kept ready.
pub fn prepared_area_plan() -> AreaPlan {
    AreaPlan { prepared: vec![inline_manifest()], ..area_plan() }
}

pub fn inline_bytes() -> Vec<u8> {
    (0..5_000u32).map(|i| (i % 249) as u8).collect()
}

pub fn inline_manifest() -> Manifest {
    Manifest::of(&inline_bytes(), 4 * 1024, Codec::OggOpus, 8_000).unwrap()
}

/// An emergency whose sound is inline, and an exercise whose sound has to be there.
pub fn area_alerts() -> AreaAlerts {
    let at = |s| Start::At(UnixMs::from_seconds(ISSUED_AT_S + s));
    let urgent = |id: &str, start| Item { valid_from: None, ..item(id, Class::Emergency, start) };
    let tracks = vec![Track { language: Language::vietnamese(), object: inline_manifest().object }];
    let repeats = Some(Repeats { rounds: 3, gap_ms: 2_000 });
    let rules = ItemRules { severity: Severity::Extreme, repeats, ..ItemRules::default() };
    let storm = Item { tracks, rules, category: Category::DisasterPrevention, ..urgent("k1", at(1)) };
    let exercise = Item { status: Status::Exercise, ..urgent("k2", at(2)) };
    let mut objects = vec![inline_manifest(), manifest()];
    objects.sort_by_key(|manifest| manifest.object);
    AreaAlerts {
        area: area("xa-lac-duong"),
        epoch: 1_795_132_800_126,
        zone: Zone(chrono_tz::Asia::Ho_Chi_Minh),
        program: Program { items: vec![storm, exercise], objects, calendars: vec![] },
        inline: vec![Inline { object: inline_manifest().object, bytes: inline_bytes().into() }],
    }
}

/// For a day, the longest that there is.
pub fn alert_validity() -> Validity {
    Validity { expires_s: ISSUED_AT_S + 86_400, ..validity() }
}

pub fn signed_area_alerts() -> Vec<u8> {
    seal(&area_alerts(), &tenant(), alert_validity(), &emergency_key())
}

/// One answer of each kind.
pub fn alert_answers() -> Vec<AlertAnswer> {
    let received = UnixMs::from_seconds(ISSUED_AT_S) + 40;
    let item = area_alerts().program.items[0].id.clone();
    let sounding = Verdict::Sounding { item, revision: 2, started: received + 900 };
    let verdicts = [Verdict::Verified(received + 12), Verdict::Refused(Refusal::Expired), sounding];
    let answer =
        |verdict| AlertAnswer { area: area("xa-lac-duong"), epoch: area_alerts().epoch, received, verdict };
    verdicts.map(answer).into()
}

pub fn guards() -> Guards {
    Guards {
        quiet_hours: vec![LocalRange { from_minute: 21 * 60, until_minute: 5 * 60 }],
        normal_minutes_a_day: Some(45),
        priority_minutes_a_day: Some(60),
        sessions_a_day: Some(2),
        longest_session_ms: Some(1_800_000),
        volume_ceiling_percent: Some(90),
    }
}

/// A plan in which everything is said that may be left out.
pub fn area_plan_with_rules() -> AreaPlan {
    let calendar = |id: &str| CalendarId::new(id).unwrap();
    let bulletin = |id: &str| BulletinId::new(id).unwrap();
    let holidays = Calendar {
        id: calendar("ngay-le"),
        ranges: vec![DateRange { first: LocalDate(20_698), last: LocalDate(20_699) }],
        includes: vec![calendar("tet")],
    };
    let tet = DateRange { first: LocalDate(20_489), last: LocalDate(20_495) };
    let mut program = program();
    program.calendars = vec![holidays, Calendar { id: calendar("tet"), ranges: vec![tet], includes: vec![] }];
    program.items[0].rules = ItemRules {
        excluded_dates: vec![LocalDate(-1), LocalDate(20_800)],
        excluded_calendars: vec![calendar("ngay-le")],
        repeats: Some(Repeats { rounds: 2, gap_ms: 30_000 }),
        after_interruption: AfterInterruption::Resume,
        chime_before: Some(manifest().object),
        chime_after: Some(manifest().object),
        ..ItemRules::default()
    };
    program.items[1].class = Class::Emergency;
    program.items[1].rules = ItemRules {
        after_interruption: AfterInterruption::Restart,
        severity: Severity::Extreme,
        updates: vec![bulletin("lu-quet")],
        cancels: vec![bulletin("bao-so-9")],
        ..ItemRules::default()
    };
    AreaPlan { program, guards: guards(), own_priority_first: true, ..area_plan() }
}

/// Receipts of an occurrence that was cut and of one that the guards refused, in their chain.
pub fn receipt_chain() -> ReceiptBatch {
    let started = UnixMs(ISSUED_AT_S * 1000 + 3_600_004);
    let sound = Some(Sound { started, played_ms: 6_500 });
    let cut = Receipt {
        winner: Some(OccurrenceId([7; 16])),
        previous: Some(Digest::of(b"receipt 9")),
        ..receipt(10, Outcome::Partial(Reason::Yielded), sound)
    };
    let refused =
        Receipt { previous: Some(cut.digest()), ..receipt(11, Outcome::Missed(Reason::QuietHours), None) };
    ReceiptBatch { receipts: vec![cut, refused], seal: None }
}

/// The same, signed by a board whose key is Ed25519; the certificate stands for any.
pub fn sealed_receipts() -> ReceiptBatch {
    let chain = receipt_chain();
    let digests: Vec<Digest> = chain.receipts.iter().map(Receipt::digest).collect();
    let signature = SigningKey::from_bytes(&[44; 32]).sign(&Seal::head(&node(), &digests)).to_vec();
    ReceiptBatch { seal: Some(Seal { certificate: b"a certificate".to_vec(), signature }), ..chain }
}

pub fn node_document() -> NodeDocument {
    NodeDocument {
        node: node(),
        epoch: 1_795_132_800_124,
        path: path(),
        zone: Zone(chrono_tz::Asia::Ho_Chi_Minh),
        languages: vec![Language::new("kpm").unwrap(), Language::vietnamese()],
        volume_percent: 80,
        health_interval_s: 60,
        program: Program::default(),
        guards: Guards::default(),
        line_kbit_s: None,
    }
}

pub fn validity() -> Validity {
    Validity {
        issued_at_s: ISSUED_AT_S,
        not_before_s: ISSUED_AT_S - 300,
        expires_s: ISSUED_AT_S + 45 * 86_400,
    }
}

pub fn signed_area_plan() -> Vec<u8> {
    seal(&area_plan(), &tenant(), validity(), &plan_key())
}

pub fn signed_node_document() -> Vec<u8> {
    seal(&node_document(), &tenant(), validity(), &plan_key())
}

/// Signed by the key of the emergencies, for half a minute.
pub fn signed_command() -> Vec<u8> {
    let validity = Validity { expires_s: ISSUED_AT_S + 30, ..validity() };
    seal(&command(), &tenant(), validity, &emergency_key())
}

pub fn emergency_key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

pub fn emergency_key_set() -> KeySet {
    let mut set = key_set();
    set.keys[0].public_key = emergency_key().verifying_key().to_bytes();
    set.keys[0].scope.purposes = vec![Purpose::Emergency];
    set.keys[0].scope.classes = vec![Class::Emergency];
    set
}

pub fn command() -> Command {
    let to = Addressee::Node(node());
    let order = Order::StopBulletin(BulletinId::new("bao-so-9").unwrap());
    Command { to, epoch: 1_795_132_800_125, order, boot: Some(BootId([9; 8])) }
}

/// An order of each kind, to a node and to an area.
pub fn commands() -> Vec<Command> {
    let orders = [Order::StopOccurrence(occurrence()), Order::StopAll, Order::AllClear];
    let to_area = |order| Command { to: Addressee::Area(area("tinh")), order, boot: None, ..command() };
    std::iter::once(command()).chain(orders.map(to_area)).collect()
}

pub fn signed_key_set() -> Vec<u8> {
    seal_key_set(&key_set(), &tenant(), validity(), &root_key())
}

/// The certificates are not of this installation: no decoder of the answer looks into them.
pub fn enrol_answer() -> EnrolAnswer {
    let anchor = TrustAnchor {
        tenant: tenant(),
        broker_name: "loa-broker".to_owned(),
        ca_pem: "-----BEGIN CERTIFICATE-----\nCA\n-----END CERTIFICATE-----\n".to_owned(),
    };
    EnrolAnswer {
        certificate_chain_pem: "-----BEGIN CERTIFICATE-----\nNODE\n-----END CERTIFICATE-----\n".to_owned(),
        trust_anchor: SignedTrustAnchor::sign(&anchor, &root_key()),
        root_public_key: root_key().verifying_key().to_bytes(),
        broker_host: "10.20.0.5".to_owned(),
        broker_port: 8883,
        key_set: signed_key_set(),
        path: Some(path()),
    }
}

pub fn want() -> Want {
    Want {
        object: manifest().object,
        base: 0,
        lacking: vec![0b11],
        window: 4,
        deadline: UnixMs::from_seconds(ISSUED_AT_S + 3600),
        hears_waves: false,
    }
}

pub fn block() -> Block {
    Block { object: manifest().object, index: 1, bytes: object_bytes()[16 * 1024..].to_vec() }
}

fn occurrence() -> OccurrenceId {
    occurrence_id(&ItemId::new("b2").unwrap(), 2, UnixMs::from_seconds(ISSUED_AT_S + 3600))
}

fn receipt(number: u64, outcome: Outcome, sound: Option<Sound>) -> Receipt {
    Receipt {
        number,
        occurrence: occurrence(),
        item: ItemId::new("b2").unwrap(),
        revision: 2,
        bulletin: BulletinId::new("tiem-chung-thang-11").unwrap(),
        nominal: UnixMs::from_seconds(ISSUED_AT_S + 3600),
        outcome,
        sound,
        clock: ClockTrust::Trusted,
        written: UnixMs::from_seconds(ISSUED_AT_S + 3610),
        winner: None,
        previous: None,
    }
}

pub fn receipt_batch() -> ReceiptBatch {
    let started = UnixMs(ISSUED_AT_S * 1000 + 3_600_004);
    ReceiptBatch {
        receipts: vec![
            receipt(7, Outcome::Played, Some(Sound { started, played_ms: 6_500 })),
            receipt(8, Outcome::Partial(Reason::Interrupted), Some(Sound { started, played_ms: 900 })),
            receipt(9, Outcome::Missed(Reason::AudioIncomplete), None),
        ],
        seal: None,
    }
}

pub fn receipt_ack() -> ReceiptAck {
    ReceiptAck { numbers: vec![7, 8, 9] }
}

pub fn presence() -> Presence {
    Presence { boot: BootId([9; 8]), connection: 4, online: true }
}

pub fn state() -> State {
    let applied = Applied { sequence: 1_795_132_800_123, digest: Digest::of(b"plan") };
    State {
        boot: BootId([9; 8]),
        firmware: "0.1.0".to_owned(),
        keys: Some(Applied { sequence: 3, digest: Digest::of(b"keys") }),
        desired: None,
        plans: vec![AppliedPlan { area: area("xa-lac-duong"), applied }],
        objects_ready: 1,
        fetching: vec![Fetching { object: manifest().object, blocks_have: 1, blocks_total: 2 }],
        clock: ClockTrust::Holdover,
        storage: StorageState::Good,
        volume_percent: None,
        orders: Vec::new(),
        own_guards: None,
        alerts: Vec::new(),
    }
}

pub fn own_guards() -> OwnGuards {
    OwnGuards { guards: guards(), zone: Zone(chrono_tz::Asia::Ho_Chi_Minh) }
}

pub fn applied_orders() -> Vec<AppliedOrder> {
    let applied = |sequence| Applied { sequence, digest: Digest::of(b"order") };
    vec![
        AppliedOrder { to: Addressee::Area(area("xa-lac-duong")), applied: applied(1_795_132_800_123) },
        AppliedOrder { to: Addressee::Node(node()), applied: applied(7) },
    ]
}

pub fn health() -> Health {
    Health {
        measured: UnixMs::from_seconds(ISSUED_AT_S),
        uptime_s: 86_400,
        temperature_decidegrees: Some(-35),
        supply_mv: Some(12_400),
        memory_bytes: Some(9_000_000),
        disk_free_bytes: None,
        receipts_waiting: 2,
        refused: 1,
        clock: ClockTrust::Unknown,
        speaker_works: Some(true),
        clock_source: None,
        clock_error_ms: None,
        clock_ahead_ms: None,
        audio_bytes: None,
        audio_wasted_bytes: None,
    }
}

/// A clock that the controller told, and that a time service contradicts.
pub fn clock_in_health() -> Health {
    Health {
        clock_source: Some(ClockSource::Exchange),
        clock_error_ms: Some(140),
        clock_ahead_ms: Some(-7_200_000),
        ..health()
    }
}

pub fn time_key() -> SigningKey {
    SigningKey::from_bytes(&[4; 32])
}

/// One key, which tells the time and nothing else.
pub fn time_key_set() -> KeySet {
    let mut set = key_set();
    set.keys[0].public_key = time_key().verifying_key().to_bytes();
    set.keys[0].scope.purposes = vec![Purpose::Time];
    set.keys[0].scope.classes = Vec::new();
    set
}

pub fn time_request() -> TimeRequest {
    TimeRequest { sequence: 3, nonce: Nonce::of(&[5; 32], 3) }
}

pub fn time_answer() -> TimeAnswer {
    let TimeRequest { sequence, nonce } = time_request();
    let received = UnixMs::from_seconds(ISSUED_AT_S) + 120;
    TimeAnswer { node: node(), sequence, nonce, received, answered: received + 2, error_ms: Some(35) }
}

pub fn time_validity() -> Validity {
    Validity { issued_at_s: ISSUED_AT_S, not_before_s: ISSUED_AT_S, expires_s: ISSUED_AT_S + 60 }
}

pub fn time_answer_bytes() -> Vec<u8> {
    loa_protocol::wire::Wire::to_cbor(&time_answer())
}

pub fn signed_time_answer() -> Vec<u8> {
    seal(&time_answer(), &tenant(), time_validity(), &time_key())
}

pub fn events() -> Vec<Event> {
    let at = UnixMs::from_seconds(ISSUED_AT_S);
    vec![
        Event {
            at,
            kind: EventKind::DocumentRefused {
                topic: "loa/1/lam-dong/a/xa-lac-duong/plan".to_owned(),
                refusal: Refusal::Replayed,
            },
        },
        Event { at, kind: EventKind::BlockRefused { object: manifest().object, index: 1 } },
        Event { at, kind: EventKind::ObjectCorrupt { object: manifest().object } },
    ]
}
