//! Chance from a seed: the same seed, the same numbers, on every machine and for ever, because seeds are kept.

/// Random numbers (SplitMix64).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.bits() % n as u64).expect("smaller than a number of this type")
    }

    /// A number between these two, both included.
    pub fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    /// True in so many of a thousand cases.
    pub fn per_mille(&mut self, share: usize) -> bool {
        self.below(1_000) < share
    }

    /// Puts a list in a random order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i + 1));
        }
    }
}

/// The seed of number `n` of a series: near numbers give seeds that have nothing to do with one another.
pub fn seed_of(series: u64, n: u64) -> u64 {
    Chance::new(series ^ Chance::new(n).bits()).bits()
}

/// A digest of a text that is the same everywhere (FNV-1a).
pub(crate) fn digest(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_for_ever() {
        let mut chance = Chance::new(7);
        assert_eq!((chance.bits(), chance.bits()), (7_191_089_600_892_374_487, 309_689_372_594_955_804));
        assert_eq!(seed_of(1, 2), seed_of(1, 2));
        assert_ne!(seed_of(1, 2), seed_of(2, 1));
    }

    #[test]
    fn numbers_stay_in_their_range_and_reach_its_ends() {
        let mut chance = Chance::new(1);
        let drawn: std::collections::BTreeSet<usize> = (0..200).map(|_| chance.between(3, 6)).collect();
        assert_eq!(drawn, [3, 4, 5, 6].into());
        let mut list: Vec<usize> = (0..50).collect();
        chance.shuffle(&mut list);
        assert!(!list.is_sorted());
    }
}
