//! Records, logs and the fates of ids, as they are when they are asked for.

use tonic::Request;

use crate::engine::{Engine, LogHead};
use crate::types::{Listing, LogDescription, LogName, Page};
use crate::wire::v1;
use crate::wire::{self, Asked, ErrorReport};

use super::deadline::deadline;
use super::error::{check_initialised, no_such_log, no_such_space, trimmed};

pub(super) async fn read(engine: &Engine, request: Request<v1::ReadRequest>) -> Result<v1::ReadResponse, ErrorReport> {
    let deadline = deadline(request.metadata());
    check_initialised(engine)?;
    let asked = wire::read(request.get_ref())?;
    let (space, log) = (asked.space.clone(), asked.log.clone());
    let seen = engine.records(asked.space, asked.log, asked.from, asked.limit, asked.consistency, deadline).await?;
    let page = seen.found.ok_or_else(|| no_such_log(engine, &space, &log))?;
    if asked.from.is_some_and(|from| from < page.start) {
        return Err(trimmed(page.start));
    }
    Ok(wire::read_response(Page {
        records: page.records,
        next: page.next,
        end: page.end,
        start: page.start,
        applied: seen.applied,
    }))
}

pub(super) async fn lookup(
    engine: &Engine,
    request: Request<v1::LookupRequest>,
) -> Result<v1::LookupResponse, ErrorReport> {
    let deadline = deadline(request.metadata());
    check_initialised(engine)?;
    let asked = wire::lookup(request.into_inner())?;
    let (space, id) = (asked.space.clone(), asked.id.clone());
    let seen = engine.lookup(asked.space, asked.id, asked.consistency, deadline).await?;
    let fate = seen.found.ok_or_else(|| no_such_space(engine, &space))?;
    let fate = fate.map_err(|rejected| wire::rejection(Asked::id(&space, &id), &rejected))?;
    Ok(wire::lookup_response(&fate, seen.applied))
}

pub(super) async fn describe_log(
    engine: &Engine,
    request: Request<v1::DescribeLogRequest>,
) -> Result<v1::DescribeLogResponse, ErrorReport> {
    let deadline = deadline(request.metadata());
    check_initialised(engine)?;
    let asked = wire::describe_log(request.get_ref())?;
    let (space, log) = (asked.space.clone(), asked.log.clone());
    let seen = engine.log(asked.space, asked.log, asked.consistency, deadline).await?;
    let head = seen.found.ok_or_else(|| no_such_log(engine, &space, &log))?;
    Ok(wire::describe_log_response(&described(log, &head), seen.applied))
}

pub(super) async fn list_logs(
    engine: &Engine,
    request: Request<v1::ListLogsRequest>,
) -> Result<v1::ListLogsResponse, ErrorReport> {
    let deadline = deadline(request.metadata());
    check_initialised(engine)?;
    let asked = wire::list_logs(request.get_ref())?;
    let space = asked.space.clone();
    let seen = engine.logs(asked.space, asked.after, asked.limit, asked.consistency, deadline).await?;
    let (logs, more) = seen.found.ok_or_else(|| no_such_space(engine, &space))?;
    let logs = logs.into_iter().map(|(name, head)| described(name, &head)).collect();
    Ok(wire::list_logs_response(&Listing { logs, more, applied: seen.applied }))
}

fn described(name: LogName, head: &LogHead) -> LogDescription {
    LogDescription {
        name,
        start: head.start,
        end: head.end,
        bytes: head.bytes(),
        created: head.created,
        retention: head.retention,
    }
}
