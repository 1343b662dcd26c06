//! Style, script, icons and fonts, built by `npm run build` in `controller/web` and embedded in the binary.
//!
//! Names carry a hash of the content, so an asset never changes under its name and is kept for a year.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

/// Address of the style sheet.
pub const APP_CSS: &str = env!("LOA_ASSET_APP_CSS");
/// Address of the script.
pub const APP_JS: &str = env!("LOA_ASSET_APP_JS");
/// Address of the icons' sprite; an icon is a fragment of it, such as `#home`.
pub const ICONS: &str = env!("LOA_ASSET_ICONS_SVG");
/// Address of the site's icon.
pub const FAVICON: &str = env!("LOA_ASSET_FAVICON_SVG");
/// Address of the regular weight of the font's Latin part, asked for before the style sheet is read.
pub const FONT_LATIN: &str = env!("LOA_ASSET_BE_VIETNAM_PRO_LATIN_400_NORMAL_WOFF2");
/// Address of the regular weight of the font's Vietnamese part.
pub const FONT_VIETNAMESE: &str = env!("LOA_ASSET_BE_VIETNAM_PRO_VIETNAMESE_400_NORMAL_WOFF2");

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[exclude = "manifest.json"]
struct Dist;

/// `GET /assets/{name}`: each asset, compressed if the browser takes it, kept for a year.
pub fn assets<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{name}", get(asset))
}

async fn asset(Path(name): Path<String>, request: HeaderMap) -> Response {
    let accepted = request.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    let Some(media_type) = media_type(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let found = ENCODINGS
        .into_iter()
        .filter(|(encoding, _)| accepts(accepted, encoding))
        .find_map(|(encoding, suffix)| Some((Some(encoding), Dist::get(&format!("{name}{suffix}"))?)))
        .or_else(|| Some((None, Dist::get(&name)?)));
    let Some((encoding, file)) = found else { return StatusCode::NOT_FOUND.into_response() };

    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    (headers, file.data).into_response()
}

/// Encodings that are built beforehand, best first.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// Whether an `Accept-Encoding` takes `encoding`; a weight of zero refuses it.
fn accepts(accept_encoding: &str, encoding: &str) -> bool {
    accept_encoding.split(',').any(|part| {
        let (name, parameters) = part.split_once(';').unwrap_or((part, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        name.trim().eq_ignore_ascii_case(encoding) && weight.is_ok_and(|weight| weight > 0.0)
    })
}

/// The media type by the name's end; `None` for what is not served by itself.
fn media_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "woff2" => Some("font/woff2"),
        _ => None,
    }
}

#[cfg(test)]
pub(super) fn icon_names() -> Vec<String> {
    let sprite = Dist::get(ICONS.trim_start_matches("/assets/")).expect("the sprite");
    let sprite = String::from_utf8(sprite.data.into_owned()).expect("text");
    let after = sprite.split("<symbol id=\"").skip(1);
    after.map(|rest| rest.split('"').next().expect("an id").to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn fetch(path: &str, accept_encoding: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        let request =
            Request::get(path).header(header::ACCEPT_ENCODING, accept_encoding).body(Body::empty()).unwrap();
        let answer = assets::<()>().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        (parts.status, parts.headers, to_bytes(body, 10_000_000).await.unwrap().to_vec())
    }

    #[tokio::test]
    async fn the_style_sheet_is_compressed_and_kept() {
        let (status, headers, plain) = fetch(APP_CSS, "identity").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers[header::CONTENT_TYPE], "text/css; charset=utf-8");
        assert!(headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        assert!(!headers.contains_key(header::CONTENT_ENCODING));

        let (_, headers, br) = fetch(APP_CSS, "gzip, deflate, br").await;
        assert_eq!(headers[header::CONTENT_ENCODING], "br");
        let (_, headers, gz) = fetch(APP_CSS, "gzip, br;q=0").await;
        assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
        assert!(br.len() < gz.len() && gz.len() < plain.len());
    }

    #[tokio::test]
    async fn nothing_else_is_served() {
        for path in
            ["/assets/manifest.json", "/assets/none.css", "/assets/app.css", "/assets/..%2fpackage.json"]
        {
            assert_eq!(fetch(path, "br").await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }

    /// The first page's budget is 150 kB over the wire; this leaves 30 kB of it for the page itself.
    #[tokio::test]
    async fn the_first_load_is_small() {
        let mut total = 0;
        for path in [APP_CSS, APP_JS, ICONS, FAVICON] {
            total += fetch(path, "br").await.2.len();
        }
        for name in Dist::iter().filter(|name| name.ends_with(".woff2") && !name.contains("latin-ext")) {
            total += fetch(&format!("/assets/{name}"), "br").await.2.len();
        }
        assert!(total <= 120_000, "{total} bytes");
    }
}
