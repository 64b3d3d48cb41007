//! What can be typed about locks.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::types::{Holder, LockName, Token};

use super::ids::NewId;
use super::parse;

/// About locks.
#[derive(Debug, Subcommand)]
pub enum Lock {
    /// Run a command while holding a lock
    #[command(after_help = RUN)]
    Run(Run),
    /// Take a lock; one that is held is refused, or waited for with --wait
    #[command(after_help = TOKEN)]
    Acquire(Acquire),
    /// Hold a lock for longer, from now on
    Renew(Renew),
    /// Free a lock
    Release(Release),
    /// List the locks that are held
    List {
        /// Only those whose names begin with this
        #[arg(long, value_name = "TEXT", default_value = "")]
        prefix: String,
        /// What the asked node has applied, possibly stale
        #[arg(long)]
        local: bool,
    },
    /// Say who holds a lock; exit code 4 if nobody does
    Describe {
        /// The lock
        #[arg(value_parser = LockName::new)]
        name: LockName,
        /// What the asked node has applied, possibly stale
        #[arg(long)]
        local: bool,
    },
}

const RUN: &str = "The command is started when the lock is held, with the token in ONCELOG_LOCK_TOKEN, and the lock is renewed while \
                   it runs. If the lock may be lost, because no node could renew it in time, the command and all that it \
                   started (its process group) get SIGTERM at once and SIGKILL after --grace, which is cut to a tenth of --time: then it is gone before anybody else can have the lock. SIGINT, SIGTERM, SIGQUIT and a lost terminal end it the \
                   same way. At the end the lock is released. The exit code is the command's, 128 and the signal's number if \
                   a signal ended it, and 3 if the lock was lost.\n\n\
                   SIGKILL to `oncelog` itself leaves the command running, and its lock is free when its time is over. \
                   A process that is paused may not see in time that it has lost its lock: let what it writes to refuse \
                   an old token. A command to oncelog does so by the guard `lock_held`; elsewhere, refuse a token that is less than \
                   one that was seen.";

const TOKEN: &str = "The token proves that the lock is held: keep it to renew and release it, and to guard commands by it. The lock \
                     is free again after --time unless it is renewed. A replayed answer may be older than that: it is refused \
                     with exit code 5 if the lock is no longer held by its token.";

/// Who is to hold a lock, and for how long.
#[derive(Debug, Args)]
pub(in crate::cli) struct Holding {
    /// Who is to hold it, for others to see [default: this machine's name and this process's number]
    #[arg(long, value_name = "TEXT", value_parser = Holder::new)]
    pub(in crate::cli) holder: Option<Holder>,
    /// For how long it is held unless it is renewed, from 1s to 24h
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse::positive_time)]
    pub(in crate::cli) time: Duration,
    /// Wait until it is free, at most so long; 0s tries once [default: as long as it takes to run, not at all to acquire]
    #[arg(long, value_name = "TIME", value_parser = parse::time)]
    pub(in crate::cli) wait: Option<Duration>,
}

/// Running a command.
#[derive(Debug, Args)]
pub struct Run {
    /// The lock
    #[arg(value_parser = LockName::new)]
    pub(in crate::cli) name: LockName,
    #[command(flatten)]
    pub(in crate::cli) holding: Holding,
    /// How long the command has after SIGTERM
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = parse::time)]
    pub(in crate::cli) grace: Duration,
    /// The command and what it is given, after --
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(in crate::cli) command: Vec<OsString>,
}

/// Acquiring.
#[derive(Debug, Args)]
pub struct Acquire {
    /// The lock
    #[arg(value_parser = LockName::new)]
    pub(in crate::cli) name: LockName,
    #[command(flatten)]
    pub(in crate::cli) holding: Holding,
    #[command(flatten)]
    pub(in crate::cli) id: NewId,
}

/// Renewing.
#[derive(Debug, Args)]
pub struct Renew {
    /// The lock
    #[arg(value_parser = LockName::new)]
    pub(in crate::cli) name: LockName,
    /// What it is held by, as `lock acquire` printed it
    #[arg(value_parser = parse::token)]
    pub(in crate::cli) token: Token,
    /// For how long from now on, from 1s to 24h
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse::positive_time)]
    pub(in crate::cli) time: Duration,
    #[command(flatten)]
    pub(in crate::cli) id: NewId,
}

/// Releasing.
#[derive(Debug, Args)]
pub struct Release {
    /// The lock
    #[arg(value_parser = LockName::new)]
    pub(in crate::cli) name: LockName,
    /// What it is held by, as `lock acquire` printed it
    #[arg(value_parser = parse::token)]
    pub(in crate::cli) token: Token,
    #[command(flatten)]
    pub(in crate::cli) id: NewId,
}
