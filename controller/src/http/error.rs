//! Every refusal and failure of the web server, and its words: RFC 9457 `application/problem+json`.
//!
//! ```text
//! handler ── HttpError ──> response with its status, the error attached
//!                              │ layer `explain`: knows the reader's language
//!                              v
//!          { type, title, status, detail, code, errors[], instance }
//! ```
//!
//! The detail of a 5xx is logged with the whole chain of causes, and never sent.

use std::error::Error as _;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::ReaderLanguage;
use crate::domain::message::{FieldErrors, Message, UiLanguage};
use crate::enrol::EnrolError;
use crate::services::ServiceError;
use crate::store::StoreError;

/// The request's id, as the log has it.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// When to try again while the database is away, in seconds.
const AWAY_RETRY_S: i64 = 10;

/// A request that was not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// A service refused or failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A board was not enrolled.
    #[error(transparent)]
    Enrolment(#[from] EnrolError),
    /// The request itself cannot be read.
    #[error("the request cannot be read ({status}): {message}")]
    Unreadable {
        /// A 4xx.
        status: StatusCode,
        /// What to say.
        message: Message,
    },
    /// A request that changes something came without the session's token.
    #[error("the token against cross-site requests is missing or wrong")]
    CrossSite,
}

impl From<FieldErrors> for HttpError {
    fn from(errors: FieldErrors) -> Self {
        Self::Service(errors.into())
    }
}

impl HttpError {
    /// A request that cannot be read, in the words of whoever tried. They are for whoever wrote the program that sent it:
    /// what a person may do about it stands before them.
    pub fn unreadable(status: StatusCode, reason: &str) -> Self {
        let message = if status == StatusCode::PAYLOAD_TOO_LARGE {
            Message::fixed(
                "request.too_large",
                "Nội dung gửi lên lớn hơn mức máy chủ nhận. Hãy rút ngắn hoặc chia thành nhiều phần rồi gửi lại.",
                "The request is larger than this server accepts. Shorten it, or cut it into several, and send it again.",
            )
        } else {
            Message::written(
                "request.unreadable",
                format!("Yêu cầu không đúng dạng nên máy chủ không đọc được. Chi tiết kỹ thuật: {reason}"),
                format!("The request cannot be read: {reason}"),
            )
        };
        Self::Unreadable { status, message }
    }

    /// No such address.
    pub fn no_route() -> Self {
        let message = Message::fixed(
            "route.not_found",
            "Không có trang hoặc địa chỉ này.",
            "There is nothing at this address.",
        );
        Self::Unreadable { status: StatusCode::NOT_FOUND, message }
    }

    /// The address does not take this method.
    pub fn no_method() -> Self {
        let message = Message::fixed(
            "method.not_allowed",
            "Địa chỉ này không nhận phương thức đó.",
            "This address does not take that method.",
        );
        Self::Unreadable { status: StatusCode::METHOD_NOT_ALLOWED, message }
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Service(error) => service_status(error),
            Self::Enrolment(error) => error.status(),
            Self::Unreadable { status, .. } => *status,
            Self::CrossSite => StatusCode::FORBIDDEN,
        }
    }

    /// What to say to the person.
    pub fn message(&self) -> Message {
        match self {
            Self::Service(error) if is_disk_full(error) => Message::fixed(
                "disk.full",
                "Máy chủ hết chỗ lưu trữ. Hãy báo quản trị viên giải phóng dung lượng.",
                "The server's disk is full. Ask the administrator to free some room.",
            ),
            Self::Service(error) => error.message(),
            Self::Enrolment(error) => error.message(),
            Self::Unreadable { message, .. } => message.clone(),
            Self::CrossSite => Message::fixed(
                "csrf.missing",
                "Biểu mẫu đã cũ hoặc không đến từ trang này. Hãy tải lại trang và gửi lại.",
                "The form is stale or does not come from this site. Load the page again and resend.",
            ),
        }
    }

    /// The errors of single fields.
    pub fn fields(&self) -> Option<&FieldErrors> {
        match self {
            Self::Service(ServiceError::Invalid(errors)) => Some(errors),
            Self::Service(_) | Self::Enrolment(_) | Self::Unreadable { .. } | Self::CrossSite => None,
        }
    }

    fn retry_after_s(&self) -> Option<i64> {
        match self {
            Self::Service(ServiceError::Throttled { retry_after_ms }) => Some((retry_after_ms + 999) / 1000),
            Self::Service(ServiceError::Store(StoreError::Away(_))) => Some(AWAY_RETRY_S),
            Self::Service(_) | Self::Enrolment(_) | Self::Unreadable { .. } | Self::CrossSite => None,
        }
    }
}

fn service_status(error: &ServiceError) -> StatusCode {
    match error {
        ServiceError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        ServiceError::Forbidden(_) => StatusCode::FORBIDDEN,
        ServiceError::NotFound(_) => StatusCode::NOT_FOUND,
        ServiceError::Conflict(_) => StatusCode::CONFLICT,
        ServiceError::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        ServiceError::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
        ServiceError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        ServiceError::Store(_) if is_disk_full(error) => StatusCode::INSUFFICIENT_STORAGE,
        ServiceError::Store(StoreError::Away(_)) => StatusCode::SERVICE_UNAVAILABLE,
        ServiceError::Store(_)
        | ServiceError::Passphrase(_)
        | ServiceError::Random(_)
        | ServiceError::Token(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn is_disk_full(error: &ServiceError) -> bool {
    matches!(error, ServiceError::Store(StoreError::File { source, .. })
        if source.kind() == std::io::ErrorKind::StorageFull)
}

/// The status and the error; the words are added by `explain`.
impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if let Some(seconds) = self.retry_after_s() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// A refusal or failure, as sent (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:loa:problem:` and the code: stable, for programs.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened and what to do, in the reader's language.
    pub detail: String,
    /// Stable code, `thing.problem`.
    pub code: String,
    /// One entry for each field that needs attention.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// `urn:loa:request:` and the request's id, as the log has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

/// What is wrong with one field.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Path of the field: `title`, `tracks[1].language`.
    pub field: String,
    /// Stable code.
    pub code: String,
    /// What is wrong, in the reader's language.
    pub message: String,
}

impl Problem {
    /// The words of an error in one language.
    pub fn of(error: &HttpError, language: UiLanguage, request_id: Option<&str>) -> Self {
        let message = error.message();
        let errors = error.fields().into_iter().flatten().map(|field| FieldProblem {
            field: field.field.to_string(),
            code: field.message.code.to_owned(),
            message: field.message.text(language).to_owned(),
        });
        Self {
            kind: format!("urn:loa:problem:{}", message.code),
            title: title(error.status(), language).to_owned(),
            status: error.status().as_u16(),
            detail: message.text(language).to_owned(),
            code: message.code.to_owned(),
            errors: errors.collect(),
            instance: request_id.map(|id| format!("urn:loa:request:{id}")),
        }
    }
}

/// The layer that finds words for every [`HttpError`], and gives one to answers of the framework that have none.
pub(crate) async fn explain(request: Request, next: Next) -> Response {
    let ReaderLanguage(language) = ReaderLanguage::of(request.headers());
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
    let mut response = next.run(request).await;
    let Some(error) = response.extensions_mut().remove::<Arc<HttpError>>() else { return response };
    if error.status().is_server_error() {
        tracing::error!(request_id = id.as_deref(), error = %chain(&error), "a request failed");
    }
    let problem = Problem::of(&error, language, id.as_deref());
    let mut explained = (error.status(), Json(problem)).into_response();
    let headers = explained.headers_mut();
    if let Some(retry) = response.headers_mut().remove(header::RETRY_AFTER) {
        headers.insert(header::RETRY_AFTER, retry);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    explained
}

/// An error with all its causes, in one line.
pub(crate) fn chain(error: &HttpError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        // Writing to a String cannot fail.
        let _written = write!(text, ": {inner}");
        cause = inner.source();
    }
    text
}

fn title(status: StatusCode, language: UiLanguage) -> &'static str {
    let (vi, en) = match status {
        StatusCode::UNAUTHORIZED => ("Chưa đăng nhập", "Not signed in"),
        StatusCode::FORBIDDEN => ("Không có quyền", "Not allowed"),
        StatusCode::NOT_FOUND => ("Không tìm thấy", "Not found"),
        StatusCode::METHOD_NOT_ALLOWED => ("Phương thức không được nhận", "Method not allowed"),
        StatusCode::REQUEST_TIMEOUT => ("Quá thời gian", "Took too long"),
        StatusCode::GONE => ("Đã hết hạn", "No longer valid"),
        StatusCode::CONFLICT => ("Không thực hiện được lúc này", "Not possible as things stand"),
        StatusCode::PAYLOAD_TOO_LARGE => ("Dữ liệu quá lớn", "Too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("Định dạng không được nhận", "Unsupported format"),
        StatusCode::UNPROCESSABLE_ENTITY => ("Thông tin chưa đúng", "Some values are not right"),
        StatusCode::TOO_MANY_REQUESTS => ("Thử quá nhiều lần", "Too many attempts"),
        StatusCode::INSUFFICIENT_STORAGE => ("Hết chỗ lưu trữ", "Disk full"),
        StatusCode::SERVICE_UNAVAILABLE => ("Tạm thời chưa phục vụ được", "Not available for the moment"),
        other if other.is_server_error() => ("Hệ thống gặp lỗi", "Something failed here"),
        _ => ("Yêu cầu không hợp lệ", "Bad request"),
    };
    match language {
        UiLanguage::Vietnamese => vi,
        UiLanguage::English => en,
    }
}
