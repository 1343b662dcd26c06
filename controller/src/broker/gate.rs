//! What the hooks decide: who may connect, read and write, and what is handed on to the controller.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use data_encoding::HEXLOWER;
use loa_protocol::ids::{NodeId, TenantId};
use loa_protocol::time::UnixMs;
use loa_protocol::topic::{Topic, TopicKind};
use rmqtt::types::{ConnectInfo, From, FromType, Id, Publish};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::acl::{Principal, TopicRules};
use super::backlog::Backlogs;
use super::sessions::LiveSessions;
use super::{BrokerError, CONTROLLER_NAME, LOCAL_LISTENER, NODES_LISTENER};

/// Which nodes there are, and where. Asked at each connect, subscribe and publish, from within the broker's tasks:
/// answer from memory, at once.
pub trait AccessPolicy: Send + Sync + 'static {
    /// The ids of the areas whose topics the node may read: those on its path from the root. `serial` is that of the
    /// certificate shown, in lower-case hex. `None` for a node that is unknown or revoked, and for a certificate other
    /// than its present one: whoever shows that may not connect, read or write.
    fn node_areas(&self, node: &str, serial: &str) -> Option<Arc<[String]>>;
}

/// A message that a node published below `loa/1/{tenant}/u/{node}/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The node, from its certificate. The topic names the same one.
    pub node_id: NodeId,
    /// The whole topic.
    pub topic: String,
    /// The payload as it came; nothing in it has been checked.
    pub payload: Bytes,
    /// Whether the broker had kept it from before: then it was said at an unknown earlier time. Never for what the
    /// embedded broker's hook takes.
    pub replayed: bool,
    /// When the broker received it; for a will, when it was set off; through an external broker, when it came here.
    pub received_at: UnixMs,
}

/// The credentials of the controller's own client.
#[derive(Clone, PartialEq, Eq)]
pub struct ControllerLogin {
    /// User name; client ids are this, or `controller:{what}`.
    pub username: &'static str,
    /// 64 hex digits. Never printed.
    pub password: String,
}

impl fmt::Debug for ControllerLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControllerLogin").field("username", &self.username).finish_non_exhaustive()
    }
}

/// What was refused since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RefusalCounts {
    /// Connects by an unknown or revoked node, under a foreign client id, with a foreign will, or without the secret.
    pub connects: u64,
    /// Topic filters.
    pub subscriptions: u64,
    /// Publishes. They are dropped and answered with reason code 0x87; the session stays, or a node with one wrong
    /// topic would reconnect for ever.
    pub publishes: u64,
    /// Reports that were allowed but not handed on: the session was being ended, or nobody receives any more.
    pub undelivered: u64,
}

#[derive(Debug, Default)]
struct Counters {
    connects: AtomicU64,
    subscriptions: AtomicU64,
    publishes: AtomicU64,
    undelivered: AtomicU64,
}

/// The broker's decisions. One for all hooks.
pub(super) struct Gate {
    rules: TopicRules,
    policy: Arc<dyn AccessPolicy>,
    login: ControllerLogin,
    incoming: mpsc::Sender<Incoming>,
    sessions: LiveSessions,
    backlogs: Backlogs,
    counters: Counters,
    stopping: CancellationToken,
}

impl Gate {
    pub(super) fn new(
        tenant: &TenantId,
        policy: Arc<dyn AccessPolicy>,
        incoming: mpsc::Sender<Incoming>,
        node_queue: usize,
    ) -> Result<Self, BrokerError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(BrokerError::Random)?;
        Ok(Self {
            rules: TopicRules::new(tenant),
            policy,
            login: ControllerLogin { username: CONTROLLER_NAME, password: HEXLOWER.encode(&secret) },
            incoming,
            sessions: LiveSessions::default(),
            backlogs: Backlogs::new(node_queue),
            counters: Counters::default(),
            stopping: CancellationToken::new(),
        })
    }

    pub(super) fn login(&self) -> &ControllerLogin {
        &self.login
    }

    pub(super) fn sessions(&self) -> &LiveSessions {
        &self.sessions
    }

    pub(super) fn backlogs(&self) -> &Backlogs {
        &self.backlogs
    }

    /// Whether the topic carries audio, which is bounded for each session.
    pub(super) fn is_audio(&self, topic: &str) -> bool {
        self.rules.is_audio(topic)
    }

    pub(super) fn refusals(&self) -> RefusalCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RefusalCounts {
            connects: read(&self.counters.connects),
            subscriptions: read(&self.counters.subscriptions),
            publishes: read(&self.counters.publishes),
            undelivered: read(&self.counters.undelivered),
        }
    }

    /// From here on nobody connects and nothing is handed on.
    pub(super) fn stop(&self) {
        self.stopping.cancel();
    }

    /// Whether the client may connect. Counts and logs a refusal.
    pub(super) fn may_connect(&self, info: &ConnectInfo) -> bool {
        match self.judge_connect(info) {
            Ok(()) => true,
            Err(reason) => {
                self.counters.connects.fetch_add(1, Ordering::Relaxed);
                let id = info.id();
                tracing::warn!(
                    client_id = %id.client_id,
                    name = id.username.as_deref().unwrap_or(""),
                    from = id.remote_addr.map(tracing::field::display),
                    reason,
                    "connect refused"
                );
                false
            }
        }
    }

    fn judge_connect(&self, info: &ConnectInfo) -> Result<(), &'static str> {
        let require = |condition: bool, reason| if condition { Ok(()) } else { Err(reason) };
        require(!self.stopping.is_cancelled(), "the broker is stopping")?;
        let ConnectInfo::V5(id, connect) = info else { return Err("the protocol is not MQTT 5") };
        let client_id: &str = &id.client_id;
        let will = connect.last_will.as_ref().map(|will| &*will.topic);
        match id.lid {
            LOCAL_LISTENER => {
                let name = connect.username.as_deref() == Some(self.login.username);
                let secret =
                    connect.password.as_ref().is_some_and(|p| same(p, self.login.password.as_bytes()));
                require(name && secret, "the secret of the controller's own client is wrong")?;
                let own = client_id
                    .strip_prefix(CONTROLLER_NAME)
                    .is_some_and(|r| r.is_empty() || r.starts_with(':'));
                require(own, "the client id is not the controller's")?;
                let may = will.is_none_or(|topic| self.rules.may_publish(Principal::Controller, topic));
                require(may, "the will is outside the tenant")
            }
            NODES_LISTENER => {
                let certificate = connect.cert.as_ref().ok_or("there is no certificate")?;
                let name = certificate.common_name.as_deref().ok_or("the certificate has no common name")?;
                let serial = certificate.serial.as_deref().ok_or("the certificate has no serial number")?;
                require(id.username.as_deref() == Some(name), "the user name is not the certificate's")?;
                let well_formed = NodeId::new(name).is_ok() && name != CONTROLLER_NAME;
                require(well_formed, "the certificate's common name is not a node id")?;
                require(is_client_of(name, client_id), "the client id is another one's")?;
                require(
                    self.policy.node_areas(name, serial).is_some(),
                    "the node is unknown or revoked, or this is not its present certificate",
                )?;
                let who = Principal::Node { id: name, areas: &[] };
                require(
                    will.is_none_or(|topic| self.rules.may_publish(who, topic)),
                    "the will is not the node's own",
                )
            }
            _ => Err("the listener is unknown"),
        }
    }

    /// Whether a session that just began may go on: the node may have been revoked since the check above, or another
    /// board have enrolled for it, when a kick could not find the session yet.
    pub(super) fn still_welcome(&self, id: &Id) -> bool {
        !self.stopping.is_cancelled() && (node_of(id).is_none() || self.areas(id).is_some())
    }

    /// The areas of a node's session; `None` for one whose certificate is not the node's present one.
    fn areas(&self, id: &Id) -> Option<Arc<[String]>> {
        self.policy.node_areas(node_of(id)?, &self.sessions.serial(id)?)
    }

    /// Whether the session may subscribe. Counts and logs a refusal.
    pub(super) fn may_subscribe(&self, id: &Id, filter: &str) -> bool {
        let allowed = self.with_principal(id, |who| self.rules.may_subscribe(who, filter));
        if !allowed {
            self.refused(&self.counters.subscriptions, id, filter, "subscription refused");
        }
        allowed
    }

    /// Whether the session may publish. Counts and logs a refusal.
    pub(super) fn may_publish(&self, id: &Id, topic: &str) -> bool {
        // Comes after `take`: a report that was given up there must not be acknowledged here.
        if node_of(id).is_some() && (self.stopping.is_cancelled() || self.sessions.leaving(id).is_cancelled())
        {
            return false;
        }
        let allowed = self.with_principal(id, |who| self.rules.may_publish(who, topic));
        if !allowed {
            self.refused(&self.counters.publishes, id, topic, "publish refused");
        }
        allowed
    }

    /// Hands a node's report on to the controller; waits while the channel is full, unless the session is being ended.
    pub(super) async fn take(&self, from: &From, publish: &Publish) {
        let id = &from.id;
        let Some(node) = node_of(id) else { return };
        let will = matches!(from.typ(), FromType::LastWill);
        // This hook runs before the access check, so the rules are asked here as well. A will was checked at connect, and
        // tells that a node is gone even when it was revoked a moment ago.
        let who = Principal::Node { id: node, areas: &[] };
        let allowed = self.rules.may_publish(who, &publish.topic) && (will || self.areas(id).is_some());
        if !allowed || self.stopping.is_cancelled() {
            return;
        }
        // Who tells the time hears of it as any client does, and not behind what waits for the database.
        let asks = |topic: Topic| matches!(topic.kind, TopicKind::TimeRequest(_));
        if publish.topic.parse().is_ok_and(asks) {
            return;
        }
        let Ok(node_id) = NodeId::new(node) else { return };
        let message = Incoming {
            node_id,
            topic: publish.topic.to_string(),
            payload: publish.payload.clone(),
            replayed: false,
            received_at: UnixMs(publish.create_time.unwrap_or_else(rmqtt::utils::timestamp_millis)),
        };
        let leaving = if will { CancellationToken::new() } else { self.sessions.leaving(id) };
        let sent = tokio::select! {
            biased;
            sent = self.incoming.send(message) => sent.is_ok(),
            () = leaving.cancelled() => false,
            () = self.stopping.cancelled() => false,
        };
        if !sent {
            self.counters.undelivered.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(node, topic = %publish.topic, "report not handed on");
        }
    }

    /// Gives the answer for who the session is; `false` for a node whose certificate is no longer good.
    fn with_principal(&self, id: &Id, ask: impl FnOnce(Principal<'_>) -> bool) -> bool {
        match (id.lid, node_of(id)) {
            (LOCAL_LISTENER, _) => ask(Principal::Controller),
            (_, Some(node)) => {
                self.areas(id).is_some_and(|areas| ask(Principal::Node { id: node, areas: &areas }))
            }
            (_, None) => false,
        }
    }

    fn refused(&self, counter: &AtomicU64, id: &Id, topic: &str, what: &'static str) {
        counter.fetch_add(1, Ordering::Relaxed);
        if self.sessions.first_refusal(id) {
            tracing::warn!(client_id = %id.client_id, topic, "{what}; further ones of this session are only counted");
        }
    }
}

/// The client ids of a node: its own for control, and one for bulk transfer.
pub(super) fn client_ids(node: &str) -> [String; 2] {
    [node.to_owned(), format!("{node}:bulk")]
}

fn is_client_of(node: &str, client_id: &str) -> bool {
    client_id.strip_prefix(node).is_some_and(|rest| rest.is_empty() || rest == ":bulk")
}

/// The node of a session on the listener for nodes, as its certificate said at connect.
pub(super) fn node_of(id: &Id) -> Option<&str> {
    if id.lid == NODES_LISTENER { id.username.as_deref() } else { None }
}

/// Compares hashes: how long it takes tells nothing about the secret.
fn same(given: &[u8], secret: &[u8]) -> bool {
    Sha256::digest(given) == Sha256::digest(secret)
}
