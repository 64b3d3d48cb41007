//! Whether the state can still be trusted.
//!
//! - After a failed write memory is ahead of the disk: nothing is done and nothing is answered any more.

use std::sync::OnceLock;

use super::error::Error;

/// The first failure, if there was one.
#[derive(Debug, Default)]
pub(super) struct Health {
    failure: OnceLock<String>,
}

impl Health {
    /// Fails if something failed before.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.failure.get() {
            None => Ok(()),
            Some(failure) => Err(Error::Stopped(failure.clone())),
        }
    }

    /// Does something that must not fail: once it has, nothing else is done.
    pub(super) fn must<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        self.check()?;
        work().inspect_err(|error| {
            // A later failure is a consequence of the first.
            let _ = self.failure.set(error.to_string());
        })
    }
}
