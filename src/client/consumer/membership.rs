//! A member of a group: which logs are its to work on.
//!
//! - Each member holds a lock of its own, under a name that nobody else has, so that all see how many they are.
//! - Each log has a lock, held by the member that works on it. A member that dies leaves its locks to time.
//! - A member looks at the group's locks each third of their time: it takes free logs up to its fair share and gives up what
//!   is above it. Views may differ for a moment; the locks, and the guards of commits, never do.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::Client;
use crate::client::error::{Cause, Error};
use crate::client::lock::Held;
use crate::types::{Consistency, Holder, LockName, LogName, MalformedName, ReaderName};

use super::share::{fair_share, in_own_order};

/// Of a lock's time, the part after which the group is looked at again.
const LOOK_PART: u32 = 3;

/// What a member is made of.
#[derive(Debug)]
pub(super) struct Membership {
    client: Client,
    /// For others to see.
    holder: Holder,
    time: Duration,
    /// What the names of all the group's locks begin with.
    prefix: String,
    /// The logs of the group, each with its lock.
    logs: Vec<(LogName, LockName)>,
    own: Option<Held>,
    next_look: Instant,
}

/// The group, as one look shows it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Group {
    /// The members' locks, in their order.
    members: Vec<String>,
    /// The logs that somebody works on.
    taken: Vec<String>,
}

impl Membership {
    /// Checks that all names fit.
    pub(super) fn new(
        client: Client,
        reader: &ReaderName,
        logs: &[LogName],
        holder: Holder,
        time: Duration,
    ) -> Result<Self, MalformedName> {
        let prefix = format!("reader/{reader}/");
        let locks = logs.iter().map(|log| Ok((log.clone(), LockName::new(&format!("{prefix}log/{log}"))?)));
        let logs = locks.collect::<Result<Vec<_>, _>>()?;
        let membership = Self { client, holder, time, prefix, logs, own: None, next_look: Instant::now() };
        membership.fresh_name()?;
        Ok(membership)
    }

    /// When the group is to be looked at again.
    pub(super) fn next_look(&self) -> Instant {
        self.next_look
    }

    /// Looks at the group at the next opportunity.
    pub(super) fn look_soon(&mut self) {
        self.next_look = Instant::now();
    }

    /// Looks at the group; gives up and takes logs. `held`: the locks of the logs that it works on.
    pub(super) async fn look(&mut self, held: &mut BTreeMap<LogName, Held>) -> Result<(), Error> {
        let own_name = self.stay().await?;
        let group = self.group().await?;
        let members = group.members.len().max(1);
        let rank = group.members.iter().take_while(|member| member.as_str() < own_name.as_str()).count();
        let share = fair_share(members, rank, self.logs.len());
        while held.len() > share
            && let Some((_, above)) = held.pop_last()
        {
            // One that was lost is not to be given back, and one that can't be now is free when its time is over.
            let _lost = above.release().await;
        }
        for place in in_own_order(self.logs.len(), members, rank) {
            let Some((log, lock)) = self.logs.get(place).filter(|_| held.len() < share) else { break };
            if held.contains_key(log) || group.taken.contains(&lock.as_str().to_owned()) {
                continue;
            }
            match self.take_lock(lock).await {
                Ok(lock) => drop(held.insert(log.clone(), lock)),
                Err(Error { cause: Cause::LockHeld(_), .. }) => {}
                Err(error) => return Err(error),
            }
        }
        // Not before: a look that failed, or was left, is made again at once.
        self.next_look = Instant::now() + self.time / LOOK_PART;
        Ok(())
    }

    /// Sees to it that it counts as a member, and says under which lock.
    async fn stay(&mut self) -> Result<LockName, Error> {
        if let Some(own) = self.own.as_ref().filter(|own| own.is_held()) {
            return Ok(own.name().clone());
        }
        // Under another name than before: that one may still stand there until its time is over.
        let name = self.fresh_name().map_err(bad_name)?;
        self.own = Some(self.take_lock(&name).await?);
        Ok(name)
    }

    /// Leaves the group.
    pub(super) async fn leave(self, held: BTreeMap<LogName, Held>) -> Result<(), Error> {
        for lock in held.into_values().chain(self.own).filter(Held::is_held) {
            lock.release().await?;
        }
        Ok(())
    }

    async fn take_lock(&self, lock: &LockName) -> Result<Held, Error> {
        self.client.lock(lock, &self.holder).time(self.time).wait(Duration::ZERO).acquire().await
    }

    fn fresh_name(&self) -> Result<LockName, MalformedName> {
        LockName::new(&format!("{}member/{}", self.prefix, self.client.fresh_id()))
    }

    async fn group(&self) -> Result<Group, Error> {
        let (mut group, mut after) = (Group::default(), None);
        loop {
            let page = self.client.list_locks(&self.prefix, after.as_ref(), Consistency::Linearizable).await?;
            for named in &page.items {
                group.add(&self.prefix, named.name.as_str());
            }
            after = page.items.last().map(|named| named.name.clone());
            if !page.more || after.is_none() {
                return Ok(group);
            }
        }
    }
}

impl Group {
    /// A reader's name may hold anything, also what looks like another reader's lock; what follows a kind here holds no `/`.
    fn add(&mut self, prefix: &str, lock: &str) {
        let Some((kind, name)) = lock.strip_prefix(prefix).and_then(|rest| rest.split_once('/')) else { return };
        match kind {
            _ if name.contains('/') => {}
            "member" => self.members.push(lock.to_owned()),
            "log" => self.taken.push(lock.to_owned()),
            _ => {}
        }
    }
}

pub(super) fn bad_name(malformed: MalformedName) -> Error {
    Error::before_any_attempt("share the logs of a reader", Cause::BadName(malformed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locks_of_a_reader_whose_name_looks_like_another_ones_are_left_out() {
        let mut group = Group::default();
        for lock in [
            "reader/a/member/1",
            "reader/a/log/orders",
            "reader/a/member/x/member/2",
            "reader/a/log/x/log/orders",
            "reader/a/else",
            "reader/b/member/3",
        ] {
            group.add("reader/a/", lock);
        }
        let expected = |lock: &str| vec![lock.to_owned()];
        assert_eq!(group, Group { members: expected("reader/a/member/1"), taken: expected("reader/a/log/orders") });
    }

    #[tokio::test]
    async fn names_that_do_not_fit_are_told_at_once() {
        let client = Client::connect(["127.0.0.1:1"]).unwrap();
        let member = |reader: usize, log: usize| {
            let reader = ReaderName::new(&"r".repeat(reader)).unwrap();
            let logs = [LogName::new(&"l".repeat(log)).unwrap()];
            Membership::new(client.clone(), &reader, &logs, Holder::new("h").unwrap(), Duration::from_secs(10))
        };
        assert!(member(70, 40).is_ok());
        assert!(member(70, 60).is_err());
        assert!(member(90, 1).is_err());
    }
}
