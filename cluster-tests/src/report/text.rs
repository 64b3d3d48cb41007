//! A report for a terminal.

use std::io::{self, Write};

use super::summary::Summary;
use super::table::{self, Table};

/// Writes all of it but the plot.
pub fn print(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    writeln!(out)?;
    write_table(out, &table::properties(summary))?;
    for first in summary.runs.iter().filter_map(|run| run.first.as_ref()) {
        let at = first.at_ms.map_or_else(String::new, |ms| format!(", first sent {} s after the start", ms / 1_000));
        writeln!(out, "\nLook first at {}: {}{at}", first.property, first.found.replace(char::is_control, " "))?;
        for event in &first.events {
            writeln!(out, "  {}", event.replace(char::is_control, " "))?;
        }
    }
    for property in summary.properties().iter().filter(|property| !property.found.is_empty()) {
        writeln!(out, "\n{} is broken:", property.name)?;
        for found in &property.found {
            writeln!(out, "  {}", found.replace(char::is_control, " "))?;
        }
        if property.broken > property.found.len() {
            writeln!(out, "  and {} more", property.broken - property.found.len())?;
        }
    }
    for (title, faults) in table::faults(summary) {
        writeln!(out, "\n{title}:\n")?;
        write_table(out, &faults)?;
    }
    if let Some(points) = table::crash_points(summary) {
        writeln!(out)?;
        write_table(out, &points)?;
    }
    if summary.runs.len() > 1 {
        writeln!(out)?;
        write_table(out, &table::runs(summary))?;
    }
    writeln!(out, "\n{}", table::sentence(summary))
}

fn write_table(out: &mut impl Write, table: &Table) -> io::Result<()> {
    let head = table.head.iter().map(|name| name.to_uppercase()).collect();
    // A terminal wraps nothing in a table, and copies better without spaces that are none.
    let rows = table.rows.iter().map(|row| {
        let texts = row.iter().map(|cell| cell.text.replace('\u{a0}', " ").replace(char::is_control, " "));
        texts.collect::<Vec<_>>()
    });
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|text| text.chars().count()).max();
    for row in &rows {
        let cells = row.iter().enumerate().map(|(column, text)| {
            let width = width(column).unwrap_or_default();
            if column < table.words { format!("{text:<width$}") } else { format!("{text:>width$}") }
        });
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}
