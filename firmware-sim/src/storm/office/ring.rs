//! The controller's keys: a root, a plan key that is rotated now and then, an emergency key, keys of three communes.

use ed25519_dalek::{SigningKey, VerifyingKey};
use loa_protocol::bulletin::Class;
use loa_protocol::ids::AreaId;
use loa_protocol::keys::{KeyEntry, KeySet, Purpose, Scope};
use loa_protocol::time::UnixMs;
use sha2::{Digest as _, Sha256};

use super::names;
use crate::rng::Rng;
use crate::storm::{DAY, HOUR};

/// How many communes have a key of their own.
const COMMUNE_KEYS: usize = 3;
/// On average, so long a plan key is used.
const ROTATION_MS: i64 = 6 * DAY;
/// How long the key before stays in the set.
const OVERLAP_MS: i64 = DAY;

/// All keys of a run, and when they are used.
#[derive(Debug)]
pub(crate) struct Ring {
    root: SigningKey,
    emergency: SigningKey,
    /// From when each signs, ascending; the first from the beginning.
    plan: Vec<(i64, SigningKey)>,
    communes: Vec<SigningKey>,
    /// A key that nobody trusts.
    stranger: SigningKey,
}

impl Ring {
    pub(crate) fn new(seed: u64, begin: i64, end: i64) -> Self {
        let mut rng = Rng::of(seed, "key rotation");
        let mut plan = vec![(i64::MIN, key(seed, "plan 0"))];
        let mut at = begin + rng.gap_ms(ROTATION_MS);
        while at < end {
            plan.push((at, key(seed, &format!("plan {}", plan.len()))));
            at += OVERLAP_MS + rng.gap_ms(ROTATION_MS);
        }
        Self {
            root: key(seed, "root"),
            emergency: key(seed, "emergency"),
            plan,
            communes: (0..COMMUNE_KEYS).map(|n| key(seed, &format!("commune {n}"))).collect(),
            stranger: key(seed, "stranger"),
        }
    }

    pub(crate) fn root(&self) -> &SigningKey {
        &self.root
    }

    pub(crate) fn root_public(&self) -> VerifyingKey {
        self.root.verifying_key()
    }

    pub(crate) fn stranger(&self) -> &SigningKey {
        &self.stranger
    }

    /// The key that signs what sounds at once.
    pub(crate) fn emergency(&self) -> &SigningKey {
        &self.emergency
    }

    /// The key of a commune that is not this one, or of another's that is nobody's here.
    pub(crate) fn foreign_commune(&self, commune: usize) -> &SigningKey {
        &self.communes[(commune + 1) % COMMUNE_KEYS]
    }

    /// The key that signs at an instant for a commune (`None`: for the province) what has these classes.
    pub(crate) fn signer(&self, at: i64, commune: Option<usize>, classes: &[Class]) -> &SigningKey {
        if classes.contains(&Class::Emergency) {
            return &self.emergency;
        }
        match commune.and_then(|commune| self.communes.get(commune)) {
            Some(own) => own,
            None => self.plan_key(at),
        }
    }

    pub(crate) fn plan_key(&self, at: i64) -> &SigningKey {
        let used = self.plan.partition_point(|(from, _)| *from <= at);
        &self.plan[used.max(1) - 1].1
    }

    /// When another plan key takes over; documents are signed again then.
    pub(crate) fn rotations(&self) -> impl Iterator<Item = i64> + '_ {
        self.plan.iter().skip(1).map(|(from, _)| *from)
    }

    /// When the key set changes: a new key is in it an hour before it signs, and the old one goes a day after.
    pub(crate) fn set_changes(&self) -> Vec<i64> {
        let mut changes: Vec<i64> = self.rotations().flat_map(|at| [at - HOUR, at + OVERLAP_MS]).collect();
        changes.sort_unstable();
        changes
    }

    /// The key set of an instant.
    pub(crate) fn key_set(&self, at: i64, version: u64) -> KeySet {
        let until = |n: usize| self.plan.get(n + 1).map_or(i64::MAX, |(next, _)| next + OVERLAP_MS);
        let in_use = |(n, (from, _)): &(usize, &(i64, SigningKey))| *from <= at + HOUR && at < until(*n);
        let plan = self.plan.iter().enumerate().filter(in_use).map(|(_, (_, key))| {
            entry(key, None, vec![Purpose::Plan, Purpose::Node], vec![Class::Normal, Class::Priority])
        });
        let emergency = entry(
            &self.emergency,
            None,
            vec![Purpose::Plan, Purpose::Node, Purpose::Emergency],
            Class::ALL.to_vec(),
        );
        let communes = self.communes.iter().enumerate().map(|(n, key)| {
            let classes = vec![Class::Normal, Class::Priority];
            entry(key, Some(names::commune(n)), vec![Purpose::Plan], classes)
        });
        KeySet { version, keys: plan.chain([emergency]).chain(communes).collect() }
    }
}

fn entry(key: &SigningKey, area: Option<AreaId>, purposes: Vec<Purpose>, classes: Vec<Class>) -> KeyEntry {
    let (not_before, not_after) = (UnixMs(0), UnixMs(4_102_444_800_000));
    let scope = Scope { purposes, classes, area, not_before, not_after };
    KeyEntry { public_key: key.verifying_key().to_bytes(), scope }
}

fn key(seed: u64, name: &str) -> SigningKey {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    hash.update(name.as_bytes());
    SigningKey::from_bytes(&hash.finalize().into())
}
