//! The controller's end of the wire, in as much as a node needs one.

use std::collections::VecDeque;
use std::time::Duration;

use loa_link::{
    Backoff, ClientIdentity, FlooredClock, Link, LinkEvent, LinkHandle, LinkOptions, Publication, Qos,
    TlsOptions, client_config,
};
use loa_protocol::ids::AreaId;
use loa_protocol::topic::{Topic, TopicKind};
use loa_protocol::transfer::{Block, Manifest, Want};
use loa_protocol::wire::Wire;
use loa_test_broker::{Mosquitto, Pki};
use tokio::sync::mpsc;

use crate::parts::{PATIENCE, VILLAGE, key_set, node, node_document, tenant};

/// A connected controller that hears everything that nodes say.
pub(crate) struct Controller {
    handle: LinkHandle,
    events: mpsc::Receiver<LinkEvent>,
    heard: VecDeque<(Topic, Vec<u8>)>,
}

impl Controller {
    pub(crate) async fn connect(pki: &Pki, broker: &Mosquitto) -> Self {
        let (certificate, key) = pki.issue("controller", &[]);
        let identity = ClientIdentity { chain_pem: certificate.as_bytes(), key_pem: key.as_bytes() };
        let clock = FlooredClock::system(std::sync::Arc::default());
        let config = client_config(pki.ca_pem().as_bytes(), Some(identity), clock).unwrap();
        let mut options = LinkOptions::new("controller", "127.0.0.1", broker.port);
        options.tls = Some(TlsOptions::new(config, "loa-broker").unwrap());
        options.backoff = Backoff { min: Duration::from_millis(20), max: Duration::from_millis(100) };
        options.subscriptions = vec![("loa/1/lam-dong/u/#".to_owned(), Qos::AtLeastOnce)];
        let (handle, events) = Link::spawn(options).unwrap();
        let mut controller = Self { handle, events, heard: VecDeque::new() };
        while !matches!(controller.event().await, LinkEvent::Subscribed { .. }) {}
        controller
    }

    /// Puts key set, node document and plan where the node finds them.
    pub(crate) fn publish_documents(&self, plan: Vec<u8>) {
        let village = AreaId::new(VILLAGE).unwrap();
        self.publish(TopicKind::Keys, key_set(), true);
        self.publish(TopicKind::Desired(node()), node_document(), true);
        self.publish(TopicKind::Plan(village), plan, true);
    }

    pub(crate) fn publish(&self, kind: TopicKind, payload: Vec<u8>, retain: bool) {
        let mut publication = Publication::new(Topic::new(&tenant(), kind).to_string(), payload, 0);
        publication.retain = retain;
        self.handle.try_publish(publication).unwrap();
    }

    /// Answers a want with up to `most` of the blocks that it asks for; returns their numbers.
    pub(crate) fn serve(&self, want: &Want, manifest: &Manifest, sound: &[u8], most: usize) -> Vec<u32> {
        let blocks: Vec<u32> = want.blocks().into_iter().take(most).collect();
        for index in &blocks {
            let (offset, length) = manifest.block_range(*index).unwrap();
            let bytes = sound[offset as usize..][..length as usize].to_vec();
            let block = Block { object: manifest.object, index: *index, bytes };
            self.publish(TopicKind::Blocks(node()), block.to_cbor(), false);
        }
        blocks
    }

    /// The next message on this topic that has this property; other messages are passed over.
    pub(crate) async fn hear<T: Wire>(&mut self, kind: &TopicKind, is_meant: impl Fn(&T) -> bool) -> T {
        loop {
            let (topic, payload) = match self.heard.pop_front() {
                Some(heard) => heard,
                None => self.message().await,
            };
            if topic.kind == *kind {
                let message = T::from_cbor(&payload).unwrap();
                if is_meant(&message) {
                    return message;
                }
            }
        }
    }

    /// Forgets what was heard so far.
    pub(crate) fn forget(&mut self) {
        self.heard.clear();
        while self.events.try_recv().is_ok() {}
    }

    async fn message(&mut self) -> (Topic, Vec<u8>) {
        loop {
            if let LinkEvent::Message(message) = self.event().await {
                return (message.topic.parse().unwrap(), message.payload.to_vec());
            }
        }
    }

    async fn event(&mut self) -> LinkEvent {
        let event = tokio::time::timeout(PATIENCE, self.events.recv()).await;
        event.expect("nothing was heard for too long").expect("the link has ended")
    }
}
