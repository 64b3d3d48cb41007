//! Whole commands, and looks at what they change.

use super::{Client, Failure};
use crate::proto::{
    CancelRequest, CancelResponse, Cell, CommandId, Consistency, DescribeLogRequest, DescribeSpaceRequest,
    DescribeSpaceResponse, GetCellRequest, GetLockRequest, GetLockResponse, GetPositionRequest, GetPositionResponse,
    ListCellsRequest, ListCellsResponse, LogDescription, LookupRequest, LookupResponse, ReadRequest, ReadResponse,
    ReaderPosition, SubmitRequest, SubmitResponse, cell_value,
};

impl Client {
    /// Sends a whole command.
    pub async fn command(&self, request: SubmitRequest) -> Result<SubmitResponse, Failure> {
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.submit(request).await).await
    }

    /// The same for a cancel in any space.
    pub async fn cancel_in(&self, request: CancelRequest) -> Result<CancelResponse, Failure> {
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.cancel(request).await).await
    }

    /// Reads a cell of the space `main`, linearizably. None: it is not there.
    pub async fn cell(&self, key: &str) -> Result<Option<Cell>, Failure> {
        let consistency = Consistency::Linearizable.into();
        let request = GetCellRequest { space: String::new(), key: key.to_owned(), consistency };
        let mut logs = self.logs.clone();
        match self.attempt(request, async |request| logs.get_cell(request).await).await {
            Ok(response) => Ok(response.cell),
            Err(failure) if failure.reason == "NO_SUCH_CELL" => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The number in a cell of the space `main`, which is there.
    pub async fn number(&self, key: &str) -> i64 {
        let cell = self.cell(key).await.unwrap_or_else(|failure| panic!("read cell {key}: {failure}"));
        match cell.and_then(|cell| cell.value).and_then(|value| value.value) {
            Some(cell_value::Value::Integer(number)) => number,
            other => panic!("cell {key} holds {other:?}"),
        }
    }

    /// The payloads of all that a log of the space `main` holds, as text.
    pub async fn texts(&self, log: &str) -> Vec<String> {
        let (mut all, mut next) = (Vec::new(), 0);
        loop {
            let page = self.read(log, next, Consistency::Linearizable).await;
            let page = page.unwrap_or_else(|failure| panic!("read log {log}: {failure}"));
            all.extend(page.records.iter().map(|record| String::from_utf8_lossy(&record.payload).into_owned()));
            next = page.next;
            if next >= page.end {
                return all;
            }
        }
    }

    /// A page of cells of the space `main`.
    pub async fn cells(&self, after: &str, prefix: &str, limit: u32) -> Result<ListCellsResponse, Failure> {
        let (after, prefix) = (after.to_owned(), prefix.to_owned());
        let consistency = Consistency::Linearizable.into();
        let request = ListCellsRequest { space: String::new(), after, prefix, limit, consistency };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.list_cells(request).await).await
    }

    /// Where a reader is in a log of the space `main`, linearizably.
    pub async fn position(&self, reader: &str, log: &str) -> Result<ReaderPosition, Failure> {
        let response = self.look_at_position(reader, log, Consistency::Linearizable).await?;
        Ok(response.position.expect("a position is answered"))
    }

    /// The same, as consistent as it is asked for, and with the entry that the node had applied.
    pub async fn look_at_position(
        &self,
        reader: &str,
        log: &str,
        consistency: Consistency,
    ) -> Result<GetPositionResponse, Failure> {
        let (reader, log, consistency) = (reader.to_owned(), log.to_owned(), consistency.into());
        let request = GetPositionRequest { space: String::new(), reader, log, consistency };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.get_position(request).await).await
    }

    /// A lock of the space `main`, and the space's clock.
    pub async fn lock(&self, lock: &str, consistency: Consistency) -> Result<GetLockResponse, Failure> {
        let (lock, consistency) = (lock.to_owned(), consistency.into());
        let request = GetLockRequest { space: String::new(), lock, consistency };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.get_lock(request).await).await
    }

    /// A space, linearizably.
    pub async fn space(&self, space: &str) -> Result<DescribeSpaceResponse, Failure> {
        let request = DescribeSpaceRequest { space: space.to_owned(), consistency: Consistency::Linearizable.into() };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.describe_space(request).await).await
    }

    /// A log of the space `main`, linearizably.
    pub async fn log(&self, log: &str) -> Result<LogDescription, Failure> {
        let consistency = Consistency::Linearizable.into();
        let request = DescribeLogRequest { space: String::new(), log: log.to_owned(), consistency };
        let mut logs = self.logs.clone();
        let response = self.attempt(request, async |request| logs.describe_log(request).await).await?;
        Ok(response.log.expect("a description describes a log"))
    }

    /// Reads from the first record that is left.
    pub async fn read_what_is_left(&self, log: &str) -> Result<ReadResponse, Failure> {
        let consistency = Consistency::Linearizable.into();
        let request = ReadRequest { space: String::new(), log: log.to_owned(), from: None, limit: 0, consistency };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.read(request).await).await
    }

    /// Asks what became of an id of any space.
    pub async fn fate(&self, space: &str, id: CommandId) -> Result<LookupResponse, Failure> {
        let consistency = Consistency::Linearizable.into();
        let mut logs = self.logs.clone();
        let request = LookupRequest { space: space.to_owned(), id: Some(id), consistency };
        self.attempt(request, async |request| logs.lookup(request).await).await
    }
}
