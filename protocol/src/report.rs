//! What a node says of itself.

use minicbor::{Decode, Encode};

use crate::clock::ClockSource;
use crate::command::Addressee;
use crate::envelope::{Applied, Refusal};
use crate::ids::{AreaId, BootId, ObjectHash};
use crate::time::UnixMs;
use crate::timeline::OwnGuards;
use crate::wire::{Wire, WireError, require};

/// Longest firmware version text, in bytes.
const VERSION_MAX_BYTES: usize = 64;

/// Whether a node is connected. Topic `u/{node}/pres`, retained; also the will of each connection.
///
/// A will can arrive after the node is back. It names its connection, so a death whose connection is not the newest one
/// known is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Presence {
    /// The boot that the connection belongs to.
    #[n(0)]
    pub boot: BootId,
    /// Number of the connection since boot, from 1.
    #[n(1)]
    pub connection: u64,
    /// Whether the node is connected.
    #[n(2)]
    pub online: bool,
}

impl Wire for Presence {}

/// How far a node trusts its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum ClockTrust {
    /// Synchronised.
    #[n(0)]
    Trusted,
    /// Was synchronised since boot, and runs on.
    #[n(1)]
    Holdover,
    /// Never synchronised since boot.
    #[n(2)]
    Unknown,
}

impl ClockTrust {
    /// The word in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Holdover => "holdover",
            Self::Unknown => "unknown",
        }
    }
}

/// An area's plan, or its alerts, as a node has applied them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AppliedPlan {
    /// The area.
    #[n(0)]
    pub area: AreaId,
    /// Epoch and digest.
    #[n(1)]
    pub applied: Applied,
}

/// An object that a node is fetching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Fetching {
    /// The object.
    #[n(0)]
    pub object: ObjectHash,
    /// Blocks that it has.
    #[n(1)]
    pub blocks_have: u32,
    /// Blocks that there are.
    #[n(2)]
    pub blocks_total: u32,
}

/// What a node has applied and holds. Topic `u/{node}/state`, retained.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct State {
    /// This boot.
    #[n(0)]
    pub boot: BootId,
    /// Version of the node's program.
    #[n(1)]
    pub firmware: String,
    /// The key set.
    #[n(2)]
    pub keys: Option<Applied>,
    /// The node's own document.
    #[n(3)]
    pub desired: Option<Applied>,
    /// The plans of its areas, widest first.
    #[n(4)]
    pub plans: Vec<AppliedPlan>,
    /// Objects that are whole in the cache and named by a document.
    #[n(5)]
    pub objects_ready: u32,
    /// Objects that are not yet whole, the most urgent first; at most 32 of them.
    #[n(6)]
    pub fetching: Vec<Fetching>,
    /// How far it trusts its clock.
    #[n(7)]
    pub clock: ClockTrust,
    /// Why objects cannot be stored, when they cannot.
    #[n(8)]
    pub storage: StorageState,
    /// How loud it is, 0 to 100: what its document says, under the ceiling of its guards. `None` while no document says.
    #[n(9)]
    pub volume_percent: Option<u8>,
    /// The last live order to each addressee that stands for this node: its areas, widest first, then itself. What was
    /// ordered is not told, nor whether anything sounded; receipts tell that.
    #[n(10)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub orders: Vec<AppliedOrder>,
    /// What the board's own configuration forbids, besides the documents; `None`: nothing.
    #[n(11)]
    pub own_guards: Option<OwnGuards>,
    /// The alerts of its areas that are in force, widest first.
    #[n(12)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub alerts: Vec<AppliedPlan>,
}

/// A live order as a node has obeyed it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AppliedOrder {
    /// For whom it was.
    #[n(0)]
    pub to: Addressee,
    /// Epoch and digest.
    #[n(1)]
    pub applied: Applied,
}

/// Whether a node can store audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum StorageState {
    /// It can.
    #[n(0)]
    Good,
    /// There is no room for what the plans name.
    #[n(1)]
    Full,
    /// Writing fails.
    #[n(2)]
    Failing,
}

impl StorageState {
    /// The word in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Full => "full",
            Self::Failing => "failing",
        }
    }
}

impl Wire for State {
    fn check(&self) -> Result<(), WireError> {
        require(self.firmware.len() <= VERSION_MAX_BYTES, "firmware", "has at most 64 bytes")?;
        require(self.plans.len() <= crate::area::AREA_DEPTH_MAX, "plans", "has at most 16 entries")?;
        require(self.alerts.len() <= crate::area::AREA_DEPTH_MAX, "alerts", "has at most 16 entries")?;
        require(self.fetching.len() <= 32, "fetching", "has at most 32 entries")?;
        require(self.orders.len() <= crate::area::AREA_DEPTH_MAX + 1, "orders", "has at most 17 entries")?;
        self.own_guards.as_ref().map_or(Ok(()), |own| own.guards.check())
    }
}

/// How a node's board is. Topic `u/{node}/health`. What the board cannot measure is absent.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Health {
    /// When it was measured, on the node's clock.
    #[n(0)]
    pub measured: UnixMs,
    /// Seconds since the board started.
    #[n(1)]
    pub uptime_s: u64,
    /// Temperature of the board in tenths of a degree Celsius.
    #[n(2)]
    pub temperature_decidegrees: Option<i32>,
    /// Supply voltage in millivolts.
    #[n(3)]
    pub supply_mv: Option<u32>,
    /// Resident memory of the program, in bytes.
    #[n(4)]
    pub memory_bytes: Option<u64>,
    /// Free room where audio is cached, in bytes.
    #[n(5)]
    pub disk_free_bytes: Option<u64>,
    /// Receipts that the controller has not acknowledged.
    #[n(6)]
    pub receipts_waiting: u32,
    /// Signed documents refused since boot.
    #[n(7)]
    pub refused: u32,
    /// How far it trusts its clock.
    #[n(8)]
    pub clock: ClockTrust,
    /// Whether the sound device could be opened when last tried.
    #[n(9)]
    pub speaker_works: Option<bool>,
    /// Where it has the time from.
    #[n(10)]
    pub clock_source: Option<ClockSource>,
    /// By how much its clock may be wrong, in milliseconds; absent where that is not known.
    #[n(11)]
    pub clock_error_ms: Option<u64>,
    /// By how much the system's clock is ahead of the controller's, in milliseconds, where that is more than both clocks' bounds allow
    /// (rule K7 of the [clock](crate::clock)): one of them is wrong.
    #[n(12)]
    pub clock_ahead_ms: Option<i64>,
    /// Bytes of blocks that came since boot.
    #[n(13)]
    pub audio_bytes: Option<u64>,
    /// Of these, bytes that were of no use: had already, not needed, with a wrong hash, or more than could be stored.
    #[n(14)]
    pub audio_wasted_bytes: Option<u64>,
}

impl Wire for Health {}

/// Something that a node refused. Topic `u/{node}/event`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Event {
    /// When, on the node's clock.
    #[n(0)]
    pub at: UnixMs,
    /// What.
    #[n(1)]
    pub kind: EventKind,
}

/// What a node refused.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum EventKind {
    /// A signed document.
    #[n(0)]
    DocumentRefused {
        /// The topic on which it came, cut to 200 bytes.
        #[n(0)]
        topic: String,
        /// Why.
        #[n(1)]
        refusal: Refusal,
    },
    /// A block whose hash is wrong.
    #[n(1)]
    BlockRefused {
        /// The object.
        #[n(0)]
        object: ObjectHash,
        /// Number of the block.
        #[n(1)]
        index: u32,
    },
    /// An object in the cache whose bytes had changed; it is fetched anew.
    #[n(2)]
    ObjectCorrupt {
        /// The object.
        #[n(0)]
        object: ObjectHash,
    },
}

impl Wire for Event {
    fn check(&self) -> Result<(), WireError> {
        match &self.kind {
            EventKind::DocumentRefused { topic, .. } => {
                require(topic.len() <= 200, "topic", "has at most 200 bytes")
            }
            EventKind::BlockRefused { .. } | EventKind::ObjectCorrupt { .. } => Ok(()),
        }
    }
}
