//! The pages beside the code: how it works, what it promises, how to run it, and why it is so.

#![expect(clippy::doc_markdown, reason = "the pages are also read as they are, without a renderer")]

/// How a write goes, the layers, and what lies on disk.
pub mod architecture {
    #![doc = include_str!("architecture.md")]
}

/// What is promised, and what of it holds today.
pub mod guarantees {
    #![doc = include_str!("guarantees.md")]
}

/// What it does on a small machine, what that costs, and how to measure it.
pub mod performance {
    #![doc = include_str!("performance.md")]
}

/// How to start, configure, watch and mend a cluster.
pub mod operations {
    #![doc = include_str!("operations.md")]
}

/// Decisions that somebody will question later, each with its cost.
pub mod decisions {
    pub mod adopt_before_handling {
        #![doc = include_str!("decisions/adopt-before-handling.md")]
    }

    pub mod damaged_nodes_exit {
        #![doc = include_str!("decisions/damaged-nodes-exit.md")]
    }

    pub mod history_travels_with_members {
        #![doc = include_str!("decisions/history-travels-with-members.md")]
    }

    pub mod entries_are_framed_for_each_follower {
        #![doc = include_str!("decisions/entries-are-framed-for-each-follower.md")]
    }

    pub mod limits_live_at_the_door {
        #![doc = include_str!("decisions/limits-live-at-the-door.md")]
    }

    pub mod one_clock_for_all_spaces {
        #![doc = include_str!("decisions/one-clock-for-all-spaces.md")]
    }

    pub mod peer_messages_are_translated_in_raft {
        #![doc = include_str!("decisions/peer-messages-are-translated-in-raft.md")]
    }
}
