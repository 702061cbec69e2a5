//! Packs what was made into the ZIP of `/results`: a file for each module, and `_failed.json` for the rest.
//! It must not know how a module came about.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use bytes::Bytes;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

/// A module's text, or why there is none.
pub(crate) type Outcome = Result<String, String>;

/// The archive; the same outcomes always give the same bytes.
pub(crate) fn pack(made: &[(String, Outcome)]) -> Bytes {
    let failed: BTreeMap<_, _> =
        made.iter().filter_map(|(stem, outcome)| Some((stem, outcome.as_ref().err()?))).collect();
    let failed = (!failed.is_empty()).then(|| serde_json::to_vec(&failed).expect("texts make JSON"));
    let modules = made
        .iter()
        .filter_map(|(stem, outcome)| Some((format!("{stem}.js"), outcome.as_ref().ok()?.clone().into_bytes())));
    let files: Vec<_> = modules.chain(failed.map(|failed| ("_failed.json".to_owned(), failed))).collect();
    zip(&files).into()
}

/// The ZIP of these files, in their order.
pub(crate) fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in files {
        let written = zip.start_file(name.as_str(), options).and_then(|()| Ok(zip.write_all(content)?));
        written.expect("a vector takes every byte");
    }
    zip.finish().expect("a vector takes every byte").into_inner()
}
