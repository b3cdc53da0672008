//! Asking for memory before it is needed.

/// Bytes in a cache line.
const LINE: usize = 64;
/// Lines that are asked for at most: what follows in order the processor asks for by itself.
const MOST_LINES: usize = 8;

/// Has the processor fetch the beginning of `values` while it goes on with other work. Changes no
/// result. Does nothing where there is no such instruction at hand.
#[inline]
pub fn fetch_ahead<T>(values: &[T]) {
    fetch::<1, T>(values);
}

/// Has the processor fetch all of `values`, line by line: for what is read before the processor would see an order
/// in it. They come as far as the second cache only, which waits for about twice as many at a time as
/// the first. Otherwise like [`fetch_ahead`].
#[inline]
pub fn fetch_whole_ahead<T>(values: &[T]) {
    let most = (MOST_LINES * LINE / size_of::<T>().max(1)).max(1);
    values.chunks(most).for_each(fetch::<2, T>);
}

/// Asks for the beginning of `values`, to come as far as the first or second cache.
#[inline]
fn fetch<const CACHE: u8, T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};

        let bytes = size_of_val(values).min(MOST_LINES * LINE);
        let start: *const i8 = values.as_ptr().cast();
        // Each line once: asking costs about as much as reading one that is near.
        let before = start as usize % LINE;
        let (mut at, mut left) = (start.wrapping_sub(before), before + bytes);
        while bytes > 0 && left > 0 {
            // SAFETY: a prefetch reads nothing, whatever the address; this one is in a line of `values`.
            #[allow(unsafe_code, unused_unsafe, reason = "safe from some release of Rust on")]
            unsafe {
                match CACHE {
                    1 => _mm_prefetch::<_MM_HINT_T0>(at),
                    _ => _mm_prefetch::<_MM_HINT_T1>(at),
                }
            }
            at = at.wrapping_add(LINE);
            left = left.saturating_sub(LINE);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

#[cfg(test)]
mod tests {
    use super::{fetch_ahead, fetch_whole_ahead};

    #[test]
    fn anything_can_be_asked_for() {
        for len in [0, 1, 16, 17, 5000] {
            let values = vec![1.5f64; len];
            fetch_ahead(&values);
            fetch_ahead(&values[len / 2..]);
            fetch_whole_ahead(&values);
            assert_eq!(values, vec![1.5; len]);
        }
    }
}
