//! What the processor can do at most.

use super::kernel::{Code, ScanKernel};

/// Sums that do not wait for each other: enough to keep every unit busy.
const CHAINS: usize = 12;
/// Codes that a sum takes in at a time.
const WIDTH: usize = 32;

impl ScanKernel {
    /// Multiplies codes and adds the products, all in registers, `rounds` times: the limit of any scan with
    /// this code on this processor, to be held against one. Returns how many operations that were, a
    /// multiplication and an addition for each pair of codes, and a number that stands for the sums.
    #[must_use]
    pub fn peak(self, rounds: u32) -> (u64, u64) {
        let operations = u64::from(rounds) * (2 * CHAINS * WIDTH) as u64;
        let sum = match self.code() {
            Code::Portable => portable(rounds),
            #[cfg(target_arch = "x86_64")]
            Code::Avx2 => {
                // SAFETY: the processor must have AVX2.
                // - `Code::Avx2` is made in `ScanKernel::all` alone, which has asked for it.
                #[expect(unsafe_code, reason = "code for a processor that was looked at")]
                unsafe {
                    x86::avx2(rounds)
                }
            }
            #[cfg(target_arch = "x86_64")]
            Code::AvxVnni => {
                // SAFETY: the processor must have AVX2 and AVX-VNNI.
                // - `Code::AvxVnni` is made in `ScanKernel::all` alone, which has asked for both.
                #[expect(unsafe_code, reason = "code for a processor that was looked at")]
                unsafe {
                    x86::avx_vnni(rounds)
                }
            }
        };
        (operations, sum)
    }
}

fn portable(rounds: u32) -> u64 {
    let mut sums: [[i16; WIDTH]; CHAINS] = std::array::from_fn(|chain| {
        std::array::from_fn(|at| i16::from(chain.to_le_bytes()[0]) + i16::from(at.to_le_bytes()[0]))
    });
    for _ in 0..rounds {
        for sum in sums.as_flattened_mut() {
            *sum = sum.wrapping_add(sum.wrapping_mul(3));
        }
    }
    sums.as_flattened().iter().map(|&sum| u64::from(sum.cast_unsigned())).sum()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi16, _mm256_dpbusd_avx_epi32, _mm256_maddubs_epi16, _mm256_set1_epi8,
    };

    use super::CHAINS;

    #[target_feature(enable = "avx2")]
    pub(super) fn avx2(rounds: u32) -> u64 {
        chains(rounds, |sum, codes| _mm256_add_epi16(sum, _mm256_maddubs_epi16(sum, codes)))
    }

    #[target_feature(enable = "avx2,avxvnni")]
    pub(super) fn avx_vnni(rounds: u32) -> u64 {
        chains(rounds, |sum, codes| _mm256_dpbusd_avx_epi32(sum, sum, codes))
    }

    /// Each step needs the one before it in its chain, so that none can be left out.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn chains(rounds: u32, step: impl Fn(__m256i, __m256i) -> __m256i) -> u64 {
        let mut sums: [__m256i; CHAINS] =
            std::array::from_fn(|chain| _mm256_set1_epi8(chain.to_le_bytes()[0].cast_signed()));
        let codes = _mm256_set1_epi8(3);
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = step(*sum, codes);
            }
        }
        let words: [[u64; 4]; CHAINS] = sums.map(bytemuck::must_cast);
        words.as_flattened().iter().fold(0, |all, &word| all.wrapping_add(word))
    }
}
