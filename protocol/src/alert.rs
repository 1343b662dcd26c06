//! What must sound at once: the emergencies of an area, as a document of its own. Topic `a/{area}/alert`, retained.
//!
//! It is whole like a plan: a node that was away gets it on connecting, and a cancelled emergency is one that a newer document does
//! not have. Beside the items it carries sounds *inline*, so that nothing has to be fetched before they sound. A node says what
//! became of it in an [`AlertAnswer`] at once, because a receipt tells only how a session ended.

use std::sync::Arc;

use minicbor::{Decode, Encode};

use crate::bulletin::Class;
use crate::envelope::{Audience, ContentType, Refusal, Signed};
use crate::ids::{AreaId, ItemId, ObjectHash, TenantId};
use crate::keys::Purpose;
use crate::plan::{Epoch, Item, Program, Zone};
use crate::time::UnixMs;
use crate::timeline::{SessionPlan, Start};
use crate::wire::{Wire, WireError, require};

/// Most items of an area that are emergencies at once.
pub const ALERTS_MAX: usize = 16;
/// Most bytes of sound in one document, all objects together.
pub const INLINE_MAX_BYTES: usize = 128 * 1024;
/// Longest session of an item, in milliseconds, in a village that hears every track: repeats, pauses and chimes included.
pub const ALERT_LONGEST_MS: i64 = 10 * 60 * 1000;
/// Longest time from issue to expiry, in seconds: 24 hours.
pub const VALID_MAX_S: i64 = 24 * 3600;

/// The emergencies of an area. Topic `a/{area}/alert`, retained, and dropped by the broker when its envelope expires.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AreaAlerts {
    /// The area.
    #[n(0)]
    pub area: AreaId,
    /// The document's version, equal to the envelope's sequence.
    #[n(1)]
    pub epoch: Epoch,
    /// The zone in which the items' excluded dates are read.
    #[n(2)]
    pub zone: Zone,
    /// What to play: at most [`ALERTS_MAX`] items, all of the class emergency, each starting once. None is left when all are cancelled.
    #[n(3)]
    pub program: Program,
    /// Sounds that come with the document, ascending by object, none twice, at most [`INLINE_MAX_BYTES`] in all. The program has the
    /// manifest of each; objects with a manifest alone are fetched, or are there already.
    #[n(4)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub inline: Vec<Inline>,
}

/// A sound inside a document.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Inline {
    /// The object.
    #[n(0)]
    pub object: ObjectHash,
    /// All of its bytes.
    #[n(1)]
    #[cbor(with = "shared_bytes")]
    pub bytes: Arc<[u8]>,
}

/// A CBOR byte string whose bytes many may hold.
mod shared_bytes {
    use std::sync::Arc;

    use minicbor::{Decoder, Encoder};

    pub(super) fn encode<C, W: minicbor::encode::Write>(
        bytes: &Arc<[u8]>,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(bytes)?.ok()
    }

    pub(super) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Arc<[u8]>, minicbor::decode::Error> {
        d.bytes().map(Arc::from)
    }
}

impl AreaAlerts {
    /// The items as a node plays them, for a document whose validity ends at `expires`: whatever an item tolerates, none begins at
    /// that instant or later.
    pub fn items_until(&self, expires: UnixMs) -> impl Iterator<Item = Item> + '_ {
        self.program.items.iter().map(move |item| {
            let Start::At(nominal) = &item.start else { return item.clone() };
            let left_ms = u32::try_from(expires.since(*nominal).saturating_sub(1).max(0)).unwrap_or(u32::MAX);
            Item { start_within_ms: item.start_within_ms.min(left_ms), ..item.clone() }
        })
    }

    fn check_item(&self, item: &Item) -> Result<(), WireError> {
        require(item.class == Class::Emergency, "class", "is emergency in a document of alerts")?;
        require(matches!(item.start, Start::At(_)), "start", "is one instant in a document of alerts")?;
        let languages: Vec<_> = item.tracks.iter().map(|track| track.language.clone()).collect();
        let duration = |object: &ObjectHash| Some(self.program.manifest(object)?.duration_ms);
        let longest_ms = SessionPlan::new(item, &languages, duration).map_or(0, |plan| plan.length_ms(0));
        require(longest_ms <= ALERT_LONGEST_MS, "tracks, repeats", "last at most 10 minutes in all languages")
    }

    fn check_inline(&self) -> Result<(), WireError> {
        let ascends = self.inline.is_sorted_by(|a, b| a.object < b.object);
        require(ascends, "inline", "ascends by hash, none twice")?;
        let all_bytes: usize = self.inline.iter().map(|inline| inline.bytes.len()).sum();
        require(all_bytes <= INLINE_MAX_BYTES, "inline", "has at most 128 KiB in all")?;
        for Inline { object, bytes } in &self.inline {
            let manifest = self.program.manifest(object);
            let is_named = manifest.is_some_and(|m| usize::try_from(m.size_bytes) == Ok(bytes.len()));
            require(is_named, "inline", "has objects whose manifest is in the document, of that size")?;
            require(
                ObjectHash::of(bytes) == *object,
                "inline",
                "has the bytes that the object's hash names",
            )?;
        }
        Ok(())
    }
}

impl Wire for AreaAlerts {
    fn check(&self) -> Result<(), WireError> {
        require(
            self.program.items.len() <= ALERTS_MAX,
            "items",
            "has at most 16 entries in a document of alerts",
        )?;
        self.program.check()?;
        self.program.items.iter().try_for_each(|item| self.check_item(item))?;
        self.check_inline()
    }
}

impl Signed for AreaAlerts {
    const CONTENT: ContentType = ContentType::Alert;
    const PURPOSE: Purpose = Purpose::Emergency;

    fn audience(&self, tenant: &TenantId) -> Audience {
        Audience::Area(tenant.clone(), self.area.clone())
    }
    fn sequence(&self) -> u64 {
        self.epoch
    }
    /// Also of a document without items: who cancels needs what who alarms needs.
    fn classes(&self) -> Vec<Class> {
        vec![Class::Emergency]
    }
}

/// What a node says of an area's alerts, at once. Topic `u/{node}/answer`, QoS 1. One that is lost is not repeated: what is in force is
/// in the node's [`State`](crate::report::State), and how each item ended in its receipt.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AlertAnswer {
    /// The area on whose topic the document came.
    #[n(0)]
    pub area: AreaId,
    /// The document's epoch; of one that was refused it is what its envelope says, which anybody may have written.
    #[n(1)]
    pub epoch: Epoch,
    /// When the document came, on the node's clock.
    #[n(2)]
    pub received: UnixMs,
    /// What became of it.
    #[n(3)]
    pub verdict: Verdict,
}

/// What became of a document of alerts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Verdict {
    /// It was verified at this instant, and is in force.
    #[n(0)]
    Verified(#[n(0)] UnixMs),
    /// It was refused, and nothing of it sounds.
    #[n(1)]
    Refused(#[n(0)] Refusal),
    /// The first sample of one of its items is at the device.
    #[n(2)]
    Sounding {
        /// The item.
        #[n(0)]
        item: ItemId,
        /// The item's revision.
        #[n(1)]
        revision: u32,
        /// When, on the node's clock.
        #[n(2)]
        started: UnixMs,
    },
}

impl Wire for AlertAnswer {}
