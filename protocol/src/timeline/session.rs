//! What sounds for an occurrence (section N of the [timeline](super)).

use super::rules::Repeats;
use crate::bulletin::{Class, Language};
use crate::ids::ObjectHash;
use crate::plan::Item;
use crate::time::UnixMs;

/// Silence between two parts, in milliseconds: the next language is heard as a beginning, and the echo of the last word has
/// died.
pub const PART_PAUSE_MS: u32 = 1_000;

/// How long an emergency waits for tracks that are not there (rule N3), in milliseconds: time to fetch one, and no more than a warning may
/// come late for those who understand what is there.
pub const EMERGENCY_LACK_MS: i64 = 20_000;

/// One sound of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its place in the session as it would be with every object there, from 0.
    pub number: u32,
    /// What sounds.
    pub object: ObjectHash,
    /// How long, by its manifest, in milliseconds.
    pub duration_ms: u32,
    /// Silence before it, in milliseconds; that of the first part is not kept.
    pub pause_before_ms: u32,
    /// Whether it is a chime, which nobody misses.
    pub is_chime: bool,
}

/// The parts of a session, in the order in which they sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPlan {
    /// The parts; those of objects that are not there are left out.
    pub parts: Vec<Part>,
    /// Whether tracks that the village should hear are left out.
    pub is_lacking: bool,
}

impl SessionPlan {
    /// The session of an item in a village of these languages (rules N1 to N3), from the objects that are there: `duration_ms` tells an
    /// object's length, or `None` where it is not there. `None`: none of the tracks is there, or the item has none for the village.
    pub fn new(
        item: &Item,
        languages: &[Language],
        duration_ms: impl Fn(&ObjectHash) -> Option<u32>,
    ) -> Option<Self> {
        let heard = item.heard(languages);
        let Repeats { rounds, gap_ms } = item.rules.repeats.unwrap_or(Repeats { rounds: 1, gap_ms: 0 });
        let tracks = (0..rounds).flat_map(|round| {
            let pause = move |first: bool| if first && round > 0 { gap_ms } else { PART_PAUSE_MS };
            heard.iter().enumerate().map(move |(place, track)| (&track.object, pause(place == 0), false))
        });
        let chime = |object| (object, PART_PAUSE_MS, true);
        let (before, after) = (item.rules.chime_before.as_ref(), item.rules.chime_after.as_ref());
        let whole = before.map(chime).into_iter().chain(tracks).chain(after.map(chime));
        let part = |(number, (object, pause_before_ms, is_chime)): (u32, (&ObjectHash, u32, bool))| {
            let duration_ms = duration_ms(object)?;
            Some(Part { number, object: *object, duration_ms, pause_before_ms, is_chime })
        };
        let parts: Vec<Part> = (0..).zip(whole).filter_map(part).collect();
        let tracks_there = parts.iter().filter(|part| !part.is_chime).count();
        let is_lacking = tracks_there < heard.len() * rounds as usize;
        (tracks_there > 0).then_some(Self { parts, is_lacking })
    }

    /// The parts from this number on.
    pub fn left(&self, from: u32) -> impl Iterator<Item = &Part> {
        self.parts.iter().skip_while(move |part| part.number < from)
    }

    /// How long it lasts from the part of this number on, pauses included, in milliseconds.
    pub fn length_ms(&self, from: u32) -> i64 {
        let pauses: i64 = self.left(from).skip(1).map(|part| i64::from(part.pause_before_ms)).sum();
        pauses + self.sound_ms(from)
    }

    /// How long it sounds from the part of this number on, pauses not counted, in milliseconds.
    pub fn sound_ms(&self, from: u32) -> i64 {
        self.left(from).map(|part| i64::from(part.duration_ms)).sum()
    }
}

/// From when on an occurrence starts with the tracks that are there, although others are lacking (rule N3). `due`: since when it is due
/// and the node knows of it; `latest`: when it may start at the latest; `lead_ms`: how long the board needs to begin.
///
/// An emergency's wait counts from when the node knew of it, not from its nominal start, which lies back where it was given at once:
/// else who hears of it a minute late would leave out for good what seconds would have brought.
pub fn last_call(class: Class, due: UnixMs, latest: UnixMs, lead_ms: i64) -> UnixMs {
    let usual = latest - lead_ms;
    match class {
        Class::Emergency => usual.min(due + EMERGENCY_LACK_MS),
        Class::Normal | Class::Priority => usual,
    }
}

/// The objects that a village should hear of an item, in the order in which they are needed: its tracks, then its chimes.
pub fn objects_heard(item: &Item, languages: &[Language]) -> Vec<ObjectHash> {
    let tracks = item.heard(languages).into_iter().map(|track| track.object);
    let mut objects: Vec<ObjectHash> = tracks.collect();
    if !objects.is_empty() {
        objects.extend(item.rules.chimes());
    }
    objects
}
