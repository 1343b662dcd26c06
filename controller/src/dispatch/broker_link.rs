//! The controller's own link to its broker: over loopback to the embedded one, or to another by URL.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use axum::http::Uri;
use loa_link::{
    Backoff, Credentials, FlooredClock, LinkOptions, Qos, Secret, TlsOptions, TlsSetupError, client_config,
};
use loa_protocol::ids::TenantId;

use crate::broker::{CONTROLLER_NAME, EmbeddedBroker};
use crate::config::BrokerConfig;

/// Publications that wait for the connection: a pass of the reconciler over a large fleet.
const QUEUE_MESSAGES: usize = 512;
const QUEUE_BYTES: usize = 8 * 1024 * 1024;
const INFLIGHT: u16 = 256;
/// Longest wait between two attempts to connect. Nodes wait up to five minutes because they are many; all of them wait for what
/// the controller gives a broker that has come back.
const RETRY_MAX: Duration = Duration::from_secs(5);
/// Blocks that wait for the connection.
const AUDIO_QUEUE_MESSAGES: usize = 16;

/// Why no link can be made from the settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerLinkError {
    /// `broker.url` is no MQTT address.
    #[error(
        "broker.url is {0:?}; write mqtts://host:8883, or mqtt://host:1883 for a broker on the same machine"
    )]
    Url(String),
    /// The file with the broker's authority cannot be read.
    #[error("broker.ca_file {path} cannot be read", path = path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// TLS cannot be set up.
    #[error("TLS to the broker cannot be set up")]
    Tls(#[from] TlsSetupError),
}

/// The link to the embedded broker.
pub fn embedded(broker: &EmbeddedBroker) -> LinkOptions {
    let address = broker.controller_addr();
    let login = broker.controller_login();
    LinkOptions {
        credentials: Some(Credentials {
            user: login.username.to_owned(),
            password: Secret::new(login.password.clone()),
        }),
        ..common(address.ip().to_string(), address.port())
    }
}

/// The link to a broker that stands elsewhere. `own_ca` signs its certificate unless the settings name another
/// authority. Such a broker has no hook, so what nodes report is subscribed to.
///
/// # Errors
/// [`BrokerLinkError`].
pub fn external(
    config: &BrokerConfig,
    tenant: &TenantId,
    own_ca: &str,
) -> Result<LinkOptions, BrokerLinkError> {
    let wrong = || BrokerLinkError::Url(config.url.clone());
    let url: Uri = config.url.parse().map_err(|_| wrong())?;
    let (Some(scheme), Some(host)) = (url.scheme_str(), url.host()) else { return Err(wrong()) };
    let (tls, port) = match scheme {
        "mqtts" => (true, 8883),
        "mqtt" => (false, 1883),
        _ => return Err(wrong()),
    };
    let port = url.port_u16().unwrap_or(port);
    let reports = ["pres", "state", "want", "receipt", "health", "event", "answer"];
    let tls = if tls { Some(tls_options(&config.ca_file, own_ca, host)?) } else { None };
    Ok(LinkOptions {
        tls,
        credentials: (!config.username.is_empty()).then(|| Credentials {
            user: config.username.clone(),
            password: Secret::new(config.password.reveal().to_owned()),
        }),
        subscriptions: reports.map(|kind| (format!("loa/1/{tenant}/u/+/{kind}"), Qos::AtLeastOnce)).into(),
        ..common(host.to_owned(), port)
    })
}

/// The same link for who tells the time: a connection of its own, so that neither a request nor an answer waits behind reports or
/// audio. What it has no room for is dropped.
pub fn for_time(options: LinkOptions, tenant: &TenantId) -> LinkOptions {
    LinkOptions {
        client_id: format!("{CONTROLLER_NAME}:time"),
        subscriptions: vec![(format!("loa/1/{tenant}/u/+/time"), Qos::AtMostOnce)],
        ..options
    }
}

/// The same link for audio: a connection of its own, with a short queue, so that neither a plan nor an emergency waits behind
/// blocks, and what is more urgent overtakes what has not left yet.
pub fn for_audio(options: LinkOptions) -> LinkOptions {
    LinkOptions {
        client_id: format!("{CONTROLLER_NAME}:audio"),
        subscriptions: Vec::new(),
        queue_messages: AUDIO_QUEUE_MESSAGES,
        ..options
    }
}

fn tls_options(ca_file: &Path, own_ca: &str, host: &str) -> Result<TlsOptions, BrokerLinkError> {
    let ca = if ca_file.as_os_str().is_empty() {
        own_ca.as_bytes().to_vec()
    } else {
        std::fs::read(ca_file)
            .map_err(|source| BrokerLinkError::CaFile { path: ca_file.to_owned(), source })?
    };
    let clock = FlooredClock::system(Arc::new(AtomicI64::new(0)));
    Ok(TlsOptions::new(client_config(&ca, None, clock)?, host)?)
}

fn common(host: String, port: u16) -> LinkOptions {
    LinkOptions {
        queue_messages: QUEUE_MESSAGES,
        queue_bytes: QUEUE_BYTES,
        inflight: INFLIGHT,
        event_capacity: QUEUE_MESSAGES,
        backoff: Backoff { max: RETRY_MAX, ..Backoff::default() },
        ..LinkOptions::new(CONTROLLER_NAME, host, port)
    }
}
