//! Prepared templates. Each is a bulletin of the class emergency that is written, heard and approved like any other, save that it
//! needs as many approvals as an emergency of its words would; approved, its sounds are fetched by nodes in advance.

use std::sync::Arc;

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Class;
use loa_protocol::ids::{AreaId, BulletinId};
use loa_protocol::timeline::Severity;

use super::census::Census;
use super::{Alerts, id_used};
use crate::domain::alert::template::TemplateKind;
use crate::domain::alert::{SeverityWord, unknown_severity};
use crate::domain::bulletin::{BulletinDraft, Revision, TrackDraft};
use crate::domain::ids::fresh_bulletin_id;
use crate::domain::message::{FieldErrors, Message};
use crate::domain::role::{Action, Principal, Scope};
use crate::services::bulletins::load as load_bulletin;
use crate::services::{BulletinView, Bulletins, ServiceError};
use crate::store::{Connection, alert_templates};

/// A template with its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// What it is for.
    pub kind: TemplateKind,
    /// How severe it usually is.
    pub severity: Severity,
    /// Its bulletin.
    pub view: BulletinView,
    /// How many people have to approve it.
    pub approvers_needed: u32,
    /// How many have approved its latest revision as it is.
    pub approvals: u32,
}

impl Template {
    /// What one person may send of it; `None`: nothing yet.
    pub fn ready(&self) -> Option<&Revision> {
        self.view.on_air.as_ref().filter(|revision| revision.class == Class::Emergency)
    }
}

/// A template as typed.
#[derive(Debug, Clone, Default)]
pub struct TemplateDraft {
    /// Id of the area in whose name it is, and inside which it may be sent.
    pub area: String,
    /// Word of the kind.
    pub kind: String,
    /// The title; empty: the one that is shipped.
    pub title: String,
    /// The text in Vietnamese; empty: the one that is shipped.
    pub text: String,
    /// Sounds in other languages.
    pub tracks: Vec<TrackDraft>,
    /// Word of the severity; empty: the usual one of its kind.
    pub severity: String,
}

impl Alerts {
    /// The templates of areas that the person may see, by kind, and the approved ones of the areas above those.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn templates(&self, who: &Principal) -> Result<Vec<Template>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let census = self.census(&mut tx).await?;
        let mut templates = Vec::new();
        for found in alert_templates::list(&mut tx, &[Scope::Everywhere]).await? {
            let template = template(&mut tx, found, &census).await?;
            let path = &template.view.bulletin.path;
            if who.may(Action::Read, path) || is_above(path, who) && template.ready().is_some() {
                templates.push(template);
            }
        }
        Ok(templates)
    }

    /// Begins a template, as a draft; what is not typed is as it is shipped. Its sounds are made at once.
    ///
    /// `id` names a form: the same form sent twice begins one template, and the second call gives it as it stands. `None` draws an id.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::NotFound`] for the area, [`ServiceError::Forbidden`]; [`ServiceError::Conflict`] for an
    /// id that something else has.
    pub async fn create_template(
        &self,
        who: &Principal,
        draft: &TemplateDraft,
        id: Option<BulletinId>,
    ) -> Result<Template, ServiceError> {
        let mut errors = FieldErrors::new();
        let area = errors.keep("area", AreaId::new(draft.area.trim()).map_err(|_| no_area()));
        let kind = errors.keep("kind", draft.kind.parse::<TemplateKind>().map_err(|_| unknown_kind()));
        let severity = match draft.severity.as_str() {
            "" => kind.map(TemplateKind::severity),
            word => {
                let word = word.parse::<SeverityWord>().map(|SeverityWord(severity)| severity);
                errors.keep("severity", word.map_err(|_| unknown_severity()))
            }
        };
        let ((area, kind), severity) = errors.finish(area.zip(kind).zip(severity))?;
        let (title, text) = kind.words();
        let or_shipped =
            |typed: &str, shipped: &str| if typed.trim().is_empty() { shipped } else { typed }.to_owned();
        let words = BulletinDraft {
            title: or_shipped(&draft.title, title),
            text: or_shipped(&draft.text, text),
            category: kind.category().as_str().to_owned(),
            class: Class::Emergency.as_str().to_owned(),
            tracks: TrackDraft::with_vietnamese(draft.tracks.clone()),
        };
        let id = id.unwrap_or_else(fresh_bulletin_id);
        let bulletins = Bulletins(Arc::clone(&self.0));
        let mut tx = self.0.store.write().await?;
        let begun = bulletins.begin(&mut tx, who, &area, &words, &id).await?;
        let kept = match alert_templates::get(&mut tx, &id).await? {
            Some(there) => there,
            None if begun.is_there_already => return Err(ServiceError::Conflict(id_used())),
            None => {
                let template = alert_templates::Template { bulletin: id.clone(), kind, severity };
                alert_templates::insert(&mut tx, &template).await?;
                template
            }
        };
        let census = self.census(&mut tx).await?;
        let made = template(&mut tx, kept, &census).await?;
        tx.commit().await?;
        bulletins.tell_begun(&id);
        self.tell();
        Ok(made)
    }

    /// Notes that somebody approves the latest revision of a bulletin. Gives whether it has all approvals that it needs: one for a
    /// usual bulletin, two for a template that reaches many.
    pub(in crate::services) async fn has_enough_approvals(
        &self,
        c: &mut Connection,
        who: &Principal,
        view: &BulletinView,
    ) -> Result<bool, ServiceError> {
        let id = &view.bulletin.id;
        if alert_templates::get(c, id).await?.is_none() {
            return Ok(true);
        }
        // An approval is a person's.
        let Some(by) = who.user_id() else { return Ok(false) };
        let (_, needed) = self.census(c).await?.approvers_for(std::slice::from_ref(&view.bulletin.path));
        let (number, digest) = (view.latest.number, view.latest.digest());
        Ok(alert_templates::add_approval(c, id, number, by, &digest, self.0.now()).await? >= needed)
    }
}

async fn template(
    c: &mut Connection,
    template: alert_templates::Template,
    census: &Census,
) -> Result<Template, ServiceError> {
    let alert_templates::Template { bulletin, kind, severity } = template;
    let view = load_bulletin(c, &bulletin).await?;
    let (_, approvers_needed) = census.approvers_for(std::slice::from_ref(&view.bulletin.path));
    let digest = view.latest.digest();
    let approvals = alert_templates::approvals(c, &bulletin, view.latest.number, &digest).await?;
    Ok(Template { kind, severity, view, approvers_needed, approvals })
}

/// Whether an area holds one in which the person has a role.
fn is_above(path: &AreaPath, who: &Principal) -> bool {
    who.grants.iter().any(|grant| match &grant.scope {
        Scope::Everywhere => true,
        Scope::Area(own) => own.areas().starts_with(path.areas()),
    })
}

fn no_area() -> Message {
    Message::fixed("template.no_area", "Hãy chọn địa bàn của mẫu.", "Choose the template's area.")
}

fn unknown_kind() -> Message {
    Message::fixed(
        "template.kind_unknown",
        "Hãy chọn loại mẫu: bão, lũ, cháy rừng, sơ tán hoặc loại khác.",
        "Choose a kind: storm, flood, forest fire, evacuation or other.",
    )
}
