//! Signed documents that were verified, in the form in which the rest of the core uses them.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;
use loa_protocol::alert::{AreaAlerts, INLINE_MAX_BYTES};
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Language;
use loa_protocol::envelope::{Applied, Opened, Recipient, Refusal, Validity, open, open_alerts};
use loa_protocol::ids::ObjectHash;
use loa_protocol::keys::KeySet;
use loa_protocol::plan::{AreaPlan, Item, NodeDocument, Program};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Calendar, Guards};
use loa_protocol::transfer::Manifest;

use crate::input::Slot;

/// A verified document's program.
#[derive(Debug)]
pub(crate) struct Held {
    /// Kept to verify it again under another key set; a plan of a busy commune has some 30 KB, alerts at most 256.
    pub(super) envelope: Arc<[u8]>,
    pub(crate) applied: Applied,
    /// When it was applied, on the node's clock.
    pub(crate) applied_at: UnixMs,
    pub(super) validity: Validity,
    /// No start at or after this instant: the end of the document's or its key's validity, whichever is earlier.
    pub(crate) expires: UnixMs,
    pub(crate) zone: Tz,
    pub(crate) items: Vec<Arc<Item>>,
    pub(crate) calendars: Vec<Calendar>,
    pub(crate) guards: Guards,
    pub(crate) own_priority_first: bool,
    pub(crate) manifests: BTreeMap<ObjectHash, Arc<Manifest>>,
    /// Objects to have, although no item names them.
    pub(crate) prepared: BTreeMap<ObjectHash, Arc<Manifest>>,
    /// The bytes of objects that came with it: at most [`INLINE_MAX_BYTES`], and as much again from documents before it.
    pub(crate) inline: BTreeMap<ObjectHash, Arc<[u8]>>,
}

impl Held {
    /// Takes from the document whose place it takes what that brought inline, as far as this one still names it.
    pub(super) fn keep_inline(&mut self, previous: &Self) {
        let mut left = INLINE_MAX_BYTES;
        for (object, bytes) in &previous.inline {
            if self.manifests.contains_key(object) && !self.inline.contains_key(object) && bytes.len() <= left
            {
                left -= bytes.len();
                self.inline.insert(*object, Arc::clone(bytes));
            }
        }
    }
}

/// What the node's own document says beyond its program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) path: AreaPath,
    pub(crate) languages: Vec<Language>,
    pub(crate) volume_percent: u8,
    pub(crate) health_interval_s: u32,
    /// What the line carries, where somebody has said it.
    pub(crate) line_kbit_s: Option<u32>,
}

/// When an opened document and its key cease to be valid.
fn expiry<T>(opened: &Opened<T>, keys: &KeySet) -> Result<UnixMs, Refusal> {
    let (_, scope) = keys.find(opened.claims.key).ok_or(Refusal::UnknownKey)?;
    Ok(UnixMs::from_seconds(opened.claims.validity.expires_s).min(scope.not_after))
}

/// What all documents with a program have.
fn hold<T>(
    opened: &Opened<T>,
    envelope: &Arc<[u8]>,
    expires: UnixMs,
    now: UnixMs,
    zone: Tz,
    program: Program,
) -> Held {
    let Program { items, objects, calendars } = program;
    Held {
        envelope: Arc::clone(envelope),
        applied: opened.applied(),
        applied_at: now,
        validity: opened.claims.validity,
        expires,
        zone,
        items: items.into_iter().map(Arc::new).collect(),
        calendars,
        guards: Guards::default(),
        own_priority_first: false,
        manifests: by_object(objects),
        prepared: BTreeMap::new(),
        inline: BTreeMap::new(),
    }
}

fn by_object(manifests: Vec<Manifest>) -> BTreeMap<ObjectHash, Arc<Manifest>> {
    manifests.into_iter().map(|manifest| (manifest.object, Arc::new(manifest))).collect()
}

/// Verifies the document of an area that the slot keeps; that of another area than its topic's is [`Refusal::WrongAudience`].
pub(super) fn of_area(
    slot: &Slot,
    envelope: &Arc<[u8]>,
    keys: Option<&KeySet>,
    recipient: Recipient<'_>,
    now: UnixMs,
) -> Result<Held, Refusal> {
    let keys = keys.ok_or(Refusal::UnknownKey)?;
    match slot {
        Slot::Plan(area) => {
            let mut opened: Opened<AreaPlan> = open(envelope, keys, recipient, now)?;
            if opened.document.area != *area {
                return Err(Refusal::WrongAudience);
            }
            let expires = expiry(&opened, keys)?;
            let program = std::mem::take(&mut opened.document.program);
            let held = hold(&opened, envelope, expires, now, opened.document.zone.0, program);
            let AreaPlan { guards, own_priority_first, prepared, .. } = opened.document;
            Ok(Held { guards, own_priority_first, prepared: by_object(prepared), ..held })
        }
        Slot::Alert(area) => {
            let mut opened: Opened<AreaAlerts> = open_alerts(envelope, keys, recipient, now)?;
            if opened.document.area != *area {
                return Err(Refusal::WrongAudience);
            }
            let expires = expiry(&opened, keys)?;
            let items = opened.document.items_until(expires).collect();
            let program = Program { items, ..std::mem::take(&mut opened.document.program) };
            let held = hold(&opened, envelope, expires, now, opened.document.zone.0, program);
            let inline = opened.document.inline.into_iter().map(|inline| (inline.object, inline.bytes));
            Ok(Held { inline: inline.collect(), ..held })
        }
        Slot::Keys | Slot::Node | Slot::Command(_) => Err(Refusal::WrongKind),
    }
}

/// Verifies a node's own document.
pub(super) fn node(
    envelope: &Arc<[u8]>,
    keys: Option<&KeySet>,
    recipient: Recipient<'_>,
    now: UnixMs,
) -> Result<(Held, Profile), Refusal> {
    let keys = keys.ok_or(Refusal::UnknownKey)?;
    let mut opened: Opened<NodeDocument> = open(envelope, keys, recipient, now)?;
    let expires = expiry(&opened, keys)?;
    let program = std::mem::take(&mut opened.document.program);
    let held = hold(&opened, envelope, expires, now, opened.document.zone.0, program);
    let NodeDocument { path, languages, volume_percent, health_interval_s, guards, line_kbit_s, .. } =
        opened.document;
    Ok((Held { guards, ..held }, Profile { path, languages, volume_percent, health_interval_s, line_kbit_s }))
}
