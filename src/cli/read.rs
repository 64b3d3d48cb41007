//! `read` and `tail`: a log's records, page by page or as they come.
//!
//! - Lines are printed as they come; a table or a document of what is read is printed when all is there.
//! - What is followed is on its way to the reader before the next record is waited for. When the nodes cannot be reached,
//!   it says so once and goes on trying: who follows a log wants to be there afterwards.

use std::time::Duration;

use crate::client::Kind;
use crate::types::{Consistency, LogName, Offset, Page};

use super::arguments::{Format, Read, Tail};
use super::call::Call;
use super::column::Column;
use super::exit::Exit;
use super::output::Output;
use super::problem::Problem;
use super::trying::Outage;
use super::{consume, records};

/// The pause after the nodes could not be reached for a whole timeout.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn read(call: &mut Call, read: Read) -> Result<(), Problem> {
    let consistency = read.local.consistency();
    let from = records::offset(&call.client, &read.log, read.from, consistency).await?;
    if read.follow {
        return follow(call, read.log, from, read.limit, consistency).await;
    }
    let columns = records::columns();
    let is_lines = matches!(call.out.format(), Format::Jsonl | Format::Plain);
    let mut pages = call.client.pages(read.log.clone(), from, read.limit, consistency);
    let mut records = Vec::new();
    while let Some(page) = pages.next().await? {
        if is_lines {
            call.out.rows(&columns, &page.records)?;
            call.out.flush()?;
        } else {
            records.extend(page.records);
        }
    }
    if is_lines {
        return Ok(());
    }
    let (next, end, start) = pages.seen().map_or_else(Default::default, |seen| (seen.next, seen.end, seen.start));
    let head = [
        Column::given_json("space", call.speaking.space.as_str()),
        Column::given_json("log", read.log.as_str()),
        Column::given_json("next", next.0),
        Column::given_json("end", end.0),
        Column::given_json("start", start.0),
    ];
    call.out.many_in(&head, "records", &columns, &records)
}

pub(super) async fn tail(call: &mut Call, tail: Tail) -> Result<Exit, Problem> {
    if let Some(consume) = tail.consume {
        return consume::run(call, tail.log, consume).await;
    }
    let consistency = tail.local.consistency();
    let from = records::offset(&call.client, &tail.log, tail.from, consistency).await?;
    follow(call, tail.log, from, tail.limit, consistency).await.map(|()| Exit::Done)
}

/// Prints records from an offset on, or from the first that is left; at most so many.
async fn follow(
    call: &mut Call,
    log: LogName,
    from: Option<Offset>,
    limit: Option<u64>,
    consistency: Consistency,
) -> Result<(), Problem> {
    let mut tail = call.client.tail(log, from, consistency);
    let mut outage = Outage::of(call.speaking.timeout);
    let mut left = limit;
    call.out.headings(&records::columns())?;
    while left != Some(0) {
        match tail.next().await {
            Ok(page) => {
                let shown = print_page(&mut call.out, page, left)?;
                left = left.map(|left| left.saturating_sub(shown));
            }
            Err(error) if error.kind() == Kind::Unavailable => {
                outage.tell(&call.out, error);
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn print_page(out: &mut Output, mut page: Page, left: Option<u64>) -> Result<u64, Problem> {
    page.records.truncate(left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX)));
    out.further_rows(&records::columns(), &page.records)?;
    out.flush()?;
    Ok(page.records.len() as u64)
}

#[cfg(test)]
mod tests {
    use crate::cli::arguments::Format;
    use crate::cli::output;
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
        let mut shown = 0;
        let text = output::printed(format, |out| {
            shown = print_page(out, page(7..10), left)?;
            Ok(())
        });
        (text, shown)
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
        assert_eq!(rows, "7,2025-10-09T08:53:20.123Z,pay-7,,p7,\r\n");
    }
}
