//! What a fleet does, in numbers.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loa_node_core::Link;
use loa_protocol::receipt::{Outcome, Receipt};
use loa_protocol::time::UnixMs;
use serde::Serialize;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::report::Spread;
use crate::board_sim::network::Traffic;
use crate::node::{Happening, Observer};

/// Counts what happens to all boards of a fleet.
#[derive(Debug, Default)]
pub struct Counters {
    /// Bytes on the wire.
    pub traffic: Arc<Traffic>,
    now: Gauges,
    totals: Totals,
    start_errors: Mutex<Spread>,
    connect_times: Mutex<Spread>,
    round: Mutex<Round>,
    changed: Notify,
}

/// What boards have done since somebody began to count.
#[derive(Debug)]
struct Round {
    began: Instant,
    applied: Spread,
    sounding: Spread,
}

impl Default for Round {
    fn default() -> Self {
        Self { began: Instant::now(), applied: Spread::default(), sounding: Spread::default() }
    }
}

/// How long after the beginning of a round boards came to something.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoundFigures {
    /// Until each document was applied that was.
    pub applied: Spread,
    /// Until each sound began that did.
    pub sounding: Spread,
}

/// What is so at present.
#[derive(Debug, Default)]
struct Gauges {
    booted: AtomicI64,
    connected: AtomicI64,
    fetching: AtomicI64,
    sounding: AtomicI64,
}

/// What has happened so far.
#[derive(Debug, Default)]
struct Totals {
    failed: AtomicU64,
    connections: AtomicU64,
    attempts_failed: AtomicU64,
    connections_lost: AtomicU64,
    refused: AtomicU64,
    documents_applied: AtomicU64,
    complaints: AtomicU64,
    blocks_stored: AtomicU64,
    wasted_bytes: AtomicU64,
    objects_ready: AtomicU64,
    sounds_begun: AtomicU64,
    played: AtomicU64,
    partial: AtomicU64,
    missed: AtomicU64,
    receipts_sent: AtomicU64,
    receipts_acked: AtomicU64,
}

/// A fleet at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Boards that are switched on.
    pub booted: u64,
    /// Boards whose control link stands.
    pub connected: u64,
    /// Boards whose bulk link stands.
    pub fetching: u64,
    /// Boards that sound.
    pub sounding: u64,
    /// Boards that could not go on.
    pub failed: u64,
    /// Control connections that came about.
    pub connections: u64,
    /// Attempts to connect, of either link, that came to nothing.
    pub attempts_failed: u64,
    /// Connections of either link that were lost.
    pub connections_lost: u64,
    /// Subscriptions and publications that the broker refused.
    pub refused: u64,
    /// Signed documents applied.
    pub documents_applied: u64,
    /// Documents, blocks and objects that boards refused.
    pub complaints: u64,
    /// Blocks stored.
    pub blocks_stored: u64,
    /// Bytes of blocks that were of no use: had already, or not needed.
    pub wasted_bytes: u64,
    /// Objects that became whole.
    pub objects_ready: u64,
    /// Sounds that began.
    pub sounds_begun: u64,
    /// Occurrences that sounded from beginning to end.
    pub played: u64,
    /// Occurrences that sounded in part.
    pub partial: u64,
    /// Occurrences that did not sound.
    pub missed: u64,
    /// Receipts sent, repetitions included.
    pub receipts_sent: u64,
    /// Receipts that were acknowledged.
    pub receipts_acked: u64,
    /// Bytes to the broker.
    pub sent_bytes: u64,
    /// Bytes from the broker.
    pub received_bytes: u64,
}

impl Counters {
    /// The numbers at this moment.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let gauge = |gauge: &AtomicI64| u64::try_from(gauge.load(Ordering::Relaxed)).unwrap_or(0);
        let total = |total: &AtomicU64| total.load(Ordering::Relaxed);
        Figures {
            booted: gauge(&self.now.booted),
            connected: gauge(&self.now.connected),
            fetching: gauge(&self.now.fetching),
            sounding: gauge(&self.now.sounding),
            failed: total(&self.totals.failed),
            connections: total(&self.totals.connections),
            attempts_failed: total(&self.totals.attempts_failed),
            connections_lost: total(&self.totals.connections_lost),
            refused: total(&self.totals.refused),
            documents_applied: total(&self.totals.documents_applied),
            complaints: total(&self.totals.complaints),
            blocks_stored: total(&self.totals.blocks_stored),
            wasted_bytes: total(&self.totals.wasted_bytes),
            objects_ready: total(&self.totals.objects_ready),
            sounds_begun: total(&self.totals.sounds_begun),
            played: total(&self.totals.played),
            partial: total(&self.totals.partial),
            missed: total(&self.totals.missed),
            receipts_sent: total(&self.totals.receipts_sent),
            receipts_acked: total(&self.totals.receipts_acked),
            sent_bytes: self.traffic.sent_bytes(),
            received_bytes: self.traffic.received_bytes(),
        }
    }

    /// Waits until something is so; looked at after each change but those of bytes.
    pub async fn wait_for(&self, is_so: impl Fn(&Figures) -> bool) -> Figures {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Before looking, so that no change falls between.
            changed.as_mut().enable();
            let figures = self.figures();
            if is_so(&figures) {
                return figures;
            }
            changed.await;
        }
    }

    /// By how much sounds began later than ordered.
    #[must_use]
    pub fn start_errors(&self) -> Spread {
        lock(&self.start_errors).clone()
    }

    /// How long boards took to connect.
    #[must_use]
    pub fn connect_times(&self) -> Spread {
        lock(&self.connect_times).clone()
    }

    /// Begins to count anew how soon documents are applied and sounds begin, from this moment.
    pub fn begin_round(&self) {
        *lock(&self.round) = Round::default();
    }

    /// How soon documents were applied and sounds began since [`Counters::begin_round`].
    #[must_use]
    pub fn round(&self) -> RoundFigures {
        let Round { applied, sounding, began: _ } = &*lock(&self.round);
        RoundFigures { applied: applied.clone(), sounding: sounding.clone() }
    }

    fn note_in_round(&self, spread: impl FnOnce(&mut Round) -> &mut Spread) {
        let mut round = lock(&self.round);
        let ms = ms_since(round.began);
        spread(&mut round).add(ms);
    }

    pub(super) fn count_failed(&self) {
        add(&self.totals.failed, 1);
        self.changed.notify_waiters();
    }
}

/// Held for moments; what a panicking holder leaves is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ms_since(began: Instant) -> f32 {
    began.elapsed().as_secs_f32() * 1000.0
}

fn add(total: &AtomicU64, count: usize) {
    total.fetch_add(count as u64, Ordering::Relaxed);
}

/// Counts what happens to one board.
#[derive(Debug)]
pub(super) struct Meter {
    counters: Arc<Counters>,
    is_booted: bool,
    is_connected: bool,
    is_fetching: bool,
    is_sounding: bool,
    /// Since when it has wanted its control connection; `None` while that stands, or without power.
    seeking: Option<Instant>,
}

impl Meter {
    pub(super) fn new(counters: Arc<Counters>) -> Self {
        Self {
            counters,
            is_booted: false,
            is_connected: false,
            is_fetching: false,
            is_sounding: false,
            seeking: None,
        }
    }

    /// The board is without power, or has ended.
    fn go_dark(&mut self) {
        let Self { counters, is_booted, is_connected, is_fetching, is_sounding, seeking } = self;
        *seeking = None;
        set(is_booted, &counters.now.booted, false);
        set(is_connected, &counters.now.connected, false);
        set(is_fetching, &counters.now.fetching, false);
        set(is_sounding, &counters.now.sounding, false);
    }

    fn set_link(&mut self, link: Link, is_up: bool) {
        match link {
            Link::Control => set(&mut self.is_connected, &self.counters.now.connected, is_up),
            Link::Bulk => set(&mut self.is_fetching, &self.counters.now.fetching, is_up),
        }
    }

    fn count_receipt(&self, receipt: &Receipt) {
        let totals = &self.counters.totals;
        let total = match receipt.outcome {
            Outcome::Played => &totals.played,
            Outcome::Partial(_) => &totals.partial,
            Outcome::Missed(_) => &totals.missed,
        };
        add(total, 1);
    }
}

fn set(is: &mut bool, gauge: &AtomicI64, so: bool) {
    if std::mem::replace(is, so) != so {
        gauge.fetch_add(if so { 1 } else { -1 }, Ordering::Relaxed);
    }
}

impl Observer for Meter {
    fn note(&mut self, _: UnixMs, happening: Happening) {
        let counters = Arc::clone(&self.counters);
        let Counters { now, totals, .. } = &*counters;
        match happening {
            Happening::Booted { .. } => {
                set(&mut self.is_booted, &now.booted, true);
                self.seeking = Some(Instant::now());
            }
            Happening::Stopped | Happening::PowerCut { .. } => self.go_dark(),
            Happening::Connected { link, .. } => {
                self.set_link(link, true);
                if link == Link::Control {
                    add(&totals.connections, 1);
                    if let Some(since) = self.seeking.take() {
                        lock(&counters.connect_times).add(ms_since(since));
                    }
                }
            }
            Happening::Disconnected { link, was_up, retry_in_ms, .. } => {
                self.set_link(link, false);
                if link == Link::Control && was_up && retry_in_ms.is_some() {
                    self.seeking = Some(Instant::now());
                }
                match (was_up, retry_in_ms) {
                    // Closed on purpose.
                    (_, None) => {}
                    (true, Some(_)) => add(&totals.connections_lost, 1),
                    (false, Some(_)) => add(&totals.attempts_failed, 1),
                }
            }
            Happening::Refused { .. } => add(&totals.refused, 1),
            Happening::Applied { .. } => {
                counters.note_in_round(|round| &mut round.applied);
                add(&totals.documents_applied, 1);
            }
            Happening::Complained { .. } => add(&totals.complaints, 1),
            Happening::Stored { .. } => add(&totals.blocks_stored, 1),
            Happening::Wasted { bytes } => {
                totals.wasted_bytes.fetch_add(bytes, Ordering::Relaxed);
            }
            Happening::Ready { .. } => add(&totals.objects_ready, 1),
            Happening::Began { error_ms, .. } => {
                set(&mut self.is_sounding, &now.sounding, true);
                lock(&counters.start_errors).add(error_ms);
                counters.note_in_round(|round| &mut round.sounding);
                add(&totals.sounds_begun, 1);
            }
            Happening::Ended { .. } => set(&mut self.is_sounding, &now.sounding, false),
            Happening::Receipt { receipt } => self.count_receipt(&receipt),
            Happening::Reported { count } => add(&totals.receipts_sent, count),
            Happening::Acknowledged { numbers } => add(&totals.receipts_acked, numbers.len()),
            Happening::Fault { .. }
            | Happening::KeySetUnused { .. }
            | Happening::Forgotten { .. }
            | Happening::Wanted { .. }
            | Happening::Corrupt { .. }
            | Happening::Dropped { .. }
            | Happening::NotStored { .. }
            | Happening::Amplifier { .. }
            | Happening::Volume { .. }
            | Happening::Ordered { .. }
            | Happening::Health => return,
        }
        counters.changed.notify_waiters();
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.go_dark();
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mb = |bytes: u64| bytes as f64 / 1e6;
        write!(
            f,
            "connected {:>6}  fetching {:>5}  documents {:>6}  objects {:>6}  sounding {:>5}  receipts {} sent, {} acked  \
             in {:.1} MB  out {:.1} MB",
            self.connected,
            self.fetching,
            self.documents_applied,
            self.objects_ready,
            self.sounding,
            self.receipts_sent,
            self.receipts_acked,
            mb(self.received_bytes),
            mb(self.sent_bytes)
        )?;
        let lost = self.connections_lost + self.attempts_failed;
        if lost + self.failed + self.refused > 0 {
            write!(f, "  LOST {lost}  REFUSED {}  FAILED {}", self.refused, self.failed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use loa_protocol::ids::ObjectHash;

    use super::*;

    #[tokio::test]
    async fn who_waits_sees_the_change() {
        let counters = Arc::new(Counters::default());
        let waiting = tokio::spawn({
            let counters = Arc::clone(&counters);
            async move { counters.wait_for(|figures| figures.connected == 2).await }
        });
        let mut meters: Vec<Meter> = (0..2).map(|_| Meter::new(Arc::clone(&counters))).collect();
        for meter in &mut meters {
            for _ in 0..2 {
                meter.note(UnixMs(0), Happening::Connected { link: Link::Control, connection: 1 });
            }
        }
        assert_eq!(waiting.await.unwrap().connections, 4);
        drop(meters);
        assert_eq!(counters.figures().connected, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_round_counts_from_its_beginning() {
        let counters = Arc::new(Counters::default());
        let mut meter = Meter::new(Arc::clone(&counters));
        let mut begin =
            || meter.note(UnixMs(0), Happening::Began { object: ObjectHash::of(b"x"), error_ms: 1.0 });
        begin();
        counters.begin_round();
        tokio::time::advance(Duration::from_millis(40)).await;
        begin();
        let RoundFigures { applied, sounding } = counters.round();
        assert_eq!((applied.figures().count, sounding.figures().count), (0, 1));
        assert_eq!(sounding.figures().max, Some(40.0));
    }

    #[tokio::test(start_paused = true)]
    async fn connecting_is_timed_from_power_and_from_each_loss() {
        let counters = Arc::new(Counters::default());
        let mut meter = Meter::new(Arc::clone(&counters));
        let booted = Happening::Booted { boot: 1, documents: 0, objects: 0, partial: vec![], receipts: 0 };
        let connected = Happening::Connected { link: Link::Control, connection: 1 };
        let lost = |retry_in_ms| Happening::Disconnected {
            link: Link::Control,
            was_up: true,
            reason: String::new(),
            retry_in_ms,
        };
        for (happening, then_ms) in
            [(booted, 30), (connected.clone(), 1_000), (lost(Some(5)), 70), (connected, 500), (lost(None), 9)]
        {
            meter.note(UnixMs(0), happening);
            tokio::time::advance(Duration::from_millis(then_ms)).await;
        }
        let times = counters.connect_times().figures();
        assert_eq!((times.count, times.max), (2, Some(70.0)));
    }
}
