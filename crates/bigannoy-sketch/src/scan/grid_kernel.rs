//! The loops over all pairs of rows and queries on a grid, for each processor.

use super::GROUP;
use super::grid::{BLOCK, GridQueries, Line};
use super::kernel::{Code, ScanKernel};

impl ScanKernel {
    /// Calls `found` with a block, a query, which row of the block and the sum, for all sums that are less
    /// than what the query's have to be `below`. Sums begin with `starts`.
    pub(super) fn grid(
        self,
        lines: &[Line],
        starts: &[[u32; BLOCK]],
        queries: &GridQueries,
        below: [u32; GROUP],
        found: impl FnMut(usize, usize, usize, u32),
    ) {
        assert_eq!(lines.len(), starts.len() * queries.words.len());
        match self.code() {
            Code::Portable => portable(lines, starts, queries, below, found),
            #[cfg(target_arch = "x86_64")]
            Code::Avx2 | Code::AvxVnni => {
                // SAFETY: the processor must have AVX2.
                // - Both codes are made in `ScanKernel::all` alone, which has asked for it.
                #[expect(unsafe_code, reason = "code for a processor that was looked at")]
                unsafe {
                    x86::avx2(lines, starts, queries, below, found);
                }
            }
        }
    }
}

fn portable(
    lines: &[Line],
    starts: &[[u32; BLOCK]],
    queries: &GridQueries,
    below: [u32; GROUP],
    mut found: impl FnMut(usize, usize, usize, u32),
) {
    let eights = queries.words.len();
    for (at, (start, lines)) in starts.iter().zip(lines.chunks_exact(eights)).enumerate() {
        let mut sums = [*start; GROUP];
        for (line, words) in lines.iter().zip(&queries.words) {
            for (sums, word) in sums.iter_mut().zip(words) {
                for (sum, row) in sums.iter_mut().zip(&line.0) {
                    for (x, q) in row.iter().zip(word) {
                        *sum += u32::from(x.abs_diff(*q));
                    }
                }
            }
        }
        report(&sums, below, |query, lane, sum| found(at, query, lane, sum));
    }
}

/// Calls `found` with a query, which row of the block and the sum, for all sums that are less than what
/// the query's have to be `below`.
fn report(
    sums: &[[u32; BLOCK]; GROUP],
    below: [u32; GROUP],
    mut found: impl FnMut(usize, usize, u32),
) {
    for (query, (sums, below)) in sums.iter().zip(below).enumerate() {
        for (lane, &sum) in sums.iter().enumerate() {
            if sum < below {
                found(query, lane, sum);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi32, _mm256_cmpgt_epi32, _mm256_min_epi32, _mm256_movemask_epi8,
        _mm256_or_si256, _mm256_sad_epu8, _mm256_set1_epi64x, _mm256_setzero_si256,
    };

    use super::{BLOCK, GROUP, GridQueries, Line, report};

    #[target_feature(enable = "avx2")]
    pub(super) fn avx2(
        lines: &[Line],
        starts: &[[u32; BLOCK]],
        queries: &GridQueries,
        below: [u32; GROUP],
        mut found: impl FnMut(usize, usize, usize, u32),
    ) {
        let eights = queries.words.len();
        let limits = below.map(|below| _mm256_set1_epi64x(below.into()));
        for (at, (start, lines)) in starts.iter().zip(lines.chunks_exact(eights)).enumerate() {
            // A sum for each 64 bits, none of which leaves the lower 31.
            let start: [__m256i; 2] = bytemuck::must_cast(start.map(u64::from));
            let mut sums = [start; GROUP];
            for (line, words) in lines.iter().zip(&queries.words) {
                let rows: [__m256i; 2] = bytemuck::must_cast(line.0);
                for (sums, word) in sums.iter_mut().zip(words) {
                    let word = _mm256_set1_epi64x(bytemuck::must_cast(*word));
                    for (sum, rows) in sums.iter_mut().zip(rows) {
                        *sum = _mm256_add_epi32(*sum, _mm256_sad_epu8(rows, word));
                    }
                }
            }
            let mut any = _mm256_setzero_si256();
            for ([first, second], limit) in sums.iter().zip(limits) {
                let least = _mm256_min_epi32(*first, *second);
                any = _mm256_or_si256(any, _mm256_cmpgt_epi32(limit, least));
            }
            if _mm256_movemask_epi8(any) != 0 {
                let sums: [[[u32; 2]; BLOCK]; GROUP] = bytemuck::must_cast(sums);
                let sums = sums.map(|sums| sums.map(|[sum, _]| sum));
                report(&sums, below, |query, lane, sum| found(at, query, lane, sum));
            }
        }
    }
}
