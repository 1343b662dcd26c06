//! From an envelope to a document in force: verified, compared with what was applied before, saved, held.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use loa_protocol::area::AreaPath;
use loa_protocol::envelope::{Applied, Freshness, Recipient, Refusal, open_key_set, shared};
use loa_protocol::ids::Digest;
use loa_protocol::time::UnixMs;

use super::{Change, Documents, held, lasting};
use crate::action::Action;
use crate::input::{Identity, Now, Slot, StoredDocument};

impl Documents {
    /// Verifies what was stored, the key set first, then the node's own document, then those of the areas. Those of areas that the node
    /// has left, while it did not hold them, are forgotten.
    pub(crate) fn restore(
        identity: &Identity,
        stored: Vec<(Slot, StoredDocument)>,
        applied: Vec<(Slot, Applied)>,
        now: Now,
        actions: &mut VecDeque<Action>,
    ) -> Self {
        let mut documents = Self {
            tenant: identity.tenant.clone(),
            node_id: identity.node.clone(),
            root: identity.root,
            path: identity.path.clone(),
            keys: None,
            node: None,
            plans: BTreeMap::new(),
            alerts: BTreeMap::new(),
            applied: applied.into_iter().collect(),
            deferred: BTreeMap::new(),
            retry_at_ms: None,
            change: Change::default(),
        };
        let stored: BTreeMap<Slot, StoredDocument> = stored.into_iter().collect();
        for (slot, document) in stored {
            let StoredDocument { envelope, applied_at, path, applied, issued_at: _ } = document;
            documents.applied.entry(slot.clone()).or_insert(applied);
            if documents.node.is_some() && documents.has_left(&slot) {
                actions.push_back(Action::ForgetDocument { slot });
                continue;
            }
            let result = lasting(now.wall, applied_at, |at| {
                documents.restore_one(&slot, &envelope, &path, applied_at, at)
            });
            if let Err(refusal) = result {
                documents.refuse(&slot, envelope, Some((path, applied_at)), refusal, now);
            }
        }
        documents.change.note(&Slot::Keys);
        documents
    }

    /// Holds a document again that was applied before, and was valid at this instant.
    fn restore_one(
        &mut self,
        slot: &Slot,
        envelope: &Arc<[u8]>,
        path: &AreaPath,
        applied_at: UnixMs,
        at: UnixMs,
    ) -> Result<(), Refusal> {
        let applied = self.applied.get(slot).copied();
        match slot {
            Slot::Keys => {
                let opened = open_key_set(envelope, &self.root, &self.tenant, at)?;
                opened.freshness(applied)?;
                self.keys = Some(opened);
            }
            Slot::Node => {
                let recipient = Recipient { tenant: &self.tenant, node: &self.node_id, path };
                let (mut held, profile) = held::node(envelope, self.key_set(), recipient, at)?;
                held.applied.freshness(applied)?;
                held.applied_at = applied_at;
                self.path = profile.path.clone();
                self.node = Some((held, profile));
            }
            Slot::Plan(_) | Slot::Alert(_) => {
                let mut held = held::of_area(slot, envelope, self.key_set(), self.recipient(), at)?;
                held.applied.freshness(applied)?;
                held.applied_at = applied_at;
                self.put(slot, held);
            }
            // Orders are not kept.
            Slot::Command(_) => return Err(Refusal::WrongKind),
        }
        Ok(())
    }

    /// An envelope came on the slot's topic.
    pub(crate) fn receive(&mut self, slot: &Slot, envelope: &[u8], now: Now, actions: &mut VecDeque<Action>) {
        // The very same bytes are a redelivery (protocol, 4): what is held was verified.
        if self.holds(slot, envelope) {
            return;
        }
        let envelope = shared(envelope);
        match self.apply(slot, &envelope, None, now.wall, actions) {
            Ok(Freshness::New) => {
                self.forget_deferred(slot);
                self.verified(slot, now.wall, now.wall);
                self.after_change(slot, now, actions);
            }
            Ok(Freshness::Same) => {}
            Err(refusal) => self.refuse(slot, envelope, None, refusal, now),
        }
    }

    /// Whether these are the bytes of the document that is in force.
    fn holds(&self, slot: &Slot, envelope: &[u8]) -> bool {
        match slot {
            Slot::Keys => self.keys.as_ref().is_some_and(|keys| keys.digest == Digest::of(envelope)),
            Slot::Node | Slot::Plan(_) | Slot::Alert(_) => {
                self.held(slot).is_some_and(|held| *held.envelope == *envelope)
            }
            Slot::Command(_) => false,
        }
    }

    /// Verifies, compares, saves and holds.
    pub(super) fn apply(
        &mut self,
        slot: &Slot,
        envelope: &Arc<[u8]>,
        stored: Option<&(AreaPath, UnixMs)>,
        now: UnixMs,
        actions: &mut VecDeque<Action>,
    ) -> Result<Freshness, Refusal> {
        if self.holds(slot, envelope) {
            return Ok(Freshness::Same);
        }
        // The document that was applied, but is not held (its key or its area was away meanwhile), is taken up again.
        let last = self.applied.get(slot).copied();
        let applied_at = stored.map_or(now, |(_, applied_at)| *applied_at);
        let (applied, validity) = match slot {
            Slot::Keys => {
                let opened = open_key_set(envelope, &self.root, &self.tenant, now)?;
                opened.freshness(last)?;
                let (applied, validity) = (opened.applied(), opened.claims.validity);
                self.keys = Some(opened);
                (applied, validity)
            }
            Slot::Node => {
                let path = stored.map_or(&self.path, |(path, _)| path);
                let recipient = Recipient { tenant: &self.tenant, node: &self.node_id, path };
                let (mut held, profile) = held::node(envelope, self.key_set(), recipient, now)?;
                held.applied.freshness(last)?;
                held.applied_at = applied_at;
                let told = (held.applied, held.validity);
                self.path = profile.path.clone();
                self.node = Some((held, profile));
                told
            }
            Slot::Plan(_) | Slot::Alert(_) => {
                let mut held = held::of_area(slot, envelope, self.key_set(), self.recipient(), now)?;
                held.applied.freshness(last)?;
                held.applied_at = applied_at;
                if let Some(previous) = self.held(slot) {
                    held.keep_inline(previous);
                }
                let told = (held.applied, held.validity);
                self.put(slot, held);
                told
            }
            Slot::Command(_) => return Err(Refusal::WrongKind),
        };
        self.applied.insert(slot.clone(), applied);
        let document = StoredDocument {
            envelope: Arc::clone(envelope),
            applied,
            applied_at,
            path: self.path.clone(),
            // A signer whose clock is ahead must not move the node's.
            issued_at: UnixMs::from_seconds(validity.issued_at_s).min(now),
        };
        actions.push_back(Action::SaveDocument { slot: slot.clone(), document });
        self.change.note(slot);
        Ok(Freshness::New)
    }
}
