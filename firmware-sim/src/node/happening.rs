//! What can be seen of a simulated node: one closed enum, as a line for people and as JSON.

use std::fmt;

use loa_node_core::{Link, Slot};
use loa_protocol::envelope::Refusal;
use loa_protocol::ids::{ItemId, ObjectHash};
use loa_protocol::receipt::Receipt;
use loa_protocol::report::{Event, EventKind};
use loa_protocol::time::UnixMs;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::fault::Fault;
use super::glance::Glance;

/// Who hears what happens to a node.
pub trait Observer: Send + 'static {
    /// Something happened, at this instant of the node's clock. Must not block.
    fn note(&mut self, at: UnixMs, happening: Happening);

    /// The node has done all that there was to do for the moment; `glance` tells how it is now, to those who want to see it.
    fn rest(&mut self, glance: impl FnOnce() -> Glance) {
        let _unseen = glance;
    }
}

impl<F: FnMut(UnixMs, Happening) + Send + 'static> Observer for F {
    fn note(&mut self, at: UnixMs, happening: Happening) {
        self(at, happening);
    }
}

/// Something that happened to a node.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Happening {
    /// It booted, and found this in its store.
    Booted {
        /// Which boot, from 1.
        boot: u32,
        /// Signed documents.
        documents: usize,
        /// Whole objects.
        objects: usize,
        /// Objects of which some blocks are there.
        partial: Vec<Progress>,
        /// Receipts that the controller has not acknowledged.
        receipts: usize,
    },
    /// It ended in good order.
    Stopped,
    /// The power went.
    PowerCut {
        /// For how long, in milliseconds.
        off_ms: u64,
    },
    /// Something else went wrong, or right again.
    Fault {
        /// What.
        fault: Fault,
    },
    /// A link came up.
    Connected {
        /// Which.
        #[serde(serialize_with = "link_word")]
        link: Link,
        /// Number of the connection since boot.
        connection: u64,
    },
    /// A link went down, or did not come up.
    Disconnected {
        /// Which.
        #[serde(serialize_with = "link_word")]
        link: Link,
        /// Whether it had been up.
        was_up: bool,
        /// Why.
        reason: String,
        /// When it is tried again, in milliseconds from now; `None`: it is not.
        retry_in_ms: Option<u64>,
    },
    /// The broker refused something: a subscription or a publication.
    Refused {
        /// What, and why.
        why: String,
    },
    /// The key set that came with the enrolment does not hold; the current one comes with the first connection.
    KeySetUnused {
        /// Why.
        #[serde(serialize_with = "text")]
        refusal: Refusal,
    },
    /// A signed document was applied.
    Applied {
        /// In which slot.
        #[serde(serialize_with = "slot_word")]
        slot: Slot,
        /// Its sequence.
        sequence: u64,
    },
    /// A signed document was given up.
    Forgotten {
        /// Its slot.
        #[serde(serialize_with = "slot_word")]
        slot: Slot,
    },
    /// Blocks were asked for.
    Wanted {
        /// Of this object.
        #[serde(serialize_with = "text")]
        object: ObjectHash,
        /// Their numbers.
        blocks: Vec<u32>,
    },
    /// A block was stored.
    Stored {
        /// The object, and how far it has come.
        #[serde(flatten)]
        progress: Progress,
        /// Number of the block.
        index: u32,
    },
    /// A block came that was of no use.
    Wasted {
        /// Its bytes.
        bytes: u64,
    },
    /// An object is whole.
    Ready {
        /// The object.
        #[serde(serialize_with = "text")]
        object: ObjectHash,
    },
    /// An object was damaged, and is gone.
    Corrupt {
        /// The object.
        #[serde(serialize_with = "text")]
        object: ObjectHash,
    },
    /// An object was dropped to make room, or because nobody needs it.
    Dropped {
        /// The object.
        #[serde(serialize_with = "text")]
        object: ObjectHash,
    },
    /// The disk did not take something of an object.
    NotStored {
        /// The object.
        #[serde(serialize_with = "text")]
        object: ObjectHash,
        /// Whether for lack of room.
        full: bool,
    },
    /// The amplifier was switched.
    Amplifier {
        /// On or off.
        on: bool,
    },
    /// The loudness was set.
    Volume {
        /// 0 to 100.
        percent: u8,
    },
    /// A sound was ordered.
    Ordered {
        /// The object.
        #[serde(serialize_with = "text")]
        object: ObjectHash,
        /// For when.
        #[serde(serialize_with = "text")]
        start_at: UnixMs,
    },
    /// A sound began.
    Began {
        /// The object.
        #[serde(serialize_with = "text")]
        object: ObjectHash,
        /// Actual minus ordered instant, in milliseconds.
        error_ms: f32,
    },
    /// A sound ended, or did not come about.
    Ended {
        /// The object.
        #[serde(serialize_with = "text")]
        object: ObjectHash,
        /// Milliseconds of sound.
        played_ms: u32,
        /// How: `finished`, `stopped`, `device failed`, `audio broken`.
        how: &'static str,
    },
    /// An occurrence has its receipt.
    Receipt {
        /// It.
        #[serde(serialize_with = "receipt_map")]
        receipt: Receipt,
    },
    /// Receipts went to the controller.
    Reported {
        /// How many.
        count: usize,
    },
    /// The controller has receipts.
    Acknowledged {
        /// Their numbers.
        numbers: Vec<u64>,
    },
    /// The node complained of something that it refused.
    Complained {
        /// Of what.
        #[serde(serialize_with = "event_text")]
        event: Event,
    },
    /// The node told how its board is.
    Health,
}

/// How far an object has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// The object.
    #[serde(serialize_with = "text")]
    pub object: ObjectHash,
    /// Blocks that are there.
    pub have: u32,
    /// Blocks in all.
    pub total: u32,
}

/// As much of a hash as tells objects apart.
struct Short<'a>(&'a ObjectHash);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_bytes().iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", Short(&self.object), self.have, self.total)
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Booted { boot, documents, objects, partial, receipts } => {
                write!(
                    f,
                    "boot {boot}: {documents} documents, {objects} objects, {receipts} receipts to send"
                )?;
                partial.iter().try_for_each(|progress| write!(f, ", partly {progress}"))
            }
            Self::Stopped => f.write_str("stopped in good order"),
            Self::PowerCut { off_ms } => write!(f, "POWER CUT for {off_ms} ms"),
            Self::Fault { fault } => write!(f, "FAULT {fault:?}"),
            Self::Connected { link, connection } => write!(f, "{} link up (#{connection})", link_name(*link)),
            Self::Disconnected { link, was_up, reason, retry_in_ms } => {
                let state = if *was_up { "lost" } else { "not up" };
                write!(f, "{} link {state}: {reason}", link_name(*link))?;
                retry_in_ms.map_or(Ok(()), |ms| write!(f, "; again in {ms} ms"))
            }
            Self::Refused { why } => write!(f, "the broker refused {why}"),
            Self::KeySetUnused { refusal } => {
                write!(f, "the key set of the enrolment is not used: {refusal}")
            }
            Self::Applied { slot, sequence } => write!(f, "applied {} {sequence}", slot_name(slot)),
            Self::Forgotten { slot } => write!(f, "gave up {}", slot_name(slot)),
            Self::Wanted { object, blocks } => write!(f, "wants {} of {}", list(blocks), Short(object)),
            Self::Stored { progress, index } => write!(f, "stored block {index} of {progress}"),
            Self::Wasted { bytes } => write!(f, "{bytes} bytes came in vain"),
            Self::Ready { object } => write!(f, "object {} is whole", Short(object)),
            Self::Corrupt { object } => write!(f, "object {} was damaged; fetched anew", Short(object)),
            Self::Dropped { object } => write!(f, "dropped object {}", Short(object)),
            Self::NotStored { object, full: true } => write!(f, "no room for object {}", Short(object)),
            Self::NotStored { object, full: false } => write!(f, "cannot write object {}", Short(object)),
            Self::Amplifier { on } => write!(f, "amplifier {}", if *on { "on" } else { "off" }),
            Self::Volume { percent } => write!(f, "volume {percent} %"),
            Self::Ordered { object, start_at } => write!(f, "will play {} at {start_at}", Short(object)),
            Self::Began { object, error_ms } => write!(f, "SOUNDS {} ({error_ms:+.1} ms)", Short(object)),
            Self::Ended { object, played_ms, how } => {
                write!(f, "silent after {played_ms} ms of {}: {how}", Short(object))
            }
            Self::Receipt { receipt } => {
                let Receipt { number, item, nominal, outcome, .. } = receipt;
                write!(f, "receipt {number}: {item} of {nominal} {}", outcome.as_str())?;
                outcome.reason().map_or(Ok(()), |reason| write!(f, ", {}", reason.as_str()))
            }
            Self::Reported { count } => write!(f, "sent {count} receipts"),
            Self::Acknowledged { numbers } => write!(f, "receipts {} are acknowledged", list(numbers)),
            Self::Complained { event } => write!(f, "complained: {}", words(&event.kind)),
            Self::Health => f.write_str("told its health"),
        }
    }
}

fn list(numbers: &[impl fmt::Display]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn link_name(link: Link) -> &'static str {
    match link {
        Link::Control => "control",
        Link::Bulk => "bulk",
    }
}

fn slot_name(slot: &Slot) -> String {
    match slot {
        Slot::Keys => "key set".to_owned(),
        Slot::Node => "node document".to_owned(),
        Slot::Plan(area) => format!("plan of {area}"),
        Slot::Alert(area) => format!("alerts of {area}"),
        Slot::Command(None) => "order".to_owned(),
        Slot::Command(Some(area)) => format!("order to {area}"),
    }
}

fn words(kind: &EventKind) -> String {
    match kind {
        EventKind::DocumentRefused { topic, refusal } => format!("{topic}: {refusal}"),
        EventKind::BlockRefused { object, index } => format!("block {index} of {} is wrong", Short(object)),
        EventKind::ObjectCorrupt { object } => format!("object {} was damaged", Short(object)),
    }
}

fn text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn link_word<S: Serializer>(link: &Link, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(link_name(*link))
}

fn slot_word<S: Serializer>(slot: &Slot, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&slot_name(slot))
}

fn event_text<S: Serializer>(event: &Event, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&words(&event.kind))
}

fn receipt_map<S: Serializer>(receipt: &Receipt, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("number", &receipt.number)?;
    map.serialize_entry("occurrence", &receipt.occurrence.to_string())?;
    map.serialize_entry("item", ItemId::as_str(&receipt.item))?;
    map.serialize_entry("revision", &receipt.revision)?;
    map.serialize_entry("bulletin", receipt.bulletin.as_str())?;
    map.serialize_entry("nominal_unix_ms", &receipt.nominal.0)?;
    map.serialize_entry("outcome", receipt.outcome.as_str())?;
    map.serialize_entry("reason", &receipt.outcome.reason().map(|reason| reason.as_str()))?;
    map.serialize_entry("started_unix_ms", &receipt.sound.map(|sound| sound.started.0))?;
    map.serialize_entry("played_ms", &receipt.sound.map(|sound| sound.played_ms))?;
    map.end()
}
