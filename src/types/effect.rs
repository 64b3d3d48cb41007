//! What an error says about the attempt that met it.

use std::fmt;

/// Whether a failed attempt may have taken effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptEffect {
    /// It has not and will not.
    None,
    /// It may have, or may still.
    Unknown,
}

impl AttemptEffect {
    /// The word in an error's metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the word; anything else is unknown.
    pub(crate) fn parse(word: &str) -> Self {
        if word == "none" { Self::None } else { Self::Unknown }
    }

    /// What two attempts say together: `none` only if both do.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, Self::None) => Self::None,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
        }
    }
}

impl fmt::Display for AttemptEffect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
