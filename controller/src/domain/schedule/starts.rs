//! When a schedule starts, by the nodes' own rules.

use chrono_tz::Tz;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Calendar, Timetable};

use super::ScheduleValues;

/// A start to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextStart {
    /// When.
    pub at: UnixMs,
    /// The zone on whose wall clock it was found.
    pub zone: Tz,
}

/// When a schedule starts on the clocks of its targets: the node's own [`Timetable`] for each zone, for nodes read a repeating
/// time in the zone of the target that they hear it through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starts(Vec<(Tz, Timetable)>);

impl Starts {
    /// The starts of a schedule on these clocks. `calendars` are those that its rules name, written out.
    pub fn new(values: &ScheduleValues, zones: &[Tz], calendars: &[Calendar]) -> Self {
        let rules = values.rules.on_the_wire();
        let timetable = |zone: &Tz| {
            let timetable = Timetable::of(values.start.clone(), &rules, *zone, calendars);
            (*zone, timetable.within(values.valid_from, values.valid_until))
        };
        Self(zones.iter().map(timetable).collect())
    }

    /// The first start after `after` within the schedule's validity. Of starts at the same instant the first zone's.
    pub fn next_after(&self, after: UnixMs) -> Option<NextStart> {
        let starts = self.0.iter().filter_map(|(zone, timetable)| {
            timetable.next_after(after).map(|at| NextStart { at, zone: *zone })
        });
        starts.min_by_key(|start| start.at)
    }
}
