//! The fields of a description.

use std::fmt;

/// A field of a description that means something to this crate; R's other fields are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the field of that name, see `Field::name`")]
#[non_exhaustive]
pub enum Field {
    SharedType,
    SharedName,
    FileName,
    DirName,
    TotalRows,
    TotalCols,
    RowOffset,
    ColOffset,
    NRow,
    NCol,
    RowNames,
    ColNames,
    Type,
    Separated,
}

impl Field {
    /// Every field, in the order in which R writes them.
    pub(crate) const ALL: [Self; 14] = [
        Self::SharedType,
        Self::SharedName,
        Self::FileName,
        Self::DirName,
        Self::TotalRows,
        Self::TotalCols,
        Self::RowOffset,
        Self::ColOffset,
        Self::NRow,
        Self::NCol,
        Self::RowNames,
        Self::ColNames,
        Self::Type,
        Self::Separated,
    ];

    /// The field's name in the description, case included.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SharedType => "sharedType",
            Self::SharedName => "sharedName",
            Self::FileName => "filename",
            Self::DirName => "dirname",
            Self::TotalRows => "totalRows",
            Self::TotalCols => "totalCols",
            Self::RowOffset => "rowOffset",
            Self::ColOffset => "colOffset",
            Self::NRow => "nrow",
            Self::NCol => "ncol",
            Self::RowNames => "rowNames",
            Self::ColNames => "colNames",
            Self::Type => "type",
            Self::Separated => "separated",
        }
    }

    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name().as_bytes() == name)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Field;

    #[test]
    fn fields_stand_at_their_own_index() {
        for (index, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(field as usize, index);
            assert_eq!(Field::from_name(field.name().as_bytes()), Some(field));
        }
        assert_eq!(Field::from_name(b"Nrow"), None);
    }
}
