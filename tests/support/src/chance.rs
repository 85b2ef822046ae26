//! Chance that can be repeated: a seed is all there is to it.

/// A stream of numbers (SplitMix64) that its seed determines.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `from` up to but not including `to`.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.number() % (to - from)
    }

    pub fn coin(&mut self) -> bool {
        self.number() & 1 == 1
    }

    /// Another stream, for another thread.
    pub fn fork(&mut self) -> Self {
        Self(self.number())
    }
}
