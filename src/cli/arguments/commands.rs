//! What can be typed about whole commands.

use clap::Args;

use super::ids::NewId;

/// Submitting.
#[derive(Debug, Args)]
pub struct Submit {
    /// The command: a file, or - for standard input
    #[arg(value_name = "FILE|-", required_unless_present = "print_example")]
    pub(in crate::cli) document: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) id: NewId,
    /// Print a command to begin with, and send nothing
    #[arg(long, conflicts_with_all = ["document", "id"])]
    pub(in crate::cli) print_example: bool,
}
