//! What a bench can be told.

use clap::{Args, Subcommand, ValueEnum};

use crate::types::LogName;
use crate::types::limits::{COMMAND_RECORDS_MAX, RECORD_BYTES_MAX, STREAM_UNANSWERED_MAX};

use super::cluster::Timing;
use super::options::Local;
use super::parse;

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Append records
    Append {
        #[command(flatten)]
        load: Load,
        #[command(flatten)]
        sending: Sending,
        /// How many records an append has, with --mode batch
        #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = records)]
        records: usize,
        /// Which fraction of the appends is sent a second time under the same id
        #[arg(long, value_name = "0…1", default_value_t = 0.0, value_parser = ratio)]
        duplicate_ratio: f64,
    },
    /// Read pages of records from random offsets of a log
    Read {
        #[command(flatten)]
        load: Load,
        /// How many bytes a record has, if the bench makes the log
        #[arg(long, value_name = "BYTES", default_value_t = 256, value_parser = size)]
        size: usize,
        /// How many records one request asks for
        #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// How many records the bench makes, unless --log names a log
        #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = parse::number)]
        prepare: u64,
        #[command(flatten)]
        local: Local,
    },
    /// Send known ids again; every answer must be a replay
    Dup {
        #[command(flatten)]
        load: Load,
        #[command(flatten)]
        sending: Sending,
        /// How many ids the bench makes known first
        #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = parse::positive_number)]
        prepare: u64,
    },
    /// Start a cluster, kill its leader again and again, and measure how long no answer comes
    Failover(Failover),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Load {
    /// How many requests are in flight at once, over all connections together
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) clients: u32,
    /// Over how many connections the requests are spread; each begins at another address of --server
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub(crate) connections: u32,
    /// How long to measure
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = positive)]
    pub(crate) seconds: f64,
    /// How long the load runs before the measurement begins
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = not_negative)]
    pub(crate) warmup: f64,
    /// Send this many requests a second, however fast answers come; latency then counts from when each was due
    #[arg(long, value_name = "PER SECOND", value_parser = positive)]
    pub(crate) rate: Option<f64>,
    /// The log to use [default: a new one with a random name]
    #[arg(long, value_name = "NAME")]
    pub(crate) log: Option<LogName>,
}

impl Load {
    /// No more connections than requests in flight, and no fewer than a stream's bound needs.
    pub(crate) fn connections(&self) -> usize {
        let needed = (self.clients as usize).div_ceil(STREAM_UNANSWERED_MAX);
        (self.connections.min(self.clients) as usize).max(needed)
    }
}

/// How appends are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Packed into streams, one for each connection
    Stream,
    /// One request and one answer for each record
    Unary,
    /// One request and one answer for many records under one id
    Batch,
}

/// Which ids are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ids {
    /// In the order of time
    Uuidv7,
    /// Anywhere among all known ids, as order numbers may be
    Random,
}

/// What is sent, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct Sending {
    /// How many bytes a record has
    #[arg(long, value_name = "BYTES", default_value_t = 256, value_parser = size)]
    pub(crate) size: usize,
    /// How the appends are sent
    #[arg(long, value_name = "MODE", value_enum, default_value_t = Mode::Stream)]
    pub(crate) mode: Mode,
    /// Which kind of ids they have
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Ids::Uuidv7)]
    pub(crate) ids: Ids,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Failover {
    /// How many times the leader is killed
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) kills: u32,
    /// How many nodes the cluster has
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u8).range(3..=9))]
    pub(crate) nodes: u8,
    /// How soon a silent leader is replaced
    #[arg(long, value_name = "PROFILE", value_enum, default_value_t)]
    pub(crate) timing: Timing,
    /// How many appends are in flight at once on one stream
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=8_192))]
    pub(crate) clients: u32,
    /// How many bytes a record has
    #[arg(long, value_name = "BYTES", default_value_t = 256, value_parser = size)]
    pub(crate) size: usize,
}

fn not_negative(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it must be a number".to_owned())?;
    (0.0..=1e9).contains(&number).then_some(number).ok_or_else(|| "it must not be below 0".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    let number = not_negative(text)?;
    (number > 0.0).then_some(number).ok_or_else(|| "it must be above 0".to_owned())
}

fn ratio(text: &str) -> Result<f64, String> {
    let number = not_negative(text)?;
    (number <= 1.0).then_some(number).ok_or_else(|| "it must not be above 1".to_owned())
}

fn size(text: &str) -> Result<usize, String> {
    let bytes = usize::try_from(parse::bytes(text)?).ok().filter(|bytes| *bytes <= RECORD_BYTES_MAX);
    bytes.ok_or_else(|| format!("a record has at most {RECORD_BYTES_MAX} bytes"))
}

fn records(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=COMMAND_RECORDS_MAX).contains(count));
    count.ok_or_else(|| format!("an append has 1 to {COMMAND_RECORDS_MAX} records"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert_eq!((positive("0.5"), positive("0").is_err(), positive("nan").is_err()), (Ok(0.5), true, true));
        assert_eq!((ratio("1"), ratio("1.1").is_err(), ratio("-0.1").is_err()), (Ok(1.0), true, true));
        assert_eq!((size("4KiB"), size("2MiB").is_err()), (Ok(4_096), true));
        assert_eq!((records("4096"), records("0").is_err(), records("4097").is_err()), (Ok(4_096), true, true));
    }
}
