//! Vectors of bits, as hamming indexes hold them.
//!
//! Bits are packed into 64-bit words, component `i` as bit `i % 64`, counted from the least
//! significant, of word `i / 64`. A 64-bit word is kept as two `u32`, the lower half first: in files
//! they begin at any multiple of four bytes. Bits beyond the last component are zero.

/// Bits in a packed word.
pub const WORD_BITS: usize = 64;

/// How many `u32` hold `components` bits: two for each 64-bit word begun.
#[must_use]
pub fn packed_len(components: usize) -> usize {
    components.div_ceil(WORD_BITS) * 2
}

/// Packs a vector of numbers: a component greater than 0.5 is a set bit.
#[must_use]
pub fn pack(vector: &[f32]) -> Vec<u32> {
    let mut words = vec![0; packed_len(vector.len())];
    pack_into(vector, &mut words);
    words
}

/// [`pack`] over existing words.
///
/// # Panics
/// Unless there are exactly [`packed_len`] words for the vector.
pub fn pack_into(vector: &[f32], words: &mut [u32]) {
    assert_eq!(words.len(), packed_len(vector.len()), "as many words as the bits need");
    words.fill(0);
    for (word, values) in words.iter_mut().zip(vector.chunks(32)) {
        for (bit, &value) in values.iter().enumerate() {
            *word |= u32::from(value > 0.5) << bit;
        }
    }
}

/// Whether component `component` is set.
///
/// # Panics
/// If there are fewer bits.
#[must_use]
pub fn is_set(words: &[u32], component: usize) -> bool {
    words[component / 32] >> (component % 32) & 1 == 1
}

/// The number of bits in which two packed vectors differ.
///
/// # Panics
/// If they have different lengths.
#[must_use]
pub fn differing(a: &[u32], b: &[u32]) -> u32 {
    assert_eq!(a.len(), b.len(), "vectors of different length");
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_count_from_the_least_significant_bit() {
        let mut vector = vec![0.0; 70];
        for component in [0, 33, 69] {
            vector[component] = 1.0;
        }
        let words = pack(&vector);
        assert_eq!(words, [1, 2, 1 << 5, 0]);
        let set: Vec<usize> = (0..70).filter(|&component| is_set(&words, component)).collect();
        assert_eq!(set, [0, 33, 69]);
    }

    #[test]
    fn only_values_above_a_half_are_set() {
        assert_eq!(pack(&[0.5, 0.500_01, -3.0, f32::INFINITY, f32::NAN]), [0b1010, 0]);
        assert_eq!(differing(&[0b1010, 1], &[0b0110, 0]), 3);
        assert!(pack(&[]).is_empty());
    }
}
