//! `lock run`: a command that runs only while a lock is held.
//!
//! - The command never runs without the lock, as far as this process can know: it is ended when the lock may be lost, with
//!   a time to end that is over before anybody else can have it.
//! - The lock is released at the end, however the command ended; if that can't be, it is free when its time is over.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use crate::cli::arguments::Run;
use crate::cli::call::Call;
use crate::cli::exit::Exit;
use crate::cli::group::{self, Group};
use crate::cli::problem::Problem;
use crate::cli::signals::Signals;
use crate::client::lock::{Held, Wanted};
use crate::types::Holder;

pub(super) async fn run(call: &Call, run: Run, holder: &Holder) -> Result<Exit, Problem> {
    let Run { name, holding, grace, command } = run;
    let mut signals = Signals::listen()?;
    let wanted = call.client.lock(&name, holder).time(holding.time);
    let wanted = holding.wait.into_iter().fold(wanted, Wanted::wait);
    let held = tokio::select! {
        held = wanted.acquire() => held?,
        number = signals.next() => return Ok(Exit::Command(number)),
    };
    let Some(mut command) = group::command(&command) else { return Ok(Exit::Usage) };
    command.env("ONCELOG_LOCK", name.as_str()).env("ONCELOG_LOCK_TOKEN", held.token().to_string());
    let ended = match Group::start(&mut command) {
        Ok(group) => {
            let _terminal = group.with_terminal();
            hold(&held, group, &mut signals, grace).await.map_err(|error| {
                let message = format!("cannot see how the command ended: {error}");
                Problem::failure(message, "Check the limits of this machine.")
            })
        }
        Err(problem) => Err(problem),
    };
    if let Ok(None) = ended {
        return Err(Problem::in_doubt(
            format!("lock `{name}` may be lost, so the command was ended"),
            "Check why no node could renew the lock, and what the command had done.",
        ));
    }
    if let Err(error) = held.release().await {
        let message = format!("lock `{name}` was not released: {error}");
        call.out.report(&Problem::failure(message, "If it is still held, it is free when its time is over."));
    }
    ended.map(|status| status.map_or(Exit::Failure, |status| Exit::Command(group::code(status))))
}

/// Lets the command run until it ends or has to be ended. None: the lock may be lost, and the command was ended for it.
async fn hold(held: &Held, mut group: Group, signals: &mut Signals, grace: Duration) -> io::Result<Option<ExitStatus>> {
    tokio::select! {
        // A lock that is lost comes first, whatever else has happened.
        biased;
        () = held.lost() => return group.end(grace.min(held.grace())).await.map(|_| None),
        status = group.ended() => return status.map(Some),
        _number = signals.next() => {}
    }
    tokio::select! {
        biased;
        // Nobody may wait, and whoever sent the signal must hear of it, too.
        () = held.lost() => group.end(Duration::ZERO).await.map(|_| None),
        status = group.end(grace) => status.map(Some),
        // Nobody wants to wait.
        _again = signals.next() => group.end(Duration::ZERO).await.map(Some),
    }
}
