//! Reads what is desired out of the database.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use loa_protocol::area::AreaPath;
use loa_protocol::ids::{AreaId, ObjectHash};
use loa_protocol::plan::Track;
use loa_protocol::time::UnixMs;

use super::compile::{Desired, DesiredArea, DesiredItem, DesiredNode, OVER_KEPT_MS};
use crate::domain::area::{Area, inherited, languages_at};
use crate::domain::area_rules::AreaRules;
use crate::domain::calendar::Calendars;
use crate::domain::role::Scope;
use crate::store::nodes::EnrolledNode;
use crate::store::schedules::OnAir;
use crate::store::{
    Connection, Store, StoreError, alert_templates, area_rules, areas, calendars, nodes, schedules,
};

/// The rows that plans are made of, as of one instant of the database.
pub struct Rows {
    /// Every area, each after the one that contains it.
    pub areas: Vec<Area>,
    /// What areas state beyond their names.
    pub rules: BTreeMap<AreaId, AreaRules>,
    /// The enrolled nodes.
    pub nodes: Vec<EnrolledNode>,
    /// The schedules that may still sound, with what they play.
    pub on_air: Vec<OnAir>,
    /// The calendars that schedules may name.
    pub calendars: Calendars,
    /// The sounds of prepared templates, by the area in whose name each is.
    pub prepared: BTreeMap<AreaId, BTreeSet<ObjectHash>>,
}

impl Rows {
    /// Reads them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read(c: &mut Connection, now: UnixMs) -> Result<Self, StoreError> {
        let everywhere = [Scope::Everywhere];
        Ok(Self {
            areas: areas::list(c, &everywhere).await?,
            rules: area_rules::all(c).await?,
            nodes: nodes::enrolled(c).await?,
            on_air: schedules::on_air(c, now - OVER_KEPT_MS).await?,
            calendars: Calendars::of(&calendars::all(c).await?),
            prepared: alert_templates::prepared(c).await?,
        })
    }

    /// What they say at an instant. `zone` serves areas that name none.
    pub fn desired(self, zone: Tz, now: UnixMs) -> Desired {
        let Self { areas, rules, nodes, on_air, calendars, prepared } = self;
        let by_id: BTreeMap<&AreaId, &Area> = areas.iter().map(|area| (&area.id, area)).collect();
        let placed = |area: &Area| {
            let zone = zone_of(&area.path, &by_id).unwrap_or(zone);
            let rules = rules.get(&area.id).cloned().unwrap_or_default();
            (area.id.clone(), DesiredArea { path: area.path.clone(), zone, rules })
        };
        let nodes = nodes.into_iter().map(|node| DesiredNode {
            zone: zone_of(&node.path, &by_id).unwrap_or(zone),
            languages: languages_at(&node.path, &by_id),
            id: node.id,
            path: node.path,
            volume_percent: node.volume_percent,
            line: node.line,
        });
        let items: Vec<DesiredItem> = on_air.into_iter().map(item).collect();
        Desired {
            calendars: calendars.in_plans(items.iter().flat_map(|item| &item.rules.excluded_calendars), now),
            items,
            nodes: nodes.collect(),
            areas: areas.iter().map(placed).collect(),
            prepared,
        }
    }
}

/// Everything that plans are made of. `zone` serves areas that name none.
///
/// # Errors
/// [`StoreError`].
pub async fn read(store: &Store, zone: Tz, now: UnixMs) -> Result<Desired, StoreError> {
    let mut tx = store.read().await?;
    Ok(Rows::read(&mut tx, now).await?.desired(zone, now))
}

fn zone_of(path: &AreaPath, by_id: &BTreeMap<&AreaId, &Area>) -> Option<Tz> {
    inherited(path, by_id, |area| area.zone)
}

/// A schedule as plans carry it.
pub(crate) fn item(OnAir { schedule, revision, reach }: OnAir) -> DesiredItem {
    let values = schedule.values;
    let sound = |track: crate::domain::bulletin::Track| {
        Some(Track { language: track.content.language, object: track.object? })
    };
    DesiredItem {
        id: schedule.id,
        bulletin: schedule.bulletin,
        revision: revision.number,
        title: revision.title,
        class: revision.class,
        category: revision.category,
        start: values.start,
        valid_from: values.valid_from,
        valid_until: values.valid_until,
        start_within_ms: values.start_within_ms,
        rules: values.rules.on_the_wire(),
        // A revision is approved with all its sounds finished, so none is left out here.
        tracks: revision.tracks.into_iter().filter_map(sound).collect(),
        reach,
        areas: values.areas,
        nodes: values.nodes,
    }
}
