//! Which QoS 1 messages the broker waits for an answer to, and in which order the answers go.
//!
//! Answers leave in the order of arrival (MQTT 5, section 4.6), whatever the order in which the owner finishes. The
//! number of unanswered messages is the receive maximum that was announced; a broker that sends more is at fault.

use std::collections::VecDeque;

#[derive(Debug)]
pub(crate) struct Incoming {
    receive_maximum: usize,
    messages: VecDeque<Unanswered>,
}

#[derive(Debug)]
struct Unanswered {
    packet_id: u16,
    finished: bool,
}

/// What to do with a QoS 1 message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Hand it to the owner.
    New,
    /// The owner has it already, and its answer is still to come: drop the repetition.
    Repeated,
    /// The broker sent more than it may.
    TooMany,
}

impl Incoming {
    pub(crate) fn new(receive_maximum: u16) -> Self {
        Self { receive_maximum: receive_maximum.into(), messages: VecDeque::new() }
    }

    /// A message came.
    pub(crate) fn handle_arrival(&mut self, packet_id: u16) -> Arrival {
        if self.messages.iter().any(|message| message.packet_id == packet_id) {
            return Arrival::Repeated;
        }
        if self.messages.len() >= self.receive_maximum {
            return Arrival::TooMany;
        }
        self.messages.push_back(Unanswered { packet_id, finished: false });
        Arrival::New
    }

    /// The owner is done with a message. Ids that were answered already are ignored.
    pub(crate) fn handle_finished(&mut self, packet_id: u16) {
        if let Some(message) = self.messages.iter_mut().find(|message| message.packet_id == packet_id) {
            message.finished = true;
        }
    }

    /// The next message to answer, if its turn has come.
    pub(crate) fn poll_answer(&mut self) -> Option<u16> {
        self.messages.pop_front_if(|message| message.finished).map(|message| message.packet_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_wait_for_those_of_earlier_messages() {
        let mut incoming = Incoming::new(3);
        for packet_id in [11, 12, 13] {
            assert_eq!(incoming.handle_arrival(packet_id), Arrival::New);
        }
        incoming.handle_finished(12);
        assert_eq!(incoming.poll_answer(), None);
        incoming.handle_finished(11);
        assert_eq!(
            [incoming.poll_answer(), incoming.poll_answer(), incoming.poll_answer()],
            [Some(11), Some(12), None]
        );
        incoming.handle_finished(12);
        assert_eq!(incoming.poll_answer(), None, "answered only once");
    }

    #[test]
    fn repetitions_and_excess_are_told_apart() {
        let mut incoming = Incoming::new(1);
        assert_eq!(incoming.handle_arrival(5), Arrival::New);
        assert_eq!(incoming.handle_arrival(5), Arrival::Repeated);
        assert_eq!(incoming.handle_arrival(6), Arrival::TooMany);
        incoming.handle_finished(5);
        assert_eq!(incoming.poll_answer(), Some(5));
        assert_eq!(incoming.handle_arrival(5), Arrival::New, "the id is free again");
    }
}
