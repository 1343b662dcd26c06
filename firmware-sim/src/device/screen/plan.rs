//! What the board will do, found by the rules by which it plays.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use loa_node_core::{Identity, Slot, StoredDocument};
use loa_protocol::envelope::{Recipient, open, open_key_set};
use loa_protocol::ids::ItemId;
use loa_protocol::keys::KeySet;
use loa_protocol::plan::{AreaPlan, NodeDocument};
use loa_protocol::receipt::Outcome;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{NEAR_MS, Outlook, preflight};

use crate::node::Glance;

/// How far ahead it is looked.
const AHEAD_MS: i64 = 48 * 3600 * 1000;
/// Most starts that are shown.
const NEXT_MAX: usize = 12;

/// What is planned.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The zone of the node's document.
    pub(super) zone: Tz,
    /// The titles of the items in force.
    pub(super) titles: BTreeMap<ItemId, String>,
    /// What comes next.
    pub(super) next: Vec<Next>,
    /// The newest instant at which a document in force was signed: the clock is not before it.
    pub(super) floor: Option<UnixMs>,
}

/// One planned start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) nominal: UnixMs,
    pub(super) title: String,
    /// The languages in which it will be heard, by code.
    pub(super) languages: Vec<String>,
    pub(super) outcome: Outcome,
}

impl Default for Plan {
    fn default() -> Self {
        let zone = chrono_tz::Asia::Ho_Chi_Minh;
        Self { zone, titles: BTreeMap::new(), next: Vec::new(), floor: None }
    }
}

impl Plan {
    /// What these documents mean from here on, if their audio comes as it is: nothing more arrives.
    pub(super) fn of(identity: &Identity, glance: &Glance) -> Self {
        let floor = glance.documents.iter().map(|(_, document)| document.issued_at).max();
        let Some((node, plans)) = documents(identity, glance) else {
            return Self { floor, ..Self::default() };
        };
        let plans: Vec<&AreaPlan> = plans.iter().collect();
        let programs = plans.iter().map(|plan| &plan.program).chain([&node.program]);
        let titles =
            programs.flat_map(|program| &program.items).map(|item| (item.id.clone(), item.title.clone()));
        let outlook = Outlook {
            node: &node,
            plans: &plans,
            has_object: &|object| glance.whole.contains(object),
            own_guards: None,
            past: &[],
        };
        // What is near is settled already: it is in the part of the screen that shows what sounds.
        let from = glance.at + if glance.occurrence.is_some() { NEAR_MS } else { 0 };
        let mut foreseen = preflight(outlook, from, glance.at + AHEAD_MS);
        foreseen.sort_by_key(|foreseen| foreseen.occurrence.nominal);
        let next = foreseen.into_iter().take(NEXT_MAX).map(|foreseen| Next {
            nominal: foreseen.occurrence.nominal,
            title: foreseen.item.title.clone(),
            languages: foreseen.languages.iter().map(|language| language.as_str().to_owned()).collect(),
            outcome: foreseen.outcome,
        });
        Self { zone: node.zone.0, titles: titles.collect(), next: next.collect(), floor }
    }
}

/// The node's document and the plans, opened as the node opens them. `None` before it has a document.
fn documents(identity: &Identity, glance: &Glance) -> Option<(NodeDocument, Vec<AreaPlan>)> {
    let now = glance.at;
    let of = |wanted: &Slot| glance.documents.iter().find(|(slot, _)| slot == wanted).map(|(_, d)| d);
    let keys: KeySet =
        open_key_set(&of(&Slot::Keys)?.envelope, &identity.root, &identity.tenant, now).ok()?.document;
    let node = of(&Slot::Node)?;
    let node: NodeDocument = open(&node.envelope, &keys, recipient(identity, node), now).ok()?.document;
    let plans = glance.documents.iter().filter(|(slot, _)| matches!(slot, Slot::Plan(_)));
    // What has expired is no longer in force.
    let plans = plans.filter_map(|(_, document)| {
        Some(open::<AreaPlan>(&document.envelope, &keys, recipient(identity, document), now).ok()?.document)
    });
    Some((node, plans.collect()))
}

fn recipient<'a>(identity: &'a Identity, document: &'a StoredDocument) -> Recipient<'a> {
    Recipient { tenant: &identity.tenant, node: &identity.node, path: &document.path }
}
