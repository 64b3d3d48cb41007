//! A message of the public API in a history: its bytes, which are all of it.

use std::marker::PhantomData;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use prost::Message;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A message, packed.
#[derive(Debug, Clone)]
pub struct Packed<M> {
    bytes: Box<[u8]>,
    of: PhantomData<M>,
}

impl<M> PartialEq for Packed<M> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<M> Eq for Packed<M> {}

impl<M: Message + Default> Packed<M> {
    /// Packs a message.
    pub fn of(message: &M) -> Self {
        Self { bytes: message.encode_to_vec().into(), of: PhantomData }
    }

    /// The message.
    pub fn open(&self) -> M {
        M::decode(&*self.bytes).expect("what is packed is a message")
    }
}

/// As base64 where people may read it, and otherwise as its bytes.
impl<M> Serialize for Packed<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&BASE64_STANDARD.encode(&self.bytes))
        } else {
            self.bytes.serialize(serializer)
        }
    }
}

impl<'de, M: Message + Default> Deserialize<'de> for Packed<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes: Box<[u8]> = if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            BASE64_STANDARD.decode(text).map_err(D::Error::custom)?.into()
        } else {
            Box::deserialize(deserializer)?
        };
        M::decode(&*bytes).map_err(D::Error::custom)?;
        Ok(Self { bytes, of: PhantomData })
    }
}

/// Packs a field that may hold a message.
pub mod field {
    use super::{Deserialize as _, Deserializer, Message, Packed, Serialize as _, Serializer};

    /// Writes it packed.
    pub fn serialize<M: Message + Default, S: Serializer>(
        message: &Option<Box<M>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        message.as_deref().map(Packed::of).serialize(serializer)
    }

    /// Reads it packed.
    pub fn deserialize<'de, M: Message + Default, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Box<M>>, D::Error> {
        let packed = Option::<Packed<M>>::deserialize(deserializer)?;
        Ok(packed.map(|packed| Box::new(packed.open())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{CommandId, SubmitRequest};

    #[test]
    fn a_message_comes_back_from_json_and_from_bytes() {
        let id = Some(CommandId { text: "a".to_owned(), birth_ms: Some(7) });
        let message = SubmitRequest { space: "s".to_owned(), id, ..SubmitRequest::default() };
        let packed = Packed::of(&message);
        let json = serde_json::to_string(&packed).unwrap();
        assert_eq!(json, "\"CgFzEgUKAWEQBw==\"");
        assert_eq!(serde_json::from_str::<Packed<SubmitRequest>>(&json).unwrap().open(), message);
        let bytes = postcard::to_extend(&packed, Vec::new()).unwrap();
        assert_eq!(postcard::from_bytes::<Packed<SubmitRequest>>(&bytes).unwrap(), packed);
        assert!(serde_json::from_str::<Packed<SubmitRequest>>("\"CgFz\u{e9}\"").is_err());
        assert!(serde_json::from_str::<Packed<SubmitRequest>>("\"Cg==\"").is_err());
    }
}
