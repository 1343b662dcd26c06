//! What the node says to the controller.

use std::collections::BTreeSet;

use loa_protocol::ids::ObjectHash;
use loa_protocol::report::{AppliedPlan, Health, State, StorageState};
use loa_protocol::wire::Wire;

use super::Core;
use crate::action::{Action, Qos};
use crate::documents::InForce;
use crate::input::{Link, Measurements, Now};

impl Core {
    pub(super) fn publish_health(&mut self, measurements: Measurements, now: Now) {
        let Measurements {
            uptime_s,
            temperature_decidegrees,
            supply_mv,
            memory_bytes,
            disk_free_bytes,
            speaker_works,
            clock_error_ms,
            clock_ahead_ms,
        } = measurements;
        if self.is_control_up {
            let health = Health {
                measured: now.wall,
                uptime_s,
                temperature_decidegrees,
                supply_mv,
                memory_bytes,
                disk_free_bytes,
                receipts_waiting: self.receipts.waiting(),
                refused: self.reports.refused,
                clock: self.world.clock,
                speaker_works,
                // Where the shell tells only how far to trust the clock, it does not know.
                clock_source: self.timekeeping.is_on().then_some(self.clock_source),
                clock_error_ms,
                clock_ahead_ms,
                audio_bytes: Some(self.fetch.came().bytes),
                audio_wasted_bytes: Some(self.fetch.came().wasted_bytes),
            };
            self.publish(self.topics.health(), health.to_cbor(), false);
        }
    }

    pub(super) fn report(&mut self, now: Now) {
        if !self.is_control_up {
            return;
        }
        let due = self.reports.take_due(now);
        if due.state {
            let state = self.state();
            self.publish(self.topics.state(), state.to_cbor(), true);
        }
        if due.measure_health {
            self.actions.push_back(Action::MeasureHealth);
        }
        for event in due.events {
            self.publish(self.topics.event(), event.to_cbor(), false);
        }
        for answer in self.answers.take_due(now) {
            self.publish(self.topics.answer(), answer.to_cbor(), false);
        }
    }

    fn state(&self) -> State {
        let InForce { keys, node: desired, plans, alerts } = self.world.documents.in_force();
        let applied = |(area, applied)| AppliedPlan { area, applied };
        let programs = self.world.documents.programs();
        let named: BTreeSet<&ObjectHash> =
            programs.flat_map(|held| held.manifests.keys()).chain(self.world.documents.prepared()).collect();
        let scene = self.world.scene(self.seen);
        let ready = named.into_iter().filter(|object| scene.has(object)).count();
        State {
            boot: self.boot,
            firmware: self.firmware.clone(),
            keys,
            desired,
            plans: plans.into_iter().map(applied).collect(),
            objects_ready: u32::try_from(ready).unwrap_or(u32::MAX),
            fetching: self.fetch.fetching(&self.world.cache),
            clock: self.world.clock,
            storage: if self.store_is_full { StorageState::Full } else { self.fetch.storage() },
            volume_percent: self.volume_percent,
            orders: self.orders.applied(self.world.documents.areas(), self.world.documents.recipient().node),
            own_guards: self.world.settings.own_guards.clone(),
            alerts: alerts.into_iter().map(applied).collect(),
        }
    }

    pub(super) fn publish(&mut self, topic: String, payload: Vec<u8>, retain: bool) {
        let qos = Qos::AtLeastOnce;
        self.actions.push_back(Action::Publish { link: Link::Control, topic, payload, qos, retain });
    }
}
