//! Reads a PNG of a stranger into pixels, within limits. See-through pixels are mixed with white.
//! It must not know what is made of them.

use std::io::Cursor;

/// Most pixels along a side.
pub(crate) const LONGEST_SIDE: u32 = 4096;
/// Most memory for the decoder.
const LARGEST_PICTURE: usize = 4 * (LONGEST_SIDE as usize).pow(2);

/// Why bytes are no picture that the sandbox reads.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("the picture has sides over {LONGEST_SIDE} pixels")]
    TooWide,
    #[error("the picture is not a PNG that the sandbox reads: {0}")]
    Decode(String),
}

impl From<png::DecodingError> for Unreadable {
    fn from(error: png::DecodingError) -> Self {
        Self::Decode(error.to_string())
    }
}

/// Pixels in rows from the top, sRGB.
#[derive(Debug)]
pub(crate) struct Pixels {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) colours: Vec<[u8; 3]>,
}

impl Pixels {
    /// Decodes a PNG file.
    pub(crate) fn decode(file: &[u8]) -> Result<Self, Unreadable> {
        let limits = png::Limits { bytes: LARGEST_PICTURE };
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), limits);
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let (width, height) = (reader.info().width, reader.info().height);
        if width > LONGEST_SIDE || height > LONGEST_SIDE {
            return Err(Unreadable::TooWide);
        }
        let mut data = vec![0; reader.output_buffer_size().ok_or(Unreadable::TooWide)?];
        let frame = reader.next_frame(&mut data)?;
        data.truncate(frame.buffer_size());
        let colours = data.chunks_exact(frame.color_type.samples()).map(|pixel| match *pixel {
            [gray] => [gray; 3],
            [gray, alpha] => [gray; 3].map(|channel| over_white(channel, alpha)),
            [red, green, blue, alpha] => [red, green, blue].map(|channel| over_white(channel, alpha)),
            _ => [pixel[0], pixel[1], pixel[2]],
        });
        Ok(Self { width: width as usize, height: height as usize, colours: colours.collect() })
    }

    /// The colour of a pixel.
    pub(crate) fn colour(&self, x: usize, y: usize) -> [u8; 3] {
        self.colours[y * self.width + x]
    }
}

fn over_white(channel: u8, alpha: u8) -> u8 {
    let mixed = u16::from(channel) * u16::from(alpha) + 255 * u16::from(255 - alpha);
    u8::try_from(mixed / 255).expect("a mean of two bytes")
}
