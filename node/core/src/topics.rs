//! The node's topics, and what it subscribes to.

use loa_protocol::ids::{AreaId, NodeId, ObjectHash, TenantId};
use loa_protocol::topic::{Topic, TopicKind};

use crate::fetch::Way;
use crate::input::{Identity, Slot};

/// Who the node is, in topics.
#[derive(Clone, Debug)]
pub(crate) struct Topics {
    tenant: TenantId,
    node: NodeId,
}

/// What a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Inbound {
    Document(Slot),
    Order(Slot),
    /// Alerts of an area or an order to its nodes: the envelope says which.
    Alert(AreaId),
    Ack,
    Block(Way),
    Time,
}

impl Topics {
    pub(crate) fn new(identity: &Identity) -> Self {
        Self { tenant: identity.tenant.clone(), node: identity.node.clone() }
    }

    /// The node.
    pub(crate) fn node(&self) -> &NodeId {
        &self.node
    }

    /// What a message on this topic is for; `None` when it is not for this node.
    pub(crate) fn inbound(&self, topic: &str) -> Option<Inbound> {
        let Topic { tenant, kind } = topic.parse().ok()?;
        if tenant != self.tenant || kind.node().is_some_and(|node| *node != self.node) {
            return None;
        }
        match kind {
            TopicKind::Keys => Some(Inbound::Document(Slot::Keys)),
            TopicKind::Desired(_) => Some(Inbound::Document(Slot::Node)),
            TopicKind::Plan(area) => Some(Inbound::Document(Slot::Plan(area))),
            TopicKind::Command(_) => Some(Inbound::Order(Slot::Command(None))),
            TopicKind::Alert(area) => Some(Inbound::Alert(area)),
            TopicKind::Ack(_) => Some(Inbound::Ack),
            TopicKind::Blocks(_) => Some(Inbound::Block(Way::Single)),
            TopicKind::Wave(..) => Some(Inbound::Block(Way::Wave)),
            TopicKind::TimeAnswer(_) => Some(Inbound::Time),
            TopicKind::Presence(_)
            | TopicKind::State(_)
            | TopicKind::Want(_)
            | TopicKind::Receipt(_)
            | TopicKind::Health(_)
            | TopicKind::Event(_)
            | TopicKind::Answer(_)
            | TopicKind::TimeRequest(_) => None,
        }
    }

    /// The topic on which a slot's document comes.
    pub(crate) fn document(&self, slot: &Slot) -> String {
        match slot {
            Slot::Keys => self.name(TopicKind::Keys),
            Slot::Node => self.name(TopicKind::Desired(self.node.clone())),
            Slot::Plan(area) => self.name(TopicKind::Plan(area.clone())),
            Slot::Command(None) => self.name(TopicKind::Command(self.node.clone())),
            Slot::Command(Some(area)) | Slot::Alert(area) => self.name(TopicKind::Alert(area.clone())),
        }
    }

    /// What the control link subscribes to.
    pub(crate) fn control_filters(&self, areas: &[AreaId]) -> Vec<String> {
        let node = || self.node.clone();
        let own =
            [TopicKind::Keys, TopicKind::Desired(node()), TopicKind::Command(node()), TopicKind::Ack(node())];
        own.map(|kind| self.name(kind)).into_iter().chain(self.of_areas(areas)).collect()
    }

    /// The topics of plans, alerts and orders of areas.
    pub(crate) fn of_areas<'a>(
        &'a self,
        areas: impl IntoIterator<Item = &'a AreaId> + 'a,
    ) -> impl Iterator<Item = String> + 'a {
        areas.into_iter().flat_map(|area| {
            [TopicKind::Plan(area.clone()), TopicKind::Alert(area.clone())].map(|kind| self.name(kind))
        })
    }

    /// What the bulk link subscribes to.
    pub(crate) fn bulk_filters(&self) -> Vec<String> {
        vec![self.name(TopicKind::Blocks(self.node.clone()))]
    }

    /// The topics on which an object comes for whole areas.
    pub(crate) fn waves(&self, areas: &[AreaId], object: &ObjectHash) -> Vec<String> {
        areas.iter().map(|area| self.name(TopicKind::wave(area.clone(), object))).collect()
    }

    pub(crate) fn presence(&self) -> String {
        self.name(TopicKind::Presence(self.node.clone()))
    }

    pub(crate) fn state(&self) -> String {
        self.name(TopicKind::State(self.node.clone()))
    }

    pub(crate) fn want(&self) -> String {
        self.name(TopicKind::Want(self.node.clone()))
    }

    pub(crate) fn receipt(&self) -> String {
        self.name(TopicKind::Receipt(self.node.clone()))
    }

    pub(crate) fn health(&self) -> String {
        self.name(TopicKind::Health(self.node.clone()))
    }

    pub(crate) fn event(&self) -> String {
        self.name(TopicKind::Event(self.node.clone()))
    }

    pub(crate) fn answer(&self) -> String {
        self.name(TopicKind::Answer(self.node.clone()))
    }

    pub(crate) fn time_request(&self) -> String {
        self.name(TopicKind::TimeRequest(self.node.clone()))
    }

    pub(crate) fn time_answer(&self) -> String {
        self.name(TopicKind::TimeAnswer(self.node.clone()))
    }

    fn name(&self, kind: TopicKind) -> String {
        Topic::new(&self.tenant, kind).to_string()
    }
}
