//! One node.

use axum::extract::{Path, State};
use loa_protocol::ids::NodeId;

use super::form::line_word;
use super::list::Known;
use super::named;
use crate::domain::message::Message;
use crate::domain::node::NodeState;
use crate::domain::refused;
use crate::domain::role::Action;
use crate::enrol::ShownToken;
use crate::pages::views::{EnrolmentToken, NodePage, ToldRow};
use crate::pages::{Msg, Nav, msg};
use crate::services::ServiceError;
use crate::site::answer::{Answer, page as answer_page};
use crate::site::reader::Me;
use crate::site::{Site, area_rules, heard, shell};
use crate::store::receipts::ReceiptFilter;

/// Receipts that are shown.
const RECEIPTS_SHOWN: u32 = 20;

/// `GET /nodes/{id}`.
pub(in crate::site) async fn page(State(site): State<Site>, me: Me, Path(id): Path<String>) -> Answer {
    answer_page(view_of(&site, &me, &named(&id)?, None).await?)
}

/// The page of a node, with a token that was only just made.
pub(super) async fn view_of(
    site: &Site,
    me: &Me,
    id: &NodeId,
    token: Option<ShownToken>,
) -> Result<NodePage, ServiceError> {
    let services = &site.app.services;
    let (node, status) = services.nodes.get(me.who(), id).await?;
    let (places, mut shell) = shell::open(site, me, Nav::Nodes).await?;
    shell.path = format!("/nodes/{id}");
    let known = Known::of(site, me, id).await?;
    let filter = ReceiptFilter { node: Some(id.clone()), limit: RECEIPTS_SHOWN, ..ReceiptFilter::default() };
    let receipts = services.heard.receipts(me.who(), &filter).await?;
    let events = services.nodes.events(me.who(), id).await?;
    let doubts = services.nodes.doubts(me.who(), id).await?;
    let own_guards = services.nodes.own_guards(me.who(), id).await?;
    let manages = me.who().may(Action::ManageNodes, &node.path);
    Ok(NodePage {
        shell,
        epochs: services.nodes.epochs(me.who(), id).await?,
        token: token.map(|token| EnrolmentToken {
            command: format!("loa-node enrol {}", token.text),
            token: token.text,
            expires_at: places.moment(token.expires, &node.path),
        }),
        // A board that is replaced gets one too; a revoked node is over.
        can_issue_token: manages && node.state != NodeState::Revoked,
        can_revoke: manages && node.state != NodeState::Revoked,
        own_rules: own_guards.map(|own| (own.zone.0.name().to_owned(), area_rules::guard_lines(&own.guards))),
        heard: heard::rows_of_node(&places, &receipts),
        refused: events
            .iter()
            .map(|(event, received)| {
                let Message { vi, en, .. } = refused::words(&event.kind);
                ToldRow { at: places.moment(*received, &node.path), what: Msg::both(vi, en) }
            })
            .collect(),
        doubts: doubts
            .iter()
            .map(|(number, doubt, found)| {
                let Message { vi, en, .. } = doubt.words(*number);
                ToldRow { at: places.moment(*found, &node.path), what: Msg::both(vi, en) }
            })
            .collect(),
        serial: node.serial.clone(),
        firmware: status.firmware.clone(),
        line: Msg::new(line_word(node.line)),
        stuck: services
            .deliveries()
            .stuck(id)
            .map(|stuck| Msg::new(msg::NODE_STUCK_IN).with_number("n", i64::from(stuck.wants))),
        node: known.row(&places, &node, &status),
    })
}
