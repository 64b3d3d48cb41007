//! Random entries of every kind of command, few of everything, so that they meet.
//!
//! - Times are told as steps of the clock, and births as ages at the entry that brings them, in steps so coarse that the
//!   same ids come again.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::types::{
    Cancel, CellKey, CellValue, FateIs, Guard, Header, Holder, LockName, LogCreation, Memory, Offset, ReaderName,
    Retention, Sequence, SpacePolicy, Token, Version,
};

/// When the first entry is stamped.
pub(super) const BEGINNING_MS: u64 = 10_000_000;
/// Births are multiples of this.
const BIRTH_STEP_MS: u64 = 20_000;
/// What a birth is counted from while its entry is not known.
const AGELESS_MS: u64 = 3_600_000;

/// What an entry holds, apart from its place and its time.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Blank,
    Membership(u64),
    /// How far the stamp is from the last one, and proposals.
    Proposals(i64, Vec<Proposal>),
}

/// Makes entries of what they hold, one after another.
#[derive(Debug)]
pub(super) struct Entries {
    next: u64,
    stamp: u64,
}

impl Entries {
    pub(super) fn new() -> Self {
        Self { next: 0, stamp: BEGINNING_MS }
    }

    pub(super) fn next(&mut self, content: Content) -> LogEntry {
        let index = self.next;
        self.next += 1;
        match content {
            Content::Blank => blank(index),
            Content::Membership(history) => membership(index, history),
            Content::Proposals(step, proposals) => {
                self.stamp = self.stamp.saturating_add_signed(step);
                let stamp = LogTime::from_ms(self.stamp).unwrap();
                let proposals = proposals.into_iter().map(|proposal| born(proposal, self.stamp)).collect();
                let batch = Batch { machine_version: MachineVersion::FIRST, stamp, proposals };
                LogEntry { id: log_id(index), kind: EntryKind::Batch(batch.encode()) }
            }
        }
    }
}

/// The proposal with births for ages.
fn born(mut proposal: Proposal, stamp: u64) -> Proposal {
    let born = |id: &mut Id| {
        if let Some(birth) = id.birth().time() {
            let at = (stamp + birth.as_ms() - AGELESS_MS) / BIRTH_STEP_MS * BIRTH_STEP_MS;
            *id = id_born(id.text(), at);
        }
    };
    match &mut proposal {
        Proposal::Cancel(cancel) => born(&mut cancel.target),
        Proposal::Command(command) => {
            born(&mut command.id);
            for guard in &mut command.guards {
                if let Guard::Fate { target, .. } = guard {
                    born(target);
                }
            }
            for action in &mut command.actions {
                if let Action::Compensate { target } = action {
                    born(target);
                }
            }
        }
    }
    proposal
}

fn id_born(text: &str, ms: u64) -> Id {
    Id::with_birth(text, LogTime::from_ms(ms).unwrap()).unwrap()
}

/// What an entry may hold.
pub(super) fn contents() -> impl Strategy<Value = Content> {
    let steps = prop_oneof![
        4 => 0_i64..3,
        4 => 500_i64..5_000,
        2 => 20_000_i64..100_000,
        1 => Just(1_000_000_i64),
        1 => -100_000_i64..0,
    ];
    prop_oneof![
        1 => Just(Content::Blank),
        1 => (0_u64..5).prop_map(Content::Membership),
        8 => (steps, vec(proposals(), 0..8)).prop_map(|(step, proposals)| Content::Proposals(step, proposals)),
    ]
}

fn proposals() -> impl Strategy<Value = Proposal> {
    let command = (vec(guards(), 0..2), vec(actions(), 1..4)).prop_flat_map(|(guards, actions)| {
        placed_ids().prop_map(move |(space, id)| {
            Proposal::Command(Command { space, id, guards: guards.clone(), actions: actions.clone() })
        })
    });
    let cancel = placed_ids().prop_map(|(space, target)| Proposal::Cancel(Cancel { space, target }));
    let system = (system_actions(), 0..40).prop_map(|(action, number)| {
        let id = id(format!("system-{number}"));
        Proposal::Command(Command { space: SpaceName::system(), id, guards: vec![], actions: vec![action] })
    });
    prop_oneof![10 => command, 1 => cancel, 3 => system]
}

fn placed_ids() -> impl Strategy<Value = (SpaceName, Id)> {
    prop_oneof![
        4 => (Just(main_space()), ids_without_birth()),
        6 => (finite_spaces(), ids_with_age()),
        1 => (Just(main_space()), ids_with_age()),
        1 => (finite_spaces(), ids_without_birth()),
        1 => (Just(SpaceName::new("nowhere").unwrap()), ids_without_birth()),
    ]
}

fn finite_spaces() -> impl Strategy<Value = SpaceName> {
    prop_oneof![3 => Just(0), 3 => Just(1), 1 => 2..5]
        .prop_map(|number| SpaceName::new(&format!("finite-{number}")).unwrap())
}

fn ids_without_birth() -> impl Strategy<Value = Id> {
    (0..12).prop_map(|number| id(format!("id-{number}")))
}

fn ids_with_age() -> impl Strategy<Value = Id> {
    let ages = prop_oneof![8 => 0_i64..1, 4 => -50_000_i64..100_000, 1 => -1_200_000_i64..700_000];
    (ages, 0..4).prop_map(|(age, number)| id_born(&format!("b{number}"), AGELESS_MS.saturating_add_signed(age)))
}

fn any_ids() -> impl Strategy<Value = Id> {
    prop_oneof![ids_without_birth(), ids_with_age()]
}

fn logs() -> impl Strategy<Value = LogName> {
    (0..3).prop_map(|number| log(&format!("log-{number}")))
}

fn cell_keys() -> impl Strategy<Value = CellKey> {
    (0..4).prop_map(|number| CellKey::new(&format!("Cell {number}")).unwrap())
}

fn lock_names() -> impl Strategy<Value = LockName> {
    (0..4).prop_map(|number| LockName::new(&format!("Lock {number}")).unwrap())
}

fn readers() -> impl Strategy<Value = ReaderName> {
    prop_oneof![Just("r"), Just("r "), Just("rr")].prop_map(|name| ReaderName::new(name).unwrap())
}

fn offsets() -> impl Strategy<Value = Offset> {
    (0_u64..12).prop_map(Offset)
}

fn tokens() -> impl Strategy<Value = Token> {
    (0_u64..30).prop_map(|sequence| Token { history: History(0), sequence: Sequence(sequence) })
}

fn seconds(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_secs)
}

fn retentions() -> impl Strategy<Value = Retention> {
    use proptest::option::of;
    (of(seconds(1..100)), of(1_u64..40), of(1_u64..12)).prop_map(|(age, bytes, records)| Retention {
        age,
        bytes,
        records,
    })
}

fn records() -> impl Strategy<Value = Vec<NewRecord>> {
    let headers = vec(("[a-z]{1,3}", any::<[u8; 2]>()), 0..2);
    let record = (any::<[u8; 3]>(), headers).prop_map(|(payload, headers)| NewRecord {
        payload: Bytes::copy_from_slice(&payload),
        headers: headers
            .into_iter()
            .map(|(key, value)| Header { key, value: Bytes::copy_from_slice(&value) })
            .collect(),
    });
    vec(record, 1..4)
}

fn guards() -> impl Strategy<Value = Guard> {
    let fates = prop_oneof![Just(FateIs::Applied), Just(FateIs::InForce), Just(FateIs::Refused), Just(FateIs::Unknown)];
    prop_oneof![
        (logs(), offsets()).prop_map(|(log, end)| Guard::LogEnd { log, end }),
        cell_keys().prop_map(|key| Guard::CellAbsent { key }),
        (cell_keys(), -3_i64..3).prop_map(|(key, least)| Guard::CellAtLeast { key, least }),
        (readers(), logs(), offsets()).prop_map(|(reader, log, offset)| Guard::Position {
            reader,
            log,
            offset,
            version: Version(0),
        }),
        (lock_names(), tokens()).prop_map(|(lock, token)| Guard::LockHeld { lock, token }),
        (any_ids(), fates).prop_map(|(target, is)| Guard::Fate { target, is }),
    ]
}

fn actions() -> impl Strategy<Value = Action> {
    let values = prop_oneof![
        3 => (-3_i64..9).prop_map(CellValue::Integer),
        1 => any::<[u8; 2]>().prop_map(|bytes| CellValue::Bytes(Bytes::copy_from_slice(&bytes))),
    ];
    let absent = proptest::option::weighted(0.8, 0_i64..3);
    prop_oneof![
        6 => (logs(), records()).prop_map(|(log, records)| Action::Append { log, records }),
        2 => (cell_keys(), values).prop_map(|(key, value)| Action::Put { key, value }),
        1 => cell_keys().prop_map(|key| Action::Delete { key }),
        2 => (cell_keys(), -3_i64..4, absent)
            .prop_map(|(key, amount, absent)| Action::Add { key, amount, least: -5, most: 9, absent }),
        3 => (readers(), logs(), 0_u64..4).prop_map(|(reader, log, to)| Action::Move { reader, log, to: Offset(to) }),
        3 => (lock_names(), seconds(1..30)).prop_map(|(lock, time)| {
            Action::Acquire { lock, holder: Holder::new("Someone").unwrap(), time }
        }),
        2 => (lock_names(), tokens(), seconds(1..30)).prop_map(|(lock, token, time)| Action::Renew { lock, token, time }),
        1 => (lock_names(), tokens()).prop_map(|(lock, token)| Action::Release { lock, token }),
        2 => (logs(), offsets()).prop_map(|(log, before)| Action::Trim { log, before }),
        2 => any_ids().prop_map(|target| Action::Compensate { target }),
        1 => (logs(), retentions()).prop_map(|(log, retention)| Action::CreateLog { log, retention }),
        2 => (logs(), retentions()).prop_map(|(log, retention)| Action::SetRetention { log, retention }),
        2 => logs().prop_map(|log| Action::DeleteLog { log }),
        2 => (readers(), logs()).prop_map(|(reader, log)| Action::DeleteReader { reader, log }),
    ]
}

fn system_actions() -> impl Strategy<Value = Action> {
    let creations = || prop_oneof![3 => Just(LogCreation::ByAppend), 1 => Just(LogCreation::Explicit)];
    let create = (finite_spaces(), seconds(60..400), creations()).prop_map(|(name, memory, logs)| {
        Action::CreateSpace { name, policy: SpacePolicy { memory: Memory::For(memory), logs } }
    });
    let memories = proptest::option::of(seconds(60..400));
    let set = (finite_spaces(), memories, proptest::option::of(creations()))
        .prop_map(|(name, memory, logs)| Action::SetSpace { name, memory, logs });
    let delete = finite_spaces().prop_map(|name| Action::DeleteSpace { name });
    prop_oneof![4 => create, 4 => set, 2 => delete, 1 => Just(Action::RaiseVersion { to: MachineVersion::FIRST })]
}
