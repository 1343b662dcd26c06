//! What sounded where: planned starts and the receipts of nodes, put together.

use std::collections::BTreeMap;

use axum::extract::State;
use chrono::NaiveDate;
use loa_protocol::ids::{AreaId, BulletinId, ItemId, NodeId, OccurrenceId};
use loa_protocol::time::UnixMs;

use super::answer::{Answer, page as answer_page};
use super::fields::{Asked, Fields};
use super::places::Places;
use super::program::{self, KnownNode, Planned};
use super::reader::Me;
use super::{Site, pager, shell, words};
use crate::domain::schedule::local_time;
use crate::pages::Nav;
use crate::pages::labels::{Class, Outcome};
use crate::pages::views::{
    BulletinName, Coverage, EarlierReceipt, HeardFilter, HeardOccurrence, HeardPage, HeardRow, Pager,
};
use crate::services::{ScheduleView, ServiceError};
use crate::store::receipts::{ReceiptFilter, ReceiptRecord};

/// Occurrences of one page.
const PER_PAGE: usize = 20;
/// How far back the page looks when nobody says otherwise: 31 days, and a year for one bulletin, node or occurrence.
const LOOK_BACK_MS: i64 = 31 * DAY_MS;
const LOOK_BACK_ONE_MS: i64 = 366 * DAY_MS;
const DAY_MS: i64 = 24 * 3_600_000;
/// Nodes of one occurrence that are shown; where there are more, those that did not sound wholly come first.
const ROWS_MAX: usize = 200;
/// Most receipts that one page reads.
const RECEIPTS_MAX: u32 = 5_000;

/// `GET /heard`.
pub(super) async fn page(State(site): State<Site>, me: Me, Asked(asked): Asked) -> Answer {
    let (places, shell) = shell::open(&site, &me, Nav::Heard).await?;
    let HeardListed { filter, occurrences, pager } = list(&site, &me, &places, &asked).await?;
    answer_page(HeardPage { shell, filter, areas: places.choices(|_| true), occurrences, pager })
}

/// One page of occurrences.
pub(super) struct HeardListed {
    /// The filter that was asked for.
    pub(super) filter: HeardFilter,
    /// The occurrences, the latest first.
    pub(super) occurrences: Vec<HeardOccurrence>,
    /// Ways on.
    pub(super) pager: Pager,
}

/// The occurrences that an address asks for.
pub(super) async fn list(
    site: &Site,
    me: &Me,
    places: &Places,
    asked: &Fields,
) -> Result<HeardListed, ServiceError> {
    let filter = filter(asked);
    let found = occurrences(site, me, places, &filter).await?;
    let names = ["from", "to", "area", "outcome", "bulletin", "occurrence", "node"];
    let (occurrences, pager) = pager::cut("/heard", asked, &names, found, PER_PAGE);
    Ok(HeardListed { filter, occurrences, pager })
}

/// The filter that an address asks for.
fn filter(asked: &Fields) -> HeardFilter {
    HeardFilter {
        from: asked.text("from"),
        to: asked.text("to"),
        area: asked.text("area"),
        outcome: Outcome::from_code(asked.one("outcome")),
        bulletin: asked.text("bulletin"),
        occurrence: asked.text("occurrence"),
        node: asked.text("node"),
    }
}

/// The occurrences that match, the latest first.
async fn occurrences(
    site: &Site,
    me: &Me,
    places: &Places,
    filter: &HeardFilter,
) -> Result<Vec<HeardOccurrence>, ServiceError> {
    let now = site.app.services.clock().now();
    let day = |text: &str, after: u64| {
        let day: NaiveDate = text.parse().ok()?;
        let day = day.checked_add_days(chrono::Days::new(after))?;
        local_time(&format!("{day}T00:00"), places.own_zone()).ok()
    };
    let one = !(filter.bulletin.is_empty() && filter.node.is_empty() && filter.occurrence.is_empty());
    let look_back_ms = if one { LOOK_BACK_ONE_MS } else { LOOK_BACK_MS };
    let from = day(&filter.from, 0).unwrap_or(now - look_back_ms);
    // What is to come has not sounded.
    let until = day(&filter.to, 1).unwrap_or(now).min(now + 1);
    let schedules = program::schedules(site, me).await?;
    let nodes = site.app.services.nodes.list(me.who()).await?;
    let mut starts = starts(site, me, places, &schedules, &nodes, (from, until)).await?;
    starts.reverse();
    starts.retain(|start| {
        (filter.bulletin.is_empty() || start.bulletin.as_str() == filter.bulletin)
            && (filter.occurrence.is_empty() || start.has_id(&filter.occurrence))
    });
    let area = AreaId::new(filter.area.as_str()).ok();
    let shown = |node: &AtNode| {
        area.as_ref().is_none_or(|area| node.path.contains(area))
            && filter.outcome.is_none_or(|outcome| node.outcome() == outcome)
            && (filter.node.is_empty() || node.id.as_str() == filter.node)
    };
    Ok(starts
        .iter()
        .filter(|start| start.nodes.iter().any(shown))
        .map(|start| start.view(places, shown))
        .collect())
}

/// One planned start, and every node that was to sound or says that it did.
#[derive(Debug, Clone)]
pub(super) struct Start {
    /// The occurrence.
    pub(super) id: OccurrenceId,
    /// The bulletin.
    pub(super) bulletin: BulletinId,
    /// Its title.
    pub(super) title: String,
    /// Its class.
    pub(super) class: Class,
    /// When it was to start.
    pub(super) nominal: UnixMs,
    /// Its schedule in the list of schedules, if the person may see it.
    pub(super) view: Option<usize>,
    nodes: Vec<AtNode>,
}

/// What one node did.
#[derive(Debug, Clone)]
struct AtNode {
    id: NodeId,
    name: String,
    path: loa_protocol::area::AreaPath,
    area: String,
    receipt: Option<ReceiptRecord>,
    /// What it said before, the latest first.
    earlier: Vec<ReceiptRecord>,
}

impl AtNode {
    /// Takes one more receipt; the latest holds.
    fn take(&mut self, receipt: ReceiptRecord) {
        self.earlier.extend(self.receipt.take());
        self.earlier.push(receipt);
        self.earlier.sort_by_key(|receipt| std::cmp::Reverse((receipt.received, receipt.number)));
        self.receipt = Some(self.earlier.remove(0));
    }

    fn outcome(&self) -> Outcome {
        self.receipt.as_ref().map_or(Outcome::Waiting, |receipt| words::outcome(&receipt.outcome))
    }
}

impl Start {
    /// How many of the nodes sounded wholly.
    pub(super) fn coverage(&self) -> Coverage {
        let count = |outcome| self.nodes.iter().filter(|node| node.outcome() == outcome).count();
        Coverage {
            heard: count(Outcome::Played),
            planned: self.nodes.len(),
            waiting: count(Outcome::Waiting),
        }
    }

    /// Names of the areas of its nodes, each once.
    pub(super) fn villages(&self) -> Vec<String> {
        let mut names: Vec<String> = self.nodes.iter().map(|node| node.area.clone()).collect();
        names.dedup();
        names
    }

    /// A node may have played an earlier revision, whose occurrence has another name.
    fn has_id(&self, id: &str) -> bool {
        let receipts = self.nodes.iter().flat_map(|node| node.receipt.iter().chain(&node.earlier));
        self.id.to_string() == id || receipts.map(|r| r.occurrence).any(|other| other.to_string() == id)
    }

    fn view(&self, places: &Places, shown: impl Fn(&AtNode) -> bool) -> HeardOccurrence {
        let mut nodes: Vec<&AtNode> = self.nodes.iter().filter(|node| shown(node)).collect();
        let more = nodes.len().saturating_sub(ROWS_MAX);
        if more > 0 {
            nodes.sort_by_key(|node| node.outcome() == Outcome::Played);
            nodes.truncate(ROWS_MAX);
        }
        HeardOccurrence {
            id: self.id.to_string(),
            bulletin: BulletinName {
                id: self.bulletin.to_string(),
                title: self.title.clone(),
                class: self.class,
            },
            planned_at: places.here(self.nominal),
            coverage: self.coverage(),
            rows: nodes.into_iter().map(|node| row(places, node, self.nominal)).collect(),
            more,
        }
    }
}

fn row(places: &Places, node: &AtNode, nominal: UnixMs) -> HeardRow {
    let receipt = node.receipt.as_ref();
    #[expect(clippy::cast_precision_loss, reason = "errors of a start are far below 2^53 ms")]
    let error_ms = receipt.and_then(ReceiptRecord::start_error_ms).map(|ms| ms as f64);
    HeardRow {
        node_id: node.id.to_string(),
        node_name: node.name.clone(),
        area: node.area.clone(),
        planned_at: places.moment(nominal, &node.path),
        started_at: receipt.and_then(|r| r.started).map(|at| places.moment(at, &node.path)),
        error_ms,
        duration_ms: receipt.and_then(|r| r.played_ms).map(u64::from),
        outcome: node.outcome(),
        reason: receipt.and_then(|r| r.reason.as_deref()).map(words::reason),
        earlier: node
            .earlier
            .iter()
            .map(|r| EarlierReceipt {
                outcome: words::outcome(&r.outcome),
                reason: r.reason.as_deref().map(words::reason),
                duration_ms: r.played_ms.map(u64::from),
            })
            .collect(),
    }
}

/// The receipts of one node as rows, in the order in which they are given.
pub(super) fn rows_of_node(places: &Places, receipts: &[ReceiptRecord]) -> Vec<HeardRow> {
    receipts.iter().map(|receipt| row(places, &said(receipt), receipt.nominal)).collect()
}

fn said(receipt: &ReceiptRecord) -> AtNode {
    AtNode {
        id: receipt.node.clone(),
        name: receipt.node_name.clone(),
        path: receipt.path.clone(),
        area: receipt.area_name.clone(),
        receipt: Some(receipt.clone()),
        earlier: Vec::new(),
    }
}

/// Every planned start from `from` up to but not at `until`, and every one that a node tells of, the earliest first.
pub(super) async fn starts(
    site: &Site,
    me: &Me,
    places: &Places,
    schedules: &[ScheduleView],
    nodes: &[KnownNode],
    (from, until): (UnixMs, UnixMs),
) -> Result<Vec<Start>, ServiceError> {
    let filter = ReceiptFilter {
        from: Some(from),
        until: Some(until),
        limit: RECEIPTS_MAX,
        ..ReceiptFilter::default()
    };
    let receipts = site.app.services.heard.receipts(me.who(), &filter).await?;
    let planned = program::planned(schedules, from, until);
    let unread_from = (receipts.len() == RECEIPTS_MAX as usize).then(|| receipts.last().map(|r| r.nominal));
    let mut starts = merge(planned, receipts, schedules, nodes, places);
    // Of what lies at or before the oldest receipt that was read, others may have been left unread: better not shown
    // than shown as not heard. The latest start of all is shown in any case.
    if let Some(oldest) = unread_from.flatten() {
        let latest = starts.last().map(|start| start.nominal);
        starts.retain(|start| start.nominal > oldest || Some(start.nominal) == latest);
    }
    Ok(starts)
}

fn merge(
    planned: Vec<Planned>,
    receipts: Vec<ReceiptRecord>,
    schedules: &[ScheduleView],
    nodes: &[KnownNode],
    places: &Places,
) -> Vec<Start> {
    let mut starts: BTreeMap<(UnixMs, ItemId), Start> = BTreeMap::new();
    for plan in planned {
        let Some(view) = schedules.get(plan.view) else { continue };
        let aimed = program::targets(&view.schedule.values, nodes);
        // A board that enrolled later was never to sound then.
        let aimed = aimed.filter(|(node, _)| node.enrolled.is_none_or(|at| at <= plan.nominal));
        let start = Start {
            id: plan.id,
            bulletin: view.bulletin.bulletin.id.clone(),
            title: view.title().to_owned(),
            class: words::class(view.class()),
            nominal: plan.nominal,
            view: Some(plan.view),
            nodes: aimed
                .map(|(node, _)| AtNode {
                    id: node.id.clone(),
                    name: node.name.clone(),
                    path: node.path.clone(),
                    area: places.name_of(&node.path),
                    receipt: None,
                    earlier: Vec::new(),
                })
                .collect(),
        };
        starts.insert((plan.nominal, plan.item), start);
    }
    for receipt in receipts {
        let view = schedules.iter().position(|view| view.schedule.id == receipt.item);
        let start = starts.entry((receipt.nominal, receipt.item.clone())).or_insert_with(|| Start {
            id: receipt.occurrence,
            bulletin: receipt.bulletin.clone(),
            title: receipt.title.clone().unwrap_or_else(|| receipt.bulletin.to_string()),
            class: view.and_then(|at| schedules.get(at)).map_or(Class::Normal, |v| words::class(v.class())),
            nominal: receipt.nominal,
            view,
            nodes: Vec::new(),
        });
        match start.nodes.iter_mut().find(|node| node.id == receipt.node) {
            Some(node) => node.take(receipt),
            None => start.nodes.push(said(&receipt)),
        }
    }
    starts.into_values().collect()
}
