//! Turns an honest archive of results into a spoilt one.
//! It knows what `/results` holds; which answer is spoilt and when is not its business.

use std::io::{Cursor, Read};

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress};
use zip::ZipArchive;

use super::Fault;
use super::records::{Entry, directory_record, finish, local_header, write_archive};
use crate::generator::archive::zip;

/// Just under the subnet's limit of 1 MiB for a module.
const LARGE_MODULE: usize = (1 << 20) - 16;

/// Names and contents of an archive, in its order.
pub fn entries(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(archive)).expect("the generator packs whole archives");
    let count = archive.len();
    let read = |index| {
        let mut entry = archive.by_index(index).expect("an entry of the archive");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("the generator packs whole entries");
        (entry.name().expect("the generator writes plain names").into_owned(), content)
    };
    (0..count).map(read).collect()
}

/// The same archive with the fault in it.
pub(super) fn spoil(fault: Fault, honest: &Bytes) -> Bytes {
    if fault == Fault::CorruptZip {
        let mut bytes = honest.to_vec();
        let middle = bytes.len() / 2;
        bytes.iter_mut().skip(middle).take(64).for_each(|byte| *byte ^= 0x5a);
        return bytes.into();
    }
    if fault == Fault::ManyEntries {
        return million_entries().into();
    }
    let mut files = entries(honest);
    let stem = files.first().map(|(name, _)| name.trim_end_matches(".js").to_owned()).unwrap_or_default();
    match fault {
        Fault::MissingStems => {
            files.remove(0);
        }
        Fault::StemInBoth => files.push(failures([stem])),
        Fault::AllFailed => {
            files = vec![failures(files.iter().map(|(name, _)| name.trim_end_matches(".js").to_owned()))];
        }
        Fault::EmptyArchive => files.clear(),
        Fault::ForeignBatch => files.iter_mut().for_each(|(name, _)| name.insert_str(0, "foreign")),
        Fault::LargeModules => files.iter_mut().enumerate().for_each(|(index, (_, content))| fill(content, index)),
        Fault::ForbiddenName => {
            if let Some((_, content)) = files.first_mut() {
                content.extend_from_slice(b"\nfunction clock() { return Date; }\n");
            }
        }
        _ => return hostile(fault, &stem, &files).into(),
    }
    zip(&files).into()
}

/// An archive whose directory really has a million records, all of them pointing at one small entry; 52 MB.
pub fn million_entries() -> Vec<u8> {
    const COUNT: usize = 1_000_000;
    let mut entry = Entry::stored("000000", b"x");
    let mut archive = local_header(&entry.record);
    archive.extend(&entry.data);
    let mut directory = Vec::with_capacity(COUNT * 52);
    for index in 0..COUNT {
        entry.record.name = format!("{index:06}").into_bytes();
        directory.extend(directory_record(&entry.record, 0));
    }
    finish(archive, &directory, COUNT)
}

/// Archives that an honest writer refuses to write.
fn hostile(fault: Fault, stem: &str, files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut entries: Vec<_> = files.iter().map(|(name, content)| Entry::stored(name, content)).collect();
    match fault {
        Fault::PathTraversal => entries[0].record.name = format!("../../{stem}.js").into_bytes(),
        Fault::AbsolutePath => entries[0].record.name = format!("/tmp/{stem}.js").into_bytes(),
        Fault::SymbolicLink => {
            entries[0] = Entry::stored(&format!("{stem}.js"), b"/etc/passwd");
            entries[0].record.attributes = 0o120_777 << 16;
        }
        Fault::DuplicateNames => entries.push(Entry::stored(&format!("{stem}.js"), b"export default (THREE) => null;")),
        Fault::ZipBomb => entries[0] = Entry::deflated(&format!("{stem}.js"), &bomb(), 1000),
        _ => {}
    }
    write_archive(&entries)
}

/// A deflate stream of 10 GiB of zeros in about 10 MB: one flushed piece of 16 MiB, 640 times over, and no end.
fn bomb() -> Vec<u8> {
    const PIECE: usize = 16 << 20;
    let mut packed = Vec::with_capacity(PIECE / 512);
    let mut compress = Compress::new(Compression::best(), false);
    compress.compress_vec(&vec![0; PIECE], &mut packed, FlushCompress::Full).expect("zeros can be packed");
    packed.repeat(640)
}

fn failures(stems: impl IntoIterator<Item = String>) -> (String, Vec<u8>) {
    let reasons: serde_json::Map<_, _> = stems.into_iter().map(|stem| (stem, "out of ideas\u{1b}[2J".into())).collect();
    ("_failed.json".to_owned(), serde_json::to_vec(&reasons).expect("texts make JSON"))
}

/// Appends a comment of letters that hardly compress, different in each module.
fn fill(content: &mut Vec<u8>, index: usize) {
    content.extend(b"\n//");
    let mut state = 0x2545_f491_4f6c_dd1d_u64.wrapping_mul(index as u64 + 1);
    while content.len() < LARGE_MODULE {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        content.extend(state.to_le_bytes().map(|byte| b'0' + byte % 64).into_iter().filter(|letter| *letter != b'\\'));
    }
}
