//! Chance, by seed.
//!
//! A generator of our own (SplitMix64, Steele, Lea and Flood 2014), because a seed that is written down must mean the same
//! for as long as the project lives. Each purpose draws from a stream of its own, named in words: taking one kind of fault
//! away leaves all others where they were, and that is what lets a failing seed shrink.

/// One stream of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    /// The stream of a seed for one purpose.
    pub(crate) fn of(seed: u64, purpose: &str) -> Self {
        // FNV-1a over the purpose.
        let name = purpose
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325u64, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut rng = Self(seed ^ name.rotate_left(17));
        rng.next();
        rng
    }

    /// 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `count`, which is not 0.
    pub(crate) fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(count)) >> 64) as u64
    }

    /// A number from `low` up to, but not including, `high`.
    pub(crate) fn range(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(u64::try_from(high - low).unwrap_or(1).max(1)).cast_signed()
    }

    /// True so many times in a hundred.
    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of these, of which there is at least one.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }

    /// A gap between events that come on average every `mean_ms`: a tenth to nearly two of it.
    pub(crate) fn gap_ms(&mut self, mean_ms: i64) -> i64 {
        self.range(mean_ms / 10, mean_ms * 19 / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_what_its_seed_and_purpose_say_for_ever() {
        let mut rng = Rng::of(1, "power");
        assert_eq!([rng.next(), rng.next()], [13_424_353_195_240_868_598, 17_777_779_653_785_071_279]);
        assert_ne!(Rng::of(1, "clock").next(), Rng::of(1, "power").next());
        assert_ne!(Rng::of(2, "power").next(), Rng::of(1, "power").next());
    }

    #[test]
    fn numbers_stay_in_their_bounds() {
        let mut rng = Rng::of(7, "bounds");
        for _ in 0..1_000 {
            assert!(rng.below(3) < 3);
            assert!((-5..5).contains(&rng.range(-5, 5)));
            assert!((100..1_900).contains(&rng.gap_ms(1_000)));
        }
    }
}
