//! Logs and spaces that come and go: a log of the client's own that is deleted, listed, and goes on, and spaces that are
//! used, deleted, and then asked for again under an id that they knew, under a new one, and by their name. P21 insists
//! that none of it comes back, P24 that no list has it, P4 and P11 that no offset means two records, P5 that all replicas
//! let the same go.

use std::time::Duration;

use tokio::time::sleep;
use uuid::Uuid;

use super::work::Work;
use crate::command::{
    SYSTEM, command, command_in, create_log, create_space, delete_log, delete_space, id, put, record,
};
use crate::history::{Job, Sealed};
use crate::proto::{Action, SubmitRequest};

/// Between two rounds.
const BREATH: Duration = Duration::from_millis(400);
const LOG: &str = "notes";
/// How many logs a page of their list has.
const PAGE: u32 = 5;

pub(super) async fn run(work: Work) {
    for round in 0.. {
        if work.is_stopped() || log_goes(&work, round).await.is_none() || space_goes(&work, round).await.is_none() {
            return;
        }
        sleep(BREATH).await;
    }
}

/// None: the load was stopped before it was known what became of something.
async fn log_goes(work: &Work, round: u64) -> Option<()> {
    let log = format!("drafts-{}", work.client);
    let text = |what: &str| format!("{what}/{}/{round}/{}", work.client, Uuid::new_v4().simple());
    for _ in 0..3 {
        let draft = text("draft");
        work.command(Job::Prepare, &command(&draft, vec![], vec![record(&log, draft.clone())])).await?;
    }
    let job = Job::DeleteLog { log: log.clone() };
    work.command(job, &command(&text("delete"), vec![], vec![delete_log(&log)])).await?;
    list(work, &log).await;
    // Every other time it is made again by a command, and by its next record otherwise.
    if round.is_multiple_of(2) {
        work.command(Job::Prepare, &command(&text("make"), vec![], vec![create_log(&log, None)])).await?;
        list(work, &log).await;
    }
    Some(())
}

/// Lists the first logs from a name on that comes just before this one, at any node.
async fn list(work: &Work, log: &str) {
    let before = log.strip_suffix(|_| true).unwrap_or_default();
    work.ask_logs(work.turn(), "", before, PAGE, true).await;
}

/// As above. What is in a space is known before that goes, or nobody could ever say what became of it.
async fn space_goes(work: &Work, round: u64) -> Option<()> {
    let space = format!("brief-{}-{round}-{}", work.client, Uuid::new_v4().simple());
    in_system(work, "create", &space, Job::Prepare, create_space(&space, None)).await?;
    let note = |text: &str| {
        let actions = vec![record(LOG, format!("{space}/{text}")), put("count", 1)];
        command_in(&space, id(&format!("{space}/{text}")), vec![], actions)
    };
    let known = note("first");
    let number = work.history.command(work.client, Job::Prepare, &known);
    work.settle(number, &known).await?;

    let job = Job::DeleteSpace { space: space.clone() };
    in_system(work, "delete", &space, job, delete_space(&space)).await?;
    // Each is turned away, and nothing of it is ever done.
    work.settle(number, &known).await;
    work.command(Job::Prepare, &note("late")).await;
    let refused = in_system(work, "again", &space, Job::Prepare, create_space(&space, None)).await?;
    assert!(!refused.is_applied(), "the space {space} came back");
    Some(())
}

async fn in_system(work: &Work, what: &str, space: &str, job: Job, action: Action) -> Option<Sealed> {
    let request: SubmitRequest = command_in(SYSTEM, id(&format!("{what}/{space}")), vec![], vec![action]);
    work.command(job, &request).await
}
