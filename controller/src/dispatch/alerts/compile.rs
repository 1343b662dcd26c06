//! The emergencies in force, turned into the documents that nodes obey. Pure: rows and sounds in, documents out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono_tz::Tz;
use loa_protocol::alert::{ALERTS_MAX, AreaAlerts, INLINE_MAX_BYTES, Inline};
use loa_protocol::bulletin::Status;
use loa_protocol::ids::{AreaId, BulletinId, ItemId, ObjectHash};
use loa_protocol::plan::{Item, Program, START_WITHIN_MAX_MS, Track, Zone};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{AfterInterruption, ItemRules, Start};
use loa_protocol::transfer::Manifest;
use loa_protocol::wire::{Wire as _, WireError};

use crate::domain::alert::Alert;
use crate::domain::bulletin::Revision;

/// How long before it was released an alert starts by its plan: a node whose clock is a little behind does not wait for it.
const BACKDATED_MS: i64 = 10_000;

/// A sound of an alert.
#[derive(Clone, Debug)]
pub(super) struct Sound {
    /// What nodes check it by.
    pub(super) manifest: Manifest,
    /// Its bytes; `None` where they are too many to go inline, or cannot be read.
    pub(super) bytes: Option<Arc<[u8]>>,
}

/// An alert in force with its words, all its sounds made.
#[derive(Clone, Debug)]
pub(super) struct InForce {
    /// The alert.
    pub(super) alert: Alert,
    /// Its words.
    pub(super) revision: Revision,
}

/// A document of an area, its epoch still 0, and which alerts it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compiled {
    /// The document.
    pub(super) document: AreaAlerts,
    /// The alerts in it.
    pub(super) carries: Vec<BulletinId>,
    /// When the last of them expires; `None`: there is none.
    pub(super) expires: Option<UnixMs>,
}

/// What was left out of an area's document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// The area.
    pub(super) area: AreaId,
    /// The alert.
    pub(super) alert: BulletinId,
    /// Why.
    pub(super) why: WhyLeftOut,
}

/// Why an alert is not in a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum WhyLeftOut {
    /// The area has more than nodes take at once.
    #[error("an area has at most {ALERTS_MAX} emergencies at once; stop one of them")]
    TooMany,
    /// A sound is missing on the disk.
    #[error("a sound of it is missing in the store")]
    NoSound,
    /// It breaks a rule of the protocol.
    #[error("it breaks a limit of the protocol: {0}")]
    Refused(WireError),
}

/// The item of an alert, as nodes obey it; `None` for an id that is none on the wire.
pub fn item(alert: &Alert, revision: &Revision) -> Option<Item> {
    let start = alert.released.unwrap_or(alert.created.at) - BACKDATED_MS;
    let within_ms = u32::try_from(alert.expires.since(start)).unwrap_or(0).min(START_WITHIN_MAX_MS);
    let sound = |track: &crate::domain::bulletin::Track| {
        Some(Track { language: track.content.language.clone(), object: track.object? })
    };
    Some(Item {
        id: ItemId::new(alert.id.as_str()).ok()?,
        revision: revision.number,
        bulletin: alert.id.clone(),
        title: revision.title.clone(),
        class: revision.class,
        category: revision.category,
        start: Start::At(start),
        valid_from: None,
        valid_until: Some(alert.expires),
        start_within_ms: within_ms,
        tracks: revision.tracks.iter().filter_map(sound).collect(),
        rules: ItemRules {
            repeats: alert.repeats,
            severity: alert.severity,
            // A warning that was cut short is worth nothing.
            after_interruption: AfterInterruption::Restart,
            updates: alert.corrects.iter().cloned().collect(),
            ..ItemRules::default()
        },
        status: alert.status,
    })
}

/// The documents of these areas: each with the alerts that are in force there, those of other areas empty. Where more are in force than
/// nodes take, what is real goes before exercises and tests, and what was released last before what has been sounding. The bytes of a
/// document are the same on every run.
pub(super) fn compile(
    in_force: &[InForce],
    sounds: &BTreeMap<ObjectHash, Sound>,
    areas: &BTreeMap<AreaId, Tz>,
) -> (Vec<Compiled>, Vec<LeftOut>) {
    let mut left_out = Vec::new();
    let one = |(area, zone): (&AreaId, &Tz)| {
        let mut document = AreaAlerts {
            area: area.clone(),
            epoch: 0,
            zone: Zone(*zone),
            program: Program::default(),
            inline: Vec::new(),
        };
        let mut carried: Vec<&InForce> = Vec::new();
        let is_here = |one: &&InForce| one.alert.areas.iter().any(|place| place.id == *area);
        let mut here: Vec<&InForce> = in_force.iter().filter(is_here).collect();
        here.sort_by_key(|one| (one.alert.status != Status::Actual, Reverse(one.alert.released)));
        for one in here {
            match with(&document, one, sounds) {
                Ok(more) => {
                    document = more;
                    carried.push(one);
                }
                Err(why) => left_out.push(LeftOut { area: area.clone(), alert: one.alert.id.clone(), why }),
            }
        }
        document.inline = inline(&carried, sounds);
        let carries = carried.iter().map(|one| one.alert.id.clone()).collect();
        let expires = carried.iter().map(|one| one.alert.expires).max();
        Compiled { document, carries, expires }
    };
    let compiled = areas.iter().map(one).collect();
    (compiled, left_out)
}

/// A document with one more alert; of its sounds the manifests.
fn with(
    document: &AreaAlerts,
    InForce { alert, revision }: &InForce,
    sounds: &BTreeMap<ObjectHash, Sound>,
) -> Result<AreaAlerts, WhyLeftOut> {
    if document.program.items.len() == ALERTS_MAX {
        return Err(WhyLeftOut::TooMany);
    }
    let item = item(alert, revision).ok_or(WhyLeftOut::NoSound)?;
    let objects: BTreeSet<ObjectHash> = item.tracks.iter().map(|track| track.object).collect();
    if item.tracks.len() != revision.tracks.len() || !objects.iter().all(|o| sounds.contains_key(o)) {
        return Err(WhyLeftOut::NoSound);
    }
    let mut more = document.clone();
    for sound in objects.iter().filter_map(|object| sounds.get(object)) {
        if !more.program.objects.contains(&sound.manifest) {
            more.program.objects.push(sound.manifest.clone());
        }
    }
    more.program.items.push(item);
    more.program.items.sort_by(|a, b| a.id.cmp(&b.id));
    more.program.objects.sort_by_key(|manifest| manifest.object);
    more.check().map_err(WhyLeftOut::Refused)?;
    Ok(more)
}

/// The sounds that go inline, as far as there is room, in the order of what is carried: what is real before exercises and tests, and what
/// was released last before what nodes that are connected have kept from the document before; a track's before the next one's.
fn inline(carried: &[&InForce], sounds: &BTreeMap<ObjectHash, Sound>) -> Vec<Inline> {
    let mut room = INLINE_MAX_BYTES;
    let mut inline: BTreeMap<ObjectHash, Arc<[u8]>> = BTreeMap::new();
    for object in carried.iter().flat_map(|one| &one.revision.tracks).filter_map(|track| track.object) {
        let bytes = sounds.get(&object).and_then(|sound| sound.bytes.as_ref());
        if let Some(bytes) = bytes.filter(|bytes| bytes.len() <= room && !inline.contains_key(&object)) {
            room -= bytes.len();
            inline.insert(object, Arc::clone(bytes));
        }
    }
    inline.into_iter().map(|(object, bytes)| Inline { object, bytes }).collect()
}
