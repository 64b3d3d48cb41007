//! The bytes are final: what is written here is on disks and between nodes of different builds.

use bytes::Bytes;
use proptest::prelude::*;

use super::values;
use crate::machine::{
    Batch, Fingerprint, decode_answer, decode_outcome, decode_proposal, encode_answer, encode_outcome, encode_proposal,
};
use crate::types::codec::DecodeError;
use crate::types::{
    Action, ActionResult, Answer, Cancel, Command, Found, Guard, Header, History, Id, LogName, LogTime, MachineVersion,
    NewRecord, Offset, Outcome, Proposal, Refusal, Rejection, Sequence, SpaceName, Step, Verdict,
};

proptest! {
    #[test]
    fn every_batch_comes_back_however_it_was_put_together(
        proposals in prop::collection::vec(values::proposal(), 0..5),
        stamp in values::time(),
    ) {
        let batch = Batch { machine_version: MachineVersion::CURRENT, stamp, proposals };
        let bytes = batch.encode();
        let each: Vec<Bytes> = batch.proposals.iter().map(encode_proposal).collect();
        prop_assert_eq!(&Batch::assemble(batch.machine_version, batch.stamp, &each), &bytes);
        prop_assert_eq!(Batch::peek_version(&bytes), Ok(batch.machine_version));
        prop_assert_eq!(Batch::decode(bytes), Ok(batch));
    }

    #[test]
    fn every_proposal_comes_back(proposal in values::proposal()) {
        prop_assert_eq!(decode_proposal(encode_proposal(&proposal)), Ok(proposal));
    }

    #[test]
    fn every_outcome_comes_back(outcome in values::outcome()) {
        prop_assert_eq!(decode_outcome(encode_outcome(&outcome)), Ok(outcome));
    }

    #[test]
    fn every_answer_comes_back(answer in values::answer()) {
        prop_assert_eq!(decode_answer(encode_answer(&answer)), Ok(answer));
    }

    #[test]
    fn any_bytes_decode_without_a_panic(bytes: Vec<u8>) {
        decode_and_encode_again(&bytes.into());
    }

    /// Damage is refused or gives another value, but never a second form of a value.
    #[test]
    fn damaged_bytes_decode_to_nothing_or_to_the_one_value_that_they_are_the_bytes_of(
        proposal in values::proposal(),
        answer in values::answer(),
        place: prop::sample::Index,
        value: u8,
        length: prop::sample::Index,
    ) {
        let batch = Batch::assemble(MachineVersion::CURRENT, LogTime::ZERO, &[encode_proposal(&proposal)]);
        for intact in [encode_proposal(&proposal), encode_answer(&answer), batch] {
            let mut damaged = intact.to_vec();
            *place.get_mut(&mut damaged) = value;
            decode_and_encode_again(&damaged.clone().into());
            damaged.truncate(length.index(damaged.len()));
            decode_and_encode_again(&damaged.into());
        }
    }

    #[test]
    fn commands_that_differ_have_other_fingerprints(one in values::command(), other in values::command()) {
        prop_assert_eq!(one == other, Fingerprint::of(&one) == Fingerprint::of(&other));
        prop_assert!(Fingerprint::of(&one).matches(&one));
    }
}

fn decode_and_encode_again(bytes: &Bytes) {
    let _ = Batch::peek_version(bytes);
    if let Ok(batch) = Batch::decode(bytes.clone()) {
        assert_eq!(&batch.encode(), bytes);
    }
    if let Ok(proposal) = decode_proposal(bytes.clone()) {
        assert_eq!(&encode_proposal(&proposal), bytes);
    }
    if let Ok(outcome) = decode_outcome(bytes.clone()) {
        assert_eq!(&encode_outcome(&outcome), bytes);
    }
    if let Ok(answer) = decode_answer(bytes.clone()) {
        assert_eq!(&encode_answer(&answer), bytes);
    }
}

#[test]
fn the_bytes_of_a_command_are_final() {
    let expected = [
        "01 01",                                      // version, command
        "04 6d61696e",                                // main
        "00 019a9f3c7b007abc8def0123456789ab",        // a UUIDv7
        "01 01 06 6f7264657273 ac02",                 // one guard: orders ends at 300
        "01 01 06 6f7264657273 02",                   // one action: append two records to orders
        "05 68656c6c6f 01 04 6b696e64 05 6f72646572", // hello, with kind = order
        "00 00",                                      // nothing, with nothing
    ];
    assert_final(&encode_proposal(&Proposal::Command(command())), &expected);
}

#[test]
fn the_bytes_of_a_cancel_are_final() {
    let space = SpaceName::main();
    let beside = Id::with_birth("pay-1", time(1_000)).expect("valid");
    let cancel = Proposal::Cancel(Cancel { space: space.clone(), target: beside });
    assert_final(&encode_proposal(&cancel), &["01 02 04 6d61696e 02 e807 05 7061792d31"]);

    let cancel = Proposal::Cancel(Cancel { space, target: Id::new("pay-1").expect("valid") });
    assert_final(&encode_proposal(&cancel), &["01 02 04 6d61696e 01 05 7061792d31"]);
}

#[test]
fn the_bytes_of_a_batch_are_final() {
    let target = Id::new("a").expect("valid");
    let cancel = Proposal::Cancel(Cancel { space: SpaceName::main(), target });
    let batch =
        Batch { machine_version: MachineVersion(1), stamp: time(1_000), proposals: vec![cancel.clone(), cancel] };
    let expected = ["01 01 e807 02", "0a 01 02 04 6d61696e 01 01 61", "0a 01 02 04 6d61696e 01 01 61"];
    assert_final(&batch.encode(), &expected);
}

#[test]
fn the_bytes_of_outcomes_are_final() {
    let refused = Verdict::Refused(Refusal { step: Step::Action(1), found: Found::PastEnd(Offset(300)) });
    assert_final(&encode_outcome(&applied()), &["01 05 07 e807 01 01 01 ac02 02"]);
    assert_final(&encode_outcome(&Outcome { verdict: refused, ..applied() }), &["01 05 07 e807 02 02 01 04 ac02"]);
    assert_final(&encode_outcome(&Outcome { verdict: Verdict::Cancelled, ..applied() }), &["01 05 07 e807 03"]);
    assert_final(&encode_outcome(&Outcome { verdict: Verdict::NothingToUndo, ..applied() }), &["01 05 07 e807 04"]);
}

#[test]
fn the_bytes_of_answers_are_final() {
    let decided = |replayed| encode_answer(&Answer::Decided { outcome: applied(), replayed });
    assert_final(&decided(false), &["01 01 00 05 07 e807 01 01 01 ac02 02"]);
    assert_final(&decided(true), &["01 01 01 05 07 e807 01 01 01 ac02 02"]);
    for (rejection, expected) in [
        (Rejection::NoSuchSpace, "01 02 01"),
        (Rejection::TooOld { floor: time(1_000) }, "01 02 02 e807"),
        (Rejection::WithoutBirth, "01 02 03"),
        (Rejection::BirthBesideForever, "01 02 04"),
        (Rejection::BornAhead { clock: time(1_000) }, "01 02 05 e807"),
        (Rejection::Reused, "01 02 06"),
        (Rejection::Malformed, "01 02 07"),
        (Rejection::SpaceDeleted { at: time(1_000) }, "01 02 08 e807"),
    ] {
        assert_final(&encode_answer(&Answer::Rejected(rejection)), &[expected]);
    }
}

#[test]
fn a_fingerprint_is_the_hash_of_a_version_and_the_bytes_of_a_command() {
    let proposal = encode_proposal(&Proposal::Command(command()));
    let hashed = [&[1][..], &proposal[2..]].concat();
    let fingerprint = Fingerprint::of(&command());
    assert_eq!(fingerprint.version, 1);
    assert_eq!(fingerprint.hash[..], blake3::hash(&hashed).as_bytes()[..16]);
    assert_final(&fingerprint.hash, &["31e1c3dfae1e81aa0f4a4fcc92d24a7f"]);
}

#[test]
fn a_fingerprint_of_an_unknown_version_is_not_made() {
    assert_eq!(Fingerprint::of_version(1, &command()), Some(Fingerprint::of(&command())));
    assert_eq!(Fingerprint::of_version(0, &command()), None);
    assert_eq!(Fingerprint::of_version(2, &command()), None);
}

#[test]
fn a_machine_version_that_is_not_known_can_be_seen_but_not_read() {
    let bytes = Batch::assemble(MachineVersion(40_000), LogTime::ZERO, &[]);
    assert_eq!(Batch::peek_version(&bytes), Ok(MachineVersion(40_000)));
    assert_eq!(Batch::decode(bytes), Err(DecodeError::UnknownVersion { what: "the machine", found: 40_000 }));
    let zero = Batch::assemble(MachineVersion(0), LogTime::ZERO, &[]);
    assert_eq!(Batch::decode(zero), Err(DecodeError::UnknownVersion { what: "the machine", found: 0 }));
}

#[test]
fn a_format_that_is_not_known_is_refused() {
    let found = Batch::peek_version(&Bytes::from_static(&[2, 1, 0, 0]));
    assert_eq!(found, Err(DecodeError::UnknownVersion { what: "a batch", found: 2 }));
}

#[test]
fn kinds_that_are_not_known_decode_to_an_error() {
    let kind = |what, found| Err(DecodeError::UnknownKind { what, found });
    let proposal = |hex| decode_proposal(unhex(&[hex]).into());
    assert_eq!(proposal("01 09"), kind("proposal", 9));
    assert_eq!(proposal("01 01 01 61 01 01 61 01 63 00"), kind("guard", 99));
    assert_eq!(proposal("01 01 01 61 01 01 61 00 01 63 00"), kind("action", 99));
    assert_eq!(proposal("02 01"), Err(DecodeError::UnknownVersion { what: "a proposal", found: 2 }));
    assert_eq!(proposal("01 02 01 61 01 01 61 ff"), Err(DecodeError::Trailing(1)));
}

#[test]
fn payloads_are_slices_of_the_entry() {
    let batch = Batch {
        machine_version: MachineVersion::CURRENT,
        stamp: LogTime::ZERO,
        proposals: vec![Proposal::Command(command())],
    };
    let bytes = batch.encode();
    let decoded = Batch::decode(bytes.clone()).expect("just encoded");
    let Proposal::Command(command) = &decoded.proposals[0] else { panic!("a command went in") };
    let Action::Append { records, .. } = &command.actions[0] else { panic!("an append went in") };
    assert!(bytes.as_ptr_range().contains(&records[0].payload.as_ptr()));
    assert!(bytes.as_ptr_range().contains(&records[0].headers[0].value.as_ptr()));
}

fn command() -> Command {
    let log = LogName::new("orders").expect("valid");
    let header = Header { key: "kind".to_owned(), value: Bytes::from_static(b"order") };
    Command {
        space: SpaceName::main(),
        id: Id::new("019a9f3c-7b00-7abc-8def-0123456789ab").expect("valid"),
        guards: vec![Guard::LogEnd { log: log.clone(), end: Offset(300) }],
        actions: vec![Action::Append {
            log,
            records: vec![
                NewRecord { payload: Bytes::from_static(b"hello"), headers: vec![header] },
                NewRecord { payload: Bytes::new(), headers: Vec::new() },
            ],
        }],
    }
}

fn applied() -> Outcome {
    Outcome {
        verdict: Verdict::Applied(vec![ActionResult::Appended { first: Offset(300), count: 2 }]),
        sequence: Sequence(5),
        history: History(7),
        time: time(1_000),
    }
}

fn time(ms: u64) -> LogTime {
    LogTime::from_ms(ms).expect("48 bits")
}

#[track_caller]
pub(super) fn assert_final(bytes: &[u8], expected: &[&str]) {
    assert_eq!(format!("{bytes:02x?}"), format!("{:02x?}", unhex(expected)));
}

pub(super) fn unhex(parts: &[&str]) -> Vec<u8> {
    let hex = parts.concat().replace(' ', "");
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal");
    hex.as_bytes().chunks(2).map(byte).collect()
}
