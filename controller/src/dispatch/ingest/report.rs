//! What nodes report, read from their messages.

use std::collections::BTreeMap;

use loa_protocol::alert::AlertAnswer;
use loa_protocol::ids::NodeId;
use loa_protocol::receipt::{ReceiptBatch, receipt_digests};
use loa_protocol::report::{Event, Health, Presence, State};
use loa_protocol::time::UnixMs;
use loa_protocol::topic::{Topic, TopicKind};
use loa_protocol::transfer::Want;
use loa_protocol::wire::{Wire as _, WireError};

use crate::broker::Incoming;
use crate::dispatch::proof::Sent;
use crate::domain::node::NodeState;
use crate::store::reporters::Reporter;

/// What is stored of what nodes send.
#[derive(Debug, Clone)]
pub(super) enum Report {
    Presence(Presence),
    State(State),
    Receipts(Sent),
    Health(Health),
    Event(Event),
    Answer(AlertAnswer),
}

impl Report {
    /// The word of its topic.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Presence(_) => "presence",
            Self::State(_) => "state",
            Self::Receipts(_) => "receipt",
            Self::Health(_) => "health",
            Self::Event(_) => "event",
            Self::Answer(_) => "answer",
        }
    }
}

/// A message of a node.
pub(super) enum Message {
    /// What it lacks: for the transfer, which serves those alone to whom something is offered.
    Want(NodeId, Want),
    /// What is stored.
    Report(Reported),
}

#[derive(Debug, Clone)]
pub(super) struct Reported {
    pub(super) node: NodeId,
    pub(super) at: UnixMs,
    pub(super) replayed: bool,
    pub(super) report: Report,
}

/// Who of those that report in a batch is known, and how.
pub(super) type Standing = BTreeMap<NodeId, Reporter>;

pub(super) fn read(incoming: Incoming) -> Option<Message> {
    let Incoming { node_id: node, topic, payload, received_at: at, replayed } = incoming;
    let topic_of_ours = topic.parse::<Topic>().ok()?;
    // A node clears what is retained for it with an empty message.
    if payload.is_empty() {
        return None;
    }
    let read = if let TopicKind::Want(_) = topic_of_ours.kind {
        Want::from_cbor(&payload).map(|want| Some(Message::Want(node.clone(), want)))
    } else {
        let reported = |report| Message::Report(Reported { node: node.clone(), at, replayed, report });
        decode(&topic_of_ours.kind, &payload).map(|report| report.map(reported))
    };
    read.unwrap_or_else(|error| {
        tracing::warn!(%node, topic, %error, "a node sent something that cannot be read");
        None
    })
}

fn decode(kind: &TopicKind, payload: &[u8]) -> Result<Option<Report>, WireError> {
    Ok(match kind {
        TopicKind::Presence(_) => Some(Report::Presence(Presence::from_cbor(payload)?)),
        TopicKind::State(_) => Some(Report::State(State::from_cbor(payload)?)),
        TopicKind::Receipt(_) => {
            let (batch, digests) = (ReceiptBatch::from_cbor(payload)?, receipt_digests(payload)?);
            Some(Report::Receipts(Sent { batch, digests }))
        }
        TopicKind::Health(_) => Some(Report::Health(Health::from_cbor(payload)?)),
        TopicKind::Event(_) => Some(Report::Event(Event::from_cbor(payload)?)),
        TopicKind::Answer(_) => Some(Report::Answer(AlertAnswer::from_cbor(payload)?)),
        TopicKind::Keys
        | TopicKind::Plan(_)
        | TopicKind::Alert(_)
        | TopicKind::Command(_)
        | TopicKind::Desired(_)
        | TopicKind::Ack(_)
        | TopicKind::Blocks(_)
        | TopicKind::Wave(..)
        | TopicKind::Want(_)
        | TopicKind::TimeRequest(_)
        | TopicKind::TimeAnswer(_) => None,
    })
}

impl Reported {
    pub(super) fn is_believed(&self, standing: &Standing) -> bool {
        match standing.get(&self.node).map(|reporter| reporter.state) {
            Some(NodeState::Enrolled) => true,
            Some(NodeState::Revoked) => {
                matches!(&self.report, Report::Presence(word) if !word.online)
            }
            Some(NodeState::Pending) | None => false,
        }
    }
}
