//! The options that several commands share, and where they come from when nobody types them.
//!
//! - They stand before the command or after it; what stands after it wins.
//! - What is not typed comes from the environment, and then from a default.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::types::{Consistency, SpaceName};

use super::parse;

/// How an answer is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// A JSON object on each line
    Jsonl,
    /// Bare values, separated by tabs
    Plain,
    /// Comma-separated values (RFC 4180)
    Csv,
}

// How to print. A doc comment would take the place of what a command says of itself.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Printing {
    /// How to print the answer [default: table]
    #[arg(
        long,
        short = 'o',
        global = true,
        value_name = "FORMAT",
        value_enum,
        default_value_t,
        hide_default_value = true
    )]
    pub(crate) output: Format,
    /// Print no notes, only the answer and errors
    #[arg(long, short = 'q', global = true)]
    pub(crate) quiet: bool,
}

const SERVER: &str =
    "The client addresses of nodes; if one fails, the next is asked [env: ONCELOG_SERVER] [default: 127.0.0.1:7420]";
const TIMEOUT: &str = "How long to try, all attempts together [env: ONCELOG_TIMEOUT] [default: 10s]";

// How to speak to nodes, as it was typed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(super) struct SpeakingGiven {
    #[arg(long, short = 's', global = true, value_name = "ADDRESS", value_delimiter = ',', help = SERVER)]
    server: Vec<String>,
    #[arg(long, global = true, value_name = "TIME", value_parser = parse::positive_time, help = TIMEOUT)]
    timeout: Option<Duration>,
    /// The space to work in [default: main]
    #[arg(long, global = true, value_name = "NAME", default_value = "main", hide_default_value = true)]
    space: SpaceName,
}

/// How to speak to nodes.
#[derive(Debug, Clone)]
pub(crate) struct Speaking {
    pub(crate) server: Vec<String>,
    pub(crate) timeout: Duration,
    pub(crate) space: SpaceName,
}

/// How a command is to be run.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) printing: Printing,
    pub(crate) speaking: Speaking,
}

impl SpeakingGiven {
    /// With what the environment says, and the defaults. The error says what is wrong there.
    pub(super) fn or(self, environment: impl Fn(&str) -> Option<String>) -> Result<Speaking, String> {
        let timeout = match (self.timeout, environment("ONCELOG_TIMEOUT")) {
            (Some(timeout), _) => timeout,
            (None, Some(text)) => parse::positive_time(&text).map_err(|error| format!("ONCELOG_TIMEOUT: {error}"))?,
            (None, None) => Duration::from_secs(10),
        };
        let mut server = self.server;
        if server.is_empty() {
            let given = environment("ONCELOG_SERVER").unwrap_or_else(|| "127.0.0.1:7420".to_owned());
            server.extend(given.split(',').map(str::to_owned));
        }
        Ok(Speaking { server, timeout, space: self.space })
    }
}

// Where a read looks.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Local {
    /// Read what the asked node has applied, which may be stale
    #[arg(long)]
    local: bool,
}

impl Local {
    pub(crate) fn consistency(self) -> Consistency {
        if self.local { Consistency::Local } else { Consistency::Linearizable }
    }
}
