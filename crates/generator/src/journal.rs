//! The journal of an output folder: which request made each file, and which batch is on its way.
//! One JSON object a line, only ever appended, so that a killed run leaves at worst a torn last line, which is ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};

use gen404_outside::http::shown;
use gen404_round::{Prompt, PromptImage, Stem};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Longest line that is read: a batch of the largest size takes some ten kilobytes.
const LONGEST_LINE: u64 = 1 << 20;

/// What a module is made from. Two requests with equal origins ask for the same thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// Seed of the request.
    pub(crate) seed: u64,
    /// The picture's address without credentials and query, for people.
    pub(crate) picture: String,
    /// SHA-256 of the address as written, or of the picture when it is a file of this machine.
    pub(crate) fingerprint: String,
}

impl Origin {
    /// `local` is the picture's content when it is a file of this machine.
    pub(crate) fn new(prompt: &Prompt, seed: u64, local: Option<&[u8]>) -> Self {
        let picture = match &prompt.image {
            PromptImage::Url(url) => shown(url),
            PromptImage::Path(_) => prompt.image_url.clone(),
        };
        let fingerprint = fingerprint(local.unwrap_or(prompt.image_url.as_bytes()));
        Self { seed, picture, fingerprint }
    }
}

/// SHA-256 in hex.
pub(crate) fn fingerprint(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// A module that was, or was about to be, put in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) stem: Stem,
    #[serde(flatten)]
    pub(crate) origin: Origin,
    /// The generator, without credentials.
    pub(crate) endpoint: String,
    /// SHA-256 of the module.
    pub(crate) sha256: String,
}

/// A batch that was, or was about to be, sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) endpoint: String,
    pub(crate) prompts: BTreeMap<Stem, Origin>,
}

impl Sent {
    pub(crate) fn stems(&self) -> BTreeSet<Stem> {
        self.prompts.keys().cloned().collect()
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Made(Made),
    Sent(Sent),
    /// The results of the batch sent last were taken.
    Collected,
}

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    made: BTreeMap<Stem, Vec<Made>>,
    on_its_way: Option<Sent>,
}

impl Journal {
    /// Reads a journal, which may be empty, and gets ready to append.
    pub(crate) fn open(mut file: File) -> io::Result<Self> {
        let (mut made, mut on_its_way): (BTreeMap<Stem, Vec<Made>>, _) = (BTreeMap::new(), None);
        file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::new(&mut file);
        let mut line = Vec::new();
        let mut torn = false;
        while reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? > 0 {
            torn = line.last() != Some(&b'\n');
            match serde_json::from_slice(&line) {
                Ok(Line::Made(file)) => made.entry(file.stem.clone()).or_default().push(file),
                Ok(Line::Sent(sent)) => on_its_way = Some(sent),
                Ok(Line::Collected) => on_its_way = None,
                Err(error) => tracing::debug!(%error, "a journal line is not readable and counts for nothing"),
            }
            line.clear();
        }
        file.seek(SeekFrom::End(0))?;
        if torn {
            file.write_all(b"\n")?;
        }
        Ok(Self { file, made, on_its_way })
    }

    /// Whether a file with this content was made by this very request.
    pub(crate) fn knows(&self, stem: &Stem, origin: &Origin, sha256: &str) -> bool {
        let records = self.made.get(stem).into_iter().flatten();
        // The newest record of this content counts: another request may have made the same bytes.
        records.rev().find(|made| made.sha256 == sha256).is_some_and(|made| made.origin == *origin)
    }

    /// The batch that was sent last, when its results were not taken.
    pub(crate) fn on_its_way(&self) -> Option<&Sent> {
        self.on_its_way.as_ref()
    }

    /// Must be written before the file gets its name: a file without a record counts as foreign.
    pub(crate) fn made(&mut self, made: Made) -> io::Result<()> {
        self.append(&Line::Made(made.clone()))?;
        self.made.entry(made.stem.clone()).or_default().push(made);
        Ok(())
    }

    /// Must be written before the batch is sent.
    pub(crate) fn sent(&mut self, sent: Sent) -> io::Result<()> {
        self.append(&Line::Sent(sent.clone()))?;
        self.on_its_way = Some(sent);
        Ok(())
    }

    /// Everything of the batch sent last was taken, or never will be.
    pub(crate) fn collected(&mut self) -> io::Result<()> {
        self.on_its_way = None;
        self.append(&Line::Collected)
    }

    fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.write_all(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(seed: u64) -> Origin {
        Origin { seed, picture: "http://h/a.png".into(), fingerprint: fingerprint(b"http://h/a.png") }
    }

    fn made(seed: u64, sha256: &str) -> Made {
        Made { stem: stem(), origin: origin(seed), endpoint: "http://g".into(), sha256: sha256.into() }
    }

    fn stem() -> Stem {
        "a".parse().expect("a stem")
    }

    fn reopened(journal: &Journal) -> Journal {
        Journal::open(journal.file.try_clone().expect("a file")).expect("readable")
    }

    #[test]
    fn a_file_belongs_to_the_request_that_made_it_last() {
        let mut journal = Journal::open(tempfile::tempfile().expect("a file")).expect("empty");
        journal.made(made(1, "one")).expect("written");
        journal.made(made(2, "two")).expect("written");
        journal.made(made(2, "one")).expect("written");
        let journal = reopened(&journal);
        assert!(journal.knows(&stem(), &origin(2), "two"));
        assert!(journal.knows(&stem(), &origin(2), "one"));
        assert!(!journal.knows(&stem(), &origin(1), "one"));
        assert!(!journal.knows(&stem(), &origin(2), "edited"));
    }

    #[test]
    fn a_batch_is_on_its_way_until_it_is_collected() {
        let mut journal = Journal::open(tempfile::tempfile().expect("a file")).expect("empty");
        let sent = Sent { endpoint: "http://g".into(), prompts: BTreeMap::from([(stem(), origin(1))]) };
        journal.sent(sent.clone()).expect("written");
        let mut journal = reopened(&journal);
        assert_eq!(journal.on_its_way(), Some(&sent));
        journal.collected().expect("written");
        assert_eq!(reopened(&journal).on_its_way(), None);
    }

    #[test]
    fn a_torn_line_counts_for_nothing_and_spoils_nothing() {
        let mut journal = Journal::open(tempfile::tempfile().expect("a file")).expect("empty");
        journal.made(made(1, "one")).expect("written");
        journal.file.write_all(br#"{"made":{"stem":"a","se"#).expect("written");
        let mut journal = reopened(&journal);
        journal.made(made(1, "two")).expect("written");
        let journal = reopened(&journal);
        assert!(journal.knows(&stem(), &origin(1), "one") && journal.knows(&stem(), &origin(1), "two"));
    }

    #[test]
    fn credentials_of_a_picture_are_not_written_down() {
        let set = gen404_round::PromptSet::parse(br#"{"prompts":[{"image_url":"https://me:pw@h/a.png?token=t0p"}]}"#)
            .expect("a set");
        let origin = Origin::new(&set.prompts[0], 1, None);
        assert_eq!(origin.picture, "https://h/a.png");
        assert_ne!(origin.fingerprint, fingerprint(b"https://h/a.png"));
    }
}
