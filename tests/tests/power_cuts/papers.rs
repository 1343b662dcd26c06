//! What the nodes are told: keys, documents, and a plan that keeps changing.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use ed25519_dalek::SigningKey;
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::{Category, Class, Language};
use loa_protocol::envelope::{Validity, seal, seal_key_set};
use loa_protocol::ids::{AreaId, BulletinId, ItemId, NodeId, ObjectHash, TenantId};
use loa_protocol::keys::{KeyEntry, KeySet, Purpose, Scope};
use loa_protocol::plan::{AreaPlan, Item, NodeDocument, Program, Track, Zone};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{AfterInterruption, ItemRules, Start};
use loa_protocol::transfer::{Codec, Manifest};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _};

use crate::tones;

pub(crate) const VILLAGE: &str = "thon-da-ra-hoa";
/// How far ahead the plan goes: a node that is cut again and again still hears of an item before it is due.
const AHEAD_MS: i64 = 60_000;
/// From one steady item to the next.
const EVERY_MS: i64 = 1_900;
/// How late a start may be.
pub(crate) const WITHIN_MS: u32 = 8_000;
/// Length of audio that is long in coming, and not due as long as the test runs: so a download is always under way.
const BACKGROUND_BYTES: usize = 180 * 1024;
const BLOCK_BYTES: u32 = 4 * 1024;
const HOUR_MS: i64 = 3_600_000;

pub(crate) fn tenant() -> Result<TenantId> {
    Ok(TenantId::new("lam-dong")?)
}

fn village() -> Result<AreaId> {
    Ok(AreaId::new(VILLAGE)?)
}

pub(crate) fn root() -> SigningKey {
    SigningKey::from_bytes(&[11; 32])
}

fn plan_key() -> SigningKey {
    SigningKey::from_bytes(&[12; 32])
}

pub(crate) fn now() -> UnixMs {
    UnixMs(chrono::Utc::now().timestamp_millis())
}

fn validity() -> Validity {
    let s = now().seconds();
    Validity { issued_at_s: s, not_before_s: s - 300, expires_s: s + 24 * 3600 }
}

/// The key set, in its envelope.
pub(crate) fn key_set() -> Result<Vec<u8>> {
    let scope = Scope {
        purposes: vec![Purpose::Plan, Purpose::Node],
        classes: vec![Class::Normal, Class::Priority],
        area: None,
        not_before: UnixMs(0),
        not_after: UnixMs(i64::MAX),
    };
    let entry = KeyEntry { public_key: plan_key().verifying_key().to_bytes(), scope };
    Ok(seal_key_set(&KeySet { version: 1, keys: vec![entry] }, &tenant()?, validity(), &root()))
}

fn languages() -> Result<[Language; 2]> {
    Ok([Language::vietnamese(), Language::new("kpm")?])
}

/// The document of a node, in its envelope.
pub(crate) fn node_document(node: &NodeId, epoch: u64) -> Result<Vec<u8>> {
    let areas = ["lam-dong", "xa-lac-duong", VILLAGE].map(AreaId::new);
    let document = NodeDocument {
        node: node.clone(),
        epoch,
        path: AreaPath::new(areas.into_iter().collect::<Result<_, _>>()?)?,
        zone: Zone(chrono_tz::Asia::Ho_Chi_Minh),
        languages: languages()?.to_vec(),
        volume_percent: 100,
        // It differs from one to the next, so that there is something to apply.
        health_interval_s: 60 + u32::try_from(epoch % 60).unwrap_or(0),
        program: Program::default(),
        guards: Default::default(),
        line_kbit_s: None,
    };
    Ok(seal(&document, &tenant()?, validity(), &plan_key()))
}

/// An object that nodes may fetch.
#[derive(Debug)]
pub(crate) struct Sound {
    pub(crate) manifest: Manifest,
    pub(crate) bytes: Vec<u8>,
}

impl Sound {
    fn new(bytes: Vec<u8>, duration_ms: u32) -> Result<Self> {
        Ok(Self { manifest: Manifest::of(&bytes, BLOCK_BYTES, Codec::OggOpus, duration_ms)?, bytes })
    }
}

/// One planned start, and all that was ever planned for it.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) item: ItemId,
    pub(crate) revision: u32,
    pub(crate) nominal: UnixMs,
    pub(crate) policy: AfterInterruption,
    /// Numbers of its sounds, in their order.
    pub(crate) sounds: Vec<u16>,
    /// It was planned in time and never withdrawn: it has a receipt, whatever happens.
    pub(crate) is_steady: bool,
    is_in_plan: bool,
}

#[cfg(test)]
impl Planned {
    /// What this receipt is of, where the sound has the number of the receipt.
    pub(crate) fn steady(receipt: &loa_protocol::receipt::Receipt, policy: AfterInterruption) -> Self {
        Self {
            item: receipt.item.clone(),
            revision: receipt.revision,
            nominal: receipt.nominal,
            policy,
            sounds: vec![u16::try_from(receipt.number).unwrap()],
            is_steady: true,
            is_in_plan: false,
        }
    }
}

/// Everything that was ever planned, and the plan as it stands.
#[derive(Debug)]
pub(crate) struct Papers {
    rng: StdRng,
    epoch: u64,
    next_number: u16,
    next_nominal: UnixMs,
    pub(crate) planned: Vec<Planned>,
    objects: BTreeMap<u16, ObjectHash>,
    pub(crate) sounds: BTreeMap<ObjectHash, Sound>,
    background: Option<ObjectHash>,
    is_closed: bool,
}

impl Papers {
    /// Nothing is planned yet; the first start is so far ahead that every node has the plan by then.
    pub(crate) fn new(rng: StdRng, first: UnixMs) -> Self {
        Self {
            rng,
            epoch: 0,
            next_number: 1,
            next_nominal: first,
            planned: Vec::new(),
            objects: BTreeMap::new(),
            sounds: BTreeMap::new(),
            background: None,
            is_closed: false,
        }
    }

    /// The number of the next document.
    pub(crate) fn next_epoch(&mut self) -> u64 {
        self.epoch += 1;
        self.epoch
    }

    /// The next planned start after an instant.
    pub(crate) fn next_after(&self, at: UnixMs) -> Option<UnixMs> {
        self.planned.iter().map(|planned| planned.nominal).filter(|nominal| *nominal > at).min()
    }

    /// Changes the plan: new starts come near, others are withdrawn or revised, what every node has reported leaves.
    pub(crate) fn change(&mut self, now: UnixMs, reported: &BTreeSet<(ItemId, UnixMs)>) -> Result<()> {
        for planned in &mut self.planned {
            planned.is_in_plan &= !reported.contains(&(planned.item.clone(), planned.nominal));
        }
        if self.is_closed {
            return Ok(());
        }
        while self.next_nominal < now + AHEAD_MS && self.has_numbers() {
            let jitter = self.rng.random_range(-150..=150);
            let nominal = self.next_nominal + jitter;
            self.next_nominal = self.next_nominal + EVERY_MS;
            self.plan(nominal, true)?;
        }
        match self.rng.random_range(0..4) {
            0 if self.has_numbers() => {
                let ahead = self.rng.random_range(3_000..12_000);
                self.plan(now + ahead, false)?;
            }
            1 => {
                if let Some(index) = self.any_extra() {
                    self.planned[index].is_in_plan = false;
                }
            }
            2 if self.has_numbers() => {
                if let Some(index) = self.any_extra() {
                    self.revise(index)?;
                }
            }
            _ => {}
        }
        if self.background.is_none() || self.rng.random_range(0..12) == 0 {
            self.replace_background()?;
        }
        Ok(())
    }

    /// Whether nothing more comes.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Nothing more comes: what is not due yet is withdrawn.
    pub(crate) fn close(&mut self, now: UnixMs) {
        self.is_closed = true;
        for planned in self.planned.iter_mut().filter(|planned| planned.nominal > now) {
            planned.is_in_plan = false;
            planned.is_steady = false;
        }
    }

    fn has_numbers(&self) -> bool {
        self.next_number < tones::NUMBERS - 2
    }

    fn any_extra(&mut self) -> Option<usize> {
        let extras: Vec<usize> = (0..self.planned.len())
            .filter(|index| self.planned[*index].is_in_plan && !self.planned[*index].is_steady)
            .collect();
        (!extras.is_empty()).then(|| extras[self.rng.random_range(0..extras.len())])
    }

    fn plan(&mut self, nominal: UnixMs, is_steady: bool) -> Result<()> {
        let (policy, count) = match self.rng.random_range(0..10) {
            0 => (AfterInterruption::Resume, 2),
            1 => (AfterInterruption::Restart, 1),
            _ => (AfterInterruption::Drop, 1),
        };
        let item = ItemId::new(format!("o-{}", self.next_number))?;
        let sounds = self.new_sounds(count)?;
        let revision = 1;
        self.planned.push(Planned { item, revision, nominal, policy, sounds, is_steady, is_in_plan: true });
        Ok(())
    }

    /// Another sound for the same start.
    fn revise(&mut self, index: usize) -> Result<()> {
        let count = self.planned[index].sounds.len();
        let sounds = self.new_sounds(count)?;
        let before = &mut self.planned[index];
        before.is_in_plan = false;
        let revised = Planned { revision: before.revision + 1, sounds, is_in_plan: true, ..before.clone() };
        self.planned.push(revised);
        Ok(())
    }

    fn new_sounds(&mut self, count: usize) -> Result<Vec<u16>> {
        let mut numbers = Vec::with_capacity(count);
        for _ in 0..count {
            let number = self.next_number;
            self.next_number += 1;
            let sound = Sound::new(tones::object(number)?, tones::SOUND_MS)?;
            self.objects.insert(number, sound.manifest.object);
            self.sounds.insert(sound.manifest.object, sound);
            numbers.push(number);
        }
        Ok(numbers)
    }

    fn replace_background(&mut self) -> Result<()> {
        let mut bytes = vec![0; BACKGROUND_BYTES];
        self.rng.fill_bytes(&mut bytes);
        let sound = Sound::new(bytes, tones::SOUND_MS)?;
        let object = sound.manifest.object;
        self.sounds.insert(object, sound);
        // Who is in the midst of fetching the one before gets no more of it.
        if let Some(before) = self.background.replace(object) {
            self.sounds.remove(&before);
        }
        Ok(())
    }

    /// The plan as it stands, in its envelope.
    pub(crate) fn plan_document(&mut self) -> Result<Vec<u8>> {
        let epoch = self.next_epoch();
        let mut items = Vec::new();
        for planned in self.planned.iter().filter(|planned| planned.is_in_plan) {
            let objects = planned.sounds.iter().map(|number| self.objects.get(number).copied());
            let objects: Vec<ObjectHash> = objects.collect::<Option<_>>().context("a sound was made")?;
            items.push(item(planned, &objects)?);
        }
        if let Some(object) = self.background {
            let background = Planned {
                item: ItemId::new("background")?,
                revision: u32::try_from(epoch)?,
                nominal: now() + HOUR_MS,
                policy: AfterInterruption::Drop,
                sounds: Vec::new(),
                is_steady: false,
                is_in_plan: true,
            };
            items.push(item(&background, &[object])?);
        }
        items.sort_by(|a, b| a.id.cmp(&b.id));
        let tracks = items.iter().flat_map(|item| item.tracks.iter().map(|track| track.object));
        let objects: BTreeSet<ObjectHash> = tracks.collect();
        let manifests = objects.iter().filter_map(|object| Some(self.sounds.get(object)?.manifest.clone()));
        let plan = AreaPlan {
            area: village()?,
            epoch,
            zone: Zone(chrono_tz::Asia::Ho_Chi_Minh),
            program: Program { objects: manifests.collect(), items, calendars: vec![] },
            guards: Default::default(),
            own_priority_first: false,
            prepared: Vec::new(),
        };
        Ok(seal(&plan, &tenant()?, validity(), &plan_key()))
    }
}

fn item(planned: &Planned, objects: &[ObjectHash]) -> Result<Item> {
    let tracks = languages()?.into_iter().zip(objects);
    Ok(Item {
        id: planned.item.clone(),
        revision: planned.revision,
        bulletin: BulletinId::new("b-1")?,
        title: "Tin thôn".to_owned(),
        class: Class::Normal,
        category: Category::LocalNotice,
        start: Start::At(planned.nominal),
        valid_from: None,
        valid_until: None,
        start_within_ms: WITHIN_MS,
        tracks: tracks.map(|(language, object)| Track { language, object: *object }).collect(),
        rules: ItemRules { after_interruption: planned.policy, ..ItemRules::default() },
        status: Default::default(),
    })
}
