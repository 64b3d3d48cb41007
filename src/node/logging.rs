//! What a node says of itself, on standard error.

use tracing_subscriber::EnvFilter;

use super::config::{Config, LogFormat};

/// Starts logging as the configuration says. Openraft's own chatter is shown from warnings on, unless the level asks.
pub(super) fn start(config: &Config) {
    let filter = EnvFilter::try_new(&config.log_level).unwrap_or_else(|_| EnvFilter::new("info,openraft=error"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process, as tests may do, keeps the first one's.
    let _already_started = match config.log_format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
