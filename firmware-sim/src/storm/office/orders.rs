//! Live orders: what is silenced, when, and for whom.

use std::sync::Arc;

use loa_node_core::Slot;
use loa_protocol::bulletin::Class;
use loa_protocol::command::{Addressee, Command, Order, VALID_MAX_S};
use loa_protocol::envelope::Validity;
use loa_protocol::ids::{AreaId, NodeId};
use loa_protocol::plan::Item;
use loa_protocol::timeline::Start;

use super::{Document, Frame, Publication};
use crate::storm::rng::Rng;
use crate::storm::{HOUR, MINUTE, SECOND};

/// On average, so long an addressee is given no order.
const GAP_MS: i64 = 9 * HOUR;
/// How late after a quarter of an hour most orders come: bulletins sound then.
const INTO_SOUND_MS: std::ops::Range<i64> = 2 * SECOND..100 * SECOND;

/// The orders to an area (`Ok`) or a node of a run, given what is published for it.
pub(crate) fn orders(
    frame: &Frame,
    to: Result<&AreaId, &NodeId>,
    published: &[Arc<Publication>],
) -> Vec<Arc<Publication>> {
    let (name, slot, addressee) = match to {
        Ok(area) => (area.as_str(), Slot::Command(Some(area.clone())), Addressee::Area(area.clone())),
        Err(node) => (node.as_str(), Slot::Command(None), Addressee::Node(node.clone())),
    };
    let mut rng = frame.rng(&format!("orders to {name}"));
    let (mut at, mut epoch) = (frame.begin, 0);
    let mut orders = Vec::new();
    loop {
        at += rng.gap_ms(GAP_MS);
        if at >= frame.end {
            return orders;
        }
        let (when, order) = draw(&mut rng, at, published);
        let when = frame.when_up(when);
        let clock_ms = when + frame.ahead_ms(when);
        epoch = (epoch + 1).max(u64::try_from(clock_ms).unwrap_or(0));
        let command = Command { to: addressee.clone(), epoch, order, boot: None };
        let issued_at_s = clock_ms.div_euclid(1_000);
        let expires_s = issued_at_s + rng.range(VALID_MAX_S / 2, VALID_MAX_S + 1);
        let validity = Validity { issued_at_s, not_before_s: issued_at_s, expires_s };
        let kept = Document::Order(Arc::new(command.clone()));
        orders.push(Arc::new(frame.seal(when, (slot.clone(), None), &command, validity, kept)));
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
