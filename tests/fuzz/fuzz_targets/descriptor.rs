//! Any bytes, text or RDS: refused, or a descriptor that survives being written and read in both.
#![no_main]

use bigannoy_descriptor::Descriptor;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(descriptor) = Descriptor::parse(text) else { return };
    let written = descriptor.to_text();
    let again = Descriptor::parse(&written);
    assert_eq!(again.as_ref(), Ok(&descriptor), "{}", String::from_utf8_lossy(&written));

    assert_eq!(Descriptor::parse(&descriptor.to_rds()).as_ref(), Ok(&descriptor));

    let (rows, cols) = descriptor.stored_shape().unwrap_or(descriptor.shape());
    let needed = descriptor.data_bytes(rows, cols).unwrap_or(u64::MAX);
    // The end of the text serves as a length that has nothing to do with what the text says.
    let any = text.last_chunk().map_or(0, |&bytes| u64::from_le_bytes(bytes));
    let lost_bits = needed.wrapping_add(1 << 32);
    for length in [0, 1, needed, needed.saturating_add(1), lost_bits, any, any >> 20, u64::MAX] {
        if let Ok((rows, cols)) = descriptor.stored_shape_for(length) {
            assert!(descriptor.row_offset() + descriptor.nrows() <= rows);
            assert!(descriptor.col_offset() + descriptor.ncols() <= cols);
        }
    }
    for (names, extent) in
        [(descriptor.row_names(), descriptor.nrows()), (descriptor.col_names(), descriptor.ncols())]
    {
        assert!(names.is_none_or(|names| names.len() as u64 == extent));
    }
});
