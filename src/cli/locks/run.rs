//! `lock run`: a command that runs only while a lock is held.
//!
//! - The command never runs without the lock, as far as this process can know: it is ended when the lock may be lost, with
//!   a time to end that is over before anybody else can have it.
//! - The lock is released at the end, however the command ended; if that can't be, it is free when its time is over.

use std::time::Duration;

use crate::cli::arguments::Run;
use crate::cli::call::Call;
use crate::cli::exit::Exit;
use crate::cli::group::{self, Group};
use crate::cli::holder::holder;
use crate::cli::output::Output;
use crate::cli::problem::Problem;
use crate::cli::signals::Signals;
use crate::client::lock::Held;

/// How a run came to its end.
enum End {
    /// By itself.
    Ended,
    /// Somebody ended us.
    Told,
    /// The lock may be lost.
    Lost,
}

pub(super) async fn run(call: &Call, run: Run) -> Result<Exit, Problem> {
    let Run { name, holding, grace, command } = run;
    let mut signals = Signals::listen()?;
    let mut wanted = call.client.lock(&name, &holder(holding.holder)?).time(holding.time);
    if let Some(wait) = holding.wait {
        wanted = wanted.wait(wait);
    }
    let held = tokio::select! {
        held = wanted.acquire() => held?,
        number = signals.next() => return Ok(Exit::Command(number)),
    };
    let Some(mut command) = group::command(&command) else { return Ok(Exit::Usage) };
    command.env("ONCELOG_LOCK", name.as_str()).env("ONCELOG_LOCK_TOKEN", held.token().to_string());
    let ended = match Group::start(&mut command) {
        Ok(group) => {
            let _terminal = group.with_terminal();
            hold(&held, group, &mut signals, grace).await
        }
        Err(problem) => Err(problem),
    };
    if let Ok((End::Lost, _)) = ended {
        return Err(Problem::in_doubt(
            format!("lock `{name}` may be lost, so the command was ended"),
            "Check why no node could renew the lock, and what the command had done.",
        ));
    }
    release(&call.out, held).await;
    ended.map(|(_, exit)| exit)
}

/// Lets the command run until it ends or has to be ended.
async fn hold(held: &Held, mut group: Group, signals: &mut Signals, grace: Duration) -> Result<(End, Exit), Problem> {
    let mut end = tokio::select! {
        // A lock that is lost comes first, whatever else has happened.
        biased;
        () = held.lost() => End::Lost,
        status = group.ended() => return Ok((End::Ended, Exit::Command(group::code(status.map_err(|error| unseen(&error))?)))),
        _number = signals.next() => End::Told,
    };
    let status = match end {
        End::Lost => group.end(grace.min(held.grace())).await,
        End::Ended | End::Told => tokio::select! {
            biased;
            // Nobody may wait, and whoever sent the signal must hear of it, too.
            () = held.lost() => {
                end = End::Lost;
                group.end(Duration::ZERO).await
            }
            status = group.end(grace) => status,
            // Nobody wants to wait.
            _again = signals.next() => group.end(Duration::ZERO).await,
        },
    };
    Ok((end, Exit::Command(group::code(status.map_err(|error| unseen(&error))?))))
}

async fn release(out: &Output, held: Held) {
    let name = held.name().clone();
    if let Err(error) = held.release().await {
        let message = format!("lock `{name}` was not released: {error}");
        out.report(&Problem::failure(message, "If it is still held, it is free when its time is over."));
    }
}

fn unseen(error: &std::io::Error) -> Problem {
    Problem::failure(format!("cannot see how the command ended: {error}"), "Check the limits of this machine.")
}
