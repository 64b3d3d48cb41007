//! What can be typed about spaces.

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::types::{LogCreation, Memory, SpaceName};

use super::ids::NewId;
use super::parse;

/// About spaces.
#[derive(Debug, Subcommand)]
pub enum Space {
    /// Make a space; one that is there refuses it
    #[command(after_help = MEMORY)]
    Create(CreateSpace),
    /// List the spaces
    List {
        /// What the asked node has applied, possibly stale
        #[arg(long)]
        local: bool,
    },
    /// Describe a space: what it remembers, and how old duplicates were when they came to each node of --server
    #[command(after_help = DESCRIBE)]
    Describe {
        /// The space
        #[arg(value_parser = SpaceName::new)]
        name: SpaceName,
        /// What the asked nodes have applied, possibly stale
        #[arg(long)]
        local: bool,
    },
    /// Change a space
    #[command(after_help = MEMORY)]
    Set(SetSpace),
}

const MEMORY: &str = "A space that remembers for ever refuses no id, however old. One that forgets takes only ids that say when they \
                      were made, and refuses those that are older than its memory: it never runs them a second time. Which of \
                      the two is fixed when a space is made; how long it remembers may change. `space describe` shows how \
                      old duplicates are when they come: remember several times as long.";

const DESCRIBE: &str = "A node counts the duplicates that it has recognised since it started, by their age: how long after its \
                        id was made, or else decided, one came. With -o plain and -o csv only the space itself is printed.";

/// Making a space.
#[derive(Debug, Args)]
pub struct CreateSpace {
    /// The space
    #[arg(value_parser = SpaceName::new)]
    pub(in crate::cli) name: SpaceName,
    /// How long it remembers ids: `forever`, or a time of at least a minute, such as 7d
    #[arg(long, value_name = "TIME|forever", default_value = "forever", value_parser = parse::memory)]
    pub(in crate::cli) memory: Memory,
    /// Whether a log is made `by-append`, or `explicit`ly by `log create`, so that a misspelled one is refused
    #[arg(long, value_name = "HOW", default_value = "by-append", value_parser = parse::log_creation)]
    pub(in crate::cli) logs: LogCreation,
    #[command(flatten)]
    pub(in crate::cli) id: NewId,
}

/// Changing a space.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("changes").args(["memory", "logs"]).required(true).multiple(true))]
pub struct SetSpace {
    /// The space
    #[arg(value_parser = SpaceName::new)]
    pub(in crate::cli) name: SpaceName,
    /// How long it remembers ids from now on, at least a minute
    #[arg(long, value_name = "TIME", value_parser = parse::positive_time)]
    pub(in crate::cli) memory: Option<Duration>,
    /// How its logs are made from now on: `by-append` or `explicit`
    #[arg(long, value_name = "HOW", value_parser = parse::log_creation)]
    pub(in crate::cli) logs: Option<LogCreation>,
    #[command(flatten)]
    pub(in crate::cli) id: NewId,
}
