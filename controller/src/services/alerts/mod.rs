//! Emergencies that are given at once. The rules are in [`crate::domain::alert`].
//!
//! What is given and approved here is desired state: [`crate::dispatch::alerts`] makes documents of it and sends them. Stopping needs
//! one person with the right to emergencies, as orders do.

mod census;
mod deciding;
mod giving;
mod templates;
mod wave;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use loa_protocol::alert::ALERT_LONGEST_MS;
use loa_protocol::area::AreaPath;
use loa_protocol::ids::BulletinId;
use loa_protocol::timeline::SessionPlan;
use serde_json::{Value, json};

use super::audit::Deed;
use super::{AlertProblem, Ground, ServiceError, Thing};
use crate::dispatch::alerts::item;
use crate::domain::alert::{Alert, AlertState, SeenDigest, severity_word, too_long};
use crate::domain::bulletin::{Making, Revision};
use crate::domain::message::Message;
use crate::domain::role::{Action, Principal};
use crate::live::Change;
use crate::store::{Connection, alerts, bulletins, objects};
use loa_protocol::bulletin::Class;

pub use census::AlertPlace;
pub(crate) use giving::URGENCY as ALERT_URGENCY;
pub use templates::{Template, TemplateDraft};
pub use wave::Wave;

/// Most alerts of one list.
const PAGE_MAX: u32 = 100;

/// Emergencies that are given at once. Cheap to clone.
#[derive(Clone)]
pub struct Alerts(pub(super) Arc<Ground>);

/// An alert with its words, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertView {
    /// The alert.
    pub alert: Alert,
    /// Its words and sounds.
    pub revision: Revision,
    /// Where it stands at this moment.
    pub state: AlertState,
    /// How long it sounds in a village that hears every track, in milliseconds; `None` while a sound is not made.
    pub length_ms: Option<i64>,
    /// Why it cannot be approved, or does not sound though it was released.
    pub problem: Option<Message>,
}

impl AlertView {
    /// What this view shows and sounds like, to be handed back with a decision.
    pub fn seen(&self) -> SeenDigest {
        self.alert.digest(&self.revision.digest())
    }

    /// How many approvals are still missing.
    pub fn approvals_missing(&self) -> u32 {
        let given = u32::try_from(self.alert.approvals.len()).unwrap_or(u32::MAX);
        self.alert.approvers_needed.saturating_sub(given)
    }
}

impl Alerts {
    /// The alerts that sound in areas that the person may see, the latest first; at most 100.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn list(&self, who: &Principal, limit: u32) -> Result<Vec<AlertView>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let found = alerts::list(&mut tx, &who.scopes(Action::Read), limit.clamp(1, PAGE_MAX)).await?;
        let mut views = Vec::with_capacity(found.len());
        for alert in found {
            views.push(self.view(&mut tx, alert).await?);
        }
        Ok(views)
    }

    /// One alert.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]; [`ServiceError::Forbidden`] for whoever may see none of its areas.
    pub async fn get(&self, who: &Principal, id: &BulletinId) -> Result<AlertView, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let alert = load(&mut tx, id).await?;
        require_to_read(who, &alert)?;
        self.view(&mut tx, alert).await
    }

    /// The alerts that are in force in areas that the person may see, the latest first.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn in_force(&self, who: &Principal) -> Result<Vec<AlertView>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let mut views = Vec::new();
        for alert in alerts::in_force(&mut tx, self.0.now()).await?.into_iter().rev() {
            if require_to_read(who, &alert).is_ok() {
                views.push(self.view(&mut tx, alert).await?);
            }
        }
        Ok(views)
    }

    /// The alerts that this person is asked to approve, the earliest given first, also while their sounds are being made: those of areas
    /// in which they may approve emergencies, that they neither wrote nor have approved.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn waiting(&self, who: &Principal) -> Result<Vec<AlertView>, ServiceError> {
        let Some(user) = who.user_id().filter(|_| who.may_somewhere(Action::Approve(Class::Emergency)))
        else {
            return Ok(Vec::new());
        };
        let mut tx = self.0.store.read().await?;
        let mut waiting = Vec::new();
        for alert in alerts::unapproved(&mut tx, self.0.now()).await? {
            let is_theirs =
                alert.areas.iter().all(|area| who.may(Action::Approve(Class::Emergency), &area.path));
            let has_approved = alert.approvals.iter().any(|approval| approval.by == *user);
            if is_theirs && !has_approved && alert.created.by != user.as_str() {
                waiting.push(self.view(&mut tx, alert).await?);
            }
        }
        Ok(waiting)
    }

    /// Tells open pages, and wakes the sender.
    pub(super) fn tell(&self) {
        self.0.nudges.alerts.wake();
        self.0.changes.tell(Change::Alert);
    }

    async fn loaded(&self, c: &mut Connection, id: &BulletinId) -> Result<AlertView, ServiceError> {
        let alert = load(c, id).await?;
        self.view(c, alert).await
    }

    /// An alert with its words, and where it stands at this moment.
    async fn view(&self, c: &mut Connection, alert: Alert) -> Result<AlertView, ServiceError> {
        let revision =
            bulletins::revision(c, &alert.id, 1).await?.ok_or(ServiceError::NotFound(Thing::Alert))?;
        let state = alert.state(revision.is_audible(), self.0.now());
        let length_ms =
            if revision.is_audible() { Some(length_ms(c, &alert, &revision).await?) } else { None };
        let left_out = self.0.alert_problems.of(&alert.id).filter(|_| state == AlertState::Sent);
        let problem = match (failed(&revision), length_ms) {
            (Some(failed), _) => Some(failed),
            (None, Some(length)) if length > ALERT_LONGEST_MS => Some(too_long(length)),
            (None, _) => left_out.map(AlertProblem::message),
        };
        Ok(AlertView { alert, revision, state, length_ms, problem })
    }

    async fn note(
        &self,
        c: &mut Connection,
        who: &Principal,
        action: &'static str,
        view: &AlertView,
    ) -> Result<(), ServiceError> {
        let alert = &view.alert;
        let after = Some(summary(view));
        let deed = Deed { action, subject: alert.id.as_str(), area: Some(&alert.path), before: None, after };
        Ok(self.0.note(c, who, deed).await?)
    }
}

async fn load(c: &mut Connection, id: &BulletinId) -> Result<Alert, ServiceError> {
    alerts::get(c, id).await?.ok_or(ServiceError::NotFound(Thing::Alert))
}

/// Why a sound of it could not be made.
fn failed(revision: &Revision) -> Option<Message> {
    let error = revision.tracks.iter().find_map(|track| match &track.making {
        Making::Failed(error) => Some(error),
        Making::Queued | Making::Running { .. } | Making::Done => None,
    })?;
    let (vi, en) = error.sentences();
    Some(Message::written(
        "alert.audio_failed",
        format!("Chưa tạo được tiếng nói: {vi} Hãy hủy và soạn lại bản tin này."),
        format!("The speech could not be made: {en} Cancel this one and write it anew."),
    ))
}

/// How long it sounds in a village that hears every track.
async fn length_ms(c: &mut Connection, alert: &Alert, revision: &Revision) -> Result<i64, ServiceError> {
    let mut durations = BTreeMap::new();
    for object in revision.tracks.iter().filter_map(|track| track.object) {
        if let Some(sound) = objects::get(c, &object).await? {
            durations.insert(object, sound.duration_ms);
        }
    }
    let Some(item) = item(alert, revision) else { return Ok(0) };
    let languages: Vec<_> = item.tracks.iter().map(|track| track.language.clone()).collect();
    let session = SessionPlan::new(&item, &languages, |object| durations.get(object).copied());
    Ok(session.map_or(0, |session| session.length_ms(0)))
}

/// Whoever may see one of its areas may see it.
fn require_to_read(who: &Principal, alert: &Alert) -> Result<(), ServiceError> {
    if alert.areas.iter().any(|area| who.may(Action::Read, &area.path)) {
        return Ok(());
    }
    Ok(who.require(Action::Read, &alert.path)?)
}

/// Whoever writes or approves emergencies somewhere may give them there.
fn require_to_give(who: &Principal, path: &AreaPath) -> Result<(), ServiceError> {
    super::live_orders::require_to_silence(who, Class::Emergency, path)
}

fn summary(view: &AlertView) -> Value {
    let alert = &view.alert;
    json!({
        "title": view.revision.title,
        "state": view.state.as_str(),
        "status": alert.status.as_str(),
        "severity": severity_word(alert.severity),
        "areas": alert.areas.iter().map(|area| area.id.as_str()).collect::<Vec<_>>(),
        "template": alert.template.as_ref().map(BulletinId::as_str),
        "corrects": alert.corrects.as_ref().map(BulletinId::as_str),
        "expires": alert.expires.to_string(),
        "approvers_needed": alert.approvers_needed,
        "seen": view.seen().to_string(),
    })
}

fn id_used() -> Message {
    Message::fixed(
        "alert.id_used",
        "Mã này đã dùng cho một bản tin khác. Hãy mở biểu mẫu mới; bản tin đã gửi trước đó không thay đổi.",
        "This id belongs to something else that was given before, which stays as it is. Use a fresh form.",
    )
}
