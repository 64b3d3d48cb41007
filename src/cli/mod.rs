//! What a person types, and what they see.
//!
//! - Answers go to standard output, everything else to standard error.
//! - Whoever reads the answer through a pipe may stop reading. That is an error only where an outbox waits for the answer
//!   to be printed.
//! - Files import each other only downwards: `arguments`, `problem` and `value` know no command, and `output` alone prints.

mod admin;
mod append;
mod arguments;
mod bench;
mod call;
mod cells;
mod children;
mod column;
mod consume;
mod dev;
mod exit;
mod group;
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
mod readers;
mod records;
mod signals;
mod spaces;
mod stake;
mod status;
mod submit;
mod table;
mod trying;
mod value;

pub(crate) use arguments::{ClientCommand, Command, Dev, Session, Settings};
pub(crate) use exit::Exit;
pub(crate) use problem::Problem;

use crate::client::Client;
use arguments::{Format, Printing, Speaking, Tail};
use call::Call;
use column::Column;
use output::Output;
use stake::Stake;
use value::Value;

/// Reads the command line. Help, the version and mistakes end the process.
pub(crate) fn parse() -> (Command, Session) {
    let words: Vec<_> = std::env::args_os().collect();
    arguments::read(&words, |name| std::env::var(name).ok()).unwrap_or_else(|error| {
        let Some(output) = arguments::format_asked_for(&words).filter(|_| error.use_stderr()) else { error.exit() };
        let text = error.render().to_string();
        let message = text.trim().trim_start_matches("error: ");
        let advice = "`oncelog --help` lists the commands, and every command has --help.";
        output::report(Printing { output, quiet: false }, &Problem::usage(message, advice));
        std::process::exit(error.exit_code())
    })
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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
            Problem::failure(format!("cannot start the runtime: {error}"), "Check the limits of this machine.")
        });
        let result = runtime.and_then(|runtime| {
            let result = runtime.block_on(work);
            // Somebody may be blocked in a read of standard input that never ends; all work is done.
            runtime.shutdown_background();
            result
        });
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

    /// Says what went wrong, and what to do.
    pub(crate) fn report(&self, problem: &Problem) -> Exit {
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
        ClientCommand::Append(append) => return append::run(call, append).await,
        ClientCommand::Read(read) => records::read(call, read).await?,
        ClientCommand::Tail(Tail { consume: Some(consume), log, .. }) => return consume::run(call, log, consume).await,
        ClientCommand::Tail(tail) => records::tail(call, tail).await?,
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
