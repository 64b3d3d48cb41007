//! `append --outbox`: a file keeps what is sent until its outcome is printed.
//!
//! - What an earlier run has left is sent first, in the order in which it was kept.
//! - A record is on disk before its first attempt, and goes from the file only after what became of it was printed. Where a
//!   batch prints a summary alone, what was appended is only counted; everything else is told one by one.
//! - What no node took stays, and so does an id that its space has forgotten: it may be anything.

use std::path::Path;

use crate::client::outbox::{self, Delivery, Kept, Outbox, Sender, Standing, Undelivered};
use crate::client::{Client, Kind};
use crate::types::{Command, LogName};

use super::append::{self, Answer};
use super::arguments::Format;
use super::call::Call;
use super::column::Column;
use super::exit::Exit;
use super::output::Output;
use super::problem::Problem;

/// Says as JSON lines that records are on disk, with their lines in a batch; the other formats say only what became of them.
pub(super) fn print_kept<'a>(
    out: &mut Output,
    kept: impl IntoIterator<Item = (Option<u64>, &'a Kept)>,
) -> Result<(), Problem> {
    if out.format() != Format::Jsonl {
        return Ok(());
    }
    for (line, kept) in kept {
        let Command { space, id, .. } = &kept.entry().command;
        let columns = [
            Column::given_json("kept", id.text()),
            Column::given_json("space", space.as_str()),
            Column::given_json("log", kept.entry().appends_to().map(LogName::as_str)),
            Column::given_json("entry", kept.entry().number.0),
            Column::given_json("line", line),
        ];
        out.rows(&columns, &[()])?;
    }
    out.flush()
}

/// Sends what an earlier run has left and then one record, and prints what became of each.
pub(super) async fn append(
    call: &mut Call,
    path: &Path,
    append: impl FnOnce(&Sender) -> Command,
) -> Result<Exit, Problem> {
    let sender = open(&call.client, path).await?;
    let mut teller = Teller { out: &mut call.out, exit: Exit::Done, untold: Vec::new() };
    let waiting = waiting(&sender).await?;
    // Kept in any case: it waits behind what no node takes, and however this run ends.
    let kept = sender.keep(vec![append(&sender)]).await?;
    let exit = match tell_all(&mut teller, waiting, kept).await {
        Ok(()) => teller.finish().await,
        Err(problem) => Ok(teller.out.worse(teller.exit, Err(problem.after_sending()))),
    };
    let exit = exit.map_err(Problem::after_sending)?;
    Ok(call.out.worse(exit, close(&sender).await))
}

/// Sends what waited, and then what was just kept, as far as nodes take it.
async fn tell_all(teller: &mut Teller<'_>, waiting: Vec<Kept>, kept: Vec<Kept>) -> Result<(), Problem> {
    print_kept(teller.out, kept.iter().map(|kept| (None, kept)))?;
    let mut goes_on = true;
    for kept in waiting {
        goes_on = goes_on && teller.deliver(kept).await?;
    }
    for kept in kept {
        if goes_on {
            teller.deliver(kept).await?;
        } else {
            teller.out.note(&format!("id `{}` is kept in the outbox behind it; the next run sends it", kept.id()));
        }
    }
    Ok(())
}

/// Closes the file, after something was sent.
pub(super) async fn close(sender: &Sender) -> Result<(), Problem> {
    let closed = sender.outbox().clone().close().await;
    closed.map_err(|error| Problem::from(error).after_sending())
}

/// Opens the file, or makes it.
pub(super) async fn open(client: &Client, path: &Path) -> Result<Sender, outbox::Error> {
    Ok(client.with_outbox(Outbox::open(path).await?))
}

/// What an earlier run has left. It must be ours to print: a program may have kept other commands in the file.
pub(super) async fn waiting(sender: &Sender) -> Result<Vec<Kept>, Problem> {
    let waiting = sender.waiting().await?;
    match waiting.iter().find(|kept| kept.entry().appends_to().is_none()) {
        None => Ok(waiting),
        Some(other) => Err(Problem::failure(
            format!("entry {} of the outbox, id `{}`, is not an append", other.entry().number, other.id()),
            "Send it with the program that kept it, or settle it with `oncelog settle --outbox`.",
        )),
    }
}

/// Removes an entry whose outcome has been told, if it has one. `false`: nothing is decided, and nothing further is sent.
pub(super) async fn confirm(undelivered: &Undelivered) -> Result<bool, outbox::Error> {
    match undelivered.standing() {
        Standing::Open => return Ok(false),
        Standing::TooOld | Standing::SpaceDeleted => {}
        Standing::Refused | Standing::Reused => undelivered.confirm().await?,
    }
    Ok(true)
}

/// What to do about an entry that was not delivered.
pub(super) fn advice(undelivered: &Undelivered) -> String {
    if undelivered.standing() != Standing::Open {
        return undelivered.advice();
    }
    let kept = "It is kept in the outbox; the next run sends it.";
    if undelivered.in_doubt() {
        format!("{kept} That is safe, and finds out whether it took effect.")
    } else if undelivered.error.kind() == Kind::Unavailable {
        kept.to_owned()
    } else {
        format!("{kept} {}", undelivered.advice())
    }
}

/// The answer to an append.
pub(super) fn answer(delivery: &Delivery) -> Result<Answer, Problem> {
    let entry = delivery.kept.entry();
    let (Some(appended), Some(log)) = (delivery.appended(), entry.appends_to()) else {
        let message = format!("a node answered the append `{}` with other results", delivery.kept.id());
        return Err(Problem::in_doubt(message, "Use builds of the same version. The entry stays in the outbox."));
    };
    let Command { space, id, .. } = &entry.command;
    Ok(Answer { space: space.clone(), log: log.clone(), id: id.clone(), appended })
}

/// Tells what became of single records.
struct Teller<'a> {
    out: &'a mut Output,
    exit: Exit,
    /// What is printed at the end, in one piece.
    untold: Vec<(Answer, Kept)>,
}

impl Teller<'_> {
    /// Sends one, and tells what it got. `false`: nothing is decided.
    async fn deliver(&mut self, kept: Kept) -> Result<bool, Problem> {
        match kept.send().await {
            Ok(delivery) => {
                let (answer, kept) = (answer(&delivery)?, delivery.kept);
                match self.out.format() {
                    Format::Jsonl | Format::Plain => {
                        self.out.rows(&append::columns(), &[answer])?;
                        self.out.flush()?;
                        kept.confirm().await?;
                    }
                    Format::Table | Format::Json | Format::Csv => self.untold.push((answer, kept)),
                }
                Ok(true)
            }
            Err(undelivered) => {
                let advice = advice(&undelivered);
                let decided = confirm(&undelivered).await;
                self.failed(Problem::Advised(undelivered.error, advice));
                Ok(decided?)
            }
        }
    }

    fn failed(&mut self, problem: Problem) {
        self.exit = self.out.worse(self.exit, Err(problem));
    }

    async fn finish(self) -> Result<Exit, Problem> {
        let (answers, kept): (Vec<_>, Vec<_>) = self.untold.into_iter().unzip();
        if !answers.is_empty() {
            self.out.many("answers", &append::columns(), &answers)?;
            self.out.flush()?;
        }
        for kept in kept {
            kept.confirm().await?;
        }
        Ok(self.exit)
    }
}

impl From<outbox::Error> for Problem {
    fn from(error: outbox::Error) -> Self {
        let advice = match &error {
            outbox::Error::InUse { .. } => "Wait until the other run has ended, or name another file.",
            outbox::Error::NotAnOutbox { .. } => "Name another file; a file that does not exist is created.",
            outbox::Error::UnknownVersion { .. } => "Then name a new file for this build.",
            outbox::Error::Full { .. } | outbox::Error::TooLarge(_) => "Send what waits first, or keep less at once.",
            outbox::Error::Malformed(error) => return Self::usage(error.to_string(), "Correct the record."),
            outbox::Error::Damaged { .. }
            | outbox::Error::Replaced { .. }
            | outbox::Error::Io { .. }
            | outbox::Error::Poisoned { .. }
            | outbox::Error::Closed { .. } => "Check the file and its disk. What was printed as kept is in it.",
        };
        Self::failure(error.to_string(), advice)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tempfile::TempDir;

    use crate::cli::arguments;
    use crate::cli::output::printed;
    use crate::cli::stake::Stake;
    use crate::types::{Id, NewRecord};

    use super::*;

    /// Nothing listens there.
    fn client() -> Client {
        Client::builder().addresses(["127.0.0.1:1"]).timeout(Duration::from_millis(200)).build().unwrap()
    }

    #[tokio::test]
    async fn what_no_node_takes_is_kept_and_waits_in_order() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("outbox");
        let sender = open(&client(), &path).await.unwrap();
        for id in ["pay-1", "pay-2"] {
            let log = LogName::new("payments").unwrap();
            let append = sender.make_append(&log, vec![NewRecord::new("7 EUR")], Some(Id::new(id).unwrap()));
            let kept = sender.keep(vec![append]).await.unwrap();
            let line = printed(Format::Jsonl, |out| print_kept(out, kept.iter().map(|kept| (None, kept))));
            let number = if id == "pay-1" { 1 } else { 2 };
            let expected =
                format!("{{\"kept\":\"{id}\",\"space\":\"main\",\"log\":\"payments\",\"entry\":{number}}}\n");
            assert_eq!(line, expected);
            let mut out = Output::silent();
            let mut teller = Teller { out: &mut out, exit: Exit::Done, untold: Vec::new() };
            for kept in kept {
                assert!(!teller.deliver(kept).await.unwrap());
            }
            assert_eq!(teller.finish().await.unwrap(), Exit::Unavailable);
        }
        let waiting = sender.waiting().await.unwrap();
        assert_eq!(waiting.iter().map(|kept| kept.id().text()).collect::<Vec<_>>(), ["pay-1", "pay-2"]);
    }

    #[tokio::test]
    async fn what_no_node_takes_is_told_to_be_kept() {
        let directory = TempDir::new().unwrap();
        let sender = open(&client(), &directory.path().join("outbox")).await.unwrap();
        let append = sender.make_append(&LogName::new("payments").unwrap(), vec![NewRecord::new("7 EUR")], None);
        let kept = sender.keep(vec![append]).await.unwrap().remove(0);
        let undelivered = kept.send().await.unwrap_err();
        assert_eq!(advice(&undelivered), "It is kept in the outbox; the next run sends it.");
        let undelivered = kept.send().await.unwrap_err();
        assert!(undelivered.in_doubt() && advice(&undelivered).contains("finds out whether it took effect"));
    }

    #[tokio::test]
    async fn a_record_is_kept_and_in_doubt_if_nobody_reads_that_it_is() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("outbox");
        let words = ["oncelog", "append", "payments", "7 EUR"].map(std::ffi::OsString::from);
        let speaking = arguments::read(&words, |_| None).unwrap().1.speaking;
        let mut out = Output::unread(Format::Jsonl);
        out.stakes(Stake::Outbox { changes: true });
        let mut call = Call { client: client(), speaking, out };
        let log = LogName::new("payments").unwrap();
        let exit = append(&mut call, &path, |sender| sender.make_append(&log, vec![NewRecord::new("7 EUR")], None));
        assert_eq!(exit.await.unwrap(), Exit::InDoubt);
        let sender = open(&client(), &path).await.unwrap();
        assert_eq!(sender.waiting().await.unwrap().len(), 1);
    }

    #[test]
    fn of_several_records_the_worst_decides_the_exit_code() {
        let problems = [Problem::conflict, Problem::in_doubt, Problem::unavailable];
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            let mut out = Output::silent();
            let mut teller = Teller { out: &mut out, exit: Exit::Done, untold: Vec::new() };
            for at in order {
                teller.failed(problems[at]("it failed", "Look."));
            }
            assert_eq!(teller.exit, Exit::InDoubt, "{order:?}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_in_use_is_a_problem_with_advice() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("outbox");
        let _open = open(&client(), &path).await.unwrap();
        let problem = Problem::from(open(&client(), &path).await.unwrap_err());
        assert!(matches!(problem, Problem::Own(own) if own.advice.contains("other run")));
    }
}
