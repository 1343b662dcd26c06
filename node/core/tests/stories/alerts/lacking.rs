//! Emergencies of which a track is not there (rule N3): too large to be inline, and nothing brings it.

use loa_protocol::receipt::{Outcome, Reason};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::EMERGENCY_LACK_MS;
use loa_protocol::topic::TopicKind;

use super::{AT, alerts, listening, on_topic, outcome, sealed, urgent};
use crate::office::*;
use crate::rig::{Rig, Serving};

/// What a cold amplifier needs.
const WARM_UP_MS: i64 = 2 * SECOND;

struct Tracks {
    vi: Object,
    kpm: Object,
}

impl Tracks {
    fn new() -> Self {
        Self { vi: Object::new("vi", 9, 10_000), kpm: Object::new("kpm", 40, 30_000) }
    }

    /// The alarm with both tracks, that of the smaller alone inline; it may start for the whole hour in which it is valid.
    fn alarm(&self, at: UnixMs) -> Vec<u8> {
        let tracks = [("vi", &self.vi), ("kpm", &self.kpm)];
        let both = item("flood", at, &tracks).tracks;
        let item = within(loa_protocol::plan::Item { tracks: both, ..urgent("flood", at, &self.vi) }, HOUR);
        sealed(&alerts(1, vec![item], &[&self.vi], &[&self.kpm]), at)
    }
}

/// A village that hears both languages, at this instant, and whether its wants are answered.
fn village(now: UnixMs, serving: Serving) -> (Rig, Tracks) {
    let tracks = Tracks::new();
    let mut rig = listening();
    rig.receive(TopicKind::Desired(node()), &desired(2, &["vi", "kpm"]));
    rig.offer(&[&tracks.vi, &tracks.kpm]);
    rig.serving = serving;
    rig.run_until(now);
    (rig, tracks)
}

fn starts(rig: &Rig) -> Vec<i64> {
    rig.played.iter().map(|played| played.start_at.since(AT)).collect()
}

#[test]
fn what_is_there_sounds_although_the_other_language_never_comes() {
    let (mut rig, tracks) = village(AT, Serving::No);
    rig.receive(on_topic(), &tracks.alarm(AT));
    rig.run_for(EMERGENCY_LACK_MS - 1);
    assert_eq!(starts(&rig), [0; 0], "a fetch has some seconds");
    rig.run_for(HOUR);
    assert_eq!(starts(&rig), [EMERGENCY_LACK_MS + WARM_UP_MS]);
    assert_eq!(outcome(&rig, "flood"), Some(Outcome::Partial(Reason::AudioIncomplete)));
}

#[test]
fn who_hears_of_it_late_gives_the_fetch_its_seconds_too() {
    let late = 20 * MINUTE;
    for (serving, heard) in [(Serving::Yes, 2), (Serving::No, 1)] {
        let (mut rig, tracks) = village(AT + late, serving);
        rig.receive(on_topic(), &tracks.alarm(AT));
        rig.run_for(HOUR);
        let first = starts(&rig)[0];
        assert!((late..=late + EMERGENCY_LACK_MS + WARM_UP_MS).contains(&first), "{first}");
        assert_eq!(rig.played.len(), heard, "{serving:?}");
    }
}

#[test]
fn a_clock_that_is_set_meanwhile_does_not_make_the_wait_longer() {
    let (mut rig, tracks) = village(AT + MINUTE, Serving::No);
    rig.receive(on_topic(), &tracks.alarm(AT));
    rig.run_for(5 * SECOND);
    rig.step_clock(-30 * SECOND, loa_protocol::report::ClockTrust::Trusted);
    rig.run_for(EMERGENCY_LACK_MS);
    assert_eq!(rig.played.len(), 1);
}
