//! All that a node has of a space, page by page, from its own state.

use super::{Client, Failure};
use crate::proto::{
    Cell, Consistency, ListCellsRequest, ListLocksRequest, ListLogsRequest, ListPositionsRequest, ListSpacesRequest,
    Lock, LogDescription, ReadRequest, ReadResponse, ReaderPosition,
};

impl Client {
    /// A page of a log of any space.
    pub async fn read_in(
        &self,
        space: &str,
        log: &str,
        from: u64,
        limit: u32,
        consistency: Consistency,
    ) -> Result<ReadResponse, Failure> {
        let (space, log, consistency) = (space.to_owned(), log.to_owned(), consistency.into());
        let request = ReadRequest { space, log, from: Some(from), limit, consistency };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.read(request).await).await
    }

    /// The names of all spaces, as the asked node has them.
    pub async fn local_spaces(&self) -> Result<Vec<String>, Failure> {
        let mut all: Vec<String> = Vec::new();
        loop {
            let after = all.last().cloned().unwrap_or_default();
            let request = ListSpacesRequest { after, limit: 0, consistency: Consistency::Local.into() };
            let mut logs = self.logs.clone();
            let page = self.attempt(request, async |request| logs.list_spaces(request).await).await?;
            let more = page.more && !page.spaces.is_empty();
            all.extend(page.spaces.into_iter().map(|space| space.name));
            if !more {
                return Ok(all);
            }
        }
    }

    /// All logs of a space, as the asked node has them.
    pub async fn local_logs(&self, space: &str) -> Result<Vec<LogDescription>, Failure> {
        let mut all: Vec<LogDescription> = Vec::new();
        loop {
            let after = all.last().map(|log| log.name.clone()).unwrap_or_default();
            let (space, consistency) = (space.to_owned(), Consistency::Local.into());
            let request = ListLogsRequest { space, after, limit: 0, consistency };
            let mut logs = self.logs.clone();
            let page = self.attempt(request, async |request| logs.list_logs(request).await).await?;
            let more = page.more && !page.logs.is_empty();
            all.extend(page.logs);
            if !more {
                return Ok(all);
            }
        }
    }

    /// All cells of a space, as the asked node has them.
    pub async fn local_cells(&self, space: &str) -> Result<Vec<Cell>, Failure> {
        let mut all: Vec<Cell> = Vec::new();
        loop {
            let after = all.last().map(|cell| cell.key.clone()).unwrap_or_default();
            let (space, consistency) = (space.to_owned(), Consistency::Local.into());
            let request = ListCellsRequest { space, after, prefix: String::new(), limit: 0, consistency };
            let mut logs = self.logs.clone();
            let page = self.attempt(request, async |request| logs.list_cells(request).await).await?;
            let more = page.more && !page.cells.is_empty();
            all.extend(page.cells);
            if !more {
                return Ok(all);
            }
        }
    }

    /// All positions of readers of a space, as the asked node has them.
    pub async fn local_positions(&self, space: &str) -> Result<Vec<ReaderPosition>, Failure> {
        let mut all: Vec<ReaderPosition> = Vec::new();
        loop {
            let (after_reader, after_log) =
                all.last().map(|last| (last.reader.clone(), last.log.clone())).unwrap_or_default();
            let (space, reader, consistency) = (space.to_owned(), String::new(), Consistency::Local.into());
            let request = ListPositionsRequest { space, reader, after_reader, after_log, limit: 0, consistency };
            let mut logs = self.logs.clone();
            let page = self.attempt(request, async |request| logs.list_positions(request).await).await?;
            let more = page.more && !page.positions.is_empty();
            all.extend(page.positions);
            if !more {
                return Ok(all);
            }
        }
    }

    /// All locks of a space that are held, as the asked node has them.
    pub async fn local_locks(&self, space: &str) -> Result<Vec<Lock>, Failure> {
        let mut all: Vec<Lock> = Vec::new();
        loop {
            let after = all.last().map(|lock| lock.name.clone()).unwrap_or_default();
            let (space, prefix, consistency) = (space.to_owned(), String::new(), Consistency::Local.into());
            let request = ListLocksRequest { space, after, prefix, limit: 0, consistency };
            let mut logs = self.logs.clone();
            let page = self.attempt(request, async |request| logs.list_locks(request).await).await?;
            let more = page.more && !page.locks.is_empty();
            all.extend(page.locks);
            if !more {
                return Ok(all);
            }
        }
    }
}
