//! Requests that only read: decoded with every field checked.

use crate::types::limits::{PAGE_NAMES_MAX, PAGE_RECORDS_MAX};
use crate::types::{Condition, Consistency, Id, LogName, Offset, SpaceName, Version};

use super::command::command_id;
use super::fields::{self, Wrong, Wrongs};
use super::status::ErrorReport;
use super::v1;

/// A page of records that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The space.
    pub space: SpaceName,
    /// The log.
    pub log: LogName,
    /// The first offset wanted; none: the first that is left.
    pub from: Option<Offset>,
    /// At most this many records.
    pub limit: usize,
    /// How fresh.
    pub consistency: Consistency,
}

/// A fate that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The space.
    pub space: SpaceName,
    /// The id.
    pub id: Id,
    /// How fresh.
    pub consistency: Consistency,
}

/// A log that is to be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// The space.
    pub space: SpaceName,
    /// The log.
    pub log: LogName,
    /// The first offset wanted; none: the first that is left.
    pub from: Option<Offset>,
    /// How fresh the beginning is.
    pub consistency: Consistency,
}

/// A condition that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The space.
    pub space: SpaceName,
    /// The condition.
    pub condition: Condition,
    /// How fresh the first look is.
    pub consistency: Consistency,
}

/// A log that is to be described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeLog {
    /// The space.
    pub space: SpaceName,
    /// The log.
    pub log: LogName,
    /// How fresh.
    pub consistency: Consistency,
}

/// A listing that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListLogs {
    /// The space.
    pub space: SpaceName,
    /// Only logs whose names come after this one.
    pub after: Option<LogName>,
    /// At most this many.
    pub limit: usize,
    /// How fresh.
    pub consistency: Consistency,
}

/// Checks a request to read.
pub fn read(request: &v1::ReadRequest) -> Result<Read, ErrorReport> {
    let mut wrongs = Wrongs::default();
    let space = wrongs.take(fields::space(&request.space));
    let log = wrongs.take(fields::log_name("log", &request.log));
    let consistency = wrongs.take(fields::consistency(request.consistency));
    let (Some(space), Some(log), Some(consistency)) = (space, log, consistency) else {
        return Err(wrongs.into_report());
    };
    let limit = fields::limit(request.limit, PAGE_RECORDS_MAX);
    Ok(Read { space, log, from: request.from.map(Offset), limit, consistency })
}

/// Checks a lookup.
pub fn lookup(request: v1::LookupRequest) -> Result<Lookup, ErrorReport> {
    let mut wrongs = Wrongs::default();
    let space = wrongs.take(fields::space(&request.space));
    let id = wrongs.take(fields::id(request.id));
    let consistency = wrongs.take(fields::consistency(request.consistency));
    let (Some(space), Some(id), Some(consistency)) = (space, id, consistency) else {
        return Err(wrongs.into_report());
    };
    Ok(Lookup { space, id, consistency })
}

/// Checks a request to follow a log.
pub fn tail(request: &v1::TailRequest) -> Result<Tail, ErrorReport> {
    let mut wrongs = Wrongs::default();
    let space = wrongs.take(fields::space(&request.space));
    let log = wrongs.take(fields::log_name("log", &request.log));
    let consistency = wrongs.take(fields::consistency(request.consistency));
    let (Some(space), Some(log), Some(consistency)) = (space, log, consistency) else {
        return Err(wrongs.into_report());
    };
    Ok(Tail { space, log, from: request.from.map(Offset), consistency })
}

/// Checks a request to wait.
pub fn wait(request: v1::WaitRequest) -> Result<Wait, ErrorReport> {
    use v1::wait_request::Condition as Message;
    let mut wrongs = Wrongs::default();
    let space = wrongs.take(fields::space(&request.space));
    let condition = wrongs.take(match request.condition {
        Some(Message::LogEnd(reached)) => {
            fields::log_name("log_end.log", &reached.log).map(|log| Condition::LogEnd { log, end: Offset(reached.end) })
        }
        Some(Message::Decided(decided)) => fields::id_at("decided.id", decided.id).map(|id| Condition::Decided { id }),
        Some(Message::CellChanged(changed)) => fields::cell_key("cell_changed.key", &changed.key)
            .map(|key| Condition::CellChanged { key, version: Version(changed.version) }),
        Some(Message::CellAtLeast(at_least)) => fields::cell_key("cell_at_least.key", &at_least.key)
            .map(|key| Condition::CellAtLeast { key, least: at_least.least }),
        Some(Message::Position(reached)) => position_reached(&reached),
        Some(Message::LockFree(free)) => {
            fields::lock_name("lock_free.lock", &free.lock).map(|lock| Condition::LockFree { lock })
        }
        None => Err(Wrong::malformed("condition", &"a condition is needed, of a kind that this node knows")),
    });
    let consistency = wrongs.take(fields::consistency(request.consistency));
    let (Some(space), Some(condition), Some(consistency)) = (space, condition, consistency) else {
        return Err(wrongs.into_report());
    };
    Ok(Wait { space, condition, consistency })
}

fn position_reached(reached: &v1::PositionReached) -> Result<Condition, Wrong> {
    Ok(Condition::PositionReached {
        reader: fields::reader_name("position.reader", &reached.reader)?,
        log: fields::log_name("position.log", &reached.log)?,
        offset: Offset(reached.offset),
    })
}

/// What a client sends to wait.
pub fn wait_request(space: &SpaceName, condition: &Condition, consistency: Consistency) -> v1::WaitRequest {
    use v1::wait_request::Condition as Message;
    let condition = match condition {
        Condition::LogEnd { log, end } => {
            Message::LogEnd(v1::LogEndReached { log: log.as_str().to_owned(), end: end.0 })
        }
        Condition::Decided { id } => Message::Decided(v1::IdDecided { id: Some(command_id(id)) }),
        Condition::CellChanged { key, version } => {
            Message::CellChanged(v1::CellChanged { key: key.as_str().to_owned(), version: version.0 })
        }
        Condition::CellAtLeast { key, least } => {
            Message::CellAtLeast(v1::CellIsAtLeast { key: key.as_str().to_owned(), least: *least })
        }
        Condition::PositionReached { reader, log, offset } => Message::Position(v1::PositionReached {
            reader: reader.as_str().to_owned(),
            log: log.as_str().to_owned(),
            offset: offset.0,
        }),
        Condition::LockFree { lock } => Message::LockFree(v1::LockIsFree { lock: lock.as_str().to_owned() }),
    };
    v1::WaitRequest {
        space: space.as_str().to_owned(),
        condition: Some(condition),
        consistency: consistency_message(consistency),
    }
}

/// Checks a request to describe a log.
pub fn describe_log(request: &v1::DescribeLogRequest) -> Result<DescribeLog, ErrorReport> {
    let mut wrongs = Wrongs::default();
    let space = wrongs.take(fields::space(&request.space));
    let log = wrongs.take(fields::log_name("log", &request.log));
    let consistency = wrongs.take(fields::consistency(request.consistency));
    let (Some(space), Some(log), Some(consistency)) = (space, log, consistency) else {
        return Err(wrongs.into_report());
    };
    Ok(DescribeLog { space, log, consistency })
}

/// Checks a request to list logs.
pub fn list_logs(request: &v1::ListLogsRequest) -> Result<ListLogs, ErrorReport> {
    let mut wrongs = Wrongs::default();
    let space = wrongs.take(fields::space(&request.space));
    let after = wrongs.take(fields::if_given(&request.after, |text| fields::log_name("after", text)));
    let consistency = wrongs.take(fields::consistency(request.consistency));
    let (Some(space), Some(after), Some(consistency)) = (space, after, consistency) else {
        return Err(wrongs.into_report());
    };
    Ok(ListLogs { space, after, limit: fields::limit(request.limit, PAGE_NAMES_MAX), consistency })
}

/// A consistency as a message's field.
pub fn consistency_message(consistency: Consistency) -> i32 {
    match consistency {
        Consistency::Linearizable => v1::Consistency::Linearizable,
        Consistency::Local => v1::Consistency::Local,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use crate::types::{CellKey, LockName, ReaderName};

    use super::*;

    fn fields_of(report: ErrorReport) -> Vec<String> {
        report.field_violations.into_iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn defaults_are_main_linearizable_and_the_longest_page() {
        let asked = read(&v1::ReadRequest { log: "orders".to_owned(), ..Default::default() }).unwrap();
        assert_eq!((asked.space, asked.consistency), (SpaceName::main(), Consistency::Linearizable));
        assert_eq!((asked.from, asked.limit), (None, PAGE_RECORDS_MAX));
        let asked = list_logs(&v1::ListLogsRequest { limit: 7, ..Default::default() }).unwrap();
        assert_eq!((asked.after, asked.limit), (None, 7));
    }

    #[test]
    fn every_wrong_field_of_every_request_is_named() {
        let (space, log, consistency) = ("Ü".to_owned(), "a b".to_owned(), 99);
        let wrong = v1::ReadRequest { space: space.clone(), log: log.clone(), consistency, ..Default::default() };
        assert_eq!(fields_of(read(&wrong).unwrap_err()), ["space", "log", "consistency"]);
        let wrong = v1::LookupRequest { space: space.clone(), id: None, consistency };
        assert_eq!(fields_of(lookup(wrong).unwrap_err()), ["space", "id", "consistency"]);
        let wrong = v1::TailRequest { space: space.clone(), log: log.clone(), from: None, consistency };
        assert_eq!(fields_of(tail(&wrong).unwrap_err()), ["space", "log", "consistency"]);
        let wrong = v1::WaitRequest { space: space.clone(), condition: None, consistency };
        assert_eq!(fields_of(wait(wrong).unwrap_err()), ["space", "condition", "consistency"]);
        let wrong = v1::DescribeLogRequest { space: space.clone(), log: log.clone(), consistency };
        assert_eq!(fields_of(describe_log(&wrong).unwrap_err()), ["space", "log", "consistency"]);
        let wrong = v1::ListLogsRequest { space, after: log, limit: 0, consistency };
        assert_eq!(fields_of(list_logs(&wrong).unwrap_err()), ["space", "after", "consistency"]);
    }

    #[test]
    fn every_condition_comes_back() {
        let (space, consistency) = (SpaceName::main(), Consistency::Local);
        let log = LogName::new("orders").unwrap();
        let key = CellKey::new("stock/7").unwrap();
        let conditions = [
            Condition::LogEnd { log: log.clone(), end: Offset(7) },
            Condition::Decided { id: Id::new("pay-1").unwrap() },
            Condition::CellChanged { key: key.clone(), version: Version(3) },
            Condition::CellAtLeast { key, least: -3 },
            Condition::PositionReached { reader: ReaderName::new("billing").unwrap(), log, offset: Offset(4) },
            Condition::LockFree { lock: LockName::new("nightly").unwrap() },
        ];
        for condition in conditions {
            let asked = wait(wait_request(&space, &condition, consistency)).unwrap();
            assert_eq!(asked, Wait { space: space.clone(), condition, consistency });
        }
    }

    #[test]
    fn a_consistency_comes_back() {
        for whole in [Consistency::Linearizable, Consistency::Local] {
            assert_eq!(fields::consistency(consistency_message(whole)).ok(), Some(whole));
        }
    }
}
