//! What node and controller say to one another about the time. Topics `u/{node}/time` and `d/{node}/time`.

use minicbor::{Decode, Encode};

use crate::bulletin::Class;
use crate::envelope::{Audience, ContentType, Signed};
use crate::ids::{NodeId, TenantId};
use crate::keys::Purpose;
use crate::time::UnixMs;
use crate::wire::{Wire, WireError, require, sha256};

/// Longest time from issue to expiry of an answer, in seconds.
pub const VALID_MAX_S: i64 = 60;

/// Names a request so that nobody can foresee it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Nonce(
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub [u8; 16],
);

impl Nonce {
    /// The nonce of a request: the first 16 bytes of SHA-256 over `loa-time-1`, a zero byte, the boot's secret and the sequence (8
    /// bytes, big-endian).
    #[must_use]
    pub fn of(secret: &[u8; 32], sequence: u64) -> Self {
        let bytes = [&b"loa-time-1\0"[..], secret, &sequence.to_be_bytes()].concat();
        let mut nonce = [0; 16];
        nonce.copy_from_slice(&sha256(&bytes)[..16]);
        Self(nonce)
    }
}

/// A node asks for the time. When it did stays with the node, which need not believe anybody about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TimeRequest {
    /// Rises with every request of a boot.
    #[n(0)]
    pub sequence: u64,
    /// See [`Nonce::of`].
    #[n(1)]
    pub nonce: Nonce,
}

impl Wire for TimeRequest {}

/// The controller tells the time. Always signed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TimeAnswer {
    /// For whom it is.
    #[n(0)]
    pub node: NodeId,
    /// The request's; equal to the envelope's sequence.
    #[n(1)]
    pub sequence: u64,
    /// The request's.
    #[n(2)]
    pub nonce: Nonce,
    /// When the request came, on the controller's clock.
    #[n(3)]
    pub received: UnixMs,
    /// When it was answered, on the same clock; its second is the envelope's issue time.
    #[n(4)]
    pub answered: UnixMs,
    /// By how much that clock may be wrong, in milliseconds; `None`: nobody keeps it (rule E5).
    #[n(5)]
    pub error_ms: Option<u32>,
}

impl Wire for TimeAnswer {
    fn check(&self) -> Result<(), WireError> {
        require(self.received.0 >= 0, "received", "is not before 1970")?;
        require(self.answered >= self.received, "answered", "is not before the request came")
    }
}

impl Signed for TimeAnswer {
    const CONTENT: ContentType = ContentType::Time;
    const PURPOSE: Purpose = Purpose::Time;

    fn audience(&self, tenant: &TenantId) -> Audience {
        Audience::Node(tenant.clone(), self.node.clone())
    }
    fn sequence(&self) -> u64 {
        self.sequence
    }
    fn classes(&self) -> Vec<Class> {
        Vec::new()
    }
}

/// Where a node has the time from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum ClockSource {
    /// The system's clock, which a time service keeps, or which is configured to be believed.
    #[n(0)]
    System,
    /// The exchange with the controller.
    #[n(1)]
    Exchange,
    /// One of them, some time ago.
    #[n(2)]
    Held,
    /// Nowhere.
    #[n(3)]
    Unknown,
}

impl ClockSource {
    /// The word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Exchange => "exchange",
            Self::Held => "held",
            Self::Unknown => "unknown",
        }
    }
}
