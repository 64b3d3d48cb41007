//! What can be typed about clusters and nodes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// How soon a silent leader is replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Timing {
    /// After 0.5 to 1 s without a sign of the leader
    #[default]
    Default,
    /// After 0.25 to 0.5 s; for a good network
    Fast,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Dev {
    /// The number of nodes, from 1 to 9 [default: 3]
    #[arg(long, short = 'n', value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=9))]
    pub(crate) nodes: Option<u8>,
    /// Keep the directory when the command ends
    #[arg(long)]
    pub(crate) keep: bool,
    /// The directory for all data [default: a temporary directory]
    ///
    /// A new or empty directory gets a new cluster. The directory of an earlier cluster continues that cluster, and is kept
    /// when the command ends.
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) directory: Option<PathBuf>,
    /// How soon the nodes replace a silent leader
    #[arg(long, value_name = "PROFILE", value_enum, default_value_t)]
    pub(crate) timing: Timing,
    /// The client port of the first node [default: free ports]
    ///
    /// The next port is for its peers. The ports of each further node are ten higher than those of the node before it.
    #[arg(long, value_name = "FIRST", value_parser = clap::value_parser!(u16).range(1..=65_000))]
    pub(crate) port: Option<u16>,
}
