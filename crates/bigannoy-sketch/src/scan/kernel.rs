//! The loops over all pairs, for each processor.

use super::Hit;
use super::encode::CHUNK;
use super::encode::{FOUR, OFFSET};
use super::query::{GROUP, QueryCodes, QueryLimits};
use super::rows::{Line, STRIP, Tests};

/// Code for the scan, in one of several ways that find the same products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanKernel(Code);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
}

impl ScanKernel {
    /// The fastest code on this processor.
    #[must_use]
    pub fn new() -> Self {
        Self::all().pop().unwrap_or(ScanKernel(Code::Portable))
    }

    /// Each code that this processor can run, the slowest first: to compare them.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = vec![ScanKernel(Code::Portable)];
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
        {
            all.push(ScanKernel(Code::Avx2));
            if std::arch::is_x86_feature_detected!("avxvnni") {
                all.push(ScanKernel(Code::AvxVnni));
            }
        }
        all
    }

    pub(super) fn code(self) -> Code {
        self.0
    }

    /// What the code is made for: `portable`, `avx2` or `avxvnni`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Code::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Code::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Code::AvxVnni => "avxvnni",
        }
    }

    /// Strips whose first is number `first`, with as many lines each as a query has words.
    pub(super) fn scan(
        self,
        lines: &[Line],
        tests: &[Tests],
        first: usize,
        queries: &QueryCodes,
        limits: &QueryLimits,
        hits: &mut Vec<Hit>,
    ) {
        assert_eq!(lines.len(), tests.len() * queries.words.len());
        let found = |strip: usize, products: &Products, passing: Passing| {
            report(first + strip, products, &tests[strip], passing, hits);
        };
        match self.0 {
            Code::Portable => portable(lines, tests, queries, limits, found),
            #[cfg(target_arch = "x86_64")]
            Code::Avx2 => {
                // SAFETY: the processor must have AVX2 and FMA.
                // - `Code::Avx2` is made in `ScanKernel::all` alone, which has asked for both.
                #[expect(unsafe_code, reason = "code for a processor that was looked at")]
                unsafe {
                    x86::avx2(lines, tests, queries, limits, found);
                }
            }
            #[cfg(target_arch = "x86_64")]
            Code::AvxVnni => {
                // SAFETY: the processor must have AVX2, FMA and AVX-VNNI.
                // - `Code::AvxVnni` is made in `ScanKernel::all` alone, which has asked for all.
                #[expect(unsafe_code, reason = "code for a processor that was looked at")]
                unsafe {
                    x86::avx_vnni(lines, tests, queries, limits, found);
                }
            }
        }
    }
}

impl Default for ScanKernel {
    fn default() -> Self {
        Self::new()
    }
}

/// Products of the codes of each query and each row of a strip.
type Products = [[i32; STRIP]; GROUP];

/// For each query a bit for each row that passes, the lowest for the first.
type Passing = [u32; GROUP];

/// Adds the pairs of a strip that pass.
fn report(strip: usize, products: &Products, tests: &Tests, passing: Passing, hits: &mut Vec<Hit>) {
    for ((query, products), mut passing) in (0u32..).zip(products).zip(passing) {
        while passing != 0 {
            let lane = passing.trailing_zeros() as usize;
            passing &= passing - 1;
            #[expect(clippy::cast_possible_truncation, reason = "rows are counted in 31 bits")]
            let row = (strip * STRIP + lane) as u32;
            let lane = lane % STRIP;
            hits.push(Hit { query, row, product: products[lane], test: tests.of(lane) });
        }
    }
}

fn portable(
    lines: &[Line],
    tests: &[Tests],
    queries: &QueryCodes,
    limits: &QueryLimits,
    mut found: impl FnMut(usize, &Products, Passing),
) {
    let groups = queries.words.len();
    for strip in 0..tests.len() {
        let mut products = [[0i32; STRIP]; GROUP];
        for (line, words) in lines[strip * groups..][..groups].iter().zip(&queries.words) {
            for (products, word) in products.iter_mut().zip(words) {
                for (product, four) in products.iter_mut().zip(&line.0) {
                    for z in 0..FOUR {
                        *product += (i32::from(four[z]) - i32::from(OFFSET)) * i32::from(word[z]);
                    }
                }
            }
        }
        found(strip, &products, passing(&products, &tests[strip], limits));
    }
}

fn passing(products: &Products, tests: &Tests, limits: &QueryLimits) -> Passing {
    std::array::from_fn(|query| {
        let (alpha, beta) = (limits.alpha[query], limits.beta[query]);
        let mut passing = 0;
        for (lane, &product) in products[query].iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a rounding that limits take in")]
            let value = tests.scale[lane] * product as f32;
            let value = value + alpha * tests.a[lane] + beta * tests.b[lane];
            passing |= u32::from(value >= limits.gamma[query]) << lane;
        }
        passing
    })
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256, __m256i, _CMP_GE_OQ, _mm256_add_epi16, _mm256_add_epi32, _mm256_cmp_ps,
        _mm256_cvtepi32_ps, _mm256_dpbusd_avx_epi32, _mm256_fmadd_ps, _mm256_madd_epi16,
        _mm256_maddubs_epi16, _mm256_movemask_ps, _mm256_mul_ps, _mm256_or_ps, _mm256_set1_epi16,
        _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256,
    };

    use super::{CHUNK, GROUP, Line, Passing, Products, QueryCodes, QueryLimits, STRIP, Tests};

    /// Sums of each query with both halves of a strip.
    type Sums = [[__m256i; 2]; GROUP];

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn avx2(
        lines: &[Line],
        tests: &[Tests],
        queries: &QueryCodes,
        limits: &QueryLimits,
        mut found: impl FnMut(usize, &Products, Passing),
    ) {
        let groups = queries.words.len();
        for (strip, tests) in tests.iter().enumerate() {
            let lines = &lines[strip * groups..][..groups];
            let products = products(lines, queries);
            if any(&products, tests, limits) {
                let passing = passing(&products, tests, limits);
                found(strip, &bytemuck::must_cast(products), passing);
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn products(lines: &[Line], queries: &QueryCodes) -> Sums {
        let ones = _mm256_set1_epi16(1);
        let mut products: Sums = [[_mm256_setzero_si256(); 2]; GROUP];
        let chunks = lines.chunks(CHUNK).zip(queries.words.chunks(CHUNK)).zip(&queries.starts);
        for ((lines, words), starts) in chunks {
            // Pairs of 16-bit sums, which wrap around on the way and fit in the end.
            let mut sums: Sums =
                starts.map(|start| [_mm256_set1_epi32(bytemuck::must_cast(start)); 2]);
            for (line, words) in lines.iter().zip(words) {
                let rows: [__m256i; 2] = bytemuck::must_cast(line.0);
                for (sums, word) in sums.iter_mut().zip(words) {
                    let word = _mm256_set1_epi32(bytemuck::must_cast(*word));
                    for (sum, rows) in sums.iter_mut().zip(rows) {
                        *sum = _mm256_add_epi16(*sum, _mm256_maddubs_epi16(rows, word));
                    }
                }
            }
            for (products, sums) in products.iter_mut().zip(sums) {
                for (product, sum) in products.iter_mut().zip(sums) {
                    *product = _mm256_add_epi32(*product, _mm256_madd_epi16(sum, ones));
                }
            }
        }
        products
    }

    #[target_feature(enable = "avx2,fma,avxvnni")]
    pub(super) fn avx_vnni(
        lines: &[Line],
        tests: &[Tests],
        queries: &QueryCodes,
        limits: &QueryLimits,
        mut found: impl FnMut(usize, &Products, Passing),
    ) {
        let groups = queries.words.len();
        for (strip, tests) in tests.iter().enumerate() {
            let lines = &lines[strip * groups..][..groups];
            let mut products: Sums = queries.offsets.map(|offset| [_mm256_set1_epi32(offset); 2]);
            for (line, words) in lines.iter().zip(&queries.words) {
                let rows: [__m256i; 2] = bytemuck::must_cast(line.0);
                for (products, word) in products.iter_mut().zip(words) {
                    let word = _mm256_set1_epi32(bytemuck::must_cast(*word));
                    for (product, rows) in products.iter_mut().zip(rows) {
                        *product = _mm256_dpbusd_avx_epi32(*product, rows, word);
                    }
                }
            }
            if any(&products, tests, limits) {
                let passing = passing(&products, tests, limits);
                found(strip, &bytemuck::must_cast(products), passing);
            }
        }
    }

    /// Whether any pair passes.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn any(products: &Sums, tests: &Tests, limits: &QueryLimits) -> bool {
        let mut any = _mm256_setzero_ps();
        for query in 0..GROUP {
            for passing in passing_halves(query, products, tests, limits) {
                any = _mm256_or_ps(any, passing);
            }
        }
        _mm256_movemask_ps(any) != 0
    }

    #[cold]
    #[target_feature(enable = "avx2,fma")]
    fn passing(products: &Sums, tests: &Tests, limits: &QueryLimits) -> Passing {
        std::array::from_fn(|query| {
            let halves = passing_halves(query, products, tests, limits);
            let [low, high] = halves.map(|half| _mm256_movemask_ps(half).cast_unsigned());
            low | high << (STRIP / 2)
        })
    }

    /// All bits of those rows that pass, for both halves of a strip.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn passing_halves(
        query: usize,
        products: &Sums,
        tests: &Tests,
        limits: &QueryLimits,
    ) -> [__m256; 2] {
        let scale: [__m256; 2] = bytemuck::must_cast(tests.scale);
        let a: [__m256; 2] = bytemuck::must_cast(tests.a);
        let b: [__m256; 2] = bytemuck::must_cast(tests.b);
        let alpha = _mm256_set1_ps(limits.alpha[query]);
        let beta = _mm256_set1_ps(limits.beta[query]);
        let gamma = _mm256_set1_ps(limits.gamma[query]);
        std::array::from_fn(|half| {
            let product = _mm256_cvtepi32_ps(products[query][half]);
            let value = _mm256_mul_ps(scale[half], product);
            let value = _mm256_fmadd_ps(alpha, a[half], value);
            let value = _mm256_fmadd_ps(beta, b[half], value);
            _mm256_cmp_ps::<_CMP_GE_OQ>(value, gamma)
        })
    }
}
