//! Who is believed, and what a broker's memory may tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use loa_protocol::ids::{BootId, BulletinId, ItemId, OccurrenceId};
use loa_protocol::receipt::{Outcome, Receipt, ReceiptBatch, Sound};
use loa_protocol::report::{ClockTrust, Presence, State, StorageState};
use loa_protocol::time::UnixMs;
use loa_protocol::wire::Wire;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::broker::Incoming;
use crate::dispatch::acks::Ack;
use crate::dispatch::ingest;
use crate::domain::node::NodeStatus;
use crate::domain::role::Scope;
use crate::live::Changes;
use crate::services::story::{NOON, Story, node};
use crate::store::receipts::{self, ReceiptFilter, ReceiptRecord};

/// The ingest of a story, fed by hand.
pub(super) struct Desk {
    pub(super) story: Story,
    incoming: mpsc::Sender<Incoming>,
    acks: mpsc::Receiver<Ack>,
    states: mpsc::Receiver<(loa_protocol::ids::NodeId, State)>,
    refused: Arc<AtomicU64>,
}

impl Desk {
    pub(super) fn new(story: Story) -> Self {
        let (incoming, reports) = mpsc::channel(16);
        let (acknowledge, acks) = mpsc::channel(16);
        let (reported, states) = mpsc::channel(16);
        let refused = Arc::new(AtomicU64::new(0));
        let settings = ingest::Settings {
            store: story.services.store().clone(),
            incoming: reports,
            acks: acknowledge,
            asked: mpsc::channel(16).0,
            reported,
            alerts_reported: mpsc::channel(16).0,
            changes: Changes::default(),
            refused: Arc::clone(&refused),
            metrics: Default::default(),
        };
        tokio::spawn(ingest::run(settings, CancellationToken::new()));
        Self { story, incoming, acks, states, refused }
    }

    async fn report(&self, id: &str, kind: &str, message: &impl Wire, replayed: bool) {
        self.report_bytes(id, kind, message.to_cbor(), replayed).await;
    }

    pub(super) async fn report_bytes(&self, id: &str, kind: &str, payload: Vec<u8>, replayed: bool) {
        let report = Incoming {
            node_id: node(id),
            topic: format!("loa/1/loa/u/{id}/{kind}"),
            payload: payload.into(),
            replayed,
            received_at: self.story.clock.now(),
        };
        self.incoming.send(report).await.unwrap();
    }

    /// What is known of a node, once everything that was reported so far has been judged: what comes is judged in order,
    /// and this node's receipt comes last.
    async fn status(&mut self, id: &str) -> NodeStatus {
        self.report("cum-2", "receipt", &receipts_of(1), false).await;
        while self.ack().await.0 != node("cum-2") {}
        self.story.services.nodes.get(&self.story.operator, &node(id)).await.unwrap().1
    }

    pub(super) async fn ack(&mut self) -> Ack {
        tokio::time::timeout(Duration::from_secs(30), self.acks.recv()).await.unwrap().unwrap()
    }

    async fn receipts(&self, id: &str) -> usize {
        self.kept(id).await.len()
    }

    /// A node's receipts in the database.
    pub(super) async fn kept(&self, id: &str) -> Vec<ReceiptRecord> {
        let filter = ReceiptFilter { node: Some(node(id)), limit: 10, ..ReceiptFilter::default() };
        let mut tx = self.story.services.store().read().await.unwrap();
        receipts::list(&mut tx, &[Scope::Everywhere], &filter).await.unwrap()
    }
}

pub(super) fn receipts_of(number: u64) -> ReceiptBatch {
    let receipt = Receipt {
        number,
        occurrence: OccurrenceId([7; 16]),
        item: ItemId::new("i").unwrap(),
        bulletin: BulletinId::new("b").unwrap(),
        revision: 1,
        nominal: NOON,
        outcome: Outcome::Played,
        sound: Some(Sound { started: NOON, played_ms: 1_500 }),
        clock: ClockTrust::Trusted,
        written: NOON,
        winner: None,
        previous: None,
    };
    ReceiptBatch { receipts: vec![receipt], seal: None }
}

fn presence(boot: u8, connection: u64, online: bool) -> Presence {
    Presence { boot: BootId([boot; 8]), connection, online }
}

fn state(objects_ready: u32) -> State {
    State {
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
        orders: Vec::new(),
        own_guards: None,
        alerts: Vec::new(),
    }
}

#[tokio::test]
async fn only_an_enrolled_node_is_believed() {
    let story = Story::new().await;
    story.enrolled("cum-1", "0a").await;
    story.enrolled("cum-2", "0b").await;
    let mut desk = Desk::new(story);
    desk.report("cum-1", "pres", &presence(1, 1, true), false).await;
    assert!(desk.status("cum-1").await.online);

    desk.story.services.nodes.revoke(&desk.story.operator, &node("cum-1"), "mất trộm").await.unwrap();
    for id in ["cum-1", "cum-x", "la"] {
        desk.report(id, "receipt", &receipts_of(9), false).await;
        desk.report(id, "state", &state(3), false).await;
        desk.report(id, "pres", &presence(2, 1, true), false).await;
    }
    let status = desk.status("cum-1").await;
    assert_eq!((status.objects_ready, status.seen), (None, None), "a revoked node's state");
    assert_eq!(desk.refused.load(Ordering::Relaxed), 9);
    for id in ["cum-1", "cum-x", "la"] {
        assert_eq!(desk.receipts(id).await, 0, "{id}");
    }
    assert!(!desk.status("cum-x").await.online, "a node that no board enrolled for");
    assert!(desk.states.try_recv().is_err(), "the reconciler hears none of it");

    // Its will comes after the revocation, and is true.
    desk.report("cum-1", "pres", &presence(1, 1, false), false).await;
    assert!(!desk.status("cum-1").await.online);
    assert_eq!(desk.refused.load(Ordering::Relaxed), 9);
}

/// The controller connects again, and its broker gives what it had kept.
#[tokio::test]
async fn what_a_broker_had_kept_makes_nobody_look_alive() {
    let story = Story::new().await;
    story.enrolled("cum-1", "0a").await;
    story.enrolled("cum-2", "0b").await;
    let mut desk = Desk::new(story);
    desk.report("cum-1", "pres", &presence(1, 1, true), false).await;
    desk.status("cum-1").await;
    desk.story.clock.advance(1_000);
    desk.report("cum-1", "state", &state(3), false).await;
    let before = desk.status("cum-1").await;
    assert_eq!((before.online_changed, before.seen), (Some(NOON), Some(NOON + 1_000)));

    desk.story.clock.advance(3_600_000);
    desk.report("cum-1", "pres", &presence(1, 1, true), true).await;
    desk.report("cum-1", "state", &state(3), true).await;
    assert_eq!(desk.status("cum-1").await, before, "what was known");

    // While the controller was away it reported, and then lost its power: both are news, of an unknown hour.
    desk.report("cum-1", "state", &state(4), true).await;
    desk.report("cum-1", "pres", &presence(1, 1, false), true).await;
    let after = desk.status("cum-1").await;
    assert_eq!((after.online, after.objects_ready), (false, Some(4)));
    assert_eq!((after.online_changed, after.seen), (before.seen, before.seen));

    // A node of which nothing was known yet.
    desk.report("cum-2", "state", &state(1), true).await;
    assert_eq!(desk.status("cum-2").await.seen, Some(NOON), "when its board enrolled");
    desk.report("cum-2", "state", &state(1), false).await;
    let live = desk.status("cum-2").await;
    assert_eq!(live.seen, Some(UnixMs(NOON.0 + 3_601_000)));
}
