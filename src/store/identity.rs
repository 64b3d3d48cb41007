//! Who a node is, kept in its data directory.
//!
//! - A data directory belongs to one node id for ever, and to one process at a time.
//! - Its incarnation is random and made with it: a wiped directory comes back as another. An identity that is gone while
//!   data is there is a damage, never a new beginning.
//! - The cluster, once known, never changes.
//! - The file is replaced whole: a crash leaves the old identity or the new one.
//! - The directory's format number comes first, so that a build that does not know a newer format says so and touches
//!   nothing.
//!
//! The file `identity`: `OLID` · format `u32` · node id `u64` · incarnation (16 bytes) · `0`, or `1` and the cluster id (16
//! bytes) · `0`, or `1` and the plan: history `u64`, members as in a membership (`store::entry`) · the first 64 bits of
//! blake3 over all that. Fixed integers are big-endian.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::crash_point::{self, point};
use super::{entry, files};
use crate::types::codec::{DecodeError, Decoder, Encoder};
use crate::types::{ClusterId, History, Incarnation, Member, NodeId};

/// The format of data directories that this build writes, and the only one that it reads: the first was of builds before
/// there were cells, locks and memory, the second of builds that took control characters in ids and deleted nothing.
pub const FORMAT: u32 = 3;

const MAGIC: [u8; 4] = *b"OLID";
const CHECKSUM_BYTES: usize = 8;

/// Who a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The format of the data directory.
    pub format: u32,
    /// The number that the operator gave it.
    pub node_id: NodeId,
    /// The life of the data directory.
    pub incarnation: Incarnation,
    /// Its cluster, once it has one.
    pub cluster_id: Option<ClusterId>,
    /// What `init` decided here, so that it decides the same when it is run again.
    pub plan: Option<InitPlan>,
}

/// The first members of a cluster and its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitPlan {
    /// The cluster's history.
    pub history: History,
    /// The members that were collected.
    pub members: BTreeMap<NodeId, Member>,
}

/// Why a data directory can't be used, or its identity not changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has it.
    #[error("the data directory {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// It belongs to another node.
    #[error(
        "the data directory {} belongs to node {found}, not to node {asked}. Start node {found} with it, or give node {asked} \
         a directory of its own",
        directory.display()
    )]
    OtherNode {
        /// Where.
        directory: PathBuf,
        /// Whose it is.
        found: NodeId,
        /// Who wants it.
        asked: NodeId,
    },
    /// It was written by a newer build.
    #[error(
        "the data directory {} has format {found}, and this build knows formats up to {FORMAT}. Start it with the build that \
         wrote it, or a newer one",
        directory.display()
    )]
    NewerFormat {
        /// Where.
        directory: PathBuf,
        /// What was found.
        found: u32,
    },
    /// It was written by a build before the first release.
    #[error(
        "the data directory {} has format {found}, of a build before the first release, and this build reads format \
         {FORMAT}. Begin with an empty directory",
        directory.display()
    )]
    OlderFormat {
        /// Where.
        directory: PathBuf,
        /// What was found.
        found: u32,
    },
    /// The identity is not what was written.
    #[error(
        "the identity in {} is damaged: {reason}. Remove this node from the cluster, keep its data directory for inspection, \
         and start a new node with an empty data directory and a node id that was never used",
        directory.display()
    )]
    Damaged {
        /// Where.
        directory: PathBuf,
        /// What was found.
        reason: String,
    },
    /// It belongs to a cluster already.
    #[error("this node belongs to cluster {found} and can't join cluster {asked}")]
    OtherCluster {
        /// Its cluster.
        found: ClusterId,
        /// The cluster that it was to join.
        asked: ClusterId,
    },
    /// Another plan was made already.
    #[error("cluster {0} was planned here already, with other members or another history")]
    OtherPlan(ClusterId),
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Identity {
    /// Opens the data directory of a node, or makes it, and keeps other processes out of it.
    pub fn open_or_create(data_directory: &Path, node_id: NodeId) -> Result<DataDirectory, Error> {
        files::create_directory(data_directory)?;
        let lock = lock(data_directory)?;
        let identity = if let Some(identity) = read(data_directory)? {
            if identity.node_id != node_id {
                let (found, asked) = (identity.node_id, node_id);
                return Err(Error::OtherNode { directory: data_directory.to_owned(), found, asked });
            }
            identity
        } else {
            if let Some(item) = stranger(data_directory)? {
                let reason = format!("it is gone, but {item} is there");
                return Err(Error::Damaged { directory: data_directory.to_owned(), reason });
            }
            let incarnation = Incarnation::random();
            let identity = Self { format: FORMAT, node_id, incarnation, cluster_id: None, plan: None };
            write(data_directory, &identity)?;
            identity
        };
        Ok(DataDirectory { path: data_directory.to_owned(), identity: Mutex::new(identity), _lock: lock })
    }

    fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new();
        encoder.raw(&MAGIC);
        encoder.fixed_u32(self.format);
        encoder.fixed_u64(self.node_id.0);
        encoder.raw(self.incarnation.as_bytes());
        encoder.byte(u8::from(self.cluster_id.is_some()));
        if let Some(cluster_id) = &self.cluster_id {
            encoder.raw(cluster_id.as_bytes());
        }
        encoder.byte(u8::from(self.plan.is_some()));
        if let Some(plan) = &self.plan {
            encoder.fixed_u64(plan.history.0);
            entry::write_members(&mut encoder, &plan.members);
        }
        let checksum = checksum(encoder.as_slice());
        encoder.raw(&checksum);
        encoder.finish()
    }

    /// The identity of these bytes, whose magic and format were looked at before.
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let end = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(DecodeError::Truncated)?;
        if checksum(&bytes.slice(..end))[..] != bytes.slice(end..) {
            return Err(DecodeError::Invalid("checksum"));
        }
        let mut decoder = Decoder::new(bytes.slice(..end));
        if decoder.array()? != MAGIC {
            return Err(DecodeError::Invalid("identity"));
        }
        let format = decoder.fixed_u32()?;
        let node_id = NodeId(decoder.fixed_u64()?);
        let incarnation = Incarnation::from_bytes(decoder.array()?);
        let has_cluster = entry::read_flag(&mut decoder)?;
        let cluster_id = if has_cluster { Some(ClusterId::from_bytes(decoder.array()?)) } else { None };
        let plan = if entry::read_flag(&mut decoder)? {
            let history = History(decoder.fixed_u64()?);
            Some(InitPlan { history, members: entry::read_members(&mut decoder)? })
        } else {
            None
        };
        decoder.finish()?;
        Ok(Self { format, node_id, incarnation, cluster_id, plan })
    }
}

/// The data directory of this process: its identity, and the lock that keeps others out until this is dropped.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    identity: Mutex<Identity>,
    _lock: File,
}

impl DataDirectory {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who the node is now.
    pub fn identity(&self) -> Identity {
        self.current().clone()
    }

    /// Joins a cluster; returns when that is on disk. The node's own cluster is no news.
    pub fn set_cluster(&self, cluster_id: ClusterId) -> Result<(), Error> {
        self.change(cluster_id, |_| Ok(()))
    }

    /// Joins a cluster and remembers its plan; returns when that is on disk. The same once more is no news.
    pub fn set_cluster_and_plan(&self, cluster_id: ClusterId, plan: InitPlan) -> Result<(), Error> {
        self.change(cluster_id, |identity| match &identity.plan {
            Some(found) if *found != plan => Err(Error::OtherPlan(cluster_id)),
            _ => {
                identity.plan = Some(plan);
                Ok(())
            }
        })
    }

    fn change(
        &self,
        cluster_id: ClusterId,
        change: impl FnOnce(&mut Identity) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut current = self.current();
        let mut changed = current.clone();
        match changed.cluster_id {
            Some(found) if found != cluster_id => {
                return Err(Error::OtherCluster { found, asked: cluster_id });
            }
            _ => changed.cluster_id = Some(cluster_id),
        }
        change(&mut changed)?;
        if changed != *current {
            write(&self.path, &changed)?;
            *current = changed;
        }
        Ok(())
    }

    fn current(&self) -> MutexGuard<'_, Identity> {
        self.identity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn path(data_directory: &Path) -> PathBuf {
    data_directory.join("identity")
}

fn write(data_directory: &Path, identity: &Identity) -> Result<(), Error> {
    crash_point::fault(data_directory, point::IDENTITY_WRITE)?;
    files::replace(&path(data_directory), &identity.encode())?;
    crash_point::reached(data_directory, point::IDENTITY_WRITTEN);
    Ok(())
}

fn read(data_directory: &Path) -> Result<Option<Identity>, Error> {
    let damaged = |reason: String| Error::Damaged { directory: data_directory.to_owned(), reason };
    let bytes = match fs::read(path(data_directory)) {
        Ok(bytes) => Bytes::from(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(files::within("read", &path(data_directory), &error).into()),
    };
    let mut head = Decoder::new(bytes.clone());
    if head.array().is_ok_and(|magic| magic == MAGIC)
        && let Ok(found) = head.fixed_u32()
    {
        let directory = || data_directory.to_owned();
        match found.cmp(&FORMAT) {
            Ordering::Greater => return Err(Error::NewerFormat { directory: directory(), found }),
            Ordering::Less => return Err(Error::OlderFormat { directory: directory(), found }),
            Ordering::Equal => {}
        }
    }
    Identity::decode(&bytes).map(Some).map_err(|error| damaged(error.to_string()))
}

fn lock(data_directory: &Path) -> Result<File, Error> {
    let path = data_directory.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| files::within("open", &path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(data_directory.to_owned())),
        Err(TryLockError::Error(error)) => Err(files::within("lock", &path, &error).into()),
    }
}

/// Data that a directory without an identity must not hold.
fn stranger(data_directory: &Path) -> Result<Option<String>, Error> {
    for name in ["raft", "state"] {
        if data_directory.join(name).try_exists()? {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash = blake3::hash(bytes);
    let (first, _) = hash.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
    *first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> InitPlan {
        let member = Member {
            peer_address: "a:1".to_owned(),
            client_address: "b".to_owned(),
            incarnation: Incarnation::from_bytes([0xab; 16]),
            history: History(200),
        };
        InitPlan { history: History(200), members: [(NodeId(1), member)].into() }
    }

    fn cluster(byte: u8) -> ClusterId {
        ClusterId::from_bytes([byte; 16])
    }

    #[test]
    fn an_identity_has_these_bytes_and_comes_back() {
        let fresh = Identity {
            format: 1,
            node_id: NodeId(7),
            incarnation: Incarnation::from_bytes([0x11; 16]),
            cluster_id: None,
            plan: None,
        };
        let full = Identity { cluster_id: Some(cluster(0xcc)), plan: Some(plan()), ..fresh.clone() };
        let head = [&b"OLID\0\0\0\x01\0\0\0\0\0\0\0\x07"[..], &[0x11; 16]].concat();
        let member = [&b"\x01\x01\x03a:1\x01b"[..], &[0xab; 16], b"\xc8\x01"].concat();
        let golden = [&head[..], b"\0\0", b"\x08\x8b\xbd\x8a\x3f\xa9\x8c\xde"].concat();
        assert_eq!(fresh.encode(), golden);
        let golden = [
            &head[..],
            &[1],
            &[0xcc; 16],
            &[1, 0, 0, 0, 0, 0, 0, 0, 200],
            &member,
            b"\x2c\xa3\x29\x8a\x36\x34\x9c\x73",
        ]
        .concat();
        assert_eq!(full.encode(), golden);
        for identity in [fresh, full] {
            assert_eq!(Identity::decode(&identity.encode().into()), Ok(identity));
        }
    }

    #[test]
    fn a_directory_keeps_its_node_incarnation_cluster_and_plan() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data");
        let opened = Identity::open_or_create(&path, NodeId(1)).unwrap();
        let first = opened.identity();
        opened.set_cluster(cluster(1)).unwrap();
        opened.set_cluster_and_plan(cluster(1), plan()).unwrap();
        opened.set_cluster_and_plan(cluster(1), plan()).unwrap();
        drop(opened);

        let again = Identity::open_or_create(&path, NodeId(1)).unwrap();
        let expected = Identity { cluster_id: Some(cluster(1)), plan: Some(plan()), ..first };
        assert_eq!(again.identity(), expected);
    }

    #[test]
    fn another_node_cluster_plan_or_process_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let opened = Identity::open_or_create(directory.path(), NodeId(1)).unwrap();
        opened.set_cluster_and_plan(cluster(1), plan()).unwrap();
        assert!(matches!(opened.set_cluster(cluster(2)), Err(Error::OtherCluster { .. })));
        let other = InitPlan { history: History(201), ..plan() };
        assert!(matches!(opened.set_cluster_and_plan(cluster(1), other), Err(Error::OtherPlan(_))));
        assert!(matches!(Identity::open_or_create(directory.path(), NodeId(1)), Err(Error::InUse(_))));
        drop(opened);
        let error = Identity::open_or_create(directory.path(), NodeId(2)).unwrap_err();
        assert!(error.to_string().contains("belongs to node 1, not to node 2"), "{error}");
    }

    #[test]
    fn another_format_is_named_and_nothing_is_touched() {
        let directory = tempfile::tempdir().unwrap();
        let newer = b"OLID\0\0\0\x04whatever that format holds";
        fs::write(path(directory.path()), newer).unwrap();
        let error = Identity::open_or_create(directory.path(), NodeId(1)).unwrap_err();
        assert!(matches!(error, Error::NewerFormat { found: 4, .. }), "{error}");
        assert_eq!(fs::read(path(directory.path())).unwrap(), newer);

        let older = b"OLID\0\0\0\x02whatever that format held";
        fs::write(path(directory.path()), older).unwrap();
        let error = Identity::open_or_create(directory.path(), NodeId(1)).unwrap_err();
        assert!(matches!(error, Error::OlderFormat { found: 2, .. }), "{error}");
        assert_eq!(fs::read(path(directory.path())).unwrap(), older);
    }

    #[test]
    fn any_flipped_byte_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        Identity::open_or_create(directory.path(), NodeId(1))
            .unwrap()
            .set_cluster_and_plan(cluster(1), plan())
            .unwrap();
        let whole = fs::read(path(directory.path())).unwrap();
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= 1;
            fs::write(path(directory.path()), broken).unwrap();
            assert!(Identity::open_or_create(directory.path(), NodeId(1)).is_err(), "byte {at}");
        }
        fs::write(path(directory.path()), &whole[..20]).unwrap();
        assert!(matches!(Identity::open_or_create(directory.path(), NodeId(1)), Err(Error::Damaged { .. })));
    }

    #[test]
    fn a_lost_identity_is_no_new_beginning() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("raft")).unwrap();
        let error = Identity::open_or_create(directory.path(), NodeId(1)).unwrap_err();
        assert!(error.to_string().contains("it is gone, but raft is there"), "{error}");
    }

    #[test]
    fn a_change_that_the_disk_refuses_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        let opened = Identity::open_or_create(directory.path(), NodeId(1)).unwrap();
        let hook = crash_point::Hook::fail(directory.path(), "identity.write");
        assert!(opened.set_cluster(cluster(1)).is_err());
        assert_eq!(opened.identity().cluster_id, None);
        drop(hook);
        opened.set_cluster(cluster(1)).unwrap();
    }
}
