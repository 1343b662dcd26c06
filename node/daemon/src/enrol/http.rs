//! One POST to the controller.
//!
//! Over `https://` the server's certificate is *not* checked, on purpose. The exchange authenticates itself (the request
//! by the token's secret, the answer by the pinned root) and carries nothing secret, so a check would protect nothing; but
//! it would lock out a board whose clock stands in 1970, and every controller with a certificate of its own making.

use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{TlsConfig, TlsProvider};

/// Longest answer that is read, in bytes: two certificates and a key set of the largest size.
const ANSWER_MAX_BYTES: u64 = 320 * 1024;

/// The whole exchange may take so long.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// Nobody answered.
    #[error(
        "cannot reach the controller at {url}: check the board's network, and that this address opens from here; then run \
         the same command again, the token is still good"
    )]
    Unreachable {
        /// Where the request went.
        url: String,
        /// What the HTTP client says.
        #[source]
        source: Box<ureq::Error>,
    },
    /// The controller said no.
    #[error("the controller refused ({status}{}): {advice}", says(.detail.as_deref()))]
    Refused {
        /// HTTP status.
        status: u16,
        /// The controller's own words, where it gave any.
        detail: Option<String>,
        /// What to do.
        advice: &'static str,
    },
}

fn says(detail: Option<&str>) -> String {
    detail.map_or_else(String::new, |words| format!(", {words:?}"))
}

/// Posts CBOR and returns the body of a 2xx answer. Blocks, a minute at most.
pub(super) fn post(url: &str, body: &[u8]) -> Result<Vec<u8>, HttpError> {
    let unreachable = |e: ureq::Error| HttpError::Unreachable { url: url.to_owned(), source: Box::new(e) };
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .disable_verification(true)
        .build();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(3)
        .tls_config(tls)
        .build()
        .into();
    let mut answer = agent
        .post(url)
        .header("content-type", "application/cbor")
        .header("accept", "application/cbor, application/problem+json")
        .send(body)
        .map_err(unreachable)?;
    let status = answer.status();
    let bytes = answer.body_mut().with_config().limit(ANSWER_MAX_BYTES).read_to_vec().map_err(unreachable)?;
    if status.is_success() {
        return Ok(bytes);
    }
    Err(HttpError::Refused {
        status: status.as_u16(),
        detail: detail(&bytes),
        advice: advice(status.as_u16()),
    })
}

/// The `detail` (or else the `title`) of a problem document (RFC 9457).
fn detail(body: &[u8]) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_slice(body).ok()?;
    let words = problem.get("detail").or_else(|| problem.get("title"))?.as_str()?;
    // It goes to a terminal.
    Some(words.chars().filter(|c| !c.is_control()).take(300).collect())
}

fn advice(status: u16) -> &'static str {
    match status {
        401 | 403 | 404 => "the token is not one of this controller, or was withdrawn: ask for a new token",
        409 => "the token was used by another board: ask for a new token",
        410 => "the token has expired: ask for a new token",
        429 => "too many attempts: wait a minute, then run the same command again",
        500.. => "the controller is in trouble: run the same command again later, the token is still good",
        _ => {
            "ask for a new token; if that does not help, the controller and this program are of different versions"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_controllers_words_are_shown_without_control_characters() {
        assert_eq!(
            detail(r#"{"title":"T","detail":"Hết hạn\u001b[2J"}"#.as_bytes()),
            Some("Hết hạn[2J".to_owned())
        );
        assert_eq!(detail(br#"{"title":"T"}"#), Some("T".to_owned()));
        assert_eq!(detail(b"<html>"), None);
    }

    #[test]
    fn https_goes_through_our_own_crypto_provider() {
        // A port that nobody listens on: the TLS settings must at least be accepted.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let error = post(&format!("https://127.0.0.1:{port}/x"), b"").unwrap_err();
        assert!(
            matches!(&error, HttpError::Unreachable { source, .. } if !matches!(**source, ureq::Error::Tls(_))),
            "{error:?}"
        );
    }
}
