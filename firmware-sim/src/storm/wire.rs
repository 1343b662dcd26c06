//! What goes between one node and the controller.

use std::collections::BTreeMap;
use std::sync::Arc;

use loa_node_core::{Link, Slot};
use loa_protocol::topic::{Topic, TopicKind};

use super::adversary::{self, Attack};
use super::board::Board;
use super::desk::Answer;
use super::event::Event;
use super::fault::Fault;
use super::invariants::{FINDING_BOUND_MS, TELLING_BOUND_MS};
use super::office::{Document, Publication, names};
use super::{SECOND, forged_alert, office};

/// How often a publication is tried again while the broker is away.
const PUBLISH_AGAIN_MS: i64 = 7 * SECOND;
/// With so many attacks in a hundred come forged alerts.
const ALERTS_PERCENT: u64 = 35;

impl Board<'_> {
    fn topic(&self, kind: TopicKind) -> String {
        Topic::new(&names::tenant(), kind).to_string()
    }

    fn topic_of(&self, slot: &Slot) -> String {
        self.topic(match slot {
            Slot::Keys => TopicKind::Keys,
            Slot::Node => TopicKind::Desired(names::node(self.file.index)),
            Slot::Plan(area) => TopicKind::Plan(area.clone()),
            Slot::Command(None) => TopicKind::Command(names::node(self.file.index)),
            Slot::Command(Some(area)) | Slot::Alert(area) => TopicKind::Alert(area.clone()),
        })
    }

    /// The controller publishes a document, as soon as the broker is there; an order is for the moment.
    pub(super) fn publish(&mut self, publication: &Arc<Publication>) {
        if matches!(publication.document, Document::Order(_)) {
            self.give_order(publication);
            return;
        }
        if !self.broker.is_running {
            self.queue.push(self.t + PUBLISH_AGAIN_MS, Event::Publish(Arc::clone(publication)));
            return;
        }
        let topic = self.topic_of(&publication.slot);
        let payload = Arc::clone(&publication.envelope);
        let life = self.broker.life(Link::Control);
        for (life, at) in self.broker.retain(self.t, &topic, &payload) {
            let (topic, payload) = (topic.as_str().into(), Arc::clone(&payload));
            self.queue.push(at, Event::Arrive { link: Link::Control, life, topic, payload });
        }
        if publication.document.is_urgent() {
            let (boot, sent, publication) = (self.boots, self.t, Arc::clone(publication));
            self.queue.push(sent + TELLING_BOUND_MS, Event::EmergencyTold { boot, life, sent, publication });
        }
    }

    /// The control link subscribes: what is retained comes, and alerts that are among it must soon be known.
    pub(super) fn subscribe(&mut self, link: Link, filters: &[String]) {
        let slots = self.file.publications.keys().filter(|slot| matches!(slot, Slot::Alert(_)));
        let slots: BTreeMap<String, Slot> = slots.map(|slot| (self.topic_of(slot), slot.clone())).collect();
        for (topic, payload) in self.broker.subscribe(self.t, link, filters) {
            self.send_to_node(link, self.t, &topic, &payload);
            let current = slots.get(&topic).and_then(|slot| self.file.current(slot, self.t));
            if let Some(publication) = current.filter(|current| current.envelope == payload) {
                let (boot, life, sent) = (self.boots, self.broker.life(link), self.t);
                let publication = Arc::clone(publication);
                let told = Event::AlertsFound { boot, life, sent, publication };
                self.queue.push(self.t + FINDING_BOUND_MS, told);
            }
        }
    }

    fn give_order(&mut self, publication: &Arc<Publication>) {
        if self.broker.is_running {
            let topic = self.topic_of(&publication.slot);
            let (boot, sent, publication) = (self.boots, self.t, Arc::clone(publication));
            self.send_to_node(Link::Control, sent, &topic, &publication.envelope);
            let life = self.broker.life(Link::Control);
            self.queue.push(sent + TELLING_BOUND_MS, Event::OrderTold { boot, life, sent, publication });
        }
    }

    /// A message to the node, if it has subscribed to its topic.
    pub(super) fn send_to_node(&mut self, link: Link, t: i64, topic: &str, payload: &Arc<[u8]>) {
        if !self.broker.is_subscribed(link, topic) {
            return;
        }
        for (life, at) in self.broker.deliver(t, link) {
            let (topic, payload) = (topic.into(), Arc::clone(payload));
            self.queue.push(at, Event::Arrive { link, life, topic, payload });
        }
    }

    /// What the node says. Only what the controller answers is followed.
    pub(super) fn send_to_office(&mut self, link: Link, topic: &str, payload: Vec<u8>) {
        let is_answered = ["/state", "/want", "/receipt"].iter().any(|end| topic.ends_with(end));
        if !is_answered {
            return;
        }
        let (topic, payload): (Arc<str>, Arc<[u8]>) = (topic.into(), payload.into());
        for at in self.broker.send(self.t, link) {
            let (topic, payload) = (Arc::clone(&topic), Arc::clone(&payload));
            self.queue.push(at, Event::Report { topic, payload });
        }
    }

    pub(super) fn report_arrives(&mut self, topic: &str, payload: &[u8]) {
        let frame: &office::Frame = &self.file.history.frame;
        if frame.is_down(self.t) || !self.broker.is_running {
            return;
        }
        let answers = if topic.ends_with("/receipt") {
            match self.desk.take_receipts(self.t, payload, &self.file.identity.node) {
                Ok(answer) => answer.into_iter().collect(),
                Err(contradiction) => {
                    let what = Err(contradiction.to_string());
                    self.demand("the chain of receipts verifies at the controller", what);
                    Vec::new()
                }
            }
        } else if topic.ends_with("/want") {
            self.desk.take_want(payload, self.file)
        } else {
            self.desk.take_state(self.t, payload, self.file)
        };
        let node = names::node(self.file.index);
        for answer in answers {
            match answer {
                // Killed between its database and the acknowledgement.
                Answer::Ack(after_ms, _) | Answer::Block(after_ms, _) if frame.is_down(self.t + after_ms) => {
                }
                Answer::Ack(after_ms, payload) => {
                    let topic = self.topic(TopicKind::Ack(node.clone()));
                    self.send_to_node(Link::Control, self.t + after_ms, &topic, &payload.into());
                }
                Answer::Block(after_ms, payload) => {
                    let topic = self.topic(TopicKind::Blocks(node.clone()));
                    self.send_to_node(Link::Bulk, self.t + after_ms, &topic, &payload.into());
                }
                Answer::Publish(after_ms, slot) => {
                    let at = frame.when_up(self.t + after_ms);
                    if let Some(publication) = self.file.current(&slot, at) {
                        self.queue.push(at, Event::Publish(Arc::clone(publication)));
                    }
                }
            }
        }
    }

    /// The adversary holds the broker: what it sends comes at once, subscribed to or not.
    pub(super) fn attack(&mut self) {
        let now = self.clock.wall(self.t);
        let attack = adversary::attack(&mut self.rng, self.file, self.t, now);
        let has_alerts = self.file.history.frame.has(Fault::Alerts) && self.rng.percent(ALERTS_PERCENT);
        let alerts = has_alerts.then(|| forged_alert::attack(&mut self.rng, self.file, self.t, now));
        for attack in attack.into_iter().chain(alerts) {
            let (link, topic, payload) = match attack {
                Attack::Document(slot, bytes) => (Link::Control, self.topic_of(&slot), bytes),
                Attack::Block(bytes) => {
                    (Link::Bulk, self.topic(TopicKind::Blocks(names::node(self.file.index))), bytes)
                }
            };
            if self.broker.is_up(link) {
                self.with_core(|core, now| core.handle_message(&topic, &payload, now));
            }
        }
    }
}
