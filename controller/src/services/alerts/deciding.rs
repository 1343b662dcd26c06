//! Approving, giving back and stopping.

use std::sync::Arc;

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Class;
use loa_protocol::command::Addressee;
use loa_protocol::ids::BulletinId;

use super::{AlertView, Alerts, load, require_to_give};
use crate::domain::alert::{Alert, AlertState, Approval, Ended, SeenDigest};
use crate::domain::bulletin::{RevisionState, Stamp};
use crate::domain::ids::UserId;
use crate::domain::live_order::{CORRECTED, OrderKind, check_reason};
use crate::domain::message::Message;
use crate::domain::role::{Action, Principal};
use crate::services::{LiveOrders, ServiceError};
use crate::store::alerts::{self, Ending};
use crate::store::{Connection, WriteTx, bulletins};

impl Alerts {
    /// Approves an alert. With the last approval that it needs it sounds.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]; [`ServiceError::Forbidden`] for whoever may not approve emergencies in all of its areas;
    /// [`ServiceError::Conflict`] for its author, when it does not wait for approval, when it is not what was seen and heard, or when
    /// it is too long.
    pub async fn approve(
        &self,
        who: &Principal,
        id: &BulletinId,
        seen: &SeenDigest,
    ) -> Result<AlertView, ServiceError> {
        let now = self.0.now();
        let mut tx = self.0.store.write().await?;
        let before = self.loaded(&mut tx, id).await?;
        let by = judge(who, &before)?;
        if before.alert.approvals.iter().any(|approval| approval.by == by) {
            return Ok(before);
        }
        require_waiting(&before)?;
        if before.seen() != *seen {
            return Err(ServiceError::Conflict(stale()));
        }
        if let Some(problem) = &before.problem {
            return Err(ServiceError::Conflict(problem.clone()));
        }
        alerts::add_approval(&mut tx, id, &Approval { by, at: now, digest: *seen }).await?;
        if before.approvals_missing() <= 1 {
            alerts::set_released(&mut tx, id, now).await?;
            bulletins::set_state(&mut tx, id, 1, RevisionState::Approved).await?;
            let stamp = Stamp { at: now, by: who.actor() };
            bulletins::set_decided(&mut tx, id, 1, &stamp, &before.revision.digest(), None).await?;
            self.replace_former(&mut tx, who, &before.alert).await?;
        }
        self.settled(tx, who, "alert.approved", id).await
    }

    /// Gives an alert back to its author, who writes another.
    ///
    /// # Errors
    /// As [`Alerts::approve`], save that its sounds need not be made; [`ServiceError::Invalid`] without a reason.
    pub async fn give_back(
        &self,
        who: &Principal,
        id: &BulletinId,
        reason: &str,
    ) -> Result<AlertView, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let before = self.loaded(&mut tx, id).await?;
        judge(who, &before)?;
        let is_being_made = before.state == AlertState::Speaking && before.alert.released.is_none();
        if !is_being_made {
            require_waiting(&before)?;
        }
        let reason = check_reason(reason)?;
        let ended = Ended { stamp: Stamp { at: self.0.now(), by: who.actor() }, reason };
        alerts::set_ended(&mut tx, id, Ending::Returned, &ended).await?;
        bulletins::set_state(&mut tx, id, 1, RevisionState::Rejected).await?;
        self.settled(tx, who, "alert.returned", id).await
    }

    /// Stops an alert, wherever it is by now: nodes end it within a second, and those that come later do not begin it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]; [`ServiceError::Forbidden`] for whoever may not give emergencies in all of its areas;
    /// [`ServiceError::Invalid`] without a reason; [`ServiceError::Conflict`] when it was stopped or given back, or is over.
    pub async fn cancel(
        &self,
        who: &Principal,
        id: &BulletinId,
        reason: &str,
    ) -> Result<AlertView, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let before = self.loaded(&mut tx, id).await?;
        for area in &before.alert.areas {
            require_to_give(who, &area.path)?;
        }
        let reason = check_reason(reason)?;
        require_open(before.state)?;
        let after = self.stop(&mut tx, who, &before.alert, reason).await?;
        tx.commit().await?;
        self.tell();
        self.orders().send();
        Ok(after)
    }

    /// Takes back what is in force in an area and nowhere else, because an order silences all that sounds there: a node that was away
    /// would else begin it when it comes. What reaches farther stays, for elsewhere it may be meant. Gives whether anything was taken
    /// back; once that is in the database the caller tells ([`Alerts::tell`]).
    pub(in crate::services) async fn end_inside(
        &self,
        c: &mut Connection,
        who: &Principal,
        area: &AreaPath,
        reason: &str,
    ) -> Result<bool, ServiceError> {
        let mut ended = false;
        for alert in alerts::in_force(c, self.0.now()).await? {
            if alert.areas.iter().all(|place| place.path.areas().starts_with(area.areas())) {
                self.take_back(c, who, &alert, reason).await?;
                ended = true;
            }
        }
        Ok(ended)
    }

    /// Stops the alert in whose place this one comes. One that is over already needs no stopping.
    pub(super) async fn replace_former(
        &self,
        c: &mut Connection,
        who: &Principal,
        alert: &Alert,
    ) -> Result<(), ServiceError> {
        let Some(former) = &alert.corrects else { return Ok(()) };
        let former = load(c, former).await?;
        if former.cancelled.is_none() && former.returned.is_none() && former.expires > self.0.now() {
            self.stop(c, who, &former, CORRECTED.to_owned()).await?;
        }
        Ok(())
    }

    /// Takes an alert back, and ends it where it sounds. Where the emergency key may give no orders, the documents alone do it.
    async fn stop(
        &self,
        c: &mut Connection,
        who: &Principal,
        alert: &Alert,
        reason: String,
    ) -> Result<AlertView, ServiceError> {
        let after = self.take_back(c, who, alert, &reason).await?;
        if alert.released.is_none() {
            return Ok(after);
        }
        let orders = self.orders();
        let to = alert.areas.iter().map(|area| Addressee::Area(area.id.clone())).collect();
        let kind = OrderKind::StopBulletin(alert.id.clone());
        match orders.order(who, alert.path.clone(), kind, reason, to) {
            Ok(order) => {
                orders.keep(c, who, order).await?;
            }
            Err(ServiceError::Conflict(no_key)) => {
                tracing::warn!(alert = %alert.id, reason = %no_key, "an emergency is taken back without an order");
            }
            Err(other) => return Err(other),
        }
        Ok(after)
    }

    /// Notes that an alert is taken back, with the entry in the log: the next document of its areas does not have it.
    async fn take_back(
        &self,
        c: &mut Connection,
        who: &Principal,
        alert: &Alert,
        reason: &str,
    ) -> Result<AlertView, ServiceError> {
        let stamp = Stamp { at: self.0.now(), by: who.actor() };
        let ended = Ended { stamp, reason: reason.to_owned() };
        alerts::set_ended(c, &alert.id, Ending::Cancelled, &ended).await?;
        bulletins::set_state(c, &alert.id, 1, RevisionState::Withdrawn).await?;
        let after = self.loaded(c, &alert.id).await?;
        self.note(c, who, "alert.cancelled", &after).await?;
        Ok(after)
    }

    fn orders(&self) -> LiveOrders {
        LiveOrders(Arc::clone(&self.0))
    }

    /// Keeps a deed with its entry in the log, and tells. Gives the alert as it then stands.
    pub(super) async fn settled(
        &self,
        mut tx: WriteTx,
        who: &Principal,
        action: &'static str,
        id: &BulletinId,
    ) -> Result<AlertView, ServiceError> {
        let after = self.loaded(&mut tx, id).await?;
        self.note(&mut tx, who, action, &after).await?;
        tx.commit().await?;
        self.tell();
        // A correction stops the former one by an order.
        self.orders().send();
        Ok(after)
    }
}

/// The approver, if this person may judge this alert.
fn judge(who: &Principal, view: &AlertView) -> Result<UserId, ServiceError> {
    for area in &view.alert.areas {
        who.require(Action::Approve(Class::Emergency), &area.path)?;
    }
    match who.user_id() {
        Some(user) if user.as_str() != view.alert.created.by => Ok(user.clone()),
        Some(_) | None => Err(ServiceError::Conflict(Message::fixed(
            "alert.own",
            "Người soạn không được tự duyệt bản tin khẩn cấp của mình; cần người khác duyệt.",
            "Whoever wrote an emergency may not judge it; somebody else has to.",
        ))),
    }
}

fn require_waiting(view: &AlertView) -> Result<(), ServiceError> {
    let not_ready = Message::fixed(
        "alert.audio_not_ready",
        "Tiếng nói đang được tạo. Hãy đợi vài giây, nghe lại rồi duyệt.",
        "The speech is being made. Wait a moment, listen, then approve.",
    );
    match view.state {
        AlertState::Waiting => Ok(()),
        AlertState::Speaking => Err(ServiceError::Conflict(view.problem.clone().unwrap_or(not_ready))),
        AlertState::Sent => Err(wrong_state("đã được phát", "was sent already")),
        AlertState::Returned | AlertState::Cancelled | AlertState::Over => require_open(view.state),
    }
}

/// What has not ended.
fn require_open(state: AlertState) -> Result<(), ServiceError> {
    match state {
        AlertState::Speaking | AlertState::Waiting | AlertState::Sent => Ok(()),
        AlertState::Returned => Err(wrong_state("đã bị trả lại", "was given back")),
        AlertState::Cancelled => Err(wrong_state("đã được dừng", "was stopped already")),
        AlertState::Over => Err(wrong_state("đã hết hiệu lực", "is over")),
    }
}

fn wrong_state(vi: &str, en: &str) -> ServiceError {
    ServiceError::Conflict(Message::written(
        "alert.wrong_state",
        format!("Không thực hiện được: bản tin khẩn cấp này {vi}."),
        format!("Not possible: this alert {en}."),
    ))
}

fn stale() -> Message {
    Message::fixed(
        "alert.stale",
        "Bản tin đã thay đổi sau khi trang này được mở. Hãy tải lại, xem và nghe lại rồi quyết định.",
        "It has changed since you opened it. Load it again, read and listen, then decide.",
    )
}
