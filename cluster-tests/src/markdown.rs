//! What tests need of Markdown: blocks of code, the commands in them, tables, links and headings.

/// A fenced block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The word behind the fence.
    pub language: String,
    /// What is in it.
    pub lines: Vec<String>,
}

/// A command of a transcript, and what it printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// As it is typed, without the prompts.
    pub command: String,
    /// Up to the next command.
    pub printed: String,
}

impl Block {
    /// Its lines as commands, those joined that end with a backslash.
    pub fn commands(&self) -> Vec<String> {
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

    /// The steps of a transcript. A command begins behind `$ ` and goes on behind `> `.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for line in &self.lines {
            if let Some(command) = line.strip_prefix("$ ") {
                steps.push(Step { command: command.to_owned(), printed: String::new() });
                continue;
            }
            let step = steps.last_mut().expect("a transcript begins with a command");
            if let Some(rest) = line.strip_prefix("> ").filter(|_| step.printed.is_empty()) {
                step.command.push('\n');
                step.command.push_str(rest);
            } else {
                step.printed.push_str(line);
                step.printed.push('\n');
            }
        }
        steps
    }

    /// All of it.
    pub fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line, "\n"]).collect()
    }
}

/// All fenced blocks of a page.
pub fn blocks(page: &str) -> Vec<Block> {
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

/// What stands under a heading, its smaller headings included.
pub fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let level = heading.split(' ').next().map_or(0, str::len);
    let start = page.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("there is no heading `{heading}`"));
    let body = page.get(start + heading.len() + 2..).unwrap_or_default();
    let mut end = 0;
    let mut in_code = false;
    for line in body.split_inclusive('\n') {
        in_code ^= line.starts_with("```");
        let hashes = line.len() - line.trim_start_matches('#').len();
        if !in_code && (1..=level).contains(&hashes) {
            break;
        }
        end += line.len();
    }
    body.get(..end).unwrap_or_default()
}

/// The commands that a shell is told, without comments and without what they are redirected to.
pub fn simple_commands(typed: &str) -> Vec<String> {
    let mut commands = vec![String::new()];
    let mut quote = None;
    let (mut is_redirected, mut is_comment) = (false, false);
    let mut before = ' ';
    for character in typed.chars() {
        match quote {
            Some(open) if open == character => quote = None,
            Some(_) => {}
            None => match character {
                '|' | '&' | ';' | '\n' if character == '\n' || !is_comment => {
                    commands.push(String::new());
                    (is_redirected, is_comment, before) = (false, false, ' ');
                    continue;
                }
                _ if is_comment => {}
                '\'' | '"' => quote = Some(character),
                '#' if before.is_whitespace() => is_comment = true,
                '<' | '>' => is_redirected = true,
                _ => {}
            },
        }
        before = character;
        if let Some(command) = commands.last_mut().filter(|_| !is_redirected && !is_comment) {
            command.push(character);
        }
    }
    commands.into_iter().map(|command| command.trim().to_owned()).filter(|command| !command.is_empty()).collect()
}

/// The cells of a table's rows. The table is known by the heading of its last column.
pub fn table(page: &str, last_heading: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
        inner.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let is_headed = |line: &str| cells(line).last().is_some_and(|last| last == last_heading);
    let mut lines = page.lines().skip_while(|line| !line.starts_with('|') || !is_headed(line));
    // The headings, and the line below them.
    lines.by_ref().take(2).for_each(drop);
    lines.take_while(|line| line.starts_with('|')).map(cells).collect()
}

/// What is written as code in a text.
pub fn code(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Where the links of a page lead.
pub fn links(page: &str) -> impl Iterator<Item = &str> {
    page.match_indices("](").filter_map(|(at, start)| page.get(at + start.len()..)?.split(')').next())
}

/// The names by which links reach a page's headings.
pub fn anchors(page: &str) -> Vec<String> {
    let mut in_code = false;
    let mut anchors = Vec::new();
    for line in page.lines() {
        in_code ^= line.starts_with("```");
        let text = line.trim_start_matches('#');
        if !in_code && text.len() < line.len() && text.starts_with(' ') {
            let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
            anchors.push(text.trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-"));
        }
    }
    anchors
}

#[test]
fn blocks_and_their_steps_are_found() {
    let page = "a\n```console\n$ one  # two\n1\n2\n$ 'three\n> four'\n> 3\n```\nb\n```sh\nfive \\\n  six\nseven\n```\n";
    let [console, sh] = blocks(page).try_into().expect("two blocks");
    assert_eq!((console.language.as_str(), sh.language.as_str()), ("console", "sh"));
    let step = |command: &str, printed: &str| Step { command: command.to_owned(), printed: printed.to_owned() };
    assert_eq!(console.steps(), [step("one  # two", "1\n2\n"), step("'three\nfour'\n3", "")]);
    assert_eq!(sh.commands(), ["five   six", "seven"]);
    assert_eq!(sh.text(), "five \\\n  six\nseven\n");
}

#[test]
fn a_section_ends_at_the_next_heading_of_its_level() {
    let page = "# a\n\n## b\n1\n### c\n2\n```\n# 3\n```\n## d\n4\n";
    assert_eq!(section(page, "## b"), "1\n### c\n2\n```\n# 3\n```\n");
    assert_eq!(section(page, "### c"), "2\n```\n# 3\n```\n");
    assert_eq!(section(page, "## d"), "4\n");
}

#[test]
fn simple_commands_are_found_in_what_a_shell_is_told() {
    let found = simple_commands("a 'b | c # d' --e=\"f;g\" | h -i < j && k $l & # m | n");
    assert_eq!(found, ["a 'b | c # d' --e=\"f;g\"", "h -i", "k $l"]);
    assert_eq!(simple_commands("# nothing"), Vec::<String>::new());
    assert_eq!(simple_commands("a 'b\nc'  # d's\ne"), ["a 'b\nc'", "e"]);
}

#[test]
fn tables_code_and_links_are_found() {
    let page = "| a | b |\n|---|---|\n| 1 | [`2`](c/d.md#e) |\n| `3` | 4, `5` |\n\n| f | g |\n|---|---|\n| 6 | |\n";
    assert_eq!(table(page, "b"), [["1", "[`2`](c/d.md#e)"], ["`3`", "4, `5`"]]);
    assert_eq!(table(page, "g"), [["6", ""]]);
    assert_eq!(table(page, "a"), Vec::<Vec<String>>::new());
    assert_eq!(code("a `b` c `d e`"), ["b", "d e"]);
    assert_eq!(links(page).collect::<Vec<_>>(), ["c/d.md#e"]);
}

#[test]
fn headings_are_reached_as_the_renderer_names_them() {
    let page = "# One\n```sh\n# no heading\n```\n## What it does, and what it does not\n#no heading\n";
    assert_eq!(anchors(page), ["one", "what-it-does-and-what-it-does-not"]);
}
