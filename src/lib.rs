//! oncelog: a Raft-replicated, deduplicating log cluster in which **retrying is always safe, for ever**.
//!
//! Every command has an id that its sender chose before the first attempt. Whatever crashes, whoever leads next, however
//! often it is sent, it takes effect once, and every sender gets the same answer. This crate is the client; its server half
//! is the program `oncelog`. `oncelog dev` starts a cluster to try it with, and prints the addresses.
//!
//! # Connect
//!
//! ```no_run
//! use oncelog::Client;
//!
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! // Every node that is known: the others are asked when one fails. Nothing connects before the first request.
//! let client = Client::connect(["127.0.0.1:7420", "127.0.0.1:7430", "127.0.0.1:7440"])?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Client::builder`] sets the space, the time that an operation may take, certificates, metadata. A client is cheap to
//! clone, and shares its connections with its clones.
//!
//! # Append, and try again
//!
//! ```no_run
//! # async fn example(client: oncelog::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use oncelog::types::{Id, LogName};
//!
//! let (orders, id) = (LogName::new("orders")?, Id::new("order-2026-117")?);
//! let first = client.append(&orders, ["two tickets"], Some(id.clone())).await?;
//! let again = client.append(&orders, ["two tickets"], Some(id)).await?;
//! assert_eq!((first.first, again.replayed), (again.first, true));
//! # Ok(())
//! # }
//! ```
//!
//! The id makes it safe: the second call, an hour or a year later, changes nothing and says what the first one did. The
//! client itself tries again in the same way, under the same id, until its time is over. Other content under the same id is
//! refused, and an id that is left out is made by the client ([`Client::fresh_id`]).
//!
//! [`Client::append_stream`] has many appends on the way at once, each with a receipt, in the order in which they were
//! given.
//!
//! # More than an append: cells, guards, transfers
//!
//! A space also holds *cells*: named bytes or numbers, each with a version. A command may have many actions and guards; all
//! of it happens, or nothing.
//!
//! ```no_run
//! # async fn example(client: oncelog::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use oncelog::types::{CellKey, Found, Guard};
//!
//! let (ada, bob) = (CellKey::new("balance/ada")?, CellKey::new("balance/bob")?);
//! let transfer = client
//!     .command()
//!     .id("pay-7".parse()?)
//!     .require(Guard::cell_absent(&"frozen/ada".parse()?))
//!     .add(&ada, -20, 0..) // Never below nothing: otherwise the whole command is refused.
//!     .add_from(&bob, 0, 20, ..)
//!     .append(&"payments".parse()?, "ada pays bob 20");
//! match transfer.submit().await {
//!     Ok(done) => println!("paid, at offset {:?}", done.first_offset()),
//!     // A refusal is an outcome, too: under this id it stays. What was found says why.
//!     Err(error) => match error.refusal().map(|refusal| &refusal.found) {
//!         Some(Found::OutOfBounds(balance)) => println!("ada has only {balance}"),
//!         _ => return Err(error.into()),
//!     },
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Client::command`] begins one; [`Guard`](types::Guard) and [`Action`](types::Action) list all that there is.
//!
//! # End a doubt: cancel, settle, undo
//!
//! A request whose answer was lost may still be on its way. [`Client::cancel`] makes sure that its id never takes effect,
//! unless it has: then the answer is its outcome. [`Client::settle`] looks first. What has happened is undone by a command
//! that [compensates](client::Request::compensate) it.
//!
//! ```no_run
//! # async fn example(client: oncelog::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use oncelog::client::Undecided;
//! use oncelog::types::{Fate, Verdict};
//!
//! match client.settle(&"pay-7".parse()?, Undecided::Cancel).await? {
//!     Fate::Decided { outcome, .. } if outcome.verdict == Verdict::Cancelled => println!("pay it by another way"),
//!     fate => println!("it was decided before: {fate:?}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Read and follow
//!
//! ```no_run
//! # async fn example(client: oncelog::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use oncelog::types::{Consistency, LogName, Offset};
//!
//! let orders = LogName::new("orders")?;
//! // Up to the end that the log has now.
//! let mut pages = client.pages(orders.clone(), Offset(0), None, Consistency::Linearizable);
//! while let Some(page) = pages.next().await? {
//!     println!("{} records up to {}", page.records.len(), page.next);
//! }
//! // And from there on as it grows, whichever node fails meanwhile.
//! let mut tail = client.tail(orders, pages.seen().map(|seen| seen.next), Consistency::Linearizable);
//! let page = tail.next().await?;
//! # drop(page);
//! # Ok(())
//! # }
//! ```
//!
//! Both become a [`Stream`](client::Stream) by `into_stream`; so do listings, such as [`Client::cells`].
//! [`Client::wait`] waits until something is so: a log's end, a cell, a lock, the outcome of an id.
//!
//! # Work on every record once
//!
//! A [consumer](client::consumer) keeps its position in the space, and moves it in the very command that writes what follows
//! from the records. So a crash at any point neither loses nor doubles anything. With
//! [`member`](client::consumer::Options::member), several share the logs.
//!
//! # One at a time
//!
//! A [lock](client::lock) has one holder; it is renewed while it is held, and free again when the holder dies. Its
//! [guard](client::lock::Held::guard) refuses whatever comes from a holder that stood still and has lost it.
//!
//! # Survive a crash of your own program
//!
//! An [outbox](client::outbox) is a file that keeps each command, with its id, before the first attempt, until the program
//! has the outcome. After a crash it says what was left, and sends it again or settles it.
//!
//! # When something fails
//!
//! An [`Error`] says what was to be done, what each node has said, what to do ([`Error::advice`]), and above all whether
//! anything may have happened: [`Error::in_doubt`]. If not, nothing has happened, and nothing will. If so, the same id, sent
//! again or settled, finds out. [`docs::errors`] lists every reason.
#![cfg_attr(
    not(feature = "server"),
    allow(dead_code, unused_imports, reason = "the client needs a part of what it shares with a node")
)]
#![expect(
    unreachable_pub,
    reason = "`pub` is what a layer offers to those above it; what the crate offers stands below"
)]

// The layers, each of which imports only those before it: `types`, `machine`, `store`, `wire`, `raft`, `engine`, `api`,
// `client`, `node`, `cli`, `program`. What is public is listed by a test (cluster-tests/tests/tidy/surface.txt).
#[cfg(feature = "server")]
mod api;
#[cfg(feature = "server")]
mod cli;
#[cfg(feature = "client")]
pub mod client;
pub mod docs;
#[cfg(feature = "server")]
mod engine;
mod machine;
#[cfg(feature = "server")]
mod node;
#[cfg(feature = "server")]
#[doc(hidden)]
pub mod program;
#[cfg(feature = "server")]
mod raft;
#[cfg(feature = "server")]
mod store;
pub mod types;
mod wire;

#[cfg(feature = "client")]
pub use client::{Client, Error};

/// The limits that a command or a reader may meet.
pub mod limits {
    pub use crate::types::limits::{
        BORN_AHEAD_MAX, CELL_BYTES_MAX, COMMAND_BYTES_MAX, COMMAND_RECORDS_MAX, COMMAND_STEPS_MAX,
        HEADER_KEY_BYTES_MAX, LOCK_TIME_MAX, LOCK_TIME_MIN, MEMORY_MAX, MEMORY_MIN, NAME_BYTES_MAX, PAGE_BYTES_MAX,
        PAGE_NAMES_MAX, PAGE_RECORDS_MAX, RECORD_BYTES_MAX, RECORD_HEADERS_MAX,
    };
}
