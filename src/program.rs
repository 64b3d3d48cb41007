//! What the `oncelog` program does: parse, call, exit code. For `main.rs`, and for nobody else.

use std::process::ExitCode;

use crate::cli::{self, Command, Exit, Problem};
use crate::node;
use crate::node::config;

/// Runs the program to its end.
pub fn main() -> ExitCode {
    let (command, session) = cli::parse();
    let exit = match command {
        Command::Client(command) => Ok(session.run(command)),
        Command::Dev(dev) => Ok(session.dev(&dev)),
        Command::Serve(settings) => gather(settings).and_then(|settings| settings.check()).map(|config| {
            let failed = |error: node::Error| session.report(&Problem::failure(error.to_string(), error.advice()));
            node::run(&config).map_or_else(failed, |()| Exit::Done)
        }),
        Command::Config(settings) => gather(settings).and_then(|settings| print(&session, &settings)),
    };
    let advice = "`oncelog config` prints every setting and where its value comes from.";
    exit.unwrap_or_else(|error| session.report(&Problem::usage(error.to_string(), advice))).into()
}

fn gather(settings: cli::Settings) -> Result<config::Settings, config::Error> {
    let file = settings.config.clone();
    config::Settings::gather(settings.given(), |name| std::env::var(name).ok(), file.as_deref())
}

fn print(session: &cli::Session, settings: &config::Settings) -> Result<Exit, config::Error> {
    let row = |(name, is_number, given): (_, _, Option<(&str, &config::Origin)>)| {
        let (value, origin) = given.unzip();
        let origin = origin.map_or_else(|| "not given, and without a default".to_owned(), ToString::to_string);
        cli::Setting { name, value: value.map(str::to_owned), is_number, origin }
    };
    let rows: Vec<_> = settings.values().map(row).collect();
    match session.print_config(&settings.to_toml(), &rows) {
        Ok(()) => settings.check().map(|_| Exit::Done),
        Err(exit) => Ok(exit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_flag_and_every_flag_is_a_setting() {
        assert_eq!(cli::Settings::NAMES, config::setting_names().collect::<Vec<_>>());
    }
}
