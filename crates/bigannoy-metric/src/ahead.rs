//! Asking for memory before it is needed.

/// Bytes in a cache line.
const LINE: usize = 64;
/// Lines that are asked for at most: what follows in order the processor asks for by itself.
const MOST_LINES: usize = 8;

/// Has the processor fetch the beginning of `values` while it goes on with other work. Changes no
/// result. Does nothing where there is no such instruction at hand.
#[inline]
pub fn fetch_ahead<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

        let bytes = size_of_val(values);
        let start: *const i8 = values.as_ptr().cast();
        let mut ask = |offset: usize| {
            let at = start.wrapping_add(offset);
            // SAFETY: a prefetch reads nothing, whatever the address; this one is within `values`.
            #[allow(unsafe_code, unused_unsafe, reason = "safe from some release of Rust on")]
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(at);
            }
        };
        if bytes > 0 {
            (0..bytes.min(MOST_LINES * LINE)).step_by(LINE).for_each(&mut ask);
            // The last byte can lie in one line more.
            ask(bytes.min(MOST_LINES * LINE) - 1);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

#[cfg(test)]
mod tests {
    use super::fetch_ahead;

    #[test]
    fn anything_can_be_asked_for() {
        for len in [0, 1, 16, 17, 5000] {
            let values = vec![1.5f64; len];
            fetch_ahead(&values);
            fetch_ahead(&values[len / 2..]);
            assert_eq!(values, vec![1.5; len]);
        }
    }
}
