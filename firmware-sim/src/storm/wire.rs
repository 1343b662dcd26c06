//! What goes between one node and the controller.

use std::sync::Arc;

use loa_node_core::Link;
use loa_protocol::bulletin::Class;
use loa_protocol::topic::{Topic, TopicKind};

use super::adversary::{self, Attack};
use super::board::Board;
use super::desk::{Answer, Contradiction};
use super::event::Event;
use super::invariants::TELLING_BOUND_MS;
use super::office::{Document, Publication, names};
use super::{SECOND, office};

/// How often a publication is tried again while the broker is away.
const PUBLISH_AGAIN_MS: i64 = 7 * SECOND;

impl Board<'_> {
    fn topic(&self, kind: TopicKind) -> String {
        Topic::new(&names::tenant(), kind).to_string()
    }

    fn topic_of(&self, slot: &loa_node_core::Slot) -> String {
        self.topic(match slot {
            loa_node_core::Slot::Keys => TopicKind::Keys,
            loa_node_core::Slot::Node => TopicKind::Desired(names::node(self.file.index)),
            loa_node_core::Slot::Plan(area) => TopicKind::Plan(area.clone()),
            loa_node_core::Slot::Command(None) => TopicKind::Command(names::node(self.file.index)),
            loa_node_core::Slot::Command(Some(area)) | loa_node_core::Slot::Alert(area) => {
                TopicKind::Alert(area.clone())
            }
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
        let classes = publication.document.program().map(loa_protocol::plan::Program::classes);
        if classes.is_some_and(|classes| classes.contains(&Class::Emergency)) {
            let (boot, sent, publication) = (self.boots, self.t, Arc::clone(publication));
            self.queue.push(sent + TELLING_BOUND_MS, Event::EmergencyTold { boot, life, sent, publication });
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
            match self.desk.take_receipts(self.t, payload) {
                Ok(answer) => answer.into_iter().collect(),
                Err(Contradiction(number)) => {
                    let what = Err(format!("the controller was told two different receipts {number}"));
                    self.demand("a receipt's number is never given twice", what);
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
        let Some(attack) = adversary::attack(&mut self.rng, self.file, self.t, now) else { return };
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
