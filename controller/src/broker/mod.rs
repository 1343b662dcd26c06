//! The MQTT broker inside the controller: `rmqtt` as a library, for a commune or a district on one small machine.
//!
//! ```text
//!   nodes ── mTLS, common name = node id ──> [nodes listener] ─┐
//!                                                              ├─ rmqtt ── publish hook ──> Incoming ──> controller
//!   controller's own client ── secret ─────> [127.0.0.1:0] ────┘
//! ```
//!
//! The broker is a lossy cache: the truth is the controller's database and the node's store. So retained messages and
//! sessions live in memory, and the controller publishes again what is retained after every start.
//!
//! **Invariants.**
//! - Who a client is comes from its certificate (nodes) or from the loopback listener and a secret drawn at start
//!   (controller), never from what it says. The rules are in [`acl`]; which nodes and areas exist is asked of
//!   [`AccessPolicy`] at each connect, subscribe and publish, so a revocation needs no restart.
//! - A client id belongs to one identity, or a node could end another's session by connecting under its name.
//! - A will passes the same rules as a publish, at connect: the broker sends it later without asking again.
//! - What nodes report is taken in the publish hook ([`Incoming`]), not by a subscription: a subscriber's queue drops
//!   under load (measured: 3,476 of 50,000 arrived). The channel is bounded; when it is full the hook waits, the node's
//!   QoS 1 message stays unacknowledged and TCP slows the node down. That is wanted. Other sessions go on. Requests for the
//!   time are no reports: they are subscribed to, by a client of their own (`dispatch::time`), and some may be lost.
//!
//! **Quirks of rmqtt 0.24** that the code works around:
//! - The publish hook runs *before* the access check, and for wills there is no access check at all.
//! - A message without own expiry takes the listener's `message_expiry_interval`, and zero there makes a
//!   retained message expire at once; hence ten years. `retained_message_ttl` would override each message's own expiry.
//! - A kick waits 5 s for the session's answer, and a session that is busy for longer then ignores it; see `kick.rs`.
//! - What is sent to a connected session waits in a channel without bound, before the queue that has one, while its socket
//!   takes nothing; see `backlog.rs` for audio. All else that waits is small, and goes with the connection at the send time-out.
//! - It says yes to a shared subscription and sends nothing; see `shared.rs`.
//! - Dropping the server ends the listeners only; live sessions go on until they are kicked.
//! - Its busy check is one flag for the whole process, and refuses connects while the machine is under load: off.
//! - It binds with `SO_REUSEADDR`, or a restart within a minute finds its own port in use.
//! - It logs through the `log` facade, a line for each refused connect. Nothing of that shows unless a `log` bridge is
//!   installed in the process; then filter `rmqtt=error,rmqtt_net=error`. What matters is logged here by `tracing`,
//!   target `loa_controller::broker`.
//! - The server context holds itself in a circle, so a stopped broker leaves some hundred kilobytes behind. Harmless
//!   for a process that starts one; tests start many.

pub mod acl;
mod backlog;
mod config;
mod error;
mod gate;
mod hooks;
mod kick;
mod sessions;
mod shared;

pub use config::{BrokerConfig, BrokerLimits, BrokerTls};
pub use error::BrokerError;
pub use gate::{AccessPolicy, ControllerLogin, Incoming, RefusalCounts};

/// User name and client id of the controller's own MQTT client; further sessions are `controller:{what}`.
pub const CONTROLLER_NAME: &str = "controller";

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use loa_protocol::ids::NodeId;
use rmqtt::context::ServerContext;
use rmqtt::net::Listener;
use rmqtt::server::MqttServer;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use self::gate::Gate;

/// rmqtt's number for the listener of nodes.
const NODES_LISTENER: u16 = 1;
/// rmqtt's number for the loopback listener of the controller.
const LOCAL_LISTENER: u16 = 2;

/// A running broker. Dropping it closes the listeners; [`EmbeddedBroker::shutdown`] also ends the live sessions.
pub struct EmbeddedBroker {
    context: ServerContext,
    gate: Arc<Gate>,
    nodes_addr: SocketAddr,
    controller_addr: SocketAddr,
    server: Mutex<Option<AbortOnDropHandle<()>>>,
}

impl EmbeddedBroker {
    /// Binds both listeners and serves until shut down.
    ///
    /// `incoming` gets what nodes publish, in the order of each node; see the module for what happens when it is full.
    ///
    /// # Errors
    /// [`BrokerError`]: a port in use, TLS files that cannot be used.
    pub async fn start(
        config: BrokerConfig,
        policy: Arc<dyn AccessPolicy>,
        incoming: mpsc::Sender<Incoming>,
    ) -> Result<Self, BrokerError> {
        let limits = config.limits;
        let nodes = config::bind(config::nodes_builder(&config), "nodes", config.nodes_addr)?;
        let nodes_addr = local_addr(&nodes, "nodes", config.nodes_addr)?;
        let nodes = nodes.tls().map_err(|e| BrokerError::Tls {
            chain: config.tls.chain_path.clone(),
            key: config.tls.key_path.clone(),
            client_ca: config.tls.client_ca_path.clone(),
            source: e.into(),
        })?;

        let any_local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let local = config::bind(config::local_builder(&limits), "the controller's own client", any_local)?;
        let controller_addr = local_addr(&local, "the controller's own client", any_local)?;
        let local =
            local.tcp().map_err(|e| config::listen_error("the controller's own client", any_local, e))?;

        let context = ServerContext::new()
            .node_id(1)
            .busy_check_enable(false)
            .mqtt_max_sessions(limits.max_sessions)
            .plugins_config_map_add(
                "rmqtt-retainer",
                format!("storage.type = \"ram\"\nmax_payload_size = \"{}B\"", limits.max_packet_bytes),
            )
            .build()
            .await;
        rmqtt_retainer::register(&context, true, false)
            .await
            .map_err(|e| BrokerError::Retainer { source: e.into() })?;

        let gate = Arc::new(Gate::new(&config.tenant, policy, incoming, limits.node_queue)?);
        shared::install(&context).await;
        backlog::install(&context, &gate).await;
        hooks::install(&context, &gate).await;

        let server = MqttServer::new(context.clone())
            .listener_by_id(nodes, NODES_LISTENER)
            .listener_by_id(local, LOCAL_LISTENER)
            .build();
        let server = tokio::spawn(async move {
            // `start()` would exit the process on an error; `run()` returns it.
            if let Err(error) = server.run().await {
                tracing::error!(error = format!("{error:#}"), "the broker stopped");
            }
        });
        tracing::info!(%nodes_addr, "broker listens for nodes");
        let server = Mutex::new(Some(AbortOnDropHandle::new(server)));
        Ok(Self { context, gate, nodes_addr, controller_addr, server })
    }

    /// Where nodes connect, with the port that was really bound.
    pub fn nodes_addr(&self) -> SocketAddr {
        self.nodes_addr
    }

    /// Where the controller's own client connects: loopback, plain MQTT.
    pub fn controller_addr(&self) -> SocketAddr {
        self.controller_addr
    }

    /// User name and password of the controller's own client, drawn at start.
    pub fn controller_login(&self) -> &ControllerLogin {
        self.gate.login()
    }

    /// Whether the node's control session is connected at this instant.
    pub fn is_connected(&self, node: &NodeId) -> bool {
        self.gate.sessions().is_connected(node.as_str())
    }

    /// The nodes whose control session is connected, in no order.
    pub fn connected_nodes(&self) -> Vec<NodeId> {
        self.gate.sessions().connected_nodes()
    }

    /// What was refused since the start.
    pub fn refusals(&self) -> RefusalCounts {
        self.gate.refusals()
    }

    /// Audio blocks that were not given to a session since the start, because [`BrokerLimits::node_queue`] of them waited for it
    /// already: its node takes them too slowly, or not at all.
    pub fn passed_over(&self) -> u64 {
        self.gate.backlogs().passed_over()
    }

    /// Ends every session of a node, live or waiting, and forgets its subscriptions. For a revocation (change the
    /// policy first, so that it cannot return) and for a change of areas (it reconnects and subscribes anew).
    /// Returns how many sessions there were.
    pub async fn kick(&self, node: &NodeId) -> usize {
        kick::node(&self.context, &self.gate, node).await
    }

    /// Closes the listeners, ends all sessions and waits until they have ended, at most ten seconds. Wills that this sets
    /// off are not reported as [`Incoming`]: the nodes are well, the broker is not.
    pub async fn shutdown(&self) {
        self.gate.stop();
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            server.abort();
            if let Err(error) = server.await
                && !error.is_cancelled()
            {
                tracing::error!(%error, "the broker's task panicked");
            }
        }
        if tokio::time::timeout(Duration::from_secs(10), kick::all(&self.context, &self.gate)).await.is_err()
        {
            let left = self.context.connections.count();
            tracing::warn!(left, "some broker sessions did not end in ten seconds; they are left behind");
        }
    }
}

impl std::fmt::Debug for EmbeddedBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedBroker")
            .field("nodes_addr", &self.nodes_addr)
            .field("controller_addr", &self.controller_addr)
            .finish_non_exhaustive()
    }
}

fn local_addr(listener: &Listener, who: &'static str, asked: SocketAddr) -> Result<SocketAddr, BrokerError> {
    listener.local_addr().map_err(|e| config::listen_error(who, asked, e))
}
