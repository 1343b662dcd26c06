//! What nodes will do with the documents that were compiled for them: [`timeline::preflight`], the node's own rules, run for
//! each node that differs. Pure.
//!
//! Bounded: nodes whose documents say the same are one calculation, and a plan with more starts than
//! [`STARTS_OF_NODE_MAX`] for one node or [`STARTS_MAX`] in all is refused before anything is calculated.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveTime;
use chrono_tz::Tz;
use loa_protocol::bulletin::{Class, Language};
use loa_protocol::ids::{AreaId, BulletinId, ItemId, NodeId, ObjectHash, OccurrenceId};
use loa_protocol::plan::{AreaPlan, NodeDocument};
use loa_protocol::receipt::{Outcome, Reason};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{self, Foreseen, Outlook, QUIET_MARGIN_MS, SessionPlan, Timetable, Watch};

use super::compile::Compiled;

/// Most starts of one node: 31 days with one every nine minutes.
pub const STARTS_OF_NODE_MAX: usize = 5_000;
/// Most starts of all nodes that differ.
pub const STARTS_MAX: usize = 50_000;

/// Nodes that will do the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alike {
    /// The nodes.
    pub nodes: Vec<NodeId>,
    /// The languages of their villages, first spoken first.
    pub languages: Vec<Language>,
    /// The zone on whose wall clock they go.
    pub zone: Tz,
    /// What they will do, in the order of planned starts.
    pub starts: Vec<ForeseenStart>,
}

/// What becomes of one planned start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeseenStart {
    /// The schedule.
    pub schedule: ItemId,
    /// The bulletin.
    pub bulletin: BulletinId,
    /// Its title.
    pub title: String,
    /// Its class.
    pub class: Class,
    /// When it is planned.
    pub planned: UnixMs,
    /// From when until when it sounds, pauses included; twice where it is cut and taken up again, never where it is missed.
    pub sounds: Vec<(UnixMs, UnixMs)>,
    /// How long it sounds in all, pauses not counted, in milliseconds.
    pub sound_ms: i64,
    /// The languages in which it is heard.
    pub languages: Vec<Language>,
    /// How it ends; its reason is the rule.
    pub outcome: Outcome,
    /// Areas whose rules forbid it, widest first, where it is a rule of an area.
    pub forbidden_by: Vec<AreaId>,
    /// What sounds instead of it, or cuts it: a schedule and the title of its bulletin.
    pub winner: Option<(ItemId, String)>,
}

/// Which part of time is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// The present. What is settled by now is not told, but counts towards the day's budgets.
    pub now: UnixMs,
    /// Starts before this instant.
    pub until: UnixMs,
}

/// There are more starts than are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {limit} starts: ask for fewer days or a smaller area")]
pub struct TooMuch {
    /// The limit that was passed.
    pub limit: usize,
}

/// What the nodes of these documents will do, those that do the same together. `of`: nothing but what becomes of these
/// schedules, what they keep from sounding, and only on nodes that they aim at.
///
/// # Errors
/// [`TooMuch`].
pub fn foresee(
    compiled: &Compiled,
    horizon: Horizon,
    of: Option<&BTreeSet<ItemId>>,
) -> Result<Vec<Alike>, TooMuch> {
    let plans: BTreeMap<&AreaId, (usize, &AreaPlan)> =
        compiled.plans.iter().enumerate().map(|(at, plan)| (&plan.area, (at, plan))).collect();
    let mut same: BTreeMap<Told<'_>, Vec<&NodeDocument>> = BTreeMap::new();
    for node in &compiled.nodes {
        let on_path = node.path.areas().iter().filter_map(|area| plans.get(area).copied());
        let (told, obeyed): (Vec<usize>, Vec<&AreaPlan>) = on_path.filter(|(_, plan)| says(plan)).unzip();
        let programs = || obeyed.iter().map(|plan| &plan.program).chain([&node.program]);
        let aims = |of: &BTreeSet<ItemId>| {
            programs().any(|program| program.items.iter().any(|item| of.contains(&item.id)))
        };
        if of.is_none_or(aims) {
            let languages = node.languages.iter().map(Language::as_str).collect();
            let own = (&node.program, &node.guards);
            // A Vec takes every write; documents that could not be written would not be alike.
            let own = minicbor::to_vec(own).unwrap_or_else(|_| node.node.as_str().as_bytes().to_vec());
            same.entry((told, node.zone.0.name(), languages, own)).or_default().push(node);
        }
    }
    let groups: Vec<(Vec<&AreaPlan>, Vec<&NodeDocument>)> = same
        .into_iter()
        .map(|((told, ..), nodes)| (told.into_iter().map(|at| &compiled.plans[at]).collect(), nodes))
        .collect();
    let mut all = 0;
    for (obeyed, nodes) in &groups {
        let Some(node) = nodes.first() else { continue };
        let starts = starts_of(obeyed, node, horizon);
        all += starts;
        for (count, limit) in [(starts, STARTS_OF_NODE_MAX), (all, STARTS_MAX)] {
            if count > limit {
                return Err(TooMuch { limit });
            }
        }
    }
    let mut alike: Vec<Alike> = Vec::new();
    for (obeyed, nodes) in &groups {
        let Some(node) = nodes.first() else { continue };
        let starts = starts(obeyed, node, horizon, of);
        let ids = nodes.iter().map(|node| node.node.clone());
        let twin = alike.iter_mut().find(|group| {
            group.zone == node.zone.0 && group.languages == node.languages && group.starts == starts
        });
        match twin {
            Some(group) => group.nodes.extend(ids),
            None => alike.push(Alike {
                nodes: ids.collect(),
                languages: node.languages.clone(),
                zone: node.zone.0,
                starts,
            }),
        }
    }
    alike.iter_mut().for_each(|group| group.nodes.sort());
    alike.sort_by(|a, b| a.nodes.cmp(&b.nodes));
    Ok(alike)
}

/// What decides what a node does: the plans that it obeys, its zone, its languages, and its own document's program and guards.
type Told<'a> = (Vec<usize>, &'a str, Vec<&'a str>, Vec<u8>);

fn says(plan: &AreaPlan) -> bool {
    !plan.program.items.is_empty() || !plan.guards.is_empty() || plan.own_priority_first
}

/// The beginning of the present day in a zone: what sounded since then counts towards the day's budgets.
fn day_start(zone: Tz, now: UnixMs) -> UnixMs {
    let midnight = now.to_utc().and_then(|now| {
        let today = now.with_timezone(&zone).date_naive();
        today.and_time(NaiveTime::MIN).and_local_timezone(zone).earliest()
    });
    midnight.map_or(now, |midnight| midnight.to_utc().into())
}

/// How many starts a node looks at, counted no further than to one above the limit.
fn starts_of(obeyed: &[&AreaPlan], node: &NodeDocument, horizon: Horizon) -> usize {
    let from = day_start(node.zone.0, horizon.now);
    let documents =
        obeyed.iter().map(|plan| (&plan.program, plan.zone.0)).chain([(&node.program, node.zone.0)]);
    let mut count = 0;
    for (program, zone) in documents {
        for item in &program.items {
            let timetable = Timetable::new(item, zone, &program.calendars);
            let within = timetable.starts_after(from - 1).take_while(|at| *at < horizon.until);
            count += within.take(STARTS_OF_NODE_MAX + 1 - count.min(STARTS_OF_NODE_MAX)).count();
            if count > STARTS_OF_NODE_MAX {
                return count;
            }
        }
    }
    count
}

fn starts(
    obeyed: &[&AreaPlan],
    node: &NodeDocument,
    horizon: Horizon,
    of: Option<&BTreeSet<ItemId>>,
) -> Vec<ForeseenStart> {
    let outlook = Outlook { node, plans: obeyed, has_object: &|_| true, aired: &[] };
    let from = day_start(node.zone.0, horizon.now);
    let foreseen = timeline::preflight(outlook, from, horizon.until);
    let by_id: BTreeMap<OccurrenceId, &Foreseen<'_>> =
        foreseen.iter().map(|foreseen| (foreseen.occurrence.id, foreseen)).collect();
    let winner = |foreseen: &Foreseen<'_>| foreseen.winner.and_then(|id| by_id.get(&id).copied());
    let is_asked = |foreseen: &&Foreseen<'_>| {
        let asked = |foreseen: &Foreseen<'_>| of.is_none_or(|of| of.contains(&foreseen.item.id));
        foreseen.ended >= horizon.now && (asked(foreseen) || winner(foreseen).is_some_and(asked))
    };
    let mut starts: Vec<ForeseenStart> = foreseen
        .iter()
        .filter(is_asked)
        .map(|foreseen| ForeseenStart {
            schedule: foreseen.item.id.clone(),
            bulletin: foreseen.item.bulletin.clone(),
            title: foreseen.item.title.clone(),
            class: foreseen.item.class,
            planned: foreseen.occurrence.nominal,
            sounds: foreseen.sounds.clone(),
            sound_ms: foreseen.sound_ms,
            languages: foreseen.languages.clone(),
            outcome: foreseen.outcome,
            forbidden_by: forbidden_by(obeyed, node, foreseen),
            winner: winner(foreseen).map(|winner| (winner.item.id.clone(), winner.item.title.clone())),
        })
        .collect();
    starts.sort_by(|a, b| (a.planned, &a.schedule).cmp(&(b.planned, &b.schedule)));
    starts
}

/// The areas whose rules forbid it, widest first. Of budgets, which add up over a day, all that state one.
fn forbidden_by(obeyed: &[&AreaPlan], node: &NodeDocument, foreseen: &Foreseen<'_>) -> Vec<AreaId> {
    let Some(reason) = foreseen.outcome.reason() else { return Vec::new() };
    let programs = || obeyed.iter().map(|plan| &plan.program).chain([&node.program]);
    let length = |object: &ObjectHash| {
        programs().find_map(|program| program.manifest(object)).map(|manifest| manifest.duration_ms)
    };
    let session = SessionPlan::new(foreseen.item, &node.languages, length);
    let length_ms = session.map_or(0, |session| session.length_ms(0));
    let planned = foreseen.occurrence.nominal;
    let forbids = |plan: &&&AreaPlan| {
        let guards = &plan.guards;
        let minutes = match foreseen.item.class {
            Class::Normal => guards.normal_minutes_a_day,
            Class::Priority => guards.priority_minutes_a_day,
            Class::Emergency => None,
        };
        let quiet = || {
            let watch = Watch::new([(guards.clone(), plan.zone.0)]);
            watch.first_quiet(planned, planned + length_ms + QUIET_MARGIN_MS).is_some()
        };
        reason == Reason::QuietHours && quiet()
            || reason == Reason::TooLong
                && guards.longest_session_ms.is_some_and(|longest| length_ms > i64::from(longest))
            || reason == Reason::MinutesSpent && minutes.is_some()
            || reason == Reason::SessionsSpent && guards.sessions_a_day.is_some()
    };
    obeyed.iter().filter(forbids).map(|plan| plan.area.clone()).collect()
}
