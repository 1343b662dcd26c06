//! The owner's side of a link: publish, acknowledge, change filters, nudge, close.
//!
//! Nothing here waits for the network except [`LinkHandle::publish_when_room`] and [`LinkHandle::close`]. Any other call
//! that would have to wait is refused instead and says why, so that no caller can block the task that would have to make
//! room for it.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rumqttc::v5::mqttbytes::v5::Publish;
use tokio::sync::{Notify, mpsc, watch};

use crate::codec::publish_size;
use crate::options::InvalidFilter;
use crate::publication::{Publication, Qos, valid_filter, valid_topic};
use crate::stats::{LinkStats, LinkStatsSnapshot};

/// The handle of a running link. Clones are the same link; when the last one is dropped, the link stops without a
/// DISCONNECT and the broker publishes the will.
#[derive(Debug, Clone)]
pub struct LinkHandle {
    pub(crate) shared: Arc<Shared>,
    pub(crate) control: watch::Sender<Control>,
}

/// What the owner wants of the link; the link follows it.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    pub(crate) filters: BTreeMap<String, Qos>,
    pub(crate) closing: bool,
}

/// What handle and link share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) max_packet_bytes: u32,
    pub(crate) stats: Arc<LinkStats>,
    pub(crate) nudge: Notify,
    /// Told when the queue gave something up, and when the connection changed.
    room: Notify,
    lane: Mutex<Option<Lane>>,
}

/// The way to the connection that stands at present. A new one for each connection, so that nothing queued for an
/// earlier connection can slip into a later one.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) conn_seq: u64,
    pub(crate) max_packet_bytes: u32,
    pub(crate) queue: mpsc::Sender<Queued>,
    pub(crate) queue_bytes: Arc<QueueBytes>,
    pub(crate) acks: mpsc::Sender<u16>,
}

/// A publication that waits to be sent.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) publish: Publish,
    pub(crate) token: u64,
    pub(crate) bytes: usize,
}

/// Bytes of the publications that wait, against their limit.
#[derive(Debug)]
pub(crate) struct QueueBytes {
    waiting: AtomicUsize,
    limit: usize,
}

/// Right to acknowledge one message of one connection; see [`LinkOptions::manual_acks`](crate::LinkOptions).
#[derive(Debug, PartialEq, Eq)]
pub struct AckToken {
    pub(crate) conn_seq: u64,
    pub(crate) packet_id: u16,
}

/// Why a publication was not taken. Nothing was queued; the caller still has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublishRefused {
    /// The queue is full. Wait for `Acked` (QoS 1), drop it (QoS 0), or use [`LinkHandle::publish_when_room`].
    #[error("the link's queue is full; wait until some publications are acknowledged")]
    QueueFull,
    /// No connection stands. Keep it, and offer it again after `Connected`.
    #[error("the link is not connected; offer it again after it connects")]
    NotConnected,
    /// Larger than this link or its broker accepts. It will never pass on this connection.
    #[error("the message takes {bytes} bytes on the wire, more than the {max} that link and broker accept")]
    TooLarge {
        /// Its size on the wire.
        bytes: usize,
        /// The largest size that passes.
        max: u32,
    },
    /// Not a topic name.
    #[error("the topic is empty, too long, or holds +, # or NUL")]
    InvalidTopic,
}

impl LinkHandle {
    /// Queues a publication for the connection that stands, without waiting.
    ///
    /// For QoS 1 exactly one of these follows: `Acked` or `Rejected` with its token, the token in
    /// `Disconnected::unacked`, or the end of the events. An `Acked` paces the caller; it proves nothing about
    /// receivers.
    pub fn try_publish(&self, publication: Publication) -> Result<(), PublishRefused> {
        if !valid_topic(&publication.topic) {
            return Err(PublishRefused::InvalidTopic);
        }
        let token = publication.token;
        let publish = publication.into_packet();
        let bytes = publish_size(&publish);
        fits(bytes, self.shared.max_packet_bytes)?;

        let lane = self.shared.lane();
        let lane = lane.as_ref().ok_or(PublishRefused::NotConnected)?;
        fits(bytes, lane.max_packet_bytes)?;
        if !lane.queue_bytes.take(bytes) {
            return Err(PublishRefused::QueueFull);
        }
        lane.queue.try_send(Queued { publish, token, bytes }).map_err(|error| {
            lane.queue_bytes.give_back(bytes);
            match error {
                mpsc::error::TrySendError::Full(_) => PublishRefused::QueueFull,
                mpsc::error::TrySendError::Closed(_) => PublishRefused::NotConnected,
            }
        })
    }

    /// Queues a publication, and waits while the queue is full. What follows is as for [`try_publish`](Self::try_publish).
    ///
    /// The queue may be full because the link waits for its owner to take events: whoever takes them, and whatever they
    /// wait for, must never wait here. Cancelled, nothing was queued.
    ///
    /// # Errors
    /// [`PublishRefused`], but never [`PublishRefused::QueueFull`].
    pub async fn publish_when_room(&self, publication: Publication) -> Result<(), PublishRefused> {
        loop {
            let mut room = pin!(self.shared.room.notified());
            // From here on nothing is missed, not even what happens before the wait.
            room.as_mut().enable();
            match self.try_publish(publication.clone()) {
                Err(PublishRefused::QueueFull) => room.await,
                settled => return settled,
            }
        }
    }

    /// Tells the broker that a message is safely stored. Only with `manual_acks`.
    ///
    /// The broker hears it in the order of arrival: an answer waits for those of earlier messages. After
    /// `receive_maximum` unanswered messages the broker sends no further QoS 1 message. A token of an earlier
    /// connection does nothing: the broker sends that message again, so storing must be idempotent.
    pub fn ack(&self, token: AckToken) {
        if let Some(lane) = self.shared.lane().as_ref()
            && lane.conn_seq == token.conn_seq
            && let Err(error) = lane.acks.try_send(token.packet_id)
        {
            // The channel holds as many as can be unanswered, so this is a connection that has just ended.
            tracing::debug!(%error, "acknowledgement for a connection that has ended");
        }
    }

    /// Adds a filter, or changes its level. It is held over reconnections until it is removed.
    pub fn subscribe(&self, filter: impl Into<String>, qos: Qos) -> Result<(), InvalidFilter> {
        let filter = checked(filter.into())?;
        self.control.send_modify(|control| {
            control.filters.insert(filter, qos);
        });
        Ok(())
    }

    /// Removes a filter. Messages that are on their way may still arrive.
    pub fn unsubscribe(&self, filter: &str) {
        self.control.send_modify(|control| {
            control.filters.remove(filter);
        });
    }

    /// Replaces all filters: what is missing is added, what is superfluous removed. For a reconciler.
    pub fn set_subscriptions(
        &self,
        filters: impl IntoIterator<Item = (String, Qos)>,
    ) -> Result<(), InvalidFilter> {
        let filters = filters
            .into_iter()
            .map(|(filter, qos)| Ok((checked(filter)?, qos)))
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        self.control.send_if_modified(|control| {
            let differs = control.filters != filters;
            control.filters = filters;
            differs
        });
        Ok(())
    }

    /// The network may have changed: a link that waits tries again at once, a connected one asks the broker for a sign
    /// of life.
    pub fn nudge(&self) {
        self.shared.nudge.notify_one();
    }

    /// Whether a connection stands at this moment. It may be gone at the next.
    pub fn is_connected(&self) -> bool {
        self.shared.lane().is_some()
    }

    /// The counters of the link.
    pub fn stats(&self) -> LinkStatsSnapshot {
        self.shared.stats.snapshot()
    }

    /// How many publications wait for the connection that stands: taken, and not yet handed to the network. None without one.
    pub fn waiting(&self) -> usize {
        let lane = self.shared.lane();
        lane.as_ref().map_or(0, |lane| lane.queue.max_capacity() - lane.queue.capacity())
    }

    /// Ends the link in good order, and returns when it has ended.
    ///
    /// What is queued is sent and its acknowledgement awaited (at most 5 s), as are the answers given by
    /// [`ack`](Self::ack); then DISCONNECT, so the broker does not
    /// publish the will. Meanwhile the owner may go on taking events but need not: those that find no room are
    /// discarded, and QoS 1 messages among them are not acknowledged, so the broker keeps them.
    pub async fn close(self) {
        self.control.send_modify(|control| control.closing = true);
        self.control.closed().await;
    }
}

impl Shared {
    pub(crate) fn new(max_packet_bytes: u32) -> Self {
        Self {
            max_packet_bytes,
            stats: Arc::new(LinkStats::default()),
            nudge: Notify::new(),
            room: Notify::new(),
            lane: Mutex::new(None),
        }
    }

    pub(crate) fn open_lane(&self, lane: Lane) {
        *self.lane() = Some(lane);
        self.tell_room();
    }

    pub(crate) fn close_lane(&self) {
        *self.lane() = None;
        self.tell_room();
    }

    /// A publication may pass that did not a moment ago, or never will.
    pub(crate) fn tell_room(&self) {
        self.room.notify_waiters();
    }

    /// Held for moments only, never over an await. A poisoned lock is as good as any: the value is replaced whole.
    fn lane(&self) -> MutexGuard<'_, Option<Lane>> {
        self.lane.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QueueBytes {
    pub(crate) fn new(limit: usize) -> Self {
        Self { waiting: AtomicUsize::new(0), limit }
    }

    /// Takes room for `bytes`; an empty queue has room for any message.
    fn take(&self, bytes: usize) -> bool {
        self.waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
                let total = waiting.saturating_add(bytes);
                (waiting == 0 || total <= self.limit).then_some(total)
            })
            .is_ok()
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
    }
}

fn fits(bytes: usize, max: u32) -> Result<(), PublishRefused> {
    if bytes > usize::try_from(max).unwrap_or(usize::MAX) {
        return Err(PublishRefused::TooLarge { bytes, max });
    }
    Ok(())
}

fn checked(filter: String) -> Result<String, InvalidFilter> {
    if valid_filter(&filter) { Ok(filter) } else { Err(InvalidFilter { filter }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_bounded_by_bytes_but_takes_one_message_of_any_size() {
        let queue = QueueBytes::new(100);
        assert!(queue.take(500));
        assert!(!queue.take(1));
        queue.give_back(500);
        assert!(queue.take(60));
        assert!(queue.take(40));
        assert!(!queue.take(1));
    }
}
