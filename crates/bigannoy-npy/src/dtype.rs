//! The types a number can have.

use std::fmt;

/// The type of the numbers in a file. All are little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// `|b1`: a byte that is 0 for false and 1 for true.
    Bool,
    /// `|i1`: a signed byte.
    I8,
    /// `|u1`: an unsigned byte.
    U8,
    /// `<i2`: a signed integer of two bytes.
    I16,
    /// `<i4`: a signed integer of four bytes.
    I32,
    /// `<i8`: a signed integer of eight bytes.
    I64,
    /// `<f4`: an IEEE 754 number of four bytes.
    F32,
    /// `<f8`: an IEEE 754 number of eight bytes.
    F64,
}

impl Dtype {
    /// Every type.
    pub const ALL: [Self; 8] =
        [Self::Bool, Self::I8, Self::U8, Self::I16, Self::I32, Self::I64, Self::F32, Self::F64];

    /// How the header says it: the order of the bytes, the kind, the number of bytes.
    #[must_use]
    pub const fn descr(self) -> &'static str {
        match self {
            Self::Bool => "|b1",
            Self::I8 => "|i1",
            Self::U8 => "|u1",
            Self::I16 => "<i2",
            Self::I32 => "<i4",
            Self::I64 => "<i8",
            Self::F32 => "<f4",
            Self::F64 => "<f8",
        }
    }

    /// The type that a header means by `descr`, or `None` for what is not among these.
    ///
    /// One byte has no order: `<i1`, `>i1` and `=i1` are `|i1`. `=`, the order of the machine that
    /// wrote the file, is taken to be little-endian, and so is no sign at all.
    #[must_use]
    pub fn from_descr(descr: &str) -> Option<Self> {
        let kind = descr.trim_start_matches(['<', '>', '=', '|']);
        let dtype = Self::ALL.into_iter().find(|dtype| &dtype.descr()[1..] == kind)?;
        match descr.strip_suffix(kind)? {
            "" | "<" | "=" => Some(dtype),
            ">" | "|" if dtype.size_bytes() == 1 => Some(dtype),
            _ => None,
        }
    }

    /// Bytes of one number: 1, 2, 4 or 8.
    #[must_use]
    pub const fn size_bytes(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.descr())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_lead_back_to_their_type() {
        for dtype in Dtype::ALL {
            assert_eq!(Dtype::from_descr(dtype.descr()), Some(dtype));
            assert!(dtype.descr().ends_with(&dtype.size_bytes().to_string()));
        }
        for (descr, dtype) in [("=f8", Dtype::F64), (">u1", Dtype::U8), ("i4", Dtype::I32)] {
            assert_eq!(Dtype::from_descr(descr), Some(dtype), "{descr}");
        }
        for unknown in [">f8", "|f8", "<<f8", "<f2", "<u4", "<c16", "|O", "<U3", "", "<", "é"] {
            assert_eq!(Dtype::from_descr(unknown), None, "{unknown:?}");
        }
    }
}
