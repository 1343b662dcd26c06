//! In which zone each target of a schedule reads local times: that of the document that carries it.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use loa_protocol::ids::AreaId;
use loa_protocol::timeline::Start;

use super::{Ground, ServiceError};
use crate::domain::role::Scope;
use crate::domain::schedule::ScheduleValues;
use crate::store::{Connection, areas, nodes};

/// The zone of every area, inherited where it names none of its own.
pub(super) struct Zones(BTreeMap<AreaId, Tz>);

impl Ground {
    pub(super) async fn zones(&self, c: &mut Connection) -> Result<Zones, ServiceError> {
        let mut zones = BTreeMap::new();
        // Each area comes after the one that contains it.
        for area in areas::list(c, &[Scope::Everywhere]).await? {
            let above = area.parent().and_then(|parent| zones.get(parent)).copied().unwrap_or(self.zone);
            zones.insert(area.id, area.zone.unwrap_or(above));
        }
        Ok(Zones(zones))
    }
}

impl Zones {
    /// The zones of a schedule's targets, each once. One instant is the same everywhere: then, and when no target is
    /// left, it is the zone in which it was written.
    pub(super) async fn of(
        &self,
        c: &mut Connection,
        values: &ScheduleValues,
    ) -> Result<Vec<Tz>, ServiceError> {
        if matches!(values.start, Start::At(_)) {
            return Ok(vec![values.zone]);
        }
        let mut areas = values.areas.clone();
        for node in &values.nodes {
            let found = nodes::get(c, node).await?;
            areas.extend(found.and_then(|(node, _)| node.path.areas().last().cloned()));
        }
        let mut zones = Vec::new();
        for zone in areas.iter().filter_map(|area| self.0.get(area)) {
            if !zones.contains(zone) {
                zones.push(*zone);
            }
        }
        if zones.is_empty() {
            zones.push(values.zone);
        }
        Ok(zones)
    }
}
