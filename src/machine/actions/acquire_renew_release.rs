//! Takes a lock, holds it for longer, and frees it.
//!
//! - A token is the place of the acquiring command: no two acquisitions of a lock by two commands share one, and it grows.
//! - A lock that has expired is free, whether its row is gone yet or not. So its old holder can neither renew nor release
//!   it, and takes nothing from the next one.
//! - Renewing keeps the token. It counts from now, and so can end a lock earlier, too.

use std::time::Duration;

use crate::machine::draft::Draft;
use crate::machine::guards::{held, held_by, held_by_other};
use crate::machine::view::View;
use crate::types::{ActionResult, Found, Holder, Lock, LockName, Token};

/// Takes a lock that nobody holds: not even its holder can take it again.
pub(super) fn acquire<'a>(
    draft: &mut Draft<'a, impl View>,
    name: &'a LockName,
    holder: &Holder,
    time: Duration,
) -> Result<ActionResult, Found> {
    let clock = draft.globals.clock;
    if let Some(lock) = held(draft.lock(name), clock) {
        return Err(held_by_other(lock));
    }
    let (token, expires) = (draft.token(), clock.saturating_add(time));
    draft.set_lock(name, Some(Lock { holder: holder.clone(), token, expires }));
    Ok(ActionResult::Locked { token, expires })
}

/// Holds a lock that is held by this token for this long from now on.
pub(super) fn renew<'a>(
    draft: &mut Draft<'a, impl View>,
    name: &'a LockName,
    token: Token,
    time: Duration,
) -> Result<ActionResult, Found> {
    let clock = draft.globals.clock;
    let held = held_by(draft.lock(name), token, clock)?;
    let expires = clock.saturating_add(time);
    let lock = Lock { expires, ..held.clone() };
    draft.set_lock(name, Some(lock));
    Ok(ActionResult::Locked { token, expires })
}

/// Frees a lock that is held by this token.
pub(super) fn release<'a>(
    draft: &mut Draft<'a, impl View>,
    name: &'a LockName,
    token: Token,
) -> Result<ActionResult, Found> {
    held_by(draft.lock(name), token, draft.globals.clock)?;
    draft.set_lock(name, None);
    Ok(ActionResult::Released)
}
