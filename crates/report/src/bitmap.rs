//! Pictures in memory: decoded, shrunk, and turned into data addresses for the page.
//! It must not know where a file comes from; hostile bytes become `None`.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// Largest decoded picture in bytes (4096 × 4096 RGBA).
const LARGEST_PICTURE: usize = 64 << 20;
/// Longest edge of a picture that is decoded.
const LONGEST_EDGE: usize = 16_384;
/// Of thumbnails: a picture of 160 pixels takes about four kilobytes.
const QUALITY: u8 = 80;

/// A decoded picture: rows of RGB pixels, transparent ones seen on white.
pub(crate) struct Bitmap {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Bitmap {
    /// Decodes a PNG or JPEG file.
    pub(crate) fn decode(file: &[u8]) -> Option<Self> {
        match kind(file)? {
            "image/png" => Self::from_png(file),
            "image/jpeg" => Self::from_jpeg(file),
            _ => None,
        }
    }

    fn from_png(file: &[u8]) -> Option<Self> {
        let limits = png::Limits { bytes: LARGEST_PICTURE };
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), limits);
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().ok()?;
        let size = reader.output_buffer_size().filter(|size| *size <= LARGEST_PICTURE)?;
        let mut pixels = vec![0; size];
        let info = reader.next_frame(&mut pixels).ok()?;
        pixels.truncate(info.buffer_size());
        let rgb = match info.color_type.samples() {
            1 => pixels.iter().flat_map(|gray| [*gray; 3]).collect(),
            2 => pixels.chunks_exact(2).flat_map(|pixel| [on_white(pixel[0], pixel[1]); 3]).collect(),
            3 => pixels,
            _ => pixels
                .chunks_exact(4)
                .flat_map(|pixel| [0, 1, 2].map(|channel| on_white(pixel[channel], pixel[3])))
                .collect(),
        };
        Some(Self { width: info.width as usize, height: info.height as usize, rgb })
    }

    fn from_jpeg(file: &[u8]) -> Option<Self> {
        let options = zune_jpeg::zune_core::options::DecoderOptions::default()
            .set_max_width(LONGEST_EDGE)
            .set_max_height(LONGEST_EDGE)
            .jpeg_set_out_colorspace(zune_jpeg::zune_core::colorspace::ColorSpace::RGB);
        let mut decoder = zune_jpeg::JpegDecoder::new_with_options(Cursor::new(file), options);
        decoder.decode_headers().ok()?;
        let (width, height) = decoder.dimensions()?;
        if width.checked_mul(height)?.checked_mul(4)? > LARGEST_PICTURE {
            return None;
        }
        let rgb = decoder.decode().ok()?;
        (rgb.len() == width * height * 3).then_some(Self { width, height, rgb })
    }

    /// The picture as a JPEG file whose longer edge is at most `edge` pixels.
    pub(crate) fn thumbnail(&self, edge: u16) -> Option<Vec<u8>> {
        let longer = self.width.max(self.height).max(usize::from(edge));
        let scaled = |length: usize| u16::try_from((length * usize::from(edge) / longer).max(1)).ok();
        let (width, height) = (scaled(self.width)?, scaled(self.height)?);
        let mut file = Vec::new();
        // With colours in full resolution: the pictures are small, and their edges are what people compare.
        let mut encoder = Encoder::new(&mut file, QUALITY);
        encoder.set_sampling_factor(SamplingFactor::F_1_1);
        encoder.encode(&self.shrunk(usize::from(width), usize::from(height)), width, height, ColorType::Rgb).ok()?;
        Some(file)
    }

    /// Every new pixel is the mean of the old ones it covers.
    fn shrunk(&self, width: usize, height: usize) -> Vec<u8> {
        let covered = |place: usize, new: usize, old: usize| {
            let start = place * old / new;
            start..((place + 1) * old / new).max(start + 1).min(old)
        };
        let mut rgb = Vec::with_capacity(width * height * 3);
        for row in 0..height {
            let rows = covered(row, height, self.height);
            for column in 0..width {
                let columns = covered(column, width, self.width);
                let mut sums = [0_u32; 3];
                for y in rows.clone() {
                    let from = y * self.width;
                    for pixel in self.rgb[(from + columns.start) * 3..(from + columns.end) * 3].chunks_exact(3) {
                        for (sum, channel) in sums.iter_mut().zip(pixel) {
                            *sum += u32::from(*channel);
                        }
                    }
                }
                let count = u32::try_from(rows.len() * columns.len()).unwrap_or(u32::MAX).max(1);
                rgb.extend(sums.map(|sum| u8::try_from(sum / count).unwrap_or(u8::MAX)));
            }
        }
        rgb
    }
}

fn on_white(channel: u8, alpha: u8) -> u8 {
    let (channel, alpha) = (u16::from(channel), u16::from(alpha));
    u8::try_from((channel * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
}

/// Media type of a picture a browser shows, told from its first bytes; `None` for anything else.
pub(crate) fn kind(file: &[u8]) -> Option<&'static str> {
    match file {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// A file as an address that holds it.
pub(crate) fn data_address(kind: &str, file: &[u8]) -> String {
    let mut address = format!("data:{kind};base64,");
    STANDARD.encode_string(file, &mut address);
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32, colour: png::ColorType, pixels: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(colour);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        file
    }

    #[test]
    fn every_kind_of_png_becomes_rgb_on_white() {
        let cases: [(png::ColorType, &[u8], [u8; 3]); 4] = [
            (png::ColorType::Grayscale, &[7], [7; 3]),
            (png::ColorType::GrayscaleAlpha, &[7, 0], [255; 3]),
            (png::ColorType::Rgb, &[1, 2, 3], [1, 2, 3]),
            (png::ColorType::Rgba, &[0, 0, 255, 51], [204, 204, 255]),
        ];
        for (colour, pixels, want) in cases {
            assert_eq!(Bitmap::decode(&png(1, 1, colour, pixels)).unwrap().rgb, want);
        }
    }

    #[test]
    fn thumbnails_keep_the_shape_and_never_grow() {
        let bitmap = |width, height| Bitmap { width, height, rgb: vec![90; width * height * 3] };
        let size = |bitmap: Bitmap| {
            let again = Bitmap::decode(&bitmap.thumbnail(160).unwrap()).unwrap();
            (again.width, again.height)
        };
        assert_eq!(size(bitmap(1024, 512)), (160, 80));
        assert_eq!(size(bitmap(100, 50)), (100, 50));
        assert_eq!(size(bitmap(4000, 1)), (160, 1));
    }

    #[test]
    fn thumbnails_are_small_and_look_alike() {
        let byte = |part: usize| u8::try_from(part * 255 / 160).unwrap();
        let disc = |x: usize, y: usize| x.abs_diff(80).pow(2) + y.abs_diff(80).pow(2) < 60 * 60;
        let pixel = |at: usize| match (at % 160, at / 160) {
            (x, y) if disc(x, y) => [200, byte(x), byte(y)],
            _ => [255; 3],
        };
        let bitmap = Bitmap { width: 160, height: 160, rgb: (0..160 * 160).flat_map(pixel).collect() };
        let file = bitmap.thumbnail(160).unwrap();
        assert!(file.len() < 6_000, "{} bytes", file.len());
        let again = Bitmap::decode(&file).unwrap();
        let squares = bitmap.rgb.iter().zip(&again.rgb).map(|(one, other)| usize::from(one.abs_diff(*other)).pow(2));
        assert!(squares.sum::<usize>() / again.rgb.len() < 30);
    }

    #[test]
    fn shrinking_takes_means() {
        let bitmap = Bitmap { width: 4, height: 1, rgb: vec![0, 0, 0, 100, 100, 100, 50, 50, 50, 150, 150, 150] };
        assert_eq!(bitmap.shrunk(2, 1), [50, 50, 50, 100, 100, 100]);
    }

    #[test]
    fn bytes_that_are_no_picture_are_nothing() {
        for file in [&b""[..], b"<svg onload=alert(1)>", b"\x89PNG\r\n\x1a\nrest", b"\xff\xd8\xff\xe0"] {
            assert!(Bitmap::decode(file).is_none());
        }
        assert_eq!(kind(b"root:x:0:0"), None);
    }
}
