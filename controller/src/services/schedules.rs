//! When and where bulletins sound.
//!
//! A bulletin sounds in its own area or inside it, because its approver answers for that area alone. It may be
//! scheduled before it is approved: until then no plan carries it.

use std::collections::BTreeMap;
use std::sync::Arc;

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Class;
use loa_protocol::ids::{CalendarId, ItemId};
use loa_protocol::time::UnixMs;
use serde_json::{Value, json};

use super::audit::Deed;
use super::bulletins::{load as load_bulletin, require_no_alert};
use super::clocks::Clocks;
use super::{BulletinView, Ground, PlanProblem, ServiceError, Thing};
use crate::domain::calendar::CalendarName;
use crate::domain::ids::fresh_item_id;
use crate::domain::language::MissingLanguages;
use crate::domain::message::{FieldErrors, Message};
use crate::domain::role::{Action, Principal};
use crate::domain::schedule::{
    NextStart, Schedule, ScheduleDraft, ScheduleValues, Starts, WrittenAt, unknown_target,
};
use crate::domain::schedule_rules::interruption_word;
use crate::live::Change;
use crate::store::schedules::{OnAir, ScheduleFilter};
use crate::store::{Connection, areas, nodes, schedules};

/// Most schedules of one page.
const PAGE_MAX: u32 = 200;
/// Most starts that are looked ahead for one schedule.
const STARTS_MAX: usize = 200;

/// Schedules. Cheap to clone.
#[derive(Clone)]
pub struct Schedules(pub(super) Arc<Ground>);

/// A schedule with what it plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleView {
    /// When and where.
    pub schedule: Schedule,
    /// What.
    pub bulletin: BulletinView,
    /// When it starts on the clocks of its targets.
    pub starts: Starts,
    /// What the calendars that it names are called.
    pub calendars: BTreeMap<CalendarId, CalendarName>,
    /// Its next start anywhere, if it has one and is not cancelled.
    pub next: Option<NextStart>,
    /// Why it does not get to nodes, or not to all.
    pub problem: Option<PlanProblem>,
}

/// What a form would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchedulePreview {
    /// Its values, checked.
    pub values: ScheduleValues,
    /// When it starts on the clocks of its targets.
    pub starts: Starts,
    /// Which languages of its villages the bulletin lacks.
    pub missing: MissingLanguages,
}

impl SchedulePreview {
    /// The first start after an instant, on any of the clocks.
    pub fn next_after(&self, after: UnixMs) -> Option<NextStart> {
        self.starts.next_after(after)
    }
}

/// One start to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upcoming {
    /// When.
    pub start: UnixMs,
    /// Its schedule.
    pub schedule: ItemId,
    /// Position of the schedule in the list that it was made from.
    pub view: usize,
}

impl ScheduleView {
    /// The first start after an instant, on any of the clocks, cancelled or not.
    pub fn next_after(&self, after: UnixMs) -> Option<NextStart> {
        self.starts.next_after(after)
    }

    /// Whether plans carry it: approved, not cancelled, with a start to come.
    pub fn is_on_air(&self) -> bool {
        self.bulletin.on_air.is_some() && self.schedule.cancelled.is_none() && self.next.is_some()
    }

    /// The title that is on air, or would be.
    pub fn title(&self) -> &str {
        &self.bulletin.on_air.as_ref().unwrap_or(&self.bulletin.latest).title
    }

    /// The class that is on air, or would be.
    pub fn class(&self) -> Class {
        self.bulletin.on_air.as_ref().unwrap_or(&self.bulletin.latest).class
    }
}

impl Schedules {
    /// The schedules of bulletins that the person may see, the latest made first; at most 200. `filter.since` is the
    /// present instant whatever it says.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn list(
        &self,
        who: &Principal,
        filter: &ScheduleFilter,
    ) -> Result<Vec<ScheduleView>, ServiceError> {
        let now = self.0.now();
        let filter = ScheduleFilter { limit: filter.limit.clamp(1, PAGE_MAX), since: now, ..filter.clone() };
        let mut tx = self.0.store.read().await?;
        let clocks = self.0.clocks(&mut tx).await?;
        let mut views = Vec::new();
        for schedule in schedules::list(&mut tx, &who.scopes(Action::Read), &filter).await? {
            views.push(self.view(&mut tx, &clocks, schedule, now).await?);
        }
        Ok(views)
    }

    /// One schedule.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn get(&self, who: &Principal, id: &ItemId) -> Result<ScheduleView, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let view = self.load(&mut tx, id, self.0.now()).await?;
        who.require(Action::Read, &view.bulletin.bulletin.path)?;
        Ok(view)
    }

    /// The starts of these schedules from now up to `until`, in order; at most 200 of each schedule.
    pub fn upcoming(&self, views: &[ScheduleView], until: UnixMs) -> Vec<Upcoming> {
        let now = self.0.now();
        let mut starts = Vec::new();
        for (view, of) in views.iter().enumerate().filter(|(_, v)| v.schedule.cancelled.is_none()) {
            let mut last = now;
            for _ in 0..STARTS_MAX {
                let Some(start) = of.next_after(last).filter(|s| s.at <= until) else { break };
                starts.push(Upcoming { start: start.at, schedule: of.schedule.id.clone(), view });
                last = start.at;
            }
        }
        starts.sort_by(|a, b| (a.start, &a.schedule).cmp(&(b.start, &b.schedule)));
        starts
    }

    /// What a form would do: its values, checked, without storing anything.
    ///
    /// # Errors
    /// As [`Schedules::create`].
    pub async fn preview(
        &self,
        who: &Principal,
        draft: &ScheduleDraft,
    ) -> Result<SchedulePreview, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let (view, values) = self.check(&mut tx, who, draft).await?;
        let starts = self.0.clocks(&mut tx).await?.starts(&mut tx, &values).await?;
        let revision = view.on_air.as_ref().unwrap_or(&view.latest);
        let targets = std::slice::from_ref(&values);
        let missing = self.0.missing_languages(&mut tx, revision, &view.bulletin.path, targets).await?;
        Ok(SchedulePreview { values, starts, missing })
    }

    /// Sets when and where a bulletin sounds. `id` names a form that was shown: the same form sent twice makes one
    /// schedule. `None` draws an id.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`]: a start in the past, a pattern that never fires, an unknown target or calendar, a target
    /// outside the bulletin's area, a session that is longer than a target allows; [`ServiceError::NotFound`] for the bulletin; [`ServiceError::Forbidden`] for a target or the
    /// class; [`ServiceError::Conflict`] for a withdrawn bulletin.
    pub async fn create(
        &self,
        who: &Principal,
        draft: &ScheduleDraft,
        id: Option<ItemId>,
    ) -> Result<ScheduleView, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let (bulletin, values) = self.check(&mut tx, who, draft).await?;
        let now = self.0.now();
        let id = id.unwrap_or_else(fresh_item_id);
        if let Some(there) = schedules::get(&mut tx, &id).await? {
            let clocks = self.0.clocks(&mut tx).await?;
            let view = self.view(&mut tx, &clocks, there, now).await?;
            if view.schedule.bulletin == bulletin.bulletin.id && view.schedule.values == values {
                return Ok(view);
            }
            return Err(ServiceError::Conflict(Message::fixed(
                "schedule.form_used",
                "Biểu mẫu này đã được gửi. Hãy mở biểu mẫu mới.",
                "This form was sent already. Open a fresh one.",
            )));
        }
        let by = who.actor();
        schedules::insert(&mut tx, &id, &bulletin.bulletin.id, &values, &by, now).await?;
        let made = self.load(&mut tx, &id, now).await?;
        self.note(&mut tx, who, "schedule.created", &made, None, Some(summary(&made))).await?;
        tx.commit().await?;
        self.0.changes.tell(Change::Bulletin(made.schedule.bulletin.clone()));
        self.0.nudges.plans.wake();
        Ok(made)
    }

    /// Ends a schedule. Stopping needs the right to set it: over the bulletin's area, or over every target.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`], [`ServiceError::Conflict`] when it is cancelled already.
    pub async fn cancel(&self, who: &Principal, id: &ItemId) -> Result<ScheduleView, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let now = self.0.now();
        let before = self.load(&mut tx, id, now).await?;
        let action = Action::Schedule(before.class());
        if !who.may(action, &before.bulletin.bulletin.path) {
            for path in target_paths(&mut tx, &before.schedule.values).await? {
                who.require(action, &path)?;
            }
        }
        let by = who.actor();
        if !schedules::cancel(&mut tx, id, &by, now).await? {
            return Err(ServiceError::Conflict(Message::fixed(
                "schedule.cancelled_already",
                "Lịch phát này đã được hủy.",
                "This schedule is cancelled already.",
            )));
        }
        let after = self.load(&mut tx, id, now).await?;
        self.note(&mut tx, who, "schedule.cancelled", &after, Some(summary(&before)), None).await?;
        tx.commit().await?;
        self.0.changes.tell(Change::Bulletin(after.schedule.bulletin.clone()));
        self.0.nudges.plans.wake();
        Ok(after)
    }

    pub(super) async fn check(
        &self,
        c: &mut Connection,
        who: &Principal,
        draft: &ScheduleDraft,
    ) -> Result<(BulletinView, ScheduleValues), ServiceError> {
        let bulletin = load_bulletin(c, &draft.bulletin).await?;
        let path = &bulletin.bulletin.path;
        let class =
            bulletin.on_air.as_ref().map_or(bulletin.latest.class, |r| r.class.max(bulletin.latest.class));
        if !Class::ALL.into_iter().any(|class| who.may_somewhere(Action::Schedule(class))) {
            who.require(Action::Schedule(class), path)?;
        }
        require_no_alert(c, &draft.bulletin).await?;
        if bulletin.bulletin.withdrawn.is_some() {
            return Err(ServiceError::Conflict(Message::fixed(
                "schedule.bulletin_withdrawn",
                "Bản tin đã thu hồi, không thể xếp lịch phát.",
                "The bulletin is withdrawn and cannot be scheduled.",
            )));
        }
        let zone = self.0.settings(c, path).await?.zone;
        let clocks = self.0.clocks(c).await?;
        let at = WrittenAt { place: path, zone, calendars: clocks.calendars() };
        let values = draft.check(at, self.0.now())?;
        let mut errors = FieldErrors::new();
        let mut targets = Vec::new();
        for (i, id) in values.areas.iter().enumerate() {
            match areas::get(c, id).await? {
                Some(area) => targets.push((format!("areas[{i}]"), area.path)),
                None => errors.add(format!("areas[{i}]"), unknown_target(id.as_str())),
            }
        }
        for (i, id) in values.nodes.iter().enumerate() {
            match nodes::get(c, id).await? {
                Some((node, _)) => targets.push((format!("nodes[{i}]"), node.path)),
                None => errors.add(format!("nodes[{i}]"), unknown_target(id.as_str())),
            }
        }
        for (field, target) in &targets {
            who.require(Action::Schedule(class), target)?;
            if !target.areas().starts_with(path.areas()) {
                errors.add(field.clone(), outside());
            }
        }
        let values = errors.finish(Some(values))?;
        let targets: Vec<AreaPath> = targets.into_iter().map(|(_, target)| target).collect();
        if let Some(message) = self.0.too_long(c, self.as_on_air(&bulletin, &values), &targets).await? {
            let field = if values.rules.repeats.is_some() { "rounds" } else { "bulletin" };
            return Err(FieldErrors::one(field, message).into());
        }
        Ok((bulletin, values))
    }

    /// A draft as if it stood.
    fn as_on_air(&self, bulletin: &BulletinView, values: &ScheduleValues) -> OnAir {
        OnAir {
            schedule: Schedule {
                id: fresh_item_id(),
                bulletin: bulletin.bulletin.id.clone(),
                values: values.clone(),
                created: self.0.now(),
                cancelled: None,
            },
            revision: bulletin.on_air.as_ref().unwrap_or(&bulletin.latest).clone(),
            reach: bulletin.bulletin.path.clone(),
        }
    }

    pub(super) async fn load(
        &self,
        c: &mut Connection,
        id: &ItemId,
        now: UnixMs,
    ) -> Result<ScheduleView, ServiceError> {
        let schedule = schedules::get(c, id).await?.ok_or(ServiceError::NotFound(Thing::Schedule))?;
        let clocks = self.0.clocks(c).await?;
        self.view(c, &clocks, schedule, now).await
    }

    async fn view(
        &self,
        c: &mut Connection,
        clocks: &Clocks,
        schedule: Schedule,
        now: UnixMs,
    ) -> Result<ScheduleView, ServiceError> {
        let bulletin = load_bulletin(c, &schedule.bulletin).await?;
        let starts = clocks.starts(c, &schedule.values).await?;
        let calendars = clocks.names(&schedule.values.rules);
        let next = if schedule.cancelled.is_some() { None } else { starts.next_after(now) };
        let problem = if next.is_some() { self.0.problems.of(&schedule.id) } else { None };
        Ok(ScheduleView { schedule, bulletin, starts, calendars, next, problem })
    }

    async fn note(
        &self,
        c: &mut Connection,
        who: &Principal,
        action: &'static str,
        view: &ScheduleView,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Result<(), ServiceError> {
        let area = Some(&view.bulletin.bulletin.path);
        let deed = Deed { action, subject: view.schedule.id.as_str(), area, before, after };
        Ok(self.0.note(c, who, deed).await?)
    }
}

fn outside() -> Message {
    Message::fixed(
        "target.outside",
        "Nơi phát nằm ngoài địa bàn của bản tin; người duyệt bản tin không phụ trách nơi này.",
        "The target lies outside the bulletin's area, for which its approver does not answer.",
    )
}

pub(super) async fn target_paths(
    c: &mut Connection,
    values: &ScheduleValues,
) -> Result<Vec<AreaPath>, ServiceError> {
    let mut paths = Vec::new();
    for id in &values.areas {
        paths.extend(areas::get(c, id).await?.map(|area| area.path));
    }
    for id in &values.nodes {
        paths.extend(nodes::get(c, id).await?.map(|(node, _)| node.path));
    }
    Ok(paths)
}

fn summary(view: &ScheduleView) -> Value {
    let values = &view.schedule.values;
    let rules = &values.rules;
    let start = match &values.start {
        loa_protocol::timeline::Start::At(at) => at.to_string(),
        loa_protocol::timeline::Start::Cron(pattern) => pattern.to_string(),
    };
    json!({
        "bulletin": view.schedule.bulletin.as_str(),
        "start": start,
        "zone": values.zone.name(),
        "excluded_dates": rules.excluded_dates.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "not_on": rules.not_on.iter().map(|calendar| calendar.as_str()).collect::<Vec<_>>(),
        "only_on": rules.only_on.as_ref().map(|calendar| calendar.as_str()),
        "rounds": rules.repeats.map_or(1, |repeats| repeats.rounds),
        "gap_s": rules.repeats.map(|repeats| repeats.gap_ms / 1000),
        "after_interruption": interruption_word(rules.after_interruption),
        "areas": values.areas.iter().map(|a| a.as_str()).collect::<Vec<_>>(),
        "nodes": values.nodes.iter().map(|n| n.as_str()).collect::<Vec<_>>(),
    })
}
