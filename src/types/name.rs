//! Names: of spaces and logs, which are of a small alphabet, and of what lives in a space, which are any text.
//!
//! - Spaces and logs: lower-case letters, digits, `.`, `_`, `-`, 1–128 bytes.
//! - Cells, locks, holders, readers: 1–128 bytes of text, compared byte for byte.

use std::fmt;
use std::sync::Arc;

use super::limits::NAME_BYTES_MAX;

/// Why a name was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Nothing was given.
    #[error("a name must not be empty")]
    Empty,
    /// The name is too long.
    #[error("a name has at most {NAME_BYTES_MAX} bytes, not {0}")]
    TooLong(usize),
    /// The name holds a character outside the alphabet.
    #[error("a name has lower-case letters, digits, '.', '_' and '-' only, not {0:?}")]
    Character(char),
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text.
            pub fn new(text: &str) -> Result<Self, Malformed> {
                $check(text)?;
                Ok(Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

text! {
    /// The name of a space.
    SpaceName, check_name
}
text! {
    /// The name of a log.
    LogName, check_name
}
text! {
    /// The key of a cell.
    CellKey, check_length
}
text! {
    /// The name of a lock.
    LockName, check_length
}
text! {
    /// Who holds a lock.
    Holder, check_length
}
text! {
    /// The name of a reader, which has a position in each log that it reads.
    ReaderName, check_length
}

impl SpaceName {
    /// The space that every cluster has from the beginning.
    pub fn main() -> Self {
        Self("main".into())
    }

    /// The space of commands about spaces and versions, and of no others.
    pub fn system() -> Self {
        Self("oncelog.system".into())
    }
}

fn check_length(text: &str) -> Result<(), Malformed> {
    if text.is_empty() {
        return Err(Malformed::Empty);
    }
    if text.len() > NAME_BYTES_MAX { Err(Malformed::TooLong(text.len())) } else { Ok(()) }
}

fn check_name(text: &str) -> Result<(), Malformed> {
    check_length(text)?;
    match text.chars().find(|&c| !matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-')) {
        Some(character) => Err(Malformed::Character(character)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_of_the_alphabet() {
        assert!(LogName::new("orders.eu-1_a").is_ok());
        assert_eq!(LogName::new(""), Err(Malformed::Empty));
        assert_eq!(LogName::new("Orders"), Err(Malformed::Character('O')));
        assert_eq!(LogName::new(&"a".repeat(129)), Err(Malformed::TooLong(129)));
        assert!(LogName::new(&"a".repeat(128)).is_ok());
    }

    #[test]
    fn a_key_is_any_short_text() {
        assert!(CellKey::new("INV-2024/Zürich 7").is_ok());
        assert_eq!(CellKey::new(""), Err(Malformed::Empty));
        assert_eq!(CellKey::new(&"é".repeat(65)), Err(Malformed::TooLong(130)));
    }
}
