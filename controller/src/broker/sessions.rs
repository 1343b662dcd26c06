//! Which clients are connected, as the hooks saw it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loa_protocol::ids::NodeId;
use rmqtt::types::Id;
use tokio_util::sync::CancellationToken;

/// The live sessions by client id.
///
/// An entry is *confirmed* by the first packet after CONNACK: when a connection breaks before that, rmqtt calls
/// no disconnect hook, and an unconfirmed entry would count as connected for ever. Such an entry stays until the client
/// returns; there is at most one for each client id.
#[derive(Debug, Default)]
pub(super) struct LiveSessions {
    by_client: Mutex<HashMap<String, Live>>,
}

#[derive(Debug)]
struct Live {
    /// rmqtt's id of this very session: after a takeover the old one's disconnect comes late.
    id: Id,
    node: Option<NodeId>,
    /// Serial number of the certificate shown at connect, in lower-case hex; none on the loopback listener.
    serial: Option<Arc<str>>,
    confirmed: bool,
    refused_before: bool,
    /// Cancelled when the session is being ended: what it waits for in a hook is given up.
    leaving: CancellationToken,
}

impl LiveSessions {
    /// A session begins; `node` when it is a node's control session, `serial` that of the certificate it showed.
    pub(super) fn begin(&self, id: &Id, node: Option<NodeId>, serial: Option<&str>) {
        let live = Live {
            id: id.clone(),
            node,
            serial: serial.map(Arc::from),
            confirmed: false,
            refused_before: false,
            leaving: CancellationToken::new(),
        };
        self.lock().insert(id.client_id.to_string(), live);
    }

    /// A packet came.
    pub(super) fn confirm(&self, id: &Id) {
        self.with(id, |live| live.confirmed = true);
    }

    /// A session ended. A later one of the same client stays.
    pub(super) fn end(&self, id: &Id) {
        let mut by_client = self.lock();
        if by_client.get(&*id.client_id).is_some_and(|live| live.id == *id) {
            by_client.remove(&*id.client_id);
        }
    }

    /// A client is about to be ended: its hooks stop waiting, and it no longer counts as connected.
    pub(super) fn release(&self, client_id: &str) {
        if let Some(live) = self.lock().remove(client_id) {
            live.leaving.cancel();
        }
    }

    /// What is cancelled when the session is being ended. For a session that was released already: cancelled.
    pub(super) fn leaving(&self, id: &Id) -> CancellationToken {
        self.with(id, |live| live.leaving.clone()).unwrap_or_else(|| {
            let gone = CancellationToken::new();
            gone.cancel();
            gone
        })
    }

    /// Serial number of the certificate that the session began with; `None` for one that was released already.
    pub(super) fn serial(&self, id: &Id) -> Option<Arc<str>> {
        self.with(id, |live| live.serial.clone()).flatten()
    }

    /// Whether this is the first refusal in the session: one line in the log is enough.
    pub(super) fn first_refusal(&self, id: &Id) -> bool {
        self.with(id, |live| !std::mem::replace(&mut live.refused_before, true)).unwrap_or(true)
    }

    /// Whether a client of this id is connected.
    pub(super) fn is_connected(&self, client_id: &str) -> bool {
        self.lock().get(client_id).is_some_and(|live| live.confirmed)
    }

    /// The nodes whose control session is connected.
    pub(super) fn connected_nodes(&self) -> Vec<NodeId> {
        self.lock().values().filter(|live| live.confirmed).filter_map(|live| live.node.clone()).collect()
    }

    fn with<T>(&self, id: &Id, act: impl FnOnce(&mut Live) -> T) -> Option<T> {
        self.lock().get_mut(&*id.client_id).filter(|live| live.id == *id).map(act)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Live>> {
        // Each critical section is one map operation: a panic elsewhere cannot leave it half done.
        self.by_client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(client: &str, port: u16) -> Id {
        Id::new(1, 1, None, Some(([127, 0, 0, 1], port).into()), client.to_owned().into(), None)
    }

    #[test]
    fn a_late_disconnect_of_the_session_taken_over_changes_nothing() {
        let live = LiveSessions::default();
        let (old, new) = (session("n-1", 1), session("n-1", 2));
        live.begin(&old, NodeId::new("n-1").ok(), None);
        live.confirm(&old);
        live.begin(&new, NodeId::new("n-1").ok(), None);
        live.confirm(&new);
        live.end(&old);
        assert!(live.is_connected("n-1"));
        live.end(&new);
        assert!(!live.is_connected("n-1"));
    }

    #[test]
    fn a_session_counts_from_its_first_packet() {
        let live = LiveSessions::default();
        let id = session("n-1", 1);
        live.begin(&id, NodeId::new("n-1").ok(), None);
        assert!(!live.is_connected("n-1"));
        live.confirm(&id);
        assert_eq!(live.connected_nodes(), [NodeId::new("n-1").unwrap()]);
    }

    #[test]
    fn releasing_cancels_what_the_session_waits_for() {
        let live = LiveSessions::default();
        let id = session("n-1", 1);
        live.begin(&id, None, None);
        let leaving = live.leaving(&id);
        assert!(!leaving.is_cancelled());
        live.release("n-1");
        assert!(leaving.is_cancelled());
        assert!(live.leaving(&id).is_cancelled());
    }
}
