//! How the parts are joined: after each input every part draws its conclusions, in a fixed order.
//!
//! Documents decide what is on the agenda; the agenda decides what the player and the fetching need; all of it decides
//! what is reported. No step makes an earlier one necessary again, so one pass suffices.

use std::collections::BTreeSet;

use loa_protocol::ids::{AreaId, ObjectHash};
use loa_protocol::receipt::{Outcome, Reason, Sound};
use loa_protocol::report::EventKind;

use super::{Core, shortened};
use crate::action::Action;
use crate::fetch::Wishes;
use crate::input::{Intent, LedgerEntry, Link, Now};
use crate::player::{Ended, admit_lead_ms, spoken};

/// A wall clock that goes back by more than this is looked at as set anew.
const CLOCK_BACK_MS: i64 = 60_000;
/// Most occurrences that end as missed at one input; what else can no longer start is skipped without a receipt.
const MISSED_AT_ONCE_MAX: usize = 1_000;
/// Longest topic that an event carries, in bytes.
const EVENT_TOPIC_MAX_BYTES: usize = 200;

impl Core {
    /// Lets every part draw its conclusions from an input.
    pub(super) fn settle(&mut self, now: Now) {
        if now.wall < self.last_wall - CLOCK_BACK_MS {
            self.ledger.forget_coming(now.wall);
            self.agenda.rewind(now.wall, &self.ledger);
        }
        self.last_wall = now.wall;
        self.follow_documents(now);
        self.admit_near(now);
        let ended = self.player.expire(&self.world.scene(now));
        self.write_receipts(ended, now);
        self.play(now);
        if self.wishes_changed {
            self.update_wishes(now);
        }
        let storage = self.fetch.storage();
        self.fetch.step(
            &self.topics.want(),
            self.is_control_up,
            &mut self.world.cache,
            now,
            &mut self.actions,
        );
        if self.fetch.storage() != storage {
            self.reports.handle_state_change();
        }
        self.receipts.step(self.is_control_up, now, &mut self.actions);
        self.report(now);
    }

    /// Another set of documents is in force: the agenda, what sounds, subscriptions and settings follow.
    fn follow_documents(&mut self, now: Now) {
        let change = self.world.documents.take_change();
        for (slot, refusal) in change.refusals {
            self.reports.refused = self.reports.refused.saturating_add(1);
            let topic = shortened(self.topics.document(&slot), EVENT_TOPIC_MAX_BYTES);
            self.reports.add_event(EventKind::DocumentRefused { topic, refusal }, now.wall);
        }
        if !change.documents {
            return;
        }
        let own_priority_first = self.world.documents.own_priority_first();
        self.agenda.replace(self.world.documents.placed(), &own_priority_first, now.wall, &self.ledger);
        let withdrawn = self.player.withdraw(&self.agenda, now, &mut self.actions);
        self.write_receipts(withdrawn, now);
        if let Some(profile) = self.world.documents.profile() {
            let volume_percent = profile.volume_percent;
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
        self.reports.handle_state_change();
    }

    /// Follows the node to another place.
    fn subscribe_to_areas(&mut self) {
        let areas = self.world.documents.areas().to_vec();
        let left: BTreeSet<&AreaId> = self.subscribed.iter().filter(|area| !areas.contains(area)).collect();
        let entered: Vec<&AreaId> = areas.iter().filter(|area| !self.subscribed.contains(area)).collect();
        if !left.is_empty() {
            let filters = self.topics.plans(left).collect();
            self.actions.push_back(Action::Unsubscribe { filters });
        }
        if !entered.is_empty() {
            let filters = self.topics.plans(entered).collect();
            self.actions.push_back(Action::Subscribe { link: Link::Control, filters });
        }
        self.subscribed = areas;
    }

    /// Hands the player what has come near.
    fn admit_near(&mut self, now: Now) {
        let until = now.wall + admit_lead_ms(&self.world.settings);
        let mut late = 0;
        while let Some((occurrence, item)) = self.agenda.take(until, now.wall, &self.ledger) {
            let is_late = occurrence.nominal + i64::from(item.start_within_ms) < now.wall;
            late += usize::from(is_late);
            self.player.admit(occurrence, item);
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
        let languages = self.world.scene(now).languages;
        let coming = self.agenda.upcoming().chain(self.player.waiting());
        let needed = coming
            .flat_map(|(nominal, item)| spoken(item, languages).into_iter().map(move |o| (nominal, o)))
            .chain(self.player.sounding().map(|object| (now.wall, object)));
        let manifest = |object: &ObjectHash| self.world.documents.manifest(object).cloned();
        let wishes = Wishes::new(needed, manifest, &self.world.cache);
        self.fetch.set_wishes(wishes);
        self.wishes_changed = false;
    }

    pub(super) fn write_receipts(&mut self, ended: Vec<Ended>, now: Now) {
        if ended.is_empty() {
            return;
        }
        let mut receipts = Vec::with_capacity(ended.len());
        for Ended { intent, outcome, sound } in ended {
            let Intent { nominal, ref item, revision, .. } = intent;
            let entry = LedgerEntry { nominal, item: item.clone(), revision, sounded: sound.is_some() };
            self.ledger.insert(entry);
            receipts.push(self.receipts.write(&intent, outcome, sound, self.world.clock, now));
        }
        self.actions.push_back(Action::RecordReceipts(receipts));
        self.wishes_changed = true;
    }
}

/// What sounded, or was about to, when the power went. It does not sound again, because it may have been heard.
pub(super) fn interrupted(intent: Intent) -> Ended {
    // How long it sounded is not known; what is known is that it began.
    let sound = intent.started.map(|started| Sound { started, played_ms: 0 });
    let outcome = match sound {
        Some(_) => Outcome::Partial(Reason::Interrupted),
        None => Outcome::Missed(Reason::Interrupted),
    };
    Ended { intent, outcome, sound }
}
