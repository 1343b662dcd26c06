//! When what goes wrong on one node. Each kind of fault has a stream of its own, so that leaving one out changes no other.

use super::event::Event;
use super::fault::{Fault, Faults};
use super::office::Frame;
use super::speaker::Device;
use super::{DAY, HOUR, MINUTE, SECOND};
use crate::board_sim::cache::Disk as Medium;
use crate::rng::Rng;

/// Everything that happens to a node from outside, with its instant.
pub(crate) fn of_node(seed: u64, index: usize, frame: &Frame, faults: &Faults) -> Vec<(i64, Event)> {
    let mut events = Vec::new();
    for fault in faults.iter() {
        let shared = matches!(fault, Fault::Broker);
        let purpose = if shared { format!("{fault:?}") } else { format!("{fault:?} of {index}") };
        let stream = Stream { rng: Rng::of(seed, &purpose), begin: frame.begin, end: frame.end };
        match fault {
            Fault::Power => stream.power(&mut events),
            Fault::Restart => {
                stream.each(2 * DAY, &mut events, |rng, at, events| {
                    events.push((at, Event::Restart));
                    rng.range(SECOND, MINUTE)
                });
            }
            Fault::Link => stream.each(30 * HOUR, &mut events, |rng, at, events| {
                let lasts = length_ms(rng, 50 * HOUR);
                events.extend([(at, Event::Network(false)), (at + lasts, Event::Network(true))]);
                lasts
            }),
            Fault::Broker => stream.each(30 * HOUR, &mut events, |rng, at, events| {
                let lasts = rng.range(SECOND, 5 * MINUTE);
                events.extend([(at, Event::BrokerKilled), (at + lasts, Event::BrokerRuns)]);
                lasts
            }),
            Fault::Jump => stream.each(2 * DAY, &mut events, |rng, at, events| {
                let by = step_ms(rng);
                events.push((at, Event::Jump(by)));
                // A time service puts it right before long, unless the network is away.
                let lasts = rng.range(MINUTE, 3 * HOUR);
                events.push((at + lasts, Event::TimeService));
                lasts
            }),
            Fault::Rtc => stream.each(2 * DAY, &mut events, |rng, at, events| {
                // It says 1970 or some year before. One that runs and is off by hours is right for all that a board without
                // network can know.
                let says = if rng.percent(50) { None } else { Some(-(365 * DAY) - step_ms(rng).abs()) };
                events.push((at, Event::ChipSpoilt(says)));
                0
            }),
            Fault::Drift => stream.each(2 * DAY, &mut events, |rng, at, events| {
                let lasts = length_ms(rng, 3 * DAY);
                events.extend([(at, Event::TimeServers(false)), (at + lasts, Event::TimeServers(true))]);
                lasts
            }),
            Fault::DiskFull => stream.each(2 * DAY, &mut events, |rng, at, events| {
                let lasts = length_ms(rng, 5 * HOUR);
                events.extend([(at, Event::Medium(Medium::Full)), (at + lasts, Event::Medium(Medium::Good))]);
                lasts
            }),
            Fault::DiskFailing => stream.each(3 * DAY, &mut events, |rng, at, events| {
                let lasts = length_ms(rng, HOUR);
                events.extend([
                    (at, Event::Medium(Medium::Failing)),
                    (at + lasts, Event::Medium(Medium::Good)),
                ]);
                lasts
            }),
            Fault::Rot => stream.each(30 * HOUR, &mut events, |rng, at, events| {
                events.push((at, Event::Rot(rng.below(16) as u8)));
                0
            }),
            Fault::Speaker => stream.each(36 * HOUR, &mut events, |rng, at, events| {
                let device = if rng.percent(50) { Device::Refuses } else { Device::Fails };
                let lasts = length_ms(rng, 2 * HOUR);
                events.extend([(at, Event::Device(device)), (at + lasts, Event::Device(Device::Works))]);
                lasts
            }),
            Fault::Hang => stream.each(2 * DAY, &mut events, |rng, at, events| {
                let lasts = length_ms(rng, HOUR);
                events
                    .extend([(at, Event::Device(Device::Hangs)), (at + lasts, Event::Device(Device::Works))]);
                lasts
            }),
            Fault::Amplifier => stream.each(2 * DAY, &mut events, |rng, at, events| {
                let lasts = length_ms(rng, HOUR);
                events.extend([(at, Event::Amplifier(false)), (at + lasts, Event::Amplifier(true))]);
                lasts
            }),
            Fault::Slow => stream.each(2 * DAY, &mut events, |rng, at, events| {
                let lasts = length_ms(rng, 2 * HOUR);
                events.extend([(at, Event::Slow(true)), (at + lasts, Event::Slow(false))]);
                lasts
            }),
            Fault::Adversary => stream.each(2 * HOUR, &mut events, |_, at, events| {
                events.push((at, Event::Attack));
                0
            }),
            // These act on single messages, or on the controller as a whole; or they are what staff write, or a board is told.
            Fault::Loss
            | Fault::Duplicate
            | Fault::Reorder
            | Fault::Office
            | Fault::Rules
            | Fault::Guards
            | Fault::Orders
            | Fault::Board
            | Fault::NamedOrders
            | Fault::Alerts => {}
        }
    }
    if faults.has(Fault::Office) {
        let restores = frame.restores.iter();
        events.extend(restores.map(|restore| (restore.at, Event::OfficeRestored(restore.back_to))));
    }
    events.retain(|(at, _)| *at < frame.end);
    events
}

struct Stream {
    rng: Rng,
    begin: i64,
    end: i64,
}

impl Stream {
    /// Something that comes on average every `mean_ms`; `happen` says how long it lasts.
    fn each(
        mut self,
        mean_ms: i64,
        events: &mut Vec<(i64, Event)>,
        mut happen: impl FnMut(&mut Rng, i64, &mut Vec<(i64, Event)>) -> i64,
    ) {
        let mut at = self.begin + self.rng.gap_ms(mean_ms);
        while at < self.end {
            let lasts = happen(&mut self.rng, at, events);
            at += lasts + self.rng.gap_ms(mean_ms);
        }
    }

    /// Half of the cuts come at an instant, the others at one of the next actions, whatever it is.
    fn power(self, events: &mut Vec<(i64, Event)>) {
        self.each(20 * HOUR, events, |rng, at, events| {
            let cut =
                if rng.percent(50) { Event::PowerOff } else { Event::PowerOffAfter(rng.range(1, 60) as u32) };
            events.push((at, cut));
            let lasts = length_ms(rng, 30 * HOUR);
            // Cuts often come in rows.
            for _ in 0..rng.below(3) {
                let again = at + rng.range(SECOND, 4 * MINUTE);
                events
                    .extend([(again, Event::PowerOff), (again + rng.range(SECOND, MINUTE), Event::PowerOn)]);
            }
            events.push((at + lasts, Event::PowerOn));
            lasts
        });
    }
}

/// Mostly short, sometimes very long.
fn length_ms(rng: &mut Rng, longest_ms: i64) -> i64 {
    match rng.below(10) {
        0..=3 => rng.range(SECOND, 2 * MINUTE),
        4..=8 => rng.range(MINUTE, longest_ms / 8),
        _ => rng.range(longest_ms / 8, longest_ms),
    }
}

/// By how much a clock is set wrong: seconds to weeks, either way.
fn step_ms(rng: &mut Rng) -> i64 {
    let by = match rng.below(4) {
        0 => rng.range(100, 2 * MINUTE),
        1 => rng.range(MINUTE, 3 * HOUR),
        2 => rng.range(HOUR, 3 * DAY),
        _ => rng.range(DAY, 40 * DAY),
    };
    if rng.percent(50) { by } else { -by }
}
