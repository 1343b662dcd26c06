//! What will sound, before it does: the documents that would be compiled, and what nodes will do with them.
//!
//! Two are calculated at a time; who comes meanwhile waits. A schedule that is only typed, or whose bulletin is not approved
//! yet, is looked at as if it stood.

mod messages;
mod names;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono_tz::Tz;
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Language;
use loa_protocol::ids::{AreaId, ItemId, NodeId};
use loa_protocol::plan::ITEMS_MAX;
use loa_protocol::receipt::Outcome;
use loa_protocol::time::UnixMs;

use self::names::{Names, narrowed};
use super::areas::load as load_area;
use super::{Ground, Schedules, ServiceError, Thing};
use crate::dispatch::compile::compile;
use crate::dispatch::desired::Rows;
use crate::dispatch::foresee::{Alike, ForeseenStart, Horizon, TooMuch, foresee};
use crate::dispatch::known::Known;
use crate::domain::ids::fresh_item_id;
use crate::domain::message::{FieldErrors, Message};
use crate::domain::node::NodeStatus;
use crate::domain::role::{Action, Principal, Scope};
use crate::domain::schedule::{Schedule, ScheduleDraft};
use crate::store::schedules::OnAir;
use crate::store::{Connection, StoreError, nodes, receipts, reports};

/// Furthest day that is looked at.
pub const DAYS_MAX: u32 = 31;
/// Days that are looked at when nobody says.
pub const DAYS_DEFAULT: u32 = 7;
/// How many are calculated at a time.
pub(super) const AT_A_TIME: usize = 2;
/// What nodes are told of their reports does not matter to what sounds.
const HEALTH_INTERVAL_S: u32 = 60;
const DAY_MS: i64 = 24 * 3600 * 1000;
/// How far back receipts are read: what was planned earlier does not sound on the present day of any zone, a day's tolerance
/// included.
const RECEIPTS_BACK_MS: i64 = 3 * DAY_MS;

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
            return Err(FieldErrors::one("days", messages::days_out_of_range()).into());
        }
        let now = self.0.now();
        let horizon = Horizon { now, until: now + i64::from(days) * DAY_MS };
        let mut tx = self.0.store.read().await?;
        let subject = self.subject(&mut tx, who, of, now).await?;
        let mut rows = Rows::read(&mut tx, now).await?;
        let known = known(&mut tx, now).await?;
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
            let alike = foresee(&compiled, &known, horizon, of.as_ref());
            (compiled, alike)
        })
        .await;
        drop(permit);
        let (compiled, alike) = match calculated {
            Ok(calculated) => calculated,
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        };
        let alike = alike.map_err(|TooMuch { limit }| ServiceError::TooLarge(messages::too_much(limit)))?;
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
                    notes.push(messages::cancelled());
                    let of = Some(BTreeSet::from([id]));
                    return Ok(Subject { of, besides: Vec::new(), within: Vec::new(), notes });
                }
                besides.push((view.schedule, view.bulletin));
            }
            PreflightOf::Drafts(drafts) => {
                if drafts.len() > ITEMS_MAX {
                    return Err(FieldErrors::one("schedules", messages::too_many(drafts.len())).into());
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
                            errors.extend(found.within(&format!("schedules[{number}]")));
                        }
                        Err(absent @ ServiceError::NotFound(Thing::Bulletin)) if several => {
                            errors.add(format!("schedules[{number}].bulletin"), absent.message());
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
                subject.notes.push(messages::not_approved(&revision.title));
            }
            if revision.tracks.len() < all || all == 0 {
                subject.notes.push(messages::sound_not_made(&revision.title));
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

/// What is known of nodes besides their documents.
async fn known(c: &mut Connection, now: UnixMs) -> Result<BTreeMap<NodeId, Known>, StoreError> {
    let mut past = receipts::past_since(c, now - RECEIPTS_BACK_MS).await?;
    let mut own_guards = reports::own_guards(c).await?;
    let all = nodes::list(c, &[Scope::Everywhere]).await?;
    let known = all.into_iter().map(|(node, NodeStatus { seen, .. })| {
        let known = Known {
            own_guards: own_guards.remove(&node.id),
            past: past.remove(&node.id).unwrap_or_default(),
            heard: seen.max(node.enrolled),
        };
        (node.id, known)
    });
    Ok(known.collect())
}
