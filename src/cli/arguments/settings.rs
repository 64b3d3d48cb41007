//! The flags of a node, by the names of its settings. What they mean is the node's own affair.

use std::path::PathBuf;

use clap::Args;

macro_rules! settings {
    ($($name:ident $value:ident $help:literal,)*) => {
        /// Settings of a node; each may stand in the file, in the environment or here.
        #[derive(Debug, Default, Args)]
        pub(crate) struct Settings {
            /// A TOML file of settings
            #[arg(long, value_name = "FILE", env = "ONCELOG_CONFIG")]
            pub(crate) config: Option<PathBuf>,
            $(#[arg(long, help = $help, value_name = stringify!($value))] $name: Option<String>,)*
        }

        impl Settings {
            /// The names of all settings that have a flag.
            #[cfg(test)]
            pub(crate) const NAMES: &'static [&'static str] = &[$(stringify!($name),)*];

            /// What was given, by the names of the settings.
            pub(crate) fn given(self) -> impl Iterator<Item = (&'static str, String)> {
                [$((stringify!($name), self.$name),)*].into_iter().filter_map(|(name, text)| Some((name, text?)))
            }
        }
    };
}

settings! {
    node_id NUMBER "The node's number: 1 or more, and never used by another node",
    data_dir DIRECTORY "The directory for all data",
    client_listen ADDRESS "The address to listen on for clients [default: 127.0.0.1:7420]",
    peer_listen ADDRESS "The address to listen on for other nodes [default: 127.0.0.1:7421]",
    client_advertise ADDRESS "The address at which clients reach this node [default: client-listen]",
    peer_advertise ADDRESS "The address at which other nodes reach this node [default: peer-listen]",
    timing PROFILE "How soon a silent leader is replaced: default, or fast for a good network",
    heartbeat_ms MS "How often the leader sends a heartbeat [default: by timing, 100 or 50]",
    election_timeout_min_ms MS "The shortest silence before an election [default: by timing, 500 or 250]",
    election_timeout_max_ms MS "The longest silence before an election [default: by timing, 1000 or 500]",
    snapshot_entries COUNT "Entries between two snapshots [default: 500000]",
    snapshot_bytes BYTES "Bytes of entries between two snapshots [default: 1073741824]",
    keep_entries COUNT "Entries that the Raft log keeps behind a snapshot [default: 10000]",
    log_format FORMAT "The format of log lines: text or json [default: text]",
    log_level FILTER "Which log lines are written [default: info,openraft=error]",
    worker_threads COUNT "Threads of the runtime [default: 2, or 1 on a machine with few processors]",
}
