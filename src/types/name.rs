//! Names of spaces and logs: lower-case letters, digits, `.`, `_`, `-`, 1–128 bytes.

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

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks a name.
            pub fn new(text: &str) -> Result<Self, Malformed> {
                check(text)?;
                Ok(Self(text.into()))
            }

            /// The name as text.
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

name! {
    /// The name of a space.
    SpaceName
}
name! {
    /// The name of a log.
    LogName
}

impl SpaceName {
    /// The space that every cluster has from the beginning.
    pub fn main() -> Self {
        Self("main".into())
    }

    /// The space of commands about spaces and versions; clients cannot write to it.
    pub fn system() -> Self {
        Self("oncelog.system".into())
    }
}

fn check(text: &str) -> Result<(), Malformed> {
    if text.is_empty() {
        return Err(Malformed::Empty);
    }
    if text.len() > NAME_BYTES_MAX {
        return Err(Malformed::TooLong(text.len()));
    }
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
}
