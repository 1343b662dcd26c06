//! The life of a link: attempt, connection, wait, and again, until its owner ends it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use crate::connect::connect;
use crate::connection::{Connection, End, Lost};
use crate::event::{DisconnectReason, LinkEvent};
use crate::handle::{Control, LinkHandle, Shared};
use crate::options::{CleanStart, LinkOptions, OptionsError, Will};
use crate::subscriptions::Subscriptions;

/// An MQTT 5 session that stays up. See the crate's top.
pub struct Link {
    options: LinkOptions,
    shared: Arc<Shared>,
    control: watch::Receiver<Control>,
    events: mpsc::Sender<LinkEvent>,
    subscriptions: Subscriptions,
    conn_seq: u64,
    /// Attempts in a row that did not lead to a stable connection.
    failures: u32,
    /// Whether any connection of this link has stood.
    has_connected: bool,
}

impl Link {
    /// Starts a link in a task of its own, in the runtime that this is called in.
    ///
    /// It runs until `close`, until the last handle is dropped, or until the receiver is dropped.
    pub fn spawn(options: LinkOptions) -> Result<(LinkHandle, mpsc::Receiver<LinkEvent>), OptionsError> {
        options.validate()?;
        let (control_sender, control) =
            watch::channel(Control { filters: options.filters(), closing: false });
        let (events, receiver) = mpsc::channel(options.event_capacity);
        let shared = Arc::new(Shared::new(options.max_packet_bytes));
        let handle = LinkHandle { shared: Arc::clone(&shared), control: control_sender };
        let subscriptions = Subscriptions::new(options.filters());
        let link = Self {
            options,
            shared,
            control,
            events,
            subscriptions,
            conn_seq: 0,
            failures: 0,
            has_connected: false,
        };
        tokio::spawn(link.run());
        Ok((handle, receiver))
    }

    async fn run(mut self) {
        loop {
            let End::Lost(lost) = self.attempt().await else { return };
            let Lost { reason, unacked, settled: _, subscriptions } = *lost;
            self.subscriptions = subscriptions;
            let retry_in = self.options.backoff.delay(self.failures, (self.options.jitter)());
            self.failures = self.failures.saturating_add(1);
            tracing::debug!(
                client_id = %self.options.client_id,
                conn_seq = self.conn_seq,
                ?reason,
                ?retry_in,
                "the link is down"
            );
            let event = LinkEvent::Disconnected { conn_seq: self.conn_seq, reason, retry_in, unacked };
            if self.report(event).await.is_break() || self.wait(retry_in).await.is_break() {
                return;
            }
        }
    }

    /// One attempt, and the connection that comes of it.
    async fn attempt(&mut self) -> End {
        self.conn_seq += 1;
        self.shared.stats.count_attempt();
        let subscriptions = std::mem::take(&mut self.subscriptions);
        let will = self.will();
        let clean_start = match self.options.clean_start {
            CleanStart::Always => true,
            CleanStart::FirstConnection => !self.has_connected,
            CleanStart::Never => false,
        };
        let accepted = tokio::select! {
            // Boxed: the handshake's state is large, and a connection that stands need not carry it.
            accepted = Box::pin(connect(&self.options, &self.shared.stats, clean_start, will)) => accepted,
            () = stopped(&mut self.control, &self.events) => return End::Stopped,
        };
        let accepted = match accepted {
            Ok(accepted) => accepted,
            Err(reason) => return lost(reason, subscriptions),
        };
        self.has_connected = true;
        self.shared.stats.count_connection();

        let mut subscriptions = subscriptions;
        // Only looked at, not marked as seen: if the owner closes at this moment, the connection must still notice.
        subscriptions.handle_wanted(self.control.borrow().filters.clone());
        let began = Instant::now();
        let connection = Connection::new(
            &self.options,
            self.conn_seq,
            accepted,
            subscriptions,
            &self.events,
            &mut self.control,
            &self.shared,
        );
        let end = match connection {
            Ok(connection) => connection.run().await,
            Err(reason) => return lost(reason, Subscriptions::new(self.options.filters())),
        };
        if let End::Lost(lost) = &end
            && lost.settled
            && began.elapsed() >= self.options.stable_after
        {
            self.failures = 0;
        }
        end
    }

    /// The will of this attempt. One that MQTT cannot carry is left out, rather than keeping a node off the air.
    fn will(&mut self) -> Option<Will> {
        let will = self.options.will.as_mut().and_then(|make| make(self.conn_seq))?;
        if !will.is_valid() {
            tracing::error!(
                topic = %will.topic,
                bytes = will.payload.len(),
                "the last will has no valid topic or more than 65,535 bytes; connecting without it"
            );
            return None;
        }
        Some(will)
    }

    /// Hands over an event, however long the owner takes, unless the link is ended.
    async fn report(&mut self, event: LinkEvent) -> ControlFlow<()> {
        tokio::select! {
            sent = self.events.send(event) => match sent {
                Ok(()) => ControlFlow::Continue(()),
                Err(_receiver_dropped) => ControlFlow::Break(()),
            },
            () = stopped(&mut self.control, &self.events) => ControlFlow::Break(()),
        }
    }

    async fn wait(&mut self, retry_in: Duration) -> ControlFlow<()> {
        tokio::select! {
            () = sleep(retry_in) => ControlFlow::Continue(()),
            () = self.shared.nudge.notified() => ControlFlow::Continue(()),
            () = stopped(&mut self.control, &self.events) => ControlFlow::Break(()),
        }
    }
}

/// Returns when the owner closes the link or drops either of its ends. Changed filters are left to be seen later.
async fn stopped(control: &mut watch::Receiver<Control>, events: &mpsc::Sender<LinkEvent>) {
    tokio::select! {
        _ = control.wait_for(|control| control.closing) => {}
        () = events.closed() => {}
    }
}

fn lost(reason: DisconnectReason, subscriptions: Subscriptions) -> End {
    End::Lost(Box::new(Lost { reason, unacked: Vec::new(), settled: false, subscriptions }))
}
