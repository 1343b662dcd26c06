//! The way out: one link to the broker, embedded or not, and what comes of it.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use loa_link::{LinkEvent, LinkHandle, Publication, PublishRefused};
use loa_protocol::topic::Topic;
use tokio::sync::{mpsc, watch};

use crate::broker::Incoming;
use crate::metrics::PublishMeters;
use crate::services::Clock;

/// What became of an offered publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offered {
    /// The link has it.
    Taken,
    /// It can never be sent; the reason was logged.
    Unsendable,
    /// No connection stands.
    NotConnected,
}

/// The instant from which tokens count.
static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Offers a publication until the link takes it; waits while its queue is full. Not for whoever takes what nodes report,
/// see [`super::acks`]. Its token is set to the instant of the offer, so that the broker's acknowledgement tells how long it took.
pub(super) async fn offer(link: &LinkHandle, publication: Publication) -> Offered {
    let topic = publication.topic.clone();
    let token = u64::try_from(BEGUN.elapsed().as_micros()).unwrap_or(u64::MAX);
    let publication = Publication { token, ..publication };
    match link.publish_when_room(publication).await {
        Ok(()) => Offered::Taken,
        Err(PublishRefused::NotConnected | PublishRefused::QueueFull) => Offered::NotConnected,
        Err(error @ (PublishRefused::TooLarge { .. } | PublishRefused::InvalidTopic)) => {
            tracing::error!(topic, %error, "a message cannot be sent");
            Offered::Unsendable
        }
    }
}

/// Takes the link's events: announces each new connection, and hands on what nodes report through an external broker.
/// When `incoming` is full the link stops reading, and the broker holds the rest; what the link has sent is not answered
/// in that time, so whoever empties `incoming` must not wait for the link. Ends with the link.
pub async fn pump(
    mut events: mpsc::Receiver<LinkEvent>,
    connection: watch::Sender<u64>,
    incoming: mpsc::Sender<Incoming>,
    clock: Clock,
    metrics: PublishMeters,
) {
    while let Some(event) = events.recv().await {
        match event {
            LinkEvent::Connected { conn_seq, .. } => {
                tracing::info!(conn_seq, "connected to the broker");
                connection.send_replace(conn_seq);
            }
            LinkEvent::Disconnected { reason, retry_in, .. } => {
                let reason = anyhow::Error::new(reason);
                tracing::warn!(reason = format!("{reason:#}"), ?retry_in, "no connection to the broker");
            }
            LinkEvent::Message(message) => {
                let Ok(topic) = message.topic.parse::<Topic>() else {
                    tracing::debug!(topic = message.topic, "a message on a topic that is not ours");
                    continue;
                };
                let Some(node_id) = topic.kind.reporter().cloned() else { continue };
                let report = Incoming {
                    node_id,
                    topic: message.topic,
                    payload: message.payload,
                    replayed: message.retain,
                    received_at: clock.now(),
                };
                if incoming.send(report).await.is_err() {
                    return;
                }
            }
            LinkEvent::Subscribed { refused, .. } => {
                for filter in refused {
                    tracing::error!(filter = filter.filter, reason = ?filter.reason, "the broker refuses a subscription; check its access list");
                }
            }
            LinkEvent::Rejected { reason, .. } => {
                metrics.rejected();
                tracing::error!(
                    ?reason,
                    "the broker refuses a publication; check its access list and limits"
                );
            }
            LinkEvent::Acked { token } => {
                metrics.acknowledged(BEGUN.elapsed().saturating_sub(Duration::from_micros(token)));
            }
        }
    }
}
