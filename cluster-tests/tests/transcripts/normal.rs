//! What differs from run to run and says nothing, replaced by what says what it is.
//!
//! - What always has the same width keeps it (times, ids, addresses), so tables look as they do on a screen.
//! - What has no width of its own (`% varies term`) becomes `<n>` under its heading in a table, which is set anew then, and
//!   `<term>` elsewhere: in CSV, in plain values, whose columns the same answer as CSV names, or behind its name in JSON.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What every run has of its own, wherever it stands, and what it becomes.
const PATTERNS: [(&str, &str); 16] = [
    // Of a terminal: colours and the like, and what a line that is drawn again had before.
    (r"\x1b\[[0-9;?]*[A-Za-z]", ""),
    (r"(?m)^.*\r([^\r\n])", "$1"),
    (r"\r", ""),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "YYYY-MM-DDThh:mm:ss.mmmZ"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "YYYY-MM-DDThh:mm:ss.mmmmmmZ"),
    (
        r"\b[0-9a-f]{8}-[0-9a-f]{4}-([47])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b",
        "xxxxxxxx-xxxx-${1}xxx-xxxx-xxxxxxxxxxxx",
    ),
    (r"\b[0-9a-f]{32}\b", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
    (r"\b(oncelog-dev|bench)-[0-9a-f]{8}\b", "$1-xxxxxxxx"),
    // Milliseconds since 1970: a time, or the number of a history.
    (r"\b1[6-9]\d{11}\b", "NNNNNNNNNNNNN"),
    (r"\b127\.0\.0\.1:[1-3]\d{4}\b", "127.0.0.1:NNNNN"),
    // How often a node was asked within the time.
    (r"(?m)^(  tried: \S+?)( \d+ times)?: ", "$1 <some> times: "),
    (r"(, seconds )[\d.]+(, per second )\d+", "$1<n>$2<n>"),
    (r#"("attempts": ?)\d+"#, "$1<some>"),
    (r"<host>/\d+", "<host>/<pid>"),
    (r"\b(pid |kill -9 |kill -USR1 )\d+\b", "$1<pid>"),
    (r#"("pid": ?)\d+"#, "$1<pid>"),
];

static COMPILED: LazyLock<Vec<(Regex, &str)>> =
    LazyLock::new(|| PATTERNS.map(|(pattern, name)| (Regex::new(pattern).expect("a good pattern"), name)).into());

/// A heading of a table with at least two columns.
static HEADINGS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[A-Z][A-Z0-9./]*(  ?[A-Z0-9./]+)*  [A-Z0-9./ ]+$").expect("a good pattern"));

/// What differs in the runs of one transcript.
#[derive(Debug, Default)]
pub(crate) struct Normal {
    /// Texts of this very run, and what they become.
    pub(crate) known: Vec<(String, String)>,
    /// Names of what varies: of columns and of fields, in lower case.
    pub(crate) varies: Vec<String>,
}

impl Normal {
    /// The text without what differs.
    pub(crate) fn text(&self, printed: &str) -> String {
        let text = self.known.iter().fold(printed.to_owned(), |text, (known, name)| text.replace(known, name));
        COMPILED.iter().fold(text, |text, (pattern, name)| pattern.replace_all(&text, *name).into_owned())
    }

    /// The same, and what varies in an answer in this format. The headings are those of the same answer as CSV.
    pub(crate) fn answer(&self, printed: &str, format: &str, headings: Option<&[String]>) -> String {
        let text = self.text(printed);
        match format {
            _ if self.varies.is_empty() => text,
            "table" => self.tables(&text),
            "csv" => self.cells(&text, ',', &csv_headings(&text)),
            "plain" => headings.map_or_else(|| text.clone(), |headings| self.cells(&text, '\t', headings)),
            _ => self.fields(&text),
        }
    }

    fn varies(&self, heading: &str) -> Option<String> {
        let name = heading.to_lowercase().replace([' ', '.'], "_").replace('/', "_per_");
        self.varies.contains(&name).then_some(name)
    }

    /// What stands for what varies, unless there is nothing.
    fn cell(&self, heading: &str, cell: &str, stands_for: fn(String) -> String) -> String {
        let varies = self.varies(heading).filter(|_| !["-", ""].contains(&cell));
        varies.map_or_else(|| cell.to_owned(), stands_for)
    }

    fn fields(&self, text: &str) -> String {
        self.varies.iter().fold(text.to_owned(), |text, name| {
            let value = r#"-?[0-9][0-9.eE+-]*|"[^"]*"|true|false|\[[^\]]*\]"#;
            let field = Regex::new(&format!(r#""{name}":( ?)({value})"#)).expect("a good pattern");
            field.replace_all(&text, |found: &Captures| format!("\"{name}\":{}<{name}>", &found[1])).into_owned()
        })
    }

    fn cells(&self, text: &str, separator: char, headings: &[String]) -> String {
        let line = |line: &str| {
            let cells: Vec<&str> = line.split(separator).collect();
            // Headings are their own, and what is split elsewhere is no row of this table.
            if cells.len() != headings.len() || cells == headings {
                return format!("{line}\n");
            }
            let cells =
                headings.iter().zip(cells).map(|(heading, cell)| self.cell(heading, cell, |name| format!("<{name}>")));
            cells.collect::<Vec<_>>().join(&separator.to_string()) + "\n"
        };
        text.lines().map(line).collect()
    }

    /// Tables, each to the line that ends it.
    fn tables(&self, text: &str) -> String {
        let mut done = String::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            if !is_heading(line) {
                done.push_str(line);
                done.push('\n');
                continue;
            }
            let (mut table, starts) = (vec![line], starts(line));
            while let Some(row) = lines.next_if(|row| is_row(row, &starts)) {
                table.push(row);
            }
            done.push_str(&self.table(&table));
        }
        done
    }

    fn table(&self, lines: &[&str]) -> String {
        let Some(first) = lines.first() else { return String::new() };
        let starts = starts(first);
        let row = |line: &&str| -> Vec<String> {
            let ends = starts.iter().skip(1).copied().chain([usize::MAX]);
            let part = |(start, end): (&usize, usize)| line.chars().take(end).skip(*start).collect::<String>();
            starts.iter().zip(ends).map(part).map(|cell| cell.trim_end().to_owned()).collect()
        };
        let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
        let headings = rows.first().cloned().unwrap_or_default();
        let named = rows.iter().enumerate().map(|(number, row)| match number {
            0 => row.clone(),
            // The heading says its name.
            _ => {
                headings.iter().zip(row).map(|(heading, cell)| self.cell(heading, cell, |_| "<n>".to_owned())).collect()
            }
        });
        set(&named.collect::<Vec<_>>())
    }
}

/// The headings of an answer as CSV.
pub(crate) fn csv_headings(printed: &str) -> Vec<String> {
    printed.lines().next().unwrap_or_default().split(',').map(str::to_owned).collect()
}

/// Whether a line is the heading of a table.
pub(crate) fn is_heading(line: &str) -> bool {
    HEADINGS.is_match(line)
}

/// Where the columns of a table begin: behind two spaces.
fn starts(heading: &str) -> Vec<usize> {
    let mut starts = vec![0];
    let characters: Vec<char> = heading.chars().collect();
    for (at, window) in characters.windows(3).enumerate() {
        if let [' ', ' ', begin] = window
            && *begin != ' '
        {
            starts.push(at + 2);
        }
    }
    starts
}

/// Whether a line has nothing between the columns.
fn is_row(line: &str, starts: &[usize]) -> bool {
    let characters: Vec<char> = line.chars().collect();
    let is_clear = |at: usize| characters.get(at).is_none_or(|character| *character == ' ');
    !line.is_empty() && starts.iter().skip(1).all(|start| is_clear(start - 1) && is_clear(start - 2))
}

/// A table as the program sets it: every column as wide as its widest cell, two spaces between them.
fn set(rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len))
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// Lines as a terminal of so many columns shows them.
pub(crate) fn wrapped(text: &str, columns: usize) -> String {
    let mut shown = String::new();
    for line in text.lines() {
        for (at, character) in line.chars().enumerate() {
            if at > 0 && at % columns == 0 {
                shown.push('\n');
            }
            shown.push(character);
        }
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn varies(names: &[&str]) -> Normal {
        Normal { known: Vec::new(), varies: names.iter().map(|name| (*name).to_owned()).collect() }
    }

    #[test]
    fn only_what_differs_is_replaced() {
        let normal = Normal { known: vec![("127.101.9.".to_owned(), "127.127.127.".to_owned())], ..Normal::default() };
        let text = "127.101.9.1:7420 2026-11-24T12:17:38.512Z 1760000000123/17 pid 4710 7 \x1b[1ma\x1b[0m\r\n";
        let expected = "127.127.127.1:7420 YYYY-MM-DDThh:mm:ss.mmmZ NNNNNNNNNNNNN/17 pid <pid> 7 a\n";
        assert_eq!(normal.text(text), expected);
        for tried in ["  tried: a:1: no answer\n", "  \x1b[1mtried:\x1b[0m a:1 12 times: no answer\n"] {
            assert_eq!(normal.text(tried), "  tried: a:1 <some> times: no answer\n");
        }
    }

    #[test]
    fn what_varies_is_named_in_every_format() {
        let normal = varies(&["term", "p99_9_ms"]);
        let table = "NODE  TERM  P99.9 MS  PROBLEM\n1     12    7.01      two words\n2     -     1234.56   -\nA sentence.\n\nTERM\n";
        let expected = "NODE  TERM  P99.9 MS  PROBLEM\n1     <n>   <n>       two words\n2     -     <n>       -\nA sentence.\n\nTERM\n";
        assert_eq!(normal.answer(table, "table", None), expected);
        let csv = "node,term\n1,12\n";
        assert_eq!(normal.answer(csv, "csv", None), "node,term\n1,<term>\n");
        assert_eq!(normal.answer("1\t12\n", "plain", Some(&csv_headings(csv))), "1\t<term>\n");
        assert_eq!(normal.answer("{\"term\":12,\"x\": 1}", "jsonl", None), "{\"term\":<term>,\"x\": 1}");
        assert_eq!(normal.answer("{\n  \"term\": [\n 1,\n 2\n ]\n}", "json", None), "{\n  \"term\": <term>\n}");
    }

    #[test]
    fn a_table_without_anything_that_varies_stays_as_it_is() {
        let table = "NODE  ADDRESS  IN DOUBT\n1     a:1      7\n";
        assert_eq!(varies(&["term"]).answer(table, "table", None), table);
    }

    #[test]
    fn a_long_line_is_shown_as_a_terminal_shows_it() {
        assert_eq!(wrapped("abcde\n\nfg\n", 2), "ab\ncd\ne\n\nfg\n");
    }
}
