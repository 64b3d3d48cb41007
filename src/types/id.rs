//! Idempotency ids and their birth.
//!
//! - An id is 1–128 bytes of text without control characters, compared byte for byte; the sender chose it before its first
//!   attempt.
//! - A canonical lower-case hyphenated `UUIDv7` carries its birth. Any other id may have one beside it, and then the
//!   identity is the pair of both.

use std::fmt;
use std::sync::Arc;

use uuid::{Uuid, Variant};

use super::codec::{DecodeError, Decoder, Encoder};
use super::limits::NAME_BYTES_MAX;
use super::time::LogTime;

/// When an id was made, and who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Birth {
    /// The id says nothing of its birth.
    Absent,
    /// The id is a `UUIDv7` and carries it.
    Carried(LogTime),
    /// The sender gave it beside the id.
    Beside(LogTime),
}

impl Birth {
    /// The time, if there is one.
    pub fn time(self) -> Option<LogTime> {
        match self {
            Self::Absent => None,
            Self::Carried(time) | Self::Beside(time) => Some(time),
        }
    }
}

/// An idempotency id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// Shared, because an id is kept in many places at once.
    text: Arc<str>,
    form: Form,
}

/// What is known of an id beside its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Form {
    Plain,
    /// The bytes of a canonical `UUIDv7`, which the text says, too: they are read once.
    UuidV7([u8; 16]),
    Beside(LogTime),
}

/// Why an id was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The id is empty.
    #[error("an id must not be empty")]
    Empty,
    /// The id is too long.
    #[error("an id has at most {NAME_BYTES_MAX} bytes; this one has {0}")]
    TooLong(usize),
    /// The id holds a control character.
    #[error("an id must not contain control characters; this one contains {0:?}")]
    Control(char),
    /// The birth beside a `UUIDv7` is not the one that it carries.
    #[error("the id is a UUIDv7 born at {carried}; the birth given beside it is {beside}")]
    OtherBirth {
        /// The birth in the id.
        carried: LogTime,
        /// The birth beside it.
        beside: LogTime,
    },
}

impl Id {
    /// Checks an id with no birth beside it.
    pub fn new(text: impl Into<String>) -> Result<Self, Malformed> {
        let text = text.into();
        if text.is_empty() {
            return Err(Malformed::Empty);
        }
        if text.len() > NAME_BYTES_MAX {
            return Err(Malformed::TooLong(text.len()));
        }
        if let Some(control) = text.chars().find(|character| character.is_control()) {
            return Err(Malformed::Control(control));
        }
        let form = canonical_uuid_v7(&text).map_or(Form::Plain, |uuid| Form::UuidV7(uuid.into_bytes()));
        Ok(Self { text: text.into(), form })
    }

    /// Checks an id with a birth beside it. Beside a `UUIDv7` it must be the one that the id carries.
    pub fn with_birth(text: impl Into<String>, beside: LogTime) -> Result<Self, Malformed> {
        let id = Self::new(text)?;
        match id.birth() {
            Birth::Carried(carried) if carried != beside => Err(Malformed::OtherBirth { carried, beside }),
            Birth::Carried(_) => Ok(id),
            Birth::Absent | Birth::Beside(_) => Ok(Self { form: Form::Beside(beside), ..id }),
        }
    }

    fn from_uuid_v7(uuid: Uuid) -> Option<Self> {
        let mut buffer = Uuid::encode_buffer();
        let text: &str = uuid.hyphenated().encode_lower(&mut buffer);
        is_v7(uuid).then(|| Self { text: text.into(), form: Form::UuidV7(uuid.into_bytes()) })
    }

    /// The text as the sender wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// When the id was made.
    pub fn birth(&self) -> Birth {
        match self.form {
            Form::Plain => Birth::Absent,
            Form::UuidV7(bytes) => Birth::Carried(birth_of(Uuid::from_bytes(bytes))),
            Form::Beside(birth) => Birth::Beside(birth),
        }
    }

    /// The sixteen bytes of a canonical `UUIDv7`, birth first; other ids have none.
    pub(crate) fn uuid_v7(&self) -> Option<[u8; 16]> {
        match self.form {
            Form::UuidV7(bytes) => Some(bytes),
            Form::Plain | Form::Beside(_) => None,
        }
    }

    /// Writes the id: `0`, sixteen bytes of a `UUIDv7` · `1`, text · `2`, birth, text.
    pub(crate) fn encode(&self, encoder: &mut Encoder) {
        match self.form {
            Form::UuidV7(uuid) => {
                encoder.byte(0);
                encoder.raw(&uuid);
            }
            Form::Beside(birth) => {
                encoder.byte(2);
                encoder.varint(birth.as_ms());
                encoder.text(&self.text);
            }
            Form::Plain => {
                encoder.byte(1);
                encoder.text(&self.text);
            }
        }
    }

    /// Reads what [`Id::encode`] wrote, and nothing else: an id in another id's form is refused, so that equal ids have
    /// equal bytes.
    pub(crate) fn decode(decoder: &mut Decoder) -> Result<Self, DecodeError> {
        let invalid = |_| DecodeError::Invalid("id");
        let form = decoder.byte()?;
        let id = match form {
            0 => Self::from_uuid_v7(Uuid::from_bytes(decoder.array()?)).ok_or(DecodeError::Invalid("id"))?,
            1 => Self::new(decoder.text()?).map_err(invalid)?,
            2 => {
                let birth = LogTime::from_ms(decoder.varint()?).ok_or(DecodeError::Invalid("id"))?;
                Self::with_birth(decoder.text()?, birth).map_err(invalid)?
            }
            found => {
                return Err(DecodeError::UnknownKind { what: "id", found: found.into() });
            }
        };
        match (form, id.form) {
            (0, Form::UuidV7(_)) | (1, Form::Plain) | (2, Form::Beside(_)) => Ok(id),
            _ => Err(DecodeError::Invalid("id")),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn canonical_uuid_v7(text: &str) -> Option<Uuid> {
    if text.len() != 36 {
        return None;
    }
    let uuid = Uuid::try_parse(text).ok()?;
    let mut buffer = Uuid::encode_buffer();
    (is_v7(uuid) && uuid.hyphenated().encode_lower(&mut buffer) == text).then_some(uuid)
}

fn is_v7(uuid: Uuid) -> bool {
    uuid.get_version_num() == 7 && uuid.get_variant() == Variant::RFC4122
}

fn birth_of(uuid: Uuid) -> LogTime {
    let (high, low, _, _) = uuid.as_fields();
    LogTime::from_ms_saturating(u64::from(high) << 16 | u64::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const V7: &str = "019a9f3c-7b00-7abc-8def-0123456789ab";

    #[test]
    fn a_canonical_uuid_v7_carries_its_birth_and_other_spellings_do_not() {
        let birth = LogTime::from_ms(0x019a_9f3c_7b00).expect("48 bits");
        assert_eq!(Id::new(V7).expect("valid").birth(), Birth::Carried(birth));
        assert_eq!(Id::new(V7.to_uppercase()).expect("valid").birth(), Birth::Absent);
        assert_eq!(Id::new(V7.replace('-', "")).expect("valid").birth(), Birth::Absent);
        assert_eq!(Id::new("019a9f3c-7b00-4abc-8def-0123456789ab").expect("valid").birth(), Birth::Absent);
    }

    #[test]
    fn another_birth_beside_a_uuid_v7_is_malformed_and_the_same_is_nothing_new() {
        let birth = LogTime::from_ms(0x019a_9f3c_7b00).expect("48 bits");
        let other = LogTime::from_ms(1).expect("48 bits");
        assert_eq!(Id::with_birth(V7, birth), Id::new(V7));
        assert_eq!(Id::with_birth(V7, other), Err(Malformed::OtherBirth { carried: birth, beside: other }));
    }

    #[test]
    fn length_is_counted_in_bytes() {
        assert_eq!(Id::new(""), Err(Malformed::Empty));
        assert!(Id::new("é".repeat(64)).is_ok());
        assert_eq!(Id::new("é".repeat(65)), Err(Malformed::TooLong(130)));
    }

    #[test]
    fn control_characters_are_in_no_id() {
        for (text, found) in [("\0", '\0'), ("\n", '\n'), ("pay\r7", '\r'), ("\u{9b}", '\u{9b}'), ("\u{7f}", '\u{7f}')]
        {
            assert_eq!(Id::new(text), Err(Malformed::Control(found)), "{text:?}");
            assert_eq!(Id::with_birth(text, LogTime::ZERO), Err(Malformed::Control(found)), "{text:?}");
        }
        assert!(Id::new("pay 7 → Zürich").is_ok());
    }

    #[test]
    fn an_id_in_the_form_of_another_kind_is_refused() {
        let mut text_of_a_uuid = Encoder::new();
        text_of_a_uuid.byte(1);
        text_of_a_uuid.text(V7);
        assert_eq!(Id::decode(&mut Decoder::new(text_of_a_uuid.finish().into())), Err(DecodeError::Invalid("id")));

        let mut bytes_of_a_v4 = Encoder::new();
        bytes_of_a_v4.byte(0);
        bytes_of_a_v4.raw(&[0x44; 16]);
        assert_eq!(Id::decode(&mut Decoder::new(bytes_of_a_v4.finish().into())), Err(DecodeError::Invalid("id")));
    }

    proptest! {
        #[test]
        fn every_id_comes_back(text in "\\PC{1,40}", birth in proptest::option::of(0..=super::super::limits::TIME_MS_MAX), uuid: bool) {
            let text = if uuid { V7.to_owned() } else { text };
            let id = match birth.and_then(LogTime::from_ms) {
                Some(birth) if !uuid => Id::with_birth(text, birth),
                _ => Id::new(text),
            };
            prop_assume!(id.is_ok());
            let id = id.expect("checked");
            let mut encoder = Encoder::new();
            id.encode(&mut encoder);
            let mut decoder = Decoder::new(encoder.finish().into());
            prop_assert_eq!(Id::decode(&mut decoder), Ok(id));
            prop_assert_eq!(decoder.finish(), Ok(()));
        }
    }
}
