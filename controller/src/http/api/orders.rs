//! Orders that silence, now.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::wire::instant;
use crate::domain::live_order::{OrderKind, reason_words};
use crate::domain::message::{FieldErrors, Message};
use crate::http::query::{Asked, Body, Named, id};
use crate::http::{AppState, HttpError, ReaderLanguage, Visitor};
use crate::services::{NodeOrdered, OrderView, Thing};

/// An order, and who has answered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrderWire {
    id: String,
    /// `stop_all`, `all_clear` or `stop_bulletin`.
    order: &'static str,
    /// Id of the area in whose name it was given.
    area: String,
    /// Of `stop_bulletin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    bulletin: Option<String>,
    reason: String,
    given: String,
    /// Id of who gave it, or `operator`.
    given_by: String,
    /// No node obeys it from then on.
    expires: String,
    /// When the broker had it; absent while it has not gone out.
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<String>,
    /// The nodes that it is for.
    nodes: Vec<NodeOrderedWire>,
    /// Of `stop_all` and `all_clear`: ids of emergencies that are in force all the same, because they reach beyond the area. What
    /// connects later begins them; `/alerts/{id}/cancel` ends one for good. Those inside the area were taken back with the order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alerts_in_force: Vec<String>,
}

/// A node that an order is for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NodeOrderedWire {
    node: String,
    name: String,
    /// Whether it is connected at this moment.
    online: bool,
    /// When it said that it has obeyed. What it ended is told by its receipts.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered: Option<String>,
}

impl From<&NodeOrdered> for NodeOrderedWire {
    fn from(node: &NodeOrdered) -> Self {
        Self {
            node: node.id.to_string(),
            name: node.name.clone(),
            online: node.online,
            answered: node.answered.map(instant),
        }
    }
}

impl OrderWire {
    fn of(view: &OrderView, ReaderLanguage(language): ReaderLanguage) -> Self {
        let order = &view.order;
        Self {
            id: order.id.to_string(),
            order: order.kind.as_str(),
            area: order.path.areas().last().map(ToString::to_string).unwrap_or_default(),
            bulletin: match &order.kind {
                OrderKind::StopBulletin(bulletin) => Some(bulletin.to_string()),
                OrderKind::StopAll | OrderKind::AllClear => None,
            },
            reason: reason_words(&order.reason).text(language).to_owned(),
            given: instant(order.given),
            given_by: order.given_by.clone(),
            expires: instant(order.expires),
            sent: order.sent.map(instant),
            nodes: view.nodes.iter().map(NodeOrderedWire::from).collect(),
            alerts_in_force: view.still.iter().map(|(alert, _)| alert.to_string()).collect(),
        }
    }
}

/// An order as given. `stop_all` and `all_clear` name an area; `cancel` names an emergency, and perhaps the bulletin that
/// corrects it.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct OrderForm {
    /// `stop_all`: end all that sounds, and all that is due and waits. `all_clear`: end all emergencies. `cancel`: end one
    /// emergency, and withdraw it.
    order: String,
    /// Of `stop_all` and `all_clear`: the area; all below it are silenced too.
    #[serde(default)]
    area: String,
    /// Of `cancel`: the emergency.
    #[serde(default)]
    bulletin: String,
    /// Of `cancel`: an approved emergency bulletin that is said in its place.
    #[serde(default)]
    correction: String,
    /// Why, on one line.
    #[serde(default)]
    reason: String,
}

/// Give an order that silences, now
///
/// It goes out at once and is over within a minute. What is planned for later stays planned; emergencies in force in the area and nowhere
/// else (`/alerts`) are taken back. One person gives it who may write or approve emergencies there.
#[utoipa::path(post, path = "/orders", tag = "orders", security(("session" = [])), request_body = OrderForm, responses((status = 201, body = OrderWire)))]
pub(super) async fn give(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    language: ReaderLanguage,
    Body(form): Body<OrderForm>,
) -> Result<(StatusCode, Json<OrderWire>), HttpError> {
    let (orders, who) = (&state.services.live_orders, &visit.principal);
    let view = match form.order.as_str() {
        "stop_all" | "all_clear" => {
            let area = id(&form.area, Thing::Area)?;
            orders.give(who, &area, form.order == "all_clear", &form.reason).await?
        }
        "cancel" => {
            let bulletin = id(&form.bulletin, Thing::Bulletin)?;
            let correction = match form.correction.as_str() {
                "" => None,
                correction => Some(id(correction, Thing::Bulletin)?),
            };
            orders.cancel(who, &bulletin, correction.as_ref(), &form.reason).await?
        }
        _ => {
            let unknown = Message::fixed(
                "order.unknown",
                "Không có lệnh này. Hãy dùng stop_all, all_clear hoặc cancel.",
                "There is no such order. Use stop_all, all_clear or cancel.",
            );
            return Err(FieldErrors::one("order", unknown).into());
        }
    };
    Ok((StatusCode::CREATED, Json(OrderWire::of(&view, language))))
}

/// How many orders.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OrdersAsked {
    /// At most so many, the latest first; 20 unless told, at most 100.
    limit: Option<u32>,
}

/// The orders that were given, the latest first
#[utoipa::path(get, path = "/orders", tag = "orders", security(("session" = [])), params(OrdersAsked), responses((status = 200, body = Vec<OrderWire>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    language: ReaderLanguage,
    Asked(asked): Asked<OrdersAsked>,
) -> Result<Json<Vec<OrderWire>>, HttpError> {
    let views = state.services.live_orders.list(&visit.principal, asked.limit.unwrap_or(20)).await?;
    Ok(Json(views.iter().map(|view| OrderWire::of(view, language)).collect()))
}

/// One order, and which nodes have obeyed
#[utoipa::path(get, path = "/orders/{id}", tag = "orders", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = OrderWire)))]
pub(super) async fn get(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    language: ReaderLanguage,
    Named(order): Named<String>,
) -> Result<Json<OrderWire>, HttpError> {
    let order = id(&order, Thing::Order)?;
    let view = state.services.live_orders.get(&visit.principal, &order).await?;
    Ok(Json(OrderWire::of(&view, language)))
}
