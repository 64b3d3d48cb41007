//! The README's table of what there is and what there is not, held against the program and the protos.
//!
//! - What there is: every command and every RPC has its row, and each row names only what is there.
//! - What there is not: nothing is called so. Whoever adds it has to move the row.

use std::collections::{BTreeMap, BTreeSet};

use cluster_tests::checkout::repository;
use cluster_tests::markdown::{code, table};
use cluster_tests::scratch::Scratch;

use crate::shell::Shell;

/// The last heading of the table.
const HEADING: &str = "over gRPC";
/// How the row of something that is not there begins.
const NOT: &str = "**No** ";

/// Everything that somebody can type or send.
struct Surface {
    /// The flags of each command, by its words.
    commands: BTreeMap<String, BTreeSet<String>>,
    rpcs: BTreeSet<String>,
}

impl Surface {
    fn read() -> Self {
        let scratch = Scratch::new("readme-surface");
        let shell = Shell::start(scratch.path());
        let mut commands = BTreeMap::new();
        let mut groups = vec![String::new()];
        while let Some(group) = groups.pop() {
            let help = shell.help(&group);
            let below: Vec<String> =
                listed(&help).into_iter().map(|name| format!("{group} {name}").trim().to_owned()).collect();
            if below.is_empty() {
                commands.insert(group, flags(&help));
            }
            groups.extend(below);
        }
        let protos = crate::files(&repository().join("proto/oncelog/v1"), ".proto");
        let rpcs = protos.iter().flat_map(|path| rpcs(&crate::text(path))).collect();
        Self { commands, rpcs }
    }

    /// Whatever is called so: a flag if the name begins with dashes, else a command, a setting or an RPC.
    fn called(&self, name: &str) -> Vec<String> {
        if let Some(file) = name.strip_prefix("./") {
            return [name.to_owned()].into_iter().filter(|_| repository().join(file).exists()).collect();
        }
        let of_commands = self.commands.iter().flat_map(|(command, flags)| {
            let own = (!name.starts_with('-') && command.contains(name)).then(|| command.clone());
            let flags = flags.iter().filter(|flag| flag.starts_with(name)).map(move |flag| format!("{command} {flag}"));
            own.into_iter().chain(flags)
        });
        let rpcs = self.rpcs.iter().filter(|rpc| rpc.to_lowercase().contains(name)).cloned();
        of_commands.chain(rpcs).collect()
    }
}

/// The names under `Commands:` in a help, but for help itself.
fn listed(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The long flags that a help describes.
fn flags(help: &str) -> BTreeSet<String> {
    let described = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let words = described.flat_map(|line| line.split([' ', ',', '=', '[']));
    words.filter(|word| word.starts_with("--")).map(str::to_owned).collect()
}

fn rpcs(proto: &str) -> Vec<String> {
    let declared = proto.lines().filter_map(|line| line.trim_start().strip_prefix("rpc "));
    declared.filter_map(|rest| rest.split('(').next()).map(|name| name.trim().to_owned()).collect()
}

#[test]
fn the_table_has_everything_that_there_is_and_nothing_that_there_is_not() {
    let surface = Surface::read();
    let readme = crate::readme();
    let (mut commands, mut rpcs) = (BTreeSet::new(), BTreeSet::new());
    let mut wrong = Vec::new();
    let rows = table(&readme, HEADING);
    for row in &rows {
        let [what, on_the_command_line, over_grpc] = row.as_slice() else { panic!("three cells: {row:?}") };
        let typed = code(on_the_command_line);
        if what.starts_with(NOT) {
            let names: Vec<&str> = typed.into_iter().chain(code(over_grpc)).collect();
            assert!(!names.is_empty(), "nothing is checked, so this row can go stale: {what}");
            for name in names {
                for found in surface.called(name) {
                    wrong.push(format!("the README says that there is no `{name}`, but there is `{found}`: {what}"));
                }
            }
            continue;
        }
        for typed in typed {
            let words = typed.split(' ').take_while(|word| !word.starts_with('-'));
            let command = words.collect::<Vec<_>>().join(" ");
            match surface.commands.get(&command) {
                None => wrong.push(format!("there is no command `{command}`: {what}")),
                Some(flags) => {
                    let unknown = typed.split(' ').filter(|word| word.starts_with('-') && !flags.contains(*word));
                    wrong.extend(unknown.map(|flag| format!("`{command}` has no flag `{flag}`: {what}")));
                }
            }
            commands.insert(command);
        }
        for rpc in code(over_grpc) {
            if !surface.rpcs.contains(rpc) {
                wrong.push(format!("there is no RPC `{rpc}`: {what}"));
            }
            rpcs.insert(rpc);
        }
    }
    let missing = surface.commands.keys().filter(|command| !commands.contains(*command));
    wrong.extend(missing.map(|command| format!("`oncelog {command}` is in no row")));
    let missing = surface.rpcs.iter().filter(|rpc| !rpcs.contains(rpc.as_str()));
    wrong.extend(missing.map(|rpc| format!("the RPC `{rpc}` is in no row")));
    assert!(surface.commands.len() > 30 && surface.rpcs.len() > 20, "not all was found");
    assert!(rows.iter().any(|row| row.first().is_some_and(|what| what.starts_with(NOT))), "something is not there yet");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn commands_flags_and_rpcs_are_found() {
    let help = "Usage: a <COMMAND>\n\nCommands:\n  b-c   Does\n        more\n  help  Print\n\nOptions:\n  -q, --quiet  \
                Say --less\n      --in <PLACE>\n          Where [env: X=]\n";
    assert_eq!(listed(help), ["b-c"]);
    assert!(flags(help).into_iter().eq(["--in", "--less", "--quiet"]));
    assert_eq!(rpcs("// rpc A(B)\n  rpc Append(AppendRequest) returns (AppendResponse);\n"), ["Append"]);
}

#[test]
fn what_is_called_so_is_found_wherever_it_is() {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let commands = BTreeMap::from([
        ("serve".to_owned(), set(&["--tls-key", "--data-dir"])),
        ("node join".to_owned(), set(&["--member"])),
    ]);
    let surface = Surface { commands, rpcs: set(&["AddMember", "Append"]) };
    assert_eq!(surface.called("--tls"), ["serve --tls-key"]);
    assert_eq!(surface.called("join"), ["node join"]);
    assert_eq!(surface.called("member"), ["AddMember"]);
    assert_eq!(surface.called("backup"), Vec::<String>::new());
    assert_eq!(surface.called("./README.md"), ["./README.md"]);
    assert_eq!(surface.called("./Dockerfile"), Vec::<String>::new());
}
