//! A report as one page of HTML that needs nothing else: no script, no font, no other file.

use std::fmt::Write as _;

use super::markup::escape;
use super::plot;
use super::summary::Summary;
use super::table::{self, Table, Tone};

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub fn page(summary: &Summary) -> String {
    let headline = table::headline(summary);
    let tone = if summary.broken() { "bad" } else { "good" };
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>Chaos: {headline}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1 class=\"{tone}\">{headline}</h1>\n<p class=\"lead\">{}</p>\n",
        escape(&table::sentence(summary))
    );
    push_violations(&mut out, summary);
    push_plots(&mut out, summary);
    for (title, faults) in table::faults(summary) {
        let _ = writeln!(out, "<h2>{}</h2>", escape(&title));
        push_table(&mut out, &faults);
    }
    if let Some(points) = table::crash_points(summary) {
        out.push_str("<h2>Crash points</h2>\n");
        push_table(&mut out, &points);
    }
    out.push_str("<h2>Properties</h2>\n");
    push_table(&mut out, &table::properties(summary));
    out.push_str("<h2>Runs</h2>\n");
    push_table(&mut out, &table::runs(summary));
    push_commands(&mut out, summary);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn push_violations(out: &mut String, summary: &Summary) {
    for run in summary.runs.iter().filter(|run| run.broken()) {
        let _ = writeln!(out, "<h2 class=\"bad\">{}</h2>", escape(&plot::title(run)));
        if !run.history.is_empty() {
            let _ = writeln!(out, "<p class=\"lead\">Its history: <code>{}</code></p>", escape(&run.history));
        }
        if let Some(first) = &run.first {
            let (property, found) = (escape(&first.property), escape(&first.found));
            let events = escape(&first.events.join("\n"));
            let _ = writeln!(out, "<p>Look first at {property}: {found}</p>\n<pre class=\"wide\">{events}</pre>");
        }
        out.push_str("<ul>\n");
        for property in &run.properties {
            for found in &property.found {
                let _ = writeln!(out, "<li>{}: {}</li>", escape(&property.name), escape(found));
            }
            if property.broken > property.found.len() {
                let more = table::count(property.broken - property.found.len());
                let _ = writeln!(out, "<li>{}: and {more} more</li>", escape(&property.name));
            }
        }
        out.push_str("</ul>\n");
    }
}

fn push_plots(out: &mut String, summary: &Summary) {
    let colours = plot::colours(summary);
    let mut runs = summary.runs.iter().filter(|run| plot::is_plotted(run)).peekable();
    if runs.peek().is_some() {
        out.push_str("<h2>Throughput over time</h2>\n");
    }
    for run in runs {
        let _ = writeln!(out, "<div class=\"wide\">\n{}</div>", plot::draw(&[run], &colours));
    }
}

fn push_table(out: &mut String, table: &Table) {
    let class = |column: usize| if column < table.words { "" } else { " class=\"number\"" };
    out.push_str("<div class=\"wide\">\n<table>\n<thead><tr>");
    for (column, name) in table.head.iter().enumerate() {
        let _ = write!(out, "<th{}>{}</th>", class(column), escape(name));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            let text = escape(&cell.text);
            let text = match cell.tone {
                Tone::Plain => text,
                Tone::Good => format!("<span class=\"good\">{text}</span>"),
                Tone::Bad => format!("<strong class=\"bad\">{text}</strong>"),
                Tone::Idle => format!("<span class=\"idle\">{text}</span>"),
            };
            let _ = write!(out, "<td{}>{text}</td>", class(column));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

fn push_commands(out: &mut String, summary: &Summary) {
    let commands = summary.commands();
    if commands.is_empty() {
        return;
    }
    out.push_str("<h2>The same schedules again</h2>\n<ul>\n");
    for command in commands {
        let _ = writeln!(out, "<li><code>{}</code></li>", escape(command));
    }
    out.push_str("</ul>\n");
}
