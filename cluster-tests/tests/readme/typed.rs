//! What the README shows is typed into a shell, and happens.
//!
//! - Of the first screen everything that is printed is compared. Only what must differ from run to run may: times,
//!   processes, directories, and the ports, because somebody may use those of the README.
//! - Every line of the commands below it is typed, from top to bottom: in the cluster that the first screen leaves, and in
//!   a new one. Each must succeed.

use cluster_tests::cluster::turn;
use cluster_tests::markdown::{Block, Step, blocks, section};
use cluster_tests::scratch::Scratch;

use crate::shell::Shell;
use crate::transcript::{Cast, Names, Ports, normal};

const COMMANDS: &str = "### From the command line";
const MEASURING: &str = "## Numbers";

/// The first screen, as far as it was typed.
struct Screen {
    shell: Shell,
    ports: Ports,
    /// The nodes of the README, and those here.
    written: Names,
    found: Names,
    cast: Cast,
    /// The node that the README says is the leader when it is killed.
    written_leader: u64,
}

impl Screen {
    fn start(scratch: &Scratch, steps: &[Step]) -> Self {
        let first = steps.first().expect("the first screen has commands");
        let written = Names::read(&first.printed).expect("the first command prints the nodes");
        let kills: Vec<_> = steps.iter().flat_map(|step| written.signals(&step.command)).collect();
        // The story that no other system can tell: without these signals it would be none.
        let [(stopped, stuck), (killed, leader), (continued, woken)] = kills.as_slice() else {
            panic!("the first screen pauses a node, kills the leader and wakes the node, and does not do {kills:?}")
        };
        assert_eq!([stopped, killed, continued], ["-STOP", "-9", "-CONT"]);
        assert!(stuck == woken && stuck != leader, "the node that is paused is woken, and does not lead: {kills:?}");
        Self {
            shell: Shell::start(scratch.path()),
            ports: Ports::choose(&first.command),
            written: Names::default(),
            found: Names::default(),
            cast: Cast::default(),
            written_leader: *leader,
        }
    }

    /// Types a command, and compares what comes.
    async fn type_in(&mut self, step: &Step) {
        let expected = self.cast.tell(&self.ports.exchange(&step.printed));
        let command = self.cast.tell(&self.ports.exchange(&step.command));
        for (_, node) in self.found.signals(&command).into_iter().filter(|(signal, _)| signal == "-9") {
            assert_eq!(node, self.found.leader().await, "`{command}` kills the leader");
        }
        let printed = self.shell.run(&command, expected.lines().count()).await.printed;
        if let (Some(written), Some(found)) = (Names::read(&expected), Names::read(&printed)) {
            self.cast = Cast::new(&written, self.written_leader, &found, found.leader().await);
            assert_eq!(normal(&printed, &found), normal(&expected, &written), "after `{command}`");
            (self.written, self.found) = (written, found);
            return;
        }
        assert_eq!(
            normal(&printed, &self.found),
            normal(&expected, &self.found),
            "the README shows something else after\n$ {command}\nthan what it prints:\n{printed}",
        );
    }
}

fn first_screen() -> Vec<Step> {
    let readme = crate::readme();
    let screen = blocks(&readme).into_iter().find(|block| block.language == "console");
    screen.expect("the README has a first screen").steps()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_screen_happens_as_it_is_written() {
    let _turn = turn().await;
    let steps = first_screen();
    let scratch = Scratch::new("readme-screen");
    let mut screen = Screen::start(&scratch, &steps);
    for step in &steps {
        screen.type_in(step).await;
    }
    // It ends with the end of the cluster, which takes a moment.
    assert_eq!(screen.shell.run("wait", 0).await.printed, "");
    assert_eq!(screen.shell.left_behind(), Vec::<std::path::PathBuf>::new(), "the cluster leaves nothing behind");
}

/// The blocks for a shell under a heading. The first of them starts a cluster.
fn commands(heading: &str) -> Vec<Block> {
    let readme = crate::readme();
    blocks(section(&readme, heading)).into_iter().filter(|block| block.language == "sh").collect()
}

/// Types every line of a block; each must succeed.
async fn type_block(shell: &mut Shell, ports: Ports, block: &Block) {
    for command in block.commands().into_iter().filter(|command| !command.is_empty()) {
        let command = ports.exchange(&command);
        let ran = if command.contains("Ctrl-C") {
            shell.run_until_interrupted(&command).await
        } else {
            // A cluster in the background prints a line for each node, and the headings.
            shell.run(&command, if command.starts_with("oncelog dev ") { 4 } else { 0 }).await
        };
        let is_well = ran.status == 0 || (command.contains("Ctrl-C") && ran.status == 130);
        assert!(is_well, "this ended with {}:\n$ {command}\n{}", ran.status, ran.printed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_works_in_the_cluster_that_the_first_screen_leaves() {
    let _turn = turn().await;
    let mut steps = first_screen();
    let last = steps.pop().expect("the first screen has commands");
    assert!(last.command.starts_with("kill %1"), "the last line of the first screen ends the cluster");
    let scratch = Scratch::new("readme-goes-on");
    let mut screen = Screen::start(&scratch, &steps);
    for step in &steps {
        screen.type_in(step).await;
    }
    for block in commands(COMMANDS).into_iter().skip(1) {
        type_block(&mut screen.shell, screen.ports, &block).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_works_in_a_new_cluster() {
    let _turn = turn().await;
    let scratch = Scratch::new("readme-commands");
    let mut shell = Shell::start(scratch.path());
    // A reader who goes on to measure leaves the first cluster as it is.
    for heading in [COMMANDS, MEASURING] {
        let blocks = commands(heading);
        let first = blocks.first().map(Block::commands).expect("a block of commands");
        let ports = Ports::choose(first.first().expect("a command that starts a cluster"));
        for block in blocks {
            type_block(&mut shell, ports, &block).await;
        }
    }
}
