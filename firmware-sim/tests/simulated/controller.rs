//! The controller's end of the wire: documents out, wants answered, receipts acknowledged, everything remembered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use loa_link::{
    ClientIdentity, FlooredClock, Link, LinkEvent, LinkHandle, LinkOptions, Message, Publication, Qos,
    TlsOptions, client_config,
};
use loa_protocol::alert::AlertAnswer;
use loa_protocol::ids::NodeId;
use loa_protocol::receipt::{Receipt, ReceiptAck, ReceiptBatch};
use loa_protocol::report::{Event, EventKind, Presence, State};
use loa_protocol::topic::{Topic, TopicKind};
use loa_protocol::transfer::{Block, Want};
use loa_protocol::wire::Wire as _;
use tokio::sync::{Notify, mpsc};

use crate::office::{Object, Office, node_document, plan, tenant, village};
use crate::within;

/// What nodes said.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// By node and number.
    pub(crate) receipts: BTreeMap<(NodeId, u64), Receipt>,
    /// The latest.
    pub(crate) presence: BTreeMap<NodeId, Presence>,
    /// The latest.
    pub(crate) states: BTreeMap<NodeId, State>,
    /// What became of alarms, in the order in which it was heard.
    pub(crate) answers: Vec<(NodeId, AlertAnswer)>,
    /// What nodes refused, in the order in which it was heard.
    pub(crate) events: Vec<EventKind>,
}

/// A connected controller; ends with the test's runtime.
pub(crate) struct Controller {
    handle: LinkHandle,
    object: Object,
    nodes: Vec<NodeId>,
    key_set: Vec<u8>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    record: Mutex<Record>,
    changed: Notify,
}

impl Controller {
    /// Connects to the office's broker, with one object to serve.
    pub(crate) async fn connect(office: &Office, object: &Object) -> Self {
        let (certificate, key) = office.pki.issue("controller", &[]);
        let identity = ClientIdentity { chain_pem: certificate.as_bytes(), key_pem: key.as_bytes() };
        let clock = FlooredClock::system(Arc::default());
        let config = client_config(office.pki.ca_pem().as_bytes(), Some(identity), clock).unwrap();
        let mut options = LinkOptions::new("controller", "127.0.0.1", office.broker.port);
        options.tls = Some(TlsOptions::new(config, "loa-broker").unwrap());
        options.subscriptions = vec![("loa/1/lam-dong/u/#".to_owned(), Qos::AtLeastOnce)];
        options.queue_messages = 4_096;
        options.queue_bytes = 64 * 1024 * 1024;
        let (handle, mut events) = Link::spawn(options).unwrap();
        let subscribed =
            async { while !matches!(events.recv().await.unwrap(), LinkEvent::Subscribed { .. }) {} };
        within("the controller's subscription", subscribed).await;
        let shared = Arc::<Shared>::default();
        let desk = Desk { handle: handle.clone(), object: object.clone(), shared: Arc::clone(&shared) };
        tokio::spawn(desk.work(events));
        let (object, nodes, key_set) = (object.clone(), office.nodes.clone(), office.key_set.clone());
        Self { handle, object, nodes, key_set, shared }
    }

    /// Puts key set and node documents where nodes find them.
    pub(crate) fn publish_documents(&self) {
        publish(&self.handle, TopicKind::Keys, self.key_set.clone(), true);
        for node in &self.nodes {
            publish(&self.handle, TopicKind::Desired(node.clone()), node_document(node), true);
        }
    }

    /// Puts the village's plan there.
    pub(crate) fn publish_plan(&self, epoch: u32, at: loa_protocol::time::UnixMs) {
        publish(&self.handle, TopicKind::Plan(village()), plan(epoch, at, &self.object), true);
    }

    /// Puts the village's alarm there.
    pub(crate) fn publish_alarm(&self, envelope: Vec<u8>) {
        publish(&self.handle, TopicKind::Alert(village()), envelope, true);
    }

    pub(crate) fn record(&self) -> MutexGuard<'_, Record> {
        self.shared.record.lock().unwrap()
    }

    /// Waits until nodes have said something.
    pub(crate) async fn hear(&self, what: &str, is_so: impl Fn(&Record) -> bool) {
        let heard = async {
            loop {
                let changed = self.shared.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if is_so(&self.record()) {
                    return;
                }
                changed.await;
            }
        };
        within(what, heard).await;
    }

    /// Waits until every node reports one object as ready.
    pub(crate) async fn hear_ready(&self) {
        let count = self.nodes.len();
        let is_ready = |state: &State| state.objects_ready == 1;
        self.hear("all nodes are ready", |r| r.states.values().filter(|s| is_ready(s)).count() == count)
            .await;
    }

    /// Waits until every node has sent this many receipts, and gives the last of each.
    pub(crate) async fn hear_receipts(&self, number: u64) -> Vec<Receipt> {
        let last = |r: &Record| -> Vec<Receipt> {
            let of_number = r.receipts.iter().filter(|((_, n), _)| *n == number);
            of_number.map(|(_, receipt)| receipt.clone()).collect()
        };
        self.hear("receipts of all nodes", |record| last(record).len() == self.nodes.len()).await;
        last(&self.record())
    }
}

/// What answers.
struct Desk {
    handle: LinkHandle,
    object: Object,
    shared: Arc<Shared>,
}

impl Desk {
    async fn work(self, mut events: mpsc::Receiver<LinkEvent>) {
        while let Some(event) = events.recv().await {
            if let LinkEvent::Message(message) = event {
                self.take(&message);
                self.shared.changed.notify_waiters();
            }
        }
    }

    fn take(&self, message: &Message) {
        let Ok(Topic { kind, .. }) = message.topic.parse() else { return };
        let Some(node) = kind.node().cloned() else { return };
        let payload = &message.payload;
        let mut record = self.shared.record.lock().unwrap();
        if kind == TopicKind::Want(node.clone()) {
            let want = Want::from_cbor(payload).unwrap();
            self.serve(&node, &want);
        } else if kind == TopicKind::Receipt(node.clone()) {
            let receipts = ReceiptBatch::from_cbor(payload).unwrap().receipts;
            let numbers = receipts.iter().map(|receipt| receipt.number).collect();
            record.receipts.extend(receipts.into_iter().map(|r| ((node.clone(), r.number), r)));
            publish(&self.handle, TopicKind::Ack(node), ReceiptAck { numbers }.to_cbor(), false);
        } else if kind == TopicKind::Presence(node.clone()) {
            record.presence.insert(node, Presence::from_cbor(payload).unwrap());
        } else if kind == TopicKind::State(node.clone()) {
            record.states.insert(node, State::from_cbor(payload).unwrap());
        } else if kind == TopicKind::Answer(node.clone()) {
            record.answers.push((node, AlertAnswer::from_cbor(payload).unwrap()));
        } else if kind == TopicKind::Event(node) {
            record.events.push(Event::from_cbor(payload).unwrap().kind);
        }
    }

    fn serve(&self, node: &NodeId, want: &Want) {
        assert_eq!(want.object, self.object.hash(), "a node wants what no plan names");
        for index in want.blocks() {
            let (offset, length) = self.object.manifest.block_range(index).unwrap();
            let bytes = self.object.bytes[offset as usize..][..length as usize].to_vec();
            let block = Block { object: want.object, index, bytes };
            publish(&self.handle, TopicKind::Blocks(node.clone()), block.to_cbor(), false);
        }
    }
}

fn publish(handle: &LinkHandle, kind: TopicKind, payload: Vec<u8>, retain: bool) {
    let mut publication = Publication::new(Topic::new(&tenant(), kind).to_string(), payload, 0);
    publication.retain = retain;
    handle.try_publish(publication).unwrap();
}
