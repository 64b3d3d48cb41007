//! How a node is to run: flags over environment over file over defaults.
//!
//! - Every setting has one name: `client_listen` in a file is `--client-listen` and `ONCELOG_CLIENT_LISTEN`.
//! - A value keeps where it came from until it is checked, so an error names the place that has to be mended.
//! - A name that no setting has is refused in a file; a setting that does nothing does not exist.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::types::NodeId;

/// A checked configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The number of the node.
    pub node_id: NodeId,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where it listens for clients.
    pub client_listen: String,
    /// Where it listens for other nodes.
    pub peer_listen: String,
    /// Where clients reach it.
    pub client_advertise: String,
    /// Where other nodes reach it.
    pub peer_advertise: String,
    /// How often a leader is heard.
    pub heartbeat: Duration,
    /// The shortest time without a leader before an election.
    pub election_timeout_min: Duration,
    /// The longest.
    pub election_timeout_max: Duration,
    /// Entries from one snapshot to the next.
    pub snapshot_entries: u64,
    /// Bytes of entries from one snapshot to the next.
    pub snapshot_bytes: u64,
    /// Entries that the log keeps behind a snapshot.
    pub keep_entries: u64,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which lines are logged, as `tracing` filters have it.
    pub log_level: String,
    /// Threads of the runtime.
    pub worker_threads: usize,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration file {} is not valid TOML: {source}", path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// The file has a name that no setting has.
    #[error("unknown setting `{name}` in {}; the settings are {}", path.display(), names())]
    Unknown {
        /// The name.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// A setting without a default is not given.
    #[error("`{name}` is required: set --{}, {}, or `{name}` in the configuration file", flag(name), variable(name))]
    Missing {
        /// The setting.
        name: &'static str,
    },
    /// A value breaks a rule.
    #[error("`{name}` is {value:?} ({origin}), but {rule}")]
    Wrong {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// Where the value came from.
        origin: Origin,
        /// The rule.
        rule: String,
    },
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag(String),
    /// A variable of the environment.
    Environment(String),
    /// The file.
    File(PathBuf),
    /// Nowhere: it is the default.
    Default,
    /// Another setting of this name and value.
    Setting(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(formatter, "from {flag}"),
            Self::Environment(variable) => write!(formatter, "from {variable}"),
            Self::File(path) => write!(formatter, "from {}", path.display()),
            Self::Default => formatter.write_str("default"),
            Self::Setting(setting) => write!(formatter, "follows {setting}"),
        }
    }
}

/// What kind of value a setting has in TOML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Number,
    Text,
}

/// Where a setting's value comes from when nobody gives one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fallback {
    Required,
    /// By how many processors this machine has.
    Processors,
    Value(&'static str),
    /// The value of another setting.
    Same(&'static str),
    /// By `timing`: default, fast.
    Timing(&'static str, &'static str),
}

/// From so many processors on, the runtime has two threads.
const PROCESSORS_FOR_TWO_WORKERS: usize = 4;

/// Every setting, in the order in which `oncelog config` prints them.
const SETTINGS: [(&str, Shape, Fallback); 16] = [
    ("node_id", Shape::Number, Fallback::Required),
    ("data_dir", Shape::Text, Fallback::Required),
    ("client_listen", Shape::Text, Fallback::Value("127.0.0.1:7420")),
    ("peer_listen", Shape::Text, Fallback::Value("127.0.0.1:7421")),
    ("client_advertise", Shape::Text, Fallback::Same("client_listen")),
    ("peer_advertise", Shape::Text, Fallback::Same("peer_listen")),
    ("timing", Shape::Text, Fallback::Value("default")),
    ("heartbeat_ms", Shape::Number, Fallback::Timing("100", "50")),
    ("election_timeout_min_ms", Shape::Number, Fallback::Timing("500", "250")),
    ("election_timeout_max_ms", Shape::Number, Fallback::Timing("1000", "500")),
    ("snapshot_entries", Shape::Number, Fallback::Value("500000")),
    ("snapshot_bytes", Shape::Number, Fallback::Value("1073741824")),
    ("keep_entries", Shape::Number, Fallback::Value("10000")),
    ("log_format", Shape::Text, Fallback::Value("text")),
    ("log_level", Shape::Text, Fallback::Value("info,openraft=error")),
    ("worker_threads", Shape::Number, Fallback::Processors),
];

#[derive(Debug, Clone, PartialEq, Eq)]
struct Given {
    text: String,
    origin: Origin,
}

/// What is given for every setting, unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    given: BTreeMap<&'static str, Given>,
}

impl Settings {
    /// Gathers what flags, the environment and a file give, each by the names of settings.
    pub fn gather(
        flags: impl IntoIterator<Item = (&'static str, String)>,
        environment: impl Fn(&str) -> Option<String>,
        file: Option<&Path>,
    ) -> Result<Self, Error> {
        let mut given = file.map_or_else(|| Ok(BTreeMap::new()), read_file)?;
        for (name, _, _) in SETTINGS {
            let variable = variable(name);
            if let Some(text) = environment(&variable) {
                given.insert(name, Given { text, origin: Origin::Environment(variable) });
            }
        }
        for (name, text) in flags {
            given.insert(name, Given { text, origin: Origin::Flag(format!("--{}", flag(name))) });
        }
        for (name, _, fallback) in SETTINGS {
            let fallback = match fallback {
                Fallback::Required => None,
                Fallback::Processors => Some(Given { text: worker_threads().to_string(), origin: Origin::Default }),
                Fallback::Value(text) => Some(Given { text: text.to_owned(), origin: Origin::Default }),
                Fallback::Same(other) => given
                    .get(other)
                    .map(|same| Given { text: same.text.clone(), origin: Origin::Setting(other.to_owned()) }),
                Fallback::Timing(default, fast) => {
                    let profile = given.get("timing").map_or("default", |timing| timing.text.as_str());
                    let text = if profile == "fast" { fast } else { default };
                    Some(Given { text: text.to_owned(), origin: Origin::Setting(format!("timing = {profile:?}")) })
                }
            };
            if let Some(fallback) = fallback {
                given.entry(name).or_insert(fallback);
            }
        }
        Ok(Self { given })
    }

    /// Checks every value, and how they fit together.
    pub fn check(&self) -> Result<Config, Error> {
        self.one_of("timing", &["default", "fast"])?;
        let config = Config {
            node_id: NodeId(self.number("node_id", 1..=u64::MAX)?),
            data_dir: self.not_empty("data_dir")?.into(),
            client_listen: self.listen("client_listen")?,
            peer_listen: self.listen("peer_listen")?,
            client_advertise: self.advertise("client_advertise")?,
            peer_advertise: self.advertise("peer_advertise")?,
            heartbeat: self.millis("heartbeat_ms")?,
            election_timeout_min: self.millis("election_timeout_min_ms")?,
            election_timeout_max: self.millis("election_timeout_max_ms")?,
            snapshot_entries: self.number("snapshot_entries", 1..=u64::MAX)?,
            snapshot_bytes: self.number("snapshot_bytes", 1..=u64::MAX)?,
            keep_entries: self.number("keep_entries", 0..=u64::MAX)?,
            log_format: match self.one_of("log_format", &["text", "json"])? {
                "json" => LogFormat::Json,
                _ => LogFormat::Text,
            },
            log_level: self.log_level()?,
            worker_threads: usize::try_from(self.number("worker_threads", 1..=1_024)?).unwrap_or(usize::MAX),
        };
        if config.peer_listen == config.client_listen {
            return Err(self.wrong("peer_listen", "it must differ from client_listen"));
        }
        if config.peer_advertise == config.client_advertise {
            return Err(self.wrong("peer_advertise", "it must differ from client_advertise"));
        }
        if config.election_timeout_min <= config.heartbeat * 2 {
            let rule = format!("it must be more than twice heartbeat_ms, which is {}", config.heartbeat.as_millis());
            return Err(self.wrong("election_timeout_min_ms", rule));
        }
        if config.election_timeout_max <= config.election_timeout_min {
            let min = config.election_timeout_min.as_millis();
            let rule = format!("it must be more than election_timeout_min_ms, which is {min}");
            return Err(self.wrong("election_timeout_max_ms", rule));
        }
        Ok(config)
    }

    /// As a TOML file, with the origin of each value beside it.
    pub fn to_toml(&self) -> String {
        let mut file = String::new();
        for (name, shape, _) in SETTINGS {
            let line = match self.given.get(name) {
                Some(given) => {
                    let value = match (shape, i64::from_str(&given.text)) {
                        (Shape::Number, Ok(number)) => toml::Value::Integer(number),
                        _ => toml::Value::String(given.text.clone()),
                    };
                    format!("{name} = {value} # {}", given.origin)
                }
                None => format!("# {name} is required and has no default"),
            };
            writeln!(file, "{line}").expect("a string takes any text");
        }
        file
    }

    /// Every setting: its name, whether it is a number, and its value with where that came from, if it has one.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, bool, Option<(&str, &Origin)>)> {
        SETTINGS.iter().map(|(name, shape, _)| {
            let given = self.given.get(name).map(|given| (given.text.as_str(), &given.origin));
            (*name, *shape == Shape::Number, given)
        })
    }

    fn text(&self, name: &'static str) -> Result<&str, Error> {
        self.given.get(name).map(|given| given.text.as_str()).ok_or(Error::Missing { name })
    }

    fn not_empty(&self, name: &'static str) -> Result<&str, Error> {
        let text = self.text(name)?;
        if text.is_empty() { Err(self.wrong(name, "it must not be empty")) } else { Ok(text) }
    }

    fn number(&self, name: &'static str, range: std::ops::RangeInclusive<u64>) -> Result<u64, Error> {
        let number: u64 = self.text(name)?.parse().map_err(|_| self.wrong(name, "it must be a whole number"))?;
        if range.contains(&number) {
            return Ok(number);
        }
        let rule = if number < *range.start() {
            format!("it must be at least {}", range.start())
        } else {
            format!("it must be at most {}", range.end())
        };
        Err(self.wrong(name, rule))
    }

    fn millis(&self, name: &'static str) -> Result<Duration, Error> {
        // An hour: longer makes no cluster, and sums of it never overflow.
        Ok(Duration::from_millis(self.number(name, 1..=3_600_000)?))
    }

    fn one_of(&self, name: &'static str, words: &[&str]) -> Result<&str, Error> {
        let text = self.text(name)?;
        if words.contains(&text) {
            return Ok(text);
        }
        Err(self.wrong(name, format!("it must be one of {}", words.join(", "))))
    }

    fn listen(&self, name: &'static str) -> Result<String, Error> {
        let address: SocketAddr = self
            .text(name)?
            .parse()
            .map_err(|_| self.wrong(name, "it must be an IP address and a port, such as 127.0.0.1:7420"))?;
        if address.port() == 0 {
            return Err(self.wrong(name, "its port must not be 0: clients and other nodes have to know it"));
        }
        Ok(address.to_string())
    }

    fn advertise(&self, name: &'static str) -> Result<String, Error> {
        let text = self.text(name)?;
        if let Ok(address) = SocketAddr::from_str(text)
            && address.ip().is_unspecified()
        {
            return Err(self.wrong(name, "it must be an address at which others reach this node"));
        }
        let uri = tonic::codegen::http::uri::Authority::from_str(text).ok();
        match uri.and_then(|authority| authority.port_u16().map(|port| (authority.host().is_empty(), port))) {
            Some((false, 1..)) => Ok(text.to_owned()),
            _ => Err(self.wrong(name, "it must be a host and a port, such as node-1.example:7420")),
        }
    }

    fn log_level(&self) -> Result<String, Error> {
        let text = self.text("log_level")?;
        EnvFilter::try_new(text).map_err(|error| self.wrong("log_level", error.to_string()))?;
        Ok(text.to_owned())
    }

    fn wrong(&self, name: &'static str, rule: impl Into<String>) -> Error {
        let given = self.given.get(name);
        Error::Wrong {
            name,
            value: given.map(|given| given.text.clone()).unwrap_or_default(),
            origin: given.map_or(Origin::Default, |given| given.origin.clone()),
            rule: rule.into(),
        }
    }
}

fn read_file(path: &Path) -> Result<BTreeMap<&'static str, Given>, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let not_toml = |source| Error::NotToml { path: path.to_owned(), source: Box::new(source) };
    let table: toml::Table = text.parse().map_err(not_toml)?;
    let origin = Origin::File(path.to_owned());
    let mut given = BTreeMap::new();
    for (written, value) in table {
        let Some((name, shape, _)) = SETTINGS.into_iter().find(|(name, _, _)| *name == written) else {
            return Err(Error::Unknown { name: written, path: path.to_owned() });
        };
        let text = match (shape, value) {
            (Shape::Number, toml::Value::Integer(number)) => number.to_string(),
            (Shape::Text, toml::Value::String(text)) => text,
            (shape, value) => {
                let rule = match shape {
                    Shape::Number => "it must be a number without quotes",
                    Shape::Text => "it must be text in quotes",
                };
                return Err(Error::Wrong { name, value: value.to_string(), origin, rule: rule.to_owned() });
            }
        };
        given.insert(name, Given { text, origin: origin.clone() });
    }
    Ok(given)
}

/// Threads that take turns cost more than they bring where processors are few; disks and the state have their own.
fn worker_threads() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if processors < PROCESSORS_FOR_TWO_WORKERS { 1 } else { 2 }
}

fn flag(name: &str) -> String {
    name.replace('_', "-")
}

fn variable(name: &str) -> String {
    format!("ONCELOG_{}", name.to_uppercase())
}

fn names() -> String {
    SETTINGS.map(|(name, _, _)| name).join(", ")
}

/// The names of all settings.
#[cfg(test)]
pub fn setting_names() -> impl Iterator<Item = &'static str> {
    SETTINGS.into_iter().map(|(name, _, _)| name)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn file(content: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        file
    }

    fn of_flags(flags: &[(&'static str, &str)]) -> Settings {
        let required = [("node_id", "1"), ("data_dir", "data")];
        let flags = required.iter().chain(flags).map(|(name, text)| (*name, (*text).to_owned()));
        Settings::gather(flags, nothing, None).unwrap()
    }

    fn refused(flags: &[(&'static str, &str)]) -> String {
        of_flags(flags).check().unwrap_err().to_string()
    }

    #[test]
    fn defaults_are_those_of_the_design() {
        let expected = Config {
            node_id: NodeId(1),
            data_dir: "data".into(),
            client_listen: "127.0.0.1:7420".to_owned(),
            peer_listen: "127.0.0.1:7421".to_owned(),
            client_advertise: "127.0.0.1:7420".to_owned(),
            peer_advertise: "127.0.0.1:7421".to_owned(),
            heartbeat: Duration::from_millis(100),
            election_timeout_min: Duration::from_millis(500),
            election_timeout_max: Duration::from_secs(1),
            snapshot_entries: 500_000,
            snapshot_bytes: 1 << 30,
            keep_entries: 10_000,
            log_format: LogFormat::Text,
            log_level: "info,openraft=error".to_owned(),
            worker_threads: worker_threads(),
        };
        assert_eq!(of_flags(&[]).check().unwrap(), expected);
    }

    #[test]
    fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
        let file = file("node_id = 3\ndata_dir = \"file\"\nworker_threads = 3\nkeep_entries = 3\n");
        let environment = |name: &str| match name {
            "ONCELOG_NODE_ID" | "ONCELOG_WORKER_THREADS" => Some("2".to_owned()),
            _ => None,
        };
        let settings = Settings::gather([("node_id", "1".to_owned())], environment, Some(file.path())).unwrap();
        let config = settings.check().unwrap();
        assert_eq!((config.node_id, config.worker_threads, config.keep_entries), (NodeId(1), 2, 3));
        assert_eq!(config.snapshot_entries, 500_000);
    }

    #[test]
    fn the_printed_configuration_says_where_each_value_came_from_and_reads_back_the_same() {
        let given = file("data_dir = 'a \"b\"'\ntiming = \"fast\"\n");
        let environment = |name: &str| (name == "ONCELOG_PEER_LISTEN").then(|| "127.0.0.1:9".to_owned());
        let settings = Settings::gather([("node_id", "7".to_owned())], environment, Some(given.path())).unwrap();
        let printed = settings.to_toml();
        let from_file = format!("# from {}", given.path().display());
        let expected = [
            "node_id = 7 # from --node-id",
            &format!("data_dir = 'a \"b\"' {from_file}"),
            "client_listen = \"127.0.0.1:7420\" # default",
            "peer_listen = \"127.0.0.1:9\" # from ONCELOG_PEER_LISTEN",
            "client_advertise = \"127.0.0.1:7420\" # follows client_listen",
            "peer_advertise = \"127.0.0.1:9\" # follows peer_listen",
            &format!("timing = \"fast\" {from_file}"),
            "heartbeat_ms = 50 # follows timing = \"fast\"",
            "election_timeout_min_ms = 250 # follows timing = \"fast\"",
            "election_timeout_max_ms = 500 # follows timing = \"fast\"",
            "snapshot_entries = 500000 # default",
            "snapshot_bytes = 1073741824 # default",
            "keep_entries = 10000 # default",
            "log_format = \"text\" # default",
            "log_level = \"info,openraft=error\" # default",
            &format!("worker_threads = {} # default", worker_threads()),
        ];
        assert_eq!(printed.lines().collect::<Vec<_>>(), expected);

        let again = file(&printed);
        let again = Settings::gather([], nothing, Some(again.path())).unwrap();
        assert_eq!(again.check().unwrap(), settings.check().unwrap());
    }

    #[test]
    fn what_is_missing_is_named_in_every_spelling() {
        let settings = Settings::gather([("data_dir", "data".to_owned())], nothing, None).unwrap();
        let expected = "`node_id` is required: set --node-id, ONCELOG_NODE_ID, or `node_id` in the configuration file";
        assert_eq!(settings.check().unwrap_err().to_string(), expected);
        assert!(settings.to_toml().starts_with("# node_id is required and has no default\n"));
    }

    #[test]
    fn a_file_with_an_unknown_name_or_a_wrong_shape_is_refused() {
        let gather = |content| Settings::gather([], nothing, Some(file(content).path())).unwrap_err();
        assert!(matches!(gather("nodeid = 1"), Error::Unknown { name, .. } if name == "nodeid"));
        assert!(matches!(gather("[node]\nid = 1"), Error::Unknown { name, .. } if name == "node"));
        assert!(matches!(gather("node_id = \"1\""), Error::Wrong { name: "node_id", .. }));
        assert!(matches!(gather("data_dir = 1"), Error::Wrong { name: "data_dir", .. }));
        assert!(matches!(gather("node_id ="), Error::NotToml { .. }));
        let absent = Settings::gather([], nothing, Some(Path::new("/nowhere/at/all.toml"))).unwrap_err();
        assert!(matches!(absent, Error::Unreadable { .. }));
    }

    #[test]
    fn timing_is_a_profile_with_exceptions() {
        let config = of_flags(&[("timing", "fast"), ("heartbeat_ms", "60")]).check().unwrap();
        let millis =
            [config.heartbeat, config.election_timeout_min, config.election_timeout_max].map(|time| time.as_millis());
        assert_eq!(millis, [60, 250, 500]);
        assert_eq!(
            refused(&[("timing", "slow")]),
            "`timing` is \"slow\" (from --timing), but it must be one of default, fast"
        );
    }

    #[test]
    fn election_timeouts_and_heartbeat_keep_their_order() {
        let expected = "`election_timeout_min_ms` is \"500\" (follows timing = \"default\"), but it must be more than twice \
                        heartbeat_ms, which is 250";
        assert_eq!(refused(&[("heartbeat_ms", "250")]), expected);
        let expected = "`election_timeout_max_ms` is \"500\" (from --election-timeout-max-ms), but it must be more than \
                        election_timeout_min_ms, which is 500";
        assert_eq!(refused(&[("election_timeout_max_ms", "500")]), expected);
    }

    #[test]
    fn an_address_that_others_cannot_use_is_refused() {
        let expected = "`client_advertise` is \"0.0.0.0:7420\" (follows client_listen), but it must be an \
                        address at which others reach this node";
        assert_eq!(refused(&[("client_listen", "0.0.0.0:7420")]), expected);
        assert!(of_flags(&[("client_listen", "0.0.0.0:7420"), ("client_advertise", "node-1:7420")]).check().is_ok());
        assert!(of_flags(&[("peer_listen", "[::1]:7421")]).check().is_ok());
        for (name, wrong) in [
            ("client_listen", "localhost:7420"),
            ("client_listen", "127.0.0.1:0"),
            ("peer_listen", "127.0.0.1"),
            ("peer_listen", "127.0.0.1:7420"),
            ("peer_advertise", "node-1"),
            ("peer_advertise", "node-1:0"),
            ("peer_advertise", ":7421"),
            ("peer_advertise", "[::]:7421"),
            ("peer_advertise", "127.0.0.1:7420"),
        ] {
            assert!(refused(&[(name, wrong)]).starts_with(&format!("`{name}` is {wrong:?}")), "{name} = {wrong}");
        }
    }

    #[test]
    fn numbers_and_words_are_checked() {
        for (name, wrong) in [
            ("node_id", "0"),
            ("node_id", "one"),
            ("worker_threads", "0"),
            ("snapshot_entries", "0"),
            ("snapshot_bytes", "0"),
            ("keep_entries", "-1"),
            ("heartbeat_ms", "3600001"),
            ("log_format", "xml"),
            ("log_level", "oncelog=loud"),
            ("data_dir", ""),
        ] {
            assert!(refused(&[(name, wrong)]).starts_with(&format!("`{name}` is {wrong:?}")), "{name} = {wrong}");
        }
    }
}
