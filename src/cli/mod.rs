//! What a person types, and what they see.
//!
//! - Answers go to standard output, everything else to standard error.
//! - Whoever reads the answer through a pipe may stop reading. That is an error only where an outbox waits for the answer
//!   to be printed.
//! - Files import each other only downwards: `arguments`, `problem` and `value` know no command, and `output` alone prints.

mod admin;
mod append;
mod append_one;
mod arguments;
mod batch;
mod bench;
mod call;
mod cells;
mod children;
mod column;
mod consume;
mod dev;
mod exit;
mod group;
mod holder;
mod input;
mod json;
mod locks;
mod logs;
mod lookup;
mod members;
mod nodes;
mod outbox;
mod output;
mod problem;
mod read;
mod readers;
mod records;
mod signals;
mod spaces;
mod stake;
mod status;
mod submit;
mod table;
mod tail;
mod trying;
mod value;

pub(crate) use arguments::{Arguments, ClientCommand, Command, Dev, Settings};
pub(crate) use exit::Exit;

use crate::client::Client;
use arguments::{Format, Printing, Speaking};
use call::Call;
use column::Column;
use output::Output;
use problem::Problem;
use stake::Stake;
use value::Value;

/// Reads the command line. Help, the version and mistakes end the process.
pub(crate) fn parse() -> Arguments {
    let words: Vec<_> = std::env::args_os().collect();
    Arguments::read(&words, |name| std::env::var(name).ok()).unwrap_or_else(|error| {
        match arguments::format_asked_for(&words) {
            Some(output) if error.use_stderr() => {
                let text = error.render().to_string();
                let message = text.trim().trim_start_matches("error: ").to_owned();
                let problem =
                    Problem::usage(message, "`oncelog --help` lists the commands, and every command has --help.");
                output::report(Printing { output, quiet: false }, &problem);
                std::process::exit(error.exit_code())
            }
            _ => error.exit(),
        }
    })
}

impl Arguments {
    /// Parts the command from how it is to be run.
    pub(crate) fn split(self) -> (Command, Session) {
        (self.command, Session { printing: self.printing, speaking: self.speaking })
    }
}

/// How a command is to be run.
#[derive(Debug)]
pub(crate) struct Session {
    printing: Printing,
    speaking: Speaking,
}

/// A setting of a node, and where its value comes from.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    /// None if it is not given and has no default.
    pub(crate) value: Option<String>,
    pub(crate) is_number: bool,
    pub(crate) origin: String,
}

impl Session {
    /// Runs a command that speaks to nodes, to its end.
    pub(crate) fn run(&self, command: ClientCommand) -> Exit {
        self.run_to_end(self.speak(command))
    }

    /// Runs a cluster on this machine until it is told to end.
    pub(crate) fn dev(&self, dev: &Dev) -> Exit {
        self.run_to_end(async {
            let mut out = Output::new(self.printing);
            let exit = dev::run(&mut out, dev).await?;
            printed(&mut out, exit)
        })
    }

    fn run_to_end(&self, work: impl Future<Output = Result<Exit, Problem>>) -> Exit {
        let result = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                let result = runtime.block_on(work);
                // Somebody may be blocked in a read of standard input that never ends; all work is done.
                runtime.shutdown_background();
                result
            }
            Err(error) => {
                let message = format!("cannot start the runtime: {error}");
                Err(Problem::failure(message, "Check the limits of this machine."))
            }
        };
        result.unwrap_or_else(|problem| self.report(&problem))
    }

    /// Prints the settings of a node: as a TOML file, or as rows for programs.
    pub(crate) fn print_config(&self, toml: &str, settings: &[Setting]) -> Result<(), Exit> {
        let value = |setting: &Setting| match (&setting.value, setting.is_number) {
            (Some(text), true) => text.parse::<u64>().map_or_else(|_| text.clone().into(), Value::from),
            (value, _) => value.clone().into(),
        };
        let columns = [
            Column::new("name", "NAME", |setting: &Setting| setting.name),
            Column::new("value", "VALUE", value),
            Column::new("origin", "ORIGIN", |setting: &Setting| setting.origin.clone()),
        ];
        let mut out = Output::new(self.printing);
        let printed = match self.printing.output {
            Format::Table => out.verbatim(toml),
            Format::Json | Format::Jsonl | Format::Plain | Format::Csv => out.many("settings", &columns, settings),
        };
        printed.and_then(|()| out.flush()).map_err(|problem| self.report(&problem))
    }

    /// Says that something failed, and what to do.
    pub(crate) fn fail(&self, message: &str, advice: &'static str) -> Exit {
        self.report(&Problem::failure(message, advice))
    }

    /// Says that the command line or the configuration is wrong, and what to do.
    pub(crate) fn misuse(&self, message: &str, advice: &'static str) -> Exit {
        self.report(&Problem::usage(message, advice))
    }

    fn report(&self, problem: &Problem) -> Exit {
        output::report(self.printing, problem);
        problem.exit()
    }

    async fn speak(&self, command: ClientCommand) -> Result<Exit, Problem> {
        let Speaking { server, timeout, space } = self.speaking.clone();
        let builder = Client::builder().addresses(server).space(space).timeout(timeout);
        let client = builder.on_failed_attempt(trying::teller(self.printing)).build()?;
        let mut call = Call { client, speaking: self.speaking.clone(), out: Output::new(self.printing) };
        call.out.stakes(Stake::of(&command));
        let exit = done(&mut call, command).await?;
        printed(&mut call.out, exit)
    }
}

/// Prints the rest. If nobody reads, the exit code still tells.
fn printed(out: &mut Output, exit: Exit) -> Result<Exit, Problem> {
    match out.flush() {
        Ok(()) | Err(Problem::NobodyReads) => Ok(exit),
        Err(problem) => Err(problem),
    }
}

async fn done(call: &mut Call, command: ClientCommand) -> Result<Exit, Problem> {
    match command {
        ClientCommand::Append(append) if append.batch.is_some() => return batch::run(call, append).await,
        ClientCommand::Append(append) => return append_one::run(call, append).await,
        ClientCommand::Read(read) => read::run(call, read).await?,
        ClientCommand::Tail(tail) => return tail::run(call, tail).await,
        ClientCommand::Lookup { id, local } => return lookup::lookup(call, id, local.consistency()).await,
        ClientCommand::Cancel(id) => return lookup::cancel(call, id).await,
        ClientCommand::Settle(settle) => return lookup::settle(call, settle).await,
        ClientCommand::Status => return status::run(call).await,
        ClientCommand::Bench(bench) => bench::run(call, bench).await?,
        ClientCommand::Init { peers } => admin::init(call, &peers).await?,
        ClientCommand::Snapshot => admin::snapshot(call).await?,
        ClientCommand::Raise { to, id } => admin::raise(call, to, id).await?,
        ClientCommand::Submit(submit) => submit::run(call, submit).await?,
        ClientCommand::Get(get) => cells::get(call, get).await?,
        ClientCommand::Put(put) => cells::put(call, put).await?,
        ClientCommand::Delete(delete) => cells::delete(call, delete).await?,
        ClientCommand::Add(add) => cells::add(call, add).await?,
        ClientCommand::Lock(lock) => return locks::run(call, lock).await,
        ClientCommand::Reader(reader) => readers::run(call, reader).await?,
        ClientCommand::Log(log) => logs::run(call, log).await?,
        ClientCommand::Space(space) => spaces::run(call, space).await?,
    }
    Ok(Exit::Done)
}
