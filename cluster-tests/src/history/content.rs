//! A record, as a history remembers it: short, and told apart for certain.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::proto::Header;

/// What two records share only if they hold the same bytes and headers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Content {
    /// How many bytes the record has.
    pub bytes: u32,
    /// Half of the BLAKE3 hash of its bytes, and of its headers if it has some.
    pub hash: Hash,
}

/// Sixteen bytes, which JSON has as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 16]);

impl Content {
    /// Of a record with these bytes and no headers.
    pub fn of(payload: &[u8]) -> Self {
        Self { bytes: length(payload), hash: Hash::of(blake3::hash(payload)) }
    }

    /// Of a record with these bytes and headers.
    pub fn of_record(payload: &[u8], headers: &[Header]) -> Self {
        if headers.is_empty() {
            return Self::of(payload);
        }
        // No bytes of a record have this hash. Lengths tell where each part ends.
        let mut hasher = blake3::Hasher::new_derive_key("oncelog cluster-tests 2026: a record with headers");
        for part in headers.iter().flat_map(|header| [header.key.as_bytes(), &header.value]).chain([payload]) {
            hasher.update(&length(part).to_le_bytes()).update(part);
        }
        Self { bytes: length(payload), hash: Hash::of(hasher.finalize()) }
    }
}

impl Content {
    /// Writes all of it behind these bytes.
    pub(super) fn write(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.bytes.to_le_bytes());
        bytes.extend(self.hash.0);
    }
}

impl From<[u8; 16]> for Hash {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl Hash {
    /// Its first half.
    pub fn short(self) -> u64 {
        let (half, _) = self.0.split_first_chunk().expect("it has 16 bytes");
        u64::from_be_bytes(*half)
    }

    /// Its first quarter.
    pub fn quarter(self) -> u32 {
        let (quarter, _) = self.0.split_first_chunk().expect("it has 16 bytes");
        u32::from_be_bytes(*quarter)
    }

    fn of(hash: blake3::Hash) -> Self {
        let (half, _) = hash.as_bytes().split_first_chunk().expect("it has 32 bytes");
        Self(*half)
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a record of less than four gigabytes")
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&format_args!("{:032x}", u128::from_be_bytes(self.0)))
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Digits)
        } else {
            <[u8; 16]>::deserialize(deserializer).map(Self)
        }
    }
}

/// Reads a hash from its digits.
struct Digits;

impl serde::de::Visitor<'_> for Digits {
    type Value = Hash;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("32 hexadecimal digits")
    }

    fn visit_str<E: serde::de::Error>(self, digits: &str) -> Result<Hash, E> {
        let hash = u128::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 32);
        hash.map(|hash| Hash(hash.to_be_bytes()))
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(digits), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(key: &str, value: &'static [u8]) -> Header {
        Header { key: key.to_owned(), value: value.into() }
    }

    #[test]
    fn other_bytes_are_another_content() {
        assert_eq!(Content::of(b"a"), Content::of(b"a"));
        assert_ne!(Content::of(b"a"), Content::of(b"b"));
        assert_ne!(Content::of(b""), Content::of(b"\0"));
    }

    #[test]
    fn other_headers_are_another_content() {
        assert_eq!(Content::of_record(b"a", &[]), Content::of(b"a"));
        let all = [
            Content::of(b"a"),
            Content::of_record(b"a", &[header("k", b"v")]),
            Content::of_record(b"a", &[header("kv", b"")]),
            Content::of_record(b"a", &[header("", b"kv")]),
            Content::of_record(b"a", &[header("k", b"v"), header("k", b"v")]),
            Content::of_record(b"va", &[header("k", b"")]),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().map(|content| content.hash).collect();
        assert_eq!(different.len(), all.len());
    }

    #[test]
    fn json_has_the_digits_of_the_hash() {
        let content = Content::of(b"a");
        let json = serde_json::to_string(&content).unwrap();
        assert_eq!(json, r#"{"bytes":1,"hash":"17762fddd969a453925d65717ac3eea2"}"#);
        assert_eq!(serde_json::from_str::<Content>(&json).unwrap(), content);
        assert!(serde_json::from_str::<Content>(&json.replace("17", "1")).is_err());
        let packed = postcard::to_extend(&content, Vec::new()).unwrap();
        assert_eq!((postcard::from_bytes(&packed), packed.len()), (Ok(content), 17));
    }
}
