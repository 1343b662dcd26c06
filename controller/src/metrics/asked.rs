//! What is asked for when somebody reads the figures.

use std::sync::atomic::AtomicU64;

use loa_link::{LinkHandle, LinkStatsSnapshot};
use loa_protocol::time::UnixMs;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::broker::RefusalCounts;
use crate::domain::node::NodeState;
use crate::services::DeliveryFigures;
use crate::store::overview::{AlertSeen, Overview, STAGES};

/// The connections to the broker: for everything but audio, and for audio.
pub const LINKS: [&str; 2] = ["control", "audio"];

/// A gauge of seconds.
type SecondsGauge = Gauge<f64, AtomicU64>;

/// The figures of one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    nodes: Family<State, Gauge>,
    connected: Gauge,
    expiring: Gauge,
    queue: Gauge,
    refused_reports: Counter,
    lag: SecondsGauge,
    making: Gauge,
    refused: Family<What, Counter>,
    blocks: Family<Way, Counter>,
    bytes: Family<What, Counter>,
    waves: Counter,
    wants: Family<What, Counter>,
    backlog: Family<Link, Gauge>,
    messages: Family<Link, Counter>,
    sent: Family<Link, Counter>,
    received: Family<Link, Counter>,
    reconnections: Family<Link, Counter>,
    answers: Family<Stage, Gauge>,
    answer_times: Family<Quantile, SecondsGauge>,
    certificates: Family<Certificate, SecondsGauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct What {
    what: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Way {
    way: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Link {
    link: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stage {
    stage: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Quantile {
    stage: &'static str,
    quantile: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Certificate {
    certificate: &'static str,
}

fn gauge(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Shows what another counter has counted.
fn show(counter: &Counter, count: u64) {
    counter.inner().store(count, std::sync::atomic::Ordering::Relaxed);
}

impl Asked {
    pub(super) fn set_overview(&self, seen: &Overview) {
        for state in NodeState::ALL {
            let count = seen.nodes.iter().find(|(of, _)| *of == state).map_or(0, |(_, count)| *count);
            self.nodes.get_or_create(&State { state: state.as_str() }).set(count);
        }
        self.connected.set(seen.connected);
        self.expiring.set(seen.expiring);
        self.making.set(seen.sounds_waiting);
    }

    /// The last emergency; without one, nobody has answered.
    pub(super) fn set_alert(&self, seen: Option<&AlertSeen>) {
        for (index, stage) in STAGES.into_iter().enumerate() {
            let answered = seen.and_then(|seen| seen.stages.get(index));
            self.answers.get_or_create(&Stage { stage }).set(answered.map_or(0, |seen| seen.nodes));
            for (place, quantile) in ["0.5", "0.99", "1"].into_iter().enumerate() {
                let ms = answered.and_then(|seen| seen.after_ms.get(place)).copied().flatten();
                // A board's clock may be a little behind ours.
                let seconds = ms.map_or(0.0, |ms| ms.max(0) as f64 / 1_000.0);
                self.answer_times.get_or_create(&Quantile { stage, quantile }).set(seconds);
            }
        }
    }

    pub(super) fn set_ingest(&self, waiting: usize, refused: u64) {
        self.queue.set(gauge(waiting));
        show(&self.refused_reports, refused);
    }

    /// How long ago the last pass ended well, in seconds.
    pub(super) fn set_lag(&self, last: Option<UnixMs>, now: UnixMs) {
        if let Some(last) = last {
            self.lag.set(now.since(last).max(0) as f64 / 1_000.0);
        }
    }

    pub(super) fn set_refused(&self, refused: RefusalCounts) {
        let RefusalCounts { connects, subscriptions, publishes, undelivered } = refused;
        for (what, count) in [
            ("connects", connects),
            ("subscriptions", subscriptions),
            ("publishes", publishes),
            ("undelivered", undelivered),
        ] {
            show(&self.refused.get_or_create(&What { what }), count);
        }
    }

    pub(super) fn set_deliveries(&self, figures: DeliveryFigures) {
        let DeliveryFigures {
            single_blocks,
            wave_blocks,
            waves,
            published_bytes,
            delivered_bytes,
            wasted_bytes,
            refused_wants,
            slowed_wants,
        } = figures;
        show(&self.blocks.get_or_create(&Way { way: "single" }), single_blocks);
        show(&self.blocks.get_or_create(&Way { way: "wave" }), wave_blocks);
        show(&self.waves, waves);
        for (what, count) in
            [("published", published_bytes), ("delivered", delivered_bytes), ("wasted", wasted_bytes)]
        {
            show(&self.bytes.get_or_create(&What { what }), count);
        }
        show(&self.wants.get_or_create(&What { what: "refused" }), refused_wants);
        show(&self.wants.get_or_create(&What { what: "slowed" }), slowed_wants);
    }

    pub(super) fn set_link(&self, link: &'static str, handle: &LinkHandle) {
        self.show_link(link, handle.waiting(), handle.stats());
    }

    fn show_link(&self, link: &'static str, waiting: usize, stats: LinkStatsSnapshot) {
        let label = Link { link };
        let LinkStatsSnapshot { bytes_sent, bytes_received, connections, messages_sent, .. } = stats;
        self.backlog.get_or_create(&label).set(gauge(waiting));
        show(&self.messages.get_or_create(&label), messages_sent);
        show(&self.sent.get_or_create(&label), bytes_sent);
        show(&self.received.get_or_create(&label), bytes_received);
        show(&self.reconnections.get_or_create(&label), connections);
    }

    pub(super) fn set_certificate(&self, certificate: &'static str, not_after: UnixMs) {
        let seconds = not_after.0 as f64 / 1_000.0;
        self.certificates.get_or_create(&Certificate { certificate }).set(seconds);
    }

    /// Everything under its name, below `loa_`. What has not happened yet is told as 0, so that the first time shows as a rise.
    pub(super) fn register(&self, registry: &mut Registry) {
        self.set_overview(&Overview::default());
        self.set_alert(None);
        self.set_refused(RefusalCounts::default());
        self.set_deliveries(DeliveryFigures::default());
        for link in LINKS {
            self.show_link(link, 0, LinkStatsSnapshot::default());
        }
        registry.register("nodes", "Loudspeakers by state", self.nodes.clone());
        registry.register("nodes_connected", "Loudspeakers that are connected", self.connected.clone());
        let help = "Enrolled loudspeakers whose certificate ends within 60 days";
        registry.register("nodes_certificate_expiring", help, self.expiring.clone());
        let help = "When a certificate of the controller's own ends, in seconds since 1970";
        registry.register("certificate_not_after_timestamp_seconds", help, self.certificates.clone());

        let ours = registry.sub_registry_with_prefix("ingest");
        ours.register("queue_reports", "Reports that wait for the database", self.queue.clone());
        let help = "Reports of nodes that are not enrolled";
        ours.register("refused_reports", help, self.refused_reports.clone());

        let help = "How long ago a pass of the reconciler last ended well";
        registry.register_with_unit("plans_lag", help, Unit::Seconds, self.lag.clone());
        registry.register("making_waiting", "Sounds that wait for their turn", self.making.clone());
        registry.register("broker_refused", "What the embedded broker refused", self.refused.clone());

        let ours = registry.sub_registry_with_prefix("transfer");
        ours.register("blocks", "Blocks of audio handed to the broker, by way", self.blocks.clone());
        let help = "Bytes of audio: handed to the broker, handed on by it to nodes, and of these wasted";
        ours.register("bytes", help, self.bytes.clone());
        ours.register("waves", "Waves that began", self.waves.clone());
        let help = "Requests for audio that were refused, or answered later because they come for ever";
        ours.register("wants", help, self.wants.clone());

        let ours = registry.sub_registry_with_prefix("link");
        let help = "Publications that wait for the connection to the broker";
        ours.register("backlog_messages", help, self.backlog.clone());
        ours.register("messages_sent", "Messages sent to the broker", self.messages.clone());
        ours.register("sent_bytes", "Bytes sent to the broker", self.sent.clone());
        ours.register("received_bytes", "Bytes received from the broker", self.received.clone());
        ours.register("connections", "Connections to the broker that were made", self.reconnections.clone());

        let ours = registry.sub_registry_with_prefix("alert");
        let help = "Loudspeakers that answered the last emergency of the day, by how far they got";
        ours.register("answers", help, self.answers.clone());
        let help = "How long after its release they got so far, by their own clocks";
        ours.register_with_unit("answer", help, Unit::Seconds, self.answer_times.clone());
    }
}
