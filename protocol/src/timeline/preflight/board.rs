//! A board that does nothing wrong, from one event to the next.

use std::collections::{BTreeMap, BTreeSet};

use super::super::guards::{Aired, Candidate, Judgement, Watch};
use super::super::occurrence::{Occurrence, Timetable};
use super::super::order::{Authority, Supersession, supersedes};
use super::super::rules::AfterInterruption;
use super::super::session::{SessionPlan, last_call};
use super::super::{NEAR_MS, ORDER_AHEAD_MS};
use super::due::{Due, heard};
use super::{Foreseen, Outlook, Past};
use crate::bulletin::Class;
use crate::ids::{AreaId, ItemId, ObjectHash, OccurrenceId};
use crate::plan::{Item, Program};
use crate::receipt::{Outcome, Reason};
use crate::time::UnixMs;

/// How long a board needs to begin whose amplifier warms up in two seconds.
const LEAD_MS: i64 = ORDER_AHEAD_MS + 2_000;

/// An item that counts, in its document.
struct Entry<'a> {
    item: &'a Item,
    program: &'a Program,
    timetable: Timetable,
    authority: Authority,
    next: Option<UnixMs>,
}

struct Session<'a> {
    due: Due<'a>,
    plan: SessionPlan,
    begins: UnixMs,
    ends: UnixMs,
}

pub(super) struct Board<'a> {
    outlook: Outlook<'a>,
    watch: Watch,
    until: UnixMs,
    entries: Vec<Entry<'a>>,
    waiting: Vec<Due<'a>>,
    session: Option<Session<'a>>,
    aired: Vec<Aired>,
    /// What is over by its receipt; it comes near no more.
    past: BTreeMap<(&'a ItemId, UnixMs), &'a Past>,
    /// What has come to its end.
    pub(super) foreseen: Vec<Foreseen<'a>>,
}

impl<'a> Board<'a> {
    pub(super) fn new(outlook: Outlook<'a>, from: UnixMs, until: UnixMs) -> Self {
        let areas = outlook.node.path.areas();
        let plan = |area: &AreaId| outlook.plans.iter().copied().find(|plan| plan.area == *area);
        let first: Vec<bool> =
            areas.iter().map(|area| plan(area).is_some_and(|p| p.own_priority_first)).collect();
        let plans = areas.iter().enumerate().filter_map(|(place, area)| {
            let plan = plan(area)?;
            Some((Some(place), &plan.program, plan.zone.0, &plan.guards))
        });
        let own = outlook.node;
        let documents: Vec<_> = plans.chain([(None, &own.program, own.zone.0, &own.guards)]).collect();
        let mut known: BTreeSet<&ItemId> = BTreeSet::new();
        let mut entries = Vec::new();
        for (place, program, zone, _) in &documents {
            for item in program.items.iter().filter(|item| known.insert(&item.id)) {
                let timetable = Timetable::new(item, *zone, &program.calendars);
                let next = timetable.next_after(from - 1);
                let authority = Authority::new(item.class, *place, &first);
                entries.push(Entry { item, program, timetable, authority, next });
            }
        }
        Self {
            outlook,
            watch: Watch::of_node(
                outlook.own_guards,
                documents.iter().map(|(.., zone, guards)| ((*guards).clone(), *zone)),
            ),
            until,
            entries,
            waiting: Vec::new(),
            session: None,
            aired: outlook.past.iter().filter_map(Past::aired).collect(),
            past: outlook.past.iter().map(|past| ((&past.item, past.nominal), past)).collect(),
            foreseen: Vec::new(),
        }
    }

    /// The next instant after `now` at which something may change.
    pub(super) fn next_event(&self, now: UnixMs) -> Option<UnixMs> {
        let coming = self.entries.iter().filter_map(|entry| entry.next.filter(|at| *at < self.until));
        let coming = coming.map(|nominal| nominal - NEAR_MS);
        let waiting = self.waiting.iter().flat_map(|due| {
            let (begin, latest) = (due.begin_at(), self.latest(due));
            let changes = [begin - NEAR_MS, begin - ORDER_AHEAD_MS, due.occurrence.nominal];
            changes.into_iter().chain([begin, self.last_call(due), latest + 1])
        });
        let sounding = self.session.iter().flat_map(|session| [session.begins, session.ends]);
        let sounded = self.outlook.past.iter().filter_map(|past| past.sounded);
        let sounding = sounding.chain(sounded.flat_map(|sounded| [sounded.from, sounded.until]));
        // What has come near already is taken in at the first event.
        coming.map(|at| at.max(now + 1)).chain(waiting.chain(sounding).filter(|at| *at > now)).min()
    }

    /// Does what is to be done at an instant.
    pub(super) fn settle(&mut self, now: UnixMs) {
        self.admit(now);
        self.note_winner(now);
        if let Some(session) = self.session.take_if(|session| session.ends <= now) {
            let defect = session.plan.is_lacking.then_some(Reason::AudioIncomplete);
            let mut due = session.due;
            due.sounds.push((session.begins, session.ends));
            due.sound_ms += session.plan.sound_ms(due.part);
            self.end(due, defect, None, session.ends);
        }
        // A session that is stopped leaves its turn to the next at once.
        loop {
            self.expire(now);
            self.begin(now);
            self.note_winner(now);
            let Some(stop) = self.must_stop(now) else { break };
            self.stop(stop, now);
        }
    }

    /// What its receipt says was on at an instant: from its first sample up to, not including, its end.
    fn past_on(&self, now: UnixMs) -> Option<&'a Past> {
        let is_on = |past: &&Past| past.sounded.is_some_and(|was| was.from <= now && now < was.until);
        self.outlook.past.iter().find(is_on)
    }

    fn is_free(&self, now: UnixMs) -> bool {
        self.session.is_none() && self.past_on(now).is_none()
    }

    /// Rule T3: who was on while others were due.
    fn note_winner(&mut self, now: UnixMs) {
        if let Some(past) = self.past_on(now) {
            for due in self.waiting.iter_mut().filter(|due| due.is_due(now)) {
                due.winner = Some(past.occurrence);
                due.yielded |= due.occurrence.class < past.class;
            }
        }
        let Some(session) = &self.session else { return };
        let sounding = session.due.occurrence;
        for due in self.waiting.iter_mut().filter(|due| due.occurrence.nominal <= now) {
            due.winner = Some(sounding.id);
            due.yielded |= due.occurrence.precedence() < sounding.precedence();
        }
    }

    fn admit(&mut self, now: UnixMs) {
        for entry in &mut self.entries {
            while let Some(nominal) = entry.next.filter(|at| *at < self.until && *at - NEAR_MS <= now) {
                let occurrence = Occurrence::new(entry.item, entry.authority, nominal);
                entry.next = entry.timetable.next_after(nominal);
                // Rule W2: what was heard is over in every revision.
                let past = self.past.get(&(&entry.item.id, nominal));
                if past.is_none_or(|past| past.sounded.is_none() && past.occurrence != occurrence.id) {
                    self.waiting.push(Due::new(entry.item, entry.program, occurrence));
                }
            }
        }
    }

    /// Rules N2, T3, C3 and G8.
    fn expire(&mut self, now: UnixMs) {
        for due in self.take_waiting(|board, due| {
            board.latest(due) < now || due.is_due(now) && !due.has_track(&board.outlook.node.languages)
        }) {
            let has_track = due.has_track(&self.outlook.node.languages);
            let reason = due.interrupted.unwrap_or_else(|| due.late_reason(has_track, self.is_lacking(&due)));
            let tells = matches!(reason, Reason::Yielded | Reason::TooLate);
            let winner = due.winner.filter(|_| tells);
            self.end(due, Some(reason), winner, now);
        }
        let by = |due: &Due<'a>| Some((due.occurrence.id, self.superseder(due, now)?));
        // All at once: one that is superseded itself still counts.
        let superseded: BTreeMap<OccurrenceId, OccurrenceId> = self.waiting.iter().filter_map(by).collect();
        for due in self.take_waiting(|_, due| superseded.contains_key(&due.occurrence.id)) {
            let winner = superseded.get(&due.occurrence.id).copied();
            if due.interrupted.is_some() || due.is_due(now) {
                self.end(due, Some(Reason::Superseded), winner, now);
            }
        }
        let is_free = self.is_free(now);
        for place in (0..self.waiting.len()).rev() {
            let due = &self.waiting[place];
            if !is_free && due.occurrence.class < Class::Emergency {
                continue;
            }
            let (is_due, latest) = (due.is_due(now), self.latest(due));
            self.waiting[place].held = match self.judge(due, now) {
                None | Some(Judgement::Now) => None,
                Some(Judgement::NotBefore(until, reason)) => Some((until, reason)),
                Some(Judgement::Never(reason)) if is_due => {
                    let due = self.waiting.swap_remove(place);
                    let winner = due.winner;
                    self.end(due, Some(reason), winner, now);
                    continue;
                }
                Some(Judgement::Never(reason)) => Some((latest + 1, reason)),
            };
        }
    }

    /// Takes out those that end, in the order of their nominal starts and items: the order of receipts.
    fn take_waiting(&mut self, ends: impl Fn(&Self, &Due<'a>) -> bool) -> Vec<Due<'a>> {
        let is_over: Vec<bool> = self.waiting.iter().map(|due| ends(self, due)).collect();
        let mut over = Vec::new();
        for place in (0..is_over.len()).rev().filter(|place| is_over[*place]) {
            over.push(self.waiting.swap_remove(place));
        }
        over.sort_by(|a, b| (a.occurrence.nominal, &a.item.id).cmp(&(b.occurrence.nominal, &b.item.id)));
        over
    }

    /// Rule T2.
    fn begin(&mut self, now: UnixMs) {
        if !self.is_free(now) {
            return;
        }
        let able = (0..self.waiting.len()).filter(|place| self.could_start(&self.waiting[*place], now));
        let Some(best) = able.max_by_key(|place| self.waiting[*place].occurrence.precedence()) else {
            return;
        };
        let begin_at = self.waiting[best].begin_at();
        if begin_at - ORDER_AHEAD_MS > now {
            return;
        }
        let Some(plan) = self.plan(&self.waiting[best], now) else { return };
        let mut due = self.waiting.swap_remove(best);
        due.is_taken_up |= due.interrupted.take().is_some();
        let begins = begin_at.max(now);
        let ends = begins + plan.length_ms(due.part);
        self.session = Some(Session { due, plan, begins, ends });
    }

    /// Rules C1 to C3.
    fn must_stop(&self, now: UnixMs) -> Option<(Reason, OccurrenceId)> {
        let session = self.session.as_ref()?;
        if let Some(by) = self.superseder(&session.due, now) {
            return Some((Reason::Superseded, by));
        }
        let cutting = self.waiting.iter().filter(|due| {
            due.is_due(now) && due.occurrence.cuts(&session.due.occurrence) && self.could_start(due, now)
        });
        let first = cutting.max_by_key(|due| due.occurrence.precedence())?;
        Some((Reason::Yielded, first.occurrence.id))
    }

    fn stop(&mut self, (reason, by): (Reason, OccurrenceId), now: UnixMs) {
        let Some(Session { mut due, plan, begins, .. }) = self.session.take() else { return };
        let has_begun = begins < now;
        if reason == Reason::Yielded && !has_begun {
            // As it was: it has not begun.
            due.interrupted = due.is_taken_up.then_some(Reason::Yielded);
            due.is_taken_up = false;
            self.waiting.push(due);
            return;
        }
        if has_begun {
            due.sounds.push((begins, now));
            let (sound_ms, part) = heard(&plan, due.part, now.since(begins));
            due.sound_ms += sound_ms;
            let policy = due.item.rules.after_interruption;
            if reason == Reason::Yielded {
                due.cut_by = Some(by);
                if policy != AfterInterruption::Drop && !due.is_taken_up {
                    due.interrupted = Some(Reason::Yielded);
                    due.part = if policy == AfterInterruption::Resume { part } else { 0 };
                    self.waiting.push(due);
                    return;
                }
            }
        }
        self.end(due, Some(reason), Some(by), now);
    }

    fn end(&mut self, due: Due<'a>, reason: Option<Reason>, winner: Option<OccurrenceId>, ended: UnixMs) {
        let Due { item, occurrence, sounds, sound_ms, cut_by, .. } = due;
        let outcome = match (reason, sounds.first()) {
            (None, _) => Outcome::Played,
            (Some(reason), Some(_)) => Outcome::Partial(reason),
            (Some(reason), None) => Outcome::Missed(reason),
        };
        let mut languages = Vec::new();
        if let Some((started, _)) = sounds.first() {
            self.aired.push(Aired { class: occurrence.class, started: *started, sound_ms });
            let heard = item.heard(&self.outlook.node.languages).into_iter();
            let there = heard.filter(|track| (self.outlook.has_object)(&track.object));
            languages.extend(there.map(|track| track.language.clone()));
        }
        let winner = winner.or(cut_by);
        self.foreseen.push(Foreseen {
            item,
            occurrence,
            sounds,
            sound_ms,
            languages,
            outcome,
            winner,
            ended,
        });
    }

    fn duration_ms(&self, program: &Program, object: &ObjectHash) -> Option<u32> {
        program.manifest(object).map(|manifest| manifest.duration_ms)
    }

    fn whole(&self, due: &Due<'_>) -> Option<SessionPlan> {
        SessionPlan::new(due.item, &self.outlook.node.languages, |object| {
            self.duration_ms(due.program, object)
        })
    }

    fn there(&self, due: &Due<'_>) -> Option<SessionPlan> {
        SessionPlan::new(due.item, &self.outlook.node.languages, |object| {
            self.duration_ms(due.program, object).filter(|_| (self.outlook.has_object)(object))
        })
    }

    fn is_lacking(&self, due: &Due<'_>) -> bool {
        self.there(due).is_none_or(|plan| plan.is_lacking)
    }

    fn latest(&self, due: &Due<'_>) -> UnixMs {
        let limit = due.occurrence.nominal + i64::from(due.item.start_within_ms);
        let whole = due.interrupted.and_then(|_| self.whole(due));
        limit + whole.map_or(0, |plan| plan.length_ms(0))
    }

    /// This board knew of everything before it was due.
    fn last_call(&self, due: &Due<'_>) -> UnixMs {
        last_call(due.occurrence.class, due.occurrence.nominal, self.latest(due), LEAD_MS)
    }

    fn plan(&self, due: &Due<'_>, now: UnixMs) -> Option<SessionPlan> {
        let plan = self.there(due)?;
        let waits = plan.is_lacking && now < self.last_call(due);
        (!waits && plan.left(due.part).next().is_some()).then_some(plan)
    }

    fn could_start(&self, due: &Due<'_>, now: UnixMs) -> bool {
        let begin_at = due.begin_at();
        begin_at <= now + NEAR_MS && begin_at.max(now) <= self.latest(due) && self.plan(due, now).is_some()
    }

    fn judge(&self, due: &Due<'_>, now: UnixMs) -> Option<Judgement> {
        let (at, latest) = (due.occurrence.nominal.max(now), self.latest(due));
        let plan = self.plan(due, now).filter(|_| at <= latest)?;
        let candidate = Candidate {
            class: due.occurrence.class,
            length_ms: plan.length_ms(due.part),
            sound_ms: plan.sound_ms(due.part),
            is_taken_up: due.interrupted.is_some(),
        };
        if !self.watch.has_budgets() {
            return Some(self.watch.judge(candidate, at, latest, &[]));
        }
        let interrupted = self.waiting.iter().filter_map(|due| {
            let (started, _) = due.sounds.first()?;
            Some(Aired { class: due.occurrence.class, started: *started, sound_ms: due.sound_ms })
        });
        let aired: Vec<Aired> = self.aired.iter().copied().chain(interrupted).collect();
        Some(self.watch.judge(candidate, at, latest, &aired))
    }

    fn superseder(&self, of: &Due<'_>, now: UnixMs) -> Option<OccurrenceId> {
        let takes =
            |due: &Due<'_>| supersedes((due.item, &due.occurrence), (&of.item.bulletin, &of.occurrence));
        let sounding = self.session.iter().map(|session| &session.due).find(|due| takes(due).is_some());
        let waiting = || {
            // Few name others, and many may wait.
            let may = |due: &&Due<'_>| due.item.rules.names_others() && due.is_due(now);
            let mut waiting: Vec<&Due<'_>> = self.waiting.iter().filter(may).collect();
            waiting
                .sort_by(|a, b| (a.occurrence.nominal, &a.item.id).cmp(&(b.occurrence.nominal, &b.item.id)));
            waiting.into_iter().find(|due| match takes(due) {
                Some(Supersession::Cancels) => true,
                Some(Supersession::Updates) => self.could_start(due, now),
                None => false,
            })
        };
        sounding.or_else(waiting).map(|due| due.occurrence.id)
    }
}
