//! A long list of events in little memory.
//!
//! - The last items lie in the list as they are. Earlier ones are packed, many to a block, and put aside.
//! - Going through the list unpacks one item after the other, so an iterator gives values and no references.
//! - A list that was made by hand is short: nothing of it is packed, and its items can be changed in place.

use std::fmt;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::aside::Block;

/// How many items lie in the list as they are before the first of them are packed.
const PLAIN_MAX: usize = 1 << 14;
/// How many items are packed into a block.
pub(super) const BLOCK: usize = 1 << 10;

/// An event that can be packed: what [`serde`] writes of it has to be all of it.
pub trait Item: Clone + Serialize + DeserializeOwned {}

impl<T: Clone + Serialize + DeserializeOwned> Item for T {}

/// A list of events.
#[derive(Clone)]
pub struct Many<T> {
    blocks: Vec<Arc<Block>>,
    plain: Vec<T>,
}

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self { blocks: Vec::new(), plain: Vec::new() }
    }
}

impl<T: Item> Many<T> {
    /// Adds an item at the end.
    pub fn push(&mut self, item: T) {
        if self.plain.len() == PLAIN_MAX {
            self.blocks.push(pack(self.plain.drain(..BLOCK)));
        }
        self.plain.push(item);
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.blocks.len() * BLOCK + self.plain.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All items, in order.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { blocks: self.blocks.iter(), plain: self.plain.iter(), ..Iter::default() }
    }

    /// An item, if it is not packed.
    pub(super) fn get_plain(&mut self, place: usize) -> Option<&mut T> {
        self.plain.get_mut(place.checked_sub(self.blocks.len() * BLOCK)?)
    }

    /// Changes items of a block that is packed.
    pub(super) fn edit_block<E>(
        &mut self,
        block: usize,
        change: impl FnOnce(&mut [T]) -> Result<(), E>,
    ) -> Result<(), E> {
        let packed = self.blocks.get_mut(block).expect("a block that is there");
        let mut items: Vec<T> = Iter { blocks: std::slice::from_ref(packed).iter(), ..Iter::default() }.collect();
        change(&mut items)?;
        *packed = pack(items.into_iter());
        Ok(())
    }

    /// All items of a list that is short enough to be changed in place.
    pub fn plain(&mut self) -> &mut Vec<T> {
        assert!(self.blocks.is_empty(), "a list of {} events is packed, and can't be changed", self.len());
        &mut self.plain
    }
}

fn pack<T: Item>(items: impl Iterator<Item = T>) -> Arc<Block> {
    let bytes = Vec::with_capacity(BLOCK * 64);
    let packed = items.fold(bytes, |bytes, item| postcard::to_extend(&item, bytes).expect("an event can be written"));
    Arc::new(Block::of(&packed))
}

/// Goes through a list.
#[derive(Debug, Clone)]
pub struct Iter<'a, T> {
    blocks: std::slice::Iter<'a, Arc<Block>>,
    /// The present block, how many of its items are still to come, and where the next of them begins.
    packed: Vec<u8>,
    left: usize,
    next: usize,
    plain: std::slice::Iter<'a, T>,
}

impl<T> Default for Iter<'_, T> {
    fn default() -> Self {
        Self { blocks: [].iter(), packed: Vec::new(), left: 0, next: 0, plain: [].iter() }
    }
}

impl<T: Item> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if self.left == 0 {
            let Some(block) = self.blocks.next() else { return self.plain.next().cloned() };
            block.read(&mut self.packed);
            (self.left, self.next) = (BLOCK, 0);
        }
        let packed = self.packed.get(self.next..).unwrap_or_default();
        let (item, rest) = postcard::take_from_bytes(packed).expect("what was packed can be unpacked");
        (self.left, self.next) = (self.left - 1, self.packed.len() - rest.len());
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.blocks.len() * BLOCK + self.left + self.plain.len();
        (count, Some(count))
    }
}

impl<'a, T: Item> IntoIterator for &'a Many<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T: Item> Extend<T> for Many<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

impl<T: Item> FromIterator<T> for Many<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut many = Self::default();
        many.extend(items);
        many
    }
}

impl<T: Item> From<Vec<T>> for Many<T> {
    fn from(items: Vec<T>) -> Self {
        items.into_iter().collect()
    }
}

/// An item of a list that is short enough to be changed in place.
impl<T: Item> Index<usize> for Many<T> {
    type Output = T;

    fn index(&self, place: usize) -> &T {
        assert!(self.blocks.is_empty(), "a list of {} events is packed", self.len());
        self.plain.get(place).expect("a place in the list")
    }
}

impl<T: Item> IndexMut<usize> for Many<T> {
    fn index_mut(&mut self, place: usize) -> &mut T {
        self.plain().get_mut(place).expect("a place in the list")
    }
}

impl<T: Item + fmt::Debug> fmt::Debug for Many<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_back_in_order() {
        for count in [0, 1, PLAIN_MAX, PLAIN_MAX + 1, 3 * PLAIN_MAX + 7] {
            let many: Many<(usize, String)> = (0..count).map(|number| (number, number.to_string())).collect();
            assert_eq!((many.len(), many.is_empty(), many.iter().size_hint().0), (count, count == 0, count));
            assert!(many.iter().eq((0..count).map(|number| (number, number.to_string()))));
        }
    }

    #[test]
    fn a_short_list_can_be_changed_in_place() {
        let mut many = Many::from(vec![1, 2, 3]);
        many[1] = 5;
        many.plain().remove(0);
        assert_eq!(many.iter().collect::<Vec<_>>(), [5, 3]);
    }
}
