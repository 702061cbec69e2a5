//! The raw key-value state of the chain, with enough of its past to answer for recent blocks.
//! Knows nothing of pallets, types or time; keys and values are bytes.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use super::primitives::BlockNumber;

/// A raw storage key.
pub(crate) type Key = Arc<[u8]>;

/// A raw storage value.
pub(crate) type Value = Arc<[u8]>;

/// Raw items with their values; `None` is an absent item.
pub(crate) type Changes = BTreeMap<Key, Option<Value>>;

/// The state of the newest block and, for a bounded number of blocks, what each of them overwrote.
///
/// A read in the past walks those records upwards from the block asked for: the first record that names the key holds
/// the value of that time. A block therefore costs the items it touches, not a copy of the state.
#[derive(Debug)]
pub(crate) struct Storage {
    items: BTreeMap<Key, Value>,
    /// What the open block has overwritten so far.
    overwritten: Changes,
    /// What past blocks overwrote; the last record belongs to block `sealed`.
    past: VecDeque<Changes>,
    sealed: BlockNumber,
    kept_blocks: usize,
}

impl Storage {
    /// An empty state at block 0 that remembers `kept_blocks` blocks.
    pub(crate) fn new(kept_blocks: usize) -> Self {
        Self { items: BTreeMap::new(), overwritten: Changes::new(), past: VecDeque::new(), sealed: 0, kept_blocks }
    }

    /// The value of an item in the open block.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.items.get(key).map(AsRef::as_ref)
    }

    /// Writes an item.
    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) {
        if self.get(key) == Some(value) {
            return;
        }
        let key = Key::from(key);
        let before = self.items.insert(Arc::clone(&key), Value::from(value));
        self.overwritten.entry(key).or_insert(before);
    }

    /// Removes an item.
    pub(crate) fn remove(&mut self, key: &[u8]) {
        if let Some((key, before)) = self.items.remove_entry(key) {
            self.overwritten.entry(key).or_insert(Some(before));
        }
    }

    /// Forgets the past: what is there now is the state of `block`.
    pub(crate) fn seal_genesis(&mut self) {
        self.overwritten.clear();
    }

    /// Ends the open block as block `number` and returns the items it changed, with their new values.
    pub(crate) fn seal(&mut self, number: BlockNumber) -> Changes {
        let overwritten = std::mem::take(&mut self.overwritten);
        let changes = overwritten
            .iter()
            .filter_map(|(key, before)| {
                let now = self.items.get(key);
                (now != before.as_ref()).then(|| (Arc::clone(key), now.cloned()))
            })
            .collect();
        self.past.push_back(overwritten);
        self.sealed = number;
        while self.past.len() > self.kept_blocks {
            self.past.pop_front();
        }
        changes
    }

    /// Takes back the newest block with all that the open one has done; `false` when nothing is remembered of it.
    pub(crate) fn retract(&mut self) -> bool {
        let Some(sealed) = self.past.pop_back() else { return false };
        let open = std::mem::take(&mut self.overwritten);
        // What the newest block has overwritten is older than what the open one has.
        for (key, before) in open.into_iter().chain(sealed) {
            match before {
                Some(value) => self.items.insert(key, value),
                None => self.items.remove(&key),
            };
        }
        self.sealed = self.sealed.saturating_sub(1);
        true
    }

    /// The state right after `block`, or `None` when it is no longer (or not yet) known.
    pub(crate) fn at(&self, block: BlockNumber) -> Option<View<'_>> {
        let age = usize::try_from(self.sealed.checked_sub(block)?).ok()?;
        let first = self.past.len().checked_sub(age)?;
        Some(View { storage: self, later: first })
    }
}

/// The state at a block of the past.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    storage: &'a Storage,
    /// Index of the first record of a block after the one looked at.
    later: usize,
}

impl<'a> View<'a> {
    /// The value of an item at that block.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&'a [u8]> {
        for record in self.records() {
            if let Some(before) = record.get(key) {
                return before.as_deref();
            }
        }
        self.storage.get(key)
    }

    /// At most `limit` keys that begin with `prefix` and stand strictly after `after`, in order.
    pub(crate) fn keys_after(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Vec<Key> {
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let range = (start, Bound::<&[u8]>::Unbounded);
        let mut then = BTreeMap::<&Key, bool>::new();
        for record in self.records() {
            for (key, before) in record.range::<[u8], _>(range).take_while(|(key, _)| key.starts_with(prefix)) {
                then.entry(key).or_insert(before.is_some());
            }
        }
        let unchanged = self
            .storage
            .items
            .range::<[u8], _>(range)
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(prefix))
            .filter(|key| !then.contains_key(key));
        let mut changed = then.iter().filter(|(_, existed)| **existed).map(|(key, _)| *key).peekable();
        let mut keys = Vec::new();
        for key in unchanged {
            while let Some(earlier) = changed.next_if(|earlier| *earlier < key) {
                keys.push(Arc::clone(earlier));
            }
            if keys.len() >= limit {
                break;
            }
            keys.push(Arc::clone(key));
        }
        keys.extend(changed.cloned());
        keys.truncate(limit);
        keys
    }

    fn records(&self) -> impl Iterator<Item = &'a Changes> {
        self.storage.past.range(self.later..).chain(std::iter::once(&self.storage.overwritten))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(view: View<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
        view.keys_after(b"", None, usize::MAX)
            .into_iter()
            .map(|key| (key.to_vec(), view.get(&key).expect("listed").to_vec()))
            .collect()
    }

    #[test]
    fn keys_come_in_order_strictly_after_the_start() {
        let mut storage = Storage::new(4);
        for key in ["a", "ba", "bb", "bc", "c"] {
            storage.put(key.as_bytes(), b"1");
        }
        storage.seal_genesis();
        let view = storage.at(0).expect("the head");
        let keys = |after: Option<&str>, limit| {
            view.keys_after(b"b", after.map(str::as_bytes), limit)
                .iter()
                .map(|key| String::from_utf8_lossy(key).into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(None, 10), ["ba", "bb", "bc"]);
        assert_eq!(keys(Some("ba"), 10), ["bb", "bc"]);
        assert_eq!(keys(Some("b"), 2), ["ba", "bb"]);
        assert_eq!(keys(Some("a"), 1), ["ba"]);
        assert_eq!(keys(Some("c"), 10), Vec::<String>::new());
    }

    #[test]
    fn only_real_changes_are_reported() {
        let mut storage = Storage::new(4);
        storage.put(b"same", b"1");
        storage.put(b"gone", b"1");
        storage.seal_genesis();
        storage.put(b"same", b"2");
        storage.put(b"same", b"1");
        storage.remove(b"gone");
        storage.put(b"new", b"1");
        storage.remove(b"never");
        let changes = storage.seal(1);
        let changes: Vec<_> = changes.iter().map(|(key, value)| (&key[..], value.as_deref())).collect();
        assert_eq!(changes, [(&b"gone"[..], None), (&b"new"[..], Some(&b"1"[..]))]);
    }

    proptest! {
        /// Each remembered block must read as a full copy made at the time would.
        #[test]
        fn the_past_reads_as_it_was(
            blocks in prop::collection::vec(
                prop::collection::vec((0_u8..12, prop::option::of(0_u8..3)), 0..6), 1..12),
            kept in 0_usize..8,
        ) {
            let mut storage = Storage::new(kept);
            let mut copies = vec![Vec::new()];
            for (index, writes) in blocks.iter().enumerate() {
                for (key, value) in writes {
                    match value {
                        Some(value) => storage.put(&[*key], &[*value]),
                        None => storage.remove(&[*key]),
                    }
                }
                let number = BlockNumber::try_from(index + 1).expect("few blocks");
                storage.seal(number);
                copies.push(all(storage.at(number).expect("the newest block")));
            }
            for (number, copy) in copies.iter().enumerate() {
                let view = storage.at(BlockNumber::try_from(number).expect("few blocks"));
                prop_assert_eq!(view.is_some(), blocks.len() - number <= kept);
                if let Some(view) = view {
                    prop_assert_eq!(&all(view), copy);
                    let some = view.keys_after(&[], Some(&[4]), 3);
                    let expected: Vec<_> = copy.iter().map(|(key, _)| key).filter(|key| key[0] > 4).take(3).collect();
                    prop_assert_eq!(some.iter().map(|key| key.to_vec()).collect::<Vec<_>>(), expected.into_iter().cloned().collect::<Vec<_>>());
                }
            }
            prop_assert!(storage.at(1_000).is_none());
        }
    }
}
