//! Which nodes a preflight is about, and their names.

use std::collections::{BTreeMap, BTreeSet};

use loa_protocol::area::AreaPath;
use loa_protocol::ids::{AreaId, ItemId, NodeId};

use super::{PreflightStart, PreflightVillage};
use crate::dispatch::compile::{Compiled, Desired};
use crate::dispatch::foresee::ForeseenStart;
use crate::domain::area::Area;
use crate::domain::message::Message;
use crate::domain::role::Scope;
use crate::services::PlanProblem;
use crate::store::nodes::EnrolledNode;

/// Nothing but the nodes that are asked about, and what matters to them: the documents of these stay as they are.
pub(super) fn narrowed(desired: Desired, of: Option<&BTreeSet<ItemId>>, within: &[Scope]) -> Desired {
    let Desired { mut items, areas, mut nodes, calendars, prepared } = desired;
    match of {
        None => nodes.retain(|node| within.iter().any(|scope| holds(scope, &node.path))),
        Some(of) => {
            let asked: Vec<_> = items.iter().filter(|item| of.contains(&item.id)).collect();
            let (mut aimed_areas, mut aimed_nodes) = (BTreeSet::new(), BTreeSet::new());
            for item in asked {
                aimed_areas.extend(item.areas.iter().cloned());
                aimed_nodes.extend(item.nodes.iter().cloned());
            }
            nodes.retain(|node| {
                aimed_nodes.contains(&node.id) || node.path.areas().iter().any(|a| aimed_areas.contains(a))
            });
        }
    }
    let (mut on_paths, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for node in &nodes {
        on_paths.extend(node.path.areas().iter().cloned());
        ids.insert(node.id.clone());
    }
    items.retain(|item| {
        item.areas.iter().any(|area| on_paths.contains(area))
            || item.nodes.iter().any(|node| ids.contains(node))
    });
    for item in &mut items {
        item.areas.retain(|area| on_paths.contains(area));
        item.nodes.retain(|node| ids.contains(node));
    }
    let areas = areas.into_iter().filter(|(id, _)| on_paths.contains(id)).collect();
    Desired { items, areas, nodes, calendars, prepared }
}

fn holds(scope: &Scope, path: &AreaPath) -> bool {
    match scope {
        Scope::Everywhere => true,
        Scope::Area(area) => path.areas().starts_with(area.areas()),
    }
}

/// The names of places and nodes.
pub(super) struct Names {
    areas: BTreeMap<AreaId, (AreaPath, String)>,
    nodes: BTreeMap<NodeId, (AreaPath, String)>,
}

impl Names {
    pub(super) fn of(areas: &[Area], nodes: &[EnrolledNode]) -> Self {
        Self {
            areas: areas.iter().map(|a| (a.id.clone(), (a.path.clone(), a.name.clone()))).collect(),
            nodes: nodes.iter().map(|n| (n.id.clone(), (n.path.clone(), n.name.clone()))).collect(),
        }
    }

    fn area(&self, id: &AreaId) -> String {
        self.areas.get(id).map_or_else(|| id.to_string(), |(_, name)| name.clone())
    }

    pub(super) fn villages(
        &self,
        nodes: &[NodeId],
        households: impl Fn(&AreaId) -> Option<u32>,
    ) -> Vec<PreflightVillage> {
        let mut villages: BTreeMap<&[AreaId], PreflightVillage> = BTreeMap::new();
        for id in nodes {
            let Some((path, name)) = self.nodes.get(id) else { continue };
            let Some(area) = path.areas().last() else { continue };
            let village = villages.entry(path.areas()).or_insert_with(|| PreflightVillage {
                area: area.clone(),
                path: path.clone(),
                name: self.area(area),
                nodes: Vec::new(),
                households: households(area),
            });
            village.nodes.push((id.clone(), name.clone()));
        }
        villages.into_values().collect()
    }

    pub(super) fn start(&self, start: ForeseenStart) -> PreflightStart {
        PreflightStart { forbidden_by: start.forbidden_by.iter().map(|id| self.area(id)).collect(), start }
    }

    /// What the documents do not hold.
    pub(super) fn left_out(&self, compiled: &Compiled, of: Option<&BTreeSet<ItemId>>) -> Vec<Message> {
        let asked = |item: &ItemId| of.is_none_or(|of| of.contains(item));
        let mut notes = Vec::new();
        let lost = compiled.without_audio.iter().filter(|item| asked(item)).count();
        if lost > 0 {
            notes.push(PlanProblem::SoundMissing.message());
        }
        let targets = compiled.over_size.iter().filter(|(_, item)| asked(item)).count();
        if targets > 0 {
            notes.push(PlanProblem::PlanFull { targets }.message());
        }
        notes.extend(compiled.refused.iter().map(|(audience, rule)| {
            let place = audience.strip_prefix("a:").and_then(|id| AreaId::new(id).ok());
            let place = place.map_or_else(|| audience.clone(), |id| self.area(&id));
            Message::written(
                "preflight.plan_refused",
                format!("Kế hoạch phát của {place} vượt giới hạn của giao thức nên cụm loa giữ kế hoạch cũ: {rule}."),
                format!("The plan of {place} breaks a limit of the protocol; loudspeakers keep the old one: {rule}."),
            )
        }));
        notes
    }
}
