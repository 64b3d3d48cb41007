//! The state machine: pure functions from what was agreed to what becomes of it.
//!
//! - Nothing here reads a clock, a disk, randomness or the order of a hash map: equal input gives equal output on every
//!   node and in every build.
//! - A proposal changes something at most once: its outcome and its effects are returned together and land together.
//! - The rules of every machine version stay, because a newer build may replay an older entry. For the same reason no
//!   limit that a release may change decides anything here; such limits are checked at the door.
//!
//! A store decodes a [`Batch`], reads the rows that [`Reads`] names into an [`Overlay`], calls [`run()`], and writes the
//! effects.

mod actions;
mod advance;
mod arrive;
mod batch;
mod buckets;
mod cancel;
mod compensation;
mod decide;
mod digest;
mod draft;
mod due;
mod encoding;
mod fingerprint;
mod genesis;
mod guards;
mod overlay;
mod pieces;
mod rows;
mod run;
#[cfg(test)]
mod tests;
mod view;

pub use advance::due_in_entry;
pub use arrive::check_form;
pub use batch::Batch;
pub use decide::{decide, knows};
pub use digest::Digest;
pub use encoding::{decode_answer, decode_outcome, decode_proposal, encode_answer, encode_outcome, encode_proposal};
pub use fingerprint::Fingerprint;
pub use genesis::{admit_history, genesis};
pub use overlay::Overlay;
pub use rows::{Bucket, DeletedLog, Due, Effect, Globals, LogHead, Mark, Remembered, Space};
pub use run::{Ran, run};
pub use view::{Reads, View};
