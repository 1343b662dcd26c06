//! What will sound, in the pages' words.

use axum::extract::{Path, State};

use super::list::row;
use crate::pages::Nav;
use crate::pages::labels::Foreseen;
use crate::pages::views::{
    HouseholdsView, PreflightGroup as GroupView, PreflightStart as StartView, PreflightView, SchedulePage,
};
use crate::services::{
    DAYS_DEFAULT, DAYS_MAX, Households, Preflight, PreflightGroup, PreflightOf, PreflightStart, ServiceError,
    Thing, households,
};
use crate::site::answer::{Answer, page as answer_page};
use crate::site::fields::Asked;
use crate::site::places::Places;
use crate::site::reader::Me;
use crate::site::{Site, languages, shell, words};

/// Groups that one page shows, and starts of each.
const GROUPS_MAX: usize = 100;
const STARTS_MAX: usize = 60;
/// Villages that are all named.
const NAMED_MAX: usize = 4;

/// `GET /schedules/{id}`.
pub(in crate::site) async fn page(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Asked(asked): Asked,
) -> Answer {
    let id = id.parse().map_err(|_| ServiceError::NotFound(Thing::Schedule))?;
    let services = &site.app.services;
    let view = services.schedules.get(me.who(), &id).await?;
    let days = asked.one("days").parse().ok().filter(|days| (1..=DAYS_MAX).contains(days));
    let days = days.unwrap_or(DAYS_DEFAULT);
    let preflight = in_words(&site, &me, PreflightOf::Schedule(id), days).await?;
    let (places, mut shell) = shell::open(&site, &me, Nav::Schedules).await?;
    shell.path = format!("/schedules/{}", view.schedule.id);
    let nodes = services.nodes.list(me.who()).await?;
    let row = row(&me, &places, &nodes, &view, None);
    answer_page(SchedulePage {
        shell,
        id: row.id,
        bulletin: row.bulletin,
        rule: row.rule,
        from: row.from,
        until: row.until,
        extras: row.extras,
        places: row.places,
        state: row.state,
        cancellable: row.cancellable,
        days,
        preflight,
    })
}

/// What will sound. What is too much to calculate is said in its place: the page around it still stands.
pub(in crate::site) async fn in_words(
    site: &Site,
    me: &Me,
    of: PreflightOf,
    days: u32,
) -> Result<PreflightView, ServiceError> {
    match site.app.services.preflights.run(me.who(), of, days).await {
        Ok(preflight) => Ok(view(site, me, preflight)),
        Err(ServiceError::TooLarge(message)) => {
            Ok(PreflightView { notes: vec![words::msg(&message)], ..PreflightView::default() })
        }
        Err(other) => Err(other),
    }
}

fn view(site: &Site, me: &Me, preflight: Preflight) -> PreflightView {
    let shown = preflight.groups.iter().take(GROUPS_MAX);
    PreflightView {
        nodes: preflight.nodes(),
        households: counted(preflight.households()),
        notes: preflight.notes.iter().map(words::msg).collect(),
        more: preflight.groups.len().saturating_sub(GROUPS_MAX),
        groups: shown.map(|group| group_view(site, me, group)).collect(),
    }
}

fn group_view(site: &Site, me: &Me, group: &PreflightGroup) -> GroupView {
    let names: Vec<String> = group.villages.iter().map(|village| village.name.clone()).collect();
    GroupView {
        places: if names.len() <= NAMED_MAX { names.join(", ") } else { Places::short(me.lang(), &names) },
        nodes: group.villages.iter().map(|village| village.nodes.len()).sum(),
        households: counted(households(group.villages.iter())),
        languages: named(site, me, &group.languages),
        more: group.starts.len().saturating_sub(STARTS_MAX),
        starts: group
            .starts
            .iter()
            .take(STARTS_MAX)
            .map(|start| start_view(site, me, group, start))
            .collect(),
    }
}

fn start_view(site: &Site, me: &Me, group: &PreflightGroup, foreseen: &PreflightStart) -> StartView {
    let start = &foreseen.start;
    let began = start.sounds.first().map(|(began, _)| *began).filter(|began| *began > start.planned);
    StartView {
        at: words::moment(start.planned, group.zone),
        title: start.title.clone(),
        later: began.map(|began| words::moment(began, group.zone)),
        duration_ms: u64::try_from(start.sound_ms).unwrap_or(0),
        languages: named(site, me, &start.languages),
        outcome: Foreseen::from_code(start.outcome.as_str()).unwrap_or(Foreseen::Missed),
        why: foreseen.why().map(|why| words::msg(&why)),
    }
}

fn named(site: &Site, me: &Me, languages: &[loa_protocol::bulletin::Language]) -> String {
    let names = languages.iter().map(|language| languages::name(site, me.lang(), language.as_str()));
    names.collect::<Vec<_>>().join(", ")
}

fn counted(households: Households) -> HouseholdsView {
    HouseholdsView { known: households.known, unknown: households.unknown_villages }
}
