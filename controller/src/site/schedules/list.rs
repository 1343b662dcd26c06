//! What is to come, and the schedules that stand.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use chrono::{Days, NaiveDate};
use loa_protocol::ids::ItemId;
use loa_protocol::time::UnixMs;

use super::rule;
use crate::domain::role::Action;
use crate::pages::format;
use crate::pages::labels::ScheduleState;
use crate::pages::views::{BulletinName, OccurrenceRow, ScheduleDay, ScheduleRow, SchedulesPage};
use crate::pages::{Moment, Msg, Nav, msg};
use crate::services::{Readiness, Ready, ScheduleView, ServiceError, Thing};
use crate::site::answer::{Answer, done, page as answer_page};
use crate::site::fields::{Posted, local_path};
use crate::site::places::Places;
use crate::site::program::{self, KnownNode, Lengths};
use crate::site::reader::Me;
use crate::site::{Site, flash, shell, words};

/// How far the page looks ahead: a week.
const AHEAD_MS: i64 = 7 * 24 * 3_600_000;
/// Most starts to come that are listed.
const STARTS_MAX: usize = 100;
/// Most areas of a schedule of which it is told how far they are.
const AREAS_SHOWN: usize = 12;

/// `GET /schedules`.
pub(in crate::site) async fn page(State(site): State<Site>, me: Me) -> Answer {
    let (places, shell) = shell::open(&site, &me, Nav::Schedules).await?;
    let schedules = program::schedules(&site, &me).await?;
    let nodes = site.app.services.nodes.list(me.who()).await?;
    let days = days(&site, &me, &places, &nodes, &schedules).await?;
    let readiness = site.app.services.schedules.readiness(me.who(), &schedules).await?;
    let standing = rows(&me, &places, &nodes, &schedules, &readiness);
    answer_page(SchedulesPage { shell, days, standing })
}

/// `POST /schedules/{id}/cancel`.
pub(in crate::site) async fn cancel(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(form): Posted,
) -> Answer {
    let id = id.parse().map_err(|_| ServiceError::NotFound(Thing::Schedule))?;
    site.app.services.schedules.cancel(me.who(), &id).await?;
    let next = match local_path(form.one("next")) {
        "/" => "/schedules",
        next => next,
    };
    done(next, flash::plain(msg::SCHEDULE_CANCELLED, site.app.web.secure_cookies))
}

async fn days(
    site: &Site,
    me: &Me,
    places: &Places,
    nodes: &[KnownNode],
    schedules: &[ScheduleView],
) -> Result<Vec<ScheduleDay>, ServiceError> {
    let now = site.app.services.clock().now();
    let mut lengths = Lengths::default();
    let mut days: BTreeMap<NaiveDate, Vec<OccurrenceRow>> = BTreeMap::new();
    let planned = program::planned(schedules, now, now + AHEAD_MS);
    for start in planned.iter().take(STARTS_MAX) {
        let Some(view) = schedules.get(start.view) else { continue };
        let duration_ms = match &view.bulletin.on_air {
            Some(revision) => lengths.session(site, me, revision, &view.schedule.values.rules).await?,
            None => None,
        };
        let targets: Vec<&KnownNode> = program::targets(&view.schedule.values, nodes).collect();
        let at = places.here(start.nominal);
        days.entry(at.date_naive()).or_default().push(OccurrenceRow {
            bulletin: name(view),
            at,
            duration_ms,
            place: program::target_words(me.lang(), &view.schedule.values, places, nodes),
            nodes: targets.len(),
            offline: targets.iter().filter(|(_, status)| !status.online).count(),
        });
    }
    Ok(days.into_iter().map(|(day, occurrences)| ScheduleDay { day, occurrences }).collect())
}

/// Schedules as rows, those with a start to come first, the soonest first.
pub(in crate::site) fn rows(
    me: &Me,
    places: &Places,
    nodes: &[KnownNode],
    schedules: &[ScheduleView],
    readiness: &BTreeMap<ItemId, Readiness>,
) -> Vec<ScheduleRow> {
    let mut views: Vec<&ScheduleView> = schedules.iter().collect();
    views.sort_by_key(|view| {
        (view.next.is_none(), view.next.map(|next| next.at), std::cmp::Reverse(view.schedule.created))
    });
    let row = |view: &ScheduleView| row(me, places, nodes, view, readiness.get(&view.schedule.id));
    views.into_iter().map(row).collect()
}

pub(super) fn row(
    me: &Me,
    places: &Places,
    nodes: &[KnownNode],
    view: &ScheduleView,
    readiness: Option<&Readiness>,
) -> ScheduleRow {
    let values = &view.schedule.values;
    let zone = values.zone;
    let day = |at: UnixMs| words::moment(at, zone).date_naive();
    let state = if view.schedule.cancelled.is_some() {
        ScheduleState::Cancelled
    } else if view.next.is_none() {
        ScheduleState::Ended
    } else if view.bulletin.on_air.is_none() {
        ScheduleState::Blocked
    } else {
        ScheduleState::Active
    };
    let next =
        view.next.filter(|_| state == ScheduleState::Active).map(|start| words::moment(start.at, start.zone));
    let sets = me.who().may(Action::Schedule(view.class()), &view.bulletin.bulletin.path);
    ScheduleRow {
        id: view.schedule.id.to_string(),
        bulletin: name(view),
        rule: rule::rule(&values.start, zone),
        extras: rule::extras(view),
        from: values.valid_from.map(day),
        // It counts no more from midnight after its last day.
        until: values.valid_until.and_then(|until| day(until).checked_sub_days(Days::new(1))),
        places: program::target_names(values, places, nodes),
        state,
        ready: next.as_ref().zip(readiness).map(|(next, of)| ready(places, next, of)).unwrap_or_default(),
        next,
        cancellable: sets && matches!(state, ScheduleState::Active | ScheduleState::Blocked),
    }
}

fn name(view: &ScheduleView) -> BulletinName {
    BulletinName {
        id: view.bulletin.bulletin.id.to_string(),
        title: view.title().to_owned(),
        class: words::class(view.class()),
    }
}

/// `412/500 ready for 17:00`, where the others are with it, and each area where there are several.
fn ready(places: &Places, next: &Moment, readiness: &Readiness) -> Vec<Msg> {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let Ready { nodes, ready, fetching, waiting, away, blocks_have, blocks_total } = readiness.all;
    if nodes == 0 {
        return Vec::new();
    }
    let of = |key, ready: &Ready, x: String| {
        Msg::new(key).with_number("n", number(ready.ready)).with_number("m", number(ready.nodes)).with("x", x)
    };
    let mut lines = vec![of(msg::READY_FOR, &readiness.all, format::date_time(next))];
    if ready == nodes {
        return lines;
    }
    if fetching > 0 {
        let percent = (blocks_have * 100).checked_div(blocks_total).unwrap_or(0);
        let percent = i64::try_from(percent).unwrap_or(0);
        let fetching = Msg::new(msg::READY_FETCHING).with_number("n", number(fetching));
        lines.push(fetching.with_number("m", percent));
    }
    let rest = [(waiting, msg::READY_WAITING), (away, msg::READY_AWAY)];
    let rest = rest.into_iter().filter(|(count, _)| *count > 0);
    lines.extend(rest.map(|(count, key)| Msg::new(key).with_number("n", number(count))));
    if readiness.areas.len() > 1 {
        let areas = readiness.areas.iter().take(AREAS_SHOWN);
        lines.extend(areas.map(|(area, ready)| of(msg::READY_IN, ready, places.name(area))));
    }
    lines
}
