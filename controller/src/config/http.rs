//! Where the pages and the API are served.

use std::net::{Ipv4Addr, SocketAddr};

use serde::Deserialize;

/// The web server.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Address that staff and nodes type, for links and enrolment; empty: made from `listen`.
    pub public_url: String,
    /// Send cookies over HTTPS alone. Set it wherever a TLS proxy stands in front.
    pub secure_cookies: bool,
    /// A proxy stands in front and writes `X-Forwarded-For`. Without one, leave it off: anybody may write that header.
    pub behind_proxy: bool,
    /// Longest time for one request, except uploads and event streams, in seconds.
    pub request_timeout_s: u64,
}

impl HttpConfig {
    /// The address to put in links, without a slash at the end. `bound` is where the server really listens.
    pub fn base_url(&self, bound: SocketAddr) -> String {
        if self.public_url.is_empty() {
            format!("http://{bound}")
        } else {
            self.public_url.trim_end_matches('/').to_owned()
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: String::new(),
            secure_cookies: false,
            behind_proxy: false,
            request_timeout_s: 30,
        }
    }
}
