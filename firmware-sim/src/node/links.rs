//! The two links of a boot: control, which always is, and bulk, which comes and goes.

use std::sync::Arc;
use std::time::Duration;

use loa_link::{LinkHandle, LinkOptions, Message, OptionsError, Will};
use loa_node_core::{Identity, Link, LinkEvent, Qos};
use loa_protocol::ids::BootId;
use loa_protocol::report::Presence;
use loa_protocol::topic::{Topic, TopicKind};
use loa_protocol::wire::Wire as _;
use tokio::sync::mpsc;

use super::happening::Happening;
use super::member::{Broker, Member};
use crate::board_sim::network::Network;

/// Longest that saying good-bye may take; a broker that is away does not hold up the end.
const CLOSE_LIMIT: Duration = Duration::from_secs(6);

/// Both links of one boot. Dropped without [`Links::close`] they end as in a power cut: the broker publishes the will.
pub(super) struct Links {
    control: Session,
    bulk: Option<Session>,
    who: Who,
    network: Arc<Network>,
    broker: Broker,
    /// Number of the control connection that stands, or stood last.
    connection: u64,
}

/// Who connects, in which boot.
#[derive(Clone)]
struct Who {
    identity: Identity,
    boot: BootId,
}

struct Session {
    handle: LinkHandle,
    events: mpsc::Receiver<loa_link::LinkEvent>,
    is_up: bool,
}

/// What the core is to know of an event, and what an observer is.
#[derive(Default)]
pub(super) struct Translated {
    pub(super) event: Option<LinkEvent>,
    pub(super) message: Option<Message>,
    pub(super) happenings: Vec<Happening>,
}

impl Links {
    pub(super) fn start(member: &Member, network: &Arc<Network>, boot: BootId) -> Result<Self, OptionsError> {
        let who = Who { identity: member.identity.clone(), boot };
        let mut options = options(who.identity.node.to_string(), &member.broker, network);
        options.will = Some(Box::new({
            let who = who.clone();
            move |connection| {
                let (topic, payload) = who.offline(connection);
                Some(Will::new(topic, payload))
            }
        }));
        let control = Session::start(options)?;
        let (network, broker) = (Arc::clone(network), member.broker.clone());
        Ok(Self { control, bulk: None, who, network, broker, connection: 0 })
    }

    /// The next event of either link; `None` when its task has ended.
    pub(super) async fn next(&mut self) -> (Link, Option<loa_link::LinkEvent>) {
        let Self { control, bulk, .. } = self;
        let bulk = async {
            match bulk {
                Some(bulk) => bulk.events.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = control.events.recv() => (Link::Control, event),
            event = bulk => (Link::Bulk, event),
        }
    }

    pub(super) fn open_bulk(&mut self) -> Result<(), OptionsError> {
        if self.bulk.is_none() {
            let client_id = format!("{}:bulk", self.who.identity.node);
            self.bulk = Some(Session::start(options(client_id, &self.broker, &self.network))?);
        }
        Ok(())
    }

    pub(super) fn close_bulk(&mut self) {
        if let Some(Session { handle, events, is_up: _ }) = self.bulk.take() {
            // Saying good-bye takes a round trip, which nobody waits for.
            tokio::spawn(async move {
                handle.close().await;
                drop(events);
            });
        }
    }

    /// Subscribes; what the core asks for are always filters.
    pub(super) fn subscribe(&self, link: Link, filters: &[String]) -> Option<Happening> {
        let session = self.session(link)?;
        let subscribe = |filter: &String| session.handle.subscribe(filter, loa_link::Qos::AtLeastOnce).err();
        let refused = filters.iter().find_map(subscribe)?;
        Some(Happening::Refused { why: refused.to_string() })
    }

    pub(super) fn unsubscribe(&self, link: Link, filters: &[String]) {
        let Some(session) = self.session(link) else { return };
        filters.iter().for_each(|filter| session.handle.unsubscribe(filter));
    }

    /// Publishes without waiting. What is not taken is lost: the core repeats what matters.
    pub(super) fn publish(&self, link: Link, topic: String, payload: Vec<u8>, qos: Qos, retain: bool) {
        let Some(session) = self.session(link) else { return };
        let mut publication = loa_link::Publication::new(topic, payload, 0);
        publication.qos = match qos {
            Qos::AtMostOnce => loa_link::Qos::AtMostOnce,
            Qos::AtLeastOnce => loa_link::Qos::AtLeastOnce,
        };
        publication.retain = retain;
        if let Err(refused) = session.handle.try_publish(publication) {
            tracing::debug!(node = %self.who.identity.node, %refused, "not published");
        }
    }

    pub(super) fn translate(&mut self, link: Link, event: loa_link::LinkEvent) -> Translated {
        let session = match link {
            Link::Control => &mut self.control,
            Link::Bulk => match &mut self.bulk {
                Some(bulk) => bulk,
                None => return Translated::default(),
            },
        };
        let mut translated = Translated::default();
        match event {
            loa_link::LinkEvent::Connected { session_present, conn_seq: connection, .. } => {
                session.is_up = true;
                translated.happenings.push(Happening::Connected { link, connection });
                translated.event = Some(match link {
                    Link::Control => {
                        self.connection = connection;
                        LinkEvent::ControlUp { session_present, connection }
                    }
                    Link::Bulk => LinkEvent::BulkUp,
                });
            }
            loa_link::LinkEvent::Disconnected { reason, retry_in, .. } => {
                // The core says anew what it wants after each connection: what it no longer wants must be gone by then.
                if let Err(never) = session.handle.set_subscriptions([]) {
                    tracing::error!(%never, "no filters are refused");
                }
                let was_up = std::mem::take(&mut session.is_up);
                translated.happenings.push(Happening::Disconnected {
                    link,
                    was_up,
                    reason: chain(&reason),
                    retry_in_ms: Some(u64::try_from(retry_in.as_millis()).unwrap_or(u64::MAX)),
                });
                translated.event = was_up.then_some(match link {
                    Link::Control => LinkEvent::ControlDown,
                    Link::Bulk => LinkEvent::BulkDown,
                });
            }
            loa_link::LinkEvent::Subscribed { refused, .. } => {
                let why =
                    |refused: loa_link::RefusedFilter| format!("{}: {}", refused.filter, refused.reason);
                translated.happenings =
                    refused.into_iter().map(|r| Happening::Refused { why: why(r) }).collect();
            }
            loa_link::LinkEvent::Message(message) => translated.message = Some(message),
            loa_link::LinkEvent::Acked { .. } => {}
            loa_link::LinkEvent::Rejected { reason, .. } => {
                translated.happenings.push(Happening::Refused { why: format!("a publication: {reason}") });
            }
        }
        translated
    }

    /// Tells the broker that the node goes, and waits until it knows, some seconds at most.
    pub(super) async fn close(self) {
        if self.control.is_up {
            let (topic, payload) = self.who.offline(self.connection);
            self.publish(Link::Control, topic, payload, Qos::AtLeastOnce, true);
        }
        let bulk = async {
            if let Some(bulk) = self.bulk {
                bulk.handle.close().await;
            }
        };
        let both = async { tokio::join!(self.control.handle.close(), bulk) };
        if tokio::time::timeout(CLOSE_LIMIT, both).await.is_err() {
            tracing::debug!(node = %self.who.identity.node, "the broker did not take leave in time");
        }
    }

    fn session(&self, link: Link) -> Option<&Session> {
        match link {
            Link::Control => Some(&self.control),
            Link::Bulk => self.bulk.as_ref(),
        }
    }
}

impl Session {
    fn start(options: LinkOptions) -> Result<Self, OptionsError> {
        let (handle, events) = loa_link::Link::spawn(options)?;
        Ok(Self { handle, events, is_up: false })
    }
}

impl Who {
    /// The message that the node is gone: the will of each connection, and what is published before a farewell.
    fn offline(&self, connection: u64) -> (String, Vec<u8>) {
        let Identity { tenant, node, .. } = &self.identity;
        let topic = Topic::new(tenant, TopicKind::Presence(node.clone())).to_string();
        (topic, Presence { boot: self.boot, connection, online: false }.to_cbor())
    }
}

fn options(client_id: String, broker: &Broker, network: &Arc<Network>) -> LinkOptions {
    // The host and port are those of a dialler that is replaced in the next line.
    let mut options = LinkOptions::new(client_id, "", 0);
    options.dial = network.dialler();
    options.address.clone_from(&broker.address);
    options.tls.clone_from(&broker.tls);
    options
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
