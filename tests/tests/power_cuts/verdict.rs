//! What was heard and what was reported, held against what was planned.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context, Result, ensure};
use loa_protocol::ids::NodeId;
use loa_protocol::receipt::{Outcome, Reason, Receipt};
use loa_protocol::timeline::AfterInterruption;

use crate::papers::{Planned, WITHIN_MS};
use crate::tones::{Heard, SOUND_MS};

/// By how much the recorder's clock and the node's may differ in when a sound began, on a machine that is busy.
const EARLY_MS: f64 = 50.0;

/// What became of a node's occurrences.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) played: usize,
    pub(crate) partial: usize,
    pub(crate) missed: usize,
    /// Sounds that were heard from their beginning, and could be told apart.
    pub(crate) heard: usize,
    /// Sounds that were heard too shortly to be told apart.
    pub(crate) broken_off: usize,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { played, partial, missed, heard, broken_off } = self;
        write!(f, "{played} played, {partial} partial, {missed} missed; ")?;
        write!(f, "{heard} heard, {broken_off} too short to be told apart")
    }
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.played += other.played;
        self.partial += other.partial;
        self.missed += other.missed;
        self.heard += other.heard;
        self.broken_off += other.broken_off;
    }
}

/// Numbers without a hole, each naming the one before it.
pub(crate) fn chain_holds(receipts: &[Receipt]) -> Result<()> {
    let mut previous = None;
    for (receipt, number) in receipts.iter().zip(1..) {
        ensure!(receipt.number == number, "receipt {number} is lacking");
        ensure!(receipt.previous == previous, "receipt {number} does not name the one before it");
        previous = Some(receipt.digest());
    }
    Ok(())
}

/// Each occurrence that has a receipt has one, and each that was due has one.
fn each_has_one(planned: &[Planned], receipts: &[Receipt]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for receipt in receipts {
        let is_first = seen.insert((receipt.item.clone(), receipt.revision, receipt.nominal));
        ensure!(is_first, "{} of {} has two receipts", receipt.item, receipt.nominal);
    }
    let ids: BTreeSet<_> = receipts.iter().map(|receipt| receipt.occurrence).collect();
    ensure!(ids.len() == receipts.len(), "an occurrence id has two receipts");
    for planned in planned.iter().filter(|planned| planned.is_steady) {
        let is_there = seen.contains(&(planned.item.clone(), planned.revision, planned.nominal));
        ensure!(is_there, "{} of {} has no receipt", planned.item, planned.nominal);
    }
    Ok(())
}

/// Whether its receipt says that it may have been heard. What had an intent and no more when the power went may have.
fn may_have_sounded(receipt: &Receipt) -> bool {
    receipt.sound.is_some() || receipt.outcome == Outcome::Missed(Reason::Interrupted)
}

/// How often a sound may be heard from its beginning.
fn starts_allowed(policy: AfterInterruption) -> usize {
    match policy {
        AfterInterruption::Drop => 1,
        // It is taken up once.
        AfterInterruption::Resume | AfterInterruption::Restart => 2,
    }
}

/// What was heard at about the time of an occurrence.
fn near<'a>(heard: &'a [Heard], planned: &Planned) -> Vec<&'a Heard> {
    let is_near = |sound: &&Heard| (sound.at_unix_ms - planned.nominal.0 as f64).abs() < 5_000.0;
    heard.iter().filter(is_near).collect()
}

/// Judges a node.
pub(crate) fn judge(
    node: &NodeId,
    planned: &[Planned],
    receipts: &[Receipt],
    heard: &[Heard],
) -> Result<Count> {
    chain_holds(receipts).context(node.to_string())?;
    each_has_one(planned, receipts).context(node.to_string())?;
    let mut starts: BTreeMap<u16, Vec<&Heard>> = BTreeMap::new();
    for sound in heard.iter().filter(|sound| sound.begins) {
        if let Some(number) = sound.number {
            starts.entry(number).or_default().push(sound);
        }
    }
    let mut count = Count {
        heard: starts.values().map(Vec::len).sum(),
        broken_off: heard.iter().filter(|sound| sound.begins && sound.number.is_none()).count(),
        ..Count::default()
    };
    let mut room = 0;
    let mut ends_due = 0;
    for planned in planned {
        let receipt = receipts.iter().find(|receipt| {
            (&receipt.item, receipt.revision, receipt.nominal)
                == (&planned.item, planned.revision, planned.nominal)
        });
        let about = || format!("{node}: {} of {}: {receipt:?}", planned.item, planned.nominal);
        let may_have_sounded = receipt.is_some_and(may_have_sounded);
        let allowed = if may_have_sounded { starts_allowed(planned.policy) } else { 0 };
        room += allowed * planned.sounds.len();
        let has_played = receipt.is_some_and(|receipt| receipt.outcome == Outcome::Played);
        for number in &planned.sounds {
            let times = starts.remove(number).unwrap_or_default();
            ensure!(times.len() <= allowed, "heard {} times: {times:?}, {}", times.len(), about());
            if has_played {
                ensure!(!times.is_empty(), "not heard, {}; about then: {:?}", about(), near(heard, planned));
                ends_due += 1;
            }
            for sound in times {
                let late_ms = sound.at_unix_ms - planned.nominal.0 as f64;
                let limit_ms = f64::from(WITHIN_MS) + 20.0 * f64::from(SOUND_MS);
                ensure!((-EARLY_MS..limit_ms).contains(&late_ms), "heard {late_ms} ms late, {}", about());
            }
        }
        match receipt.map(|receipt| receipt.outcome) {
            Some(Outcome::Played) => count.played += 1,
            Some(Outcome::Partial(_)) => count.partial += 1,
            Some(Outcome::Missed(_)) => count.missed += 1,
            None => {}
        }
    }
    ensure!(starts.is_empty(), "{node}: heard what was never planned: {starts:?}");
    let begun = count.heard + count.broken_off;
    ensure!(begun <= room, "{node}: {begun} sounds began, where receipts tell of at most {room}");
    let ended = heard.iter().filter(|sound| sound.ends).count();
    ensure!(ended >= ends_due, "{node}: {ended} sounds came to their end, receipts tell of {ends_due}");
    Ok(count)
}

#[cfg(test)]
mod tests {
    use loa_protocol::ids::{BulletinId, ItemId, OccurrenceId};
    use loa_protocol::receipt::Sound;
    use loa_protocol::report::ClockTrust;
    use loa_protocol::time::UnixMs;

    use super::*;

    const NOMINAL: UnixMs = UnixMs(1_000_000);

    fn receipts(outcomes: &[Outcome]) -> Vec<Receipt> {
        let mut previous = None;
        let of = |(outcome, number): (&Outcome, u64)| {
            let sounded = !matches!(outcome, Outcome::Missed(_));
            let receipt = Receipt {
                number,
                occurrence: OccurrenceId([u8::try_from(number).unwrap(); 16]),
                item: ItemId::new(format!("o-{number}")).unwrap(),
                revision: 1,
                bulletin: BulletinId::new("b").unwrap(),
                nominal: NOMINAL,
                outcome: *outcome,
                sound: sounded.then_some(Sound { started: NOMINAL, played_ms: SOUND_MS }),
                clock: ClockTrust::Trusted,
                written: NOMINAL,
                winner: None,
                previous,
            };
            previous = Some(receipt.digest());
            receipt
        };
        outcomes.iter().zip(1..).map(of).collect()
    }

    fn heard(number: u16) -> Heard {
        Heard { begins: true, number: Some(number), ends: true, at_unix_ms: NOMINAL.0 as f64 }
    }

    /// One steady item for each outcome, each with the sound of its number.
    fn verdict(outcomes: &[Outcome], heard: &[Heard], policy: AfterInterruption) -> Result<Count> {
        let receipts = receipts(outcomes);
        let planned: Vec<Planned> = receipts.iter().map(|receipt| Planned::steady(receipt, policy)).collect();
        judge(&NodeId::new("n").unwrap(), &planned, &receipts, heard)
    }

    #[test]
    fn what_was_heard_twice_or_without_a_receipt_is_found() {
        let drop = AfterInterruption::Drop;
        let cut = Outcome::Partial(Reason::Interrupted);
        assert!(verdict(&[Outcome::Played], &[heard(1)], drop).is_ok());
        assert!(verdict(&[Outcome::Played], &[heard(1), heard(1)], drop).is_err());
        assert!(verdict(&[cut], &[heard(1), heard(1)], AfterInterruption::Restart).is_ok());
        assert!(verdict(&[cut], &[heard(1); 3], AfterInterruption::Restart).is_err());
        assert!(verdict(&[Outcome::Missed(Reason::TooLate)], &[heard(1)], drop).is_err());
        assert!(verdict(&[Outcome::Missed(Reason::Interrupted)], &[heard(1)], drop).is_ok());
        assert!(verdict(&[Outcome::Played], &[], drop).is_err(), "it says that it played");
        assert!(verdict(&[cut], &[heard(1), heard(2)], drop).is_err(), "nobody planned that");
        let broken_off = Heard { number: None, ends: false, ..heard(1) };
        assert!(verdict(&[cut], &[broken_off], drop).is_ok());
        assert!(verdict(&[cut], &[broken_off, heard(1)], drop).is_err(), "too much began");
        let early = Heard { at_unix_ms: NOMINAL.0 as f64 - 500.0, ..heard(1) };
        assert!(verdict(&[Outcome::Played], &[early], drop).is_err());
    }

    #[test]
    fn a_hole_a_change_and_a_second_receipt_are_found() {
        let all = receipts(&[Outcome::Played; 3]);
        assert!(chain_holds(&all).is_ok());
        assert!(chain_holds(&[all[0].clone(), all[2].clone()]).is_err());
        let mut changed = all.clone();
        changed[1].outcome = Outcome::Missed(Reason::TooLate);
        assert!(chain_holds(&changed).is_err());
        let planned = [Planned::steady(&all[0], AfterInterruption::Drop)];
        assert!(each_has_one(&planned, &all).is_ok());
        assert!(each_has_one(&planned, &all[1..]).is_err());
        let mut twice = all.clone();
        twice[1].item = all[0].item.clone();
        assert!(each_has_one(&planned, &twice).is_err());
    }
}
