//! What surrounds every request.

use std::any::Any;
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;

use super::error::{REQUEST_ID, explain};
use super::{AppState, HttpError};
use crate::domain::message::Message;

/// The policy of every answer: own scripts, styles, fonts and sounds; frames nowhere.
pub const CONTENT_SECURITY_POLICY: &str = crate::pages::CONTENT_SECURITY_POLICY;

/// Longest body of a request that is no upload, in bytes.
const BODY_MAX_BYTES: usize = 1024 * 1024;

/// Surrounds the routes, from the outside in: request id, log line, panic to 500, security headers, words for errors,
/// time limit.
pub(super) fn around(routes: Router, state: &AppState) -> Router {
    let default = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    routes
        .fallback(|| async { HttpError::no_route() })
        .method_not_allowed_fallback(|| async { HttpError::no_method() })
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(from_fn_with_state(state.clone(), time_limit))
        .layer(CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| panicked(panic.as_ref())))
        .layer(from_fn(explain))
        .layer(default(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .layer(default(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(default(header::X_FRAME_OPTIONS, "DENY"))
        .layer(default(header::REFERRER_POLICY, "same-origin"))
        .layer(default(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .layer(default(HeaderName::from_static("permissions-policy"), crate::pages::PERMISSIONS_POLICY))
        .layer(from_fn_with_state(state.clone(), measure))
        .layer(TraceLayer::new_for_http().make_span_with(|request: &Request| {
            let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
            // The query stays out: it may hold what a person searched for.
            tracing::info_span!("request", method = %request.method(), path = request.uri().path(), id)
        }))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
}

/// Counts the answer, by the pattern of its route.
async fn measure(
    axum::extract::State(state): axum::extract::State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let (method, begun) = (request.method().clone(), Instant::now());
    let response = next.run(request).await;
    let route = route.as_ref().map(MatchedPath::as_str);
    state.services.metrics().http.answered(&method, route, response.status().as_u16(), begun.elapsed());
    response
}

async fn time_limit(
    axum::extract::State(state): axum::extract::State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    // Uploads over a slow line and event streams last.
    let lasts = path == "/live" || path.ends_with("/tracks") && request.method() == axum::http::Method::POST;
    if lasts {
        return next.run(request).await;
    }
    match tokio::time::timeout(state.web.request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let message = Message::fixed(
                "request.timeout",
                "Yêu cầu mất quá nhiều thời gian. Hãy thử lại.",
                "The request took too long. Try again.",
            );
            HttpError::Unreadable { status: StatusCode::SERVICE_UNAVAILABLE, message }.into_response()
        }
    }
}

/// A panic in a handler costs its request alone. Its words go to the log.
fn panicked(panic: &(dyn Any + Send)) -> Response {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words");
    tracing::error!(panic = words, "a handler panicked");
    let message = Message::fixed(
        "internal",
        "Hệ thống gặp lỗi; lỗi đã được ghi lại. Hãy thử lại sau.",
        "Something failed here and was logged. Try again later.",
    );
    HttpError::Unreadable { status: StatusCode::INTERNAL_SERVER_ERROR, message }.into_response()
}
