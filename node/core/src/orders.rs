//! Live orders: believed or refused.
//!
//! **Invariant.** The sequence of an order is on the disk before it is obeyed, so none is obeyed twice. It outlives its order; the
//! order itself is not kept.

use std::collections::{BTreeMap, VecDeque};

use loa_protocol::command::{Addressee, Command, Order, VALID_MAX_S};
use loa_protocol::envelope::{Applied, Freshness, Opened, Refusal, open_live};
use loa_protocol::ids::{AreaId, BootId, NodeId};
use loa_protocol::report::{AppliedOrder, ClockTrust};
use loa_protocol::time::UnixMs;

use crate::action::Action;
use crate::documents::Documents;
use crate::input::{Now, Slot, StoredDocument};

/// Believes orders.
#[derive(Debug)]
pub(crate) struct Orders {
    boot: BootId,
    applied: BTreeMap<Slot, Applied>,
}

impl Orders {
    /// Takes what was applied in the slots of orders.
    pub(crate) fn restore(boot: BootId, applied: &[(Slot, Applied)]) -> Self {
        let is_order = |(slot, _): &&(Slot, Applied)| matches!(slot, Slot::Command(_));
        Self { boot, applied: applied.iter().filter(is_order).cloned().collect() }
    }

    /// The last order to each of these areas, and to the node itself.
    pub(crate) fn applied(&self, areas: &[AreaId], node: &NodeId) -> Vec<AppliedOrder> {
        let of_areas = areas.iter().map(|area| Addressee::Area(area.clone()));
        let all = of_areas.chain([Addressee::Node(node.clone())]);
        all.filter_map(|to| {
            let applied = *self.applied.get(&Slot::of(&to))?;
            Some(AppliedOrder { to, applied })
        })
        .collect()
    }

    /// The order in an envelope that came on the slot's topic; `None` where it was obeyed before.
    pub(crate) fn receive(
        &mut self,
        slot: &Slot,
        envelope: &[u8],
        (documents, clock): (&Documents, ClockTrust),
        now: Now,
        actions: &mut VecDeque<Action>,
    ) -> Result<Option<Order>, Refusal> {
        let keys = documents.key_set().ok_or(Refusal::UnknownKey)?;
        // Where the clock is not known, an order is new if it names this boot.
        let boot = (clock == ClockTrust::Unknown).then_some(self.boot);
        let opened: Opened<Command> = open_live(envelope, keys, documents.recipient(), now.wall, boot)?;
        let validity = opened.claims.validity;
        if validity.expires_s - validity.issued_at_s > VALID_MAX_S {
            return Err(Refusal::Malformed);
        }
        if *slot != Slot::of(&opened.document.to) {
            return Err(Refusal::WrongAudience);
        }
        if opened.freshness(self.applied.get(slot).copied())? == Freshness::Same {
            return Ok(None);
        }
        let applied = opened.applied();
        self.applied.insert(slot.clone(), applied);
        let document = StoredDocument {
            envelope: envelope.into(),
            applied,
            applied_at: now.wall,
            path: documents.recipient().path.clone(),
            issued_at: UnixMs::from_seconds(validity.issued_at_s).min(now.wall),
        };
        actions.push_back(Action::SaveDocument { slot: slot.clone(), document });
        actions.push_back(Action::ForgetDocument { slot: slot.clone() });
        Ok(Some(opened.document.order))
    }
}
