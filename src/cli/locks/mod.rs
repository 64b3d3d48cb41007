//! `lock …`: taking, holding and looking at locks.
//!
//! - A replayed acquisition may be older than the lock's time: it counts only if a linearizable read still shows its token.

mod run;

use std::io::Write;

use serde::Serialize;
use tokio::time::Instant;

use crate::client::{Client, Error, Submitted};
use crate::types::{Action, ActionResult, Condition, Consistency, Found, Holder, LockName, LogTime, NamedLock};

use super::answer::{self, Answer, Named, What};
use super::arguments::{Acquire, Lock, Options, Release, Renew};
use super::exit::Exit;
use super::output::{self, NONE, Row};
use super::report::Problem;

/// A lock as it is printed.
#[derive(Debug, Serialize)]
struct LockRow {
    name: String,
    held: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_ms: Option<u64>,
}

impl LockRow {
    fn held(lock: &NamedLock) -> Self {
        Self {
            name: lock.name.as_str().to_owned(),
            held: true,
            holder: Some(lock.lock.holder.as_str().to_owned()),
            token: Some(lock.lock.token.to_string()),
            expires_ms: Some(lock.lock.expires.as_ms()),
        }
    }

    fn free(name: &LockName) -> Self {
        Self { name: name.as_str().to_owned(), held: false, holder: None, token: None, expires_ms: None }
    }
}

impl Row for LockRow {
    const HEADINGS: &'static [&'static str] = &["NAME", "HOLDER", "TOKEN", "EXPIRES"];

    fn cells(&self) -> Vec<String> {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| NONE.to_owned());
        vec![
            output::Bytes::new(self.name.as_bytes()).cell(),
            or_none(self.holder.as_ref().map(|holder| output::Bytes::new(holder.as_bytes()).cell())),
            or_none(self.token.clone()),
            or_none(self.expires_ms.map(|ms| output::time(LogTime::from_ms_saturating(ms)))),
        ]
    }
}

/// What a held lock has of its own.
#[derive(Debug, Serialize)]
struct Locked {
    name: String,
    token: String,
    expires_ms: u64,
}

impl What for Locked {
    const HEADINGS: &'static [&'static str] = &["TOKEN", "EXPIRES", "ARRIVAL", "SEQUENCE", "ID"];

    fn cells(&self) -> Vec<String> {
        vec![self.token.clone(), output::time(LogTime::from_ms_saturating(self.expires_ms))]
    }
}

pub(super) async fn run(client: &Client, options: &Options, lock: Lock, out: &mut impl Write) -> Result<Exit, Problem> {
    match lock {
        Lock::Run(run) => return run::run(client, options, run).await,
        Lock::Acquire(acquire) => self::acquire(client, options, acquire, out).await?,
        Lock::Renew(renew) => self::renew(client, options, renew, out).await?,
        Lock::Release(release) => self::release(client, options, release, out).await?,
        Lock::List { prefix, local } => {
            let rows = list(client, &prefix, super::consistency(local)).await?;
            output::print_many(out, options.output, "locks", &rows)?;
        }
        Lock::Describe { name, local } => return describe(client, options, name, super::consistency(local), out).await,
    }
    Ok(Exit::Done)
}

/// A lock that nobody holds is not found; that is printed, too.
async fn describe(
    client: &Client,
    options: &Options,
    name: LockName,
    consistency: Consistency,
    out: &mut impl Write,
) -> Result<Exit, Problem> {
    let (row, exit) = match client.lock_reading(&name, consistency).await?.lock {
        Some(lock) => (LockRow::held(&NamedLock { name, lock }), Exit::Done),
        None => (LockRow::free(&name), Exit::NotFound),
    };
    output::print_one(out, options.output, &row)?;
    Ok(exit)
}

async fn list(client: &Client, prefix: &str, consistency: Consistency) -> Result<Vec<LockRow>, Problem> {
    let mut rows = Vec::new();
    let mut after: Option<LockName> = None;
    loop {
        let page = client.list_locks(prefix, after.as_ref(), consistency).await?;
        rows.extend(page.items.iter().map(LockRow::held));
        match page.items.into_iter().next_back() {
            Some(last) if page.more => after = Some(last.name),
            _ => return Ok(rows),
        }
    }
}

async fn acquire(client: &Client, options: &Options, acquire: Acquire, out: &mut impl Write) -> Result<(), Problem> {
    let Acquire { name, holding, id } = acquire;
    let id = id.get()?;
    if id.is_some() && holding.wait.is_some() {
        return Err(Problem::Misuse {
            message: "--wait and --id do not go together: a refusal stands for its id".to_owned(),
            advice: "Leave --id out to wait, each attempt under its own id; or wait, and then acquire.",
        });
    }
    let until = holding.wait.map(|wait| Instant::now() + wait);
    let action = Action::Acquire { lock: name.clone(), holder: holder(holding.holder)?, time: holding.time };
    loop {
        let answer = answer::submit(client, id.clone(), None, action.clone()).await;
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        match (answer, left) {
            (Ok((done, result)), _) => {
                still_held(client, &name, &done, &result).await?;
                return print_locked(options, &name, &done, &result, out);
            }
            (Err(Problem::Client(error)), Some(left)) if is_held(&error) && !left.is_zero() => {
                let free = Condition::LockFree { lock: name.clone() };
                client.wait(&free, Consistency::Linearizable, left).await?;
            }
            (Err(problem), _) => return Err(problem),
        }
    }
}

fn is_held(error: &Error) -> bool {
    error.refusal().is_some_and(|refusal| matches!(refusal.found, Found::LockHeld { .. }))
}

async fn still_held(client: &Client, name: &LockName, done: &Submitted, result: &ActionResult) -> Result<(), Problem> {
    let ActionResult::Locked { token, .. } = result else { return Err(answer::unexpected("another result")) };
    if !done.replayed {
        return Ok(());
    }
    let reading = client.lock_reading(name, Consistency::Linearizable).await?;
    if reading.lock.is_some_and(|lock| lock.token == *token) {
        return Ok(());
    }
    Err(Problem::Conflict {
        message: format!(
            "lock `{name}` was acquired under the id `{}`, and is no longer held by its token {token}",
            done.id
        ),
        advice: "Acquire it again under a new id.",
    })
}

async fn renew(client: &Client, options: &Options, renew: Renew, out: &mut impl Write) -> Result<(), Problem> {
    let Renew { name, token, time, id } = renew;
    let action = Action::Renew { lock: name.clone(), token, time };
    let (done, result) = answer::submit(client, id.get()?, None, action).await?;
    still_held(client, &name, &done, &result).await?;
    print_locked(options, &name, &done, &result, out)
}

async fn release(client: &Client, options: &Options, release: Release, out: &mut impl Write) -> Result<(), Problem> {
    let Release { name, token, id } = release;
    let action = Action::Release { lock: name.clone(), token };
    let (done, _) = answer::submit(client, id.get()?, None, action).await?;
    let what = Named { name: name.as_str().to_owned() };
    Ok(output::print_one(out, options.output, &Answer::new(&options.space, &done, what))?)
}

fn print_locked(
    options: &Options,
    name: &LockName,
    done: &Submitted,
    result: &ActionResult,
    out: &mut impl Write,
) -> Result<(), Problem> {
    let ActionResult::Locked { token, expires } = result else { return Err(answer::unexpected("another result")) };
    let what = Locked { name: name.as_str().to_owned(), token: token.to_string(), expires_ms: expires.as_ms() };
    Ok(output::print_one(out, options.output, &Answer::new(&options.space, done, what))?)
}

/// Who was named, or this process.
pub(super) fn holder(given: Option<Holder>) -> Result<Holder, Problem> {
    given.map_or_else(this_process, Ok)
}

/// This machine's name and this process's number.
fn this_process() -> Result<Holder, Problem> {
    let machine = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned());
    let machine = machine.unwrap_or_else(|_| "unknown".to_owned());
    Holder::new(&format!("{machine}/{}", std::process::id())).map_err(|error| Problem::Misuse {
        message: format!("this machine's name can't be that of a holder: {error}"),
        advice: "Give --holder.",
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::output::Format;
    use crate::types::{History, Lock, Sequence, Token};

    use super::*;

    #[test]
    fn a_lock_is_printed_whether_it_is_held_or_not() {
        let name = LockName::new("nightly").unwrap();
        let lock = Lock {
            holder: Holder::new("worker-1").unwrap(),
            token: Token { history: History(3), sequence: Sequence(17) },
            expires: LogTime::from_ms(1_760_000_000_123).unwrap(),
        };
        let printed = |format, row: &LockRow| {
            let mut out = Vec::new();
            output::print_one(&mut out, format, row).unwrap();
            String::from_utf8(out).unwrap()
        };
        let held = LockRow::held(&NamedLock { name: name.clone(), lock });
        assert_eq!(printed(Format::Plain, &held), "nightly\tworker-1\t3/17\t2025-10-09T08:53:20.123Z\n");
        let line = "{\"name\":\"nightly\",\"held\":true,\"holder\":\"worker-1\",\"token\":\"3/17\",\"expires_ms\":1760000000123}\n";
        assert_eq!(printed(Format::Jsonl, &held), line);
        assert_eq!(printed(Format::Plain, &LockRow::free(&name)), "nightly\t-\t-\t-\n");
        assert_eq!(printed(Format::Jsonl, &LockRow::free(&name)), "{\"name\":\"nightly\",\"held\":false}\n");
    }

    #[test]
    fn a_holder_is_named_by_machine_and_process() {
        let holder = this_process().unwrap();
        assert!(holder.as_str().ends_with(&format!("/{}", std::process::id())), "{holder}");
    }
}
