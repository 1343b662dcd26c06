//! What must hold of a node some hours after everything was put right.

use std::collections::{BTreeMap, BTreeSet};

use loa_node_core::Slot;
use loa_protocol::ids::{ItemId, ObjectHash};
use loa_protocol::time::UnixMs;

use super::MINUTE;
use super::almanac::Almanac;
use super::desk::{Desk, wanted};
use super::facts::{Facts, InForce};
use super::invariants::{Verdict, require};
use super::office::File;

/// Everything is put right, and enough time has passed: the node holds what it should, and the controller has its word.
pub(crate) fn a_healed_node_converges(
    file: &File<'_>,
    facts: &Facts,
    desk: &Desk,
    quota_bytes: u64,
    unacknowledged: usize,
    t: i64,
) -> Verdict {
    for slot in wanted(file, t) {
        let should = file.current(&slot, t).map(|publication| publication.applied);
        let has = facts.books.held.get(&slot).map(|publication| publication.applied);
        require(should == has, || format!("{slot:?} is {has:?} and should be {should:?}"))?;
    }
    let state = desk.state.as_ref().ok_or("the controller has no state of the node")?;
    let reported = state.desired == facts.books.held.get(&Slot::Node).map(|publication| publication.applied);
    require(reported, || "the state that the controller has is not the node's".to_owned())?;
    require(unacknowledged == 0, || format!("{unacknowledged} receipts are not acknowledged"))?;
    let has: BTreeSet<u64> = desk.numbers().collect();
    let lacks = (1..=facts.receipts.len() as u64).find(|n| !has.contains(n) && !desk.lost.contains(n));
    require(lacks.is_none(), || format!("the controller lacks receipt {lacks:?}"))?;
    every_object_is_whole(facts, quota_bytes, &file.history.almanac, UnixMs(t))
}

/// Everything that is still to come is there, where all of it has room.
fn every_object_is_whole(facts: &Facts, quota_bytes: u64, almanac: &Almanac, now: UnixMs) -> Verdict {
    let items = facts.books.items();
    let needs = |planned: &InForce<'_>| {
        let at = super::reference::next_start(planned, almanac, now + MINUTE);
        let id = planned.item.id.clone();
        at.into_iter()
            .flat_map(|at| facts.books.sounds(planned.item).into_iter().map(move |o| (o, at)))
            .map(move |(object, at)| (object, (id.clone(), at)))
            .collect::<Vec<_>>()
    };
    let needed: BTreeMap<ObjectHash, (ItemId, UnixMs)> = items.iter().flat_map(needs).collect();
    let sizes = |object: &ObjectHash| {
        let programs = facts.books.programs();
        programs
            .iter()
            .find_map(|(_, program)| program.manifest(object))
            .map_or(0, |m| u64::from(m.size_bytes))
    };
    // What waits since before has its place in the cache too.
    let is_wanted = |planned: &&InForce<'_>| {
        let since = now - i64::from(planned.item.start_within_ms) - facts.books.session_ms(planned.item);
        super::reference::next_start(planned, almanac, since).is_some()
            || super::reference::next_start(planned, almanac, now).is_some()
    };
    let wanted: BTreeSet<ObjectHash> =
        items.iter().filter(is_wanted).flat_map(|planned| facts.books.sounds(planned.item)).collect();
    let all: u64 = wanted.iter().map(sizes).sum();
    let lacking = needed.iter().find(|(object, _)| !facts.is_whole(object));
    require(all > quota_bytes || lacking.is_none(), || format!("{lacking:?} is still not whole"))?;
    // What is ready for emergencies to come gives way to whatever a document names, however late that starts.
    let prepared: BTreeMap<ObjectHash, u64> = facts.books.prepared().collect();
    let named: BTreeSet<ObjectHash> =
        items.iter().flat_map(|planned| facts.books.sounds(planned.item)).collect();
    let beside = named.iter().filter(|object| !prepared.contains_key(object)).map(sizes);
    let all: u64 = prepared.values().copied().chain(beside).sum();
    let lacking = prepared.keys().find(|object| !facts.is_whole(object));
    require(all > quota_bytes || lacking.is_none(), || format!("{lacking:?} is still not ready"))
}
