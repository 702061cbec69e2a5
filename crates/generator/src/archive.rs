//! Opens a `/results` archive that may be hostile: every entry is judged before a byte of it is believed.
//! It hands good modules on, one at a time and at most one in memory, and reports the rest; it never touches a path.

mod directory;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use gen404_round::Stem;

use self::directory::{DirectoryError, Record};
use crate::limits::ArchiveLimits;

/// Name of the entry with the service's own reasons.
const FAILURES: &str = "_failed.json";
/// Unix file type bits, and those of a plain file.
const FILE_TYPE: u32 = 0o170_000;
const PLAIN_FILE: u32 = 0o100_000;

/// Why an archive cannot be opened at all.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is cut, damaged, or no ZIP archive.
    #[error("the results are not a whole ZIP archive: {detail}")]
    Broken {
        /// What is wrong.
        detail: String,
    },
    /// More entries than the subnet takes.
    #[error("the results archive has {count} entries, the subnet takes at most {limit}")]
    TooManyEntries {
        /// What the archive says.
        count: u64,
        /// The limit.
        limit: u64,
    },
    /// The downloaded file cannot be read.
    #[error("cannot read the downloaded results")]
    Read(#[source] io::Error),
    /// A good module could not be put in its place.
    #[error("cannot save a module")]
    Save(#[source] io::Error),
}

impl ArchiveError {
    /// Whether another download may be better.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Broken { .. })
    }
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The name is a path, or no text.
    #[error("its name is a path or no plain text; it was not written anywhere")]
    Name,
    /// The name is neither `<stem>.js` nor `_failed.json`.
    #[error("it is neither <stem>.js nor _failed.json")]
    Unexpected,
    /// The stem was not asked for.
    #[error("it was not asked for")]
    NotAskedFor,
    /// The same name comes more than once.
    #[error("its name comes {0} times")]
    Duplicate(usize),
    /// It is a link, a folder or a device.
    #[error("it is not a plain file")]
    NotAFile,
    /// It is encrypted.
    #[error("it is encrypted")]
    Encrypted,
    /// A compression other than deflate.
    #[error("it is compressed with method {0}, only deflate is taken")]
    Compression(u16),
    /// More bytes than allowed.
    #[error("it holds more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// Its data is damaged or does not agree with what is said about it.
    #[error("it is damaged")]
    Damaged,
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// Not UTF-8.
    #[error("it is not UTF-8 text")]
    Encoding,
    /// `_failed.json` is not an object of texts.
    #[error("it is not a JSON object of reasons by stem")]
    Failures,
    /// The stem is a file and in `_failed.json`: one of them is wrong, so it counts as failed.
    #[error("it is there both as a file and in _failed.json")]
    FileAndFailed,
}

/// An entry that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its name, raw: it comes from outside.
    pub name: String,
    /// What is wrong with it.
    pub problem: Problem,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.name.escape_debug(), self.problem)
    }
}

/// What an archive held.
#[derive(Debug, Default)]
pub(crate) struct Unpacked {
    /// Every stem that the archive names, wanted or not, good or bad.
    pub(crate) named: BTreeSet<Stem>,
    /// Stems whose modules were handed on.
    pub(crate) saved: BTreeSet<Stem>,
    /// Reasons of the service.
    pub(crate) failed: BTreeMap<Stem, String>,
    /// What was not taken.
    pub(crate) findings: Vec<Finding>,
}

/// Opens an archive and hands every good module of a wanted stem to `save`.
pub(crate) fn unpack(
    archive: &mut (impl Read + Seek),
    wanted: &BTreeSet<Stem>,
    limits: &ArchiveLimits,
    mut save: impl FnMut(&Stem, &[u8]) -> io::Result<()>,
) -> Result<Unpacked, ArchiveError> {
    let records = read_directory(archive, limits)?;
    let mut unpacked = Unpacked::default();
    let files = sort_out(records, &mut unpacked);

    if let Some(record) = files.failures {
        match failures(archive, &record, limits) {
            Ok(failed) => unpacked.failed = failed,
            Err(problem) => unpacked.findings.push(finding(&record, problem)),
        }
    }
    unpacked.named.extend(unpacked.failed.keys().cloned());
    for (stem, record) in files.modules {
        let outcome = if unpacked.failed.contains_key(&stem) {
            Err(Problem::FileAndFailed)
        } else if wanted.contains(&stem) {
            content(archive, &record, limits.module_bytes)
        } else {
            Err(Problem::NotAskedFor)
        };
        match outcome.and_then(text) {
            Ok(module) => {
                save(&stem, &module).map_err(ArchiveError::Save)?;
                unpacked.saved.insert(stem);
            }
            Err(problem) => unpacked.findings.push(finding(&record, problem)),
        }
    }
    Ok(unpacked)
}

fn read_directory(archive: &mut (impl Read + Seek), limits: &ArchiveLimits) -> Result<Vec<Record>, ArchiveError> {
    directory::read(archive, limits.entries).map_err(|error| match error {
        DirectoryError::TooMany(count) => ArchiveError::TooManyEntries { count, limit: limits.entries },
        DirectoryError::Read(error) if error.kind() != io::ErrorKind::UnexpectedEof => ArchiveError::Read(error),
        other => ArchiveError::Broken { detail: other.to_string() },
    })
}

struct Files {
    modules: Vec<(Stem, Record)>,
    failures: Option<Record>,
}

/// Judges names and kinds; what is left may be opened.
fn sort_out(records: Vec<Record>, unpacked: &mut Unpacked) -> Files {
    let mut times: HashMap<Vec<u8>, usize> = HashMap::new();
    for record in &records {
        *times.entry(record.name.clone()).or_default() += 1;
    }
    let mut files = Files { modules: Vec::new(), failures: None };
    for record in records {
        let repeated = times.get(&record.name).copied().unwrap_or(1);
        let judged = name(&record).and_then(|name| {
            if let Name::Module(stem) = &name {
                unpacked.named.insert(stem.clone());
            }
            if repeated > 1 { Err(Problem::Duplicate(repeated)) } else { openable(&record).map(|()| name) }
        });
        match judged {
            Ok(Name::Module(stem)) => files.modules.push((stem, record)),
            Ok(Name::Failures) => files.failures = Some(record),
            Err(problem) => {
                let finding = finding(&record, problem);
                if !unpacked.findings.contains(&finding) {
                    unpacked.findings.push(finding);
                }
            }
        }
    }
    files
}

enum Name {
    Module(Stem),
    Failures,
}

fn name(record: &Record) -> Result<Name, Problem> {
    let name = str::from_utf8(&record.name).map_err(|_| Problem::Name)?;
    if name == FAILURES {
        return Ok(Name::Failures);
    }
    if name.contains(['/', '\\', '\0']) || name.contains("..") {
        return Err(Problem::Name);
    }
    let stem = name.strip_suffix(".js").ok_or(Problem::Unexpected)?;
    stem.parse().map(Name::Module).map_err(|_| Problem::Unexpected)
}

fn openable(record: &Record) -> Result<(), Problem> {
    // Writers that say nothing about the file's type mean a plain one.
    let kind = record.mode.map_or(0, |mode| mode & FILE_TYPE);
    match record {
        _ if kind != 0 && kind != PLAIN_FILE => Err(Problem::NotAFile),
        Record { encrypted: true, .. } => Err(Problem::Encrypted),
        Record { method: 0 | 8, .. } => Ok(()),
        Record { method, .. } => Err(Problem::Compression(*method)),
    }
}

/// The inflated content of an entry, never more than `limit` bytes of it.
fn content(archive: &mut (impl Read + Seek), record: &Record, limit: u64) -> Result<Vec<u8>, Problem> {
    if record.unpacked > limit {
        return Err(Problem::TooLarge { limit });
    }
    seek_to_data(archive, record)?;
    let packed = BufReader::new(archive.take(record.packed));
    let mut content = Vec::new();
    let mut bounded: Box<dyn Read> = match record.method {
        0 => Box::new(packed.take(limit + 1)),
        _ => Box::new(DeflateDecoder::new(packed).take(limit + 1)),
    };
    bounded.read_to_end(&mut content).map_err(|_| Problem::Damaged)?;
    let length = content.len() as u64;
    if length > limit {
        return Err(Problem::TooLarge { limit });
    }
    let mut checksum = Crc::new();
    checksum.update(&content);
    if length != record.unpacked || checksum.sum() != record.checksum {
        return Err(Problem::Damaged);
    }
    Ok(content)
}

/// Goes behind the local header, which must agree with the directory about the name.
fn seek_to_data(archive: &mut (impl Read + Seek), record: &Record) -> Result<(), Problem> {
    const LOCAL_HEADER: u64 = 30;
    let damaged = |_: io::Error| Problem::Damaged;
    let header = directory::read_at(archive, record.offset, LOCAL_HEADER).map_err(damaged)?;
    let lengths = directory::short(&header, 26).zip(directory::short(&header, 28));
    let (name, extra) = lengths.filter(|_| header.starts_with(b"PK\x03\x04")).ok_or(Problem::Damaged)?;
    let here = directory::read_at(archive, record.offset + LOCAL_HEADER, name.into()).map_err(damaged)?;
    if here != record.name {
        return Err(Problem::Damaged);
    }
    archive.seek(SeekFrom::Current(extra.into())).map_err(damaged)?;
    Ok(())
}

/// A module must be UTF-8 and hold something; what it means is not judged here.
fn text(content: Vec<u8>) -> Result<Vec<u8>, Problem> {
    match str::from_utf8(&content) {
        Ok("") => Err(Problem::Empty),
        Ok(_) => Ok(content),
        Err(_) => Err(Problem::Encoding),
    }
}

fn failures(
    archive: &mut (impl Read + Seek),
    record: &Record,
    limits: &ArchiveLimits,
) -> Result<BTreeMap<Stem, String>, Problem> {
    let content = content(archive, record, limits.failures_bytes)?;
    let reasons: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&content).map_err(|_| Problem::Failures)?;
    let readable = |(stem, reason): (String, serde_json::Value)| {
        let reason = reason.as_str().map_or_else(|| reason.to_string(), str::to_owned);
        Some((stem.parse().ok()?, reason))
    };
    reasons.into_iter().map(readable).collect::<Option<_>>().ok_or(Problem::Failures)
}

fn finding(record: &Record, problem: Problem) -> Finding {
    const LONGEST: usize = 200;
    let name = String::from_utf8_lossy(&record.name).chars().take(LONGEST).collect();
    Finding { name, problem }
}

#[cfg(test)]
mod tests;
