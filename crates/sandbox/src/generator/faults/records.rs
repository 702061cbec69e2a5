//! Writes ZIP archives record by record, so that they can say what no honest writer would.
//! It knows the format's records and nothing of generators.

/// What a central directory record says about an entry, true or not.
#[derive(Debug, Clone)]
pub struct Record {
    /// The name, as bytes.
    pub name: Vec<u8>,
    /// General purpose flags: bit 0 encrypted, bit 3 sizes after the data, bit 11 name in UTF-8.
    pub flags: u16,
    /// 0 stored, 8 deflate.
    pub method: u16,
    /// CRC-32 of the content.
    pub checksum: u32,
    /// Claimed length of the packed data.
    pub packed: u32,
    /// Claimed length of the content.
    pub unpacked: u32,
    /// Upper half: Unix mode.
    pub attributes: u32,
}

/// An entry: its record and the packed data that follows its local header.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What is said about it.
    pub record: Record,
    /// What is there.
    pub data: Vec<u8>,
}

impl Entry {
    /// An honest entry without compression.
    pub fn stored(name: &str, content: &[u8]) -> Self {
        let length = u32::try_from(content.len()).expect("entries are below 4 GiB");
        let record = Record {
            name: name.into(),
            flags: 0,
            method: 0,
            checksum: checksum(content),
            packed: length,
            unpacked: length,
            attributes: 0o100_644 << 16,
        };
        Self { record, data: content.to_vec() }
    }

    /// The content is compressed already: `packed` is a raw deflate stream, and the claimed length is `unpacked`.
    pub fn deflated(name: &str, packed: &[u8], unpacked: u32) -> Self {
        let mut entry = Self::stored(name, packed);
        entry.record.method = 8;
        entry.record.unpacked = unpacked;
        entry
    }
}

/// Entries with local headers, their central directory, and its end record.
pub fn write_archive(entries: &[Entry]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for Entry { record, data } in entries {
        let offset = u32::try_from(archive.len()).expect("archives are below 4 GiB");
        archive.extend(local_header(record));
        archive.extend(data);
        directory.extend(directory_record(record, offset));
    }
    finish(archive, &directory, entries.len())
}

pub(super) fn local_header(record: &Record) -> Vec<u8> {
    let mut header = b"PK\x03\x04\x14\x00".to_vec();
    header.extend(common(record));
    header.extend(short(record.name.len()));
    header.extend([0, 0]);
    header.extend(&record.name);
    header
}

pub(super) fn directory_record(record: &Record, offset: u32) -> Vec<u8> {
    let mut entry = b"PK\x01\x02\x14\x03\x14\x00".to_vec();
    entry.extend(common(record));
    entry.extend(short(record.name.len()));
    entry.extend([0; 8]);
    entry.extend(record.attributes.to_le_bytes());
    entry.extend(offset.to_le_bytes());
    entry.extend(&record.name);
    entry
}

/// Adds the directory and the end records; from 65 535 entries on the count needs the 64-bit form.
pub(super) fn finish(mut archive: Vec<u8>, directory: &[u8], count: usize) -> Vec<u8> {
    let (offset, length) = (archive.len(), directory.len());
    archive.extend(directory);
    if count >= 0xffff {
        let end = archive.len() as u64;
        archive.extend(b"PK\x06\x06");
        archive.extend(44_u64.to_le_bytes());
        archive.extend([45, 3, 45, 0]);
        archive.extend([0; 8]);
        for value in [count, count, length, offset] {
            archive.extend((value as u64).to_le_bytes());
        }
        archive.extend(b"PK\x06\x07\0\0\0\0");
        archive.extend(end.to_le_bytes());
        archive.extend(1_u32.to_le_bytes());
    }
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(short(count.min(0xffff)));
    archive.extend(short(count.min(0xffff)));
    for value in [length, offset] {
        archive.extend(u32::try_from(value).expect("archives are below 4 GiB").to_le_bytes());
    }
    archive.extend([0, 0]);
    archive
}

/// Fields that both headers share, in the same order: flags, method, time, date, checksum and both lengths.
fn common(record: &Record) -> Vec<u8> {
    let mut fields = Vec::with_capacity(22);
    fields.extend(record.flags.to_le_bytes());
    fields.extend(record.method.to_le_bytes());
    fields.extend([0, 0, 0x21, 0]);
    for value in [record.checksum, record.packed, record.unpacked] {
        fields.extend(value.to_le_bytes());
    }
    fields
}

fn short(value: usize) -> [u8; 2] {
    u16::try_from(value).expect("names and counts fit 16 bits").to_le_bytes()
}

/// CRC-32 as in ZIP and PNG.
fn checksum(content: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    };
    !content.iter().fold(u32::MAX, step)
}
