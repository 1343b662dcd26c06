//! One document of the controller through time: what staff do to it, what is signed and published.

use std::collections::BTreeMap;
use std::sync::Arc;

use loa_node_core::Slot;
use loa_protocol::bulletin::{Class, Language};
use loa_protocol::envelope::{Applied, Signed, Validity, seal};
use loa_protocol::ids::{AreaId, Digest, ItemId, KeyId};
use loa_protocol::plan::{AreaPlan, Item, NodeDocument, Program, Zone};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Calendar, Guards, Start};

use super::drafts::Drafts;
use super::warden::Warden;
use super::{Document, Frame, Publication, RENEWALS_MS, alarms, calendars, names};
use crate::storm::fault::Fault;
use crate::storm::{HOUR, MINUTE};

/// Most items of a document.
const ITEMS_MAX: usize = 7;
/// A document is valid a little before it is issued.
pub(super) const EARLY_S: i64 = 300;

/// For whom the document is.
#[derive(Clone, Debug)]
pub(crate) enum Reader {
    Area { area: AreaId, commune: Option<usize> },
    Node { index: usize },
}

/// What the controller's database says of the document; a backup is a copy of it.
#[derive(Clone, Debug)]
struct Row {
    items: BTreeMap<ItemId, Item>,
    epoch: u64,
    /// Of a node.
    languages: Vec<Language>,
    village: usize,
    volume_percent: u8,
    guards: Guards,
    own_priority_first: bool,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doing {
    /// Staff do something.
    Work,
    /// It is signed again: another key, or little validity left.
    Sign,
    /// The database is what it was then.
    Restore { back_to: i64 },
}

/// Follows one document from the beginning of a run to its end.
pub(crate) struct Shelf<'a> {
    frame: &'a Frame,
    reader: Reader,
    drafts: Drafts,
    /// Draws the guards; `None` where no document states any.
    warden: Option<Warden>,
    calendars: Vec<Calendar>,
    row: Row,
    backups: Vec<(i64, Row)>,
    /// The highest epoch that was ever published; a node that reports it makes a restored controller sign above it.
    highest: u64,
    published: Vec<Arc<Publication>>,
}

impl<'a> Shelf<'a> {
    pub(crate) fn new(frame: &'a Frame, reader: Reader) -> Self {
        let name = match &reader {
            Reader::Area { area, .. } => area.as_str().to_owned(),
            Reader::Node { index } => names::node(*index).as_str().to_owned(),
        };
        let mut rng = frame.rng(&format!("shelf {name}"));
        let languages: &[&str] = match rng.below(10) {
            0..=5 => &["vi"],
            6 | 7 => &["vi", "kpm"],
            8 => &["kpm", "vi"],
            _ => &["cma"],
        };
        let row = Row {
            items: BTreeMap::new(),
            epoch: 0,
            languages: languages.iter().map(|tag| names::language(tag)).collect(),
            village: match &reader {
                Reader::Area { .. } => 0,
                Reader::Node { index } => names::place(*index).1,
            },
            volume_percent: 80,
            guards: Guards::default(),
            own_priority_first: false,
        };
        let of = |kind: &str| frame.rng(&format!("{kind} of {name}"));
        let drafts = Drafts::new(rng, &name, frame.has(Fault::Rules).then(|| of("rules")));
        let calendars = if frame.has(Fault::Rules) {
            calendars::draw(&mut of("calendars"), frame.begin)
        } else {
            Vec::new()
        };
        let mut warden = frame.has(Fault::Guards).then(|| Warden::new(of("guards")));
        let mut row = row;
        if let Some(warden) = &mut warden {
            (row.guards, row.own_priority_first) = warden.draw();
        }
        Self {
            frame,
            reader,
            drafts,
            warden,
            calendars,
            row,
            backups: Vec::new(),
            highest: 0,
            published: Vec::new(),
        }
    }

    /// Everything that is published, in order, and the sounds that are made for it.
    pub(crate) fn through_time(mut self) -> (Vec<Arc<Publication>>, Drafts) {
        let (begin, end) = (self.frame.begin, self.frame.end);
        let first = match &self.reader {
            Reader::Area { area, .. } if *area == names::province() => 2,
            Reader::Area { .. } => 3,
            Reader::Node { .. } => 0,
        };
        for _ in 0..first {
            self.add(begin - HOUR);
        }
        self.publish(begin - HOUR);
        let mut doings = Vec::new();
        let mean_ms = match &self.reader {
            Reader::Area { area, .. } if *area == names::province() => 12 * HOUR,
            Reader::Area { .. } => 10 * HOUR,
            Reader::Node { .. } => 30 * HOUR,
        };
        let mut at = begin;
        loop {
            at += self.drafts.rng().gap_ms(mean_ms);
            if at >= end {
                break;
            }
            doings.push((at, Doing::Work));
        }
        doings.extend(self.frame.ring.rotations().map(|at| (at, Doing::Sign)));
        let renewals =
            (1..).map(|n| begin + n * self.frame.validity_ms / 3).take_while(|at| *at < end + RENEWALS_MS);
        doings.extend(renewals.map(|at| (at, Doing::Sign)));
        for restore in &self.frame.restores {
            doings.push((restore.at, Doing::Restore { back_to: restore.back_to }));
            // Nodes have reported by then what they hold, and it is signed above it.
            doings.push((restore.at + 10 * MINUTE, Doing::Sign));
        }
        doings.sort_unstable();
        for (at, doing) in doings {
            self.work(self.frame.when_up(at), doing);
        }
        (self.published, self.drafts)
    }

    fn work(&mut self, at: i64, doing: Doing) {
        self.tidy(at);
        if let Some(warden) = self.warden.as_mut().filter(|_| doing == Doing::Work)
            && let Some(changed) = warden.change()
        {
            (self.row.guards, self.row.own_priority_first) = changed;
        }
        match doing {
            Doing::Sign => {}
            Doing::Restore { back_to } => {
                let known = self.backups.partition_point(|(then, _)| *then <= back_to);
                if let Some((_, row)) = known.checked_sub(1).and_then(|n| self.backups.get(n)) {
                    self.row = row.clone();
                }
                self.publish_unaware(at);
                return;
            }
            Doing::Work => match (&self.reader, self.drafts.rng().below(10)) {
                (Reader::Node { .. }, 0..=5) => self.change_node(),
                (_, 0..=4) => self.add(at),
                (_, 5 | 6) => self.revise(at),
                (_, 7) => self.withdraw(),
                _ => {
                    let item = self.drafts.emergency(at);
                    self.row.items.insert(item.id.clone(), item);
                }
            },
        }
        self.publish(at);
    }

    /// What has sounded for the last time is taken out.
    fn tidy(&mut self, at: i64) {
        self.row.items.retain(|_, item| match &item.start {
            Start::At(once) => once.0 + i64::from(item.start_within_ms) + HOUR > at,
            Start::Cron(_) => item.valid_until.is_none_or(|until| until.0 + HOUR > at),
        });
    }

    fn add(&mut self, at: i64) {
        if self.row.items.len() >= ITEMS_MAX {
            self.withdraw();
        }
        let item = self.drafts.item(at);
        self.row.items.insert(item.id.clone(), item);
    }

    fn pick(&mut self) -> Option<ItemId> {
        let ids: Vec<ItemId> = self.row.items.keys().cloned().collect();
        if ids.is_empty() { None } else { Some(self.drafts.rng().pick(&ids).clone()) }
    }

    fn revise(&mut self, at: i64) {
        if let Some(item) = self.pick().and_then(|id| self.row.items.get_mut(&id)) {
            self.drafts.revise(item, at);
        }
    }

    fn withdraw(&mut self) {
        if let Some(id) = self.pick() {
            self.row.items.remove(&id);
        }
    }

    fn change_node(&mut self) {
        let rng = self.drafts.rng();
        match rng.below(3) {
            0 => self.row.volume_percent = rng.range(20, 101) as u8,
            1 => self.row.village = 1 - self.row.village,
            _ => {
                let tags: &[&str] = if rng.percent(50) { &["vi"] } else { &["kpm", "vi"] };
                self.row.languages = tags.iter().map(|tag| names::language(tag)).collect();
            }
        }
    }

    fn publish(&mut self, at: i64) {
        self.row.epoch = self.row.epoch.max(self.highest);
        self.publish_unaware(at);
    }

    /// Signs and publishes above what this database knows.
    fn publish_unaware(&mut self, at: i64) {
        let clock_ms = at + self.frame.ahead_ms(at);
        self.row.epoch = (self.row.epoch + 1).max(u64::try_from(clock_ms).unwrap_or(0));
        self.highest = self.highest.max(self.row.epoch);
        let validity = self.frame.validity(clock_ms);
        let publication = match &self.reader {
            Reader::Area { area, commune } => {
                let plan = AreaPlan {
                    area: area.clone(),
                    epoch: self.row.epoch,
                    zone: Zone(self.frame.zone),
                    program: self.program(),
                    guards: self.row.guards.clone(),
                    own_priority_first: self.row.own_priority_first,
                    prepared: alarms::prepared(self.frame, area)
                        .into_iter()
                        .map(|object| (*object.manifest).clone())
                        .collect(),
                };
                let slot = Slot::Plan(area.clone());
                self.frame.seal(at, (slot, *commune), &plan, validity, Document::Plan(Arc::new(plan.clone())))
            }
            Reader::Node { index } => {
                let document = NodeDocument {
                    node: names::node(*index),
                    epoch: self.row.epoch,
                    path: names::path(names::place(*index).0, self.row.village),
                    zone: Zone(self.frame.zone),
                    languages: self.row.languages.clone(),
                    volume_percent: self.row.volume_percent,
                    health_interval_s: 3_600,
                    program: self.program(),
                    guards: self.row.guards.clone(),
                    line_kbit_s: None,
                };
                let kept = Document::Node(Arc::new(document.clone()));
                self.frame.seal(at, (Slot::Node, None), &document, validity, kept)
            }
        };
        self.published.push(Arc::new(publication));
        self.backups.push((at, self.row.clone()));
    }

    fn program(&self) -> Program {
        let items: Vec<Item> = self.row.items.values().cloned().collect();
        self.drafts.program(items, self.calendars.clone())
    }
}

impl Frame {
    /// Signs a document for the readers of a slot, with the key that signs for this commune (`None`: for the province).
    pub(super) fn seal<T: Signed>(
        &self,
        at: i64,
        (slot, commune): (Slot, Option<usize>),
        signed: &T,
        validity: Validity,
        document: Document,
    ) -> Publication {
        let classes: Vec<Class> = signed.classes();
        let key = self.ring.signer(at, commune, &classes);
        let envelope = seal(signed, &names::tenant(), validity, key);
        let applied = Applied { sequence: signed.sequence(), digest: Digest::of(&envelope) };
        let key = KeyId::of(&key.verifying_key());
        let not_before = UnixMs::from_seconds(validity.not_before_s);
        let expires = UnixMs::from_seconds(validity.expires_s);
        Publication { at, slot, applied, envelope: envelope.into(), document, key, not_before, expires }
    }

    /// Of a document that is issued when the controller's clock says so.
    pub(crate) fn validity(&self, clock_ms: i64) -> Validity {
        let issued_at_s = clock_ms.div_euclid(1_000);
        let expires_s = issued_at_s + self.validity_ms / 1_000;
        Validity { issued_at_s, not_before_s: issued_at_s - EARLY_S, expires_s }
    }
}
