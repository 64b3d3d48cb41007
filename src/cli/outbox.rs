//! `append --outbox`: a file keeps what is sent until its outcome is printed.
//!
//! - What an earlier run has left is sent first, in the order in which it was kept.
//! - A record is on disk before its first attempt, and goes from the file only after what became of it was printed. Where a
//!   batch prints a summary alone, what was appended is only counted; everything else is told one by one.
//! - What no node took stays, and so does an id that its space has forgotten: it may be anything.

use std::path::Path;

use crate::client::Client;
use crate::client::outbox::{self, Delivery, Kept, Outbox, Sender, Standing, Undelivered};
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
    let mut goes_on = true;
    for kept in waiting(&sender).await? {
        goes_on = goes_on && teller.deliver(kept).await?;
    }
    // Kept in any case: it waits behind what no node took.
    let kept = sender.keep(vec![append(&sender)]).await?;
    print_kept(teller.out, kept.iter().map(|kept| (None, kept)))?;
    for kept in kept {
        if goes_on {
            teller.deliver(kept).await?;
        }
    }
    let exit = teller.finish().await?;
    sender.outbox().clone().close().await?;
    Ok(exit)
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

/// The answer to an append.
pub(super) fn answer(delivery: &Delivery) -> Result<Answer, Problem> {
    let entry = delivery.kept.entry();
    let (Some(appended), Some(log)) = (delivery.appended(), entry.appends_to()) else {
        let message = format!("a node answered the append `{}` with other results", delivery.kept.id());
        return Err(Problem::failure(message, "Use builds of the same version. The entry stays in the outbox."));
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
                let decided = confirm(&undelivered).await?;
                let problem = Problem::Client(undelivered.error);
                if self.exit == Exit::Done {
                    self.exit = problem.exit();
                }
                self.out.report(&problem);
                Ok(decided)
            }
        }
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

    use crate::cli::output::printed;
    use crate::types::{Id, LogName, NewRecord};

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
    async fn a_file_that_is_in_use_is_a_problem_with_advice() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("outbox");
        let _open = open(&client(), &path).await.unwrap();
        let problem = Problem::from(open(&client(), &path).await.unwrap_err());
        assert!(matches!(problem, Problem::Own(own) if own.advice.contains("other run")));
    }
}
