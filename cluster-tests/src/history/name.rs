//! The texts of a history, each stored once: ids, and the names of logs and spaces.
//!
//! - A [`Name`] is a number of four bytes. Equal texts have equal numbers, so names are compared without their texts.
//! - Names are numbered from 0 on, in the order in which their texts first came. A property may thus keep what it knows of
//!   each id in a vector.
//! - Texts stay until the process ends. They lie in a few large pieces of memory, without a gap between them.

use std::fmt;
use std::hash::BuildHasher as _;
use std::ops::Deref;
use std::sync::{LazyLock, PoisonError, RwLock};

use hashbrown::{DefaultHashBuilder, HashTable};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many bytes of text one piece of memory holds, unless a single text is longer.
const PIECE_BYTES: usize = 1 << 20;

/// The text of an id, a log or a space.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Name(u32);

impl Name {
    /// The name with this text.
    pub fn of(text: &str) -> Self {
        Self::known(text).unwrap_or_else(|| write().insert(text))
    }

    /// The name with this text, if the text is that of a name already.
    pub fn known(text: &str) -> Option<Self> {
        read().find(text)
    }

    /// Its text.
    pub fn as_str(self) -> &'static str {
        let text = read().text_of_full_piece(self);
        text.unwrap_or_else(|| write().keep(self))
    }

    /// Its number, for vectors with a place for every name.
    pub fn number(self) -> usize {
        self.0 as usize
    }

    /// How many names there are so far: each has a smaller number.
    pub fn count() -> usize {
        read().begins.len()
    }
}

/// All texts, one behind the other, and where each begins.
#[derive(Debug)]
struct Texts {
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// By name, where its text begins among all texts. It ends where the next one begins.
    begins: Vec<u32>,
    /// The pieces that nothing is added to any more, and where each begins among all texts.
    full: Vec<(u32, &'static str)>,
    /// The piece that texts are added to.
    last: String,
    last_begins: u32,
}

static TEXTS: LazyLock<RwLock<Texts>> = LazyLock::new(|| {
    let mut texts = Texts {
        numbers: HashTable::new(),
        hasher: DefaultHashBuilder::default(),
        begins: Vec::new(),
        full: Vec::new(),
        last: String::new(),
        last_begins: 0,
    };
    // The default name.
    texts.insert("");
    RwLock::new(texts)
});

fn read() -> impl Deref<Target = Texts> {
    TEXTS.read().unwrap_or_else(PoisonError::into_inner)
}

fn write() -> impl std::ops::DerefMut<Target = Texts> {
    TEXTS.write().unwrap_or_else(PoisonError::into_inner)
}

impl Texts {
    fn find(&self, text: &str) -> Option<Name> {
        let hash = self.hasher.hash_one(text);
        self.numbers.find(hash, |number| self.text(Name(*number)) == text).copied().map(Name)
    }

    fn insert(&mut self, text: &str) -> Name {
        // Another thread may have inserted it since.
        if let Some(known) = self.find(text) {
            return known;
        }
        if self.last.len() + text.len() > PIECE_BYTES {
            self.fill_last();
        }
        let number = u32::try_from(self.begins.len()).expect("fewer than four billion names");
        self.begins.push(self.end());
        self.last.push_str(text);
        let mut numbers = std::mem::take(&mut self.numbers);
        let hash = |text: &str| self.hasher.hash_one(text);
        numbers.insert_unique(hash(text), number, |number| hash(self.text(Name(*number))));
        self.numbers = numbers;
        Name(number)
    }

    /// Where the next text begins.
    fn end(&self) -> u32 {
        let bytes = u32::try_from(self.last.len()).ok().and_then(|bytes| self.last_begins.checked_add(bytes));
        bytes.expect("less than four gigabytes of names")
    }

    fn text(&self, name: Name) -> &str {
        let (begin, end) = self.span(name);
        let text = if begin < self.last_begins {
            self.text_of_full_piece(name)
        } else {
            self.last.get((begin - self.last_begins) as usize..(end - self.last_begins) as usize)
        };
        text.expect("each name has a text")
    }

    fn text_of_full_piece(&self, name: Name) -> Option<&'static str> {
        let (begin, end) = self.span(name);
        if end > self.last_begins {
            return None;
        }
        let behind = self.full.partition_point(|(first, _)| *first <= begin);
        let (first, piece) = self.full.get(behind.checked_sub(1)?)?;
        piece.get((begin - first) as usize..(end - first) as usize)
    }

    fn span(&self, name: Name) -> (u32, u32) {
        let begin = *self.begins.get(name.number()).expect("a name has been numbered");
        (begin, self.begins.get(name.number() + 1).copied().unwrap_or_else(|| self.end()))
    }

    /// Makes the last piece one that stays where it is, and returns a text in it.
    fn keep(&mut self, name: Name) -> &'static str {
        self.fill_last();
        self.text_of_full_piece(name).unwrap_or_default()
    }

    fn fill_last(&mut self) {
        let (begin, end) = (self.last_begins, self.end());
        if begin < end {
            let piece: &'static str = Box::leak(std::mem::take(&mut self.last).into_boxed_str());
            self.full.push((begin, piece));
            self.last_begins = end;
        }
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), formatter)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        if self == other { std::cmp::Ordering::Equal } else { self.as_str().cmp(other.as_str()) }
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for Name {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self::of(text)
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self::of(&text)
    }
}

impl From<&String> for Name {
    fn from(text: &String) -> Self {
        Self::of(text)
    }
}

/// As text where people may read it, and otherwise as the number, which only this process knows.
impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.serialize_str(self) } else { serializer.serialize_u32(self.0) }
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Text)
        } else {
            u32::deserialize(deserializer).map(Self)
        }
    }
}

/// Reads a name from a text that nobody has to own.
struct Text;

impl serde::de::Visitor<'_> for Text {
    type Value = Name;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Name, E> {
        Ok(Name::of(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_name_and_every_name_gives_its_text_back() {
        let texts: Vec<String> = (0..50_000).map(|number| format!("{number}/{}", "é".repeat(number % 40))).collect();
        let names: Vec<Name> = texts.iter().map(Name::from).collect();
        assert!(names.iter().zip(&texts).all(|(name, text)| name == text && *name == Name::of(text)));
        let longest = "x".repeat(2 * PIECE_BYTES);
        assert_eq!((Name::of(&longest), Name::default().as_str()), (Name::of(&longest), ""));
        assert_eq!((Name::of(&longest).len(), Name::of("b").as_str()), (longest.len(), "b"));
        assert_ne!(names.first(), names.last());
        assert!(names.iter().all(|name| name.number() < Name::count()));
    }

    #[test]
    fn names_are_in_the_order_of_their_texts_and_json_has_their_texts() {
        let mut names = ["zebra", "ant", "bee"].map(Name::of);
        names.sort();
        assert_eq!(names, ["ant", "bee", "zebra"]);
        let json = serde_json::to_string(&names).unwrap();
        assert_eq!(json, r#"["ant","bee","zebra"]"#);
        assert_eq!(serde_json::from_str::<[Name; 3]>(&json).unwrap(), names);
        let packed = postcard::to_extend(&names, Vec::new()).unwrap();
        assert_eq!(postcard::from_bytes::<[Name; 3]>(&packed).unwrap(), names);
    }
}
