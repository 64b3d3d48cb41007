//! Commands and cancels: what one is decided to be, or that it is not known.

use tokio::time::Instant;
use tonic::Request;

use crate::engine::Engine;
use crate::types::{Answer, Proposal};
use crate::wire::v1;
use crate::wire::{self, ErrorReport};

use super::deadline::deadline;
use super::error::check_initialised;

pub(super) async fn append(
    engine: &Engine,
    request: Request<v1::AppendRequest>,
) -> Result<v1::AppendResponse, ErrorReport> {
    let deadline = deadline(request.metadata());
    check_initialised(engine)?;
    let proposal = Proposal::Command(wire::append_command(request.into_inner())?);
    wire::append_answer((&proposal).into(), &decided(engine, &proposal, deadline).await?)
}

pub(super) async fn submit(
    engine: &Engine,
    request: Request<v1::SubmitRequest>,
) -> Result<v1::SubmitResponse, ErrorReport> {
    let deadline = deadline(request.metadata());
    check_initialised(engine)?;
    let proposal = Proposal::Command(wire::submit_command(request.into_inner())?);
    wire::submit_answer((&proposal).into(), &decided(engine, &proposal, deadline).await?)
}

pub(super) async fn cancel(
    engine: &Engine,
    request: Request<v1::CancelRequest>,
) -> Result<v1::CancelResponse, ErrorReport> {
    let deadline = deadline(request.metadata());
    check_initialised(engine)?;
    let proposal = Proposal::Cancel(wire::cancel(request.into_inner())?);
    wire::cancel_response((&proposal).into(), &decided(engine, &proposal, deadline).await?)
}

async fn decided(engine: &Engine, proposal: &Proposal, deadline: Instant) -> Result<Answer, ErrorReport> {
    Ok(engine.submit(proposal, deadline).await?)
}
