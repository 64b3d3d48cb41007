//! The tables of a report for documentation. The plot is a file of its own, which a page may show or not.

use std::fmt::Write as _;

use super::summary::Summary;
use super::table::{self, Table};

/// All of it but the plot.
pub fn markdown(summary: &Summary) -> String {
    let mut text = format!("{}\n\n", table::sentence(summary));
    push_table(&mut text, &table::properties(summary));
    for first in summary.runs.iter().filter_map(|run| run.first.as_ref()) {
        let _ = write!(text, "\nLook first at {}: {}\n\n", escape(&first.property), escape(&first.found));
        for event in &first.events {
            let _ = writeln!(text, "- {}", escape(event));
        }
    }
    for property in summary.properties().iter().filter(|property| !property.found.is_empty()) {
        let _ = write!(text, "\n{} is broken:\n\n", escape(&property.name));
        for found in &property.found {
            let _ = writeln!(text, "- {}", escape(found));
        }
    }
    for (title, faults) in table::faults(summary) {
        let _ = write!(text, "\n{}:\n\n", escape(&title));
        push_table(&mut text, &faults);
    }
    if let Some(points) = table::crash_points(summary) {
        text.push('\n');
        push_table(&mut text, &points);
    }
    text.push('\n');
    push_table(&mut text, &table::runs(summary));
    let commands = summary.commands();
    if !commands.is_empty() {
        text.push_str("\nThe same schedules again:\n\n```sh\n");
        for command in commands {
            // One line, which can't end the block.
            let _ = writeln!(text, "{}", command.replace(char::is_control, " ").replace("```", "'''"));
        }
        text.push_str("```\n");
    }
    text
}

fn push_table(text: &mut String, table: &Table) {
    let head: Vec<String> = table.head.iter().map(|name| (*name).to_owned()).collect();
    let rule = (0..head.len()).map(|column| if column < table.words { "---" } else { "---:" });
    let _ = writeln!(text, "| {} |\n|{}|", head.join(" | "), rule.collect::<Vec<_>>().join("|"));
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(|cell| escape(&cell.text)).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
}

/// Text in which nothing is markup, on one line.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' => escaped.extend(['\\', character]),
            '\u{a0}' => escaped.push(' '),
            character if character.is_control() => escaped.push(' '),
            character => escaped.push(character),
        }
    }
    escaped
}
