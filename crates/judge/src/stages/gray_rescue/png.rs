//! The pixels of an 8-bit RGB or RGBA PNG, sampled on a grid. As lenient and as strict as the reader of the subnet's judge: alpha,
//! checksums of chunks, the interlace flag, a missing end and surplus data are ignored; anything else unusual is unreadable.

use std::io::Read;

use flate2::read::ZlibDecoder;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Unpacked bytes of one picture; a full-size render has 4 MiB, a hostile one never ends.
const LARGEST: u64 = 256 << 20;

/// Why a picture was not measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnreadablePng {
    #[error("it is no PNG file")]
    NoPng,
    #[error("it is not an 8-bit RGB or RGBA picture")]
    PixelFormat,
    #[error("its image data is damaged")]
    Damaged,
    #[error("it unpacks to more than 256 MiB")]
    TooLarge,
    #[error("it has an unknown row filter")]
    Filter,
}

/// Calls `pixel` for every `step`-th pixel in both directions, beginning with the first.
pub(super) fn sample(file: &[u8], step: usize, mut pixel: impl FnMut([u8; 3])) -> Result<(), UnreadablePng> {
    let (header, data) = chunks(file)?;
    let [w0, w1, w2, w3, h0, h1, h2, h3, depth, colour, ..] = *header else { return Err(UnreadablePng::NoPng) };
    let channels = match (depth, colour) {
        (8, 2) => 3,
        (8, 6) => 4,
        _ => return Err(UnreadablePng::PixelFormat),
    };
    let (width, height) = (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
    let stride = usize::try_from(u64::from(width) * channels as u64).map_err(|_| UnreadablePng::TooLarge)?;
    if stride as u64 > LARGEST {
        return Err(UnreadablePng::TooLarge);
    }
    // Samples of a row come from the scratch row before the next one is read, so memory holds two rows of a picture.
    let mut unpacked = ZlibDecoder::new(data.as_slice()).take(LARGEST + 1);
    let (mut row, mut above) = (vec![0; stride], vec![0; stride]);
    let mut rows = 0;
    while rows < height {
        let mut filter = [0];
        if read_full(&mut unpacked, &mut filter)? == 0 || read_full(&mut unpacked, &mut row)? < stride {
            break; // too few rows: the ones there are count
        }
        unfilter(filter[0], &mut row, &above, channels)?;
        if (rows as usize).is_multiple_of(step) {
            row.chunks_exact(channels).step_by(step).for_each(|sample| pixel([sample[0], sample[1], sample[2]]));
        }
        std::mem::swap(&mut row, &mut above);
        rows += 1;
    }
    // The rest is surplus, but the stream has to be sound to its end.
    std::io::copy(&mut unpacked, &mut std::io::sink()).map_err(|_| UnreadablePng::Damaged)?;
    if unpacked.limit() == 0 { Err(UnreadablePng::TooLarge) } else { Ok(()) }
}

/// The header's content and all image data; chunks that run over the end of the file are taken as far as they go.
fn chunks(file: &[u8]) -> Result<(&[u8], Vec<u8>), UnreadablePng> {
    let mut rest = file.strip_prefix(SIGNATURE).ok_or(UnreadablePng::NoPng)?;
    let (mut header, mut data) = (None, Vec::new());
    while let [l0, l1, l2, l3, k0, k1, k2, k3, body @ ..] = rest {
        let length = u32::from_be_bytes([*l0, *l1, *l2, *l3]) as usize;
        let content = &body[..length.min(body.len())];
        match &[*k0, *k1, *k2, *k3] {
            b"IHDR" => header = Some(content),
            b"IDAT" => data.extend_from_slice(content),
            b"IEND" => break,
            _ => {}
        }
        rest = body.get(length.saturating_add(4)..).unwrap_or_default();
    }
    header.map(|header| (header, data)).ok_or(UnreadablePng::NoPng)
}

/// Fills the buffer as far as there is data.
fn read_full(source: &mut impl Read, buffer: &mut [u8]) -> Result<usize, UnreadablePng> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(_) => return Err(UnreadablePng::Damaged),
        }
    }
    Ok(filled)
}

fn unfilter(filter: u8, row: &mut [u8], above: &[u8], channels: usize) -> Result<(), UnreadablePng> {
    for index in 0..row.len() {
        let (left, corner) = match index.checked_sub(channels) {
            Some(before) => (row[before], above[before]),
            None => (0, 0),
        };
        let predicted = match filter {
            0 => 0,
            1 => left,
            2 => above[index],
            3 => u8::midpoint(left, above[index]),
            4 => paeth(left, above[index], corner),
            _ => return Err(UnreadablePng::Filter),
        };
        row[index] = row[index].wrapping_add(predicted);
    }
    Ok(())
}

/// The neighbour closest to left + above − corner.
fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let [a, b, c] = [left, above, corner].map(i16::from);
    let estimate = a + b - c;
    let [to_left, to_above, to_corner] = [a, b, c].map(|neighbour| (estimate - neighbour).abs());
    if to_left <= to_above && to_left <= to_corner {
        left
    } else if to_above <= to_corner {
        above
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn chunk(kind: &[u8], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).expect("short");
        [&length.to_be_bytes(), kind, content, b"crc?".as_slice()].concat()
    }

    fn header(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
        chunk(b"IHDR", &[&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, colour, 0, 0, 0]].concat())
    }

    fn packed(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).expect("memory");
        encoder.finish().expect("memory")
    }

    /// Rows with filter 0.
    fn rows(width: usize, height: usize, channels: usize) -> Vec<u8> {
        let row = |y: usize| {
            std::iter::once(0)
                .chain((0..width * channels).map(move |x| u8::try_from((y * 31 + x * 7) % 256).expect("a byte")))
        };
        (0..height).flat_map(row).collect()
    }

    fn file(header: &[u8], data: &[u8]) -> Vec<u8> {
        [SIGNATURE, header, &chunk(b"IDAT", data), &chunk(b"IEND", b"")].concat()
    }

    fn samples(file: &[u8]) -> Result<Vec<[u8; 3]>, UnreadablePng> {
        let mut found = Vec::new();
        sample(file, 4, |pixel| found.push(pixel)).map(|()| found)
    }

    #[test]
    fn every_fourth_pixel_of_every_fourth_row_without_alpha() {
        for (channels, colour) in [(3, 2), (4, 6)] {
            let found = samples(&file(&header(9, 6, 8, colour), &packed(&rows(9, 6, channels)))).expect("readable");
            let at = |x: usize, y: usize| {
                [0, 1, 2].map(|channel| u8::try_from((y * 31 + (x * channels + channel) * 7) % 256).expect("a byte"))
            };
            assert_eq!(found, [at(0, 0), at(4, 0), at(8, 0), at(0, 4), at(4, 4), at(8, 4)]);
        }
    }

    #[test]
    fn filters_are_undone() {
        let unfiltered = |filter, row: &[u8]| {
            let mut row = row.to_vec();
            unfilter(filter, &mut row, &[10, 20, 30, 40, 50, 60], 3).map(|()| row)
        };
        assert_eq!(unfiltered(0, &[1, 2, 3, 4, 5, 6]), Ok(vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(unfiltered(1, &[1, 2, 3, 4, 5, 6]), Ok(vec![1, 2, 3, 5, 7, 9]));
        assert_eq!(unfiltered(2, &[1, 2, 3, 4, 5, 250]), Ok(vec![11, 22, 33, 44, 55, 54]));
        assert_eq!(unfiltered(3, &[1, 2, 3, 4, 5, 6]), Ok(vec![6, 12, 18, 27, 36, 45]));
        assert_eq!(unfiltered(4, &[1, 2, 3, 4, 5, 6]), Ok(vec![11, 22, 33, 44, 55, 66]));
        assert_eq!(unfiltered(5, &[1, 2, 3, 4, 5, 6]), Err(UnreadablePng::Filter));
    }

    #[test]
    fn what_the_subnets_reader_ignores_is_ignored() {
        let whole = file(&header(9, 6, 8, 2), &packed(&rows(9, 6, 3)));
        let want = samples(&whole).expect("readable");
        assert_eq!(samples(&whole[..whole.len() - 12]).as_ref(), Ok(&want), "no IEND");
        let more_rows = file(&header(9, 6, 8, 2), &[packed(&rows(9, 9, 3)), b"and more".to_vec()].concat());
        assert_eq!(samples(&more_rows).as_ref(), Ok(&want), "surplus rows and bytes");
        let mut interlaced = whole.clone();
        interlaced[8 + 8 + 12] = 1;
        assert_eq!(samples(&interlaced).as_ref(), Ok(&want), "interlace flag");
        let few_rows = samples(&file(&header(9, 6, 8, 2), &packed(&rows(9, 2, 3)))).expect("readable");
        assert_eq!(few_rows, want[..3]);
        let data = packed(&rows(9, 6, 3));
        let (left, right) = data.split_at(7);
        let split =
            [SIGNATURE, &header(9, 6, 8, 2), &chunk(b"tEXt", b"a"), &chunk(b"IDAT", left), &chunk(b"IDAT", right)]
                .concat();
        assert_eq!(samples(&split).as_ref(), Ok(&want), "several data chunks");
    }

    #[test]
    fn everything_else_is_unreadable() {
        let data = packed(&rows(9, 6, 3));
        let whole = file(&header(9, 6, 8, 2), &data);
        let mut wrong_sum = data.clone();
        *wrong_sum.last_mut().expect("not empty") ^= 1;
        for (file, want) in [
            (Vec::new(), UnreadablePng::NoPng),
            (b"\xff\xd8\xff\xe0JFIF".to_vec(), UnreadablePng::NoPng),
            (SIGNATURE.to_vec(), UnreadablePng::NoPng),
            (file(&header(9, 6, 8, 3), &data), UnreadablePng::PixelFormat),
            (file(&header(9, 6, 16, 2), &data), UnreadablePng::PixelFormat),
            (file(&header(9, 6, 8, 0), &data), UnreadablePng::PixelFormat),
            (file(&header(9, 6, 8, 4), &data), UnreadablePng::PixelFormat),
            (file(&header(9, 6, 8, 2), b""), UnreadablePng::Damaged),
            (file(&header(9, 6, 8, 2), &data[..data.len() - 6]), UnreadablePng::Damaged),
            (file(&header(9, 6, 8, 2), &wrong_sum), UnreadablePng::Damaged),
            (whole[..60].to_vec(), UnreadablePng::Damaged),
            (file(&header(u32::MAX, 1, 8, 2), &data), UnreadablePng::TooLarge),
        ] {
            assert_eq!(samples(&file), Err(want));
        }
    }

    #[test]
    fn a_picture_that_unpacks_forever_is_given_up() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::copy(&mut std::io::repeat(0).take(LARGEST + 10), &mut encoder).expect("memory");
        let bomb = file(&header(4, 4, 8, 2), &encoder.finish().expect("memory"));
        assert_eq!(samples(&bomb), Err(UnreadablePng::TooLarge));
    }

    proptest! {
        #[test]
        fn never_panics(noise in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..120) {
            let _ = samples(&noise);
            let mut damaged = file(&header(9, 6, 8, 6), &packed(&rows(9, 6, 4)));
            let end = (at + noise.len()).min(damaged.len());
            if let Some(part) = damaged.get_mut(at..end) {
                part.copy_from_slice(&noise[..part.len()]);
            }
            let _ = samples(&damaged);
        }
    }
}
