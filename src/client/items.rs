//! Everything of something, as a stream: pages are asked for as they are needed.
//!
//! - A stream ends behind its first error.
//! - A listing is no snapshot: what changes while it is read may be in it or not, and what does not change is in it once.

use std::future::Future;

use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use crate::types::{
    Consistency, KeyedCell, LogDescription, NamedLock, Page, ReaderName, ReaderPosition, Record, SpaceDescription,
};

use super::Client;
use super::error::Error;
use super::pages::Pages;
use super::tail::Tail;

/// What comes one after the other, until an error or the end.
pub type Stream<T> = BoxStream<'static, Result<T, Error>>;

impl Tail {
    /// The records as a stream. It has no end but an error.
    ///
    /// ```no_run
    /// # async fn example(client: oncelog::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use futures::TryStreamExt as _;
    ///
    /// let mut orders = client.tail("orders".parse()?, None, Default::default()).into_stream();
    /// while let Some(order) = orders.try_next().await? {
    ///     println!("{}: {}", order.offset, order.text());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_stream(self) -> Stream<Record> {
        records(stream::try_unfold(self, |mut tail| async move {
            let page = tail.next().await?;
            Ok(Some((page, tail)))
        }))
    }
}

impl Pages {
    /// The records as a stream.
    pub fn into_stream(self) -> Stream<Record> {
        records(stream::try_unfold(self, |mut pages| async move {
            let page = pages.next().await?;
            Ok(page.map(|page| (page, pages)))
        }))
    }
}

fn records(pages: impl futures::Stream<Item = Result<Page, Error>> + Send + 'static) -> Stream<Record> {
    pages.map_ok(|page| stream::iter(page.records.into_iter().map(Ok))).try_flatten().boxed()
}

impl Client {
    /// All logs of the space, by name.
    ///
    /// ```no_run
    /// # async fn example(client: oncelog::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use futures::TryStreamExt as _;
    ///
    /// let logs: Vec<_> = client.logs(Default::default()).try_collect().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn logs(&self, consistency: Consistency) -> Stream<LogDescription> {
        let client = self.clone();
        all(move |last: Option<LogDescription>| {
            let client = client.clone();
            async move {
                let page = client.list_logs(last.as_ref().map(|log| &log.name), consistency).await?;
                Ok((page.logs, page.more))
            }
        })
    }

    /// All cells whose keys begin with `prefix`, by key.
    pub fn cells(&self, prefix: &str, consistency: Consistency) -> Stream<KeyedCell> {
        let (client, prefix) = (self.clone(), prefix.to_owned());
        all(move |last: Option<KeyedCell>| {
            let (client, prefix) = (client.clone(), prefix.clone());
            async move {
                let page = client.list_cells(&prefix, last.as_ref().map(|cell| &cell.key), consistency).await?;
                Ok((page.items, page.more))
            }
        })
    }

    /// All positions of one reader, or of all, by reader and log.
    pub fn positions(&self, reader: Option<&ReaderName>, consistency: Consistency) -> Stream<ReaderPosition> {
        let (client, reader) = (self.clone(), reader.cloned());
        all(move |last: Option<ReaderPosition>| {
            let (client, reader) = (client.clone(), reader.clone());
            async move {
                let after = last.as_ref().map(|last| (&last.reader, &last.log));
                let page = client.list_positions(reader.as_ref(), after, consistency).await?;
                Ok((page.items, page.more))
            }
        })
    }

    /// All locks that are held and whose names begin with `prefix`, by name.
    pub fn locks(&self, prefix: &str, consistency: Consistency) -> Stream<NamedLock> {
        let (client, prefix) = (self.clone(), prefix.to_owned());
        all(move |last: Option<NamedLock>| {
            let (client, prefix) = (client.clone(), prefix.clone());
            async move {
                let page = client.list_locks(&prefix, last.as_ref().map(|lock| &lock.name), consistency).await?;
                Ok((page.items, page.more))
            }
        })
    }

    /// All spaces, by name.
    pub fn spaces(&self, consistency: Consistency) -> Stream<SpaceDescription> {
        let client = self.clone();
        all(move |last: Option<SpaceDescription>| {
            let client = client.clone();
            async move {
                let page = client.list_spaces(last.as_ref().map(|space| &space.name), consistency).await?;
                Ok((page.items, page.more))
            }
        })
    }
}

/// What a listing gives, page after page: what comes after the last item, and whether more comes behind that.
fn all<T, F>(page: impl Fn(Option<T>) -> F + Send + 'static) -> Stream<T>
where
    T: Clone + Send + 'static,
    F: Future<Output = Result<(Vec<T>, bool), Error>> + Send + 'static,
{
    // What the next page comes after; none at the end.
    let begin = Some(None);
    let pages = stream::try_unfold(begin, move |after| {
        let next = after.map(&page);
        async move {
            let Some(next) = next else { return Ok(None) };
            let (items, has_more) = next.await?;
            let after = items.last().cloned().filter(|_| has_more).map(Some);
            Ok(Some((stream::iter(items.into_iter().map(Ok)), after)))
        }
    });
    pages.try_flatten().boxed()
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::{Arc, Mutex};

    use crate::client::error::Cause;

    use super::*;

    /// What each page was asked to come after.
    type Asked = Arc<Mutex<Vec<Option<u32>>>>;

    /// Seven numbers, three a page.
    fn listing(fails_after: Option<u32>) -> (Stream<u32>, Asked) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        let page = move |after: Option<u32>| {
            heard.lock().unwrap().push(after);
            if after.is_some() && after == fails_after {
                return ready(Err(Error::before_any_attempt("list numbers", Cause::Closed)));
            }
            let items: Vec<u32> = (1..=7).filter(|number| Some(*number) > after).take(3).collect();
            let has_more = items.last() != Some(&7);
            ready(Ok((items, has_more)))
        };
        (all(page), asked)
    }

    #[tokio::test]
    async fn a_listing_goes_on_behind_the_last_item_until_there_is_no_more() {
        let (numbers, asked) = listing(None);
        assert_eq!(numbers.try_collect::<Vec<_>>().await.unwrap(), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(*asked.lock().unwrap(), [None, Some(3), Some(6)]);
    }

    #[tokio::test]
    async fn a_listing_ends_behind_an_error() {
        let (numbers, _) = listing(Some(3));
        let got: Vec<Result<u32, Error>> = numbers.collect().await;
        assert_eq!(got.iter().filter(|item| item.is_ok()).count(), 3);
        assert!(matches!(got.as_slice(), [.., Err(_)]) && got.len() == 4);
    }
}
