//! Undoing: of what was done, again by another command, of what was never sent and comes then, of what was cancelled, of
//! what was refused, of what is on its way at the same moment, and of what was done long ago, before restarts. Others are
//! done only while it is in force. P2 and P10 insist that what must not be done is nowhere, P3 that each id keeps its
//! outcome, P22 that each outcome is the right one.

use std::collections::VecDeque;
use std::time::Duration;

use futures::future::join;
use rand::RngExt as _;
use tokio::time::sleep;
use uuid::Uuid;

use super::work::Work;
use crate::command::{add_up, cell_absent, command, compensate, fate_is, record};
use crate::history::{CommandNumber, Identity, Job};
use crate::proto::{Guard, SubmitRequest, WantedFate};
use crate::sample;

/// Between two undoings.
const BREATH: Duration = Duration::from_millis(350);
/// How many targets are kept, to be undone long after they were done.
const KEPT: usize = 60;
/// What they change.
const CELL: &str = "undone/sum";
const LOG: &str = "undone";
/// Before a cancel is sent again.
const BACKOFF: Duration = Duration::from_millis(25);

/// A command that is undone, or undoes.
struct Made {
    number: CommandNumber,
    request: SubmitRequest,
    id: Identity,
}

pub(super) async fn run(work: Work) {
    let mut old: VecDeque<Made> = VecDeque::new();
    while !work.is_stopped() {
        let case = rand::rng().random_range(0..7);
        if one(&work, case, &mut old).await.is_none() {
            return;
        }
        sleep(BREATH).await;
    }
}

/// One case. None: the load was stopped first.
async fn one(work: &Work, case: u8, old: &mut VecDeque<Made>) -> Option<()> {
    let target = made_target(work, case == 3);
    let undoing = made_undoing(work, &target);
    match case {
        // Done, undone, undone again by another and by the same.
        0 => {
            settle(work, &target).await?;
            build_on(work, &target).await?;
            settle(work, &undoing).await?;
            build_on(work, &target).await?;
            settle(work, &made_undoing(work, &target)).await?;
            settle(work, &undoing).await?;
        }
        // Unseen: it never comes to be.
        1 => {
            settle(work, &undoing).await?;
            settle(work, &target).await?;
        }
        // Cancelled before or after it was sent.
        2 => {
            if rand::rng().random_ratio(1, 2) {
                work.try_command(target.number, &target.request, work.turn()).await;
            }
            cancel(work, &target).await?;
            settle(work, &undoing).await?;
        }
        // Refused. The undoing of an undoing that had nothing to undo has nothing to undo either.
        3 => {
            settle(work, &target).await?;
            settle(work, &undoing).await?;
            settle(work, &made_undoing(work, &undoing)).await?;
        }
        // Both at once, at two nodes.
        4 => {
            let turn = work.turn();
            join(
                work.try_command(target.number, &target.request, turn),
                work.try_command(undoing.number, &undoing.request, turn + 1),
            )
            .await;
            settle(work, &undoing).await?;
            settle(work, &target).await?;
        }
        // Undone twice at once: one of the two is too late.
        5 => {
            settle(work, &target).await?;
            let other = made_undoing(work, &target);
            let turn = work.turn();
            join(
                work.try_command(undoing.number, &undoing.request, turn),
                work.try_command(other.number, &other.request, turn + 1),
            )
            .await;
            settle(work, &undoing).await?;
            settle(work, &other).await?;
        }
        // Done now, undone when many others have been.
        _ => {
            settle(work, &target).await?;
            old.push_back(target);
            if old.len() > KEPT
                && let Some(target) = old.pop_front()
            {
                let undoing = made_undoing(work, &target);
                settle(work, &undoing).await?;
                build_on(work, &target).await?;
                look(work, &target).await;
            }
            return Some(());
        }
    }
    look(work, &target).await;
    Some(())
}

fn made(work: &Work, job: Job, request: SubmitRequest) -> Made {
    let number = work.history.command(work.client, job, &request);
    let id = Identity::of(&request.id.clone().unwrap_or_default());
    Made { number, request, id }
}

fn made_target(work: &Work, refused: bool) -> Made {
    let id = format!("target/{}", Uuid::new_v4().simple());
    let guards: Vec<Guard> = if refused { vec![cell_absent(CELL)] } else { vec![] };
    let line = record(LOG, sample::marked(&id));
    // Without the guard: the first makes the cell.
    made(work, Job::Prepare, command(&id, guards, vec![add_up(CELL, 3), line]))
}

fn made_undoing(work: &Work, target: &Made) -> Made {
    let id = format!("undoing/{}", Uuid::new_v4().simple());
    let line = record(LOG, sample::marked(&id));
    made(work, Job::Prepare, command(&id, vec![], vec![add_up(CELL, -3), compensate(&target.id.text), line]))
}

/// Sends a command that is done only while the target is in force.
async fn build_on(work: &Work, target: &Made) -> Option<()> {
    let id = format!("built/{}", Uuid::new_v4().simple());
    let guards = vec![fate_is(&target.id.text, WantedFate::WantedInForce)];
    settle(work, &made(work, Job::Prepare, command(&id, guards, vec![record(LOG, sample::marked(&id))]))).await
}

/// Sends it until it is decided. None: the load was stopped.
async fn settle(work: &Work, made: &Made) -> Option<()> {
    work.settle(made.number, &made.request).await.map(drop)
}

/// Cancels it until that is answered: the outcome that it has then is its outcome.
async fn cancel(work: &Work, made: &Made) -> Option<()> {
    for turn in work.turn().. {
        if work.is_stopped() {
            break;
        }
        if work.try_cancel(made.number, &made.request, turn).await {
            return Some(());
        }
        sleep(BACKOFF).await;
    }
    None
}

/// Asks two nodes what became of it.
async fn look(work: &Work, made: &Made) {
    let turn = work.turn();
    work.ask_fate(turn, "", &made.id, true).await;
    work.ask_fate(turn + 1, "", &made.id, false).await;
}
