//! Pages of lists, look-ups and waits, as consistent as they are asked for.

use std::time::Duration;

use tonic::Request;

use super::{Acknowledgement, Client, Failure};
use crate::proto::{
    AppendRequest, AppendResponse, CommandId, Consistency, GetCellRequest, GetCellResponse, ListCellsRequest,
    ListCellsResponse, ListLocksRequest, ListLocksResponse, ListLogsRequest, ListLogsResponse, ListPositionsRequest,
    ListPositionsResponse, ListSpacesRequest, ListSpacesResponse, LookupRequest, LookupResponse, ReadRequest,
    ReadResponse, WaitRequest, WaitResponse, wait_request,
};

impl Client {
    /// Sends an append that the node has so long for, while this client listens for as long as ever.
    ///
    /// A client's transport ends a call at the timeout that it sends, before the node can say what it knows. This one
    /// sends it in nine digits: transports take no more than eight and go on, and a node reads any number of them.
    pub async fn submit_in_haste(&self, request: AppendRequest, time: Duration) -> Result<Acknowledgement, Failure> {
        let mut request = Request::new(request);
        let time = format!("{:09}u", time.as_micros()).parse().expect("digits are text");
        request.metadata_mut().insert("grpc-timeout", time);
        let mut logs = self.logs.clone();
        let response: AppendResponse = self.within(logs.append(request)).await?;
        Ok(Acknowledgement::from_message(&response))
    }

    /// A page of a log from an offset on, or from the first that is left.
    pub async fn page_of(
        &self,
        space: &str,
        log: &str,
        from: Option<u64>,
        limit: u32,
        consistency: Consistency,
    ) -> Result<ReadResponse, Failure> {
        let consistency = consistency.into();
        let request = ReadRequest { space: space.to_owned(), log: log.to_owned(), from, limit, consistency };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.read(request).await).await
    }

    /// A page of the list of logs.
    pub async fn page_of_logs(
        &self,
        space: &str,
        after: &str,
        limit: u32,
        consistency: Consistency,
    ) -> Result<ListLogsResponse, Failure> {
        let (space, after, consistency) = (space.to_owned(), after.to_owned(), consistency.into());
        let request = ListLogsRequest { space, after, limit, consistency };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.list_logs(request).await).await
    }

    /// A page of the list of cells whose keys begin so.
    pub async fn page_of_cells(
        &self,
        space: &str,
        (after, prefix): (&str, &str),
        limit: u32,
        consistency: Consistency,
    ) -> Result<ListCellsResponse, Failure> {
        let (space, consistency) = (space.to_owned(), consistency.into());
        let (after, prefix) = (after.to_owned(), prefix.to_owned());
        let request = ListCellsRequest { space, after, prefix, limit, consistency };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.list_cells(request).await).await
    }

    /// A cell of the space `main`.
    pub async fn look_at_cell(&self, key: &str, consistency: Consistency) -> Result<GetCellResponse, Failure> {
        let request = GetCellRequest { space: String::new(), key: key.to_owned(), consistency: consistency.into() };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.get_cell(request).await).await
    }

    /// A page of the list of spaces.
    pub async fn page_of_spaces(
        &self,
        after: &str,
        limit: u32,
        consistency: Consistency,
    ) -> Result<ListSpacesResponse, Failure> {
        let request = ListSpacesRequest { after: after.to_owned(), limit, consistency: consistency.into() };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.list_spaces(request).await).await
    }

    /// A page of the list of positions in the space `main`, of one reader or of all.
    pub async fn page_of_positions(
        &self,
        reader: &str,
        (after_reader, after_log): (&str, &str),
        limit: u32,
        consistency: Consistency,
    ) -> Result<ListPositionsResponse, Failure> {
        let (space, reader, consistency) = (String::new(), reader.to_owned(), consistency.into());
        let (after_reader, after_log) = (after_reader.to_owned(), after_log.to_owned());
        let request = ListPositionsRequest { space, reader, after_reader, after_log, limit, consistency };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.list_positions(request).await).await
    }

    /// A page of the list of locks of the space `main` whose names begin so.
    pub async fn page_of_locks(
        &self,
        (after, prefix): (&str, &str),
        limit: u32,
        consistency: Consistency,
    ) -> Result<ListLocksResponse, Failure> {
        let (space, after, prefix) = (String::new(), after.to_owned(), prefix.to_owned());
        let request = ListLocksRequest { space, after, prefix, limit, consistency: consistency.into() };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.list_locks(request).await).await
    }

    /// Asks what became of an id of any space.
    pub async fn lookup_in(
        &self,
        space: &str,
        id: CommandId,
        consistency: Consistency,
    ) -> Result<LookupResponse, Failure> {
        let request = LookupRequest { space: space.to_owned(), id: Some(id), consistency: consistency.into() };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.lookup(request).await).await
    }

    /// Waits for a condition in a space, as long as this client's deadline.
    pub async fn wait_for(
        &self,
        space: &str,
        condition: wait_request::Condition,
        consistency: Consistency,
    ) -> Result<WaitResponse, Failure> {
        let (space, condition, consistency) = (space.to_owned(), Some(condition), consistency.into());
        let request = WaitRequest { space, condition, consistency };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.wait(request).await).await
    }
}
