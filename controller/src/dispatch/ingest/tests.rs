//! A batch leaves the rows that its reports leave one after the other.

use loa_protocol::command::Addressee;
use loa_protocol::envelope::Applied;
use loa_protocol::ids::{BootId, BulletinId, Digest, ItemId, NodeId, ObjectHash, OccurrenceId};
use loa_protocol::receipt::{Outcome, Receipt, ReceiptBatch, Sound};
use loa_protocol::report::{
    AppliedOrder, ClockTrust, Event, EventKind, Health, Presence, State, StorageState,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::keep::{keep, keep_in};
use super::report::{Report, Reported};
use crate::dispatch::proof::Sent;
use crate::domain::ids::OrderId;
use crate::domain::live_order::{LiveOrder, OrderKind};
use crate::services::story::{NOON, Story, area, node, path};
use crate::store::{Columns, Connection, Store, live_orders, query};

const NODES: [&str; 4] = ["cum-1", "cum-2", "cum-x", "la"];

/// Every table that reports touch, with its columns; the audit's own numbers are left out.
const TABLES: [(&str, &[&str]); 8] = [
    ("node_presence", &["node_id", "online", "boot_id", "connection", "changed_ms"]),
    (
        "node_report",
        &[
            "node_id",
            "seen_ms",
            "clock",
            "storage",
            "objects_ready",
            "state",
            "state_ms",
            "health",
            "health_ms",
        ],
    ),
    ("node_health", &["node_id", "received_ms", "health"]),
    ("node_event", &["node_id", "event", "received_ms"]),
    (
        "receipt",
        &["node_id", "number", "occurrence_id", "outcome", "received_ms", "digest", "previous", "signed"],
    ),
    ("receipt_doubt", &["node_id", "number", "kind", "found_ms"]),
    ("live_order_answer", &["order_id", "node_id", "answered_ms"]),
    ("audit", &["at_ms", "actor_name", "action", "subject_id", "after"]),
];

/// A value as text, whatever its kind.
fn word(row: &impl Columns, column: &str) -> String {
    let number = || row.number_opt::<i64>(column).map(|number| format!("{number:?}"));
    let bytes = || row.bytes_opt(column).map(|bytes| format!("{bytes:?}"));
    row.text_opt(column).map(|text| format!("{text:?}")).or_else(|_| number()).or_else(|_| bytes()).unwrap()
}

async fn rows(c: &mut Connection) -> Vec<(&'static str, Vec<String>)> {
    let mut tables = Vec::new();
    for (table, columns) in TABLES {
        // Names of columns, not of people.
        let text = format!("SELECT {} FROM {table}", columns.join(", "));
        let found = query(sqlx::AssertSqlSafe(text)).fetch_all(&mut *c).await.unwrap();
        let mut lines: Vec<String> = found
            .iter()
            .map(|row| columns.iter().map(|column| word(row, column)).collect::<Vec<_>>().join(" "))
            .collect();
        lines.sort();
        tables.push((table, lines));
    }
    tables
}

fn receipt(number: u64, previous: Option<Digest>) -> Receipt {
    Receipt {
        number,
        occurrence: OccurrenceId([u8::try_from(number).unwrap(); 16]),
        item: ItemId::new("i").unwrap(),
        bulletin: BulletinId::new("b").unwrap(),
        revision: 1,
        nominal: NOON,
        outcome: Outcome::Played,
        sound: Some(Sound { started: NOON, played_ms: 1_500 }),
        clock: ClockTrust::Trusted,
        written: NOON,
        winner: None,
        previous,
    }
}

/// Receipts of a node's chain from one number on; `changed`: as they were not written.
fn receipts(first: u64, count: u64, changed: bool) -> Report {
    let mut previous = None;
    let mut chain = Vec::new();
    for number in 1..first + count {
        let receipt = receipt(number, previous);
        previous = Some(receipt.digest());
        chain.push(receipt);
    }
    let mut receipts = chain.split_off(usize::try_from(first - 1).unwrap());
    if changed {
        receipts[0].sound = None;
    }
    let digests = receipts.iter().map(Receipt::digest).collect();
    Report::Receipts(Sent { batch: ReceiptBatch { receipts, seal: None }, digests })
}

fn state(objects_ready: u32, obeyed: bool) -> Report {
    let applied = Applied { sequence: NOON.0.unsigned_abs(), digest: Digest::of(b"order") };
    let orders = vec![AppliedOrder { to: Addressee::Area(area("lam-dong")), applied }];
    Report::State(State {
        boot: BootId([1; 8]),
        firmware: "0.1.0".to_owned(),
        keys: None,
        desired: None,
        plans: Vec::new(),
        objects_ready,
        fetching: Vec::new(),
        clock: ClockTrust::Trusted,
        storage: StorageState::Good,
        volume_percent: None,
        orders: if obeyed { orders } else { Vec::new() },
        own_guards: None,
        alerts: Vec::new(),
    })
}

fn report() -> impl Strategy<Value = Report> {
    let presence = (0..2u8, 1..4u64, any::<bool>()).prop_map(|(boot, connection, online)| {
        Report::Presence(Presence { boot: BootId([boot; 8]), connection, online })
    });
    let health = (0..3u64).prop_map(|uptime_s| {
        Report::Health(Health {
            measured: NOON,
            uptime_s,
            temperature_decidegrees: None,
            supply_mv: None,
            memory_bytes: None,
            disk_free_bytes: None,
            receipts_waiting: 0,
            refused: 0,
            clock: ClockTrust::Trusted,
            speaker_works: None,
            clock_source: None,
            clock_error_ms: None,
            clock_ahead_ms: None,
            audio_bytes: None,
            audio_wasted_bytes: None,
        })
    });
    let event = (0..3i64).prop_map(|n| {
        let kind = EventKind::ObjectCorrupt { object: ObjectHash::of(b"x") };
        Report::Event(Event { at: NOON + n, kind })
    });
    prop_oneof![
        presence,
        (0..9u32, any::<bool>()).prop_map(|(ready, obeyed)| state(ready, obeyed)),
        health,
        event,
        (1..6u64, 1..4u64, prop::bool::weighted(0.2))
            .prop_map(|(first, count, changed)| receipts(first, count, changed)),
    ]
}

fn reported() -> impl Strategy<Value = Reported> {
    (0..NODES.len(), 0..3i64, prop::bool::weighted(0.2), report()).prop_map(|(at, ms, replayed, report)| {
        Reported { node: NodeId::new(NODES[at]).unwrap(), at: NOON + ms, replayed, report }
    })
}

/// Three nodes of which one was revoked, and an order to all of them.
async fn story() -> Story {
    let story = Story::new().await;
    for (id, serial) in [("cum-1", "0a"), ("cum-2", "0b"), ("cum-x", "0c")] {
        story.enrolled(id, serial).await;
    }
    story.services.nodes.revoke(&story.operator, &node("cum-x"), "mất trộm").await.unwrap();
    let order = LiveOrder {
        id: "o-1".parse::<OrderId>().unwrap(),
        path: path(&["lam-dong"]),
        kind: OrderKind::StopAll,
        reason: "thử".to_owned(),
        given: NOON,
        given_by: "lan".to_owned(),
        expires: NOON + 60_000,
        sent: None,
        to: vec![Addressee::Area(area("lam-dong"))],
        answers: Vec::new(),
    };
    let mut tx = story.services.store().write().await.unwrap();
    live_orders::insert(&mut tx, &order, &[]).await.unwrap();
    tx.commit().await.unwrap();
    story
}

/// The rows after these batches, in a transaction that is then dropped: so one story does for every case.
async fn left_by(store: &Store, batches: &[&[Reported]]) -> Vec<(&'static str, Vec<String>)> {
    let mut tx = store.append().await.unwrap();
    for batch in batches {
        keep_in(&mut tx, batch).await.unwrap();
    }
    rows(&mut tx).await
}

#[test]
fn a_batch_leaves_what_its_reports_leave_one_by_one() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let story = runtime.block_on(story());
    let store = story.services.store();
    let config = ProptestConfig { cases: 64, max_shrink_iters: 200, ..ProptestConfig::default() };
    let cases = (prop::collection::vec(reported(), 1..60), prop::collection::vec(1..40usize, 1..6));
    let checked = TestRunner::new(config).run(&cases, |(reports, cuts)| {
        let each: Vec<&[Reported]> = reports.chunks(1).collect();
        let mut batches = Vec::new();
        let mut left = &reports[..];
        for cut in cuts.iter().cycle() {
            let (batch, rest) = left.split_at((*cut).min(left.len()));
            batches.push(batch);
            left = rest;
            if left.is_empty() {
                break;
            }
        }
        let one = runtime.block_on(left_by(store, &each));
        let many = runtime.block_on(left_by(store, &batches));
        for (one, many) in one.into_iter().zip(many) {
            prop_assert_eq!(one, many);
        }
        Ok(())
    });
    checked.unwrap();
}

#[tokio::test]
async fn a_batch_that_fails_half_way_leaves_nothing_and_can_be_tried_again() {
    let story = story().await;
    let store = story.services.store();
    let rename = async |text: &'static str| {
        let mut tx = store.write().await.unwrap();
        query(text).execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
    };
    let kept = async || rows(&mut store.read().await.unwrap()).await;
    let before = kept().await;
    let kind = EventKind::ObjectCorrupt { object: ObjectHash::of(b"x") };
    let reports = [("cum-1", receipts(1, 3, false)), ("cum-2", Report::Event(Event { at: NOON, kind }))];
    let reports = reports.map(|(id, report)| Reported { node: node(id), at: NOON, replayed: false, report });
    rename("ALTER TABLE node_event RENAME TO node_event_away").await;
    assert!(keep(store, &reports).await.is_err());
    rename("ALTER TABLE node_event_away RENAME TO node_event").await;
    assert_eq!(kept().await, before);
    keep(store, &reports).await.unwrap();
    let after = kept().await;
    let count = |table: &str| after.iter().find(|(name, _)| *name == table).map(|(_, rows)| rows.len());
    assert_eq!((count("receipt"), count("node_event")), (Some(3), Some(1)));
}
