//! The emergencies in force, turned into the documents that nodes obey. Pure: rows and sounds in, documents out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono_tz::Tz;
use loa_protocol::alert::{ALERTS_MAX, AreaAlerts, INLINE_MAX_BYTES, Inline};
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
    /// Its bytes; `None` where they are too many to go inline anyway.
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

/// The documents of these areas: each with the alerts that are in force there, earliest released first, those of other areas empty. The
/// bytes of a document are the same on every run.
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
        let (mut carries, mut expires) = (Vec::new(), None);
        let here = in_force.iter().filter(|one| one.alert.areas.iter().any(|place| place.id == *area));
        for InForce { alert, revision } in here {
            match with(&document, alert, revision, sounds) {
                Ok(more) => {
                    document = more;
                    carries.push(alert.id.clone());
                    expires = expires.max(Some(alert.expires));
                }
                Err(why) => left_out.push(LeftOut { area: area.clone(), alert: alert.id.clone(), why }),
            }
        }
        Compiled { document, carries, expires }
    };
    let compiled = areas.iter().map(one).collect();
    (compiled, left_out)
}

/// A document with one more alert, whose sounds go inline as far as there is room.
fn with(
    document: &AreaAlerts,
    alert: &Alert,
    revision: &Revision,
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
    let mut room = INLINE_MAX_BYTES - more.inline.iter().map(|inline| inline.bytes.len()).sum::<usize>();
    for (object, sound) in objects.iter().filter_map(|object| sounds.get_key_value(object)) {
        if more.program.objects.iter().any(|manifest| manifest.object == *object) {
            continue;
        }
        more.program.objects.push(sound.manifest.clone());
        if let Some(bytes) = sound.bytes.as_ref().filter(|bytes| bytes.len() <= room) {
            room -= bytes.len();
            more.inline.push(Inline { object: *object, bytes: Arc::clone(bytes) });
        }
    }
    more.program.items.push(item);
    more.program.items.sort_by(|a, b| a.id.cmp(&b.id));
    more.program.objects.sort_by_key(|manifest| manifest.object);
    more.inline.sort_by_key(|inline| inline.object);
    more.check().map_err(WhyLeftOut::Refused)?;
    Ok(more)
}
