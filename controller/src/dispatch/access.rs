//! Who may connect, and what each node may read: the broker asks from memory, the database decides.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use loa_protocol::ids::NodeId;
use tokio_util::sync::CancellationToken;

use super::DispatchError;
use crate::broker::{AccessPolicy, EmbeddedBroker};
use crate::domain::node::NodeState;
use crate::domain::role::Scope;
use crate::services::Nudge;
use crate::store::{Store, nodes};

/// How often the database is read without a nudge: how long a revocation by the command line takes at most.
const PERIOD: Duration = Duration::from_secs(5);

type Table = BTreeMap<String, Arc<[String]>>;

/// The enrolled nodes and the areas on their paths.
#[derive(Debug, Default)]
pub struct Access(RwLock<Table>);

impl AccessPolicy for Access {
    fn authenticate(&self, cn: &str, _client_id: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(cn)
    }

    fn node_areas(&self, node: &str) -> Option<Arc<[String]>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(node).cloned()
    }
}

impl Access {
    /// Reads the database and answers whose sessions must end: revoked nodes, and nodes that were moved.
    ///
    /// # Errors
    /// [`DispatchError`]; then everything stays as it was.
    pub async fn refresh(&self, store: &Store) -> Result<Vec<NodeId>, DispatchError> {
        let mut tx = store.read().await?;
        let nodes = nodes::list(&mut tx, &[Scope::Everywhere]).await?;
        let fresh: Table = nodes
            .into_iter()
            .filter(|(node, _)| node.state == NodeState::Enrolled)
            .map(|(node, _)| {
                let areas = node.path.areas().iter().map(ToString::to_string).collect();
                (node.id.to_string(), areas)
            })
            .collect();
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let changed = |(node, areas): (&String, &Arc<[String]>)| {
            if fresh.get(node) == Some(areas) { None } else { NodeId::new(node.as_str()).ok() }
        };
        let end = table.iter().filter_map(changed).collect();
        *table = fresh;
        Ok(end)
    }
}

/// Keeps the table fresh, and ends sessions that are not to go on. Runs until the token is cancelled.
pub async fn run(
    access: Arc<Access>,
    store: Store,
    broker: Option<Arc<EmbeddedBroker>>,
    nudge: Nudge,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = nudge.woken() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
        match access.refresh(&store).await {
            Ok(end) => {
                for node in end {
                    if let Some(broker) = &broker {
                        let sessions = broker.kick(&node).await;
                        tracing::info!(%node, sessions, "sessions ended: the node was revoked or moved");
                    }
                }
            }
            Err(error) => {
                let error = anyhow::Error::new(error);
                tracing::error!(
                    error = format!("{error:#}"),
                    "the list of nodes could not be read; tried again soon"
                );
            }
        }
    }
}
