//! Rows by their keys, each known or not.
//!
//! - A row that nobody has named is absent, unless a command of which nothing is known may have written it.
//! - A journal takes a refused command back: it holds each row as it was before.

use std::borrow::Borrow;
use std::collections::BTreeMap;

/// A row of the model.
pub(super) trait Row: Clone {
    /// One that is not there.
    fn absent() -> Self;
    /// One of which nothing is known.
    fn unknown() -> Self;
}

/// A row that is known as a whole, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fact<T> {
    /// It is this, or not there.
    Is(Option<T>),
    /// It may be anything.
    Unknown,
}

impl<T: Clone> Row for Fact<T> {
    fn absent() -> Self {
        Self::Is(None)
    }

    fn unknown() -> Self {
        Self::Unknown
    }
}

/// All rows of one kind.
#[derive(Debug)]
pub(super) struct Rows<K, V> {
    known: BTreeMap<K, V>,
    rest_is_absent: bool,
    journal: Option<Vec<(K, Option<V>)>>,
}

impl<K, V> Default for Rows<K, V> {
    fn default() -> Self {
        Self { known: BTreeMap::new(), rest_is_absent: true, journal: None }
    }
}

impl<K: Ord + Clone, V: Row> Rows<K, V> {
    /// The row as far as it is known.
    pub(super) fn get<Q>(&self, key: &Q) -> V
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.known.get(key).cloned().unwrap_or_else(|| self.rest())
    }

    /// The row becomes this.
    pub(super) fn set(&mut self, key: K, row: V) {
        let before = self.known.insert(key.clone(), row);
        if let Some(journal) = &mut self.journal {
            journal.push((key, before));
        }
    }

    /// Changes a row in its place.
    pub(super) fn change<Q, R>(&mut self, key: &Q, change: impl FnOnce(&mut V) -> R) -> R
    where
        K: Borrow<Q>,
        Q: Ord + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(journal) = &mut self.journal {
            journal.push((key.to_owned(), self.known.get(key).cloned()));
        }
        if let Some(row) = self.known.get_mut(key) {
            return change(row);
        }
        let mut row = self.rest();
        let result = change(&mut row);
        self.known.insert(key.to_owned(), row);
        result
    }

    /// Nothing is known of any row.
    pub(super) fn doubt_all(&mut self) {
        self.known.clear();
        self.rest_is_absent = false;
    }

    /// All rows that were named.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.known.iter()
    }

    /// Whether a row that was never named is surely absent.
    pub(super) fn is_rest_absent(&self) -> bool {
        self.rest_is_absent
    }

    /// Changes may have to be taken back from now on.
    pub(super) fn begin(&mut self) {
        self.journal = Some(Vec::new());
    }

    /// Takes back what was changed since the beginning.
    pub(super) fn roll_back(&mut self) {
        for (key, before) in self.journal.take().into_iter().flatten().rev() {
            match before {
                Some(row) => self.known.insert(key, row),
                None => self.known.remove(&key),
            };
        }
    }

    fn rest(&self) -> V {
        if self.rest_is_absent { V::absent() } else { V::unknown() }
    }
}
