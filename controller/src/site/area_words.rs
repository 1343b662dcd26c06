//! The words of an area: how its own names and words are said.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use loa_protocol::ids::AreaId;

use super::answer::{Answer, done, page as answer_page, refused};
use super::fields::{Asked, Posted};
use super::reader::Me;
use super::{Site, flash, reading, shell, words};
use crate::domain::area::Area;
use crate::domain::ids::WordId;
use crate::domain::lexicon::WordDraft;
use crate::domain::role::Action;
use crate::http::HttpError;
use crate::pages::labels::Tone;
use crate::pages::views::{WordForm, WordRow, WordsPage};
use crate::pages::{Flash, Msg, Nav, Rendered, msg};
use crate::services::{ServiceError, Thing, WordKept, WordView};

/// Longest sentence that is tried, in characters.
const SAY_MAX_CHARS: usize = 1_000;

/// `GET /areas/{id}/words`.
pub(super) async fn page(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Asked(asked): Asked,
) -> Answer {
    let form = WordForm { word: asked.text("word"), written: asked.text("written"), ..WordForm::default() };
    let say: String = asked.one("say").chars().take(SAY_MAX_CHARS).collect();
    answer_page(view_of(&site, &me, &named(&id)?, form, say).await?)
}

/// `POST /areas/{id}/words`.
pub(super) async fn put(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(form): Posted,
) -> Answer {
    let area = named(&id)?;
    let word = match form.one("word") {
        "" => None,
        word => Some(word_named(word)?),
    };
    let draft = WordDraft { written: form.text("written"), spoken: form.text("spoken") };
    let kept = match site.app.services.lexicon.put(me.who(), &area, word.as_ref(), &draft).await {
        Ok(kept) => kept,
        Err(ServiceError::Invalid(errors)) => {
            let errors = words::errors(&errors, |field| match field {
                "written" => "written",
                "spoken" => "spoken",
                _ => "",
            });
            let WordDraft { written, spoken } = draft;
            let form = WordForm { word: form.text("word"), written, spoken, errors };
            return refused(view_of(&site, &me, &area, form, String::new()).await?);
        }
        Err(other) => return Err(other.into()),
    };
    if kept.said_before.is_none() && kept.loops.is_empty() {
        let outcome = flash::named(msg::WORD_KEPT, &kept.word.written, site.app.web.secure_cookies);
        return done(&address(&area), outcome);
    }
    let mut page = view_of(&site, &me, &area, WordForm::default(), String::new()).await?;
    page.shell.flash = Some(told(&kept));
    Ok(Rendered(StatusCode::OK, page).into_response())
}

/// `POST /areas/{id}/words/{word}/remove`.
pub(super) async fn remove(
    State(site): State<Site>,
    me: Me,
    Path((id, word)): Path<(String, String)>,
    Posted(_): Posted,
) -> Answer {
    let area = named(&id)?;
    let word = site.app.services.lexicon.remove(me.who(), &area, &word_named(&word)?).await?;
    done(&address(&area), flash::named(msg::WORD_REMOVED, &word.written, site.app.web.secure_cookies))
}

/// What is said of an edit.
pub(super) fn told(kept: &WordKept) -> Flash {
    let about = |key| Msg::new(key).with("x", kept.word.written.as_str());
    if !kept.loops.is_empty() {
        let loops: Vec<String> = kept.loops.iter().map(|written| format!("“{written}”")).collect();
        return Flash { tone: Tone::Warn, msg: about(msg::WORD_LOOP).with("loops", loops.join(", ")) };
    }
    match &kept.said_before {
        Some(said) => Flash { tone: Tone::Warn, msg: about(msg::WORD_REPLACED).with("said", said.as_str()) },
        None => Flash { tone: Tone::Good, msg: about(msg::WORD_KEPT) },
    }
}

fn named(id: &str) -> Result<AreaId, HttpError> {
    AreaId::new(id).map_err(|_| ServiceError::NotFound(Thing::Area).into())
}

fn word_named(id: &str) -> Result<WordId, HttpError> {
    id.parse().map_err(|_| ServiceError::NotFound(Thing::Word).into())
}

fn address(area: &AreaId) -> String {
    format!("/areas/{area}/words")
}

async fn view_of(
    site: &Site,
    me: &Me,
    id: &AreaId,
    mut form: WordForm,
    say: String,
) -> Result<WordsPage, ServiceError> {
    let services = &site.app.services;
    let chain = services.areas.chain(me.who(), id).await?;
    let area = chain.last().ok_or(ServiceError::NotFound(Thing::Area))?;
    let views = services.lexicon.list(me.who(), id).await?;
    let (places, mut shell) = shell::open(site, me, Nav::Areas).await?;
    shell.path = address(id);
    let people = views.iter().map(|view| view.word.edited_by.clone());
    let names = services.users.names(people).await?;
    let name = |id: &AreaId| {
        chain
            .iter()
            .find(|area: &&Area| area.id == *id)
            .map_or_else(|| id.to_string(), |area| area.name.clone())
    };
    let row = |view: &WordView| WordRow {
        id: view.word.id.to_string(),
        written: view.word.written.clone(),
        spoken: view.word.spoken.clone(),
        area: name(&view.word.area),
        own: view.word.area == *id,
        overridden_by: view.overridden_by.as_ref().map(name),
        overrides: view.overrides.as_ref().map(|(_, spoken)| spoken.clone()),
        is_loop: view.is_loop,
        edited_at: places.moment(view.word.edited, &area.path),
        edited_by: match names.get(&view.word.edited_by) {
            Some(name) => name.clone(),
            None => me.lang().text(msg::OPERATOR),
        },
    };
    // A word of this area that is to be changed; one of another area is said otherwise by adding it here.
    if form.errors.is_empty()
        && let Some(view) = views.iter().find(|view| view.word.id.as_str() == form.word)
    {
        form.written.clone_from(&view.word.written);
        form.spoken.clone_from(&view.word.spoken);
        if view.word.area != *id {
            form.word.clear();
        }
    }
    let said = if say.trim().is_empty() {
        Vec::new()
    } else {
        reading::said(&services.lexicon.reader(me.who(), id).await?.normalizer, &say)
    };
    Ok(WordsPage {
        area_id: id.to_string(),
        area: area.name.clone(),
        rows: views.iter().map(row).collect(),
        form: me.who().may(Action::ManageWords, &area.path).then_some(form),
        say,
        said,
        shell,
    })
}
