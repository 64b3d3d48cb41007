//! Logs, cells, readers and locks, and the ids that write them: each call to where it is translated.

use tonic::{Request, Response, Status, Streaming};

use crate::engine::Engine;
use crate::wire::v1::{self, log_service_server::LogService};
use crate::wire::{self, ErrorReport};

use super::append_stream;
use super::error::{check_initialised, report};
use super::{follow, look, read, submit};

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
}

/// A call's answer, and nothing else.
type Answered<T> = Result<Response<T>, Status>;

fn answered<T>(answer: Result<T, ErrorReport>) -> Answered<T> {
    answer.map(Response::new).map_err(|report| report.to_status())
}

#[tonic::async_trait]
impl LogService for Logs {
    async fn append(&self, request: Request<v1::AppendRequest>) -> Answered<v1::AppendResponse> {
        answered(submit::append(&self.engine, request).await).map(|response| self.with_leader(response))
    }

    type AppendStreamStream = append_stream::Responses;

    async fn append_stream(
        &self,
        request: Request<Streaming<v1::AppendStreamRequest>>,
    ) -> Answered<Self::AppendStreamStream> {
        check_initialised(&self.engine).map_err(|report| report.to_status())?;
        let responses = append_stream::serve(&self.engine, request.into_inner());
        let responses = responses.map_err(|error| report(&error).to_status())?;
        Ok(self.with_leader(Response::new(responses)))
    }

    async fn submit(&self, request: Request<v1::SubmitRequest>) -> Answered<v1::SubmitResponse> {
        answered(submit::submit(&self.engine, request).await).map(|response| self.with_leader(response))
    }

    async fn cancel(&self, request: Request<v1::CancelRequest>) -> Answered<v1::CancelResponse> {
        answered(submit::cancel(&self.engine, request).await)
    }

    type TailStream = follow::Pages;

    async fn tail(&self, request: Request<v1::TailRequest>) -> Answered<Self::TailStream> {
        answered(follow::tail(&self.engine, request).await)
    }

    async fn wait(&self, request: Request<v1::WaitRequest>) -> Answered<v1::WaitResponse> {
        answered(follow::wait(&self.engine, request).await)
    }

    async fn read(&self, request: Request<v1::ReadRequest>) -> Answered<v1::ReadResponse> {
        answered(read::read(&self.engine, request).await)
    }

    async fn lookup(&self, request: Request<v1::LookupRequest>) -> Answered<v1::LookupResponse> {
        answered(read::lookup(&self.engine, request).await)
    }

    async fn describe_log(&self, request: Request<v1::DescribeLogRequest>) -> Answered<v1::DescribeLogResponse> {
        answered(read::describe_log(&self.engine, request).await)
    }

    async fn list_logs(&self, request: Request<v1::ListLogsRequest>) -> Answered<v1::ListLogsResponse> {
        answered(read::list_logs(&self.engine, request).await)
    }

    async fn get_cell(&self, request: Request<v1::GetCellRequest>) -> Answered<v1::GetCellResponse> {
        answered(look::get_cell(&self.engine, request).await)
    }

    async fn list_cells(&self, request: Request<v1::ListCellsRequest>) -> Answered<v1::ListCellsResponse> {
        answered(look::list_cells(&self.engine, request).await)
    }

    async fn get_position(&self, request: Request<v1::GetPositionRequest>) -> Answered<v1::GetPositionResponse> {
        answered(look::get_position(&self.engine, request).await)
    }

    async fn list_positions(&self, request: Request<v1::ListPositionsRequest>) -> Answered<v1::ListPositionsResponse> {
        answered(look::list_positions(&self.engine, request).await)
    }

    async fn get_lock(&self, request: Request<v1::GetLockRequest>) -> Answered<v1::GetLockResponse> {
        answered(look::get_lock(&self.engine, request).await)
    }

    async fn list_locks(&self, request: Request<v1::ListLocksRequest>) -> Answered<v1::ListLocksResponse> {
        answered(look::list_locks(&self.engine, request).await)
    }

    async fn describe_space(&self, request: Request<v1::DescribeSpaceRequest>) -> Answered<v1::DescribeSpaceResponse> {
        answered(look::describe_space(&self.engine, request).await)
    }

    async fn list_spaces(&self, request: Request<v1::ListSpacesRequest>) -> Answered<v1::ListSpacesResponse> {
        answered(look::list_spaces(&self.engine, request).await)
    }
}
