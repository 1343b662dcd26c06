//! Submitting, approving, returning, withdrawing.
//!
//! What another person was quicker with is refused on the bulletin's own page, as it stands by then: what happened is
//! there to read beside why this was refused.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use loa_protocol::ids::BulletinId;

use super::{address, detail, named, seen};
use crate::pages::views::DecisionForm;
use crate::pages::{Errors, Rendered, msg};
use crate::services::{BulletinView, ServiceError};
use crate::site::answer::{Answer, done};
use crate::site::fields::Posted;
use crate::site::reader::Me;
use crate::site::{Site, flash, words};

/// `POST /bulletins/{id}/submit`.
pub(in crate::site) async fn submit(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(form): Posted,
) -> Answer {
    let id = named(&id)?;
    let outcome = site.app.services.bulletins.submit(me.who(), &id, &seen(form.one("seen"))?).await;
    told(&site, &me, &id, outcome, msg::SUBMITTED, String::new()).await
}

/// `POST /bulletins/{id}/approve`.
pub(in crate::site) async fn approve(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(form): Posted,
) -> Answer {
    let id = named(&id)?;
    let outcome = site.app.services.bulletins.approve(me.who(), &id, &seen(form.one("seen"))?, "").await;
    told(&site, &me, &id, outcome, msg::APPROVED, String::new()).await
}

/// `POST /bulletins/{id}/reject`.
pub(in crate::site) async fn reject(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(form): Posted,
) -> Answer {
    let id = named(&id)?;
    let (seen, comment) = (seen(form.one("seen"))?, form.one("comment"));
    let outcome = site.app.services.bulletins.reject(me.who(), &id, &seen, comment).await;
    told(&site, &me, &id, outcome, msg::REJECTED, form.text("comment")).await
}

/// `POST /bulletins/{id}/withdraw`.
pub(in crate::site) async fn withdraw(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(_): Posted,
) -> Answer {
    let id = named(&id)?;
    let outcome = site.app.services.bulletins.withdraw(me.who(), &id).await;
    told(&site, &me, &id, outcome, msg::WITHDRAWN, String::new()).await
}

/// The answer to a decision: on to the bulletin when it was taken, its page with the reason when it was not.
async fn told(
    site: &Site,
    me: &Me,
    id: &BulletinId,
    outcome: Result<BulletinView, ServiceError>,
    success: &'static str,
    comment: String,
) -> Answer {
    let (status, errors) = match outcome {
        Ok(_) => return done(&address(id), flash::plain(success, site.app.web.secure_cookies)),
        Err(ServiceError::Invalid(errors)) => {
            let errors = words::errors(&errors, |field| if field == "reason" { "comment" } else { "" });
            (StatusCode::UNPROCESSABLE_ENTITY, errors)
        }
        Err(ServiceError::Conflict(message)) => {
            (StatusCode::CONFLICT, Errors::none().with("", words::msg(&message)))
        }
        Err(other) => return Err(other.into()),
    };
    let view = site.app.services.bulletins.get(me.who(), id).await?;
    let page = detail::view_of(site, me, &view, DecisionForm { comment, errors }, None).await?;
    Ok(Rendered(status, page).into_response())
}
