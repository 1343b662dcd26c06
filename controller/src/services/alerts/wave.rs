//! How far an alert got.

use loa_protocol::ids::{AreaId, BulletinId};

use super::{Alerts, load, require_to_read};
use crate::domain::role::{Action, Principal};
use crate::services::ServiceError;
use crate::store::alert_answers::{self, Counts, NodeAnswer};

/// Most nodes of one list.
const NODES_MAX: u32 = 200;

/// What nodes said of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// In all of its areas that the person may see.
    pub all: Counts,
    /// In each of them.
    pub areas: Vec<(AreaId, Counts)>,
    /// The nodes, those first that need a look: refused, silent, not sounding. At most 200.
    pub nodes: Vec<NodeAnswer>,
}

impl Alerts {
    /// What nodes said of an alert, in those of its areas that the person may see.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn wave(&self, who: &Principal, id: &BulletinId) -> Result<Wave, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let alert = load(&mut tx, id).await?;
        require_to_read(who, &alert)?;
        let mut wave = Wave { all: Counts::default(), areas: Vec::new(), nodes: Vec::new() };
        for area in alert.areas.iter().filter(|area| who.may(Action::Read, &area.path)) {
            let counts = alert_answers::counts(&mut tx, id, &area.path).await?;
            wave.all.add(&counts);
            wave.areas.push((area.id.clone(), counts));
            wave.nodes.extend(alert_answers::nodes(&mut tx, id, &area.path, NODES_MAX).await?);
        }
        wave.nodes.sort_by_key(NodeAnswer::need);
        wave.nodes.truncate(NODES_MAX as usize);
        Ok(wave)
    }
}
