//! What happens to the boards of a fleet from outside: lines that go away and come back, power that goes.
//!
//! One task for all of them, with the next event first; who is hit, when and for how long comes from a seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::classes::{LinkClass, Outages};
use crate::board_sim::network::{Network, Outage};
use crate::node::Fault;
use crate::rng::Rng;

/// How long a board that is hit by churn is without power, in milliseconds.
const POWER_AWAY_MS: (i64, i64) = (2_000, 20_000);

/// A board that trouble may come to.
pub(super) struct Target {
    pub(super) class: LinkClass,
    pub(super) network: Arc<Network>,
    /// Where its power is cut; `None` where there is no churn.
    pub(super) faults: Option<mpsc::Sender<Fault>>,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Line { index: usize, goes: bool },
    PowerGoes,
}

pub(super) struct Trouble {
    targets: Vec<Target>,
    churn_per_min: f64,
    rng: Rng,
    waiting: BinaryHeap<Reverse<(Instant, Event)>>,
}

impl Trouble {
    pub(super) fn new(targets: Vec<Target>, churn_per_min: f64, seed: u64) -> Self {
        let mut trouble = Self {
            targets,
            churn_per_min,
            rng: Rng::of(seed, "trouble of a fleet"),
            waiting: BinaryHeap::new(),
        };
        let now = Instant::now();
        for index in 0..trouble.targets.len() {
            if let Some(outages) = trouble.outages(index) {
                // Somewhere in the first turn, or all of a class would go at once.
                let there_ms = trouble.rng.range(0, 2 * ms(outages.there));
                trouble.at(now, there_ms, Event::Line { index, goes: true });
            }
        }
        trouble.next_churn(now);
        trouble
    }

    /// Runs for ever.
    pub(super) async fn run(mut self) {
        loop {
            let Some(Reverse((at, event))) = self.waiting.pop() else {
                return std::future::pending().await;
            };
            sleep_until(at).await;
            self.happen(event, at);
        }
    }

    fn happen(&mut self, event: Event, now: Instant) {
        match event {
            Event::Line { index, goes } => {
                let (Some(target), Some(outages)) = (self.targets.get(index), self.outages(index)) else {
                    return;
                };
                let stays = if goes {
                    target.network.cut(Outage::Silent);
                    outages.away
                } else {
                    target.network.mend();
                    outages.there
                };
                let stays_ms = self.rng.gap_ms(ms(stays));
                self.at(now, stays_ms, Event::Line { index, goes: !goes });
            }
            Event::PowerGoes => {
                let off_ms = self.rng.range(POWER_AWAY_MS.0, POWER_AWAY_MS.1);
                let target = self.targets.get(self.rng.below(self.targets.len() as u64) as usize);
                let faults = target.and_then(|target| target.faults.as_ref());
                // One that has not taken the last is without power as it is.
                if let Some(Err(error)) =
                    faults.map(|faults| faults.try_send(Fault::PowerCut { off_s: off_ms as f64 / 1_000.0 }))
                {
                    tracing::debug!(%error, "a board without power cannot lose it");
                }
                self.next_churn(now);
            }
        }
    }

    fn next_churn(&mut self, now: Instant) {
        if self.churn_per_min > 0.0 && !self.targets.is_empty() {
            // In microseconds: there may be thousands a minute.
            let mean_us = (60e6 / self.churn_per_min).max(1.0) as i64;
            let gap = Duration::from_micros(self.rng.gap_ms(mean_us.max(10)).unsigned_abs());
            self.waiting.push(Reverse((now + gap, Event::PowerGoes)));
        }
    }

    fn at(&mut self, now: Instant, in_ms: i64, event: Event) {
        self.waiting.push(Reverse((now + Duration::from_millis(in_ms.unsigned_abs()), event)));
    }

    fn outages(&self, index: usize) -> Option<Outages> {
        self.targets.get(index).and_then(|target| target.class.outages())
    }
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use loa_link::TcpDial;

    use super::*;

    fn target(class: LinkClass, faults: Option<mpsc::Sender<Fault>>) -> Target {
        let network = Network::new(Arc::new(TcpDial::new("127.0.0.1", 9)), Arc::default());
        Target { class, network, faults }
    }

    #[tokio::test(start_paused = true)]
    async fn lines_come_and_go_and_those_that_stay_stay() {
        let targets = vec![target(LinkClass::OnAndOff, None), target(LinkClass::Fibre, None)];
        let networks: Vec<Arc<Network>> = targets.iter().map(|target| Arc::clone(&target.network)).collect();
        tokio::spawn(Trouble::new(targets, 0.0, 1).run());
        let (mut changes, mut was_cut) = (0, false);
        for _ in 0..3_600 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let is_cut = networks[0].is_cut();
            changes += u32::from(is_cut != was_cut);
            was_cut = is_cut;
            assert!(!networks[1].is_cut());
        }
        // An hour holds about ten turns of five minutes and one.
        assert!((10..=32).contains(&changes), "{changes}");
    }

    #[tokio::test(start_paused = true)]
    async fn power_goes_as_often_as_it_should() {
        let (cut, mut cuts) = mpsc::channel(1_000);
        let targets = (0..10).map(|_| target(LinkClass::Direct, Some(cut.clone()))).collect();
        tokio::spawn(Trouble::new(targets, 60.0, 7).run());
        tokio::time::sleep(Duration::from_secs(600)).await;
        let mut count = 0;
        while let Ok(fault) = cuts.try_recv() {
            let Fault::PowerCut { off_s } = fault else { panic!("{fault:?}") };
            assert!((2.0..20.0).contains(&off_s), "{off_s}");
            count += 1;
        }
        assert!((550..=650).contains(&count), "{count}");
    }
}
