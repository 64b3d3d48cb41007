//! `lock …`: taking, holding and looking at locks.
//!
//! - A replayed acquisition may be older than the lock's time: it counts only if a linearizable read still shows its token.

mod run;

use tokio::time::Instant;

use crate::client::{Client, Error, Submitted};
use crate::types::{Action, ActionResult, Condition, Consistency, Found, Lock as Held, LockName, NamedLock};

use super::arguments::{Acquire, Lock, NewId, Release, Renew};
use super::call::{self, Call, named};
use super::column::Column;
use super::exit::Exit;
use super::holder::holder;
use super::problem::Problem;

/// A lock, and who holds it if somebody does.
struct Seen {
    name: LockName,
    lock: Option<Held>,
}

fn columns() -> Vec<Column<Seen>> {
    vec![
        Column::new("name", "NAME", |seen: &Seen| seen.name.as_str().to_owned()),
        Column::json("held", |seen: &Seen| seen.lock.is_some()),
        Column::new("holder", "HOLDER", |seen: &Seen| seen.lock.as_ref().map(|lock| lock.holder.as_str().to_owned())),
        Column::new("token", "TOKEN", |seen: &Seen| seen.lock.as_ref().map(|lock| lock.token.to_string())),
        Column::new("expires_ms", "EXPIRES", |seen: &Seen| seen.lock.as_ref().map(|lock| lock.expires)),
    ]
}

pub(super) async fn run(call: &mut Call, lock: Lock) -> Result<Exit, Problem> {
    match lock {
        Lock::Run(run) => return run::run(call, run).await,
        Lock::Acquire(acquire) => self::acquire(call, acquire).await?,
        Lock::Renew(Renew { name, token, time, id }) => {
            let action = Action::Renew { lock: name.clone(), token, time };
            lock_once(call, &name, id, action).await?;
        }
        Lock::Release(Release { name, token, id }) => {
            let action = Action::Release { lock: name.clone(), token };
            call.act(id, None, action, |_| named(name.as_str())).await?;
        }
        Lock::List { prefix, local } => {
            let page = async |last: Option<&NamedLock>| {
                call.client.list_locks(&prefix, last.map(|lock| &lock.name), local.consistency()).await
            };
            let locks = call::all(page).await?.into_iter();
            let seen: Vec<_> = locks.map(|lock| Seen { name: lock.name, lock: Some(lock.lock) }).collect();
            call.out.many("locks", &columns(), &seen)?;
        }
        // A lock that nobody holds is not found; that is printed, too.
        Lock::Describe { name, local } => {
            let lock = call.client.lock_reading(&name, local.consistency()).await?.lock;
            let exit = if lock.is_some() { Exit::Done } else { Exit::NotFound };
            call.out.one(&columns(), &Seen { name, lock })?;
            return Ok(exit);
        }
    }
    Ok(Exit::Done)
}

async fn acquire(call: &mut Call, acquire: Acquire) -> Result<(), Problem> {
    let Acquire { name, holding, id } = acquire;
    let action = Action::Acquire { lock: name.clone(), holder: holder(holding.holder)?, time: holding.time };
    let Some(wait) = holding.wait else { return lock_once(call, &name, id, action).await };
    if id.get()?.is_some() {
        return Err(Problem::usage(
            "--wait and --id do not go together: a refusal stands for its id",
            "Leave out --id to wait, so that each attempt has its own id; or wait first, and then acquire.",
        ));
    }
    let until = Instant::now() + wait;
    loop {
        let answer = call::submit(&call.client, None, None, action.clone()).await;
        let left = until.saturating_duration_since(Instant::now());
        match answer {
            Err(Problem::Client(error)) if is_held(&error) && !left.is_zero() => {
                let free = Condition::LockFree { lock: name.clone() };
                call.client.wait(&free, Consistency::Linearizable, left).await?;
            }
            answer => return print_locked(call, &name, answer?).await,
        }
    }
}

fn is_held(error: &Error) -> bool {
    error.refusal().is_some_and(|refusal| matches!(refusal.found, Found::LockHeld { .. }))
}

async fn lock_once(call: &mut Call, name: &LockName, id: NewId, action: Action) -> Result<(), Problem> {
    let answer = call::submit(&call.client, id.get()?, None, action).await?;
    print_locked(call, name, answer).await
}

async fn print_locked(call: &mut Call, name: &LockName, answer: (Submitted, ActionResult)) -> Result<(), Problem> {
    let (done, ActionResult::Locked { token, expires }) = answer else {
        return Err(call::unexpected("another result"));
    };
    if done.replayed && !is_held_by(&call.client, name, token).await? {
        return Err(Problem::conflict(
            format!("lock `{name}` was acquired under the id `{}`, and its token {token} no longer holds it", done.id),
            "Acquire it again under a new id.",
        ));
    }
    let own = vec![
        Column::given_json("name", name.as_str()),
        Column::given("token", "TOKEN", token.to_string()),
        Column::given("expires_ms", "EXPIRES", expires),
    ];
    call.out.one(&call::outcome_columns(&call.speaking.space, own), &done)
}

async fn is_held_by(client: &Client, name: &LockName, token: crate::types::Token) -> Result<bool, Error> {
    let reading = client.lock_reading(name, Consistency::Linearizable).await?;
    Ok(reading.lock.is_some_and(|lock| lock.token == token))
}

#[cfg(test)]
mod tests {
    use crate::cli::arguments::Format;
    use crate::cli::output::printed;
    use crate::types::{History, Holder, LogTime, Sequence, Token};

    use super::*;

    #[test]
    fn a_lock_is_printed_whether_it_is_held_or_not() {
        let name = LockName::new("nightly").unwrap();
        let lock = Held {
            holder: Holder::new("worker-1").unwrap(),
            token: Token { history: History(3), sequence: Sequence(17) },
            expires: LogTime::from_ms(1_760_000_000_123).unwrap(),
        };
        let printed = |format, lock: Option<&Held>| {
            printed(format, |out| out.one(&columns(), &Seen { name: name.clone(), lock: lock.cloned() }))
        };
        assert_eq!(printed(Format::Plain, Some(&lock)), "nightly\tworker-1\t3/17\t2025-10-09T08:53:20.123Z\n");
        let line = "{\"name\":\"nightly\",\"held\":true,\"holder\":\"worker-1\",\"token\":\"3/17\",\"expires_ms\":1760000000123}\n";
        assert_eq!(printed(Format::Jsonl, Some(&lock)), line);
        assert_eq!(printed(Format::Plain, None), "nightly\t-\t-\t-\n");
        assert_eq!(printed(Format::Jsonl, None), "{\"name\":\"nightly\",\"held\":false}\n");
    }
}
