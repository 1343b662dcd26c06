//! Which topic filters the owner wants, which the broker holds, and the next packet that brings the two together.
//!
//! A reconciler, not a list of commands: it survives reconnections, needs no memory of what was asked when, and gives
//! at most one packet at a time, whose answer is awaited before the next.
//!
//! Invariants:
//! - on each connection every wanted filter is sent once, also when the broker claims to have kept the session: it
//!   costs one packet, and the claim is not trusted. Where the session is claimed, retained messages are asked for new
//!   subscriptions only, so that a fleet that comes back is not sent all of its retained documents again;
//! - a filter that the broker may still hold from earlier, and that is wanted no longer, is unsubscribed;
//! - a refused filter is tried again, on the same connection too, for the broker's mind may change: after
//!   [`RETRY_FIRST`], then after twice as long each time, up to [`RETRY_MAX`]. The owner is told of its first refusal only.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::Qos;
use crate::event::RefusedFilter;
use crate::reason::ReasonCode;

/// Filters in one packet: bounds its size without limiting how many an owner may hold.
const FILTERS_PER_PACKET: usize = 64;

/// Bytes of filters in one packet; a single longer filter still goes alone.
const BYTES_PER_PACKET: usize = 4096;

/// A refused filter is tried again after so long.
const RETRY_FIRST: Duration = Duration::from_secs(15);

/// The longest wait between two tries.
const RETRY_MAX: Duration = Duration::from_secs(600);

/// Wanted and held filters of one link, kept over its connections.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    wanted: BTreeMap<String, Qos>,
    /// What the broker may hold of this client: sent at some time, and not known to be gone.
    held: BTreeMap<String, Qos>,
    /// Granted on this connection.
    granted: BTreeMap<String, Qos>,
    /// Refused on this connection.
    refused: BTreeMap<String, Refused>,
    /// Sent and not yet answered.
    underway: Option<Step>,
    /// Whether the broker claimed to have kept the session when this connection began.
    resumed: bool,
}

/// When a refused filter is tried again, and how long it waited for that.
#[derive(Debug, Clone, Copy)]
struct Refused {
    retry_at: Instant,
    wait: Duration,
}

/// A packet to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Subscribe(Vec<WantedFilter>),
    Unsubscribe(Vec<String>),
}

/// A filter in a SUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WantedFilter {
    pub(crate) filter: String,
    pub(crate) qos: Qos,
    /// Whether the broker shall send retained messages only if it does not hold this subscription already.
    pub(crate) retained_if_new: bool,
}

impl Subscriptions {
    pub(crate) fn new(wanted: BTreeMap<String, Qos>) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Replaces the wanted filters.
    pub(crate) fn handle_wanted(&mut self, wanted: BTreeMap<String, Qos>) {
        self.refused.retain(|filter, _| wanted.contains_key(filter));
        self.wanted = wanted;
    }

    /// A connection stands.
    pub(crate) fn handle_connected(&mut self, session_present: bool) {
        self.granted.clear();
        self.refused.clear();
        self.underway = None;
        self.resumed = session_present;
        if !session_present {
            self.held.clear();
        }
    }

    /// Whether everything wanted has been answered for on this connection.
    pub(crate) fn is_settled(&self) -> bool {
        let is_answered = |filter: &str| self.refused.contains_key(filter);
        self.underway.is_none()
            && self.lacking().all(|(filter, _)| is_answered(filter))
            && self.stale().next().is_none()
    }

    /// Whether everything wanted was sent on this connection, answered or not; what was refused waits without holding up anything.
    pub(crate) fn all_sent(&self, now: Instant) -> bool {
        let is_underway = |filter: &str| match &self.underway {
            Some(Step::Subscribe(sent)) => sent.iter().any(|sent| sent.filter == filter),
            Some(Step::Unsubscribe(_)) | None => false,
        };
        self.outstanding(now).all(|(filter, _)| is_underway(filter))
    }

    /// When a refused filter is to be tried again; `None` while a packet is under way.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let retries = self.refused.values().map(|refused| refused.retry_at);
        retries.min().filter(|_| self.underway.is_none())
    }

    /// The next packet, marked as under way; `None` while one is under way or when there is nothing to do.
    ///
    /// What is wanted no longer goes first, so that a node that changes its area is never in two.
    pub(crate) fn next_step(&mut self, now: Instant) -> Option<Step> {
        if self.underway.is_some() {
            return None;
        }
        let stale = bounded(self.stale().cloned(), String::len);
        let step = if stale.is_empty() {
            let wanted = bounded(
                self.outstanding(now).map(|(filter, qos)| WantedFilter {
                    filter: filter.clone(),
                    qos: *qos,
                    retained_if_new: self.resumed && self.held.contains_key(filter),
                }),
                |wanted| wanted.filter.len(),
            );
            if wanted.is_empty() {
                return None;
            }
            self.held.extend(wanted.iter().map(|wanted| (wanted.filter.clone(), wanted.qos)));
            Step::Subscribe(wanted)
        } else {
            Step::Unsubscribe(stale)
        };
        self.underway = Some(step.clone());
        Some(step)
    }

    /// The answer to a SUBSCRIBE: one code for each filter, in order. Gives the filters that were granted, and those that were
    /// refused for the first time. `None` if it does not fit what is under way.
    pub(crate) fn handle_suback(
        &mut self,
        codes: &[ReasonCode],
        now: Instant,
    ) -> Option<(Vec<String>, Vec<RefusedFilter>)> {
        let sent = match self.underway.take() {
            Some(Step::Subscribe(sent)) if sent.len() == codes.len() => sent,
            other => {
                self.underway = other;
                return None;
            }
        };
        let mut granted = Vec::new();
        let mut refused = Vec::new();
        for (WantedFilter { filter, qos, .. }, code) in sent.into_iter().zip(codes) {
            if code.0 < 0x80 {
                self.granted.insert(filter.clone(), qos);
                self.refused.remove(&filter);
                granted.push(filter);
            } else {
                self.held.remove(&filter);
                let before = self.refused.get(&filter);
                let wait = before.map_or(RETRY_FIRST, |before| (2 * before.wait).min(RETRY_MAX));
                if before.is_none() {
                    refused.push(RefusedFilter { filter: filter.clone(), reason: *code });
                }
                if self.wanted.contains_key(&filter) {
                    self.refused.insert(filter, Refused { retry_at: now + wait, wait });
                }
            }
        }
        Some((granted, refused))
    }

    /// The answer to an UNSUBSCRIBE, whatever it says: asking again would not change it. `false` if none is under way.
    pub(crate) fn handle_unsuback(&mut self) -> bool {
        match self.underway.take() {
            Some(Step::Unsubscribe(sent)) => {
                for filter in sent {
                    self.held.remove(&filter);
                    self.granted.remove(&filter);
                }
                true
            }
            other => {
                self.underway = other;
                false
            }
        }
    }

    fn stale(&self) -> impl Iterator<Item = &String> {
        self.held.keys().filter(|filter| !self.wanted.contains_key(*filter))
    }

    /// What is wanted and not granted.
    fn lacking(&self) -> impl Iterator<Item = (&String, &Qos)> {
        self.wanted.iter().filter(|(filter, qos)| self.granted.get(*filter) != Some(qos))
    }

    /// What is to be asked for.
    fn outstanding(&self, now: Instant) -> impl Iterator<Item = (&String, &Qos)> {
        let waits =
            move |filter: &str| self.refused.get(filter).is_some_and(|refused| refused.retry_at > now);
        self.lacking().filter(move |(filter, _)| !waits(filter))
    }
}

/// As many of the first items as fit into one packet.
fn bounded<T>(items: impl Iterator<Item = T>, bytes: impl Fn(&T) -> usize) -> Vec<T> {
    let mut taken = Vec::new();
    let mut total = 0;
    for item in items.take(FILTERS_PER_PACKET) {
        total += bytes(&item);
        if !taken.is_empty() && total > BYTES_PER_PACKET {
            break;
        }
        taken.push(item);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: ReasonCode = ReasonCode(1);

    fn wanted(filters: &[&str]) -> BTreeMap<String, Qos> {
        filters.iter().map(|filter| ((*filter).to_owned(), Qos::AtLeastOnce)).collect()
    }

    fn subscribed(step: Option<Step>) -> Vec<(String, bool)> {
        match step {
            Some(Step::Subscribe(filters)) => {
                filters.into_iter().map(|wanted| (wanted.filter, wanted.retained_if_new)).collect()
            }
            other => panic!("expected a SUBSCRIBE, got {other:?}"),
        }
    }

    /// `a` and `b`, granted on a fresh connection.
    fn standing() -> Subscriptions {
        let mut subscriptions = Subscriptions::new(wanted(&["a", "b"]));
        subscriptions.handle_connected(false);
        subscriptions.next_step(Instant::now()).unwrap();
        subscriptions.handle_suback(&[OK, OK], Instant::now()).unwrap();
        assert!(subscriptions.is_settled());
        subscriptions
    }

    #[test]
    fn all_filters_go_in_one_packet_and_its_answer_is_awaited() {
        let mut subscriptions = Subscriptions::new(wanted(&["a", "b"]));
        subscriptions.handle_connected(false);
        assert_eq!(
            subscribed(subscriptions.next_step(Instant::now())),
            [("a".to_owned(), false), ("b".to_owned(), false)]
        );
        assert_eq!(subscriptions.next_step(Instant::now()), None);
        assert!(!subscriptions.is_settled());
        let (granted, refused) = subscriptions.handle_suback(&[OK, OK], Instant::now()).unwrap();
        assert_eq!(granted, ["a", "b"]);
        assert!(refused.is_empty());
        assert!(subscriptions.is_settled());
    }

    #[test]
    fn a_lost_session_is_subscribed_anew_with_retained_messages() {
        let mut subscriptions = standing();
        subscriptions.handle_connected(false);
        assert_eq!(
            subscribed(subscriptions.next_step(Instant::now())),
            [("a".to_owned(), false), ("b".to_owned(), false)]
        );
    }

    #[test]
    fn a_kept_session_is_subscribed_too_but_without_old_retained_messages() {
        let mut subscriptions = standing();
        subscriptions.handle_wanted(wanted(&["a", "b", "c"]));
        subscriptions.handle_connected(true);
        assert_eq!(
            subscribed(subscriptions.next_step(Instant::now())),
            [("a".to_owned(), true), ("b".to_owned(), true), ("c".to_owned(), false)]
        );
    }

    #[test]
    fn a_filter_dropped_while_away_is_unsubscribed_from_a_kept_session_only() {
        let mut subscriptions = standing();
        subscriptions.handle_wanted(wanted(&["b"]));
        subscriptions.handle_connected(true);
        assert_eq!(subscriptions.next_step(Instant::now()), Some(Step::Unsubscribe(vec!["a".to_owned()])));
        assert!(subscriptions.handle_unsuback());
        assert_eq!(subscribed(subscriptions.next_step(Instant::now())), [("b".to_owned(), true)]);

        let mut subscriptions = standing();
        subscriptions.handle_wanted(wanted(&["b"]));
        subscriptions.handle_connected(false);
        assert_eq!(subscribed(subscriptions.next_step(Instant::now())), [("b".to_owned(), false)]);
    }

    #[test]
    fn a_refused_filter_is_tried_again_ever_less_often_and_told_of_once() {
        let mut subscriptions = Subscriptions::new(wanted(&["a"]));
        subscriptions.handle_connected(false);
        let mut now = Instant::now();
        subscriptions.next_step(now).unwrap();
        let (_, told) = subscriptions.handle_suback(&[ReasonCode::NOT_AUTHORIZED], now).unwrap();
        assert_eq!(told.len(), 1);
        let mut waits = Vec::new();
        for _ in 0..8 {
            let retry_at = subscriptions.poll_timeout().unwrap();
            waits.push((retry_at - now).as_secs());
            assert_eq!(subscriptions.next_step(retry_at - Duration::from_millis(1)), None);
            now = retry_at;
            assert_eq!(subscribed(subscriptions.next_step(now)), [("a".to_owned(), false)]);
            assert_eq!(subscriptions.poll_timeout(), None, "one packet at a time");
            let (granted, told) = subscriptions.handle_suback(&[ReasonCode::NOT_AUTHORIZED], now).unwrap();
            assert_eq!((granted.len(), told.len()), (0, 0));
            assert!(subscriptions.is_settled());
        }
        assert_eq!(waits, [15, 30, 60, 120, 240, 480, 600, 600]);
        now = subscriptions.poll_timeout().unwrap();
        subscriptions.next_step(now).unwrap();
        assert_eq!(subscriptions.handle_suback(&[OK], now).unwrap().0, ["a"]);
        assert_eq!(subscriptions.poll_timeout(), None);
    }

    #[test]
    fn a_refused_filter_that_is_wanted_no_longer_is_forgotten() {
        let mut subscriptions = Subscriptions::new(wanted(&["a"]));
        subscriptions.handle_connected(false);
        let now = Instant::now();
        subscriptions.next_step(now).unwrap();
        subscriptions.handle_wanted(wanted(&[]));
        subscriptions.handle_suback(&[ReasonCode::NOT_AUTHORIZED], now).unwrap();
        assert_eq!(subscriptions.poll_timeout(), None);
        assert!(subscriptions.is_settled());
    }

    #[test]
    fn a_refused_filter_is_tried_at_the_next_connection() {
        let mut subscriptions = Subscriptions::new(wanted(&["a", "b"]));
        subscriptions.handle_connected(false);
        subscriptions.next_step(Instant::now()).unwrap();
        let (granted, refused) =
            subscriptions.handle_suback(&[OK, ReasonCode::NOT_AUTHORIZED], Instant::now()).unwrap();
        assert_eq!(granted, ["a"]);
        assert_eq!(refused, [RefusedFilter { filter: "b".to_owned(), reason: ReasonCode::NOT_AUTHORIZED }]);
        assert_eq!(subscriptions.next_step(Instant::now()), None);
        assert!(subscriptions.is_settled());
        subscriptions.handle_connected(true);
        assert_eq!(
            subscribed(subscriptions.next_step(Instant::now())),
            [("a".to_owned(), true), ("b".to_owned(), false)]
        );
    }

    #[test]
    fn a_change_during_the_answer_follows_after_it() {
        let mut subscriptions = Subscriptions::new(wanted(&["a"]));
        subscriptions.handle_connected(false);
        subscriptions.next_step(Instant::now()).unwrap();
        subscriptions.handle_wanted(wanted(&["b"]));
        assert_eq!(subscriptions.next_step(Instant::now()), None);
        subscriptions.handle_suback(&[OK], Instant::now()).unwrap();
        assert_eq!(subscriptions.next_step(Instant::now()), Some(Step::Unsubscribe(vec!["a".to_owned()])));
        subscriptions.handle_unsuback();
        assert_eq!(subscribed(subscriptions.next_step(Instant::now())), [("b".to_owned(), false)]);
    }

    #[test]
    fn an_answer_that_does_not_fit_is_reported() {
        let mut subscriptions = Subscriptions::new(wanted(&["a"]));
        subscriptions.handle_connected(false);
        assert!(!subscriptions.handle_unsuback());
        assert!(subscriptions.handle_suback(&[OK], Instant::now()).is_none());
        subscriptions.next_step(Instant::now()).unwrap();
        assert!(subscriptions.handle_suback(&[OK, OK], Instant::now()).is_none());
        assert!(subscriptions.handle_suback(&[OK], Instant::now()).is_some());
    }

    #[test]
    fn many_filters_are_cut_into_packets() {
        let filters: BTreeMap<String, Qos> =
            (0..150).map(|index| (format!("filter/{index:03}"), Qos::AtMostOnce)).collect();
        let mut subscriptions = Subscriptions::new(filters);
        subscriptions.handle_connected(false);
        let mut sizes = Vec::new();
        while let Some(step) = subscriptions.next_step(Instant::now()) {
            let count = subscribed(Some(step)).len();
            sizes.push(count);
            subscriptions.handle_suback(&vec![OK; count], Instant::now()).unwrap();
        }
        assert_eq!(sizes, [64, 64, 22]);
    }
}
