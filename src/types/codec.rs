//! The few primitives that every byte layout of ours is built from.
//!
//! - Integers that are compared or sorted as bytes are fixed and big-endian; all others are LEB128 and canonical (the
//!   shortest form), so that equal values have equal bytes.
//! - Decoding never panics and never allocates more than the input's length.

use bytes::{Buf, Bytes};

/// Why bytes could not be read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The input ended inside a value.
    #[error("the bytes end inside a value")]
    Truncated,
    /// Bytes are left over after the last value.
    #[error("{0} bytes are left over")]
    Trailing(usize),
    /// A version that this build does not know.
    #[error("unknown version {found} of {what}")]
    UnknownVersion {
        /// What was being read.
        what: &'static str,
        /// The version that was found.
        found: u64,
    },
    /// A kind that this build does not know.
    #[error("unknown kind {found} of {what}")]
    UnknownKind {
        /// What was being read.
        what: &'static str,
        /// The kind that was found.
        found: u64,
    },
    /// A value that breaks a rule of its type.
    #[error("not a valid {0}")]
    Invalid(&'static str),
}

/// Writes values one after another.
#[derive(Debug, Default)]
pub struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// An empty encoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty encoder with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    /// One byte.
    pub fn byte(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// A big-endian `u32`, which sorts as it counts.
    pub fn fixed_u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// A big-endian `u64`, which sorts as it counts.
    pub fn fixed_u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// A LEB128 integer.
    pub fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(low_seven(value) | 0x80);
            value >>= 7;
        }
        self.bytes.push(low_seven(value));
    }

    /// A LEB128 integer that may be less than nothing: the small ones, of either sign, are short.
    pub fn signed_varint(&mut self, value: i64) {
        self.varint((value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned());
    }

    /// Yes (`1`) or no (`0`).
    pub fn flag(&mut self, value: bool) {
        self.byte(value.into());
    }

    /// A value that may be missing: `0`, or `1` and the value.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// A count and as many values.
    pub fn list<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.length(values.len());
        for value in values {
            write(self, value);
        }
    }

    /// A count or a length.
    pub fn length(&mut self, value: usize) {
        self.varint(value as u64);
    }

    /// Bytes as they are, with no length.
    pub fn raw(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
    }

    /// Bytes behind their length.
    pub fn bytes(&mut self, value: &[u8]) {
        self.length(value.len());
        self.raw(value);
    }

    /// Text behind its length.
    pub fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    /// How many bytes have been written.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What has been written so far.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes written.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

fn low_seven(value: u64) -> u8 {
    u8::try_from(value & 0x7f).expect("seven bits fit a byte")
}

/// Reads values one after another; byte strings share the input instead of copying it.
#[derive(Debug)]
pub struct Decoder {
    rest: Bytes,
}

impl Decoder {
    /// Reads from the beginning of `input`.
    pub fn new(input: Bytes) -> Self {
        Self { rest: input }
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>()?[0])
    }

    /// A fixed number of bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let array = *self.rest.first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.rest.advance(N);
        Ok(array)
    }

    /// A big-endian `u32`.
    pub fn fixed_u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    /// A big-endian `u64`.
    pub fn fixed_u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    /// A LEB128 integer in its shortest form.
    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value: u64 = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(DecodeError::Invalid("integer"));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                let shortest = byte != 0 || shift == 0;
                return if shortest { Ok(value) } else { Err(DecodeError::Invalid("integer")) };
            }
        }
        Err(DecodeError::Invalid("integer"))
    }

    /// A LEB128 integer that fits in 32 bits.
    pub fn varint_u32(&mut self) -> Result<u32, DecodeError> {
        u32::try_from(self.varint()?).map_err(|_| DecodeError::Invalid("32-bit integer"))
    }

    /// A LEB128 integer that may be less than nothing.
    pub fn signed_varint(&mut self) -> Result<i64, DecodeError> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// Yes or no, and nothing else.
    pub fn flag(&mut self) -> Result<bool, DecodeError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::Invalid("flag")),
        }
    }

    /// A value that may be missing.
    pub fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    /// A count and as many values. Room is made as they come: a count alone must not make much of it.
    pub fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = self.length()?;
        let mut values = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            values.push(read(self)?);
        }
        Ok(values)
    }

    /// A count of things that follow. Each takes at least a byte, so no count can exceed what is left.
    pub fn length(&mut self) -> Result<usize, DecodeError> {
        let length = usize::try_from(self.varint()?).map_err(|_| DecodeError::Truncated)?;
        if length > self.rest.len() { Err(DecodeError::Truncated) } else { Ok(length) }
    }

    /// Bytes behind their length.
    pub fn bytes(&mut self) -> Result<Bytes, DecodeError> {
        let length = self.length()?;
        self.take(length)
    }

    /// Text behind its length.
    pub fn text(&mut self) -> Result<String, DecodeError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(&bytes).map(str::to_owned).map_err(|_| DecodeError::Invalid("text"))
    }

    /// Everything that is left, without copying.
    pub fn rest(self) -> Bytes {
        self.rest
    }

    /// Succeeds if nothing is left.
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::Trailing(self.rest.len())) }
    }

    fn take(&mut self, count: usize) -> Result<Bytes, DecodeError> {
        if count > self.rest.len() {
            return Err(DecodeError::Truncated);
        }
        Ok(self.rest.split_to(count))
    }
}

/// Reads one value that takes all of `bytes`.
pub fn read_all<T>(bytes: Bytes, read: impl FnOnce(&mut Decoder) -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let value = read(&mut decoder)?;
    decoder.finish()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_integer_comes_back(value: u64) {
            let mut encoder = Encoder::new();
            encoder.varint(value);
            encoder.fixed_u64(value);
            let mut decoder = Decoder::new(encoder.finish().into());
            prop_assert_eq!(decoder.varint(), Ok(value));
            prop_assert_eq!(decoder.fixed_u64(), Ok(value));
            prop_assert_eq!(decoder.finish(), Ok(()));
        }

        #[test]
        fn every_signed_integer_comes_back(value: i64) {
            let mut encoder = Encoder::new();
            encoder.signed_varint(value);
            prop_assert_eq!(read_all(encoder.finish().into(), Decoder::signed_varint), Ok(value));
        }

        #[test]
        fn every_list_and_every_option_comes_back(list: Vec<u64>, option: Option<u64>) {
            let mut encoder = Encoder::new();
            encoder.list(&list, |encoder, value| encoder.varint(*value));
            encoder.option(option, Encoder::varint);
            let read = |decoder: &mut Decoder| Ok((decoder.list(Decoder::varint)?, decoder.option(Decoder::varint)?));
            prop_assert_eq!(read_all(encoder.finish().into(), read), Ok((list, option)));
        }

        #[test]
        fn any_bytes_decode_without_a_panic(bytes: Vec<u8>) {
            let mut decoder = Decoder::new(bytes.into());
            let _ = decoder.list(Decoder::signed_varint);
            let _ = decoder.option(Decoder::flag);
            let _ = decoder.varint();
            let _ = decoder.text();
            let _ = decoder.bytes();
        }
    }

    #[test]
    fn a_longer_form_of_an_integer_is_refused() {
        assert_eq!(Decoder::new(vec![0x80, 0x00].into()).varint(), Err(DecodeError::Invalid("integer")));
    }

    #[test]
    fn small_numbers_of_either_sign_are_short() {
        for (value, expected) in [(0, vec![0]), (-1, vec![1]), (1, vec![2]), (63, vec![126]), (-64, vec![127])] {
            let mut encoder = Encoder::new();
            encoder.signed_varint(value);
            assert_eq!(encoder.finish(), expected, "{value}");
        }
    }

    #[test]
    fn a_length_beyond_the_input_is_refused_before_anything_is_allocated() {
        let mut encoder = Encoder::new();
        encoder.varint(u64::MAX);
        assert_eq!(Decoder::new(encoder.finish().into()).bytes(), Err(DecodeError::Truncated));
    }
}
