//! Bugs that are put in on purpose, to see that the tests catch them.
//!
//! - A build without the feature `chaos` has none: there [`seeded`] is the constant `false`, and neither a name of a bug nor
//!   that of the variable is in the binary.
//! - In a build with it the variable `ONCELOG_CHAOS_BUG` names the one bug that the process has; without it there is none.
//!   A name that is unknown ends the process: a run without the bug that it was to have would prove nothing.
//! - Where luck would have to hit the moment, a bug strikes at what is *marked*: at commands whose bytes hold the words
//!   `the seeded bug strikes here`.

macro_rules! bugs {
    ($($(#[$doc:meta])* $bug:ident: $name:literal,)*) => {
        /// A bug.
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub enum Bug {
            $($(#[$doc])* $bug,)*
        }

        #[cfg(feature = "chaos")]
        const NAMES: &[(&str, Bug)] = &[$(($name, Bug::$bug),)*];
    };
}

bugs! {
    /// The Raft log is never synced.
    NothingSynced: "nothing-is-synced",
    /// The leader answers when it has taken a command, not when a majority has it.
    AnswerBeforeCommit: "answer-before-commit",
    /// Ids are known as long as their leader leads.
    DedupOfOneLeader: "dedup-of-one-leader",
    /// A snapshot holds everything but the ids.
    SnapshotWithoutIds: "snapshot-without-ids",
    /// The applied index is on disk before what the entry does.
    IndexApartFromEffects: "index-apart-from-effects",
    /// Each replica goes by its own clock.
    ExpiryByLocalClock: "expiry-by-local-clock",
    /// The leader's clock alone makes the time.
    TimeOfTheLeader: "time-of-the-leader",
    /// A linearizable read asks nobody.
    ReadsWithoutReadIndex: "reads-without-read-index",
    /// A local read does not wait until a restarted node has caught up with itself.
    LocalReadsWhileRecovering: "local-reads-while-recovering",
    /// A vote is given before it is on disk; here it never gets there.
    VoteNotSynced: "vote-not-synced",
    /// A log that lost its end is a log.
    ShortWalAccepted: "short-wal-accepted",
    /// A write that the disk refused counts as written.
    OnAfterFullDisk: "on-after-a-full-disk",
    /// A node is who it was by its number alone.
    ReusedNodeId: "reused-node-id",
    /// A retry of a command that is on its way is answered at once.
    EarlyAnswerToRetry: "early-answer-to-a-retry",
    /// Whatever comes under a known id is a retry.
    ReuseIgnored: "reuse-ignored",
    /// A replay is told to be the first.
    ReplayToldAsFirst: "replay-told-as-first",
    /// A replica does nothing for an entry.
    SkippedEntry: "skipped-entry",
    /// An id that was taken on and lost stays taken.
    StagedIdStays: "staged-id-stays",
    /// Ids are on disk before the applied index that they belong to.
    IdsWithoutIndex: "ids-without-their-index",
    /// Ids are forgotten, and the floor that would refuse them is not kept.
    FloorNotKept: "floor-not-kept",
    /// An entry may be applied when the disk has another one at its index.
    GateByIndex: "gate-by-index",
    /// A compensation pays back what was never taken.
    UndoingOfNothing: "undoing-of-nothing",
    /// A cancel is answered and not remembered.
    CancelForgotten: "cancel-forgotten",
    /// A record gets the offset of the one before it.
    OffsetGivenTwice: "offset-given-twice",
    /// An append takes the first record of its log away.
    FirstRecordHidden: "first-record-hidden",
    /// Of a command's records only the first is kept.
    HalfACommand: "half-a-command",
    /// A record loses its last byte.
    ByteLost: "byte-lost",
    /// A forward whose fate is unknown is told to have had no effect.
    LostForwardAsNone: "lost-forward-told-as-none",
    /// What was proposed and not answered in time is told to have had no effect.
    DeadlineAsNone: "deadline-told-as-none",
    /// A question to a majority serves reads for a second more.
    ReadsUnderLease: "reads-under-a-lease",
    /// A look-up that is to be linearizable asks the node itself.
    LookUpsAreLocal: "look-ups-are-local",
    /// A wait for a log's end is over one record too early.
    WaitsEndEarly: "waits-end-early",
    /// A tail leaves a record out.
    TailSkipsRecord: "tail-skips-a-record",
    /// A large trim takes the first record that is to stay.
    TrimTakesOneMore: "trim-takes-one-more",
    /// Retention takes a piece that is to stay.
    RetentionTakesOneMore: "retention-takes-one-more",
    /// A finite space forgets a tenth of its memory too early.
    ForgottenEarly: "forgotten-early",
    /// A lock is free a second before it expires.
    LockFreeEarly: "lock-free-early",
    /// What is undone is undone once more by another command.
    UndoneTwice: "undone-twice",
    /// The mark of an undoing is lost when its command and the undoing are applied at once.
    MarkLostInChunk: "mark-lost-in-a-chunk",
    /// A guard on a fate does not see that it was undone.
    GuardBlindToUndoing: "guard-blind-to-undoing",
    /// A guard on a cell's version takes any later version, too.
    VersionOrLater: "version-or-later",
    /// A log that is made again after its deletion begins at 0.
    LogBeginsAnew: "log-begins-anew",
    /// A lock is not written among what is due, and its row stays for ever.
    DueRowLost: "due-row-lost",
    /// A record is stored without its last header.
    HeaderNotStored: "header-not-stored",
    /// Other headers under a known id count as a retry.
    HeadersNotCompared: "headers-not-compared",
    /// A listing's later pages leave their first row out.
    ListSkipsRow: "list-skips-a-row",
    /// A snapshot that is installed has lost what stays of deleted logs, readers and spaces.
    SnapshotWithoutMarks: "snapshot-without-marks",
    /// A cancel that comes too late is told that it was in time.
    LateCancelAsCancelled: "late-cancel-told-as-cancelled",
}

#[cfg(feature = "chaos")]
pub use in_chaos::{is_marked, local_clock, seeded};
#[cfg(not(feature = "chaos"))]
pub use in_production::{is_marked, local_clock, seeded};

#[cfg(not(feature = "chaos"))]
mod in_production {
    use super::Bug;
    use crate::types::LogTime;

    /// Never.
    #[inline]
    pub const fn seeded(_bug: Bug) -> bool {
        false
    }

    /// Nothing is.
    #[inline]
    pub const fn is_marked(_bytes: &[u8]) -> bool {
        false
    }

    /// No time: only a seeded bug would ask.
    #[inline]
    pub const fn local_clock() -> LogTime {
        LogTime::ZERO
    }
}

#[cfg(feature = "chaos")]
mod in_chaos {
    use std::sync::OnceLock;
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::{Bug, NAMES};
    use crate::types::LogTime;

    const VARIABLE: &str = "ONCELOG_CHAOS_BUG";
    const MARK: &[u8] = b"the seeded bug strikes here";

    /// Whether this process has the bug.
    pub fn seeded(bug: Bug) -> bool {
        static CHOSEN: OnceLock<Option<Bug>> = OnceLock::new();
        *CHOSEN.get_or_init(choose) == Some(bug)
    }

    fn choose() -> Option<Bug> {
        let name = std::env::var_os(VARIABLE)?;
        let Some((_, bug)) = NAMES.iter().find(|(known, _)| name == *known) else {
            let known: Vec<&str> = NAMES.iter().map(|(known, _)| *known).collect();
            eprintln!("{VARIABLE} names the bug {}; there are only these: {}", name.display(), known.join(", "));
            std::process::exit(2);
        };
        Some(*bug)
    }

    /// Whether a bug is to strike here.
    pub fn is_marked(bytes: &[u8]) -> bool {
        bytes.windows(MARK.len()).any(|window| window == MARK)
    }

    /// What the clock of this machine shows.
    #[expect(clippy::disallowed_methods, reason = "it is the bug to look at it")]
    pub fn local_clock() -> LogTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        LogTime::from_ms_saturating(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}
