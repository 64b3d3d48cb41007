//! What is at stake when a command can't print its answer.
//!
//! - Nothing that may have changed something ends as if it had not, and no entry leaves an outbox unprinted.
//! - A reader that goes is no error by itself: a stream ends, and everything else goes on to its own exit code.

use super::arguments::{ClientCommand, Lock, Log, Reader, Space};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stake {
    /// The rest of a stream. Once nobody reads, nobody needs it.
    Stream,
    /// An answer that changes nothing. The exit code still tells, even if nobody reads.
    Answer,
    /// An answer to a change, which the same id finds again. The exit code still tells, even if nobody reads.
    Change,
    /// The entries of an outbox: each stays until its outcome is printed.
    Outbox {
        /// Whether the command may also change something in the cluster.
        changes: bool,
    },
}

impl Stake {
    pub(super) fn of(command: &ClientCommand) -> Self {
        let changes = match command {
            ClientCommand::Append(append) if append.outbox.is_some() => return Self::Outbox { changes: true },
            ClientCommand::Settle(settle) if settle.outbox.is_some() => return Self::Outbox { changes: settle.cancel },
            ClientCommand::Read(_) | ClientCommand::Tail(_) => return Self::Stream,
            ClientCommand::Settle(settle) => settle.cancel,
            ClientCommand::Submit(submit) => submit.document.is_some(),
            ClientCommand::Get(_)
            | ClientCommand::Lookup { .. }
            | ClientCommand::Status
            | ClientCommand::Log(Log::List { .. } | Log::Describe { .. })
            | ClientCommand::Reader(Reader::List { .. } | Reader::Describe { .. })
            | ClientCommand::Lock(Lock::List { .. } | Lock::Describe { .. })
            | ClientCommand::Space(Space::List { .. } | Space::Describe { .. }) => false,
            // Whatever does not only look may change something.
            _ => true,
        };
        if changes { Self::Change } else { Self::Answer }
    }
}
