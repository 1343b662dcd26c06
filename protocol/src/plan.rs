//! The desired state of an area and of a node: whole documents, applied atomically, never deltas.
//!
//! Each document is signed in an [envelope](crate::envelope) and carries an [`Epoch`] that only ever rises. A node
//! applies a document to its store, then reports epoch and digest back, and the controller compares.

use chrono_tz::Tz;
use minicbor::{Decode, Decoder, Encode, Encoder};

use crate::area::AreaPath;
use crate::bulletin::{Category, Class, Language, Status};
use crate::ids::{AreaId, BulletinId, ItemId, NodeId, ObjectHash};
use crate::time::UnixMs;
use crate::timeline::{self, Calendar, Guards, ItemRules, Start};
use crate::transfer::Manifest;
use crate::wire::{Wire, WireError, require};

/// Most items in one document.
pub const ITEMS_MAX: usize = 1_000;
/// Most objects that an area's nodes keep ready for emergencies.
pub const PREPARED_MAX: usize = 64;
/// Most tracks of one item.
pub const TRACKS_MAX: usize = 16;
/// Most languages of one village.
pub const LANGUAGES_MAX: usize = 16;
/// Longest title, in bytes.
pub const TITLE_MAX_BYTES: usize = 400;
/// Longest tolerance of a late start: 24 hours.
pub const START_WITHIN_MAX_MS: u32 = 24 * 3600 * 1000;

/// The version of a document.
///
/// The controller takes the later of the previous epoch + 1 and the wall clock in milliseconds since 1970, so a
/// controller that was restored from an old backup still issues epochs above those that nodes have seen.
pub type Epoch = u64;

/// An IANA time zone that this program knows, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Zone(pub Tz);

impl Zone {
    /// The zone of this name, such as `Asia/Ho_Chi_Minh`; `None` where this program knows none.
    pub fn named(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }
}

impl<C> Encode<C> for Zone {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(self.0.name())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Zone {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let name = d.str()?;
        Self::named(name).ok_or_else(|| {
            minicbor::decode::Error::message(format!("{name:?} is no time zone that this program knows"))
        })
    }
}

/// One language's sound of an item.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Track {
    /// The language spoken.
    #[n(0)]
    pub language: Language,
    /// The object to play; its manifest is in the same document.
    #[n(1)]
    pub object: ObjectHash,
}

/// A bulletin, and when it starts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Item {
    /// The item's name; a schedule of the controller.
    #[n(0)]
    pub id: ItemId,
    /// Rises with every change of what is played.
    #[n(1)]
    pub revision: u32,
    /// The bulletin that is played.
    #[n(2)]
    pub bulletin: BulletinId,
    /// The bulletin's title, for displays and reports.
    #[n(3)]
    pub title: String,
    /// Class of the bulletin.
    #[n(4)]
    pub class: Class,
    /// Category of the bulletin.
    #[n(5)]
    pub category: Category,
    /// When it starts.
    #[n(6)]
    pub start: Start,
    /// No start before this instant.
    #[n(7)]
    pub valid_from: Option<UnixMs>,
    /// No start at or after this instant.
    #[n(8)]
    pub valid_until: Option<UnixMs>,
    /// How late a start may still be, in milliseconds; later, the occurrence is missed.
    #[n(9)]
    pub start_within_ms: u32,
    /// The sounds. Which of them a village hears, and in which order, is [`Item::heard`].
    #[n(10)]
    pub tracks: Vec<Track>,
    /// How it sounds, beyond that.
    #[n(11)]
    #[cbor(skip_if = "ItemRules::is_default")]
    pub rules: ItemRules,
    /// Whether it is meant, or an exercise.
    #[n(12)]
    #[cbor(skip_if = "Status::is_actual")]
    pub status: Status,
}

impl Item {
    /// The tracks that a village hears, in the order in which they sound, for its languages, first spoken first. See
    /// [`languages_heard`].
    pub fn heard(&self, languages: &[Language]) -> Vec<&Track> {
        let track = |language: &Language| self.tracks.iter().find(|track| track.language == *language);
        let heard = languages_heard(|language| track(language).is_some(), languages);
        heard.iter().filter_map(track).collect()
    }
}

/// Of a village's languages those that have a track, in the village's order. When none has one, the Vietnamese track
/// alone, if there is one: everywhere some understand it, and a storm warning that nobody hears helps nobody. A village
/// whose languages are not known (none is given) hears nothing.
pub fn languages_heard(has_track: impl Fn(&Language) -> bool, languages: &[Language]) -> Vec<Language> {
    let own: Vec<Language> = languages.iter().filter(|language| has_track(language)).cloned().collect();
    let vietnamese = Language::vietnamese();
    if own.is_empty() && !languages.is_empty() && has_track(&vietnamese) { vec![vietnamese] } else { own }
}

/// Items and the manifests of all objects that they name.
#[derive(Clone, Debug, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Program {
    /// The items, ascending by id, no id twice.
    #[n(0)]
    pub items: Vec<Item>,
    /// The manifests, ascending by object, one for each object that an item names.
    #[n(1)]
    pub objects: Vec<Manifest>,
    /// The calendars that items name, ascending by id, no id twice.
    #[n(2)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub calendars: Vec<Calendar>,
}

impl Program {
    /// The manifest of an object.
    pub fn manifest(&self, object: &ObjectHash) -> Option<&Manifest> {
        self.objects.binary_search_by_key(object, |m| m.object).ok().map(|i| &self.objects[i])
    }

    /// The classes that the items have.
    pub fn classes(&self) -> Vec<Class> {
        Class::ALL.into_iter().filter(|c| self.items.iter().any(|i| i.class == *c)).collect()
    }

    pub(crate) fn check(&self) -> Result<(), WireError> {
        require(self.items.len() <= ITEMS_MAX, "items", "has at most 1000 entries")?;
        require(self.items.is_sorted_by(|a, b| a.id < b.id), "items", "ascends by id, none twice")?;
        require(
            self.objects.is_sorted_by(|a, b| a.object < b.object),
            "objects",
            "ascends by hash, none twice",
        )?;
        for manifest in &self.objects {
            manifest.check()?;
        }
        timeline::check_calendar_shapes(&self.calendars)?;
        for item in &self.items {
            require(item.title.len() <= TITLE_MAX_BYTES, "title", "has at most 400 bytes")?;
            require((1..=TRACKS_MAX).contains(&item.tracks.len()), "tracks", "has 1 to 16 entries")?;
            require(item.start_within_ms <= START_WITHIN_MAX_MS, "start_within_ms", "is at most 24 hours")?;
            let mut objects = item.tracks.iter().map(|track| &track.object).chain(item.rules.chimes());
            let known = objects.all(|object| self.manifest(object).is_some());
            require(known, "tracks, chimes", "name objects whose manifest is in the document")?;
            item.rules.check(item.class)?;
        }
        Ok(())
    }
}

/// What every node of an area plays. Topic `a/{area}/plan`, retained.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AreaPlan {
    /// The area.
    #[n(0)]
    pub area: AreaId,
    /// The document's version, equal to the envelope's sequence.
    #[n(1)]
    pub epoch: Epoch,
    /// The zone in which repeating starts are read.
    #[n(2)]
    pub zone: Zone,
    /// What to play.
    #[n(3)]
    pub program: Program,
    /// What no node of the area does, whatever is signed.
    #[n(4)]
    #[cbor(skip_if = "Guards::is_empty")]
    pub guards: Guards,
    /// Whether the area's own priority items go before those of wider areas (rule O2 of the [timeline]).
    #[n(5)]
    #[cbor(skip_if = "is_false")]
    pub own_priority_first: bool,
    /// Objects that the nodes keep ready for emergencies to come, ascending by object, at most [`PREPARED_MAX`]. Nothing plays them
    /// until a document has an item that does.
    #[n(6)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub prepared: Vec<Manifest>,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Wire for AreaPlan {
    fn check(&self) -> Result<(), WireError> {
        self.guards.check()?;
        require(self.prepared.len() <= PREPARED_MAX, "prepared", "has at most 64 entries")?;
        let ascends = self.prepared.is_sorted_by(|a, b| a.object < b.object);
        require(ascends, "prepared", "ascends by hash, none twice")?;
        self.prepared.iter().try_for_each(Manifest::check)?;
        self.program.check()
    }
}

/// What one node is and what it alone plays. Topic `d/{node}/desired`, retained.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct NodeDocument {
    /// The node.
    #[n(0)]
    pub node: NodeId,
    /// The document's version, equal to the envelope's sequence.
    #[n(1)]
    pub epoch: Epoch,
    /// Where the node stands: it obeys the plans of these areas.
    #[n(2)]
    pub path: AreaPath,
    /// The zone in which repeating starts are read.
    #[n(3)]
    pub zone: Zone,
    /// The languages of the village, first spoken first. Not empty.
    #[n(4)]
    pub languages: Vec<Language>,
    /// Loudness of the horn, 0 to 100.
    #[n(5)]
    pub volume_percent: u8,
    /// How often the node reports its health, in seconds, 10 to 86,400.
    #[n(6)]
    pub health_interval_s: u32,
    /// What this node alone plays.
    #[n(7)]
    pub program: Program,
    /// What the node does not do, whatever is signed.
    #[n(8)]
    #[cbor(skip_if = "Guards::is_empty")]
    pub guards: Guards,
    /// What the node's line carries, in kbit/s; `None`: nobody has said. Below
    /// [`WAVE_LINE_MIN_KBIT_S`](crate::transfer::WAVE_LINE_MIN_KBIT_S) it does not subscribe to waves.
    #[n(9)]
    pub line_kbit_s: Option<u32>,
}

impl Wire for NodeDocument {
    fn check(&self) -> Result<(), WireError> {
        self.path.check()?;
        require((1..=LANGUAGES_MAX).contains(&self.languages.len()), "languages", "has 1 to 16 entries")?;
        require(self.volume_percent <= 100, "volume_percent", "is at most 100")?;
        require(
            (10..=86_400).contains(&self.health_interval_s),
            "health_interval_s",
            "is from 10 to 86400 seconds",
        )?;
        self.guards.check()?;
        self.program.check()
    }
}
