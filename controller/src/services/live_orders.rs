//! Orders that silence, now. Each goes out within a second, and is over within a minute.
//!
//! What is planned for later stays planned: who wants a bulletin to be gone for good withdraws it, which
//! [`LiveOrders::cancel`] does besides. An emergency that was given at once is no plan for later: it is taken back with the order.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono_tz::Tz;
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Class;
use loa_protocol::command::{Addressee, VALID_MAX_S};
use loa_protocol::ids::{AreaId, BulletinId, NodeId};
use loa_protocol::time::UnixMs;
use serde_json::{Value, json};

use super::areas::load;
use super::audit::Deed;
use super::bulletins::Bulletins;
use super::schedules::Schedules;
use super::{Alerts, Ground, ServiceError, Thing};
use crate::domain::ids::OrderId;
use crate::domain::live_order::{LiveOrder, OrderKind, check_reason};
use crate::domain::message::{FieldErrors, Message};
use crate::domain::node::NodeState;
use crate::domain::role::{Action, Forbidden, Principal, Scope};
use crate::domain::schedule::{ScheduleDraft, StartDraft};
use crate::domain::schedule_rules::ScheduleRulesDraft;
use crate::live::Change;
use crate::store::schedules::ScheduleFilter;
use crate::store::{Connection, alerts, bulletins, live_orders, nodes, schedules};

/// Most orders of one list.
const PAGE_MAX: u32 = 100;
/// Most schedules of a bulletin whose targets are looked at.
const SCHEDULES_MAX: u32 = 200;
/// How soon a correction begins: its sound has to reach the nodes.
const CORRECTION_IN_MS: i64 = 5_000;
/// How late it may begin where the line is slow.
const CORRECTION_WITHIN_S: u32 = 15 * 60;

/// Orders that silence. Cheap to clone.
#[derive(Clone)]
pub struct LiveOrders(pub(super) Arc<Ground>);

/// An order, and how each node that it is for has taken it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderView {
    /// The order.
    pub order: LiveOrder,
    /// The nodes that it is for, by place and name.
    pub nodes: Vec<NodeOrdered>,
    /// Emergencies that it silenced here and that are in force all the same, because they reach beyond its area: what was connected is
    /// silent, what comes later begins them. With their titles.
    pub still: Vec<(BulletinId, String)>,
}

/// A node that an order is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeOrdered {
    /// The node.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Whether it is connected at this moment.
    pub online: bool,
    /// When it said that it has obeyed.
    pub answered: Option<UnixMs>,
}

impl OrderView {
    /// How many nodes have answered.
    pub fn answered(&self) -> usize {
        self.nodes.iter().filter(|node| node.answered.is_some()).count()
    }
}

impl LiveOrders {
    /// Silences an area and all below it: everything, or its emergencies. Emergencies in force there and nowhere else are taken back
    /// in the same step; those that reach farther stay, and the order names them ([`OrderView::still`]).
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] without a reason, [`ServiceError::NotFound`], [`ServiceError::Forbidden`] for whoever may not
    /// withdraw emergencies there, [`ServiceError::Conflict`] when the emergency key may give no orders.
    pub async fn give(
        &self,
        who: &Principal,
        area: &AreaId,
        is_all_clear: bool,
        reason: &str,
    ) -> Result<OrderView, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let path = load(&mut tx, area).await?.path;
        require_to_silence(who, Class::Emergency, &path)?;
        let reason = check_reason(reason)?;
        let kind = if is_all_clear { OrderKind::AllClear } else { OrderKind::StopAll };
        let to = vec![Addressee::Area(area.clone())];
        let order = self.order(who, path.clone(), kind, reason.clone(), to)?;
        let order = self.keep(&mut tx, who, order).await?;
        let alerts = Alerts(Arc::clone(&self.0));
        let has_ended = alerts.end_inside(&mut tx, who, &path, &reason).await?;
        tx.commit().await?;
        self.send();
        if has_ended {
            alerts.tell();
        }
        self.get(who, &order).await
    }

    /// Ends an emergency at once wherever it is scheduled, and withdraws it. `correction` is a bulletin that was approved
    /// for it, as any other: it is scheduled to sound in the same places as soon as it can.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] without a reason; [`ServiceError::NotFound`]; [`ServiceError::Forbidden`] for whoever may not
    /// withdraw it, or not schedule the correction; [`ServiceError::Conflict`] when it is no emergency on air, when the
    /// correction is not on air or no emergency, or when the emergency key may give no orders. Then nothing was done.
    pub async fn cancel(
        &self,
        who: &Principal,
        bulletin: &BulletinId,
        correction: Option<&BulletinId>,
        reason: &str,
    ) -> Result<OrderView, ServiceError> {
        let bulletins = Bulletins(Arc::clone(&self.0));
        let view = bulletins.get(who, bulletin).await?;
        let path = view.bulletin.path.clone();
        require_to_silence(who, Class::Emergency, &path)?;
        let reason = check_reason(reason)?;
        if view.on_air.as_ref().is_none_or(|revision| revision.class != Class::Emergency) {
            return Err(ServiceError::Conflict(not_an_emergency()));
        }
        let targets = self.targets(bulletin).await?;
        let correction = match correction {
            Some(correction) => Some(self.corrected_by(who, correction, &targets).await?),
            None => None,
        };

        // Silence first.
        let mut tx = self.0.store.write().await?;
        let kind = OrderKind::StopBulletin(bulletin.clone());
        let order = self.order(who, path, kind, reason, targets)?;
        let order = self.keep(&mut tx, who, order).await?;
        tx.commit().await?;
        self.send();
        bulletins.withdraw(who, bulletin).await?;
        if let Some(draft) = correction {
            Schedules(Arc::clone(&self.0)).create(who, &draft, None).await?;
        }
        self.get(who, &order).await
    }

    /// The orders given in the name of areas that the person may see, the latest first; at most 100.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn list(&self, who: &Principal, limit: u32) -> Result<Vec<OrderView>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let scopes = who.scopes(Action::Read);
        let orders = live_orders::list(&mut tx, &scopes, limit.clamp(1, PAGE_MAX)).await?;
        self.views(&mut tx, orders).await
    }

    /// One order.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn get(&self, who: &Principal, id: &OrderId) -> Result<OrderView, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let order = live_orders::get(&mut tx, id).await?.ok_or(ServiceError::NotFound(Thing::Order))?;
        who.require(Action::Read, &order.path)?;
        self.views(&mut tx, vec![order]).await?.pop().ok_or(ServiceError::NotFound(Thing::Order))
    }

    pub(super) fn order(
        &self,
        who: &Principal,
        path: AreaPath,
        kind: OrderKind,
        reason: String,
        to: Vec<Addressee>,
    ) -> Result<LiveOrder, ServiceError> {
        if !self.0.may_order.load(Ordering::Relaxed) {
            return Err(ServiceError::Conflict(no_key()));
        }
        let given = self.0.now();
        Ok(LiveOrder {
            id: OrderId::fresh(),
            path,
            kind,
            reason,
            given,
            given_by: who.actor(),
            // The signed instants are whole seconds.
            expires: UnixMs::from_seconds(given.seconds() + VALID_MAX_S),
            sent: None,
            to,
            answers: Vec::new(),
        })
    }

    /// Keeps an order with its entry in the log. A node that does not know the time believes an order by its boot alone, so
    /// it gets one of its own.
    pub(super) async fn keep(
        &self,
        c: &mut Connection,
        who: &Principal,
        mut order: LiveOrder,
    ) -> Result<OrderId, ServiceError> {
        let mut boots = Vec::new();
        for to in &order.to {
            let Addressee::Area(area) = to else { continue };
            let path = load(c, area).await?.path;
            boots.extend(live_orders::without_clock(c, &[Scope::Area(path)]).await?);
        }
        for (node, _) in &boots {
            let to = Addressee::Node(node.clone());
            if !order.to.contains(&to) {
                order.to.push(to);
            }
        }
        live_orders::insert(c, &order, &boots).await?;
        let deed = Deed {
            action: match &order.kind {
                OrderKind::StopAll => "order.stop_all",
                OrderKind::AllClear => "order.all_clear",
                OrderKind::StopBulletin(_) => "order.stop_bulletin",
            },
            subject: order.id.as_str(),
            area: Some(&order.path),
            before: None,
            after: Some(summary(&order)),
        };
        self.0.note(c, who, deed).await?;
        Ok(order.id)
    }

    pub(super) fn send(&self) {
        self.0.nudges.orders.wake();
        self.0.changes.tell(Change::Order);
    }

    async fn views(
        &self,
        c: &mut Connection,
        orders: Vec<LiveOrder>,
    ) -> Result<Vec<OrderView>, ServiceError> {
        let in_force = alerts::in_force(c, self.0.now()).await?;
        let all = nodes::list(c, &[Scope::Everywhere]).await?;
        let mut views = Vec::with_capacity(orders.len());
        for order in orders {
            let mut ordered = Vec::new();
            for (node, status) in &all {
                if node.state != NodeState::Enrolled || !order.is_for(&node.id, &node.path) {
                    continue;
                }
                let answered = order.answers.iter().find(|(id, _)| *id == node.id).map(|(_, at)| *at);
                let (id, name) = (node.id.clone(), node.name.clone());
                ordered.push(NodeOrdered { id, name, online: status.online, answered });
            }
            let mut still = Vec::new();
            for alert in in_force.iter().filter(|alert| order.has_silenced(alert)) {
                if let Some(words) = bulletins::revision(c, &alert.id, 1).await? {
                    still.push((alert.id.clone(), words.title));
                }
            }
            views.push(OrderView { order, nodes: ordered, still });
        }
        Ok(views)
    }

    /// Where a bulletin is scheduled.
    async fn targets(&self, bulletin: &BulletinId) -> Result<Vec<Addressee>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let filter = ScheduleFilter {
            bulletin: Some(bulletin.clone()),
            with_past: true,
            limit: SCHEDULES_MAX,
            ..ScheduleFilter::default()
        };
        let mut to = Vec::new();
        for schedule in schedules::list(&mut tx, &[Scope::Everywhere], &filter).await? {
            to.extend(schedule.values.areas.into_iter().map(Addressee::Area));
            to.extend(schedule.values.nodes.into_iter().map(Addressee::Node));
        }
        let mut once: Vec<Addressee> = Vec::new();
        for to in to {
            if !once.contains(&to) {
                once.push(to);
            }
        }
        if once.is_empty() {
            return Err(ServiceError::Conflict(Message::fixed(
                "order.nowhere",
                "Bản tin này không có lịch phát ở đâu nên không có gì để dừng. Nếu không dùng nữa, hãy thu hồi bản tin.",
                "This bulletin is scheduled nowhere, so there is nothing to stop. Withdraw it if it is not needed.",
            )));
        }
        Ok(once)
    }

    /// The schedule of a correction, checked with all that a schedule needs.
    async fn corrected_by(
        &self,
        who: &Principal,
        correction: &BulletinId,
        targets: &[Addressee],
    ) -> Result<ScheduleDraft, ServiceError> {
        let view = Bulletins(Arc::clone(&self.0)).get(who, correction).await?;
        if view.on_air.as_ref().is_none_or(|revision| revision.class != Class::Emergency) {
            let message = Message::fixed(
                "order.correction_not_approved",
                "Bản tin đính chính phải là bản tin khẩn cấp đã được người khác duyệt.",
                "The correction has to be an emergency bulletin that somebody else has approved.",
            );
            return Err(FieldErrors::one("correction", message).into());
        }
        let zone = {
            let mut tx = self.0.store.read().await?;
            self.0.settings(&mut tx, &view.bulletin.path).await?.zone
        };
        let of = |wanted: fn(&Addressee) -> Option<String>| targets.iter().filter_map(wanted).collect();
        let draft = ScheduleDraft {
            bulletin: correction.clone(),
            start: StartDraft::Once(local_seconds(self.0.now() + CORRECTION_IN_MS, zone)),
            valid_from: String::new(),
            valid_until: String::new(),
            start_within_s: Some(CORRECTION_WITHIN_S),
            areas: of(|to| match to {
                Addressee::Area(area) => Some(area.to_string()),
                Addressee::Node(_) => None,
            }),
            nodes: of(|to| match to {
                Addressee::Node(node) => Some(node.to_string()),
                Addressee::Area(_) => None,
            }),
            rules: ScheduleRulesDraft::default(),
        };
        Schedules(Arc::clone(&self.0)).preview(who, &draft).await?;
        Ok(draft)
    }
}

/// Whoever may withdraw may silence.
pub(super) fn require_to_silence(who: &Principal, class: Class, path: &AreaPath) -> Result<(), ServiceError> {
    if who.may_silence(class, path) {
        return Ok(());
    }
    Err(Forbidden { action: Action::Write(class) }.into())
}

fn local_seconds(at: UnixMs, zone: Tz) -> String {
    let utc = at.to_utc().unwrap_or(chrono::DateTime::UNIX_EPOCH);
    utc.with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S").to_string()
}

fn not_an_emergency() -> Message {
    Message::fixed(
        "order.not_an_emergency",
        "Bản tin này không phải bản tin khẩn cấp đang được phát. Muốn dừng bản tin thường, hãy thu hồi hoặc hủy lịch phát.",
        "This bulletin is no emergency on air. To stop another one, withdraw it or cancel its schedule.",
    )
}

fn no_key() -> Message {
    Message::fixed(
        "order.no_key",
        "Khóa khẩn cấp của hệ thống này chưa có quyền ra lệnh dừng. Quản trị viên hãy chép khóa gốc (root.seed) vào thư mục \
         khóa, khởi động lại một lần, rồi cất khóa gốc đi.",
        "The emergency key of this installation may not give orders yet. The administrator has to put the root key \
         (root.seed) back into the folder of keys, start the controller once, and take the root key away again.",
    )
}

fn summary(order: &LiveOrder) -> Value {
    let bulletin = match &order.kind {
        OrderKind::StopBulletin(bulletin) => Some(bulletin.to_string()),
        OrderKind::StopAll | OrderKind::AllClear => None,
    };
    json!({ "order": order.kind.as_str(), "bulletin": bulletin, "reason": order.reason })
}
