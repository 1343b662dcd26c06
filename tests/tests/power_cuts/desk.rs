//! The controller's end of the wire: a desk that changes its plan all the time, serves audio on a slow line, and now and then
//! loses an acknowledgement.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_link::{
    Backoff, ClientIdentity, FlooredClock, Link, LinkEvent, LinkHandle, LinkOptions, Publication, Qos,
    TlsOptions, client_config,
};
use loa_protocol::ids::{AreaId, ItemId, NodeId};
use loa_protocol::receipt::{Receipt, ReceiptAck, ReceiptBatch};
use loa_protocol::time::UnixMs;
use loa_protocol::topic::{Topic, TopicKind};
use loa_protocol::transfer::{Block, Want};
use loa_protocol::wire::Wire as _;
use loa_test_broker::{Mosquitto, Pki};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;

use crate::papers::{Papers, VILLAGE, key_set, node_document, now, tenant};

/// From one block to the next: 4 KiB in so long is some 2 Mbit/s to all nodes together.
const BLOCK_PAUSE: Duration = Duration::from_millis(15);
/// From one change of the plan to the next.
const CHANGE_EVERY: Duration = Duration::from_millis(900);
/// The first start, after the desk opened.
const FIRST_MS: i64 = 9_000;
/// Wants that wait: one queue for all nodes, as one line has.
const WANTS_MAX: usize = 64;
/// One acknowledgement in so many is lost.
const LOSES_ONE_IN: u32 = 6;

/// What the desk just sent to a node: a good moment to cut its power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Block,
    Ack,
}

/// What the desk knows.
struct Books {
    papers: Papers,
    rng: StdRng,
    nodes: Vec<NodeId>,
    receipts: BTreeMap<NodeId, BTreeMap<u64, Receipt>>,
    /// Receipts that came again under the same number and say something else.
    contradictions: Vec<(Receipt, Receipt)>,
    loses_acks: bool,
    /// What went wrong at the desk itself.
    trouble: Vec<String>,
}

/// The desk, at work until it is dropped.
pub(crate) struct Desk {
    books: Arc<Mutex<Books>>,
    handle: LinkHandle,
    sent: broadcast::Sender<(NodeId, Sent)>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Desk {
    /// Connects, publishes the first documents for these nodes, and begins to change them.
    pub(crate) async fn open(pki: &Pki, broker: &Mosquitto, nodes: &[NodeId], seed: u64) -> Result<Self> {
        let (handle, mut events) = Link::spawn(options(pki, broker)?)?;
        loop {
            let event = tokio::time::timeout(Duration::from_secs(30), events.recv()).await;
            if let LinkEvent::Subscribed { refused, .. } = event?.context("the desk's link has ended")? {
                ensure!(refused.is_empty(), "the broker refuses {refused:?}");
                break;
            }
        }
        let books = Books {
            papers: Papers::new(StdRng::seed_from_u64(seed), now() + FIRST_MS),
            rng: StdRng::seed_from_u64(!seed),
            nodes: nodes.to_vec(),
            receipts: nodes.iter().map(|node| (node.clone(), BTreeMap::new())).collect(),
            contradictions: Vec::new(),
            loses_acks: true,
            trouble: Vec::new(),
        };
        let (sent, _) = broadcast::channel(1024);
        let mut desk = Self { books: Arc::new(Mutex::new(books)), handle, sent, tasks: Vec::new() };
        desk.publish(TopicKind::Keys, key_set()?, true)?;
        for node in nodes {
            let epoch = desk.books().papers.next_epoch();
            desk.publish(TopicKind::Desired(node.clone()), node_document(node, epoch)?, true)?;
        }
        desk.change()?;
        let (wants, wanted) = mpsc::channel(WANTS_MAX);
        desk.begin(|clerk| clerk.read(events, wants));
        desk.begin(|clerk| clerk.serve(wanted));
        desk.begin(Clerk::keep_changing);
        Ok(desk)
    }

    /// Sets somebody to work; what goes wrong is found by [`Self::check`].
    fn begin<W: Future<Output = Result<()>> + Send + 'static>(&mut self, work: impl FnOnce(Clerk) -> W) {
        let work = work(self.clerk());
        let books = Arc::clone(&self.books);
        self.tasks.push(tokio::spawn(async move {
            let end = work.await.err().map_or("the work ended".to_owned(), |error| format!("{error:#}"));
            books.lock().unwrap_or_else(PoisonError::into_inner).trouble.push(end);
        }));
    }

    fn clerk(&self) -> Clerk {
        let (books, handle) = (Arc::clone(&self.books), self.handle.clone());
        Clerk { books, handle, sent: self.sent.clone() }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, kind: TopicKind, payload: Vec<u8>, retain: bool) -> Result<()> {
        self.clerk().publish(kind, payload, retain)
    }

    fn change(&self) -> Result<()> {
        self.clerk().change()
    }

    /// What is sent from here on.
    pub(crate) fn sent(&self) -> broadcast::Receiver<(NodeId, Sent)> {
        self.sent.subscribe()
    }

    /// The next planned start after an instant.
    pub(crate) fn next_after(&self, at: UnixMs) -> Option<UnixMs> {
        self.books().papers.next_after(at)
    }

    /// Plans nothing more, withdraws what is not due, and loses no more acknowledgements.
    pub(crate) fn close(&self) -> Result<()> {
        {
            let mut books = self.books();
            books.loses_acks = false;
            books.papers.close(now());
        }
        self.change()
    }

    /// Whether it plans nothing more.
    pub(crate) fn is_closed(&self) -> bool {
        self.books().papers.is_closed()
    }

    /// The steady starts of which a node has not reported.
    pub(crate) fn unreported(&self, node: &NodeId) -> Vec<(ItemId, UnixMs)> {
        let books = self.books();
        let told: BTreeSet<_> = books.receipts[node].values().map(|r| (&r.item, r.nominal)).collect();
        let steady = books.papers.planned.iter().filter(|planned| planned.is_steady);
        let lacking = steady.filter(|planned| !told.contains(&(&planned.item, planned.nominal)));
        lacking.map(|planned| (planned.item.clone(), planned.nominal)).collect()
    }

    /// Everything that was planned.
    pub(crate) fn planned(&self) -> Vec<crate::papers::Planned> {
        self.books().papers.planned.clone()
    }

    /// A node's receipts, in the order of their numbers.
    pub(crate) fn receipts(&self, node: &NodeId) -> Vec<Receipt> {
        self.books().receipts[node].values().cloned().collect()
    }

    /// Fails when a receipt ever came again with other words, or the desk itself broke off.
    pub(crate) fn check(&self) -> Result<()> {
        let books = self.books();
        ensure!(
            books.contradictions.is_empty(),
            "receipts changed after they were sent: {:?}",
            books.contradictions
        );
        ensure!(books.trouble.is_empty(), "at the desk: {:?}", books.trouble);
        Ok(())
    }
}

/// What works at the desk.
struct Clerk {
    books: Arc<Mutex<Books>>,
    handle: LinkHandle,
    sent: broadcast::Sender<(NodeId, Sent)>,
}

impl Clerk {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, kind: TopicKind, payload: Vec<u8>, retain: bool) -> Result<()> {
        let publication = Publication::new(Topic::new(&tenant()?, kind).to_string(), payload, 0);
        Ok(self.handle.try_publish(Publication { retain, ..publication })?)
    }

    fn tell(&self, node: &NodeId, sent: Sent) {
        // Nobody waits for it at the moment.
        let _ = self.sent.send((node.clone(), sent));
    }

    fn change(&self) -> Result<()> {
        let (plan, node) = {
            let mut books = self.books();
            let mut everybody = books.receipts.values().map(|receipts| {
                receipts.values().map(|r| (r.item.clone(), r.nominal)).collect::<BTreeSet<_>>()
            });
            let first = everybody.next().unwrap_or_default();
            let reported = everybody.fold(first, |all, one| all.intersection(&one).cloned().collect());
            books.papers.change(now(), &reported)?;
            let most = 3 * books.nodes.len();
            let index = books.rng.random_range(0..most);
            let node = books.nodes.get(index).cloned();
            let node = node.map(|node| (node, books.papers.next_epoch()));
            (books.papers.plan_document()?, node)
        };
        self.publish(TopicKind::Plan(AreaId::new(VILLAGE)?), plan, true)?;
        if let Some((node, epoch)) = node {
            self.publish(TopicKind::Desired(node.clone()), node_document(&node, epoch)?, true)?;
        }
        Ok(())
    }

    async fn keep_changing(self) -> Result<()> {
        let mut ticks = tokio::time::interval(CHANGE_EVERY);
        loop {
            ticks.tick().await;
            self.change()?;
        }
    }

    async fn read(
        self,
        mut events: mpsc::Receiver<LinkEvent>,
        wants: mpsc::Sender<(NodeId, Want)>,
    ) -> Result<()> {
        while let Some(event) = events.recv().await {
            let LinkEvent::Message(message) = event else { continue };
            let topic: Topic = message.topic.parse()?;
            match topic.kind {
                TopicKind::Want(node) => {
                    // What does not fit is lost, and asked for again.
                    let _is_full = wants.try_send((node, Want::from_cbor(&message.payload)?));
                }
                TopicKind::Receipt(node) => {
                    self.file(&node, ReceiptBatch::from_cbor(&message.payload)?)?;
                }
                TopicKind::Keys
                | TopicKind::Plan(_)
                | TopicKind::Alert(_)
                | TopicKind::Desired(_)
                | TopicKind::Command(_)
                | TopicKind::Ack(_)
                | TopicKind::Blocks(_)
                | TopicKind::Wave(..)
                | TopicKind::Presence(_)
                | TopicKind::State(_)
                | TopicKind::Health(_)
                | TopicKind::Event(_)
                | TopicKind::Answer(_)
                | TopicKind::TimeRequest(_)
                | TopicKind::TimeAnswer(_) => {}
            }
        }
        Ok(())
    }

    fn file(&self, node: &NodeId, batch: ReceiptBatch) -> Result<()> {
        let numbers: Vec<u64> = batch.receipts.iter().map(|receipt| receipt.number).collect();
        let is_lost = {
            let mut books = self.books();
            for receipt in batch.receipts {
                let filed = books.receipts.entry(node.clone()).or_default();
                match filed.get(&receipt.number).filter(|known| **known != receipt).cloned() {
                    Some(known) => books.contradictions.push((known, receipt)),
                    None => drop(filed.insert(receipt.number, receipt)),
                }
            }
            books.loses_acks && books.rng.random_range(0..LOSES_ONE_IN) == 0
        };
        if !is_lost {
            self.publish(TopicKind::Ack(node.clone()), ReceiptAck { numbers }.to_cbor(), false)?;
            self.tell(node, Sent::Ack);
        }
        Ok(())
    }

    async fn serve(self, mut wanted: mpsc::Receiver<(NodeId, Want)>) -> Result<()> {
        while let Some((node, want)) = wanted.recv().await {
            for index in want.blocks() {
                let block = {
                    let books = self.books();
                    // What left the plan is no longer served.
                    let Some(sound) = books.papers.sounds.get(&want.object) else { break };
                    let Some((offset, length)) = sound.manifest.block_range(index) else { break };
                    let bytes = sound.bytes[offset as usize..][..length as usize].to_vec();
                    Block { object: want.object, index, bytes }
                };
                tokio::time::sleep(BLOCK_PAUSE).await;
                self.publish(TopicKind::Blocks(node.clone()), block.to_cbor(), false)?;
                self.tell(&node, Sent::Block);
            }
        }
        Ok(())
    }
}

fn options(pki: &Pki, broker: &Mosquitto) -> Result<LinkOptions> {
    let (certificate, key) = pki.issue("controller", &[]);
    let identity = ClientIdentity { chain_pem: certificate.as_bytes(), key_pem: key.as_bytes() };
    let clock = FlooredClock::system(Arc::default());
    let config = client_config(pki.ca_pem().as_bytes(), Some(identity), clock)?;
    let mut options = LinkOptions::new("controller", "127.0.0.1", broker.port);
    options.tls = Some(TlsOptions::new(config, "loa-broker")?);
    options.backoff = Backoff { min: Duration::from_millis(20), max: Duration::from_millis(100) };
    options.subscriptions = vec![("loa/1/lam-dong/u/#".to_owned(), Qos::AtLeastOnce)];
    Ok(options)
}
