//! Orders that silence: the page on which they are given, and seen to be obeyed.

use axum::extract::State;
use loa_protocol::bulletin::Class;
use loa_protocol::ids::{AreaId, BulletinId};

use super::answer::{Answer, done, page as answer_page, refused};
use super::fields::{Asked, Fields, Posted};
use super::places::Places;
use super::reader::Me;
use super::{Site, flash, shell, words};
use crate::domain::bulletin::RevisionState;
use crate::domain::live_order::OrderKind;
use crate::pages::views::{Emergency, OrderCard, OrderForm, OrdersPage};
use crate::pages::{Choice, Errors, Msg, Nav, msg};
use crate::services::{OrderView, ServiceError};
use crate::store::bulletins::BulletinFilter;

/// Orders of one page.
const SHOWN: u32 = 20;
/// Most approved bulletins that are looked through for corrections.
const CORRECTIONS_MAX: u32 = 200;

/// `GET /orders?bulletin=`.
pub(super) async fn page(State(site): State<Site>, me: Me, Asked(asked): Asked) -> Answer {
    answer_page(view_of(&site, &me, &asked, Errors::none()).await?)
}

/// `POST /orders`.
pub(super) async fn give(State(site): State<Site>, me: Me, Posted(form): Posted) -> Answer {
    let orders = &site.app.services.live_orders;
    let reason = form.one("reason");
    let given = match form.one("order") {
        "cancel" => {
            let bulletin = super::bulletins::named(form.one("bulletin"))?;
            let correction = match form.one("correction") {
                "" => None,
                id => Some(super::bulletins::named(id)?),
            };
            orders.cancel(me.who(), &bulletin, correction.as_ref(), reason).await
        }
        order @ ("stop_all" | "all_clear") => match AreaId::new(form.one("area")) {
            Ok(area) => orders.give(me.who(), &area, order == "all_clear", reason).await,
            Err(_) => {
                let errors = Errors::none().with("area", Msg::new(msg::NOT_A_CHOICE));
                return refused(view_of(&site, &me, &form, errors).await?);
            }
        },
        _ => {
            let errors = Errors::none().with("", Msg::new(msg::NOT_A_CHOICE));
            return refused(view_of(&site, &me, &form, errors).await?);
        }
    };
    match given {
        Ok(_) => done("/orders", flash::plain(msg::ORDER_GIVEN, site.app.web.secure_cookies)),
        Err(ServiceError::Invalid(wrong)) => {
            let mut errors = Errors::none();
            for error in &wrong {
                errors.put(error.field.clone(), words::msg(&error.message));
            }
            refused(view_of(&site, &me, &form, errors).await?)
        }
        Err(other) => Err(other.into()),
    }
}

/// The page, with its form as typed or as the address asks for it.
async fn view_of(site: &Site, me: &Me, typed: &Fields, errors: Errors) -> Result<OrdersPage, ServiceError> {
    let (places, mut shell) = shell::open(site, me, Nav::Today).await?;
    shell.path = "/orders".to_owned();
    let orders = latest(site, me, &places).await?;
    if !may_anywhere(me) {
        return Ok(OrdersPage { shell, form: None, orders });
    }
    let emergency = match BulletinId::new(typed.one("bulletin")) {
        Ok(bulletin) => Some(emergency(site, me, &bulletin, typed.text("correction")).await?),
        Err(_) => None,
    };
    let form = OrderForm {
        emergency,
        areas: places.choices(|area| me.who().may_silence(Class::Emergency, &area.path)),
        area: typed.text("area"),
        reason: typed.text("reason"),
        errors,
    };
    Ok(OrdersPage { shell, form: Some(form), orders })
}

fn may_anywhere(me: &Me) -> bool {
    shell::can(me.who()).silence
}

async fn emergency(
    site: &Site,
    me: &Me,
    bulletin: &BulletinId,
    correction: String,
) -> Result<Emergency, ServiceError> {
    let bulletins = &site.app.services.bulletins;
    let view = bulletins.get(me.who(), bulletin).await?;
    let filter = BulletinFilter {
        state: Some(RevisionState::Approved),
        limit: CORRECTIONS_MAX,
        ..BulletinFilter::default()
    };
    let approved = bulletins.list(me.who(), &filter).await?;
    let corrections = approved
        .into_iter()
        .filter(|summary| summary.class == Class::Emergency && summary.bulletin.id != *bulletin)
        .map(|summary| Choice::new(summary.bulletin.id.as_str(), summary.title))
        .collect();
    Ok(Emergency { id: bulletin.to_string(), title: view.latest.title, corrections, correction })
}

/// The latest orders, for the page and for its live part.
pub(super) async fn latest(site: &Site, me: &Me, places: &Places) -> Result<Vec<OrderCard>, ServiceError> {
    let services = &site.app.services;
    let views = services.live_orders.list(me.who(), SHOWN).await?;
    let names = services.users.names(views.iter().map(|view| view.order.given_by.clone())).await?;
    let now = services.clock().now();
    let mut cards = Vec::new();
    for OrderView { order, nodes, still } in views {
        let (kind, bulletin) = match &order.kind {
            OrderKind::StopAll => ("order-kind-stop-all", None),
            OrderKind::AllClear => ("order-kind-all-clear", None),
            OrderKind::StopBulletin(id) => {
                let title = services.bulletins.get(me.who(), id).await?.latest.title;
                ("order-kind-stop-bulletin", Some((id.to_string(), title)))
            }
        };
        let by = words::person(me.lang(), &names, &order.given_by);
        cards.push(OrderCard {
            kind,
            bulletin,
            area: places.name_of(&order.path),
            reason: words::because(me.lang(), &order.reason),
            given_at: places.moment(order.given, &order.path),
            given_by: by,
            sent: order.sent.is_some(),
            still: still.into_iter().map(|(alert, title)| (alert.to_string(), title)).collect(),
            over: order.expires <= now,
            answered: nodes.iter().filter(|node| node.answered.is_some()).count(),
            nodes: nodes.len(),
            silent: nodes.into_iter().filter(|node| node.answered.is_none()).map(|node| node.name).collect(),
        });
    }
    Ok(cards)
}
