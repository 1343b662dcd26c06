//! The emergencies of an area that are given at once, as documents of alerts: given, corrected, updated, taken back, all clear.
//!
//! A document expires no earlier than the one whose place it takes, which is the signer's duty (protocol, 4.6).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use loa_node_core::Slot;
use loa_protocol::alert::{ALERT_LONGEST_MS, AreaAlerts, Inline};
use loa_protocol::envelope::Validity;
use loa_protocol::ids::{AreaId, ItemId, ObjectHash};
use loa_protocol::plan::{Item, Program, Track, Zone};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{ItemRules, SessionPlan, Start};

use super::drafts::{Drafts, Object, sounds};
use super::shelf::EARLY_S;
use super::{Alerts, Document, Frame, Publication, names};
use crate::rng::Rng;
use crate::storm::fault::Fault;
use crate::storm::{HOUR, MINUTE, SECOND};

/// On average, so long an area has no new alert.
const GAP_MS: i64 = 48 * HOUR;
/// What follows an alert comes so soon.
const FOLLOWS_MS: std::ops::Range<i64> = 2 * SECOND..25 * MINUTE;
/// Most alerts of an area at once.
const ITEMS_MAX: usize = 3;
/// How long a document is valid, in seconds: with a controller whose clock goes back by hours still less than the day that is allowed.
const VALID_S: std::ops::Range<i64> = 2 * 3_600..12 * 3_600;
/// The same of some, which are over before all that their items tolerate is.
const VALID_BRIEFLY_S: std::ops::Range<i64> = 120..1_800;
/// Most bytes of sound that a document brings.
const INLINE_BYTES: usize = 100_000;
/// How many sounds an area has ready.
const PREPARED: usize = 2;

/// The sounds that an area has ready for emergencies, ascending; none where a run has no alerts.
pub(super) fn prepared(frame: &Frame, area: &AreaId) -> Vec<Object> {
    if !frame.has(Fault::Alerts) {
        return Vec::new();
    }
    let mut drafts = Drafts::new(frame.rng(&format!("prepared of {area}")), "", None);
    (0..PREPARED).for_each(|_| {
        drafts.object();
    });
    drafts.objects.into_values().collect()
}

/// What is done to the alerts of an area.
#[derive(Clone, Copy, Debug)]
enum Doing {
    Give,
    Revise,
    Replace,
    TakeBack,
    AllClear,
}

/// Follows the alerts of one area from the beginning of a run to its end.
pub(super) struct Tower<'a> {
    frame: &'a Frame,
    area: AreaId,
    rng: Rng,
    drafts: Drafts,
    prepared: Vec<ObjectHash>,
    items: BTreeMap<ItemId, Item>,
    /// What an earlier document brought.
    brought: BTreeSet<ObjectHash>,
    epoch: u64,
    expires_s: i64,
    published: Vec<Arc<Publication>>,
}

impl<'a> Tower<'a> {
    pub(super) fn new(frame: &'a Frame, area: &AreaId) -> Self {
        let of = |kind: &str| frame.rng(&format!("{kind} of {area}"));
        let rules = frame.has(Fault::Rules).then(|| of("rules of alerts"));
        let mut drafts = Drafts::new(of("words of alerts"), &format!("loa-{area}"), rules);
        let ready = prepared(frame, area);
        let prepared = ready.iter().map(|object| object.manifest.object).collect();
        drafts.objects.extend(ready.into_iter().map(|object| (object.manifest.object, object)));
        Self {
            frame,
            area: area.clone(),
            rng: of("alerts"),
            drafts,
            prepared,
            items: BTreeMap::new(),
            brought: BTreeSet::new(),
            epoch: 0,
            expires_s: 0,
            published: Vec::new(),
        }
    }

    /// Everything that is published, in order, and the sounds that are made for it.
    pub(super) fn through_time(mut self) -> (Vec<Arc<Publication>>, BTreeMap<ObjectHash, Object>) {
        let mut at = self.frame.begin;
        loop {
            at += self.rng.gap_ms(GAP_MS);
            if at >= self.frame.end {
                return (self.published, self.drafts.objects);
            }
            self.work(at, Doing::Give);
            while self.rng.percent(55) {
                at += self.rng.range(FOLLOWS_MS.start, FOLLOWS_MS.end);
                let all = [Doing::Give, Doing::Revise, Doing::Replace, Doing::TakeBack, Doing::AllClear];
                let doing = *self.rng.pick(&all);
                self.work(at, doing);
            }
        }
    }

    fn work(&mut self, at: i64, doing: Doing) {
        let at = self.frame.when_up(at);
        let is_over = |item: &Item| match &item.start {
            Start::At(once) => once.0 + i64::from(item.start_within_ms) + HOUR <= at,
            Start::Cron(_) => false,
        };
        self.items.retain(|_, item| !is_over(item));
        match doing {
            Doing::Give => self.give(at, None),
            Doing::Revise => {
                let drafts = &mut self.drafts;
                if let Some(mut item) = self.items.pop_last().map(|(_, item)| item) {
                    drafts.revise(&mut item, at);
                    self.put(item);
                }
            }
            Doing::Replace => {
                let old = self.items.pop_first().map(|(_, item)| item);
                self.give(at, old);
            }
            Doing::TakeBack => {
                self.items.pop_first();
            }
            Doing::AllClear => self.items.clear(),
        }
        self.publish(at);
    }

    fn give(&mut self, at: i64, updates: Option<Item>) {
        let mut item = self.drafts.emergency(at);
        if self.rng.percent(30) {
            // At a full minute to come, as a siren test is.
            item.start = Start::At(UnixMs((at / MINUTE + self.rng.range(20, 120)) * MINUTE));
        }
        if self.rng.percent(15) {
            let object = *self.rng.pick(&self.prepared);
            item.tracks = vec![Track { language: names::language("vi"), object }];
            item.rules = ItemRules::default();
        }
        item.rules.updates.extend(updates.map(|old| old.bulletin));
        item.rules.updates.sort_unstable();
        item.rules.updates.dedup();
        self.put(item);
        while self.items.len() > ITEMS_MAX {
            self.items.pop_first();
        }
    }

    /// An item of the longest session that is allowed at most.
    fn put(&mut self, mut item: Item) {
        let languages: Vec<_> = item.tracks.iter().map(|track| track.language.clone()).collect();
        let duration = |object: &ObjectHash| Some(self.drafts.manifest(object)?.duration_ms);
        let plan = SessionPlan::new(&item, &languages, duration);
        if plan.is_none_or(|plan| plan.length_ms(0) > ALERT_LONGEST_MS) {
            item.rules.repeats = None;
        }
        self.items.insert(item.id.clone(), item);
    }

    fn publish(&mut self, at: i64) {
        let clock_ms = at + self.frame.ahead_ms(at);
        self.epoch = (self.epoch + 1).max(u64::try_from(clock_ms).unwrap_or(0));
        let issued_at_s = clock_ms.div_euclid(1_000);
        let valid_s = if self.rng.percent(40) { VALID_BRIEFLY_S } else { VALID_S };
        self.expires_s = self.expires_s.max(issued_at_s + self.rng.range(valid_s.start, valid_s.end));
        let validity =
            Validity { issued_at_s, not_before_s: issued_at_s - EARLY_S, expires_s: self.expires_s };
        let program = self.drafts.program(self.items.values().cloned().collect(), Vec::new());
        let inline = self.inline(&program);
        let kept = Alerts {
            inline: inline.iter().map(|inline| (inline.object, inline.bytes.len())).collect(),
            program: until(program.clone(), UnixMs::from_seconds(self.expires_s)),
        };
        let zone = Zone(self.frame.zone);
        let alerts = AreaAlerts { area: self.area.clone(), epoch: self.epoch, zone, program, inline };
        let slot = Slot::Alert(self.area.clone());
        let document = Document::Alerts(Arc::new(kept));
        self.published.push(Arc::new(self.frame.seal(at, (slot, None), &alerts, validity, document)));
    }

    /// Most of what is new comes with the document, and some of what came before.
    fn inline(&mut self, program: &Program) -> Vec<Inline> {
        let named: BTreeSet<ObjectHash> = program.items.iter().flat_map(sounds).collect();
        let mut left = INLINE_BYTES;
        let mut all = Vec::new();
        for object in named {
            let percent = if self.brought.contains(&object) { 40 } else { 80 };
            let comes = self.rng.percent(percent) && !self.prepared.contains(&object);
            let Some(made) =
                self.drafts.objects.get(&object).filter(|made| comes && made.bytes.len() <= left)
            else {
                continue;
            };
            left -= made.bytes.len();
            self.brought.insert(object);
            all.push(Inline { object, bytes: made.bytes.as_slice().into() });
        }
        all
    }
}

/// The items as they may start where nothing starts at this instant or later.
fn until(program: Program, expires: UnixMs) -> Program {
    let bounded = |mut item: Item| {
        if let Start::At(nominal) = item.start {
            let most_ms = u32::try_from(expires.since(nominal) - 1).unwrap_or(0);
            item.start_within_ms = item.start_within_ms.min(most_ms);
        }
        item
    };
    Program { items: program.items.into_iter().map(bounded).collect(), ..program }
}
