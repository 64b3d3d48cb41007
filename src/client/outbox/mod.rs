//! A file on the client's side that keeps each command until the program has its outcome.
//!
//! A program that crashes between sending and hearing what became of it forgets the id, and with it the only safe way to
//! send again. An outbox keeps id and command on disk before the first attempt:
//!
//! - A command is synced before it is sent, so nothing is ever in doubt whose id is not in the file.
//! - It goes only when the program confirms that it has the outcome. Until then, and after any crash, it can be sent again
//!   under its id, which gets the one outcome, or cancelled. A refusal is an outcome; an id that is too old, or
//!   whose space was deleted, is reported, never dropped. Guards are kept with the command and looked at when it is run,
//!   however late that is.
//! - A write that a crash has cut is ignored: nobody was told that it was kept. Damage with anything behind it is an error
//!   that says where, and changes nothing; in the very last frame it can't be told from a cut, and is logged. After a failed
//!   write or sync the outbox takes nothing more.
//! - One outbox at a time has the file, by a lock that a crash gives up. The file must be on a local disk, and while a
//!   compaction goes on there is another beside it, with `.rewrite` behind its name.
//!
//! A program begins by asking what an earlier run left, and then works:
//!
//! ```no_run
//! use oncelog::Client;
//! use oncelog::client::outbox::{Outbox, Standing};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder().addresses(["127.0.0.1:7420", "127.0.0.1:7430"]).build()?;
//! let sender = client.with_outbox(Outbox::open("payments.outbox").await?);
//!
//! // In the order in which it was kept. Whether an earlier attempt took effect or not, after this it has, once.
//! for kept in sender.waiting().await? {
//!     match kept.send().await {
//!         Ok(delivery) => {
//!             println!("{} is done: {:?}", kept.id(), delivery.submitted.results());
//!             delivery.confirm().await?;
//!         }
//!         // Nothing is decided: it stays, and so does all behind it.
//!         Err(undelivered) if undelivered.standing() == Standing::Open => return Err(undelivered.into()),
//!         Err(undelivered) => {
//!             eprintln!("{undelivered}: {}", undelivered.advice());
//!             undelivered.confirm().await?; // Only when somebody has been told.
//!         }
//!     }
//! }
//!
//! let transfer = client.command().add(&"balance/bob".parse()?, -7, 0..).add(&"balance/ada".parse()?, 7, ..);
//! let delivery = sender.submit(transfer.append(&"payments".parse()?, "7 EUR to Ada")).await?;
//! println!("paid at offset {:?}", delivery.submitted.first_offset());
//! // Whatever the program owes for the outcome comes first; once this is done, nobody will remind it.
//! delivery.confirm().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Instead of sending again, what an earlier run left can be settled the other way:
//!
//! ```no_run
//! # use oncelog::client::Client;
//! # use oncelog::client::outbox::Outbox;
//! # use oncelog::types::Verdict;
//! # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
//! let sender = client.with_outbox(Outbox::open("payments.outbox").await?);
//! for kept in sender.waiting().await? {
//!     let settled = kept.cancel().await?;
//!     match settled.outcome.verdict {
//!         Verdict::Cancelled => println!("{} never takes effect", kept.id()),
//!         Verdict::Applied(_) | Verdict::NothingToUndo | Verdict::Refused(_) => println!("{} was decided before", kept.id()),
//!     }
//!     settled.confirm().await?;
//! }
//! # Ok(())
//! # }
//! ```

mod cancellation;
mod delivery;
mod entry;
mod error;
mod file;
mod frame;
mod ledger;
mod place;
mod recovery;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;

use tokio::sync::oneshot;

pub use cancellation::Settled;
pub use delivery::{Delivery, Kept, SendError, Sender, Standing, Undelivered};
pub use entry::{Entry, EntryNumber};
pub use error::Error;

use crate::types::Command;
use crate::types::limits::{OUTBOX_GARBAGE_BYTES_TARGET, OUTBOX_KEEP_BYTES_MAX};
use ledger::{Ledger, Packed};
use writer::{Done, Request};

/// An open outbox. Cheap to clone and to share between tasks; those that keep at the same time share a sync.
///
/// When its last clone is dropped the file is let go of soon after; [`Outbox::close`] waits for it.
#[derive(Debug, Clone)]
pub struct Outbox {
    path: Arc<Path>,
    requests: mpsc::Sender<Request>,
}

impl Outbox {
    /// Opens an outbox, or makes it, with all that waits in it. Work on the file is done by a thread of its own.
    ///
    /// Cancel-safe: an opening that is dropped lets go of the file again, though perhaps a moment later.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::open_with(path.into(), OUTBOX_GARBAGE_BYTES_TARGET as u64).await
    }

    async fn open_with(path: PathBuf, garbage_bytes: u64) -> Result<Self, Error> {
        let (requests, received) = mpsc::channel();
        let (done, opened) = oneshot::channel();
        let thread_path = path.clone();
        let serve = move || match Ledger::open(&thread_path, garbage_bytes) {
            Ok(ledger) => {
                if done.send(Ok(())).is_ok() {
                    writer::run(ledger, &received);
                }
            }
            // If nobody waits for it, nobody needs to know.
            Err(error) => drop(done.send(Err(error))),
        };
        let thread = thread::Builder::new().name("oncelog-outbox".to_owned()).spawn(serve);
        thread.map_err(Error::io("start a thread for", &path))?;
        let outbox = Self { path: path.into(), requests };
        opened.await.map_err(|_| outbox.closed())??;
        Ok(outbox)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps commands: all of them or none, in this order, with one sync. They are on disk when it returns.
    ///
    /// What is malformed, too large or too much is not kept. After any other error the commands are kept or not, and opening
    /// the outbox again shows it.
    ///
    /// Cancel-safe: if it is dropped before it returns, they are kept, all of them, or not, and [`Outbox::waiting`] shows it.
    pub async fn keep(&self, commands: impl IntoIterator<Item = Command>) -> Result<Vec<Arc<Entry>>, Error> {
        let entries = commands.into_iter().map(Packed::new).collect::<Result<Vec<_>, _>>()?;
        let bytes = entries.iter().map(Packed::size).sum();
        if bytes > OUTBOX_KEEP_BYTES_MAX {
            return Err(Error::TooLarge(bytes));
        }
        self.ask(|done| Request::Keep { entries, done }).await
    }

    /// Removes an entry whose outcome the program has; one that has gone already is fine. A confirmation is not synced by
    /// itself, so for a while a power cut, or a crash in the middle of a later write, may bring the entry back: then it is
    /// sent again and gets the same outcome.
    ///
    /// Cancel-safe: if it is dropped before it returns, the entry is removed or not, and confirming again is fine.
    pub async fn confirm(&self, number: EntryNumber) -> Result<(), Error> {
        self.ask(|done| Request::Confirm { number, done }).await
    }

    /// Everything that is kept and not confirmed, in the order in which it was kept.
    ///
    /// Cancel-safe: it changes nothing.
    pub async fn waiting(&self) -> Result<Vec<Arc<Entry>>, Error> {
        self.ask(|done| Request::List { done }).await
    }

    /// Finishes what was asked for before, makes it durable and lets go of the file. Other clones are closed with it.
    ///
    /// Cancel-safe: if it is dropped before it returns, the outbox is closed all the same.
    pub async fn close(self) -> Result<(), Error> {
        self.ask(|done| Request::Close { done }).await
    }

    async fn ask<T>(&self, request: impl FnOnce(Done<T>) -> Request) -> Result<T, Error> {
        let (done, answer) = oneshot::channel();
        self.requests.send(request(done)).map_err(|_| self.closed())?;
        answer.await.map_err(|_| self.closed())?
    }

    fn closed(&self) -> Error {
        Error::Closed { path: self.path.to_path_buf() }
    }
}
