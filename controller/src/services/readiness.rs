//! How many of the nodes that are to play a schedule have its sound: `412 of 500`.
//!
//! A node says which documents it has applied and which objects it still lacks (section 7 of the protocol). An epoch is the later of
//! the last one and the clock ([`crate::dispatch::epoch`]), so a document signed after a schedule was made, and its bulletin approved,
//! holds it: who has applied such a one, and lacks nothing of it, is ready, connected or not.

use std::collections::BTreeMap;

use loa_protocol::area::AreaPath;
use loa_protocol::ids::{AreaId, ItemId, NodeId, ObjectHash};
use loa_protocol::report::State;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::objects_heard;

use super::{Ground, ScheduleView, Schedules, ServiceError};
use crate::dispatch::desired;
use crate::domain::area::{Area, languages_at};
use crate::domain::role::{Action, Principal, Scope};
use crate::store::schedules::OnAir;
use crate::store::{Connection, areas, reports};

/// Most objects that a state names as being fetched: of one that names so many, more may lack.
const FETCHING_NAMED_MAX: usize = 32;

/// How far nodes are with a sound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ready {
    /// Nodes that are to play it.
    pub nodes: usize,
    /// Of these, nodes that have all of it.
    pub ready: usize,
    /// Nodes that know of it and fetch it.
    pub fetching: usize,
    /// Nodes that have not said that they know of it, and are connected.
    pub waiting: usize,
    /// Nodes that have not said so, and are not connected.
    pub away: usize,
    /// Blocks that are there, on those that fetch.
    pub blocks_have: u64,
    /// Blocks that there are to be, on those that fetch.
    pub blocks_total: u64,
}

/// How far the nodes of a schedule are with its sound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readiness {
    /// All of them, each once.
    pub all: Ready,
    /// Those in each of its target areas.
    pub areas: BTreeMap<AreaId, Ready>,
    /// Those that it names by themselves.
    pub named: Ready,
}

/// Where one node is with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Ready,
    Fetching { have: u64, total: u64 },
    Waiting,
    Away,
}

impl Ready {
    fn add(&mut self, stage: Stage) {
        self.nodes += 1;
        match stage {
            Stage::Ready => self.ready += 1,
            Stage::Fetching { have, total } => {
                self.fetching += 1;
                self.blocks_have += have;
                self.blocks_total += total;
            }
            Stage::Waiting => self.waiting += 1,
            Stage::Away => self.away += 1,
        }
    }
}

impl Schedules {
    /// How far nodes are with the sound of each of these schedules that plans carry; others are left out, and so are those
    /// whose bulletin the person may not see.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn readiness(
        &self,
        who: &Principal,
        views: &[ScheduleView],
    ) -> Result<BTreeMap<ItemId, Readiness>, ServiceError> {
        let is_seen =
            |view: &&ScheduleView| view.is_on_air() && who.may(Action::Read, &view.bulletin.bulletin.path);
        let on_air: Vec<OnAir> = views.iter().filter(is_seen).filter_map(as_on_air).collect();
        let mut scopes: Vec<AreaPath> = on_air.iter().map(|on_air| on_air.reach.clone()).collect();
        scopes.dedup();
        if scopes.is_empty() {
            return Ok(BTreeMap::new());
        }
        let scopes: Vec<Scope> = scopes.into_iter().map(Scope::Area).collect();
        let mut tx = self.0.store.read().await?;
        self.0.readiness(&mut tx, &scopes, on_air).await
    }
}

impl Ground {
    async fn readiness(
        &self,
        c: &mut Connection,
        scopes: &[Scope],
        on_air: Vec<OnAir>,
    ) -> Result<BTreeMap<ItemId, Readiness>, ServiceError> {
        let listed = areas::list(c, &[Scope::Everywhere]).await?;
        let by_id: BTreeMap<&AreaId, &Area> = listed.iter().map(|area| (&area.id, area)).collect();
        let boards: Vec<Board> = reports::states(c, scopes)
            .await?
            .into_iter()
            .map(|(node, path, online, state)| Board {
                languages: languages_at(&path, &by_id),
                node,
                path,
                online,
                state,
            })
            .collect();
        Ok(on_air.into_iter().map(|on_air| (on_air.schedule.id.clone(), of(on_air, &boards))).collect())
    }
}

/// What is known of an enrolled node.
struct Board {
    node: NodeId,
    path: AreaPath,
    languages: Vec<loa_protocol::bulletin::Language>,
    online: bool,
    state: Option<State>,
}

impl Board {
    fn stage(&self, since: UnixMs, areas: &[&AreaId], is_named: bool, objects: &[ObjectHash]) -> Stage {
        let knows = |state: &State| {
            let since = u64::try_from(since.0).unwrap_or(0);
            let in_plan = state.plans.iter().any(|p| areas.contains(&&p.area) && p.applied.sequence >= since);
            in_plan || (is_named && state.desired.is_some_and(|applied| applied.sequence >= since))
        };
        let Some(state) = self.state.as_ref().filter(|state| knows(state)) else {
            return if self.online { Stage::Waiting } else { Stage::Away };
        };
        let lacking = state.fetching.iter().filter(|fetching| objects.contains(&fetching.object));
        let (have, total) = lacking.fold((0, 0), |(have, total), fetching| {
            (have + u64::from(fetching.blocks_have), total + u64::from(fetching.blocks_total))
        });
        // Beyond so many, what lacks is not named.
        if total > 0 || state.fetching.len() >= FETCHING_NAMED_MAX {
            Stage::Fetching { have, total }
        } else {
            Stage::Ready
        }
    }
}

fn as_on_air(view: &ScheduleView) -> Option<OnAir> {
    Some(OnAir {
        schedule: view.schedule.clone(),
        revision: view.bulletin.on_air.clone()?,
        reach: view.bulletin.bulletin.path.clone(),
    })
}

fn of(on_air: OnAir, boards: &[Board]) -> Readiness {
    let decided = on_air.revision.decided.as_ref().map_or(on_air.revision.edited, |stamp| stamp.at);
    let since = decided.max(on_air.schedule.created);
    let item = desired::item(on_air);
    let wire = item.to_item();
    let mut readiness = Readiness::default();
    for board in boards {
        let areas: Vec<&AreaId> = item.areas.iter().filter(|area| board.path.contains(area)).collect();
        let is_named = item.nodes.contains(&board.node);
        let is_reached = board.path.areas().starts_with(item.reach.areas());
        let objects = objects_heard(&wire, &board.languages);
        // Where none of its languages is spoken, it plays nothing, and needs nothing.
        if !is_reached || (areas.is_empty() && !is_named) || objects.is_empty() {
            continue;
        }
        let stage = board.stage(since, &areas, is_named, &objects);
        readiness.all.add(stage);
        areas.iter().for_each(|area| readiness.areas.entry((*area).clone()).or_default().add(stage));
        if is_named {
            readiness.named.add(stage);
        }
    }
    readiness
}

#[cfg(test)]
mod tests {
    use loa_protocol::envelope::Applied;
    use loa_protocol::ids::{BootId, Digest};
    use loa_protocol::report::{AppliedPlan, ClockTrust, Fetching, StorageState};

    use super::*;

    const SINCE: UnixMs = UnixMs(1_000);

    fn area() -> AreaId {
        AreaId::new("xa").unwrap()
    }

    fn object(name: &str) -> ObjectHash {
        ObjectHash::of(name.as_bytes())
    }

    fn board(online: bool, epoch: u64, lacks: &[&str]) -> Board {
        let applied = Applied { sequence: epoch, digest: Digest::of(b"plan") };
        let fetching =
            lacks.iter().map(|name| Fetching { object: object(name), blocks_have: 3, blocks_total: 8 });
        let state = State {
            boot: BootId([1; 8]),
            firmware: "1".to_owned(),
            keys: None,
            desired: Some(applied),
            plans: vec![AppliedPlan { area: area(), applied }],
            objects_ready: 0,
            fetching: fetching.collect(),
            clock: ClockTrust::Trusted,
            storage: StorageState::Good,
            volume_percent: None,
            orders: Vec::new(),
            own_guards: None,
            alerts: Vec::new(),
        };
        Board {
            node: NodeId::new("cum-1").unwrap(),
            path: AreaPath::new(vec![area()]).unwrap(),
            languages: Vec::new(),
            online,
            state: Some(state),
        }
    }

    fn stage(board: &Board) -> Stage {
        board.stage(SINCE, &[&area()], false, &[object("voice"), object("chime")])
    }

    #[test]
    fn ready_is_who_knows_of_it_and_lacks_nothing_of_it() {
        assert_eq!(stage(&board(true, 1_000, &[])), Stage::Ready);
        assert_eq!(stage(&board(false, 5_000, &["another"])), Stage::Ready, "a later plan holds it too");
        assert_eq!(stage(&board(true, 1_000, &["voice"])), Stage::Fetching { have: 3, total: 8 });
        assert_eq!(stage(&board(true, 1_000, &["voice", "chime"])), Stage::Fetching { have: 6, total: 16 });
    }

    #[test]
    fn who_has_not_said_that_it_knows_of_it_is_not_ready_though_it_lacks_nothing() {
        assert_eq!(stage(&board(true, 999, &[])), Stage::Waiting);
        assert_eq!(stage(&board(false, 999, &[])), Stage::Away);
        assert_eq!(stage(&Board { state: None, ..board(true, 0, &[]) }), Stage::Waiting);
        let elsewhere = board(true, 5_000, &[]);
        assert_eq!(elsewhere.stage(SINCE, &[], false, &[object("voice")]), Stage::Waiting);
        assert_eq!(
            elsewhere.stage(SINCE, &[], true, &[object("voice")]),
            Stage::Ready,
            "by its own document"
        );
    }

    #[test]
    fn beyond_what_a_state_names_nobody_knows() {
        let names: Vec<String> = (0..32).map(|n| n.to_string()).collect();
        let lacks: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(stage(&board(true, 1_000, &lacks)), Stage::Fetching { have: 0, total: 0 });
        assert_eq!(stage(&board(true, 1_000, &lacks[1..])), Stage::Ready);
    }
}
