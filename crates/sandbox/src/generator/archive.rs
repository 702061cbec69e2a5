//! Packs what was made into the ZIP of `/results`: a file for each module, and `_failed.json` for the rest.
//! It must not know how a module came about.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use bytes::Bytes;
use zip::write::{SimpleFileOptions, ZipWriter};

/// A module's text, or why there is none.
pub(crate) type Outcome = Result<String, String>;

/// The archive; the same outcomes always give the same bytes.
pub(crate) fn pack(made: &[(String, Outcome)]) -> Bytes {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut failed = BTreeMap::new();
    for (stem, outcome) in made {
        match outcome {
            Ok(module) => add(&mut zip, &format!("{stem}.js"), module.as_bytes()),
            Err(reason) => {
                failed.insert(stem, reason);
            }
        }
    }
    if !failed.is_empty() {
        let failed = serde_json::to_vec(&failed).expect("texts make JSON");
        add(&mut zip, "_failed.json", &failed);
    }
    zip.finish().expect("a vector takes every byte").into_inner().into()
}

fn add(zip: &mut ZipWriter<Cursor<Vec<u8>>>, name: &str, content: &[u8]) {
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    zip.start_file(name, options).and_then(|()| Ok(zip.write_all(content)?)).expect("a vector takes every byte");
}
