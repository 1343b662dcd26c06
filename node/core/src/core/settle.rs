//! How the parts are joined: after each input every part draws its conclusions, in a fixed order.
//!
//! Documents decide what is on the agenda; the agenda decides what the player and the fetching need; all of it decides
//! what is reported. No step makes an earlier one necessary again, so one pass suffices.

use std::collections::BTreeSet;

use loa_protocol::alert::AlertAnswer;
use loa_protocol::envelope::Refusal;
use loa_protocol::ids::{AreaId, ObjectHash};
use loa_protocol::report::{ClockTrust, EventKind};
use loa_protocol::timeline::objects_heard;

use super::{Core, World, shortened};
use crate::action::{Action, Ending};
use crate::documents::Judged;
use crate::fetch::{Desk, Wishes};
use crate::input::{Intent, Link, Now};
use crate::player::{Ended, admit_lead_ms};

/// A wall clock that goes back by more than this is looked at as set anew.
const CLOCK_BACK_MS: i64 = 60_000;
/// A wall clock that differs from the monotonic one by more than this since the last input was set; a time service that keeps
/// it slews both.
const CLOCK_STEP_MS: u64 = 2_000;
/// Most occurrences that end as missed at one input; what else can no longer start is skipped without a receipt.
const MISSED_AT_ONCE_MAX: usize = 1_000;
/// Longest topic that an event carries, in bytes.
const EVENT_TOPIC_MAX_BYTES: usize = 200;

impl Core {
    /// Lets every part draw its conclusions from an input.
    pub(super) fn settle(&mut self, now: Now) {
        self.notice_step(now);
        if now.wall < self.seen.wall - CLOCK_BACK_MS {
            self.world.ledger.forget_coming(now.wall);
            self.rewind(now);
        }
        self.seen = now;
        if self.world.clock_now() != ClockTrust::Unknown {
            self.world.documents.forget_expired(now.wall, &mut self.actions);
        }
        self.follow_documents(now);
        self.admit_near(now);
        let ended = self.player.expire(&self.world.scene(now));
        self.write_receipts(ended, now);
        self.play(now);
        if self.wishes_changed {
            self.update_wishes(now);
        }
        let storage = self.fetch.storage();
        let desk = Desk {
            topics: &self.topics,
            boot: self.boot,
            areas: self.world.documents.areas(),
            line_kbit_s: self.world.documents.profile().and_then(|profile| profile.line_kbit_s),
            spread_ms: self.world.settings.fetch_spread_ms,
            is_control_up: self.is_control_up,
        };
        self.fetch.step(&desk, &mut self.world.cache, now, &mut self.actions);
        if self.fetch.storage() != storage {
            self.reports.handle_state_change();
        }
        self.receipts.step(self.is_control_up, now, &mut self.actions);
        let documents = &self.world.documents;
        self.timekeeping.step(&self.topics, self.is_control_up, documents, now, &mut self.actions);
        self.report(now);
    }

    /// What the clock had passed comes again, and its audio is needed again.
    pub(super) fn rewind(&mut self, now: Now) {
        self.agenda.rewind(now.wall, &self.world.ledger);
        self.wishes_changed = true;
    }

    /// Counts and reports that something signed was refused.
    pub(super) fn refuse(&mut self, topic: String, refusal: Refusal, now: Now) {
        self.reports.refused = self.reports.refused.saturating_add(1);
        let topic = shortened(topic, EVENT_TOPIC_MAX_BYTES);
        self.reports.add_event(EventKind::DocumentRefused { topic, refusal }, now.wall);
    }

    /// A wall clock that does not run as the monotonic one does was set by somebody.
    fn notice_step(&mut self, now: Now) {
        let passed_ms = now.monotonic_ms.saturating_sub(self.seen.monotonic_ms).cast_signed();
        let has_stepped = now.wall.since(self.seen.wall).abs_diff(passed_ms) > CLOCK_STEP_MS;
        let is_judged = std::mem::take(&mut self.clock_is_judged);
        self.world.clock_stepped = !is_judged && (self.world.clock_stepped || has_stepped);
    }

    /// Another set of documents is in force: the agenda, what sounds, subscriptions and settings follow.
    fn follow_documents(&mut self, now: Now) {
        let change = self.world.documents.take_change();
        for (slot, refusal) in change.refusals {
            self.refuse(self.topics.document(&slot), refusal, now);
        }
        for Judged { area, epoch, received, verdict } in change.judged {
            self.answers.add(AlertAnswer { area, epoch, received, verdict });
        }
        if !change.documents {
            return;
        }
        self.fill_agenda(now);
        let languages = self.world.documents.profile().map_or(&[][..], |profile| &profile.languages);
        let withdrawn = self.player.follow_items(&self.agenda, languages, now, &mut self.actions);
        self.write_receipts(withdrawn, now);
        if let Some(profile) = self.world.documents.profile() {
            let volume_percent = profile.volume_percent.min(self.world.watch.volume_ceiling_percent());
            self.reports.set_health_interval(profile.health_interval_s, now);
            if self.volume_percent != Some(volume_percent) {
                self.volume_percent = Some(volume_percent);
                self.actions.push_back(Action::SetVolume { volume_percent });
            }
        }
        if self.is_control_up {
            self.subscribe_to_areas();
        }
        self.wishes_changed = true;
        if change.beyond_alerts {
            self.reports.handle_state_change();
        } else {
            self.reports.handle_alert_change(now);
        }
    }

    fn fill_agenda(&mut self, now: Now) {
        let World { settings, documents, ledger, watch, .. } = &mut self.world;
        *watch = documents.watch(settings.own_guards.as_ref());
        self.agenda.replace(documents.placed(), &documents.own_priority_first(), now.wall, ledger);
    }

    /// At boot: what was on, or waited, when the power went is taken up again or ends (section I of the timeline).
    pub(super) fn take_up(&mut self, intents: Vec<Intent>, now: Now) {
        self.fill_agenda(now);
        let mut ended = Vec::new();
        for intent in intents {
            let item = self.agenda.find(&intent.item, intent.revision, intent.nominal);
            ended.extend(self.player.restore(intent, item, now));
        }
        self.write_receipts(ended, now);
    }

    /// Follows the node to another place.
    fn subscribe_to_areas(&mut self) {
        let areas = self.world.documents.areas().to_vec();
        let left: BTreeSet<&AreaId> = self.subscribed.iter().filter(|area| !areas.contains(area)).collect();
        let entered: Vec<&AreaId> = areas.iter().filter(|area| !self.subscribed.contains(area)).collect();
        if !left.is_empty() {
            let filters = self.topics.of_areas(left).collect();
            self.actions.push_back(Action::Unsubscribe { link: Link::Control, filters });
        }
        if !entered.is_empty() {
            let filters = self.topics.of_areas(entered).collect();
            self.actions.push_back(Action::Subscribe { link: Link::Control, filters });
        }
        self.subscribed = areas;
    }

    /// Hands the player what has come near.
    fn admit_near(&mut self, now: Now) {
        let until = now.wall + admit_lead_ms(&self.world.settings);
        let mut late = 0;
        while let Some((occurrence, item)) = self.agenda.take(until, now.wall, &self.world.ledger) {
            let is_late = occurrence.nominal + i64::from(item.start_within_ms) < now.wall;
            late += usize::from(is_late);
            self.player.admit(occurrence, item, now);
            self.wishes_changed = true;
            if late >= MISSED_AT_ONCE_MAX {
                self.agenda.skip_late(now.wall);
                late = 0;
            }
        }
    }

    fn play(&mut self, now: Now) {
        let ordered = self.actions.len();
        self.player.begin(&self.world.scene(now), &mut self.actions);
        if self.actions.len() > ordered {
            self.player.sounding().for_each(|object| self.world.cache.touch(&object, now.wall));
        }
    }

    pub(super) fn update_wishes(&mut self, now: Now) {
        let scene = self.world.scene(now);
        let languages = scene.languages;
        let coming = self.agenda.upcoming().chain(self.player.waiting());
        let needed = coming
            .flat_map(|(nominal, item)| objects_heard(item, languages).into_iter().map(move |o| (nominal, o)))
            .chain(self.player.sounding().map(|object| (now.wall, object)));
        let prepared = self.world.documents.prepared().copied();
        let manifest = |object: &ObjectHash| self.world.documents.manifest(object).cloned();
        let wishes = Wishes::new(needed, prepared, now.wall, manifest, |object| scene.has(object));
        self.fetch.set_wishes(wishes);
        self.wishes_changed = false;
    }

    pub(super) fn write_receipts(&mut self, ended: Vec<Ended>, now: Now) {
        if ended.is_empty() {
            return;
        }
        let mut endings = Vec::with_capacity(ended.len());
        for ended in ended {
            let receipt = self.receipts.write(&ended, self.world.clock, now);
            let ending = Ending { receipt, aired: ended.aired };
            self.world.ledger.insert(ending.ledger_entry());
            endings.push(ending);
        }
        self.actions.push_back(Action::RecordReceipts(endings));
        self.fetch.handle_session_over();
        self.wishes_changed = true;
    }
}
