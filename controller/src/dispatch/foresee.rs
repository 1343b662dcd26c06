//! What nodes will do with the documents that were compiled for them: [`timeline::preflight`], the node's own rules, run for
//! each node that differs. Pure.
//!
//! Bounded: nodes whose documents say the same, and of which the same is [known](super::known), are one calculation, and a plan with more starts than
//! [`STARTS_OF_NODE_MAX`] for one node or [`STARTS_MAX`] in all is refused before anything is calculated.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use loa_protocol::bulletin::{Class, Language};
use loa_protocol::ids::{AreaId, BulletinId, ItemId, NodeId, ObjectHash, OccurrenceId};
use loa_protocol::plan::{AreaPlan, NodeDocument, Program};
use loa_protocol::receipt::{Outcome, Reason};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{
    self, Foreseen, Guards, Outlook, OwnGuards, Past, QUIET_MARGIN_MS, SessionPlan, Timetable, Watch,
    occurrence_id,
};

use super::compile::Compiled;
use super::known::{Earlier, Known, day_start};

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
    /// Whether a rule of the boards' own configuration forbids it.
    pub forbidden_by_board: bool,
    /// What sounds instead of it, or cuts it: a schedule and the title of its bulletin.
    pub winner: Option<(ItemId, String)>,
}

/// Which part of time is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// The present. What is settled by now is not told; what was heard of it counts towards the day's budgets.
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
/// schedules, what they keep from sounding, and only on nodes that they aim at. A node of which nothing is `known` does as planned.
///
/// # Errors
/// [`TooMuch`].
pub fn foresee(
    compiled: &Compiled,
    known: &BTreeMap<NodeId, Known>,
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
            let board = known.get(&node.node).and_then(|known| known.own_guards.as_ref());
            let own = (&node.program, &node.guards, board);
            // A Vec takes every write; documents that could not be written would not be alike.
            let own = minicbor::to_vec(own).unwrap_or_else(|_| node.node.as_str().as_bytes().to_vec());
            same.entry((told, node.zone.0.name(), languages, own)).or_default().push(node);
        }
    }
    let nobody = Known::default();
    let mut groups: Vec<(Board<'_>, Vec<Past>, Vec<&NodeDocument>)> = Vec::new();
    let mut all = 0;
    for ((told, ..), nodes) in same {
        let Some(node) = nodes.first() else { continue };
        let obeyed = told.into_iter().map(|at| &compiled.plans[at]).collect();
        let own_guards = known.get(&node.node).and_then(|known| known.own_guards.as_ref());
        let board = Board { obeyed, node, own_guards };
        let starts = board.starts_of(horizon);
        let earlier = if starts > STARTS_OF_NODE_MAX { Vec::new() } else { board.earlier(horizon) };
        let zones = board.counting_zones();
        let mut by_past: BTreeMap<Vec<Past>, Vec<&NodeDocument>> = BTreeMap::new();
        for node in nodes {
            let past = known.get(&node.node).unwrap_or(&nobody).past(&earlier, &zones, horizon.now);
            by_past.entry(past).or_default().push(node);
        }
        all += starts * by_past.len();
        for (count, limit) in [(starts, STARTS_OF_NODE_MAX), (all, STARTS_MAX)] {
            if count > limit {
                return Err(TooMuch { limit });
            }
        }
        groups.extend(by_past.into_iter().map(|(past, nodes)| (board.clone(), past, nodes)));
    }
    let mut alike: Vec<Alike> = Vec::new();
    for (board, past, nodes) in &groups {
        let node = board.node;
        let starts = board.starts(past, horizon, of);
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

/// What decides what a node does: the plans that it obeys, its zone, its languages, its own document's program and guards, and
/// the guards of its board.
type Told<'a> = (Vec<usize>, &'a str, Vec<&'a str>, Vec<u8>);

fn says(plan: &AreaPlan) -> bool {
    !plan.program.items.is_empty() || !plan.guards.is_empty() || plan.own_priority_first
}

/// A board, as far as what it will do depends on it and not on what it did.
#[derive(Clone)]
struct Board<'a> {
    /// The plans that it obeys, widest area first.
    obeyed: Vec<&'a AreaPlan>,
    node: &'a NodeDocument,
    own_guards: Option<&'a OwnGuards>,
}

impl Board<'_> {
    fn documents(&self) -> impl Iterator<Item = (&Program, Tz)> {
        let plans = self.obeyed.iter().map(|plan| (&plan.program, plan.zone.0));
        plans.chain([(&self.node.program, self.node.zone.0)])
    }

    fn guards(&self) -> impl Iterator<Item = (&Guards, Tz)> {
        let plans = self.obeyed.iter().map(|plan| (&plan.guards, plan.zone.0));
        let own = self.own_guards.map(|own| (&own.guards, own.zone.0));
        plans.chain([(&self.node.guards, self.node.zone.0)]).chain(own)
    }

    /// The zones in whose days budgets count.
    fn counting_zones(&self) -> Vec<Tz> {
        let counts = |(guards, zone): &(&Guards, Tz)| Watch::new([((*guards).clone(), *zone)]).has_budgets();
        self.guards().filter(counts).map(|(_, zone)| zone).collect()
    }

    /// How many starts it looks at, counted no further than to one above the limit.
    fn starts_of(&self, horizon: Horizon) -> usize {
        let from = day_start(self.node.zone.0, horizon.now);
        let mut count = 0;
        for (program, zone) in self.documents() {
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

    /// What is planned on the present day up to now.
    fn earlier(&self, horizon: Horizon) -> Vec<Earlier> {
        let from = day_start(self.node.zone.0, horizon.now);
        let mut earlier = Vec::new();
        for (program, zone) in self.documents() {
            for item in &program.items {
                let length = |object: &ObjectHash| Some(program.manifest(object)?.duration_ms);
                let session = SessionPlan::new(item, &self.node.languages, length);
                let length_ms = session.as_ref().map_or(0, |session| session.length_ms(0));
                // Interrupted at its end, and taken up again as late as may be (rule I3).
                let lasts_ms = i64::from(item.start_within_ms) + 2 * length_ms;
                let timetable = Timetable::new(item, zone, &program.calendars);
                let starts = timetable.starts_after(from - 1).take_while(|at| *at <= horizon.now);
                earlier.extend(starts.map(|nominal| Earlier {
                    item: item.id.clone(),
                    nominal,
                    occurrence: occurrence_id(&item.id, item.revision, nominal),
                    class: item.class,
                    sound_ms: session.as_ref().map_or(0, |session| session.sound_ms(0)),
                    over: nominal + lasts_ms,
                }));
            }
        }
        earlier
    }

    fn starts(&self, past: &[Past], horizon: Horizon, of: Option<&BTreeSet<ItemId>>) -> Vec<ForeseenStart> {
        let Self { obeyed, node, own_guards } = self;
        let outlook = Outlook { node, plans: obeyed, has_object: &|_| true, own_guards: *own_guards, past };
        let from = day_start(node.zone.0, horizon.now);
        let foreseen = timeline::preflight(outlook, from, horizon.until);
        let by_id: BTreeMap<OccurrenceId, &Foreseen<'_>> =
            foreseen.iter().map(|foreseen| (foreseen.occurrence.id, foreseen)).collect();
        let winner = |foreseen: &Foreseen<'_>| foreseen.winner.and_then(|id| by_id.get(&id).copied());
        let is_asked = |foreseen: &&Foreseen<'_>| {
            let asked = |foreseen: &Foreseen<'_>| of.is_none_or(|of| of.contains(&foreseen.item.id));
            foreseen.ended >= horizon.now && (asked(foreseen) || winner(foreseen).is_some_and(asked))
        };
        let start = |foreseen: &Foreseen<'_>| {
            let (forbidden_by, forbidden_by_board) = self.forbidden_by(foreseen);
            ForeseenStart {
                schedule: foreseen.item.id.clone(),
                bulletin: foreseen.item.bulletin.clone(),
                title: foreseen.item.title.clone(),
                class: foreseen.item.class,
                planned: foreseen.occurrence.nominal,
                sounds: foreseen.sounds.clone(),
                sound_ms: foreseen.sound_ms,
                languages: foreseen.languages.clone(),
                outcome: foreseen.outcome,
                forbidden_by,
                forbidden_by_board,
                winner: winner(foreseen).map(|winner| (winner.item.id.clone(), winner.item.title.clone())),
            }
        };
        let mut starts: Vec<ForeseenStart> = foreseen.iter().filter(is_asked).map(start).collect();
        starts.sort_by(|a, b| (a.planned, &a.schedule).cmp(&(b.planned, &b.schedule)));
        starts
    }

    /// The areas whose rules forbid it, widest first, and whether the board's own do. Of budgets, which add up over a day, all that
    /// state one.
    fn forbidden_by(&self, foreseen: &Foreseen<'_>) -> (Vec<AreaId>, bool) {
        let Some(reason) = foreseen.outcome.reason() else { return (Vec::new(), false) };
        let length = |object: &ObjectHash| {
            self.documents().find_map(|(program, _)| program.manifest(object)).map(|m| m.duration_ms)
        };
        let session = SessionPlan::new(foreseen.item, &self.node.languages, length);
        let length_ms = session.map_or(0, |session| session.length_ms(0));
        let planned = foreseen.occurrence.nominal;
        let forbids = |guards: &Guards, zone: Tz| {
            let minutes = match foreseen.item.class {
                Class::Normal => guards.normal_minutes_a_day,
                Class::Priority => guards.priority_minutes_a_day,
                Class::Emergency => None,
            };
            let quiet = || {
                let watch = Watch::new([(guards.clone(), zone)]);
                watch.first_quiet(planned, planned + length_ms + QUIET_MARGIN_MS).is_some()
            };
            reason == Reason::QuietHours && quiet()
                || reason == Reason::TooLong
                    && guards.longest_session_ms.is_some_and(|longest| length_ms > i64::from(longest))
                || reason == Reason::MinutesSpent && minutes.is_some()
                || reason == Reason::SessionsSpent && guards.sessions_a_day.is_some()
        };
        let areas = self.obeyed.iter().filter(|plan| forbids(&plan.guards, plan.zone.0));
        let board = self.own_guards.is_some_and(|own| forbids(&own.guards, own.zone.0));
        (areas.map(|plan| plan.area.clone()).collect(), board)
    }
}
