//! What can be typed about spaces.

use std::time::Duration;

use clap::{ArgGroup, Subcommand};

use crate::types::{LogCreation, Memory, SpaceName};

use super::ids::NewId;
use super::options::Local;
use super::parse;

/// About spaces.
#[derive(Debug, Subcommand)]
pub(crate) enum Space {
    /// Create a space; it is refused if the space exists
    #[command(after_help = MEMORY)]
    Create {
        /// The space
        name: SpaceName,
        /// How long the space remembers ids: `forever`, or a time of at least a minute, such as 7d
        #[arg(long, value_name = "TIME|forever", default_value = "forever", value_parser = parse::memory)]
        memory: Memory,
        /// How logs are created: `by-append`, or `explicit` (by `log create` only, so that a misspelled name is refused)
        #[arg(long, value_name = "HOW", default_value = "by-append", value_parser = parse::log_creation)]
        logs: LogCreation,
        #[command(flatten)]
        id: NewId,
    },
    /// List the spaces
    List(Local),
    /// Describe a space, and print how old duplicates were when they came to each node of --server
    #[command(after_help = DESCRIBE)]
    Describe {
        /// The space
        name: SpaceName,
        #[command(flatten)]
        local: Local,
    },
    /// Change a space
    #[command(after_help = MEMORY, group = ArgGroup::new("changes").args(["memory", "logs"]).required(true).multiple(true))]
    Set {
        /// The space
        name: SpaceName,
        /// How long the space remembers ids from now on; at least a minute
        #[arg(long, value_name = "TIME", value_parser = parse::positive_time)]
        memory: Option<Duration>,
        /// How logs are created from now on: `by-append` or `explicit`
        #[arg(long, value_name = "HOW", value_parser = parse::log_creation)]
        logs: Option<LogCreation>,
        #[command(flatten)]
        id: NewId,
    },
    /// Delete a space with everything in it; its name is never given again
    #[command(after_help = DELETE)]
    Delete {
        /// The space
        name: SpaceName,
        /// Confirm that the space and everything in it is to be deleted
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        id: NewId,
    },
}

const DELETE: &str = "\
All of the space is deleted at once: logs, cells, readers, locks and ids. Nothing brings it back. Whatever still comes for the \
space is refused as NO_SUCH_SPACE, so no id of it ever runs in another space of that name. `main` and `oncelog.system` cannot be \
deleted.";

const MEMORY: &str = "\
A space that remembers ids for ever accepts any id, however old. A space with a limited memory accepts only ids that say when they \
were made, and refuses an id that is older than its memory, so it never runs one a second time. You choose between the two when \
you create the space; how long a limited memory is may change later. `space describe` shows how old duplicates are when they \
come: choose a memory several times as long.";

const DESCRIBE: &str = "\
A node counts the duplicates that it has recognised since it started, by their age: the time from when the id was made, or first \
decided, until the duplicate came. -o plain and -o csv print only the space.";
