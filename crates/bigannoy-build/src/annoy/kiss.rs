//! Annoy's random numbers.

/// George Marsaglia's 64-bit KISS generator with Annoy's starting values: the sum of a linear
/// congruential generator, an xorshift and a multiply-with-carry.
#[derive(Clone, Debug)]
pub(crate) struct Kiss {
    x: u64,
    y: u64,
    z: u64,
    carry: u64,
}

impl Kiss {
    pub(crate) fn new(seed: u64) -> Self {
        Kiss {
            x: seed,
            y: 362_436_362_436_362_436,
            z: 1_066_149_217_761_810,
            carry: 123_456_123_456_123_456,
        }
    }

    fn next(&mut self) -> u64 {
        self.z = self.z.wrapping_mul(6_906_969_069).wrapping_add(1_234_567);
        self.y ^= self.y << 13;
        self.y ^= self.y >> 17;
        self.y ^= self.y << 43;
        let sum = (self.x << 58).wrapping_add(self.carry);
        self.carry = self.x >> 6;
        self.x = self.x.wrapping_add(sum);
        self.carry += u64::from(self.x < sum);
        self.x.wrapping_add(self.y).wrapping_add(self.z)
    }

    /// A number below `n`: the remainder of a draw.
    #[expect(clippy::cast_possible_truncation, reason = "a remainder is below the divisor")]
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Heads or tails: the lowest bit of a draw.
    pub(crate) fn flip(&mut self) -> bool {
        self.next() & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws of the generator in Annoy's own header.
    #[test]
    fn draws_are_those_of_annoy() {
        for (seed, expected) in [
            (
                1_234_567_890_987_654_321,
                [
                    8_932_985_056_925_012_148,
                    5_710_300_428_094_272_059,
                    18_342_510_866_933_518_593,
                    14_303_636_270_573_868_250,
                    542_381_058_189_297_533,
                ],
            ),
            (
                42,
                [
                    5_680_804_532_875_375_661,
                    421_217_147_685_971_266,
                    15_020_224_898_898_924_438,
                    16_951_546_275_468_841_018,
                    12_649_982_757_840_217_320,
                ],
            ),
            (
                0,
                [
                    12_021_872_808_213_033_987,
                    13_103_353_698_361_287_960,
                    15_407_534_466_852_787_051,
                    4_854_877_676_351_688_719,
                    6_323_973_393_756_579_004,
                ],
            ),
        ] {
            let mut kiss = Kiss::new(seed);
            assert_eq!([(); 5].map(|()| kiss.next()), expected);
        }
    }

    #[test]
    fn numbers_and_coins_are_made_of_one_draw_each() {
        let mut kiss = Kiss::new(42);
        assert_eq!(kiss.below(100), 61);
        assert!(!kiss.flip());
        assert_eq!(kiss.below(1), 0);
        assert!(!kiss.flip());
    }
}
