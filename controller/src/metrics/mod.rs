//! What the controller measures of itself, for Prometheus.
//!
//! Each part of the controller has a group of meters here and counts into it as it works; what can be asked for is asked for when
//! somebody reads ([`scrape`]). The registry is a value, not a global: several controllers in one process do not mix.
//!
//! **Invariants.** No name of a person, no word of a bulletin and no id of a node, an area or a bulletin is ever a label. A label's
//! values are words of the program, or patterns of routes: their number is bounded by the program, not by what comes in.
//!
//! The crate is `prometheus-client`, the one of the Prometheus project: labels are types, so the second invariant is the compiler's;
//! `metrics-exporter-prometheus` sets one recorder for the process, takes any text as a label, and brings an HTTP server of its own.

mod asked;
mod process;
pub mod scrape;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use loa_protocol::time::UnixMs;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds of times, in seconds: from a quick query to a request that gives up.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];
/// Upper bounds of what takes longer, in seconds: making sounds.
const LONG_SECONDS: [f64; 9] = [0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0];
/// Upper bounds of counts in a batch.
const COUNTS: [f64; 8] = [1.0, 4.0, 16.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// All meters. Cheap to clone; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Reports on their way into the database.
    pub ingest: IngestMeters,
    /// Documents on their way to the nodes.
    pub plans: PlanMeters,
    /// Whatever is published, until the broker has it.
    pub publish: PublishMeters,
    /// Sounds that are made.
    pub making: MakingMeters,
    /// Pages and API.
    pub http: HttpMeters,
}

/// A histogram of times.
#[derive(Clone, Debug)]
pub struct Seconds(Histogram);

impl Default for Seconds {
    fn default() -> Self {
        Self(Histogram::new(SECONDS))
    }
}

impl Seconds {
    /// Counts a time.
    pub fn observe(&self, time: Duration) {
        self.0.observe(time.as_secs_f64());
    }
}

/// Meters of [`crate::dispatch::ingest`].
#[derive(Clone, Debug)]
pub struct IngestMeters {
    reports: Family<Kind, Counter>,
    batch: Histogram,
    commit: Seconds,
    failures: Counter,
    receipts: Counter,
}

/// What a node reported: a word of the protocol's topics.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

impl Default for IngestMeters {
    fn default() -> Self {
        Self {
            reports: Family::default(),
            batch: Histogram::new(COUNTS),
            commit: Seconds::default(),
            failures: Counter::default(),
            receipts: Counter::default(),
        }
    }
}

impl IngestMeters {
    /// A batch of so many reports was committed; `took` from the beginning of its transaction.
    pub fn committed(&self, reports: usize, took: Duration) {
        self.batch.observe(reports as f64);
        self.commit.observe(took);
    }

    /// A batch could not be stored, and is tried again.
    pub fn failed(&self) {
        self.failures.inc();
    }

    /// A node was believed a report of this kind.
    pub fn kept(&self, kind: &'static str) {
        self.reports.get_or_create(&Kind { kind }).inc();
    }

    /// So many receipts came in one of them, repetitions included.
    pub fn kept_receipts(&self, count: usize) {
        self.receipts.inc_by(count as u64);
    }

    fn register(&self, registry: &mut Registry) {
        // What never came yet is told as 0, so that the first one shows as a rise.
        for kind in ["presence", "state", "receipt", "health", "event", "answer"] {
            drop(self.reports.get_or_create(&Kind { kind }));
        }
        let Self { reports, batch, commit, failures, receipts } = self;
        let ours = registry.sub_registry_with_prefix("ingest");
        ours.register("reports", "Reports of nodes that were kept, by kind", reports.clone());
        ours.register("batch_reports", "Reports in a transaction", batch.clone());
        let help = "From the beginning of a transaction of reports to its commit";
        ours.register_with_unit("commit", help, Unit::Seconds, commit.0.clone());
        ours.register("failures", "Batches that could not be stored and were tried again", failures.clone());
        ours.register("receipts", "Receipts kept, repetitions included", receipts.clone());
    }
}

/// Meters of [`crate::dispatch::reconcile`].
#[derive(Clone, Debug, Default)]
pub struct PlanMeters {
    signed: Counter,
    published: Counter,
    repeated: Counter,
    pass: Seconds,
    failures: Counter,
    /// When the last pass that came to its end did so, in Unix milliseconds; 0: none has.
    last_pass: Arc<AtomicI64>,
}

impl PlanMeters {
    /// So many documents were signed.
    pub fn signed(&self, count: usize) {
        self.signed.inc_by(count as u64);
    }

    /// A document was handed to the broker.
    pub fn published(&self) {
        self.published.inc();
    }

    /// So many documents are sent again, because nodes lack them.
    pub fn repeated(&self, count: usize) {
        self.repeated.inc_by(count as u64);
    }

    /// A pass ended, well or not.
    pub fn passed(&self, well: bool, at: UnixMs, took: Duration) {
        self.pass.observe(took);
        if well {
            self.last_pass.store(at.0, Ordering::Relaxed);
        } else {
            self.failures.inc();
        }
    }

    /// When the last pass that went well ended; `None`: none has.
    fn last_pass(&self) -> Option<UnixMs> {
        Some(UnixMs(self.last_pass.load(Ordering::Relaxed))).filter(|at| at.0 > 0)
    }

    fn register(&self, registry: &mut Registry) {
        let Self { signed, published, repeated, pass, failures, last_pass: _ } = self;
        let ours = registry.sub_registry_with_prefix("plans");
        ours.register("signed", "Documents signed", signed.clone());
        ours.register("published", "Documents handed to the broker", published.clone());
        ours.register("repeated", "Documents sent again because nodes lacked them", repeated.clone());
        ours.register_with_unit(
            "pass",
            "How long a pass of the reconciler takes",
            Unit::Seconds,
            pass.0.clone(),
        );
        ours.register("pass_failures", "Passes that could not be ended", failures.clone());
    }
}

/// Meters of [`crate::dispatch::outlet`].
#[derive(Clone, Debug, Default)]
pub struct PublishMeters {
    latency: Seconds,
    rejected: Counter,
}

impl PublishMeters {
    /// The broker has a publication; `took` from when it was offered.
    pub fn acknowledged(&self, took: Duration) {
        self.latency.observe(took);
    }

    /// The broker refuses a publication.
    pub fn rejected(&self) {
        self.rejected.inc();
    }

    fn register(&self, registry: &mut Registry) {
        let Self { latency, rejected } = self;
        let ours = registry.sub_registry_with_prefix("publish");
        let help = "From the offer of a publication to the broker's acknowledgement";
        ours.register_with_unit("latency", help, Unit::Seconds, latency.0.clone());
        ours.register("rejected", "Publications that the broker refused", rejected.clone());
    }
}

/// Meters of [`crate::making`].
#[derive(Clone, Debug)]
pub struct MakingMeters {
    time: Histogram,
    failures: Counter,
}

impl Default for MakingMeters {
    fn default() -> Self {
        Self { time: Histogram::new(LONG_SECONDS), failures: Counter::default() }
    }
}

impl MakingMeters {
    /// A sound was made, or could not be; `took` from its turn to its end.
    pub fn ended(&self, well: bool, took: Duration) {
        self.time.observe(took.as_secs_f64());
        if !well {
            self.failures.inc();
        }
    }

    fn register(&self, registry: &mut Registry) {
        let Self { time, failures } = self;
        let ours = registry.sub_registry_with_prefix("making");
        let help = "How long a sound takes, from its turn to its end";
        ours.register_with_unit("sound", help, Unit::Seconds, time.clone());
        ours.register(
            "failures",
            "Sounds that could not be made, and are tried again or given up",
            failures.clone(),
        );
    }
}

/// Meters of [`crate::http`].
#[derive(Clone, Debug)]
pub struct HttpMeters {
    requests: Family<Answered, Counter>,
    times: Family<Route, Histogram, fn() -> Histogram>,
}

impl Default for HttpMeters {
    fn default() -> Self {
        Self { requests: Family::default(), times: Family::new_with_constructor(|| Histogram::new(SECONDS)) }
    }
}

/// A pattern of paths, as the router has it: never the path itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

impl HttpMeters {
    /// Counts an answer. `route` is the router's pattern, `None` where there is no route.
    pub fn answered(&self, method: &axum::http::Method, route: Option<&str>, status: u16, took: Duration) {
        let route = route.unwrap_or("none").to_owned();
        // Methods that nobody serves may have any name.
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let method = known.into_iter().find(|known| *known == method.as_str()).unwrap_or("other");
        self.times.get_or_create(&Route { route: route.clone() }).observe(took.as_secs_f64());
        self.requests.get_or_create(&Answered { method, route, status }).inc();
    }

    fn register(&self, registry: &mut Registry) {
        let ours = registry.sub_registry_with_prefix("http");
        ours.register("requests", "Requests by route and status", self.requests.clone());
        let help = "How long requests take, by route";
        ours.register_with_unit("request", help, Unit::Seconds, self.times.clone());
    }
}

impl Metrics {
    /// Everything that is counted, under its name, below `loa_`.
    fn register(&self, registry: &mut Registry) {
        let Self { ingest, plans, publish, making, http } = self;
        let build = vec![("version", env!("CARGO_PKG_VERSION"))];
        registry.register("build", "The program", Info::new(build));
        ingest.register(registry);
        plans.register(registry);
        publish.register(registry);
        making.register(registry);
        http.register(registry);
    }
}

#[cfg(test)]
mod tests;
