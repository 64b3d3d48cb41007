//! What the tests need of Markdown: blocks of code, the commands in them, tables and links.

/// A fenced block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// The word behind the fence.
    pub(crate) language: String,
    /// What is in it.
    pub(crate) lines: Vec<String>,
}

/// A command of a transcript, and what it printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// As it is typed.
    pub(crate) command: String,
    /// Up to the next command.
    pub(crate) printed: String,
}

impl Block {
    /// Its lines as commands, those joined that end with a backslash.
    pub(crate) fn commands(&self) -> Vec<String> {
        let mut commands: Vec<String> = Vec::new();
        let mut goes_on = false;
        for line in &self.lines {
            let part = line.trim_end_matches('\\');
            match commands.last_mut().filter(|_| goes_on) {
                Some(command) => command.push_str(part),
                None => commands.push(part.to_owned()),
            }
            goes_on = line.ends_with('\\');
        }
        commands
    }
}

/// All fenced blocks of a page.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some(Block { language: language.to_owned(), lines: Vec::new() }),
            (Some(block), None) => block.lines.push(line.to_owned()),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, None) => {}
        }
    }
    assert_eq!(open, None, "a block has no end");
    blocks
}

/// The steps of a transcript.
pub(crate) fn steps(block: &Block) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in &block.lines {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), printed: String::new() });
        } else {
            let step = steps.last_mut().expect("a transcript begins with a command");
            step.printed.push_str(line);
            step.printed.push('\n');
        }
    }
    steps
}

/// The commands of a line of shell, without comments and without what they are redirected to.
pub(crate) fn simple_commands(line: &str) -> Vec<String> {
    let mut commands = vec![String::new()];
    let mut quote = None;
    let mut is_redirected = false;
    let mut before = ' ';
    for character in line.chars() {
        match quote {
            Some(open) if open == character => quote = None,
            Some(_) => {}
            None => match character {
                '\'' | '"' => quote = Some(character),
                '#' if before.is_whitespace() => break,
                '|' | '&' | ';' => {
                    commands.push(String::new());
                    is_redirected = false;
                    before = ' ';
                    continue;
                }
                '<' | '>' => is_redirected = true,
                _ => {}
            },
        }
        before = character;
        if let Some(command) = commands.last_mut().filter(|_| !is_redirected) {
            command.push(character);
        }
    }
    commands.into_iter().map(|command| command.trim().to_owned()).filter(|command| !command.is_empty()).collect()
}

/// The cells of a table's last column, by its heading.
pub(crate) fn column(page: &str, heading: &str) -> Vec<String> {
    let last = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        cells.last().map(|cell| cell.trim().to_owned()).unwrap_or_default()
    };
    let mut lines = page.lines().skip_while(|line| !line.starts_with('|') || last(line) != heading);
    // The heading itself, and the line below it.
    lines.by_ref().take(2).for_each(drop);
    lines.take_while(|line| line.starts_with('|')).map(last).collect()
}

/// Where the links of a page lead.
pub(crate) fn links(page: &str) -> impl Iterator<Item = &str> {
    page.match_indices("](").filter_map(|(at, start)| page.get(at + start.len()..)?.split(')').next())
}

#[test]
fn blocks_and_their_steps_are_found() {
    let page = "a\n```console\n$ one  # two\n1\n2\n$ three\n```\nb\n```sh\nfour \\\n  five\nsix\n```\n";
    let [console, sh] = blocks(page).try_into().expect("two blocks");
    assert_eq!((console.language.as_str(), sh.language.as_str()), ("console", "sh"));
    let step = |command: &str, printed: &str| Step { command: command.to_owned(), printed: printed.to_owned() };
    assert_eq!(steps(&console), [step("one  # two", "1\n2\n"), step("three", "")]);
    assert_eq!(sh.commands(), ["four   five", "six"]);
}

#[test]
fn simple_commands_are_found_in_what_a_shell_is_told() {
    let found = simple_commands("a 'b | c # d' --e=\"f;g\" | h -i < j && k $l & # m");
    assert_eq!(found, ["a 'b | c # d' --e=\"f;g\"", "h -i", "k $l"]);
    assert_eq!(simple_commands("# nothing"), Vec::<String>::new());
}

#[test]
fn a_column_and_links_are_found() {
    let page = "| a | b |\n|---|---|\n| 1 | [`2`](c/d.md) |\n| 3 | `4` |\n\n| e | f |\n|---|---|\n| 5 | 6 |\n";
    assert_eq!(column(page, "b"), ["[`2`](c/d.md)", "`4`"]);
    assert_eq!(column(page, "g"), Vec::<String>::new());
    assert_eq!(links(page).collect::<Vec<_>>(), ["c/d.md"]);
}
