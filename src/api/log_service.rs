//! Logs, and the ids that write them.

use futures::stream::{BoxStream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use crate::engine::{Engine, LogHead, Waited};
use crate::types::{Listing, LogDescription, LogName, Page, Proposal, SpaceName};
use crate::wire::v1::{self, log_service_server::LogService};
use crate::wire::{self, ErrorReport, Reason};

use super::append_stream;
use super::deadline::deadline;
use super::error::{check_initialised, not_found, report};

/// The service.
pub(super) struct Logs {
    engine: Engine,
}

impl Logs {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// Says where the leader is, if it is elsewhere.
    fn with_leader<T>(&self, mut response: Response<T>) -> Response<T> {
        let leader = self.engine.leader_elsewhere().and_then(|address| address.parse().ok());
        if let Some(leader) = leader {
            response.metadata_mut().insert(wire::LEADER, leader);
        }
        response
    }

    fn no_such_log(&self, space: &SpaceName, log: &LogName) -> ErrorReport {
        match self.engine.has_space(space) {
            Ok(true) => not_found(
                Reason::NoSuchLog,
                format!("there is no log {log} in space {space}; its first append makes it"),
            ),
            Ok(false) => no_such_space(space),
            Err(error) => report(&error),
        }
    }
}

fn no_such_space(space: &SpaceName) -> ErrorReport {
    not_found(Reason::NoSuchSpace, format!("there is no space {space}"))
}

#[tonic::async_trait]
impl LogService for Logs {
    async fn append(&self, request: Request<v1::AppendRequest>) -> Result<Response<v1::AppendResponse>, Status> {
        let deadline = deadline(request.metadata());
        check_initialised(&self.engine).map_err(|report| report.to_status())?;
        let command = wire::append_command(request.into_inner()).map_err(|report| report.to_status())?;
        let answer = self.engine.submit(Proposal::Command(command), deadline).await;
        let answer = answer.map_err(|error| report(&error).to_status())?;
        let response = wire::append_answer(&answer).map_err(|report| report.to_status())?;
        Ok(self.with_leader(Response::new(response)))
    }

    type AppendStreamStream = append_stream::Responses;

    async fn append_stream(
        &self,
        request: Request<Streaming<v1::AppendStreamRequest>>,
    ) -> Result<Response<Self::AppendStreamStream>, Status> {
        check_initialised(&self.engine).map_err(|report| report.to_status())?;
        let responses = append_stream::serve(&self.engine, request.into_inner());
        let responses = responses.map_err(|error| report(&error).to_status())?;
        Ok(self.with_leader(Response::new(responses)))
    }

    async fn cancel(&self, request: Request<v1::CancelRequest>) -> Result<Response<v1::CancelResponse>, Status> {
        let deadline = deadline(request.metadata());
        check_initialised(&self.engine).map_err(|report| report.to_status())?;
        let cancel = wire::cancel(request.into_inner()).map_err(|report| report.to_status())?;
        let answer = self.engine.submit(Proposal::Cancel(cancel), deadline).await;
        let answer = answer.map_err(|error| report(&error).to_status())?;
        wire::cancel_response(&answer).map(Response::new).map_err(|report| report.to_status())
    }

    type TailStream = BoxStream<'static, Result<v1::TailResponse, Status>>;

    async fn tail(&self, request: Request<v1::TailRequest>) -> Result<Response<Self::TailStream>, Status> {
        let deadline = deadline(request.metadata());
        check_initialised(&self.engine).map_err(|report| report.to_status())?;
        let asked = wire::tail(request.get_ref()).map_err(|report| report.to_status())?;
        let space = asked.space.clone();
        let tail = self.engine.tail(asked.space, asked.log, asked.from, asked.consistency, deadline).await;
        let tail = tail.map_err(|error| report(&error).to_status())?;
        let pages = tail.ok_or_else(|| no_such_space(&space).to_status())?;
        let messages = pages.map(|page| match page {
            Ok(page) => Ok(wire::tail_response(page)),
            Err(error) => Err(report(&error).to_status()),
        });
        Ok(Response::new(messages.boxed()))
    }

    async fn wait(&self, request: Request<v1::WaitRequest>) -> Result<Response<v1::WaitResponse>, Status> {
        let deadline = deadline(request.metadata());
        check_initialised(&self.engine).map_err(|report| report.to_status())?;
        let asked = wire::wait(request.into_inner()).map_err(|report| report.to_status())?;
        let space = asked.space.clone();
        let waited = self.engine.wait(asked.space, asked.condition, asked.consistency, deadline).await;
        match waited.map_err(|error| report(&error).to_status())? {
            Waited::Met(met, applied) => {
                let unmet =
                    || ErrorReport::without_effect(Reason::Internal, "an unknown fate was taken for an outcome");
                wire::wait_response(&met, applied).map(Response::new).ok_or_else(|| unmet().to_status())
            }
            Waited::TimedOut(applied) => {
                let report =
                    ErrorReport::without_effect(Reason::TimedOut, "the condition did not come to hold in time");
                Err(report.with_fact("applied_index", applied).to_status())
            }
            Waited::NoSuchSpace => Err(no_such_space(&space).to_status()),
        }
    }

    async fn read(&self, request: Request<v1::ReadRequest>) -> Result<Response<v1::ReadResponse>, Status> {
        let deadline = deadline(request.metadata());
        check_initialised(&self.engine).map_err(|report| report.to_status())?;
        let asked = wire::read(request.get_ref()).map_err(|report| report.to_status())?;
        let (space, log) = (asked.space.clone(), asked.log.clone());
        let seen =
            self.engine.records(asked.space, asked.log, asked.from, asked.limit, asked.consistency, deadline).await;
        let seen = seen.map_err(|error| report(&error).to_status())?;
        let page = seen.found.ok_or_else(|| self.no_such_log(&space, &log).to_status())?;
        let page =
            Page { records: page.records, next: page.next, end: page.end, start: page.start, applied: seen.applied };
        Ok(Response::new(wire::read_response(page)))
    }

    async fn lookup(&self, request: Request<v1::LookupRequest>) -> Result<Response<v1::LookupResponse>, Status> {
        let deadline = deadline(request.metadata());
        check_initialised(&self.engine).map_err(|report| report.to_status())?;
        let asked = wire::lookup(request.into_inner()).map_err(|report| report.to_status())?;
        let space = asked.space.clone();
        let seen = self.engine.lookup(asked.space, asked.id, asked.consistency, deadline).await;
        let seen = seen.map_err(|error| report(&error).to_status())?;
        let fate = seen.found.ok_or_else(|| no_such_space(&space).to_status())?;
        Ok(Response::new(wire::lookup_response(&fate, seen.applied)))
    }

    async fn describe_log(
        &self,
        request: Request<v1::DescribeLogRequest>,
    ) -> Result<Response<v1::DescribeLogResponse>, Status> {
        let deadline = deadline(request.metadata());
        check_initialised(&self.engine).map_err(|report| report.to_status())?;
        let asked = wire::describe_log(request.get_ref()).map_err(|report| report.to_status())?;
        let (space, log) = (asked.space.clone(), asked.log.clone());
        let seen = self.engine.log(asked.space, asked.log, asked.consistency, deadline).await;
        let seen = seen.map_err(|error| report(&error).to_status())?;
        let head = seen.found.ok_or_else(|| self.no_such_log(&space, &log).to_status())?;
        Ok(Response::new(wire::describe_log_response(&described(log, &head), seen.applied)))
    }

    async fn list_logs(&self, request: Request<v1::ListLogsRequest>) -> Result<Response<v1::ListLogsResponse>, Status> {
        let deadline = deadline(request.metadata());
        check_initialised(&self.engine).map_err(|report| report.to_status())?;
        let asked = wire::list_logs(request.get_ref()).map_err(|report| report.to_status())?;
        let space = asked.space.clone();
        let seen = self.engine.logs(asked.space, asked.after, asked.limit, asked.consistency, deadline).await;
        let seen = seen.map_err(|error| report(&error).to_status())?;
        let (logs, more) = seen.found.ok_or_else(|| no_such_space(&space).to_status())?;
        let logs = logs.into_iter().map(|(name, head)| described(name, &head)).collect();
        Ok(Response::new(wire::list_logs_response(&Listing { logs, more, applied: seen.applied })))
    }
}

fn described(name: LogName, head: &LogHead) -> LogDescription {
    LogDescription { name, start: head.start, end: head.end, bytes: head.bytes, created: head.created }
}
