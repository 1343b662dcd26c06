//! Who may connect, and what each node may read: the database decides. The embedded broker asks from memory; one that
//! stands elsewhere reads the list of revoked certificates.
//!
//! Whoever changes who may connect leaves an entry in the log of deeds, in the same transaction. So the nodes are read only when there is
//! a new entry: ten thousand of them every five seconds would cost more than all they report.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use loa_protocol::ids::NodeId;
use loa_protocol::time::UnixMs;
use tokio_util::sync::CancellationToken;

use super::DispatchError;
use crate::broker::{AccessPolicy, EmbeddedBroker};
use crate::identity::BrokerFiles;
use crate::services::{Clock, Nudge};
use crate::store::audit::{self, Position};
use crate::store::nodes::{self, EnrolledNode};
use crate::store::{Store, certificates};

/// How often the database is read without a nudge: how long a revocation by the command line takes at most.
const PERIOD: Duration = Duration::from_secs(5);

/// What is known of an enrolled node.
#[derive(Debug, PartialEq, Eq)]
struct Admitted {
    /// The areas on its path, from the root.
    areas: Arc<[String]>,
    /// Serial number of its present certificate, lower-case hex.
    serial: String,
}

type Table = BTreeMap<String, Admitted>;

/// The enrolled nodes, the areas on their paths, and the one certificate of each.
#[derive(Debug, Default)]
pub struct Access {
    table: RwLock<Table>,
    /// How far the log of deeds had come when the table was read; `None`: it never was.
    read_at: Mutex<Option<Position>>,
}

impl AccessPolicy for Access {
    fn node_areas(&self, node: &str, serial: &str) -> Option<Arc<[String]>> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table
            .get(node)
            .filter(|admitted| admitted.serial == serial)
            .map(|admitted| Arc::clone(&admitted.areas))
    }
}

impl Access {
    /// Reads the database, if anything was decided since it was last read, and answers whose sessions must end: revoked nodes, nodes
    /// that were moved, and nodes with another certificate.
    ///
    /// # Errors
    /// [`DispatchError`]; then everything stays as it was.
    pub async fn refresh(&self, store: &Store) -> Result<Vec<NodeId>, DispatchError> {
        let mut tx = store.read().await?;
        let position = audit::position(&mut tx).await?;
        if self.read_at().as_ref() == Some(&position) {
            return Ok(Vec::new());
        }
        let admitted = |node: EnrolledNode| {
            let areas = node.path.areas().iter().map(ToString::to_string).collect();
            Some((node.id.to_string(), Admitted { areas, serial: node.certificate_serial? }))
        };
        let fresh: Table = nodes::enrolled(&mut tx).await?.into_iter().filter_map(admitted).collect();
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let changed = |(node, admitted): (&String, &Admitted)| {
            if fresh.get(node) == Some(admitted) { None } else { NodeId::new(node.as_str()).ok() }
        };
        let end = table.iter().filter_map(changed).collect();
        *table = fresh;
        *self.read_at() = Some(position);
        Ok(end)
    }

    fn read_at(&self) -> MutexGuard<'_, Option<Position>> {
        self.read_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many nodes may connect.
    pub fn count(&self) -> u64 {
        self.table.read().unwrap_or_else(PoisonError::into_inner).len() as u64
    }
}

/// The broker that is told.
pub enum Door {
    /// Asks the table; its sessions can be ended.
    Embedded(Arc<EmbeddedBroker>),
    /// Reads these files, where there is a folder for them.
    External(Option<BrokerFiles>),
}

/// Keeps the table or the list fresh, and ends sessions that are not to go on. Runs until the token is cancelled.
pub async fn run(
    access: Arc<Access>,
    store: Store,
    mut door: Door,
    nudge: Nudge,
    clock: Clock,
    stop: CancellationToken,
) {
    loop {
        if let Door::External(Some(files)) = &mut door
            && let Err(error) = list_revoked(files, &store, clock.now()).await
        {
            tracing::error!(
                error = format!("{error:#}"),
                "the list of revoked certificates could not be written; tried again soon"
            );
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = nudge.woken() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
        match access.refresh(&store).await {
            Ok(end) => {
                for node in end {
                    if let Door::Embedded(broker) = &door {
                        let sessions = broker.kick(&node).await;
                        tracing::info!(%node, sessions, "sessions ended: the node was revoked, moved or enrolled anew");
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

async fn list_revoked(files: &mut BrokerFiles, store: &Store, now: UnixMs) -> anyhow::Result<()> {
    let mut tx = store.read().await?;
    let revoked = certificates::revoked(&mut tx, now).await?;
    let count = revoked.len();
    if files.list(revoked, now)? {
        tracing::info!(
            count,
            "the list of revoked certificates was written; the broker has to read it again"
        );
    }
    Ok(())
}
