//! What staff write and approve.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use loa_protocol::ids::BulletinId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::tracks::{TrackForm, TrackWire};
use super::wire::{SeenWire, instant, path};
use crate::domain::bulletin::{BulletinDraft, BulletinSummary, Revision, RevisionState};
use crate::domain::language::{MissingLanguages, Village};
use crate::http::query::{Asked, Body, Named, field, id, required};
use crate::http::{AppState, HttpError, Visitor};
use crate::services::{BulletinView, Thing, Visit};
use crate::store::bulletins::BulletinFilter;

/// A bulletin with its latest revision.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BulletinWire {
    id: String,
    /// Ids from the root to the area on whose behalf it speaks.
    path: Vec<String>,
    /// Number of the revision that plans carry; absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_air_revision: Option<u32>,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn: Option<String>,
    /// Hand it back with a decision: it names the revision, its words and its sounds.
    seen: String,
    /// Hand it back with an edit: it names the revision and its words.
    seen_words: String,
    latest: RevisionWire,
    /// Languages that villages need and the latest revision has no track in: the villages at which its schedules aim, or
    /// while it has none, those of its area. Empty for a withdrawn bulletin.
    missing_languages: Vec<MissingLanguageWire>,
}

/// A language that a bulletin lacks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MissingLanguageWire {
    language: String,
    villages: Vec<VillageWire>,
}

/// A place where people listen.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VillageWire {
    id: String,
    name: String,
    /// What it hears of this bulletin: `own` languages of its, the track in `vietnamese` instead, or `nothing`.
    hears: &'static str,
}

impl MissingLanguageWire {
    pub(super) fn all(missing: &MissingLanguages) -> Vec<Self> {
        let hears = |village: &Village| {
            if missing.silent.contains(village) {
                "nothing"
            } else if missing.vietnamese_instead.contains(village) {
                "vietnamese"
            } else {
                "own"
            }
        };
        let village =
            |v: &Village| VillageWire { id: v.id.to_string(), name: v.name.clone(), hears: hears(v) };
        let by_language = missing.languages.iter().map(|missing| Self {
            language: missing.language.to_string(),
            villages: missing.villages.iter().map(village).collect(),
        });
        by_language.collect()
    }
}

/// One revision.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RevisionWire {
    revision: u32,
    /// `draft`, `submitted`, `approved`, `rejected`, `withdrawn` or `superseded`.
    state: &'static str,
    title: String,
    text: String,
    category: &'static str,
    class: &'static str,
    tracks: Vec<TrackWire>,
    /// Ids of everybody who wrote any part of it.
    authors: Vec<String>,
    edited: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted: Option<StampWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided: Option<StampWire>,
    /// Why it was rejected, or the approver's remark.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// Who did something, and when.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StampWire {
    at: String,
    /// Id of a person, or `operator`.
    by: String,
}

impl From<&Revision> for RevisionWire {
    fn from(revision: &Revision) -> Self {
        let stamp = |stamp: &Option<crate::domain::bulletin::Stamp>| {
            stamp.as_ref().map(|s| StampWire { at: instant(s.at), by: s.by.clone() })
        };
        Self {
            revision: revision.number,
            state: revision.state.as_str(),
            title: revision.title.clone(),
            text: revision.text.clone(),
            category: revision.category.as_str(),
            class: revision.class.as_str(),
            tracks: revision.tracks.iter().map(TrackWire::from).collect(),
            authors: revision.authors.iter().map(ToString::to_string).collect(),
            edited: instant(revision.edited),
            submitted: stamp(&revision.submitted),
            decided: stamp(&revision.decided),
            note: revision.decision_note.clone(),
        }
    }
}

impl BulletinWire {
    /// A bulletin with what it lacks.
    pub(super) async fn of(
        state: &AppState,
        visit: &Visit,
        view: &BulletinView,
    ) -> Result<Json<Self>, HttpError> {
        let missing = match view.bulletin.withdrawn {
            None => state.services.bulletins.missing_languages(&visit.principal, &view.bulletin.id).await?,
            Some(_) => MissingLanguages::default(),
        };
        Ok(Json(Self {
            id: view.bulletin.id.to_string(),
            path: path(&view.bulletin.path),
            on_air_revision: view.bulletin.on_air,
            created: instant(view.bulletin.created),
            withdrawn: view.bulletin.withdrawn.map(instant),
            seen: view.seen().to_string(),
            seen_words: view.seen_words().to_string(),
            latest: RevisionWire::from(&view.latest),
            missing_languages: MissingLanguageWire::all(&missing),
        }))
    }
}

/// A bulletin in short.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SummaryWire {
    id: String,
    path: Vec<String>,
    area_name: String,
    revision: u32,
    state: &'static str,
    title: String,
    category: &'static str,
    class: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_air_revision: Option<u32>,
    created: String,
    edited: String,
    /// Sign-in names.
    authors: Vec<String>,
}

impl From<&BulletinSummary> for SummaryWire {
    fn from(summary: &BulletinSummary) -> Self {
        Self {
            id: summary.bulletin.id.to_string(),
            path: path(&summary.bulletin.path),
            area_name: summary.area_name.clone(),
            revision: summary.bulletin.latest,
            state: summary.state.as_str(),
            title: summary.title.clone(),
            category: summary.category.as_str(),
            class: summary.class.as_str(),
            on_air_revision: summary.bulletin.on_air,
            created: instant(summary.bulletin.created),
            edited: instant(summary.edited),
            authors: summary.authors.clone(),
        }
    }
}

/// Which bulletins to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct BulletinsAsked {
    /// State of the latest revision.
    state: Option<String>,
    /// With a revision on air, or without.
    on_air: Option<bool>,
    /// Id of the last one of the page before.
    before: Option<String>,
    /// At most so many, 1 to 200; absent: 50.
    limit: Option<u32>,
}

/// The bulletins that one may see, the latest begun first
#[utoipa::path(get, path = "/bulletins", tag = "bulletins", security(("session" = [])), params(BulletinsAsked), responses((status = 200, body = Vec<SummaryWire>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Asked(asked): Asked<BulletinsAsked>,
) -> Result<Json<Vec<SummaryWire>>, HttpError> {
    let filter = BulletinFilter {
        state: field::<RevisionState>("state", asked.state.as_deref())?,
        on_air: asked.on_air,
        before: field("before", asked.before.as_deref())?,
        limit: asked.limit.unwrap_or(50),
    };
    let summaries = state.services.bulletins.list(&visit.principal, &filter).await?;
    Ok(Json(summaries.iter().map(SummaryWire::from).collect()))
}

/// A bulletin as typed.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct BulletinForm {
    /// Id of the area on whose behalf it speaks. Ignored by an edit.
    #[serde(default)]
    area: String,
    /// Drawn by the caller, so that the same form sent twice begins one bulletin: 1 to 64 of a-z, 0-9 and inner
    /// hyphens. Absent: drawn here. Ignored by an edit.
    id: Option<String>,
    /// `seen_words` of the bulletin that was shown; an edit needs it.
    #[serde(default)]
    seen: String,
    #[serde(default)]
    title: String,
    /// The text in Vietnamese.
    #[serde(default)]
    text: String,
    #[serde(default)]
    category: String,
    /// `normal`, `priority` or `emergency`.
    #[serde(default)]
    class: String,
    /// The sounds; empty: the text, spoken in Vietnamese.
    #[serde(default)]
    tracks: Vec<TrackForm>,
}

impl BulletinForm {
    fn draft(self) -> BulletinDraft {
        BulletinDraft {
            title: self.title,
            text: self.text,
            category: self.category,
            class: self.class,
            tracks: self.tracks.into_iter().map(TrackForm::draft).collect(),
        }
    }
}

/// Begin a bulletin; its sounds are made at once
#[utoipa::path(post, path = "/bulletins", tag = "bulletins", security(("session" = [])), request_body = BulletinForm, responses((status = 201, body = BulletinWire)))]
pub(super) async fn create(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Body(form): Body<BulletinForm>,
) -> Result<(StatusCode, Json<BulletinWire>), HttpError> {
    let area = required("area", &form.area)?;
    let id: Option<BulletinId> = field("id", form.id.as_deref())?;
    let view = state.services.bulletins.create(&visit.principal, &area, &form.draft(), id).await?;
    Ok((StatusCode::CREATED, BulletinWire::of(&state, &visit, &view).await?))
}

/// One bulletin
#[utoipa::path(get, path = "/bulletins/{id}", tag = "bulletins", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = BulletinWire)))]
pub(super) async fn get(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(bulletin): Named<String>,
) -> Result<Json<BulletinWire>, HttpError> {
    let view = state.services.bulletins.get(&visit.principal, &id(&bulletin, Thing::Bulletin)?).await?;
    BulletinWire::of(&state, &visit, &view).await
}

/// One revision of a bulletin
#[utoipa::path(get, path = "/bulletins/{id}/revisions/{revision}", tag = "bulletins", security(("session" = [])), params(("id" = String, Path), ("revision" = u32, Path)), responses((status = 200, body = RevisionWire)))]
pub(super) async fn revision(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named((bulletin, number)): Named<(String, u32)>,
) -> Result<Json<RevisionWire>, HttpError> {
    let bulletin = id(&bulletin, Thing::Bulletin)?;
    let revision = state.services.bulletins.revision(&visit.principal, &bulletin, number).await?;
    Ok(Json(RevisionWire::from(&revision)))
}

/// Change a bulletin: a draft in place, anything else as a draft of the next revision
#[utoipa::path(put, path = "/bulletins/{id}", tag = "bulletins", security(("session" = [])), params(("id" = String, Path)), request_body = BulletinForm, responses((status = 200, body = BulletinWire)))]
pub(super) async fn edit(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(bulletin): Named<String>,
    Body(form): Body<BulletinForm>,
) -> Result<Json<BulletinWire>, HttpError> {
    let bulletin = id(&bulletin, Thing::Bulletin)?;
    let seen = required("seen", &form.seen)?;
    let view = state.services.bulletins.edit(&visit.principal, &bulletin, &seen, &form.draft()).await?;
    BulletinWire::of(&state, &visit, &view).await
}

/// Hand the latest revision to the approvers
#[utoipa::path(post, path = "/bulletins/{id}/submit", tag = "bulletins", security(("session" = [])), params(("id" = String, Path)), request_body = SeenWire, responses((status = 200, body = BulletinWire)))]
pub(super) async fn submit(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(bulletin): Named<String>,
    Body(seen): Body<SeenWire>,
) -> Result<Json<BulletinWire>, HttpError> {
    let bulletin = id(&bulletin, Thing::Bulletin)?;
    let view = state.services.bulletins.submit(&visit.principal, &bulletin, &seen.read()?).await?;
    BulletinWire::of(&state, &visit, &view).await
}

/// A decision.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct DecisionForm {
    /// `seen` of the bulletin that was shown and heard.
    seen: String,
    /// A remark; a rejection needs it.
    #[serde(default)]
    note: String,
}

/// Let the latest revision sound
///
/// Refused for whoever wrote any part of it, for what was not seen and heard, and while a sound is not finished.
#[utoipa::path(post, path = "/bulletins/{id}/approve", tag = "bulletins", security(("session" = [])), params(("id" = String, Path)), request_body = DecisionForm, responses((status = 200, body = BulletinWire)))]
pub(super) async fn approve(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(bulletin): Named<String>,
    Body(form): Body<DecisionForm>,
) -> Result<Json<BulletinWire>, HttpError> {
    let bulletin = id(&bulletin, Thing::Bulletin)?;
    let seen = required("seen", &form.seen)?;
    let view = state.services.bulletins.approve(&visit.principal, &bulletin, &seen, &form.note).await?;
    BulletinWire::of(&state, &visit, &view).await
}

/// Refuse the latest revision, with a reason for its authors
#[utoipa::path(post, path = "/bulletins/{id}/reject", tag = "bulletins", security(("session" = [])), params(("id" = String, Path)), request_body = DecisionForm, responses((status = 200, body = BulletinWire)))]
pub(super) async fn reject(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(bulletin): Named<String>,
    Body(form): Body<DecisionForm>,
) -> Result<Json<BulletinWire>, HttpError> {
    let bulletin = id(&bulletin, Thing::Bulletin)?;
    let seen = required("seen", &form.seen)?;
    let view = state.services.bulletins.reject(&visit.principal, &bulletin, &seen, &form.note).await?;
    BulletinWire::of(&state, &visit, &view).await
}

/// Take a bulletin back for good
#[utoipa::path(post, path = "/bulletins/{id}/withdraw", tag = "bulletins", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = BulletinWire)))]
pub(super) async fn withdraw(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(bulletin): Named<String>,
) -> Result<Json<BulletinWire>, HttpError> {
    let bulletin = id(&bulletin, Thing::Bulletin)?;
    let view = state.services.bulletins.withdraw(&visit.principal, &bulletin).await?;
    BulletinWire::of(&state, &visit, &view).await
}
