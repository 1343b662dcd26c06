//! What the shell tells the core: who the node is, what was stored, and what happened.

use std::fmt;
use std::sync::Arc;

use ed25519_dalek::VerifyingKey;
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Class;
use loa_protocol::clock::ClockSource;
use loa_protocol::command::Addressee;
use loa_protocol::envelope::Applied;
use loa_protocol::ids::{AreaId, BulletinId, Digest, ItemId, NodeId, ObjectHash, OccurrenceId, TenantId};
use loa_protocol::receipt::Reason;
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Aired, OwnGuards};
use loa_protocol::transfer::{Bitmap, Manifest};
use minicbor::{Decode, Encode};

/// The instant of an input, on both clocks.
///
/// Schedules follow `wall`; retries and time-outs follow `monotonic_ms`, which no time source ever steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The wall clock, already floored by the shell: never earlier than the latest instant that the node has known.
    pub wall: UnixMs,
    /// Milliseconds since any fixed instant of this boot; never goes back.
    pub monotonic_ms: u64,
}

/// Who the node is, from its enrolment.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The tenant.
    pub tenant: TenantId,
    /// The node.
    pub node: NodeId,
    /// Where the node was enrolled, or [`AreaPath::unplaced`]; its own document may move it.
    pub path: AreaPath,
    /// The root key, pinned at enrolment: the only key that signs key sets.
    pub root: VerifyingKey,
}

/// What the board allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Room for audio, whole and partial objects together, in bytes. Must leave room on the disk for the database.
    pub cache_quota_bytes: u64,
    /// How long the amplifier needs from power-on to sound, in milliseconds.
    pub amplifier_warm_up_ms: u32,
    /// How long the amplifier stays on after the last sound, in milliseconds.
    pub amplifier_tail_ms: u32,
    /// What the board does not do, whatever is signed. They hold beside those of the documents: the strictest decides (rule
    /// G1 of the [timeline](loa_protocol::timeline)).
    pub own_guards: Option<OwnGuards>,
    /// Before it opens its bulk link a node waits for a part of this time that differs from board to board, in milliseconds, so
    /// that a plan for a province does not bring all of them at once; never more than a hundredth of the time until the
    /// object is due.
    pub fetch_spread_ms: u32,
    /// A secret of this boot, from which the nonces of requests for the time are made; `None`: the node never asks the controller
    /// for the time.
    pub time_secret: Option<TimeSecret>,
}

/// 32 random bytes, drawn at each boot. Never printed, and told to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct TimeSecret(pub [u8; 32]);

impl fmt::Debug for TimeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TimeSecret")
    }
}

/// How the node's clock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How far it is to be trusted.
    pub trust: ClockTrust,
    /// Where it has the time from.
    pub source: ClockSource,
}

/// Of a clock that never asks the controller.
impl From<ClockTrust> for Standing {
    fn from(trust: ClockTrust) -> Self {
        let source = match trust {
            ClockTrust::Trusted => ClockSource::System,
            ClockTrust::Holdover => ClockSource::Held,
            ClockTrust::Unknown => ClockSource::Unknown,
        };
        Self { trust, source }
    }
}

impl Default for Settings {
    /// 512 MiB of cache, 2 s of warm-up, 3 s of tail, no guards of its own, up to 20 s before fetching begins, no time from the
    /// controller.
    fn default() -> Self {
        Self {
            cache_quota_bytes: 512 * 1024 * 1024,
            amplifier_warm_up_ms: 2_000,
            amplifier_tail_ms: 3_000,
            own_guards: None,
            fetch_spread_ms: 20_000,
            time_secret: None,
        }
    }
}

/// What the shell found in its store at boot. [`Restored::default`] is a fresh node.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// The signed documents as last saved by [`Action::SaveDocument`](crate::Action::SaveDocument) and not forgotten
    /// since. The core verifies each of them again.
    pub documents: Vec<(Slot, StoredDocument)>,
    /// What was last applied in each slot, forgotten documents included: the guard against replay.
    pub applied: Vec<(Slot, Applied)>,
    /// The occurrences that have a receipt, acknowledged or not; when there are more than
    /// [`LEDGER_MAX`](crate::LEDGER_MAX), those with the latest nominal starts. Never by age: the clock may be wrong.
    pub ledger: Vec<LedgerEntry>,
    /// Intents without a receipt: what sounded, or was about to, when the power went.
    pub intents: Vec<Intent>,
    /// The number of the next receipt; 0 and 1 both mean that there was none. A counter of its own: receipts may have
    /// been deleted.
    pub next_receipt: u64,
    /// Digest of the newest receipt, acknowledged or not; `None` when there was none.
    pub last_receipt: Option<Digest>,
    /// The numbers of the receipts that no [`Action::DeleteReceipts`](crate::Action::DeleteReceipts) has named.
    pub unacknowledged: Vec<u64>,
    /// The whole objects in the cache.
    pub objects: Vec<WholeObject>,
    /// The objects of which a part is in the cache, each block re-hashed against the manifest that came with
    /// [`Action::BeginObject`](crate::Action::BeginObject).
    pub partial: Vec<PartialObject>,
}

/// What a signed document is kept under: one document each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// The key set.
    Keys,
    /// The node's own document.
    Node,
    /// The plan of an area.
    Plan(AreaId),
    /// Orders to the nodes of an area, or to this node (`None`). Nothing is kept in it but what was applied.
    Command(Option<AreaId>),
    /// The alerts of an area.
    Alert(AreaId),
}

impl Slot {
    /// The area whose document it keeps.
    pub(crate) fn area(&self) -> Option<&AreaId> {
        match self {
            Self::Plan(area) | Self::Alert(area) => Some(area),
            Self::Keys | Self::Node | Self::Command(_) => None,
        }
    }

    /// The slot of orders to this addressee.
    pub(crate) fn of(addressee: &Addressee) -> Self {
        match addressee {
            Addressee::Area(area) => Self::Command(Some(area.clone())),
            Addressee::Node(_) => Self::Command(None),
        }
    }
}

/// A signed document with what must be known to open it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDocument {
    /// The envelope, as it was received.
    pub envelope: Arc<[u8]>,
    /// Its sequence and digest.
    pub applied: Applied,
    /// When it was applied, on the node's clock. Occurrences that could no longer start by then are not this node's.
    pub applied_at: UnixMs,
    /// Where the node stood once it was applied; for the node's own document, the place that it names.
    pub path: AreaPath,
    /// When its signer says that it was issued, but never later than it was applied, by this node's clock: a signer whose
    /// clock is ahead moves nobody else's. [`UnixMs`] 0 where that was not kept.
    pub issued_at: UnixMs,
}

/// An occurrence that has a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// When it was planned.
    pub nominal: UnixMs,
    /// Its item.
    pub item: ItemId,
    /// The item's revision.
    pub revision: u32,
    /// Whether it sounded, or may have: the receipt has a [`Sound`](loa_protocol::receipt::Receipt::sound), or it was ordered
    /// when the power went. If so, no later revision of the item
    /// sounds for the same nominal start.
    pub sounded: bool,
    /// What of it counts towards the budgets of its day.
    pub aired: Option<Aired>,
}

/// The node is about to make an occurrence sound, or does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The occurrence.
    pub occurrence: OccurrenceId,
    /// Its item.
    pub item: ItemId,
    /// The item's revision.
    pub revision: u32,
    /// The item's bulletin.
    pub bulletin: BulletinId,
    /// When it was planned.
    pub nominal: UnixMs,
    /// Its class.
    pub class: Class,
    /// When the first sample left for the device; `None` while it has not.
    pub started: Option<UnixMs>,
    /// How far it got.
    pub progress: Progress,
}

/// How far a session got, so that it can be taken up again (section I of the [timeline](loa_protocol::timeline)) and its
/// budget is not spent twice. Encoded for the store alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Progress {
    /// The part from which it goes on.
    #[n(0)]
    pub part: u32,
    /// Milliseconds of sound that are known to have been heard.
    #[n(1)]
    pub played_ms: u32,
    /// Milliseconds of sound that were planned and may have been heard: of the session that is on, and of one that a power cut
    /// ended.
    #[n(2)]
    pub planned_ms: u32,
    /// Why it was interrupted and waits; `None` while it sounds or is about to.
    #[n(3)]
    pub interrupted: Option<Reason>,
    /// Who cut it, if somebody did.
    #[n(4)]
    pub cut_by: Option<OccurrenceId>,
    /// Whether it was taken up again: there is no second time.
    #[n(5)]
    pub is_taken_up: bool,
    /// Why it will not have sounded wholly.
    #[n(6)]
    pub defect: Option<Reason>,
}

impl Progress {
    /// What counts towards the budgets, in milliseconds of sound.
    pub fn aired_ms(&self) -> i64 {
        i64::from(self.played_ms) + i64::from(self.planned_ms)
    }
}

/// An object whose bytes are all there and whose hash was right when it was finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeObject {
    /// The object.
    pub object: ObjectHash,
    /// Its length in bytes.
    pub size_bytes: u32,
    /// When it was last played, or stored; decides what leaves the cache first.
    pub last_used: UnixMs,
}

/// An object of which a part is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialObject {
    /// Its manifest, as [`Action::BeginObject`](crate::Action::BeginObject) gave it.
    pub manifest: Manifest,
    /// The blocks that are in the file with the right hash.
    pub have: Bitmap,
}

/// One of the node's two connections to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// Documents, reports, receipts. Always wanted; the shell connects again by itself, with back-off.
    Control,
    /// Audio. Wanted between [`Action::OpenBulk`](crate::Action::OpenBulk) and
    /// [`Action::CloseBulk`](crate::Action::CloseBulk); meanwhile the shell connects again by itself, with back-off.
    Bulk,
}

/// What happened to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// CONNACK came on the control link. The core subscribes anew whatever `session_present` says.
    ControlUp {
        /// Whether the broker says that it kept a session. Proves nothing; for logs only.
        session_present: bool,
        /// Number of the connection since boot, from 1; the one that the will names ([`Core::presence`](crate::Core::presence)).
        connection: u64,
    },
    /// The control link is gone.
    ControlDown,
    /// CONNACK came on the bulk link.
    BulkUp,
    /// The bulk link is gone.
    BulkDown,
}

/// Names one sound on its way through the speaker; never used twice in a boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// What happened to the speaker. Every [`Action::Play`](crate::Action::Play) ends in exactly one of `Finished`,
/// `Stopped` and `Failed`; events of unknown tokens are ignored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SpeakerEvent {
    /// The first sample of a sound is at the device.
    Started {
        /// The sound.
        token: Token,
        /// When, on the node's clock.
        at: UnixMs,
        /// Actual minus requested instant in milliseconds; positive is late.
        error_ms: f32,
    },
    /// The whole sound was played.
    Finished {
        /// The sound.
        token: Token,
        /// Milliseconds of sound.
        played_ms: u32,
    },
    /// The sound was ended by [`Action::StopSound`](crate::Action::StopSound).
    Stopped {
        /// The sound.
        token: Token,
        /// Milliseconds of sound until then.
        played_ms: u32,
    },
    /// The sound could not be played, or not to its end.
    Failed {
        /// The sound.
        token: Token,
        /// Why.
        kind: SpeakerFailure,
        /// Milliseconds of sound until then.
        played_ms: u32,
    },
}

/// Why a sound was not played to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpeakerFailure {
    /// The device could not be opened, refused the sound, or went away. Tried again while the start may still be late.
    Device,
    /// The object cannot be decoded, or not wholly.
    Audio,
    /// The object's file is gone, has changed or cannot be read. Before anything sounded the start is tried again, like after
    /// trouble with the device, for the object may be fetched anew; later the session goes on without this track.
    Unreadable,
    /// The board could not have it ready by the latest instant at which it might begin: the disk or the relay took too long.
    /// Before anything sounded the occurrence is missed as too late; later the session goes on without this track.
    Late,
    /// An intent of it is not on the disk, which is full: nothing but an emergency sounds that would be unknown after a power cut
    /// ([`Backlog::holds_back`](crate::Backlog::holds_back)). Tried again while the start may still be late.
    Unrecorded,
}

/// What became of an action on the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreEvent {
    /// The block is in the file, durable or soon to be (synced every few blocks, and before `ObjectReady`).
    BlockStored {
        /// The object.
        object: ObjectHash,
        /// Number of the block.
        index: u32,
    },
    /// The whole object's hash is right, and the file has its final name, durably.
    ObjectReady {
        /// The object.
        object: ObjectHash,
    },
    /// The whole object's hash is wrong (after [`Action::FinishObject`](crate::Action::FinishObject), or of a whole
    /// object found so later). The shell has deleted the file; the core fetches it anew.
    ObjectCorrupt {
        /// The object.
        object: ObjectHash,
    },
    /// There was no room for a block of this object, or to finish it. Blocks not yet reported stored are lost.
    Full {
        /// The object.
        object: ObjectHash,
    },
    /// Writing a block of this object, or finishing it, failed otherwise. Blocks not yet reported stored are lost.
    Failing {
        /// The object.
        object: ObjectHash,
    },
}

/// What the board measures of itself, on [`Action::MeasureHealth`](crate::Action::MeasureHealth). What it cannot
/// measure is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Measurements {
    /// Seconds since the board started.
    pub uptime_s: u64,
    /// Temperature of the board in tenths of a degree Celsius.
    pub temperature_decidegrees: Option<i32>,
    /// Supply voltage in millivolts.
    pub supply_mv: Option<u32>,
    /// Resident memory of the program, in bytes.
    pub memory_bytes: Option<u64>,
    /// Free room where audio is cached, in bytes.
    pub disk_free_bytes: Option<u64>,
    /// Whether the sound device could be opened when last tried.
    pub speaker_works: Option<bool>,
    /// By how much the node's clock may be wrong, in milliseconds.
    pub clock_error_ms: Option<u64>,
    /// By how much the system's clock is ahead of the controller's, where they contradict one another, in milliseconds.
    pub clock_ahead_ms: Option<i64>,
}
