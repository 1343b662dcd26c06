//! Which documents must be signed again, and under which epoch.

use loa_protocol::envelope::Validity;
use loa_protocol::plan::Epoch;
use loa_protocol::time::UnixMs;

use super::compile::ContentDigest;

const DAY_S: i64 = 86_400;
/// A node plays this long without a network; see the offline horizon in `docs/protocol.md`.
const VALID_S: i64 = 45 * DAY_S;
/// With less than this left, a document is signed again, so that a node always holds at least a month.
const RENEW_BELOW_S: i64 = 35 * DAY_S;
/// A clock that is a little behind must not refuse what was signed just now.
const BACKDATED_S: i64 = DAY_S;

/// What was last signed for an audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastSigned {
    /// Its epoch.
    pub epoch: Epoch,
    /// Digest of its content.
    pub content: ContentDigest,
    /// When it expires.
    pub expires: UnixMs,
}

/// The epoch to sign a content under, `None` when the last signature still serves.
///
/// `seen` is the highest epoch that a node reported for the audience; a controller restored from an older backup learns
/// from it what it has forgotten, even if its clock was set back.
pub fn next_epoch(
    content: ContentDigest,
    last: Option<LastSigned>,
    seen: Epoch,
    now: UnixMs,
) -> Option<Epoch> {
    let serves = last.is_some_and(|last| {
        let lasts = last.expires.since(now) >= RENEW_BELOW_S * 1000;
        last.content == content && last.epoch >= seen && lasts
    });
    if serves {
        return None;
    }
    let above = last.map_or(0, |last| last.epoch).max(seen).saturating_add(1);
    Some(above.max(u64::try_from(now.0).unwrap_or(0)))
}

/// The validity of a document signed at `now`.
pub fn validity(now: UnixMs) -> Validity {
    Validity {
        issued_at_s: now.seconds(),
        not_before_s: now.seconds() - BACKDATED_S,
        expires_s: now.seconds() + VALID_S,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(content: &[u8]) -> ContentDigest {
        loa_protocol::ids::ObjectHash::of(content).0
    }

    const NOW: UnixMs = UnixMs(1_795_132_800_000);
    const NOW_EPOCH: Epoch = 1_795_132_800_000;

    fn last(epoch: Epoch, content: &[u8]) -> Option<LastSigned> {
        let expires = UnixMs::from_seconds(validity(NOW).expires_s);
        Some(LastSigned { epoch, content: digest(content), expires })
    }

    #[test]
    fn only_a_change_or_an_end_in_sight_is_signed() {
        let a = digest(b"a");
        assert_eq!(next_epoch(a, None, 0, NOW), Some(NOW_EPOCH));
        assert_eq!(next_epoch(a, last(5, b"a"), 0, NOW), None);
        assert_eq!(next_epoch(a, last(5, b"b"), 0, NOW), Some(NOW_EPOCH));
        let ten_days = 10 * 86_400_000;
        assert_eq!(next_epoch(a, last(5, b"a"), 0, NOW + ten_days), None);
        assert!(next_epoch(a, last(5, b"a"), 0, NOW + ten_days + 1).is_some());
    }

    #[test]
    fn epochs_rise_even_after_a_restore_with_a_clock_set_back() {
        let a = digest(b"a");
        assert_eq!(next_epoch(a, last(NOW_EPOCH + 9, b"b"), 0, NOW), Some(NOW_EPOCH + 10));
        assert_eq!(next_epoch(a, last(5, b"a"), NOW_EPOCH + 50, NOW), Some(NOW_EPOCH + 51));
        assert_eq!(next_epoch(a, last(NOW_EPOCH, b"a"), NOW_EPOCH, NOW), None);
    }
}
