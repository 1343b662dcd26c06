//! Drives one accepted connection: the only place where network, owner and clock meet.
//!
//! One task, one loop, and in each round everything that can happen is waited for at once: reading, writing, the
//! owner's channel, the queue, acknowledgements, changed wishes, the nearest deadline. No branch awaits another, so a
//! full queue, a full channel and a peer that does not read cannot lock one another.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::codec;
use crate::connect::{Accepted, closed_or_failed};
use crate::dial::ByteStream;
use crate::event::{DisconnectReason, LinkEvent};
use crate::handle::{Control, Lane, QueueBytes, Queued, Shared};
use crate::options::LinkOptions;
use crate::session::Session;
use crate::subscriptions::Subscriptions;

/// Read at a time while no larger packet is known to come. Small, because a simulator holds thousands of these.
const READ_BYTES: usize = 4 * 1024;

/// A buffer that a large packet made larger than this is given back when it is empty.
const KEEP_BYTES: usize = 16 * 1024;

/// How long a closing link waits for the answers to what it has sent.
const CLOSE_GRACE: Duration = Duration::from_secs(5);

/// How long it waits for its goodbye to leave.
const GOODBYE_GRACE: Duration = Duration::from_secs(1);

/// How a connection ended.
pub(crate) enum End {
    /// The owner closed the link, or dropped it.
    Stopped,
    /// It was lost.
    Lost(Box<Lost>),
}

pub(crate) struct Lost {
    pub(crate) reason: DisconnectReason,
    pub(crate) unacked: Vec<u64>,
    /// Whether all filters had been answered for.
    pub(crate) settled: bool,
    pub(crate) subscriptions: Subscriptions,
}

pub(crate) struct Connection<'a> {
    events: &'a mpsc::Sender<LinkEvent>,
    control: &'a mut watch::Receiver<Control>,
    shared: &'a Shared,
    session: Session,
    reader: ReadHalf<Box<dyn ByteStream>>,
    writer: WriteHalf<Box<dyn ByteStream>>,
    input: BytesMut,
    /// Whether bytes were written that have not been flushed (TLS holds some back).
    unflushed: bool,
    queue: mpsc::Receiver<Queued>,
    /// The next publication: it waits until the filters that were asked for before it are on their way.
    next: Option<Queued>,
    queue_bytes: Arc<QueueBytes>,
    acks: mpsc::Receiver<u16>,
    max_incoming_bytes: u32,
    /// When a closing link stops waiting.
    close_by: Option<Instant>,
}

/// What one round of the loop brought.
#[expect(
    clippy::large_enum_variant,
    reason = "lives for one round; a box would be allocated for each message"
)]
enum Round {
    Read(io::Result<usize>),
    Written(io::Result<()>),
    Deliver,
    Next(Queued),
    Finished(u16),
    Control,
    OwnerGone,
    Nudge,
    Deadline,
}

impl<'a> Connection<'a> {
    pub(crate) fn new(
        options: &LinkOptions,
        conn_seq: u64,
        accepted: Accepted,
        subscriptions: Subscriptions,
        events: &'a mpsc::Sender<LinkEvent>,
        control: &'a mut watch::Receiver<Control>,
        shared: &'a Shared,
    ) -> Result<Self, DisconnectReason> {
        let Accepted { stream, input, session_present, terms, max_outgoing_bytes } = accepted;
        let mut session = Session::new(
            conn_seq,
            terms,
            subscriptions,
            session_present,
            shared.stats.wire(),
            Instant::now(),
        )?;
        session.push_event(LinkEvent::Connected {
            session_present,
            conn_seq,
            max_packet_bytes: max_outgoing_bytes,
        });

        let (queue_sender, queue) = mpsc::channel(options.queue_messages);
        let (ack_sender, acks) = mpsc::channel(usize::from(options.receive_maximum));
        let queue_bytes = Arc::new(QueueBytes::new(options.queue_bytes));
        shared.open_lane(Lane {
            conn_seq,
            max_packet_bytes: max_outgoing_bytes,
            queue: queue_sender,
            queue_bytes: Arc::clone(&queue_bytes),
            acks: ack_sender,
        });
        let (reader, writer) = tokio::io::split(stream);
        Ok(Self {
            events,
            control,
            shared,
            session,
            reader,
            writer,
            input,
            unflushed: false,
            queue,
            next: None,
            queue_bytes,
            acks,
            max_incoming_bytes: options.max_packet_bytes,
            close_by: None,
        })
    }

    /// Runs until the connection ends.
    pub(crate) async fn run(mut self) -> End {
        let outcome = self.rounds().await;
        self.shared.close_lane();
        match outcome {
            Ok(()) => End::Stopped,
            Err(reason) => {
                self.queue.close();
                let mut unacked: Vec<u64> = self.session.unanswered().collect();
                let queued = std::iter::from_fn(|| self.next.take().or_else(|| self.queue.try_recv().ok()));
                for queued in queued {
                    if queued.publish.qos != rumqttc::v5::mqttbytes::QoS::AtMostOnce {
                        unacked.push(queued.token);
                    }
                }
                let settled = self.session.subscriptions.is_settled();
                End::Lost(Box::new(Lost {
                    reason,
                    unacked,
                    settled,
                    subscriptions: self.session.subscriptions,
                }))
            }
        }
    }

    /// `Ok` when the owner stops the link, the reason when the connection is lost.
    async fn rounds(&mut self) -> Result<(), DisconnectReason> {
        loop {
            self.take_packets()?;
            self.deliver_what_fits()?;
            if self.is_closed() {
                return self.say_goodbye().await;
            }
            let now = Instant::now();
            if let Some(queued) = self.next.take_if(|_| self.session.can_publish(now)) {
                self.shared.stats.count_message_sent();
                self.session.handle_publish(queued.publish, queued.token, now)?;
            }
            let output_pending = self.unflushed || !self.session.output.is_empty();
            self.session.handle_flow(!self.session.has_event(), output_pending, now);

            match self.round(output_pending).await {
                Round::Read(result) => {
                    if result.map_err(closed_or_failed)? == 0 {
                        return Err(DisconnectReason::ClosedByPeer);
                    }
                    self.session.handle_heard(Instant::now());
                }
                Round::Written(result) => {
                    result.map_err(DisconnectReason::Io)?;
                    self.session.handle_written(Instant::now());
                    shrink(&mut self.session.output);
                }
                Round::Deliver => {}
                Round::Next(queued) => {
                    self.queue_bytes.give_back(queued.bytes);
                    self.shared.tell_room();
                    self.next = Some(queued);
                    // The owner may just have asked for filters: what answers this publication must find them.
                    if self.control.has_changed().unwrap_or(false) {
                        self.follow_control()?;
                    }
                }
                Round::Finished(packet_id) => self.session.handle_finished(packet_id, Instant::now())?,
                Round::Control => self.follow_control()?,
                Round::OwnerGone => return Ok(()),
                Round::Nudge => self.session.handle_nudge(self.shared.stats.wire(), Instant::now())?,
                Round::Deadline => {
                    self.session.handle_timeout(self.shared.stats.wire(), Instant::now())?;
                }
            }
        }
    }

    /// Waits for whatever comes first. Every branch may be dropped half-way without losing anything.
    async fn round(&mut self, output_pending: bool) -> Round {
        let deliverable = self.session.has_event();
        let deadline =
            self.close_by.map_or(self.session.poll_timeout(), |at| at.min(self.session.poll_timeout()));
        self.input.reserve(READ_BYTES);
        tokio::select! {
            result = self.reader.read_buf(&mut self.input), if !deliverable => Round::Read(result),
            result = write_some(&mut self.writer, &mut self.session.output, &mut self.unflushed), if output_pending =>
                Round::Written(result),
            permit = self.events.reserve(), if deliverable && self.close_by.is_none() => {
                // The permit is given back: the next round delivers, without waiting, as this channel has one sender.
                drop(permit);
                Round::Deliver
            }
            Some(queued) = self.queue.recv(), if self.next.is_none() && self.session.has_room() => Round::Next(queued),
            Some(packet_id) = self.acks.recv() => Round::Finished(packet_id),
            changed = self.control.changed(), if self.close_by.is_none() => match changed {
                Ok(()) => Round::Control,
                Err(_) => Round::OwnerGone,
            },
            () = self.events.closed(), if self.close_by.is_none() => Round::OwnerGone,
            () = self.shared.nudge.notified() => Round::Nudge,
            () = sleep_until(deadline) => Round::Deadline,
        }
    }

    /// Takes packets from the input until one has something to tell the owner.
    fn take_packets(&mut self) -> Result<(), DisconnectReason> {
        while !self.session.has_event() {
            let Some(packet) = codec::decode(&mut self.input, self.max_incoming_bytes)? else { break };
            if matches!(packet, rumqttc::v5::mqttbytes::v5::Packet::Publish(_)) {
                self.shared.stats.count_message_received();
            }
            self.session.handle_packet(packet, Instant::now())?;
        }
        shrink(&mut self.input);
        Ok(())
    }

    /// Hands over events while the owner's channel has room, and takes the packets behind them.
    fn deliver_what_fits(&mut self) -> Result<(), DisconnectReason> {
        while self.session.has_event() {
            match self.events.try_reserve() {
                Ok(permit) => {
                    if let Some(event) = self.session.poll_event(Instant::now())? {
                        permit.send(event);
                    }
                }
                Err(_) if self.close_by.is_some() => self.session.discard_event(),
                Err(_) => break,
            }
            self.take_packets()?;
        }
        Ok(())
    }

    fn follow_control(&mut self) -> Result<(), DisconnectReason> {
        let control = self.control.borrow_and_update().clone();
        if control.closing && self.close_by.is_none() {
            self.close_by = Some(Instant::now() + CLOSE_GRACE);
            self.shared.close_lane();
            self.queue.close();
        }
        self.session.subscriptions.handle_wanted(control.filters);
        self.session.handle_filters(Instant::now())
    }

    /// Whether a closing link has nothing left to do, or no time left.
    fn is_closed(&self) -> bool {
        let done = self.queue.is_empty()
            && self.next.is_none()
            && self.acks.is_empty()
            && self.session.is_idle()
            && !self.unflushed;
        self.close_by.is_some_and(|at| done || at <= Instant::now())
    }

    async fn say_goodbye(&mut self) -> Result<(), DisconnectReason> {
        self.session.handle_close(Instant::now())?;
        let goodbye = async {
            self.writer.write_all_buf(&mut self.session.output).await?;
            self.writer.flush().await?;
            self.writer.shutdown().await
        };
        match timeout(GOODBYE_GRACE, goodbye).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the goodbye to the broker failed"),
            Err(_elapsed) => tracing::debug!("the goodbye to the broker did not leave in time"),
        }
        Ok(())
    }
}

/// Moves bytes towards the network: writes what is there, and flushes when all is written.
async fn write_some(
    writer: &mut WriteHalf<Box<dyn ByteStream>>,
    output: &mut BytesMut,
    unflushed: &mut bool,
) -> io::Result<()> {
    if output.has_remaining() {
        *unflushed = true;
        if writer.write_buf(output).await? == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    } else {
        writer.flush().await?;
        *unflushed = false;
    }
    Ok(())
}

/// Gives back the memory of an empty buffer that a large packet made large.
fn shrink(buffer: &mut BytesMut) {
    if buffer.is_empty() && buffer.capacity() > KEEP_BYTES {
        *buffer = BytesMut::new();
    }
}
