//! A replica made by hand, in which everything is once, and the bytes that its rows have.

use std::collections::BTreeMap;

use super::super::fingerprint::Writer;
use super::super::{
    Bucket, Cell, DeletedLog, Due, Era, Globals, Head, Id, Lock, LogId, Mark, Member, Membership, Position, Remembered,
    Small, Space, Span, Table, Tables, Value,
};
use crate::command::log_in;
use crate::oracle::Dump;
use crate::proto::action_result::Result as Got;
use crate::proto::outcome::Verdict;
use crate::proto::refused::{Found, Step};
use crate::proto::{
    ActionResult, Appended, Applied, Cancelled, CellPut, Compensated, Locked, LogDeleted, Outcome, ReaderDeleted,
    ReaderMoved, Refused, Token,
};

/// The number of the space `main`.
pub(in crate::tables) const MAIN: u32 = 1;
/// The number of a space that forgets.
pub(in crate::tables) const BRIEF: u32 = 2;
const CLOCK: u64 = 10_000;

/// A record: when it was written, by which id, its headers and its bytes.
#[derive(Debug, Clone)]
pub(in crate::tables) struct Kept {
    pub(in crate::tables) time: u64,
    pub(in crate::tables) id: Id,
    pub(in crate::tables) headers: Vec<(String, Vec<u8>)>,
    pub(in crate::tables) payload: Vec<u8>,
}

/// A state, to be damaged.
#[derive(Debug, Clone, Default)]
pub(in crate::tables) struct Sample {
    pub(in crate::tables) small: Small,
    pub(in crate::tables) ids: BTreeMap<(u32, Id), Remembered>,
    pub(in crate::tables) records: BTreeMap<(u32, u64, u64), Kept>,
    /// Rows as they are, for what no layout has.
    pub(in crate::tables) more: Vec<(Table, Vec<u8>, Vec<u8>)>,
}

pub(in crate::tables) fn plain(text: &str) -> Id {
    Id { text: text.to_owned(), birth: None }
}

impl Sample {
    /// Everything is in it, and agrees.
    pub(in crate::tables) fn sound() -> Self {
        let mut sample = Self::default();
        sample.whole();
        sample.append("a", 1, 0, &["first"]);
        sample.append("b", 1, 1, &["second", "third"]);
        sample.decide(MAIN, plain("c"), vec![Got::Put(CellPut { version: 3 })]);
        sample.decide(MAIN, plain("d"), vec![Got::Moved(ReaderMoved { version: 4 })]);
        let token = Some(Token { history: 3, sequence: 5 });
        sample.decide(MAIN, plain("e"), vec![Got::Locked(Locked { token, expires_ms: 30_000 })]);
        let undone = vec![Got::Compensated(Compensated {}), Got::Put(CellPut { version: 6 })];
        sample.decide(MAIN, plain("undo"), undone);
        sample.remembered("c").compensated_by = Some(plain("undo"));
        sample.append("before", 2, 0, &["gone", "too"]);
        sample.decide(MAIN, plain("drop"), vec![Got::LogDeleted(LogDeleted { end: 2 })]);
        sample.records.retain(|(_, log, _), _| *log != 2);
        sample.decide(MAIN, plain("leave"), vec![Got::ReaderDeleted(ReaderDeleted { version: 9 })]);
        sample.append("again", 2, 2, &["anew"]);
        sample.cancel("never");
        let born = Id { text: "late".to_owned(), birth: Some(6_100) };
        sample.decide(BRIEF, born, vec![Got::Put(CellPut { version: 1 })]);
        sample.holdings();
        sample.count();
        sample
    }

    fn whole(&mut self) {
        let small = &mut self.small;
        small.globals = Some(Globals { history: 3, clock: CLOCK, version: 1, next_space: 4 });
        let log_id = LogId { term: 2, node: 1, index: 2_100 };
        small.applied = Some(Some(log_id));
        small.digest = Some("07".repeat(16));
        small.digests = [1_024, 2_048].into_iter().map(|index| (index, "08".repeat(16))).collect();
        let member = |node: u64| {
            let addresses = [format!("peer-{node}"), format!("client-{node}")];
            let [peer_address, client_address] = addresses;
            (node, Member { peer_address, client_address, incarnation: [9; 16], history: 3 })
        };
        small.membership = Some(Membership {
            log_id: Some(LogId { index: 3, ..log_id }),
            configs: vec![[1, 2, 3].into()],
            members: [1, 2, 3].into_iter().map(member).collect(),
        });
        let space = |number, next_log| Space {
            number,
            memory: None,
            explicit: false,
            floor: 0,
            closed: 0,
            eras: Vec::new(),
            due: None,
            ids: 0,
            id_bytes: 0,
            last_sequence: 0,
            next_log,
        };
        let span = |seconds| Span { seconds, nanoseconds: 0 };
        let brief = Space {
            memory: Some(span(60)),
            floor: 5_000,
            closed: 5_000,
            eras: vec![Era { from: 0, width: span(1) }],
            due: Some(67_000),
            ..space(BRIEF, 1)
        };
        let spaces = [("oncelog.system", space(0, 1)), ("main", space(MAIN, 3)), ("brief", brief)];
        small.spaces = spaces.into_iter().map(|(name, space)| (name.to_owned(), space)).collect();
        small.deleted_spaces.insert("gone".to_owned(), 9_000);
        small.buckets.insert((BRIEF, 6_000), Bucket { end: 7_000, ids: 1, bytes: 0 });
    }

    fn holdings(&mut self) {
        let small = &mut self.small;
        let main = |name: &str| (MAIN, name.to_owned());
        let reader = |name: &str, log: &str| (MAIN, name.to_owned(), log.to_owned());
        let orders = Head {
            number: 1,
            start: 1,
            end: 3,
            bytes_ever: 5 + 6 + 5 + 4,
            created: 1_001,
            last: 1_002,
            age: Some(Span { seconds: 60, nanoseconds: 0 }),
            bytes: None,
            records: Some(2),
            due: Some(61_002),
            marks: vec![
                Mark { first: 0, bytes_before: 0, opened: 1_001 },
                Mark { first: 2, bytes_before: 11, opened: 1_002 },
            ],
        };
        // The first record was trimmed away, and the last has a header.
        self.records.remove(&(MAIN, 1, 0));
        self.records.get_mut(&(MAIN, 1, 2)).unwrap().headers = vec![("k".to_owned(), b"vwx".to_vec())];
        let drafts = Head {
            number: 2,
            start: 2,
            end: 3,
            bytes_ever: 4,
            created: 1_010,
            last: 1_010,
            age: None,
            records: None,
            due: None,
            marks: vec![Mark { first: 2, bytes_before: 0, opened: 1_010 }],
            ..orders.clone()
        };
        small.logs = [(main("orders"), orders), (main("drafts"), drafts)].into();
        small.deleted_logs.insert(main("drafts"), DeletedLog { number: 2, end: 2, at: 1_008 });
        small.cells.insert(main("x"), Cell { value: Value::Integer(-7), version: 6, time: 1_006 });
        small
            .cells
            .insert((BRIEF, "y".to_owned()), Cell { value: Value::Bytes(b"z".to_vec()), version: 1, time: 1_001 });
        small.positions.insert(reader("r ?", "orders"), Position { offset: 1, version: 4, time: 1_004 });
        small.deleted_positions.insert(reader("q", "drafts"), 9);
        let lock = Lock { holder: "w1".to_owned(), token: (3, 5), expires: 30_000 };
        small.locks.insert(main("l"), lock);
        small.due = [
            (67_000, Due::Floor("brief".to_owned())),
            (30_000, Due::Lock(MAIN, "l".to_owned())),
            (61_002, Due::Log(MAIN, "orders".to_owned())),
            // Of the space that was deleted.
            (20_000, Due::Lock(3, "old".to_owned())),
        ]
        .into();
    }

    /// Spaces and buckets count what is there.
    fn count(&mut self) {
        for ((number, id), remembered) in &self.ids {
            let bytes = (id.text.len() + encode_outcome(&remembered.outcome).len()) as u64 + 24;
            let space = self.small.spaces.values_mut().find(|space| space.number == *number).unwrap();
            (space.ids, space.id_bytes) = (space.ids + 1, space.id_bytes + bytes);
            if *number == BRIEF {
                self.small.buckets.get_mut(&(BRIEF, 6_000)).unwrap().bytes += bytes;
            }
        }
    }

    pub(in crate::tables) fn space(&mut self, name: &str) -> &mut Space {
        self.small.spaces.get_mut(name).unwrap()
    }

    pub(in crate::tables) fn log(&mut self, name: &str) -> &mut Head {
        self.small.logs.get_mut(&(MAIN, name.to_owned())).unwrap()
    }

    pub(in crate::tables) fn remembered(&mut self, id: &str) -> &mut Remembered {
        self.ids.get_mut(&(MAIN, plain(id))).unwrap()
    }

    fn decide(&mut self, number: u32, id: Id, results: Vec<Got>) {
        let results = results.into_iter().map(|result| ActionResult { result: Some(result) }).collect();
        let verdict = Verdict::Applied(Applied { results, nothing_to_undo: false });
        self.remember(number, id, Some((1, [0xab; 16])), verdict);
    }

    fn cancel(&mut self, id: &str) {
        self.remember(MAIN, plain(id), None, Verdict::Cancelled(Cancelled {}));
    }

    fn remember(&mut self, number: u32, id: Id, fingerprint: Option<(u8, [u8; 16])>, verdict: Verdict) {
        let space = self.small.spaces.values_mut().find(|space| space.number == number).unwrap();
        space.last_sequence += 1;
        let sequence = space.last_sequence;
        let outcome = Outcome { sequence, history: 3, time_ms: 1_000 + sequence, verdict: Some(verdict) };
        let remembered = Remembered { fingerprint, compensated_by: None, outcome, outcome_bytes: 0 };
        assert!(self.ids.insert((number, id), remembered).is_none());
    }

    fn append(&mut self, id: &str, log: u64, first: u64, payloads: &[&str]) {
        let count = u32::try_from(payloads.len()).unwrap();
        self.decide(MAIN, plain(id), vec![Got::Appended(Appended { first_offset: first, count })]);
        let time = self.remembered(id).outcome.time_ms;
        for (offset, payload) in (first..).zip(payloads) {
            let payload = payload.as_bytes().to_vec();
            self.records.insert((MAIN, log, offset), Kept { time, id: plain(id), headers: Vec::new(), payload });
        }
    }

    /// All rows, in the order of their tables and keys.
    pub(in crate::tables) fn rows(&self) -> BTreeMap<(Table, Vec<u8>), Vec<u8>> {
        let mut rows = BTreeMap::new();
        for ((space, log, offset), kept) in &self.records {
            let key = [&space.to_be_bytes()[..], &log.to_be_bytes(), &offset.to_be_bytes()].concat();
            rows.insert((Table::Records, key), encode_record(kept));
        }
        for ((space, id), remembered) in &self.ids {
            let key = [&space.to_be_bytes()[..], &id.key()].concat();
            rows.insert((Table::Ids, key), encode_remembered(remembered));
        }
        rows.extend(encode_small(&self.small).into_iter().map(|(key, value)| ((Table::Small, key), value)));
        rows.extend(self.more.iter().map(|(table, key, value)| ((*table, key.clone()), value.clone())));
        rows
    }

    /// The replica that has these rows.
    pub(in crate::tables) fn dump(&self) -> Dump {
        let rows = self.rows();
        let rows = rows.iter().map(|((table, key), value)| (*table, key.as_slice(), value.as_slice()));
        let read = Tables::read_rows(rows).unwrap();
        let logs = read.logs.into_iter().map(|((space, log), dump)| (log_in(&space, &log), dump.into()));
        let dump = Dump { node: 1, applied_index: 2_100, digest: "07".repeat(16), ..Dump::default() };
        Dump { logs: logs.collect(), ..dump.with_tables(read.tables) }
    }
}

fn value(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer(vec![1]);
    write(&mut writer);
    writer.0
}

fn write_span(writer: &mut Writer, span: Span) {
    writer.number(span.seconds);
    writer.number(span.nanoseconds.into());
}

fn encode_record(kept: &Kept) -> Vec<u8> {
    value(|writer| {
        writer.number(kept.time);
        writer.id(&kept.id.message());
        writer.count(kept.headers.len());
        for (key, value) in &kept.headers {
            writer.text(key);
            writer.bytes(value);
        }
        writer.0.extend_from_slice(&kept.payload);
    })
}

fn encode_remembered(remembered: &Remembered) -> Vec<u8> {
    value(|writer| {
        writer.option(remembered.fingerprint, |writer, (version, hash)| {
            writer.byte(version);
            writer.0.extend_from_slice(&hash);
        });
        writer.option(remembered.compensated_by.as_ref(), |writer, by| writer.id(&by.message()));
        writer.0.extend_from_slice(&encode_outcome(&remembered.outcome));
    })
}

fn encode_outcome(outcome: &Outcome) -> Vec<u8> {
    value(|writer| {
        for number in [outcome.sequence, outcome.history, outcome.time_ms] {
            writer.number(number);
        }
        match outcome.verdict.as_ref().unwrap() {
            Verdict::Applied(applied) => {
                writer.byte(1);
                writer.count(applied.results.len());
                applied.results.iter().for_each(|it| write_result(writer, it.result.as_ref().unwrap()));
            }
            Verdict::Cancelled(_) => writer.byte(3),
            Verdict::Refused(Refused {
                step: Some(Step::Action(place)),
                found: Some(Found::AlreadyCompensatedBy(by)),
            }) => {
                for kind in [2, 2] {
                    writer.byte(kind);
                }
                writer.number((*place).into());
                writer.byte(16);
                writer.id(by);
            }
            Verdict::Refused(refused) => panic!("the sample has no {refused:?}"),
        }
    })
}

fn write_result(writer: &mut Writer, result: &Got) {
    let numbers: (u8, Vec<u64>) = match result {
        Got::Appended(it) => (1, vec![it.first_offset, it.count.into()]),
        Got::Put(it) => (2, vec![it.version]),
        Got::Moved(it) => (5, vec![it.version]),
        Got::Locked(it) => (6, vec![it.token.unwrap().history, it.token.unwrap().sequence, it.expires_ms]),
        Got::Compensated(_) => (9, vec![]),
        Got::LogDeleted(it) => (15, vec![it.end]),
        Got::ReaderDeleted(it) => (16, vec![it.version]),
        other => panic!("the sample has no {other:?}"),
    };
    writer.byte(numbers.0);
    numbers.1.into_iter().for_each(|number| writer.number(number));
}

fn write_log_id(writer: &mut Writer, id: LogId) {
    for number in [id.term, id.node, id.index] {
        writer.number(number);
    }
}

fn encode_small(small: &Small) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = encode_whole(small);
    let of_space = |tag: u8, space: u32, rest: &[u8]| [&[tag][..], &space.to_be_bytes(), rest].concat();
    let of_reader = |tag, space, reader: &str, log: &str| {
        of_space(tag, space, &[reader.as_bytes(), &[0, 1], log.as_bytes()].concat())
    };
    for ((space, name), head) in &small.logs {
        rows.push((of_space(7, *space, name.as_bytes()), encode_head(head)));
    }
    for ((space, key), cell) in &small.cells {
        rows.push((of_space(8, *space, key.as_bytes()), encode_cell(cell)));
    }
    for ((space, reader, log), position) in &small.positions {
        let numbers = [position.offset, position.version, position.time];
        rows.push((of_reader(9, *space, reader, log), numbers_value(&numbers)));
    }
    for ((space, name), lock) in &small.locks {
        let value = value(|writer| {
            writer.text(&lock.holder);
            for number in [lock.token.0, lock.token.1, lock.expires] {
                writer.number(number);
            }
        });
        rows.push((of_space(10, *space, name.as_bytes()), value));
    }
    for ((space, start), bucket) in &small.buckets {
        let numbers = [bucket.end, bucket.ids, bucket.bytes];
        rows.push((of_space(11, *space, &start.to_be_bytes()), numbers_value(&numbers)));
    }
    for (at, due) in &small.due {
        let what = match due {
            Due::Floor(name) => [&[0][..], name.as_bytes()].concat(),
            Due::Lock(space, name) => of_space(1, *space, name.as_bytes()),
            Due::Log(space, name) => of_space(2, *space, name.as_bytes()),
        };
        rows.push(([&[12][..], &at.to_be_bytes(), &what].concat(), vec![1]));
    }
    for ((space, name), deleted) in &small.deleted_logs {
        let numbers = [deleted.number, deleted.end, deleted.at];
        rows.push((of_space(13, *space, name.as_bytes()), numbers_value(&numbers)));
    }
    for ((space, reader, log), version) in &small.deleted_positions {
        rows.push((of_reader(14, *space, reader, log), numbers_value(&[*version])));
    }
    rows
}

fn encode_whole(small: &Small) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    let digest = |digits: &str| [&[1][..], &super::unhex(digits).unwrap()].concat();
    if let Some(globals) = small.globals {
        let numbers = [globals.history, globals.clock, globals.version.into(), globals.next_space.into()];
        rows.push((vec![1], numbers_value(&numbers)));
    }
    if let Some(applied) = small.applied {
        rows.push((vec![2], value(|writer| writer.option(applied, write_log_id))));
    }
    if let Some(membership) = &small.membership {
        rows.push((vec![3], encode_membership(membership)));
    }
    rows.extend(small.digest.as_ref().map(|it| (vec![4], digest(it))));
    rows.extend(small.digests.iter().map(|(index, it)| ([&[5][..], &index.to_be_bytes()].concat(), digest(it))));
    for (name, space) in &small.spaces {
        rows.push(([&[6], name.as_bytes()].concat(), encode_space(space)));
    }
    for (name, at) in &small.deleted_spaces {
        rows.push(([&[15], name.as_bytes()].concat(), numbers_value(&[*at])));
    }
    rows
}

fn numbers_value(numbers: &[u64]) -> Vec<u8> {
    value(|writer| numbers.iter().for_each(|number| writer.number(*number)))
}

fn encode_membership(membership: &Membership) -> Vec<u8> {
    value(|writer| {
        writer.option(membership.log_id, write_log_id);
        writer.count(membership.configs.len());
        for voters in &membership.configs {
            writer.count(voters.len());
            for voter in voters {
                writer.number(*voter);
            }
        }
        writer.count(membership.members.len());
        for (node, member) in &membership.members {
            writer.number(*node);
            writer.text(&member.peer_address);
            writer.text(&member.client_address);
            writer.0.extend_from_slice(&member.incarnation);
            writer.number(member.history);
        }
    })
}

fn encode_space(space: &Space) -> Vec<u8> {
    value(|writer| {
        writer.number(space.number.into());
        writer.option(space.memory, write_span);
        writer.byte(space.explicit.into());
        writer.number(space.floor);
        writer.number(space.closed);
        writer.count(space.eras.len());
        for era in &space.eras {
            writer.number(era.from);
            write_span(writer, era.width);
        }
        writer.option(space.due, Writer::number);
        for it in [space.ids, space.id_bytes, space.last_sequence, space.next_log] {
            writer.number(it);
        }
    })
}

fn encode_head(head: &Head) -> Vec<u8> {
    value(|writer| {
        let numbers = [head.number, head.start, head.end, head.bytes_ever, head.created, head.last];
        for number in numbers {
            writer.number(number);
        }
        writer.option(head.age, write_span);
        writer.option(head.bytes, Writer::number);
        writer.option(head.records, Writer::number);
        writer.option(head.due, Writer::number);
        writer.count(head.marks.len());
        let mut before = Mark { first: 0, bytes_before: 0, opened: 0 };
        for mark in &head.marks {
            writer.number(mark.first.wrapping_sub(before.first));
            writer.number(mark.bytes_before.wrapping_sub(before.bytes_before));
            writer.number(mark.opened.wrapping_sub(before.opened));
            before = *mark;
        }
    })
}

fn encode_cell(cell: &Cell) -> Vec<u8> {
    value(|writer| {
        writer.number(cell.version);
        writer.number(cell.time);
        match &cell.value {
            Value::Bytes(bytes) => {
                writer.byte(0);
                writer.0.extend_from_slice(bytes);
            }
            Value::Integer(integer) => {
                writer.byte(1);
                writer.0.extend_from_slice(&integer.to_be_bytes());
            }
        }
    })
}
