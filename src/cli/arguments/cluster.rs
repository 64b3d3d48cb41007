//! What can be typed about clusters and nodes.

use std::path::PathBuf;

use clap::Args;

use crate::cli::children::Timing;

use super::ids::NewId;

/// A cluster of one's own.
#[derive(Debug, Args)]
pub struct Dev {
    /// How many nodes, 1 to 9 [default: 3]
    #[arg(long, short = 'n', value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=9))]
    pub(in crate::cli) nodes: Option<u8>,
    /// Leave the directory at the end
    #[arg(long)]
    pub(in crate::cli) keep: bool,
    /// Where everything is kept: a new or empty directory, or the one of an earlier cluster, which goes on and stays
    /// [default: a temporary one]
    #[arg(long, value_name = "DIRECTORY")]
    pub(in crate::cli) directory: Option<PathBuf>,
    /// How soon a silent leader is replaced
    #[arg(long, value_name = "PROFILE", value_enum, default_value_t)]
    pub(in crate::cli) timing: Timing,
    /// The first node's port for clients; the next is for its peers, and every further node's are ten further
    /// [default: free ones]
    #[arg(long, value_name = "FIRST", value_parser = clap::value_parser!(u16).range(1..=65_000))]
    pub(in crate::cli) port: Option<u16>,
}

/// Founding.
#[derive(Debug, Args)]
pub struct Init {
    /// The peer addresses of all nodes, the asked one's included; the first of --server is asked
    #[arg(long, required = true, value_name = "ADDRESS", value_delimiter = ',')]
    pub(in crate::cli) peers: Vec<String>,
}

/// Raising the machine version.
#[derive(Debug, Args)]
pub struct Raise {
    /// The version; the newest that all members know if left out
    #[arg(long, value_name = "VERSION")]
    pub(in crate::cli) to: Option<u16>,
    #[command(flatten)]
    pub(in crate::cli) id: NewId,
}
