//! The types a stored element can have.

use std::fmt;

/// The type of the stored elements, named as in the descriptor's `type` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ElementType {
    /// A signed integer of one byte.
    Char,
    /// A signed integer of two bytes.
    Short,
    /// An unsigned byte, without a missing value.
    Raw,
    /// A signed integer of four bytes.
    Integer,
    /// An IEEE 754 number of four bytes.
    Float,
    /// An IEEE 754 number of eight bytes.
    Double,
}

impl ElementType {
    /// Every type, narrowest first.
    pub const ALL: [Self; 6] =
        [Self::Char, Self::Raw, Self::Short, Self::Integer, Self::Float, Self::Double];

    /// R's name of the type, as it stands in a descriptor.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Char => "char",
            Self::Short => "short",
            Self::Raw => "raw",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Double => "double",
        }
    }

    /// The type of this name, or `None` where R knows no such matrix. Case matters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|element| element.name() == name)
    }

    /// Whether an `f32` holds every value of this type as it is: all but integers of four bytes and doubles.
    #[must_use]
    pub const fn fits_single_precision(self) -> bool {
        !matches!(self, Self::Integer | Self::Double)
    }

    /// Bytes of one element: 1, 2, 4 or 8.
    #[must_use]
    pub const fn size_bytes(self) -> usize {
        match self {
            Self::Char | Self::Raw => 1,
            Self::Short => 2,
            Self::Integer | Self::Float => 4,
            Self::Double => 8,
        }
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::ElementType;

    #[test]
    fn names_lead_back_to_their_type() {
        for element in ElementType::ALL {
            assert_eq!(ElementType::from_name(element.name()), Some(element));
            assert_eq!(element.to_string(), element.name());
        }
        for unknown in ["", "Double", "byte", "complex", "double "] {
            assert_eq!(ElementType::from_name(unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn integers_and_doubles_have_more_digits_than_single_precision() {
        let more = ElementType::ALL.into_iter().filter(|element| !element.fits_single_precision());
        assert!(more.eq([ElementType::Integer, ElementType::Double]));
    }

    #[test]
    fn sizes_are_those_of_the_c_types() {
        let sizes = ElementType::ALL.map(ElementType::size_bytes);
        assert_eq!(sizes, [1, 1, 2, 4, 4, 8]);
    }
}
