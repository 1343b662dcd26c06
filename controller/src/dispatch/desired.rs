//! Reads what is desired out of the database.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use loa_protocol::area::AreaPath;
use loa_protocol::ids::AreaId;
use loa_protocol::plan::Track;
use loa_protocol::time::UnixMs;

use super::compile::{Desired, DesiredArea, DesiredItem, DesiredNode, OVER_KEPT_MS};
use crate::domain::area::{Area, inherited, languages_at};
use crate::domain::node::NodeState;
use crate::domain::role::Scope;
use crate::store::schedules::OnAir;
use crate::store::{Store, StoreError, areas, nodes, schedules};

/// Everything that plans are made of, as of one instant of the database. `zone` serves areas that name none.
///
/// # Errors
/// [`StoreError`].
pub async fn read(store: &Store, zone: Tz, now: UnixMs) -> Result<Desired, StoreError> {
    let mut tx = store.read().await?;
    let everywhere = [Scope::Everywhere];
    let areas = areas::list(&mut tx, &everywhere).await?;
    let by_id: BTreeMap<&AreaId, &Area> = areas.iter().map(|area| (&area.id, area)).collect();
    let nodes = nodes::list(&mut tx, &everywhere).await?;
    let on_air = schedules::on_air(&mut tx, now - OVER_KEPT_MS).await?;
    Ok(Desired {
        items: on_air.into_iter().map(item).collect(),
        areas: areas
            .iter()
            .map(|area| {
                let zone = zone_of(&area.path, &by_id).unwrap_or(zone);
                (area.id.clone(), DesiredArea { path: area.path.clone(), zone })
            })
            .collect(),
        nodes: nodes
            .into_iter()
            .filter(|(node, _)| node.state == NodeState::Enrolled)
            .map(|(node, _)| DesiredNode {
                zone: zone_of(&node.path, &by_id).unwrap_or(zone),
                languages: languages_at(&node.path, &by_id),
                id: node.id,
                path: node.path,
                volume_percent: node.volume_percent,
            })
            .collect(),
    })
}

fn zone_of(path: &AreaPath, by_id: &BTreeMap<&AreaId, &Area>) -> Option<Tz> {
    inherited(path, by_id, |area| area.zone)
}

fn item(OnAir { schedule, revision, reach }: OnAir) -> DesiredItem {
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
        // A revision is approved with all its sounds finished, so none is left out here.
        tracks: revision.tracks.into_iter().filter_map(sound).collect(),
        reach,
        areas: values.areas,
        nodes: values.nodes,
    }
}
