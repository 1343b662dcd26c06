//! The controller put together: services, keys, broker, tasks, web server.
//!
//! [`Controller::start`] brings everything up on ports that may be 0, and tells where it listens; [`Controller::stop`]
//! ends it in order: no new requests, tasks, link, broker, database. Tests start several in one process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use loa_link::Link;
use loa_speech::SoundCache;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::broker::{self, EmbeddedBroker};
use crate::config::{BrokerMode, Config};
use crate::dataset::Exports;
use crate::dispatch::{
    access, acks, alerts, broker_link, ingest, live_orders, offers::Offers, outlet, reconcile, time, transfer,
};
use crate::enrol::{BrokerAddress, Enrolments};
use crate::http;
use crate::identity::{Authority, BrokerFiles};
use crate::making;
use crate::metrics::scrape::{self, Scrape};
use crate::open_files;
use crate::services::{Clock, Nudges, Services};
use crate::site;
use crate::store::{Claim, presence};
use crate::sweep;
use crate::trust::Trust;

/// Reports that wait for the database. Full: the broker slows the nodes down.
const INCOMING_CAPACITY: usize = 4096;
/// Wants that wait for the transfer. Full: a want is dropped, and its node asks again.
const WANTS_CAPACITY: usize = 4096;
/// States that wait for the reconciler. Full: dropped; nodes report again.
const REPORTED_CAPACITY: usize = 1024;
/// How often nodes report their health.
const HEALTH_INTERVAL_S: u32 = 60;

/// A running controller.
pub struct Controller {
    services: Services,
    _claim: Claim,
    http_addr: SocketAddr,
    metrics_addr: Option<SocketAddr>,
    broker_addr: Option<SocketAddr>,
    base_url: String,
    enrolments: Arc<Enrolments>,
    broker: Option<Arc<EmbeddedBroker>>,
    refused_reports: Arc<AtomicU64>,
    link: loa_link::LinkHandle,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Controller {
    /// Brings everything up.
    ///
    /// # Errors
    /// What stands in the way, with its cause: a port in use, keys that do not fit, a database of a newer version.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let clock = Clock::machine();
        let listener = TcpListener::bind(config.http.listen).await.with_context(|| {
            format!(
                "cannot listen on {}: is another program using that port? Set http.listen to a free one",
                config.http.listen
            )
        })?;
        let http_addr = listener.local_addr()?;
        let base_url = config.http.base_url(http_addr);
        let services = Services::open(&config, clock.clone(), Nudges::default()).await?;
        let claim = services.store().claim().await?;
        services.objects().clear_unfinished().await?;
        services.recordings().clear_unfinished().await?;
        let authority = Arc::new(Authority::open_or_create(&config.data_dir.join("ca"), clock.now())?);
        let anchor = authority.trust_anchor(config.tenant.clone());
        let trust = Arc::new(Trust::open_or_create(&config.data_dir.join("keys"), &anchor, clock.now())?);

        services.set_may_order(trust.may_order());
        let access = Arc::new(access::Access::default());
        access.refresh(services.store()).await?;
        let metrics = services.metrics().clone();
        let (incoming, reports) = mpsc::channel(INCOMING_CAPACITY);
        let waiting = incoming.downgrade();
        let mut certificates: Vec<_> =
            authority.not_after().map(|end| ("authority", end)).into_iter().collect();
        let broker = match config.broker.mode {
            BrokerMode::Embedded => {
                open_files::prepare(access.count());
                let names = std::slice::from_ref(&config.broker.public_host);
                let certificate = authority.broker_certificate(names, clock.now())?;
                certificates.push(("broker", certificate.not_after));
                let broker =
                    start_broker(&config, certificate.into(), Arc::clone(&access), incoming.clone()).await?;
                // Whoever was connected was so to an earlier broker.
                let mut tx = services.store().write().await?;
                presence::set_all_offline(&mut tx, clock.now()).await?;
                tx.commit().await?;
                Some(Arc::new(broker))
            }
            BrokerMode::External => None,
        };
        let broker_files = write_broker_files(&config, &authority, &clock)?;
        let options = || match &broker {
            Some(broker) => Ok(broker_link::embedded(broker)),
            None => broker_link::external(&config.broker, &config.tenant, authority.ca_pem()),
        };
        let (link, events) = Link::spawn(options()?)?;

        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let changes = services.changes().clone();
        let offers = Arc::new(Offers::default());
        let (connected, connection) = watch::channel(0);
        let (ask, asked) = mpsc::channel(WANTS_CAPACITY);
        let (states, reported) = mpsc::channel(REPORTED_CAPACITY);
        let nudges = services.nudges().clone();
        let store = services.store().clone();

        let watched = Watched { tasks: tasks.clone(), stop: stop.clone() };
        watched.spawn(
            "the link to the broker",
            outlet::pump(events, connected, incoming, clock.clone(), metrics.publish.clone()),
        );
        let orders = live_orders::Settings {
            store: store.clone(),
            trust: Arc::clone(&trust),
            link: link.clone(),
            connection: connection.clone(),
            nudge: nudges.orders.clone(),
            changes: changes.clone(),
            clock: clock.clone(),
        };
        watched.spawn("the live orders", live_orders::run(orders, stop.clone()));
        if trust.tells_time() {
            let (link, events) = Link::spawn(broker_link::for_time(options()?, &config.tenant))?;
            let time = time::Settings {
                trust: Arc::clone(&trust),
                link,
                events,
                clock: clock.clone(),
                own_clock: time::OwnClock(config.clock.trust),
            };
            watched.spawn("the time", time::run(time, stop.clone()));
        }
        let (alert_states, alerts_reported) = mpsc::channel(REPORTED_CAPACITY);
        let alerts = alerts::Sender::new(alerts::Settings {
            store: store.clone(),
            manifests: services.manifests().clone(),
            blobs: services.objects().clone(),
            trust: Arc::clone(&trust),
            link: link.clone(),
            connection: connection.clone(),
            offers: Arc::clone(&offers),
            zone: config.zone,
            nudge: nudges.alerts.clone(),
            changes: changes.clone(),
            problems: services.alert_problems().clone(),
            clock: clock.clone(),
            reported: alerts_reported,
        });
        watched.spawn("the emergencies", alerts.run(stop.clone()));
        let reconciler = reconcile::Reconciler::new(reconcile::Settings {
            sources: reconcile::Sources {
                store: store.clone(),
                manifests: services.manifests().clone(),
                trust: Arc::clone(&trust),
                offers: Arc::clone(&offers),
                problems: services.problems().clone(),
                zone: config.zone,
                health_interval_s: HEALTH_INTERVAL_S,
            },
            link: link.clone(),
            connection,
            nudge: nudges.plans.clone(),
            metrics: metrics.plans.clone(),
            clock: clock.clone(),
            reported,
        });
        watched.spawn("the reconciler", reconciler.run(stop.clone()));
        let (acknowledge, acknowledged) = mpsc::channel(acks::CAPACITY);
        let acks = acks::run(config.tenant.clone(), link.clone(), acknowledged, stop.clone());
        watched.spawn("the acknowledgements", acks);
        let refused_reports = Arc::new(AtomicU64::new(0));
        let ingest = ingest::Settings {
            store: store.clone(),
            incoming: reports,
            acks: acknowledge,
            asked: ask,
            reported: states,
            alerts_reported: alert_states,
            changes: changes.clone(),
            refused: Arc::clone(&refused_reports),
            metrics: metrics.ingest.clone(),
        };
        watched.spawn("the ingest", ingest::run(ingest, stop.clone()));
        let (audio, events) = Link::spawn(broker_link::for_audio(options()?))?;
        watched.spawn("the connection for audio", transfer::watch(events));
        let links = vec![link.clone(), audio.clone()];
        let transfer = transfer::Transfer::new(transfer::Settings {
            blobs: services.objects().clone(),
            tenant: config.tenant.clone(),
            link: audio,
            asked,
            offers,
            total_bytes_s: config.limits.audio_bytes_s(),
            deliveries: services.deliveries().clone(),
            clock: clock.clone(),
        });
        watched.spawn("the transfer", transfer.run(stop.clone()));
        let door = match &broker {
            Some(broker) => access::Door::Embedded(Arc::clone(broker)),
            None => access::Door::External(broker_files),
        };
        let access =
            access::run(access, store.clone(), door, nudges.access.clone(), clock.clone(), stop.clone());
        watched.spawn("the access list", access);
        let making = making::Settings {
            store,
            objects: services.objects().clone(),
            uploads: services.recordings().clone(),
            speech: config.speech.clone(),
            limits: config.limits.clone(),
            cache: open_sound_cache(&config)?,
            nudge: nudges.speech.clone(),
            made: nudges.alerts.clone(),
            changes,
            metrics: metrics.making.clone(),
            clock: clock.clone(),
        };
        watched.spawn("the making of sounds", making::run(making, stop.clone()));

        let sweeper = sweep::Settings {
            store: services.store().clone(),
            objects: services.objects().clone(),
            uploads: services.recordings().clone(),
            upload_kept_h: config.limits.upload_kept_h,
            sound_kept_days: config.limits.sound_kept_days,
            clock: clock.clone(),
        };
        watched.spawn("the sweeper", sweep::run(sweeper, stop.clone()));
        watched.spawn("the purge of sessions", services.sessions.clone().keep_purged(stop.clone()));

        let figures = scrape::Sources {
            metrics,
            store: services.store().clone(),
            clock: clock.clone(),
            incoming: waiting,
            broker: broker.clone(),
            refused_reports: Arc::clone(&refused_reports),
            deliveries: services.deliveries().clone(),
            links,
            certificates,
        };
        let metrics_addr = serve_figures(&config, figures, &watched).await;
        let broker_addr = broker.as_ref().map(|broker| broker.nodes_addr());
        let enrolments = Arc::new(Enrolments {
            nodes: services.nodes.clone(),
            clock,
            authority,
            trust,
            base_url: base_url.clone(),
            broker: broker_address(&config, broker_addr)?,
        });
        let state = http::AppState {
            services: services.clone(),
            exports: open_exports(&config, &services)?,
            enrolments: Arc::clone(&enrolments),
            web: Arc::new(http::WebSettings::new(&config.http, &config.limits, base_url.clone())),
        };
        let pages = site::router(state.clone(), site::Settings::new(&config, stop.clone()));
        let router = http::router(state, pages.merge(Arc::clone(&enrolments).router()));
        let stopped = stop.clone();
        watched.spawn("the web server", async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            let served =
                axum::serve(listener, service).with_graceful_shutdown(stopped.cancelled_owned()).await;
            if let Err(error) = served {
                tracing::error!(%error, "the web server stopped");
            }
        });
        tasks.close();
        tracing::info!(%http_addr, ?broker_addr, "ready");
        Ok(Self {
            services,
            _claim: claim,
            http_addr,
            metrics_addr,
            broker_addr,
            base_url,
            enrolments,
            broker,
            refused_reports,
            link,
            stop,
            tasks,
        })
    }

    /// Where pages and API are served.
    pub fn http_addr(&self) -> SocketAddr {
        self.http_addr
    }

    /// Where the figures for Prometheus are served, if they are.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_addr
    }

    /// Where nodes connect to the embedded broker.
    pub fn broker_addr(&self) -> Option<SocketAddr> {
        self.broker_addr
    }

    /// The embedded broker, if that is the one in use.
    pub fn broker(&self) -> Option<&EmbeddedBroker> {
        self.broker.as_deref()
    }

    /// Reports since the start of nodes that are not enrolled: an external broker lets them in, nobody believes them.
    pub fn refused_reports(&self) -> u64 {
        self.refused_reports.load(Ordering::Relaxed)
    }

    /// The address in links and tokens.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Tokens for boards.
    pub fn enrolments(&self) -> &Enrolments {
        &self.enrolments
    }

    /// What the controller can do.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Ends when a task has ended by itself: the process should then end too, and be started anew.
    pub async fn broken(&self) {
        self.stop.cancelled().await;
    }

    /// Ends everything in order.
    pub async fn stop(self) {
        self.stop.cancel();
        self.link.close().await;
        // Open event streams end with their clients; nobody waits for them longer than this.
        if tokio::time::timeout(std::time::Duration::from_secs(5), self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "some work did not end in five seconds");
        }
        if let Some(broker) = self.broker {
            broker.shutdown().await;
        }
        self.services.store().close().await;
    }
}

/// Starts tasks that have to run as long as the controller does.
struct Watched {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Watched {
    fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let guard = EndsAlone { name, stop: self.stop.clone() };
        self.tasks.spawn(async move {
            let _guard = guard;
            task.await;
        });
    }
}

/// Dropped with its task, also by a panic: a controller that lacks a part stops as a whole, so that whoever supervises it
/// starts it anew, instead of looking well and doing half its work.
struct EndsAlone {
    name: &'static str,
    stop: CancellationToken,
}

impl Drop for EndsAlone {
    fn drop(&mut self) {
        if !self.stop.is_cancelled() {
            tracing::error!(task = self.name, "a part of the controller ended by itself; all of it stops");
            self.stop.cancel();
        }
    }
}

/// Serves the figures where the configuration says, and tells where that is. A port that is in use leaves the installation without
/// figures, not without broadcasts.
async fn serve_figures(config: &Config, figures: scrape::Sources, watched: &Watched) -> Option<SocketAddr> {
    let listen = config.metrics.listen?;
    let listener = match TcpListener::bind(listen).await {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, %listen, "no figures are served: set metrics.listen to a free port, or to \"\" for none");
            return None;
        }
    };
    let address = listener.local_addr().ok()?;
    let service = Scrape::new(figures, config.metrics.token.clone()).router().into_make_service();
    let stopped = watched.stop.clone();
    watched.spawn("the figures", async move {
        let served = axum::serve(listener, service).with_graceful_shutdown(stopped.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(%error, "the figures are served no more");
        }
    });
    Some(address)
}

/// Sentences that were spoken before. Nothing is lost with the folder.
fn open_sound_cache(config: &Config) -> anyhow::Result<Option<Arc<SoundCache>>> {
    let max_bytes = config.speech.cache_max_mib.saturating_mul(1024 * 1024);
    if max_bytes == 0 {
        return Ok(None);
    }
    let folder = config.data_dir.join("speech-cache");
    let cache = SoundCache::open(&folder, max_bytes).with_context(|| {
        format!("cannot use the folder {}: make it writable, or remove it", folder.display())
    })?;
    Ok(Some(Arc::new(cache)))
}

/// Exports of the speech data set, none of an earlier run.
fn open_exports(config: &Config, services: &Services) -> anyhow::Result<Exports> {
    let folder = config.data_dir.join("exports");
    Exports::open(services.clone(), folder.clone()).with_context(|| {
        format!("cannot clear the folder {}: make it writable, or remove it", folder.display())
    })
}

async fn start_broker(
    config: &Config,
    tls: broker::BrokerTls,
    access: Arc<access::Access>,
    incoming: mpsc::Sender<broker::Incoming>,
) -> anyhow::Result<EmbeddedBroker> {
    let settings = broker::BrokerConfig {
        tenant: config.tenant.clone(),
        nodes_addr: config.broker.listen,
        tls,
        limits: broker::BrokerLimits {
            max_packet_bytes: config.broker.packet_max_bytes,
            ..broker::BrokerLimits::default()
        },
    };
    Ok(EmbeddedBroker::start(settings, access, incoming).await?)
}

/// What a broker that stands elsewhere reads, where it is to be written.
fn write_broker_files(
    config: &Config,
    authority: &Arc<Authority>,
    clock: &Clock,
) -> anyhow::Result<Option<BrokerFiles>> {
    let settings = &config.broker;
    if settings.mode == BrokerMode::Embedded || settings.files_dir.as_os_str().is_empty() {
        return Ok(None);
    }
    // Boards check one name, whatever they dial; the controller checks the one that it dials.
    let dialled = settings.url.parse::<axum::http::Uri>().ok().and_then(|url| url.host().map(str::to_owned));
    let names: Vec<String> = dialled.into_iter().chain([settings.public_host.clone()]).collect();
    Ok(Some(BrokerFiles::write(Arc::clone(authority), &settings.files_dir, &names, clock.now())?))
}

/// Where nodes reach the broker: as configured, or where the embedded one listens.
fn broker_address(config: &Config, bound: Option<SocketAddr>) -> anyhow::Result<BrokerAddress> {
    let port = match (config.broker.public_port, bound) {
        (0, Some(bound)) => bound.port(),
        (0, None) => {
            anyhow::bail!("set broker.public_port: the port at which nodes reach the external broker")
        }
        (port, _) => port,
    };
    Ok(BrokerAddress { host: config.broker.public_host.clone(), port })
}
