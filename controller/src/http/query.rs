//! Reading requests, with refusals in this server's own form.

use std::fmt::Display;
use std::str::FromStr;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::HttpError;
use crate::domain::message::{FieldErrors, Message};
use crate::services::{ServiceError, Thing};

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request, state: &S) -> Result<Self, HttpError> {
        let Json(body) =
            Json::<T>::from_request(request, state).await.map_err(|rejection: JsonRejection| {
                HttpError::unreadable(rejection.status(), &rejection.body_text())
            })?;
        Ok(Self(body))
    }
}

/// The query of the address.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let Query(query) =
            Query::<T>::from_request_parts(parts, state).await.map_err(|rejection: QueryRejection| {
                HttpError::unreadable(StatusCode::BAD_REQUEST, &rejection.body_text())
            })?;
        Ok(Self(query))
    }
}

/// The words in the path.
pub(crate) struct Named<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let Path(names) = Path::<T>::from_request_parts(parts, state)
            .await
            .map_err(|_: PathRejection| HttpError::no_route())?;
        Ok(Self(names))
    }
}

/// The thing that a path names. What is no id at all is the id of nothing.
pub(crate) fn id<T: FromStr>(text: &str, thing: Thing) -> Result<T, HttpError> {
    text.parse().map_err(|_| ServiceError::NotFound(thing).into())
}

/// A value of a field that is written as text; empty counts as absent.
pub(crate) fn field<T: FromStr<Err: Display>>(
    name: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, HttpError> {
    let Some(text) = text.map(str::trim).filter(|t| !t.is_empty()) else { return Ok(None) };
    text.parse().map(Some).map_err(|error: T::Err| {
        let message = Message::written(
            "value.unreadable",
            format!("Giá trị “{text}” không hợp lệ."),
            format!("The value “{text}” cannot be used: {error}."),
        );
        FieldErrors::one(name, message).into()
    })
}

/// A value that must be there.
pub(crate) fn required<T: FromStr<Err: Display>>(name: &'static str, text: &str) -> Result<T, HttpError> {
    field(name, Some(text))?.ok_or_else(|| {
        let message = Message::fixed("value.missing", "Thiếu thông tin này.", "This value is missing.");
        FieldErrors::one(name, message).into()
    })
}
