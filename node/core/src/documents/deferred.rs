//! Documents that were refused: told, and kept where they may be right later.

use std::collections::VecDeque;
use std::sync::Arc;

use loa_protocol::alert::Verdict;
use loa_protocol::area::AreaPath;
use loa_protocol::envelope::{Freshness, Refusal, claims_of, valid_from};
use loa_protocol::keys::KeySet;
use loa_protocol::time::UnixMs;

use super::{Documents, Judged, lasting};
use crate::action::Action;
use crate::deadline::{At, Deadlines};
use crate::input::{Now, Slot};

/// How often deferred documents are tried again.
const RETRY_MS: u64 = 60_000;

/// Where a deferred envelope comes from. Of both that a slot may have, that of the store is tried first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// It was applied, and is in the store: what somebody sends whose key nobody knows does not displace it.
    Store,
    /// It came.
    Topic,
}

/// An envelope that may verify later.
#[derive(Debug)]
pub(super) struct Deferred {
    envelope: Arc<[u8]>,
    /// When it came, or was last applied.
    received: UnixMs,
    /// Place and instant of its application, when it comes from the store.
    stored: Option<(AreaPath, UnixMs)>,
    wait: Wait,
    /// Of alerts: when their signer, if it is one, lets them expire. Read once, for it is asked at every input.
    expires: Option<UnixMs>,
}

/// What a deferred document waits for. Each waits for another key set and another place, too.
#[derive(Debug)]
enum Wait {
    /// That and nothing else: no clock makes it right.
    Key,
    /// The wall clock to show this.
    Wall(UnixMs),
    /// A clock that is set right.
    Clock,
}

impl Wait {
    /// What a document waits for that was refused for this.
    fn after(refusal: Refusal, envelope: &[u8], keys: Option<&KeySet>) -> Self {
        if refusal == Refusal::UnknownKey {
            Self::Key
        } else if refusal == Refusal::NotYetValid {
            valid_from(envelope, keys).map_or(Self::Clock, Self::Wall)
        } else {
            Self::Clock
        }
    }

    fn is_over(&self, wall: UnixMs) -> bool {
        match self {
            Self::Key => false,
            Self::Wall(at) => *at <= wall,
            Self::Clock => true,
        }
    }
}

impl Deferred {
    fn origin(&self) -> Origin {
        if self.stored.is_some() { Origin::Store } else { Origin::Topic }
    }

    /// Of alerts: when their signer, if it is one, lets them expire.
    pub(super) fn expires(&self) -> Option<UnixMs> {
        self.expires
    }
}

/// When alerts expire, by what they say of themselves.
fn expiry(slot: &Slot, envelope: &[u8]) -> Option<UnixMs> {
    let claims = matches!(slot, Slot::Alert(_)).then(|| claims_of(envelope))?;
    claims.ok().map(|claims| UnixMs::from_seconds(claims.validity.expires_s))
}

impl Documents {
    /// Counts and reports a refusal.
    pub(crate) fn tell(&mut self, slot: Slot, refusal: Refusal) {
        self.change.refusals.push((slot, refusal));
    }

    pub(super) fn refuse(
        &mut self,
        slot: &Slot,
        envelope: Arc<[u8]>,
        stored: Option<(AreaPath, UnixMs)>,
        refusal: Refusal,
        now: Now,
    ) {
        let expected = refusal == Refusal::UnknownKey && self.keys.is_none();
        // What waits may come again from the broker: it is the same document, that came or was applied when it was.
        let same = [Origin::Store, Origin::Topic].into_iter().find_map(|origin| {
            self.deferred.get(&(slot.clone(), origin)).filter(|deferred| deferred.envelope == envelope)
        });
        let is_again = same.is_some();
        let stored = stored.or_else(|| same.and_then(|deferred| deferred.stored.clone()));
        let came = same.map_or(now.wall, |deferred| deferred.received);
        let received = stored.as_ref().map_or(came, |(_, applied_at)| *applied_at);
        // Retained messages come in any order: a plan before the first key set is no offence.
        if !expected || *slot == Slot::Keys {
            self.tell(slot.clone(), refusal);
            if !is_again {
                self.refused(slot, &envelope, received, refusal);
            }
        }
        if self.defers(slot, refusal, stored.is_some()) {
            let wait = Wait::after(refusal, &envelope, self.key_set());
            let expires = expiry(slot, &envelope);
            self.defer(slot.clone(), Deferred { envelope, received, stored, wait, expires });
            self.retry_at_ms.get_or_insert(now.monotonic_ms.saturating_add(RETRY_MS));
        }
    }

    fn defer(&mut self, slot: Slot, deferred: Deferred) {
        self.deferred.insert((slot, deferred.origin()), deferred);
    }

    /// Another document is in force in the slot.
    pub(super) fn forget_deferred(&mut self, slot: &Slot) {
        self.deferred.retain(|(of, _), _| of != slot);
    }

    /// Whether a refused document may verify later: its key may come (but never another root), the clock may be set right.
    /// While the node's own document waits for that, the node's place is not known, and nothing that a document of an area was
    /// refused for is the last word.
    fn defers(&self, slot: &Slot, refusal: Refusal, is_stored: bool) -> bool {
        if let Some(area) = slot.area() {
            if is_stored && self.deferred.contains_key(&(Slot::Node, Origin::Store)) {
                return true;
            }
            if !self.path.contains(area) {
                return false;
            }
        }
        let awaits_key = refusal == Refusal::UnknownKey && *slot != Slot::Keys;
        awaits_key || refusal == Refusal::NotYetValid || is_stored && refusal == Refusal::Expired
    }

    /// Tries the deferred documents again, for instance because the clock was set.
    pub(crate) fn retry_deferred(&mut self, now: Now, actions: &mut VecDeque<Action>) {
        self.retry_at_ms = None;
        for ((slot, _), deferred) in std::mem::take(&mut self.deferred) {
            let Deferred { envelope, received, stored, wait: _, expires } = deferred;
            let valid_at = stored.as_ref().map_or(now.wall, |(_, applied_at)| *applied_at);
            let result =
                lasting(now.wall, valid_at, |at| self.apply(&slot, &envelope, stored.as_ref(), at, actions));
            match result {
                // Ends: a document that was applied here is not deferred any more.
                Ok(Freshness::New) => {
                    self.forget_deferred(&slot);
                    self.verified(&slot, received, now.wall);
                    self.after_change(&slot, now, actions);
                }
                Ok(Freshness::Same) => {}
                Err(refusal) if self.defers(&slot, refusal, stored.is_some()) => {
                    // Reported when it came; a newer one may have been deferred meanwhile.
                    let wait = Wait::after(refusal, &envelope, self.key_set());
                    let again = Deferred { envelope, received, stored, wait, expires };
                    self.deferred.entry((slot, again.origin())).or_insert(again);
                    self.retry_at_ms = Some(now.monotonic_ms.saturating_add(RETRY_MS));
                }
                // Overtaken by a newer document meanwhile: nothing is wrong.
                Err(Refusal::Replayed) => {}
                Err(refusal) => {
                    self.refused(&slot, &envelope, received, refusal);
                    self.tell(slot, refusal);
                }
            }
        }
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Now, actions: &mut VecDeque<Action>) {
        if self.retry_at_ms.is_none_or(|at| at > now.monotonic_ms) {
            return;
        }
        if self.deferred.values().any(|deferred| deferred.wait.is_over(now.wall)) {
            self.retry_deferred(now, actions);
        } else {
            self.retry_at_ms = Some(now.monotonic_ms.saturating_add(RETRY_MS));
        }
    }

    pub(crate) fn deadlines(&self, deadlines: &mut Deadlines) {
        if let Some(at) = self.retry_at_ms {
            deadlines.add(At::Monotonic(at), "try a deferred document again");
        }
    }

    /// Alerts are in force: their sender waits for the word.
    pub(super) fn verified(&mut self, slot: &Slot, received: UnixMs, now: UnixMs) {
        if let (Slot::Alert(area), Some(held)) = (slot, self.held(slot)) {
            let (area, epoch, verdict) = (area.clone(), held.applied.sequence, Verdict::Verified(now));
            self.change.judged.push(Judged { area, epoch, received, verdict });
        }
    }

    fn refused(&mut self, slot: &Slot, envelope: &[u8], received: UnixMs, refusal: Refusal) {
        if let (Slot::Alert(area), Ok(claims)) = (slot, claims_of(envelope)) {
            let (area, verdict) = (area.clone(), Verdict::Refused(refusal));
            self.change.judged.push(Judged { area, epoch: claims.sequence, received, verdict });
        }
    }
}
