//! What was sent, while a history is read: attempts and answers come long after what they belong to.
//!
//! The last items are changed where they are. Changes of items that are packed wait, packed themselves, until all blocks
//! that they belong to are packed anew at once.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::many::{BLOCK, Item, Many};

/// Something that can be changed, and how.
pub(super) trait Changing: Item {
    /// What can happen to it.
    type Change: Serialize + DeserializeOwned;

    /// Has it happen.
    fn change(&mut self, change: Self::Change) -> Result<(), String>;
}

/// A list whose items still change.
#[derive(Debug)]
pub(super) struct Growing<T: Changing> {
    items: Many<T>,
    /// By block, the changes of its items, and which item of the block each is of.
    waiting: Vec<Vec<u8>>,
}

impl<T: Changing> Default for Growing<T> {
    fn default() -> Self {
        Self { items: Many::default(), waiting: Vec::new() }
    }
}

impl<T: Changing> Growing<T> {
    /// Adds the item with this number, which has to be the next one.
    pub(super) fn push(&mut self, number: usize, item: T) -> Result<(), String> {
        if number != self.items.len() {
            return Err(format!("number {number} comes where {} is due", self.items.len()));
        }
        self.items.push(item);
        Ok(())
    }

    /// Changes an item.
    pub(super) fn change(&mut self, number: usize, change: T::Change) -> Result<(), String> {
        if number >= self.items.len() {
            return Err(format!("something has happened to number {number}, which has not come yet"));
        }
        if let Some(item) = self.items.get_plain(number) {
            return item.change(change);
        }
        let (block, place) = (number / BLOCK, number % BLOCK);
        if self.waiting.len() <= block {
            self.waiting.resize_with(block + 1, Vec::new);
        }
        if let Some(waiting) = self.waiting.get_mut(block) {
            *waiting = postcard::to_extend(&(place, change), std::mem::take(waiting)).expect("a change can be written");
        }
        Ok(())
    }

    /// All items, with all changes.
    pub(super) fn items(&mut self) -> Result<&Many<T>, String> {
        for (block, waiting) in self.waiting.drain(..).enumerate() {
            let mut left = waiting.as_slice();
            if left.is_empty() {
                continue;
            }
            self.items.edit_block(block, |items| {
                while !left.is_empty() {
                    let ((place, change), rest): ((usize, T::Change), _) =
                        postcard::take_from_bytes(left).expect("what was written can be read");
                    items.get_mut(place).expect("a place in the block").change(change)?;
                    left = rest;
                }
                Ok::<(), String>(())
            })?;
        }
        Ok(&self.items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Changing for Vec<u32> {
        type Change = u32;

        fn change(&mut self, change: u32) -> Result<(), String> {
            self.push(change);
            Ok(())
        }
    }

    #[test]
    fn changes_reach_packed_items_in_their_order() {
        let count = 60_000;
        let mut growing: Growing<Vec<u32>> = Growing::default();
        for number in 0..count {
            growing.push(number, Vec::new()).unwrap();
            growing.change(number / 2, 1).unwrap();
        }
        assert_eq!(growing.items().unwrap().iter().filter(|changes| changes.len() == 2).count(), count / 2);
        for number in (0..count).rev() {
            growing.change(number, 2).unwrap();
            growing.change(number, 3).unwrap();
        }
        for (number, changes) in growing.items().unwrap().iter().enumerate() {
            let before: &[u32] = if number < count / 2 { &[1, 1] } else { &[] };
            assert_eq!(changes, [before, &[2, 3]].concat(), "{number}");
        }
        assert!(growing.change(count, 1).is_err());
        assert!(growing.push(count + 1, Vec::new()).is_err());
    }
}
