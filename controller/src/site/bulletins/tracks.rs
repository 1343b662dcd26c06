//! The sounds of a bulletin: how they come on, adding one, taking one out, trying again.

use axum::extract::{FromRequest, Multipart, Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use loa_protocol::bulletin::Language;
use loa_protocol::ids::ObjectHash;
use loa_speech::{RecordingFault, RecordingReport};

use super::{address, detail, named, record, seen};
use crate::domain::bulletin::{ConsentDraft, Making, SourceDraft, Track, TrackDraft, TrackSource};
use crate::domain::role::Action;
use crate::http::HttpError;
use crate::pages::views::{ConsentCard, DecisionForm, TrackCard, TrackForm, TrackOrigin, TrackState};
use crate::pages::{Errors, Msg, msg};
use crate::services::{BulletinView, ServiceError, Thing};
use crate::site::answer::{Answer, done, refused};
use crate::site::fields::{Fields, Posted};
use crate::site::places::Places;
use crate::site::reader::Me;
use crate::site::{Site, flash, languages, words};
use crate::store::uploads::Upload;

/// The kind of track that comes as a file, and the field that holds it.
pub(super) const RECORDING: &str = "recording";
/// Longest value of a field that is no file, in bytes: far above the longest transcript, so that whoever sends too much is
/// told how much.
const FIELD_MAX_BYTES: usize = 256 * 1024;
/// Most fields that are no files.
const FIELDS_MAX: usize = 16;

/// The tracks of the latest revision as the page shows them. `consents` are those of the bulletin's recordings.
pub(super) async fn cards(
    site: &Site,
    me: &Me,
    view: &BulletinView,
    removable: bool,
    consents: &[ConsentCard],
) -> Result<Vec<TrackCard>, ServiceError> {
    let reports = site.app.services.bulletins.recording_reports(me.who(), &view.bulletin.id).await?;
    let may_note = me.who().may(Action::Write(view.latest.class), &view.bulletin.path)
        && view.bulletin.withdrawn.is_none();
    let mut cards = Vec::new();
    for track in &view.latest.tracks {
        let code = track.content.language.as_str();
        cards.push(TrackCard {
            id: track.id.to_string(),
            language_code: code.to_owned(),
            language: languages::name(site, me.lang(), code),
            origin: origin(site, me, track, consents, &reports, may_note),
            state: state(site, me, track).await?,
            removable,
        });
    }
    Ok(cards)
}

fn origin(
    site: &Site,
    me: &Me,
    track: &Track,
    consents: &[ConsentCard],
    reports: &[(ObjectHash, RecordingReport)],
    may_note: bool,
) -> TrackOrigin {
    match &track.content.source {
        TrackSource::Speech { voice, .. } => {
            let chosen = voice.as_deref().unwrap_or(&site.settings.voice);
            let voice = track.spoken.as_ref().map_or(chosen, |spoken| &spoken.by);
            TrackOrigin::Speech { voice: languages::voice(site, me.lang(), voice) }
        }
        TrackSource::Recording { upload, file_name, transcript } => {
            let report = reports.iter().find(|(measured, _)| measured == upload);
            let notes = report.map(|(_, report)| notes(report)).unwrap_or_default();
            let upload = upload.to_string();
            let consent = consents.iter().find(|consent| consent.upload == upload);
            let stands = consent.is_some_and(|consent| consent.withdrawn.is_none());
            TrackOrigin::Recording {
                file_name: file_name.clone(),
                transcript: transcript.clone(),
                notes,
                consent: consent.cloned().map(Box::new),
                noting: (may_note && !stands).then(Box::default),
                upload,
            }
        }
    }
}

/// What was measured on a recording, in words: faults first, then what was cut off.
fn notes(report: &RecordingReport) -> Vec<Msg> {
    let fault = |fault| match fault {
        RecordingFault::Clipped => msg::RECORDING_CLIPPED,
        RecordingFault::Noisy => msg::RECORDING_NOISY,
        RecordingFault::Quiet => msg::RECORDING_QUIET,
    };
    let mut notes: Vec<Msg> = report.faults().into_iter().map(|found| Msg::new(fault(found))).collect();
    let trimmed_s = (report.trimmed_start_ms + report.trimmed_end_ms + 500) / 1_000;
    if trimmed_s > 0 {
        notes.push(Msg::new(msg::RECORDING_TRIMMED).with("x", trimmed_s.to_string()));
    }
    notes
}

async fn state(site: &Site, me: &Me, track: &Track) -> Result<TrackState, ServiceError> {
    if let Some(hash) = &track.object {
        let object = site.app.services.sounds.get(me.who(), hash).await?.object;
        return Ok(TrackState::Ready {
            audio_href: format!("/api/v1/objects/{hash}"),
            duration_ms: u64::from(object.duration_ms),
            loudness_lufs: object.loudness_lufs.unwrap_or_default(),
            size_bytes: object.size_bytes,
            instead: track
                .spoken
                .as_ref()
                .and_then(|spoken| spoken.instead.as_ref())
                .map(|why| Msg::both(why.vi.as_str(), why.en.as_str())),
        });
    }
    Ok(match &track.making {
        Making::Running { percent } => TrackState::Working { percent: *percent },
        Making::Failed(error) => TrackState::Failed { why: Msg::both(error.vi.as_str(), error.en.as_str()) },
        Making::Queued | Making::Done => TrackState::Queued,
    })
}

/// The form that adds a track, nothing typed yet.
pub(super) fn empty_form(site: &Site, me: &Me, places: &Places, view: &BulletinView) -> TrackForm {
    let lang = me.lang();
    TrackForm {
        languages: record::languages(site, me, places, view),
        voices: languages::track_voices(site, lang, &view.bulletin.path),
        language: String::new(),
        voice: "vi:".to_owned(),
        errors: Errors::none(),
    }
}

/// `POST /bulletins/{id}/tracks`: streamed, with its token first.
pub(in crate::site) async fn add(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let id = named(&id)?;
    let bulletins = &site.app.services.bulletins;
    let view = bulletins.to_record(me.who(), &id).await?;
    let (form, upload) = match receive(&site, &me, request).await? {
        Ok(received) => received,
        Err(refusal) => return again(&site, &me, &view, &refusal.form, refusal.errors).await,
    };
    let (track, consent) = match draft(&form, upload) {
        Ok(draft) => draft,
        Err(errors) => return again(&site, &me, &view, &form, errors).await,
    };
    match bulletins.put_track(me.who(), &id, &seen(form.one("seen"))?, track, consent).await {
        Ok(_) => done(&address(&id), flash::plain(msg::TRACK_ADDED, site.app.web.secure_cookies)),
        Err(ServiceError::Invalid(errors)) => {
            let errors = record::errors(&errors);
            again(&site, &me, &view, &form, errors).await
        }
        Err(other) => Err(other.into()),
    }
}

/// `POST /bulletins/{id}/tracks/{track}/remove`.
pub(in crate::site) async fn remove(
    State(site): State<Site>,
    me: Me,
    Path((id, track)): Path<(String, String)>,
    Posted(form): Posted,
) -> Answer {
    let id = named(&id)?;
    let bulletins = &site.app.services.bulletins;
    let view = bulletins.get(me.who(), &id).await?;
    let track = view.latest.tracks.iter().find(|known| known.id.as_str() == track);
    let track = track.ok_or(ServiceError::NotFound(Thing::Track))?;
    bulletins.remove_track(me.who(), &id, &seen(form.one("seen"))?, &track.content.language).await?;
    done(&address(&id), flash::plain(msg::TRACK_REMOVED, site.app.web.secure_cookies))
}

/// `POST /bulletins/{id}/tracks/{track}/retry`.
pub(in crate::site) async fn retry(
    State(site): State<Site>,
    me: Me,
    Path((id, track)): Path<(String, String)>,
    Posted(_): Posted,
) -> Answer {
    let id = named(&id)?;
    let track = track.parse().map_err(|_| ServiceError::NotFound(Thing::Track))?;
    site.app.services.bulletins.retry_track(me.who(), &id, &track).await?;
    done(&address(&id), flash::plain(msg::TRACK_ADDED, site.app.web.secure_cookies))
}

/// A form that was refused while it came in.
struct Refusal {
    form: Fields,
    errors: Errors,
}

/// Reads the form: fields first, the file piece by piece into the store. Nothing is stored before the token was right.
async fn receive(
    site: &Site,
    me: &Me,
    request: Request,
) -> Result<Result<(Fields, Option<Upload>), Refusal>, HttpError> {
    let mut parts = Multipart::from_request(request, site)
        .await
        .map_err(|rejection| HttpError::unreadable(rejection.status(), &rejection.body_text()))?;
    let unreadable = |error: axum::extract::multipart::MultipartError| {
        HttpError::unreadable(error.status(), &error.body_text())
    };
    let (mut form, mut upload) = (Fields::default(), None);
    let mut trusted = false;
    let mut count = 0;
    while let Some(mut part) = parts.next_field().await.map_err(unreadable)? {
        let name = part.name().unwrap_or_default().to_owned();
        if name == RECORDING {
            if !trusted {
                return Err(HttpError::CrossSite);
            }
            let file_name = part.file_name().unwrap_or_default().to_owned();
            if file_name.is_empty() || form.one("kind") != RECORDING {
                continue;
            }
            if upload.is_some() {
                return Err(HttpError::unreadable(StatusCode::BAD_REQUEST, "more than one recording"));
            }
            let mut writer = site.app.services.uploads.begin(me.who(), &file_name).await?;
            while let Some(bytes) = part.chunk().await.map_err(unreadable)? {
                match writer.write(&bytes).await {
                    Ok(()) => {}
                    Err(ServiceError::TooLarge(message)) => {
                        let errors = Errors::none().with(RECORDING, words::msg(&message));
                        return Ok(Err(Refusal { form, errors }));
                    }
                    Err(other) => return Err(other.into()),
                }
            }
            match writer.finish().await {
                Ok(stored) => upload = Some(stored),
                Err(ServiceError::Invalid(errors)) => {
                    let errors = record::errors(&errors);
                    return Ok(Err(Refusal { form, errors }));
                }
                Err(other) => return Err(other.into()),
            }
            continue;
        }
        count += 1;
        let mut value = Vec::new();
        while let Some(bytes) = part.chunk().await.map_err(unreadable)? {
            if count > FIELDS_MAX || value.len() + bytes.len() > FIELD_MAX_BYTES {
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                return Err(HttpError::unreadable(status, &format!("the field {name:?}")));
            }
            value.extend_from_slice(&bytes);
        }
        let value = String::from_utf8_lossy(&value).into_owned();
        trusted |= name == "csrf" && me.reader.token_matches(&value);
        form.push(name, value);
    }
    if trusted { Ok(Ok((form, upload))) } else { Err(HttpError::CrossSite) }
}

/// The track that a form brings, with the consent of its speaker.
fn draft(form: &Fields, upload: Option<Upload>) -> Result<(TrackDraft, Option<ConsentDraft>), Errors> {
    let mut errors = Errors::none();
    let language = form.one("language").trim();
    if Language::new(language).is_err() {
        errors.put("language", Msg::new(msg::NOT_A_CHOICE));
    }
    let source = match form.one("kind") {
        RECORDING => match upload {
            Some(upload) => Some(SourceDraft::Recording {
                upload: upload.hash.to_string(),
                file_name: upload.file_name,
                transcript: form.text("transcript"),
            }),
            None => {
                errors.put(RECORDING, Msg::new(msg::NO_FILE));
                None
            }
        },
        "speech" => {
            // A voice of another language is none of this one's; the services say whether there is any.
            let voice = form.one("voice").split_once(':').filter(|(code, _)| *code == language);
            let voice = voice.map(|(_, voice)| voice.to_owned()).unwrap_or_default();
            Some(SourceDraft::Speech { text: String::new(), voice, words_per_minute: None })
        }
        _ => {
            errors.put("", Msg::new(msg::NOT_A_CHOICE));
            None
        }
    };
    match source {
        Some(source) if errors.is_empty() => {
            let consent = record::consent(form).filter(|_| form.one("kind") == RECORDING);
            Ok((TrackDraft { language: language.to_owned(), source }, consent))
        }
        _ => Err(errors),
    }
}

/// The page from which the form came, with the form as typed.
async fn again(
    site: &Site,
    me: &Me,
    view: &BulletinView,
    form: &Fields,
    errors: Errors,
) -> Result<Response, HttpError> {
    if form.one("kind") == RECORDING {
        return refused(record::view_of(site, me, view, record::typed(form, errors)).await?);
    }
    let mut page = detail::view_of(site, me, view, DecisionForm::default(), None).await?;
    page.add_track =
        TrackForm { language: form.text("language"), voice: form.text("voice"), errors, ..page.add_track };
    refused(page)
}
