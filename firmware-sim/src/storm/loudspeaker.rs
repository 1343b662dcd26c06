//! One loudspeaker and what waits for it, followed from one instant at which something happens to the next: the sections O, T, C, I
//! and G of the timeline, worked out a second time.

use std::cmp::Reverse;

use loa_protocol::bulletin::Class;
use loa_protocol::ids::ItemId;
use loa_protocol::plan::Item;
use loa_protocol::receipt::Reason;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::AfterInterruption;

use super::watchman::{Heard, Judged, Known, Session, Watchman};
use super::{MINUTE, SECOND};

/// Instants closer than that are decided by milliseconds.
pub(super) const CLOSE_MS: i64 = 8 * SECOND;
/// So long after a disturbance the model does not predict instants.
pub(super) const AFTERMATH_MS: i64 = 12 * MINUTE;

/// Names a start: item, revision, nominal start.
pub(super) type Key = (ItemId, u32, UnixMs);

/// One sound of a session, and the silence before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) pause_ms: i64,
    pub(super) sound_ms: i64,
}

/// One due start.
#[derive(Clone, Debug)]
pub(super) struct Due<'a> {
    pub(super) key: Key,
    pub(super) item: &'a Item,
    /// How many documents go before its own.
    pub(super) rank: usize,
    /// The protocol's name of the occurrence.
    pub(super) id: [u8; 16],
    pub(super) limit: UnixMs,
    /// Empty where no track is for the village.
    pub(super) parts: Vec<Part>,
    /// Its audio was all there in time.
    pub(super) is_whole: bool,
    begun: Option<Begun>,
}

/// What an interrupted session has behind it.
#[derive(Clone, Copy, Debug)]
struct Begun {
    started: UnixMs,
    sound_ms: i64,
    /// The part from which it would go on.
    part: usize,
}

/// What the model says of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// First heard then, for so long, to its end.
    Played(UnixMs, i64),
    /// First heard then, for so long, and not to its end.
    Cut(UnixMs, i64, Reason),
    /// Not heard; the reason where one alone is possible.
    Missed(Option<Reason>),
}

/// A session that is on.
#[derive(Clone, Debug)]
struct On<'a> {
    due: Due<'a>,
    since: UnixMs,
    until: UnixMs,
}

impl<'a> Due<'a> {
    pub(super) fn new(item: &'a Item, nominal: UnixMs, rank: usize, id: [u8; 16]) -> Self {
        Self {
            key: (item.id.clone(), item.revision, nominal),
            item,
            rank,
            id,
            limit: nominal + i64::from(item.start_within_ms),
            parts: Vec::new(),
            is_whole: true,
            begun: None,
        }
    }

    pub(super) fn nominal(&self) -> UnixMs {
        self.key.2
    }

    fn class(&self) -> Class {
        self.item.class
    }

    /// O1 to O5: of two, the smaller goes first.
    fn order(&self) -> impl Ord + use<> {
        let severity = Reverse(self.item.rules.severity);
        (Reverse(self.class()), self.rank, severity, self.nominal(), self.id)
    }

    /// C1 and C2.
    fn cuts(&self, other: &Self) -> bool {
        let is_more_severe = self.item.rules.severity > other.item.rules.severity;
        self.class() == Class::Emergency
            && (other.class() < Class::Emergency || is_more_severe && self.order() < other.order())
    }

    /// C3.
    fn supersedes(&self, other: &Self) -> bool {
        let names = |named: &[loa_protocol::ids::BulletinId]| named.contains(&other.item.bulletin);
        self.class() == Class::Emergency
            && other.class() == Class::Emergency
            && self.id != other.id
            && self.rank <= other.rank
            && self.nominal() >= other.nominal()
            && (names(&self.item.rules.cancels) || names(&self.item.rules.updates))
    }

    fn is_cancel_of(&self, other: &Self) -> bool {
        self.item.rules.cancels.contains(&other.item.bulletin)
    }

    fn part(&self) -> usize {
        self.begun.map_or(0, |begun| begun.part)
    }

    /// How long the parts from this one on last, with their pauses.
    fn length_from(&self, part: usize) -> i64 {
        let left = self.parts.get(part..).unwrap_or(&[]);
        left.iter().map(|part| part.pause_ms + part.sound_ms).sum::<i64>()
            - left.first().map_or(0, |first| first.pause_ms)
    }

    fn sound_from(&self, part: usize) -> i64 {
        self.parts.get(part..).unwrap_or(&[]).iter().map(|part| part.sound_ms).sum()
    }

    /// I3: the latest instant at which it may begin.
    fn latest(&self) -> UnixMs {
        self.limit + if self.begun.is_some() { self.length_from(0) } else { 0 }
    }

    /// What the guards look at.
    fn session(&self) -> Session {
        Session {
            class: self.class(),
            length_ms: self.length_from(self.part()),
            sound_ms: self.sound_from(self.part()),
            is_taken_up: self.begun.is_some(),
        }
    }

    /// What is said of it when it ends without sounding again.
    fn ends(&self, reason: Option<Reason>) -> Said {
        match self.begun {
            Some(begun) => Said::Cut(begun.started, begun.sound_ms, reason.unwrap_or(Reason::Yielded)),
            None => Said::Missed(reason),
        }
    }
}

impl On<'_> {
    /// When it was first heard, how long by an instant, and in which part it is then.
    fn at(&self, at: UnixMs) -> Begun {
        let before = self.due.begun;
        let mut left_ms = at.since(self.since);
        let mut sound_ms = before.map_or(0, |begun| begun.sound_ms);
        let from = self.due.part();
        for (part, of) in self.due.parts.iter().enumerate().skip(from) {
            left_ms -= if part == from { 0 } else { of.pause_ms };
            if left_ms < of.sound_ms {
                sound_ms += left_ms.max(0);
                let started = before.map_or(self.since, |begun| begun.started);
                return Begun { started, sound_ms, part };
            }
            sound_ms += of.sound_ms;
            left_ms -= of.sound_ms;
        }
        Begun {
            started: before.map_or(self.since, |begun| begun.started),
            sound_ms,
            part: self.due.parts.len(),
        }
    }
}

/// One loudspeaker and what waits for it.
pub(super) struct Loudspeaker<'a> {
    watchman: Watchman<'a>,
    waiting: Vec<Due<'a>>,
    on: Option<On<'a>>,
    /// When the guards let something begin that waits.
    wake: Option<UnixMs>,
    /// What is said of the starts since it last was idle.
    said: Vec<(Due<'a>, Said)>,
    pub(super) doubt_until: UnixMs,
    is_doubtful: bool,
    last: UnixMs,
}

impl<'a> Loudspeaker<'a> {
    pub(super) fn new(watchman: Watchman<'a>, doubt_until: UnixMs) -> Self {
        Self {
            watchman,
            waiting: Vec::new(),
            on: None,
            wake: None,
            said: Vec::new(),
            doubt_until,
            is_doubtful: false,
            last: UnixMs(i64::MIN / 2),
        }
    }

    /// When something happens next, if nothing comes.
    pub(super) fn next(&self) -> Option<UnixMs> {
        let end = self.on.as_ref().map(|on| on.until);
        [end, self.wake].into_iter().flatten().min()
    }

    /// Follows it to an instant, at which these come.
    pub(super) fn come_to(&mut self, at: UnixMs, coming: impl Iterator<Item = Due<'a>>) {
        self.is_doubtful |= at < self.doubt_until || at.since(self.last) < CLOSE_MS && at != self.last;
        self.last = at;
        if let Some(on) = self.on.take_if(|on| on.until == at) {
            let Begun { started, sound_ms, .. } = on.at(at);
            self.said.push((on.due, Said::Played(started, sound_ms)));
        }
        for due in coming {
            self.arrive(due);
        }
        self.choose(at);
    }

    fn arrive(&mut self, due: Due<'a>) {
        if due.parts.is_empty() {
            self.said.push((due, Said::Missed(Some(Reason::NoTrackForLanguage))));
            return;
        }
        if !due.is_whole {
            // It may wait for its audio as long as it is allowed to, or be fetched meanwhile.
            self.is_doubtful = true;
            self.doubt_until = self.doubt_until.max(due.limit + AFTERMATH_MS);
        }
        self.waiting.push(due);
    }

    fn choose(&mut self, at: UnixMs) {
        self.expire(at);
        self.supersede(at);
        let could_start = self.guard(at);
        let on = self.on.as_ref();
        let may = |due: &Due<'_>| on.is_none_or(|on| due.cuts(&on.due));
        let best = could_start
            .into_iter()
            .filter(|n| may(&self.waiting[*n]))
            .min_by(|a, b| self.waiting[*a].order().cmp(&self.waiting[*b].order()));
        let Some(best) = best else { return };
        let due = self.waiting.swap_remove(best);
        if let Some(on) = self.on.take() {
            self.interrupt(on, at);
        }
        let until = at + due.length_from(due.part());
        self.on = Some(On { due, since: at, until });
        self.wake = None;
    }

    fn end(&mut self, is_over: impl Fn(&Due<'a>) -> Option<Said>) {
        let (over, alive) =
            std::mem::take(&mut self.waiting).into_iter().partition(|due| is_over(due).is_some());
        self.waiting = alive;
        let over: Vec<Due<'a>> = over;
        self.said.extend(over.into_iter().filter_map(|due| is_over(&due).map(|said| (due, said))));
    }

    /// T3.
    fn expire(&mut self, at: UnixMs) {
        let is_close = |due: &Due<'_>| due.latest().0.abs_diff(at.0) < CLOSE_MS.unsigned_abs();
        self.is_doubtful |= self.waiting.iter().any(is_close);
        self.end(|due| (due.latest() < at).then(|| due.ends(None)));
    }

    /// C3: the one that sounds, and those that wait.
    fn supersede(&mut self, at: UnixMs) {
        let mut by: Vec<Due<'a>> = self.on.iter().map(|on| on.due.clone()).collect();
        let too_long = |due: &Due<'_>| self.watchman.is_too_long(&due.session());
        by.extend(self.waiting.iter().filter(|due| !too_long(due)).cloned());
        // What only cancels does so although it may never sound.
        let silent: Vec<Due<'a>> = self.waiting.iter().filter(|due| too_long(due)).cloned().collect();
        let falls = |of: &Due<'_>| {
            by.iter().any(|due| due.supersedes(of))
                || silent.iter().any(|due| due.supersedes(of) && due.is_cancel_of(of))
        };
        self.end(|due| falls(due).then(|| due.ends(Some(Reason::Superseded))));
        if let Some(on) = self.on.take_if(|on| falls(&on.due)) {
            let Begun { started, sound_ms, .. } = on.at(at);
            self.said.push((on.due, Said::Cut(started, sound_ms, Reason::Superseded)));
        }
    }

    /// G8: ends what may never begin, and says which of the others may begin now.
    fn guard(&mut self, at: UnixMs) -> Vec<usize> {
        self.wake = None;
        let is_free = self.on.is_none();
        let known = self.known();
        let mut verdicts = Vec::new();
        for due in &self.waiting {
            let is_judged = is_free || due.class() == Class::Emergency;
            let (judged, is_close) = match is_judged {
                true => self.watchman.judge(&due.session(), at, due.latest(), &known),
                false => (Judged::Never(Reason::Yielded), false),
            };
            self.is_doubtful |= is_close;
            verdicts.push((due.key.clone(), is_judged.then_some(judged)));
        }
        // T2: who sounds at an instant is settled before it; for what is due only then, it is not free.
        let begins = verdicts.iter().any(|(_, judged)| *judged == Some(Judged::Now));
        let is_taken = |due: &Due<'_>| begins && due.nominal() == at && due.class() < Class::Emergency;
        let verdict = |due: &Due<'_>| verdicts.iter().find(|(key, _)| *key == due.key).and_then(|(_, v)| *v);
        self.end(|due| match verdict(due)? {
            Judged::Never(reason) if !is_taken(due) => Some(due.ends(Some(reason))),
            Judged::Never(_) | Judged::Now | Judged::NotBefore(_) => None,
        });
        let mut now = Vec::new();
        for (n, due) in self.waiting.iter().enumerate() {
            match verdict(due) {
                Some(Judged::Now) => now.push(n),
                Some(Judged::NotBefore(then)) => {
                    self.wake = Some(self.wake.map_or(then, |wake| wake.min(then)))
                }
                Some(Judged::Never(_)) | None => {}
            }
        }
        now
    }

    /// What was heard since it last was idle, of what has ended and of what waits.
    fn known(&self) -> Vec<Known> {
        let known = |due: &Due<'_>, heard: Option<(UnixMs, i64)>| {
            let heard = heard.map(|(started, sound_ms)| Heard { class: due.class(), started, sound_ms });
            Known { key: due.key.clone(), heard }
        };
        let over = self.said.iter().map(|(due, said)| match said {
            Said::Played(started, sound_ms) | Said::Cut(started, sound_ms, _) => {
                known(due, Some((*started, *sound_ms)))
            }
            Said::Missed(_) => known(due, None),
        });
        let begun =
            self.waiting.iter().map(|due| known(due, due.begun.map(|begun| (begun.started, begun.sound_ms))));
        over.chain(begun).collect()
    }

    /// I: what an emergency cuts off.
    fn interrupt(&mut self, on: On<'a>, at: UnixMs) {
        let begun = on.at(at);
        let policy = on.due.item.rules.after_interruption;
        let is_over = policy == AfterInterruption::Drop || on.due.begun.is_some();
        let due = on.due;
        if is_over {
            self.said.push((due, Said::Cut(begun.started, begun.sound_ms, Reason::Yielded)));
            return;
        }
        let part = if policy == AfterInterruption::Resume { begun.part } else { 0 };
        self.waiting.push(Due { begun: Some(Begun { part, ..begun }), ..due });
    }

    /// What is sure, once it is idle again.
    pub(super) fn take_sure(&mut self, at: UnixMs) -> Vec<(Due<'a>, Said)> {
        if self.on.is_some() || !self.waiting.is_empty() {
            return Vec::new();
        }
        let said = std::mem::take(&mut self.said);
        let was_doubtful = std::mem::replace(&mut self.is_doubtful, at < self.doubt_until);
        if was_doubtful { Vec::new() } else { said }
    }
}
