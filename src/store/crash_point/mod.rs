//! Named instants between two steps of a write, where a process may die or a test looks at the disk.
//!
//! A store calls [`reached`] with its own directory between its steps and [`fault`] before a step that the disk may refuse.
//!
//! - As it is shipped both are nothing.
//! - In a unit test a [`Hook`] on a directory is called at each point that a store in or below it reaches, on the thread
//!   that writes, which stands still meanwhile: [`image`] then takes what a killed process would leave. Hooks of other
//!   directories don't notice, so tests run side by side.
//! - In the build for chaos a variable of the environment chooses a point, and the process dies there: see `choice`.
//!
//! All points are in [`point`]. One that is misspelt does not compile, and one that nothing reaches is dead code, which the
//! lints refuse.

#[cfg(any(test, feature = "chaos"))]
mod choice;
#[cfg(test)]
mod hooks;
#[cfg(all(not(test), feature = "chaos"))]
mod killing;
pub(crate) mod point;

#[cfg(test)]
pub(crate) use self::hooks::{Hook, fault, image, reached};
#[cfg(all(not(test), feature = "chaos"))]
pub(crate) use self::killing::{check, fault, reached};
#[cfg(all(not(test), not(feature = "chaos")))]
pub(crate) use self::nothing::{fault, reached};
pub(crate) use self::point::Point;

#[cfg(all(not(test), not(feature = "chaos")))]
mod nothing {
    use std::io;
    use std::path::Path;

    use super::Point;

    /// Nothing.
    #[inline]
    pub(crate) fn reached(_directory: &Path, _point: Point) {}

    /// No fault.
    #[inline]
    #[expect(clippy::unnecessary_wraps, reason = "its form in tests can fail")]
    pub(crate) fn fault(_directory: &Path, _point: Point) -> io::Result<()> {
        Ok(())
    }
}
