//! All crash points, in the order in which a node comes to them first.

/// An instant between two steps of a write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point(
    #[cfg_attr(not(any(test, feature = "chaos")), expect(dead_code, reason = "shipped without names"))] &'static str,
);

impl Point {
    /// As it is typed.
    #[cfg(any(test, feature = "chaos"))]
    pub(super) fn name(self) -> &'static str {
        self.0
    }
}

macro_rules! points {
    ($($constant:ident = $name:literal,)+) => {
        $(pub(crate) const $constant: Point = Point($name);)+

        /// All names.
        #[cfg(any(test, feature = "chaos"))]
        pub(crate) const ALL: &[&str] = &[$($name),+];
    };
}

/// Within a read, which a crash can't leave half done: for unit tests only, and none of `ALL`.
pub(crate) const ENTRIES_READ: Point = Point("entries.read");

points! {
    IDENTITY_WRITE = "identity.write",
    IDENTITY_WRITTEN = "identity.written",

    OPEN_WATERMARK_MADE = "open.watermark_made",
    OPEN_COPIED = "open.copied",
    OPEN_COPY_PUBLISHED = "open.copy_published",
    OPEN_ORIGINAL_REMOVED = "open.original_removed",
    OPEN_SWITCHED = "open.switched",
    OPEN_VERIFIED = "open.verified",

    WATERMARK_WRITE = "watermark.write",
    WATERMARK_RAISED = "watermark.raised",
    WATERMARK_HALF_RESET = "watermark.half_reset",
    WATERMARK_RESET = "watermark.reset",
    WATERMARK_SYNC = "watermark.sync",
    WATERMARK_SYNCED = "watermark.synced",

    CREATE_GENERATION_FLUSHED = "create.generation_flushed",
    CREATE_GENERATION_SYNCED = "create.generation_synced",
    CREATE_SWITCHED = "create.switched",

    INIT_BEGUN = "init.begun",
    INIT_STORED = "init.stored",
    INIT_MADE = "init.made",
    ADOPT_BEGUN = "adopt.begun",
    ADOPT_STORED = "adopt.stored",

    VOTE_BEGUN = "vote.begun",
    VOTE_SYNCED = "vote.synced",
    VOTE_MARKED = "vote.marked",

    GROUP_BEGUN = "group.begun",
    LOG_WRITE = "log.write",
    GROUP_SYNCED = "group.synced",
    GROUP_MARKED = "group.marked",
    GROUP_ANSWERED = "group.answered",
    COMMITTED_BEGUN = "committed.begun",
    COMMITTED_SYNCED = "committed.synced",

    APPLY_BEFORE = "apply.before",
    APPLY_WRITE = "apply.write",
    APPLY_WRITTEN = "apply.written",

    CHECKPOINT_BEFORE = "checkpoint.before",
    CHECKPOINT_BUILD = "checkpoint.build",
    CHECKPOINT_BUILT = "checkpoint.built",
    CHECKPOINT_SYNCED = "checkpoint.synced",
    CHECKPOINT_NAMED = "checkpoint.named",
    CHECKPOINT_PUBLISHED = "checkpoint.published",
    PURGE_BEGUN = "purge.begun",
    PURGE_SYNCED = "purge.synced",

    TRUNCATE_BEGUN = "truncate.begun",
    WATERMARK_HALF_LOWERED = "watermark.half_lowered",
    TRUNCATE_LOWERED = "truncate.lowered",
    TRUNCATE_SYNCED = "truncate.synced",

    RECEIVE_PART_WRITTEN = "receive.part_written",
    RECEIVE_FILE_SYNCED = "receive.file_synced",
    RECEIVE_FILE_WHOLE = "receive.file_whole",
    RECEIVE_FINISHED = "receive.finished",
    INSTALL_BEFORE_COPY = "install.before_copy",
    INSTALL_COPY_LINKED = "install.copy_linked",
    INSTALL_COPY_NAMED = "install.copy_named",
    INSTALL_GENERATION_NAMED = "install.generation_named",
    INSTALL_BEFORE_SWITCH = "install.before_switch",
    INSTALL_SWITCH = "install.switch",
    INSTALL_SWITCHED = "install.switched",
    INSTALL_PUBLISHED = "install.published",
    RESTART_BEGUN = "restart.begun",
    RESTART_LOWERED = "restart.lowered",
    RESTART_SYNCED = "restart.synced",
    RESTART_MARKED = "restart.marked",

    FLUSH_BEFORE = "flush.before",
    FLUSH_WRITE = "flush.write",
    FLUSH_AFTER = "flush.after",
}
