//! What sounds for an occurrence (section N of the [timeline](super)).

use crate::bulletin::Language;
use crate::ids::ObjectHash;
use crate::plan::Item;

/// Silence between two parts, in milliseconds: the next language is heard as a beginning, and the echo of the last word has
/// died.
pub const PART_PAUSE_MS: u32 = 1_000;

/// One sound of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
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
        let part = |object: &ObjectHash, is_chime: bool| {
            let duration_ms = duration_ms(object)?;
            Some(Part { object: *object, duration_ms, pause_before_ms: PART_PAUSE_MS, is_chime })
        };
        let heard = item.heard(languages);
        let round: Vec<Part> = heard.iter().filter_map(|track| part(&track.object, false)).collect();
        if round.is_empty() {
            return None;
        }
        let is_lacking = round.len() < heard.len();
        let chime = |object: &Option<ObjectHash>| object.as_ref().and_then(|object| part(object, true));
        let mut parts: Vec<Part> = chime(&item.rules.chime_before).into_iter().collect();
        let (rounds, gap_ms) = item.rules.repeats.map_or((1, 0), |repeats| (repeats.rounds, repeats.gap_ms));
        for number in 0..rounds {
            let begin = parts.len();
            parts.extend_from_slice(&round);
            if number > 0 {
                parts[begin].pause_before_ms = gap_ms;
            }
        }
        parts.extend(chime(&item.rules.chime_after));
        Some(Self { parts, is_lacking })
    }

    /// How long it lasts from the part at `from` on, pauses included, in milliseconds.
    pub fn length_ms(&self, from: usize) -> i64 {
        let left = self.parts.get(from..).unwrap_or_default();
        let pauses: i64 = left.iter().skip(1).map(|part| i64::from(part.pause_before_ms)).sum();
        pauses + self.sound_ms(from)
    }

    /// How long it sounds from the part at `from` on, pauses not counted, in milliseconds.
    pub fn sound_ms(&self, from: usize) -> i64 {
        self.parts.get(from..).unwrap_or_default().iter().map(|part| i64::from(part.duration_ms)).sum()
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
