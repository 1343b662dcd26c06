//! Somebody who controls the broker: sends what was forged, is old, has expired, or is meant for others. Nothing of it may
//! ever be applied, let alone sound.

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use loa_node_core::Slot;
use loa_protocol::bulletin::{Category, Class};
use loa_protocol::envelope::{Validity, seal, seal_key_set};
use loa_protocol::ids::AreaId;
use loa_protocol::keys::KeySet;
use loa_protocol::plan::{AreaPlan, Item, NodeDocument, Program, Track, Zone};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Guards, ItemRules, Start};
use loa_protocol::transfer::{Block, Codec, Manifest};
use loa_protocol::wire::Wire as _;

use super::office::{File, Publication, names};
use super::{DAY, MINUTE};
use crate::rng::Rng;

/// What is sent, and as what.
#[derive(Debug)]
pub(crate) enum Attack {
    /// On the topic of a document.
    Document(Slot, Vec<u8>),
    /// A block.
    Block(Vec<u8>),
}

/// One attack. `now` is the node's wall clock.
pub(crate) fn attack(rng: &mut Rng, file: &File<'_>, t: i64, now: UnixMs) -> Option<Attack> {
    let frame = &file.history.frame;
    let (commune, village) = names::place(file.index);
    let areas = [names::province(), names::commune(commune), names::village(commune, village)];
    let area = rng.pick(&areas).clone();
    let slot = Slot::Plan(area.clone());
    let fresh = frame.validity(now.0);
    let stranger = frame.ring.stranger();
    let trusted = frame.ring.plan_key(t);
    let document = |slot, bytes| Some(Attack::Document(slot, bytes));
    match rng.below(12) {
        0 => document(slot, plan(rng, area, now, fresh, Class::Normal, stranger)),
        1 => {
            // The right key, and one bit that it did not sign.
            let mut bytes = plan(rng, area, now, fresh, Class::Normal, trusted);
            let at = rng.below(bytes.len() as u64) as usize;
            bytes[at] ^= 1 << rng.below(8);
            document(slot, bytes)
        }
        2 => {
            // The right key, which may send no emergencies.
            document(slot, plan(rng, area, now, fresh, Class::Emergency, trusted))
        }
        3 => {
            let key = frame.ring.foreign_commune(commune);
            document(slot, plan(rng, area, now, fresh, Class::Normal, key))
        }
        4 => {
            // Another commune's plan, right in everything, on this one's topic.
            let other = names::commune(commune + 1);
            document(slot, plan(rng, other, now, fresh, Class::Normal, trusted))
        }
        5 => {
            let other = names::commune(commune + 1);
            let bytes = plan(rng, other.clone(), now, fresh, Class::Normal, trusted);
            document(Slot::Plan(other), bytes)
        }
        6 => {
            let seconds = now.seconds();
            let past = Validity {
                issued_at_s: seconds - 90_000,
                not_before_s: seconds - 90_000,
                expires_s: seconds - rng.range(1, 3_600),
            };
            document(slot, plan(rng, area, now, past, Class::Normal, trusted))
        }
        7 | 8 => replay(rng, file, t).map(|old| Attack::Document(old.slot.clone(), old.envelope.to_vec())),
        9 => {
            let keys = KeySet { version: epoch(now), keys: Vec::new() };
            document(Slot::Keys, seal_key_set(&keys, &names::tenant(), fresh, stranger))
        }
        10 => {
            let other = NodeDocument {
                node: names::node(file.index + 1),
                epoch: epoch(now),
                path: names::path(commune, village),
                zone: Zone(frame.zone),
                languages: vec![names::language("vi")],
                volume_percent: 100,
                health_interval_s: 10,
                program: program(rng, now, Class::Normal),
                guards: Guards::default(),
                line_kbit_s: None,
            };
            document(Slot::Node, seal(&other, &names::tenant(), fresh, trusted))
        }
        _ => {
            let named = file.publications.get(&slot)?.last()?.document.program()?;
            let manifest = named.objects.first()?;
            let length = manifest.block_range(0)?.1;
            let bytes = (0..length).map(|_| rng.below(256) as u8).collect();
            Some(Attack::Block(Block { object: manifest.object, index: 0, bytes }.to_cbor()))
        }
    }
}

/// Something that was right once.
fn replay(rng: &mut Rng, file: &File<'_>, t: i64) -> Option<Arc<Publication>> {
    let slots: Vec<&Slot> = file.publications.keys().collect();
    let slot = *rng.pick(&slots);
    let published = file.publications.get(slot)?;
    let past: Vec<&Arc<Publication>> = published.iter().filter(|p| p.at + MINUTE < t).collect();
    // Not the newest: that would be a mere redelivery.
    let old = past.len().checked_sub(1).filter(|count| *count > 0)?;
    Some(Arc::clone(past[rng.below(old as u64) as usize]))
}

pub(super) fn epoch(now: UnixMs) -> u64 {
    u64::try_from(now.0 + DAY).unwrap_or(0)
}

fn plan(
    rng: &mut Rng,
    area: AreaId,
    now: UnixMs,
    validity: Validity,
    class: Class,
    key: &SigningKey,
) -> Vec<u8> {
    let zone = Zone(chrono_tz::Asia::Ho_Chi_Minh);
    let plan = AreaPlan {
        area,
        epoch: epoch(now),
        zone,
        program: program(rng, now, class),
        guards: Guards::default(),
        own_priority_first: false,
        prepared: Vec::new(),
    };
    seal(&plan, &names::tenant(), validity, key)
}

/// Something loud, now.
pub(super) fn program(rng: &mut Rng, now: UnixMs, class: Class) -> Program {
    let bytes: Vec<u8> = rng.next().to_be_bytes().to_vec();
    let Ok(manifest) = Manifest::of(&bytes, 4_096, Codec::OggOpus, 60_000) else { return Program::default() };
    let item = Item {
        id: names::item("evil"),
        revision: 1,
        bulletin: names::bulletin("evil"),
        title: "…".to_owned(),
        class,
        category: Category::General,
        start: Start::At(now + MINUTE),
        valid_from: None,
        valid_until: None,
        start_within_ms: 3_600_000,
        tracks: vec![Track { language: names::language("vi"), object: manifest.object }],
        rules: ItemRules::default(),
        status: Default::default(),
    };
    Program { items: vec![item], objects: vec![manifest], calendars: Vec::new() }
}
