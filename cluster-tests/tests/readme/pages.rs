//! Every line for a shell in the pages is typed into a shell, and ends as its page says.
//!
//! - Each page has a cluster of its own. Its lines are typed from top to bottom.
//! - A line ends with 0, or with the code that its comment names: `# exit 5: …`.
//! - A block that is about other machines, or that builds, is not typed.

use cluster_tests::checkout::repository;
use cluster_tests::cluster::Cluster;
use cluster_tests::markdown::{Block, blocks};
use cluster_tests::scratch::Scratch;

use crate::shell::Shell;

/// The pages whose lines are typed.
const PAGES: [&str; 4] = ["guarantees", "clients", "commands", "operations"];
/// What a block has that is not typed.
const ELSEWHERE: [&str; 3] = ["10.0.0.", "cargo ", "scripts/"];
/// What the comment of a line says before its exit code.
const EXIT: &str = "# exit ";

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_the_pages_ends_as_it_says() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for page in PAGES {
        let text = crate::text(&repository().join(format!("src/docs/{page}.md")));
        let is_typed = |block: &Block| block.language == "sh" && !ELSEWHERE.iter().any(|it| block.text().contains(it));
        let cluster = Cluster::start(&format!("page-{page}")).await;
        let addresses: Vec<_> = cluster.nodes().iter().map(|node| node.plan().client_address.to_string()).collect();
        let scratch = Scratch::new(&format!("page-{page}-shell"));
        let mut shell = Shell::start(scratch.path());
        shell.run(&format!("export ONCELOG_SERVER={}", addresses.join(",")), 0).await;
        for command in blocks(&text).iter().filter(|block| is_typed(block)).flat_map(commands) {
            count += 1;
            let ran = shell.run(&command, 0).await;
            if ran.status != exit_code(&command) {
                wrong.push(format!("{page}.md: this ended with {}:\n$ {command}\n{}", ran.status, ran.printed));
            }
        }
    }
    assert!(count > 30, "only {count} lines were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The commands of a block, each with the document that is written below it.
fn commands(block: &Block) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut document: Option<String> = None;
    for line in &block.lines {
        match (&document, commands.last_mut()) {
            (Some(end), Some(command)) => {
                command.push('\n');
                command.push_str(line);
                if line == end {
                    document = None;
                }
            }
            _ if line.is_empty() => {}
            _ => {
                document = end_of_document(line);
                commands.push(line.clone());
            }
        }
    }
    commands
}

/// The word that ends the document which a command reads from the lines below it.
fn end_of_document(line: &str) -> Option<String> {
    let (_, word) = line.split_once("<<")?;
    Some(word.trim_matches(|character: char| !character.is_alphanumeric()).to_owned())
}

/// The exit code that a line is to end with.
fn exit_code(command: &str) -> i32 {
    let comment = command.lines().next().and_then(|line| line.split_once(EXIT));
    let code = comment.and_then(|(_, code)| code.chars().next()?.to_digit(10));
    code.map_or(0, |code| i32::try_from(code).expect("a digit is a small number"))
}

#[test]
fn commands_their_documents_and_their_exit_codes_are_found() {
    let page = "```sh\none  # exit 5: no\n\ntwo - <<'END'\n{\nTHE END\nEND\nthree\n```\n";
    let block = blocks(page).into_iter().next().expect("a block");
    let found = commands(&block);
    assert_eq!(found, ["one  # exit 5: no", "two - <<'END'\n{\nTHE END\nEND", "three"]);
    assert_eq!(found.iter().map(|command| exit_code(command)).collect::<Vec<_>>(), [5, 0, 0]);
}
