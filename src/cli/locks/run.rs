//! `lock run`: a command that runs only while a lock is held.
//!
//! - The command never runs without the lock, as far as this process can know: it is ended when the lock may be lost, with
//!   a time to end that is over before anybody else can have it.
//! - The lock is released at the end, however the command ended; if that can't be, it is free when its time is over.

use std::time::Duration;

use crate::cli::arguments::{Options, Run};
use crate::cli::exit::Exit;
use crate::cli::group::{self, Group};
use crate::cli::report::{self, Problem};
use crate::cli::signals::Signals;
use crate::client::Client;
use crate::client::lock::Held;

/// Until the holder knows that the lock may be lost, a tenth of its time is left.
const LEFT_PART: u32 = 10;

/// How a run came to its end.
enum End {
    /// By itself.
    Ended,
    /// Somebody ended us.
    Told,
    /// The lock may be lost.
    Lost,
}

pub(super) async fn run(client: &Client, options: &Options, run: Run) -> Result<Exit, Problem> {
    let Run { name, holding, grace, command } = run;
    let mut signals = Signals::listen()?;
    let holder = super::holder(holding.holder)?;
    let mut wanted = client.lock(&name, &holder).time(holding.time);
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
            hold(&held, group, &mut signals, grace, holding.time).await
        }
        Err(problem) => Err(problem),
    };
    let (end, exit) = match ended {
        Ok(ended) => ended,
        Err(problem) => {
            release(options, held).await;
            return Err(problem);
        }
    };
    match end {
        End::Lost => {
            tell(
                options,
                &format!("lock `{name}` may be lost, so the command was ended"),
                "See why no node could renew it.",
            );
            Ok(Exit::Unavailable)
        }
        End::Ended | End::Told => {
            release(options, held).await;
            Ok(exit)
        }
    }
}

/// Lets the command run until it ends or has to be ended.
async fn hold(
    held: &Held,
    mut group: Group,
    signals: &mut Signals,
    grace: Duration,
    time: Duration,
) -> Result<(End, Exit), Problem> {
    let end = tokio::select! {
        // A lock that is lost comes first, whatever else has happened.
        biased;
        () = held.lost() => End::Lost,
        status = group.ended() => return Ok((End::Ended, Exit::Command(group::code(status.map_err(|error| unseen(&error))?)))),
        _number = signals.next() => End::Told,
    };
    let status = match end {
        End::Lost => group.end(grace.min(time / LEFT_PART)).await,
        End::Ended | End::Told => tokio::select! {
            status = group.end(grace) => status,
            // Nobody wants to wait, or nobody may.
            () = held.lost() => group.end(Duration::ZERO).await,
            _again = signals.next() => group.end(Duration::ZERO).await,
        },
    };
    Ok((end, Exit::Command(group::code(status.map_err(|error| unseen(&error))?))))
}

async fn release(options: &Options, held: Held) {
    let name = held.name().clone();
    if let Err(error) = held.release().await {
        let message = format!("lock `{name}` was not released: {error}");
        tell(options, &message, "If it is still held it is free when its time is over.");
    }
}

fn tell(options: &Options, message: &str, advice: &str) {
    // Where even errors cannot be written, the exit code still tells.
    let _unheard = report::print_plainly(&mut anstream::stderr(), options.output, message, advice);
}

fn unseen(error: &std::io::Error) -> Problem {
    Problem::Here {
        message: format!("cannot see how the command ended: {error}"),
        advice: "See the limits of this machine.",
    }
}
