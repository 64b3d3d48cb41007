//! `tail`, and `read --follow`: a log's records as they come, until somebody ends it.
//!
//! - Every record is on its way to the reader before the next is waited for.
//! - When the nodes cannot be reached, it says so and goes on trying: who follows a log wants to be there afterwards.

use std::io::Write;
use std::time::Duration;

use crate::client::{Client, Error, Kind};
use crate::types::{Consistency, LogName, Offset, Page};

use super::arguments::{Begin, Options, Tail};
use super::consume;
use super::exit::Exit;
use super::output::{self, Format, Row};
use super::read::RecordRow;
use super::report::{self, Problem};

/// The pause after the nodes could not be reached for a whole timeout.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn run(client: &Client, options: &Options, tail: Tail, out: &mut impl Write) -> Result<Exit, Problem> {
    if let Some(consume) = tail.consume {
        return consume::run(client, options, tail.log, consume).await;
    }
    let consistency = super::consistency(tail.local);
    let from = match tail.from {
        Begin::Offset(offset) => Some(offset),
        Begin::Start => None,
        Begin::End => Some(end(client, &tail.log, consistency).await?),
    };
    follow(client, options, tail.log, from, tail.limit, consistency, out).await?;
    Ok(Exit::Done)
}

/// Prints records from an offset on, or from the first that is left; at most so many.
pub(super) async fn follow(
    client: &Client,
    options: &Options,
    log: LogName,
    from: Option<Offset>,
    limit: Option<u64>,
    consistency: Consistency,
    out: &mut impl Write,
) -> Result<(), Problem> {
    let mut tail = client.tail(log, from, consistency);
    let mut left = limit;
    if options.output == Format::Table || options.output == Format::Csv {
        print_heading(out, options.output)?;
    }
    while left != Some(0) {
        let page = match tail.next().await {
            Ok(page) => page,
            Err(error) if error.kind() == Kind::Unavailable => {
                complain(options, &error);
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let shown = print_page(out, options.output, page, left)?;
        left = left.map(|left| left.saturating_sub(shown));
    }
    Ok(())
}

/// Where a log ends; one that is not there ends at 0.
async fn end(client: &Client, log: &LogName, consistency: Consistency) -> Result<Offset, Error> {
    match client.describe_log(log, consistency).await {
        Ok(log) => Ok(log.end),
        Err(error) if error.reason() == Some(crate::client::Reason::NoSuchLog) => Ok(Offset(0)),
        Err(error) => Err(error),
    }
}

fn complain(options: &Options, error: &Error) {
    if !options.quiet {
        // Where even errors cannot be written, there is nobody to tell.
        let _unheard = report::print(&mut anstream::stderr(), options.output, error);
    }
}

fn print_heading(out: &mut impl Write, format: Format) -> Result<(), Problem> {
    match format {
        Format::Csv => output::print_csv_headings::<RecordRow>(out)?,
        _ => writeln!(
            out,
            "{}",
            line(&RecordRow::HEADINGS.iter().map(|heading| (*heading).to_owned()).collect::<Vec<_>>())
        )?,
    }
    Ok(out.flush()?)
}

fn print_page(out: &mut impl Write, format: Format, page: Page, left: Option<u64>) -> Result<u64, Problem> {
    let most = left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
    let rows: Vec<_> = page.records.into_iter().take(most).map(RecordRow::new).collect();
    match format {
        Format::Table => rows.iter().try_for_each(|row| writeln!(out, "{}", line(&row.cells())))?,
        Format::Csv => output::print_csv_rows(out, &rows)?,
        // A document would never end: each record is one.
        Format::Json | Format::Jsonl => output::print_rows(out, Format::Jsonl, &rows)?,
        Format::Plain => output::print_rows(out, format, &rows)?,
    }
    out.flush()?;
    Ok(rows.len() as u64)
}

/// Cells under each other, as far as they are as long as such cells mostly are: nobody knows what comes.
fn line(cells: &[String]) -> String {
    const WIDTHS: [usize; 4] = [8, 24, 36, 8];
    let padded = cells.iter().enumerate().map(|(place, cell)| match WIDTHS.get(place) {
        Some(width) => format!("{cell:<width$}"),
        None => cell.clone(),
    });
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use crate::types::{Id, LogIndex, LogTime, Record};

    use super::*;

    fn page(offsets: std::ops::Range<u64>) -> Page {
        let record = |offset| Record {
            offset: Offset(offset),
            payload: format!("p{offset}").into(),
            headers: Vec::new(),
            id: Id::new(format!("pay-{offset}")).unwrap(),
            time: LogTime::from_ms(1_760_000_000_123).unwrap(),
        };
        let end = Offset(offsets.end);
        Page { records: offsets.map(record).collect(), next: end, end, start: Offset(0), applied: LogIndex(1) }
    }

    fn printed(format: Format, left: Option<u64>) -> (String, u64) {
        let mut out = Vec::new();
        let shown = print_page(&mut out, format, page(7..10), left).unwrap();
        (String::from_utf8(out).unwrap(), shown)
    }

    #[test]
    fn records_are_printed_as_they_come_in_every_format() {
        assert_eq!(printed(Format::Plain, None), ("p7\np8\np9\n".to_owned(), 3));
        assert_eq!(printed(Format::Plain, Some(2)), ("p7\np8\n".to_owned(), 2));
        let (lines, _) = printed(Format::Json, Some(1));
        assert_eq!(lines, "{\"offset\":7,\"time_ms\":1760000000123,\"id\":\"pay-7\",\"payload\":\"p7\"}\n");
        let (rows, _) = printed(Format::Table, Some(1));
        assert_eq!(rows, "7         2025-10-09T08:53:20.123Z  pay-7                                 -         p7\n");
        let (rows, _) = printed(Format::Csv, Some(1));
        assert_eq!(rows, "7,2025-10-09T08:53:20.123Z,pay-7,-,p7\n");
    }
}
