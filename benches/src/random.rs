//! Random numbers that are the same on every machine and in every version.

/// Marsaglia's xorshift with 64 bits and a multiplication (xorshift64*).
///
/// Its own few lines, so that no library's change of algorithm changes what is measured.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Zero is the one state that xorshift does not leave.
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, which is not zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.bits() >> 33).expect("31 bits") % end
    }

    /// From -1 to 1, all equally likely.
    pub(crate) fn signed(&mut self) -> f32 {
        let sixteen = u16::try_from(self.bits() >> 48).expect("16 bits");
        f32::from(sixteen) / 32_768.0 - 1.0
    }

    /// Near the normal distribution: mean 0, standard deviation 1, from -6 to 6.
    pub(crate) fn normal(&mut self) -> f32 {
        // The sum of twelve uniform numbers of variance 1/3, halved.
        (0..12).map(|_| self.signed()).sum::<f32>() / 2.0
    }
}
