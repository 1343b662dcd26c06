//! Finished sounds, for listening.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tower_http::services::ServeFile;

use crate::http::query::{Named, id};
use crate::http::{AppState, HttpError, Visitor};
use crate::services::Thing;

/// Type of the finished sounds (RFC 7845).
const OGG_OPUS: HeaderValue = HeaderValue::from_static("audio/ogg; codecs=opus");

/// The bytes of a finished sound; ranges are served, so a player can seek
#[utoipa::path(get, path = "/objects/{hash}", tag = "objects", security(("session" = [])), params(("hash" = String, Path)), responses((status = 200, content_type = "audio/ogg", body = Vec<u8>), (status = 206, content_type = "audio/ogg", body = Vec<u8>)))]
pub(super) async fn get(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(hash): Named<String>,
    request: Request,
) -> Result<Response, HttpError> {
    let sound = state.services.sounds.get(&visit.principal, &id(&hash, Thing::Sound)?).await?;
    let etag = format!("\"{hash}\"");
    let same =
        request.headers().get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == etag.as_bytes());
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        match ServeFile::new(&sound.file).try_call(request).await {
            Ok(response) => response.map(Body::new),
            Err(source) => {
                let error = crate::store::StoreError::File { doing: "read", path: sound.file, source };
                return Err(crate::services::ServiceError::Store(error).into());
            }
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, OGG_OPUS);
    // Named by its content, it never changes; who may hear it does.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400, immutable"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    Ok(response)
}
