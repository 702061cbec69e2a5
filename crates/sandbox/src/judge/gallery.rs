//! Pictures the script has seen, decoded once each and forgotten in the order they came.
//! It must not know what they are compared with.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::look::Picture;
use crate::pixels::Unreadable;

/// Pictures kept; one takes about a kilobyte, and a match of 128 duels has about 4000.
const MOST_PICTURES: usize = 8192;

/// A picture with the identity of its bytes.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) picture: Picture,
    /// SHA-256 of the file in hex.
    pub(crate) sha256: String,
}

/// Text that is no base64 of a picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Undecodable {
    #[error("a data address is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
    #[error(transparent)]
    Picture(#[from] Unreadable),
}

/// The bounded collection; keys are a keyed hash and the length of what was sent.
#[derive(Debug)]
pub(crate) struct Gallery {
    room: usize,
    hasher: RandomState,
    shelves: Mutex<Shelves>,
}

#[derive(Debug, Default)]
struct Shelves {
    pictures: HashMap<Key, Arc<Seen>>,
    order: VecDeque<Key>,
}

type Key = (u64, usize);

impl Default for Gallery {
    fn default() -> Self {
        Self::with_room_for(MOST_PICTURES)
    }
}

impl Gallery {
    fn with_room_for(pictures: usize) -> Self {
        Self { room: pictures, hasher: RandomState::new(), shelves: Mutex::default() }
    }

    /// The picture of a data address' base64 text.
    pub(crate) fn of_base64(&self, text: &str) -> Result<Arc<Seen>, Undecodable> {
        let key = self.key(text.as_bytes());
        if let Some(seen) = self.find(key) {
            return Ok(seen);
        }
        self.keep(key, &STANDARD.decode(text)?)
    }

    /// The picture of a downloaded file.
    pub(crate) fn of_file(&self, bytes: &[u8]) -> Result<Arc<Seen>, Undecodable> {
        let key = self.key(bytes);
        match self.find(key) {
            Some(seen) => Ok(seen),
            None => self.keep(key, bytes),
        }
    }

    fn key(&self, bytes: &[u8]) -> Key {
        (self.hasher.hash_one(bytes), bytes.len())
    }

    fn find(&self, key: Key) -> Option<Arc<Seen>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner).pictures.get(&key).cloned()
    }

    /// Decodes outside the lock; of two callers with the same picture the last one's is kept.
    fn keep(&self, key: Key, bytes: &[u8]) -> Result<Arc<Seen>, Undecodable> {
        let seen = Arc::new(Seen { picture: Picture::decode(bytes)?, sha256: hex::encode(Sha256::digest(bytes)) });
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        if shelves.pictures.insert(key, Arc::clone(&seen)).is_none() {
            shelves.order.push_back(key);
        }
        if shelves.order.len() > self.room
            && let Some(oldest) = shelves.order.pop_front()
        {
            shelves.pictures.remove(&oldest);
        }
        Ok(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::drawing::Drawing;

    #[test]
    fn a_picture_is_decoded_once() {
        let gallery = Gallery::default();
        let text = STANDARD.encode(Drawing::disc([1, 2, 3]).png());
        let (first, second) = (gallery.of_base64(&text).unwrap(), gallery.of_base64(&text).unwrap());
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[test]
    fn the_oldest_picture_makes_room() {
        let gallery = Gallery::with_room_for(2);
        let files = [1, 2, 3].map(|shade| Drawing::disc([shade, 2, 3]).png());
        for file in &files {
            gallery.of_file(file).unwrap();
        }
        let known = files.map(|file| gallery.find(gallery.key(&file)).is_some());
        assert_eq!(known, [false, true, true]);
        assert_eq!(gallery.shelves.lock().unwrap().pictures.len(), 2);
    }
}
