//! Which block goes out next, to whom, and when. Pure: what is wanted and the time in, one step out.
//!
//! ```text
//! wants ─┬─ few wait for the object ────────────────────────────> pulls ──┐ earliest deadline first,
//!        └─ held for a moment ── plan: 20 or more lack the same ─> passes ─┤ each within its bounds
//!                                └─ the rest ─────────────────────> pulls ──┘
//! ```
//!
//! **Bounds.** Each node's line has a [`Bucket`] of three quarters of what it carries, so that an order finds room beside audio; all
//! lines together have one more. A wave is charged to each line that hears it and is as fast as three quarters of the
//! slowest of these bounds, so that something more urgent finds room beside *it*. Waves that somebody might hear both go one
//! after the other, the earlier deadline first.
//!
//! **Invariants.** Of what may go the earliest deadline goes first. Whatever is lost is asked for again by who lacks it:
//! nothing here is a promise, and all of it may be forgotten at any time. Everything is bounded: wants, askers, and so waves,
//! which have twenty askers each.

mod book;
pub mod bucket;
mod pass;
pub mod pulls;
pub mod roster;
#[cfg(test)]
mod tests;
pub mod waves;

use std::collections::{BTreeMap, BTreeSet};

use loa_protocol::area::AreaPath;
use loa_protocol::ids::{AreaId, NodeId, ObjectHash};
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::Want;

use self::book::{ASKED_LATELY_US, Asker, Book, Mode, Noted};
use self::bucket::Bucket;
use self::pass::{Pass, PassId};
use self::pulls::Pulls;
use self::roster::{Roster, Seat};
use self::waves::WAVE_MIN_NODES;
use super::reconcile::BLOCK_SIZE_BYTES;

/// Most askers that are remembered.
const ASKERS_MAX: usize = 20_000;
/// An asker that was not heard of for so long is forgotten.
const FORGOTTEN_US: u64 = 1_800_000_000;
/// How long a first want waits for others of its kind: a little more than the time within which nodes begin to ask (a hundredth of
/// what is left, 20 s at most), and less than a node waits for an answer (10 s more than that).
const HOLD_PARTS: i64 = 80;
const HOLD_MIN_US: u64 = 250_000;
const HOLD_MAX_US: u64 = 24_000_000;
/// How long it waits at most when it was decided on the object not long ago: those whom a wave left with holes ask within this, and
/// who comes late comes alone.
const HOLD_BEHIND_US: u64 = 1_500_000;
/// For how long that is so.
const BEHIND_US: u64 = 600_000_000;
/// Of a bound, what a wave takes.
const WAVE_QUARTERS: u64 = 3;
/// What a wave may send at once.
const WAVE_BURST_BYTES: u64 = 2 * BLOCK_SIZE_BYTES as u64;

/// What must be known of a node that asks.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Where it stands.
    pub path: AreaPath,
    /// The widest of these areas to which the object is offered, by its place on the path.
    pub top: usize,
    /// How many nodes that hear waves the object is offered to, at most.
    pub audience: usize,
    /// What may be sent to it, in bytes a second.
    pub bytes_s: u64,
}

/// Where a block goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// To one node.
    Node(NodeId),
    /// To all who hear it in an area.
    Area {
        /// The area.
        area: AreaId,
        /// How many hear it.
        audience: usize,
        /// How many of them have it already, as far as is known.
        wasted: usize,
    },
}

/// A block to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    /// Where to.
    pub to: To,
    /// Of which object.
    pub object: ObjectHash,
    /// Which block.
    pub index: u32,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send this.
    Send(Sending),
    /// Nothing before this instant, unless somebody asks.
    WaitUntil {
        /// On the clock of the calls, in microseconds.
        at_us: u64,
    },
    /// Nothing, until somebody asks.
    Idle,
}

/// What became of a want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is answered, alone or with others.
    Yes,
    /// It names no block that an object can have.
    Nothing,
    /// Its node asks for the same for ever: it is not answered for a while.
    Slowed,
}

/// A node that asks for the same for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The node.
    pub node: NodeId,
    /// What it asks for.
    pub object: ObjectHash,
    /// How often it asked in a row for the same blocks, although they were sent.
    pub wants: u32,
}

/// Everything that is wanted.
#[derive(Debug, Default)]
pub struct Bulk {
    roster: Roster,
    pulls: Pulls,
    books: BTreeMap<ObjectHash, Book>,
    /// When decisions on waves are due.
    plans: BTreeSet<(u64, ObjectHash)>,
    passes: BTreeMap<PassId, Pass>,
    /// Those of them that nothing more urgent stands before, the earliest deadline first.
    runnable: Vec<PassId>,
    next_pass: u64,
    total: Option<Bucket>,
    askers: usize,
    waves: u64,
}

impl Bulk {
    /// Nothing wanted. `total_bytes_s` bounds what goes to all nodes together.
    pub fn new(total_bytes_s: Option<u64>) -> Self {
        let total = total_bytes_s.map(|bytes_s| Bucket::new(bytes_s, bytes_s / roster::BURST_PARTS));
        Self { total, ..Self::default() }
    }

    /// A node wants something that it may have.
    pub fn want(&mut self, node: &NodeId, want: &Want, facts: Facts, wall: UnixMs, now_us: u64) -> Taken {
        let Facts { path, top, audience, bytes_s } = facts;
        let seat = self.roster.seat(node, bytes_s);
        if self.askers >= ASKERS_MAX {
            self.forget_old(now_us, ASKED_LATELY_US);
        }
        let object = want.object;
        let book = self.books.entry(object).or_default();
        book.audience = audience;
        if !book.askers.contains_key(&seat) {
            self.askers += 1;
        }
        let asker = book.askers.entry(seat).or_insert_with(|| Asker::new(path.clone(), top));
        (asker.path, asker.top) = (path, top);
        match asker.note(want, now_us) {
            Noted::Taken => {}
            Noted::Nothing => return Taken::Nothing,
            Noted::Slowed => return Taken::Slowed,
        }
        if !asker.hears_waves || asker.is_in_vain() {
            asker.mode = Mode::Single;
        } else {
            let reaches = |pass: &&mut Pass| pass.object == object && pass.reaches(asker.path.areas());
            if let Some(pass) = self.passes.values_mut().find(reaches) {
                pass.join(seat, &asker.lacking);
                asker.mode = Mode::ByWave;
            } else if audience < WAVE_MIN_NODES || self.askers > ASKERS_MAX {
                asker.mode = Mode::Single;
            } else {
                match asker.mode {
                    Mode::New | Mode::ByWave => asker.mode = Mode::Held { since_us: now_us },
                    Mode::Held { since_us } if now_us.saturating_sub(since_us) > HOLD_MAX_US => {
                        asker.mode = Mode::Single;
                    }
                    Mode::Held { .. } | Mode::Single => {}
                }
            }
        }
        match asker.mode {
            Mode::Single => {
                self.pulls.put(seat, object, asker.deadline, asker.window());
            }
            Mode::Held { .. } => self.hold(object, want.deadline, wall, now_us),
            Mode::New | Mode::ByWave => {}
        }
        Taken::Yes
    }

    /// Decides on waves of the object in a moment; at once when everybody who may ask has asked.
    fn hold(&mut self, object: ObjectHash, deadline: UnixMs, wall: UnixMs, now_us: u64) {
        let Some(book) = self.books.get_mut(&object) else { return };
        let left_us = u64::try_from(deadline.since(wall) / HOLD_PARTS).unwrap_or(0).saturating_mul(1_000);
        let mut hold_us = left_us.clamp(HOLD_MIN_US, HOLD_MAX_US);
        if book.decided_us.is_some_and(|at| now_us.saturating_sub(at) <= BEHIND_US) {
            hold_us = hold_us.min(HOLD_BEHIND_US);
        }
        let is_everybody = book.askers.len() >= book.audience && book.held() >= book.audience;
        let at_us = match is_everybody {
            true => now_us,
            false => now_us.saturating_add(hold_us),
        };
        let at_us = book.plan_at_us.map_or(at_us, |planned| planned.min(at_us));
        if let Some(planned) = book.plan_at_us.replace(at_us) {
            self.plans.remove(&(planned, object));
        }
        self.plans.insert((at_us, object));
    }

    /// A node is gone.
    pub fn gone(&mut self, node: &NodeId) {
        let Some(seat) = self.roster.find(node) else { return };
        self.keep_only(|asks, _| asks != seat);
    }

    /// Keeps what nodes may have; the rest is forgotten.
    pub fn retain(&mut self, may_have: impl Fn(&NodeId, &ObjectHash) -> bool) {
        let roster = std::mem::take(&mut self.roster);
        self.keep_only(|seat, object| roster.node(seat).is_some_and(|node| may_have(node, object)));
        self.roster = roster;
    }

    fn keep_only(&mut self, is_of_use: impl Fn(Seat, &ObjectHash) -> bool) {
        self.pulls.retain(&is_of_use);
        for (object, book) in &mut self.books {
            book.askers.retain(|seat, _| is_of_use(*seat, object));
        }
        for pass in self.passes.values_mut() {
            let object = pass.object;
            let gone: Vec<Seat> = pass.members().filter(|seat| !is_of_use(*seat, &object)).collect();
            gone.into_iter().for_each(|seat| pass.leave(seat));
        }
        self.count();
    }

    /// Forgets everything: there is no connection, and who is still there asks again.
    pub fn clear(&mut self) {
        self.keep_only(|_, _| false);
        self.passes.clear();
        self.runnable.clear();
    }

    fn forget_old(&mut self, now_us: u64, older_us: u64) {
        for book in self.books.values_mut() {
            book.askers.retain(|_, asker| {
                asker.mode == Mode::ByWave || now_us.saturating_sub(asker.asked_us) <= older_us
            });
        }
        self.count();
    }

    fn count(&mut self) {
        self.askers = self.books.values().map(|book| book.askers.len()).sum();
        self.books.retain(|_, book| !book.askers.is_empty() || book.plan_at_us.is_some());
    }

    /// What to do at this instant.
    pub fn next(&mut self, now_us: u64) -> Next {
        self.plan_due(now_us);
        self.end_passes(now_us);
        let plan_at_us = self.plans.first().map(|(at_us, _)| *at_us);
        if let Some(total) = self.total.filter(|total| !total.is_ready(now_us)) {
            let at_us = plan_at_us.map_or(total.ready_at_us(), |plan| plan.min(total.ready_at_us()));
            return Next::WaitUntil { at_us };
        }
        let roster = &self.roster;
        let pull = self.pulls.front(now_us, |seat| roster.free_at_us(seat));
        let is_ready = |id: &&PassId| self.passes.get(id).is_some_and(|pass| pass.pace.is_ready(now_us));
        let pass = self.runnable.iter().find(is_ready).copied();
        match (pull, pass) {
            (_, Some(id)) if pull.is_none_or(|deadline| id.0 <= deadline) => {
                if let Some(sending) = self.send_wave(id, now_us) {
                    return Next::Send(sending);
                }
            }
            (Some(_), _) => {
                if let Some(sending) = self.send_pull(now_us) {
                    return Next::Send(sending);
                }
            }
            (None, _) => {}
        }
        let paces = self.runnable.iter().filter_map(|id| Some(self.passes.get(id)?.pace.ready_at_us()));
        let soonest = paces.chain(self.pulls.wakes_at_us()).chain(plan_at_us).min();
        soonest.map_or(Next::Idle, |at_us| Next::WaitUntil { at_us })
    }

    fn send_pull(&mut self, now_us: u64) -> Option<Sending> {
        let pulls::Pull { seat, object, index } = self.pulls.take()?;
        let node = self.roster.node(seat)?.clone();
        if let Some(asker) = self.books.get_mut(&object).and_then(|book| book.askers.get_mut(&seat)) {
            asker.note_sent(index);
        }
        let bytes = u64::from(BLOCK_SIZE_BYTES);
        self.roster.charge(seat, bytes, now_us);
        if let Some(total) = &mut self.total {
            total.take(bytes, now_us);
        }
        Some(Sending { to: To::Node(node), object, index })
    }

    fn send_wave(&mut self, id: PassId, now_us: u64) -> Option<Sending> {
        let pass = self.passes.get_mut(&id)?;
        let area = pass.area()?.clone();
        let pass::Portion { index, audience, wasted } = pass.take()?;
        let bytes = u64::from(BLOCK_SIZE_BYTES);
        pass.pace.take(bytes, now_us);
        for seat in pass.members() {
            self.roster.charge(seat, bytes, now_us);
        }
        if let Some(total) = &mut self.total {
            total.take(bytes.saturating_mul(audience as u64), now_us);
        }
        Some(Sending { to: To::Area { area, audience, wasted }, object: pass.object, index })
    }

    /// Takes the decisions that are due.
    fn plan_due(&mut self, now_us: u64) {
        while let Some((at_us, object)) = self.plans.first().copied().filter(|(at_us, _)| *at_us <= now_us) {
            self.plans.remove(&(at_us, object));
            self.plan(object, now_us);
            self.forget_old(now_us, FORGOTTEN_US);
        }
    }

    fn plan(&mut self, object: ObjectHash, now_us: u64) {
        let Some(book) = self.books.get_mut(&object) else { return };
        (book.plan_at_us, book.decided_us) = (None, Some(now_us));
        let under_way: Vec<Vec<AreaId>> = self
            .passes
            .values()
            .filter(|pass| pass.object == object)
            .map(|pass| pass.place.clone())
            .collect();
        for wave in waves::plan(book.waiting(now_us)) {
            // It would be heard in an area that a wave of the same object is passing; those who wait are served singly.
            if under_way.iter().any(|place| place.starts_with(&wave.place)) {
                continue;
            }
            let askers = || wave.members.iter().filter_map(|seat| book.askers.get(seat));
            let deadline = askers().map(|asker| asker.deadline).min().unwrap_or(UnixMs(i64::MAX));
            let slowest = wave.members.iter().map(|seat| self.roster.bytes_s(*seat)).min().unwrap_or(1);
            let pace = Bucket::new(slowest * WAVE_QUARTERS / 4, WAVE_BURST_BYTES);
            for seat in &wave.members {
                self.pulls.remove(&(*seat, object));
                if let Some(asker) = book.askers.get_mut(seat) {
                    asker.mode = Mode::ByWave;
                }
            }
            self.next_pass += 1;
            self.waves += 1;
            self.passes.insert((deadline, self.next_pass), Pass::new(object, wave, pace));
        }
        for (seat, asker) in &mut book.askers {
            if matches!(asker.mode, Mode::Held { .. }) {
                asker.mode = Mode::Single;
                self.pulls.put(*seat, object, asker.deadline, asker.window());
            }
        }
        self.order_passes();
    }

    /// Which waves nothing more urgent stands before.
    fn order_passes(&mut self) {
        let mut runnable: Vec<PassId> = Vec::new();
        for (id, pass) in &self.passes {
            let stands_behind = |before: &PassId| self.passes.get(before).is_some_and(|b| b.overlaps(pass));
            if !runnable.iter().any(stands_behind) {
                runnable.push(*id);
            }
        }
        self.runnable = runnable;
    }

    /// Ends waves that have passed, or that nobody waits for any more.
    fn end_passes(&mut self, now_us: u64) {
        let is_over = |id: &&PassId| self.passes.get(id).is_none_or(Pass::is_over);
        let over: Vec<PassId> = self.runnable.iter().filter(is_over).copied().collect();
        if over.is_empty() {
            return;
        }
        for id in over {
            let Some(pass) = self.passes.remove(&id) else { continue };
            let Some(book) = self.books.get_mut(&pass.object) else { continue };
            book.decided_us = Some(now_us);
            let mut is_more_wanted = false;
            for (seat, gone) in pass.heard() {
                let Some(asker) = book.askers.get_mut(&seat) else { continue };
                gone.iter().for_each(|index| asker.note_sent(*index));
                // Who came in the middle still lacks the beginning, and who lost something asks.
                let lacks_more = !asker.lacking.is_empty();
                asker.mode = if lacks_more { Mode::Held { since_us: now_us } } else { Mode::New };
                is_more_wanted |= lacks_more;
            }
            if is_more_wanted {
                let at_us = now_us.saturating_add(HOLD_BEHIND_US);
                if let Some(planned) = book.plan_at_us.replace(at_us) {
                    self.plans.remove(&(planned, pass.object));
                }
                self.plans.insert((at_us, pass.object));
            }
        }
        self.order_passes();
    }

    /// Who asks for the same for ever.
    pub fn stuck(&self) -> Vec<Stuck> {
        let in_vain = |(object, book): (&ObjectHash, &Book)| {
            let object = *object;
            let stuck = book.askers.iter().filter(|(_, asker)| asker.is_in_vain());
            stuck.map(move |(seat, asker)| (*seat, object, asker.in_vain)).collect::<Vec<_>>()
        };
        let rows = self.books.iter().flat_map(in_vain);
        rows.filter_map(|(seat, object, wants)| {
            Some(Stuck { node: self.roster.node(seat)?.clone(), object, wants })
        })
        .collect()
    }

    /// How many waves have begun.
    pub fn waves(&self) -> u64 {
        self.waves
    }
}
