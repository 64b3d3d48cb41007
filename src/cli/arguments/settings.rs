//! The flags of a node, by the names of its settings. What they mean is the node's own affair.

use std::path::PathBuf;

use clap::Args;

macro_rules! settings {
    ($($(#[$attribute:meta])* $name:ident,)*) => {
        /// Settings of a node; each may stand in the file, in the environment or here.
        #[derive(Debug, Default, Args)]
        pub(crate) struct Settings {
            /// A TOML file of settings
            #[arg(long, value_name = "FILE", env = "ONCELOG_CONFIG")]
            config: Option<PathBuf>,
            $($(#[$attribute])* #[arg(long)] $name: Option<String>,)*
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
    /// The node's number, 1 or more, never used by another node
    #[arg(value_name = "NUMBER")]
    node_id,
    /// Where everything is kept
    #[arg(value_name = "DIRECTORY")]
    data_dir,
    /// Where to listen for clients [default: 127.0.0.1:7420]
    #[arg(value_name = "ADDRESS")]
    client_listen,
    /// Where to listen for other nodes [default: 127.0.0.1:7421]
    #[arg(value_name = "ADDRESS")]
    peer_listen,
    /// Where clients reach this node [default: client-listen]
    #[arg(value_name = "ADDRESS")]
    client_advertise,
    /// Where other nodes reach this node [default: peer-listen]
    #[arg(value_name = "ADDRESS")]
    peer_advertise,
    /// How soon a silent leader is replaced: default, or fast for a good network
    #[arg(value_name = "PROFILE")]
    timing,
    /// How often a leader is heard [default: by timing, 100 or 50]
    #[arg(value_name = "MS")]
    heartbeat_ms,
    /// The shortest silence before an election [default: by timing, 500 or 250]
    #[arg(value_name = "MS")]
    election_timeout_min_ms,
    /// The longest [default: by timing, 1000 or 500]
    #[arg(value_name = "MS")]
    election_timeout_max_ms,
    /// Entries from one snapshot to the next [default: 500000]
    #[arg(value_name = "COUNT")]
    snapshot_entries,
    /// Bytes of entries from one snapshot to the next [default: 1073741824]
    #[arg(value_name = "BYTES")]
    snapshot_bytes,
    /// Entries that the Raft log keeps behind a snapshot [default: 10000]
    #[arg(value_name = "COUNT")]
    keep_entries,
    /// How log lines look: text or json [default: text]
    #[arg(value_name = "FORMAT")]
    log_format,
    /// Which log lines are written [default: info,openraft=error]
    #[arg(value_name = "FILTER")]
    log_level,
    /// Threads of the runtime [default: 2, or 1 where processors are few]
    #[arg(value_name = "COUNT")]
    worker_threads,
}

impl Settings {
    /// The file to read.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.config.clone()
    }
}
