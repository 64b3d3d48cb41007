//! The outbox of `append` and `settle`: a file keeps what is sent until its outcome is printed.
//!
//! - What an earlier run has left is sent first, in the order in which it was kept.
//! - What no node took stays, and so does an id that its space has forgotten: it may be anything.

use std::path::Path;

use crate::client::outbox::{Error, Kept, Outbox, Sender, Standing, Undelivered};
use crate::client::{Client, Kind};

use super::problem::Problem;

pub(super) async fn open(client: &Client, path: &Path) -> Result<Sender, Error> {
    Ok(client.with_outbox(Outbox::open(path).await?))
}

pub(super) async fn close(sender: &Sender) -> Result<(), Problem> {
    sender.outbox().clone().close().await.map_err(after_sending)
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

/// The problem with a file from which something was sent.
pub(super) fn after_sending(error: Error) -> Problem {
    Problem::from(error).after_sending()
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let advice = match &error {
            Error::InUse { .. } => "Wait until the other run has ended, or name another file.",
            Error::NotAnOutbox { .. } => "Name another file; a file that does not exist is created.",
            Error::UnknownVersion { .. } => "Then name a new file for this build.",
            Error::Full { .. } | Error::TooLarge(_) => "Send what waits first, or keep less at once.",
            Error::Malformed(error) => return Self::usage(error.to_string(), "Correct the record."),
            Error::Damaged { .. }
            | Error::Replaced { .. }
            | Error::Io { .. }
            | Error::Poisoned { .. }
            | Error::Closed { .. } => "Check the file and its disk. What was printed as kept is in it.",
        };
        Self::failure(error.to_string(), advice)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tempfile::TempDir;

    use crate::types::{LogName, NewRecord};

    use super::*;

    /// Nothing listens there.
    fn client() -> Client {
        Client::builder().addresses(["127.0.0.1:1"]).timeout(Duration::from_millis(200)).build().unwrap()
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
    async fn a_file_that_is_in_use_is_a_problem_with_advice() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("outbox");
        let _open = open(&client(), &path).await.unwrap();
        let problem = Problem::from(open(&client(), &path).await.unwrap_err());
        assert!(matches!(problem, Problem::Own(own) if own.advice.contains("other run")));
    }
}
