//! Reads a log page after page.
//!
//! - It ends where the log ended when the first page was read, so reading a log that grows ends, too.

use crate::types::{Consistency, LogName, Offset, Page};

use super::Client;
use super::error::Error;

/// What a reader has seen of a log so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seen {
    /// The log's first offset, when the last page was read.
    pub start: Offset,
    /// Where to go on reading.
    pub next: Offset,
    /// Where the log ended when the first page was read: where the reading ends.
    pub end: Offset,
}

/// Reads a log to the end that it had at first, page after page.
#[derive(Debug)]
pub struct Pages {
    client: Client,
    log: LogName,
    /// None: nothing was read yet, and the first that is left is wanted.
    next: Option<Offset>,
    seen: Option<Seen>,
    left: Option<u64>,
    consistency: Consistency,
}

impl Pages {
    pub(super) fn new(
        client: Client,
        log: LogName,
        from: Option<Offset>,
        limit: Option<u64>,
        consistency: Consistency,
    ) -> Self {
        Self { client, log, next: from, seen: None, left: limit, consistency }
    }

    /// The next page; none at the end. After an error the same page may be asked for again.
    pub async fn next(&mut self) -> Result<Option<Page>, Error> {
        if self.left == Some(0) || self.seen.is_some_and(|seen| seen.next >= seen.end) {
            return Ok(None);
        }
        let limit = self.left.map_or(0, |left| u32::try_from(left).unwrap_or(u32::MAX));
        let page = self.client.read(&self.log, self.next, limit, self.consistency).await?;
        Ok(self.turn(page))
    }

    /// What was seen so far; none before the first page was read.
    pub fn seen(&self) -> Option<Seen> {
        self.seen
    }

    /// Goes on behind a page. A node that is asked for its own view may lag behind the one before it: its empty page
    /// ends the reading.
    fn turn(&mut self, mut page: Page) -> Option<Page> {
        let end = self.seen.map_or(page.end, |seen| seen.end);
        let next = self.next.map_or(page.next, |next| next.max(page.next));
        self.seen = Some(Seen { start: page.start, next, end });
        page.records.retain(|record| record.offset < end);
        if page.records.is_empty() || self.next.is_some_and(|next| page.next <= next) {
            self.left = Some(0);
            return None;
        }
        self.next = Some(page.next);
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(page.records.len() as u64);
        }
        Some(page)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::types::{Id, LogIndex, LogTime, Record};

    use super::*;

    fn pages(limit: Option<u64>) -> Pages {
        let client = Client::builder().addresses(["127.0.0.1:1"]).build().unwrap();
        client.pages(LogName::new("orders").unwrap(), Offset(0), limit, Consistency::Local)
    }

    fn page(offsets: std::ops::Range<u64>, end: u64) -> Page {
        let record = |offset| Record {
            offset: Offset(offset),
            payload: Bytes::new(),
            headers: Vec::new(),
            id: Id::new("a").unwrap(),
            time: LogTime::ZERO,
        };
        let next = Offset(offsets.end);
        Page { records: offsets.map(record).collect(), next, end: Offset(end), start: Offset(0), applied: LogIndex(1) }
    }

    #[tokio::test]
    async fn reading_ends_where_the_log_ended_at_first() {
        let mut pages = pages(None);
        assert_eq!(pages.turn(page(0..3, 5)).unwrap().records.len(), 3);
        assert_eq!(pages.turn(page(3..9, 9)).unwrap().records.len(), 2);
        assert_eq!(pages.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn reading_ends_at_the_limit() {
        let mut pages = pages(Some(3));
        assert!(pages.turn(page(0..3, 5)).is_some());
        assert_eq!(pages.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_node_that_lags_ends_the_reading() {
        let mut pages = pages(None);
        assert!(pages.turn(page(0..3, 5)).is_some());
        assert_eq!(pages.turn(page(3..3, 3)), None);
        assert_eq!(pages.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_empty_log_has_no_page() {
        let mut empty = pages(None);
        assert_eq!(empty.turn(page(0..0, 0)), None);
        assert_eq!(empty.seen(), Some(Seen { start: Offset(0), next: Offset(0), end: Offset(0) }));
    }
}
