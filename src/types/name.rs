//! Names: of spaces and logs, which are of a small alphabet, and of what lives in a space, which are any printable text.
//!
//! - Spaces and logs: 1–128 lower-case letters, digits, `.`, `_` and `-`; the first is a letter, a digit or `_`, so that no
//!   name is taken for a path or an option.
//! - Cells, locks, holders, readers: 1–128 bytes of text without control characters, compared byte for byte.

use std::fmt;
use std::sync::Arc;

use super::limits::NAME_BYTES_MAX;

/// Why a name was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The name is empty.
    #[error("a name must not be empty")]
    Empty,
    /// The name is too long.
    #[error("a name has at most {NAME_BYTES_MAX} bytes; this one has {0}")]
    TooLong(usize),
    /// The name holds a character outside the alphabet.
    #[error("a name consists of lower-case letters, digits, '.', '_' and '-'; this one contains {0:?}")]
    Character(char),
    /// The name begins with a character that may only follow others.
    #[error("a name begins with a lower-case letter, a digit or '_'; this one begins with {0:?}")]
    Start(char),
    /// The name holds a control character.
    #[error("a name must not contain control characters; this one contains {0:?}")]
    Control(char),
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
    CellKey, check_text
}
text! {
    /// The name of a lock.
    LockName, check_text
}
text! {
    /// Who holds a lock.
    Holder, check_text
}
text! {
    /// The name of a reader, which has a position in each log that it reads.
    ReaderName, check_text
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

    /// Whether every cluster has it, for as long as there is the cluster.
    pub fn is_permanent(&self) -> bool {
        *self == Self::main() || *self == Self::system()
    }
}

fn check_length(text: &str) -> Result<(), Malformed> {
    if text.is_empty() {
        return Err(Malformed::Empty);
    }
    if text.len() > NAME_BYTES_MAX { Err(Malformed::TooLong(text.len())) } else { Ok(()) }
}

fn check_text(text: &str) -> Result<(), Malformed> {
    check_length(text)?;
    match text.chars().find(|character| character.is_control()) {
        Some(character) => Err(Malformed::Control(character)),
        None => Ok(()),
    }
}

fn check_name(text: &str) -> Result<(), Malformed> {
    check_length(text)?;
    let is_allowed = |c: &char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-');
    if let Some(character) = text.chars().find(|c| !is_allowed(c)) {
        return Err(Malformed::Character(character));
    }
    match text.chars().next() {
        Some(first @ ('.' | '-')) => Err(Malformed::Start(first)),
        Some(_) | None => Ok(()),
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
    fn a_name_is_never_taken_for_a_path_or_an_option() {
        for (name, first) in [(".", '.'), ("..", '.'), ("--help", '-'), ("-", '-'), (".hidden", '.')] {
            assert_eq!(LogName::new(name), Err(Malformed::Start(first)), "{name}");
            assert_eq!(SpaceName::new(name), Err(Malformed::Start(first)), "{name}");
        }
        for name in ["_", "0", "a", "_.", "7-7", "a..b"] {
            assert!(LogName::new(name).is_ok(), "{name}");
        }
        for name in [SpaceName::main(), SpaceName::system()] {
            assert_eq!(SpaceName::new(name.as_str()), Ok(name));
        }
    }

    #[test]
    fn control_characters_are_in_no_name() {
        for (text, found) in [("\0", '\0'), ("\n", '\n'), ("a\tb", '\t'), ("a\u{7f}", '\u{7f}'), ("\u{85}", '\u{85}')] {
            assert_eq!(CellKey::new(text), Err(Malformed::Control(found)), "{text:?}");
            assert_eq!(LockName::new(text), Err(Malformed::Control(found)), "{text:?}");
            assert_eq!(Holder::new(text), Err(Malformed::Control(found)), "{text:?}");
            assert_eq!(ReaderName::new(text), Err(Malformed::Control(found)), "{text:?}");
        }
        assert_eq!(LogName::new("a\n"), Err(Malformed::Character('\n')));
    }

    #[test]
    fn a_key_is_any_short_text() {
        assert!(CellKey::new("INV-2024/Zürich 7").is_ok());
        assert_eq!(CellKey::new(""), Err(Malformed::Empty));
        assert_eq!(CellKey::new(&"é".repeat(65)), Err(Malformed::TooLong(130)));
    }
}
