//! Tells nodes the time (section E of [`loa_protocol::clock`]).
//!
//! A request is answered the moment it is taken, by a task that does nothing else and waits for nothing: neither for the database
//! nor for room in a queue. What delays it anyway widens the bound that the node reckons with, and nothing else, so the way in
//! and the way out need not be equally long.
//!
//! **Invariants.** At most `ANSWERS_A_MINUTE` answers a node in a minute, and at most `NODES_MAX` nodes are counted: what goes beyond
//! is dropped. An answer is for one node and one nonce, so it is of no use to anybody who asked in another's name.

mod own_clock;

use std::collections::BTreeMap;
use std::time::Duration;

use loa_link::{LinkEvent, LinkHandle, Message, Publication, Qos};
use loa_protocol::clock::{ROUND_REQUESTS, TimeAnswer, TimeRequest, VALID_MAX_S};
use loa_protocol::envelope::Validity;
use loa_protocol::ids::NodeId;
use loa_protocol::time::UnixMs;
use loa_protocol::topic::{Topic, TopicKind};
use loa_protocol::wire::Wire as _;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use self::own_clock::OwnClock;
use crate::services::Clock;
use crate::trust::Trust;

/// Two rounds of a node, and some.
const ANSWERS_A_MINUTE: u32 = 2 * ROUND_REQUESTS + 4;
/// Most nodes that are answered within a minute.
const NODES_MAX: usize = 65_536;
const MINUTE: Duration = Duration::from_secs(60);

/// What the responder needs.
pub struct Settings {
    /// The keys; without one for the time nothing is answered.
    pub trust: std::sync::Arc<Trust>,
    /// A link to the broker that carries requests and answers alone.
    pub link: LinkHandle,
    /// What comes of it.
    pub events: mpsc::Receiver<LinkEvent>,
    /// The time.
    pub clock: Clock,
    /// What that is worth.
    pub own_clock: OwnClock,
}

/// Runs until the token is cancelled, or the link ends.
pub async fn run(mut settings: Settings, stop: CancellationToken) {
    let mut limit = Limit::new(Instant::now());
    loop {
        let event = tokio::select! {
            () = stop.cancelled() => break,
            event = settings.events.recv() => event,
        };
        match event {
            Some(LinkEvent::Message(message)) => {
                let received = settings.clock.now();
                settings.answer(&message, received, &mut limit);
            }
            Some(LinkEvent::Subscribed { refused, .. }) => {
                for filter in refused {
                    tracing::error!(filter = filter.filter, reason = ?filter.reason, "the broker refuses requests for the time; check its access list");
                }
            }
            Some(LinkEvent::Disconnected { reason, .. }) => {
                let reason = format!("{:#}", anyhow::Error::new(reason));
                tracing::debug!(reason, "nobody can be told the time: no connection to the broker");
            }
            Some(LinkEvent::Connected { .. } | LinkEvent::Acked { .. } | LinkEvent::Rejected { .. }) => {}
            None => break,
        }
    }
    settings.link.close().await;
}

impl Settings {
    fn answer(&self, message: &Message, received: UnixMs, limit: &mut Limit) {
        let Ok(Topic { kind: TopicKind::TimeRequest(node), .. }) = message.topic.parse::<Topic>() else {
            return;
        };
        // One that the broker had kept was asked at an unknown earlier time.
        if message.retain || !limit.lets(&node, Instant::now()) {
            return;
        }
        let request = match TimeRequest::from_cbor(&message.payload) {
            Ok(request) => request,
            Err(error) => {
                tracing::debug!(%node, %error, "a request for the time cannot be read");
                return;
            }
        };
        let Some(envelope) = self.signed(&node, request, received) else { return };
        let topic = Topic::new(self.trust.tenant(), TopicKind::TimeAnswer(node));
        let publication = Publication {
            qos: Qos::AtMostOnce,
            expiry: Some(MINUTE),
            ..Publication::new(topic.to_string(), envelope, 0)
        };
        if let Err(refused) = self.link.try_publish(publication) {
            tracing::debug!(%refused, "an answer about the time is dropped; its node asks again");
        }
    }

    fn signed(&self, node: &NodeId, request: TimeRequest, received: UnixMs) -> Option<Vec<u8>> {
        let TimeRequest { sequence, nonce } = request;
        let error_ms = self.own_clock.error_ms();
        // The clock may have been set back in this very moment.
        let answered = self.clock.now().max(received);
        let answer = TimeAnswer { node: node.clone(), sequence, nonce, received, answered, error_ms };
        let issued_at_s = answered.seconds();
        let validity =
            Validity { issued_at_s, not_before_s: issued_at_s, expires_s: issued_at_s + VALID_MAX_S };
        self.trust.tell_time(&answer, validity)
    }
}

/// How many answers each node had in this minute.
struct Limit {
    since: Instant,
    answers: BTreeMap<NodeId, u32>,
}

impl Limit {
    fn new(now: Instant) -> Self {
        Self { since: now, answers: BTreeMap::new() }
    }

    /// Counts a request, and gives whether it is to be answered.
    fn lets(&mut self, node: &NodeId, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) >= MINUTE {
            *self = Self::new(now);
        }
        let is_known = self.answers.contains_key(node);
        if !is_known && self.answers.len() >= NODES_MAX {
            return false;
        }
        let count = self.answers.entry(node.clone()).or_insert(0);
        *count += 1;
        *count <= ANSWERS_A_MINUTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_its_share_of_each_minute_and_takes_none_of_anothers() {
        let (a, b) = (NodeId::new("a").unwrap(), NodeId::new("b").unwrap());
        let start = Instant::now();
        let mut limit = Limit::new(start);
        let answered = |limit: &mut Limit, at| (0..100).filter(|_| limit.lets(&a, at)).count();
        assert_eq!(answered(&mut limit, start), ANSWERS_A_MINUTE as usize);
        assert_eq!(answered(&mut limit, start + MINUTE - Duration::from_millis(1)), 0);
        assert!(limit.lets(&b, start));
        assert_eq!(answered(&mut limit, start + MINUTE), ANSWERS_A_MINUTE as usize);
    }

    #[test]
    fn no_number_of_names_takes_memory_without_end() {
        let start = Instant::now();
        let mut limit = Limit::new(start);
        let named = |n: usize| NodeId::new(format!("n{n}")).unwrap();
        assert_eq!((0..NODES_MAX + 500).filter(|n| limit.lets(&named(*n), start)).count(), NODES_MAX);
        assert_eq!(limit.answers.len(), NODES_MAX);
    }
}
