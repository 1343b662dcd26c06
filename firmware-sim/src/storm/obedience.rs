//! What must hold of live orders (section X of the timeline).

use std::collections::BTreeSet;

use loa_node_core::Slot;
use loa_protocol::bulletin::Class;
use loa_protocol::command::{Command, Order};
use loa_protocol::ids::{BootId, Digest};
use loa_protocol::receipt::{Reason, Receipt};
use loa_protocol::time::UnixMs;

use super::facts::Books;
use super::invariants::{Verdict, require};
use super::office::Publication;

/// Timeline, X2: an order is obeyed once, and by no node that it is not for.
pub(crate) fn an_order_is_obeyed_once(
    obeyed: &mut BTreeSet<Digest>,
    books: &Books,
    publication: &Publication,
) -> Verdict {
    let is_for_it = match &publication.slot {
        Slot::Command(Some(area)) => books.path().is_none_or(|path| path.contains(area)),
        Slot::Command(None) | Slot::Keys | Slot::Node | Slot::Plan(_) | Slot::Alert(_) => true,
    };
    require(is_for_it, || format!("an order to {:?} is obeyed elsewhere", publication.slot))?;
    require(obeyed.insert(publication.applied.digest), || {
        format!("the order {:?} is obeyed a second time", publication.document)
    })
}

/// Timeline, X2 and X3: an order is valid by the node's clock, or names its boot where it has no clock (`boot`).
pub(crate) fn an_order_is_of_now(
    publication: &Publication,
    command: &Command,
    boot: Option<BootId>,
    now: UnixMs,
) -> Verdict {
    let is_valid = publication.not_before <= now && now < publication.expires;
    require(is_valid || boot.is_some() && command.boot == boot, || {
        format!("{command:?} of {} is obeyed at {now}", publication.not_before)
    })
}

/// Timeline, X1: what ends as stopped was named by an order.
pub(crate) fn an_order_stops_only_what_it_names<'a>(
    mut orders: impl Iterator<Item = &'a Order>,
    class: Option<Class>,
    new: &Receipt,
) -> Verdict {
    if new.outcome.reason() != Some(Reason::Stopped) {
        return Ok(());
    }
    let names = |order: &Order| match order {
        Order::StopOccurrence(id) => *id == new.occurrence,
        Order::StopBulletin(id) => *id == new.bulletin,
        Order::StopAll => true,
        // Of what was withdrawn at the same moment nobody knows the class any more.
        Order::AllClear => class.is_none_or(|class| class == Class::Emergency),
    };
    require(orders.any(names), || {
        format!("{} of {} was stopped, and no order names it", new.item, new.nominal)
    })
}
