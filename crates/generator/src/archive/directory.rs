//! Reads the central directory of a ZIP archive: only what a plain archive of files needs, and nothing on trust.
//! It allocates for as many records as the limit allows, whatever the archive claims; it knows nothing of modules.

use std::io::{self, Read, Seek, SeekFrom};

/// A record's fixed part, and the end records' lengths (APPNOTE 4.3.12 to 4.3.16).
const RECORD: usize = 46;
const END: usize = 22;
const LOCATOR: usize = 20;
const END_64: usize = 56;
/// A comment behind the end record has a length of 16 bits.
const LONGEST_COMMENT: u64 = 0xffff;
/// Room for a record's name and extra fields. A stem has at most 128 characters; some writers add many fields.
const LONGEST_VARIABLE_PART: u64 = 4096;

/// What the directory says about an entry.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) name: Vec<u8>,
    pub(crate) encrypted: bool,
    /// 0 stored, 8 deflate.
    pub(crate) method: u16,
    pub(crate) checksum: u32,
    pub(crate) packed: u64,
    pub(crate) unpacked: u64,
    /// Unix file type and permissions, when the archive was made on Unix.
    pub(crate) mode: Option<u32>,
    /// Where its local header is.
    pub(crate) offset: u64,
}

/// Why a directory cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DirectoryError {
    #[error("the end of a ZIP archive is missing")]
    NoEnd,
    #[error("the archive contradicts itself: {0}")]
    Contradiction(&'static str),
    #[error("{0} entries")]
    TooMany(u64),
    #[error(transparent)]
    Read(#[from] io::Error),
}

use DirectoryError::Contradiction;

/// Where the directory is.
struct End {
    count: u64,
    length: u64,
    offset: u64,
    /// Where the directory must end at the latest.
    limit: u64,
}

/// Reads all records, at most `most` of them.
pub(crate) fn read(archive: &mut (impl Read + Seek), most: u64) -> Result<Vec<Record>, DirectoryError> {
    let End { count, length, offset, limit } = find_end(archive)?;
    if count > most {
        return Err(DirectoryError::TooMany(count));
    }
    if length > count * (RECORD as u64 + LONGEST_VARIABLE_PART) {
        return Err(Contradiction("the directory is too long for its entries"));
    }
    if offset.checked_add(length).is_none_or(|end| end > limit) {
        return Err(Contradiction("the directory does not end before its end record"));
    }
    let directory = read_at(archive, offset, length)?;
    let mut rest = directory.as_slice();
    let records = (0..count).map(|_| record(&mut rest)).collect::<Option<Vec<_>>>();
    let records = records.ok_or(Contradiction("a directory record is broken"))?;
    if !rest.is_empty() {
        return Err(Contradiction("there is more in the directory than it says"));
    }
    Ok(records)
}

fn find_end(archive: &mut (impl Read + Seek)) -> Result<End, DirectoryError> {
    let length = archive.seek(SeekFrom::End(0))?;
    let tail_offset = length.saturating_sub(END as u64 + LONGEST_COMMENT);
    let tail = read_at(archive, tail_offset, length - tail_offset)?;
    let fits = |at: &usize| {
        tail[*at..].starts_with(b"PK\x05\x06")
            && short(&tail, at + 20).is_some_and(|comment| at + END + usize::from(comment) == tail.len())
    };
    let at = (0..(tail.len() + 1).saturating_sub(END)).rev().find(fits).ok_or(DirectoryError::NoEnd)?;
    let position = tail_offset + at as u64;
    let field = |offset: usize, wide: bool| {
        let value = if wide { long(&tail, at + offset) } else { short(&tail, at + offset).map(u32::from) };
        value.map(u64::from).ok_or(DirectoryError::NoEnd)
    };
    if (field(4, false)?, field(6, false)?) != (0, 0) && field(4, false)? != 0xffff {
        return Err(Contradiction("it is one of several volumes"));
    }
    let end = End { count: field(10, false)?, length: field(12, true)?, offset: field(16, true)?, limit: position };
    if end.count != 0xffff && end.length != 0xffff_ffff && end.offset != 0xffff_ffff {
        return Ok(end);
    }
    find_end_64(archive, position, end)
}

/// The 64-bit end record, when the plain one says that its fields are too small.
fn find_end_64(archive: &mut (impl Read + Seek), position: u64, plain: End) -> Result<End, DirectoryError> {
    let Some(locator_offset) = position.checked_sub(LOCATOR as u64) else { return Ok(plain) };
    let locator = read_at(archive, locator_offset, LOCATOR as u64)?;
    if !locator.starts_with(b"PK\x06\x07") {
        return Ok(plain);
    }
    let offset = huge(&locator, 8).ok_or(DirectoryError::NoEnd)?;
    if offset.checked_add(END_64 as u64).is_none_or(|end| end > locator_offset) {
        return Err(Contradiction("its 64-bit end record is misplaced"));
    }
    let end = read_at(archive, offset, END_64 as u64)?;
    let fields = (huge(&end, 32), huge(&end, 40), huge(&end, 48));
    match fields {
        (Some(count), Some(length), Some(directory)) if end.starts_with(b"PK\x06\x06") => {
            Ok(End { count, length, offset: directory, limit: offset })
        }
        _ => Err(Contradiction("its 64-bit end record is broken")),
    }
}

fn record(rest: &mut &[u8]) -> Option<Record> {
    let fixed = rest.get(..RECORD).filter(|fixed| fixed.starts_with(b"PK\x01\x02"))?;
    let lengths = [short(fixed, 28)?, short(fixed, 30)?, short(fixed, 32)?].map(usize::from);
    let made_on_unix = fixed[5] == 3;
    let mut record = Record {
        name: Vec::new(),
        encrypted: short(fixed, 8)? & 1 == 1,
        method: short(fixed, 10)?,
        checksum: long(fixed, 16)?,
        packed: long(fixed, 20)?.into(),
        unpacked: long(fixed, 24)?.into(),
        mode: made_on_unix.then_some(long(fixed, 38)? >> 16),
        offset: long(fixed, 42)?.into(),
    };
    let variable = rest.get(RECORD..RECORD + lengths.iter().sum::<usize>())?;
    record.name = variable[..lengths[0]].to_vec();
    widen(&mut record, &variable[lengths[0]..lengths[0] + lengths[1]])?;
    *rest = &rest[RECORD + variable.len()..];
    Some(record)
}

/// Takes the fields that did not fit from the 64-bit extra field (id 1), which holds only those, in this order.
fn widen(record: &mut Record, mut extra: &[u8]) -> Option<()> {
    let mut narrow: Vec<&mut u64> = [&mut record.unpacked, &mut record.packed, &mut record.offset]
        .into_iter()
        .filter(|field| **field == 0xffff_ffff)
        .collect();
    while !narrow.is_empty() {
        let (id, length) = (short(extra, 0)?, usize::from(short(extra, 2)?));
        let content = extra.get(4..4 + length)?;
        if id == 1 {
            for (index, field) in narrow.drain(..).enumerate() {
                *field = huge(content, index * 8)?;
            }
        }
        extra = &extra[4 + length..];
    }
    Some(())
}

/// The bytes at an offset; `length` must have been checked by the caller.
pub(crate) fn read_at(archive: &mut (impl Read + Seek), offset: u64, length: u64) -> io::Result<Vec<u8>> {
    archive.seek(SeekFrom::Start(offset))?;
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    archive.read_exact(&mut bytes)?;
    Ok(bytes)
}

pub(crate) fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn huge(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
