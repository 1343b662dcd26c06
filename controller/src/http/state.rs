//! What handlers share.

use std::sync::Arc;
use std::time::Duration;

use crate::config::HttpConfig;
use crate::dataset::Exports;
use crate::enrol::Enrolments;
use crate::services::Services;

/// What handlers share. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// What the product does.
    pub services: Services,
    /// Exports of the speech data set.
    pub exports: Exports,
    /// Issues enrolment tokens.
    pub enrolments: Arc<Enrolments>,
    /// How the web server behaves.
    pub web: Arc<WebSettings>,
}

/// How the web server behaves.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// Address in links, without a slash at the end.
    pub base_url: String,
    /// Whether cookies are sent over HTTPS alone.
    pub secure_cookies: bool,
    /// Whether a proxy in front says who asks, in `X-Forwarded-For`.
    pub behind_proxy: bool,
    /// Longest time for one request, except uploads and event streams.
    pub request_timeout: Duration,
    /// How long a browser keeps the session's cookie.
    pub session_max: Duration,
    /// Largest recording, in bytes.
    pub upload_max_bytes: u64,
    /// Longest recording, in seconds.
    pub recording_max_s: u64,
}

impl WebSettings {
    /// From the configuration. `base_url` is where the server is really reached.
    pub fn new(http: &HttpConfig, limits: &crate::config::Limits, base_url: String) -> Self {
        Self {
            base_url,
            secure_cookies: http.secure_cookies,
            behind_proxy: http.behind_proxy,
            request_timeout: Duration::from_secs(http.request_timeout_s),
            session_max: Duration::from_secs(u64::from(limits.session_max_h) * 3600),
            upload_max_bytes: limits.upload_max_bytes,
            recording_max_s: limits.recording_max_s,
        }
    }
}
