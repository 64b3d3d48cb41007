//! A log, read page after page.
//!
//! - It ends where the log ended when the first page was read, so reading a log that grows ends, too.

use crate::types::{Consistency, LogName, Offset, Page};

use super::Client;
use super::error::Error;

/// A reader at its place in a log.
#[derive(Debug)]
pub struct Pages {
    client: Client,
    log: LogName,
    next: Offset,
    end: Option<Offset>,
    left: Option<u64>,
    consistency: Consistency,
}

impl Pages {
    pub(super) fn new(
        client: Client,
        log: LogName,
        from: Offset,
        limit: Option<u64>,
        consistency: Consistency,
    ) -> Self {
        Self { client, log, next: from, end: None, left: limit, consistency }
    }

    /// The next page; none at the end. A page that failed may be asked for again.
    pub async fn next(&mut self) -> Result<Option<Page>, Error> {
        if self.left == Some(0) || self.end.is_some_and(|end| self.next >= end) {
            return Ok(None);
        }
        let limit = self.left.map_or(0, |left| u32::try_from(left).unwrap_or(u32::MAX));
        let page = self.client.read(&self.log, self.next, limit, self.consistency).await?;
        Ok(self.turn(page))
    }

    /// Goes on behind a page. A node that is asked for its own view may lag behind the one before it: its empty page
    /// ends the reading.
    fn turn(&mut self, mut page: Page) -> Option<Page> {
        let end = *self.end.get_or_insert(page.end);
        page.records.retain(|record| record.offset < end);
        if page.records.is_empty() || page.next <= self.next {
            self.left = Some(0);
            return None;
        }
        self.next = page.next;
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
        assert_eq!(pages(None).turn(page(0..0, 0)), None);
    }
}
