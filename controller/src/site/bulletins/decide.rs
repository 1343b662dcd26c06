//! Submitting, approving, returning, withdrawing.

use axum::extract::{Path, State};

use super::{address, detail, named, seen};
use crate::pages::msg;
use crate::pages::views::DecisionForm;
use crate::services::ServiceError;
use crate::site::answer::{Answer, done, refused};
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
    site.app.services.bulletins.submit(me.who(), &id, &seen(form.one("seen"))?).await?;
    done(&address(&id), flash::plain(msg::SUBMITTED, site.app.web.secure_cookies))
}

/// `POST /bulletins/{id}/approve`.
pub(in crate::site) async fn approve(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(form): Posted,
) -> Answer {
    let id = named(&id)?;
    site.app.services.bulletins.approve(me.who(), &id, &seen(form.one("seen"))?, "").await?;
    done(&address(&id), flash::plain(msg::APPROVED, site.app.web.secure_cookies))
}

/// `POST /bulletins/{id}/reject`.
pub(in crate::site) async fn reject(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(form): Posted,
) -> Answer {
    let id = named(&id)?;
    let bulletins = &site.app.services.bulletins;
    match bulletins.reject(me.who(), &id, &seen(form.one("seen"))?, form.one("comment")).await {
        Ok(_) => done(&address(&id), flash::plain(msg::REJECTED, site.app.web.secure_cookies)),
        Err(ServiceError::Invalid(errors)) => {
            let view = bulletins.get(me.who(), &id).await?;
            let errors = words::errors(&errors, |field| if field == "reason" { "comment" } else { "" });
            let decision = DecisionForm { comment: form.text("comment"), errors };
            refused(detail::view_of(&site, &me, &view, decision, None).await?)
        }
        Err(other) => Err(other.into()),
    }
}

/// `POST /bulletins/{id}/withdraw`.
pub(in crate::site) async fn withdraw(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(_): Posted,
) -> Answer {
    let id = named(&id)?;
    site.app.services.bulletins.withdraw(me.who(), &id).await?;
    done(&address(&id), flash::plain(msg::WITHDRAWN, site.app.web.secure_cookies))
}
