//! Cells, readers' positions, locks and spaces, as they are when they are asked for.

use tonic::Request;

use crate::engine::Engine;
use crate::types::{KeyedCell, Listed};
use crate::wire::v1;
use crate::wire::{self, ErrorReport};

use super::deadline::deadline;
use super::error::{check_initialised, no_such_cell, no_such_space};

pub(super) async fn get_cell(
    engine: &Engine,
    request: Request<v1::GetCellRequest>,
) -> Result<v1::GetCellResponse, ErrorReport> {
    let deadline = deadline(request.metadata());
    check_initialised(engine)?;
    let asked = wire::get_cell(request.get_ref())?;
    let (space, key) = (asked.space.clone(), asked.at.clone());
    let seen = engine.cell(asked.space, asked.at, asked.consistency, deadline).await?;
    let cell = seen.found.ok_or_else(|| no_such_space(engine, &space))?.ok_or_else(|| no_such_cell(&space, &key))?;
    Ok(wire::get_cell_response(&KeyedCell { key, cell }, seen.applied))
}

pub(super) async fn list_cells(
    engine: &Engine,
    request: Request<v1::ListCellsRequest>,
) -> Result<v1::ListCellsResponse, ErrorReport> {
    let deadline = deadline(request.metadata());
    check_initialised(engine)?;
    let asked = wire::list_cells(request.into_inner())?;
    let (space, list) = (asked.space.clone(), asked.at);
    let seen = engine.cells(asked.space, list.after, list.only, list.limit, asked.consistency, deadline).await?;
    let (items, more) = seen.found.ok_or_else(|| no_such_space(engine, &space))?;
    Ok(wire::list_cells_response(&Listed { items, more, applied: seen.applied }))
}

pub(super) async fn get_position(
    engine: &Engine,
    request: Request<v1::GetPositionRequest>,
) -> Result<v1::GetPositionResponse, ErrorReport> {
    let deadline = deadline(request.metadata());
    check_initialised(engine)?;
    let asked = wire::get_position(request.get_ref())?;
    let (space, (reader, log)) = (asked.space.clone(), asked.at);
    let seen = engine.position(asked.space, reader, log, asked.consistency, deadline).await?;
    let position = seen.found.ok_or_else(|| no_such_space(engine, &space))?;
    Ok(wire::get_position_response(&position, seen.applied))
}

pub(super) async fn list_positions(
    engine: &Engine,
    request: Request<v1::ListPositionsRequest>,
) -> Result<v1::ListPositionsResponse, ErrorReport> {
    let deadline = deadline(request.metadata());
    check_initialised(engine)?;
    let asked = wire::list_positions(request.get_ref())?;
    let (space, list) = (asked.space.clone(), asked.at);
    let seen = engine.positions(asked.space, list.after, list.only, list.limit, asked.consistency, deadline).await?;
    let (items, more) = seen.found.ok_or_else(|| no_such_space(engine, &space))?;
    Ok(wire::list_positions_response(&Listed { items, more, applied: seen.applied }))
}

pub(super) async fn get_lock(
    engine: &Engine,
    request: Request<v1::GetLockRequest>,
) -> Result<v1::GetLockResponse, ErrorReport> {
    let deadline = deadline(request.metadata());
    check_initialised(engine)?;
    let asked = wire::get_lock(request.get_ref())?;
    let (space, name) = (asked.space.clone(), asked.at.clone());
    let seen = engine.lock(asked.space, asked.at, asked.consistency, deadline).await?;
    let reading = seen.found.ok_or_else(|| no_such_space(engine, &space))?;
    Ok(wire::get_lock_response(&name, &reading, seen.applied))
}

pub(super) async fn list_locks(
    engine: &Engine,
    request: Request<v1::ListLocksRequest>,
) -> Result<v1::ListLocksResponse, ErrorReport> {
    let deadline = deadline(request.metadata());
    check_initialised(engine)?;
    let asked = wire::list_locks(request.into_inner())?;
    let (space, list) = (asked.space.clone(), asked.at);
    let seen = engine.locks(asked.space, list.after, list.only, list.limit, asked.consistency, deadline).await?;
    let (items, more, clock) = seen.found.ok_or_else(|| no_such_space(engine, &space))?;
    Ok(wire::list_locks_response(&Listed { items, more, applied: seen.applied }, clock))
}

pub(super) async fn describe_space(
    engine: &Engine,
    request: Request<v1::DescribeSpaceRequest>,
) -> Result<v1::DescribeSpaceResponse, ErrorReport> {
    let deadline = deadline(request.metadata());
    check_initialised(engine)?;
    let asked = wire::describe_space(request.get_ref())?;
    let space = asked.space.clone();
    let seen = engine.space(asked.space, asked.consistency, deadline).await?;
    let description = seen.found.ok_or_else(|| no_such_space(engine, &space))?;
    Ok(wire::describe_space_response(&description, &engine.duplicates(&space), seen.applied))
}

pub(super) async fn list_spaces(
    engine: &Engine,
    request: Request<v1::ListSpacesRequest>,
) -> Result<v1::ListSpacesResponse, ErrorReport> {
    let deadline = deadline(request.metadata());
    check_initialised(engine)?;
    let asked = wire::list_spaces(request.get_ref())?;
    let seen = engine.spaces(asked.at.after, asked.at.limit, asked.consistency, deadline).await?;
    let (items, more) = seen.found.unwrap_or_default();
    Ok(wire::list_spaces_response(&Listed { items, more, applied: seen.applied }))
}
