//! Emergencies that are given at once. The rules are in [`crate::domain::alert`].
//!
//! What is given and approved here is desired state: [`crate::dispatch::alerts`] makes documents of it and sends them. Stopping needs
//! one person with the right to emergencies, as orders do.

mod deciding;
mod giving;
mod templates;
mod wave;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use loa_protocol::alert::ALERT_LONGEST_MS;
use loa_protocol::area::AreaPath;
use loa_protocol::ids::{AreaId, BulletinId};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::SessionPlan;
use serde_json::{Value, json};

use super::audit::Deed;
use super::{Ground, ServiceError, Thing};
use crate::dispatch::alerts::item;
use crate::domain::alert::{Alert, AlertState, Reached, SeenDigest, severity_word, too_long};
use crate::domain::bulletin::{Making, Revision};
use crate::domain::message::Message;
use crate::domain::role::{Action, Principal};
use crate::live::Change;
use crate::store::{Connection, alerts, areas, bulletins, objects};
use loa_protocol::bulletin::Class;

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
            views.push(view(&mut tx, alert, self.0.now()).await?);
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
        view(&mut tx, alert, self.0.now()).await
    }

    /// How many households these areas have, and how many people have to approve what sounds there. Areas that do not exist, or
    /// that the person may not see, count as nothing.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn reach(&self, who: &Principal, areas: &[String]) -> Result<(Reached, u32), ServiceError> {
        let mut tx = self.0.store.read().await?;
        let mut paths = Vec::new();
        for id in areas.iter().filter_map(|id| AreaId::new(id.as_str()).ok()) {
            paths.extend(areas::get(&mut tx, &id).await?.map(|area| area.path));
        }
        paths.retain(|path| who.may(Action::Read, path));
        self.reached(&mut tx, &giving::widest(paths)).await
    }

    /// Tells open pages, and wakes the sender.
    fn tell(&self) {
        self.0.nudges.alerts.wake();
        self.0.changes.tell(Change::Alert);
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

async fn view(c: &mut Connection, alert: Alert, now: UnixMs) -> Result<AlertView, ServiceError> {
    let revision = bulletins::revision(c, &alert.id, 1).await?.ok_or(ServiceError::NotFound(Thing::Alert))?;
    let state = alert.state(revision.is_audible(), now);
    let length_ms = if revision.is_audible() { Some(length_ms(c, &alert, &revision).await?) } else { None };
    let failed = revision.tracks.iter().find_map(|track| match &track.making {
        Making::Failed(error) => Some(error),
        Making::Queued | Making::Running { .. } | Making::Done => None,
    });
    let problem = match (failed, length_ms) {
        (Some(error), _) => Some(Message::written(
            "alert.audio_failed",
            format!("Chưa tạo được tiếng nói: {} Hãy hủy và soạn lại bản tin này.", sentence(&error.vi)),
            format!(
                "The speech could not be made: {} Cancel this one and write it anew.",
                sentence(&error.en)
            ),
        )),
        (None, Some(length)) if length > ALERT_LONGEST_MS => Some(too_long(length)),
        (None, _) => None,
    };
    Ok(AlertView { alert, revision, state, length_ms, problem })
}

fn sentence(reason: &str) -> String {
    format!("{}.", reason.trim_end_matches('.'))
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

fn actor(who: &Principal) -> String {
    who.user_id().map_or_else(|| "operator".to_owned(), ToString::to_string)
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
