//! Numbers as they stand in npy files: little-endian bytes, aligned to nothing.

use super::number::Cell;

use bigannoy::matrix::Element;

/// A number of an npy file, read from its bytes.
pub(super) trait Stored {
    /// The bytes of one number.
    type Bytes: Copy;

    /// Bytes as numbers; what is left over at the end is not looked at.
    fn split(bytes: &[u8]) -> &[Self::Bytes];

    fn cell(bytes: Self::Bytes) -> Cell;
}

/// A number that can be written to an npy file.
pub(super) trait Store: Copy {
    /// The bytes of one number.
    type Bytes: Copy;

    fn bytes(self) -> Self::Bytes;

    /// Numbers as bytes.
    fn join(numbers: &[Self::Bytes]) -> &[u8];
}

macro_rules! stored {
    ($($rust:ty, $value:ident => $cell:expr;)*) => {$(
        impl Stored for $rust {
            type Bytes = [u8; size_of::<$rust>()];

            fn split(bytes: &[u8]) -> &[Self::Bytes] {
                bytes.as_chunks().0
            }

            fn cell(bytes: Self::Bytes) -> Cell {
                let $value = <$rust>::from_le_bytes(bytes);
                $cell
            }
        }
    )*};
}

stored! {
    i8, value => Cell::Whole(value.into());
    u8, value => Cell::Whole(value.into());
    i16, value => Cell::Whole(value.into());
    i32, value => Cell::Whole(value.into());
    i64, value => Cell::Whole(value);
    f32, value => Cell::Float(value.into());
    // R's missing value is a NaN of its own; it may have come from R by way of NumPy.
    f64, value => {
        if value.to_bits() & 0xffff_ffff == f64::MISSING.to_bits() & 0xffff_ffff && value.is_nan() {
            Cell::Missing
        } else {
            Cell::Float(value)
        }
    };
}

/// False is 0, and true is 1, whatever byte it is.
#[derive(Clone, Copy)]
pub(super) struct Bool;

impl Stored for Bool {
    type Bytes = u8;

    fn split(bytes: &[u8]) -> &[u8] {
        bytes
    }

    fn cell(byte: u8) -> Cell {
        Cell::Whole((byte != 0).into())
    }
}

macro_rules! store {
    ($($rust:ty),*) => {$(
        impl Store for $rust {
            type Bytes = [u8; size_of::<$rust>()];

            fn bytes(self) -> Self::Bytes {
                self.to_le_bytes()
            }

            fn join(numbers: &[Self::Bytes]) -> &[u8] {
                numbers.as_flattened()
            }
        }
    )*};
}

store!(i8, u8, i16, i32, f32, f64);
