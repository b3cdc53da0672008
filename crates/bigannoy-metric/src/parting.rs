//! Numbers put in two lists by the signs of others.

use crate::Folded;
use crate::folded::run;

/// Numbers that are put in lists together.
const EIGHT: usize = 8;

impl Folded {
    /// Puts in `ones` the picks whose margin is above zero and in `zeros` all others, both in their old
    /// order, and returns how many are in `ones`. What is behind the picks in the lists has no meaning.
    ///
    /// # Panics
    /// If there are not as many margins as picks.
    pub fn part(
        self,
        picks: &[u32],
        margins: &[f32],
        zeros: &mut Vec<u32>,
        ones: &mut Vec<u32>,
    ) -> usize {
        assert_eq!(picks.len(), margins.len(), "a margin for each pick");
        // Eight at a time are written, of which some count.
        let room = picks.len() + EIGHT;
        for list in [&mut *zeros, &mut *ones] {
            if list.len() < room {
                list.resize(room, 0);
            }
        }
        run!(self, part(picks, margins, zeros, ones))
    }
}

mod portable {
    pub(super) fn part(
        picks: &[u32],
        margins: &[f32],
        zeros: &mut [u32],
        ones: &mut [u32],
    ) -> usize {
        let mut n_ones = 0;
        // Written to both places, and kept in one: signs are as hard to foretell as coins.
        for (at, (&pick, &margin)) in picks.iter().zip(margins).enumerate() {
            zeros[at - n_ones] = pick;
            ones[n_ones] = pick;
            n_ones += usize::from(margin > 0.0);
        }
        n_ones
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _CMP_GT_OQ, _mm_cvtsi64_si128, _mm256_cmp_ps, _mm256_cvtepu8_epi32,
        _mm256_movemask_ps, _mm256_permutevar8x32_epi32, _mm256_setzero_ps,
    };

    use super::EIGHT;

    /// For each eight bits, the places of those that are set, a byte each, the lowest first.
    static PLACES: [i64; 256] = {
        let mut all = [0; 256];
        let mut bits = 0;
        while bits < 256 {
            let (mut place, mut at) = (0, 0);
            while place < 8 {
                if bits >> place & 1 == 1 {
                    all[bits] |= (place as i64) << (8 * at);
                    at += 1;
                }
                place += 1;
            }
            bits += 1;
        }
        all
    };

    #[target_feature(enable = "avx2")]
    pub(super) fn part(
        picks: &[u32],
        margins: &[f32],
        zeros: &mut [u32],
        ones: &mut [u32],
    ) -> usize {
        let (eights, left) = picks.as_chunks::<EIGHT>();
        let (margins, margins_left) = margins.as_chunks::<EIGHT>();
        let mut n_ones = 0;
        for (eight, (picks, margins)) in eights.iter().zip(margins).enumerate() {
            let above =
                _mm256_cmp_ps::<_CMP_GT_OQ>(bytemuck::must_cast(*margins), _mm256_setzero_ps());
            #[expect(clippy::cast_sign_loss, reason = "eight bits")]
            let above = _mm256_movemask_ps(above) as usize & 0xff;
            let n_zeros = eight * EIGHT - n_ones;
            if let Some(to) = zeros[n_zeros..].first_chunk_mut() {
                *to = gathered(picks, !above & 0xff);
            }
            if let Some(to) = ones[n_ones..].first_chunk_mut() {
                *to = gathered(picks, above);
            }
            n_ones += above.count_ones() as usize;
        }
        let n_zeros = eights.len() * EIGHT - n_ones;
        let more =
            super::portable::part(left, margins_left, &mut zeros[n_zeros..], &mut ones[n_ones..]);
        n_ones + more
    }

    /// Those whose bit is set, in front.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn gathered(picks: &[u32; EIGHT], bits: usize) -> [u32; EIGHT] {
        let places = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(PLACES[bits]));
        let picks: __m256i = bytemuck::must_cast(*picks);
        bytemuck::must_cast(_mm256_permutevar8x32_epi32(picks, places))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_code_parts_alike_and_keeps_the_order(
            margins in proptest::collection::vec(
                prop_oneof![Just(0.0f32), Just(-0.0), Just(f32::NAN), -1.0f32..1.0], 0..90,
            ),
        ) {
            let picks: Vec<u32> = (0..).map(|at| at * 7 % 101).take(margins.len()).collect();
            let all = || picks.iter().copied().zip(&margins);
            let is_one = |pair: &(u32, &f32)| *pair.1 > 0.0;
            let ones: Vec<u32> = all().filter(is_one).map(|pair| pair.0).collect();
            let zeros: Vec<u32> = all().filter(|pair| !is_one(pair)).map(|pair| pair.0).collect();
            for code in Folded::all() {
                // The second time in lists that are long enough.
                let (mut to_zeros, mut to_ones) = (Vec::new(), vec![5; 3]);
                for _ in 0..2 {
                    let count = code.part(&picks, &margins, &mut to_zeros, &mut to_ones);
                    prop_assert_eq!(&to_ones[..count], &ones[..]);
                    prop_assert_eq!(&to_zeros[..picks.len() - count], &zeros[..]);
                }
            }
        }
    }
}
