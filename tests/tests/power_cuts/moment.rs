//! When the power goes: at any time, and just when something is being written.

use std::time::Duration;

use loa_protocol::time::UnixMs;
use loa_protocol::timeline::ORDER_AHEAD_MS;
use rand::RngExt as _;
use rand::rngs::StdRng;

use crate::desk::Sent;
use crate::tones::SOUND_MS;

/// What a cut waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Shortly after the program began: while it opens its store, its cache and its connections.
    Boot,
    /// A document is being written into the store.
    Document,
    /// Blocks arrive and are written.
    Block,
    /// An intent is written: some time before a planned start.
    Intent,
    /// Something sounds.
    Sounding,
    /// The last samples sound, and what became of it is written.
    Ending,
    /// A receipt is being written into the store.
    Receipt,
    /// The controller has receipts, and they are being deleted from the store.
    Ack,
    /// Whenever.
    Whenever,
}

/// How often each kind comes, in a hundred.
const OFTEN: [(Kind, u32); 9] = [
    (Kind::Boot, 20),
    (Kind::Document, 9),
    (Kind::Block, 9),
    (Kind::Intent, 10),
    (Kind::Sounding, 11),
    (Kind::Ending, 11),
    (Kind::Receipt, 12),
    (Kind::Ack, 12),
    (Kind::Whenever, 6),
];

/// What happens to a node, as far as it can be seen from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sign<'a> {
    /// The program was started.
    Started,
    /// A line of its log.
    Line(&'a str),
    /// The desk sent it something.
    Sent(Sent),
}

/// A cut to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) kind: Kind,
    delay_ms: i64,
}

impl Moment {
    /// Draws one.
    pub(crate) fn draw(rng: &mut StdRng) -> Self {
        let mut left = rng.random_range(0..OFTEN.iter().map(|(_, share)| share).sum());
        let kind = OFTEN.iter().find_map(|(kind, share)| {
            let is_it = left < *share;
            left = left.saturating_sub(*share);
            is_it.then_some(*kind)
        });
        let kind = kind.unwrap_or(Kind::Whenever);
        let sound_ms = i64::from(SOUND_MS);
        let delay_ms = match kind {
            Kind::Boot => 5..=400,
            Kind::Document | Kind::Receipt | Kind::Ack => 0..=12,
            Kind::Block => 0..=25,
            Kind::Intent => -ORDER_AHEAD_MS - 10..=-ORDER_AHEAD_MS + 60,
            Kind::Sounding => 0..=sound_ms,
            Kind::Ending => sound_ms - 60..=sound_ms + 80,
            Kind::Whenever => 200..=3_000,
        };
        Self { kind, delay_ms: rng.random_range(delay_ms) }
    }

    /// How long after this sign the power goes; `None` if it waits for another.
    pub(crate) fn after(
        self,
        sign: Sign<'_>,
        now: UnixMs,
        next_start: impl Fn(UnixMs) -> Option<UnixMs>,
    ) -> Option<Duration> {
        let says = |words: &str| matches!(sign, Sign::Line(line) if line.contains(words));
        let is_it = match self.kind {
            Kind::Boot | Kind::Whenever => matches!(sign, Sign::Started),
            Kind::Document => says("a document is applied"),
            Kind::Block => matches!(sign, Sign::Sent(Sent::Block)),
            Kind::Sounding | Kind::Ending => says("a sound starts"),
            Kind::Receipt => says("an occurrence has ended"),
            Kind::Ack => matches!(sign, Sign::Sent(Sent::Ack)),
            Kind::Intent => {
                // Of those whose intent is still to be written.
                let start = says("the node starts").then(|| next_start(now - self.delay_ms)).flatten()?;
                return u64::try_from(start.since(now) + self.delay_ms).ok().map(Duration::from_millis);
            }
        };
        let delay = Duration::from_millis(u64::try_from(self.delay_ms).unwrap_or(0));
        is_it.then_some(delay)
    }
}
