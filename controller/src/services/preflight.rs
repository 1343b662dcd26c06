//! What will sound, before it does: the documents that would be compiled, and what nodes will do with them.
//!
//! Two are calculated at a time; who comes meanwhile waits. A schedule that is only typed, or whose bulletin is not approved
//! yet, is looked at as if it stood.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono_tz::Tz;
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Language;
use loa_protocol::ids::{AreaId, ItemId, NodeId};
use loa_protocol::plan::ITEMS_MAX;
use loa_protocol::receipt::Outcome;
use loa_protocol::time::UnixMs;

use super::areas::load as load_area;
use super::{Ground, Schedules, ServiceError};
use crate::dispatch::compile::{Compiled, Desired, compile};
use crate::dispatch::desired::Rows;
use crate::dispatch::foresee::{Alike, ForeseenStart, Horizon, TooMuch, foresee};
use crate::domain::area::Area;
use crate::domain::ids::fresh_item_id;
use crate::domain::message::{FieldErrors, Message};
use crate::domain::node::Node;
use crate::domain::role::{Action, Principal, Scope};
use crate::domain::schedule::{Schedule, ScheduleDraft};
use crate::store::Connection;
use crate::store::schedules::OnAir;

/// Furthest day that is looked at.
pub const DAYS_MAX: u32 = 31;
/// Days that are looked at when nobody says.
pub const DAYS_DEFAULT: u32 = 7;
/// How many are calculated at a time.
pub(super) const AT_A_TIME: usize = 2;
/// What nodes are told of their reports does not matter to what sounds.
const HEALTH_INTERVAL_S: u32 = 60;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// Preflights. Cheap to clone.
#[derive(Clone)]
pub struct Preflights(pub(super) Arc<Ground>);

/// What is asked about.
#[derive(Debug, Clone)]
pub enum PreflightOf {
    /// A schedule that stands.
    Schedule(ItemId),
    /// Schedules that do not stand yet, together with all that do.
    Drafts(Vec<ScheduleDraft>),
    /// All that sounds in an area and below.
    Area(AreaId),
    /// All that sounds anywhere that the person may see.
    Everywhere,
}

/// What will sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preflight {
    /// From now.
    pub from: UnixMs,
    /// Up to this instant.
    pub until: UnixMs,
    /// Villages in which the same happens, together.
    pub groups: Vec<PreflightGroup>,
    /// What does not get to nodes at all.
    pub notes: Vec<Message>,
}

/// Villages in which the same happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreflightGroup {
    /// The villages, in the order of the tree.
    pub villages: Vec<PreflightVillage>,
    /// Their languages, first spoken first.
    pub languages: Vec<Language>,
    /// The zone on whose wall clock their nodes go.
    pub zone: Tz,
    /// What happens, in the order of planned starts.
    pub starts: Vec<PreflightStart>,
}

/// One planned start in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreflightStart {
    /// What becomes of it.
    pub start: ForeseenStart,
    /// Names of the areas whose rules forbid it.
    pub forbidden_by: Vec<String>,
}

/// A village with nodes, as far as one group goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreflightVillage {
    /// The area in which they stand.
    pub area: AreaId,
    /// Where it lies.
    pub path: AreaPath,
    /// Its name.
    pub name: String,
    /// The nodes with their names.
    pub nodes: Vec<(NodeId, String)>,
    /// How many households live there; `None`: nobody has said.
    pub households: Option<u32>,
}

/// How many households hear something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Households {
    /// Those that are known of.
    pub known: u64,
    /// Villages of which nobody has said how many live there.
    pub unknown_villages: usize,
}

impl PreflightGroup {
    /// Whether anything sounds there.
    pub fn sounds(&self) -> bool {
        self.starts.iter().any(|start| !matches!(start.start.outcome, Outcome::Missed(_)))
    }
}

impl Preflight {
    /// How many nodes it is about.
    pub fn nodes(&self) -> usize {
        self.groups.iter().flat_map(|group| &group.villages).map(|village| village.nodes.len()).sum()
    }

    /// How many households hear something of it.
    pub fn households(&self) -> Households {
        households(self.groups.iter().filter(|group| group.sounds()).flat_map(|group| &group.villages))
    }
}

/// The households of these villages, each once; those of a wider area hold those of the areas in it.
pub fn households<'a>(villages: impl Iterator<Item = &'a PreflightVillage>) -> Households {
    let by_path: BTreeMap<&[AreaId], Option<u32>> =
        villages.map(|village| (village.path.areas(), village.households)).collect();
    let mut sum = Households::default();
    for (path, households) in &by_path {
        let is_counted = (1..path.len()).any(|length| matches!(by_path.get(&path[..length]), Some(Some(_))));
        match households {
            _ if is_counted => {}
            Some(households) => sum.known += u64::from(*households),
            None => sum.unknown_villages += 1,
        }
    }
    sum
}

/// What is looked at, read from the database.
struct Subject {
    /// The schedules that are asked about; `None`: all.
    of: Option<BTreeSet<ItemId>>,
    /// Schedules that are looked at as if plans carried them.
    besides: Vec<OnAir>,
    /// Nodes that are looked at besides those that the schedules aim at.
    within: Vec<Scope>,
    notes: Vec<Message>,
}

impl Preflights {
    /// What will sound within `days` days from now (1 to 31).
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`]; [`ServiceError::Invalid`] for days out of range, and for drafts
    /// as [`Schedules::create`]; [`ServiceError::TooLarge`] for more starts than are looked at.
    pub async fn run(&self, who: &Principal, of: PreflightOf, days: u32) -> Result<Preflight, ServiceError> {
        if !(1..=DAYS_MAX).contains(&days) {
            return Err(FieldErrors::one("days", days_out_of_range()).into());
        }
        let now = self.0.now();
        let horizon = Horizon { now, until: now + i64::from(days) * DAY_MS };
        let mut tx = self.0.store.read().await?;
        let subject = self.subject(&mut tx, who, of, now).await?;
        let mut rows = Rows::read(&mut tx, now).await?;
        drop(tx);
        rows.on_air.retain(|there| subject.besides.iter().all(|b| b.schedule.id != there.schedule.id));
        rows.on_air.extend(subject.besides);
        for OnAir { schedule, .. } in &mut rows.on_air {
            // A node has nothing to do with starts that were over when it first heard of them.
            let heard = schedule.created - i64::from(schedule.values.start_within_ms);
            let from = &mut schedule.values.valid_from;
            *from = Some(from.map_or(heard, |from| from.max(heard)));
        }
        let (names, households) = (Names::of(&rows.areas, &rows.nodes), rows.rules.clone());
        let desired = narrowed(rows.desired(self.0.zone, now), subject.of.as_ref(), &subject.within);
        let manifests = self.0.manifests.of(&desired.objects(now)).await?;

        // The semaphore is never closed.
        let permit = self.0.preflights.acquire().await;
        let of = subject.of.clone();
        let calculated = tokio::task::spawn_blocking(move || {
            let compiled = compile(&desired, &manifests, &BTreeSet::new(), HEALTH_INTERVAL_S, now);
            let alike = foresee(&compiled, horizon, of.as_ref());
            (compiled, alike)
        })
        .await;
        drop(permit);
        let (compiled, alike) = match calculated {
            Ok(calculated) => calculated,
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        };
        let alike = alike.map_err(|TooMuch { limit }| ServiceError::TooLarge(too_much(limit)))?;
        let mut notes = subject.notes;
        notes.extend(names.left_out(&compiled, subject.of.as_ref()));
        let group = |alike: Alike| PreflightGroup {
            villages: names.villages(&alike.nodes, |area| households.get(area).and_then(|r| r.households)),
            languages: alike.languages,
            zone: alike.zone,
            starts: alike.starts.into_iter().map(|start| names.start(start)).collect(),
        };
        let mut groups: Vec<PreflightGroup> = alike.into_iter().map(group).collect();
        groups.sort_by(|a, b| a.order().cmp(&b.order()));
        Ok(Preflight { from: now, until: horizon.until, groups, notes })
    }

    async fn subject(
        &self,
        c: &mut Connection,
        who: &Principal,
        of: PreflightOf,
        now: UnixMs,
    ) -> Result<Subject, ServiceError> {
        let schedules = Schedules(Arc::clone(&self.0));
        let all = |within| Subject { of: None, besides: Vec::new(), within, notes: Vec::new() };
        let mut besides = Vec::new();
        let mut notes = Vec::new();
        match of {
            PreflightOf::Everywhere => return Ok(all(who.scopes(Action::Read))),
            PreflightOf::Area(id) => {
                let area = load_area(c, &id).await?;
                who.require(Action::Read, &area.path)?;
                return Ok(all(vec![Scope::Area(area.path)]));
            }
            PreflightOf::Schedule(id) => {
                let view = schedules.load(c, &id, now).await?;
                who.require(Action::Read, &view.bulletin.bulletin.path)?;
                if view.schedule.cancelled.is_some() {
                    notes.push(cancelled());
                    let of = Some(BTreeSet::from([id]));
                    return Ok(Subject { of, besides: Vec::new(), within: Vec::new(), notes });
                }
                besides.push((view.schedule, view.bulletin));
            }
            PreflightOf::Drafts(drafts) => {
                if drafts.len() > ITEMS_MAX {
                    return Err(FieldErrors::one("schedules", too_many(drafts.len())).into());
                }
                let several = drafts.len() > 1;
                let mut errors = FieldErrors::new();
                for (number, draft) in drafts.iter().enumerate() {
                    match schedules.check(c, who, draft).await {
                        Ok((bulletin, values)) => besides.push((
                            Schedule {
                                id: fresh_item_id(),
                                bulletin: bulletin.bulletin.id.clone(),
                                values,
                                created: now,
                                cancelled: None,
                            },
                            bulletin,
                        )),
                        Err(ServiceError::Invalid(found)) if several => {
                            for error in &found {
                                errors.add(
                                    format!("schedules[{number}].{}", error.field),
                                    error.message.clone(),
                                );
                            }
                        }
                        Err(other) => return Err(other),
                    }
                }
                errors.finish(Some(()))?;
            }
        }
        let mut subject =
            Subject { of: Some(BTreeSet::new()), besides: Vec::new(), within: Vec::new(), notes };
        for (schedule, bulletin) in besides {
            let approved = bulletin.on_air.is_some();
            let mut revision = bulletin.on_air.unwrap_or(bulletin.latest);
            let all = revision.tracks.len();
            revision.tracks.retain(|track| track.object.is_some());
            if !approved {
                subject.notes.push(not_approved(&revision.title));
            }
            if revision.tracks.len() < all || all == 0 {
                subject.notes.push(sound_not_made(&revision.title));
            }
            subject.of.get_or_insert_default().insert(schedule.id.clone());
            if !revision.tracks.is_empty() {
                subject.besides.push(OnAir { schedule, revision, reach: bulletin.bulletin.path });
            }
        }
        Ok(subject)
    }
}

impl PreflightGroup {
    fn order(&self) -> Option<&[AreaId]> {
        self.villages.first().map(|village| village.path.areas())
    }
}

/// Nothing but the nodes that are asked about, and what matters to them: the documents of these stay as they are.
fn narrowed(desired: Desired, of: Option<&BTreeSet<ItemId>>, within: &[Scope]) -> Desired {
    let Desired { mut items, areas, mut nodes, calendars } = desired;
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
    Desired { items, areas, nodes, calendars }
}

fn holds(scope: &Scope, path: &AreaPath) -> bool {
    match scope {
        Scope::Everywhere => true,
        Scope::Area(area) => path.areas().starts_with(area.areas()),
    }
}

/// The names of places and nodes.
struct Names {
    areas: BTreeMap<AreaId, (AreaPath, String)>,
    nodes: BTreeMap<NodeId, (AreaPath, String)>,
}

impl Names {
    fn of(areas: &[Area], nodes: &[Node]) -> Self {
        Self {
            areas: areas.iter().map(|a| (a.id.clone(), (a.path.clone(), a.name.clone()))).collect(),
            nodes: nodes.iter().map(|n| (n.id.clone(), (n.path.clone(), n.name.clone()))).collect(),
        }
    }

    fn area(&self, id: &AreaId) -> String {
        self.areas.get(id).map_or_else(|| id.to_string(), |(_, name)| name.clone())
    }

    fn villages(
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

    fn start(&self, start: ForeseenStart) -> PreflightStart {
        PreflightStart { forbidden_by: start.forbidden_by.iter().map(|id| self.area(id)).collect(), start }
    }

    /// What the documents do not hold.
    fn left_out(&self, compiled: &Compiled, of: Option<&BTreeSet<ItemId>>) -> Vec<Message> {
        let asked = |item: &ItemId| of.is_none_or(|of| of.contains(item));
        let mut notes = Vec::new();
        let lost = compiled.without_audio.iter().filter(|item| asked(item)).count();
        if lost > 0 {
            notes.push(super::PlanProblem::SoundMissing.message());
        }
        let targets = compiled.over_size.iter().filter(|(_, item)| asked(item)).count();
        if targets > 0 {
            notes.push(super::PlanProblem::PlanFull { targets }.message());
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

fn days_out_of_range() -> Message {
    Message::written(
        "preflight.days",
        format!("Số ngày xem trước phải từ 1 đến {DAYS_MAX}."),
        format!("Days to look ahead are 1 to {DAYS_MAX}."),
    )
}

fn too_many(there: usize) -> Message {
    Message::written(
        "preflight.too_many",
        format!("Một kế hoạch có tối đa {ITEMS_MAX} lịch phát, ở đây có {there}. Hãy chia nhỏ hoặc bớt đi."),
        format!(
            "A plan has at most {ITEMS_MAX} schedules; this one has {there}. Split it or leave some out."
        ),
    )
}

fn too_much(limit: usize) -> Message {
    Message::written(
        "preflight.too_much",
        format!(
            "Có hơn {limit} lượt phát trong khoảng thời gian này. Hãy xem ít ngày hơn hoặc địa bàn nhỏ hơn."
        ),
        format!("There are more than {limit} starts in this time. Ask for fewer days or a smaller area."),
    )
}

fn cancelled() -> Message {
    Message::fixed(
        "preflight.cancelled",
        "Lịch phát này đã được hủy nên sẽ không phát nữa.",
        "This schedule is cancelled and sounds no more.",
    )
}

fn not_approved(title: &str) -> Message {
    Message::written(
        "preflight.not_approved",
        format!(
            "Bản tin “{title}” chưa được duyệt: chỉ phát sau khi duyệt. Dưới đây là dự kiến nếu được duyệt."
        ),
        format!(
            "The bulletin “{title}” is not approved: it sounds only after that. Below is what would happen then."
        ),
    )
}

fn sound_not_made(title: &str) -> Message {
    Message::written(
        "preflight.sound_not_made",
        format!("Bản tin “{title}” có thứ tiếng chưa tạo xong âm thanh; phần đó chưa được tính."),
        format!("Some of the sound of the bulletin “{title}” is not made yet; that part is not counted."),
    )
}
