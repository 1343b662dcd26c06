//! Ending sessions.
//!
//! rmqtt's kick asks the session to end, waits 5 s for its answer and then removes it from the tables; a session that
//! was busy for longer ignores the late request and lives on, cut off from its subscriptions. Two things make it end:
//! hooks that wait are released first, and a *closed* message follows the kick, which the session obeys
//! whenever it gets to it (a slow socket may hold it up for the send time-out).

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use loa_protocol::ids::NodeId;
use rmqtt::context::ServerContext;
use rmqtt::shared::Entry;
use rmqtt::types::{Id, Message, Reason};

use super::gate::{Gate, client_ids};

/// How often [`all`] looks whether sessions are left.
const RECHECK: Duration = Duration::from_millis(10);

/// Ends the sessions of a node; returns how many there were.
pub(super) async fn node(context: &ServerContext, gate: &Arc<Gate>, node: &NodeId) -> usize {
    let ids = client_ids(node.as_str());
    let ended = join_all(ids.iter().map(|client_id| client(context, gate, client_id))).await;
    ended.into_iter().filter(|ended| *ended).count()
}

/// Ends the session of one client; returns whether there was one.
pub(super) async fn client(context: &ServerContext, gate: &Arc<Gate>, client_id: &str) -> bool {
    gate.sessions().release(client_id);
    let id = Id::new(context.node.id(), 0, None, None, client_id.to_owned().into(), None);
    let entry = context.extends.shared().await.entry(id);
    end(entry).await
}

/// Ends all sessions, until none is left. The gate must be stopped, or they come back.
pub(super) async fn all(context: &ServerContext, gate: &Arc<Gate>) {
    loop {
        let entries: Vec<Box<dyn Entry>> = {
            let shared = context.extends.shared().await;
            let ids: Vec<Id> = shared.iter().map(|entry| entry.id()).collect();
            ids.into_iter().map(|id| shared.entry(id)).collect()
        };
        if entries.is_empty() && context.connections.count() <= 0 {
            return;
        }
        for entry in &entries {
            gate.sessions().release(&entry.id().client_id);
        }
        join_all(entries.into_iter().map(end)).await;
        tokio::time::sleep(RECHECK).await;
    }
}

/// Returns whether there was a session; its answer to the kick does not tell, since it may be gone before that is read.
async fn end(mut entry: Box<dyn Entry>) -> bool {
    let Some(session) = entry.tx() else { return false };
    if let Err(error) = entry.kick(true, true, true).await {
        tracing::debug!(client_id = %entry.id().client_id, "the session ended by itself: {error:#}");
    }
    // An error here says that the session has ended, which is what is wanted.
    drop(session.unbounded_send(Message::Closed(Reason::ConnectKicked(true))));
    true
}
