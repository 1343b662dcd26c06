//! What the node told: its messages, read; its receipts; what is in its cache.

use std::collections::BTreeSet;

use loa_node_core::{Action, Measurements};
use loa_protocol::alert::AlertAnswer;
use loa_protocol::clock::TimeRequest;
use loa_protocol::ids::{ItemId, ObjectHash};
use loa_protocol::receipt::Outcome;
use loa_protocol::report::{Event, EventKind, Health, State};
use loa_protocol::time::UnixMs;
use loa_protocol::topic::TopicKind;
use loa_protocol::transfer::Want;
use loa_protocol::wire::Wire as _;

use super::Rig;
use crate::office::node;

impl Rig {
    fn published(&self, kind: TopicKind) -> impl Iterator<Item = &[u8]> {
        let wanted = self.topic(kind);
        self.actions.iter().filter_map(move |action| {
            let Action::Publish { topic, payload, .. } = action else { return None };
            (*topic == wanted).then_some(payload.as_slice())
        })
    }

    /// The requests for the time that were sent so far, oldest first.
    pub(crate) fn time_requests(&self) -> Vec<TimeRequest> {
        let requests = self.published(TopicKind::TimeRequest(node()));
        requests.map(|request| TimeRequest::from_cbor(request).unwrap()).collect()
    }

    pub(crate) fn wants(&self) -> Vec<Want> {
        self.published(TopicKind::Want(node())).map(|want| Want::from_cbor(want).unwrap()).collect()
    }

    pub(crate) fn events(&self) -> Vec<EventKind> {
        let events = self.published(TopicKind::Event(node()));
        events.map(|event| Event::from_cbor(event).unwrap().kind).collect()
    }

    /// What it answered for alerts, oldest first.
    pub(crate) fn answers(&self) -> Vec<AlertAnswer> {
        let answers = self.published(TopicKind::Answer(node()));
        answers.map(|answer| AlertAnswer::from_cbor(answer).unwrap()).collect()
    }

    /// The state as last reported.
    pub(crate) fn state(&self) -> State {
        State::from_cbor(self.published(TopicKind::State(node())).last().unwrap()).unwrap()
    }

    pub(crate) fn health(&self) -> Vec<Health> {
        let health = self.published(TopicKind::Health(node()));
        health.map(|health| Health::from_cbor(health).unwrap()).collect()
    }

    /// How many documents and orders were refused since boot, as its health says now.
    pub(crate) fn health_refused(&mut self) -> u32 {
        self.core.handle_health(Measurements::default(), self.now);
        self.run();
        self.health().last().unwrap().refused
    }

    /// Item, nominal start and outcome of every receipt, in the order of their numbers.
    pub(crate) fn outcomes(&self) -> Vec<(ItemId, UnixMs, Outcome)> {
        self.store.receipts.values().map(|r| (r.item.clone(), r.nominal, r.outcome)).collect()
    }

    pub(crate) fn blocks_held(&self, object: &ObjectHash) -> BTreeSet<u32> {
        self.store.partial.get(object).map(|file| file.have.iter().collect()).unwrap_or_default()
    }
}
