//! Which villages a bulletin is meant for, and which of their languages it lacks.

use std::collections::{BTreeMap, BTreeSet};

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Language;
use loa_protocol::ids::{AreaId, BulletinId};

use super::bulletins::load as load_bulletin;
use super::schedules::target_paths;
use super::{Bulletins, Ground, ServiceError};
use crate::domain::area::{Area, languages_at};
use crate::domain::bulletin::Revision;
use crate::domain::language::{MissingLanguages, Village};
use crate::domain::node::NodeState;
use crate::domain::role::{Action, Principal, Scope};
use crate::domain::schedule::ScheduleValues;
use crate::store::schedules::ScheduleFilter;
use crate::store::{Connection, areas, nodes, schedules};

/// Most schedules of one bulletin that are looked at.
const SCHEDULES_MAX: u32 = 200;

impl Bulletins {
    /// What the latest revision lacks for the villages that it is meant for: those that its standing schedules aim at;
    /// while it has none, all of the area on whose behalf it speaks.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn missing_languages(
        &self,
        who: &Principal,
        id: &BulletinId,
    ) -> Result<MissingLanguages, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let view = load_bulletin(&mut tx, id).await?;
        who.require(Action::Read, &view.bulletin.path)?;
        let filter = ScheduleFilter {
            bulletin: Some(id.clone()),
            since: self.0.now(),
            limit: SCHEDULES_MAX,
            ..ScheduleFilter::default()
        };
        let mut targets = Vec::new();
        for schedule in schedules::list(&mut tx, &[Scope::Everywhere], &filter).await? {
            targets.push(schedule.values);
        }
        self.0.missing_languages(&mut tx, &view.latest, &view.bulletin.path, &targets).await
    }
}

impl Ground {
    /// What a revision lacks for the villages that these schedules aim at; without a schedule, for those of `place`.
    pub(super) async fn missing_languages(
        &self,
        c: &mut Connection,
        revision: &Revision,
        place: &AreaPath,
        schedules: &[ScheduleValues],
    ) -> Result<MissingLanguages, ServiceError> {
        let mut villages: BTreeMap<Vec<AreaId>, Village> = BTreeMap::new();
        if schedules.is_empty() {
            self.add_villages(c, place, true, &mut villages).await?;
        }
        for values in schedules {
            for area in &values.areas {
                if let Some(area) = areas::get(c, area).await? {
                    self.add_villages(c, &area.path, true, &mut villages).await?;
                }
            }
            let single = ScheduleValues { areas: Vec::new(), ..values.clone() };
            for path in target_paths(c, &single).await? {
                self.add_villages(c, &path, false, &mut villages).await?;
            }
        }
        let villages: Vec<Village> = villages.into_values().collect();
        let tracks: Vec<Language> =
            revision.tracks.iter().map(|track| track.content.language.clone()).collect();
        Ok(MissingLanguages::of(&villages, &tracks))
    }

    /// The villages of an area: of all that lies in it those with a loudspeaker of their own or with no area inside; or
    /// that area alone.
    async fn add_villages(
        &self,
        c: &mut Connection,
        path: &AreaPath,
        with_inside: bool,
        villages: &mut BTreeMap<Vec<AreaId>, Village>,
    ) -> Result<(), ServiceError> {
        let scope = [Scope::Area(path.clone())];
        let (above, inside) = (areas::chain(c, path).await?, areas::list(c, &scope).await?);
        let by_id: BTreeMap<&AreaId, &Area> =
            above.iter().chain(&inside).map(|area| (&area.id, area)).collect();
        let nodes = if with_inside { nodes::list(c, &scope).await? } else { Vec::new() };
        let with_node: BTreeSet<&[AreaId]> = nodes
            .iter()
            .filter(|(node, _)| node.state != NodeState::Revoked)
            .map(|(node, _)| node.path.areas())
            .collect();
        let parents: BTreeSet<&AreaId> = inside.iter().filter_map(Area::parent).collect();
        for area in &inside {
            let listens = if with_inside {
                with_node.contains(area.path.areas()) || !parents.contains(&area.id)
            } else {
                area.path == *path
            };
            if listens {
                villages.insert(
                    area.path.areas().to_vec(),
                    Village {
                        id: area.id.clone(),
                        name: area.name.clone(),
                        level: area.level.clone(),
                        languages: languages_at(&area.path, &by_id),
                    },
                );
            }
        }
        Ok(())
    }
}
