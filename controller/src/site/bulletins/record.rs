//! The page on which a recording is made or uploaded, and what its speaker lets be done with it.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect};
use loa_protocol::ids::ObjectHash;

use super::{address, detail, named};
use crate::domain::bulletin::{Consent, ConsentDraft};
use crate::domain::message::{FieldErrors, Message};
use crate::domain::role::Action;
use crate::pages::views::{ConsentCard, ConsentForm, DecisionForm, RecordForm, RecordPage};
use crate::pages::{Choice, Errors, Nav, msg};
use crate::services::{BulletinView, ServiceError, Thing};
use crate::site::answer::{Answer, done, page as answer_page, refused};
use crate::site::fields::{Asked, Fields, Posted};
use crate::site::places::Places;
use crate::site::reader::Me;
use crate::site::{Site, flash, shell, words};

/// Longest recording that is made in a browser, in minutes: an announcer who reads longer makes mistakes, and a take
/// that is lost costs less. A file may be longer.
const MINUTES_MAX: u64 = 30;

/// `GET /bulletins/{id}/record`.
pub(in crate::site) async fn page(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Asked(asked): Asked,
) -> Answer {
    let id = named(&id)?;
    let view = site.app.services.bulletins.to_record(me.who(), &id).await?;
    if !detail::takes_tracks(&me, &view) {
        return Ok(Redirect::to(&address(&id)).into_response());
    }
    let form = RecordForm { language: asked.text("language"), ..RecordForm::default() };
    answer_page(view_of(&site, &me, &view, form).await?)
}

/// The page, with its form as typed.
pub(super) async fn view_of(
    site: &Site,
    me: &Me,
    view: &BulletinView,
    typed: RecordForm,
) -> Result<RecordPage, ServiceError> {
    let (places, mut shell) = shell::open(site, me, Nav::Bulletins).await?;
    shell.path = format!("{}/record", address(&view.bulletin.id));
    let web = &site.app.web;
    Ok(RecordPage {
        shell,
        bulletin: view.bulletin.id.to_string(),
        title: view.latest.title.clone(),
        text: view.latest.text.clone(),
        seen_words: view.seen_words().to_string(),
        form: RecordForm {
            languages: languages(site, me, &places, view),
            max_bytes: web.upload_max_bytes,
            max_minutes: (web.recording_max_s / 60).clamp(1, MINUTES_MAX),
            ..typed
        },
    })
}

/// The form as it was sent.
pub(super) fn typed(form: &Fields, errors: Errors) -> RecordForm {
    RecordForm {
        language: form.text("language"),
        transcript: form.text("transcript"),
        speaker: form.text("speaker"),
        speaker_place: form.text("speaker_place"),
        errors,
        ..RecordForm::default()
    }
}

/// The languages of the place first, then the others that have a name here.
pub(super) fn languages(site: &Site, me: &Me, places: &Places, view: &BulletinView) -> Vec<Choice> {
    let own = places.languages(&view.bulletin.path);
    let mut codes: Vec<String> = own.iter().map(|language| language.as_str().to_owned()).collect();
    for listed in site.app.services.languages().all() {
        if !codes.iter().any(|code| code == listed.code.as_str()) {
            codes.push(listed.code.to_string());
        }
    }
    codes
        .iter()
        .map(|code| Choice::new(code.as_str(), crate::site::languages::name(site, me.lang(), code)))
        .collect()
}

/// The consent that a form brings: none unless its box was ticked.
pub(super) fn consent(form: &Fields) -> Option<ConsentDraft> {
    (form.one("consent") == "yes")
        .then(|| ConsentDraft { speaker: form.text("speaker"), place: form.text("speaker_place") })
}

/// What was noted about recordings, as the page shows it.
pub(super) async fn consents(
    site: &Site,
    me: &Me,
    places: &Places,
    view: &BulletinView,
) -> Result<Vec<ConsentCard>, ServiceError> {
    let services = &site.app.services;
    let (path, class) = (&view.bulletin.path, view.latest.class);
    let noted = services.bulletins.consents(me.who(), &view.bulletin.id).await?;
    let people: Vec<String> = noted.iter().flat_map(|(_, consent)| noters(consent)).collect();
    let names = services.users.names(people).await?;
    let name = |by: &str| words::person(me.lang(), &names, by);
    let may = me.who().may(Action::Write(class), path) || me.who().may(Action::Approve(class), path);
    let cards = noted.iter().map(|(upload, consent)| ConsentCard {
        upload: upload.to_string(),
        speaker: consent.speaker.clone(),
        place: consent.place.clone(),
        noted_at: places.moment(consent.noted.at, path),
        noted_by: name(&consent.noted.by),
        withdrawn: consent.withdrawn.as_ref().map(|stamp| (places.moment(stamp.at, path), name(&stamp.by))),
        may_withdraw: may && consent.stands(),
    });
    Ok(cards.collect())
}

/// Who noted a consent, and who took it back.
fn noters(consent: &Consent) -> Vec<String> {
    [Some(&consent.noted), consent.withdrawn.as_ref()]
        .into_iter()
        .flatten()
        .map(|stamp| stamp.by.clone())
        .collect()
}

/// `POST /bulletins/{id}/recordings/{upload}/consent`.
pub(in crate::site) async fn note(
    State(site): State<Site>,
    me: Me,
    Path((id, upload)): Path<(String, String)>,
    Posted(form): Posted,
) -> Answer {
    let (id, upload) = (named(&id)?, recording(&upload)?);
    let bulletins = &site.app.services.bulletins;
    let noted = match consent(&form) {
        Some(consent) => bulletins.note_consent(me.who(), &id, &upload, &consent).await,
        // The box is the deed: a form without it does nothing, and says so.
        None => Err(FieldErrors::one("consent", unticked()).into()),
    };
    match noted {
        Ok(()) => done(&address(&id), flash::plain(msg::CONSENT_NOTED, site.app.web.secure_cookies)),
        Err(ServiceError::Invalid(wrong)) => {
            let view = bulletins.get(me.who(), &id).await?;
            let mut page = detail::view_of(&site, &me, &view, DecisionForm::default(), None).await?;
            let typed = ConsentForm {
                speaker: form.text("speaker"),
                speaker_place: form.text("speaker_place"),
                errors: errors(&wrong),
            };
            if page.tracks.iter_mut().any(|track| track.consent_as_typed(&upload.to_string(), &typed)) {
                return refused(page);
            }
            // The recording is no track of the page any more: there is no form to show it beside.
            Err(ServiceError::Invalid(wrong).into())
        }
        Err(other) => Err(other.into()),
    }
}

fn unticked() -> Message {
    Message::fixed(
        "consent.unticked",
        "Chưa đánh dấu ô đồng ý, nên chưa ghi nhận gì.",
        "The box was not ticked, so nothing was noted.",
    )
}

/// `POST /bulletins/{id}/recordings/{upload}/consent/withdraw`.
pub(in crate::site) async fn withdraw(
    State(site): State<Site>,
    me: Me,
    Path((id, upload)): Path<(String, String)>,
    Posted(_): Posted,
) -> Answer {
    let (id, upload) = (named(&id)?, recording(&upload)?);
    site.app.services.bulletins.withdraw_consent(me.who(), &id, &upload).await?;
    done(&address(&id), flash::plain(msg::CONSENT_WITHDRAWN, site.app.web.secure_cookies))
}

/// What is no hash is the hash of nothing.
fn recording(upload: &str) -> Result<ObjectHash, ServiceError> {
    upload.parse().map_err(|_| ServiceError::NotFound(Thing::Track))
}

/// The errors of a recording under the names of this page's form.
pub(super) fn errors(errors: &FieldErrors) -> Errors {
    let mut named = Errors::none();
    for error in errors {
        // `tracks[1].transcript` is this form's own track.
        let field = error.field.rsplit('.').next().unwrap_or_default();
        let field = match field {
            "recording" | "upload" | "source" => "recording",
            "tracks" | "language" => "language",
            "transcript" => "transcript",
            "speaker" => "speaker",
            "speaker_place" => "speaker_place",
            "consent" => "consent",
            _ => "",
        };
        if !named.has(field) {
            named.put(field, words::msg(&error.message));
        }
    }
    named
}
