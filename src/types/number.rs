//! Numbers that must not be mixed up, each a type of its own with checked steps.

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl $name {
            /// The number after this one. Overflow would take longer than the universe has; it is a bug, not a state.
            #[must_use]
            pub fn next(self) -> Self {
                self.plus(1)
            }

            /// This number and `count` more.
            #[must_use]
            pub fn plus(self, count: $inner) -> Self {
                Self(self.0.checked_add(count).expect(concat!(stringify!($name), " overflows")))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

number! {
    /// A record's place in its log: 0, 1, 2 …, without gaps.
    Offset(u64)
}
number! {
    /// An entry's place in the Raft log.
    LogIndex(u64)
}
number! {
    /// The place of an outcome among all outcomes of its space: dense, from 1.
    Sequence(u64)
}
number! {
    /// How a cell or a reader's position was last changed: the sequence of the command that did it, so that no two states
    /// share one, not even of a cell that was deleted and made again. 0: it is not there.
    Version(u64)
}
number! {
    /// The number of a cluster's history: it changes at `init` and at a restore, and only upwards.
    History(u64)
}
number! {
    /// The short name of a space in keys.
    SpaceNumber(u32)
}
number! {
    /// The short name of a log in keys, unique in its space and never used again.
    LogNumber(u64)
}
number! {
    /// The version of the rules that decide an entry.
    MachineVersion(u16)
}

impl MachineVersion {
    /// The rules that the first release had. What an entry without a batch does is fixed by them for ever.
    pub const FIRST: Self = Self(1);
    /// The newest rules of this build. A build for tests of raised versions calls the same rules by one more number.
    pub const CURRENT: Self = if cfg!(feature = "chaos") { Self(2) } else { Self(1) };
}
