//! Records, as they are sent and as they are kept.

use std::borrow::Cow;

use bytes::Bytes;

use super::id::Id;
use super::number::Offset;
use super::time::LogTime;

/// A named value beside a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The name; it may occur more than once.
    pub key: String,
    /// The value.
    pub value: Bytes,
}

/// A record that a command asks to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// The bytes.
    pub payload: Bytes,
    /// Named values, in the order given.
    pub headers: Vec<Header>,
}

impl NewRecord {
    /// A record without headers.
    pub fn new(payload: impl Into<Bytes>) -> Self {
        Self { payload: payload.into(), headers: Vec::new() }
    }

    /// The same with one more named value.
    #[must_use]
    pub fn with_header(mut self, key: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.headers.push(Header { key: key.into(), value: value.into() });
        self
    }

    /// How many bytes of the sender's it carries: payload and headers.
    pub fn size(&self) -> usize {
        let of_headers: usize = self.headers.iter().map(|header| header.key.len() + header.value.len()).sum();
        self.payload.len() + of_headers
    }
}

/// A record of a log. It never changes and goes only by trimming.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub offset: Offset,
    /// The bytes.
    pub payload: Bytes,
    /// Named values, in the order given.
    pub headers: Vec<Header>,
    /// The id of the command that wrote it.
    pub id: Id,
    /// The space's time when it was written.
    pub time: LogTime,
}

impl Record {
    /// The payload as text; what is none is replaced by a sign for it.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.payload)
    }
}
