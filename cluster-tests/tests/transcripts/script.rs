//! A transcript as it is written: what is typed is kept, and what is printed is made anew at every run.
//!
//! - `# text` is for the reader.
//! - `% words` does something that is no command: see [`crate::stage`].
//! - `$ command` is typed into a shell whose output goes to a pipe; `80$ command` into a terminal of 80 columns.
//! - What is printed and looks as if it were typed has a `\` before it.
//! - A command with `-o *` is run once in every format, and what is printed alike is shown once.

use std::fmt::Write as _;

/// The formats that `-o *` stands for.
pub(crate) const FORMATS: [&str; 5] = ["table", "json", "jsonl", "plain", "csv"];
/// What stands for all of them.
const EVERY: &str = " -o *";

/// A line that somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// For the reader.
    Comment(String),
    /// Something that is no command.
    Direction(String),
    /// A command.
    Command(Command),
}

/// A command, and where it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) text: String,
    pub(crate) is_in_terminal: bool,
}

/// What a command printed, and how it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Printed {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: i32,
}

/// The lines of a transcript that somebody wrote.
pub(crate) fn lines(transcript: &str) -> Vec<Line> {
    let line = |line: &str| match line.split_once(' ') {
        Some(("#", text)) => Some(Line::Comment(text.to_owned())),
        Some(("%", text)) => Some(Line::Direction(text.to_owned())),
        Some(("$", text)) => Some(Line::Command(Command { text: text.to_owned(), is_in_terminal: false })),
        Some(("80$", text)) => Some(Line::Command(Command { text: text.to_owned(), is_in_terminal: true })),
        _ => None,
    };
    transcript.lines().filter_map(line).collect()
}

impl Command {
    /// What is run for it, with the format that takes the star's place, if there is one.
    pub(crate) fn runs(&self) -> Vec<(Option<&'static str>, String)> {
        if self.text.contains(EVERY) {
            let run = |format| (Some(format), self.text.replacen(EVERY, &format!(" -o {format}"), 1));
            FORMATS.map(run).into()
        } else {
            vec![(None, self.text.clone())]
        }
    }

    /// The format in which the last command of a run prints.
    pub(crate) fn format(run: &str) -> &'static str {
        let words: Vec<&str> = run.split_whitespace().collect();
        let mut named = words.windows(2).rev().filter_map(|pair| match pair {
            ["-o", named] => FORMATS.into_iter().find(|format| format == named),
            _ => None,
        });
        named.next().unwrap_or("table")
    }
}

/// A transcript that is being made.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    text: String,
    /// Whether the last line prepares for the next command.
    is_preparing: bool,
}

impl Writer {
    /// Writes a line that prepares for a command.
    pub(crate) fn prepare(&mut self, line: &Line) {
        self.begin();
        self.is_preparing = true;
        match line {
            Line::Comment(text) => self.push(&format!("# {text}")),
            Line::Direction(text) => self.push(&format!("% {text}")),
            Line::Command(_) => panic!("a command is written with what it printed"),
        }
    }

    /// Writes a command and what its runs printed.
    pub(crate) fn command(&mut self, command: &Command, runs: &[(Option<&str>, Printed)]) {
        self.begin();
        self.is_preparing = false;
        let prompt = if command.is_in_terminal { "80$" } else { "$" };
        self.push(&format!("{prompt} {}", command.text));
        let mut shown: Vec<&Printed> = Vec::new();
        for (format, printed) in runs {
            if shown.contains(&printed) {
                continue;
            }
            shown.push(printed);
            if format.is_some() {
                let alike = runs.iter().filter(|(_, other)| other == printed).filter_map(|(format, _)| *format);
                self.push(&format!("[{}]", alike.collect::<Vec<_>>().join(", ")));
            }
            self.printed(printed);
        }
    }

    /// The whole text.
    pub(crate) fn finish(self) -> String {
        self.text
    }

    /// A line between what belongs together and what was before it.
    fn begin(&mut self) {
        if !self.text.is_empty() && !self.is_preparing {
            self.push("");
        }
    }

    fn printed(&mut self, printed: &Printed) {
        for line in printed.out.lines() {
            if lines(line).is_empty() { self.push(line) } else { self.push(&format!("\\{line}")) }
        }
        for line in printed.err.lines() {
            self.push(format!("! {line}").trim_end());
        }
        if printed.code != 0 {
            self.push(&format!("exit {}", printed.code));
        }
    }

    fn push(&mut self, line: &str) {
        writeln!(self.text, "{line}").expect("a String takes everything");
    }
}

/// A command of a transcript, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) command: String,
    pub(crate) format: &'static str,
    pub(crate) code: i32,
}

/// All that a transcript shows: each run of each command.
pub(crate) fn cases(transcript: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut runs = 0;
    // Of the last command's runs, those that the lines speak of.
    let mut formats: Vec<&str> = Vec::new();
    for line in transcript.lines() {
        if let [Line::Command(command)] = lines(line).as_slice() {
            let new = command.runs().into_iter().map(|(_, run)| Case {
                format: Command::format(&run),
                command: run,
                code: 0,
            });
            runs = new.len();
            cases.extend(new);
            formats = FORMATS.into();
        } else if let Some(code) = line.strip_prefix("exit ").and_then(|code| code.parse().ok()) {
            let last = cases.iter_mut().rev().take(runs);
            last.filter(|case| formats.contains(&case.format)).for_each(|case| case.code = code);
        } else if let Some(named) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            formats = named.split(", ").collect();
        }
    }
    cases
}

#[test]
fn what_is_typed_is_read_and_what_is_printed_is_not() {
    let text = "# a\n% pause 1\n$ b -o *\n[table]\nc\n! d\nexit 3\n\n80$ e\n$f\n";
    let command = |text: &str, is_in_terminal| Line::Command(Command { text: text.to_owned(), is_in_terminal });
    let [comment, direction] = [Line::Comment("a".to_owned()), Line::Direction("pause 1".to_owned())];
    assert_eq!(lines(text), [comment, direction, command("b -o *", false), command("e", true)]);
}

#[test]
fn a_transcript_is_written_as_it_is_read() {
    let printed = |out: &str, err: &str, code| Printed { out: out.to_owned(), err: err.to_owned(), code };
    let [Line::Comment(_), Line::Command(every), Line::Command(one)] = &lines("# a\n$ b -o *\n$ c\n")[..] else {
        panic!()
    };
    let mut writer = Writer::default();
    writer.prepare(&Line::Comment("a".to_owned()));
    let runs = every.runs().into_iter().map(|(format, _)| match format {
        Some("json" | "jsonl") => (format, printed("{}\n", "", 0)),
        _ => (format, printed("d\n", "e\n\n", 3)),
    });
    writer.command(every, &runs.collect::<Vec<_>>());
    writer.command(one, &[(None, printed("# f\n", "g", 2))]);
    let text = writer.finish();
    let expected =
        "# a\n$ b -o *\n[table, plain, csv]\nd\n! e\n!\nexit 3\n[json, jsonl]\n{}\n\n$ c\n\\# f\n! g\nexit 2\n";
    assert_eq!(text, expected);
    let codes: Vec<_> = cases(&text).iter().map(|case| (case.format, case.code)).collect();
    assert_eq!(codes, [("table", 3), ("json", 0), ("jsonl", 0), ("plain", 3), ("csv", 3), ("table", 2)]);
}
