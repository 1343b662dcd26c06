//! Live orders: what is silenced, when, and for whom.

use std::sync::Arc;

use loa_node_core::Slot;
use loa_protocol::bulletin::Class;
use loa_protocol::command::{Addressee, Command, Order, VALID_MAX_S};
use loa_protocol::envelope::Validity;
use loa_protocol::ids::{AreaId, BootId, NodeId, OccurrenceId};
use loa_protocol::plan::Item;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Start;

use super::{Document, Frame, Publication};
use crate::rng::Rng;
use crate::storm::almanac::Almanac;
use crate::storm::fault::Fault;
use crate::storm::reference;
use crate::storm::{HOUR, MINUTE, SECOND};

/// On average, so long an addressee is given no order.
const GAP_MS: i64 = 9 * HOUR;
/// Boots that orders name lie below this.
const BOOTS_MAX: i64 = 6;
/// How late after a quarter of an hour most orders come: bulletins sound then.
const INTO_SOUND_MS: std::ops::Range<i64> = 2 * SECOND..100 * SECOND;

/// The orders to an area (`Ok`) or a node of a run, given what is published for it.
pub(crate) fn orders(
    (frame, almanac): (&Frame, &Almanac),
    to: Result<&AreaId, &NodeId>,
    published: &[Arc<Publication>],
) -> Vec<Arc<Publication>> {
    let (name, slot, addressee) = match to {
        Ok(area) => (area.as_str(), Slot::Command(Some(area.clone())), Addressee::Area(area.clone())),
        Err(node) => (node.as_str(), Slot::Command(None), Addressee::Node(node.clone())),
    };
    let mut rng = frame.rng(&format!("orders to {name}"));
    let mut given = Vec::new();
    if frame.has(Fault::Orders) {
        each(&mut rng, frame, |rng, at| {
            let (when, order) = draw(rng, at, published);
            given.push((when, order, None));
        });
    }
    if frame.has(Fault::NamedOrders) {
        let mut named = frame.rng(&format!("named orders to {name}"));
        each(&mut named, frame, |rng, at| {
            let (when, order) = draw_named(rng, at, published, almanac);
            // Its presence told the controller which boot it is; now and then it has booted again since.
            let boot = to.is_err() && rng.percent(60);
            let boot = boot.then(|| BootId(rng.range(1, BOOTS_MAX).to_be_bytes()));
            given.push((when, order, boot));
        });
        given.sort_by_key(|(when, ..)| *when);
    }
    let mut epoch = 0;
    let mut orders = Vec::new();
    for (when, order, boot) in given {
        let when = frame.when_up(when);
        let clock_ms = when + frame.ahead_ms(when);
        epoch = (epoch + 1).max(u64::try_from(clock_ms).unwrap_or(0));
        let command = Command { to: addressee.clone(), epoch, order, boot };
        let issued_at_s = clock_ms.div_euclid(1_000);
        let expires_s = issued_at_s + rng.range(VALID_MAX_S / 2, VALID_MAX_S + 1);
        let validity = Validity { issued_at_s, not_before_s: issued_at_s, expires_s };
        let kept = Document::Order(Arc::new(command.clone()));
        orders.push(Arc::new(frame.seal(when, (slot.clone(), None), &command, validity, kept)));
    }
    orders
}

/// From the beginning to the end of a run, now and then.
fn each(rng: &mut Rng, frame: &Frame, mut give: impl FnMut(&mut Rng, i64)) {
    let mut at = frame.begin;
    loop {
        at += rng.gap_ms(GAP_MS);
        if at >= frame.end {
            return;
        }
        give(rng, at);
    }
}

/// The next start of what is published is ended soon after it; or everything is.
fn draw_named(rng: &mut Rng, at: i64, published: &[Arc<Publication>], almanac: &Almanac) -> (i64, Order) {
    let program = published.iter().rfind(|p| p.at <= at).and_then(|p| p.document.program());
    let items = program.map_or(&[][..], |program| &program.items);
    let soon = |item: &Item| almanac.starts(item, UnixMs(at), UnixMs(at + GAP_MS)).first().copied();
    let next = items.iter().filter_map(|item| Some((soon(item)?, item))).min_by_key(|(at, _)| *at);
    match next.filter(|_| rng.percent(75)) {
        Some((nominal, item)) => {
            let id = OccurrenceId(reference::occurrence(item, nominal));
            (nominal.0 + rng.range(INTO_SOUND_MS.start, INTO_SOUND_MS.end), Order::StopOccurrence(id))
        }
        None => (at, Order::StopAll),
    }
}

/// What is ordered, and when exactly.
fn draw(rng: &mut Rng, at: i64, published: &[Arc<Publication>]) -> (i64, Order) {
    let quarter = at.div_euclid(15 * MINUTE) * 15 * MINUTE;
    let when = quarter + rng.range(INTO_SOUND_MS.start, INTO_SOUND_MS.end);
    let known: Vec<&Item> = published
        .iter()
        .rfind(|publication| publication.at <= at)
        .and_then(|publication| publication.document.program())
        .map_or_else(Vec::new, |program| program.items.iter().collect());
    let alarm = known.iter().find(|item| item.class == Class::Emergency);
    match (rng.below(4), alarm, known.is_empty()) {
        (0, Some(Item { start: Start::At(nominal), bulletin, .. }), _) => {
            (nominal.0.max(at) + rng.range(SECOND, MINUTE), Order::StopBulletin(bulletin.clone()))
        }
        (1, Some(Item { start: Start::At(nominal), .. }), _) => {
            (nominal.0.max(at) + rng.range(SECOND, 3 * MINUTE), Order::AllClear)
        }
        (0 | 1, _, false) => (when, Order::StopBulletin(rng.pick(&known).bulletin.clone())),
        (2, _, _) => (when, Order::AllClear),
        _ => (when, Order::StopAll),
    }
}
