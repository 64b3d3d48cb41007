//! The rows of one table, as a replica has them: bytes in the order of their keys, packed, because there are millions.

use std::fmt;

/// Of every how many rows it is known where they begin.
const STRIDE: usize = 32;

/// Rows in the order of their keys.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// For each row, lengths and bytes of its key and its value.
    packed: Vec<u8>,
    /// Where each [`STRIDE`]th row begins.
    starts: Vec<usize>,
    count: usize,
}

impl Rows {
    /// No rows.
    pub const NONE: Self = Self { packed: Vec::new(), starts: Vec::new(), count: 0 };

    /// Adds a row whose key is greater than all before it. Says no if it is not.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> bool {
        if self.last_key().is_some_and(|last| last >= key) {
            return false;
        }
        if self.count.is_multiple_of(STRIDE) {
            self.starts.push(self.packed.len());
        }
        for bytes in [key, value] {
            write_length(&mut self.packed, bytes.len());
        }
        self.packed.extend_from_slice(key);
        self.packed.extend_from_slice(value);
        self.count += 1;
        true
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All of them: keys and values.
    pub fn iter(&self) -> Iter<'_> {
        Iter(&self.packed)
    }

    /// The value under a key.
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let after =
            self.starts.partition_point(|start| self.from(*start).next().is_some_and(|(first, _)| first <= key));
        let start = self.starts.get(after.checked_sub(1)?)?;
        self.from(*start).take(STRIDE).find(|(found, _)| *found == key).map(|(_, value)| value)
    }

    /// The rows that two tables do not share, in the order of their keys: the key, and what each has under it.
    pub fn differences<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = Difference<'a>> {
        let (mut ours, mut theirs) = (self.iter().peekable(), other.iter().peekable());
        std::iter::from_fn(move || {
            loop {
                let (our, their) = (ours.peek().copied(), theirs.peek().copied());
                let (mine, yours) = match (our, their) {
                    (None, None) => return None,
                    (Some((mine, _)), Some((yours, _))) => (mine <= yours, yours <= mine),
                    (mine, yours) => (mine.is_some(), yours.is_some()),
                };
                let our = our.filter(|_| mine);
                let their = their.filter(|_| yours);
                if mine {
                    ours.next();
                }
                if yours {
                    theirs.next();
                }
                if our != their {
                    let (key, _) = our.or(their)?;
                    return Some(Difference { key, one: our.map(|(_, it)| it), other: their.map(|(_, it)| it) });
                }
            }
        })
    }

    fn from(&self, start: usize) -> Iter<'_> {
        Iter(self.packed.get(start..).unwrap_or_default())
    }

    fn last_key(&self) -> Option<&[u8]> {
        self.from(*self.starts.last()?).last().map(|(key, _)| key)
    }
}

/// A row that two tables do not share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference<'a> {
    /// Its key.
    pub key: &'a [u8],
    /// What the one has under it.
    pub one: Option<&'a [u8]>,
    /// What the other has.
    pub other: Option<&'a [u8]>,
}

/// Goes through rows.
#[derive(Debug, Clone)]
pub struct Iter<'a>(&'a [u8]);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, rest) = read_length(self.0)?;
        let (value, rest) = read_length(rest)?;
        let (key, rest) = rest.split_at_checked(key)?;
        let (value, rest) = rest.split_at_checked(value)?;
        self.0 = rest;
        Some((key, value))
    }
}

impl<'a> IntoIterator for &'a Rows {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} rows", self.count)
    }
}

/// Seven bits a byte: most rows are short.
fn write_length(packed: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        packed.push(0x80 | u8::try_from(length & 0x7f).expect("seven bits"));
        length >>= 7;
    }
    packed.push(u8::try_from(length).expect("seven bits"));
}

fn read_length(packed: &[u8]) -> Option<(usize, &[u8])> {
    let (mut length, mut rest, mut shift) = (0, packed, 0);
    loop {
        let (&byte, after) = rest.split_first()?;
        length |= usize::from(byte & 0x7f) << shift;
        (rest, shift) = (after, shift + 7);
        if byte & 0x80 == 0 {
            return Some((length, rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> Vec<u8> {
        number.to_be_bytes().to_vec()
    }

    fn some(numbers: impl Iterator<Item = u32>) -> Rows {
        let mut rows = Rows::default();
        for number in numbers {
            assert!(rows.push(&key(number), &vec![7; number as usize % 300]));
        }
        rows
    }

    #[test]
    fn every_row_is_found_and_nothing_else() {
        let rows = some((0..1_000).map(|number| number * 2));
        assert_eq!(rows.len(), 1_000);
        for (found, value) in &rows {
            assert_eq!(rows.get(found), Some(value));
        }
        assert!((0..1_000).all(|number| rows.get(&key(number * 2 + 1)).is_none()));
        assert_eq!(Rows::default().get(b"a"), None);
    }

    #[test]
    fn a_key_that_is_not_greater_is_refused() {
        let mut rows = some(0..40);
        assert!(!rows.push(&key(39), b""));
        assert!(!rows.push(&key(3), b""));
        assert!(rows.push(&key(40), b""));
    }

    #[test]
    fn differences_are_rows_that_one_lacks_or_has_otherwise() {
        let one = some([1, 2, 3, 5].into_iter());
        let mut other = some([2].into_iter());
        other.push(&key(3), b"else");
        other.push(&key(4), b"more");
        other.push(&key(5), &[7; 5]);
        let found: Vec<_> = one.differences(&other).map(|it| (it.key[3], it.one, it.other)).collect();
        let [first, third] = [&[7_u8; 1][..], &[7; 3][..]];
        let expected = [(1, Some(first), None), (3, Some(third), Some(&b"else"[..])), (4, None, Some(&b"more"[..]))];
        assert_eq!(found, expected);
        assert_eq!(one.differences(&one).count(), 0);
    }
}
