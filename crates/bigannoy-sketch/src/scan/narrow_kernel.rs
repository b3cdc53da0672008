//! The loops over all pairs of narrow rows, for each processor.

use super::encode::OFFSET;
use super::kernel::{Code, ScanKernel};
use super::narrow::{Line, NARROW_STRIP, NarrowQueries, StripTest};
use super::{GROUP, QueryLimits};

/// The products of a query with all rows of a strip.
type Sums = [i16; NARROW_STRIP];

impl ScanKernel {
    /// Calls `found` with a strip, a query, which row of the strip and the product, for all rows that may pass.
    pub(super) fn narrow(
        self,
        lines: &[Line],
        strips: &[StripTest],
        queries: &NarrowQueries,
        limits: &QueryLimits,
        found: impl FnMut(usize, usize, usize, i16),
    ) {
        assert_eq!(lines.len(), strips.len() * queries.words.len());
        match self.code() {
            Code::Portable => portable(lines, strips, queries, found),
            #[cfg(target_arch = "x86_64")]
            Code::Avx2 | Code::AvxVnni => {
                // SAFETY: the processor must have AVX2 and FMA.
                // - Both codes are made in `ScanKernel::all` alone, which has asked for them.
                #[expect(unsafe_code, reason = "code for a processor that was looked at")]
                unsafe {
                    x86::avx2(lines, strips, queries, limits, found);
                }
            }
        }
    }
}

/// Every row may pass.
fn portable(
    lines: &[Line],
    strips: &[StripTest],
    queries: &NarrowQueries,
    mut found: impl FnMut(usize, usize, usize, i16),
) {
    let pairs = queries.words.len();
    for strip in 0..strips.len() {
        let mut sums = [[0i16; NARROW_STRIP]; GROUP];
        for (line, words) in lines[strip * pairs..].iter().zip(&queries.words) {
            for (sums, word) in sums.iter_mut().zip(words) {
                for (sum, pair) in sums.iter_mut().zip(&line.0) {
                    for z in 0..pair.len() {
                        // No part of a product of codes of limited length leaves 16 bits in the end.
                        let code = i16::from(pair[z]) - i16::from(OFFSET);
                        *sum = sum.wrapping_add(code * i16::from(word[z]));
                    }
                }
            }
        }
        for (query, sums) in sums.iter().enumerate() {
            for (lane, &sum) in sums.iter().enumerate() {
                found(strip, query, lane, sum);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m128, __m256i, _mm_cvtps_epi32, _mm_fnmadd_ps, _mm_max_ps, _mm_min_ps, _mm_mul_ps,
        _mm_packs_epi32, _mm_set1_epi32, _mm_set1_ps, _mm_sub_epi32, _mm256_add_epi16,
        _mm256_cmpgt_epi16, _mm256_maddubs_epi16, _mm256_max_epi16, _mm256_movemask_epi8,
        _mm256_or_si256, _mm256_packs_epi16, _mm256_permute4x64_epi64, _mm256_set1_epi16,
        _mm256_set1_epi32, _mm256_setzero_si256,
    };

    use std::mem::MaybeUninit;

    use super::super::narrow::Words;
    use super::{GROUP, Line, NARROW_STRIP, NarrowQueries, QueryLimits, StripTest, Sums};

    /// Strips that are looked at together.
    const TOGETHER: usize = 16;
    /// Lines that are looked at without asking whether there are more.
    const UNROLLED: usize = 2;

    /// The sums of two halves of a strip for each query.
    type Parts = [[__m256i; 2]; GROUP];

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn avx2(
        lines: &[Line],
        strips: &[StripTest],
        queries: &NarrowQueries,
        limits: &QueryLimits,
        mut found: impl FnMut(usize, usize, usize, i16),
    ) {
        let pairs = queries.words.len();
        let mut below = [[0; GROUP]; TOGETHER];
        // To fill it with zeros first would take longer than what is done with it.
        let mut stash = [MaybeUninit::<Parts>::uninit(); TOGETHER];
        let chunks = strips.chunks(TOGETHER).zip(lines.chunks(TOGETHER * pairs));
        for (chunk, (strips, lines)) in chunks.enumerate() {
            write_below(strips, limits, &mut below);
            // What passes is told by bits: a branch for each strip would often be foretold wrong, and what was
            // begun of the strips behind it would be lost.
            let mut passing = 0u32;
            let each = stash.iter_mut().zip(&below).zip(lines.chunks_exact(pairs));
            for (at, ((stashed, below), lines)) in each.enumerate() {
                // Sums of products with `c + 64` wrap around on the way and fit in the end.
                let mut sums = queries.starts.map(|start| [_mm256_set1_epi16(start); 2]);
                // Loops of few turns, which end where they are expected to.
                let (lines, last_lines) = lines.as_chunks::<UNROLLED>();
                let (words, last_words) = queries.words.as_chunks::<UNROLLED>();
                for (lines, words) in lines.iter().zip(words) {
                    for (line, words) in lines.iter().zip(words) {
                        add(&mut sums, line, words);
                    }
                }
                for (line, words) in last_lines.iter().zip(last_words) {
                    add(&mut sums, line, words);
                }
                stashed.write(sums);
                passing |= u32::from(any(&sums, *below)) << at;
            }
            while passing != 0 {
                let at = passing.trailing_zeros() as usize;
                passing &= passing - 1;
                // SAFETY: the sums at `at` must have been written.
                // - `at` is the number of a bit that is set, and bits are set after the sums of their strips were
                //   written.
                #[expect(unsafe_code, reason = "room that is written before it is read")]
                let sums = unsafe { stash[at].assume_init() };
                each_passing(&sums, below[at], |query, lane, sum| {
                    found(chunk * TOGETHER + at, query, lane, sum);
                });
            }
        }
    }

    /// Calls `found` with a query, which row of the strip and its sum, for those that pass.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn each_passing(sums: &Parts, below: [i16; GROUP], mut found: impl FnMut(usize, usize, i16)) {
        let mut passing = [0u64; GROUP / 2];
        for (query, (sums, below)) in sums.iter().zip(below).enumerate() {
            let [low, high] = sums.map(|sum| _mm256_cmpgt_epi16(sum, _mm256_set1_epi16(below)));
            // Packing takes the halves of registers in turn.
            let packed = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi16(low, high));
            let bits = u64::from(_mm256_movemask_epi8(packed).cast_unsigned());
            passing[query / 2] |= bits << (query % 2 * NARROW_STRIP);
        }
        let sums: [Sums; GROUP] = bytemuck::must_cast(*sums);
        // All pairs in one loop each: whether a query has some is not to be guessed.
        for (half, mut passing) in passing.into_iter().enumerate() {
            while passing != 0 {
                let bit = passing.trailing_zeros() as usize;
                passing &= passing - 1;
                let (query, lane) = (2 * half + bit / NARROW_STRIP, bit % NARROW_STRIP);
                found(query, lane, sums[query][lane]);
            }
        }
    }

    /// Whether one of the sums is greater than the query's limit.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn any(sums: &Parts, below: [i16; GROUP]) -> bool {
        let mut any = _mm256_setzero_si256();
        for ([low, high], below) in sums.iter().zip(below) {
            let most = _mm256_max_epi16(*low, *high);
            any = _mm256_or_si256(any, _mm256_cmpgt_epi16(most, _mm256_set1_epi16(below)));
        }
        _mm256_movemask_epi8(any) != 0
    }

    /// Adds the products of two elements of all rows of a strip and four queries.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn add(sums: &mut Parts, line: &Line, words: &Words) {
        let rows: [__m256i; 2] = bytemuck::must_cast(line.0);
        for (sums, word) in sums.iter_mut().zip(words) {
            let word = _mm256_set1_epi32(bytemuck::must_cast(*word));
            for (sum, rows) in sums.iter_mut().zip(rows) {
                *sum = _mm256_add_epi16(*sum, _mm256_maddubs_epi16(rows, word));
            }
        }
    }

    /// What products of each query have to be greater than for a row of each strip to pass.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn write_below(strips: &[StripTest], limits: &QueryLimits, below: &mut [[i16; GROUP]]) {
        let [alpha, beta, gamma]: [__m128; 3] =
            [limits.alpha, limits.beta, limits.gamma].map(bytemuck::must_cast);
        for (strip, below) in strips.iter().zip(below) {
            let least = _mm_fnmadd_ps(alpha, _mm_set1_ps(strip.a), gamma);
            let least = _mm_fnmadd_ps(beta, _mm_set1_ps(strip.b), least);
            let least = _mm_mul_ps(least, _mm_set1_ps(strip.inverse));
            // No sum is as large; of a NaN the second is taken.
            let least = _mm_min_ps(least, _mm_set1_ps(32_767.0));
            let least = _mm_cvtps_epi32(_mm_max_ps(least, _mm_set1_ps(-40_000.0)));
            // One for rounding to a whole number and all before, one for "greater".
            let least = _mm_sub_epi32(least, _mm_set1_epi32(2));
            let words: [[i16; GROUP]; 2] = bytemuck::must_cast(_mm_packs_epi32(least, least));
            *below = words[0];
        }
    }
}
