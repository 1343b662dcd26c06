//! A brake on guessing: a bucket of attempts for each key, refilled slowly.
//!
//! Kept in memory: a restart forgives, which costs a guesser more than it gains. The number of keys is bounded: when it
//! is reached, keys whose bucket is full again go first, then the one that was used longest ago.

use std::collections::BTreeMap;

use loa_protocol::time::UnixMs;

/// How many attempts, how fast they come back, and how many keys are remembered.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Attempts in a full bucket.
    pub burst: u32,
    /// One attempt comes back in this time, in milliseconds.
    pub refill_ms: i64,
    /// Most keys that are remembered.
    pub keys_max: usize,
}

/// Buckets by key. Time is an argument.
#[derive(Debug)]
pub struct Throttle {
    rule: Rule,
    /// When each key's bucket will be full again; what is missing follows from that instant alone.
    full_at: BTreeMap<String, UnixMs>,
}

impl Throttle {
    /// Empty-handed.
    pub fn new(rule: Rule) -> Self {
        Self { rule, full_at: BTreeMap::new() }
    }

    /// Takes one attempt.
    ///
    /// # Errors
    /// With the milliseconds until the next attempt is allowed.
    pub fn take(&mut self, key: &str, now: UnixMs) -> Result<(), i64> {
        let full_at = self.full_at.get(key).copied().unwrap_or(now).max(now);
        let spent_until = full_at + self.rule.refill_ms;
        let excess = spent_until.since(now) - i64::from(self.rule.burst) * self.rule.refill_ms;
        if excess > 0 {
            return Err(excess);
        }
        if !self.full_at.contains_key(key) {
            self.make_room(now);
        }
        self.full_at.insert(key.to_owned(), spent_until);
        Ok(())
    }

    /// Gives the attempts of a key back: it proved to be the right person.
    pub fn forgive(&mut self, key: &str) {
        self.full_at.remove(key);
    }

    fn make_room(&mut self, now: UnixMs) {
        if self.full_at.len() < self.rule.keys_max {
            return;
        }
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.len() >= self.rule.keys_max
            && let Some(oldest) = self.full_at.iter().min_by_key(|(_, at)| **at).map(|(key, _)| key.clone())
        {
            self.full_at.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULE: Rule = Rule { burst: 3, refill_ms: 1000, keys_max: 4 };

    #[test]
    fn a_burst_then_one_for_each_refill() {
        let mut throttle = Throttle::new(RULE);
        let t = UnixMs(1_000_000);
        for _ in 0..3 {
            assert_eq!(throttle.take("lan", t), Ok(()));
        }
        assert_eq!(throttle.take("lan", t), Err(1000));
        assert_eq!(throttle.take("lan", t + 400), Err(600));
        assert_eq!(throttle.take("minh", t), Ok(()), "others are not held up");
        assert_eq!(throttle.take("lan", t + 1000), Ok(()));
        assert_eq!(throttle.take("lan", t + 1000), Err(1000));
        throttle.forgive("lan");
        assert_eq!(throttle.take("lan", t + 1000), Ok(()));
    }

    proptest! {
        #[test]
        fn nobody_gets_more_than_burst_plus_refills_and_memory_is_bounded(
            attempts in proptest::collection::vec((0u8..2, 0i64..700), 1..200),
        ) {
            let mut throttle = Throttle::new(RULE);
            let (start, mut now, mut granted) = (UnixMs(5_000), UnixMs(5_000), [0i64; 2]);
            for (key, wait) in attempts {
                now = now + wait;
                if throttle.take(&key.to_string(), now).is_ok() {
                    granted[usize::from(key)] += 1;
                }
                prop_assert!(throttle.full_at.len() <= RULE.keys_max);
                for granted in granted {
                    prop_assert!(granted <= 3 + now.since(start) / 1000 + 1);
                }
            }
        }

        #[test]
        fn many_keys_never_outgrow_the_bound(keys in proptest::collection::vec("[a-z]{1,3}", 0..100)) {
            let mut throttle = Throttle::new(RULE);
            for key in keys {
                let _ = throttle.take(&key, UnixMs(0));
                prop_assert!(throttle.full_at.len() <= RULE.keys_max);
            }
        }
    }
}
