//! Fetches prompt pictures and decodes them, within limits: whoever wrote the address may mean harm.
//! It hands out pixels and must not know what is made of them.

use std::io::Cursor;
use std::time::Duration;

use bytes::Bytes;
use gen404_outside::http::{BodyError, RequestError, read_at_most};
use reqwest::redirect::Policy;

/// Most bytes of a picture file.
const LARGEST_FILE: usize = 16 << 20;
/// Most pixels along a side.
const LONGEST_SIDE: u32 = 4096;
/// Most times a picture may be somewhere else.
const MOST_REDIRECTS: usize = 3;
/// Time for one picture.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a picture cannot be used; goes into `_failed.json`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PictureError {
    #[error("the picture could not be fetched: {0}")]
    Fetch(#[from] RequestError),
    #[error("the picture's address is not http or https")]
    Address,
    #[error("the picture has more than {LARGEST_FILE} bytes")]
    TooLarge,
    #[error("the picture has sides over {LONGEST_SIDE} pixels")]
    TooWide,
    #[error("the picture is not a PNG that this sample reads: {0}")]
    Decode(#[from] png::DecodingError),
}

/// Fetches pictures.
#[derive(Debug, Clone)]
pub(crate) struct PictureClient(reqwest::Client);

/// A picture file as it came.
pub(crate) struct PictureFile(Bytes);

/// Pixels in rows from the top, sRGB. See-through pixels are mixed with white.
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<[u8; 3]>,
}

impl PictureClient {
    pub(crate) fn new() -> reqwest::Result<Self> {
        // Picture hosts may point elsewhere, and nothing secret is sent to them.
        gen404_outside::http::client().redirect(Policy::limited(MOST_REDIRECTS)).timeout(PATIENCE).build().map(Self)
    }

    pub(crate) async fn fetch(&self, address: &str) -> Result<PictureFile, PictureError> {
        if !address.starts_with("http://") && !address.starts_with("https://") {
            return Err(PictureError::Address);
        }
        let response = self.0.get(address).send().await.and_then(reqwest::Response::error_for_status);
        let response = response.map_err(RequestError::from)?;
        let file = read_at_most(response, LARGEST_FILE).await.map_err(|error| match error {
            BodyError::TooLarge { .. } => PictureError::TooLarge,
            BodyError::BrokeOff(error) => PictureError::Fetch(error),
        })?;
        Ok(PictureFile(file.into()))
    }
}

impl From<Vec<u8>> for PictureFile {
    fn from(file: Vec<u8>) -> Self {
        Self(file.into())
    }
}

impl PictureFile {
    pub(crate) fn decode(&self) -> Result<Picture, PictureError> {
        let mut decoder = png::Decoder::new(Cursor::new(&self.0));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let (width, height) = (reader.info().width, reader.info().height);
        if width > LONGEST_SIDE || height > LONGEST_SIDE {
            return Err(PictureError::TooWide);
        }
        let mut data = vec![0; reader.output_buffer_size().ok_or(PictureError::TooWide)?];
        let frame = reader.next_frame(&mut data)?;
        data.truncate(frame.buffer_size());
        let pixels = data.chunks_exact(frame.color_type.samples()).map(|pixel| match *pixel {
            [gray] => [gray; 3],
            [gray, alpha] => [gray; 3].map(|channel| over_white(channel, alpha)),
            [red, green, blue, alpha] => [red, green, blue].map(|channel| over_white(channel, alpha)),
            _ => [pixel[0], pixel[1], pixel[2]],
        });
        Ok(Picture { width: width as usize, height: height as usize, pixels: pixels.collect() })
    }
}

fn over_white(channel: u8, alpha: u8) -> u8 {
    let mixed = u16::from(channel) * u16::from(alpha) + 255 * u16::from(255 - alpha);
    u8::try_from(mixed / 255).expect("a mean of two bytes")
}
