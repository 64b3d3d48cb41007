//! Commands: what clients send becomes what the machine decides, and back.
//!
//! - What passes here breaks no limit that does not depend on state.
//! - Payloads are shared, not copied.

use crate::types::limits::{HEADER_KEY_BYTES_MAX, RECORD_BYTES_MAX, RECORD_HEADERS_MAX};
use crate::types::{Action, Birth, Cancel, Command, Header, Id, LogName, MalformedCommand, NewRecord, SpaceName};

use super::fields::{self, Wrong, Wrongs};
use super::status::ErrorReport;
use super::v1;

/// What a client asks to append, as a command.
pub fn append_command(request: v1::AppendRequest) -> Result<Command, ErrorReport> {
    let mut wrongs = Wrongs::default();
    let space = wrongs.take(fields::writable_space(&request.space));
    let log = wrongs.take(fields::log_name("log", &request.log));
    let id = wrongs.take(fields::id(request.id));
    for (index, record) in request.records.iter().enumerate() {
        check_record(&format!("records[{index}]"), record, &mut wrongs);
        if wrongs.is_full() {
            break;
        }
    }
    let (Some(space), Some(log), Some(id)) = (space, log, id) else {
        return Err(wrongs.into_report());
    };

    let records = request.records.into_iter().map(new_record).collect();
    let command = Command { space, id, guards: Vec::new(), actions: vec![Action::Append { log, records }] };
    if wrongs.is_empty()
        && let Err(malformed) = command.check()
    {
        wrongs.add(Wrong::about("records", &malformed));
    }
    if wrongs.is_empty() { Ok(command) } else { Err(wrongs.into_report()) }
}

/// What a client sends to append.
pub fn append_request(space: &SpaceName, log: &LogName, id: &Id, records: &[NewRecord]) -> v1::AppendRequest {
    v1::AppendRequest {
        space: space.as_str().to_owned(),
        log: log.as_str().to_owned(),
        id: Some(command_id(id)),
        records: records.iter().map(record_message).collect(),
    }
}

/// A cancel that is asked for.
pub fn cancel(request: v1::CancelRequest) -> Result<Cancel, ErrorReport> {
    let mut wrongs = Wrongs::default();
    let space = wrongs.take(fields::space(&request.space));
    let target = wrongs.take(fields::id(request.id));
    let (Some(space), Some(target)) = (space, target) else {
        return Err(wrongs.into_report());
    };
    Ok(Cancel { space, target })
}

/// What a client sends to cancel.
pub fn cancel_request(space: &SpaceName, id: &Id) -> v1::CancelRequest {
    v1::CancelRequest { space: space.as_str().to_owned(), id: Some(command_id(id)) }
}

/// An id as a message. A birth that the text carries is not said twice.
pub fn command_id(id: &Id) -> v1::CommandId {
    let birth_ms = match id.birth() {
        Birth::Absent | Birth::Carried(_) => None,
        Birth::Beside(birth) => Some(birth.as_ms()),
    };
    v1::CommandId { text: id.text().to_owned(), birth_ms }
}

pub(super) fn header(message: v1::Header) -> Header {
    Header { key: message.key, value: message.value }
}

pub(super) fn header_message(header: &Header) -> v1::Header {
    v1::Header { key: header.key.clone(), value: header.value.clone() }
}

pub(super) fn new_record(message: v1::NewRecord) -> NewRecord {
    NewRecord { payload: message.payload, headers: message.headers.into_iter().map(header).collect() }
}

pub(super) fn record_message(record: &NewRecord) -> v1::NewRecord {
    v1::NewRecord { payload: record.payload.clone(), headers: record.headers.iter().map(header_message).collect() }
}

pub(super) fn check_record(at: &str, record: &v1::NewRecord, wrongs: &mut Wrongs) {
    let payload = record.payload.len();
    if payload > RECORD_BYTES_MAX {
        let rule = MalformedCommand::RecordTooLarge(payload);
        wrongs.add(Wrong::too_large(format!("{at}.payload"), &rule));
    }
    let headers = record.headers.len();
    if headers > RECORD_HEADERS_MAX {
        let rule = MalformedCommand::TooManyHeaders(headers);
        wrongs.add(Wrong::too_large(format!("{at}.headers"), &rule));
        return;
    }
    for (place, header) in record.headers.iter().enumerate() {
        let key = header.key.len();
        if key == 0 || key > HEADER_KEY_BYTES_MAX {
            let rule = MalformedCommand::HeaderKey(key);
            wrongs.add(Wrong::malformed(format!("{at}.headers[{place}].key"), &rule));
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use crate::types::LogTime;
    use crate::types::limits::{COMMAND_RECORDS_MAX, TIME_MS_MAX};
    use crate::wire::Reason;

    use super::*;

    fn record(payload: usize) -> v1::NewRecord {
        v1::NewRecord { payload: vec![b'x'; payload].into(), headers: Vec::new() }
    }

    fn request(records: Vec<v1::NewRecord>) -> v1::AppendRequest {
        let id = Some(v1::CommandId { text: "pay-1".to_owned(), birth_ms: None });
        v1::AppendRequest { space: String::new(), log: "orders".to_owned(), id, records }
    }

    fn refused(request: v1::AppendRequest) -> (Reason, Vec<String>) {
        let report = append_command(request).unwrap_err();
        assert_eq!(report.effect, crate::types::AttemptEffect::None);
        (report.reason, report.field_violations.into_iter().map(|violation| violation.field).collect())
    }

    #[test]
    fn every_wrong_field_is_named() {
        let header = |key: &str| v1::Header { key: key.to_owned(), value: Bytes::new() };
        let odd = v1::NewRecord { payload: Bytes::new(), headers: vec![header("fine"), header("")] };
        let wrong = v1::AppendRequest {
            space: "Main".to_owned(),
            log: String::new(),
            id: None,
            records: vec![record(1), record(RECORD_BYTES_MAX + 1), odd],
        };
        let fields = ["space", "log", "id", "records[1].payload", "records[2].headers[1].key"];
        assert_eq!(refused(wrong), (Reason::Malformed, fields.map(str::to_owned).to_vec()));
    }

    #[test]
    fn what_is_only_too_large_says_so() {
        let one = |field: &str| (Reason::TooLarge, vec![field.to_owned()]);
        assert_eq!(refused(request(vec![record(RECORD_BYTES_MAX + 1)])), one("records[0].payload"));
        assert_eq!(refused(request(vec![record(RECORD_BYTES_MAX); 5])), one("records"));
        assert_eq!(refused(request(vec![record(0); COMMAND_RECORDS_MAX + 1])), one("records"));
        assert!(append_command(request(vec![record(RECORD_BYTES_MAX)])).is_ok());
        assert!(append_command(request(vec![record(0); COMMAND_RECORDS_MAX])).is_ok());
    }

    #[test]
    fn an_append_of_nothing_is_malformed() {
        assert_eq!(refused(request(Vec::new())), (Reason::Malformed, vec!["records".to_owned()]));
    }

    fn any_id() -> impl Strategy<Value = Id> {
        let beside = ("[a-z]{1,20}", 0..=TIME_MS_MAX)
            .prop_map(|(text, ms)| Id::with_birth(text, LogTime::from_ms_saturating(ms)).unwrap());
        let carried = Just(Id::new("019a9f3c-7b00-7abc-8def-0123456789ab").unwrap());
        prop_oneof!["\\PC{1,30}".prop_map(|text| Id::new(text).unwrap()), beside, carried]
    }

    fn any_record() -> impl Strategy<Value = NewRecord> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from);
        let header = ("\\PC{1,20}", bytes()).prop_map(|(key, value)| Header { key, value });
        (bytes(), proptest::collection::vec(header, 0..3)).prop_map(|(payload, headers)| NewRecord { payload, headers })
    }

    #[test]
    fn a_cancel_of_nothing_is_malformed_and_commands_about_spaces_can_be_cancelled() {
        let wrong = v1::CancelRequest { space: "Ü".to_owned(), id: None };
        let fields: Vec<_> = cancel(wrong).unwrap_err().field_violations.into_iter().map(|it| it.field).collect();
        assert_eq!(fields, ["space", "id"]);
        let (space, target) = (SpaceName::system(), Id::new("create-eu").unwrap());
        assert_eq!(cancel(cancel_request(&space, &target)), Ok(Cancel { space, target }));
    }

    proptest! {
        #[test]
        fn every_cancel_comes_back(target in any_id()) {
            let space = SpaceName::new("eu").unwrap();
            prop_assert_eq!(cancel(cancel_request(&space, &target)), Ok(Cancel { space, target }));
        }

        #[test]
        fn every_append_comes_back(id in any_id(), records in proptest::collection::vec(any_record(), 1..5)) {
            let (space, log) = (SpaceName::new("eu").unwrap(), LogName::new("orders").unwrap());
            let command = append_command(append_request(&space, &log, &id, &records)).unwrap();
            let actions = vec![Action::Append { log, records }];
            prop_assert_eq!(command, Command { space, id, guards: Vec::new(), actions });
        }
    }
}
