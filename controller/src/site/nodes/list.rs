//! The list of nodes, and a node as one row.

use std::collections::BTreeMap;

use axum::extract::State;
use loa_protocol::ids::{AreaId, NodeId};
use loa_protocol::report::Health;

use crate::domain::node::{Node, NodeState, NodeStatus};
use crate::pages::Nav;
use crate::pages::labels::{ClockTrust, Link};
use crate::pages::views::{LastReceipt, NodeCache, NodeClock, NodeCounts, NodeFilter, NodeRow, NodesPage};
use crate::services::ServiceError;
use crate::site::answer::{Answer, page as answer_page};
use crate::site::fields::Asked;
use crate::site::places::Places;
use crate::site::reader::Me;
use crate::site::{Site, pager, shell, words};
use crate::store::receipts::{ReceiptFilter, ReceiptRecord};

/// Most receipts that are looked through for the last one of each node.
const RECEIPTS_MAX: u32 = 5_000;

/// Nodes of one page.
const PER_PAGE: usize = 100;

/// `GET /nodes`.
pub(in crate::site) async fn page(State(site): State<Site>, me: Me, Asked(asked): Asked) -> Answer {
    let (places, shell) = shell::open(&site, &me, Nav::Nodes).await?;
    let filter =
        NodeFilter { q: asked.text("q"), area: asked.text("area"), link: Link::from_code(asked.one("link")) };
    let nodes = site.app.services.nodes.list(me.who()).await?;
    let known = Known::read(&site, &me).await?;
    let sought = filter.q.trim().to_lowercase();
    let area = AreaId::new(filter.area.as_str()).ok();
    let found: Vec<_> = nodes
        .iter()
        .filter(|(node, status)| {
            (sought.is_empty() || node.name.to_lowercase().contains(&sought))
                && area.as_ref().is_none_or(|area| node.path.contains(area))
                && filter.link.is_none_or(|wanted| link(node, status) == wanted)
        })
        .collect();
    let (found, pager) = pager::cut("/nodes", &asked, &["q", "area", "link"], found, PER_PAGE);
    let rows = found.into_iter().map(|(node, status)| known.row(&places, node, status)).collect();
    let (areas, counts) = (places.choices(|_| true), counts(&nodes));
    answer_page(NodesPage { shell, filter, areas, rows, pager, counts })
}

/// Nodes by state.
pub(in crate::site) fn counts(nodes: &[(Node, NodeStatus)]) -> NodeCounts {
    let count = |wanted| nodes.iter().filter(|(node, status)| link(node, status) == wanted).count();
    NodeCounts {
        online: count(Link::Online),
        offline: count(Link::Offline),
        waiting: count(Link::Waiting),
        revoked: count(Link::Revoked),
    }
}

fn link(node: &Node, status: &NodeStatus) -> Link {
    match node.state {
        NodeState::Pending => Link::Waiting,
        NodeState::Revoked => Link::Revoked,
        NodeState::Enrolled if status.online => Link::Online,
        NodeState::Enrolled => Link::Offline,
    }
}

/// What is known of nodes besides their record: health and last receipts.
pub(in crate::site) struct Known {
    health: BTreeMap<NodeId, Health>,
    last: BTreeMap<NodeId, ReceiptRecord>,
}

impl Known {
    /// Reads it for all nodes that the person may see.
    pub(in crate::site) async fn read(site: &Site, me: &Me) -> Result<Self, ServiceError> {
        let filter = ReceiptFilter { limit: RECEIPTS_MAX, ..ReceiptFilter::default() };
        let health = site.app.services.nodes.last_health(me.who()).await?;
        Ok(Self { health, last: last_receipts(site, me, &filter).await? })
    }

    /// Reads it for one node.
    pub(in crate::site) async fn of(site: &Site, me: &Me, node: &NodeId) -> Result<Self, ServiceError> {
        let filter = ReceiptFilter { node: Some(node.clone()), limit: 1, ..ReceiptFilter::default() };
        let reports = site.app.services.nodes.health(me.who(), node).await?;
        let latest = reports.into_iter().next().map(|(health, _)| (node.clone(), health));
        Ok(Self { health: latest.into_iter().collect(), last: last_receipts(site, me, &filter).await? })
    }

    /// A node as a row.
    pub(in crate::site) fn row(&self, places: &Places, node: &Node, status: &NodeStatus) -> NodeRow {
        let health = self.health.get(&node.id);
        let link = link(node, status);
        let since = match link {
            Link::Online | Link::Offline => status.online_changed,
            Link::Waiting => Some(node.created),
            Link::Revoked => None,
        };
        let ready = status.objects_ready.map(|ready| ready as usize);
        let fetching = status.objects_fetching.unwrap_or_default() as usize;
        NodeRow {
            id: node.id.to_string(),
            name: node.name.clone(),
            area: places.name_of(&node.path),
            link,
            since: since.map(|at| places.moment(at, &node.path)),
            clock: status.clock.as_deref().map(|trust| NodeClock {
                trust: clock(trust),
                // A century of milliseconds is far below 2^53.
                ahead_ms: health.and_then(|health| health.clock_ahead_ms).map(|ms| ms as f64),
            }),
            cache: ready.map(|ready| NodeCache {
                ready,
                planned: ready + fetching,
                free_bytes: health.and_then(|health| health.disk_free_bytes),
            }),
            temperature_c: health
                .and_then(|health| health.temperature_decidegrees)
                .map(|tenths| f64::from(tenths) / 10.0),
            supply_v: health.and_then(|health| health.supply_mv).map(|mv| f64::from(mv) / 1000.0),
            speaker_works: health.and_then(|health| health.speaker_works),
            last: self.last.get(&node.id).map(|receipt| LastReceipt {
                at: places.moment(receipt.started.unwrap_or(receipt.nominal), &node.path),
                outcome: words::outcome(&receipt.outcome),
                title: receipt.title.clone().unwrap_or_default(),
            }),
        }
    }
}

async fn last_receipts(
    site: &Site,
    me: &Me,
    filter: &ReceiptFilter,
) -> Result<BTreeMap<NodeId, ReceiptRecord>, ServiceError> {
    let mut last = BTreeMap::new();
    for receipt in site.app.services.heard.receipts(me.who(), filter).await? {
        // The latest planned comes first.
        last.entry(receipt.node.clone()).or_insert(receipt);
    }
    Ok(last)
}

/// The words are those of [`loa_protocol::report::ClockTrust`].
fn clock(trust: &str) -> ClockTrust {
    ClockTrust::from_code(trust).unwrap_or(ClockTrust::Unknown)
}
