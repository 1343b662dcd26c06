//! The page on which the speech data set is exported.

use axum::extract::State;
use loa_protocol::bulletin::Language;

use super::answer::{Answer, done, page as answer_page};
use super::fields::Posted;
use super::reader::Me;
use super::{Site, flash, shell};
use crate::dataset::{ExportState, Wish};
use crate::pages::views::{ExportCard, SpeechDataPage};
use crate::pages::{Choice, Nav, msg};

/// What each line says of the licence.
const LICENCE: &str = "see README.md";

/// `GET /speech-data`.
pub(super) async fn page(State(site): State<Site>, me: Me) -> Answer {
    let state = site.app.exports.state(me.who())?;
    let (places, shell) = shell::open(&site, &me, Nav::Users).await?;
    let export = match state {
        ExportState::None => ExportCard::None,
        ExportState::Failed => ExportCard::Failed,
        ExportState::Running(progress) => {
            let progress = *progress.borrow();
            ExportCard::Running { done: progress.done, all: progress.all }
        }
        ExportState::Ready { exported, made } => ExportCard::Ready {
            recordings: exported.recordings,
            speakers: exported.speakers,
            duration_ms: exported.duration_ms,
            left_out: exported.left_out.count() as usize,
            made_at: places.here(made),
        },
    };
    let listed = site.app.services.languages().all().iter();
    let languages = listed
        .map(|listed| {
            let code = listed.code.as_str();
            Choice::new(code, super::languages::name(&site, me.lang(), code))
        })
        .collect();
    answer_page(SpeechDataPage { shell, languages, export })
}

/// `POST /speech-data`.
pub(super) async fn start(State(site): State<Site>, me: Me, Posted(form): Posted) -> Answer {
    let wish = Wish { language: Language::new(form.one("language")).ok(), since: None };
    site.app.exports.start(me.who(), wish, LICENCE.to_owned())?;
    done("/speech-data", flash::plain(msg::EXPORT_BEGUN, site.app.web.secure_cookies))
}
