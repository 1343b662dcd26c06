//! An MQTT 5 session that stays up.
//!
//! [`Link::spawn`] starts a task that connects, subscribes, keeps the connection alive, notices when it is dead, waits
//! and connects again, for as long as its owner lives. The owner gets a [`LinkHandle`] to publish by and a bounded
//! channel of [`LinkEvent`]s. Node (control and bulk session), controller and fleet simulator all use this.
//!
//! # What it promises, and what it does not
//! - It never gives up and never spins: back-off with full jitter, see [`Backoff`].
//! - It never waits for ever: stream, handshake, answers, pings and writes all have deadlines.
//! - It remembers filters over reconnections. It does **not** remember publications: what was not acknowledged when a
//!   connection ends comes back as a list of tokens, and the owner's outbox offers it again. A copy kept here would be
//!   lost with the process anyway, and costs memory in each of ten thousand simulated nodes.
//! - A publication goes behind the filters that its owner asked for before it, so that what answers it is not missed.
//! - `Acked` (PUBACK) and `session_present` prove nothing about delivery. Truth is compared by digest, end to end.
//! - Messages may arrive twice. Receivers are idempotent by message id, epoch or sequence.
//!
//! # When the owner is slow
//! The channel of events is bounded and nothing in it is ever dropped. When it is full, the link stops reading, and TCP
//! makes the broker wait; it goes on writing, and pinging, so the session stays up, and it does not count the unread
//! silence against the broker. It cannot notice in this time that the broker has gone, unless a write fails. The
//! broker queues for this client as far as its own limits go, and then drops: an owner that may block for long gives the
//! work to another task. Between connections, too, the next attempt is made only after the owner's channel has taken the
//! news of the last one.
//!
//! # How it is built
//! ```text
//!  LinkHandle ──queue, acks, wishes──> connection (select loop) <──bytes──> ByteStream (TCP, TLS over it, or a test's)
//!                                        │        ▲
//!                                        ▼        │ packets and time in, bytes and events out
//!  Receiver <──── LinkEvent ──────── session ── liveness, subscriptions, incoming       (pure, no I/O)
//! ```
//! The packets are encoded and decoded by rumqttc's codec. Its event loop is not used, because its traps (measured on
//! 0.25) lie in the loop and in state that outlives a connection:
//!
//! | rumqttc's event loop | here |
//! |---|---|
//! | 10 KiB incoming limit by default: a larger message never arrives, and the link reconnects for ever | one limit in both directions, announced to the broker, checked before queueing |
//! | a lost broker session silently drops queued publications | the owner gets their tokens and offers them again |
//! | awaiting a publish in the polling task deadlocks | publishing never waits, see [`LinkHandle::try_publish`] |
//! | no time-out on writing | progress is watched below TLS |
//! | 14 MB for one client by default | buffers grow with what is in flight, and shrink after |
//! | QoS 2, resends without DUP, aliases over reconnections, packet ids used twice | absent: QoS 2 cannot be expressed, a session lives as long as its connection |
//! | no back-off | [`Backoff`] |
//! | its TLS brings an outdated certificate verifier; a tunnel needs a socket path that other processes could open | rustls on the stream itself, in this process |

mod backoff;
mod codec;
mod connect;
mod connection;
mod dial;
mod event;
mod handle;
mod incoming;
mod link;
mod liveness;
mod options;
mod publication;
mod reason;
mod session;
mod stats;
mod subscriptions;
mod tls;

pub use backoff::Backoff;
pub use dial::{ByteStream, Dial, DialFuture, TcpDial};
pub use event::{Awaited, DisconnectReason, LinkEvent, Message, RefusedFilter};
pub use handle::{AckToken, LinkHandle, PublishRefused};
pub use link::Link;
pub use options::{
    CleanStart, Credentials, InvalidFilter, Jitter, LinkOptions, OptionsError, Secret, Will, WillFactory,
};
pub use publication::{Publication, Qos};
pub use reason::ReasonCode;
pub use stats::{LinkStats, LinkStatsSnapshot};
pub use tls::{ClientIdentity, FlooredClock, TlsOptions, TlsSetupError, client_config};
