//! When something sounds. The bytes are a zone, an instant, a window, a validity and a pattern.

use chrono_tz::{TZ_VARIANTS, Tz};
use loa_protocol::bulletin::{Category, Class};
use loa_protocol::ids::{BulletinId, ItemId};
use loa_protocol::plan::Item;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{CronPattern, ItemRules, Start, Timetable};

use crate::keys;

/// Starts that are looked at in one window.
const STARTS: usize = 40;

/// What the bytes say.
struct Case<'a> {
    zone: Tz,
    after: UnixMs,
    until: UnixMs,
    valid_from: Option<UnixMs>,
    valid_until: Option<UnixMs>,
    pattern: &'a str,
}

impl<'a> Case<'a> {
    /// 2 bytes of zone, 8 of the instant in ms, 4 of the window in s, 3 and 3 of the validity's ends in minutes after
    /// the instant (0: none), all little-endian; then the pattern.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (zone, rest) = bytes.split_first_chunk::<2>()?;
        let (after, rest) = rest.split_first_chunk::<8>()?;
        let (window, rest) = rest.split_first_chunk::<4>()?;
        let (from, rest) = rest.split_first_chunk::<3>()?;
        let (until, rest) = rest.split_first_chunk::<3>()?;
        let after = i64::from_le_bytes(*after);
        let end = |[a, b, c]: [u8; 3]| {
            let minutes = i64::from(u32::from_le_bytes([a, b, c, 0]));
            (minutes > 0).then(|| UnixMs(after.saturating_add(minutes * 60_000)))
        };
        Some(Self {
            zone: TZ_VARIANTS[usize::from(u16::from_le_bytes(*zone)) % TZ_VARIANTS.len()],
            after: UnixMs(after),
            until: UnixMs(after.saturating_add(i64::from(u32::from_le_bytes(*window)) * 1000)),
            valid_from: end(*from),
            valid_until: end(*until),
            pattern: std::str::from_utf8(rest).ok()?,
        })
    }
}

/// Reads the bytes as a pattern in a zone and looks at the starts of a window.
pub fn hold(bytes: &[u8]) {
    let Some(case) = Case::read(bytes) else { return };
    check(&case, Start::At(case.valid_from.unwrap_or(case.after)));
    let Ok(pattern) = case.pattern.parse::<CronPattern>() else { return };
    assert_eq!(pattern.as_str().parse(), Ok(pattern.clone()));
    check(&case, Start::Cron(pattern));
}

fn check(case: &Case<'_>, start: Start) {
    let item = item(case, start);
    let mut last = case.after;
    let timetable = Timetable::new(&item, case.zone, &[]);
    let starts = timetable.starts_after(case.after).take_while(|nominal| *nominal <= case.until);
    for nominal in starts.take(STARTS) {
        assert!(last < nominal && nominal <= case.until, "{nominal:?} after {last:?}");
        assert!(case.valid_from.is_none_or(|from| from <= nominal), "before the item is valid");
        assert!(case.valid_until.is_none_or(|until| nominal < until), "after the item is valid");
        // Asked from anywhere between two starts, the next one is the same.
        let halfway = last.0.midpoint(nominal.0).min(nominal.0 - 1);
        for from in [nominal.0 - 1, halfway] {
            let next = timetable.next_after(UnixMs(from));
            assert_eq!(next, Some(nominal), "asked from {from}, after {last:?}");
        }
        last = nominal;
    }
}

fn item(case: &Case<'_>, start: Start) -> Item {
    Item {
        id: keys::named("a1", ItemId::new),
        revision: 1,
        bulletin: keys::named("b1", BulletinId::new),
        title: String::new(),
        class: Class::Normal,
        category: Category::Health,
        start,
        valid_from: case.valid_from,
        valid_until: case.valid_until,
        start_within_ms: 0,
        tracks: Vec::new(),
        rules: ItemRules::default(),
        status: Default::default(),
    }
}
