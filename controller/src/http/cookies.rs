//! The session's cookie.

use axum::http::{HeaderMap, HeaderValue};
use axum_extra::extract::CookieJar;

use super::WebSettings;
use crate::auth::token::Token;

/// Over HTTPS the name's prefix makes browsers insist on `Secure`, `Path=/` and no `Domain` (RFC 6265bis).
const SECURE_NAME: &str = "__Host-loa";
const PLAIN_NAME: &str = "loa";

fn name(web: &WebSettings) -> &'static str {
    if web.secure_cookies { SECURE_NAME } else { PLAIN_NAME }
}

/// The secret that a request presents.
pub(crate) fn session_token(headers: &HeaderMap, web: &WebSettings) -> Option<Token> {
    let jar = CookieJar::from_headers(headers);
    jar.get(name(web)).map(|cookie| Token::presented(cookie.value()))
}

/// The `Set-Cookie` that keeps a session's secret: out of reach of scripts, not sent with requests that other sites make.
pub(crate) fn session_cookie(token: &Token, web: &WebSettings) -> HeaderValue {
    write(token.reveal(), web.session_max.as_secs(), web)
}

/// The `Set-Cookie` that makes a browser forget the session.
pub(crate) fn forget_cookie(web: &WebSettings) -> HeaderValue {
    write("", 0, web)
}

fn write(value: &str, max_age_s: u64, web: &WebSettings) -> HeaderValue {
    let secure = if web.secure_cookies { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}", name(web));
    // A token is base64url: nothing in it needs quoting, and an own token is always one.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
