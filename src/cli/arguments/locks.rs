//! What can be typed about locks.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::types::{Holder, LockName, Token};

use super::ids::NewId;
use super::options::Local;
use super::parse;

/// About locks.
#[derive(Debug, Subcommand)]
pub(crate) enum Lock {
    /// Run a command while holding a lock
    #[command(after_help = RUN)]
    Run(Run),
    /// Acquire a lock; it is refused if another holder has it, unless --wait is given
    #[command(after_help = TOKEN)]
    Acquire {
        /// The lock
        name: LockName,
        #[command(flatten)]
        holding: Holding,
        #[command(flatten)]
        id: NewId,
    },
    /// Renew a lock: hold it for --time from now on
    Renew {
        /// The lock
        name: LockName,
        /// The token that `lock acquire` printed
        token: Token,
        /// How long the lock is held from now on, from 1s to 24h
        #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse::positive_time)]
        time: Duration,
        #[command(flatten)]
        id: NewId,
    },
    /// Release a lock
    Release {
        /// The lock
        name: LockName,
        /// The token that `lock acquire` printed
        token: Token,
        #[command(flatten)]
        id: NewId,
    },
    /// List the locks that are held
    List {
        /// List only locks whose names begin with this text
        #[arg(long, value_name = "TEXT", default_value = "")]
        prefix: String,
        #[command(flatten)]
        local: Local,
    },
    /// Print who holds a lock; exit code 4 if nobody does
    Describe {
        /// The lock
        name: LockName,
        #[command(flatten)]
        local: Local,
    },
}

const RUN: &str = "\
The command starts when the lock is held. It finds the lock's name in ONCELOG_LOCK and the token in ONCELOG_LOCK_TOKEN. The \
lock is renewed while the command runs, and released when the command ends.

If no node renews the lock in time, it may be lost. Then the command and all processes that it started (its process group) get \
SIGTERM at once, and SIGKILL after --grace, which is limited to a tenth of --time. So the command is gone before another holder \
can have the lock. SIGINT, SIGTERM, SIGQUIT and a lost terminal end the command in the same way.

The exit code is the command's, or 128 plus the number of the signal that ended it, or 6 if the lock may have been lost.

SIGKILL to `oncelog` itself leaves the command running; the lock expires after --time. A paused process may notice too late that \
it lost its lock. So whatever the command writes to should refuse old tokens: a command to oncelog does so with the guard \
`lock_held`; another system should refuse a token that is less than one that it has seen.";

const TOKEN: &str = "\
The token proves that you hold the lock. Keep it: you need it to renew and release the lock, and for the guard `lock_held`. The \
lock expires after --time unless you renew it.

With --id give --holder, too. Then the same line, typed again, prints the same token. If the lock has expired or was released \
since, the line ends with exit code 5. So it does if another holder had the lock when the id was first sent: take a new id to try \
again.";

#[derive(Debug, Args)]
pub(crate) struct Holding {
    /// The holder's name, which others can see [default: this machine's name and the number of this process]
    #[arg(long, value_name = "TEXT")]
    pub(crate) holder: Option<Holder>,
    /// How long the lock is held unless it is renewed, from 1s to 24h
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse::positive_time)]
    pub(crate) time: Duration,
    /// How long to wait for the lock; 0s tries once [default: `lock run` waits for ever, `lock acquire` does not wait]
    #[arg(long, value_name = "TIME", value_parser = parse::time)]
    pub(crate) wait: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The lock
    pub(crate) name: LockName,
    #[command(flatten)]
    pub(crate) holding: Holding,
    /// How long the command may take to end after SIGTERM
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = parse::time)]
    pub(crate) grace: Duration,
    /// The command and its arguments, after --
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}
