//! Bodies that a server has compressed: read as the subnet's client reads them, which asks for gzip and deflate and counts
//! the bytes that come out. What it has not asked for it takes as it is.

use std::io::{self, Read};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// What the subnet's client says that it can read.
pub(crate) const ACCEPTED: &str = "gzip, deflate";

/// Why a body has no plain form.
#[derive(Debug)]
pub(crate) enum DecodeError {
    /// More comes out than the limit.
    TooLarge,
    /// It is not what its header says.
    Damaged,
}

/// The plain bytes, at most `limit` of them.
pub(crate) fn decode(body: Vec<u8>, encoding: Option<&str>, limit: usize) -> Result<Vec<u8>, DecodeError> {
    let encoding = encoding.map(|name| name.trim().to_ascii_lowercase());
    match encoding.as_deref() {
        Some("gzip" | "x-gzip") => plain(MultiGzDecoder::new(body.as_slice()), limit),
        // Some servers send the bare stream under this name, and clients take both.
        Some("deflate") => match plain(ZlibDecoder::new(body.as_slice()), limit) {
            Err(DecodeError::Damaged) => plain(DeflateDecoder::new(body.as_slice()), limit),
            decoded => decoded,
        },
        _ if body.len() > limit => Err(DecodeError::TooLarge),
        _ => Ok(body),
    }
}

fn plain(decoder: impl Read, limit: usize) -> Result<Vec<u8>, DecodeError> {
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read: io::Result<usize> = decoder.take(most).read_to_end(&mut bytes);
    match read {
        Ok(_) if bytes.len() > limit => Err(DecodeError::TooLarge),
        Ok(_) => Ok(bytes),
        Err(_) => Err(DecodeError::Damaged),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    #[test]
    fn each_form_comes_out_plain_and_no_further_than_the_limit() {
        let text = vec![b'a'; 5_000];
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::default());
        for writer in [&mut gzip as &mut dyn Write, &mut zlib, &mut bare] {
            writer.write_all(&text).expect("written");
        }
        let bodies = [
            ("GZIP", gzip.finish().expect("whole")),
            ("deflate", zlib.finish().expect("whole")),
            ("deflate", bare.finish().expect("whole")),
            ("br", text.clone()),
        ];
        for (name, body) in bodies {
            assert_eq!(decode(body.clone(), Some(name), 5_000).expect("plain"), text, "{name}");
            assert!(matches!(decode(body.clone(), Some(name), 4_999), Err(DecodeError::TooLarge)), "{name}");
            if name != "br" {
                assert!(matches!(decode(body[..9].to_vec(), Some(name), 5_000), Err(DecodeError::Damaged)), "{name}");
            }
        }
    }
}
