//! Reads the primitives that every layout of the product is built from, strictly.
//!
//! - Nothing panics, whatever the bytes are: a row that can't be read is evidence, not the end of the harness.
//! - Only the canonical form of a value is read. So two values are equal exactly when their bytes are.

use super::values::Span;

/// The greatest time: 48 bits of milliseconds.
pub(super) const TIME_MS_MAX: u64 = (1 << 48) - 1;
/// The longest name or id, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// What was read, or why it can't be.
pub(super) type Read<T> = Result<T, String>;

/// Reads values one after another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// A reader behind the version byte, which must be 1.
    pub(super) fn version_one(bytes: &'a [u8]) -> Read<Self> {
        let mut reader = Self(bytes);
        match reader.byte()? {
            1 => Ok(reader),
            found => Err(format!("its version is {found}, which is unknown")),
        }
    }

    pub(super) fn raw(&mut self, count: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("it ends inside a value")?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or("it ends inside a value")?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Read<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn fixed_u32(&mut self) -> Read<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn fixed_u64(&mut self) -> Read<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// A LEB128 integer in its shortest form.
    pub(super) fn varint(&mut self) -> Read<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err("an integer has more than 64 bits".to_owned());
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                let is_shortest = byte != 0 || shift == 0;
                return if is_shortest { Ok(value) } else { Err("an integer is not in its shortest form".to_owned()) };
            }
        }
        Err("an integer has more than 64 bits".to_owned())
    }

    pub(super) fn varint_u32(&mut self) -> Read<u32> {
        u32::try_from(self.varint()?).map_err(|_| "an integer has more than 32 bits".to_owned())
    }

    /// A zigzag integer.
    pub(super) fn signed(&mut self) -> Read<i64> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub(super) fn time(&mut self) -> Read<u64> {
        check_time(self.varint()?)
    }

    pub(super) fn flag(&mut self) -> Read<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(format!("{found} is neither yes nor no")),
        }
    }

    pub(super) fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    /// A count and as many values.
    pub(super) fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        (0..self.varint()?).map(|_| read(self)).collect()
    }

    /// Bytes behind their length.
    pub(super) fn bytes(&mut self) -> Read<&'a [u8]> {
        let length = usize::try_from(self.varint()?).map_err(|_| "a length is beyond all memory")?;
        self.raw(length)
    }

    /// Text behind its length.
    pub(super) fn text(&mut self) -> Read<&'a str> {
        utf8(self.bytes()?)
    }

    /// Seconds and nanoseconds.
    pub(super) fn span(&mut self) -> Read<Span> {
        let (seconds, nanoseconds) = (self.varint()?, self.varint_u32()?);
        if nanoseconds >= 1_000_000_000 {
            return Err("a duration has a second's worth of nanoseconds or more".to_owned());
        }
        Ok(Span { seconds, nanoseconds })
    }

    /// All that is left.
    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// The end, and nothing behind it.
    pub(super) fn finish(self) -> Read<()> {
        if self.0.is_empty() { Ok(()) } else { Err(format!("{} bytes are left over", self.0.len())) }
    }
}

/// A time that fits in the 48 bits that it has.
pub(super) fn check_time(ms: u64) -> Read<u64> {
    if ms <= TIME_MS_MAX { Ok(ms) } else { Err(format!("{ms} is no time")) }
}

/// Bytes that are to be text.
pub(super) fn utf8(bytes: &[u8]) -> Read<&str> {
    std::str::from_utf8(bytes).map_err(|_| "a text is not UTF-8".to_owned())
}

/// The name of a space or a log: of a small alphabet.
pub(super) fn name(bytes: &[u8]) -> Read<String> {
    let text = any_name(bytes)?;
    let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let later = |byte: u8| first(byte) || matches!(byte, b'.' | b'-');
    if text.bytes().next().is_some_and(first) && text.bytes().all(later) {
        Ok(text)
    } else {
        Err(format!("{text:?} is no name of a space or a log"))
    }
}

/// The name of anything else, or an id: text without control characters.
pub(super) fn any_name(bytes: &[u8]) -> Read<String> {
    let text = utf8(bytes)?;
    let is_sound = !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control);
    if is_sound { Ok(text.to_owned()) } else { Err(format!("{text:?} is no name")) }
}
