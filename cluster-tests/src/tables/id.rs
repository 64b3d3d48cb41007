//! Ids as keys and values have them.
//!
//! | where | bytes |
//! |---|---|
//! | in a value | `0` and the sixteen bytes of a `UUIDv7` · `1` and a text · `2`, birth, text |
//! | in a key | class `0` and the sixteen bytes of a `UUIDv7` · class `0`, birth in 48 bits, `0x00`, text · class `1` and text |

use std::fmt;

use uuid::{Uuid, Variant};

use super::reader::{Read, Reader, any_name};
use crate::proto::CommandId;

/// An id: its text, and the birth that its sender gave beside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// The text.
    pub text: String,
    /// The birth beside it, in milliseconds since 1970. The one that a `UUIDv7` carries is not said twice.
    pub birth: Option<u64>,
}

impl Id {
    /// The id that a client sends.
    pub fn of(id: &CommandId) -> Self {
        let birth = id.birth_ms.filter(|_| uuid_v7(&id.text).is_none());
        Self { text: id.text.clone(), birth }
    }

    /// When it was made, if it says so.
    pub fn born(&self) -> Option<u64> {
        self.birth.or_else(|| uuid_v7(&self.text).map(birth_of))
    }

    /// As messages have it.
    pub fn message(&self) -> CommandId {
        CommandId { text: self.text.clone(), birth_ms: self.birth }
    }

    /// Reads an id out of a value.
    pub(super) fn read(reader: &mut Reader<'_>) -> Read<Self> {
        let form = reader.byte()?;
        let id = match form {
            0 => of_uuid(reader.array()?)?,
            1 => Self { text: any_name(reader.bytes()?)?, birth: None },
            2 => {
                let birth = Some(reader.time()?);
                Self { text: any_name(reader.bytes()?)?, birth }
            }
            found => return Err(format!("{found} is no form of an id")),
        };
        if form != 0 && uuid_v7(&id.text).is_some() {
            return Err(format!("the UUIDv7 {} is not in its form", id.text));
        }
        Ok(id)
    }

    /// Reads an id out of a key, behind the number of its space.
    pub(super) fn read_key(reader: &mut Reader<'_>) -> Read<Self> {
        match reader.byte()? {
            0 => {
                let bytes = std::mem::replace(reader, Reader::new(&[])).rest();
                if let Ok(uuid) = <[u8; 16]>::try_from(bytes)
                    && bytes.get(6).is_some_and(|byte| *byte != 0)
                {
                    return of_uuid(uuid);
                }
                let mut beside = Reader::new(bytes);
                let birth: [u8; 6] = beside.array()?;
                if beside.byte()? != 0 {
                    return Err("a key has neither a UUIDv7 nor a birth beside an id".to_owned());
                }
                let birth = Some(birth.into_iter().fold(0, |birth, byte| birth << 8 | u64::from(byte)));
                let text = any_name(beside.rest())?;
                if uuid_v7(&text).is_some() {
                    return Err(format!("the UUIDv7 {text} has a birth beside it"));
                }
                Ok(Self { text, birth })
            }
            1 => {
                let text = any_name(std::mem::replace(reader, Reader::new(&[])).rest())?;
                match uuid_v7(&text) {
                    None => Ok(Self { text, birth: None }),
                    Some(_) => Err(format!("the UUIDv7 {text} is among the ids without a birth")),
                }
            }
            found => Err(format!("{found} is no class of ids")),
        }
    }

    /// The bytes of this id in a key, behind the number of its space.
    pub(super) fn key(&self) -> Vec<u8> {
        let of_birth = |birth: u64| birth.to_be_bytes().into_iter().skip(2);
        match (uuid_v7(&self.text), self.birth) {
            (Some(uuid), _) => [0].into_iter().chain(uuid.into_bytes()).collect(),
            (None, Some(birth)) => [0].into_iter().chain(of_birth(birth)).chain([0]).chain(self.text.bytes()).collect(),
            (None, None) => [1].into_iter().chain(self.text.bytes()).collect(),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.birth {
            Some(birth) => write!(formatter, "{} born at {birth}", self.text),
            None => formatter.write_str(&self.text),
        }
    }
}

/// The `UUIDv7` that a text is, if it is one in its canonical form.
pub(super) fn uuid_v7(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok()?;
    let mut buffer = Uuid::encode_buffer();
    (is_v7(uuid) && uuid.hyphenated().encode_lower(&mut buffer) == text).then_some(uuid)
}

fn of_uuid(bytes: [u8; 16]) -> Read<Id> {
    let uuid = Uuid::from_bytes(bytes);
    if is_v7(uuid) {
        Ok(Id { text: uuid.hyphenated().to_string(), birth: None })
    } else {
        Err(format!("{uuid} is no UUIDv7"))
    }
}

fn is_v7(uuid: Uuid) -> bool {
    uuid.get_version_num() == 7 && uuid.get_variant() == Variant::RFC4122
}

fn birth_of(uuid: Uuid) -> u64 {
    let (high, low, _, _) = uuid.as_fields();
    u64::from(high) << 16 | u64::from(low)
}
