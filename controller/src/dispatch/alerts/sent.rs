//! What the sender has sent, and what a node's word means beside it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use loa_protocol::envelope::Applied;
use loa_protocol::ids::{AreaId, Digest};
use loa_protocol::plan::Epoch;
use loa_protocol::time::UnixMs;

use crate::store::alert_documents::AlertDocument;

/// A document is sent again, because a node lacks it, no sooner than this after it was last sent.
const AGAIN_AFTER_MS: i64 = 5_000;

/// One node's word makes everybody's document be signed again no more often than this.
const RAISE_AGAIN_MS: i64 = 60_000;

/// What is sent, and what was seen.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// The latest document of each area.
    documents: BTreeMap<AreaId, AlertDocument>,
    /// The areas whose document carries something.
    loaded: BTreeSet<AreaId>,
    /// What this connection carried: digest and instant.
    carried: BTreeMap<AreaId, ([u8; 16], UnixMs)>,
    /// The highest plausible epoch that a node reported above our own.
    seen: BTreeMap<AreaId, Epoch>,
    /// When a report last raised an area's epoch.
    raised: BTreeMap<AreaId, UnixMs>,
}

/// How a node's document differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// It has an older one or none.
    Older,
    /// It has one that is newer than ours, of this epoch.
    Newer(Epoch),
}

impl Sent {
    pub(super) fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// A new connection: the broker may have forgotten everything.
    pub(super) fn forget_connection(&mut self) {
        self.carried.clear();
    }

    /// What a pass found.
    pub(super) fn stand(&mut self, documents: BTreeMap<AreaId, AlertDocument>, loaded: BTreeSet<AreaId>) {
        self.seen.retain(|area, epoch| documents.get(area).is_none_or(|document| document.epoch < *epoch));
        self.documents = documents;
        self.loaded = loaded;
    }

    pub(super) fn carried(&self, document: &AlertDocument) -> bool {
        self.carried.get(&document.area).is_some_and(|(digest, _)| *digest == document.digest)
    }

    pub(super) fn carry(&mut self, document: &AlertDocument, now: UnixMs) {
        self.carried.insert(document.area.clone(), (document.digest, now));
    }

    /// The areas of which a node has something newer.
    pub(super) fn seen(&self) -> impl Iterator<Item = &AreaId> {
        self.seen.keys()
    }

    pub(super) fn seen_of(&self, area: &AreaId) -> Epoch {
        self.seen.get(area).copied().unwrap_or(0)
    }

    /// Takes a node's word that there is a newer document. Gives whether it is taken: one node must not have everybody's
    /// document signed again and again.
    pub(super) fn see(&mut self, area: &AreaId, epoch: Epoch, now: UnixMs) -> bool {
        if self.raised.get(area).is_some_and(|at| now.since(*at) < RAISE_AGAIN_MS) {
            return false;
        }
        self.raised.insert(area.clone(), now);
        self.seen.insert(area.clone(), epoch);
        true
    }

    /// What a node's word means; `None`: it has what it should, or may have it soon. What lacks is sent again by the next pass.
    pub(super) fn compare(&mut self, area: &AreaId, has: Option<Applied>, now: UnixMs) -> Option<Missing> {
        let Some(document) = self.documents.get(area) else {
            // A document that this database knows nothing of: it was restored from before it was signed.
            return has.map(|has| Missing::Newer(has.sequence));
        };
        match has {
            Some(has) if has.digest == Digest(document.digest) => None,
            Some(has) if has.sequence >= document.epoch => Some(Missing::Newer(has.sequence)),
            // Nobody can obey it any more.
            _ if document.expires <= now => None,
            // To lack an empty one is to have nothing, too.
            None if !self.loaded.contains(area) => None,
            _ => {
                let recently = |at: &UnixMs| now.since(*at) < AGAIN_AFTER_MS;
                if self.carried.get(area).is_some_and(|(_, at)| recently(at)) {
                    return None;
                }
                self.carried.remove(area);
                Some(Missing::Older)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_309_200_000);

    fn document(epoch: Epoch) -> AlertDocument {
        AlertDocument {
            area: AreaId::new("xa").unwrap(),
            epoch,
            digest: Digest::of(&epoch.to_be_bytes()).0,
            content_digest: [0; 32],
            envelope: Vec::new(),
            expires: NOW + 60_000,
            updated: NOW,
        }
    }

    fn applied(epoch: Epoch) -> Option<Applied> {
        Some(Applied { sequence: epoch, digest: Digest::of(&epoch.to_be_bytes()) })
    }

    #[test]
    fn a_node_that_lacks_what_is_in_force_is_told_again_but_not_at_once_and_never_too_late() {
        let area = AreaId::new("xa").unwrap();
        let mut sent = Sent::default();
        assert_eq!(sent.compare(&area, None, NOW), None, "nothing is known of the area");
        assert_eq!(sent.compare(&area, applied(9), NOW), Some(Missing::Newer(9)), "restored from a backup");
        let stand = |sent: &mut Sent, loaded: bool| {
            let loaded = if loaded { BTreeSet::from([area.clone()]) } else { BTreeSet::new() };
            sent.stand(BTreeMap::from([(area.clone(), document(5))]), loaded);
            sent.carry(&document(5), NOW);
        };
        stand(&mut sent, true);
        for (has, at, expected) in [
            (applied(5), NOW + 9_000, None),
            (None, NOW + 4_999, None),
            (applied(7), NOW, Some(Missing::Newer(7))),
            (None, NOW + 60_000, None),
            (applied(4), NOW + 5_000, Some(Missing::Older)),
        ] {
            assert_eq!(sent.compare(&area, has, at), expected, "{has:?} {at:?}");
        }
        assert!(!sent.carried(&document(5)), "the next pass sends it");
        stand(&mut sent, false);
        assert_eq!(sent.compare(&area, None, NOW + 9_000), None, "a cancel says nothing to who has nothing");
        assert_eq!(sent.compare(&area, applied(4), NOW + 9_000), Some(Missing::Older));
    }
}
