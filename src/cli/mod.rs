//! What a person types, and what they see.
//!
//! - Answers go to standard output, everything else to standard error.
//! - Whoever reads the answer through a pipe may stop reading: that is no error.

mod admin;
mod answer;
mod append;
mod arguments;
mod batch;
mod bench;
mod cells;
mod children;
mod consume;
mod dev;
mod exit;
mod group;
mod input;
mod json;
mod locks;
mod logs;
mod lookup;
mod outbox;
mod output;
mod read;
mod readers;
mod report;
mod serve;
mod settle;
mod signals;
mod spaces;
mod status;
mod submit;
mod tail;

use std::io::{self, Write};

use clap::Parser as _;

pub use arguments::{Arguments, ClientCommand, Command, Dev};
pub use exit::Exit;
pub use serve::Settings;

use crate::client::Client;
use crate::types::Consistency;
use arguments::Options;
use report::Problem;

/// Reads the command line. Help, the version and mistakes end the process.
pub fn parse() -> Arguments {
    Arguments::parse()
}

impl Arguments {
    /// Parts the command from the options that go with commands that speak to nodes.
    pub fn split(self) -> (Command, Session) {
        (self.command, Session { options: self.options })
    }
}

/// The options of one call.
#[derive(Debug)]
pub struct Session {
    options: Options,
}

impl Session {
    /// Runs a command that speaks to nodes, to its end.
    pub fn run(&self, command: ClientCommand) -> Exit {
        self.run_to_end(async |out| self.speak(command, out).await)
    }

    /// Runs a cluster of one's own until it is told to end.
    pub fn dev(&self, dev: &Dev) -> Exit {
        self.run_to_end(async |out| dev::run(&self.options, dev, out).await)
    }

    fn run_to_end(
        &self,
        work: impl AsyncFnOnce(&mut io::BufWriter<io::StdoutLock<'static>>) -> Result<Exit, Problem>,
    ) -> Exit {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                return self.fail(&format!("cannot start the runtime: {error}"), "See the limits of this machine.");
            }
        };
        let mut out = io::BufWriter::new(io::stdout().lock());
        let result = runtime.block_on(work(&mut out));
        // Somebody may be blocked in a read of standard input that never ends; all work is done.
        runtime.shutdown_background();
        match result.and_then(|exit| Ok(out.flush().map(|()| exit)?)) {
            Ok(exit) => exit,
            Err(Problem::NobodyReads) => Exit::Done,
            Err(Problem::Here { message, advice }) => self.fail(&message, advice),
            Err(Problem::NotThere { message, advice }) => {
                self.fail(&message, advice);
                Exit::NotFound
            }
            Err(Problem::Conflict { message, advice }) => {
                self.fail(&message, advice);
                Exit::Conflict
            }
            Err(Problem::Misuse { message, advice }) => {
                self.fail(&message, advice);
                Exit::Usage
            }
            Err(Problem::Client(error)) => {
                // Where even errors cannot be written, the exit code still tells.
                let _unheard = report::print(&mut anstream::stderr(), self.options.output, &error);
                Exit::of(&error)
            }
        }
    }

    /// Says that something failed, and what to do.
    pub fn fail(&self, message: &str, advice: &str) -> Exit {
        let _unheard = report::print_plainly(&mut anstream::stderr(), self.options.output, message, advice);
        Exit::Failure
    }

    async fn speak(&self, command: ClientCommand, out: &mut impl Write) -> Result<Exit, Problem> {
        let options = &self.options;
        let builder = Client::builder().addresses(&options.server);
        let client = builder.space(options.space.clone()).timeout(options.timeout).build()?;
        match command {
            ClientCommand::Init(init) => {
                let address = client.addresses().next().unwrap_or_default();
                admin::init(&client, options, address, init, out).await?;
            }
            ClientCommand::Append(append) => return append::run(&client, options, append, out).await,
            ClientCommand::Read(read) => read::run(&client, options, read, out).await?,
            ClientCommand::Lookup(lookup) => return lookup::run(&client, options, lookup, out).await,
            ClientCommand::Tail(tail) => return tail::run(&client, options, tail, out).await,
            ClientCommand::Cancel(cancel) => return settle::cancel(&client, options, cancel, out).await,
            ClientCommand::Settle(settle) => return settle::settle(&client, options, settle, out).await,
            ClientCommand::Status => return status::run(&client, options, out).await,
            ClientCommand::Bench(bench) => bench::run(&client, options, bench, out).await?,
            ClientCommand::Snapshot => admin::snapshot(&client, options, out).await?,
            ClientCommand::Submit(submit) => submit::run(&client, options, submit, out).await?,
            ClientCommand::Get(get) => cells::get(&client, options, get, out).await?,
            ClientCommand::Put(put) => cells::put(&client, options, put, out).await?,
            ClientCommand::Delete(delete) => cells::delete(&client, options, delete, out).await?,
            ClientCommand::Add(add) => cells::add(&client, options, add, out).await?,
            ClientCommand::Lock(lock) => return locks::run(&client, options, lock, out).await,
            ClientCommand::Reader(reader) => readers::run(&client, options, reader, out).await?,
            ClientCommand::Log(log) => logs::run(&client, options, log, out).await?,
            ClientCommand::Space(space) => spaces::run(&client, options, space, out).await?,
            ClientCommand::Raise(raise) => admin::raise(&client, options, raise, out).await?,
        }
        Ok(Exit::Done)
    }
}

fn consistency(local: bool) -> Consistency {
    if local { Consistency::Local } else { Consistency::Linearizable }
}
