//! The page of the day.

use axum::extract::State;
use loa_protocol::time::UnixMs;

use super::answer::{self, Answer};
use super::heard::{self, Start};
use super::places::Places;
use super::program::{self, Lengths};
use super::reader::Me;
use super::{Site, alerts, shell, words};
use crate::domain::node::NodeState;
use crate::domain::schedule::local_time;
use crate::pages::Nav;
use crate::pages::labels::DayState;
use crate::pages::views::{AlertCard, Coverage, SilentNode, TodayItem, TodayPage, WaitingItem};
use crate::services::{AlertView, ServiceError};

/// How long a sound is taken to last when it is not known, in milliseconds.
const LENGTH_GUESS_MS: u64 = 60_000;
const DAY_MS: i64 = 24 * 3_600_000;

/// `GET /`.
pub(super) async fn page(State(site): State<Site>, me: Me) -> Answer {
    let (places, shell) = shell::open(&site, &me, Nav::Today).await?;
    let day = shell.now.date_naive();
    let today = Today::read(&site, &me, &places).await?;
    answer::page(TodayPage {
        shell,
        day,
        alerts: today.alerts,
        sounding: today.sounding,
        waiting: today.waiting,
        silent: today.silent,
        nodes_all: today.nodes_all,
        nodes_online: today.nodes_online,
    })
}

/// What the page of the day shows, for the page and for its live parts.
pub(super) struct Today {
    pub(super) alerts: Vec<AlertCard>,
    pub(super) sounding: Vec<TodayItem>,
    pub(super) waiting: Vec<WaitingItem>,
    pub(super) silent: Vec<SilentNode>,
    pub(super) nodes_all: usize,
    pub(super) nodes_online: usize,
    /// When the next of today's starts begins or ends, or an emergency is over.
    pub(super) turns: Option<UnixMs>,
}

impl Today {
    /// Reads it for this person at this moment.
    pub(super) async fn read(site: &Site, me: &Me, places: &Places) -> Result<Self, ServiceError> {
        let nodes = site.app.services.nodes.list(me.who()).await?;
        let sounding = sounding(site, me, places, &nodes).await?;
        let enrolled: Vec<_> = nodes.iter().filter(|(node, _)| node.state == NodeState::Enrolled).collect();
        let mut silent: Vec<_> = enrolled.iter().filter(|(_, status)| !status.online).collect();
        // Never seen comes before long unseen: `None` is the smallest.
        silent.sort_by_key(|(_, status)| status.online_changed);
        let now = site.app.services.clock().now();
        let (alerts, next_over) = alerts::in_force(site, me, places).await?;
        Ok(Self {
            turns: sounding.iter().flat_map(turns).filter(|at| *at > now).chain(next_over).min(),
            alerts,
            sounding,
            waiting: waiting(site, me, places).await?,
            silent: silent
                .into_iter()
                .map(|(node, status)| SilentNode {
                    node_id: node.id.to_string(),
                    name: node.name.clone(),
                    area: places.name_of(&node.path),
                    since: status.online_changed.map(|at| places.moment(at, &node.path)),
                })
                .collect(),
            nodes_all: enrolled.len(),
            nodes_online: enrolled.iter().filter(|(_, status)| status.online).count(),
        })
    }
}

async fn sounding(
    site: &Site,
    me: &Me,
    places: &Places,
    nodes: &[program::KnownNode],
) -> Result<Vec<TodayItem>, ServiceError> {
    let now = site.app.services.clock().now();
    let (from, until) = day_of(places, now);
    let schedules = program::schedules(site, me).await?;
    let starts = heard::starts(site, me, places, &schedules, nodes, (from, until)).await?;
    let mut lengths = Lengths::default();
    let mut items = Vec::new();
    for start in &starts {
        let view = start.view.and_then(|at| schedules.get(at));
        let duration_ms = match view.and_then(|view| Some((view, view.bulletin.on_air.as_ref()?))) {
            Some((view, revision)) => {
                lengths.session(site, me, revision, &view.schedule.values.rules).await?
            }
            None => None,
        };
        let coverage = start.coverage();
        let place = match view {
            Some(view) => program::target_words(me.lang(), &view.schedule.values, places, nodes),
            None => Places::short(me.lang(), &start.villages()),
        };
        items.push(TodayItem {
            occurrence_id: start.id.to_string(),
            bulletin_id: start.bulletin.to_string(),
            title: start.title.clone(),
            class: start.class,
            at: places.here(start.nominal),
            duration_ms,
            place,
            state: day_state(start, coverage, duration_ms.unwrap_or(LENGTH_GUESS_MS), now),
            coverage,
        });
    }
    Ok(items)
}

/// When it begins, and when it is over.
fn turns(item: &TodayItem) -> [UnixMs; 2] {
    let start = UnixMs(item.at.timestamp_millis());
    [start, start + i64::try_from(item.duration_ms.unwrap_or(LENGTH_GUESS_MS)).unwrap_or(i64::MAX)]
}

fn day_state(start: &Start, coverage: Coverage, duration_ms: u64, now: UnixMs) -> DayState {
    let end = start.nominal + i64::try_from(duration_ms).unwrap_or(i64::MAX);
    if now < start.nominal {
        DayState::Upcoming
    } else if now < end && coverage.waiting > 0 {
        DayState::Sounding
    } else if coverage.heard == coverage.planned && coverage.planned > 0 {
        DayState::Done
    } else if coverage.heard > 0 || coverage.waiting > 0 {
        DayState::Partly
    } else {
        DayState::Silent
    }
}

async fn waiting(site: &Site, me: &Me, places: &Places) -> Result<Vec<WaitingItem>, ServiceError> {
    let services = &site.app.services;
    let summaries = shell::waiting(site, me.who()).await?;
    let names = services.users.names(summaries.iter().flat_map(|s| s.authors.clone())).await?;
    let mut items = Vec::new();
    for summary in summaries {
        let view = services.bulletins.get(me.who(), &summary.bulletin.id).await?;
        let submitted = view.latest.submitted.map_or(summary.edited, |stamp| stamp.at);
        let item = WaitingItem {
            href: super::bulletins::address(&summary.bulletin.id),
            title: summary.title,
            class: words::class(summary.class),
            author: words::people(me.lang(), &names, &summary.authors),
            submitted_at: places.moment(submitted, &summary.bulletin.path),
        };
        items.push((submitted, item));
    }
    items.sort_by_key(|(submitted, _)| *submitted);
    let mut waiting = emergencies(site, me, places).await?;
    waiting.extend(items.into_iter().map(|(_, item)| item));
    Ok(waiting)
}

/// The emergencies that wait for this person: ahead of all bulletins.
async fn emergencies(site: &Site, me: &Me, places: &Places) -> Result<Vec<WaitingItem>, ServiceError> {
    let services = &site.app.services;
    let views = services.alerts.waiting(me.who()).await?;
    let names = services.users.names(views.iter().map(|view| view.alert.created.by.clone())).await?;
    let item = |view: AlertView| WaitingItem {
        href: format!("/alerts/{}", view.alert.id),
        title: view.revision.title,
        class: words::class(view.revision.class),
        author: words::person(me.lang(), &names, &view.alert.created.by),
        submitted_at: places.moment(view.alert.created.at, &view.alert.path),
    };
    Ok(views.into_iter().map(item).collect())
}

/// The day of an instant where the person works, from midnight to midnight.
fn day_of(places: &Places, now: UnixMs) -> (UnixMs, UnixMs) {
    let day = places.here(now).date_naive();
    let midnight = |day: chrono::NaiveDate| local_time(&format!("{day}T00:00"), places.own_zone());
    // A midnight that the clocks skip is 24 hours from the next one.
    let until = day.succ_opt().and_then(|next| midnight(next).ok()).unwrap_or(now + DAY_MS);
    (midnight(day).unwrap_or(until - DAY_MS), until)
}
