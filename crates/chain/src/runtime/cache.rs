//! Metadata kept on disk, so that the next start needs one round trip less.
//! A convenience only: whatever is wrong with a file or the folder, the answer is "not cached", never an error.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gen404_outside::disk::{Durability, write_whole};

use crate::hashes::BlockHash;

/// Hash of what follows it, at the start of every file: a torn or damaged file is noticed.
const CHECKSUM_BYTES: usize = 32;

/// A folder of metadata files, one a chain and runtime version.
#[derive(Debug, Clone)]
pub(crate) struct MetadataCache {
    folder: Option<PathBuf>,
}

impl MetadataCache {
    /// Without a folder nothing is kept.
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// The SCALE metadata of that runtime, when a sound copy is there.
    pub(crate) fn load(&self, genesis: BlockHash, spec_version: u32) -> Option<Vec<u8>> {
        let file = fs::read(self.folder.as_ref()?.join(file_name(genesis, spec_version))).ok()?;
        let (checksum, metadata) = file.split_at_checked(CHECKSUM_BYTES)?;
        (sp_crypto_hashing::blake2_256(metadata)[..] == *checksum).then(|| metadata.to_vec())
    }

    /// How long the metadata of that runtime has been kept; `None` when it is not.
    pub(crate) fn age(&self, genesis: BlockHash, spec_version: u32) -> Option<Duration> {
        let facts = fs::metadata(self.folder.as_ref()?.join(file_name(genesis, spec_version))).ok()?;
        // A clock that was set back makes nothing younger than now.
        Some(facts.modified().ok()?.elapsed().unwrap_or_default())
    }

    /// Keeps the metadata of that runtime in place of the chain's older ones.
    pub(crate) fn store(&self, genesis: BlockHash, spec_version: u32, metadata: &[u8]) {
        let Some(folder) = &self.folder else { return };
        let file = [&sp_crypto_hashing::blake2_256(metadata)[..], metadata].concat();
        if let Err(error) = write_whole(&folder.join(file_name(genesis, spec_version)), &file, Durability::Whole) {
            tracing::debug!(%error, "metadata could not be cached");
            return;
        }
        remove_others(folder, genesis, spec_version);
    }
}

fn file_name(genesis: BlockHash, spec_version: u32) -> String {
    format!("metadata-{}-{spec_version}.scale", hex::encode(genesis.0))
}

fn remove_others(folder: &Path, genesis: BlockHash, spec_version: u32) {
    let current = file_name(genesis, spec_version);
    let ours = format!("metadata-{}-", hex::encode(genesis.0));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_old = name.starts_with(&ours) && name.ends_with(".scale") && name != current;
        if is_old {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENESIS: BlockHash = BlockHash([7; 32]);

    #[test]
    fn what_is_stored_is_found_again_and_replaces_older_runtimes() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = MetadataCache::new(Some(folder.path().join("new")));
        cache.store(GENESIS, 1, b"old");
        cache.store(BlockHash([8; 32]), 1, b"other chain");
        cache.store(GENESIS, 2, b"new");
        assert_eq!(cache.load(GENESIS, 2).as_deref(), Some(&b"new"[..]));
        assert_eq!(cache.load(GENESIS, 1), None);
        assert!(cache.age(GENESIS, 2).is_some() && cache.age(GENESIS, 1).is_none());
        assert_eq!(cache.load(BlockHash([8; 32]), 1).as_deref(), Some(&b"other chain"[..]));
    }

    #[test]
    fn damage_means_not_cached() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = MetadataCache::new(Some(folder.path().to_owned()));
        cache.store(GENESIS, 1, b"some metadata");
        let path = folder.path().join(file_name(GENESIS, 1));
        let sound = fs::read(&path).expect("the file");
        let mut flipped = sound.clone();
        flipped[40] ^= 1;
        for damaged in [&b""[..], b"garbage", &sound[..sound.len() - 1], &flipped] {
            fs::write(&path, damaged).expect("writing");
            assert_eq!(cache.load(GENESIS, 1), None);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_does_no_harm() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a file");
        fs::write(&file, b"").expect("writing");
        let cache = MetadataCache::new(Some(file.join("below")));
        cache.store(GENESIS, 1, b"some metadata");
        assert_eq!(cache.load(GENESIS, 1), None);
        assert_eq!(MetadataCache::new(None).load(GENESIS, 1), None);
    }
}
