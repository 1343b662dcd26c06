//! `/metrics`: a listener of its own, on this machine alone unless the operator says otherwise.
//!
//! Figures tell nobody's name, but they tell when a province is silent: so they are not on the pages' listener, which the world
//! may reach, and a listener that others can reach asks for a token.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use loa_link::LinkHandle;
use loa_protocol::time::UnixMs;
use loa_speech::Secret;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, mpsc};

use super::Metrics;
use super::asked::Asked;
pub use super::asked::LINKS;
use super::process::Process;
use crate::broker::{EmbeddedBroker, Incoming};
use crate::services::{Clock, Deliveries};
use crate::store::overview::{self, AlertSeen};
use crate::store::{Store, StoreError};

/// What is asked when somebody reads.
pub struct Sources {
    /// The meters.
    pub metrics: Metrics,
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Where reports wait.
    pub incoming: mpsc::WeakSender<Incoming>,
    /// The embedded broker, if that is the one in use.
    pub broker: Option<Arc<EmbeddedBroker>>,
    /// Reports of nodes that are not enrolled.
    pub refused_reports: Arc<AtomicU64>,
    /// What was sent of audio.
    pub deliveries: Deliveries,
    /// The connections to the broker, in the order of [`LINKS`].
    pub links: Vec<LinkHandle>,
    /// The controller's own certificates, and when they end.
    pub certificates: Vec<(&'static str, UnixMs)>,
}

/// Answers `/metrics`.
pub struct Scrape {
    sources: Sources,
    asked: Asked,
    process: Process,
    registry: Registry,
    token: Secret,
    /// How far the last emergency had got: its times are sorted again only when more have answered.
    last_alert: Mutex<Option<AlertSeen>>,
}

impl Scrape {
    /// Of these sources, for whoever shows the token; an empty one: for everybody who reaches the listener.
    pub fn new(sources: Sources, token: Secret) -> Self {
        let (asked, process) = (Asked::default(), Process::default());
        let mut registry = Registry::default();
        process.register(&mut registry);
        let ours = registry.sub_registry_with_prefix("loa");
        sources.metrics.register(ours);
        asked.register(ours);
        Self { sources, asked, process, registry, token, last_alert: Mutex::default() }
    }

    /// The route.
    pub fn router(self) -> Router {
        Router::new().route("/metrics", get(answer)).with_state(Arc::new(self))
    }

    /// Whether the request shows the token; how long it takes tells nothing about it.
    fn may_read(&self, headers: &HeaderMap) -> bool {
        if self.token.reveal().is_empty() {
            return true;
        }
        let shown = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
        let shown = shown.and_then(|value| value.strip_prefix(b"Bearer ")).unwrap_or_default();
        Sha256::digest(shown) == Sha256::digest(self.token.reveal())
    }

    pub(super) async fn text(&self) -> Result<String, StoreError> {
        let Self { sources, asked, process, registry, last_alert, token: _ } = self;
        let now = sources.clock.now();
        let mut last = last_alert.lock().await;
        let mut tx = sources.store.read().await?;
        asked.set_overview(&overview::read(&mut tx, now).await?);
        *last = overview::last_alert(&mut tx, now, last.take()).await?;
        drop(tx);
        asked.set_alert(last.as_ref());
        let waiting = sources.incoming.upgrade().map_or(0, |queue| queue.max_capacity() - queue.capacity());
        asked.set_ingest(waiting, sources.refused_reports.load(Ordering::Relaxed));
        asked.set_lag(sources.metrics.plans.last_pass(), now);
        if let Some(broker) = &sources.broker {
            asked.set_refused(broker.refusals());
        }
        asked.set_deliveries(sources.deliveries.figures());
        for (name, link) in LINKS.into_iter().zip(&sources.links) {
            asked.set_link(name, link);
        }
        for (name, not_after) in &sources.certificates {
            asked.set_certificate(name, *not_after);
        }
        process.read();
        let mut text = String::new();
        if let Err(never) = encode(&mut text, registry) {
            unreachable!("a String accepts every write: {never}");
        }
        Ok(text)
    }
}

async fn answer(State(scrape): State<Arc<Scrape>>, headers: HeaderMap) -> Response {
    if !scrape.may_read(&headers) {
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response();
    }
    match scrape.text().await {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => {
            let error = anyhow::Error::new(error);
            tracing::error!(error = format!("{error:#}"), "the figures could not be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
