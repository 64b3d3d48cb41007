//! The bytes of each row as they lie on a disk, written down in digits: they are read, and spoilt they are refused.

use super::super::values;
use super::super::{
    Bucket, Cell, DeletedLog, Due, Era, Globals, Head, Id, Lock, LogId, Mark, Position, Rows, Small, Space, Span,
    Table, Tables, Value, describe, records, unhex,
};
use crate::history::Content;
use crate::proto::action_result::Result as Got;
use crate::proto::outcome::Verdict;
use crate::proto::refused::{Found, Step};
use crate::proto::{
    ActionResult, Added, Appended, Applied, Cancelled, CommandId, Header, Lock as LockMessage, Locked, Outcome,
    Refused, Token,
};

fn bytes(digits: &str) -> Vec<u8> {
    unhex(&digits.replace([' ', '\n'], "")).expect("digits")
}

/// Refuses it with another version, cut anywhere, and with one byte too many.
fn strict<T: std::fmt::Debug>(value: &[u8], read: impl Fn(&[u8]) -> Result<T, String>) {
    read(value).expect("whole");
    let mut newer = value.to_vec();
    newer[0] = 2;
    assert!(read(&newer).is_err(), "of another version");
    for length in 0..value.len() {
        assert!(read(&value[..length]).is_err(), "{length} bytes");
    }
    assert!(read(&[value, &[0]].concat()).is_err(), "one byte too many");
}

fn small(rows: &[(&str, &str)]) -> Small {
    let mut table = Rows::default();
    for (key, value) in rows {
        assert!(table.push(&bytes(key), &bytes(value)), "{key}");
    }
    Small::read(&table, &mut |key, why| panic!("{key:?}: {why}"))
}

#[test]
fn every_small_row_is_read_as_it_lies_on_a_disk() {
    let read = small(&[
        ("01", "01 c801 ac02 01 02"),
        ("02", "01 01 05 02 ac02"),
        ("04", &("01".to_owned() + &"07".repeat(16))),
        ("05 0000000000000400", &("01".to_owned() + &"08".repeat(16))),
        ("06 6d61696e", "01 01 01ac0205 01 02 03 01000400 01ac02 05 06 03 04"),
        ("07 01020304 612d62", "01 01 02 03 ac02 04 05 010007 00 0108 0109 01 010203"),
        ("08 01020304 612f42", "01 ac02 04 01 fffffffffffffffe"),
        ("08 01020304 612f43", "01 ac02 04 00 6162"),
        ("09 01020304 722073 0001 612d62", "01 ac02 02 03"),
        ("0a 01020304 6c", "01 027731 0102 ac02"),
        ("0b 01020304 000000000000012c", "01 ac02 02 03"),
        ("0c 000000000000012c 00 6d61696e", "01"),
        ("0c 000000000000012c 01 01020304 6c", "01"),
        ("0c 000000000000012c 02 01020304 612d62", "01"),
        ("0d 01020304 612d62", "01 01 ac02 04"),
        ("0e 01020304 72 0001 612d62", "01 ac02"),
        ("0f 676f6e65", "01 ac02"),
    ]);
    let number = 0x0102_0304;
    let named = |name: &str| (number, name.to_owned());
    let span = |seconds, nanoseconds| Span { seconds, nanoseconds };
    assert_eq!(read.globals, Some(Globals { history: 200, clock: 300, version: 1, next_space: 2 }));
    assert_eq!(read.applied, Some(Some(LogId { term: 5, node: 2, index: 300 })));
    assert_eq!(read.digest, Some("07".repeat(16)));
    assert_eq!(read.digests.get(&1_024), Some(&"08".repeat(16)));
    let space = Space {
        number: 1,
        memory: Some(span(300, 5)),
        explicit: true,
        floor: 2,
        closed: 3,
        eras: vec![Era { from: 0, width: span(4, 0) }],
        due: Some(300),
        ids: 5,
        id_bytes: 6,
        last_sequence: 3,
        next_log: 4,
    };
    assert_eq!(read.spaces.get("main"), Some(&space));
    let head = Head {
        number: 1,
        start: 2,
        end: 3,
        bytes_ever: 300,
        created: 4,
        last: 5,
        age: Some(span(0, 7)),
        bytes: None,
        records: Some(8),
        due: Some(9),
        marks: vec![Mark { first: 1, bytes_before: 2, opened: 3 }],
    };
    assert_eq!(read.logs.get(&named("a-b")), Some(&head));
    let cell = |value| Some(Cell { value, version: 300, time: 4 });
    assert_eq!(read.cells.get(&named("a/B")).cloned(), cell(Value::Integer(-2)));
    assert_eq!(read.cells.get(&named("a/C")).cloned(), cell(Value::Bytes(b"ab".to_vec())));
    let reader = |name: &str| (number, name.to_owned(), "a-b".to_owned());
    assert_eq!(read.positions.get(&reader("r s")), Some(&Position { offset: 300, version: 2, time: 3 }));
    let lock = Lock { holder: "w1".to_owned(), token: (1, 2), expires: 300 };
    assert_eq!(read.locks.get(&named("l")), Some(&lock));
    assert_eq!(read.buckets.get(&(number, 300)), Some(&Bucket { end: 300, ids: 2, bytes: 3 }));
    let due = [Due::Floor("main".to_owned()), Due::Lock(number, "l".to_owned()), Due::Log(number, "a-b".to_owned())];
    assert!(read.due.iter().eq(&due.map(|due| (300, due))));
    assert_eq!(read.deleted_logs.get(&named("a-b")), Some(&DeletedLog { number: 1, end: 300, at: 4 }));
    assert_eq!(read.deleted_positions.get(&reader("r")), Some(&300));
    assert_eq!(read.deleted_spaces.get("gone"), Some(&300));
}

#[test]
fn a_membership_is_read_as_it_lies_on_a_disk() {
    let value = bytes(&format!("01 01 05 02 07 01 02 01 02 01 02 0161 0162 {} 03", "09".repeat(16)));
    let membership = values::membership(&value).unwrap();
    assert_eq!(membership.log_id, Some(LogId { term: 5, node: 2, index: 7 }));
    assert_eq!(membership.configs, [[1, 2].into()]);
    let member = membership.members.get(&2).unwrap();
    assert_eq!((member.peer_address.as_str(), member.client_address.as_str(), member.history), ("a", "b", 3));
    strict(&value, values::membership);
    assert!(values::membership(&bytes("01 00 01 02 02 01 00")).is_err(), "voters that are not in order");
}

#[test]
fn a_spoilt_small_row_is_refused() {
    let digest = bytes(&("01".to_owned() + &"07".repeat(16)));
    strict(&digest, values::digest);
    strict(&bytes("01 c801 ac02 01 02"), values::globals);
    strict(&bytes("01 01 05 02 ac02"), values::applied);
    strict(&bytes("01 01 01ac0205 01 02 03 01000400 01ac02 05 06 03 04"), values::space);
    strict(&bytes("01 01 02 03 ac02 04 05 010007 00 0108 0109 01 010203"), values::head);
    strict(&bytes("01 ac02 04 01 fffffffffffffffe"), values::cell);
    strict(&bytes("01 ac02 02 03"), values::position);
    strict(&bytes("01 027731 0102 ac02"), values::lock);
    strict(&bytes("01 ac02 02 03"), values::bucket);
    strict(&bytes("01"), values::nothing);
    strict(&bytes("01 01 ac02 04"), values::deleted_log);
    strict(&bytes("01 ac02"), values::deleted_position);
    strict(&bytes("01 ac02"), values::deleted_space);
    assert!(values::cell(&bytes("01 01 01 02")).is_err(), "a kind of cell that is unknown");
    assert!(values::deleted_space(&bytes("01 ac8200")).is_err(), "a longer form of an integer");
    assert!(values::deleted_space(&bytes("01 ffffffffffff7f")).is_err(), "a time beyond 48 bits");
    assert!(values::space(&bytes("01 01 00 02 02 03 00 00 05 06 03 04")).is_err(), "logs that come to be otherwise");
}

#[test]
fn a_key_that_no_row_has_is_refused() {
    let refused = |key: &str, value: &str| {
        let mut table = Rows::default();
        table.push(&bytes(key), &bytes(value));
        let mut whys = Vec::new();
        Small::read(&table, &mut |_, why| whys.push(why));
        assert_eq!(whys.len(), 1, "{key}: {whys:?}");
        assert!(describe(Table::Small, &bytes(key), &bytes(value)).contains("can't be read"), "{key}");
    };
    refused("10", "01");
    refused("", "01");
    refused("0100", "01 c801 ac02 01 02");
    refused("05 00000000000004", &("01".to_owned() + &"08".repeat(16)));
    refused("06 4d", "01 01 00 00 02 03 00 00 05 06 03 04");
    refused("07 010203", "01 01 02 03 ac02 04 05 00 00 00 00 01 010203");
    refused("08 01020304 0a", "01 ac02 04 00");
    refused("09 01020304 72 00", "01 ac02 02 03");
    refused("09 01020304 72 0002 61", "01 ac02 02 03");
    refused("0b 01020304 000000000000012c00", "01 ac02 02 03");
    refused("0c 000000000000012c 03 01020304 6c", "01");
    refused("0c ff0000000000012c 00 6d61696e", "01");
}

const V7: &str = "019a9f3c-7b00-7abc-8def-0123456789ab";
const KEY_V7: &str = "00 019a9f3c7b007abc8def0123456789ab";
const FINGERPRINT: &str = "abababababababababababababababab";

fn id(text: &str, birth: Option<u64>) -> Id {
    Id { text: text.to_owned(), birth }
}

fn ids(rows: &[(&str, &str)]) -> Tables {
    let mut table = Rows::default();
    for (key, value) in rows {
        assert!(table.push(&bytes(key), &bytes(value)), "{key}");
    }
    Tables::new([(Table::Ids, table)].into(), super::super::Sums::default())
}

#[test]
fn every_form_of_an_id_is_read_and_found() {
    let value = format!("01 01 01 {FINGERPRINT} 00 01 05c801ac02 01 01 01 07 02");
    let tables = ids(&[
        (&format!("01020304 {KEY_V7}"), &value),
        ("01020304 00 019a9f3c7b01 00 7061792d31", &value),
        ("01020304 01 7061792d31", &value),
    ]);
    let expected = [id(V7, None), id("pay-1", Some(0x019a_9f3c_7b01)), id("pay-1", None)];
    let found: Vec<_> = tables.ids().map(|(space, id, _)| (space, id)).collect();
    assert_eq!(found, expected.clone().map(|id| (0x0102_0304, id)));
    let remembered = tables.id(0x0102_0304, &expected[1]).unwrap();
    assert!(expected.iter().all(|id| tables.id(0x0102_0304, id).as_ref() == Some(&remembered)));
    assert!(tables.id(1, &expected[0]).is_none());
    assert_eq!(remembered.fingerprint, Some((1, [0xab; 16])));
    assert_eq!((remembered.compensated_by, remembered.outcome_bytes), (None, 11));
    let results = vec![ActionResult { result: Some(Got::Appended(Appended { first_offset: 7, count: 2 })) }];
    let verdict = Some(Verdict::Applied(Applied { results, nothing_to_undo: false }));
    assert_eq!(remembered.outcome, Outcome { sequence: 5, history: 200, time_ms: 300, verdict });
    assert_eq!(
        [expected[0].born(), expected[1].born(), expected[2].born()],
        [Some(0x019a_9f3c_7b00), Some(0x019a_9f3c_7b01), None]
    );
    let sent = |birth_ms| Id::of(&CommandId { text: V7.to_owned(), birth_ms });
    assert_eq!([sent(None), sent(Some(0x019a_9f3c_7b00))], [id(V7, None), id(V7, None)]);
}

#[test]
fn an_id_in_another_form_than_its_own_is_refused() {
    let value = format!("01 01 01 {FINGERPRINT} 00 01 05c801ac02 03");
    let refused = |key: &str| {
        let tables = ids(&[(key, &value)]);
        assert_eq!(tables.broken().len(), 1, "{key}");
        assert_eq!(tables.ids().count(), 0, "{key}");
    };
    let text_of_v7 = V7.bytes().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    refused(&format!("00000001 01 {text_of_v7}"));
    refused(&format!("00000001 00 019a9f3c7b00 00 {text_of_v7}"));
    refused("00000001 00 019a9f3c7b004abc8def0123456789ab");
    refused("00000001 00 019a9f3c7b00 01 6162");
    refused("00000001 02 6162");
    refused("00000001 01");
    refused("00000001 01 0a");
    refused("000001");
}

#[test]
fn a_mark_and_a_tombstone_are_read_and_spoilt_rows_of_ids_are_refused() {
    let undone = format!("01 01 01 {FINGERPRINT} 01 01 01 75 01 05c801ac02 01 01 01 07 02");
    let read = values::remembered(&bytes(&undone)).unwrap();
    assert_eq!(read.compensated_by, Some(id("u", None)));
    strict(&bytes(&undone), values::remembered);
    let born = format!("01 01 01 {FINGERPRINT} 01 02 ac02 01 75 01 05c801ac02 01 00");
    assert_eq!(values::remembered(&bytes(&born)).unwrap().compensated_by, Some(id("u", Some(300))));
    let tombstone = values::remembered(&bytes("01 00 00 01 05c801ac02 03")).unwrap();
    assert_eq!((tombstone.fingerprint, tombstone.outcome.verdict), (None, Some(Verdict::Cancelled(Cancelled {}))));
    strict(&bytes("01 00 00 01 05c801ac02 03"), values::remembered);
    assert!(values::remembered(&bytes(&undone.replacen("01 01 01", "01 01 02", 1))).is_err(), "another fingerprint");
    assert!(values::remembered(&bytes("01 02 00 01 05c801ac02 03")).is_err());
    for kind in ["00", "05"] {
        assert!(values::remembered(&bytes(&format!("01 00 00 01 05c801ac02 {kind}"))).is_err(), "verdict {kind}");
    }
    assert!(values::remembered(&bytes("01 00 00 01 05c801ac02 01 01 12")).is_err(), "a result that is unknown");
    assert!(values::remembered(&bytes("01 00 00 01 05c801ac02 02 01 00 18")).is_err(), "a reason that is unknown");
    assert!(values::remembered(&bytes("01 00 00 01 05c801ac02 02 03 00 02")).is_err(), "a step that is unknown");
}

#[test]
fn outcomes_are_the_messages_that_clients_get() {
    let verdict = |digits: &str| {
        let value = bytes(&format!("01 01 01 {FINGERPRINT} 00 01 05c801ac02 {digits}"));
        strict(&value, values::remembered);
        values::remembered(&value).unwrap().outcome.verdict.unwrap()
    };
    let token = Some(Token { history: 1, sequence: 2 });
    let results = [Got::Added(Added { value: -3, version: 5 }), Got::Locked(Locked { token, expires_ms: 300 })];
    let results = results.into_iter().map(|it| ActionResult { result: Some(it) }).collect();
    let expected = Verdict::Applied(Applied { results, nothing_to_undo: false });
    assert_eq!(verdict("01 02 04 05 05 06 01 02 ac02"), expected);
    assert_eq!(verdict("04"), Verdict::Applied(Applied { results: Vec::new(), nothing_to_undo: true }));
    let refused = |step, found| Verdict::Refused(Refused { step: Some(step), found: Some(found) });
    let (name, holder) = (String::new(), "w1".to_owned());
    let held = Found::LockHeld(LockMessage { name, holder, token, expires_ms: 300 });
    assert_eq!(verdict("02 01 02 0c 027731 01 02 ac02"), refused(Step::Guard(2), held));
    let by = Found::AlreadyCompensatedBy(CommandId { text: "u".to_owned(), birth_ms: None });
    assert_eq!(verdict("02 02 00 10 01 01 75"), refused(Step::Action(0), by));
    assert_eq!(verdict("02 02 00 09 05"), refused(Step::Action(0), Found::OutOfBounds(-3)));
}

#[test]
fn a_record_is_read_with_its_headers_and_refused_when_it_is_spoilt() {
    let key = bytes("01020304 0000000000000506 0000000000000708");
    let value = bytes("01 ac02 00019a9f3c7b007abc8def0123456789ab 01 016b 027677 706179");
    let (number, stored, header_bytes) = records::read(&key, &value).unwrap();
    assert_eq!((number, stored.offset, stored.id.as_str()), ((0x0102_0304, 0x0506), 0x0708, V7));
    let headers = [Header { key: "k".to_owned(), value: "vw".into() }];
    assert_eq!((stored.content, stored.time_ms), (Content::of_record(b"pay", &headers), 300));
    assert_eq!(header_bytes, 3);
    for length in 0..value.len() - 3 {
        assert!(records::read(&key, &value[..length]).is_err(), "{length} bytes");
    }
    assert!(records::read(&key[..19], &value).is_err());
    assert!(records::read(&[&key[..], &[0]].concat(), &value).is_err());
    assert!(records::read(&key, &[&[2], &value[1..]].concat()).is_err());
}
