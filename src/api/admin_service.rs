//! For operators. Every answer is about this node, except that of `Init`.

use std::time::Duration;

use tonic::{Request, Response, Status};

use crate::engine::{Engine, InitError, SnapshotError};
use crate::types::AttemptEffect;
use crate::wire::v1::{self, admin_service_server::AdminService};
use crate::wire::{self, ErrorReport, Reason};

use super::deadline::deadline;
use super::error::check_initialised;

/// When a node that is starting or stopping may be worth another try.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// The service.
pub(super) struct Admin {
    engine: Engine,
}

impl Admin {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine }
    }
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn init(&self, request: Request<v1::InitRequest>) -> Result<Response<v1::InitResponse>, Status> {
        let peers = request.into_inner().peers;
        let founded = self.engine.init(&peers).await.map_err(|error| init_report(&error).to_status())?;
        Ok(Response::new(wire::init_response(&founded)))
    }

    async fn status(&self, _request: Request<v1::StatusRequest>) -> Result<Response<v1::StatusResponse>, Status> {
        Ok(Response::new(wire::status_response(&self.engine.status())))
    }

    async fn snapshot(&self, request: Request<v1::SnapshotRequest>) -> Result<Response<v1::SnapshotResponse>, Status> {
        let deadline = deadline(request.metadata());
        check_initialised(&self.engine).map_err(|report| report.to_status())?;
        let unfinished = "the snapshot was not finished before the deadline; it goes on, and may be asked for again";
        let unfinished = |_| ErrorReport::outcome_unknown(unfinished).to_status();
        let not_serving = |error: SnapshotError| {
            let effect = match error {
                SnapshotError::NothingApplied => AttemptEffect::None,
                SnapshotError::Stopped => AttemptEffect::Unknown,
            };
            let report = ErrorReport::new(Reason::NotServing, effect, error.to_string());
            report.with_retry_after(RETRY_AFTER).to_status()
        };
        let snapshotted = tokio::time::timeout_at(deadline, self.engine.snapshot()).await;
        let snapshotted = snapshotted.map_err(unfinished)?.map_err(not_serving)?;
        Ok(Response::new(wire::snapshot_response(snapshotted)))
    }
}

fn init_report(error: &InitError) -> ErrorReport {
    let (reason, effect) = match error {
        InitError::NoPeers
        | InitError::NotAmongPeers { .. }
        | InitError::Twice { .. }
        | InitError::WrongPort { .. } => (Reason::Malformed, AttemptEffect::None),
        InitError::NoAnswer { .. } | InitError::Joining(_) | InitError::Stopping => {
            (Reason::NotServing, AttemptEffect::None)
        }
        InitError::Taken { .. } | InitError::OtherMembers { .. } => (Reason::ClusterMismatch, AttemptEffect::None),
        InitError::Failed(_) => (Reason::Internal, AttemptEffect::Unknown),
    };
    let report = ErrorReport::new(reason, effect, error.to_string());
    if reason == Reason::NotServing { report.with_retry_after(RETRY_AFTER) } else { report }
}
