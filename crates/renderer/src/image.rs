//! Pixels: from the page's run-length words to RGBA rows, tiles into a grid, PNG in and out.
//! Plain functions over bytes; sizes that come from outside are checked before memory is taken.

use std::io::Cursor;

/// Largest width and height that is drawn or read.
pub const LARGEST_SIZE: u32 = 4096;
/// Bytes of one RGBA pixel.
const PIXEL: usize = 4;

/// A picture of 8-bit RGBA pixels, not premultiplied, top row first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

/// Bytes that are not the picture they claim to be.
#[derive(Debug, thiserror::Error)]
pub enum InvalidImage {
    /// Run-length words that end early, run over, or have no whole number of words.
    #[error("the pixels do not add up to {size} by {size}")]
    Runs {
        /// Expected width and height.
        size: u32,
    },
    /// Not a PNG that can be read.
    #[error("not a readable PNG")]
    Png(#[source] png::DecodingError),
    /// A PNG of a size or kind nobody asked for.
    #[error("a PNG of {width} by {height} where {LARGEST_SIZE} is the largest")]
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
}

impl Image {
    /// A picture of one colour.
    pub fn filled(width: u32, height: u32, colour: [u8; PIXEL]) -> Self {
        let pixels = colour.repeat(width as usize * height as usize);
        Self { width, height, pixels }
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// RGBA bytes, top row first.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// A square picture from the page's words: a count with its top bit set and one pixel to repeat, or a count and
    /// that many pixels. The page has the bottom row first, and colours multiplied by alpha.
    pub(crate) fn from_runs(words: &[u8], size: u32) -> Result<Self, InvalidImage> {
        const REPEAT: u32 = 1 << 31;
        let invalid = || InvalidImage::Runs { size };
        let row = size as usize * PIXEL;
        let expected = row * size as usize;
        let mut rising = Vec::with_capacity(expected);
        let mut rest = words;
        while let Some((head, tail)) = rest.split_first_chunk::<PIXEL>() {
            let head = u32::from_le_bytes(*head);
            let count = (head & !REPEAT) as usize;
            if count == 0 || count > (expected - rising.len()) / PIXEL {
                return Err(invalid());
            }
            rest = if head & REPEAT == 0 {
                let (literal, tail) = tail.split_at_checked(count * PIXEL).ok_or_else(invalid)?;
                rising.extend_from_slice(literal);
                tail
            } else {
                let (pixel, tail) = tail.split_first_chunk::<PIXEL>().ok_or_else(invalid)?;
                let filled = rising.len() + count * PIXEL;
                rising.resize(filled, 0);
                for place in rising[filled - count * PIXEL..].chunks_exact_mut(PIXEL) {
                    place.copy_from_slice(pixel);
                }
                tail
            };
        }
        if !rest.is_empty() || rising.len() != expected {
            return Err(invalid());
        }
        let mut pixels = Vec::with_capacity(expected);
        for line in rising.chunks_exact(row).rev() {
            pixels.extend_from_slice(line);
        }
        pixels.as_chunks_mut::<PIXEL>().0.iter_mut().filter(|pixel| pixel[3] != 255).for_each(divide_by_alpha);
        Ok(Self { width: size, height: size, pixels })
    }

    /// Reads a PNG of any colour type as 8-bit RGBA.
    pub fn from_png(bytes: &[u8]) -> Result<Self, InvalidImage> {
        let mut decoder = png::Decoder::new(Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
        let mut reader = decoder.read_info().map_err(InvalidImage::Png)?;
        let (width, height) = reader.info().size();
        if width > LARGEST_SIZE || height > LARGEST_SIZE {
            return Err(InvalidImage::TooLarge { width, height });
        }
        let size = reader.output_buffer_size().ok_or(InvalidImage::TooLarge { width, height })?;
        let mut rows = vec![0; size];
        let frame = reader.next_frame(&mut rows).map_err(InvalidImage::Png)?;
        rows.truncate(frame.buffer_size());
        let pixels = match frame.color_type {
            png::ColorType::GrayscaleAlpha => rows.chunks_exact(2).flat_map(|p| [p[0], p[0], p[0], p[1]]).collect(),
            _ => rows,
        };
        Ok(Self { width, height, pixels })
    }

    /// The picture as an 8-bit RGBA PNG.
    pub fn to_png(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.pixels.len() / 8);
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&self.pixels))
            .expect("writing to memory cannot fail, and the pixels fill width times height");
        bytes
    }

    /// The picture so small that its longer side has at most `longest` pixels, each the mean of those it stands for.
    pub(crate) fn shrunk_to(&self, longest: u32) -> Self {
        let side = self.width.max(self.height).max(1);
        if side <= longest {
            return self.clone();
        }
        let scaled = |length: u32| (length as usize * longest as usize).div_ceil(side as usize);
        let (columns, rows) = (scaled(self.width), scaled(self.height));
        let (width, height) = (self.width as usize, self.height as usize);
        let mut pixels = Vec::with_capacity(columns * rows * PIXEL);
        for row in 0..rows {
            let lines = row * height / rows..((row + 1) * height / rows);
            for column in 0..columns {
                let from = column * width / columns * PIXEL;
                let to = (column + 1) * width / columns * PIXEL;
                let mut sums = [0_usize; PIXEL];
                for line in lines.clone() {
                    for pixel in self.pixels[line * width * PIXEL..][from..to].chunks_exact(PIXEL) {
                        for (sum, value) in sums.iter_mut().zip(pixel) {
                            *sum += usize::from(*value);
                        }
                    }
                }
                let count = (lines.len() * (to - from) / PIXEL).max(1);
                pixels.extend(sums.map(|sum| u8::try_from(sum / count).expect("a mean of bytes is a byte")));
            }
        }
        let length = |pixels: usize| u32::try_from(pixels).expect("smaller than before");
        Self { width: length(columns), height: length(rows), pixels }
    }

    /// Copies `tile` so that its upper left corner is at (`left`, `top`); what hangs over is left out.
    pub(crate) fn paste(&mut self, tile: &Self, left: u32, top: u32) {
        let columns = tile.width.min(self.width.saturating_sub(left)) as usize * PIXEL;
        let rows = tile.height.min(self.height.saturating_sub(top)) as usize;
        let start = (top as usize * self.width as usize + left as usize) * PIXEL;
        let (ours, theirs) = (self.width as usize * PIXEL, tile.width as usize * PIXEL);
        for row in 0..rows {
            let target = start + row * ours;
            self.pixels[target..target + columns].copy_from_slice(&tile.pixels[row * theirs..][..columns]);
        }
    }
}

/// Undoes the multiplication by alpha as `canvas.toDataURL` does, measured to the last bit with Chromium 156: in single
/// precision, halves rounded up, nothing brighter than white.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0.5 to 255.5, and cut on purpose")]
fn divide_by_alpha(pixel: &mut [u8; PIXEL]) {
    let part = |byte: u8| f32::from(byte) * (1.0 / 255.0);
    let [colours @ .., alpha] = pixel;
    for colour in colours {
        *colour = if *alpha == 0 { 0 } else { ((part(*colour) / part(*alpha)).min(1.0) * 255.0 + 0.5) as u8 };
    }
}

/// Puts equal square tiles row by row into the smallest square of columns, an opaque black gap between them.
///
/// # Panics
/// When there is no tile.
pub fn grid(tiles: &[Image], gap: u32) -> Image {
    let count = u32::try_from(tiles.len()).expect("a grid has few tiles");
    let columns = count.isqrt() + u32::from(count.isqrt().pow(2) < count);
    let rows = count.div_ceil(columns);
    let tile = tiles[0].width();
    let side = |count: u32| count * tile + (count - 1) * gap;
    let mut whole = Image::filled(side(columns), side(rows), [0, 0, 0, 255]);
    for (tile_image, place) in tiles.iter().zip(0..) {
        whole.paste(tile_image, (place % columns) * (tile + gap), (place / columns) * (tile + gap));
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn runs_and_literals_become_rows_from_the_top() {
        // Bottom row: two of 1; top row: 2, 3.
        let opaque = |shade: u32| shade | 0xff00_0000;
        let rising = [(1 << 31) | 2, opaque(1), 2, opaque(2), opaque(3)];
        let image = Image::from_runs(&words(&rising), 2).expect("four pixels");
        assert_eq!(image.pixels(), words(&[2, 3, 1, 1].map(opaque)));
    }

    #[test]
    fn runs_that_do_not_add_up_are_refused() {
        for wrong in [
            &[(1 << 31) | 3, 1][..],   // too few
            &[(1 << 31) | 5, 1],       // too many
            &[u32::MAX, 1],            // far too many
            &[(1 << 31) | 4],          // no pixel
            &[4, 1, 2, 3],             // literal cut short
            &[(1 << 31) | 4, 1, 0],    // nothing after the end
            &[(1 << 31) | 4, 1, 1, 1], // more after the end
            &[],
        ] {
            assert!(Image::from_runs(&words(wrong), 2).is_err(), "{wrong:?}");
        }
        assert!(Image::from_runs(&[1, 2, 3], 2).is_err());
    }

    #[test]
    fn colours_are_divided_by_alpha_as_the_browser_does() {
        // Colour, alpha, and what toDataURL made of them: cases in which other ways of rounding differ.
        for (colour, alpha, expected) in [
            (20, 136, 37),
            (36, 216, 42),
            (4, 120, 8),
            (44, 136, 82),
            (160, 192, 212),
            (180, 216, 213),
            (232, 240, 247),
            (28, 136, 53),
            (68, 120, 145),
            (52, 120, 111),
            (200, 100, 255),
            (0, 0, 0),
        ] {
            let pixel = u32::from_le_bytes([colour, colour, colour, alpha]);
            let image = Image::from_runs(&words(&[1, pixel]), 1).expect("one pixel");
            assert_eq!(image.pixels(), [expected, expected, expected, alpha], "{colour} of {alpha}");
        }
    }

    #[test]
    fn a_png_comes_back_as_it_went() {
        let mut image = Image::filled(3, 2, [1, 2, 3, 4]);
        image.paste(&Image::filled(1, 1, [9, 8, 7, 255]), 2, 1);
        assert_eq!(Image::from_png(&image.to_png()).expect("our own PNG"), image);
        assert!(Image::from_png(b"\x89PNG\r\n\x1a\n").is_err());
    }

    #[test]
    fn a_grid_is_square_with_black_between() {
        let tiles: Vec<_> = (1..=3).map(|shade| Image::filled(2, 2, [shade, 0, 0, 255])).collect();
        let whole = grid(&tiles, 1);
        assert_eq!((whole.width(), whole.height()), (5, 5));
        let red: Vec<u8> = whole.pixels().iter().step_by(4).copied().collect();
        assert_eq!(red, [1, 1, 0, 2, 2, 1, 1, 0, 2, 2, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 3, 3, 0, 0, 0]);
        assert_eq!(grid(&tiles[..1], 5).width(), 2);
    }
}
