//! Writing a bulletin, and editing one.
//!
//! What was typed is never lost: a refused form comes back as it was, and one that was sent after the session had ended
//! waits in [`crate::site::kept`] until its author has signed in again.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use loa_protocol::bulletin::{Category, Class};
use loa_protocol::ids::AreaId;

use super::{address, check, named, seen};
use crate::domain::area::Area;
use crate::domain::bulletin::{BulletinDraft, RevisionState, SourceDraft, TrackDraft, text};
use crate::domain::ids::fresh_bulletin_id;
use crate::domain::message::FieldErrors;
use crate::domain::role::{Action, Forbidden};
use crate::http::HttpError;
use crate::pages::views::{BulletinForm, BulletinFormPage, Editing, SpokenLanguage};
use crate::pages::{Choice, Errors, Lang, Msg, Nav, Rendered, msg};
use crate::services::{BulletinView, Seen, ServiceError, draft_of};
use crate::site::answer::{Answer, done, page as answer_page, refused};
use crate::site::fields::{Asked, Fields, Unchecked};
use crate::site::languages::{self, usual_voice};
use crate::site::places::Places;
use crate::site::reader::{Guest, Me};
use crate::site::{Site, fields, flash, shell, words};

/// The language in which the text is written, and the only one that a voice speaks it in.
const WRITTEN: &str = "vi";

/// `GET /bulletins/new`.
pub(in crate::site) async fn new_page(State(site): State<Site>, me: Me, Asked(asked): Asked) -> Answer {
    let kept = site.kept.get(asked.one("kept"), me.reader.now);
    let form = match kept {
        Some(fields) => kept_form(&fields),
        None => Typed {
            form: BulletinForm {
                class: Class::Normal.as_str().to_owned(),
                form_id: fresh_bulletin_id().to_string(),
                ..BulletinForm::default()
            },
            speak: vec![WRITTEN.to_owned()],
            voices: Vec::new(),
        },
    };
    let page = form_page(&site, &me, None, form).await?;
    if page.areas.is_empty() {
        return Err(ServiceError::from(Forbidden { action: Action::Write(Class::Normal) }).into());
    }
    answer_page(page)
}

/// `POST /bulletins`.
pub(in crate::site) async fn create(
    State(site): State<Site>,
    Guest(reader): Guest,
    Unchecked(form): Unchecked,
) -> Answer {
    let Some(me) = shell::person_of(&reader) else { return keep(&site, &reader, "/bulletins/new", form) };
    if !reader.token_matches(form.one("csrf")) {
        return Err(HttpError::CrossSite);
    }
    let services = &site.app.services;
    let draft = draft(&form, Vec::new());
    let area = AreaId::new(form.one("area").trim());
    let outcome = match &area {
        // A form that names no id of its own gets none: the services draw one.
        Ok(area) => services.bulletins.create(me.who(), area, &draft, form.one("form_id").parse().ok()).await,
        Err(_) => Err(ServiceError::NotFound(crate::services::Thing::Area)),
    };
    let mut typed = typed(&form);
    let view = match outcome {
        Ok(view) => view,
        Err(ServiceError::NotFound(_)) => {
            typed.form.errors.put("area", Msg::new(msg::NOT_A_CHOICE));
            return refused(form_page(&site, &me, None, typed).await?);
        }
        Err(ServiceError::Forbidden(forbidden)) if writes_in(&site, &me, &typed.form.area).await? => {
            typed.form.errors.put("class", words::msg(&forbidden.message()));
            return refused(form_page(&site, &me, None, typed).await?);
        }
        Err(ServiceError::Invalid(errors)) => {
            typed.form.errors = field_errors(&errors);
            return refused(form_page(&site, &me, None, typed).await?);
        }
        Err(other) => return Err(other.into()),
    };
    // The answer to the first try was lost on its way, and the text was worked on: neither version is dropped unseen.
    let stored = draft_of(&view.latest);
    let differs = stored.title != text::line(&draft.title) || stored.text != text::body(&draft.text);
    if differs && view.latest.state.edit().is_ok() {
        typed.form.errors.put("", Msg::new(msg::FORM_USED));
        let page = form_page(&site, &me, Some((&view, &view.seen_words())), typed).await?;
        return Ok(Rendered(StatusCode::CONFLICT, page).into_response());
    }
    saved(&site, &me, &form, &view, flash::plain(msg::SAVED, site.app.web.secure_cookies)).await
}

/// `GET /bulletins/{id}/edit`.
pub(in crate::site) async fn edit_page(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Asked(asked): Asked,
) -> Answer {
    let view = site.app.services.bulletins.get(me.who(), &named(&id)?).await?;
    me.who().require(Action::Write(view.latest.class), &view.bulletin.path).map_err(ServiceError::from)?;
    view.latest.state.edit().map_err(ServiceError::from)?;
    let kept = site.kept.get(asked.one("kept"), me.reader.now);
    let (form, seen) = match &kept {
        // The writer answers for what they had seen, not for what has come since.
        Some(fields) => (kept_form(fields), fields.one("seen").parse().unwrap_or_else(|_| view.seen_words())),
        None => (of_revision(&site, &view), view.seen_words()),
    };
    answer_page(form_page(&site, &me, Some((&view, &seen)), form).await?)
}

/// `POST /bulletins/{id}/edit`.
pub(in crate::site) async fn edit(
    State(site): State<Site>,
    Guest(reader): Guest,
    Path(id): Path<String>,
    Unchecked(form): Unchecked,
) -> Answer {
    let id = named(&id)?;
    let Some(me) = shell::person_of(&reader) else {
        return keep(&site, &reader, &format!("{}/edit", address(&id)), form);
    };
    if !reader.token_matches(form.one("csrf")) {
        return Err(HttpError::CrossSite);
    }
    let services = &site.app.services;
    let seen = seen(form.one("seen"))?;
    let before = services.bulletins.get(me.who(), &id).await?;
    // Sounds that this form does not show, recordings above all, stay as they are.
    let spoken = form.all("speak").iter().any(|language| language == WRITTEN);
    let others = draft_of(&before.latest).tracks.into_iter().filter(|track| match track.source {
        SourceDraft::Speech { .. } => track.language != WRITTEN,
        SourceDraft::Recording { .. } => track.language != WRITTEN || !spoken,
    });
    let view = match services.bulletins.edit(me.who(), &id, &seen, &draft(&form, others.collect())).await {
        Ok(view) => view,
        Err(ServiceError::Invalid(errors)) => {
            let mut typed = typed(&form);
            typed.form.errors = field_errors(&errors);
            return refused(form_page(&site, &me, Some((&before, &seen)), typed).await?);
        }
        // Whoever may write the bulletin as it is has chosen a class that they may not.
        Err(ServiceError::Forbidden(forbidden))
            if me.who().may(Action::Write(before.latest.class), &before.bulletin.path) =>
        {
            let mut typed = typed(&form);
            typed.form.errors.put("class", words::msg(&forbidden.message()));
            return refused(form_page(&site, &me, Some((&before, &seen)), typed).await?);
        }
        Err(ServiceError::Conflict(message)) if message.code == "bulletin.stale" => {
            let mut typed = typed(&form);
            typed.form.errors.put("", words::msg(&message));
            // Sent again, it is meant: the person was told, and may have looked.
            let page = form_page(&site, &me, Some((&before, &before.seen_words())), typed).await?;
            return Ok(Rendered(StatusCode::CONFLICT, page).into_response());
        }
        Err(other) => return Err(other.into()),
    };
    let secure = site.app.web.secure_cookies;
    let outcome = if view.latest.number > 1 {
        flash::numbered(msg::REVISION_SAVED, view.latest.number, secure)
    } else {
        flash::plain(msg::SAVED, secure)
    };
    saved(&site, &me, &form, &view, outcome).await
}

/// What follows a saved form: its submission, when the button said so.
async fn saved(
    site: &Site,
    me: &Me,
    form: &Fields,
    view: &BulletinView,
    outcome: axum::http::HeaderValue,
) -> Answer {
    let to = address(&view.bulletin.id);
    // A form sent twice finds its bulletin submitted already.
    if form.one("then") != "submit" || view.latest.state != RevisionState::Draft {
        return done(&to, outcome);
    }
    site.app.services.bulletins.submit(me.who(), &view.bulletin.id, &view.seen_words()).await?;
    done(&to, flash::plain(msg::SUBMITTED, site.app.web.secure_cookies))
}

/// The session ended while the form was filled: it waits behind the door.
fn keep(site: &Site, reader: &crate::site::reader::Reader, path: &str, form: Fields) -> Answer {
    let kept = if reader.from_here {
        site.kept.keep(form, reader.now).map_err(ServiceError::from)?
    } else {
        // Another site's form is not this person's work.
        None
    };
    let next = fields::address(path, &[("kept", kept.as_deref().unwrap_or_default())]);
    Ok(Redirect::to(&fields::address("/sign-in", &[("next", &next)])).into_response())
}

/// A form as typed: the fields of the view, and what is ticked.
struct Typed {
    form: BulletinForm,
    speak: Vec<String>,
    voices: Vec<String>,
}

fn typed(form: &Fields) -> Typed {
    Typed {
        form: BulletinForm {
            title: form.text("title"),
            text: form.text("text"),
            area: form.text("area"),
            category: form.text("category"),
            class: form.text("class"),
            form_id: form.text("form_id"),
            errors: Errors::none(),
        },
        speak: form.all("speak"),
        voices: form.all("voice"),
    }
}

fn kept_form(form: &Fields) -> Typed {
    let mut typed = typed(form);
    typed.form.errors.put("", Msg::new(msg::FORM_KEPT));
    typed
}

fn of_revision(site: &Site, view: &BulletinView) -> Typed {
    let draft = draft_of(&view.latest);
    let spoken = draft.tracks.iter().find_map(|track| match &track.source {
        SourceDraft::Speech { voice, .. } if track.language == WRITTEN => Some(voice.clone()),
        SourceDraft::Speech { .. } | SourceDraft::Recording { .. } => None,
    });
    // A track that names the configured voice is one that names none.
    let voice = spoken.clone().filter(|voice| *voice != site.settings.voice).unwrap_or_default();
    Typed {
        form: BulletinForm {
            title: draft.title,
            text: draft.text,
            area: view.bulletin.path.areas().last().map(ToString::to_string).unwrap_or_default(),
            category: draft.category,
            class: draft.class,
            form_id: fresh_bulletin_id().to_string(),
            errors: Errors::none(),
        },
        speak: spoken.map(|_| WRITTEN.to_owned()).into_iter().collect(),
        voices: vec![format!("{WRITTEN}:{voice}")],
    }
}

/// The form as the services take it. `others` are the tracks that the form does not show.
fn draft(form: &Fields, others: Vec<TrackDraft>) -> BulletinDraft {
    let spoken = form.all("speak").iter().any(|language| language == WRITTEN);
    let voice = chosen_voice(&form.all("voice"));
    let own = spoken.then(|| TrackDraft {
        language: WRITTEN.to_owned(),
        source: SourceDraft::Speech { text: String::new(), voice, words_per_minute: None },
    });
    BulletinDraft {
        title: form.text("title"),
        text: form.text("text"),
        category: form.text("category"),
        class: form.text("class"),
        tracks: own.into_iter().chain(others).collect(),
    }
}

/// The voice of the written language among `code:voice`; empty when none was sent.
fn chosen_voice(voices: &[String]) -> String {
    let own = voices.iter().filter_map(|voice| voice.split_once(':')).find(|(code, _)| *code == WRITTEN);
    own.map(|(_, voice)| voice.to_owned()).unwrap_or_default()
}

fn field_errors(errors: &FieldErrors) -> Errors {
    words::errors(errors, |field| match field {
        "title" => "title",
        "text" => "text",
        "category" => "category",
        "class" => "class",
        "tracks" => "speak",
        _ => "",
    })
}

async fn form_page(
    site: &Site,
    me: &Me,
    editing: Option<(&BulletinView, &Seen)>,
    typed: Typed,
) -> Result<BulletinFormPage, ServiceError> {
    let (places, mut shell) = shell::open(site, me, Nav::Bulletins).await?;
    shell.path = editing.map_or_else(
        || "/bulletins/new".to_owned(),
        |(view, _)| format!("{}/edit", address(&view.bulletin.id)),
    );
    let areas = places.choices(|area| writes(me, area));
    let mut form = typed.form;
    if form.area.is_empty() {
        form.area = usual_area(me, &places, &areas);
    }
    let check = check::text_check(site, me, &form.area, &form.text).await?;
    let voice = chosen_voice(&typed.voices);
    let offered =
        || places.all().iter().filter(|area| areas.iter().any(|choice| choice.value == area.id.as_str()));
    let usual = match editing {
        Some((view, _)) => usual_voice(site, me.lang(), WRITTEN, std::iter::once(&view.bulletin.path)),
        None => usual_voice(site, me.lang(), WRITTEN, offered().map(|area| &area.path)),
    };
    Ok(BulletinFormPage {
        shell,
        editing: editing.map(|(view, seen)| Editing {
            id: view.bulletin.id.to_string(),
            seen: seen.to_string(),
            makes_revision: view.latest.state == RevisionState::Approved,
        }),
        areas,
        categories: categories(me.lang()),
        spoken: vec![SpokenLanguage {
            code: WRITTEN.to_owned(),
            name: languages::name(site, me.lang(), WRITTEN),
            usual,
            voices: languages::voices(site, me.lang(), WRITTEN, &voice),
            voice,
            chosen: typed.speak.iter().any(|language| language == WRITTEN),
        }],
        form,
        check,
    })
}

/// Whether the person may write bulletins of some class for an area.
async fn writes_in(site: &Site, me: &Me, area: &str) -> Result<bool, ServiceError> {
    let places = Places::load(site, me).await?;
    let area = AreaId::new(area).ok();
    Ok(area.and_then(|id| places.get(&id)).is_some_and(|area| writes(me, area)))
}

fn writes(me: &Me, area: &Area) -> bool {
    Class::ALL.into_iter().any(|class| me.who().may(Action::Write(class), &area.path))
}

/// The one area of whoever writes for one; nothing is chosen for those who write for several.
fn usual_area(me: &Me, places: &Places, areas: &[Choice]) -> String {
    let home = me.visit.user.home.area_id().filter(|home| places.get(home).is_some());
    let home = home.map(ToString::to_string).filter(|home| areas.iter().any(|area| area.value == *home));
    let top: Vec<&Choice> = areas.iter().filter(|area| area.depth == 0).collect();
    match (home, top.as_slice()) {
        (Some(home), _) => home,
        (None, [only]) => only.value.clone(),
        (None, _) => String::new(),
    }
}

fn categories(lang: Lang) -> Vec<Choice> {
    let choice = |category: Category| Choice::new(category.as_str(), words::category(lang, category));
    Category::ALL.into_iter().map(choice).collect()
}
