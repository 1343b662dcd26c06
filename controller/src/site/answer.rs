//! Answers: a page, a redirect with its outcome, a refusal in words.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::places::Places;
use super::reader::Reader;
use super::{Site, shell, words};
use crate::http::{HttpError, chain};
use crate::pages::views::ErrorPage;
use crate::pages::{Msg, Nav, Page, Rendered, msg};
use crate::services::ServiceError;

/// What handlers answer.
pub(super) type Answer = Result<Response, HttpError>;

/// A page.
pub(super) fn page<P: Page>(page: P) -> Answer {
    Ok(Rendered(StatusCode::OK, page).into_response())
}

/// A page with its form as typed and what is wrong with it.
pub(super) fn refused<P: Page>(page: P) -> Answer {
    Ok(Rendered(StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

/// On to `path`, where the outcome is shown once.
pub(super) fn done(path: &str, flash: HeaderValue) -> Answer {
    Ok(([(header::SET_COOKIE, flash)], Redirect::to(path)).into_response())
}

/// Turns a refusal that a handler answered into a page.
pub(super) async fn explain(site: &Site, reader: &Arc<Reader>, mut response: Response) -> Response {
    let Some(error) = response.extensions_mut().remove::<Arc<HttpError>>() else { return response };
    if error.status().is_server_error() {
        tracing::error!(request_id = reader.request_id.as_deref(), error = %chain(&error), "a page failed");
    }
    let mut page = Rendered(error.status(), error_page(site, reader, &error).await).into_response();
    if let Some(retry) = response.headers_mut().remove(header::RETRY_AFTER) {
        page.headers_mut().insert(header::RETRY_AFTER, retry);
    }
    page
}

async fn error_page(site: &Site, reader: &Arc<Reader>, error: &HttpError) -> ErrorPage {
    let status = error.status();
    let (title, todo) = match error {
        HttpError::CrossSite => (Msg::new(msg::FORM_EXPIRED), Msg::new(msg::FORM_EXPIRED_TODO)),
        HttpError::Service(_) | HttpError::Enrolment(_) | HttpError::Unreadable { .. } => {
            msg::problem(status.as_u16())
        }
    };
    let message = error.message();
    // A fault of the program says nothing of its inside; its title says it all.
    let told = status != StatusCode::INTERNAL_SERVER_ERROR;
    ErrorPage {
        shell: error_shell(site, reader).await,
        status: status.as_u16(),
        title,
        detail: told.then(|| words::msg(&message)),
        todo,
        code: message.code.to_owned(),
        request_id: reader.request_id.clone(),
    }
}

/// The surroundings of an error: without the person where even they cannot be read.
async fn error_shell(site: &Site, reader: &Arc<Reader>) -> crate::pages::Shell {
    if let Some(me) = shell::person_of(reader) {
        let opened: Result<_, ServiceError> = async {
            let places = Places::load(site, &me).await?;
            shell::shell(site, &me, &places, Nav::None).await
        }
        .await;
        if let Ok(shell) = opened {
            return shell;
        }
    }
    shell::outside(site, reader)
}
