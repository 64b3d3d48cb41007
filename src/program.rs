//! What the `oncelog` program does: parse, call, exit code. For `main.rs`, and for nobody else.

use std::process::ExitCode;

use crate::cli::{self, Command, Exit, Problem};
use crate::node;
use crate::node::config;

/// Runs the program to its end.
pub fn main() -> ExitCode {
    let (command, session) = cli::parse();
    let exit = match command {
        Command::Client(command) => session.run(command),
        Command::Dev(dev) => session.dev(&dev),
        Command::Serve(settings) => match gather(settings).and_then(|settings| settings.check()) {
            Err(error) => misconfigured(&session, &error),
            Ok(config) => match node::run(&config) {
                Ok(()) => Exit::Done,
                Err(error) => session.report(&Problem::failure(error.to_string(), error.advice())),
            },
        },
        Command::Config(settings) => match gather(settings) {
            Err(error) => misconfigured(&session, &error),
            Ok(settings) => print(&session, &settings),
        },
    };
    exit.into()
}

fn gather(settings: cli::Settings) -> Result<config::Settings, config::Error> {
    let file = settings.config.clone();
    config::Settings::gather(settings.given(), |name| std::env::var(name).ok(), file.as_deref())
}

fn print(session: &cli::Session, settings: &config::Settings) -> Exit {
    let rows: Vec<_> = settings
        .values()
        .map(|(name, is_number, given)| {
            let (value, origin) = given.map_or_else(
                || (None, "not given, and without a default".to_owned()),
                |(value, origin)| (Some(value.to_owned()), origin.to_string()),
            );
            cli::Setting { name, value, is_number, origin }
        })
        .collect();
    match session.print_config(&settings.to_toml(), &rows) {
        Ok(()) => settings.check().map_or_else(|error| misconfigured(session, &error), |_| Exit::Done),
        Err(exit) => exit,
    }
}

fn misconfigured(session: &cli::Session, error: &config::Error) -> Exit {
    let advice = "`oncelog config` prints every setting and where its value comes from.";
    session.report(&Problem::usage(error.to_string(), advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_flag_and_every_flag_is_a_setting() {
        assert_eq!(cli::Settings::NAMES, config::setting_names().collect::<Vec<_>>());
    }
}
