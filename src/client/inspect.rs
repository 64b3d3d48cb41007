//! Reads what a space holds beside its logs: cells, readers' positions, locks, and the spaces themselves.

use crate::types::{
    CellKey, Cells, Consistency, Duplicates, KeyedCell, LockName, LockReading, Locks, LogName, Positions, ReaderName,
    ReaderPosition, SpaceDescription, SpaceName, Spaces,
};
use crate::wire::{self, Reason, v1};

use super::error::Error;
use super::operation::Patience;
use super::{Client, logs};

impl Client {
    /// Reads a cell; none if it is not there.
    pub async fn cell(&self, key: &CellKey, consistency: Consistency) -> Result<Option<KeyedCell>, Error> {
        let request = v1::GetCellRequest {
            space: self.space.as_str().to_owned(),
            key: key.as_str().to_owned(),
            consistency: wire::consistency_message(consistency),
        };
        let answer = self.operation(format!("read cell `{key}`")).only_reading().run(|attempt| {
            let request = attempt.request(request.clone());
            async move { Ok(wire::got_cell(logs(attempt.channel).get_cell(request).await?.into_inner())?) }
        });
        match answer.await {
            Ok(cell) => Ok(Some(cell)),
            Err(error) if error.reason() == Some(Reason::NoSuchCell) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A page of the cells whose keys begin with `prefix` and come after a key.
    pub async fn list_cells(
        &self,
        prefix: &str,
        after: Option<&CellKey>,
        consistency: Consistency,
    ) -> Result<Cells, Error> {
        let request = v1::ListCellsRequest {
            space: self.space.as_str().to_owned(),
            after: after.map(|key| key.as_str().to_owned()).unwrap_or_default(),
            prefix: prefix.to_owned(),
            limit: 0,
            consistency: wire::consistency_message(consistency),
        };
        let answer = self.operation("list cells".to_owned()).only_reading().run(|attempt| {
            let request = attempt.request(request.clone());
            async move { Ok(wire::cells(logs(attempt.channel).list_cells(request).await?.into_inner())?) }
        });
        answer.await
    }

    /// The position of a reader in a log. A reader that was never moved is at 0.
    pub async fn position(
        &self,
        reader: &ReaderName,
        log: &LogName,
        consistency: Consistency,
    ) -> Result<ReaderPosition, Error> {
        let request = v1::GetPositionRequest {
            space: self.space.as_str().to_owned(),
            reader: reader.as_str().to_owned(),
            log: log.as_str().to_owned(),
            consistency: wire::consistency_message(consistency),
        };
        let doing = format!("read the position of `{reader}` in log `{log}`");
        let answer = self.operation(doing).only_reading().run(|attempt| {
            let request = attempt.request(request.clone());
            async move { Ok(wire::got_position(logs(attempt.channel).get_position(request).await?.get_ref())?) }
        });
        answer.await
    }

    /// A page of the positions of one reader, or of all, that come after a reader and a log.
    pub async fn list_positions(
        &self,
        reader: Option<&ReaderName>,
        after: Option<(&ReaderName, &LogName)>,
        consistency: Consistency,
    ) -> Result<Positions, Error> {
        let (after_reader, after_log) =
            after.map_or_else(Default::default, |(reader, log)| (reader.as_str().to_owned(), log.as_str().to_owned()));
        let request = v1::ListPositionsRequest {
            space: self.space.as_str().to_owned(),
            reader: reader.map(|reader| reader.as_str().to_owned()).unwrap_or_default(),
            after_reader,
            after_log,
            limit: 0,
            consistency: wire::consistency_message(consistency),
        };
        let answer = self.operation("list readers".to_owned()).only_reading().run(|attempt| {
            let request = attempt.request(request.clone());
            async move { Ok(wire::positions(logs(attempt.channel).list_positions(request).await?.get_ref())?) }
        });
        answer.await
    }

    /// Who holds a lock, if anybody does, and the time by the space's clock.
    pub async fn lock_reading(&self, lock: &LockName, consistency: Consistency) -> Result<LockReading, Error> {
        let request = v1::GetLockRequest {
            space: self.space.as_str().to_owned(),
            lock: lock.as_str().to_owned(),
            consistency: wire::consistency_message(consistency),
        };
        let answer = self.operation(format!("look at lock `{lock}`")).only_reading().run(|attempt| {
            let request = attempt.request(request.clone());
            async move { Ok(wire::got_lock(logs(attempt.channel).get_lock(request).await?.get_ref())?) }
        });
        answer.await
    }

    /// A page of the locks that are held, whose names begin with `prefix` and come after a name.
    pub async fn list_locks(
        &self,
        prefix: &str,
        after: Option<&LockName>,
        consistency: Consistency,
    ) -> Result<Locks, Error> {
        let request = v1::ListLocksRequest {
            space: self.space.as_str().to_owned(),
            after: after.map(|name| name.as_str().to_owned()).unwrap_or_default(),
            prefix: prefix.to_owned(),
            limit: 0,
            consistency: wire::consistency_message(consistency),
        };
        let answer = self.operation("list locks".to_owned()).only_reading().run(|attempt| {
            let request = attempt.request(request.clone());
            async move { Ok(wire::locks(logs(attempt.channel).list_locks(request).await?.get_ref())?) }
        });
        answer.await
    }

    /// Describes this client's space, and tells how old the duplicates were that the answering node has seen since it started.
    pub async fn describe_space(&self, consistency: Consistency) -> Result<(SpaceDescription, Duplicates), Error> {
        let space = &self.space;
        self.described_by(self.operation(format!("describe space `{space}`")), consistency).await
    }

    /// The same from one node, which is asked once.
    pub async fn describe_space_at(
        &self,
        address: &str,
        consistency: Consistency,
    ) -> Result<(SpaceDescription, Duplicates), Error> {
        let doing = format!("ask {address} to describe space `{}`", self.space);
        let operation = self.operation_at(address, doing)?.patience(Patience::OneAttempt);
        self.described_by(operation, consistency).await
    }

    async fn described_by(
        &self,
        operation: super::operation::Operation,
        consistency: Consistency,
    ) -> Result<(SpaceDescription, Duplicates), Error> {
        let request = v1::DescribeSpaceRequest {
            space: self.space.as_str().to_owned(),
            consistency: wire::consistency_message(consistency),
        };
        let answer = operation.only_reading().run(|attempt| {
            let request = attempt.request(request.clone());
            async move { Ok(wire::space_description(logs(attempt.channel).describe_space(request).await?.get_ref())?) }
        });
        answer.await
    }

    /// A page of the spaces whose names come after a name.
    pub async fn list_spaces(&self, after: Option<&SpaceName>, consistency: Consistency) -> Result<Spaces, Error> {
        let request = v1::ListSpacesRequest {
            after: after.map(|name| name.as_str().to_owned()).unwrap_or_default(),
            limit: 0,
            consistency: wire::consistency_message(consistency),
        };
        let answer = self.operation("list spaces".to_owned()).only_reading().run(|attempt| {
            let request = attempt.request(request.clone());
            async move { Ok(wire::spaces(logs(attempt.channel).list_spaces(request).await?.get_ref())?) }
        });
        answer.await
    }
}
