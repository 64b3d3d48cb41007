//! Names, ids, tokens and records from what programs have at hand.

use std::str::FromStr;

use bytes::Bytes;

use super::cell::Token;
use super::id::{Id, Malformed as MalformedId};
use super::name::{CellKey, Holder, LockName, LogName, Malformed as MalformedName, ReaderName, SpaceName};
use super::record::NewRecord;

macro_rules! checked {
    ($($name:ident),*) => {
        $(
            impl FromStr for $name {
                type Err = MalformedName;

                fn from_str(text: &str) -> Result<Self, MalformedName> {
                    Self::new(text)
                }
            }

            impl TryFrom<&str> for $name {
                type Error = MalformedName;

                fn try_from(text: &str) -> Result<Self, MalformedName> {
                    Self::new(text)
                }
            }

            impl TryFrom<String> for $name {
                type Error = MalformedName;

                fn try_from(text: String) -> Result<Self, MalformedName> {
                    Self::new(&text)
                }
            }

            impl AsRef<str> for $name {
                fn as_ref(&self) -> &str {
                    self.as_str()
                }
            }
        )*
    };
}

checked!(SpaceName, LogName, CellKey, LockName, Holder, ReaderName);

impl FromStr for Id {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        Self::new(text)
    }
}

impl TryFrom<&str> for Id {
    type Error = MalformedId;

    fn try_from(text: &str) -> Result<Self, MalformedId> {
        Self::new(text)
    }
}

impl TryFrom<String> for Id {
    type Error = MalformedId;

    fn try_from(text: String) -> Result<Self, MalformedId> {
        Self::new(text)
    }
}

/// A text is no token: it has the form `HISTORY/SEQUENCE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token has the form HISTORY/SEQUENCE, such as 1760000000000/17")]
pub struct MalformedToken;

impl FromStr for Token {
    type Err = MalformedToken;

    fn from_str(text: &str) -> Result<Self, MalformedToken> {
        Self::parse(text).ok_or(MalformedToken)
    }
}

impl From<&str> for NewRecord {
    fn from(payload: &str) -> Self {
        Self::new(payload.to_owned())
    }
}

impl From<String> for NewRecord {
    fn from(payload: String) -> Self {
        Self::new(payload)
    }
}

impl From<&[u8]> for NewRecord {
    fn from(payload: &[u8]) -> Self {
        Self::new(payload.to_vec())
    }
}

impl From<Vec<u8>> for NewRecord {
    fn from(payload: Vec<u8>) -> Self {
        Self::new(payload)
    }
}

impl From<Bytes> for NewRecord {
    fn from(payload: Bytes) -> Self {
        Self::new(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_is_refused_whichever_way_it_comes() {
        assert_eq!("Orders".parse::<LogName>(), LogName::new("Orders"));
        assert_eq!(LogName::try_from("orders"), LogName::new("orders"));
        assert_eq!(CellKey::try_from("INV-7".to_owned()), CellKey::new("INV-7"));
        assert_eq!("".parse::<Id>(), Err(MalformedId::Empty));
        assert_eq!(LogName::new("orders").unwrap().as_ref(), "orders");
    }

    #[test]
    fn a_token_is_read_as_it_is_displayed() {
        let token: Token = "1760000000000/17".parse().unwrap();
        assert_eq!(token.to_string(), "1760000000000/17");
        assert_eq!("17".parse::<Token>(), Err(MalformedToken));
    }
}
