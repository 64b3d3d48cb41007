//! For operators. Every answer is about this node, except that of `Init`.

use std::time::Duration;

use tonic::{Request, Response, Status};

use crate::engine::{Engine, InitError};
use crate::types::AttemptEffect;
use crate::wire::v1::{self, admin_service_server::AdminService};
use crate::wire::{self, ErrorReport, Reason};

use super::deadline::deadline;
use super::error::check_initialised;

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
        let internal =
            |code: Reason, message: String| ErrorReport::new(code, AttemptEffect::Unknown, message).to_status();
        let snapshotted = tokio::time::timeout_at(deadline, self.engine.snapshot())
            .await
            .map_err(|_| internal(Reason::OutcomeUnknown, unfinished.to_owned()))?
            .map_err(|error| internal(Reason::Internal, error.to_string()))?;
        Ok(Response::new(wire::snapshot_response(snapshotted)))
    }
}

fn init_report(error: &InitError) -> ErrorReport {
    let (reason, effect) = match error {
        InitError::NoPeers | InitError::NotAmongPeers { .. } | InitError::Twice { .. } => {
            (Reason::Malformed, AttemptEffect::None)
        }
        InitError::NoAnswer { .. } => (Reason::NotServing, AttemptEffect::None),
        InitError::Taken { .. } | InitError::Joining(_) => (Reason::ClusterMismatch, AttemptEffect::None),
        InitError::Failed(_) => (Reason::Internal, AttemptEffect::Unknown),
    };
    let mut report = ErrorReport::new(reason, effect, error.to_string());
    if matches!(error, InitError::NoAnswer { .. }) {
        report = report.with_retry_after(Duration::from_millis(500));
    }
    report
}
