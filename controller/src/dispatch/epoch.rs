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
/// How far the clock of the controller that a backup came from may have been ahead.
const AHEAD_MAX_MS: i64 = DAY_S * 1000;
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
        let left_ms = last.expires.since(now);
        // More than a fresh signature would have: it was signed while the clock was ahead, and is not valid yet.
        let lasts = (RENEW_BELOW_S * 1000..=(VALID_S + DAY_S) * 1000).contains(&left_ms);
        last.content == content && last.epoch >= seen && lasts
    });
    if serves {
        return None;
    }
    let above = last.map_or(0, |last| last.epoch).max(seen).saturating_add(1);
    Some(above.max(u64::try_from(now.0).unwrap_or(0)))
}

/// Whether a node can honestly have seen this epoch. Epochs are clock milliseconds, so one far ahead of the clock is a lie,
/// and signing above it would use up the numbers of everybody who shares the document.
pub fn is_plausible(seen: Epoch, now: UnixMs) -> bool {
    u64::try_from((now + AHEAD_MAX_MS).0).is_ok_and(|latest| seen <= latest)
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
    fn what_was_signed_while_the_clock_was_ahead_is_signed_again() {
        let a = digest(b"a");
        let in_2040 = LastSigned { epoch: 9, content: a, expires: UnixMs(2_240_000_000_000) };
        assert_eq!(next_epoch(a, Some(in_2040), 0, NOW), Some(NOW_EPOCH));
    }

    #[test]
    fn an_epoch_far_ahead_of_the_clock_is_not_believed() {
        assert!(is_plausible(NOW_EPOCH + 1000, NOW));
        assert!(!is_plausible(u64::MAX, NOW) && !is_plausible(NOW_EPOCH + 172_800_000, NOW));
    }

    #[test]
    fn epochs_rise_even_after_a_restore_with_a_clock_set_back() {
        let a = digest(b"a");
        assert_eq!(next_epoch(a, last(NOW_EPOCH + 9, b"b"), 0, NOW), Some(NOW_EPOCH + 10));
        assert_eq!(next_epoch(a, last(5, b"a"), NOW_EPOCH + 50, NOW), Some(NOW_EPOCH + 51));
        assert_eq!(next_epoch(a, last(NOW_EPOCH, b"a"), NOW_EPOCH, NOW), None);
    }
}
