//! What time alone does, before an entry's proposals are looked at.
//!
//! - The clock is the greatest stamp seen: a stamp that goes back changes nothing.
//! - What is due first is done first, one thing at a time, and the next one is looked for in what that left. What an entry
//!   has no room for stays due, in its place. No answer may hang on whether it was done: who asks looks at the clock.
//! - A thing that was done is due later than now, or no more.
//! - A lock or a log of a space that was deleted is not there when its time comes: its place in the index goes alone.

use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{LockName, LogName, LogTime, SpaceName, SpaceNumber};

use super::buckets;
use super::due::move_due;
use super::pieces;
use super::rows::{Due, Effect, Globals};
use super::view::View;

/// How many things that are due one entry does at least.
const DUE_PER_ENTRY: usize = 64;

/// How many things that are due an entry of so many proposals does: fixed by the machine version, since it decides what
/// state an entry leaves. The more an entry can make that will be due, the more it does.
///
/// For a few entries a store fetches the first rows of the due index that are due by the clock or by the greatest stamp
/// among those entries: this many for each entry, and one more for each lock, log and space that [`super::Reads`] names,
/// since a proposal can take that one's place away. The index is in the order of its times and of [`Due`]. For each of
/// these rows it fetches what the row is about: the lock, the log's head, the space with its oldest buckets, as many as
/// the entries can take away and one more.
pub const fn due_in_entry(proposals: usize) -> usize {
    DUE_PER_ENTRY + proposals
}

/// The effects of an entry's stamp.
pub(super) fn hear(view: &impl View, stamp: LogTime) -> Option<Effect> {
    let globals = view.globals();
    (stamp > globals.clock).then_some(Effect::Globals(Globals { clock: stamp, ..globals }))
}

/// Does the first thing that is due by the clock; nothing if none is.
pub(super) fn what_is_due(view: &impl View) -> Vec<Effect> {
    let clock = view.globals().clock;
    match view.next_due() {
        Some((at, due)) if at <= clock => match due {
            Due::Floor(name) => forget(view, at, name),
            Due::Lock(space, name) => expire(view, at, *space, name),
            Due::Log(space, name) => trim(view, at, *space, name),
        },
        _ => Vec::new(),
    }
}

fn expire(view: &impl View, at: LogTime, space: SpaceNumber, name: &LockName) -> Vec<Effect> {
    let mut effects = vec![Effect::Due { at, due: Due::Lock(space, name.clone()), is: false }];
    if view.lock(space, name).is_some() {
        effects.push(Effect::Lock { space, name: name.clone(), lock: None });
    }
    effects
}

/// The oldest bucket goes, and the floor moves to its end.
fn forget(view: &impl View, at: LogTime, name: &SpaceName) -> Vec<Effect> {
    let mut space = view.space(name).expect("what is due is there").clone();
    let (start, oldest) = view.bucket_after(space.number, None).expect("a space is due by its oldest bucket");
    let next = view.bucket_after(space.number, Some(start)).map(|(_, bucket)| bucket);
    let from = space.floor;
    let floor = from.max(oldest.end);
    // Without its floor, what is forgotten would run again.
    space.floor = if seeded(Bug::FloorNotKept) { from } else { floor };
    space.ids -= oldest.ids;
    space.id_bytes -= oldest.bytes;
    space.due = next.and_then(|bucket| buckets::due(&space, bucket));

    let mut effects = vec![Effect::Bucket { space: space.number, start, bucket: None }];
    move_due(&mut effects, Some(at), space.due, || Due::Floor(name.clone()));
    if floor > from {
        effects.push(Effect::Forget { space: space.number, from, below: floor });
    }
    effects.push(Effect::Space { name: name.clone(), space });
    effects
}

/// All pieces that are to go by now, go.
fn trim(view: &impl View, at: LogTime, space: SpaceNumber, name: &LogName) -> Vec<Effect> {
    let Some(head) = view.log(space, name) else {
        return vec![Effect::Due { at, due: Due::Log(space, name.clone()), is: false }];
    };
    let (clock, mut head) = (view.globals().clock, head.clone());
    let from = head.start;
    pieces::retain(&mut head, clock);
    head.due = pieces::due(&head, clock);

    let mut effects = Vec::new();
    move_due(&mut effects, Some(at), head.due, || Due::Log(space, name.clone()));
    if head.start > from {
        effects.push(Effect::Trim { space, log: head.number, from, before: head.start });
    }
    effects.push(Effect::Log { space, name: name.clone(), head });
    effects
}
