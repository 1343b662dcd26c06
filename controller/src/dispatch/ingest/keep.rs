//! A batch of reports, into the database.
//!
//! **Invariant.** A batch leaves the rows that its reports would leave one after the other. Nodes do not touch one another's rows,
//! so what counts is the order of each node's own reports: a batch goes in *waves*, of which each has at most one report of a
//! node, the first of each in the first. A wave is a few statements, however many nodes are in it. What nodes say of emergencies
//! goes by itself ([`answers`]), for there their order does not matter.

use std::collections::BTreeMap;

use loa_protocol::ids::NodeId;
use loa_protocol::report::{Event, Health, Presence, State};
use loa_protocol::time::UnixMs;

use super::answers;
use super::report::{Report, Reported, Standing};
use crate::dispatch::DispatchError;
use crate::dispatch::proof::{self, Sent};
use crate::store::{Connection, Said, Store, live_orders, node_events, presence, reporters, reports};

/// Stores what is believed of a batch, in one transaction, and answers where those who report stand.
pub(super) async fn keep(store: &Store, reported: &[Reported]) -> Result<Standing, DispatchError> {
    let mut tx = store.append().await?;
    let standing = keep_in(&mut tx, reported).await?;
    tx.commit().await?;
    Ok(standing)
}

/// The same, in a transaction that is somebody else's to commit.
pub(super) async fn keep_in(c: &mut Connection, reported: &[Reported]) -> Result<Standing, DispatchError> {
    let standing = reporters::of(c, &distinct(reported)).await?;
    let believed: Vec<&Reported> =
        reported.iter().filter(|reported| reported.is_believed(&standing)).collect();
    for wave in waves(&believed) {
        keep_wave(c, &wave, &standing).await?;
    }
    answers::keep(c, &believed).await?;
    Ok(standing)
}

/// Reports in their order, those of a node each in another wave.
fn waves<'a>(reported: &[&'a Reported]) -> Vec<Vec<&'a Reported>> {
    let mut waves: Vec<Vec<&Reported>> = Vec::new();
    let mut count: BTreeMap<&NodeId, usize> = BTreeMap::new();
    for reported in reported.iter().copied() {
        if matches!(reported.report, Report::Answer(_)) {
            continue;
        }
        let wave = count.entry(&reported.node).or_default();
        match waves.get_mut(*wave) {
            Some(others) => others.push(reported),
            None => waves.push(vec![reported]),
        }
        *wave += 1;
    }
    waves
}

fn distinct(reported: &[Reported]) -> Vec<&NodeId> {
    let mut nodes: Vec<&NodeId> = reported.iter().map(|reported| &reported.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// The reports of a wave, by what they are.
#[derive(Default)]
struct Sorted<'a> {
    presences: Vec<Said<'a, Presence>>,
    states: Vec<Said<'a, State>>,
    healths: Vec<Said<'a, Health>>,
    events: Vec<Said<'a, Event>>,
    receipts: Vec<Said<'a, Sent>>,
}

async fn keep_wave(c: &mut Connection, wave: &[&Reported], standing: &Standing) -> Result<(), DispatchError> {
    let replayed: Vec<&NodeId> =
        wave.iter().filter(|reported| reported.replayed).map(|reported| &reported.node).collect();
    let heard = reporters::last_heard(c, &replayed).await?;
    let sorted = sort(wave, &heard);
    presence::put(c, &sorted.presences).await?;
    reports::put_states(c, &sorted.states).await?;
    live_orders::note_applied(c, &sorted.states).await?;
    reports::put_healths(c, &sorted.healths).await?;
    node_events::insert(c, &sorted.events).await?;
    reports::touch(c, &sorted.events).await?;
    proof::keep(c, &sorted.receipts, standing).await
}

fn sort<'a>(wave: &[&'a Reported], heard: &BTreeMap<NodeId, UnixMs>) -> Sorted<'a> {
    let mut sorted = Sorted::default();
    for Reported { node, at, replayed, report, .. } in wave.iter().copied() {
        let at = if *replayed { heard.get(node).copied().unwrap_or(*at) } else { *at };
        match report {
            Report::Presence(word) => sorted.presences.push(Said { node, at, word }),
            Report::State(word) => sorted.states.push(Said { node, at, word }),
            Report::Health(word) => sorted.healths.push(Said { node, at, word }),
            Report::Event(word) => sorted.events.push(Said { node, at, word }),
            Report::Receipts(word) => sorted.receipts.push(Said { node, at, word }),
            // No wave has one.
            Report::Answer(_) => {}
        }
    }
    sorted
}
