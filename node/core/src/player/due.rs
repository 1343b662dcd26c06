//! An occurrence that has come near, until it sounds or is missed.

use std::collections::VecDeque;
use std::sync::Arc;

use loa_protocol::bulletin::Language;
use loa_protocol::ids::{ItemId, ObjectHash};
use loa_protocol::plan::Item;
use loa_protocol::receipt::Reason;
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Occurrence;

use super::session::{Sounding, Tracks};
use super::{PLAY_LEAD_MS, Scene};
use crate::input::Intent;

#[derive(Clone, Debug)]
pub(super) struct Due {
    pub(super) occurrence: Occurrence,
    pub(super) item: Arc<Item>,
    /// An intent is in the store: it must end in a receipt, whatever happens.
    pub(super) has_intent: bool,
    /// One that goes before it sounded while it could have started.
    pub(super) yielded: bool,
    /// The device failed when it was last tried.
    pub(super) device_failed: bool,
    /// Not tried again before this instant of the monotonic clock.
    pub(super) retry_at_ms: Option<u64>,
}

impl Due {
    pub(super) fn new(occurrence: Occurrence, item: Arc<Item>) -> Self {
        Self { occurrence, item, has_intent: false, yielded: false, device_failed: false, retry_at_ms: None }
    }

    /// Names it among the occurrences of its node.
    pub(super) fn key(&self) -> (UnixMs, ItemId) {
        (self.occurrence.nominal, self.item.id.clone())
    }

    /// The latest instant at which it may start.
    pub(super) fn limit(&self) -> UnixMs {
        self.occurrence.nominal + i64::from(self.item.start_within_ms)
    }

    /// When it starts with the languages that are there, although others are lacking: just before the limit.
    pub(super) fn last_call(&self, scene: &Scene<'_>) -> UnixMs {
        self.limit() - PLAY_LEAD_MS - i64::from(scene.settings.amplifier_warm_up_ms)
    }

    pub(super) fn intent(&self, started: Option<UnixMs>) -> Intent {
        Intent {
            occurrence: self.occurrence.id,
            item: self.item.id.clone(),
            revision: self.item.revision,
            bulletin: self.item.bulletin.clone(),
            nominal: self.occurrence.nominal,
            started,
        }
    }

    /// What it would play now; `None` while it waits for audio, or has nothing to play.
    pub(super) fn tracks(&self, scene: &Scene<'_>) -> Option<Tracks> {
        let wanted = spoken(&self.item, scene.languages);
        let sounding = |object: &ObjectHash| {
            let whole = scene.cache.is_whole(object);
            let manifest = scene.documents.manifest(object).filter(|_| whole)?;
            Some(Sounding { object: *object, duration_ms: manifest.duration_ms })
        };
        let mut left: VecDeque<Sounding> = wanted.iter().filter_map(sounding).collect();
        let is_lacking = left.len() < wanted.len();
        if is_lacking && scene.now.wall < self.last_call(scene) {
            return None;
        }
        let first = left.pop_front()?;
        Some(Tracks { first, left, defect: is_lacking.then_some(Reason::AudioIncomplete) })
    }

    /// Why it was missed, once its limit has passed.
    pub(super) fn missed_reason(&self, scene: &Scene<'_>) -> Reason {
        let wanted = spoken(&self.item, scene.languages);
        if self.limit() < scene.boot_wall {
            Reason::TooLate
        } else if scene.clock == ClockTrust::Unknown {
            Reason::ClockUnknown
        } else if wanted.is_empty() {
            Reason::NoTrackForLanguage
        } else if self.device_failed {
            Reason::SpeakerFailed
        } else if self.yielded {
            Reason::Yielded
        } else if !wanted.iter().all(|object| scene.cache.is_whole(object)) {
            Reason::AudioIncomplete
        } else {
            Reason::TooLate
        }
    }
}

/// The objects of an item that a village hears, in the order in which they sound.
pub(crate) fn spoken(item: &Item, languages: &[Language]) -> Vec<ObjectHash> {
    item.heard(languages).into_iter().map(|track| track.object).collect()
}
