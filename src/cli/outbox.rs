//! `append --outbox`: a file keeps what is sent until its outcome is printed.
//!
//! - What an earlier run has left is sent first, in the order in which it was kept.
//! - A record is on disk before its first attempt, and goes from the file only after what became of it was printed. Where a
//!   batch prints a summary alone, what was appended is only counted; everything else is told one by one.
//! - What no node took stays, and so does an id that its space has forgotten: it may be anything.

use std::io::Write;
use std::path::Path;

use serde::Serialize;

use crate::client::outbox::{self, Append, Delivery, Entry, Kept, Outbox, Sender, Standing, Undelivered};
use crate::client::{Appended, Client, Error};

use super::append::Answer;
use super::arguments::Options;
use super::exit::Exit;
use super::output::{self, Format, Row};
use super::report::{self, Problem};

/// A record that is on disk, as it is printed.
#[derive(Debug, Serialize)]
pub(super) struct KeptAnswer {
    kept: String,
    space: String,
    log: String,
    entry: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
}

impl KeptAnswer {
    pub(super) fn new(entry: &Entry, line: Option<u64>) -> Self {
        let Append { space, id, log, records: _ } = &entry.append;
        Self {
            kept: id.text().to_owned(),
            space: space.as_str().to_owned(),
            log: log.as_str().to_owned(),
            entry: entry.number.0,
            line,
        }
    }
}

impl Row for KeptAnswer {
    const HEADINGS: &'static [&'static str] = &["ENTRY", "KEPT"];

    fn cells(&self) -> Vec<String> {
        vec![self.entry.to_string(), self.kept.clone()]
    }
}

/// Sends what an earlier run has left and then one record, and prints what became of each.
pub(super) async fn append(
    client: &Client,
    options: &Options,
    path: &Path,
    append: impl FnOnce(&Sender) -> Append,
    out: &mut impl Write,
) -> Result<Exit, Problem> {
    let sender = open(client, path).await?;
    let mut teller = Teller { options, out, exit: Exit::Done, untold: Vec::new() };
    let mut goes_on = true;
    for kept in sender.waiting().await? {
        goes_on = goes_on && teller.deliver(kept).await?;
    }
    // Kept in any case: it waits behind what no node took.
    let kept = sender.keep(vec![append(&sender)]).await?;
    for kept in kept {
        if options.output == Format::Jsonl {
            print_kept(teller.out, &[KeptAnswer::new(kept.entry(), None)])?;
        }
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

/// Says that records are on disk.
pub(super) fn print_kept(out: &mut impl Write, kept: &[KeptAnswer]) -> Result<(), Problem> {
    output::print_rows(out, Format::Jsonl, kept)?;
    Ok(out.flush()?)
}

/// Removes an entry whose outcome has been told, if it has one. `false`: nothing is decided, and nothing further is sent.
pub(super) async fn confirm(undelivered: &Undelivered) -> Result<bool, outbox::Error> {
    match undelivered.standing() {
        Standing::Open => return Ok(false),
        Standing::TooOld => {}
        Standing::Refused | Standing::Reused => undelivered.confirm().await?,
    }
    Ok(true)
}

/// Tells what became of single records.
struct Teller<'a, W> {
    options: &'a Options,
    out: &'a mut W,
    exit: Exit,
    /// What is printed at the end, in one piece.
    untold: Vec<(Answer, Kept)>,
}

impl<W: Write> Teller<'_, W> {
    /// Sends one, and tells what it got. `false`: nothing is decided.
    async fn deliver(&mut self, kept: Kept) -> Result<bool, Problem> {
        match kept.send().await {
            Ok(Delivery { appended, kept }) => {
                self.appended(&appended, kept).await?;
                Ok(true)
            }
            Err(mut undelivered) => {
                self.undelivered(&mut undelivered.error);
                Ok(confirm(&undelivered).await?)
            }
        }
    }

    async fn appended(&mut self, appended: &Appended, kept: Kept) -> Result<(), Problem> {
        let Append { space, id, log, records: _ } = &kept.entry().append;
        let answer = Answer::new(space.as_str(), log, id, appended);
        match self.options.output {
            Format::Jsonl | Format::Plain => {
                output::print_rows(self.out, self.options.output, &[answer])?;
                self.out.flush()?;
                kept.confirm().await?;
            }
            Format::Table | Format::Json | Format::Csv => self.untold.push((answer, kept)),
        }
        Ok(())
    }

    fn undelivered(&mut self, error: &mut Error) {
        if self.exit == Exit::Done {
            self.exit = Exit::of(error);
        }
        // Where even errors cannot be written, the exit code still tells.
        let _unheard = report::print(&mut anstream::stderr(), self.options.output, error);
    }

    async fn finish(self) -> Result<Exit, Problem> {
        let (answers, kept): (Vec<_>, Vec<_>) = self.untold.into_iter().unzip();
        if !answers.is_empty() {
            output::print_many(self.out, self.options.output, "appended", &answers)?;
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
            outbox::Error::NotAnOutbox { .. } => "Name another file; one that is not there is made.",
            outbox::Error::UnknownVersion { .. } => "Use the build that wrote it, or a newer one.",
            outbox::Error::Full { .. } | outbox::Error::TooLarge(_) => "Send what waits first, or keep less at once.",
            outbox::Error::Malformed(_) => "Mend the record.",
            outbox::Error::Damaged { .. }
            | outbox::Error::Replaced { .. }
            | outbox::Error::Io { .. }
            | outbox::Error::Poisoned { .. }
            | outbox::Error::Closed { .. } => "See the file and its disk. What was printed as kept is in it.",
        };
        let message = error.to_string();
        match error {
            outbox::Error::Malformed(_) => Self::Misuse { message, advice },
            _ => Self::Here { message, advice },
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use crate::types::{Id, LogName, NewRecord};

    use super::*;

    fn options() -> Options {
        use clap::Parser as _;
        let line = ["oncelog", "status", "--timeout", "200ms", "-o", "jsonl"];
        crate::cli::Arguments::parse_from(line).options
    }

    /// Nothing listens there.
    fn client() -> Client {
        Client::builder().addresses(["127.0.0.1:1"]).timeout(std::time::Duration::from_millis(200)).build().unwrap()
    }

    #[tokio::test]
    async fn what_no_node_takes_is_kept_and_told_and_waits_in_order() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("outbox");
        let (client, options, mut out) = (client(), options(), Vec::new());
        for id in ["pay-1", "pay-2"] {
            let make = |sender: &Sender| {
                let records = vec![NewRecord { payload: "7 EUR".into(), headers: Vec::new() }];
                sender.make_append(&LogName::new("payments").unwrap(), records, Some(Id::new(id).unwrap()))
            };
            let exit = append(&client, &options, &path, make, &mut out).await.unwrap();
            assert_eq!(exit, Exit::Unavailable);
        }
        let expected = "{\"kept\":\"pay-1\",\"space\":\"main\",\"log\":\"payments\",\"entry\":1}\n\
                        {\"kept\":\"pay-2\",\"space\":\"main\",\"log\":\"payments\",\"entry\":2}\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        let waiting = open(&client, &path).await.unwrap().waiting().await.unwrap();
        assert_eq!(waiting.iter().map(|kept| kept.id().text()).collect::<Vec<_>>(), ["pay-1", "pay-2"]);
    }

    #[tokio::test]
    async fn a_file_that_is_in_use_is_a_problem_with_advice() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("outbox");
        let _open = open(&client(), &path).await.unwrap();
        let problem = Problem::from(open(&client(), &path).await.unwrap_err());
        assert!(matches!(problem, Problem::Here { advice, .. } if advice.contains("other run")), "{problem:?}");
    }
}
