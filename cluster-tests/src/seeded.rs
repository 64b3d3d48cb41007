//! What the nodes of a run are: the binary as it is shipped, or one that can have a seeded bug, with it or without.

use std::collections::BTreeMap;

use crate::binary;
use crate::cluster::{Own, Settings};

/// The node that has the bug if only one has it. Its clock is right: that of the last one can be put wrong.
const ODD: u64 = 2;

/// What the nodes of a run are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The binary as it is shipped.
    Shipped,
    /// The build for tests, without a bug.
    Sound,
    /// The build for tests, with a bug.
    Seeded(&'static Seeded),
}

/// A seeded bug, as general chaos can have it.
#[derive(Debug, PartialEq, Eq)]
pub struct Seeded {
    /// Its name.
    pub name: &'static str,
    /// Who has it.
    pub whose: Whose,
    /// Whether nodes that have it may not come back: then P12 may be what names it, or P13.
    pub stops: bool,
    /// Whether only the rounds at the end of a run show it.
    pub late: bool,
}

/// Which nodes have a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// All.
    All,
    /// One, which is no replica of the others any more.
    One,
    /// One, which the bug ends in the middle of a write. It comes back without the bug: what that has done is there.
    OneThatEnds,
}

const fn all(name: &'static str) -> Seeded {
    Seeded { name, whose: Whose::All, stops: false, late: false }
}

const fn one(name: &'static str) -> Seeded {
    Seeded { name, whose: Whose::One, stops: false, late: false }
}

const fn ends(name: &'static str) -> Seeded {
    Seeded { name, whose: Whose::OneThatEnds, stops: false, late: false }
}

const fn stops(name: &'static str) -> Seeded {
    Seeded { name, whose: Whose::All, stops: true, late: false }
}

/// All of them, in the order of `src/types/seeded_bug.rs`.
pub const BUGS: [Seeded; 48] = [
    stops("nothing-is-synced"),
    all("answer-before-commit"),
    all("dedup-of-one-leader"),
    all("snapshot-without-ids"),
    ends("index-apart-from-effects"),
    all("expiry-by-local-clock"),
    all("time-of-the-leader"),
    one("reads-without-read-index"),
    one("local-reads-while-recovering"),
    stops("vote-not-synced"),
    stops("short-wal-accepted"),
    stops("on-after-a-full-disk"),
    stops("reused-node-id"),
    all("early-answer-to-a-retry"),
    all("reuse-ignored"),
    all("replay-told-as-first"),
    one("skipped-entry"),
    Seeded { late: true, ..stops("staged-id-stays") },
    ends("ids-without-their-index"),
    all("floor-not-kept"),
    stops("gate-by-index"),
    all("undoing-of-nothing"),
    all("cancel-forgotten"),
    all("offset-given-twice"),
    all("first-record-hidden"),
    all("half-a-command"),
    all("byte-lost"),
    all("lost-forward-told-as-none"),
    all("deadline-told-as-none"),
    all("reads-under-a-lease"),
    all("look-ups-are-local"),
    all("waits-end-early"),
    all("tail-skips-a-record"),
    all("trim-takes-one-more"),
    all("retention-takes-one-more"),
    all("forgotten-early"),
    all("lock-free-early"),
    all("undone-twice"),
    all("mark-lost-in-a-chunk"),
    all("guard-blind-to-undoing"),
    all("version-or-later"),
    all("log-begins-anew"),
    all("due-row-lost"),
    all("header-not-stored"),
    all("headers-not-compared"),
    all("list-skips-a-row"),
    all("snapshot-without-marks"),
    all("late-cancel-told-as-cancelled"),
];

/// The bug of this name.
pub fn named(name: &str) -> Result<&'static Seeded, String> {
    let bugs: &'static [Seeded] = &BUGS;
    bugs.iter().find(|bug| bug.name == name).ok_or_else(|| {
        let all: Vec<_> = bugs.iter().map(|bug| bug.name).collect();
        format!("there is no seeded bug {name}; there are: {}", all.join(", "))
    })
}

impl Subject {
    /// What is asked for on the command line: nothing, or a bug, or `none`.
    pub fn named(bug: Option<&str>) -> Result<Self, String> {
        match bug {
            None => Ok(Self::Shipped),
            Some("none") => Ok(Self::Sound),
            Some(name) => named(name).map(Self::Seeded),
        }
    }

    /// What nodes are to be started with.
    pub(crate) fn settings(self) -> Settings {
        let bug = match self {
            Self::Shipped => return Settings::default(),
            Self::Sound => None,
            Self::Seeded(bug) => Some(bug),
        };
        let variables = bug.map(|bug| binary::bug(bug.name)).into_iter().collect();
        let (variables, own) = if bug.is_some_and(|bug| bug.whose != Whose::All) {
            (Vec::new(), [(ODD, Own { binary: None, variables })].into())
        } else {
            (variables, BTreeMap::new())
        };
        Settings { binary: binary::chaos().to_owned(), variables, own, ..Settings::default() }
    }

    /// Whether there is no bug: such a run is to have all that it was meant to have.
    pub(crate) fn is_sound(self) -> bool {
        !matches!(self, Self::Seeded(_))
    }

    /// The node that its bug ends, if there is one.
    pub(crate) fn ends(self) -> Option<u64> {
        match self {
            Self::Seeded(bug) if bug.whose == Whose::OneThatEnds => Some(ODD),
            _ => None,
        }
    }

    /// How one asks for it on the command line.
    pub(crate) fn argument(self) -> String {
        match self {
            Self::Shipped => String::new(),
            Self::Sound => " --bug none".to_owned(),
            Self::Seeded(bug) => format!(" --bug {}", bug.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkout;

    #[test]
    fn the_bugs_are_those_of_the_source_in_its_order() {
        let source = std::fs::read_to_string(checkout::repository().join("src/types/seeded_bug.rs")).unwrap();
        let list = source.split_once("\nbugs! {\n").unwrap().1.split_once("\n}\n").unwrap().0;
        let names = list.lines().filter_map(|line| line.split_once(": \"")?.1.strip_suffix("\","));
        let known: Vec<&str> = BUGS.iter().map(|bug| bug.name).collect();
        assert_eq!(names.collect::<Vec<_>>(), known);
        assert!(known.iter().all(|name| named(name).unwrap().name == *name));
        assert!(named("no-such-bug").unwrap_err().contains("there are: nothing-is-synced, "));
    }
}
