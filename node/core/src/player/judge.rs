//! What may sound: who could start, who must stop, and what ends without sounding.

use loa_protocol::bulletin::Class;
use loa_protocol::ids::ItemId;
use loa_protocol::receipt::Reason;
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Aired, Judgement, Occurrence, QUIET_MARGIN_MS, Supersession, supersedes};

use super::due::{Due, Held};
use super::session::{Session, Stop};
use super::{Ended, Player, Scene, admit_lead_ms};

/// How far back nominal starts lie whose sessions may have begun today: 24 hours of tolerance, a session, and the zones.
const BUDGET_BACK_MS: i64 = 3 * 24 * 3600 * 1000;
/// How far ahead the beginning of quiet hours is looked for; the core is woken at least this often.
const QUIET_AHEAD_MS: i64 = 61_000;

impl Player {
    /// Ends what can no longer start, what the guards forbid, and what an emergency supersedes.
    pub(crate) fn expire(&mut self, scene: &Scene<'_>) -> Vec<Ended> {
        self.note_winner(scene.now);
        let now = scene.now.wall;
        let has_no_track = |due: &Due| {
            scene.clock != ClockTrust::Unknown && due.occurrence.nominal <= now && due.has_no_track(scene)
        };
        let is_over = |_: &(UnixMs, ItemId), due: &mut Due| due.latest(scene) < now || has_no_track(due);
        let over = self.waiting.extract_if(.., is_over);
        let mut ended: Vec<Ended> = over.map(|(_, due)| due.end_late(scene)).collect();
        if scene.clock != ClockTrust::Unknown {
            ended.extend(self.supersede(scene));
            ended.extend(self.guard(scene));
        }
        ended
    }

    /// Rule C3, for what waits.
    fn supersede(&mut self, scene: &Scene<'_>) -> Vec<Ended> {
        let sounding = self.session.iter().map(|session| &session.due);
        // Without one that names others, which is nearly always, nothing is compared with everything.
        if !self.waiting.values().chain(sounding).any(|due| due.item.rules.names_others()) {
            return Vec::new();
        }
        // One that was ordered ahead of its start leaves the others of that start until then: each has its receipt.
        let is_due = |due: &&Due| due.begun.is_some() || due.occurrence.nominal <= scene.now.wall;
        let all = self.waiting.values().filter(is_due);
        let superseded: Vec<_> =
            all.filter_map(|due| Some((due.key(), self.superseder(due, scene)?))).collect();
        let end = |(key, by): (_, Occurrence)| {
            self.waiting.remove(&key).map(|due| due.end(Reason::Superseded, Some(by.id)))
        };
        superseded.into_iter().filter_map(end).collect()
    }

    /// Who takes the place of this one: an emergency that is due, or that sounds.
    fn superseder(&self, of: &Due, scene: &Scene<'_>) -> Option<Occurrence> {
        let takes = |due: &Due| supersedes((&due.item, &due.occurrence), (&of.item.bulletin, &of.occurrence));
        let sounding = self.session.iter().map(|session| &session.due).find(|due| takes(due).is_some());
        let waiting = || {
            self.waiting.values().find(|due| {
                due.occurrence.nominal <= scene.now.wall
                    && match takes(due) {
                        Some(Supersession::Cancels) => true,
                        Some(Supersession::Updates) => self.could_start(due, scene),
                        None => false,
                    }
            })
        };
        sounding.or_else(waiting).map(|due| due.occurrence)
    }

    /// Rule G8: ends what the guards never let begin, and holds what they let begin later.
    fn guard(&mut self, scene: &Scene<'_>) -> Vec<Ended> {
        let now = scene.now.wall;
        let is_free = self.session.is_none() && !self.is_closing;
        let may_begin = |due: &&Due| is_free || due.occurrence.class == Class::Emergency;
        if !self.waiting.values().any(|due| may_begin(&due)) {
            return Vec::new();
        }
        let aired = self.aired(scene);
        let mut never = Vec::new();
        let judged: Vec<_> = self
            .waiting
            .values()
            .filter(may_begin)
            .map(|due| (due.key(), self.judge(due, scene, &aired)))
            .collect();
        for (key, judgement) in judged {
            let Some(due) = self.waiting.get_mut(&key) else { continue };
            due.held = match judgement {
                None | Some(Judgement::Now) => None,
                Some(Judgement::NotBefore(until, reason)) => Some(Held { reason, until }),
                Some(Judgement::Never(reason)) => {
                    let until = due.latest(scene) + 1;
                    if due.occurrence.nominal <= now {
                        never.extend(self.waiting.remove(&key).map(|due| due.end(reason, due.winner)));
                        continue;
                    }
                    Some(Held { reason, until })
                }
            };
        }
        never
    }

    /// A refusal is judged as of a warm amplifier: it stays off for what the guards refuse, and that it is off must not become the
    /// reason. A permission is judged for the instant at which it can sound.
    fn judge(&self, due: &Due, scene: &Scene<'_>, aired: &[Aired]) -> Option<Judgement> {
        let latest = due.latest(scene);
        let (at, ready) = (due.occurrence.nominal.max(scene.now.wall), self.earliest(due, scene));
        let candidate = due.candidate(&due.plan(scene).filter(|_| at <= latest)?);
        let judge = |at: UnixMs| scene.watch.judge(candidate, at, latest, aired);
        let judgement = judge(at);
        if ready <= at || matches!(judgement, Judgement::Never(_)) {
            return Some(judgement);
        }
        (ready <= latest).then(|| judge(ready))
    }

    /// What counts towards the budgets: the ledger's, and that of what waits to be taken up again.
    fn aired(&self, scene: &Scene<'_>) -> Vec<Aired> {
        if !scene.watch.has_budgets() {
            return Vec::new();
        }
        let since = scene.now.wall - BUDGET_BACK_MS;
        scene.ledger.aired_since(since).chain(self.waiting.values().filter_map(Due::aired)).collect()
    }

    /// When it would start if it were ordered now and nothing held it.
    fn earliest(&self, due: &Due, scene: &Scene<'_>) -> UnixMs {
        let ready = scene.now.wall + self.amplifier.warm_up_left_ms(scene.settings, scene.now);
        due.occurrence.nominal.max(ready)
    }

    /// When it would start if it were ordered now.
    pub(super) fn start_at(&self, due: &Due, scene: &Scene<'_>) -> UnixMs {
        self.earliest(due, scene).max(due.begin_at())
    }

    pub(super) fn could_start(&self, due: &Due, scene: &Scene<'_>) -> bool {
        // It came near by a clock that was ahead and has gone back.
        let is_near = due.begin_at() <= scene.now.wall + admit_lead_ms(scene.settings);
        is_near
            && due.retry_at_ms.is_none_or(|until| until <= scene.now.monotonic_ms)
            && self.start_at(due, scene) <= due.latest(scene)
            && due.plan(scene).is_some()
    }

    /// Why what sounds must stop now, if it must (rules C1 to C3 and G3).
    pub(super) fn must_stop(&self, session: &Session, scene: &Scene<'_>) -> Option<Stop> {
        if self.is_closing || scene.clock == ClockTrust::Unknown {
            return None;
        }
        let sounding = session.due.occurrence;
        if let Some(by) = self.superseder(&session.due, scene) {
            return Some(Stop { reason: Reason::Superseded, winner: Some(by.id) });
        }
        let is_quiet = |at: UnixMs| scene.watch.is_quiet(sounding.class, at);
        let now = scene.now.wall;
        if session.is_on(now) && is_quiet(now) && is_quiet(now + QUIET_MARGIN_MS) {
            return Some(Stop { reason: Reason::QuietHours, winner: None });
        }
        let cutting = self.waiting.values().filter(|due| {
            due.occurrence.nominal <= scene.now.wall
                && due.occurrence.cuts(&sounding)
                && self.could_start(due, scene)
        });
        let first = cutting.max_by_key(|due| due.occurrence.precedence())?;
        Some(Stop { reason: Reason::Yielded, winner: Some(first.occurrence.id) })
    }
}

/// When quiet hours begin that will stop what sounds, if they are near.
pub(super) fn quiet_ahead(session: &Session, scene: &Scene<'_>) -> Option<UnixMs> {
    let is_guarded = session.due.occurrence.class < Class::Emergency;
    let now = scene.now.wall;
    is_guarded.then(|| scene.watch.first_quiet(now, now + QUIET_AHEAD_MS)).flatten()
}
