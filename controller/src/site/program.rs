//! What is to sound and what was to sound: schedules, laid out in time and over nodes.
//!
//! The starts are those of [`loa_protocol::timeline`], which the nodes obey. A start counts as planned when, at that
//! instant, the bulletin was approved and the schedule stood.

use std::collections::BTreeMap;

use loa_protocol::ids::{ItemId, NodeId, ObjectHash, OccurrenceId};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Repeats, occurrence_id};

use super::Site;
use super::places::Places;
use super::reader::Me;
use crate::domain::bulletin::Revision;
use crate::domain::node::{Node, NodeState, NodeStatus};
use crate::domain::schedule::ScheduleValues;
use crate::domain::schedule_rules::ScheduleRules;
use crate::pages::Lang;
use crate::services::{ScheduleView, ServiceError};
use crate::store::schedules::ScheduleFilter;

/// Schedules that one call of the services gives.
const BATCH: u32 = 200;
/// Most standing schedules that one page looks at, the latest made first.
const STANDING_MAX: usize = 1_000;
/// Most starts of one schedule that one page lays out: every five minutes for a month.
const STARTS_MAX: usize = 10_000;

/// A node and what it last said.
pub(super) type KnownNode = (Node, NodeStatus);

/// One planned start of one schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planned {
    /// The occurrence, by the revision on air.
    pub(super) id: OccurrenceId,
    /// The schedule.
    pub(super) item: ItemId,
    /// Its place in the list of schedules.
    pub(super) view: usize,
    /// When.
    pub(super) nominal: UnixMs,
}

/// When the next start of any of these schedules is due.
pub(super) fn next_start(schedules: &[ScheduleView], now: UnixMs) -> Option<UnixMs> {
    let standing = schedules.iter().filter(|view| view.schedule.cancelled.is_none());
    standing.filter_map(|view| view.next_after(now)).map(|next| next.at).min()
}

/// The schedules that the person may see, the latest made first: all that still have starts to come, and of those that
/// are over or cancelled, the ones among the last [`BATCH`] that were made.
pub(super) async fn schedules(site: &Site, me: &Me) -> Result<Vec<ScheduleView>, ServiceError> {
    let services = &site.app.services;
    let latest = ScheduleFilter { with_past: true, limit: BATCH, ..ScheduleFilter::default() };
    let mut views = services.schedules.list(me.who(), &latest).await?;
    let mut more = views.len() == BATCH as usize;
    while more && views.len() < STANDING_MAX {
        let before = views.last().map(|view| view.schedule.id.clone());
        let standing = ScheduleFilter { before, limit: BATCH, ..ScheduleFilter::default() };
        let batch = services.schedules.list(me.who(), &standing).await?;
        more = batch.len() == BATCH as usize;
        views.extend(batch);
    }
    Ok(views)
}

/// The planned starts from `from` up to but not at `until`, the earliest first.
pub(super) fn planned(views: &[ScheduleView], from: UnixMs, until: UnixMs) -> Vec<Planned> {
    let mut all = Vec::new();
    for (at, view) in views.iter().enumerate() {
        let Some(revision) = &view.bulletin.on_air else { continue };
        all.extend(starts(view, revision, from, until).map(|nominal| Planned {
            id: occurrence_id(&view.schedule.id, revision.number, nominal),
            item: view.schedule.id.clone(),
            view: at,
            nominal,
        }));
    }
    all.sort_by(|a, b| (a.nominal, &a.item).cmp(&(b.nominal, &b.item)));
    all
}

/// The starts of one schedule in a span, while its revision was approved and it was not cancelled.
fn starts<'a>(
    view: &'a ScheduleView,
    revision: &'a Revision,
    from: UnixMs,
    until: UnixMs,
) -> impl Iterator<Item = UnixMs> + 'a {
    let approved = revision.decided.as_ref().map_or(revision.edited, |stamp| stamp.at);
    let end = view.schedule.cancelled.map_or(until, |cancelled| cancelled.min(until));
    let mut last = from.max(approved).max(view.schedule.created) - 1;
    std::iter::from_fn(move || {
        last = view.next_after(last).filter(|next| next.at < end)?.at;
        Some(last)
    })
    .take(STARTS_MAX)
}

/// Whether a schedule aims at a node.
pub(super) fn aims_at(values: &ScheduleValues, node: &Node) -> bool {
    values.nodes.contains(&node.id) || values.areas.iter().any(|area| node.path.contains(area))
}

/// The nodes that a schedule makes sound: those that a board has enrolled for.
pub(super) fn targets<'a>(
    values: &'a ScheduleValues,
    nodes: &'a [KnownNode],
) -> impl Iterator<Item = &'a KnownNode> {
    nodes.iter().filter(|(node, _)| node.state == NodeState::Enrolled && aims_at(values, node))
}

/// Names of a schedule's targets.
pub(super) fn target_names(values: &ScheduleValues, places: &Places, nodes: &[KnownNode]) -> Vec<String> {
    let areas = values.areas.iter().map(|area| places.name(area));
    let name = |id: &NodeId| nodes.iter().find(|(node, _)| node.id == *id).map(|(node, _)| node.name.clone());
    areas.chain(values.nodes.iter().map(|id| name(id).unwrap_or_else(|| id.to_string()))).collect()
}

/// The same, in short.
pub(super) fn target_words(
    lang: Lang,
    values: &ScheduleValues,
    places: &Places,
    nodes: &[KnownNode],
) -> String {
    Places::short(lang, &target_names(values, places, nodes))
}

/// How long finished sounds are; each is asked for once.
#[derive(Debug, Default)]
pub(super) struct Lengths(BTreeMap<ObjectHash, u64>);

impl Lengths {
    /// How long a session of a schedule lasts: the revision, as often as the rules say, with the gaps between.
    pub(super) async fn session(
        &mut self,
        site: &Site,
        me: &Me,
        revision: &Revision,
        rules: &ScheduleRules,
    ) -> Result<Option<u64>, ServiceError> {
        let once = self.of(site, me, revision).await?;
        Ok(once.map(|once_ms| match rules.repeats {
            None => once_ms,
            Some(Repeats { rounds, gap_ms }) => {
                let (rounds, gap_ms) = (u64::from(rounds), u64::from(gap_ms));
                once_ms * rounds + gap_ms * rounds.saturating_sub(1)
            }
        }))
    }

    /// How long a revision sounds, all its tracks one after the other, in milliseconds; `None` while one is not made.
    async fn of(&mut self, site: &Site, me: &Me, revision: &Revision) -> Result<Option<u64>, ServiceError> {
        let mut total = 0;
        for track in &revision.tracks {
            let Some(hash) = &track.object else { return Ok(None) };
            if !self.0.contains_key(hash) {
                let sound = site.app.services.sounds.get(me.who(), hash).await?;
                self.0.insert(*hash, u64::from(sound.object.duration_ms));
            }
            total += self.0.get(hash).copied().unwrap_or_default();
        }
        Ok((!revision.tracks.is_empty()).then_some(total))
    }
}
