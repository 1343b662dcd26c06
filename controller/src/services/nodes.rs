//! Loudspeaker clusters: entering, enrolling, adjusting, revoking.

use std::collections::BTreeMap;
use std::sync::Arc;

use loa_protocol::area::AreaPath;
use loa_protocol::ids::NodeId;
use loa_protocol::report::{Event, Health};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::OwnGuards;
use serde_json::{Value, json};

use super::audit::Deed;
use super::{Ground, ServiceError, Thing, areas};
use crate::domain::doubt::Doubt;
use crate::domain::message::Message;
use crate::domain::node::{CertificateRecord, Node, NodeDraft, NodeState, NodeStatus};
use crate::domain::role::{Action, Principal};
use crate::domain::slug::{candidate, slug};
use crate::store::enrolment::{EnrolmentTokenRecord, UsedToken};
use crate::store::plans::{self, PlanAudience};
use crate::store::{Connection, enrolment, node_events, nodes, presence, receipt_doubts, reports};

/// Loudspeaker clusters. Cheap to clone.
#[derive(Clone)]
pub struct Nodes(pub(super) Arc<Ground>);

/// What a board is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enrolled {
    /// It enrolled with this request.
    Fresh,
    /// The same request had enrolled before and its answer was lost: send this one again.
    Before(Vec<u8>),
    /// Another request used the token first.
    Used,
    /// Staff replaced or revoked the token meanwhile.
    Withdrawn,
}

impl Nodes {
    /// The nodes that the person may see, by place and name, with what they last said.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn list(&self, who: &Principal) -> Result<Vec<(Node, NodeStatus)>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        Ok(nodes::list(&mut tx, &who.scopes(Action::Read)).await?)
    }

    /// One node, with what it last said.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn get(&self, who: &Principal, id: &NodeId) -> Result<(Node, NodeStatus), ServiceError> {
        let mut tx = self.0.store.read().await?;
        let (node, status) = load(&mut tx, id).await?;
        who.require(Action::Read, &node.path)?;
        Ok((node, status))
    }

    /// What a node's board forbids by its own configuration, as it last said.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn own_guards(&self, who: &Principal, id: &NodeId) -> Result<Option<OwnGuards>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let (node, _) = load(&mut tx, id).await?;
        who.require(Action::Read, &node.path)?;
        Ok(reports::state(&mut tx, id).await?.and_then(|(state, _)| state.own_guards))
    }

    /// A node's last health reports, the latest first, with the instants at which they came.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn health(&self, who: &Principal, id: &NodeId) -> Result<Vec<(Health, UnixMs)>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let (node, _) = load(&mut tx, id).await?;
        who.require(Action::Read, &node.path)?;
        Ok(reports::health(&mut tx, id).await?)
    }

    /// What a node refused of late, the latest first, with the instants at which it was told.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn events(&self, who: &Principal, id: &NodeId) -> Result<Vec<(Event, UnixMs)>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let (node, _) = load(&mut tx, id).await?;
        who.require(Action::Read, &node.path)?;
        Ok(node_events::list(&mut tx, id).await?)
    }

    /// What speaks against a node's receipts, the latest found first: the receipt's number, what, and since when.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn doubts(
        &self,
        who: &Principal,
        id: &NodeId,
    ) -> Result<Vec<(u64, Doubt, UnixMs)>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let (node, _) = load(&mut tx, id).await?;
        who.require(Action::Read, &node.path)?;
        Ok(receipt_doubts::list(&mut tx, id).await?)
    }

    /// The last health report of every node that the person may see and that has sent one.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn last_health(&self, who: &Principal) -> Result<BTreeMap<NodeId, Health>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        Ok(reports::last_health(&mut tx, &who.scopes(Action::Read)).await?.into_iter().collect())
    }

    /// Epoch of the node's own document that it says it applied, and of the latest that was signed for it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn epochs(&self, who: &Principal, id: &NodeId) -> Result<Option<(u64, u64)>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let (node, _) = load(&mut tx, id).await?;
        who.require(Action::Read, &node.path)?;
        let applied = reports::state(&mut tx, id).await?.and_then(|(state, _)| state.desired);
        let latest = plans::get(&mut tx, &PlanAudience::Node(id.clone())).await?;
        Ok(applied.zip(latest).map(|(applied, latest)| (applied.sequence, latest.epoch)))
    }

    /// Enters a node that no board has enrolled for. Its id is made of its name.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::NotFound`] for the area, [`ServiceError::Forbidden`].
    pub async fn create(&self, who: &Principal, draft: &NodeDraft) -> Result<Node, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let area = areas::load(&mut tx, &draft.area).await?;
        who.require(Action::ManageNodes, &area.path)?;
        let values = draft.check()?;
        let id = free_id(&mut tx, &values.name).await?;
        nodes::insert(&mut tx, &id, &area.id, &values, self.0.now()).await?;
        let (node, _) = load(&mut tx, &id).await?;
        self.note(&mut tx, who, "node.created", &node, None, Some(summary(&node))).await?;
        tx.commit().await?;
        Ok(node)
    }

    /// Changes a node's name, place, serial number or volume.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::NotFound`], [`ServiceError::Forbidden`]: the person needs the right
    /// at the old place and at the new one.
    pub async fn update(
        &self,
        who: &Principal,
        id: &NodeId,
        draft: &NodeDraft,
    ) -> Result<Node, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let (before, _) = load(&mut tx, id).await?;
        who.require(Action::ManageNodes, &before.path)?;
        let area = areas::load(&mut tx, &draft.area).await?;
        who.require(Action::ManageNodes, &area.path)?;
        let values = draft.check()?;
        nodes::update(&mut tx, id, &area.id, &values).await?;
        let (after, _) = load(&mut tx, id).await?;
        self.note(&mut tx, who, "node.changed", &after, Some(summary(&before)), Some(summary(&after)))
            .await?;
        tx.commit().await?;
        self.0.nudges.plans.wake();
        // The areas that it may read follow its place.
        self.0.nudges.access.wake();
        Ok(after)
    }

    /// Makes a node's enrolment token; an earlier one stops working. `make` draws the secret: it is given the node and
    /// the token's end, and gives the secret's public half with the token for staff, which is not kept here.
    ///
    /// A node that has a board may get a token too: for the board that replaces it. Until that one enrols, the old one
    /// goes on working, unless the node is revoked.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`], [`ServiceError::Token`].
    pub async fn issue_token<T>(
        &self,
        who: &Principal,
        id: &NodeId,
        make: impl FnOnce(&Node, UnixMs) -> Result<([u8; 32], T), Box<dyn std::error::Error + Send + Sync>>,
    ) -> Result<T, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let (node, _) = load(&mut tx, id).await?;
        who.require(Action::ManageNodes, &node.path)?;
        let now = self.0.now();
        let expires = now + i64::from(self.0.limits.enrolment_token_h) * 3_600_000;
        let (verifier, token) = make(&node, expires).map_err(ServiceError::Token)?;
        let record = EnrolmentTokenRecord {
            node: id.clone(),
            verifier,
            serial: node.serial.clone(),
            expires,
            used: None,
        };
        enrolment::replace(&mut tx, &record, now).await?;
        let after = json!({ "expires": expires.to_string(), "serial": node.serial });
        self.note(&mut tx, who, "node.token_issued", &node, None, Some(after)).await?;
        tx.commit().await?;
        Ok(token)
    }

    /// The token that a board's request is judged by. No principal: boards have none yet; the request's signature is
    /// their proof.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn token(&self, id: &NodeId) -> Result<Option<EnrolmentTokenRecord>, ServiceError> {
        let mut tx = self.0.store.read().await?;
        Ok(enrolment::get(&mut tx, id).await?)
    }

    /// Where a node stands, for the answer to its board. No principal, as for [`Nodes::token`].
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn path(&self, id: &NodeId) -> Result<AreaPath, ServiceError> {
        let mut tx = self.0.store.read().await?;
        Ok(load(&mut tx, id).await?.0.path)
    }

    /// Uses a node's token up for a request that was judged good by the token with this verifier, and makes its
    /// certificate the node's only one. Nothing changes unless the answer is [`Enrolled::Fresh`].
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn finish_enrolment(
        &self,
        id: &NodeId,
        verifier: &[u8; 32],
        certificate: &CertificateRecord,
        csr_sha256: [u8; 32],
        answer: &[u8],
    ) -> Result<Enrolled, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let (node, _) = load(&mut tx, id).await?;
        let now = self.0.now();
        let used = UsedToken { at: now, csr_sha256, answer: answer.to_vec() };
        if !enrolment::set_used(&mut tx, id, verifier, &used).await? {
            let before = enrolment::get(&mut tx, id).await?.filter(|token| token.verifier == *verifier);
            return Ok(match before.map(|token| token.used) {
                Some(Some(before)) if before.csr_sha256 == csr_sha256 => Enrolled::Before(before.answer),
                Some(_) => Enrolled::Used,
                None => Enrolled::Withdrawn,
            });
        }
        nodes::set_enrolled(&mut tx, id, certificate, now).await?;
        let deed = Deed {
            action: "node.enrolled",
            subject: id.as_str(),
            area: Some(&node.path),
            before: Some(json!({ "state": node.state.as_str() })),
            after: Some(json!({ "state": "enrolled", "certificate": certificate.fingerprint })),
        };
        // It is the board that enrolled, by the token that staff gave it.
        self.0.note(&mut tx, &Principal::operator(), deed).await?;
        tx.commit().await?;
        self.0.nudges.access.wake();
        self.0.nudges.plans.wake();
        Ok(Enrolled::Fresh)
    }

    /// Makes a node's certificate worthless, at once, and forgets its token.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`], [`ServiceError::Conflict`] when it is revoked already.
    pub async fn revoke(&self, who: &Principal, id: &NodeId, reason: &str) -> Result<Node, ServiceError> {
        let mut tx = self.0.store.write().await?;
        let (before, _) = load(&mut tx, id).await?;
        who.require(Action::ManageNodes, &before.path)?;
        if before.state == NodeState::Revoked {
            return Err(ServiceError::Conflict(Message::fixed(
                "node.revoked_already",
                "Cụm loa này đã bị loại bỏ.",
                "This loudspeaker is revoked already.",
            )));
        }
        nodes::set_revoked(&mut tx, id, self.0.now()).await?;
        // A broker that stands elsewhere may hold the session for a while; nobody listens to it any more.
        presence::set_offline(&mut tx, id, self.0.now()).await?;
        enrolment::delete(&mut tx, id).await?;
        let (after, _) = load(&mut tx, id).await?;
        let reason = crate::domain::bulletin::text::body(reason);
        let after_json = json!({ "state": after.state.as_str(), "reason": reason });
        let before_json = json!({ "state": before.state.as_str() });
        self.note(&mut tx, who, "node.revoked", &after, Some(before_json), Some(after_json)).await?;
        tx.commit().await?;
        self.0.nudges.access.wake();
        self.0.nudges.plans.wake();
        Ok(after)
    }

    /// Takes a node out of sight that no board stands for any more: it was revoked, or no board ever enrolled. What it
    /// reported and what was done with it stay.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`], [`ServiceError::Conflict`] while it is enrolled.
    pub async fn remove(&self, who: &Principal, id: &NodeId) -> Result<(), ServiceError> {
        let mut tx = self.0.store.write().await?;
        let (before, _) = load(&mut tx, id).await?;
        who.require(Action::ManageNodes, &before.path)?;
        if before.state == NodeState::Enrolled {
            return Err(ServiceError::Conflict(Message::fixed(
                "node.enrolled",
                "Cụm loa đang hoạt động. Hãy loại bỏ trước rồi mới xóa.",
                "The loudspeaker is in service. Revoke it first, then remove it.",
            )));
        }
        nodes::set_removed(&mut tx, id, self.0.now()).await?;
        enrolment::delete(&mut tx, id).await?;
        let before_json = json!({ "name": before.name, "state": before.state.as_str() });
        self.note(&mut tx, who, "node.removed", &before, Some(before_json), None).await?;
        tx.commit().await?;
        self.0.nudges.access.wake();
        self.0.nudges.plans.wake();
        Ok(())
    }

    async fn note(
        &self,
        c: &mut Connection,
        who: &Principal,
        action: &'static str,
        node: &Node,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Result<(), ServiceError> {
        let deed = Deed { action, subject: node.id.as_str(), area: Some(&node.path), before, after };
        Ok(self.0.note(c, who, deed).await?)
    }
}

async fn load(c: &mut Connection, id: &NodeId) -> Result<(Node, NodeStatus), ServiceError> {
    nodes::get(c, id).await?.ok_or(ServiceError::NotFound(Thing::Node))
}

async fn free_id(c: &mut Connection, name: &str) -> Result<NodeId, ServiceError> {
    let slug = slug(name, "cum-loa");
    let mut attempt = 1;
    loop {
        let text = candidate(&slug, attempt);
        if let Ok(id) = NodeId::new(&text)
            && !nodes::exists(c, &text).await?
        {
            return Ok(id);
        }
        attempt += 1;
    }
}

fn summary(node: &Node) -> Value {
    json!({
        "name": node.name,
        "area": node.path.areas().last().map(|a| a.as_str()),
        "serial": node.serial,
        "volume_percent": node.volume_percent,
        "line": node.line.as_str(),
    })
}
