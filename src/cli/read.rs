//! `read`: a log's records, page by page.
//!
//! - Lines are printed as they come; a table or a document when all are there.

use crate::types::Offset;

use super::arguments::{Format, Read};
use super::call::Call;
use super::column::Column;
use super::problem::Problem;
use super::{records, tail};

pub(super) async fn run(call: &mut Call, read: Read) -> Result<(), Problem> {
    let consistency = read.local.consistency();
    let from = records::offset(&call.client, &read.log, read.from, consistency).await?;
    if read.follow {
        return tail::follow(call, read.log, from, read.limit, consistency).await;
    }
    let columns = records::columns();
    let mut pages = call.client.pages(read.log.clone(), from, read.limit, consistency);
    let mut records = Vec::new();
    while let Some(page) = pages.next().await? {
        match call.out.format() {
            Format::Jsonl | Format::Plain => {
                call.out.rows(&columns, &page.records)?;
                call.out.flush()?;
            }
            Format::Table | Format::Json | Format::Csv => records.extend(page.records),
        }
    }
    if matches!(call.out.format(), Format::Jsonl | Format::Plain) {
        return Ok(());
    }
    let (next, end, start) = pages.seen().map_or_else(Default::default, |seen| (seen.next, seen.end, seen.start));
    let head = [("next", next), ("end", end), ("start", start)].map(|(name, Offset(at))| Column::given_json(name, at));
    let names = [("space", call.speaking.space.as_str()), ("log", read.log.as_str())];
    let head: Vec<_> = names.map(|(name, text)| Column::given_json(name, text)).into_iter().chain(head).collect();
    call.out.many_in(&head, "records", &columns, &records)
}
