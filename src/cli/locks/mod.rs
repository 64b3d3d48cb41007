//! `lock …`: taking, holding and looking at locks.

mod run;

use crate::client::Submitted;
use crate::client::lock::{Taken, Wanted};
use crate::types::{Action, ActionResult, Consistency, Holder, Lock as Held, LockName, LogTime, NamedLock, Token};

use super::arguments::{Holding, Lock};
use super::call::{self, Call};
use super::column::Column;
use super::exit::Exit;
use super::problem::Problem;

const LINEARIZABLE: Consistency = Consistency::Linearizable;

/// A lock, and who holds it if somebody does.
type Seen = (LockName, Option<Held>);

fn columns() -> Vec<Column<Seen>> {
    vec![
        Column::new("name", "NAME", |(name, _): &Seen| name.as_str().to_owned()),
        Column::json("held", |(_, lock): &Seen| lock.is_some()),
        Column::new("holder", "HOLDER", |(_, lock): &Seen| Some(lock.as_ref()?.holder.as_str().to_owned())),
        Column::new("token", "TOKEN", |(_, lock): &Seen| Some(lock.as_ref()?.token.to_string())),
        Column::new("expires_ms", "EXPIRES", |(_, lock): &Seen| Some(lock.as_ref()?.expires)),
    ]
}

pub(super) async fn run(call: &mut Call, lock: Lock) -> Result<Exit, Problem> {
    match lock {
        Lock::Run(run) => {
            let holder = holder(run.holding.holder.as_ref())?;
            return run::run(call, run, &holder).await;
        }
        Lock::Acquire { name, holding, id } => {
            let id = id.get()?;
            if id.is_some() {
                check_own_id(&holding)?;
            }
            let wanted = call.client.lock(&name, &holder(holding.holder.as_ref())?).time(holding.time);
            let wanted = wanted.wait(holding.wait.unwrap_or_default());
            let wanted = id.into_iter().fold(wanted, Wanted::id);
            let Taken { submitted, token, expires, .. } = wanted.take().await?;
            print_held(call, &name, token, expires, &submitted)?;
        }
        Lock::Renew { name, token, time, id } => {
            let action = Action::Renew { lock: name.clone(), token, time };
            let (done, result) = call::submit(&call.client, id.get()?, None, action).await?;
            let ActionResult::Locked { token, expires } = result else {
                return Err(call::unexpected("another result"));
            };
            // A replayed answer may be older than the lock's time.
            if done.replayed
                && call.client.lock_reading(&name, LINEARIZABLE).await?.lock.is_none_or(|now| now.token != token)
            {
                let message =
                    format!("lock `{name}` was renewed under the id `{}`, and its token no longer holds it", done.id);
                return Err(Problem::conflict(message, "Acquire it again."));
            }
            print_held(call, &name, token, expires, &done)?;
        }
        Lock::Release { name: lock, token, id } => call.act(id, None, Action::Release { lock, token }).await?,
        Lock::List { prefix, local } => {
            let page = async |last: Option<&NamedLock>| {
                call.client.list_locks(&prefix, last.map(|lock| &lock.name), local.consistency()).await
            };
            let locks = call::all(page).await?.into_iter().map(|lock| (lock.name, Some(lock.lock)));
            call.out.many("locks", &columns(), &locks.collect::<Vec<_>>())?;
        }
        // A lock that nobody holds is not found; that is printed, too.
        Lock::Describe { name, local } => {
            let lock = call.client.lock_reading(&name, local.consistency()).await?.lock;
            let exit = if lock.is_some() { Exit::Done } else { Exit::NotFound };
            call.out.one(&columns(), &(name, lock))?;
            return Ok(exit);
        }
    }
    Ok(Exit::Done)
}

/// The given holder, or this machine's name and this process's number.
pub(super) fn holder(given: Option<&Holder>) -> Result<Holder, Problem> {
    let machine =
        || nix::unistd::gethostname().map_or_else(|_| "unknown".into(), |name| name.to_string_lossy().into_owned());
    let this_process = || Holder::new(&format!("{}/{}", machine(), std::process::id()));
    given.cloned().map_or_else(this_process, Ok).map_err(|error| {
        Problem::usage(format!("this machine's name cannot be part of a holder's name: {error}"), "Give --holder.")
    })
}

/// What an id of one's own needs beside it, so that the same line means the same each time.
fn check_own_id(holding: &Holding) -> Result<(), Problem> {
    match (&holding.wait, &holding.holder) {
        (Some(_), _) => Err(Problem::usage(
            "--wait and --id do not go together: a refusal stands for its id",
            "Leave out --id to wait, so that each attempt has its own id; or wait first, and then acquire.",
        )),
        (None, None) => Err(Problem::usage(
            "--id needs --holder: the default holder is another one in each process, and an id belongs to one holder",
            "Give --holder, and repeat it with the same id.",
        )),
        (None, Some(_)) => Ok(()),
    }
}

fn print_held(
    call: &mut Call,
    name: &LockName,
    token: Token,
    expires: LogTime,
    done: &Submitted,
) -> Result<(), Problem> {
    let own = vec![
        Column::given_json("name", name.as_str()),
        Column::given("token", "TOKEN", token.to_string()),
        Column::given("expires_ms", "EXPIRES", expires),
    ];
    call.out.answers(&done.id);
    call.out.one(&call::outcome_columns(&call.speaking.space, own), done)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::cli::arguments::Format;
    use crate::cli::output::printed;
    use crate::types::{History, Sequence};

    use super::*;

    #[test]
    fn an_id_goes_with_a_holder_and_without_waiting() {
        let holding = |holder: Option<&str>, wait| {
            let holder = holder.map(|name| Holder::new(name).unwrap());
            check_own_id(&Holding { holder, time: Duration::from_secs(30), wait })
        };
        assert!(holding(Some("ada"), None).is_ok());
        for wrong in [holding(None, None), holding(Some("ada"), Some(Duration::ZERO))] {
            assert_eq!(wrong.unwrap_err().exit(), Exit::Usage);
        }
    }

    #[test]
    fn a_lock_is_printed_whether_it_is_held_or_not() {
        let name = LockName::new("nightly").unwrap();
        let lock = Held {
            holder: Holder::new("worker-1").unwrap(),
            token: Token { history: History(3), sequence: Sequence(17) },
            expires: LogTime::from_ms(1_760_000_000_123).unwrap(),
        };
        let printed =
            |format, lock: Option<&Held>| printed(format, |out| out.one(&columns(), &(name.clone(), lock.cloned())));
        assert_eq!(printed(Format::Plain, Some(&lock)), "nightly\tworker-1\t3/17\t2025-10-09T08:53:20.123Z\n");
        let line = "{\"name\":\"nightly\",\"held\":true,\"holder\":\"worker-1\",\"token\":\"3/17\",\"expires_ms\":1760000000123}\n";
        assert_eq!(printed(Format::Jsonl, Some(&lock)), line);
        assert_eq!(printed(Format::Plain, None), "nightly\t-\t-\t-\n");
        assert_eq!(printed(Format::Jsonl, None), "{\"name\":\"nightly\",\"held\":false}\n");
    }

    #[test]
    fn a_holder_is_named_by_machine_and_process() {
        let holder = holder(None).unwrap();
        assert!(holder.as_str().ends_with(&format!("/{}", std::process::id())), "{holder}");
    }
}
