//! The MQTT session of one connection, without I/O: packets and time in, bytes and events out.
//!
//! It exists for one connection only. Nothing that was in flight is carried into the next: the owner's outbox is the
//! memory, and it offers again what was not answered. That removes, by construction, the classical traps of client
//! state that outlives its connection: publications dropped without a word when the broker lost the session, resends
//! without the DUP flag, topic aliases of an earlier connection, packet ids used twice.
//!
//! Invariants:
//! - at most `inflight` QoS 1 publications are unanswered; a packet id is used by one packet at a time;
//! - packets are taken in only while no event waits for the owner, so a slow owner costs one event, not a backlog.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Disconnect, DisconnectReasonCode, Filter, Packet, PingReq, PubAck, PubAckReason, Publish,
    RetainForwardRule, Subscribe, Unsubscribe,
};
use tokio::time::Instant;

use crate::codec;
use crate::event::{Awaited, DisconnectReason, LinkEvent, Message};
use crate::handle::AckToken;
use crate::incoming::{Arrival, Incoming};
use crate::liveness::{Liveness, Pulse};
use crate::publication::Qos;
use crate::reason::ReasonCode;
use crate::stats::Wire;
use crate::subscriptions::{Step, Subscriptions};

/// No further publication is encoded while this many bytes wait for the network.
const OUTPUT_HIGH_WATER_BYTES: usize = 16 * 1024;

/// What was agreed with the broker, and what the owner asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) keep_alive: Duration,
    pub(crate) answer_timeout: Duration,
    pub(crate) ack_timeout: Duration,
    pub(crate) inflight: u16,
    pub(crate) receive_maximum: u16,
    pub(crate) manual_acks: bool,
}

pub(crate) struct Session {
    conn_seq: u64,
    terms: Terms,
    /// Bytes for the network; the shell takes them off the front.
    pub(crate) output: BytesMut,
    pub(crate) subscriptions: Subscriptions,
    liveness: Liveness,
    events: VecDeque<Waiting>,
    inflight: VecDeque<InFlight>,
    last_packet_id: u16,
    incoming: Incoming,
    filters_sent: Option<FiltersSent>,
}

/// An event for the owner, and the message to acknowledge when the owner has it.
struct Waiting {
    event: LinkEvent,
    acknowledge: Option<u16>,
}

struct InFlight {
    packet_id: u16,
    token: u64,
    sent_at: Instant,
}

struct FiltersSent {
    packet_id: u16,
    sent_at: Instant,
}

impl Session {
    /// A session on a connection that the broker just accepted. The filters are on their way at once.
    pub(crate) fn new(
        conn_seq: u64,
        terms: Terms,
        mut subscriptions: Subscriptions,
        session_present: bool,
        wire: Wire,
        now: Instant,
    ) -> Result<Self, DisconnectReason> {
        subscriptions.handle_connected(session_present);
        let mut session = Self {
            conn_seq,
            terms,
            output: BytesMut::new(),
            subscriptions,
            liveness: Liveness::new(terms.keep_alive, terms.answer_timeout, wire, now),
            events: VecDeque::new(),
            inflight: VecDeque::new(),
            last_packet_id: 0,
            incoming: Incoming::new(terms.receive_maximum),
            filters_sent: None,
        };
        session.send_filters(now)?;
        Ok(session)
    }

    /// Adds an event for the owner.
    pub(crate) fn push_event(&mut self, event: LinkEvent) {
        self.events.push_back(Waiting { event, acknowledge: None });
    }

    pub(crate) fn has_event(&self) -> bool {
        !self.events.is_empty()
    }

    /// Takes the next event; the caller hands it over for sure. What it carries is acknowledged to the broker.
    pub(crate) fn poll_event(&mut self, now: Instant) -> Result<Option<LinkEvent>, DisconnectReason> {
        let Some(Waiting { event, acknowledge }) = self.events.pop_front() else { return Ok(None) };
        if let Some(packet_id) = acknowledge {
            self.handle_finished(packet_id, now)?;
        }
        Ok(Some(event))
    }

    /// Drops the next event without acknowledging what it carries.
    pub(crate) fn discard_event(&mut self) {
        self.events.pop_front();
    }

    /// Whether the next publication may be handed in: there is room, and every filter that is wanted was sent before it.
    pub(crate) fn can_publish(&self, now: Instant) -> bool {
        self.has_room() && self.subscriptions.all_sent(now)
    }

    /// Whether there is room for the next publication.
    pub(crate) fn has_room(&self) -> bool {
        self.inflight.len() < usize::from(self.terms.inflight) && self.output.len() < OUTPUT_HIGH_WATER_BYTES
    }

    /// Whether nothing is left to send or to be answered.
    pub(crate) fn is_idle(&self) -> bool {
        self.output.is_empty() && self.inflight.is_empty()
    }

    /// Tokens of the publications that were sent and not answered.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = u64> {
        self.inflight.iter().map(|publication| publication.token)
    }

    /// Sends a publication. Call only when [`can_publish`](Self::can_publish).
    pub(crate) fn handle_publish(
        &mut self,
        mut publish: Publish,
        token: u64,
        now: Instant,
    ) -> Result<(), DisconnectReason> {
        if publish.qos == QoS::AtLeastOnce {
            publish.pkid = self.next_packet_id();
            self.inflight.push_back(InFlight { packet_id: publish.pkid, token, sent_at: now });
        }
        self.send(&Packet::Publish(publish), now)
    }

    /// The wanted filters changed.
    pub(crate) fn handle_filters(&mut self, now: Instant) -> Result<(), DisconnectReason> {
        self.send_filters(now)
    }

    /// The owner is done with the message of this packet id. Unknown ids (answered already) are ignored.
    pub(crate) fn handle_finished(&mut self, packet_id: u16, now: Instant) -> Result<(), DisconnectReason> {
        self.incoming.handle_finished(packet_id);
        while let Some(packet_id) = self.incoming.poll_answer() {
            self.send(&Packet::PubAck(PubAck::new(packet_id, None)), now)?;
        }
        Ok(())
    }

    /// Bytes came from the network.
    pub(crate) fn handle_heard(&mut self, now: Instant) {
        self.liveness.handle_heard(now);
    }

    /// The network took bytes.
    pub(crate) fn handle_written(&mut self, now: Instant) {
        self.liveness.handle_progress(now);
    }

    /// Whether the shell reads, and whether it has bytes that the network has not taken.
    pub(crate) fn handle_flow(&mut self, reading: bool, output_pending: bool, now: Instant) {
        self.liveness.handle_reading(reading, now);
        self.liveness.handle_output(output_pending, now);
    }

    /// Asks the peer for a sign of life at once, unless it is being asked already.
    pub(crate) fn handle_nudge(&mut self, wire: Wire, now: Instant) -> Result<(), DisconnectReason> {
        if self.liveness.awaits_answer() {
            return Ok(());
        }
        self.ping(wire, now)
    }

    /// Says goodbye: the broker then does not publish the will.
    pub(crate) fn handle_close(&mut self, now: Instant) -> Result<(), DisconnectReason> {
        self.send(&Packet::Disconnect(Disconnect::new(DisconnectReasonCode::NormalDisconnection)), now)
    }

    /// The next moment at which [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn poll_timeout(&self) -> Instant {
        [self.publish_deadline(), self.filters_deadline(), self.subscriptions.poll_timeout()]
            .into_iter()
            .flatten()
            .fold(self.liveness.poll_timeout(), Instant::min)
    }

    /// A deadline may have come.
    pub(crate) fn handle_timeout(&mut self, wire: Wire, now: Instant) -> Result<(), DisconnectReason> {
        for (deadline, waiting_for) in
            [(self.publish_deadline(), Awaited::PubAck), (self.filters_deadline(), Awaited::SubAck)]
        {
            if deadline.is_some_and(|deadline| deadline <= now) {
                return Err(DisconnectReason::TimedOut { waiting_for, limit: self.terms.ack_timeout });
            }
        }
        match self.liveness.handle_timeout(wire, now)? {
            Pulse::Ping => self.ping(wire, now)?,
            Pulse::Nothing => {}
        }
        self.send_filters(now)
    }

    /// A packet came from the broker.
    pub(crate) fn handle_packet(&mut self, packet: Packet, now: Instant) -> Result<(), DisconnectReason> {
        match packet {
            Packet::Publish(publish) => self.handle_message(publish),
            Packet::PubAck(ack) => self.handle_puback(&ack),
            Packet::SubAck(ack) => {
                self.take_filters_sent(ack.pkid)?;
                let codes: Vec<ReasonCode> = ack.return_codes.into_iter().map(ReasonCode::from).collect();
                let (granted, refused) = self
                    .subscriptions
                    .handle_suback(&codes, now)
                    .ok_or(broken("SUBACK does not fit the SUBSCRIBE that it answers"))?;
                if !(granted.is_empty() && refused.is_empty()) {
                    self.push_event(LinkEvent::Subscribed { granted, refused });
                }
                self.send_filters(now)
            }
            Packet::UnsubAck(ack) => {
                self.take_filters_sent(ack.pkid)?;
                if !self.subscriptions.handle_unsuback() {
                    return Err(broken("UNSUBACK answers a SUBSCRIBE"));
                }
                self.send_filters(now)
            }
            Packet::PingResp(_) => Ok(()),
            Packet::Disconnect(disconnect) => Err(DisconnectReason::ServerDisconnect {
                reason: disconnect.reason_code.into(),
                detail: disconnect.properties.and_then(|properties| properties.reason_string),
            }),
            Packet::ConnAck(_) => Err(broken("second CONNACK on one connection")),
            Packet::PubRec(_) | Packet::PubRel(_) | Packet::PubComp(_) => {
                Err(broken("QoS 2 packet on a connection without QoS 2"))
            }
            Packet::Auth(_) => Err(broken("AUTH on a connection without extended authentication")),
            Packet::Connect(..) | Packet::Subscribe(_) | Packet::Unsubscribe(_) | Packet::PingReq(_) => {
                Err(broken("packet that only a client may send"))
            }
        }
    }

    fn handle_message(&mut self, publish: Publish) -> Result<(), DisconnectReason> {
        let (qos, packet_id) = match publish.qos {
            QoS::AtMostOnce => (Qos::AtMostOnce, None),
            QoS::AtLeastOnce => (Qos::AtLeastOnce, Some(publish.pkid)),
            QoS::ExactlyOnce => return Err(broken("QoS 2 message, though no subscription asks for it")),
        };
        let topic = topic_text(publish.topic)?;
        let mut ack = None;
        let mut acknowledge = None;
        if let Some(packet_id) = packet_id {
            match self.incoming.handle_arrival(packet_id) {
                Arrival::New => {}
                Arrival::Repeated => return Ok(()),
                Arrival::TooMany => {
                    return Err(broken("more unacknowledged QoS 1 messages than the receive maximum allows"));
                }
            }
            if self.terms.manual_acks {
                ack = Some(AckToken { conn_seq: self.conn_seq, packet_id });
            } else {
                acknowledge = Some(packet_id);
            }
        }
        let message = Message { topic, payload: publish.payload, retain: publish.retain, qos, ack };
        self.events.push_back(Waiting { event: LinkEvent::Message(message), acknowledge });
        Ok(())
    }

    fn handle_puback(&mut self, ack: &PubAck) -> Result<(), DisconnectReason> {
        let position = self
            .inflight
            .iter()
            .position(|publication| publication.packet_id == ack.pkid)
            .and_then(|index| self.inflight.remove(index));
        let Some(InFlight { token, .. }) = position else {
            return Err(broken("PUBACK for a packet id that is not under way"));
        };
        self.push_event(match ack.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => LinkEvent::Acked { token },
            PubAckReason::UnspecifiedError
            | PubAckReason::ImplementationSpecificError
            | PubAckReason::NotAuthorized
            | PubAckReason::TopicNameInvalid
            | PubAckReason::PacketIdentifierInUse
            | PubAckReason::QuotaExceeded
            | PubAckReason::PayloadFormatInvalid => LinkEvent::Rejected { token, reason: ack.reason.into() },
        });
        Ok(())
    }

    fn take_filters_sent(&mut self, packet_id: u16) -> Result<(), DisconnectReason> {
        match self.filters_sent.take() {
            Some(sent) if sent.packet_id == packet_id => Ok(()),
            Some(_) | None => Err(broken("SUBACK or UNSUBACK for a packet id that is not under way")),
        }
    }

    fn send_filters(&mut self, now: Instant) -> Result<(), DisconnectReason> {
        let Some(step) = self.subscriptions.next_step(now) else { return Ok(()) };
        let packet_id = self.next_packet_id();
        self.filters_sent = Some(FiltersSent { packet_id, sent_at: now });
        let packet = match step {
            Step::Subscribe(wanted) => Packet::Subscribe(Subscribe {
                pkid: packet_id,
                filters: wanted
                    .into_iter()
                    .map(|wanted| Filter {
                        retain_forward_rule: if wanted.retained_if_new {
                            RetainForwardRule::OnNewSubscribe
                        } else {
                            RetainForwardRule::OnEverySubscribe
                        },
                        ..Filter::new(wanted.filter, wanted.qos.into())
                    })
                    .collect(),
                properties: None,
            }),
            Step::Unsubscribe(filters) => {
                Packet::Unsubscribe(Unsubscribe { pkid: packet_id, filters, properties: None })
            }
        };
        self.send(&packet, now)
    }

    fn ping(&mut self, wire: Wire, now: Instant) -> Result<(), DisconnectReason> {
        self.send(&Packet::PingReq(PingReq), now)?;
        self.liveness.handle_ping(wire, now);
        Ok(())
    }

    fn send(&mut self, packet: &Packet, now: Instant) -> Result<(), DisconnectReason> {
        codec::encode(packet, &mut self.output)?;
        self.liveness.handle_sent(now);
        Ok(())
    }

    /// The next packet id that no packet under way uses. There are 65,535, and far fewer are ever under way.
    fn next_packet_id(&mut self) -> u16 {
        loop {
            self.last_packet_id = self.last_packet_id.checked_add(1).unwrap_or(1);
            let id = self.last_packet_id;
            let used = self.inflight.iter().any(|publication| publication.packet_id == id)
                || self.filters_sent.as_ref().is_some_and(|sent| sent.packet_id == id);
            if !used {
                return id;
            }
        }
    }

    /// Answers are not missed while we do not read them.
    fn publish_deadline(&self) -> Option<Instant> {
        self.answer_deadline(self.inflight.front()?.sent_at)
    }

    fn filters_deadline(&self) -> Option<Instant> {
        self.answer_deadline(self.filters_sent.as_ref()?.sent_at)
    }

    fn answer_deadline(&self, sent_at: Instant) -> Option<Instant> {
        Some(sent_at.max(self.liveness.reading_since()?) + self.terms.ack_timeout)
    }
}

/// The link offers no topic alias, so a message without topic is a fault, as is one that is not UTF-8.
fn topic_text(topic: Bytes) -> Result<String, DisconnectReason> {
    if topic.is_empty() {
        return Err(broken("message without topic, though no topic alias was offered"));
    }
    String::from_utf8(topic.into()).map_err(|_| broken("message whose topic is not UTF-8"))
}

fn broken(what: &'static str) -> DisconnectReason {
    DisconnectReason::Protocol { what }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
