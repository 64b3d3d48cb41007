//! Fields that many requests share, and what is wrong with them.
//!
//! - All of a request's wrong fields are told at once, up to a bound: an error travels in a header.

use std::fmt::Display;

use crate::types::limits::FIELD_VIOLATIONS_MAX;
use crate::types::{
    CellKey, Consistency, Holder, Id, LockName, LogName, LogTime, MalformedCommand, MalformedId, ReaderName, SpaceName,
};

use super::status::{ErrorReport, FieldViolation, Reason};
use super::v1;

/// What is wrong with one field.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) reason: Reason,
    pub(super) violation: FieldViolation,
}

impl Wrong {
    pub(super) fn malformed(field: impl Into<String>, rule: &dyn Display) -> Self {
        let violation = FieldViolation { field: field.into(), description: rule.to_string() };
        Self { reason: Reason::Malformed, violation }
    }

    pub(super) fn too_large(field: impl Into<String>, rule: &dyn Display) -> Self {
        Self { reason: Reason::TooLarge, ..Self::malformed(field, rule) }
    }

    /// A command that breaks a rule or a limit, in the named field.
    pub(super) fn about(field: &str, malformed: &MalformedCommand) -> Self {
        match malformed {
            MalformedCommand::NoAction
            | MalformedCommand::NoRecord
            | MalformedCommand::HeaderKey(_)
            | MalformedCommand::OwnTarget
            | MalformedCommand::TwoCompensations
            | MalformedCommand::Bounds { .. }
            | MalformedCommand::LockTime
            | MalformedCommand::Retention
            | MalformedCommand::Memory
            | MalformedCommand::WrongSpace
            | MalformedCommand::NoChange
            | MalformedCommand::PermanentSpace(_) => Self::malformed(field, malformed),
            MalformedCommand::TooManySteps(_)
            | MalformedCommand::TooManyRecords(_)
            | MalformedCommand::RecordTooLarge(_)
            | MalformedCommand::CellTooLarge(_)
            | MalformedCommand::CommandTooLarge(_)
            | MalformedCommand::TooManyHeaders(_) => Self::too_large(field, malformed),
        }
    }
}

/// The field of a whole command that a rule is about.
pub(super) fn field_of(malformed: &MalformedCommand) -> &'static str {
    match malformed {
        MalformedCommand::WrongSpace => "space",
        MalformedCommand::OwnTarget => "id",
        _ => "actions",
    }
}

/// Gathers what is wrong with a request.
#[derive(Debug, Default)]
pub(super) struct Wrongs(Vec<Wrong>);

impl Wrongs {
    /// The field's value, unless it is wrong.
    pub(super) fn take<T>(&mut self, field: Result<T, Wrong>) -> Option<T> {
        match field {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.add(wrong);
                None
            }
        }
    }

    pub(super) fn add(&mut self, wrong: Wrong) {
        if !self.is_full() {
            self.0.push(wrong);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() == FIELD_VIOLATIONS_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Only limits of size: too large. Anything else among them: malformed.
    pub(super) fn into_report(self) -> ErrorReport {
        let only_size = self.0.iter().all(|wrong| wrong.reason == Reason::TooLarge);
        let reason = if only_size { Reason::TooLarge } else { Reason::Malformed };
        ErrorReport::bad_request(reason, self.0.into_iter().map(|wrong| wrong.violation).collect())
    }
}

impl From<Wrong> for ErrorReport {
    fn from(wrong: Wrong) -> Self {
        Self::bad_request(wrong.reason, vec![wrong.violation])
    }
}

/// A space; empty means `main`.
pub(super) fn space(text: &str) -> Result<SpaceName, Wrong> {
    if text.is_empty() {
        return Ok(SpaceName::main());
    }
    SpaceName::new(text).map_err(|malformed| Wrong::malformed("space", &malformed))
}

/// A space that has logs to append to.
pub(super) fn writable_space(text: &str) -> Result<SpaceName, Wrong> {
    let space = space(text)?;
    if space == SpaceName::system() {
        return Err(Wrong::malformed(
            "space",
            &format_args!("`{space}` has no logs; it takes only commands about spaces and versions"),
        ));
    }
    Ok(space)
}

/// A space that has to be named.
pub(super) fn named_space(field: &str, text: &str) -> Result<SpaceName, Wrong> {
    SpaceName::new(text).map_err(|malformed| Wrong::malformed(field, &malformed))
}

pub(super) fn log_name(field: &str, text: &str) -> Result<LogName, Wrong> {
    LogName::new(text).map_err(|malformed| Wrong::malformed(field, &malformed))
}

pub(super) fn cell_key(field: &str, text: &str) -> Result<CellKey, Wrong> {
    CellKey::new(text).map_err(|malformed| Wrong::malformed(field, &malformed))
}

pub(super) fn lock_name(field: &str, text: &str) -> Result<LockName, Wrong> {
    LockName::new(text).map_err(|malformed| Wrong::malformed(field, &malformed))
}

pub(super) fn holder(field: &str, text: &str) -> Result<Holder, Wrong> {
    Holder::new(text).map_err(|malformed| Wrong::malformed(field, &malformed))
}

pub(super) fn reader_name(field: &str, text: &str) -> Result<ReaderName, Wrong> {
    ReaderName::new(text).map_err(|malformed| Wrong::malformed(field, &malformed))
}

/// What is empty means nothing.
pub(super) fn if_given<T>(text: &str, read: impl FnOnce(&str) -> Result<T, Wrong>) -> Result<Option<T>, Wrong> {
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

/// A part that must be there, of a kind that this build knows.
pub(super) fn needed<T>(field: &str, value: Option<T>) -> Result<T, Wrong> {
    value.ok_or_else(|| {
        Wrong::malformed(field, &"this field is required; if it is set, this node does not know its kind")
    })
}

pub(super) fn id(message: Option<v1::CommandId>) -> Result<Id, Wrong> {
    id_at("id", message)
}

/// The same in another field.
pub(super) fn id_at(at: &str, message: Option<v1::CommandId>) -> Result<Id, Wrong> {
    let Some(message) = message else {
        return Err(Wrong::malformed(
            at,
            &"an id is required: choose it before the first attempt and keep it for every retry",
        ));
    };
    let id = match message.birth_ms {
        None => Id::new(message.text),
        Some(ms) => {
            let birth = LogTime::from_ms(ms).ok_or_else(|| {
                Wrong::malformed(format!("{at}.birth_ms"), &"a time in milliseconds has at most 48 bits")
            })?;
            Id::with_birth(message.text, birth)
        }
    };
    id.map_err(|malformed| {
        let part = match malformed {
            MalformedId::Empty | MalformedId::TooLong(_) | MalformedId::Control(_) => "text",
            MalformedId::OtherBirth { .. } => "birth_ms",
        };
        Wrong::malformed(format!("{at}.{part}"), &malformed)
    })
}

pub(super) fn consistency(value: i32) -> Result<Consistency, Wrong> {
    match v1::Consistency::try_from(value) {
        Ok(v1::Consistency::Unspecified | v1::Consistency::Linearizable) => Ok(Consistency::Linearizable),
        Ok(v1::Consistency::Local) => Ok(Consistency::Local),
        Err(_) => {
            Err(Wrong::malformed("consistency", &format_args!("this node does not know the consistency {value}")))
        }
    }
}

/// A page's size: nothing and too much both mean the most there is.
pub(super) fn limit(asked: u32, most: usize) -> usize {
    match usize::try_from(asked) {
        Ok(asked) if asked > 0 => asked.min(most),
        _ => most,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_space_is_main() {
        assert_eq!(space("").unwrap(), SpaceName::main());
        assert_eq!(space("eu").unwrap().as_str(), "eu");
        assert_eq!(space("EU").unwrap_err().violation.field, "space");
    }

    #[test]
    fn nobody_appends_in_the_reserved_space_and_anybody_may_look() {
        assert_eq!(writable_space("oncelog.system").unwrap_err().violation.field, "space");
        assert!(space("oncelog.system").is_ok());
    }

    #[test]
    fn a_wrong_id_names_its_part() {
        let v7 = "019a9f3c-7b00-7abc-8def-0123456789ab".to_owned();
        let field = |text: &str, birth_ms| {
            id(Some(v1::CommandId { text: text.to_owned(), birth_ms })).unwrap_err().violation.field
        };
        assert_eq!(id(None).unwrap_err().violation.field, "id");
        assert_eq!(field("", None), "id.text");
        assert_eq!(field(&"a".repeat(129), None), "id.text");
        assert_eq!(field("\n", None), "id.text");
        assert_eq!(field(&v7, Some(1)), "id.birth_ms");
        assert_eq!(field("a", Some(1 << 48)), "id.birth_ms");
    }

    #[test]
    fn a_limit_of_nothing_or_too_much_is_the_most_there_is() {
        assert_eq!([0, 1, 9, 10, 11, u32::MAX].map(|asked| limit(asked, 10)), [10, 1, 9, 10, 10, 10]);
    }

    #[test]
    fn a_request_with_many_wrong_fields_is_told_of_a_bounded_number() {
        let mut wrongs = Wrongs::default();
        for index in 0..1_000 {
            wrongs.add(Wrong::too_large(format!("records[{index}].payload"), &"too much"));
        }
        let report = wrongs.into_report();
        assert_eq!(report.reason, Reason::TooLarge);
        assert_eq!(report.field_violations.len(), FIELD_VIOLATIONS_MAX);
    }
}
