//! On which clocks the targets of a schedule go, and which calendars there are: what decides when it starts.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use chrono_tz::Tz;
use loa_protocol::ids::{AreaId, CalendarId};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Calendar, Start};

use super::{Ground, ServiceError};
use crate::domain::calendar::{CalendarName, Calendars};
use crate::domain::role::Scope;
use crate::domain::schedule::{ScheduleValues, Starts};
use crate::domain::schedule_rules::ScheduleRules;
use crate::store::{Connection, areas, nodes};

/// The zone of every area, inherited where it names none of its own, and all calendars.
pub(super) struct Clocks {
    zones: BTreeMap<AreaId, Tz>,
    calendars: Calendars,
    now: UnixMs,
    /// The calendars written out, once for all schedules of one look.
    written: OnceLock<Vec<Calendar>>,
}

impl Ground {
    pub(super) async fn clocks(&self, c: &mut Connection) -> Result<Clocks, ServiceError> {
        let mut zones = BTreeMap::new();
        // Each area comes after the one that contains it.
        for area in areas::list(c, &[Scope::Everywhere]).await? {
            let above = area.parent().and_then(|parent| zones.get(parent)).copied().unwrap_or(self.zone);
            zones.insert(area.id, area.zone.unwrap_or(above));
        }
        Ok(Clocks { zones, calendars: self.calendars(c).await?, now: self.now(), written: OnceLock::new() })
    }
}

impl Clocks {
    /// When a schedule starts, on the clock of each document that carries it.
    pub(super) async fn starts(
        &self,
        c: &mut Connection,
        values: &ScheduleValues,
    ) -> Result<Starts, ServiceError> {
        let zones = self.zones_of(c, values).await?;
        let names_some = values.rules.only_on.is_some() || !values.rules.not_on.is_empty();
        let written = names_some.then(|| self.written.get_or_init(|| self.calendars.all_looked_at(self.now)));
        Ok(Starts::new(values, &zones, written.map_or(&[], Vec::as_slice)))
    }

    /// What the calendars that a schedule names are called. One that is gone is left out.
    pub(super) fn names(&self, rules: &ScheduleRules) -> BTreeMap<CalendarId, CalendarName> {
        let named = rules.not_on.iter().chain(&rules.only_on);
        let name = |id: &CalendarId| Some((id.clone(), self.calendars.get(id)?.name.clone()));
        named.filter_map(name).collect()
    }

    /// All calendars.
    pub(super) fn calendars(&self) -> &Calendars {
        &self.calendars
    }

    /// The zones of a schedule's targets, each once. One instant is the same everywhere: then, and when no target is
    /// left, it is the zone in which it was written.
    async fn zones_of(&self, c: &mut Connection, values: &ScheduleValues) -> Result<Vec<Tz>, ServiceError> {
        if matches!(values.start, Start::At(_)) {
            return Ok(vec![values.zone]);
        }
        let mut areas = values.areas.clone();
        for node in &values.nodes {
            let found = nodes::get(c, node).await?;
            areas.extend(found.and_then(|(node, _)| node.path.areas().last().cloned()));
        }
        let mut zones = Vec::new();
        for zone in areas.iter().filter_map(|area| self.zones.get(area)) {
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
