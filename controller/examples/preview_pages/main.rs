//! Serves every page with sample data, to look at while working on templates and style:
//! `cargo run -p loa-controller --example preview_pages` prints the address.
//!
//! `/{page}?lang=vi|en&theme=auto|light|dark`; forms go nowhere.

mod sample;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use loa_controller::pages::{Lang, Page, Rendered, Theme, assets, views};

#[derive(Clone, Copy)]
struct Look {
    lang: Lang,
    theme: Theme,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "0".to_owned());
    let listener =
        tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.context("the port is in use")?;
    println!("http://{}/", listener.local_addr()?);
    let app = Router::new()
        .route("/", get(index))
        .route("/schedules/preview", post(schedule_preview))
        .route("/bulletins/check", post(text_check))
        .route("/{page}", get(page))
        .merge(assets::assets());
    axum::serve(listener, app).await.context("the preview stopped")
}

async fn index() -> Html<String> {
    let links = sample::NAMES.iter().map(|name| format!("<li><a href=\"/{name}\">{name}</a></li>"));
    Html(format!("<!doctype html><title>Preview</title><ul>{}</ul>", links.collect::<String>()))
}

async fn page(Path(name): Path<String>, Query(query): Query<Vec<(String, String)>>) -> Response {
    let value = |wanted: &str| query.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.as_str());
    let look = Look {
        lang: value("lang").and_then(Lang::from_code).unwrap_or_default(),
        theme: value("theme").and_then(Theme::from_code).unwrap_or_default(),
    };
    sample::answer(&name, look).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

/// Answers with a page of the sample.
fn ok<P: Page>(page: P) -> Response {
    Rendered(StatusCode::OK, page).into_response()
}

async fn schedule_preview() -> Response {
    let look = Look { lang: Lang::Vi, theme: Theme::Auto };
    ok(views::SchedulePreviewPart { lang: look.lang, preview: sample::schedule_form(look).preview })
}

async fn text_check() -> Response {
    let look = Look { lang: Lang::Vi, theme: Theme::Auto };
    ok(views::TextCheckPart { lang: look.lang, check: sample::bulletin_form(look).check })
}
