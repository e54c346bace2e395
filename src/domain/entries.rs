//! A map that takes no more than a pointer while it is empty.

use std::{
    collections::{BTreeMap, btree_map},
    ops::{Deref, DerefMut},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Named values, sorted by name. Most identities have none, and there may be half a million of them: an empty one is a
/// pointer wide and has nothing behind it. It reads and serializes as the map that it stands for.
#[derive(Clone)]
#[expect(clippy::box_collection, reason = "a map is three words wide, and most are empty")]
pub struct Entries<V>(Option<Box<BTreeMap<String, V>>>);

impl<V: 'static> Entries<V> {
    const NONE: &'static BTreeMap<String, V> = &BTreeMap::new();

    /// None at all.
    pub const fn new() -> Self {
        Self(None)
    }
}

impl<V> Default for Entries<V> {
    fn default() -> Self {
        Self(None)
    }
}

impl<V: 'static> Deref for Entries<V> {
    type Target = BTreeMap<String, V>;

    fn deref(&self) -> &BTreeMap<String, V> {
        self.0.as_deref().unwrap_or(Self::NONE)
    }
}

impl<V: 'static> DerefMut for Entries<V> {
    fn deref_mut(&mut self) -> &mut BTreeMap<String, V> {
        self.0.get_or_insert_default()
    }
}

impl<V> From<BTreeMap<String, V>> for Entries<V> {
    fn from(map: BTreeMap<String, V>) -> Self {
        Self((!map.is_empty()).then(|| Box::new(map)))
    }
}

impl<V, const N: usize> From<[(String, V); N]> for Entries<V> {
    fn from(entries: [(String, V); N]) -> Self {
        BTreeMap::from(entries).into()
    }
}

impl<V> FromIterator<(String, V)> for Entries<V> {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(entries: I) -> Self {
        entries.into_iter().collect::<BTreeMap<_, _>>().into()
    }
}

impl<V> IntoIterator for Entries<V> {
    type Item = (String, V);
    type IntoIter = btree_map::IntoIter<String, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.map(|map| *map).unwrap_or_default().into_iter()
    }
}

impl<'a, V: 'static> IntoIterator for &'a Entries<V> {
    type Item = (&'a String, &'a V);
    type IntoIter = btree_map::Iter<'a, String, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<V: PartialEq + 'static> PartialEq for Entries<V> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<V: Eq + 'static> Eq for Entries<V> {}

impl<V: std::fmt::Debug + 'static> std::fmt::Debug for Entries<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

impl<V: Serialize + 'static> Serialize for Entries<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_map_that_it_stands_for() {
        let mut entries: Entries<u8> = Entries::new();
        assert!(entries.is_empty() && entries.get("a").is_none());
        assert_eq!(serde_json::to_string(&entries).unwrap(), "{}");
        entries.insert("a".to_owned(), 1);
        assert_eq!(serde_json::to_string(&entries).unwrap(), r#"{"a":1}"#);
        assert_eq!(serde_json::from_str::<Entries<u8>>(r#"{"a":1}"#).unwrap(), entries);
        entries.remove("a");
        assert_eq!(entries, Entries::from(BTreeMap::new()));
    }

    #[test]
    fn an_empty_one_is_a_pointer_wide() {
        assert_eq!(size_of::<Entries<String>>(), size_of::<usize>());
    }
}
