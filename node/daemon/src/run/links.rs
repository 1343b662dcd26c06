//! The two connections to the broker: control, which always is, and bulk, which comes and goes.

use std::sync::Arc;

use loa_link::{
    ClientIdentity, DisconnectReason, LinkHandle, LinkOptions, Message, PublishRefused, TlsOptions, Will,
};
use loa_node_core::{Link, LinkEvent, Qos};
use loa_protocol::ids::{BootId, NodeId, TenantId};
use loa_protocol::report::Presence;
use loa_protocol::topic::{Topic, TopicKind};
use loa_protocol::wire::Wire as _;
use tokio::sync::mpsc;

use super::ServeError;
use crate::clock::NodeClock;
use crate::identity::Identity;

/// Both connections.
pub(super) struct Links {
    control: Session,
    bulk: Option<Session>,
    node: NodeId,
    tenant: TenantId,
    boot: BootId,
    host: String,
    port: u16,
    tls: TlsOptions,
    /// Number of the control connection that stands, or stood last.
    connection: u64,
    publications: u64,
}

/// One connection that stays up, and what it tells.
struct Session {
    handle: LinkHandle,
    events: mpsc::Receiver<loa_link::LinkEvent>,
    is_up: bool,
}

/// What the core is to know of an event.
pub(super) enum Up {
    Event(LinkEvent),
    Message(Message),
}

impl Links {
    pub(super) fn start(
        identity: &Identity,
        clock: &Arc<NodeClock>,
        boot: BootId,
    ) -> Result<Self, ServeError> {
        let own = ClientIdentity {
            chain_pem: identity.certificate_chain_pem.as_bytes(),
            key_pem: identity.private_key_pem.as_bytes(),
        };
        let config = loa_link::client_config(identity.ca_pem.as_bytes(), Some(own), clock.for_tls())?;
        let tls = TlsOptions::new(config, &identity.broker_name)?;
        let (tenant, node) = (identity.tenant.clone(), identity.node.clone());
        let (host, port) = (identity.broker_host.clone(), identity.broker_port);
        let mut options = LinkOptions::new(node.as_str(), &host, port);
        options.tls = Some(tls.clone());
        options.will = Some(Box::new({
            let (tenant, node) = (tenant.clone(), node.clone());
            move |connection| {
                let (topic, payload) = offline(&tenant, &node, boot, connection);
                Some(Will::new(topic, payload))
            }
        }));
        let control = Session::start(options)?;
        Ok(Self { control, bulk: None, node, tenant, boot, host, port, tls, connection: 0, publications: 0 })
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

    pub(super) fn open_bulk(&mut self) -> Result<(), ServeError> {
        if self.bulk.is_none() {
            let mut options = LinkOptions::new(format!("{}:bulk", self.node), &self.host, self.port);
            options.tls = Some(self.tls.clone());
            self.bulk = Some(Session::start(options)?);
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

    pub(super) fn subscribe(&self, link: Link, filters: &[String]) {
        let Some(session) = self.session(link) else { return };
        for filter in filters {
            if let Err(error) = session.handle.subscribe(filter, loa_link::Qos::AtLeastOnce) {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the core asked for an impossible filter"
                );
            }
        }
    }

    pub(super) fn unsubscribe(&self, link: Link, filters: &[String]) {
        let Some(session) = self.session(link) else { return };
        filters.iter().for_each(|filter| session.handle.unsubscribe(filter));
    }

    /// Publishes without waiting. What is not taken is lost: the core repeats what matters.
    pub(super) fn publish(&mut self, link: Link, topic: String, payload: Vec<u8>, qos: Qos, retain: bool) {
        self.publications += 1;
        let token = self.publications;
        let Some(session) = self.session(link) else { return };
        let qos = match qos {
            Qos::AtMostOnce => loa_link::Qos::AtMostOnce,
            Qos::AtLeastOnce => loa_link::Qos::AtLeastOnce,
        };
        let mut publication = loa_link::Publication::new(topic.as_str(), payload, token);
        publication.qos = qos;
        publication.retain = retain;
        match session.handle.try_publish(publication) {
            Ok(()) => {}
            Err(reason @ (PublishRefused::NotConnected | PublishRefused::QueueFull)) => {
                tracing::debug!(topic, %reason, "not published");
            }
            Err(reason @ (PublishRefused::TooLarge { .. } | PublishRefused::InvalidTopic)) => {
                tracing::error!(topic, %reason, "cannot be published");
            }
        }
    }

    /// Tells the log what the core need not know, and the core the rest.
    pub(super) fn translate(&mut self, link: Link, event: loa_link::LinkEvent) -> Option<Up> {
        let session = match link {
            Link::Control => &mut self.control,
            Link::Bulk => self.bulk.as_mut()?,
        };
        match event {
            loa_link::LinkEvent::Connected { session_present, conn_seq, .. } => {
                session.is_up = true;
                Some(Up::Event(match link {
                    Link::Control => {
                        tracing::info!(connection = conn_seq, "connected to the broker");
                        self.connection = conn_seq;
                        LinkEvent::ControlUp { session_present, connection: conn_seq }
                    }
                    Link::Bulk => LinkEvent::BulkUp,
                }))
            }
            loa_link::LinkEvent::Disconnected { reason, retry_in, .. } => {
                log_loss(link, session.is_up, &reason, retry_in);
                // The core says anew what it wants after each connection: then what it no longer wants must be gone.
                if let Err(never) = session.handle.set_subscriptions([]) {
                    tracing::error!(error = &never as &dyn std::error::Error, "no filters are refused");
                }
                let was_up = std::mem::take(&mut session.is_up);
                was_up.then_some(Up::Event(match link {
                    Link::Control => LinkEvent::ControlDown,
                    Link::Bulk => LinkEvent::BulkDown,
                }))
            }
            loa_link::LinkEvent::Subscribed { refused, .. } => {
                for refused in refused {
                    tracing::warn!(filter = refused.filter, reason = %refused.reason, "the broker refuses a subscription");
                }
                None
            }
            loa_link::LinkEvent::Message(message) => Some(Up::Message(message)),
            loa_link::LinkEvent::Acked { .. } => None,
            loa_link::LinkEvent::Rejected { reason, .. } => {
                tracing::warn!(%reason, "the broker refuses a publication");
                None
            }
        }
    }

    /// Tells the broker that the node goes, and waits until it knows, some seconds at most.
    pub(super) async fn close(mut self) {
        if self.control.is_up {
            let (topic, payload) = offline(&self.tenant, &self.node, self.boot, self.connection);
            self.publish(Link::Control, topic, payload, Qos::AtLeastOnce, true);
        }
        let bulk = self.bulk.map(|bulk| bulk.handle.close());
        tokio::join!(self.control.handle.close(), async {
            if let Some(closed) = bulk {
                closed.await;
            }
        });
    }

    fn session(&self, link: Link) -> Option<&Session> {
        match link {
            Link::Control => Some(&self.control),
            Link::Bulk => self.bulk.as_ref(),
        }
    }
}

impl Session {
    fn start(options: LinkOptions) -> Result<Self, ServeError> {
        let (handle, events) = loa_link::Link::spawn(options)?;
        Ok(Self { handle, events, is_up: false })
    }
}

/// The message that the node is gone: the will of each connection, and what is published before a farewell.
fn offline(tenant: &TenantId, node: &NodeId, boot: BootId, connection: u64) -> (String, Vec<u8>) {
    let topic = Topic::new(tenant, TopicKind::Presence(node.clone())).to_string();
    (topic, Presence { boot, connection, online: false }.to_cbor())
}

fn log_loss(link: Link, was_up: bool, reason: &DisconnectReason, retry_in: std::time::Duration) {
    let error = reason as &dyn std::error::Error;
    if was_up || link == Link::Control {
        tracing::warn!(?link, error, retry_in_s = retry_in.as_secs(), "no connection to the broker");
    } else {
        tracing::debug!(?link, error, retry_in_s = retry_in.as_secs(), "no connection to the broker");
    }
}
