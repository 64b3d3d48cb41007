//! What lasts: a log that is followed, a condition that is waited for.

use futures::stream::{BoxStream, StreamExt as _};
use tonic::{Request, Status};

use crate::engine::{Engine, TailEnd, Waited};
use crate::wire::v1;
use crate::wire::{self, Asked, ErrorReport, Reason};

use super::deadline::deadline;
use super::error::{absent_log, check_initialised, no_such_space, report, trimmed};

/// Pages of a log as it grows.
pub(super) type Pages = BoxStream<'static, Result<v1::TailResponse, Status>>;

pub(super) async fn tail(engine: &Engine, request: Request<v1::TailRequest>) -> Result<Pages, ErrorReport> {
    let deadline = deadline(request.metadata());
    check_initialised(engine)?;
    let asked = wire::tail(request.get_ref())?;
    let (space, log) = (asked.space.clone(), asked.log.clone());
    let tail = engine.tail(asked.space, asked.log, asked.from, asked.consistency, deadline).await?;
    let pages = tail.ok_or_else(|| no_such_space(engine, &space))?;
    let messages = pages.map(move |page| match page {
        Ok(page) => Ok(wire::tail_response(page)),
        Err(TailEnd::Trimmed { start }) => Err(trimmed(start).to_status()),
        Err(TailEnd::Absent(absent)) => Err(absent_log(absent, &space, &log).to_status()),
        Err(TailEnd::Failed(error)) => Err(report(&error).to_status()),
    });
    Ok(messages.boxed())
}

pub(super) async fn wait(engine: &Engine, request: Request<v1::WaitRequest>) -> Result<v1::WaitResponse, ErrorReport> {
    let deadline = deadline(request.metadata());
    check_initialised(engine)?;
    let asked = wire::wait(request.into_inner())?;
    let space = asked.space.clone();
    match engine.wait(asked.space, asked.condition, asked.consistency, deadline).await? {
        Waited::Met(met, applied) => {
            let unmet = || ErrorReport::without_effect(Reason::Internal, "an unknown fate was taken for an outcome");
            wire::wait_response(&met, applied).ok_or_else(unmet)
        }
        Waited::TimedOut(applied) => {
            let report = ErrorReport::without_effect(Reason::TimedOut, "the condition was not met in time");
            Err(report.with_fact("applied_index", applied))
        }
        Waited::NoSuchSpace => Err(no_such_space(engine, &space)),
        Waited::Rejected(id, rejected) => Err(wire::rejection(Asked::id(&space, &id), &rejected)),
    }
}
